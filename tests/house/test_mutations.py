"""The program that looks for slips which no test would notice makes the slips that it says it makes."""

import ast

import pytest

from tools import mutations

SOURCE = '''
"""A docstring with the number 3."""
LIMIT = 7


def limited(x: int = 2) -> "1":
    if x > LIMIT and x != 0:
        raise ValueError(f"{x + 1} is above {LIMIT}")
    return x * 2 if x else True
'''
MADE = {
    "7 -> 8",
    "2 -> 3",
    "if x > LIMIT and x != 0: -> if not (x > LIMIT and x != 0):",
    "x > LIMIT and x != 0 -> x > LIMIT or x != 0",
    "x > LIMIT -> x >= LIMIT",
    "x != 0 -> x == 0",
    "0 -> 1",
    "raise ValueError(f'{x + 1} is above {LIMIT}') -> raise SystemError",
    "return x * 2 if x else True -> return None",
    "x * 2 if x else True -> x * 2 if not x else True",
    "x * 2 -> x // 2",
    "True -> False",
}


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(mutations, "source_of", lambda module: SOURCE)
    return mutations.mutants("made_up")


def test_one_thing_is_changed_and_nothing_that_is_only_read(made):
    assert {f"{mutant.before} -> {mutant.after}" for mutant in made} == MADE
    assert len(made) == 13  # 2 becomes 3 as the default and as the factor


def test_each_mutant_differs_in_one_line_and_can_be_compiled(made):
    plain = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in made:
        compile(mutant.source, "mutant", "exec")
        lines = mutant.source.splitlines()
        assert len(lines) == len(plain) and sum(a != b for a, b in zip(plain, lines, strict=True)) == 1


def test_the_modules_of_the_core_have_mutants_and_owners():
    assert len(mutations.mutants("blocks")) > 50
    for files in mutations.OWNERS.values():
        assert all((mutations.ROOT / "tests" / "library" / f"{file}.py").is_file() for file in files)


def test_another_module_is_refused(capsys):
    with pytest.raises(SystemExit):
        mutations.main(["block"])
    assert "block: the modules are blocks, forms" in capsys.readouterr().err
