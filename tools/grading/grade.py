"""Grade hand-ins: one student at a time, so that what is wrong with one touches nobody else."""

import json
import re
import sys
import tempfile
from html import escape
from pathlib import Path

import nbformat

from tools import plain_page
from tools.facts import ROOT
from tools.grading import judging, records, report, returning
from tools.grading.course import (
    KERNEL,
    checked_student,
    hand_in_place,
    name_problem,
    nbgrader,
    remove_made,
    replace_text,
    source_of,
)
from tools.grading.handed_in import NOT_HANDED_IN, Problem, hand_in, master_cells, place_problem

NOT_RUN, NO_FEEDBACK = "not run to the end: see nbgrader.log", "nbgrader could not write its feedback: see nbgrader.log"
AUTOGRADE = ["--force", f"--Judged.kernel_name={KERNEL}"] + [
    f"--Autograde.autograde_preprocessors={name}"
    for name in (
        "tools.grading.preprocessors.Judged",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    )
]
FEEDBACK = [
    "--force",
    "--HTMLExporter.template_name=answers",
    f"--HTMLExporter.extra_template_basedirs={ROOT / 'tools' / 'grading' / 'templates'}",
]


def stand_alone(page):
    """Take MathJax, which another host would have to send, out of a page of feedback."""
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r'<script[^>]* src="https?://[^>]*>\s*</script>', "", text), encoding="utf-8")


def run_nbgrader(course, title, student, verdicts, seconds, walls):
    """Let nbgrader run the notebook, enter the verdicts and write feedback. Raises ``Problem``."""
    with tempfile.TemporaryDirectory(prefix="verdicts-") as folder:
        path = Path(folder) / "verdicts.json"
        path.write_text(json.dumps(verdicts), encoding="utf-8")
        failed = nbgrader(
            course,
            "autograde",
            title,
            f"--student={student}",
            *AUTOGRADE,
            f"--ExecutePreprocessor.timeout={seconds}",
            walls=walls,
            RESNEXT_VERDICTS=str(path),
        )
    if failed:
        raise Problem(NOT_RUN)
    if nbgrader(course, "generate_feedback", title, f"--student={student}", *FEEDBACK):
        raise Problem(NO_FEEDBACK)
    for page in (course / "feedback" / student / title).glob("*.html"):
        stand_alone(page)


def grade_one(course, title, student, master, seconds, walls):
    """Grade one hand-in. Raises ``Problem``, and then nothing of it is left in gradebook and feedback."""
    notebook = hand_in(course, title, student, master)
    with open(course / "nbgrader.log", "a", encoding="utf-8") as log:
        log.write(f"\n$ judge {title} of {student}\n")
        log.flush()
        try:
            cells = judging.steps(notebook, master)
            verdicts = judging.judge_apart(cells, hand_in_place(course, title, student), seconds, walls, log)
        except judging.NotRun as problem:
            raise Problem(f"not run to the end: {problem}") from None
    run_nbgrader(course, title, student, verdicts, seconds, walls)


def withdraw(course, title, student, in_gradebook=True):
    """Drop what earlier gradings gave: nothing old may be taken for a score of what lies there now."""
    if in_gradebook and (kept := records.drop(course, title, student)):
        print(f"{student}: {kept} scores or comments by hand were set aside in set_aside.jsonl", file=sys.stderr)
    if not name_problem(student):
        remove_made(course, title, student)


def explain(course, title, student, problem):
    """Write the page that tells a student why there is no score, and what to do. What is not theirs to mend has none."""
    if name_problem(student) or str(problem) in (NOT_RUN, NO_FEEDBACK, NOT_HANDED_IN):
        return
    words = (
        f"<h1>{escape(title)}: no score yet</h1><p>What you handed in could not be graded: {escape(str(problem))}.</p>"
        "<p>This is not a zero. Mend the file and hand it in again, or ask your teacher. If a cell is missing, take a "
        "fresh copy of the assignment and put your answers into it.</p>"
    )
    page = course / "feedback" / student / title / f"{title}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    replace_text(page, plain_page.page(f"{title}: no score yet", words))


def update(course, title, student, master, seconds, walls, in_gradebook):
    """Grade one hand-in anew, and remember how that went. ``in_gradebook`` says whether the gradebook has one already."""
    known = records.remembered(course, "graded.json")
    known.setdefault(title, {}).pop(student, None)
    records.remember(course, "graded.json", known)
    withdraw(course, title, student, in_gradebook)
    entry = {"status": records.GRADED}
    try:
        # Before anything runs: what is handed in meanwhile was not graded.
        entry["files"] = records.files_of(course, title, student)
        grade_one(course, title, student, master, seconds, walls)
        entry["how"] = records.way_of_grading(seconds)
    except Problem as problem:
        withdraw(course, title, student, str(problem) in (NOT_RUN, NO_FEEDBACK))
        entry["status"] = str(problem)
        explain(course, title, student, problem)
    known = records.remembered(course, "graded.json")
    known.setdefault(title, {})[student] = entry
    records.remember(course, "graded.json", known)


def is_up_to_date(course, title, student, seconds, scored):
    """Whether the last grading still says what a new one would. Whoever was not graded then is tried again."""
    known = records.remembered(course, "graded.json").get(title, {}).get(student, {})
    return (
        student in scored
        and known.get("status") == records.GRADED
        and known["how"] == records.way_of_grading(seconds)
        and known["files"] == records.files_of(course, title, student)
    )


def to_grade(course, title, student):
    """The students who come into question, all or the one that was named. Raises ``ValueError``."""
    everybody = records.students_of(course)
    if student is not None:
        if checked_student(student) not in everybody:
            raise ValueError(f"there is no student {student!r}; there are: {', '.join(everybody) or 'none'}")
        return [student]
    if all(place_problem(course, title, name) == NOT_HANDED_IN for name in everybody) and not loose(course):
        place = f"{course / 'submitted'}/STUDENT/{title}/{title}.ipynb"
        raise ValueError(f"nothing to grade: there is no {place}; `make collect` puts a platform's zip there")
    return everybody


def loose(course):
    """Files that lie beside the students' folders."""
    return sorted(path.name for path in course.glob("submitted/*") if path.is_file() and not path.name.startswith("."))


def grade(course, title, seconds, student=None, again=False):
    """Grade what changed, write scores and feedback, print a line for everybody. Returns how many have no score."""
    if seconds < 1:
        raise ValueError(f"a cell needs a second at least, not {seconds}")
    master = master_cells(nbformat.read(source_of(course, title), as_version=4))
    chosen = to_grade(course, title, student)
    walls, in_force = judging.in_force(seconds)
    print(in_force)
    book = report.entries(records.gradebook(course), title)
    scored = {name for name, entry in book.items() if entry["complete"]}
    for name in chosen:
        if place_problem(course, title, name) == NOT_HANDED_IN and name not in book:
            continue
        if again or not is_up_to_date(course, title, name, seconds, scored):
            print(f"running {name}", file=sys.stderr, flush=True)
            update(course, title, name, master, seconds, walls, name in book)
    results = report.write(course)
    without = 0
    for name in chosen:
        result = results[title][name]
        without += result.score is None
        print(f"{name:20} {result}")
    for name in loose(course):
        without += 1
        print(
            f"{name:20} NO SCORE, it lies beside the students' folders: make collect NAME={title} ZIP={course / 'submitted'}"
        )
    print(f"Scores: {course / 'grades.csv'}; feedback: {course / 'feedback'}/STUDENT/{title}/{title}.html")
    for name in returning.write(course, title, results[title]):
        print(f"To give it back: {course / name}")
    return without
