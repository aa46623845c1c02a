"""All exercises as a table: ``make exercises``."""

import re

from resnext_lib import exercises
from tools.grading.assignment import exercises_of
from tools.minutes import exercise_minutes

HEAD = ("chapter", "name", "title", "minutes", "from scratch")


def title_of(question):
    """The bold words with which an exercise begins."""
    return re.search(r"^\*\*\d+\. (.+?)\.?\*\*", question, re.MULTILINE)[1]


def chapter_of(notebook):
    """The number of a notebook's chapter, from the ids of its cells."""
    return int(re.match(r"c(\d+)-", notebook.cells[0]["id"])[1])


def is_from_scratch(name):
    """Whether the check refuses blocks of a library: only PyTorch's own layers are allowed."""
    forbidden = getattr(exercises, name).forbidden
    return bool(forbidden and forbidden.from_scratch)


def rows():
    """A row for each exercise, in the book's order."""
    found = []
    for name, (notebook, index) in exercises_of().items():
        question, solution = notebook.cells[index - 1].source, notebook.cells[index].source
        scratch = "yes" if is_from_scratch(name) else ""
        found.append((f"{chapter_of(notebook)}", name, title_of(question), f"{exercise_minutes(solution)}", scratch))
    return found


def table():
    """The rows under their head, in columns."""
    lines = [HEAD, *rows()]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
