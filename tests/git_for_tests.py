"""git as the tests call it: as somebody whose name and dates are the same on every machine."""

import os
import subprocess

import nbformat

from tools.setup_cell import setup_source

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(folder, *arguments, **variables):
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env={**os.environ, **IDENTITY, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def setup_only(address):
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# A chapter"),
            nbformat.v4.new_code_cell(setup_source(address)),
        ]
    )
