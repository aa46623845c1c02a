"""The colours are chosen in one place, resnext_lib/figures/palette.py; every copy is that palette's."""

import re

import pytest

from resnext_lib.figures.palette import DARK, LIGHT
from tools.facts import ROOT

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
        assert colours[0] == LIGHT[token], token
        # An explorer's grid lies on a card, not on the page, and is a shade lighter there.
        assert colours[1] == DARK[token] or (name, token) == ("resnext_lib/explorers/shared.css", "line"), token
        assert len(colours) == 2


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_uses_no_colour_but_the_palettes(name):
    known = {colour.lower() for colour in [*LIGHT.values(), *DARK.values()]} | NEUTRAL
    used = {
        colour.lower()
        for colour in re.findall(r"#[0-9A-Fa-f]{6}\b|#[0-9A-Fa-f]{3}\b", (ROOT / name).read_text(encoding="utf-8"))
    }
    assert used <= known, used - known
