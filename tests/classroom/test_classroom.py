"""The editions come from the chapters: students get starters and no answers, lecturers get slides that fit."""

import ast
import copy
import re
from pathlib import Path

import pytest
from notebooks_for_tests import CHAPTERS, chapter_id, code, notebook, read_once, text

from resnext_lib import exercises
from tools import classroom, facts, wheel
from tools.classroom import __main__ as editions
from tools.grading.assignment import answer_in
from tools.grading.dependencies import imports_of
from tools.notebooks import execute, read, text_of
from tools.writing import replace_made

SOLUTIONS = [
    pytest.param(path, index, id=f"{path.stem[:2]}-{cell.metadata['exercise']}")
    for path in CHAPTERS
    for index, cell in enumerate(read_once(path).cells)
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
    assert (facts.ROOT / "tools/grading/README.md").is_file()
    (library,) = folder.glob("*.whl")
    assert f"pip install {library.name} jupyterlab" in readme and not wheel.missing_from(library)
    rows = [line for line in readme.split("\n") if line.startswith("| 0") or line.startswith("| 1")]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [path.stem for path in CHAPTERS]
