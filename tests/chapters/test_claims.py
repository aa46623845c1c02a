"""Whatever a page claims with a number, in its text, a caption or an alt text, follows from code, evidence or a source.

The tables claims_of_*.py beside this file have a passage and what it follows from.
"""

import re

import claims_in_words
import claims_of_1_to_4
import claims_of_5_to_8
import claims_of_9_to_11
import claims_of_other_pages
import claims_of_teaching_and_code
import claims_of_the_key
import pytest
from claims_for_tests import captions_and_alts, complaint, opened, unfounded, words

TABLES = (
    claims_in_words,
    claims_of_1_to_4,
    claims_of_5_to_8,
    claims_of_9_to_11,
    claims_of_other_pages,
    claims_of_the_key,
    claims_of_teaching_and_code,
)
CLAIMS = {}
for module in TABLES:
    for page, table in module.CLAIMS.items():
        CLAIMS[page] = CLAIMS.get(page, {}) | table
# The pages of which every weighty number must rest on something.
WHOLE = [
    *range(1, 12),
    "twenty_minutes",
    "more_than_one_machine",
    "questions",
    *(page for page in CLAIMS if "slides" in str(page)),
]


@pytest.mark.parametrize("page", CLAIMS)
def test_fault_11c_passages_say_what_they_rest_on(page):
    complaints = [complaint(page, claim, follows) for claim, follows in CLAIMS[page].items()]
    assert not any(complaints), "\n".join(filter(None, complaints))


@pytest.mark.parametrize("page", WHOLE)
def test_fault_11c_every_weighty_number_rests_on_something(page):
    """On code, evidence or a source of this passage, and not just on some number of the page."""
    assert not unfounded(page, CLAIMS[page]), "\n".join(unfounded(page, CLAIMS[page]))


def test_fault_11c_every_answer_of_the_teachers_key_is_computed():
    labels = set(re.findall(r"^- \*\*(Q[\d.]+)\*\*", words("teaching/answers.md"), re.MULTILINE))
    assert labels == {claim.split("**")[1] for claim in claims_of_the_key.ANSWERS}


def test_fault_11c_a_claim_can_fail():
    """Two counts exchanged, a digit altered, a claim that no longer holds, a passage that is there twice or not at all."""
    counts = "from {:.1f} % to {:.1f} %"
    assert complaint(9, "falls " + counts, lambda: (23.9, 22.2)) is None
    assert complaint(9, "falls " + counts, lambda: (22.2, 23.9))
    assert complaint(9, "falls " + counts, lambda: (23.9, 22.3))
    assert complaint(9, "At equal operations, more paths err less", lambda: False)
    assert complaint(9, "the", lambda: True) and complaint(9, "no such words", lambda: True)


# Where a passage speaks of what a cell has just shown: the cell, and words of the text that follows next.
SPEAKS_OF = {
    1: {"c01-005": "Nine multiplications give one number", "c01-025": "Twice the channels on both sides", "c01-037": "costs about an eighth"},
    2: {"c02-009": "One channel of the 5×5 branch", "c02-011": "Nearly ten times fewer", "c02-042": "ends where it was lowest"},
    3: {"c03-005": "The usual first guess", "c03-totals": "1.18 to 1.20 for every layer", "c03-014": "Most of the failure is gone", "c03-025": "69,632 weights are the budget"},
    4: {"c04-008": "A weight has the shape", "c04-019": "whether the seconds shrink as well", "c04-022": "Each output now knows half as many inputs"},
    5: {"c05-022": "These are the settings", "c05-027": "Grouping frees nearly half", "c05-limit": "stopped at 32 paths", "c05-init-step": "about 32 times as large"},
    6: {"c06-product-figure": "On the right of the equation", "c06-063": "The sum of 32 signals", "c06-agree": "zero to eight decimals", "c06-merged": "one ordinary pair"},
    7: {"c07-stride-first": "has the right count", "c07-038": "the very same names", "c07-040": "it sees whatever changes the answers", "c07-042": "the pickiest of all"},
    8: {"c08-031": "lifted whole blocks out", "c08-kept": "of the 47 paths", "c08-044": "We also took out", "c08-effective": "does not push apart what the paths add"},
    9: {"c09-again": "err 1.3 points less", "c09-without-shortcuts": "loses about half as much", "c09-in-pairs": "first two intervals overlap", "c09-seeds": "Five pairs were too few"},
    10: {"c10-figure-groups": "What changes at a jump is the **routine**", "c10-networks-shown": "5 % of the operations and 16 %", "c10-forms-shown": "A makes 96 of them", "c10-int8-shown": "Eight bits changed 11 answers"},
    11: {"c11-017": "For a tenth more parameters", "c11-044": "It gives up 1.1 points", "c11-moved": "every mean and variance has", "c11-table5": "by 0.8 to 2.1 points"},
}  # fmt: skip


@pytest.mark.parametrize("page", SPEAKS_OF)
def test_fault_11c_a_passage_stands_behind_what_it_speaks_of(page):
    cells = [cell for cell in opened(page).cells if "remove-cell" not in cell.metadata.get("tags", [])]
    for identifier, passage in SPEAKS_OF[page].items():
        place = next(i for i, cell in enumerate(cells) if cell.id == identifier)
        following = next(i for i in range(place + 1, len(cells)) if said_in(cells[i]))
        assert passage in said_in(cells[following]), f"behind {identifier} the text is: {said_in(cells[following])[:80]}"


def said_in(cell):
    """What a cell says to a reader: its text, or the captions of its figures."""
    return cell.source if cell.cell_type == "markdown" else "\n".join(captions_and_alts(cell))
