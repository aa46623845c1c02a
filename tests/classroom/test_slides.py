"""Slides come from Markdown and the chapters' stored outputs: read strictly, votes before answers, readable from the last row."""

import copy
import re
from pathlib import Path

import pytest
from notebooks_for_tests import CHAPTERS, code, notebook, text

from resnext_lib.complexity import width_for_budget
from tools import contract, facts, reading
from tools.classroom import decks, slides
from tools.notebooks import read

PATHS = sorted(decks.FOLDER.glob("*.md"))
WRITTEN = {f"{number:02}" for number in range(1, 12)}
of_each_deck = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)

# ------------------------------------------------------------------ reading a deck

NOTES = "Notes:\nSay: a\nAsk: b\nExpect: c\nMinutes: 2"
CELLS = {
    "words": text("text"),
    "sum": code("1 + 1", result="2"),
    "both": code("print(3)", printed="3\n", figure="a figure"),
    "silent": code("x = 1"),
    "long": code("x = 1\n" * 30),
}


def parse(*parts, cells=CELLS):
    return decks.parse("\n\n---\n\n".join(parts) + "\n", "04_small.md", cells)


def test_a_slide_has_title_text_cell_answer_and_notes():
    first, second = parse(
        f"# One\n\nA line.\n\nAnother.\n\n{NOTES}",
        f"## Two\n\nShow: both code, then figure\nWhich?\n\nThen: This.\n\n{NOTES}",
    )
    assert (first.title, first.text, first.cell, first.minutes) == ("One", "A line.\n\nAnother.", None, 2)
    assert (second.text, second.first, second.later, second.then) == ("Which?", ("code",), ("figure",), "This.")
    assert second.cell is CELLS["both"] and (second.say, second.ask, second.expect) == ("a", "b", "c")


WRONG = {
    "a cell that is not there": ("## T\n\nShow: sun output\n\n" + NOTES, "no cell 'sun'; its code cells are sum, both"),
    "a text cell": ("## T\n\nShow: words output\n\n" + NOTES, "'words' is a text cell"),
    "no output": ("## T\n\nShow: silent output\n\n" + NOTES, "'silent' has no output"),
    "too much code": ("## T\n\nShow: long code\n\n" + NOTES, "'long' has more than 20 lines"),
    "nothing to show": ("## T\n\nShow: sum\n\n" + NOTES, "'Show: sum' is not understood"),
    "a misspelt kind": ("## T\n\nShow: sum outptu\n\n" + NOTES, "'outptu' is nothing that can be shown"),
    "no notes": ("## T\n\nText.", "there are no notes"),
    "no question": ("## T\n\n" + NOTES.replace("Ask: b\n", ""), "no line 'Ask: ...'"),
    "no minutes": ("## T\n\n" + NOTES.replace("Minutes: 2", ""), "no line 'Minutes: ...'"),
    "minutes in words": ("## T\n\n" + NOTES.replace("2", "two"), "'Minutes: two' is no whole number"),
    "no minutes at all": ("## T\n\n" + NOTES.replace("2", "0"), "'Minutes: 0' is no whole number from 1"),
    "a note of another kind": ("## T\n\n" + NOTES + "\nHint: d", "'Hint: d' in the notes is none of Say, Ask"),
    "no title": ("Text.\n\n" + NOTES, "the first line is no title"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_slide_is_named_with_file_slide_and_line(kind):
    part, message = WRONG[kind]
    name = "slide 'T'" if part.startswith("#") else "a slide"
    with pytest.raises(decks.DeckError) as caught:
        parse(f"# One\n\n{NOTES}", part)
    assert str(caught.value).startswith(f"04_small.md, {name}, line 11: ") and message in str(caught.value)


@pytest.mark.parametrize(
    "parts, message",
    [
        ([f"## One\n\n{NOTES}"], "slide 'One': '# Title' is for the first slide"),
        ([f"# One\n\n{NOTES}", f"# Two\n\n{NOTES}"], "slide 'Two': '# Title' is for the first slide"),
        ([f"# One\n\n{NOTES}", f"## One\n\n{NOTES}"], "slide 'One': the title stands twice"),
    ],
)
def test_titles_of_a_deck_are_of_one_kind_and_different(parts, message):
    with pytest.raises(decks.DeckError, match=re.escape(message)):
        parse(*parts)


def test_a_deck_without_a_chapter_is_named(tmp_path):
    (tmp_path / "04_nothing.md").write_text(f"# One\n\n{NOTES}\n", encoding="utf-8")
    with pytest.raises(decks.DeckError, match="04_nothing.md: there is no chapter 04_nothing.ipynb"):
        decks.deck(tmp_path / "04_nothing.md")


def test_no_notebook_carries_slides():
    """The texts of the slides were once in the metadata of the cells, where nobody could read them."""
    made = notebook(code("1", slideshow={"slide_type": "slide"}), code("2", slide={"text": "## T"}))
    assert len([c for c in contract.lean_metadata(made) if "teaching/slides/" in c]) == 2


# ------------------------------------------------------------------ the decks of the chapters


def test_the_promised_chapters_have_decks():
    assert {path.stem[:2] for path in PATHS} == WRITTEN
    assert {decks.chapter_of(path) for path in PATHS} <= set(CHAPTERS)


@of_each_deck
def test_a_deck_is_short_enough_for_a_lesson(path):
    made = decks.deck(path)
    assert 12 <= len(made) <= 18
    assert 30 <= decks.minutes(made) <= 55 and max(slide.minutes for slide in made) <= 5


@of_each_deck
def test_every_slide_says_asks_and_expects_in_sentences(path):
    for slide in decks.deck(path):
        assert all(note.rstrip('"').endswith((".", "?", ":")) for note in (slide.say, slide.ask, slide.expect)), slide.title
        assert "?" in slide.ask or re.search(r"vote|find|name|collect", slide.ask, re.IGNORECASE), slide.title


VOTE = re.compile(r"\bvote\b|before the key press|writes down", re.IGNORECASE)


def answers_its_question(slide):
    """Whether what a slide shows answers what it asks: it ends in a question, or the notes call for a guess."""
    asked = (slide.text or slide.title).rstrip().endswith("?")
    waits = bool(slide.later or slide.then)
    explorer = slide.cell and "explorers." in slide.cell.source  # it asks and waits by itself
    return not waits and not explorer and bool(asked and slide.cell or VOTE.search(slide.ask) and slide.cell)


@of_each_deck
def test_fault_25_what_answers_a_slides_question_waits_for_a_key(path):
    assert not [slide.title for slide in decks.deck(path)[1:] if answers_its_question(slide)]
    assert sum(bool(slide.later or slide.then) for slide in decks.deck(path)) >= 4


def shown_text(slide):
    """What the class has seen of a slide when it leaves it."""
    cell = reading.outputs_text(slide.cell) if slide.cell and {"output", "figure"} & {*slide.first, *slide.later} else ""
    return "\n".join([slide.title, slide.text, slide.then, cell])


def test_fault_25_no_slide_before_a_vote_shows_what_it_asks():
    """The vote on the width of 8 paths: no slide before it shows 8 paths or that width, and a later one decides."""
    made = decks.deck(decks.FOLDER / "05_the_resnext_block.md")
    vote = next(i for i, slide in enumerate(made) if re.search(r"\d+ paths at the same budget", slide.text))
    paths = int(re.search(r"(\d+) paths at the same budget", made[vote].text)[1])
    width = width_for_budget(paths)
    assert f"{width}" in made[vote].ask
    before = "\n".join(shown_text(slide) for slide in made[:vote])
    assert not re.search(rf"\b{paths} paths|\b{width}\b", before)
    assert any(re.search(rf"^{paths} .*\b{width}\b", shown_text(slide), re.MULTILINE) for slide in made[vote + 1 : vote + 3])


@of_each_deck
def test_no_orphan_number_on_a_slide(path):
    known = facts.published_numbers()
    for cell in reading.code_cells(read(decks.chapter_of(path))):
        known |= reading.numbers_in(reading.outputs_text(cell) + cell.source)
    for slide in decks.deck(path):
        said = "\n".join([slide.text, slide.then, slide.say, slide.ask, slide.expect])
        assert reading.numbers_in(said) <= known, slide.title


# ------------------------------------------------------------------ the page


@of_each_deck
def test_slides_need_no_network_and_no_script_for_formulas(path):
    made = decks.deck(path)
    page = slides.page(made, "A deck")
    outside = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import""", outside)
    formulas = sum(len(re.findall(r"\$\$?[^$]+\$\$?", slide.text + slide.then)) for slide in made)
    assert outside.count('class="katex"') == formulas
    assert outside.count("<section ") == len(made)
    assert len(set(re.findall(r'<section id="([^"]+)"', outside))) == len(made)


def one(part, **options):
    return slides.section(parse(f"# {part}\n\n{NOTES}")[0], **options)


def test_only_what_is_asked_for_is_shown():
    assert "1 + 1" not in one("T\n\nShow: sum output") and "<pre>2</pre>" in one("T\n\nShow: sum output")
    assert "highlight" in one("T\n\nShow: sum code") and "<pre>2</pre>" not in one("T\n\nShow: sum code")
    assert "<pre>3" not in one("T\n\nShow: both figure") and "<figure" in one("T\n\nShow: both figure")


def test_fault_25_the_answer_waits_and_the_notes_stand_outside_of_it():
    """Inside, the speaker would see them only after the key press."""
    page = one("T\n\nShow: both code, then output\n\nThen: So it is.")
    before = page[: page.index("fragment")]
    assert "highlight" in before and not re.search("<figure|<pre>3|So it is", before)
    assert page.count('data-fragment-index="0"') == 3, "all of the answer comes with one key press"
    assert page.index('<aside class="notes"') > page.rindex("fragment")
    assert "Say: a" in page and "2 minutes." in page


def test_a_page_for_the_class_has_no_notes():
    assert "Say: a" not in one("T", with_notes=False)


def test_an_empty_deck_is_refused():
    with pytest.raises(ValueError, match="'plain' has no slides: write them to teaching/slides/"):
        slides.page([], "plain")


@pytest.mark.parametrize(("lines", "size"), [(["x"], 30), (["x" * 88], 20), (["x"] * 19, 19), (["x"] * 60, 18)])
def test_type_grows_to_fill_the_slide_and_stays_readable(lines, size):
    assert slides.type_size("\n".join(lines)) == size


# ------------------------------------------------------------------ in a browser

OVERFLOW = """() => {
  const slide = Reveal.getCurrentSlide(), bad = [];
  for (const e of slide.querySelectorAll('*')) {
    if (e.closest('aside, .katex')) continue;
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const name = `${slide.innerText.slice(0, 30)}: ${e.tagName}.${e.className}`;
    if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight) bad.push(name + ' leaves the slide');
    if (e instanceof HTMLElement && getComputedStyle(e).display != 'inline' && e.scrollWidth > e.clientWidth + 1) bad.push(name + ' is cut off');
    if (e.matches('p, li, td, th, pre, label, button, select, output') && parseFloat(getComputedStyle(e).fontSize) < 18) bad.push(name + ' is too small to read');
    if (e.matches('.explorer text') && parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a < 17.9) bad.push(name + ' is too small to read');
    // A label of a figure has 12 units where the figure is 360 wide.
    const scale = e.matches('img') ? Math.min(e.clientWidth / e.naturalWidth, e.clientHeight / e.naturalHeight) : 9;
    if (12 * scale * e.naturalWidth / 360 < 18) bad.push(name + ' is too small to read');
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


def open_deck(page, made, folder):
    """Write the slides to a file and open it."""
    path = Path(folder, "deck.html")
    path.write_text(slides.page(made, "A deck"), encoding="utf-8")
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


# What a class can see of a slide before the next key press.
ON_THE_SLIDE = """() => [...Reveal.getCurrentSlide().querySelectorAll('.printed, .picture, .table, .code, .fragment .text')]
    .filter(e => e.checkVisibility({visibilityProperty: true})).map(e => e.className)"""


@pytest.mark.sampled(1)
@of_each_deck
def test_every_slide_fits_shows_its_answer_last_and_can_be_read_from_the_last_row(path, page, tmp_path):
    made = decks.deck(path)
    open_deck(page, made, tmp_path)
    for number, slide in enumerate(made):
        if not (slide.later or slide.then):
            continue
        page.evaluate(f"Reveal.slide({number})")
        before = page.evaluate(ON_THE_SLIDE)
        assert not [seen for seen in before if seen == "text"] and len(before) <= len(slide.first) + 1, slide.title
        page.keyboard.press("ArrowRight")
        assert len(page.evaluate(ON_THE_SLIDE)) > len(before), slide.title
        assert not page.evaluate("Reveal.availableFragments().next"), "the whole answer comes with one key press"
    assert problems_of(page) == [] and page.problems == []


def test_fault_15_an_explorer_on_a_slide_shows_nothing_before_the_answer_and_fits_after_it(page, tmp_path):
    found = 0
    for path in PATHS:
        made = [slide for slide in decks.deck(path) if slide.cell and "explorers." in slide.cell.source]
        if not made:
            continue
        open_deck(page, made, tmp_path)
        for number, slide in enumerate(made):
            found += 1
            page.evaluate(f"Reveal.slide({number})")
            figure = page.locator("section.present .explorer")
            assert '"revealed":false' in figure.get_attribute("data-state")
            seen = figure.inner_text() + " ".join(figure.locator("svg text").all_text_contents())
            assert not re.search(r"=|≠|\d of 16\b|70,144|136|only redraws", seen), slide.title
            figure.locator("input[name=prediction]").first.check()
            figure.get_by_role("button", name="Check").click()
            assert '"revealed":true' in figure.get_attribute("data-state")
            page.wait_for_function(
                "!document.querySelector('section.present .explorer').getAnimations({subtree: true}).length"
            )
            assert page.evaluate(OVERFLOW) == [], slide.title
    assert found >= 3


def small_deck(page, folder, *shown, **cells):
    """Open a deck with one slide for each ``Show:`` line."""
    first, *others = [f"# {n}\n\nShow: {line}\n\n{NOTES}" for n, line in enumerate(shown)]
    open_deck(page, parse(first, *(f"#{part}" for part in others), cells=cells), folder)


def test_what_does_not_fit_is_found(page, tmp_path):
    tall, wide = code("1", printed="\n".join(["y" * 20] * 60)), code("1", printed="x" * 200)
    small_deck(page, tmp_path, "tall output", "wide output", tall=tall, wide=wide)
    assert {problem.rsplit(" ", 3)[-1] for problem in problems_of(page)} == {"slide", "off"}


def test_what_is_too_small_is_found(page, tmp_path):
    figure = code("1", figure="a figure")
    page_of = figure.outputs[0].data["text/html"]
    figure.outputs[0].data["text/html"] = page_of.replace(
        "%3Csvg/%3E",
        "%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 width=%22360pt%22 height=%22600pt%22 viewBox=%220 0 360 600%22/%3E",
    )
    small_deck(page, tmp_path, "tall figure", tall=figure)
    assert [problem for problem in problems_of(page) if "IMG" in problem and problem.endswith("too small to read")]


def test_scripts_in_outputs_are_live_and_the_speaker_sees_the_notes(page, tmp_path):
    cell = code("1")
    cell.outputs = copy.deepcopy(code("1", figure="a figure that moves").outputs)
    cell.outputs[0].data["text/html"] = """<figure><input type="range" min="1" max="9" value="2"><output></output><script>
      const root = document.currentScript.closest("figure"), slider = root.querySelector("input");
      slider.oninput = () => { root.querySelector("output").textContent = "C = " + slider.value; };</script></figure>"""
    small_deck(page, tmp_path, "live then figure", live=cell)
    assert not page.is_visible("input")
    page.keyboard.press("ArrowRight")
    page.focus("input")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("output") == "C = 3"
    page.evaluate("document.activeElement.blur()")
    with page.expect_popup() as speaker:
        page.keyboard.press("s")
    speaker.value.wait_for_function("document.body.innerText.includes('Say: a')", timeout=10_000)
    speaker.value.close()
