"""How a figure gets into a notebook: an HTML image that carries its own drawing, its text and its caption."""

import html
import io
from urllib.parse import quote

import matplotlib
from IPython.display import display
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from resnext_lib.figures.palette import DARK, INK, LIGHT

BLACK = "#000000"


def show(fig: Figure, alt: str, caption: str | None = None, number: str | None = None) -> None:
    """Display ``fig`` as an HTML figure; ``alt`` says what is to be seen and is also its plain-text form.

    ``caption`` stands below it and states the claim; ``number``, such as ``"6.2"``, is its number and its address,
    ``#fig-6-2``. The bytes depend only on the drawing and the words.
    Raises ``ValueError`` when ``alt`` says too little to replace the picture, or a number comes without a caption.
    """
    display({"text/html": figure(image(fig, alt), caption, number), "text/plain": alt}, raw=True)


def figure(picture: str, caption: str | None = None, number: str | None = None) -> str:
    """``picture``, the HTML of an image, as a figure with caption, number and address. Errors: as :func:`show`."""
    if caption is None:
        if number is not None:
            raise ValueError(f"number={number!r} needs a caption: a numbered figure states its claim below it")
        return f"<figure>{picture}</figure>"
    words = html.escape(caption, quote=False)
    if number is None:
        return f"<figure>{picture}<figcaption>{words}</figcaption></figure>"
    address = f"fig-{number.replace('.', '-')}"
    return f'<figure id="{address}">{picture}<figcaption><b>Figure {number}.</b> {words}</figcaption></figure>'


def image(fig: Figure, alt: str) -> str:
    """``fig`` as the HTML of an image that carries its own drawing. Errors: as :func:`show`."""
    if len(alt) < 15:
        raise ValueError(f"alt must say in a sentence what is to be seen, but is {alt!r}")
    # A line break inside a URL is dropped by the browser: it only keeps the file readable.
    uri = quote(svg_text(fig), safe=" /:=;,.'()!*@$&?+~-_[]{}|^").replace("%0A", "%0A\n")
    return (
        f'<img class="dark-light" alt="{html.escape(alt, quote=True)}" '
        f'style="width:100%;max-width:480px" src="data:image/svg+xml,{uri}">'
    )


def svg_text(fig: Figure) -> str:
    """The SVG source of ``fig`` in the light and the dark palette, the same bytes every time."""
    buffer = io.StringIO()
    _black_as_ink(fig)
    with matplotlib.rc_context({"svg.hashsalt": "resnext", "svg.fonttype": "path"}):
        fig.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return in_both_themes(buffer.getvalue())


def _black_as_ink(fig):
    """Lettering whose colour nobody chose is black, for which matplotlib writes no fill at all: make it ink."""
    for text in fig.findobj(Text):
        if to_hex(text.get_color()) == BLACK:
            text.set_color(INK)


def in_both_themes(svg: str) -> str:
    """``svg`` with every colour of the palette replaced by its token, and both palettes in a style sheet.

    A page's own variables do not reach a drawing inside an image, but its light or dark scheme does, and so do a
    reader's own colours. Black, matplotlib's choice where nobody chose, becomes ink.
    """
    svg = svg.replace(BLACK, "var(--ink)")
    for token, colour in LIGHT.items():
        svg = svg.replace(colour.lower(), f"var(--{token})")

    def named(palette):
        return "".join(f"--{token}:{colour};" for token, colour in palette.items())

    sheet = (
        f":root{{{named(LIGHT)}fill:var(--ink)}}@media (prefers-color-scheme:dark){{:root{{{named(DARK)}}}}}"
        "@media (forced-colors:active){:root{--paper:Canvas;--ink:CanvasText}}"
    )
    start = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:start]}\n <style>{sheet}</style>{svg[start:]}"
