"""One edition of the book: the English it is written in, or another language where its catalogue has a translation."""

import json
import re
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tools.classroom import student
from tools.notebooks import read
from tools.notebooks import text_of as text_of_notebook
from tools.translation import catalogue
from tools.translation.glossary import GLOSSARY, chinese_first
from tools.translation.pages import (
    ROOT,
    as_notebook,
    figure_number,
    source_of,
    translate_notebook,
    translate_page,
    translated_pages,
)
from tools.writing import replace

# A link from one notebook to a place in another, or in itself.
PLACE = re.compile(r"\]\(([\w./-]*)#([^)\s]+)\)")
MARKDOWN = MarkdownIt("commonmark").use(dollarmath_plugin)
NOT_IN_AN_ADDRESS = re.compile(r"[^\w\u4e00-\u9fff\- ]")


class Chinese:
    """The Chinese edition: the catalogue as it stands, and what is made with it."""

    def __init__(self, book=None, root=ROOT):
        self.book, self.root = book or catalogue.read_book(), root
        self.pages = translated_pages(root)
        self.known_messages, self.known_addresses = {}, {}

    def translator(self, page="site"):
        """``translate(message, kind, place)`` for a page: the translation, or None."""
        name = catalogue.name_of(page)
        if name not in self.known_messages:
            self.known_messages[name] = self.book.lookup(name)
        known = self.known_messages[name]

        def translate(message, kind="", place=""):
            return figure_number(message) if kind == "number" else known.get(message)

        return translate

    def words(self, message, page="site", **values):
        """A message of the site in Chinese, or in English where there is no translation."""
        return (self.translator(page)(message) or message).format(**values)

    def page(self, page, outputs=True):
        """The source of a page in Chinese, as text: of a notebook with its figures' captions, or without."""
        text = source_of(page, self.root).read_text(encoding="utf-8")
        return self.translated(page, text, outputs) if page in self.pages else text

    def translated(self, page, text, outputs=True):
        translate = self.translator(page)
        if source_of(page, self.root).suffix == ".md":
            made = translate_page(text, translate)
            return chinese_first(made) if page == GLOSSARY else made
        return text_of_notebook(translate_notebook(as_notebook(text), translate, outputs))

    def notebook(self, page, english=None):
        """A notebook to run: code, outputs and ids as in English, Markdown in Chinese, links to Chinese headings.

        ``english`` is what to translate if not the page itself: its student edition.
        """
        english = english or read(source_of(page, self.root))
        notebook = translate_notebook(english, self.translator(page), outputs=False)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = PLACE.sub(lambda found: self.place(page, *found.groups()), cell.source)
        return notebook

    def place(self, page, file, anchor):
        """The link to a heading by its Chinese words, which is how Jupyter and GitHub name it."""
        target = f"{page.rpartition('/')[0]}/{re.sub(r'[.](ipynb|md)$', '', file)}".lstrip("/") if file else page
        return f"]({file}#{self.addresses(target).get(anchor, anchor)})"

    def addresses(self, page):
        """{English address: Chinese address} of a page's headings; empty for a page that stays English."""
        if page not in self.known_addresses:
            pair = (self.page_in_english(page), self.page(page, outputs=False)) if page in self.pages else ("", "")
            english, own = ([address_of(heading) for heading in headings(text)] for text in pair)
            self.known_addresses[page] = dict(zip(english, own, strict=True))
        return self.known_addresses[page]

    def page_in_english(self, page):
        return source_of(page, self.root).read_text(encoding="utf-8")


def files(chinese):
    """{name: text} of the Chinese notebooks, to run, each as it is and without solutions.

    The names are those of the English ones, ``chapters/…`` and ``student/…``; whoever writes them chooses the folder.
    """
    made = {}
    for page in chinese.pages:
        if source_of(page, chinese.root).suffix != ".ipynb":
            continue
        without = student(read(source_of(page, chinese.root)))
        made[f"{page}.ipynb"] = text_of_notebook(chinese.notebook(page))
        made[f"student/{catalogue.name_of(page)}.ipynb"] = text_of_notebook(chinese.notebook(page, without))
    return made


def write(folder, chinese=None):
    """Write the Chinese notebooks into ``folder``."""
    replace({Path(folder) / name: text for name, text in files(chinese or Chinese()).items()})


def address_of(heading):
    """A heading as GitHub and MyST write it in an address."""
    return NOT_IN_AN_ADDRESS.sub("", heading.lower()).replace(" ", "-")


def headings(text):
    """The headings of a page or notebook in order, as plain text."""
    if text.lstrip().startswith("{"):
        cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    else:
        cells = [text]
    found = []
    for source in cells:
        tokens = MARKDOWN.parse(source)
        for before, token in pairwise(tokens):
            if before.type == "heading_open":
                found.append("".join(child.content for child in token.children))
    return found
