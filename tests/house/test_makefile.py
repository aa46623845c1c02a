"""What is typed after a task reaches the program as it was typed: no shell and no make reads it as code."""

import os
import subprocess
import time

import pytest

from tools import facts

# The program that stands for the environment's Python says, one a line, which arguments it got.
STAND_IN = """#!/bin/sh
for argument in "$@"; do printf '%s\\n' "$argument"; done
"""


@pytest.fixture
def folder(tmp_path):
    """The Makefile, and an environment that it finds ready."""
    (tmp_path / "Makefile").write_bytes((facts.ROOT / "Makefile").read_bytes())
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    for name in ("requirements.txt", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - 3600,) * 2)
    (tmp_path / ".venv" / "ready").touch()
    return tmp_path


def make(folder, *arguments, **variables):
    clean = {
        name: value for name, value in os.environ.items() if name not in ("URL", "BRANCH", "REMOTE", "MAKEFLAGS", "MFLAGS")
    }
    before = sorted(folder.rglob("*"))
    done = subprocess.run(
        ["make", "--silent", *arguments], cwd=folder, env=clean | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert sorted(folder.rglob("*")) == before, "what was typed was executed"
    return done.stdout.splitlines()


HOSTILE = [
    "x; touch pwned",
    "x && touch pwned",
    "x | touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "$$(touch pwned)",
    "$(shell touch pwned)",
    '"; touch pwned; "',
    "'; touch pwned; '",
    'x"$(touch pwned)"',
    "x > pwned",
    "a  b",
    "*",
    "~",
    "$HOME",
    "$(BIN)",
    "\\",
    "#x",
    "-x",
    "a\tb",
    "ü",
]


@pytest.mark.parametrize("typed", HOSTILE)
def test_P1_what_is_typed_reaches_the_program_as_it_is(folder, typed):
    assert make(folder, "address", f"URL={typed}", f"BRANCH={typed}") == ["-m", "tools.address", typed, typed]
    assert make(folder, "publish", f"REMOTE={typed}") == ["-m", "tools.publish", f"--push={typed}"]


def test_P1_what_is_not_typed_is_not_passed_and_the_environment_does_not_count(folder):
    stray = {"URL": "https://example.org/x", "BRANCH": "main", "REMOTE": "origin"}
    for variables in ({}, stray):
        assert make(folder, "address", **variables) == ["-m", "tools.address"]
        assert make(folder, "publish", **variables) == ["-m", "tools.publish"]
        assert make(folder, "address", "URL=https://github.com/a/b", **variables) == [
            "-m",
            "tools.address",
            "https://github.com/a/b",
        ]


@pytest.mark.parametrize("typed", HOSTILE)
def test_P1_what_is_typed_after_exam_and_bundle_reaches_the_program_as_it_is(folder, typed):
    exam = make(folder, "exam", f"SEED={typed}", f"CHAPTERS={typed}", f"QUESTIONS={typed}")
    assert exam == ["-m", "tools.exam", f"--chapters={typed}", f"--questions={typed}", "--", typed]
    (folder / ".venv" / "bin" / "jupyter-book").symlink_to("python")
    bundle = make(folder, "bundle", f"MIRROR={typed}", f"TORCH={typed}")
    assert bundle[-4:] == ["-m", "tools.bundle", f"--mirror={typed}", f"--torch={typed}"]


def test_P1_an_exam_without_a_seed_is_asked_for_one(folder):
    assert make(folder, "exam", SEED="7", CHAPTERS="4") == ["-m", "tools.exam", "--", ""]
