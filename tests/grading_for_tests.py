"""Courses made in code, and a stand-in for nbgrader, so that grading a class is tested without its environment."""

import copy
import json
from pathlib import Path

import nbformat

from tools.grading import grade as grading
from tools.grading import judging, records
from tools.grading.assignment import assignment
from tools.grading.handed_in import marks

TITLE, NAMES = "week3", ["budget_width", "path_reach"]
MASTER = assignment(TITLE, NAMES)
GOOD = {marks(cell)["grade_id"]: cell.source for cell in MASTER.cells if marks(cell)["solution"]}
WRONG = GOOD | {"path_reach-answer": "one_of_32 = {'reads': 8, 'middle': 4, 'reaches': 8}"}


def handed_in(answers=GOOD):
    """The notebook of a student with these answers, {id: source}."""
    made = copy.deepcopy(MASTER)
    for cell in made.cells:
        if marks(cell)["grade"]:
            cell.source = "# Graded here, by further tests."
        cell.source = answers.get(marks(cell)["grade_id"], cell.source)
        cell.metadata.pop("starter", None)
    return made


def submit(course, student, notebook=None, name=f"{TITLE}.ipynb"):
    """Put a hand-in where it belongs."""
    folder = course / "submitted" / student / TITLE
    folder.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook or handed_in())
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def new_course(folder, *titles):
    """A course with an assignment, and nothing handed in."""
    for title in titles or (TITLE,):
        place = folder / "source" / title
        place.mkdir(parents=True)
        nbformat.write(MASTER, place / f"{title}.ipynb")
    (folder / "gradebook.db").touch()
    return folder


class StandIn:
    """In nbgrader's place: it stops at nothing that ours should have stopped, and remembers scores as a gradebook does."""

    def __init__(self, monkeypatch):
        self.scores, self.ran, self.manual, self.due, self.broken, self.unstable = {}, [], {}, {}, set(), set()
        monkeypatch.setattr(grading, "nbgrader", self.nbgrader)
        monkeypatch.setattr(records, "in_gradebook", self.in_gradebook)
        monkeypatch.setattr(judging, "judge_apart", self.judge_apart)
        monkeypatch.setattr(judging, "in_force", lambda seconds: (False, "In force: nothing, this is a test."))

    def judge_apart(self, cells, hand_in, seconds, walls, log):
        student = Path(hand_in).parent.name
        self.ran.append(student)
        if student in self.unstable:
            raise judging.NotRun("its program ended itself")
        sources = [cell.get("source") for cell in cells]
        return {f"{name}-test": [GOOD[f"{name}-answer"] in sources, "a sentence"] for name in NAMES}

    def nbgrader(self, course, command, title, student, *arguments, walls=False, **variables):
        student = student.removeprefix("--student=")
        place = course / ("autograded" if command == "autograde" else "feedback") / student / title
        if student in self.broken:
            return 1
        place.mkdir(parents=True, exist_ok=True)
        if command == "autograde":
            verdicts = json.loads(Path(variables["RESNEXT_VERDICTS"]).read_text(encoding="utf-8"))
            self.scores[title, student] = 10.0 * sum(passed for passed, _ in verdicts.values())
        (place / f"{title}.{'ipynb' if command == 'autograde' else 'html'}").write_text(str(self.scores), encoding="utf-8")
        return 0

    def in_gradebook(self, course, code, *arguments):
        if code == records.DROP:
            title, student = arguments
            self.scores.pop((title, student), None)
            return self.manual.pop((title, student), [])
        return {
            "students": {student: ["", "", ""] for _, student in self.scores},
            "due": self.due,
            "handed_in": [
                {"title": title, "student": student, "at": "", "late": 0, "score": score, "complete": True, "by_hand": False}
                for (title, student), score in self.scores.items()
            ],
        }


def tree(folder):
    """Every file below ``folder`` and what is in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def run(course, *arguments):
    """The exit status of a command in a course."""
    from tools.grading.__main__ import main

    try:
        main(["--course", str(course), *arguments])
    except SystemExit as end:
        return end.code
    return 0
