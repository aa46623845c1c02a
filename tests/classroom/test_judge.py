"""The judge asks the same check on other inputs, afresh, and lets nothing that an answer prints or logs through."""

import ast
import logging
import sys

import pytest
import torch
from test_exercises import NETWORK_CHECKS, RIGHT

from resnext_lib import exercises
from resnext_lib.exercises import block
from tools.grading import __main__ as grading
from tools.grading import judge, listing
from tools.grading.assignment import cells_for, exercises_of
from tools.grading.dependencies import gives_away, imports_of, single_imports

KNOWN = exercises_of()
NAMES = sorted(KNOWN)
TABLE2 = {1: 64, 2: 40, 4: 24, 8: 14, 32: 4, 64: 2}


def test_P4_the_judge_and_the_students_check_are_one_function():
    for name in NAMES:
        assert callable(getattr(exercises, name).graded)
    passed, message = judge.judge("budget_width", RIGHT["budget_width"][0])
    assert passed and message == repr(exercises.budget_width(RIGHT["budget_width"][0]))


def test_fault_20_a_table_of_the_check_s_cases_is_refused():
    assert exercises.budget_width(TABLE2.get), "the student's check is fooled; otherwise this proves nothing"
    passed, message = judge.judge("budget_width", TABLE2.get)
    assert not passed and message.startswith("not yet: ") and "a width is a whole number" not in message


def test_the_judge_uses_fresh_checks_and_restores_the_old_ones(monkeypatch):
    monkeypatch.setattr(block, "expect", lambda *_: None)
    monkeypatch.setattr(block, "expect_number", lambda *_: None)
    assert exercises.budget_width(lambda c: 1), "the patch fools the student's copy"
    before = sys.modules["resnext_lib.exercises"], sys.modules["tools.grading.judge"], list(sys.path)
    passed, message = judge.judge("budget_width", lambda c: 1)
    assert not passed and "does not depend on C" in message
    assert before == (sys.modules["resnext_lib.exercises"], sys.modules["tools.grading.judge"], sys.path)


def test_P4_what_an_answer_prints_warns_of_or_logs_is_not_shown(capsys):
    handler = logging.StreamHandler(sys.stderr)  # holds the stream, as logging.basicConfig() in a student's cell does
    log = logging.getLogger("student")

    def noisy(c):
        print("look", file=sys.stderr)
        print("look")
        log.addHandler(handler)
        log.error("look")
        log.removeHandler(handler)
        return RIGHT["budget_width"][0](c)

    passed, _ = judge.judge("budget_width", noisy)
    assert passed
    assert capsys.readouterr() == ("", "")
    assert log.isEnabledFor(logging.ERROR), "logging is on again"


def test_much_output_takes_no_memory():
    stream = judge.Nowhere()
    assert stream.write("x" * 10**6) == 10**6 and not hasattr(stream, "getvalue")


def test_every_exercise_from_scratch_is_checked_as_one():
    """A question that says "with `nn` only" or "from a blank cell" is held to it."""
    says = {
        name
        for name, (made, index) in KNOWN.items()
        if any(words in made.cells[index - 1].source.split("## Exercises")[-1] for words in ("`nn` only", "blank cell"))
    }
    assert {name for name in NAMES if getattr(exercises, name).forbidden.from_scratch} == says


@pytest.mark.parametrize("name", NAMES)
def test_fault_20_an_assignment_imports_only_what_its_exercise_needs(name):
    cells = {c.id.removeprefix(f"{name}-"): c.source for c in cells_for(name, *KNOWN[name], 10)}
    imports = cells["imports"].split("\n")
    assert "from resnext_lib import exercises" in imports and len(imports) <= 4
    given = [key for key in cells if key.startswith("needs")]  # what the chapter typed and the solution builds on
    shown = [cells[key] for key in ("question", "answer", "check", *given)]
    everything = " ".join([*shown, getattr(exercises, name).hint])
    solution = KNOWN[name][0].cells[KNOWN[name][1]].source
    used = {node.id for node in ast.walk(ast.parse(solution)) if isinstance(node, ast.Name)}
    for bound, statement in single_imports(imports).items():
        assert bound in everything, f"{statement}: nothing in {name} uses it"
        forbidden = gives_away(statement, getattr(exercises, name).forbidden)
        assert bound in ("exercises", *used) or not forbidden, f"{statement} does the work"


def test_fault_20_the_library_s_answers_are_not_handed_out():
    handed_out = " ".join(c.source for name in NAMES for c in cells_for(name, *KNOWN[name], 10) if c.id.endswith("-imports"))
    for answer in (
        "width_for_budget",
        "bottleneck_weights",
        "forms",
        "FormA",
        "Inception",
        "DistributedSampler",
        "mean_and_spread",
        "paired_difference",
        "torchvision",
        "descendants",
    ):
        assert answer not in handed_out


def test_imports_are_taken_apart():
    cell = type("Cell", (), {"source": "import torch, os.path as p\nfrom a.b import c as d, e"})
    assert single_imports(imports_of([cell])) == {
        "torch": "import torch",
        "p": "import os.path as p",
        "d": "from a.b import c as d",
        "e": "from a.b import e",
    }


def test_fault_11b_exercises_are_listed_in_a_read_only_folder(tmp_path, capsys):
    """Root may write everywhere, so the folder is one that nobody can make: below a file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    grading.main(["--course", str(tmp_path / "file" / "course"), "list"])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["chapter", "name", "title", "minutes", "from", "scratch"]
    assert [line.split()[1] for line in lines] == list(KNOWN)


def test_the_list_of_exercises_says_chapter_task_minutes_and_which_are_from_scratch():
    found = {name: (chapter, asks, minutes, scratch) for chapter, name, asks, minutes, scratch in listing.rows()}
    assert list(found) == list(KNOWN)
    assert found["groups_from_count"] == ("4", "Find the groups", "5", "")
    assert found["resnext_block"] == ("5", "One argument", "20", "yes")
    assert {name for name, row in found.items() if row[3]} == {"inception_3a", "bottleneck", "resnext_block", "form_a"}
    assert all(row[1][0].isupper() and int(row[2]) in (5, 10, 20) for row in found.values())


@pytest.mark.parametrize("name", sorted({"small_change", "write_a_test"}))
def test_P4_networks_are_judged_alike(name):
    assert name in NETWORK_CHECKS
    with torch.device("meta"):
        for answer in RIGHT[name]:
            assert getattr(exercises, name)(answer) and getattr(exercises, name).graded(answer)
