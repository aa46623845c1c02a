"""Whatever a page claims with a number, in its text, a caption or an alt text, follows from code, evidence or a source.

The tables claims_of_*.py beside this file have a passage and what it follows from.
"""

import re

import claims_of_1_to_4
import claims_of_5_to_8
import claims_of_9_to_11
import claims_of_other_pages
import claims_of_teaching_and_code
import claims_of_the_key
import pytest
from claims_for_tests import complaint, unfounded, words

TABLES = (claims_of_1_to_4, claims_of_5_to_8, claims_of_9_to_11, claims_of_other_pages, claims_of_the_key, claims_of_teaching_and_code)
CLAIMS = {page: table for module in TABLES for page, table in module.CLAIMS.items()}
# The pages of which every weighty number must rest on something.
WHOLE = [*range(1, 12), "twenty_minutes", "more_than_one_machine", "questions", *(page for page in CLAIMS if "slides" in str(page))]


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
    assert complaint(9, "At equal cost, more paths err less", lambda: False)
    assert complaint(9, "the", lambda: True) and complaint(9, "no such words", lambda: True)
