"""Small is a promise: what a reader must know stays short, and no function needs scrolling."""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parent.parent / "resnext_lib"
CORE = ("blocks", "forms", "networks", "complexity")
MODULES = sorted([*LIBRARY.glob("*.py"), *LIBRARY.glob("*/__init__.py")])


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]


def test_the_core_stays_small():
    assert sum(lines(LIBRARY / f"{name}.py") for name in CORE) <= 750


def test_the_library_stays_small():
    """Without the exercises, and the explorers, which no chapter's argument needs."""
    assert sum(lines(path) for path in LIBRARY.glob("*.py") if path.stem != "exercises") <= 2500


def test_the_explorers_stay_small():
    folder = LIBRARY / "explorers"
    assert lines(folder / "__init__.py") <= 250
    assert all(lines(path) <= 180 for path in folder.glob("*.js"))


@pytest.mark.parametrize("path", MODULES, ids=[path.relative_to(LIBRARY).as_posix() for path in MODULES])
def test_no_function_needs_scrolling(path):
    long = [f.name for f in functions(path.read_text(encoding="utf-8")) if f.end_lineno - f.lineno >= 40]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=[path.relative_to(LIBRARY).as_posix() for path in MODULES])
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_blocks_are_recognised_by_their_attributes():
    """A class typed in a notebook is not the library's, so the library never asks isinstance of its own."""
    own = {"Bottleneck", "FormA", "FormB", "FormC", "Inception", "ResidualBlock", "ResNeXt", "CifarResNeXt", "GoogLeNet"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                assert not own & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}, path.name
