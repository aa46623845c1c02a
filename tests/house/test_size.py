"""Code has one format, no function needs scrolling, every module says what it is for, blocks are known by what they have."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "resnext_lib"
LIBRARY_MODULES = sorted(LIBRARY.rglob("*.py"))
MODULES = sorted([*LIBRARY.rglob("*.py"), *(LIBRARY.parent / "studies").rglob("*.py")])


def functions(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("path", MODULES, ids=[path.relative_to(LIBRARY.parent).as_posix() for path in MODULES])
def test_no_function_needs_scrolling(path):
    long = [f.name for f in functions(path.read_text(encoding="utf-8")) if f.end_lineno - f.lineno >= 40]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=[path.relative_to(LIBRARY.parent).as_posix() for path in MODULES])
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def public(body):
    """The functions, methods and constructors that a caller of the library uses, with the name of the class in front."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from ((f"{node.name}.{name}", function) for name, function in public(node.body))
        if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            yield node.name, node


def without_hints(source):
    """What lacks a type hint in ``source``: arguments and results of everything public."""
    found = []
    for name, function in public(ast.parse(source).body):
        given = function.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        found += [f"{name}: {a.arg}" for a in arguments if a and a.arg != "self" and a.annotation is None]
        found += [] if function.returns else [f"{name}: result"]
    return found


@pytest.mark.parametrize("path", LIBRARY_MODULES, ids=[path.relative_to(LIBRARY).as_posix() for path in LIBRARY_MODULES])
def test_every_public_signature_has_type_hints(path):
    assert not without_hints(path.read_text(encoding="utf-8"))


def test_a_missing_hint_is_named():
    source = (
        "def one(a, *b: int, c: int = 1, **d) -> int: ...\n"
        "class Two:\n    def __init__(self, a: int): ...\n    def _own(self, a): ...\n"
    )
    assert without_hints(source) == ["one: a", "one: d", "Two.__init__: result"]


def test_blocks_are_recognised_by_their_attributes():
    """A class typed in a notebook is not the library's, so the library never asks isinstance of its own."""
    own = {"Bottleneck", "FormA", "FormB", "FormC", "Inception", "ResidualBlock", "ResNeXt", "CifarResNeXt", "GoogLeNet"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                assert not own & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}, path.name


def test_every_file_is_written_by_the_one_formatter():
    command = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "."]
    result = subprocess.run(command, cwd=LIBRARY.parent, capture_output=True, text=True, encoding="utf-8")
    assert result.returncode == 0, f"{result.stdout}\nmake it so: ruff format ."


def test_no_program_is_hidden_from_the_formatter():
    """An exclusion that means a folder of notebooks must not also hide the tests of the same name."""
    root, command = LIBRARY.parent, [sys.executable, "-m", "ruff", "check", "--show-files", "."]
    shown = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    seen = {Path(line).relative_to(root).as_posix() for line in shown.splitlines()}
    folders = ("resnext_lib", "site", "studies", "tests", "tools")
    programs = {path.relative_to(root).as_posix() for folder in folders for path in (root / folder).rglob("*.py")}
    assert not programs - seen, "see extend-exclude in pyproject.toml"
