"""Make and grade assignments with nbgrader.

    python -m tools.grading list                               which exercises there are
    python -m tools.grading assign week3 stage_widths form_a   make an assignment of these exercises
    python -m tools.grading grade week3                        grade what lies in submitted/STUDENT/week3/
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.contract import ROOT
from tools.grading.assignment import assignment, exercises_of
from tools.notebooks import execute, text_of

GRADER = ROOT / ".venv-grader"
COURSE = ROOT / "_classroom" / "grading"


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
        log.flush()
        return subprocess.run([program, *arguments], cwd=course, env=environment(), stdout=log,
                              stderr=subprocess.STDOUT).returncode


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
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db", "resnext") as book:
    for student in sys.argv[2:]:
        book.remove_submission(sys.argv[1], student)
"""


def forget(course, title, students):
    """Take submissions out of the gradebook, so that no score of an earlier run stays."""
    subprocess.run([GRADER / "bin" / "python", "-c", FORGET, title, *students], cwd=course, env=environment(), check=True)


def scores(course, title):
    """(score, points) by student, from nbgrader's own export."""
    path = course / "grades.csv"
    if nbgrader(course, "export", "--to", str(path)):
        raise SystemExit(f"nbgrader could not export the scores: see {course / 'nbgrader.log'}")
    with open(path, encoding="utf-8") as file:
        return {row["student_id"]: (float(row["score"] or 0), float(row["max_score"]))
                for row in csv.DictReader(file) if row["assignment"] == title}


def grade(course, title, seconds):
    """Grade every submission of an assignment, write feedback, print the scores. One that fails does not stop the rest."""
    students = sorted(path.parent.name for path in course.glob(f"submitted/*/{title}") if path.is_dir())
    if not students:
        raise SystemExit(f"nothing to grade: there is no {course / 'submitted'}/STUDENT/{title}/{title}.ipynb")
    nbgrader(course, "autograde", title, "--force", "--create", f"--ExecutePreprocessor.timeout={seconds}")
    failed = [student for student in students if not (course / "autograded" / student / title / f"{title}.ipynb").exists()]
    for student in failed:
        shutil.rmtree(course / "feedback" / student / title, ignore_errors=True)
    forget(course, title, failed)
    nbgrader(course, "generate_feedback", title, "--force")
    found = scores(course, title)
    for student in students:
        result = "0, NOT RUN TO THE END: see nbgrader.log" if student in failed else "{:g} of {:g}".format(*found[student])
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
    options.course.mkdir(parents=True, exist_ok=True)
    try:
        if options.command == "list":
            print("\n".join(exercises_of()))
        elif options.command == "assign":
            assign(options.course, options.title, options.exercises, options.points)
        else:
            grade(options.course, options.title, options.seconds)
    except ValueError as problem:
        raise SystemExit(str(problem)) from None


if __name__ == "__main__":
    main()
