"""How long a chapter takes: estimated from what it shows, for the page's title and the table of the teaching guide.

Nothing of this is written into a chapter or a page of the sources: the site says it when it is built.
"""

import re
from itertools import takewhile

import yaml

from tools.classroom import decks
from tools.facts import ROOT
from tools.notebooks import read
from tools.reading import OUT_OF_SIGHT, headings, markdown_cells

# The paces of a reader who wants to follow: text that argues, code that is read line by line, a figure that is looked at.
WORDS_A_MINUTE, LINES_A_MINUTE, FIGURES_A_MINUTE = 180, 10, 2
MINUTES_A_QUESTION = 1
HEAD = "| chapter | reading | exercises | slides | needs |\n|---|---|---|---|---|"


def chapters():
    """The numbered notebooks of the table of contents, in reading order."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    files = [chapter["file"] for part in parts for chapter in part["chapters"]]
    return [ROOT / f"{file}.ipynb" for file in files if re.match(r"chapters/\d\d_", file)]


def before_the_exercises(notebook):
    """The cells of the chapter itself, without the setup cell."""
    cells = takewhile(lambda cell: "## Exercises" not in cell.source.split("\n"), notebook.cells)
    return [cell for place, cell in enumerate(cells) if place != 1]


def shown_lines(cell):
    """The lines of code that stand open on the page."""
    folded = (OUT_OF_SIGHT | {"hide-input"}) & set(cell.metadata.get("tags", []))
    return [] if folded else [line for line in cell.source.split("\n") if line.strip()]


def reading_minutes(notebook):
    """Reading up to the exercises, the quiz included."""
    cells = before_the_exercises(notebook)
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    words = len(re.sub(r"\]\([^)]*\)|</?\w+>", " ", text).split())
    code = [cell for cell in cells if cell.cell_type == "code"]
    lines = sum(len(shown_lines(cell)) for cell in code)
    figures = sum("<figure" in output.get("data", {}).get("text/html", "") for cell in code for output in cell.outputs)
    questions = text.count("<details>")
    pace = words / WORDS_A_MINUTE + lines / LINES_A_MINUTE + figures / FIGURES_A_MINUTE
    return round(pace + questions * MINUTES_A_QUESTION)


def exercise_minutes(solution):
    """An estimate: 5 minutes for a solution of up to 3 lines, 10 for up to 8, 20 for more."""
    lines = len(solution.strip().split("\n"))
    return 5 if lines <= 3 else 10 if lines <= 8 else 20


def all_exercises_minutes(notebook):
    """The exercises of a chapter together."""
    return sum(exercise_minutes(cell.source) for cell in notebook.cells if "exercise" in cell.metadata)


def needs(notebook):
    """What the chapter itself says one needs first."""
    text = "\n".join(cell.source for cell in markdown_cells(notebook))
    found = re.search(r"^You need (.+)\.$", text, re.MULTILINE)
    if not found:
        raise ValueError(f"{headings(notebook)[0][1]}: no line says 'You need ...', and ends with a full stop")
    return found[1]


def row(path):
    """A line of the table."""
    notebook = read(path)
    talk = decks.minutes(decks.all_decks().get(path, []))
    return (
        f"| [{int(path.name[:2])}. {headings(notebook)[0][1]}]({path.name}) | {reading_minutes(notebook)} min "
        f"| {all_exercises_minutes(notebook)} min | {f'{talk} min' if talk else 'none'} | {needs(notebook)} |"
    )


def table():
    """The whole table as Markdown, a line a chapter."""
    return "\n".join([HEAD, *map(row, chapters())])
