"""Which pages are translated, and the messages of each."""

import re
from pathlib import Path

import nbformat
import yaml

from tools.notebooks import read
from tools.translation.glossary import translate_entries
from tools.translation.markdown import translate_markdown
from tools.translation.markup import translate_html
from tools.translation.scripts import translate_script

ROOT = Path(__file__).resolve().parents[2]
# These stay English: the reference of English code and the teacher's page.
ENGLISH_ONLY = ["chapters/library", "chapters/teaching"]
# The page with every explorer. Its catalogue has their words for all pages.
EXPLORERS = "chapters/explorers"
EXPLORER = '<figure class="explorer"'
PROMPTS = ("code_prompt_show", "code_prompt_hide")


def toc(root=ROOT):
    return yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))


def all_pages(root=ROOT):
    """Every page of the book, in its order, without the ending of its file."""
    table = toc(root)
    return [table["root"], *(chapter["file"] for part in table["parts"] for chapter in part["chapters"])]


def translated_pages(root=ROOT):
    return [page for page in all_pages(root) if page not in ENGLISH_ONLY]


def source_of(page, root=ROOT):
    """The file that a page is made from."""
    return next(path for ending in (".ipynb", ".md") if (path := root / f"{page}{ending}").is_file())


def title_of(page, root=ROOT):
    """The title of a page in Markdown."""
    return re.search(r"^# (.+)$", source_of(page, root).read_text(encoding="utf-8"), re.MULTILINE)[1]


def is_figure(data):
    return "".join(data.get("text/html", "")).lstrip().startswith("<figure")


def translate_figure(source, translate):
    """The HTML of a figure with its caption, its alternative text and an explorer's words in the other language."""
    return translate_html(source, translate, lambda code: translate_script(code, translate))


def translate_output(output, translate):
    """Translate what a cell gave out if it is a figure. Printed lines and tables stay."""
    data = output.get("data", {})
    if is_figure(data):
        data["text/html"] = translate_figure("".join(data["text/html"]), translate)


def translate_prompts(cell, translate):
    """What the site shows on a folded cell."""
    words = cell.metadata.get("mystnb", {})
    for name in PROMPTS:
        if name in words and (new := translate(words[name], "prompt")) is not None:
            words[name] = new


def translate_notebook(notebook, translate, outputs=True):
    """Translate a notebook in place and return it. Code is not touched, and outputs only with ``outputs``.

    ``translate(message, kind, place)`` returns None for a message without translation; ``place`` is a cell's id.
    """
    for cell in notebook.cells:

        def here(message, kind, place=cell.id):
            return translate(message, kind, place)

        if cell.cell_type == "markdown":
            cell.source = translate_markdown(cell.source, here)
            continue
        translate_prompts(cell, here)
        for output in cell.get("outputs", []) if outputs else []:
            translate_output(output, here)
    return notebook


def translate_page(text, translate):
    """Translate the text of a page in Markdown; the place of a message is its section's heading."""
    parts = re.split(r"(?m)^(?=#{1,3} )", text)
    made = []
    for part in parts:
        heading = part.split("\n", 1)[0].lstrip("# ")

        def here(message, kind, place=heading):
            return translate(message, kind, place)

        made.append(translate_entries(part, here))
    return "".join(made)


def figure_number(message):
    """ "图 5.1：" for "Figure 5.1."; None for any other message."""
    found = re.fullmatch(r"Figure ([\w.]+?)\.", message)
    return f"图 {found[1]}：" if found else None


def messages_of(page, root=ROOT):
    """{message: (kind, place)} of a page in reading order; the explorers' are on ``EXPLORERS`` alone."""
    found = {}

    def note(message, kind, place):
        if figure_number(message) is None:
            found.setdefault(message, (kind, place))

    path = source_of(page, root)
    if path.suffix == ".md":
        translate_page(path.read_text(encoding="utf-8"), note)
        return found
    notebook = read(path)
    for cell in notebook.cells if page != EXPLORERS else []:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if EXPLORER not in "".join(o.get("data", {}).get("text/html", ""))]
    translate_notebook(notebook, note)
    if page == EXPLORERS:  # the landing page's small one is made when the site is built, so that it stands in no source
        from resnext_lib import explorers

        figure = explorers.look_inside(small=True).html
        translate_figure(figure, lambda message, kind: note(message, kind, "landing page"))
    return found


def as_notebook(text):
    return nbformat.reads(text, as_version=4)
