"""Whether a hand-in can be graded, or what keeps it from it, in a sentence that names the cell.

A hand-in that lacks a cell, has one twice or has lost nbgrader's marks would get points that say nothing of its answers.
"""

import json

import nbformat

from tools.grading.course import hand_in_place, name_problem

NOT_HANDED_IN = "not handed in"
LARGEST = 50_000_000  # bytes of a notebook
FLAGS = ("grade", "solution", "locked", "task")


class Problem(Exception):
    """What keeps a hand-in from being graded."""


def marks(cell):
    """nbgrader's metadata of a cell, {} if it has none."""
    found = cell.metadata.get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def master_cells(notebook):
    """The cells of the teacher's copy by their id."""
    return {marks(cell)["grade_id"]: cell for cell in notebook.cells if "grade_id" in marks(cell)}


def listed(names):
    names = list(names)
    return ("cell " if len(names) == 1 else "cells ") + ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


def place_problem(course, title, student):
    """What is wrong with the place or name of what a student handed in, or None."""
    if problem := name_problem(student):
        return problem
    folder, name = hand_in_place(course, title, student), f"{title}.ipynb"
    if folder.is_symlink() or folder.parent.is_symlink() or (folder / name).is_symlink():
        return "it is a link; put the file itself there"
    if (folder / name).is_file():
        return None
    if folder.is_dir():
        found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        return f"the file must be called {name}, found {found}"
    loose = ", ".join(sorted(path.name for path in folder.parent.glob("*.ipynb")))
    if loose:
        return f"the file must lie in submitted/{student}/{title}/, found {loose} beside"
    return NOT_HANDED_IN


def readable(path):
    """The notebook in ``path``. Raises ``Problem``."""
    if path.stat().st_size > LARGEST:
        raise Problem(f"the file has more than {LARGEST // 1_000_000} MB; clear its outputs")
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise Problem("the file is not a notebook, or was cut off") from None
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if version != 4:
        found = f"notebook format {version}" if isinstance(version, int) else "no notebook"
        raise Problem(f"the file is {found}, not format 4: open it in Jupyter and save it again")
    try:
        # Older editors write cells without ids; nbgrader takes them.
        cells = nbformat.from_dict(raw).cells
        if not all(isinstance(c.source, (str, list)) and isinstance(c.metadata, dict) and c.cell_type for c in cells):
            raise TypeError
        return nbformat.reads(json.dumps(raw), as_version=4)
    except Exception:
        raise Problem("the file is a damaged notebook: open it in Jupyter and save it again") from None


def missing(cells, master):
    """Ids of cells that grading needs and that are not there. Texts and the visible checks may go."""
    return [
        grade_id
        for grade_id, cell in master.items()
        if grade_id not in cells and cell.cell_type == "code" and not grade_id.endswith("-check")
    ]


def inspect(notebook, master):
    """Raise ``Problem`` unless every cell of the teacher's copy ``master`` is there once, in order, with its marks."""
    ids = [marks(cell)["grade_id"] for cell in notebook.cells if marks(cell).get("grade_id") in master]
    cells = {marks(cell).get("grade_id"): cell for cell in notebook.cells}
    if not ids:
        raise Problem("no cell has the marks of the assignment: it is another notebook, or an editor lost them")
    if gone := missing(cells, master):
        raise Problem(f"{listed(gone)} missing")
    if twice := sorted({grade_id for grade_id in ids if ids.count(grade_id) > 1}):
        raise Problem(f"{listed(twice)} there more than once: delete the copy")
    for grade_id in ids:
        if any(bool(marks(cells[grade_id]).get(flag)) != bool(marks(master[grade_id]).get(flag)) for flag in FLAGS):
            raise Problem(f"cell {grade_id} has lost its marks")
    code = [grade_id for grade_id in ids if master[grade_id].cell_type == "code"]
    order = [grade_id for grade_id in master if grade_id in code]
    if code != order:
        moved = next(found for found, right in zip(code, order, strict=True) if found != right)
        raise Problem(f"cell {moved} was moved: the cells must stand in the order of the assignment")
    empty = [grade_id for grade_id in ids if marks(master[grade_id]).get("solution") and not cells[grade_id].source.strip()]
    if empty:
        raise Problem(f"{listed(empty)} empty")


def hand_in(course, title, student, master):
    """The notebook that a student handed in, fit to be graded. Raises ``Problem``."""
    if problem := place_problem(course, title, student):
        raise Problem(problem)
    try:
        notebook = readable(hand_in_place(course, title, student) / f"{title}.ipynb")
    except OSError as error:
        raise Problem(f"the file cannot be read: {error.strerror}") from None
    inspect(notebook, master)
    return notebook
