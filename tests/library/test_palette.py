"""The colours are chosen in one place, resnext_lib/figures/palette.py; every copy is that palette's."""

import re

import pytest

from resnext_lib.figures.palette import DARK, LIGHT
from tools import notebooks
from tools.facts import ROOT

WHERE = "the palette is resnext_lib/figures/palette.py, and this file holds a copy"
NAMED = {  # files that give tokens names, and how often each theme stands in them
    "site/static/book.css": ("light", "dark"),
    "resnext_lib/explorers/shared.css": ("light", "dark"),
    "site/templates/404.html": ("light", "dark"),
}
DRAWN = [
    "tools/classroom/slides.css",
    "tools/handout.py",
    "site/static/logo.svg",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "site" / "map").glob("*.svg"))),
]
# Greys and grounds that are no token: they carry no meaning.
NEUTRAL = {"#555b63", "#eef3f8", "#f6f7f9", "#fff", "#ffffff"}


def tokens(text):
    """``{token: [its colours, in order]}`` of CSS that names them."""
    found = {}
    for name, colour in re.findall(r"--(ink|path|sum|weight|line|paper):\s*(#[0-9A-Fa-f]{6})\b", text):
        found.setdefault(name, []).append(colour.upper())
    return found


@pytest.mark.parametrize("name", NAMED)
def test_a_copy_with_names_is_the_palette(name):
    found = tokens((ROOT / name).read_text(encoding="utf-8"))
    assert {"ink", "path", "sum"} <= set(found)
    for token, colours in found.items():
        assert len(colours) == 2, f"{name} gives --{token} {len(colours)} times, not once for each theme"
        light, dark = colours
        assert light == LIGHT[token], f"{name}: --{token} must be {LIGHT[token]} in the light; {WHERE}"
        # An explorer's grid lies on a card, not on the page, and is a shade lighter there.
        of_a_card = (name, token) == ("resnext_lib/explorers/shared.css", "line")
        assert dark == DARK[token] or of_a_card, f"{name}: --{token} must be {DARK[token]} in the dark; {WHERE}"


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_uses_no_colour_but_the_palettes(name):
    known = {colour.lower() for colour in [*LIGHT.values(), *DARK.values()]} | NEUTRAL
    used = {
        colour.lower()
        for colour in re.findall(r"#[0-9A-Fa-f]{6}\b|#[0-9A-Fa-f]{3}\b", (ROOT / name).read_text(encoding="utf-8"))
    }
    assert used <= known, f"{name} has {sorted(used - known)}; {WHERE}"


def test_the_page_that_stands_alone_has_the_palettes_colours():
    known = {colour.lstrip("#").lower() for colour in [*LIGHT.values(), *DARK.values()]}
    path = ROOT / "chapters" / "twenty_minutes.ipynb"
    source = "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code")
    used = {colour.lower() for colour in re.findall(r"(?<=[\"# ])[0-9A-Fa-f]{6}(?=[\" ])", source)}
    assert len(used) >= 5 and used <= known, f"{path.name} has {sorted(used - known)}; {WHERE}"
