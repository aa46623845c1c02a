"""Notebooks for the tests: the chapters, small ones made in code, and what a chapter's cells define."""

import ast
from functools import cache
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import facts
from tools.notebooks import chapters_in, normalise, read

NOTEBOOKS = chapters_in([facts.ROOT / "chapters"])
CHAPTERS = [path for path in NOTEBOOKS if path.stem[:2].isdigit()]  # the rest: the appendix, and one that stands alone
APPENDIX = [path for path in NOTEBOOKS if path.stem == "more_than_one_machine"]  # text with figures, and no exercises
WITH_SETUP = [path for path in NOTEBOOKS if not facts.stands_alone(path)]

# A notebook is large, and many tests look at the same ones. A test that changes what it reads takes ``read``.
read_once = cache(read)


def chapter_id(path):
    return Path(path).stem


# ------------------------------------------------------------------ notebooks made in code


def text(source):
    return new_markdown_cell(source)


def code(source, printed="", result="", figure="", number="1-1", **metadata):
    """A code cell with stored outputs: printed text, a result, a figure with this alt text and number."""
    outputs = [new_output("stream", name="stdout", text=printed)] if printed else []
    if figure:
        image = f'<img alt="{figure}" src="data:image/svg+xml,%3Csvg/%3E">'
        page = f'<figure id="fig-{number}">{image}<figcaption>A claim.</figcaption></figure>'
        outputs.append(new_output("display_data", {"text/html": page, "text/plain": figure}))
    if result:
        outputs.append(new_output("execute_result", {"text/plain": result}))
    return new_code_cell(source, outputs=outputs, metadata=metadata)


def notebook(*cells):
    """A notebook of these cells, counted 1..n, with ids that are the same every time."""
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return normalise(new_notebook(cells=list(cells)))


def save(made, path):
    nbformat.write(made, path)
    return path


# ------------------------------------------------------------------ what a chapter's cells define

KEYS = ("mirrors", "step-of", "wrong", "exercise")


def declared_cells(made):
    """(index, key, name) for every name in every cell whose metadata say what it defines."""
    return [
        (index, key, name.strip())
        for index, cell in enumerate(made.cells)
        for key in KEYS
        if key in cell.metadata
        for name in cell.metadata[key].split(",")
    ]


def declarations(key):
    """Every (chapter, cell index, name) with this metadata key, for parametrize, with readable ids."""
    import pytest

    return [
        pytest.param(path, index, name, id=f"{path.stem}-cell{index}-{name}")
        for path in WITH_SETUP
        for index, found, name in declared_cells(read_once(path))
        if found == key
    ]


def definitions(source):
    """The classes and functions at the top level of a cell or a file, by name."""
    return {node.name: node for node in ast.parse(source).body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}


def is_simple(statement):
    """An import, or an assignment of literals, such as ``size = dict(width=8)``."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    if not isinstance(statement, ast.Assign) or not all(isinstance(target, ast.Name) for target in statement.targets):
        return False
    allowed = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.UnaryOp, ast.USub, ast.keyword, ast.Load)
    value = statement.value
    parts = [*value.args, *value.keywords] if _is_dict_call(value) else [value]
    return all(isinstance(node, allowed) for part in parts for node in ast.walk(part))


def _is_dict_call(value):
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict"


def execute_up_to(made, last):
    """Run the setup cell, the imports, simple assignments and declared cells up to cell ``last``.

    Returns the namespace. The cells that only show something are left out, so that this is quick.
    """
    namespace = {"__name__": "chapter"}
    for index, cell in enumerate(made.cells[: last + 1]):
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        if not any(key in cell.metadata for key in KEYS) and index not in (1, last):
            tree.body = [statement for statement in tree.body if is_simple(statement)]
        try:
            exec(compile(tree, f"cell {index}", "exec"), namespace)  # noqa: S102 -- the chapter's own code
        except NameError as error:
            raise AssertionError(
                f"cell {index} needs more than imports, literal assignments and declared cells before it: {error}. "
                "Let the cell define or import what it uses"
            ) from error
    return namespace


def last_definition(cell):
    """The name of the last class or function of a cell."""
    return list(definitions(cell.source))[-1]
