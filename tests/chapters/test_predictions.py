"""Before a figure to play with asks, its page must not have told: the answer's words stand nowhere above it."""

import re

import pytest
from notebooks_for_tests import NOTEBOOKS, read_once

from resnext_lib import explorers
from tools import reading

# What would answer the question of each, wherever it stood above it. The question is named by a piece of it, so that
# another question needs other words.
ANSWERS = {
    "numbers_to_choose": ("3×3 of module 3a", r"3b reads what|3a and 3b change|changes? (also )?in 3b"),
    "drag_the_groups": (
        "with a shuffle between them. Into how many groups",
        r"16 of 16|4 groups of 4|every pair of channels",
    ),
    "spend_a_budget": ("With 128 paths instead of 32", r"128 × 1 = 128|never pass|can(not| never) exceed|limit of 136"),
    "inception_to_resnext": (
        "Does the function change?",
        r"drawings of the block|same function, drawn|[Ff]orms? A(, B and C| and B)? (are|compute) (equal|the same)",
    ),
    "what_is_split": (
        "divide its 16 inputs and 16 outputs among them",
        r"paths? (would )?(never|not) meet in this block|reaches 4 of 16|four small blocks",
    ),
    "walk_the_network": ("more 3×3 weights in its blocks", r"eight times fewer|an? eighth of the 3×3|1,414,656"),
    "where_the_time_goes": ("Laid out channels-last", r"channels-last[^.]{0,80}(26|19) %|0\.26|1\.4 times as long"),
    "look_inside": ("shortcut is switched off", r"\b773\b|without (its|the) shortcut[^.]{0,60}(half|right)"),
}


def words_above(path, call):
    """What a reader of the page has read before the cell with ``call``: text, shown code, outputs, captions."""
    read_before = []
    for cell in read_once(path).cells:
        if cell.cell_type == "code" and call in cell.source:
            return "\n".join(read_before)
        if cell.cell_type == "markdown":
            read_before.append(cell.source)
        else:
            read_before += [] if "hide-input" in cell.metadata.get("tags", []) else [cell.source]
            read_before.append(reading.outputs_text(cell))
            pages = [output.get("data", {}).get("text/html", "") for output in cell.outputs]
            read_before += re.findall(r"<figcaption>(.*?)</figcaption>", "".join(pages), re.DOTALL)
    return None


# Another explorer's script, which stands in an output, is not read.
PLACES = [
    (path, name)
    for path in NOTEBOOKS
    for name in ANSWERS
    if any(cell.cell_type == "code" and f"explorers.{name}(" in cell.source for cell in read_once(path).cells)
]


@pytest.mark.parametrize(("path", "name"), PLACES, ids=lambda value: getattr(value, "stem", value))
def test_18_no_page_tells_the_answer_above_its_question(path, name):
    above = words_above(path, f"explorers.{name}(")
    told = re.search(ANSWERS[name][1], above)
    assert not told, f"{path.name} says {told[0]!r} above explorers.{name}(), which asks for it"


@pytest.mark.parametrize("name", ANSWERS)
def test_18_the_words_belong_to_the_question_that_is_asked(name):
    markup = getattr(explorers, name)().html
    assert re.sub(r"\\u00d7", "×", ANSWERS[name][0]) in markup.replace("\\u00d7", "×"), "another question: other words"
    assert (len(PLACES), {found for _, found in PLACES}) == (2 * len(ANSWERS), set(ANSWERS)), (
        "in a chapter and on their page"
    )
