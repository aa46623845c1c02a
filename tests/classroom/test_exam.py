"""Every key is computed, for every choice of numbers; every objective is one that a chapter promises."""

import re
from collections import Counter

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from resnext_lib.complexity import bottleneck_weights
from resnext_lib.networks import resnext50_32x4d
from tools.exam import __main__ as exam
from tools.exam import bank, keys
from tools.exam.bank import LEVELS, BankError, objectives, questions

ALL = questions()
NAMES = [question.name for question in ALL]
BY_NAME = dict(zip(NAMES, ALL, strict=True))


def test_the_bank_has_thirty_questions_of_all_levels_about_all_chapters():
    assert len(ALL) == 30
    assert set(objectives()) == {question.chapter for question in ALL} == set(range(1, 12))
    counts = Counter(question.level for question in ALL)
    assert counts.keys() == set(LEVELS) and min(counts.values()) >= 3 and counts["remember"] <= 4, counts


@pytest.mark.parametrize("question", ALL, ids=NAMES)
def test_the_objective_is_one_that_the_chapter_promises(question):
    assert question.objective in objectives()[question.chapter]


@pytest.mark.sampled(5)
@pytest.mark.parametrize("question", ALL, ids=NAMES)
def test_a_key_is_computed_for_every_choice_of_numbers(question):
    """And question and key depend on them: what is always the same could be learned by heart."""
    filled = [question.filled(given) for given in question.choices()]
    assert len({text for text, _ in filled}) == len(filled) and len({key for _, key in filled}) > 1
    assert not [part for pair in filled for part in pair if re.search(r"[{}]|None|nan", part)]


@pytest.mark.parametrize("question", ALL, ids=NAMES)
def test_the_points_of_a_key_add_up(question):
    """Each (2 points) once; a part that names alternatives says so in one bracket each."""
    said = [int(number) for number in re.findall(r"\((\d+) points?\b", question.key)]
    if question.name == "still-three-forms":  # yes or no: one of two brackets of three points
        said = said[:-1]
    assert sum(said) == question.points


@pytest.mark.parametrize("question", ALL, ids=NAMES)
def test_the_key_says_every_number_that_is_computed_for_it(question):
    """And it computes nothing that neither question nor key says."""
    given = question.choices()[0]
    computed = getattr(keys, question.name.replace("-", "_"))(**given)
    used = set(re.findall(r"\{(\w+)", question.text + question.key))
    assert used - set(given) == set(computed)
    assert {name for name in computed if f"{{{name}" in question.key}, "a key without a computed part"


# ------------------------------------------------------------------ keys against calculations by hand


def computed(name, **given):
    return getattr(keys, name.replace("-", "_"))(**given)


def test_keys_by_hand():
    """The formulas of the book, typed here, and published counts."""
    assert computed("doubled-side", inputs=16, outputs=32, kernel=3, side=10)["macs"] == 16 * 32 * 9 * 100
    found = computed("groups-from-weights", inputs=48, outputs=64, groups=4, side=7)
    assert (found["weights"], found["dense"]) == (48 * 64 * 9 // 4, 48 * 64 * 9)
    assert computed("group-reads", groups=4, reads=5, writes=2, output=3)["answer"] == "5, 6, 7, 8, 9"
    assert computed("spend-the-budget", paths=2, channels=128)["budget"] == bottleneck_weights(1, 32, 128)
    assert computed("name-to-numbers", paths=64, d=4)["middles"] == "256, 512, 1024, 2048"
    assert computed("fold-it", weight=2, mean=3, deviation=2, scale=6, shift=1) == {"new_weight": "6", "new_bias": "-8"}
    assert computed("norm-split", low=2, high=6, other=0)["after"] == "1 and -1"
    assert computed("norm-split", low=2, high=6, other=0)["before"] == "0 and 0"
    assert computed("moved-past-norm", bias=4, mean=1, variance=4, scale=3)["in_evaluation"] == "6"
    assert computed("moved-past-norm", bias=4, mean=1, variance=4, scale=3)["in_training"] == "0"
    assert computed("who-meets", first=3, second=2)["count"] == 8 and computed("who-meets", first=6, second=6)["count"] == 2
    assert computed("shuffle-or-not", channels=12, groups=2)["with_shuffle"] == 12
    assert computed("second-thing-breaks", paths=16, mean=0.5, variance=4)["shift"] == "-0.06"
    assert computed("loss-of-a-path", pictures=1000, lost=60, gained=30)["points"] == "3.00"
    assert computed("reduction-pays", inputs=96, outputs=32, kernel=5)["most"] == (96 * 32 * 25 - 1) // (96 + 32 * 25)
    assert "RegNetX-3.2GF" in computed("choose-one", weight_limit=16, mac_limit=3.5)["fit"]
    assert [computed("still-three-forms", change=change)["keeps"] for change in keys.CHANGES] == ["no", "yes", "yes", "no"]
    tests = {fault: computed("which-test-rejects", fault=fault) for fault in keys.FAULTS}
    assert {fault: found["w"] + found["m"] + found["o"] for fault, found in tests.items()} == {
        "dense": "yesyesyes",
        "stride": "noyesyes",
        "interleaved": "nonoyes",
    }


def test_the_counts_of_the_last_question_are_pytorchs():
    with torch.device("meta"):
        network, image = resnext50_32x4d(), torch.empty(1, 3, 224, 224)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(image)
    macs = counter.get_total_flops() / 2e9
    assert f"ResNeXt-50 (32x4d): 25.0 and {macs:.1f}" in computed("choose-one", weight_limit=16, mac_limit=3.5)["counts"]


# ------------------------------------------------------------------ the command


def written(folder, *arguments):
    exam.main([*arguments, "--folder", str(folder)])
    return {name: (folder / name).read_text(encoding="utf-8") for name in ("exam.md", "key.md", "exam.html", "key.html")}


def test_a_seed_is_an_exam_and_its_key(tmp_path):
    first, again, other = (written(tmp_path / place, seed) for place, seed in (("a", "7"), ("b", "7"), ("c", "8")))
    assert first == again != other
    assert first["exam.md"].count("\n## ") == first["key.md"].count("\n## ") == 30
    assert f"{sum(question.points for question in ALL)} points" in first["exam.md"]
    assert "Key:" not in first["exam.md"] and "<h2>30. (6 points)</h2>" in first["exam.html"]


def test_the_exam_does_not_say_its_key(tmp_path):
    texts = written(tmp_path, "3")
    for question in ALL:
        _, key = question.filled(question.chosen(3))
        assert not [line for line in key.split("\n") if line in texts["exam.md"]]
        assert question.objective not in texts["exam.md"]


@pytest.mark.slow
def test_a_choice_of_chapters_or_names_leaves_the_numbers_as_they_are(tmp_path):
    """So that a question has the same numbers in every exam of a seed."""
    whole, part = written(tmp_path / "a", "7")["key.md"], written(tmp_path / "b", "7", "--chapters", "4 5")["key.md"]
    assert part.count("\n## ") == 6 and all(line in whole for line in part.split("\n") if line.startswith("(a)"))
    one = written(tmp_path / "c", "7", "--questions", "fold-it who-meets")["key.md"]
    assert re.findall(r"^## \d+\. ([\w-]+)", one, re.MULTILINE) == ["who-meets", "fold-it"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([""], "the seed is a whole number from 0 to 999999999, as in make exam SEED=7, not ''"),
        (["seven"], "not 'seven'"),
        (["--", "-1"], "not '-1'"),
        (["1.5"], "not '1.5'"),
        (["٣"], "not '٣'"),
        (["1" * 10], "not '1111111111'"),
        (["7", "--chapters", "12"], "no question of chapter or name 12; it has: doubled-side, two-counts"),
        (["7", "--questions", "fold"], "no question of chapter or name fold; it has"),
    ],
)
def test_a_wrong_call_explains_itself_and_writes_nothing(arguments, says, tmp_path):
    with pytest.raises(SystemExit, match=re.escape(says)):
        exam.main(["--folder", str(tmp_path / "new"), *arguments])
    assert not (tmp_path / "new").exists()


def test_P2_an_exam_that_was_edited_is_not_replaced(tmp_path):
    written(tmp_path, "7", "--chapters", "1")
    (tmp_path / "exam.md").write_text("my own exam", encoding="utf-8")
    with pytest.raises(SystemExit, match="would be lost"):
        exam.main(["8", "--folder", str(tmp_path)])
    assert (tmp_path / "exam.md").read_text(encoding="utf-8") == "my own exam"


# ------------------------------------------------------------------ a bank that somebody edits

RIGHT = """# Bank

## fold-it

chapter: 10
objective: Fold a batch norm into the convolution before it.
level: apply
points: 2
given: weight = 2, 3; mean = 1, 4; deviation = 2, 4; scale = 4, 8; shift = 1, 3

Fold {weight}.

Key: {new_weight} (2 points).
"""
BROKEN = [
    ("level: apply", "level: know", "its level is one of remember, apply, analyse, create, not 'know'"),
    ("chapter: 10\n", "", "its fields are chapter, objective, level, points, given, in this order"),
    ("points: 2", "points: many", "chapter and points are whole numbers"),
    ("points: 2", "points: 0", "chapter and points are whole numbers"),
    ("weight = 2, 3;", "weight = 2;", "given is 'name = 2, 4; other = 3, 5', at least two values each"),
    ("\n\nKey: ", "\n\nAnswer: ", "an empty line and 'Key: ...'"),
    ("## fold-it", "## fold-them", "tools/exam/keys.py has no function fold_them"),
    ("## fold-it", "## torch", "tools/exam/keys.py has no function torch"),
]


@pytest.mark.parametrize(("right", "wrong", "says"), BROKEN)
def test_a_question_that_cannot_be_used_is_named(right, wrong, says):
    assert len(questions(RIGHT)) == 1 and RIGHT.count(right) == 1
    with pytest.raises(BankError, match=re.escape(says)):
        questions(RIGHT.replace(right, wrong))


def test_a_question_that_stands_twice_is_named():
    with pytest.raises(BankError, match="fold-it stands twice"):
        questions(RIGHT + RIGHT)


@pytest.mark.parametrize(("right", "wrong"), [("{weight}", "{width}"), ("mean = 1, 4", "median = 1, 4")])
def test_a_number_that_nobody_computes_is_named(right, wrong):
    (question,) = questions(RIGHT.replace(right, wrong, 1))
    with pytest.raises(BankError, match="question fold-it with"):
        question.filled(question.choices()[0])


def test_the_command_says_which_file_is_to_be_mended(tmp_path, monkeypatch):
    (tmp_path / "exam.md").write_text(RIGHT.replace("level: apply", "level: know"), encoding="utf-8")
    monkeypatch.setattr(bank, "FILE", tmp_path / "exam.md")
    with pytest.raises(SystemExit, match="teaching/exam.md: question fold-it: its level is one of"):
        exam.main(["7", "--folder", str(tmp_path / "out")])
