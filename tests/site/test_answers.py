"""On the built site nothing shows its answer before the reader asks for it: quizzes, exercises, explorers, search."""

import re

import pytest
from notebooks_for_tests import CHAPTERS, NOTEBOOKS, chapter_id, read_once
from site_tools import tab

from tools import reading

# What stands open on a page from the quiz on: the words of what is folded are not drawn.
FROM_THE_QUIZ_ON = (
    """() => [...document.querySelectorAll('#quiz, #exercises')].map(section => section.innerText).join('\\n')"""
)
KEYS = r"\([a-e]\) is right\b|^\s*correct:|\bquestion \d+:|\bthe keys? of\b"


def from_the_quiz_on(path):
    """The cells behind the one in which the quiz stands."""
    cells = read_once(path).cells
    start = next(i for i, cell in enumerate(cells) if cell.cell_type == "markdown" and "## Quiz" in cell.source.split("\n"))
    return cells[start + 1 :]


def lines_of(text):
    return {line.strip() for line in text.split("\n") if len(line.strip()) > 12}


def hidden_lines(path):
    """Every line of a solution and of an output that comes after the quiz."""
    found = set()
    for cell in from_the_quiz_on(path):
        if cell.cell_type == "code":
            found |= lines_of(reading.outputs_text(cell))
            found |= lines_of(cell.source) if "exercise" in cell.metadata else set()
    return found


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_fault_15_no_quiz_and_no_exercise_shows_its_answer(browser, site, path):
    with tab(browser, "light", 1280) as page:
        page.goto((site / "chapters" / f"{path.stem}.html").as_uri())
        seen = page.evaluate(FROM_THE_QUIZ_ON)
        assert "(a)" in seen and "Answer" in seen, "the questions are there"
        assert not re.search(KEYS, seen, re.IGNORECASE | re.MULTILINE), seen
        assert not hidden_lines(path) & lines_of(seen)
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        opened = page.evaluate(FROM_THE_QUIZ_ON)
        assert opened.count("is right") >= 4 and opened.count("correct:") + opened.count("not yet:") >= 3


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "path",
    [path for path in NOTEBOOKS if any("explorers." in cell.source for cell in read_once(path).cells)],
    ids=chapter_id,
)
def test_fault_15_the_explorers_of_a_page_wait(browser, site, path):
    with tab(browser, "light", 1280) as page:
        page.goto((site / "chapters" / f"{path.stem}.html").as_uri())
        figures = page.locator("figure.explorer")
        assert figures.count() >= 1
        for figure in figures.all():
            assert '"revealed":false' in figure.get_attribute("data-state")
            seen = figure.inner_text() + " ".join(figure.locator("svg text").all_text_contents())
            assert not re.search(r"=|≠|only redraws|\d+ of 16 |70,144", seen), seen


@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_fault_15_what_computes_a_key_is_not_on_the_page(pages, site, path):
    """In the page's source as well: a reader who searches in the page would find it."""
    keys = [cell for cell in from_the_quiz_on(path) if "remove-cell" in cell.metadata.get("tags", [])]
    quiz = "\n".join(cell.source for cell in read_once(path).cells if cell.cell_type == "markdown")
    text = pages[site / "chapters" / f"{path.stem}.html"].markup.partition('id="quiz"')[2].partition('id="exercises"')[0]
    assert text
    for cell in keys:
        for line in lines_of(reading.outputs_text(cell) if cell.cell_type == "code" else cell.source):
            assert line in quiz or line not in text, "more than the options and their answers"
