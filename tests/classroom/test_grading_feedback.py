"""Feedback is a page that anybody can read: each sentence once, at every width, and nothing of the teacher's in it."""

import copy
import re

import pytest
from grading_for_tests import MASTER
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tools.facts import ROOT
from tools.grading.handed_in import marks

SENTENCE = "not yet: for C = 2 it gives 1 < 2, which does not depend on C"
LONG = "x" * 400


def graded():
    """A graded notebook as nbgrader hands it to the template: verdicts as outputs, scores in the metadata."""
    made = copy.deepcopy(MASTER)
    for cell in made.cells:
        kind = marks(cell)["grade_id"].rsplit("-", 1)[-1]
        if kind == "check":
            cell.outputs = [new_output("execute_result", {"text/plain": SENTENCE}, execution_count=1)]
        if kind == "test":
            cell.metadata["nbgrader"]["score"] = 0
            cell.outputs = [new_output("error", ename="not yet", evalue="", traceback=[SENTENCE])]
        if kind == "answer":
            cell.source, cell.metadata["nbgrader"]["comment"] = f"answer = '{LONG}' # <b>", "Well *tried*."
    made.cells.append(new_markdown_cell("<script>alert(1)</script> mine", metadata={}))
    made.cells.append(
        new_code_cell(
            "own = 1",
            metadata={},
            outputs=[
                new_output(
                    "display_data", {"text/html": "<script src='https://x.org'></script>", "text/plain": "a <figure>"}
                ),
                new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure size 640x480>"}),
            ],
        )
    )
    return made


@pytest.fixture(scope="module")
def page():
    exporter = HTMLExporter(template_name="answers", extra_template_basedirs=[str(ROOT / "tools/grading/templates")])
    resources = {"nbgrader": {"notebook": "week3", "score": 0.0, "max_score": 20.0, "late_penalty": 0}}
    return exporter.from_notebook_node(graded(), resources=resources)[0]


def test_fault_26_the_sentence_is_there_once_for_each_exercise(page):
    escaped = SENTENCE.replace("<", "&lt;")
    assert page.count(escaped) == 2 and SENTENCE not in page, (
        "two exercises, each with one check and one test of one sentence"
    )


def test_fault_26_a_test_that_says_more_than_the_check_is_heard():
    made = graded()
    test = next(cell for cell in made.cells if marks(cell).get("grade"))
    test.outputs[0].traceback = ["not yet: right for the numbers of the check, but not for 16"]
    exporter = HTMLExporter(template_name="answers", extra_template_basedirs=[str(ROOT / "tools/grading/templates")])
    resources = {"nbgrader": {"notebook": "week3", "score": 0.0, "max_score": 20.0, "late_penalty": 2}}
    page = exporter.from_notebook_node(made, resources=resources)[0]
    assert "but not for 16" in page and "Taken off for handing in late: 2" in page


def test_fault_26_the_page_has_a_language_a_title_and_one_landmark(page):
    assert '<html lang="en">' in page and "<title>week3: 0 of 20 points</title>" in page and page.count("<main>") == 1
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids)), "an id twice is a serious finding"
    targets = set(re.findall(r'href="#([^"]+)"', page)) - {"Assignment-week3"}
    assert targets <= set(ids), "each link of the list leads somewhere"
    assert all("alt=" in tag for tag in re.findall("<img[^>]*>", page))


def test_fault_26_long_lines_wrap(page):
    assert LONG in page and "white-space: pre-wrap" in page and "overflow-wrap: anywhere" in page
    assert not re.search(r"(?<!max-)width: *\d+(px|em|rem)", page)


def test_fault_26_nothing_is_loaded_run_or_given_away(page):
    assert "<script" not in page and "https://x.org" not in page
    assert not re.search(r"""(src|href)=["']https?://""", page.split("<main>")[0])
    for secret in ("HIDDEN", "judge(", "expect_", "import torch"):
        assert secret not in page, secret
    assert "<h1" in page and "&lt;p" not in page, "the questions are set as text"
    assert page.count("<b>") == 0 and "Well <em>tried</em>" in page
