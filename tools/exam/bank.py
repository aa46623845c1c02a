"""The bank of questions, ``teaching/exam.md``, read and checked.

A question has a heading with its name, five lines, its text, and its key::

    ## groups-from-weights

    chapter: 4
    objective: Count its weights and MACs, and find the number of groups from a count.
    level: apply
    points: 3
    given: inputs = 48, 96; outputs = 64, 128; groups = 2, 4, 8

    A 3×3 convolution from {inputs} to {outputs} channels has {weights:,} weights ...

    Key: {groups} groups. ...

``given`` lists what the seed chooses from. A function of ``tools.exam.keys`` with the question's name computes every
other number in braces from what was chosen, so a key cannot disagree with its question.
"""

import random
import re
from dataclasses import dataclass
from functools import cache
from itertools import product

from tools.contract import OPENING
from tools.exam import keys
from tools.facts import ROOT
from tools.minutes import chapters
from tools.notebooks import read
from tools.reading import headings

FILE = ROOT / "teaching" / "exam.md"
LEVELS = ("remember", "apply", "analyse", "create")
FIELDS = ("chapter", "objective", "level", "points", "given")
QUESTION = re.compile(
    r"(?P<fields>(?:[a-z]+: .+\n)+)\n(?P<text>.+?)\n\nKey: (?P<key>.+)",
    re.DOTALL,
)


class BankError(ValueError):
    """A question that cannot be used; the message names it and says what is wrong."""


@dataclass(frozen=True)
class Question:
    """One question, before its numbers are chosen. ``given`` is {name: values to choose from}."""

    name: str
    chapter: int
    objective: str
    level: str
    points: int
    given: dict
    text: str
    key: str

    def choices(self):
        """Every choice of numbers, as dictionaries."""
        return [dict(zip(self.given, values, strict=True)) for values in product(*self.given.values())]

    def chosen(self, seed):
        """The numbers that a seed chooses; the other questions of an exam do not matter."""
        dice = random.Random(f"{seed}/{self.name}")
        return {name: dice.choice(values) for name, values in self.given.items()}

    def filled(self, given):
        """(text, key) with these numbers and all that is computed from them. Raises ``BankError``."""
        try:
            numbers = given | getattr(keys, self.name.replace("-", "_"))(**given)
            return self.text.format_map(numbers), self.key.format_map(numbers)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise BankError(f"question {self.name} with {given}: {type(error).__name__}: {error}") from error


def value(text):
    """A number, or a word."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def given(name, line):
    """{name: values} of the line ``given``."""
    found = {}
    for part in line.split(";"):
        left, sign, right = part.partition("=")
        values = [value(one.strip()) for one in right.split(",") if one.strip()]
        if not sign or not left.strip().isidentifier() or len(values) < 2:
            raise BankError(f"question {name}: given is 'name = 2, 4; other = 3, 5', at least two values each, not {line!r}")
        found[left.strip()] = values
    return found


def question(name, body):
    """A question from what stands below its heading. Raises ``BankError``."""
    parts = QUESTION.fullmatch(body.strip())
    if parts is None:
        raise BankError(f"question {name}: after its fields come an empty line, the text, an empty line and 'Key: ...'")
    fields = dict(line.split(": ", 1) for line in parts["fields"].strip().split("\n"))
    if tuple(fields) != FIELDS:
        raise BankError(f"question {name}: its fields are {', '.join(FIELDS)}, in this order, not {', '.join(fields)}")
    if fields["level"] not in LEVELS:
        raise BankError(f"question {name}: its level is one of {', '.join(LEVELS)}, not {fields['level']!r}")
    if not fields["chapter"].isdigit() or not fields["points"].isdigit() or fields["points"] == "0":
        raise BankError(f"question {name}: chapter and points are whole numbers")
    function = name.replace("-", "_")
    if function.startswith("_") or getattr(getattr(keys, function, None), "__module__", "") != keys.__name__:
        raise BankError(f"question {name}: tools/exam/keys.py has no function {function} that computes its key")
    chapter, points = int(fields["chapter"]), int(fields["points"])
    numbers = given(name, fields["given"])
    return Question(name, chapter, fields["objective"], fields["level"], points, numbers, parts["text"], parts["key"])


def questions(text=None):
    """All questions of the bank, or of ``text``, in order. Raises ``BankError``."""
    text = FILE.read_text(encoding="utf-8") if text is None else text
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    parts = [section.split("\n", 1) for section in sections]
    names = [name.strip() for name, _ in parts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BankError(f"question {', '.join(twice)} stands twice")
    return [question(name.strip(), body) for name, body in parts]


@cache
def objectives():
    """{chapter: what its reader will be able to do}."""
    found = {}
    for path in chapters():
        text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
        section = re.search(rf"^## {OPENING}\n(.*?)(?=^## |\nYou need|\Z)", text, re.MULTILINE | re.DOTALL)
        found[int(path.name[:2])] = re.findall(r"^- (.+)$", section[1], re.MULTILINE) if section else []
    return found


def title_of(chapter):
    """A chapter's title."""
    (path,) = [path for path in chapters() if int(path.name[:2]) == chapter]
    return headings(read(path))[0][1]
