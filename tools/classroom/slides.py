"""Slides as one HTML page that needs no network and no other file.

The texts are read by ``tools.classroom.decks``; what a slide shows of a chapter is taken from the stored outputs.
"""

import base64
import importlib.util
import re
from functools import cache
from html import escape
from urllib.parse import unquote

from jinja2 import Template
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tools.facts import ROOT

HERE = ROOT / "tools" / "classroom"
KATEX = ROOT / "site" / "static" / "katex"
SIZE = 1280, 720  # of a slide, in CSS pixels
SMALLEST = 18  # pixels: what can be read from the last row
STANDING = 0.65  # a figure that is taller than this part of its width stands beside the text, not below it


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


def type_size(text, narrow=False):
    """The font size, in pixels, at which typed text fills a slide, or the column beside a figure: 18 to 30."""
    lines = text.rstrip().split("\n")
    widest, height = 0.605 * max(map(len, lines)), 1.35 * len(lines)  # in units of the font size
    return max(SMALLEST, min(24 if narrow else 30, int((540 if narrow else 1110) / widest), int(500 / height)))


def typed(kind, text, page, narrow):
    return f'<div class="{kind}" style="font-size: {type_size(text, narrow)}px">{page}</div>'


def is_figure(output):
    page = output.get("data", {}).get("text/html", "")
    return "<figure" in page


def is_standing(output):
    """Whether a figure is tall. An explorer is laid out for the whole slide."""
    page = unquote(output["data"]["text/html"])
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', page)
    return "data-explorer" not in page and bool(size) and float(size[2]) > STANDING * float(size[1])


def figures_of(slide):
    kinds = {*slide.first, *slide.later}
    return list(filter(is_figure, slide.cell.outputs)) if slide.cell and kinds & {"output", "figure"} else []


def shown(output, narrow):
    """An output as HTML."""
    if output.output_type == "stream":
        return typed("printed", output.text, f"<pre>{escape(output.text)}</pre>", narrow)
    data = output["data"]
    if is_figure(output):
        return f'<div class="picture">{data["text/html"]}</div>'
    if "text/html" in data:
        return f'<div class="table">{data["text/html"]}</div>'
    return typed("printed", data["text/plain"], f"<pre>{escape(data['text/plain'])}</pre>", narrow)


def pieces(slide, kinds, narrow):
    """What a slide shows of its cell, as (whether it is a figure, HTML)."""
    found = []
    if "code" in kinds:
        code = highlight(slide.cell.source, PythonLexer(), HtmlFormatter(cssclass="highlight"))
        found.append((False, typed("code", slide.cell.source, code, narrow)))
    if {"output", "figure"} & {*kinds}:
        wanted = [output for output in slide.cell.outputs if "output" in kinds or is_figure(output)]
        found += [(is_figure(output), shown(output, narrow)) for output in wanted]
    return found


def notes(slide):
    """What only the speaker sees."""
    said = {"Say": slide.say, "Ask": slide.ask, "Expect": slide.expect}
    lines = [f"{name}: {words}" for name, words in said.items() if words]
    lines += [slide.extra] if slide.extra else []
    lines += [f"{slide.minutes} minute{'s' * (slide.minutes > 1)}."] if slide.minutes else []
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def section(slide, with_notes=True):
    """A slide as HTML: words, then the figures, below them or at their right; the notes last.

    What waits for the key press is a fragment; all fragments of a slide appear at once.
    """
    narrow = any(map(is_standing, figures_of(slide)))
    words = [f"<h{slide.level}>{escape(slide.title)}</h{slide.level}>", f'<div class="text">{to_html(slide.text)}</div>']
    pictures = []
    for kinds, mark in ((slide.first, ""), (slide.later, ' class="fragment" data-fragment-index="0"')):
        for picture, page in pieces(slide, kinds, narrow):
            (pictures if picture else words).append(f"<div{mark}>{page}</div>" if mark else page)
    if slide.then:
        words.append(f'<div class="fragment" data-fragment-index="0"><div class="text">{to_html(slide.then)}</div></div>')
    kind = "beside" if narrow else "below"
    aside = f'<aside class="notes">{notes(slide)}</aside>' if with_notes else ""
    return (
        f'<section id="{slide.address}" class="{kind}"><div class="words">{"".join(words)}</div>'
        f"{''.join(pictures)}{aside}</section>"
    )


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


def page(slides, title, with_notes=True):
    """One HTML page with these slides. Raises ``ValueError`` if there is none."""
    if not slides:
        raise ValueError(f"{title!r} has no slides: write them to teaching/slides/, as CONTRIBUTING.md says")
    template = Template((HERE / "page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        title=escape(title),
        styles=styles(),
        sections=[section(slide, with_notes) for slide in slides],
        scripts=[script("reveal.js"), script("notes.js")],
        size=SIZE,
    )
