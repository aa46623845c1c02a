"""What a page says, word for word, beside what it follows from.

A table of claims maps a passage to a function without arguments. It returns the numbers that belong into the passage's
braces, or whether the passage is true. So an altered number, an exchanged one or a claim turned round no longer agrees.
"""

import html
import re
from functools import cache

from notebooks_for_tests import read_once

from tools import facts, reading

CHAPTERS = facts.ROOT / "chapters"


@cache
def path_of(page):
    """The file of ``page``: a number for a chapter, a file's stem, or a path from the repository's root."""
    if isinstance(page, int):
        return next(CHAPTERS.glob(f"{page:02}_*.ipynb"))
    inside = [found for found in (CHAPTERS / f"{page}.ipynb", CHAPTERS / f"{page}.md") if found.is_file()]
    return inside[0] if inside else facts.ROOT / page


def opened(page):
    return read_once(path_of(page))


def captions_and_alts(cell):
    """The caption and the alt text of every figure of a cell."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        for caption in re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", data.get("text/html", ""), re.DOTALL):
            found += [html.unescape(re.sub(r"<[^>]+>", "", caption)).replace("\N{NO-BREAK SPACE}", " "), data["text/plain"]]
    return found


@cache
def words(page):
    """Everything that a page says: its text, and the captions and alt texts of its figures."""
    if path_of(page).suffix == ".py":  # where a docstring breaks its lines is no matter
        return re.sub(r"\s+", " ", path_of(page).read_text(encoding="utf-8"))
    if path_of(page).suffix != ".ipynb":
        return path_of(page).read_text(encoding="utf-8")
    parts = []
    for cell in opened(page).cells:
        parts += [cell.source] if cell.cell_type == "markdown" else captions_and_alts(cell)
    return "\n".join(parts)


@cache  # asked for the claim, and again for the numbers that it covers
def passage(claim, follows):
    """The passage that ``claim`` and the values of ``follows`` make; None where it gives False or None: it is not true."""
    found = follows()
    if found is None or isinstance(found, bool):
        return claim if found else None
    return claim.format(*(found if isinstance(found, (tuple, list)) else (found,)))


def complaint(page, claim, follows):
    """What is wrong with a claim of ``page``; None if the page says it, once, and it is true."""
    right = passage(claim, follows)
    if right is None:
        return f"what it rests on does not hold (any more): {claim}"
    times = words(page).count(right)
    if times != 1:
        return f"{path_of(page).name} says {times} times, not once: {right}\nSay here what its new words rest on."
    return None


def shown(page, identifier):
    """The text that the cell with this id has printed or displayed."""
    cell = next(cell for cell in opened(page).cells if cell.id == identifier)
    return reading.outputs_text(cell)


def row(page, identifier, head):
    """The numbers behind ``head`` in the first line of a cell's output that begins with it."""
    for line in shown(page, identifier).splitlines():
        if line.strip().startswith(head):
            return [
                float(number.replace(",", "")) for number in re.findall(r"-?\d[\d,]*(?:\.\d+)?", line.strip()[len(head) :])
            ]
    raise AssertionError(f"no line of the output of {identifier} begins with {head!r}")


# ------------------------------------------------------------------ which numbers have to rest on something

NUMBER = re.compile(r"(?<![\w.,·×/])\d[\d,]*(?:\.\d+)?(?![\w])")
NAMES = (  # what is counted through, not measured
    r"(?i)\b(?:chapters?|figures?|tables?|sections?|issues?|pull request|exercises?|questions?|equation|footnote|block)"
    r" \d+(?:\.\d+)?(?:(?:,| and| to) \d+(?:\.\d+)?)*|arxiv:? ?\d+\.\d+|[A-Za-z]+[\w.-]*-\d[\w.]*(?: \(\d+x\d+d\))?|\d+×\d+(?:×\d+)?"
)


def blanked(pattern, text):
    """``text`` with spaces in place of what ``pattern`` matches, so that places stay."""
    return re.sub(pattern, lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.DOTALL)


def argued(text):
    """``text`` without code, formulas, links, names, the quiz's questions and options, and the exercises."""
    text = blanked(r"(?<=\n)## Exercises\n.*", text) if "\n## Exercises\n" in text else text
    text = blanked(r"(?<=\n)\*\*\d\. [^\n]*\n(?:[^\n<]*\n)*?\n(?:- \([a-e]\)[^\n]*\n)+", text)
    for pattern in (r"```.*?```", r"\$\$.*?\$\$", r"\$[^$\n]*\$", r"`[^`\n]*`", r"\]\([^)]*\)"):
        text = blanked(pattern, text)
    return blanked(NAMES, text)


def is_weighty(number, behind):
    """A number of three digits or more, with a point, or in per cent; years and round widths are none."""
    digits = number.rstrip(",").replace(",", "")
    if re.fullmatch(r"(19|20)\d\d|128|256|512|1024|2048|1000", digits):
        return False
    return "." in digits or len(digits.lstrip("0")) >= 3 or behind.startswith((" %", " per cent", "\N{NO-BREAK SPACE}%"))


def unfounded(page, claims):
    """The weighty numbers that stand in no passage of ``claims``, each with what stands around it."""
    text = words(page)
    covered = []
    for claim, follows in claims.items():
        right = passage(claim, follows)
        place = text.find(right) if right else -1
        if place >= 0:
            covered.append((place, place + len(right)))
    return [
        text[max(0, match.start() - 40) : match.end() + 25].replace("\n", " ")
        for match in NUMBER.finditer(argued(text))
        if is_weighty(match[0], text[match.end() : match.end() + 10])
        and not any(start <= match.start() < end for start, end in covered)
    ]
