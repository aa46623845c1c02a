"""Two editions from one source: the site in English, and with ``language: zh_CN`` in Chinese from the catalogue.

The source of a page is translated before Sphinx parses it, so that everything else works as it does in English.
Headings keep their English addresses: a link, and the switch between the editions, leads to the same place in both.
"""

import os
import sys
from gettext import NullTranslations
from pathlib import Path

import sphinx.locale
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where tools is

from tools.notebooks import text_of  # noqa: E402
from tools.translation import edition  # noqa: E402
from tools.translation.pages import ENGLISH_ONLY  # noqa: E402

CHINESE = "zh_CN"
FOLDER = "zh"  # of the Chinese edition in the built site
# Pages that are not the book's and have no page in the other edition to switch to.
WITHOUT_SWITCH = {"404"}


class Words(NullTranslations):
    """What Sphinx and the themes say, where they have no Chinese for it."""

    def __init__(self, chinese):
        super().__init__()
        self.chinese = chinese

    def gettext(self, message):
        return self.chinese.translator()(message) or message


def start(app):
    """``app.chinese`` is the Chinese edition while that is built, and None while the English one is."""
    app.chinese = edition.Chinese(root=Path(app.srcdir)) if app.config.language == CHINESE else None
    for translation in sphinx.locale.translators.values() if app.chinese else []:
        translation.add_fallback(Words(app.chinese))
    if templates := app.builder.templates:  # a builder of something else than pages has none
        templates.environment.globals["words"] = lambda message, **values: words(app, message, **values)


def words(app, message, **values):
    """A message of the site in the language of the edition."""
    return app.chinese.words(message, **values) if app.chinese else message.format(**values)


def translate_source(app, pagename, source):
    if app.chinese and pagename in app.chinese.pages:
        source[0] = app.chinese.translated(pagename, source[0])


class SameAddresses(SphinxTransform):
    """Gives the headings of a translated page the addresses that they have in English."""

    default_priority = 870  # before Addresses and MyST, which resolve links

    def apply(self, **_):
        chinese, page = self.app.chinese, self.env.docname
        if not chinese or page not in chinese.pages:
            return
        titles = edition.headings(chinese.page_in_english(page))
        sections = list(self.document.findall(nodes.section))
        if len(titles) != len(sections):
            raise ExtensionError(f"{page}: {len(sections)} headings in Chinese and {len(titles)} in English")
        slugs = {}
        for title, section in zip(titles, sections, strict=True):
            identifier = nodes.make_id(title)
            self.document.ids.pop(section["ids"][0], None)
            self.document.ids[identifier] = section
            section["ids"] = [identifier]
            slugs[edition.address_of(title)] = (section.line, identifier, section[0].astext())
        self.document.myst_slugs = self.env.metadata[page]["myst_slugs"] = slugs


def describe(app, pagename, templatename, context, doctree):
    """Where the page is in the other edition; a page that has no Chinese says so."""
    up = "../" * (pagename.count("/") + 1)
    if app.chinese:
        context["other_edition"] = {"href": f"{up}{pagename}.html", "lang": "en", "name": "English"}
        if pagename in ENGLISH_ONLY and context.get("body"):
            context["body"] = f'<div lang="en">{context["body"]}</div>'
    elif app.config.editions == "both":
        href = context["pathto"](f"{FOLDER}/{pagename}.html", 1)
        context["other_edition"] = {"href": href, "lang": "zh-CN", "name": "中文"}
    if pagename in WITHOUT_SWITCH:
        context.pop("other_edition", None)


def write_notebooks(app, exception):
    """The notebooks that a Chinese page offers, in place of the copies of their English sources."""
    if exception is None and app.chinese and app.builder.format == "html":
        for page in app.chinese.pages:
            copy = Path(app.outdir, "_sources", f"{page}.ipynb")
            if copy.is_file():
                copy.write_text(text_of(app.chinese.notebook(page)), encoding="utf-8")


def setup(app):
    # Whether the Chinese edition is built as well, so that English pages have a switch to it.
    app.add_config_value("editions", os.environ.get("BOOK_EDITIONS", "one"), "html")
    app.add_transform(SameAddresses)
    app.connect("builder-inited", start, priority=100)
    app.connect("source-read", translate_source)
    app.connect("html-page-context", describe, priority=100)
    app.connect("build-finished", write_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
