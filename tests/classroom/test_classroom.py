"""The editions come from the chapters: students get starters and no answers, lecturers get slides that fit."""

import ast
import copy
import re
from pathlib import Path

import pytest
from notebooks_for_tests import CHAPTERS, chapter_id, code, notebook, text

from resnext_lib import exercises
from resnext_lib.complexity import width_for_budget
from tools import classroom, contract, wheel
from tools.classroom import __main__ as editions
from tools.classroom import slides
from tools.grading.assignment import answer_in
from tools.grading.dependencies import imports_of
from tools.notebooks import execute, read, text_of
from tools.writing import replace_made

SOLUTIONS = [
    pytest.param(path, index, id=f"{path.stem[:2]}-{cell.metadata['exercise']}")
    for path in CHAPTERS
    for index, cell in enumerate(read(path).cells)
    if "exercise" in cell.metadata
]

# ------------------------------------------------------------------ starters

STARTERS = {
    "a function": ("def f(a, b=2):\n    c = a + b\n    return c", "def f(a, b=2):\n    return ...  # your code"),
    "a docstring stays": (
        'def f(a):\n    """Double it."""\n    return 2 * a',
        'def f(a):\n    """Double it."""\n    return ...  # your code',
    ),
    "a signature on two lines": (
        "def f(\n    a, b\n):\n    # first\n\n    return a",
        "def f(\n    a, b\n):\n    return ...  # your code",
    ),
    "all on one line": ("def f(a): return secret(a)", "def f(a):\n    return ...  # your code"),
    "a decorator": ("@cache\ndef f(a):\n    return 1", "@cache\ndef f(a):\n    return ...  # your code"),
    "a number": ("total = 9 * 6", "total = ...  # your code"),
    "several names": ("a, b = 1, 2", "a = ...  # your code\nb = ...  # your code"),
    "imports": (
        "import math\nfrom torch import nn\nsize = math.pi",
        "import math\nfrom torch import nn\nsize = ...  # your code",
    ),
    "other statements": ("for i in range(3):\n    print(i)\nn = 3\nprint(n)", "n = ...  # your code"),
    "a helper and an import": (
        "import math\ndef f():\n    return 1\nx = f()",
        "import math\n\n\ndef f():\n    return ...  # your code\n\n\nx = ...  # your code",
    ),
    "a class": (
        'class K(nn.Module):\n    """A block."""\n    size = 3\n\n    def __init__(self, n):\n        super().__init__()\n        self.n = n\n\n'
        "    def forward(self, x):\n        y = self.n(x)\n        return y",
        'class K(nn.Module):\n    """A block."""\n    def __init__(self, n):\n        super().__init__()\n        # your code\n\n'
        "    def forward(self, x):\n        return ...  # your code",
    ),
    "a call of super that is the answer": (
        "class K(Base):\n    def __init__(self, n):\n        super().__init__(n, 2 * n)",
        "class K(Base):\n    def __init__(self, n):\n        ...  # your code",
    ),
    "a class without methods": ("class K(Base):\n    size = 3", "class K(Base):\n    ...  # your code"),
}


@pytest.mark.parametrize("kind", STARTERS)
def test_starter(kind):
    source, expected = STARTERS[kind]
    made = classroom.starter(source)
    assert made == expected
    ast.parse(made)
    assert classroom.starter(made) == made


@pytest.mark.parametrize(("path", "index"), SOLUTIONS)
def test_a_starter_runs_and_its_check_answers_with_the_hint(path, index):
    made = read(path)
    name = made.cells[index].metadata["exercise"]
    namespace = {}
    exec("\n".join(imports_of([c for c in made.cells[2:index] if c.cell_type == "code"])), namespace)
    exec(classroom.starter(made.cells[index].source), namespace)
    answer = eval(answer_in(made.cells[index + 1].source, name), namespace)
    check = getattr(exercises, name)
    assert repr(check(answer)) == f"not yet: replace the ... by your answer. Hint: {' '.join(check.hint.split())}"


@pytest.mark.parametrize(
    "answer", [lambda x: x[...], lambda x: (x, ...), lambda *_: None, max, type("K", (), {"forward": lambda self, x: x})]
)
def test_an_answer_of_one_s_own_is_no_starter(answer):
    assert "Hint" not in repr(exercises.groups_from_count(answer))


# ------------------------------------------------------------------ the student edition


@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_no_solution_leaks(path):
    source = read(path)
    made = classroom.student(source)
    everything = text_of(made)
    for index, cell in enumerate(source.cells):
        if "exercise" not in cell.metadata:
            continue
        others = "\n".join(c.source for i, c in enumerate(source.cells) if i != index)
        own = [line.strip() for line in cell.source.split("\n") if line.strip() and line.strip() not in others]
        secret = [
            line
            for line in own
            if not line.startswith(("def ", "class ", "import ", "from ", "super().__init__()", ")", "]"))
        ]
        assert secret, f"{cell.metadata['exercise']}: nothing to hide"
        kept = made.cells[index].source.split("\n")
        assert not [line for line in secret if any(line == k.strip() for k in kept)]
        assert not [line for line in secret if len(line) > 20 and line.replace('"', '\\"') in everything]


def commands_of(readme, system):
    """The lines to type on a system."""
    return re.search(rf"^{system}\b.*?\n```\n(.*?)\n```", readme, re.MULTILINE | re.DOTALL)[1].split("\n")


def test_fault_30_linux_students_get_the_cpu_wheel_before_anything_asks_for_torch(folder):
    """Without it, the library's wheel brought torch with its CUDA packages."""
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for system in ("Linux", "macOS", "Windows"):
        environment, torch_first, library = commands_of(readme, system)
        assert (
            "-m venv .venv" in environment
            and "pip install torch torchvision" in torch_first
            and ".whl jupyterlab" in library
        )
        assert ("--index-url https://download.pytorch.org/whl/cpu" in torch_first) == (system == "Linux")
        assert ("Scripts\\pip" in torch_first) == ("Scripts\\pip" in library) == (system == "Windows")


@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_fault_15_a_check_is_folded_for_readers_and_open_for_students(path):
    source = read(path)
    made = classroom.student(source)
    checks = [i + 1 for i, cell in enumerate(source.cells) if "exercise" in cell.metadata]
    assert checks
    for index in checks:
        assert "hide-cell" in source.cells[index].metadata["tags"]
        assert not {"tags", "jupyter", "cellView", "mystnb"} & set(made.cells[index].metadata)


@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_only_answers_are_taken_away(path):
    source = read(path)
    made = classroom.student(copy.deepcopy(source))
    quiz = next(i for i, cell in enumerate(source.cells) if "## Quiz" in cell.source.split("\n"))
    for index, (before, after) in enumerate(zip(source.cells, made.cells, strict=True)):
        assert not {"slide", "slideshow"} & set(after.metadata), "speaker notes are the teacher's"
        if "exercise" in before.metadata:
            assert after.metadata["exercise"] == before.metadata["exercise"]
            assert not {"tags", "jupyter", "cellView"} & set(after.metadata), "a starter is not folded"
        else:
            assert after.source == before.source
        if before.cell_type == "code" and index < quiz:
            assert after.outputs == before.outputs
        if after.cell_type == "code" and index > quiz:
            assert after.outputs == [] and after.execution_count is None
    assert source == read(path), "the chapter itself is not touched"
    assert classroom.student(made) == made


def test_outputs_go_from_the_quiz_on():
    made = classroom.student(
        notebook(
            text("# C"),
            code("1", result="1"),
            text("## Quiz\n\n**1. Which?**"),
            code("key", printed="b"),
            text("## Exercises"),
            code("a = 1", exercise="groups_from_count", tags=["hide-input"]),
            code("exercises.groups_from_count(a)", result="correct: one"),
        )
    )
    assert [bool(c.outputs) for c in made.cells if c.cell_type == "code"] == [True, False, False, False]


@pytest.mark.slow
@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_the_student_edition_runs_to_the_end(path, tmp_path):
    made = execute(classroom.student(read(path)), tmp_path)
    verdicts = []
    for cell, after in zip(made.cells, made.cells[1:], strict=False):
        if "exercise" in cell.metadata:
            verdicts.append(after.outputs[0].data["text/plain"])
    assert len(verdicts) >= 3
    assert all(line.startswith("not yet: replace the ... by your answer. Hint:") for line in verdicts)
    assert not [
        o
        for c in made.cells
        if c.cell_type == "code"
        for o in c.outputs
        if o.output_type == "error" or o.get("name") == "stderr"
    ]


# ------------------------------------------------------------------ the folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("classroom")
    replace_made(made, {"slides/old.html": "a chapter that there is no longer"})
    for name in ("slides/mine.html", "student/mine.ipynb", "grading/kept.txt"):
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text("mine", encoding="utf-8")
    editions.main(["--folder", str(made)])
    return made


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_chapter_is_in_the_folder_and_again_changes_nothing(folder):
    first = contents(folder)
    names = {path.name for path in CHAPTERS}
    assert {name.split("/")[1] for name in first if name.startswith("student/")} == {*names, "mine.ipynb"}
    for path in CHAPTERS:
        assert first[f"solution/{path.name}"] == path.read_bytes()
        assert first[f"student/{path.name}"].decode() == text_of(classroom.student(read(path)))
    assert "slides/old.html" not in first
    assert all(first[name] == b"mine" for name in ("slides/mine.html", "student/mine.ipynb", "grading/kept.txt"))
    editions.main(["--folder", str(folder)])
    assert contents(folder) == first


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """The command with one chapter and a wheel that is made at once."""

    def build_in(place):
        made = Path(place, "resnext_book-0.1.0-py3-none-any.whl")
        made.write_bytes(b"the library")
        return made

    monkeypatch.setattr(editions.wheel, "build_in", build_in)
    monkeypatch.setattr(editions, "chapters_in", lambda folders: CHAPTERS[:1])
    return tmp_path / "course"


def test_P2_a_course_that_lies_in_the_folder_is_not_deleted(quick):
    """The folders were removed whole, with whatever a teacher kept in them."""
    hand_ins = ["student/wang/week3.ipynb", "solution/my own.ipynb", "slides/monday.html", "README.txt"]
    for name in hand_ins:
        (quick / name).parent.mkdir(parents=True, exist_ok=True)
        (quick / name).write_text("a term's work", encoding="utf-8")
    editions.main(["--folder", str(quick)])
    editions.main(["--folder", str(quick)])
    assert all((quick / name).read_text(encoding="utf-8") == "a term's work" for name in hand_ins)
    assert (quick / "student" / CHAPTERS[0].name).is_file()


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        f"student/{CHAPTERS[0].name}",
        f"solution/{CHAPTERS[0].name}",
        f"slides/{CHAPTERS[0].stem}.html",
        "resnext_book-0.1.0-py3-none-any.whl",
    ],
)
@pytest.mark.parametrize("made_before", [True, False])
def test_P2_a_file_that_somebody_wrote_or_changed_is_named_and_nothing_is_touched(quick, name, made_before):
    if made_before:
        editions.main(["--folder", str(quick)])
    (quick / name).parent.mkdir(parents=True, exist_ok=True)
    (quick / name).write_text("mine", encoding="utf-8")
    before = contents(quick)
    with pytest.raises(SystemExit, match=f"(?s)would be lost:\n  .*{re.escape(name)}\nNothing was written"):
        editions.main(["--folder", str(quick)])
    assert contents(quick) == before


def test_the_readme_says_what_each_thing_is(folder):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for name in ("student/", "solution/", "slides/", "tools/grading/README.md"):
        assert name in readme
    assert (contract.ROOT / "tools/grading/README.md").is_file()
    (library,) = folder.glob("*.whl")
    assert f"pip install {library.name} jupyterlab" in readme and not wheel.missing_from(library)
    rows = [line for line in readme.split("\n") if line.startswith("| 0") or line.startswith("| 1")]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [path.stem for path in CHAPTERS]


# ------------------------------------------------------------------ slides

MARKED = [path for path in CHAPTERS if any(map(slides.is_slide, read(path).cells))]
PROMISED = {"01", "02", "03", "04", "05", "06", "07", "09"}


def marked_cells(path):
    return [cell for cell in read(path).cells if slides.slide_type(cell) != "skip"]


def title(cell):
    return cell.metadata["slide"]["text"].split("\n")[0]


def test_the_promised_chapters_have_slides():
    assert PROMISED <= {path.stem[:2] for path in MARKED}


@pytest.mark.parametrize("path", MARKED, ids=chapter_id)
def test_slides_are_few_and_have_titles_of_their_own(path):
    cells = [cell for cell in marked_cells(path) if slides.is_slide(cell)]
    assert 12 <= len(cells) <= 25
    titles = [title(cell) for cell in cells]
    assert titles[0].startswith("# ") and all(t.startswith("## ") for t in titles[1:])
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("path", MARKED, ids=chapter_id)
def test_every_slide_has_notes(path):
    """What to say, what to ask, what to expect, and the minutes."""
    for cell in filter(slides.is_slide, marked_cells(path)):
        notes = cell.metadata["slide"]["notes"]
        assert re.fullmatch(r"Say: .+\nAsk: .+\nExpect: .+\n\d+ minutes?\.", notes), title(cell)
    assert 40 <= slides.minutes(read(path)) <= 75


VOTE = re.compile(r"\bvote\b|let the class|before the key press|before you show|dimension 0 or 1", re.IGNORECASE)


def answers_its_question(cell):
    """Whether a slide's output answers what is asked: its title is a question, or the notes call for a guess."""
    asked = title(cell).endswith("?") and cell.outputs or VOTE.search(cell.metadata["slide"]["notes"])
    return bool(cell.cell_type == "code" and asked and "explorers." not in cell.source)


@pytest.mark.parametrize("path", MARKED, ids=chapter_id)
def test_fault_25_what_answers_a_slides_question_waits_for_a_key(path):
    slides_of = [cell for cell in marked_cells(path) if slides.is_slide(cell)]
    shown_at_once = [
        title(cell) for cell in slides_of if answers_its_question(cell) and not cell.metadata["slide"].get("reveal")
    ]
    assert not shown_at_once


def test_fault_25_what_the_lesson_plans_ask_waits_for_a_key():
    """The questions that a lesson plan puts before a slide, and the slides that answer them."""
    asked = {
        "05": [
            "Step 4: count",
            "From C and the budget to d",
            "A limit",
            "What is split?",
            "Two rules, and what 32x4d means",
        ],
        "04": ["Each output reads part of the input", "Measured, not drawn", "What it costs"],
        "06": ["The map from A to B"],
        "07": ["Two keywords", "The 4 that is a 2", "The usual mistakes and their fingerprints"],
        "03": ["Deeper got worse", "The bottleneck"],
    }
    for number, titles in asked.items():
        (path,) = [path for path in MARKED if path.stem.startswith(number)]
        wishes = {title(cell).lstrip("# "): cell.metadata["slide"] for cell in marked_cells(path) if slides.is_slide(cell)}
        assert all(wishes[name].get("reveal") for name in titles), number


def test_fault_25_no_slide_before_a_vote_shows_what_it_asks():
    """Step 3 draws 32 paths of width 4, so the vote of step 4 is about another number of paths, which no slide has shown."""
    (path,) = [path for path in MARKED if path.stem.startswith("05")]
    cells = [cell for cell in marked_cells(path) if slides.is_slide(cell)]
    vote = next(i for i, cell in enumerate(cells) if "Vote:" in cell.metadata["slide"]["notes"])
    paths, width = re.search(
        r"Ask: (\d+) paths.*?Expect: .* It is (\d+)\.", cells[vote].metadata["slide"]["notes"], re.DOTALL
    ).groups()
    assert int(width) == width_for_budget(int(paths))
    before = "\n".join(
        title(cell) + contract.outputs_text(cell) + cell.metadata["slide"]["text"]
        for cell in cells[:vote]
        if cell.cell_type == "code"
    )
    assert not re.search(rf"\b{paths} paths|\b{width}\b", before)
    after = contract.outputs_text(cells[vote + 1])
    assert re.search(rf"C= *{paths}:.*take {width}\b", after), "the next slide decides"


@pytest.mark.parametrize("path", MARKED, ids=chapter_id)
def test_no_orphan_number_on_a_slide(path):
    source = read(path)
    shown = contract.published_numbers()
    for cell in contract.code_cells(source):
        shown |= contract.numbers_in(contract.outputs_text(cell))
    for cell in marked_cells(path):
        wish = cell.metadata["slide"]
        assert contract.numbers_in(wish["text"] + wish["notes"]) <= shown, title(cell)


@pytest.mark.parametrize("path", MARKED, ids=chapter_id)
def test_slides_need_no_network_and_no_script_for_formulas(path):
    page = slides.slides(read(path), path.stem)
    outside = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import""", outside)
    formulas = sum(len(re.findall(r"\$\$?[^$]+\$\$?", cell.metadata["slide"]["text"])) for cell in marked_cells(path))
    assert outside.count('class="katex"') == formulas
    assert page.count("<section><section>") == sum(map(slides.is_slide, read(path).cells))


def deck(*marked):
    """The page of a small notebook whose code cells carry these ``slide`` dictionaries."""
    cells = [code("secret = 1", printed="shown", slideshow={"slide_type": "slide"}, slide=wish) for wish in marked]
    page = slides.slides(notebook(text("# Not marked"), *cells), "small")
    return re.search(r'<div class="slides">(.*)</div></div>', page, re.DOTALL)[1]


def test_only_marked_cells_and_only_what_is_asked_for():
    page = deck({"text": "## One"}, {"text": "## Two", "code": True})
    first, second = page.split("<section><section>")[1:]
    assert "shown" in first and "secret" not in first and "Not marked" not in page
    assert "secret" in second and "shown" in second


def test_notes_stay_outside_of_what_is_revealed():
    """Inside, the speaker would see them only after the key press."""
    page = deck({"text": "## One", "notes": "Say: it.", "reveal": True})
    assert page.index("Say: it.") < page.index('<div class="fragment">') < page.index("shown")
    assert '<aside class="notes">' in page


def test_fault_25_shown_code_stands_before_the_key_press_and_code_that_answers_behind_it():
    page = deck({"text": "## One", "code": True, "reveal": True})
    assert page.index("secret") < page.index('<div class="fragment">') < page.index("shown") and page.count("secret") == 1
    cell = code("secret = 1", slideshow={"slide_type": "slide"}, slide={"text": "## One", "code": True, "reveal": True})
    silent = slides.slides(notebook(cell), "small").split('<div class="slides">')[1]
    assert silent.index('<div class="fragment">') < silent.index("secret")


def test_without_a_marked_cell_there_is_no_deck():
    with pytest.raises(ValueError, match="no cell of 'plain' is marked as a slide: set slideshow.slide_type"):
        slides.slides(notebook(text("# C"), code("1")), "plain")


@pytest.mark.parametrize(("lines", "size"), [(["x"], 30), (["x" * 88], 20), (["x"] * 20, 17), (["x"] * 60, 16)])
def test_type_grows_to_fill_the_slide(lines, size):
    assert slides.type_size("\n".join(lines)) == size


def test_a_tall_figure_is_cut_into_panels_of_one_scale():
    figure = (
        '<figure><img alt="Two boxes, one above." src="data:image/svg+xml,%3Csvg viewBox=%220 0 360 100%22/%3E"></figure>'
    )
    made = slides.panels(figure, [0.3])
    assert re.findall(r'class="(panel[^"]*)"', made) == ["panels", "panel", "panel fragment"]
    assert re.findall(r'<svg viewBox="([^"]*)"', made) == ["0 0 360.0 70.0"] * 2
    assert re.findall(r'height="[^"]*" viewBox="([^"]*)"', made) == ["0 0.0 360.0 30.0", "0 30.0 360.0 70.0"]
    assert made.count('aria-label="Two boxes, one above."') == 2


# ------------------------------------------------------------------ slides in a browser

OVERFLOW = """() => {
  const slide = Reveal.getCurrentSlide(), bad = [];
  for (const e of slide.querySelectorAll('*')) {
    if (e.closest('aside, .katex, .panel svg *')) continue;
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const name = `${slide.innerText.slice(0, 30)}: ${e.tagName}.${e.className}`;
    if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight) bad.push(name + ' leaves the slide');
    if (e instanceof HTMLElement && getComputedStyle(e).display != 'inline' && e.scrollWidth > e.clientWidth + 1) bad.push(name + ' is cut off');
    if (e.matches('p, li, td, pre') && parseFloat(getComputedStyle(e).fontSize) < 16) bad.push(name + ' is too small to read');
    if (e.matches('.explorer text') && parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a < 14) bad.push(name + ' is too small to read');
    // A label of a figure has 12 pixels; it needs at least 15.
    const scale = e.matches('img') ? Math.min(e.clientWidth / e.naturalWidth, e.clientHeight / e.naturalHeight)
      : e.matches('.panel > svg') ? 0.75 * e.getScreenCTM().a : 9;
    if (scale < 1.28) bad.push(name + ' is too small to read');
  }
  return bad; }"""


@pytest.fixture(scope="module")
def page(browser):
    made = browser.new_page(viewport=dict(zip(("width", "height"), slides.SIZE, strict=True)))
    made.problems = []
    made.on("pageerror", lambda error: made.problems.append(str(error)))
    made.on("request", lambda request: made.problems.append(request.url) if request.url.startswith("http") else None)
    yield made
    made.close()


def open_deck(page, path):
    page.goto(path.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")


def problems_of(page):
    """Every slide with all its pieces shown: what leaves it, is cut off or too small."""
    found = []
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({number}); while (Reveal.availableFragments().next) Reveal.nextFragment()")
        page.evaluate("() => new Promise(requestAnimationFrame)")
        found += page.evaluate(OVERFLOW)
    return found


@pytest.mark.parametrize("path", MARKED, ids=chapter_id)
def test_every_slide_fits_and_can_be_read_from_the_last_row(path, folder, page):
    open_deck(page, folder / "slides" / f"{path.stem}.html")
    assert problems_of(page) == []
    assert page.problems == []


# What a class can see of a slide before the next key press.
ON_THE_SLIDE = """() => [...Reveal.getCurrentSlide().querySelectorAll('.printed, .picture, .code')].filter(e => e.checkVisibility({visibilityProperty: true}))
    .map(e => e.className + ': ' + (e.innerText || e.querySelector('img, svg').outerHTML.slice(0, 80)))"""


@pytest.mark.parametrize("path", MARKED, ids=chapter_id)
def test_fault_25_the_class_sees_the_answer_after_the_key_press(path, folder, page):
    open_deck(page, folder / "slides" / f"{path.stem}.html")
    cells = [cell for cell in marked_cells(path) if slides.is_slide(cell)]
    for number, cell in enumerate(cells):
        wish = cell.metadata["slide"]
        if cell.cell_type != "code" or not wish.get("reveal"):
            continue
        page.evaluate(f"Reveal.slide({number})")
        before = page.evaluate(ON_THE_SLIDE)
        assert not [seen for seen in before if not seen.startswith("code")], title(cell)
        assert len(before) == bool(wish.get("code") and cell.outputs), title(cell)
        page.evaluate("while (Reveal.availableFragments().next) Reveal.nextFragment()")
        assert len(page.evaluate(ON_THE_SLIDE)) > len(before), title(cell)


def test_fault_15_an_explorer_on_a_slide_shows_nothing_before_the_answer_and_fits_after_it(folder, page):
    found = 0
    for path in MARKED:
        open_deck(page, folder / "slides" / f"{path.stem}.html")
        for number, cell in enumerate(cell for cell in marked_cells(path) if slides.is_slide(cell)):
            if "explorers." not in cell.source:
                continue
            found += 1
            page.evaluate(f"Reveal.slide({number})")
            figure = page.locator("section.present .explorer")
            assert '"revealed":false' in figure.get_attribute("data-state")
            seen = figure.inner_text() + " ".join(figure.locator("svg text").all_text_contents())
            assert not re.search(r"=|≠|\d of 16\b|70,144|136|only redraws", seen), title(cell)
            figure.locator("input[name=prediction]").first.check()
            figure.get_by_role("button", name="Check").click()
            assert '"revealed":true' in figure.get_attribute("data-state")
            page.wait_for_function(
                "!document.querySelector('section.present .explorer').getAnimations({subtree: true}).length"
            )
            assert page.evaluate(OVERFLOW) == [], title(cell)
    assert found >= 2


def test_what_does_not_fit_is_found(page, tmp_path):
    lines = "\n".join(["y" * 20] * 60)
    cells = [
        code("1", printed=printed, slideshow={"slide_type": "slide"}, slide={"text": "## T"})
        for printed in (lines, "x" * 200)
    ]
    path = tmp_path / "wrong.html"
    path.write_text(slides.slides(notebook(*cells), "wrong"), encoding="utf-8")
    open_deck(page, path)
    assert {problem.rsplit(" ", 3)[-1] for problem in problems_of(page)} == {"slide", "off"}


def test_scripts_in_outputs_are_live_and_the_speaker_sees_the_notes(page, tmp_path):
    cell = code("1", slideshow={"slide_type": "slide"}, slide={"text": "## Live", "notes": "Say: look.", "reveal": True})
    cell.outputs = copy.deepcopy(code("1", figure="a figure that moves").outputs)
    cell.outputs[0].data["text/html"] = """<figure><input type="range" min="1" max="9" value="2"><output></output><script>
      const root = document.currentScript.closest("figure"), slider = root.querySelector("input");
      slider.oninput = () => { root.querySelector("output").textContent = "C = " + slider.value; };</script></figure>"""
    path = tmp_path / "live.html"
    path.write_text(slides.slides(notebook(cell), "live"), encoding="utf-8")
    open_deck(page, path)
    assert not page.is_visible("input")
    page.keyboard.press("ArrowRight")
    page.focus("input")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("output") == "C = 3"
    page.evaluate("document.activeElement.blur()")
    with page.expect_popup() as speaker:
        page.keyboard.press("s")
    speaker.value.wait_for_function("document.body.innerText.includes('Say: look.')", timeout=10_000)
    speaker.value.close()
