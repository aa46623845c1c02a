"""An assignment from chosen exercises: a small nbgrader notebook with setup, what the exercise needs, and the exercise.

The notebook is the instructor's: it has the solutions, the starters (in metadata) and the hidden tests.
nbgrader makes the students' release from it.
"""

import re
from math import isfinite

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.classroom.editions import starter
from tools.facts import ROOT, address
from tools.grading.course import checked_title
from tools.grading.dependencies import needed_cells, needed_imports
from tools.notebooks import chapters_in, normalise, read
from tools.setup_cell import from_the_bundle, setup_source
from tools.wheel import NAME as WHEEL

# Hidden from students. No student's kernel ever runs it: judging.py reads from it what is to be judged.
HIDDEN = """# Graded here, by further tests.
### BEGIN HIDDEN TESTS
from tools.grading.judge import judge

passed, message = judge("{name}", {answer})
print(message)
assert passed, message
### END HIDDEN TESTS"""

OPENING = """# Assignment {title}

Write your answers into the cells marked `# your code`, and run the check below each.
Keep the other cells as they are: they are restored before grading.
You may add cells of your own.
Hand in the file under the name that it has, `{title}.ipynb`.
Each exercise is worth {points:g} points.{due}
"""


def exercises_of(chapters=None):
    """Every exercise by name: (notebook, index of its solution cell)."""
    found = {}
    for path in chapters or chapters_in([ROOT / "chapters"]):
        notebook = read(path)
        found |= {
            cell.metadata["exercise"]: (notebook, index)
            for index, cell in enumerate(notebook.cells)
            if "exercise" in cell.metadata
        }
    return found


def find(name, known):
    if name not in known:
        raise ValueError(f"there is no exercise {name!r}; there are: {', '.join(known)}")
    return known[name]


def cell(kind, source, grade_id, **nbgrader):
    """A cell with nbgrader's metadata; locked unless it is the student's."""
    make = new_code_cell if kind == "code" else new_markdown_cell
    marks = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": False,
        "solution": False,
        "locked": True,
        "task": False,
        "cell_type": kind,
    } | nbgrader
    made = make(source, metadata={"nbgrader": marks})
    made["id"] = grade_id[:64]
    return made


def question(notebook, index):
    """The exercise's text, without the heading and its number, and without links to pages beside the chapter."""
    text = notebook.cells[index - 1].source.removeprefix("## Exercises").strip()
    text = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", text)
    return re.sub(r"^\*\*\d+\. ", "**", text)


def answer_in(check, name):
    """What the check cell hands to its check: ``exercises.NAME(answer)``."""
    return re.fullmatch(rf"exercises\.{name}\((.*)\)", check.strip(), re.DOTALL)[1]


def cells_for(name, notebook, index, points):
    """Question, what it needs, answer, check, graded test."""
    solution, check = notebook.cells[index : index + 2]
    try:
        imports, needed = needed_imports(notebook, index), needed_cells(notebook, index)
    except ValueError as problem:
        raise ValueError(f"exercise {name!r} cannot stand alone: {problem}") from None
    made = [
        cell("markdown", question(notebook, index), f"{name}-question"),
        cell("code", "\n".join(imports), f"{name}-imports"),
    ]
    made += [cell("code", c.source, f"{name}-needs-{number}") for number, c in enumerate(needed, 1)]
    answer = cell("code", solution.source, f"{name}-answer", solution=True, locked=False)
    answer.metadata["starter"] = starter(solution.source)
    hidden = HIDDEN.format(name=name, answer=answer_in(check.source, name))
    return [
        *made,
        answer,
        cell("code", check.source, f"{name}-check"),
        cell("code", hidden, f"{name}-test", grade=True, points=points),
    ]


def without_repeated_imports(more, earlier):
    """``more`` without the import statements that ``earlier`` cells have, and without a cell that imports nothing."""
    had = {line for c in earlier if c.id.endswith("-imports") for line in c.source.split("\n")}
    for c in more:
        if c.id.endswith("-imports"):
            c.source = "\n".join(line for line in c.source.split("\n") if line not in had)
    return [c for c in more if c.source or not c.id.endswith("-imports")]


def setup():
    """The first cell: the library from the book's address, or else from the wheel of the students' bundle."""
    return setup_source(address()) if address() else from_the_bundle(WHEEL)


def assignment(title, names, points=10, chapters=None, due=None):
    """The instructor's notebook for the exercises ``names``, each worth ``points``. Raises ``ValueError``."""
    checked_title(title)
    if not (points > 0 and isfinite(points)):
        raise ValueError(f"an exercise is worth a positive number of points, not {points}")
    if not names or len(set(names)) != len(names):
        raise ValueError(f"give one exercise or more, each once, not {names}")
    known = exercises_of(chapters)
    cells = [
        cell("markdown", OPENING.format(title=title, points=points, due=f"\nIt is due {due}." if due else ""), "opening"),
        cell("code", setup(), "setup"),
    ]
    for name in names:
        cells += without_repeated_imports(cells_for(name, *find(name, known), points), cells)
    return normalise(new_notebook(cells=cells))
