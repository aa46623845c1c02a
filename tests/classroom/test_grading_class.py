"""Grading a class: everybody appears with a status, no score says what is not so, and nothing is lost."""

import csv
import json
import shutil

import nbformat
import pytest
from grading_for_tests import GOOD, MASTER, TITLE, WRONG, StandIn, handed_in, new_course, run, submit, tree

from tools.grading import records, report
from tools.grading.course import name_problem, remove_made
from tools.grading.grade import grade
from tools.grading.handed_in import marks, master_cells


@pytest.fixture
def nbgrader(monkeypatch):
    return StandIn(monkeypatch)


@pytest.fixture
def course(tmp_path):
    return new_course(tmp_path / "course")


def scores(course, title=TITLE):
    return {student: (found.score, found.status) for student, found in report.write(course)[title].items()}


# ------------------------------------------------------------------ P2: names

ODD_NAMES = [
    "..",
    "../..",
    ".",
    "",
    "/",
    "week3/..",
    "../week3",
    "week 3",
    "week3\n",
    "-f",
    "--all",
    "*",
    "we?k3",
    "~",
    "wéek",
    "week3\\..",
    "a" * 61,
]


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize(
    "command",
    [
        ["grade", "{}"],
        ["grade", TITLE, "--student", "{}"],
        ["assign", "{}", "form_a"],
        ["collect", "x.zip", "--title", "{}"],
    ],
    ids=lambda parts: "-".join(parts[:3:2]),
)
def test_P2_an_odd_name_is_refused_and_nothing_is_touched(name, command, course, nbgrader):
    submit(course, "ada")
    assert run(course, "grade", TITLE) == 0
    before = tree(course.parent)
    arguments = [part.replace("{}", name) for part in command]
    if "--student" in arguments:
        arguments[-2:] = [f"--student={name}"]
    elif "--title" in arguments:
        arguments[-2:] = [f"--title={name}"]
    elif name.startswith("-"):
        arguments.insert(1, "--")
    assert run(course, *arguments) not in (0, None)
    assert tree(course.parent) == before


def test_P2_nothing_but_what_grading_made_is_ever_removed(course):
    submit(course, "ada")
    outside = course.parent / "outside" / TITLE
    outside.mkdir(parents=True)
    (outside / "kept").touch()
    (course / "autograded").mkdir()
    (course / "autograded" / "ada").symlink_to(outside.parent)
    before = tree(course.parent)
    for title, student in ((TITLE, "ada"), ("..", "ada"), (TITLE, ".."), (TITLE, ""), ("", "ada")):
        with pytest.raises(ValueError, match="it is a link|no student|the assignment's name|name of an assignment"):
            remove_made(course, title, student)
    assert tree(course.parent) == before


def test_P2_an_assignment_that_was_changed_or_handed_in_is_not_made_anew(course):
    source = course / "source" / TITLE / f"{TITLE}.ipynb"
    before = source.read_bytes()
    assert "was changed since it was made" in run(course, "assign", TITLE, "form_a")
    records.remember(course, "made.json", {TITLE: records.digest(before)})
    submit(course, "ada")
    assert "was handed in already, by ada" in run(course, "assign", TITLE, "form_a")
    assert source.read_bytes() == before


def test_P2_scores_by_hand_are_set_aside_not_lost(course, nbgrader):
    submit(course, "ada")
    grade(course, TITLE, 20)
    nbgrader.manual[TITLE, "ada"] = [{"student": "ada", "cell": "budget_width-test", "score": 7}]
    submit(course, "ada", handed_in(WRONG))
    grade(course, TITLE, 20)
    kept = json.loads((course / "set_aside.jsonl").read_text(encoding="utf-8"))
    assert kept["student"] == "ada" and kept["score"] == 7


def test_19_answers_that_nobody_touched_are_not_taken_for_a_bad_hand_in(course, nbgrader, capsys):
    starters = {name: cell.metadata["starter"] for name, cell in master_cells(MASTER).items() if "starter" in cell.metadata}
    assert starters.keys() == GOOD.keys()
    submit(course, "ada", handed_in(starters))
    submit(course, "ben", handed_in(WRONG))
    assert run(course, "grade", TITLE) == 0
    assert scores(course) == {"ada": (0, "graded; no answer was changed"), "ben": (10, "graded")}
    assert "0 of 20, no answer was changed" in capsys.readouterr().out


# ------------------------------------------------------------------ P3: a class


def test_P3_fault_22_one_bad_hand_in_touches_nobody_else(course, nbgrader, capsys):
    copied = handed_in()
    copied.cells.append(nbformat.from_dict(copied.cells[-1] | {"id": "another"}))
    for student in ("ada", "ben", "cem", "dan", "eva", "fay"):
        submit(course, student, copied if student == "ben" else None)
    nbgrader.broken, nbgrader.unstable = {"dan"}, {"eva"}
    assert run(course, "grade", TITLE) == 1
    said = capsys.readouterr().out
    assert "ben                  NO SCORE, cell path_reach-test there more than once" in said
    right = (20, "graded")
    assert scores(course) == {
        "ada": right,
        "ben": (None, "cell path_reach-test there more than once: delete the copy"),
        "cem": right,
        "dan": (None, "not run to the end: see nbgrader.log"),
        "eva": (None, "not run to the end: its program ended itself"),
        "fay": right,
    }


@pytest.mark.parametrize("fails", ["broken", "unstable", "copied", "gone"])
def test_P3_no_stale_score_survives(fails, course, nbgrader):
    path = submit(course, "ada", handed_in(WRONG))
    submit(course, "ben")
    assert run(course, "grade", TITLE) == 0
    assert scores(course)["ada"] == (10, "graded")
    submit(course, "ada")
    assert scores(course)["ada"] == (None, "handed in again, not graded yet"), "before it is graded again, too"
    if fails == "gone":
        shutil.rmtree(path.parent)
    elif fails == "copied":
        twice = handed_in()
        twice.cells += [nbformat.from_dict(twice.cells[-1] | {"id": "another"})]
        submit(course, "ada", twice)
    else:
        getattr(nbgrader, fails).add("ada")
    assert run(course, "grade", TITLE) == 1
    assert scores(course)["ada"][0] is None and scores(course)["ben"] == (20, "graded")
    page = course / "feedback" / "ada" / TITLE / f"{TITLE}.html"
    assert page.exists() == (fails in ("unstable", "copied")), "what a student can mend has a page, and nothing else has"
    assert not page.exists() or "no score yet" in page.read_text(encoding="utf-8")
    assert (TITLE, "ada") not in nbgrader.scores
    with open(course / "grades.csv", encoding="utf-8-sig", newline="") as file:
        assert {row["student"]: row[TITLE] for row in csv.DictReader(file)} == {"ada": "", "ben": "20"}


def test_P3_a_correction_to_full_marks_counts(course, nbgrader):
    submit(course, "ada", handed_in(WRONG))
    grade(course, TITLE, 20)
    submit(course, "ada")
    assert grade(course, TITLE, 20) == 0 and scores(course)["ada"] == (20, "graded")


def test_P3_a_grading_that_was_stopped_leaves_no_score(course, nbgrader, monkeypatch):
    submit(course, "ada", handed_in(WRONG))
    grade(course, TITLE, 20)
    submit(course, "ada")
    monkeypatch.setattr("tools.grading.grade.grade_one", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        grade(course, TITLE, 20)
    assert scores(course)["ada"] == (None, "not graded yet")


def test_P3_everybody_of_the_roster_appears(course, nbgrader, capsys):
    (course / "roster.csv").write_text("student,last_name,first_name,email\nzoe,Z,Zoe,z@x.org\n", encoding="utf-8")
    submit(course, "ada")
    assert run(course, "grade", TITLE) == 1, "zoe has no score"
    assert "zoe                  NO SCORE, not handed in" in capsys.readouterr().out


def test_P3_a_gradebook_without_a_complete_entry_gives_no_score(course, nbgrader, monkeypatch):
    submit(course, "ada")
    whole = nbgrader.in_gradebook

    def incomplete(*arguments):
        found = whole(*arguments)
        if isinstance(found, dict):
            found["handed_in"] = [entry | {"complete": False} for entry in found["handed_in"]]
        return found

    monkeypatch.setattr(records, "in_gradebook", incomplete)
    assert grade(course, TITLE, 20) == 1 and scores(course)["ada"] == (None, "not graded yet")


# ------------------------------------------------------------------ 21: what is handed in


def without(*ends):
    def change(made):
        made.cells = [cell for cell in made.cells if not marks(cell)["grade_id"].endswith(ends)]

    return change


def bare(made):
    for cell in made.cells:
        cell.metadata.clear()


def unmarked(made):
    next(cell for cell in made.cells if marks(cell)["grade"]).metadata["nbgrader"]["grade"] = False


def blank(made):
    next(cell for cell in made.cells if marks(cell)["solution"]).source = " \n"


def reordered(made):
    made.cells.reverse()


DAMAGED = {
    "test cells deleted": (without("-test"), "cells budget_width-test, path_reach-test missing"),
    "an answer deleted": (without("path_reach-answer"), "cell path_reach-answer missing"),
    "the setup deleted": (without("setup"), "cell setup missing"),
    "imports deleted": (without("-imports"), "missing"),
    "all metadata lost": (bare, "no cell has the marks of the assignment"),
    "a mark lost": (unmarked, "cell budget_width-test has lost its marks"),
    "an answer emptied": (blank, "cell budget_width-answer empty"),
    "cells in another order": (reordered, "was moved: the cells must stand in the order of the assignment"),
}
FILES = {
    "nbformat 3": (
        lambda: json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}),
        "notebook format 3, not format 4",
    ),
    "cut off": (lambda: nbformat.writes(handed_in())[:900], "not a notebook, or was cut off"),
    "empty": (lambda: "", "not a notebook, or was cut off"),
    "a list": (lambda: "[]", "no notebook, not format 4"),
    "cells of nothing": (
        lambda: json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}),
        "a damaged notebook",
    ),
    "no cells": (
        lambda: json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}),
        "no cell has the marks",
    ),
    "nested": (lambda: "[" * 100_000, "not a notebook, or was cut off"),
}


@pytest.mark.parametrize("kind", [*DAMAGED, *FILES])
def test_fault_21_a_damaged_hand_in_has_no_score_and_is_named(kind, course, nbgrader):
    if kind in DAMAGED:
        change, says = DAMAGED[kind]
        made = handed_in()
        change(made)
    else:
        build, says = FILES[kind]
        made = build()
    submit(course, "ada", made)
    submit(course, "ben")
    assert run(course, "grade", TITLE) == 1
    found = scores(course)
    assert found["ada"][0] is None and says in found["ada"][1], found["ada"]
    assert found["ben"] == (20, "graded") and nbgrader.ran == ["ben"]


@pytest.mark.parametrize(
    "change",
    [without("-check"), without("-question"), lambda made: made.cells.insert(3, nbformat.v4.new_code_cell("own = 1"))],
    ids=["no visible check", "no question", "a cell of one's own"],
)
def test_fault_21_what_grading_does_not_need_may_go_and_come(change, course, nbgrader):
    made = handed_in()
    change(made)
    submit(course, "ada", made)
    assert grade(course, TITLE, 20) == 0 and scores(course)["ada"] == (20, "graded")


@pytest.mark.parametrize(
    ("name", "says"),
    [("a[b]", "must not contain"), (".hidden", "dot"), ("-x", "dash"), ("x ", "blank"), ("a,b", "must not contain")],
)
def test_fault_21_a_folder_that_nbgrader_would_misread_is_named(name, says, course, nbgrader):
    assert says in name_problem(name)
    if not name.startswith("."):
        submit(course, name)
        submit(course, "ada")
        assert run(course, "grade", TITLE) == 1
        assert says in scores(course)[name][1] and scores(course)["ada"] == (20, "graded")


def test_fault_21_names_of_people_are_names():
    for name in ("王伟", "Wang Wei_4711", "O'Neill", "anna-lena.müller", "x@uni.edu", "4711"):
        assert name_problem(name) is None


# ------------------------------------------------------------------ 28: only what changed


def test_fault_28_only_what_changed_is_graded_again(course, nbgrader):
    for student in ("ada", "ben"):
        submit(course, student)
    grade(course, TITLE, 20)
    grade(course, TITLE, 20)
    assert nbgrader.ran == ["ada", "ben"]
    submit(course, "ben", handed_in(WRONG))
    grade(course, TITLE, 20)
    assert nbgrader.ran == ["ada", "ben", "ben"]
    (course / "submitted" / "ada" / TITLE / "helper.py").write_text("x = 1", encoding="utf-8")
    grade(course, TITLE, 20)
    assert nbgrader.ran[3:] == ["ada"], "a file beside the notebook belongs to the hand-in"
    grade(course, TITLE, 30)
    assert nbgrader.ran[4:] == ["ada", "ben"], "another limit may give another score"
    grade(course, TITLE, 30, student="ada", again=True)
    assert nbgrader.ran[6:] == ["ada"]


def test_fault_28_a_changed_check_and_a_changed_assignment_grade_again(course, nbgrader, monkeypatch):
    submit(course, "ada")
    grade(course, TITLE, 20)
    monkeypatch.setattr(records, "way_of_grading", lambda seconds: "another")
    grade(course, TITLE, 20)
    changed = nbformat.from_dict(MASTER)
    changed.metadata["more"] = 1
    nbformat.write(changed, course / "source" / TITLE / f"{TITLE}.ipynb")
    grade(course, TITLE, 20)
    assert nbgrader.ran == ["ada"] * 3


def test_fault_28_who_was_not_run_is_tried_again(course, nbgrader):
    submit(course, "ada")
    nbgrader.unstable = {"ada"}
    assert grade(course, TITLE, 20) == 1
    nbgrader.unstable = set()
    assert grade(course, TITLE, 20) == 0 and scores(course)["ada"] == (20, "graded")


def test_one_student_can_be_graded_alone(course, nbgrader, capsys):
    for student in ("ada", "ben"):
        submit(course, student)
    assert run(course, "grade", TITLE, "--student", "ben") == 0 and nbgrader.ran == ["ben"]
    assert scores(course) == {"ada": (None, "not graded yet"), "ben": (20, "graded")}
    assert run(course, "grade", TITLE, "--student", "eve") == "there is no student 'eve'; there are: ada, ben"
    assert "a second at least" in run(course, "grade", TITLE, "--seconds", "0")


def test_a_damaged_memory_is_said_and_kept(course, nbgrader):
    submit(course, "ada")
    (course / "graded.json").write_text("{", encoding="utf-8")
    assert "is damaged; move it away" in run(course, "grade", TITLE)
    assert (course / "graded.json").read_text(encoding="utf-8") == "{"


def test_the_answers_used_here_are_the_book_s():
    assert set(GOOD) == {"budget_width-answer", "path_reach-answer"}
