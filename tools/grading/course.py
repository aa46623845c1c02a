"""A course's folder: which names are allowed in it, what lies where, and nbgrader run in it."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.facts import ROOT
from tools.grading.judging import LIBRARY, walled_command
from tools.writing import whole

GRADER = ROOT / ".venv-grader"
COURSE = ROOT / "_classroom" / "grading"
KERNEL = "resnext-hand-in"
MADE_AGAIN = ("autograded", "feedback")  # what grading makes, and may therefore delete
ODD = re.compile(r'[\x00-\x1f/\\:*?"<>|\[\]{},]')


def checked_title(title):
    """``title``, if an assignment may be called so. Raises ``ValueError``."""
    if not title:
        raise ValueError("give the assignment's name: NAME=week3")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", title) or len(title) > 60:
        raise ValueError(f"the name of an assignment has letters, digits, - and _ only, at most 60, not {title!r}")
    return title


def name_problem(student):
    """What is wrong with the name of a student's folder, or None."""
    if found := ODD.search(student):
        return f"the folder's name must not contain {found[0]!r}"
    if student != student.strip() or student.startswith((".", "-")) or student.endswith(".") or len(student) > 100:
        return "the folder's name must not begin with a dot or dash, end with a blank or dot, or exceed 100 characters"
    return None


def checked_student(student):
    """``student``, if a student's folder may be called so. Raises ``ValueError``."""
    if not student or (problem := name_problem(student)):
        raise ValueError(f"{student!r} is no student's name: {problem if student else 'it is empty'}")
    return student


def hand_in_place(course, title, student):
    """The folder that a student's hand-in belongs into."""
    return course / "submitted" / student / title


def source_of(course, title):
    """The teacher's copy of an assignment. Raises ``ValueError`` where there is none."""
    path = course / "source" / checked_title(title) / f"{title}.ipynb"
    if not path.is_file():
        known = sorted(found.parent.name for found in course.glob("source/*/*.ipynb") if found.stem == found.parent.name)
        there = f"there are: {', '.join(known)}" if known else "none was made yet: make assignment NAME=week3 EXERCISES=..."
        raise ValueError(f"there is no assignment {title!r}; {there}")
    return path


def remove_made(course, title, student):
    """Delete what grading made for one hand-in. Nothing else is ever deleted, and no link is followed."""
    checked_title(title), checked_student(student)
    for part in MADE_AGAIN:
        folder = course / part / student / title
        if folder.is_symlink() or folder.parent.is_symlink():
            raise ValueError(f"{folder} leads out of the course: it is a link; remove it by hand")
        if folder.is_dir():
            shutil.rmtree(folder)


def program(name):
    """A program of the grading environment: Windows keeps them elsewhere, and calls them .exe."""
    return GRADER / "Scripts" / f"{name}.exe" if os.name == "nt" else GRADER / "bin" / name


def install_kernel(walls):
    """Write the kernel that runs hand-ins: this Python, behind walls, with the book's library and nothing else of the book.

    Written before every run of nbgrader: after the book's folder was moved, no hand-in could be run otherwise.
    """
    folder = GRADER / "share" / "jupyter" / "kernels" / KERNEL
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"book": LIBRARY, "hand_in": ".", "open": ["$TMPDIR"] if walls else [], "walls": walls}
    command = walled_command(settings, "-m", "ipykernel_launcher", "-f", "{connection_file}")
    kernel = {"display_name": "A hand-in", "language": "python", "argv": command}
    (folder / "kernel.json").write_text(json.dumps(kernel, indent=2), encoding="utf-8")


def environment(**more):
    """What nbgrader needs: the program alembic on the path, and our preprocessors."""
    path = f"{program('nbgrader').parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | more


def nbgrader(course, *arguments, walls=False, **variables):
    """Run nbgrader in ``course`` and append what it says to ``nbgrader.log`` there. Returns its exit status."""
    if not program("nbgrader").exists():
        raise SystemExit("nbgrader is not installed: run `make grader` first")
    install_kernel(walls)
    # Jupyter's file with the kernel's addresses lies in it, and behind walls the sockets, whose paths must be short.
    short = tempfile.TemporaryDirectory(prefix="grade-", dir="/tmp" if walls else None)
    with short as runtime, open(course / "nbgrader.log", "a", encoding="utf-8") as log:
        if walls:
            arguments += ("--KernelManager.transport=ipc", f"--KernelManager.ip={runtime}/kernel")
        log.write(f"\n$ nbgrader {' '.join(arguments)}\n")
        log.flush()
        return subprocess.run(
            [program("nbgrader"), *arguments],
            cwd=course,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(TMPDIR=runtime, **variables),
        ).returncode


def in_gradebook(course, code, *arguments):
    """Run a program of nbgrader's Python beside the gradebook; what it prints is JSON, and is returned."""
    done = subprocess.run(
        [program("python"), "-c", code, *arguments], cwd=course, env=environment(), encoding="utf-8", capture_output=True
    )
    if done.returncode:
        with open(course / "nbgrader.log", "a", encoding="utf-8") as log:
            log.write(done.stderr)
        raise SystemExit(f"the gradebook cannot be used: see {course / 'nbgrader.log'}")
    return json.loads(done.stdout)


def text_or_none(path):
    return Path(path).read_text(encoding="utf-8") if Path(path).is_file() else None


def replace_text(path, text):
    """Write a file so that whoever reads it, and whatever goes wrong, finds the old or the new one whole."""
    with whole(path) as new:
        new.write_text(text, encoding="utf-8", newline="")
