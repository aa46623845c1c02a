"""What a term of the glossary means, where it is used: seen when a pointer or the keyboard is on its link.

A term that the glossary defines and a chapter does not explain itself becomes a link at its first mention in the running
text. Behind the text stands, hidden, what each linked term means; the link names it as its description, which a screen
reader says without any script. site/templates/definitions.html shows it.
"""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify
from page_facts import UNIT
from section_search import ENTRY, PLACE
from sphinx.errors import ExtensionError

GLOSSARY = "chapters/glossary"
# Pages whose running text is searched for terms; the others say how the book is used, not what it says.
SEARCHED = re.compile(r"chapters/(?:\d\d_\w+|more_than_one_machine|twenty_minutes)$")
# A definition beside a question might answer it.
LEFT_OUT = {"quiz", "exercises"}
# A mention inside these is a title, a name in code, or a link to somewhere else.
NOT_IN = (
    nodes.title,
    nodes.literal,
    nodes.literal_block,
    nodes.reference,
    nodes.raw,
    nodes.strong,
    nodes.figure,
    nodes.term,
)
# In the running text these also have an everyday meaning, or that of another subject.
AMBIGUOUS = {
    "bias",
    "branch",
    "depth",
    "expansion",
    "kernel",
    "linear",
    "padding",
    "path",
    "rank",
    "recipe",
    "seed",
    "width",
}
# Words of every page, which a reader of this book knows from its first one on.
EVERYWHERE = {"channel", "convolution", "filter"}
LINK = re.compile(r'<a class="([^"]*)" href="((?:chapters/)?glossary\.html)#([\w-]+)"')


def as_html(explanation):
    """An explanation of the glossary as HTML, without its last sentence, which says where the book explains it."""
    words = " ".join(PLACE.sub("", explanation).split())
    words = re.sub(r",? \$[^$]*\$ in the paper", "", words)  # a formula would bring its own box
    words = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", words)
    words = UNIT.sub("\N{NO-BREAK SPACE}", words)
    if "$" in words:
        raise ExtensionError(f"glossary: a definition that is shown beside the text has no formula: {words!r}")
    return MarkdownIt().renderInline(words)


def read(glossary):
    """``{address: (term, page that explains it, HTML of what it means)}`` for every entry of the glossary."""
    found = {}
    for term, _, _, explanation in ENTRY.findall(glossary):
        place = PLACE.search(explanation)
        found[slugify(term)] = (term, f"chapters/{place[1]}" if place else "", as_html(explanation))
    return found


def read_glossary(app):
    app.definitions = read(Path(app.srcdir, f"{GLOSSARY}.md").read_text(encoding="utf-8"))


def pattern_of(term):
    """A mention of the term, in the singular or the plural; capitals inside it count only if it has some."""
    words = re.escape(term)
    flags = 0 if re.search("[A-Z]", term[1:]) else re.IGNORECASE
    return re.compile(rf"(?<![\w-]){words}s?(?![\w-])", flags)


def running_text(doctree):
    """The pieces of text of a page's paragraphs and lists, in order, without those in which no term is looked for."""
    for text in doctree.findall(nodes.Text):
        parent, inside = text.parent, False
        while parent is not None:
            ids = set(parent.get("ids", [])) if isinstance(parent, nodes.section) else set()
            if isinstance(parent, NOT_IN) or ids & LEFT_OUT:
                break
            inside = inside or isinstance(parent, nodes.paragraph)
            parent = parent.parent
        else:
            if inside:
                yield text


def link_first_mentions(doctree, terms, address_of):
    """Make the first mention of each of ``terms``, ``{address: term}``, a link; longer terms before the shorter in them."""
    waiting = {address: pattern_of(term) for address, term in sorted(terms.items(), key=lambda item: -len(item[1]))}
    for text in list(running_text(doctree)):
        pieces = [text]
        for address, pattern in list(waiting.items()):
            for place, piece in enumerate(pieces):
                match = isinstance(piece, nodes.Text) and pattern.search(piece)
                if match:
                    link = nodes.reference("", match[0], refuri=address_of(address), internal=True)
                    parts = nodes.Text(piece[: match.start()]), link, nodes.Text(piece[match.end() :])
                    pieces[place : place + 1] = [part for part in parts if part.astext()]
                    del waiting[address]
                    break
        if len(pieces) > 1:
            text.parent.replace(text, pieces)


def point_at_terms(doctree, terms, glossary):
    """A link to the list of terms, or to a term, leads to the term that it names; returns the addresses that are linked."""
    linked, by_name = set(), {term.lower(): address for address, term in terms.items()}
    for link in doctree.findall(nodes.reference):
        page, _, anchor = link.get("refuri", "").partition("#")
        if page == glossary:
            name = link.astext().lower()
            anchor = next((by_name[word] for word in (name, name.removesuffix("s")) if word in by_name), anchor)
            link["refuri"] = f"{page}#{anchor}"
            linked.add(anchor)
    return linked


def add_links(app, doctree, docname):
    if app.builder.format != "html" or docname == GLOSSARY:
        return
    glossary = app.builder.get_relative_uri(docname, GLOSSARY)
    terms = {address: term for address, (term, _, _) in app.definitions.items()}
    linked = point_at_terms(doctree, terms, glossary)
    if SEARCHED.match(docname):
        own = {address for address, (_, page, _) in app.definitions.items() if page == docname}
        taught = {node.astext().lower() for node in doctree.findall(nodes.strong)}
        wanted = {
            address: term
            for address, term in terms.items()
            if address not in own | linked | AMBIGUOUS | EVERYWHERE and term.lower() not in taught
        }
        link_first_mentions(doctree, wanted, lambda address: f"{glossary}#{address}")


def add_definitions(app, pagename, templatename, context, doctree):
    """Name the definition at each link to a term, and put the definitions behind the text."""
    body, shown = context.get("body"), {}
    if not body or pagename == GLOSSARY:
        return

    def described(found):
        classes, page, address = found.groups()
        if address not in app.definitions:
            return found[0]
        shown[address] = app.definitions[address]
        return f'<a class="{classes} term" aria-describedby="definition-{address}" href="{page}#{address}"'

    body = LINK.sub(described, body)
    definitions = "".join(
        f'<p id="definition-{address}"><b>{escape(term)}.</b> {words}</p>\n' for address, (term, _, words) in shown.items()
    )
    if shown:
        context["body"] = f'{body}\n<div class="definitions" hidden>\n{definitions}</div>'
    context["has_definitions"] = bool(shown)


def setup(app):
    app.connect("builder-inited", read_glossary)
    app.connect("doctree-resolved", add_links)
    app.connect("html-page-context", add_definitions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
