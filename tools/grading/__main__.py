"""Make and grade assignments with nbgrader.

    python -m tools.grading list                               which exercises there are
    python -m tools.grading assign week3 stage_widths form_a   make an assignment of these exercises
    python -m tools.grading grade week3                        grade what lies in submitted/STUDENT/week3/
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.contract import ROOT
from tools.grading.assignment import assignment, exercises_of
from tools.notebooks import execute, text_of

GRADER = ROOT / ".venv-grader"
COURSE = ROOT / "_classroom" / "grading"
GRADED, NOT_RUN = "graded", "not run to the end: see nbgrader.log"
# nbgrader says this of each submission when it begins to run it, and nothing else for minutes.
RUNS_NOW = re.compile(r"Autograding .*/autograded/([^/]+)/")


def install_kernel():
    """Write a kernel that starts this Python, with the book's folder first on its path.

    Written before every run of nbgrader: after the book's folder was moved, no submission could be run otherwise.
    """
    folder = GRADER / "share" / "jupyter" / "kernels" / "resnext-book"
    folder.mkdir(parents=True, exist_ok=True)
    kernel = {"display_name": "The ResNeXt Book", "language": "python",
              "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
              "env": {"PYTHONPATH": str(ROOT), "RESNEXT_BOOK": str(ROOT)}}
    (folder / "kernel.json").write_text(json.dumps(kernel, indent=2), encoding="utf-8")


def environment():
    """nbgrader looks for the program alembic on the path."""
    return os.environ | {"PATH": f"{GRADER / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def nbgrader(course, *arguments):
    """Run nbgrader in ``course`` and append what it says to ``nbgrader.log`` there. Returns its exit status."""
    program = GRADER / "bin" / "nbgrader"
    if not program.exists():
        raise SystemExit("nbgrader is not installed: run `make grader` first")
    install_kernel()
    with open(course / "nbgrader.log", "a", encoding="utf-8") as log:
        log.write(f"\n$ nbgrader {' '.join(arguments)}\n")
        with subprocess.Popen([program, *arguments], cwd=course, env=environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace") as running:
            for line in running.stdout:
                log.write(line)
                if now := RUNS_NOW.search(line):
                    print(f"running {now[1]}", file=sys.stderr, flush=True)
        return running.returncode


def verified(notebook):
    """Run the instructor's notebook, solutions and hidden tests included. Raises if a test rejects a solution."""
    os.environ["RESNEXT_BOOK"] = str(ROOT)
    return execute(notebook, ROOT)


def assign(course, title, names, points):
    """Write the instructor's notebook, verify that its solutions pass, and let nbgrader release it."""
    made = assignment(title, names, points)
    source = course / "source" / title / f"{title}.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    if not (course / "nbgrader_config.py").exists():
        shutil.copy(ROOT / "tools" / "grading" / "nbgrader_config.py", course)
    source.write_text(text_of(verified(made)), encoding="utf-8")
    if nbgrader(course, "generate_assignment", title, "--force", "--create"):
        raise SystemExit(f"nbgrader could not release {title}: see {course / 'nbgrader.log'}")
    (course / "submitted").mkdir(exist_ok=True)
    release = course / "release" / title / source.name
    print(f"For students: {release}\nPut what comes back into {course / 'submitted'}/STUDENT/{title}/{source.name}")


FORGET = """
import sys
from nbgrader.api import Gradebook, MissingEntry
with Gradebook("sqlite:///gradebook.db", "resnext") as book:
    for student in sys.argv[2:]:
        try:
            book.remove_submission(sys.argv[1], student)
        except MissingEntry:
            pass
"""


def forget(course, title, students):
    """Take submissions out of the gradebook, so that no score of an earlier run stays."""
    subprocess.run([GRADER / "bin" / "python", "-c", FORGET, title, *students], cwd=course, env=environment(), check=True)


def status(course, title, student):
    """What became of a submission: graded, not handed in, handed in under another name or place, or not run to the end."""
    handed_in = course / "submitted" / student / title
    if (course / "autograded" / student / title / f"{title}.ipynb").exists():
        return GRADED
    if not handed_in.is_dir():
        loose = ", ".join(sorted(path.name for path in handed_in.parent.glob("*.ipynb")))
        return f"the file must lie in {handed_in.relative_to(course)}/, found {loose} beside" if loose else "not handed in"
    if not (handed_in / f"{title}.ipynb").exists():
        found = ", ".join(sorted(path.name for path in handed_in.iterdir())) or "nothing"
        return f"the file must be called {title}.ipynb, found {found}"
    return NOT_RUN


def scores(course, title):
    """(score, points) by student. Writes grades.csv: nbgrader's export, and a status; without a grading, no score."""
    path = course / "grades.csv"
    if nbgrader(course, "export", "--to", str(path)):
        raise SystemExit(f"nbgrader could not export the scores: see {course / 'nbgrader.log'}")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["status"] = status(course, row["assignment"], row["student_id"])
        if row["status"] != GRADED:
            row["raw_score"] = row["score"] = ""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0] if rows else ["status"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    own = [row for row in rows if row["assignment"] == title]
    return {row["student_id"]: (float(row["score"] or 0), float(row["max_score"])) for row in own}


def stand_alone(page):
    """Take MathJax, which another host would have to send, out of a page of feedback."""
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r'<script[^>]* src="https?://[^>]*>\s*</script>', "", text), encoding="utf-8")


def grade(course, title, seconds):
    """Grade every submission of an assignment, write feedback, print the scores. One that fails does not stop the rest."""
    if not title:
        raise SystemExit("give the assignment's name: make grade NAME=week3")
    folders = [path for path in course.glob("submitted/*") if (path / title).is_dir() or any(path.glob("*.ipynb"))]
    students = sorted(path.name for path in folders)
    if not students:
        raise SystemExit(f"nothing to grade: there is no {course / 'submitted'}/STUDENT/{title}/{title}.ipynb")
    nbgrader(course, "autograde", title, "--force", "--create", f"--ExecutePreprocessor.timeout={seconds}")
    became = {student: status(course, title, student) for student in students}
    failed = [student for student in students if became[student] != GRADED]
    for student in failed:
        shutil.rmtree(course / "feedback" / student / title, ignore_errors=True)
    forget(course, title, failed)
    nbgrader(course, "generate_feedback", title, "--force")
    for page in course.glob(f"feedback/*/{title}/*.html"):
        stand_alone(page)
    found = scores(course, title)
    for student in students:
        result = "{:g} of {:g}".format(*found[student]) if became[student] == GRADED else f"NO SCORE, {became[student]}"
        print(f"{student:20} {result}")
    print(f"Scores: {course / 'grades.csv'}; feedback: {course / 'feedback'}/STUDENT/{title}/{title}.html")


def parser():
    made = argparse.ArgumentParser(prog="python -m tools.grading", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--course", type=Path, default=COURSE, help="the course's folder")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    one = commands.add_parser("assign")
    one.add_argument("title")
    one.add_argument("exercises", nargs="*")
    one.add_argument("--points", type=float, default=10, help="for each exercise")
    two = commands.add_parser("grade")
    two.add_argument("title")
    two.add_argument("--seconds", type=int, default=60, help="that a cell may take")
    return made


def main(arguments=None):
    options = parser().parse_args(arguments)
    if options.command == "list":  # writes nothing, so it works in a folder that is only read
        print("\n".join(exercises_of()))
        return
    options.course.mkdir(parents=True, exist_ok=True)
    try:
        if options.command == "assign":
            assign(options.course, options.title, options.exercises, options.points)
        else:
            grade(options.course, options.title, options.seconds)
    except ValueError as problem:
        raise SystemExit(str(problem)) from None


if __name__ == "__main__":
    main()
