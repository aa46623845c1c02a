"""The text of the slides: one Markdown file a chapter in ``teaching/slides/``, read and checked.

Slides are separated by a line ``---``. Each one has, in this order:

- its title, ``# Title`` on the first slide and ``## Title`` on the others;
- its text, in Markdown;
- if it shows something of the chapter, ``Show: CELL WHAT``: the id of a code cell, and ``code``, ``output`` or ``figure``,
  which is the output without what was printed. ``Show: c04-042 code, then output`` keeps the output back until the next
  key press, so that the class votes before it sees; ``Show: c04-025 then figure`` shows nothing at first;
- ``Then: ...``, text that appears with the next key press;
- ``Notes:`` with the lines ``Say: ...``, ``Ask: ...``, ``Expect: ...`` and ``Minutes: 3``, which only the speaker sees.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.facts import ROOT
from tools.notebooks import read

FOLDER = ROOT / "teaching" / "slides"
CHAPTERS = ROOT / "chapters"
KINDS = ("code", "output", "figure")
SHOW = re.compile(r"(?P<cell>[\w-]+)(?: (?P<first>\w+(?: and \w+)*))?(?:,? then (?P<later>\w+(?: and \w+)*))?")
MOST_LINES = 20  # of code, at the smallest type of a slide
FIELDS = ("Say", "Ask", "Expect", "Minutes")


class DeckError(ValueError):
    """A slide that cannot be shown; the message names the file, the slide and the line."""


@dataclass(frozen=True)
class Slide:
    """One slide. ``first`` and ``later`` are what of the cell is shown at once and after a key press."""

    title: str
    text: str
    say: str
    ask: str
    expect: str
    minutes: int
    level: int = 2
    cell: dict | None = None
    first: tuple = ()
    later: tuple = ()
    then: str = ""  # Markdown that appears with the next key press
    extra: str = ""  # one more line of the notes: the clock of a lesson
    chapter: int | None = None
    address_words: str = ""  # where the title is not enough

    @property
    def address(self):
        """The slide's name in the address of its deck: ``deck.html#/what-is-saved``."""
        words = self.address_words or re.sub(r"[^\w]+", "-", self.title.lower()).strip("-")
        return f"c{self.chapter}-{words}" if self.chapter else words


def path_of(chapter):
    """The deck of a chapter's notebook."""
    return FOLDER / f"{Path(chapter).stem}.md"


def chapter_of(path):
    """The notebook of a deck."""
    return CHAPTERS / f"{Path(path).stem}.ipynb"


def show_of(line, cells, wrong):
    """``(cell, first, later)`` for the text behind ``Show:``."""
    found = SHOW.fullmatch(line.strip())
    if not found or not (found["first"] or found["later"]):
        raise wrong(f"'Show: {line.strip()}' is not understood: write for example 'Show: c04-042 code, then output'")
    if found["cell"] not in cells:
        shown = [name for name, cell in cells.items() if cell.cell_type == "code"]
        raise wrong(f"the chapter has no cell {found['cell']!r}; its code cells are {', '.join(shown)}")
    first, later = (tuple(found[part].split(" and ")) if found[part] else () for part in ("first", "later"))
    for kind in first + later:
        if kind not in KINDS:
            raise wrong(f"{kind!r} is nothing that can be shown: choose from code, output, figure")
    cell = cells[found["cell"]]
    if "code" in first + later and cell.source.count("\n") >= MOST_LINES:
        raise wrong(f"{found['cell']!r} has more than {MOST_LINES} lines, too many to be read on a slide: show another cell")
    if cell.cell_type != "code":
        raise wrong(f"{found['cell']!r} is a text cell: write the text on the slide")
    if {"output", "figure"} & {*first, *later} and not cell.outputs:
        raise wrong(f"{found['cell']!r} has no output: show its code, or run make notebooks")
    return cell, first, later


def notes_of(lines, wrong):
    """The four fields of the notes."""
    found = dict(re.findall(r"^(\w+): (.+)$", "\n".join(lines), re.MULTILINE))
    for field in FIELDS:
        if field not in found:
            raise wrong(f"the notes have no line '{field}: ...'")
    if unknown := [line for line in lines if line.strip() and not re.match(rf"(?:{'|'.join(FIELDS)}): .", line)]:
        raise wrong(f"{unknown[0].strip()!r} in the notes is none of {', '.join(FIELDS)}; each is one line")
    if not re.fullmatch(r"[1-9]\d*", found["Minutes"].strip()):
        raise wrong(f"'Minutes: {found['Minutes']}' is no whole number from 1")
    return {"say": found["Say"], "ask": found["Ask"], "expect": found["Expect"], "minutes": int(found["Minutes"])}


def slide_of(part, line, where, cells, chapter):
    """One slide from its text, which begins at ``line`` of the file ``where``."""
    heading = re.match(r"\s*(##?) (.+)", part)
    name = f"slide {heading[2].strip()!r}" if heading else "a slide"

    def wrong(problem):
        return DeckError(f"{where}, {name}, line {line}: {problem}")

    if not heading:
        raise wrong("the first line is no title: write '## Title'")
    front, notes, after = part.partition("\nNotes:\n")
    if not notes:
        raise wrong("there are no notes: write 'Notes:' and below it Say, Ask, Expect and Minutes")
    text, cell, first, later, then = [], None, (), (), ""
    for words in front.strip().split("\n")[1:]:
        if words.startswith("Show: "):
            cell, first, later = show_of(words.removeprefix("Show: "), cells, wrong)
        elif words.startswith("Then: "):
            then = words.removeprefix("Then: ")
        else:
            text.append(words)
    return Slide(
        title=heading[2].strip(),
        level=len(heading[1]),
        text="\n".join(text).strip(),
        cell=cell,
        first=first,
        later=later,
        then=then,
        chapter=chapter,
        **notes_of(after.strip().split("\n"), wrong),
    )


def parse(text, where, cells, chapter=None):
    """The slides of a deck's text. ``where`` names the file in errors, ``cells`` are the chapter's by id."""
    slides, line = [], 1
    for part in re.split(r"^---$", text, flags=re.MULTILINE):
        blank = len(part) - len(part.lstrip("\n"))
        slides.append(slide_of(part.strip("\n"), line + blank, where, cells, chapter))
        line += part.count("\n")
    for number, slide in enumerate(slides, 1):
        if (slide.level == 1) != (number == 1):
            raise DeckError(f"{where}, slide {slide.title!r}: '# Title' is for the first slide, '## Title' for the others")
        if slide.title in [other.title for other in slides[: number - 1]]:
            raise DeckError(f"{where}, slide {slide.title!r}: the title stands twice, so a plan cannot name the slide")
    return slides


@cache
def deck(path):
    """The slides of a file in ``teaching/slides/``. Raises ``DeckError`` for what cannot be shown."""
    chapter = chapter_of(path)
    if not chapter.is_file():
        raise DeckError(f"{path.name}: there is no chapter {chapter.name}; a deck has the name of its chapter")
    cells = {cell["id"]: cell for cell in read(chapter).cells}
    number = int(path.stem[:2]) if path.stem[:2].isdigit() else None
    return parse(path.read_text(encoding="utf-8"), path.name, cells, number)


def all_decks():
    """{chapter's notebook: slides} for every deck."""
    return {chapter_of(path): deck(path) for path in sorted(FOLDER.glob("*.md"))}


def minutes(slides):
    """The sum of the minutes in the notes."""
    return sum(slide.minutes for slide in slides)
