"""Whatever a page claims with a number, in its text, a caption or an alt text, follows from code, evidence or a source.

The tables claims_of_*.py beside this file have a passage and what it follows from.
"""

import claims_of_1_to_4
import claims_of_5_to_8
import claims_of_9_to_11
import claims_of_other_pages
import pytest
from claims_for_tests import complaint, unfounded

TABLES = (claims_of_1_to_4, claims_of_5_to_8, claims_of_9_to_11, claims_of_other_pages)
CLAIMS = {page: table for module in TABLES for page, table in module.CLAIMS.items()}
EVERY = [(page, claim) for page, table in CLAIMS.items() for claim in table]
WHOLE = [*range(1, 12), "twenty_minutes", "more_than_one_machine", "questions"]  # pages of which every weighty number must rest on something


@pytest.mark.parametrize(("page", "claim"), EVERY, ids=[f"{page}-{claim[:60]}" for page, claim in EVERY])
def test_fault_11c_a_passage_says_what_it_rests_on(page, claim):
    assert complaint(page, claim, CLAIMS[page][claim]) is None


@pytest.mark.parametrize("page", WHOLE)
def test_fault_11c_every_weighty_number_rests_on_something(page):
    """On code, evidence or a source of this passage, and not just on some number of the page."""
    assert not unfounded(page, CLAIMS[page]), "\n".join(unfounded(page, CLAIMS[page]))
