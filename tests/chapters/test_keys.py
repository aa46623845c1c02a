"""The key of every quiz question is what tests/chapters/quiz_answers.py finds without reading it."""

import copy
import re

import pytest
from claims_for_tests import opened
from quiz_answers import GIVEN, RIGHT

from tools import contract


def questions(made):
    """(options by letter, the answer's text) of every question of the quiz, in order."""
    text = "\n".join(cell.source for cell in contract.markdown_cells(made))
    quiz = text.partition("## Quiz")[2].split("\n## Exercises")[0]
    parts = re.split(r"<details>", quiz)
    found = []
    for question, answer in zip(parts, parts[1:], strict=False):
        options = dict(re.findall(r"^- \(([a-e])\) (.+)$", question.split("</details>")[-1], re.MULTILINE))
        found.append((options, answer.split("</details>")[0]))
    return found


def complaint(options, answer, passage):
    """What is wrong with a question of which ``passage`` stands in the right option."""
    whole = [letter for letter, text in options.items() if text.rstrip(".") == passage.rstrip(".")]
    meant = whole or [letter for letter, text in options.items() if passage in text]
    if len(meant) != 1:
        return f"{passage!r} stands in the options {meant}, not in one: {options}"
    called = re.findall(r"\(([a-e])\) is right", answer)
    return None if called == meant else f"({meant[0]}) is right by computation, {called} by the key: {options[meant[0]]}"


EVERY = [(chapter, number) for chapter, answers in RIGHT.items() for number in range(len(answers))]


@pytest.mark.parametrize(("chapter", "number"), EVERY, ids=[f"{c}-question-{n + 1}" for c, n in EVERY])
def test_fault_11c_the_key_is_what_was_computed(chapter, number):
    options, answer = questions(opened(chapter))[number]
    assert complaint(options, answer, RIGHT[chapter][number]()) is None


@pytest.mark.parametrize("chapter", RIGHT)
def test_fault_11c_every_question_of_a_quiz_is_computed(chapter):
    asked, computed = len(questions(opened(chapter))), len(RIGHT[chapter])
    assert asked == computed, (
        f"chapter {chapter} asks {asked} questions, and RIGHT[{chapter}] in quiz_answers.py answers {computed}: "
        "each question has a function there, and its numbers stand in GIVEN"
    )


def test_fault_11c_a_flipped_key_and_exchanged_options_would_be_found():
    options, answer = questions(copy.deepcopy(opened(1)))[0]
    passage = RIGHT[1][0]()
    assert complaint(options, answer.replace("(b) is right", "(a) is right"), passage)
    assert complaint({**options, "a": options["b"], "b": options["a"]}, answer, passage)
    assert complaint({letter: "Something else." for letter in options}, answer, passage)


def stems(made):
    """What each question of the quiz gives and asks, without its options."""
    text = "\n".join(cell.source for cell in contract.markdown_cells(made))
    quiz = text.partition("## Quiz")[2].split("\n## Exercises")[0]
    return [re.split(r"\n- \([a-e]\)", part.split("</details>")[-1])[0] for part in quiz.split("<details>")[:-1]]


@pytest.mark.parametrize(("chapter", "number"), EVERY, ids=[f"{c}-question-{n + 1}" for c, n in EVERY])
def test_fault_11c_a_question_gives_what_its_answer_was_computed_from(chapter, number):
    """A question with a number in it gives what the computation of its key used."""
    stem = re.sub(r"\*\*\d\. |ResNeXt-50|ResNet-50|Figure \d\.\d|3×3|3a", "", stems(opened(chapter))[number])
    given = GIVEN.get((chapter, number + 1))
    assert (given or "") in stems(opened(chapter))[number]
    assert given or not re.search(r"\d{2}|\d %", stem), "a number that tests/chapters/quiz_answers.py does not have in GIVEN"
