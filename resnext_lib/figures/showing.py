"""How a figure gets into a notebook: an HTML image that carries its own drawing and its text."""

import html
import io
from urllib.parse import quote

import matplotlib
from IPython.display import display


def show(fig, alt):
    """Display ``fig`` as an HTML image with the text ``alt``, which is also its plain-text form.

    The bytes depend only on the drawing. Raises ``ValueError`` when ``alt`` says too little to replace the picture.
    """
    display({"text/html": f"<figure>{image(fig, alt)}</figure>", "text/plain": alt}, raw=True)


def image(fig, alt):
    """``fig`` as the HTML of an image that carries its own drawing. Errors: as :func:`show`."""
    if len(alt) < 15:
        raise ValueError(f"alt must say in a sentence what is to be seen, but is {alt!r}")
    # A line break inside a URL is dropped by the browser: it only keeps the file readable.
    uri = quote(svg_text(fig), safe=" /:=;,.'()!*@$&?+~-_[]{}|^").replace("%0A", "%0A\n")
    return (f'<img class="dark-light" alt="{html.escape(alt, quote=True)}" '
            f'style="width:100%;max-width:600px;background:#fff" src="data:image/svg+xml,{uri}">')


def svg_text(fig):
    """The SVG source of ``fig``, the same bytes every time."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "resnext", "svg.fonttype": "path"}):
        fig.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue()
