"""Slides from a chapter: its marked cells as one HTML file that needs no network and no other file.

A cell is marked by nbconvert's standard metadata: ``"slideshow": {"slide_type": "slide"}``; "-" continues a slide.
Cells that are not marked are not shown. A cell may carry ``"slide"`` as well, a dictionary:

- ``text``: Markdown for the slide, in place of a text cell's source, or above a code cell's output.
- ``notes``: what the speaker sees; it ends with the minutes that the slide takes, such as "2 minutes."
- ``code``: true shows a code cell's source; without it only the output is shown.
- ``output``: "picture" shows figures only, without what was printed.
- ``panels``: cuts through a tall figure, as fractions of its height; each key press lays the next panel over the last.
- ``reveal``: true keeps the output back until the next key press, so that the class can guess first. Shown code stands
  before the key press, unless the cell has no output: then it is the code that answers.
"""

import base64
import copy
import importlib.util
import re
from functools import cache
from itertools import pairwise
from urllib.parse import unquote

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell
from pygments.formatters import HtmlFormatter

from tools.contract import ROOT

HERE = ROOT / "tools" / "classroom"
KATEX = ROOT / "site" / "static" / "katex"
SIZE = 1280, 720  # of a slide, in CSS pixels
MINUTES = re.compile(r"(\d+) minutes?\.$")


def slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type", "skip")


def is_slide(cell):
    return slide_type(cell) in ("slide", "subslide")


def minutes(notebook):
    """The sum of the minutes that the speaker notes end with."""
    found = [MINUTES.search(cell.metadata.get("slide", {}).get("notes", "")) for cell in notebook.cells if is_slide(cell)]
    return sum(int(match[1]) for match in found if match)


def text_cell(source, kind):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})


def is_picture(output):
    return "text/html" in output.get("data", {})


def panels(figure, cuts):
    """The HTML of a tall figure in pieces of one scale that cover one another, one for each press of a key."""
    image = re.search(r'alt="([^"]*)".*src="([^"]*)"', figure, re.DOTALL)
    alt, source = image[1], image[2]
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', unquote(source)).groups())
    edges = [0, *cuts, 1]
    tallest = height * max(b - a for a, b in pairwise(edges))
    pieces = []
    for number, (top, bottom) in enumerate(pairwise(edges)):
        box = f'<svg viewBox="0 0 {width} {tallest:.1f}" preserveAspectRatio="xMidYMin" role="img" aria-label="{alt}">'
        piece = (
            f'<svg width="{width}" height="{height * (bottom - top):.1f}" viewBox="0 {height * top:.1f} {width} '
            f'{height * (bottom - top):.1f}"><image href="{source}" width="{width}" height="{height}"/></svg></svg>'
        )
        pieces.append(f'<div class="panel{" fragment" if number else ""}">{box}{piece}</div>')
    return f'<figure class="panels">{"".join(pieces)}</figure>'


def code_part(cell, kind, source):
    """A code cell for the deck; ``source`` says whether its code is shown."""
    part = copy.deepcopy(cell)
    part.metadata = {"slideshow": {"slide_type": kind}, "transient": {"remove_source": not source}}
    return part


def output_part(cell, wish, kind, source):
    """A code cell's outputs as the slide wants them."""
    part = code_part(cell, kind, source)
    if wish.get("output") == "picture":
        part.outputs = list(filter(is_picture, part.outputs))
    if "panels" in wish:
        for output in filter(is_picture, part.outputs):
            output.data["text/html"] = panels(output.data["text/html"], wish["panels"])
    return part


def parts_of(cell):
    """The cells that a marked cell becomes: its text, its notes, and its code or output."""
    wish = cell.metadata.get("slide", {})
    text = wish.get("text", cell.source if cell.cell_type == "markdown" else "")
    parts = [text_cell(text, slide_type(cell)), text_cell(wish.get("notes", "").replace("\n", "\n\n"), "notes")]
    if cell.cell_type != "code":
        return parts
    kind, source = "fragment" if wish.get("reveal") else "-", bool(wish.get("code"))
    if wish.get("reveal") and source and cell.outputs:
        code_only = code_part(cell, "-", source)
        code_only["id"], code_only.outputs, source = f"{cell['id']}-code", [], False
        parts.append(code_only)
    return [*parts, output_part(cell, wish, kind, source)]


def deck(notebook):
    """A notebook of the marked cells only, which any program that follows nbconvert's slide types can show."""
    made = copy.deepcopy(notebook)
    made.cells = [part for cell in notebook.cells if slide_type(cell) != "skip" for part in parts_of(cell)]
    return made


@cache
def markdown_reader():
    """Markdown as the site reads it: CommonMark, tables, and formulas that the site's own extension writes as HTML."""
    spec = importlib.util.spec_from_file_location("static_math", ROOT / "site" / "extensions" / "static_math.py")
    static_math = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(static_math)

    def formula(latex, options):
        return static_math.render(latex, options["display_mode"])

    return (
        MarkdownIt("commonmark", {"html": True}).enable("table").use(dollarmath_plugin, renderer=formula, double_inline=True)
    )


def to_html(source):
    return markdown_reader().render(source)


def type_size(text, beside_picture=False):
    """The font size, in pixels, at which typed text fills a slide without leaving it: 16 to 30."""
    lines = text.rstrip().split("\n")
    widest, height = 0.605 * max(map(len, lines)), 1.35 * len(lines)  # in units of the font size
    return max(16, min(22 if beside_picture else 30, int(1110 / widest), int(470 / height)))


def has_picture(cell):
    return any(map(is_picture, cell.outputs))


def font_inside(match):
    font = KATEX / match[1]
    return f"url(data:font/woff2;base64,{base64.b64encode(font.read_bytes()).decode()})"


@cache
def styles():
    """Every style sheet of a deck, fonts included."""
    katex = re.sub(r"url\((fonts/[^)]+)\)", font_inside, (KATEX / "katex.min.css").read_text(encoding="utf-8"))
    code = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")
    own = [(HERE / name).read_text(encoding="utf-8") for name in ("reveal/reveal.css", "slides.css")]
    return "\n".join([own[0], katex, code, own[1]])


@cache
def script(name):
    return (HERE / "reveal" / name).read_text(encoding="utf-8")


@cache
def exporter():
    made = SlidesExporter(template_name="lecture", extra_template_basedirs=[str(HERE / "templates")])
    for name, function in (("to_html", to_html), ("script", script), ("type_size", type_size), ("has_picture", has_picture)):
        made.register_filter(name, function)
    return made


def slides(notebook, title):
    """One HTML page with the chapter's slides. Raises ``ValueError`` if no cell is marked."""
    if not any(map(is_slide, notebook.cells)):
        raise ValueError(f"no cell of {title!r} is marked as a slide: set slideshow.slide_type to slide in its metadata")
    page, _resources = exporter().from_notebook_node(
        deck(notebook), resources={"title": title, "styles": styles(), "width": SIZE[0], "height": SIZE[1]}
    )
    return page
