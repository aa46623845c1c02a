"""Assignments hold what an exercise needs and nothing that gives it away; their hidden tests are hard to fool."""

import csv
import json
import re
import shutil
import sys
from contextlib import redirect_stdout
from importlib.metadata import distributions
from textwrap import dedent

import nbformat
import pytest
from notebooks_for_tests import code, notebook, save, text
from packaging.utils import canonicalize_name

from tools import wheel
from tools.facts import ROOT
from tools.grading import __main__ as grading
from tools.grading import course as places
from tools.grading import report
from tools.grading.assignment import assignment, exercises_of
from tools.grading.dependencies import changed, needed_cells, used_and_defined
from tools.grading.grade import grade
from tools.notebooks import execute

KNOWN = exercises_of()
NAMES = sorted(KNOWN)


def answer_to(name):
    """The book's own solution of an exercise."""
    notebook, index = KNOWN[name]
    return notebook.cells[index].source


# ------------------------------------------------------------------ names that a cell uses and defines

USES = [
    ("y = x + 1", {"x"}, {"y"}),
    ("def f(a, b=c):\n    return a + d", {"c", "d"}, {"f"}),
    (
        "class K(Base):\n    size = width\n    def m(self):\n        return helper(self.size)",
        {"Base", "width", "helper"},
        {"K"},
    ),
    ("total = sum(v * k for v in values)", {"values", "k"}, {"total"}),
    ("import torch\nfrom a import b as c\ntorch.zeros(c)", {"torch", "c"}, {"torch", "c"}),
    ("for i in range(3):\n    print(i)", {"i"}, {"i"}),
    ("x[0] = 1", {"x"}, set()),
    ("f = lambda n: n + outer", {"outer"}, {"f"}),
    ("a, (b, *c) = d", {"d"}, {"a", "b", "c"}),
]


@pytest.mark.parametrize(("source", "used", "bound"), USES)
def test_names_of_a_cell(source, used, bound):
    assert used_and_defined(source) == (used, bound)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a[0] = 1", {"a"}),
        ("a.b.c = 1", {"a"}),
        ("a += 1", set()),
        ("a[0] += 1", {"a"}),
        ("net.eval()", {"net"}),
        ("for k in d:\n    d[k].append(k)", {"d"}),
        ("x = a[0]", set()),
        ("(a[0], b.c) = 1, 2", {"a", "b"}),
    ],
)
def test_objects_that_a_cell_changes(source, names):
    assert changed(source) == names


def chapter(*story, solution="answer = table['k'] + helper(1)"):
    """A chapter with one exercise after these cells; returns it and the solution's index."""
    made = notebook(
        text("# C"),
        code("setup = 1"),
        *story,
        text("## Exercises\n\n**1. Count.**\nDo it."),
        code(solution, exercise="groups_from_count"),
        code("exercises.groups_from_count(answer)"),
    )
    return made, len(made.cells) - 2


def test_only_what_the_exercise_needs_is_taken_in_order():
    made, index = chapter(
        code("from resnext_lib import exercises"),
        code("unused = 5\nprint(unused)"),
        code("base = 2"),
        code("table = {'k': 0}"),
        code("def helper(n):\n    return n + base"),
        code("table['k'] = base * 10"),
        code("print('table')"),
    )
    assert [c.source for c in needed_cells(made, index)] == [
        "base = 2",
        "table = {'k': 0}",
        "def helper(n):\n    return n + base",
        "table['k'] = base * 10",
    ]


def test_the_last_definition_before_the_exercise_counts():
    made, index = chapter(
        code("from resnext_lib import exercises"), code("x = 1"), code("x = 2"), code("y = 3"), solution="answer = x"
    )
    assert [c.source for c in needed_cells(made, index)] == ["x = 2"]


def test_a_missing_name_and_another_answer_are_refused():
    made, index = chapter(code("from resnext_lib import exercises"))
    with pytest.raises(ValueError, match=r"no cell before it defines \['helper', 'table'\]"):
        needed_cells(made, index)
    made, index = chapter(
        code("from resnext_lib import exercises"), code("first = 1", exercise="valid_groups"), solution="answer = first"
    )
    with pytest.raises(ValueError, match="the answer to exercise 'valid_groups'"):
        needed_cells(made, index)


# ------------------------------------------------------------------ the instructor's notebook


# One in five here, all of them in the second tier.
@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", [n if i % 5 == 0 else pytest.param(n, marks=pytest.mark.slow) for i, n in enumerate(NAMES)])
def test_every_exercise_makes_a_small_assignment(name):
    source, index = KNOWN[name]
    cells = assignment("one", [name]).cells
    assert [c.metadata["nbgrader"]["grade_id"] for c in cells][:2] == ["opening", "setup"]
    kinds = {c.metadata["nbgrader"]["grade_id"].removeprefix(f"{name}-"): c for c in cells}
    assert {"question", "imports", "answer", "check", "test"} <= set(kinds)
    assert len(cells) < len(source.cells) / 2, "an assignment is small"
    answer, test = kinds["answer"], kinds["test"]
    assert answer.source == source.cells[index].source and answer.metadata["nbgrader"]["solution"]
    assert "..." in answer.metadata["starter"] or "# your code" in answer.metadata["starter"]
    assert test.metadata["nbgrader"] | {"grade": True, "locked": True, "points": 10} == test.metadata["nbgrader"]
    hidden = re.search("### BEGIN HIDDEN TESTS(.*)### END HIDDEN TESTS", test.source, re.DOTALL)[1]
    assert f'judge("{name}"' in hidden and "judge(" not in test.source.replace(hidden, "")


def test_names_are_checked():
    with pytest.raises(ValueError, match="there is no exercise 'stage_width'; there are: .*stage_widths"):
        assignment("one", ["stage_width"])
    with pytest.raises(ValueError, match="letters, digits"):
        assignment("week 3", ["stage_widths"])
    for names in ([], ["form_a", "form_a"]):
        with pytest.raises(ValueError, match="one exercise or more, each once"):
            assignment("one", names)


def test_19_an_assignment_finds_the_library_of_the_bundle_and_says_points_and_due_date(monkeypatch):
    """A student has neither the book's folder nor CONTRIBUTING.md."""
    made = assignment("week3", ["gradient_growth", "budget_width"], 7.5, due="2026-12-01 23:59")
    assert "Each exercise is worth 7.5 points.\nIt is due 2026-12-01 23:59.\n" in made.cells[0].source
    assert f'WHEEL = "{wheel.NAME}"' in made.cells[1].source and "make lab" not in made.cells[1].source
    links = [
        target for cell in made.cells if cell.cell_type == "markdown" for target in re.findall(r"\]\(([^)]+)\)", cell.source)
    ]
    assert not [target for target in links if not target.startswith("https://")], "nothing lies beside an assignment"
    monkeypatch.setattr("tools.grading.assignment.address", lambda: "https://github.com/someone/fork@colab")
    assert 'BOOK = "https://github.com/someone/fork@colab"' in assignment("week3", ["budget_width"]).cells[1].source


def test_the_wheel_has_the_name_that_an_assignment_looks_for(tmp_path):
    assert wheel.build(tmp_path).name == wheel.NAME


def test_exercises_of_one_chapter_share_their_imports():
    cells = assignment("three", ["stage_widths", "budget_width", "groups_from_count"]).cells
    assert [c.id for c in cells if c.id.endswith("-imports")] == ["stage_widths-imports"]


def test_a_course_from_another_folder(tmp_path):
    made, _ = chapter(code("from resnext_lib import exercises"), solution="answer = 1")
    path = save(made, tmp_path / "99_mine.ipynb")
    assert list(exercises_of([path])) == ["groups_from_count"]


EQUAL = """
class Anything(int):
    def __eq__(self, other): return type(other) is int
    def __ne__(self, other): return True
    __hash__ = int.__hash__
"""
TABLE2 = {1: 64, 2: 40, 4: 24, 8: 14, 32: 4, 64: 2}


# ------------------------------------------------------------------ commands


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["assign", "one", "nothing"], "there is no exercise 'nothing'; there are: convolution_cost"),
        (["assign", "one"], "give one exercise or more"),
        (["grade", "one"], "there is no assignment 'one'; none was made yet"),
        (["grade", ""], "give the assignment's name: NAME=week3"),
        (["assign", "", "form_a"], "give the assignment's name: NAME=week3"),
        (["assign", "one", "form_a", "--points", "nan"], "a positive number of points, not nan"),
        (["assign", "one", "form_a", "--due", "tomorrow"], "a due date looks like 2026-12-01 23:59, not 'tomorrow'"),
        (["collect", "nothing.zip"], "there is no .*nothing.zip"),
    ],
)
def test_a_wrong_call_explains_itself(arguments, says, tmp_path):
    with pytest.raises(SystemExit, match=says):
        grading.main(["--course", str(tmp_path), *arguments])


def test_without_the_environment_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "GRADER", tmp_path)
    with pytest.raises(SystemExit, match="run `make grader` first"):
        places.nbgrader(tmp_path, "--version")


def test_the_kernel_is_the_book_s_own_python(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "GRADER", tmp_path)
    places.install_kernel(walls=True)
    kernel = json.loads((tmp_path / f"share/jupyter/kernels/{places.KERNEL}/kernel.json").read_text(encoding="utf-8"))
    assert kernel["argv"][0] == sys.executable and str(ROOT / "resnext_lib") in kernel["argv"][3]
    assert "env" not in kernel, "a hand-in finds nothing in its environment that says where the book is"


# ------------------------------------------------------------------ a real round trip

TRIO = ["budget_width", "path_reach", "resnext_block"]
GOOD = {f"{name}-answer": answer_to(name) for name in TRIO}
WRONG = {
    "budget_width-answer": "def budget_width(c):\n    return 1",
    "path_reach-answer": "one_of_32 = {'reads': 8, 'middle': 4, 'reaches': 8}",
    "resnext_block-answer": "MyResNeXtBlock = None",
}
LOOP = "def budget_width(c):\n    while True:\n        pass"
STUBBORN = """
def budget_width(c):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""


def with_before(change, more):
    return change | {"budget_width-answer": dedent(more) + "\n" + change["budget_width-answer"]}


SUBMISSIONS = {  # student: (what each answer cell holds, score of 30)
    "good": (GOOD, 30),
    "partial": (GOOD | {"path_reach-answer": WRONG["path_reach-answer"]}, 20),
    "wrong": (WRONG, 0),
    "untouched": ({}, 0),
    "crashing": (
        GOOD
        | {
            "budget_width-answer": "def budget_width(c):\n    raise RuntimeError('no')",
            "path_reach-answer": "one_of_32 = {",
        },
        10,
    ),
    "endless": (GOOD | {"budget_width-answer": LOOP}, 20),
    "redefined": (
        with_before(
            WRONG, "exercises.budget_width = exercises.path_reach = exercises.resnext_block = lambda answer: 'correct: yes'"
        ),
        0,
    ),
    "patched": (
        with_before(
            WRONG,
            """
        import resnext_lib.exercises as module
        from resnext_lib.exercises import block, modules; block.expect = block.expect_number = modules.expect = lambda *a: None
        block.expect_block = modules.expect_block_values = lambda *a: None
     """,
        ),
        0,
    ),
    "equal": (
        {
            "budget_width-answer": EQUAL + "budget_width = lambda c: Anything(0)",
            "path_reach-answer": "one_of_32 = dict.fromkeys(('reads', 'middle', 'reaches'), Anything(0))",
        },
        0,
    ),
    "table": (GOOD | {"budget_width-answer": f"budget_width = {TABLE2}.get"}, 20),
    "borrowed": (GOOD | {"resnext_block-answer": "from resnext_lib.blocks import Bottleneck as MyResNeXtBlock"}, 20),
    "tampered": (
        WRONG | dict.fromkeys([f"{name}-{cell}" for name in TRIO for cell in ("check", "test")], "print('correct')"),
        0,
    ),
    "warning": (with_before(GOOD, "import sys\nprint('look', file=sys.stderr)"), 30),
    "killed": ({"budget_width-answer": "import os\nos._exit(1)"}, 0),
    "stubborn": (GOOD | {"budget_width-answer": STUBBORN}, 0),
    "zzz-last": (GOOD, 30),  # after all that went wrong
}
NOT_RUN = {
    "killed": "not run to the end: its program ended itself",
    "stubborn": "not run to the end: it ran for too long and could not be stopped",
    "garbage": "the file is not a notebook, or was cut off",
    "copied": "cell path_reach-test there more than once: delete the copy",
    "emptied": "cells budget_width-test, path_reach-test, resnext_block-test missing",
    "misplaced": "the file must lie in submitted/misplaced/trio/, found trio.ipynb beside",
    "misnamed": "the file must be called trio.ipynb, found trio (1).ipynb",
}


def submit(course, student, change):
    """Hand in the release with these cells changed, as a student's editor would."""
    made = nbformat.read(course / "release" / "trio" / "trio.ipynb", 4)
    for cell in made.cells:
        cell.source = change.get(cell.metadata["nbgrader"]["grade_id"], cell.source)
    folder = course / "submitted" / student / "trio"
    folder.mkdir(parents=True)
    nbformat.write(made, folder / "trio.ipynb")


def edit(course, student, how):
    """Change the notebook that a student handed in."""
    path = course / "submitted" / student / "trio" / "trio.ipynb"
    made = nbformat.read(path, 4)
    how(made)
    nbformat.write(made, path)


def twice(made):
    """Copy a cell, as an editor's copy and paste does: nbgrader's marks come along."""
    cell = next(c for c in made.cells if c.metadata["nbgrader"]["grade_id"] == "path_reach-test")
    made.cells.append(nbformat.from_dict(cell | {"id": "another"}))


def without_tests(made):
    made.cells = [c for c in made.cells if not c.metadata["nbgrader"]["grade"]]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose assignment was released, handed in by everybody, and graded. What was printed is in course/said."""
    folder = tmp_path_factory.mktemp("course")
    grading.main(["--course", str(folder), "assign", "trio", *TRIO])
    for student, (change, _score) in SUBMISSIONS.items():
        submit(folder, student, change)
    garbage = folder / "submitted" / "garbage" / "trio" / "trio.ipynb"
    garbage.parent.mkdir(parents=True)
    garbage.write_text("not a notebook", encoding="utf-8")
    for student, how in (("copied", twice), ("emptied", without_tests)):
        submit(folder, student, GOOD)
        edit(folder, student, how)
    submit(folder, "misnamed", GOOD)
    misnamed = folder / "submitted" / "misnamed" / "trio"
    (misnamed / "trio.ipynb").rename(misnamed / "trio (1).ipynb")
    submit(folder, "misplaced", GOOD)
    misplaced = folder / "submitted" / "misplaced" / "trio"
    (misplaced / "trio.ipynb").rename(misplaced.parent / "trio.ipynb")
    misplaced.rmdir()
    with open(folder / "said", "w", encoding="utf-8") as said, redirect_stdout(said):
        without = grade(folder, "trio", seconds=20)
    assert without == len(NOT_RUN), "the exit status is made of this"
    return folder


@pytest.mark.slow
def test_the_grading_environment_is_light_and_locked():
    """Submissions run in the book's environment; a second PyTorch would be gigabytes."""
    folders = [str(folder) for folder in places.GRADER.glob("lib/python*/site-packages")]
    packages = {canonicalize_name(found.metadata["Name"]) for found in distributions(path=folders)}
    assert "nbgrader" in packages and "torch" not in packages
    locked = (ROOT / "tools/grading/requirements.lock").read_text(encoding="utf-8")
    assert packages <= {line.partition("==")[0] for line in locked.splitlines()} | {"pip", "setuptools"}


@pytest.mark.slow
def test_the_release_gives_nothing_away(course):
    released = (course / "release" / "trio" / "trio.ipynb").read_text(encoding="utf-8")
    assert "HIDDEN" not in released and "judge" not in released and "starter" not in released
    made = nbformat.reads(released, 4)
    lines = {line.strip() for source in GOOD.values() for line in source.split("\n") if len(line.strip()) > 12}
    kept = {line for line in lines if any(line in cell.source for cell in made.cells)}
    assert all(line.startswith(("def ", "class ", "super()")) for line in kept) and len(lines) - len(kept) > 8
    assert all(not cell.get("outputs") for cell in made.cells)


@pytest.mark.slow
def test_the_release_runs_and_its_checks_answer_with_hints(course):
    made = execute(nbformat.read(course / "release" / "trio" / "trio.ipynb", 4), ROOT)
    said = [c.outputs[0].data["text/plain"] for c in made.cells if c.id.endswith("-check")]
    assert [line.startswith("not yet: replace the ... by your answer. Hint:") for line in said] == [True] * 3


@pytest.mark.slow
@pytest.mark.parametrize("student", SUBMISSIONS)
def test_scores(course, student):
    found = report.write(course)["trio"][student]
    right = None if student in NOT_RUN else SUBMISSIONS[student][1]
    assert (found.score, found.points) == (right, 30), found


@pytest.mark.slow
def test_feedback_says_what_is_wrong(course):
    pages = {path.parent.parent.name: path.read_text(encoding="utf-8") for path in course.glob("feedback/*/trio/trio.html")}
    assert set(pages) == set(SUBMISSIONS) | set(NOT_RUN)
    assert {name for name, page in pages.items() if "no score yet" in page} == set(NOT_RUN)
    assert "path_reach-test there more than once: delete the copy" in pages["copied"]
    assert "does not depend on C" in pages["wrong"] and "trio: 20 of 30 points" in pages["partial"]
    assert "your function returns nothing: is `return` missing?" in pages["table"], (
        "what the hidden test says of numbers that the table lacks"
    )
    assert "TooLong: the cell ran longer than it may, and was stopped" in pages["endless"]
    assert "correct: yes" in pages["redefined"], "the redefined check was really used by the student's own cell"
    assert "does not depend on C" in pages["equal"]
    assert "RuntimeError" in pages["crashing"] and "SyntaxError" in pages["crashing"]


@pytest.mark.slow
def test_feedback_gives_nothing_away(course):
    """No hidden test, no source of a check in a traceback, no path of the teacher's, nothing from another host."""
    pages = {path.parent.parent.name: path.read_text(encoding="utf-8") for path in course.glob("feedback/*/trio/trio.html")}
    everything = "".join(pages.values())
    for secret in ("HIDDEN TESTS", "runpy", "judge.py", str(ROOT), "tools/grading"):
        assert secret not in everything, secret
    # The checks are made of these; one student wrote the word.
    assert not any("expect_" in page for student, page in pages.items() if student != "patched")
    assert not re.search(r"""(src|href)=["']https?://""", everything)


@pytest.mark.slow
def test_fault_21_22_the_table_of_scores_names_who_was_not_run(course):
    lines = (course / "said").read_text(encoding="utf-8").strip().split("\n")
    rows = dict(line.split(maxsplit=1) for line in lines[:-1] if not line.startswith(("In force", "WARNING")))
    right = {student: f"{score} of 30" for student, (_change, score) in SUBMISSIONS.items()}
    right["untouched"] += ", no answer was changed"
    assert rows == right | {student: f"NO SCORE, {status}" for student, status in NOT_RUN.items()}
    with open(course / "grades.csv", encoding="utf-8-sig", newline="") as file:
        written = {row["student"]: (row["trio"], row["trio status"]) for row in csv.DictReader(file)}
    assert written["good"] == ("30", "graded") and written["wrong"] == ("0", "graded")
    assert {student: ("", status) for student, status in NOT_RUN.items()}.items() <= written.items()


@pytest.mark.slow
def test_P3_fault_28_a_second_grading_leaves_no_old_score_and_runs_only_what_changed(course, tmp_path, capsys):
    again = tmp_path / "again"
    shutil.copytree(course, again)
    for path in (again / "submitted").iterdir():
        if path.name not in ("good", "partial", "wrong", "zzz-last"):
            shutil.rmtree(path)
    for student, more in (("good", SUBMISSIONS["killed"][0]), ("wrong", GOOD)):
        shutil.rmtree(again / "submitted" / student)
        submit(again, student, more)
    renamed = again / "submitted" / "partial" / "trio"
    (renamed / "trio.ipynb").rename(renamed / "mine.ipynb")
    assert grade(again, "trio", seconds=20) > 2
    printed = capsys.readouterr()
    assert "good                 NO SCORE, not run" in printed.out
    assert "partial              NO SCORE, the file must be called trio.ipynb, found mine.ipynb" in printed.out
    assert "wrong                30 of 30" in printed.out and "zzz-last             30 of 30" in printed.out
    assert "running good" in printed.err and "running zzz-last" not in printed.err, "what has not changed is not run again"
    assert "no score yet" in (again / "feedback" / "good" / "trio" / "trio.html").read_text(encoding="utf-8")
    found = report.write(again)["trio"]
    assert [found[name].score for name in ("good", "partial", "wrong", "zzz-last")] == [None, None, 30, 30]


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_hidden_tests_accept_every_solution(path):
    names = list(exercises_of([path]))
    made = grading.verified(assignment("all", names)) if names else None
    passed = [c for c in made.cells if c.id.endswith("-test")] if made else []
    assert [c.outputs[0].text.startswith("correct") for c in passed] == [True] * len(names)
