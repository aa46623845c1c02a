"""git, asked in the book's folder: what it refuses ends the program, with its own words."""

import os
import subprocess
from pathlib import Path

from tools import facts


def printed(*arguments, **variables):
    """All that ``git ARGUMENTS`` prints, with ``variables`` added to its environment."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=facts.ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except FileNotFoundError as error:
        raise SystemExit("git was not found: install it (https://git-scm.com), or put it on the path") from error
    if done.returncode != 0:
        raise SystemExit(f"git {arguments[0]} failed. It says:\n{done.stderr.strip()}")
    return done.stdout


def git(*arguments, **variables):
    """What git prints, without the last line's end."""
    return printed(*arguments, **variables).rstrip("\n")


def refuse_unless_repository():
    """Raise ``SystemExit`` unless the book's folder is a repository of its own with a commit."""
    advice = "publish from a clone of the book (git clone), not from a downloaded archive"
    try:
        top = git("rev-parse", "--show-toplevel")
    except SystemExit as error:
        raise SystemExit(f"{error}\n{facts.ROOT} must be a git repository: {advice}") from error
    if not Path(top).samefile(facts.ROOT):
        raise SystemExit(f"{facts.ROOT} lies inside the repository {top} and is none itself: {advice}")
    try:
        git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except SystemExit as error:
        raise SystemExit("the repository has no commit yet: git add --all, git commit") from error


def branch_tip(branch):
    """The commit at which a branch of this repository stands; "" if there is no such branch."""
    listed = git("for-each-ref", "--format=%(refname) %(objectname)", f"refs/heads/{branch}").splitlines()
    return dict(line.split() for line in listed).get(f"refs/heads/{branch}", "")


def changes():
    """(letters of git's, path) of every file that is not as the last commit has it, untracked ones included."""
    listed = printed("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    return [(entry[:2], entry[3:]) for entry in listed.split("\0") if entry]


def in_last_commit(name):
    """The text of a file as the last commit has it."""
    return printed("show", f"HEAD:{name}")


def remote_refs(remote, *names):
    """{name: commit} for those of the full ``names`` that the remote has."""
    listed = git("ls-remote", "--", remote, *names).splitlines()
    found = {name: commit for commit, name in (line.split("\t") for line in listed)}
    return {name: found[name] for name in names if name in found}
