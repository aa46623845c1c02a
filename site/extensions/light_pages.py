"""Pages that load little: one style sheet with the rules some page uses, no file that none uses, figures without blanks.

The theme's style sheets weigh 0.5 MB, most of it for things this book does not have.
"""

import re
from pathlib import Path

import tinycss2
from sphinx.errors import ExtensionError

# In the order in which a page would load them; the last one is this book's own.
STYLE_SHEETS = [
    "basic.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "copybutton.css",
    "mystnb.*.css",
    "katex/katex.min.css",
    "book.css",
]
# Read as source only: no page loads them.
UNUSED_FILES = [
    "**/*.map",
    "**/*.pyc",
    "**/fontawesome.js*",
    "vendor/**/*",
    "scripts/bootstrap.js",
    "styles/theme.css",
    "**/sbt-webpack-macros.html",
    "**/webpack-macros.html",
    "_sphinx_javascript_frameworks_compat.js",
    "sbt-webpack-macros.html",
    "images/logo_*",
    "locales/**/*",
    "searchtools.js",
    "language_data.js",
]
# A custom property where it is read, and where it is set: a text in quotes may hold any sign.
READ = re.compile(r"var\(\s*(--[\w-]+)")
SET = re.compile(r"""(?<=[{;])\s*(--[\w-]+)\s*:(?:"[^"]*"|'[^']*'|[^;{}"'])*(?:;|(?=\}))""")
# A theme in a selector. Paper is white: printed, every page has the light theme's colours.
DARK = re.compile(r"""\[data-theme=["']?dark["']?\]""")
LIGHT = re.compile(r"""\[data-theme=["']?light["']?\]""")
# The icons are drawn in book.css; the theme's come from a font of 156 KB.
ICON_FONT = re.compile(r"\.fa[bsr]?(?![\w])|\.fa-|Font ?Awesome")


# A figure is an SVG inside the page. Prolog, comments and blanks are a fifth of it.
FIGURE = re.compile(r'(?<=src=")data:image/svg\+xml,[^"]*')
WITHOUT_EFFECT = re.compile(r"%3C\?xml.*?%3E|%3C!DOCTYPE.*?%3E|%3C!--.*?--%3E|%3Cmetadata%3E.*?%3C/metadata%3E", re.DOTALL)


def smaller(figure):
    """The same picture in fewer bytes."""
    text = re.sub(r"(?:%0A|\s)+", " ", WITHOUT_EFFECT.sub("", figure)).replace("%3E %3C", "%3E%3C")
    return re.sub(r" ?\b([MLQCz]) (?=[-\d]|%22)", r"\1", text)  # in a path: "M 0 1 L 2 3 z " becomes "M0 1L2 3z"


def words_of(site):
    """Every class, id, tag and custom property of the pages, and every word of their scripts, which may add classes."""
    words = set()
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for names in re.findall(r'(?:class|id)="([^"]*)"', text):
            words.update(names.split())
        words.update(re.findall(r"<([a-z][a-z0-9]*)", text))
        words.update(READ.findall(text))
        for script in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL):
            words.update(re.findall(r"[\w-]+", script))
    for script in (site / "_static").rglob("*.js"):
        if script.name != "bootstrap.js" and not script.name.startswith("fontawesome"):
            words.update(re.findall(r"[\w-]+", script.read_text(encoding="utf-8")))
    return words


def is_used(selector, words):
    """Can ``selector`` match on a page? True when in doubt: what stands in brackets is not looked at."""
    plain = re.sub(r"\[[^\]]*\]|\([^()]*(\([^()]*\)[^()]*)*\)", "", selector)
    names = re.findall(r"[.#]((?:\\.|[\w-])+)", plain) + re.findall(r"(?:^|[\s>+~])([a-z][a-z0-9]*)", plain)
    return all(name.replace("\\", "") in words for name in names)


def used_rules(rules, words, keep_icons):
    """The style rules some page can use, as text without spaces and comments."""
    kept = []
    for rule in rules:
        if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports") and rule.content is not None:
            inner = used_rules(tinycss2.parse_rule_list(rule.content, True, True), words, keep_icons)
            kept += [f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"] if inner else []
        elif rule.type == "at-rule" and rule.lower_at_keyword not in ("import", "charset"):
            text = rule.serialize()
            kept += [text] if keep_icons or not ICON_FONT.search(text) else []
        elif rule.type == "qualified-rule":
            selectors = re.split(r",(?![^(]*\))", tinycss2.serialize(rule.prelude).strip())
            selectors = [s.strip() for s in selectors if is_used(s, words) and (keep_icons or not ICON_FONT.search(s))]
            body = re.sub(r"\s+", " ", tinycss2.serialize(rule.content)).strip()
            kept += light_on_paper(selectors, body) if body else []
    return "".join(kept)


def light_on_paper(selectors, body):
    """The rule with these selectors, so that what is dark on the screen is light in print: as one to three rules."""
    dark = [selector for selector in selectors if DARK.search(selector)]
    light = [LIGHT.sub("[data-theme]", selector) for selector in selectors if LIGHT.search(selector)]
    plain = [selector for selector in selectors if selector not in dark]
    kept = [f"{','.join(plain)}{{{body}}}"] if plain else []
    kept += [f"@media not print{{{','.join(dark)}{{{body}}}}}"] if dark else []
    return kept + ([f"@media print{{{','.join(light)}{{{body}}}}}"] if light else [])


def join_style_sheets(static, words):
    """The text of one style sheet in place of all of ``STYLE_SHEETS``."""
    joined = []
    for name in STYLE_SHEETS:
        (file,) = static.glob(name)
        rules = tinycss2.parse_stylesheet(file.read_text(encoding="utf-8"), True, True)
        text = used_rules(rules, words, keep_icons=name == "book.css")
        # KaTeX names a woff and a ttf after each woff2; every browser since 2018 reads the first.
        text = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("\w+"\)', "", text)
        folder = Path(name).parent.as_posix()
        joined.append(re.sub(r"url\((?![\"']?(?:data:|#))[\"']?([^\"')]+)[\"']?\)", rf"url({folder}/\1)", text))
    return without_unread("\n".join(joined), words)


def without_unread(text, words):
    """A style sheet without the custom properties that nothing reads: of the theme's colours most are for other books."""
    read = set(READ.findall(text))
    return SET.sub(lambda found: found[0] if found[1] in read or found[1] in words else "", text)


def refuse_unknown_sheets(names):
    """An extension's style sheet that ``STYLE_SHEETS`` does not name would silently be left out."""
    for name in names:
        if not any(Path(name).match(pattern) for pattern in [*STYLE_SHEETS, "theme.css"]):
            raise ExtensionError(f"{name} is missing in STYLE_SHEETS of site/extensions/light_pages.py")


def lighten_page(app, pagename, templatename, context, doctree):
    refuse_unknown_sheets(str(getattr(sheet, "filename", sheet)) for sheet in context.get("css_files", []))
    if context.get("body"):
        context["body"] = FIGURE.sub(lambda found: smaller(found[0]), context["body"])


def lighten(app, exception):
    """Write ``_static/site.css`` and delete from the built site what no page loads."""
    if exception is None and app.builder.format == "html":
        static = Path(app.outdir, "_static")
        (static / "site.css").write_text(join_style_sheets(static, words_of(Path(app.outdir))), encoding="utf-8")
        for pattern in UNUSED_FILES:
            for file in static.glob(pattern):
                if file.is_file():
                    file.unlink()


def setup(app):
    # Jupyter Book sets this for sphinx_comments, which is left out.
    app.add_config_value("comments_config", {}, "html")
    app.connect("html-page-context", lighten_page)
    # After the theme, which writes pygments.css in the same event.
    app.connect("build-finished", lighten, priority=900)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
