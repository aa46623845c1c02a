"""Lesson plans: read from ``teaching/plans.md``, which describes their form, and turned into one deck.

A deck has the plan's slides in the plan's order. Each slide's notes say at which minute it begins, how much slack its part
has, and what to drop first. A question of the teaching guide is a slide of its own: the class votes, then the answer
appears, which is taken from the teacher's key.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

from tools.classroom import decks
from tools.classroom.decks import Slide
from tools.facts import ROOT

FILE = ROOT / "teaching" / "plans.md"
GUIDE = ROOT / "chapters" / "teaching.md"
KEY = ROOT / "teaching" / "answers.md"
PLAN = re.compile(r"^## (\S+): (.+?)\n(.+?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (\d+)–(\d+) \| (.*) \| (.*) \|$", re.MULTILINE)
ITEM = re.compile(
    r"(?:\[(?P<chapter>\d+)\] \*(?P<title>.+)\*|(?P<what>[QB][\d.]+|notebooks|pause) (?P<minutes>\d+) min)"
    r"(?: \(drop (?P<drop>\d+)\))?"
)


class PlanError(ValueError):
    """A plan that cannot be held; the message names the plan and the row."""


@dataclass(frozen=True)
class Item:
    """Something that is shown: a slide of a deck, a question, or time for something else."""

    slide: Slide
    drop: int | None = None
    label: str = ""


@dataclass(frozen=True)
class Row:
    """A part of a lesson."""

    start: int
    end: int
    what: str
    items: tuple

    @property
    def slack(self):
        return self.end - self.start - sum(item.slide.minutes for item in self.items)


@dataclass(frozen=True)
class Plan:
    """A lesson."""

    name: str
    title: str
    text: str
    rows: tuple

    @property
    def minutes(self):
        return self.rows[-1].end

    def dropped_first(self):
        """What may be left out, in this order."""
        items = [item for row in self.rows for item in row.items if item.drop]
        return [item.slide for item in sorted(items, key=lambda item: item.drop)]


def entries(text):
    """Label of a question or board exercise (Q1.1, B1) to all of its lines."""
    return dict(re.findall(r"^- \*\*([QB][\d.]+)\*\* (.+(?:\n  .+)*)", text, re.MULTILINE))


@cache
def questions():
    return entries(GUIDE.read_text(encoding="utf-8"))


@cache
def answers():
    return entries(KEY.read_text(encoding="utf-8"))


def slide_of_question(label, minutes):
    """A question or board exercise as a slide whose answer waits for a key."""
    lines = re.sub(r"\n  ", "\n\n", questions()[label])
    belief = re.match(r"Belief: (.+)", lines)
    text = re.sub(r"^Belief: .+\n+Ask: ", "", lines)
    text = re.sub(r"^\(chapters? [^)]*\) ", "", text)
    board = label.startswith("B")
    return Slide(
        title="On paper" if board else "Vote",
        text=text[0].upper() + text[1:],
        then=answers()[label],
        say="let everybody write down a result." if board else "let everybody commit to an answer before anybody speaks.",
        ask="compare with your neighbour; who has another result?" if board else "who can explain the other answer?",
        expect=f"the belief: {belief[1]}" if belief else "some need the hint to draw the table or the layers first.",
        minutes=minutes,
        address_words=label.lower().replace(".", "-"),
    )


def item_of(text, what, where):
    """One thing of the third column."""
    found = ITEM.fullmatch(text.strip())
    if not found:
        raise PlanError(f"{where}: {text.strip()!r} is not understood: write [5] *Title*, Q5.1 2 min or notebooks 10 min")
    drop = int(found["drop"]) if found["drop"] else None
    if found["title"]:
        paths = sorted(decks.FOLDER.glob(f"{int(found['chapter']):02}_*.md"))
        shown = {slide.title: slide for path in paths for slide in decks.deck(path)}
        if found["title"] not in shown:
            raise PlanError(
                f"{where}: chapter {found['chapter']} has no slide {found['title']!r}; it has {', '.join(shown)}"
            )
        return Item(shown[found["title"]], drop, f"{found['title']} (chapter {found['chapter']})")
    label, minutes = found["what"], int(found["minutes"])
    if label in ("notebooks", "pause"):
        title = "Pause" if label == "pause" else "Your turn"
        slide = Slide(
            title, "" if label == "pause" else what, "", "", "", minutes, address_words=f"minute-{where.split()[-1]}"
        )
        return Item(slide, drop, label)
    if label not in questions():
        raise PlanError(f"{where}: the teaching guide has no {label}")
    return Item(slide_of_question(label, minutes), drop, label)


def plan_of(name, title, text):
    """One plan from its text, with rows that join and fit."""
    rows = []
    for start, end, what, shown in ROW.findall(text):
        where = f"teaching/plans.md, plan {name}, row {start}–{end}"
        items = tuple(item_of(part, what, f"{where}") for part in shown.split(";"))
        row = Row(int(start), int(end), what, items)
        if row.slack < 0:
            raise PlanError(f"{where}: what is shown takes {row.end - row.start - row.slack} minutes")
        if row.start != (rows[-1].end if rows else 0):
            raise PlanError(f"{where}: it does not begin where the row before it ends")
        rows.append(row)
    if len(rows) != text.count("\n|") - 2 + text.startswith("|"):
        raise PlanError(f"teaching/plans.md, plan {name}: a row has no minutes such as 5–13 in front")
    return Plan(name, title, re.split(r"^\|", text, maxsplit=1, flags=re.MULTILINE)[0].strip(), tuple(rows))


@cache
def plans():
    """{name: plan} of ``teaching/plans.md``. Raises ``PlanError``, or ``DeckError`` for a slide."""
    return {found[1]: plan_of(found[1], found[2], found[3]) for found in PLAN.finditer(FILE.read_text(encoding="utf-8"))}


def clock(row, item, begin, plan):
    """The line of the notes about time."""
    words = f"Clock: minute {begin}; this part, {row.start}–{row.end}, has {row.slack} to spare."
    if item.drop:
        order = [slide.title for slide in plan.dropped_first()]
        words += f" Late? This slide is number {order.index(item.slide.title) + 1} to drop."
    return words


def lesson(plan, with_answers=True):
    """The slides of a plan, in its order, with the time in their notes."""
    drops = ", ".join(slide.title for slide in plan.dropped_first())
    spare = sum(row.slack for row in plan.rows)
    made = [
        Slide(
            title=plan.title[0].upper() + plan.title[1:],
            text="",
            say=plan.text.replace("\n", " "),
            ask="is the handout on the tables?",
            expect=f"{plan.minutes} minutes, {spare} of them to spare. When late, drop in this order: {drops}.",
            minutes=0,
            level=1,
            address_words="start",
        )
    ]
    for row in plan.rows:
        begin = row.start
        for item in row.items:
            slide = replace(item.slide, level=2, extra=clock(row, item, begin, plan))
            made.append(slide if with_answers or slide.chapter else replace(slide, then=""))
            begin += item.slide.minutes
    return made


def link(item, deck):
    return f'<a href="{deck}#/{item.slide.address}">{item.label}</a>'


def table(plan, deck):
    """The plan as a Markdown table whose third column links to the slides of the page ``deck``."""
    rows = ["| minutes | do | shown |", "|---|---|---|"]
    for row in plan.rows:
        shown = "; ".join(link(item, deck) + (f" (drop {item.drop})" if item.drop else "") for item in row.items)
        rows.append(f"| {row.start}–{row.end} | {row.what} | {shown} |")
    return "\n".join(rows)


def guide_section():
    """All plans as the teaching guide shows them; the site has a deck for each, without notes."""
    parts = []
    for plan in plans().values():
        unit = "" if "x" in plan.name else " minutes"
        parts.append(f"### {plan.name}{unit}: {plan.title}\n\n{plan.text}\n\n{table(plan, f'../lessons/{plan.name}.html')}")
    return "\n\n".join(parts)
