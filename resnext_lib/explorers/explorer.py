"""What every explorer is: a static picture, a table, and a script that brings them to life."""

import base64
import html
import io
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy
from matplotlib.figure import Figure
from PIL import Image
from torch import nn

from resnext_lib import figures


class Explorer:
    """What a notebook shows of an explorer: HTML, and the texts of its pictures where HTML cannot be shown.

    ``name`` is the script's file name, ``fig`` and ``alt`` the static picture. ``caption`` says what can be done and seen,
    without the answer to the question that the script asks. ``heading`` and ``table`` are the numbers, first row first,
    ``data`` what the script is given. ``scripts`` and ``sheets`` name further files of this folder that it uses. The bytes
    depend on nothing else. A picture too long for a page goes on in ``more``, figures with a text each in ``more_alts``;
    on paper they stand side by side.
    """

    def __init__(
        self,
        name: str,
        fig: Figure,
        alt: str,
        caption: str,
        heading: Sequence[str],
        table: Sequence[Sequence],
        data: Any,
        scripts: Sequence[str] = (),
        sheets: Sequence[str] = (),
        more: Sequence[Figure] = (),
        more_alts: Sequence[str] = (),
    ) -> None:
        self.alt = " ".join((alt, *more_alts))
        title = f"Figure to play with: {name.replace('_', ' ').capitalize().replace('resnext', 'ResNeXt')}"
        given = json.dumps(data, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\u0021--")
        styles = "".join(_asset(f"{sheet}.css") for sheet in ("shared", *sheets))
        code = "".join(_asset(f"{script}.js") for script in ("shared", *scripts, name))
        stills = "\n".join(figures.image(*still) for still in zip((fig, *more), (alt, *more_alts), strict=True))
        stills = re.sub(r"(?:%0A\s*)+", " ", stills)  # a line break is a blank in SVG, and costs its indent in a notebook
        if scripts:  # a large one
            code, stills = _without_comments(code), _grey(stills)
            styles = re.sub(r"\s*/\*.*?\*/|^ +", "", styles, flags=re.DOTALL | re.MULTILINE)
        self.html = (
            f'<figure class="explorer" data-explorer="{name}" aria-label="{title}">\n'
            f"<style>\n{styles}</style>\n"
            f"{stills}\n{_numbers(heading, table)}\n"
            f"<figcaption>{html.escape(caption, quote=False)}</figcaption>\n"
            f'<script>\n(() => {{\n"use strict";\n'
            f'const root = document.currentScript.closest("figure"), data = {given};\n'
            f"{code}}})();\n</script>\n</figure>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": self.alt}

    def __repr__(self):
        return self.alt


def _asset(name):
    """The text of a script or style sheet of this folder."""
    return files("resnext_lib.explorers").joinpath(name).read_text(encoding="utf-8")


def _without_comments(code):
    """Scripts without lines that are comments, and without indents: what the browser needs."""
    lines = [line.strip() for line in code.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


PNG = re.compile(r"(?<=base64,) ([A-Za-z0-9+/= ]+)")
GREYS = 16  # as many as the pictures of a static picture have, see live._dots


def _grey(stills):
    """The images with grey pictures of four bits a dot instead of 32. The dots stay the same."""

    def smaller(found):
        dots = numpy.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("L"))
        assert not (dots % 17).any(), "a grey that is none of the sixteen"
        small, file = Image.fromarray(dots // 17, mode="P"), io.BytesIO()
        small.putpalette([17 * level for level in range(GREYS) for _ in range(3)])
        small.save(file, "PNG", bits=4, optimize=True)
        return base64.b64encode(file.getvalue()).decode("ascii")

    return PNG.sub(smaller, stills)


def _numbers(heading, table):
    """The table as HTML: first row and first column are headings; whole numbers get their commas."""

    def row(cells, heading):
        shown = [f"{cell:,}" if isinstance(cell, int) else html.escape(str(cell)) for cell in cells]
        first = f'<th scope="{heading}">{shown[0]}</th>'
        rest = [f'<th scope="col">{cell}</th>' if heading == "col" else f"<td>{cell}</td>" for cell in shown[1:]]
        return f"<tr>{first}{''.join(rest)}</tr>"

    body = "\n".join(row(cells, "row") for cells in table[1:])
    return (
        f'<details open><summary>The numbers as a table</summary>\n<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{html.escape(heading)}">\n<table><caption>{html.escape(heading)}</caption>\n'
        f"<thead>{row(table[0], 'col')}</thead>\n<tbody>\n{body}\n</tbody></table></div></details>"
    )


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    """The convolutions of a block's transform, without those of its shortcut."""
    return [
        layer for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d) and not name.startswith("downsample")
    ]
