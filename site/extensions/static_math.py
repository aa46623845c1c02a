"""Formulas become HTML while the book is built: the reader's browser runs no script for them.

KaTeX's own JavaScript does the work, inside Python (mini-racer), so that building needs no Node.
Its style sheet and fonts lie in site/static/katex.
"""

import atexit
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.errors import ExtensionError
from sphinx.util import logging

STYLE_SHEET = "katex/katex.min.css"
LOGGER = logging.getLogger(__name__)


@cache
def katex():
    """A JavaScript engine that has loaded the KaTeX which sphinxcontrib-katex brings along."""
    script = Path(find_spec("sphinxcontrib.katex").origin).with_name("katex.min.js")
    engine = MiniRacer()
    # On Python 3.13 a process whose engine is still open never ends.
    atexit.register(engine.close)
    engine.eval(script.read_text(encoding="utf-8"))
    return engine


def render(latex, display):
    """The HTML of one formula, with MathML for screen readers. Raises ``JSEvalException``."""
    return katex().call("katex.renderToString", latex, {"displayMode": display})


def append_formula(translator, node, display):
    """Write a formula; one that KaTeX cannot read is shown as typed, with a warning."""
    latex = node.astext()
    try:
        formula = render(latex, display)
    except JSEvalException as error:
        LOGGER.warning("KaTeX cannot read %r: %s", latex, str(error).splitlines()[0], location=node)
        formula = f"<code>{translator.encode(latex)}</code>"
    translator.body.append(formula)


def visit_math(translator, node):
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate"))
    append_formula(translator, node, display=False)
    translator.body.append("</span>")
    raise nodes.SkipNode


def visit_math_block(translator, node):
    # A wide formula scrolls inside its box; tabindex lets the keyboard reach it.
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate", tabindex="0"))
    append_formula(translator, node, display=True)
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def check_version(app):
    """The markup and the style sheet belong together, so their versions must agree."""
    version = katex().eval("katex.version")
    style_sheet = Path(app.srcdir, "site/static", STYLE_SHEET).read_text(encoding="utf-8")
    if f'content:"{version}"' not in style_sheet:
        raise ExtensionError(f"sphinxcontrib-katex brings KaTeX {version}, site/static/katex another version")


def setup(app):
    app.add_html_math_renderer("static_katex", (visit_math, None), (visit_math_block, None))
    app.connect("builder-inited", check_version)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
