"""Search that needs no server: an index of the book's sections with their text, and where each term of the glossary lives.

Sphinx's own search knows no numbers and no signs such as ×, cannot lead to a section, and fetches its summaries, which a
page on the disk may not. Ranking and display are in site/search/search.js, words that the book does not use in
site/search/synonyms.toml.
"""

import json
import logging
import re
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where tools is

from tools.translation.glossary import ENTRY, PLACE  # noqa: E402
from tools.translation.scripts import translate_code  # noqa: E402

ARTICLE = re.compile(r"<article\b.*?</article>", re.DOTALL)
DATA = re.compile(r'"data:[^"]*"')
# What a page folds away would give away the answer of a quiz or an exercise; forms are the explorers' controls.
SKIPPED_TAGS = {"details", "script", "style", "svg", "form", "button", "select"}
# The second copy of a formula, the sign behind a heading, the line under a title, what the glossary says.
SKIPPED_CLASSES = {"katex-mathml", "headerlink", "page-facts", "chapter-facts", "prev-next-area", "definitions"}
BLOCKS = {"p", "li", "td", "th", "tr", "div", "pre", "br", "figcaption", "section", "h1", "h2", "h3", "h4", "dt", "dd"}
VOID_TAGS = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


class Sections(HTMLParser):
    """The sections of one article, in reading order: anchor, title and the text that is not in a section of its own."""

    def __init__(self, article):
        super().__init__()
        self.found, self.inside, self.in_heading = [], [], False
        self.open_tags, self.skipped_from = [], None
        self.feed(article)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in BLOCKS:
            self.handle_data(" ")
        if tag in VOID_TAGS:
            return
        self.open_tags.append(tag)
        classes = set((attributes.get("class") or "").split())
        if self.skipped_from is not None:
            return
        if tag in SKIPPED_TAGS or classes & SKIPPED_CLASSES:
            self.skipped_from = len(self.open_tags)
        elif tag == "section":
            self.found.append({"anchor": attributes.get("id", ""), "title": "", "text": ""})
            self.inside.append(self.found[-1])
        elif re.fullmatch("h[1-6]", tag):
            self.in_heading = True

    def handle_endtag(self, tag):
        if tag in BLOCKS:
            self.handle_data(" ")
        if tag in self.open_tags:
            while self.open_tags.pop() != tag:
                pass
        if self.skipped_from is not None:
            self.skipped_from = self.skipped_from if len(self.open_tags) >= self.skipped_from else None
        elif tag == "section":
            self.inside.pop()
        elif re.fullmatch("h[1-6]", tag):
            self.in_heading = False

    def handle_data(self, data):
        if self.inside and self.skipped_from is None:
            self.inside[-1]["title" if self.in_heading else "text"] += data


def sections_of(page):
    """(anchor, title, text) of every section of a built page."""
    article = ARTICLE.search(DATA.sub('""', page))
    found = Sections(article[0]).found if article else []
    return [[section["anchor"], *(" ".join(section[part].split()) for part in ("title", "text"))] for section in found]


def terms_of(glossary):
    """([names of a term], page, anchor of the section that explains it) for every entry of the glossary."""
    terms = []
    for term, code, chinese, explanation in ENTRY.findall(glossary):
        place = PLACE.search(explanation)
        if not place:
            raise ExtensionError(f"glossary: the entry {term!r} must end with 'See [chapter N](file.ipynb#section).'")
        names = [term, code, *re.split(r"[（）、]", chinese)]
        terms.append([[name for name in names if name], f"chapters/{place[1]}", place[2]])
    if not terms:
        raise ExtensionError("glossary: no entry of the form '**Term** (`code`)', ': 中文', ': what it means' was found")
    return terms


def index_of(app):
    """Everything that the search page needs to know about the book."""
    root, output = Path(app.srcdir), Path(app.outdir)
    sections = {
        name: sections_of((output / f"{name}.html").read_text(encoding="utf-8")) for name in sorted(app.env.found_docs)
    }
    index = {
        "pages": sections,
        "terms": terms_of((root / "chapters/glossary.md").read_text(encoding="utf-8")),
        "synonyms": tomllib.loads((root / "site/search/synonyms.toml").read_text(encoding="utf-8")),
    }
    if app.chinese:
        index["synonyms"] |= tomllib.loads((root / "site/search/synonyms.zh.toml").read_text(encoding="utf-8"))
        index["vocabulary"] = vocabulary(index)
    return index


def vocabulary(index):
    """The Chinese words of the pages, of the glossary and of the synonyms, by which a query is cut; sorted."""
    import jieba  # some seconds to load, and for the Chinese edition alone

    jieba.setLogLevel(logging.WARNING)
    synonyms = index["synonyms"]
    named = {name for names, *_ in index["terms"] for name in names} | set(synonyms) | set(synonyms.values())
    known = {word for word in named if CHINESE.fullmatch(word)}
    for word in sorted(known):
        jieba.add_word(word)
    texts = [part for sections in index["pages"].values() for _, *parts in sections for part in parts]
    found = {word for text in texts for run in CHINESE.findall(text) for word in jieba.cut(run)}
    return sorted(word for word in found | known if len(word) > 1)


def replace_sphinxs_search(app):
    """Sphinx writes neither its index nor its page."""
    app.builder.search = False


def search_page(app):
    return [("search", {}, "search.html")]


def write(app, exception):
    """The index, a script so that a page on the disk can load it, and the script that asks it."""
    if exception is None and app.builder.format == "html":
        index = json.dumps(index_of(app), ensure_ascii=False, separators=(",", ":"))
        Path(app.outdir, "search_index.js").write_text(f"window.bookIndex = {index};\n", encoding="utf-8")
        script = Path(app.srcdir, "site/search/search.js").read_text(encoding="utf-8")
        script = translate_code(script, app.chinese.translator()) if app.chinese else script
        Path(app.outdir, "_static", "search.js").write_text(script, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", replace_sphinxs_search)
    app.connect("html-collect-pages", search_page)
    # Before light_pages, which looks into scripts for the names of classes.
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
