"""Make, collect and grade assignments with nbgrader.

    python -m tools.grading list                               which exercises there are
    python -m tools.grading assign week3 stage_widths form_a   make an assignment of these exercises
    python -m tools.grading collect week3.zip                  take hand-ins out of a zip of Moodle's, Canvas's or nbgrader's
    python -m tools.grading grade week3                        grade what lies in submitted/STUDENT/week3/ and has changed

The exit status is 0 only if every student has a score, or every file of a zip an owner.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from tools.facts import ROOT
from tools.grading import listing
from tools.grading.assignment import assignment
from tools.grading.collect import collect
from tools.grading.course import COURSE, checked_title, nbgrader, replace_text, text_or_none
from tools.grading.grade import grade
from tools.grading.records import digest, remember, remembered, set_due, utc
from tools.notebooks import execute, text_of


def verified(notebook):
    """Run the instructor's notebook, solutions and hidden tests included. Raises if a test rejects a solution."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), before)))
    try:
        return execute(notebook, ROOT)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def may_be_made_again(course, title, source):
    """Raise ``ValueError`` if making an assignment would overwrite work or change what was handed in already."""
    if source.exists() and digest(source.read_bytes()) != remembered(course, "made.json").get(title):
        raise ValueError(f"{source} was changed since it was made: move it away, or choose another name")
    handed_in = sorted(path.parent.name for path in course.glob(f"submitted/*/{title}"))
    if source.exists() and handed_in:
        raise ValueError(f"{title} was handed in already, by {', '.join(handed_in[:5])}: choose another name")


def released(course, title):
    """Let nbgrader make the students' copy. Raises ``SystemExit``."""
    if nbgrader(course, "generate_assignment", title, "--force", "--create"):
        raise SystemExit(f"nbgrader could not release {title}: see {course / 'nbgrader.log'}")


def assign(course, title, names, points, due=None):
    """Write the instructor's notebook, verify that its solutions pass, and let nbgrader release it."""
    made = assignment(checked_title(title), names, points, due=due)
    source = course / "source" / title / f"{title}.ipynb"
    if due:
        utc(due)  # raises before anything is written
    may_be_made_again(course, title, source)
    text = text_of(verified(made))
    source.parent.mkdir(parents=True, exist_ok=True)
    if not (course / "nbgrader_config.py").exists():
        shutil.copy(ROOT / "tools" / "grading" / "nbgrader_config.py", course)
    earlier = text_or_none(source)
    replace_text(source, text)
    try:
        released(course, title)
    except BaseException:
        source.unlink() if earlier is None else replace_text(source, earlier)
        raise
    remember(course, "made.json", remembered(course, "made.json") | {title: digest(text.encode())})
    if due:
        set_due(course, title, due)
    (course / "submitted").mkdir(exist_ok=True)
    release = course / "release" / title / source.name
    print(f"For students: {release}\nPut what comes back into {course / 'submitted'}/STUDENT/{title}/{source.name}")


def parser():
    made = argparse.ArgumentParser(
        prog="python -m tools.grading", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--course", type=Path, default=COURSE, help="the course's folder")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    one = commands.add_parser("assign")
    one.add_argument("title")
    one.add_argument("exercises", nargs="*")
    one.add_argument("--points", type=float, default=10, help="for each exercise")
    one.add_argument("--due", help="such as '2026-12-01 23:59', by this machine's clock")
    two = commands.add_parser("collect")
    two.add_argument("source", type=Path, help="a zip, or a folder of the same form")
    two.add_argument("--title", help="the assignment, if it is not in the files' names")
    three = commands.add_parser("grade")
    three.add_argument("title")
    three.add_argument("--student", help="this one only")
    three.add_argument("--seconds", type=int, default=60, help="that a cell may take")
    three.add_argument("--again", action="store_true", help="also what has not changed")
    return made


def run(options):
    """Do what was asked for. Returns the exit status."""
    course = options.course
    if options.command == "list":
        print(listing.table())
    elif options.command == "assign":
        assign(course, options.title, options.exercises, options.points, options.due)
    elif options.command == "collect":
        return int(collect(course, options.source, options.title) > 0)
    elif without := grade(course, options.title, options.seconds, options.student, options.again):
        print(
            f"{without} without a score: the line of each says why, and so does the page that feedback has for them. "
            "The error with which make ends says only that.",
            file=sys.stderr,
        )
        return 1
    return 0


def main(arguments=None):
    options = parser().parse_args(arguments)
    options.course = options.course.resolve()
    try:
        status = run(options)
    except ValueError as problem:
        raise SystemExit(str(problem)) from None
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    main()
