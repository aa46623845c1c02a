"""The program that alters the book sees what stays green, puts back what it altered, and finds all of its places."""

import pytest
from git_for_tests import git

from tools.alterations import __main__ as program
from tools.alterations import running
from tools.alterations.changing import PlaceGone, exchanged, in_text, once
from tools.alterations.listed import ALTERATIONS

ROOT = program.ROOT
TEST = """
from pathlib import Path

TEXT = Path("page.md").read_text(encoding="utf-8")


def test_number():
    assert "12 paths" in TEXT


def test_title():
    assert TEXT.startswith("# A page")


def test_wrong_from_the_start():
    assert "13 paths" in TEXT
"""
PAGE = "# A page\n\nIt has 12 paths and 4 channels.\n"


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """Copies of a small repository with a page of text and its tests, made as those of the book are."""
    root = tmp_path / "root"
    (root / "tests").mkdir(parents=True)
    (root / "page.md").write_text(PAGE, encoding="utf-8")
    (root / "tests" / "test_page.py").write_text(TEST, encoding="utf-8")
    (root / ".gitignore").write_text("ignored.txt\n", encoding="utf-8")
    (root / "ignored.txt").write_text("not copied", encoding="utf-8")
    git(root, "init", "--quiet")
    monkeypatch.setattr(program, "ROOT", root)
    monkeypatch.setattr(running, "SLOW", ["pytest"])
    return program.Copies(tmp_path / "scratch", count=1)


def alter(old, new, owner):
    return in_text("a kind", "page.md", old, new, f"tests/test_page.py::{owner}")


def test_a_noticed_alteration_has_no_problem_and_everything_is_put_back(copies):
    assert program.outcome(copies, alter("12 paths", "21 paths", "test_number")).problem == ""
    folder = copies.free.get()
    assert (folder / "page.md").read_text(encoding="utf-8") == PAGE and not (folder / "ignored.txt").exists()


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("old", "new", "owner", "problem"),
    [
        ("12 paths", "21 paths", "test_title", "STAYS GREEN in tests/test_page.py::test_title"),
        ("15 paths", "21 paths", "test_number", "page.md: '15\\\\ paths' stands there 0 times, not once"),
        ("12 paths", "21 paths", "test_of_nothing", "no verdict from tests/test_page.py::test_of_nothing"),
    ],
    ids=["green", "place gone", "owner gone"],
)
def test_what_proves_nothing_is_named(copies, old, new, owner, problem):
    assert program.outcome(copies, alter(old, new, owner)).problem.startswith(problem)


@pytest.mark.slow
def test_tests_that_fail_before_anything_is_altered_are_named(copies):
    assert program.red_before(copies, "tests/test_page.py::test_number") == ""
    assert "fails" in program.red_before(copies, "tests/test_page.py::test_wrong_from_the_start")


@pytest.mark.slow
def test_one_of_several_owners_that_stays_green_is_enough_for_a_problem(copies):
    both = in_text("a kind", "page.md", "12", "21", *(f"tests/test_page.py::test_{name}" for name in ("number", "title")))
    assert program.outcome(copies, both).problem == "STAYS GREEN in tests/test_page.py::test_title"


def test_a_place_that_stands_twice_is_no_place():
    with pytest.raises(PlaceGone, match="2 times, not once"):
        once("a b a", "a", "c", "page")
    assert exchanged("k", "p", "a", "b").change("a b") == "b a"


@pytest.mark.parametrize("one", ALTERATIONS, ids=lambda one: one.kind)
def test_fault_11c_every_alteration_has_its_place_and_changes_it(one):
    before = (ROOT / one.path).read_text(encoding="utf-8")
    assert one.change(before) != before
    assert one.owners and all((ROOT / owner.split("::")[0].split()[0]).is_file() for owner in one.owners)


def test_fault_11c_there_are_enough_kinds_over_the_whole_book():
    assert len({one.kind for one in ALTERATIONS}) == len(ALTERATIONS) >= 60
    altered = {one.path for one in ALTERATIONS}
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "chapters").glob("[0-9]*.ipynb")} <= altered


@pytest.mark.slow  # make check-all has just written it
def test_fault_11c_the_report_is_of_these_alterations_and_all_were_noticed():
    noticed = program.report([program.Outcome(one) for one in ALTERATIONS])
    assert noticed.count("| yes |\n") == len(ALTERATIONS)
    assert program.REPORT.read_text(encoding="utf-8") == noticed
