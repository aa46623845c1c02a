"""What a term of the glossary means, where it is used: seen when a pointer or the keyboard is on its link.

A term that the glossary defines and a chapter does not explain itself becomes a link at its first mention in the running
text. Behind the text stands, hidden, what each linked term means; the link names it as its description, which a screen
reader says without any script. site/templates/definitions.html shows it.
"""

import re
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify
from mentions import Mentions
from page_facts import UNIT
from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where tools is

from tools.translation.glossary import ENTRY, GLOSSARY, PLACE, chinese_names  # noqa: E402
from tools.translation.pages import translate_page  # noqa: E402

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
# The same of Chinese names: 转换 is any change into something, 参数 also what a function is given.
AMBIGUOUS_IN_CHINESE = {"conversion", "parameter"}
# Words of every page, which a reader of this book knows from its first one on.
EVERYWHERE = {"channel", "convolution", "filter"}
LINK = re.compile(r'<a class="([^"]*)" href="((?:chapters/)?glossary\.html)#([\w-]+)"')


def as_html(explanation):
    """An explanation of the glossary as HTML, without its last sentence, which says where the book explains it."""
    words = " ".join(PLACE.sub("", explanation).split())
    words = re.sub(r",? \$[^$]*\$ in the paper|，论文记作 \$[^$]*\$", "", words)  # a formula would bring its own box
    words = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", words)
    words = UNIT.sub("\N{NO-BREAK SPACE}", words)
    if "$" in words:
        raise ExtensionError(f"glossary: a definition that is shown beside the text has no formula: {words!r}")
    return MarkdownIt().renderInline(words)


def read(glossary, chinese=False):
    """``{address: (names, page that explains it, HTML of what it means)}`` for every entry; the first name is shown.

    A Chinese page has the names that the glossary gives in Chinese, and the English one.
    """
    found = {}
    for term, _, in_chinese, explanation in ENTRY.findall(glossary):
        place = PLACE.search(explanation)
        names = [*(chinese_names(in_chinese) if chinese else []), term]
        found[slugify(term)] = (names, f"chapters/{place[1]}" if place else "", as_html(explanation))
    return found


def read_glossary(app):
    """What the terms mean, in the language of the edition, and what finds them in a text."""
    glossary = Path(app.srcdir, f"{GLOSSARY}.md").read_text(encoding="utf-8")
    if app.chinese:
        glossary = translate_page(glossary, app.chinese.translator(GLOSSARY))
    app.definitions = read(glossary, bool(app.chinese))
    app.mentions = Mentions({address: names for address, (names, _, _) in app.definitions.items()})


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


def link_first_mentions(doctree, mentions, wanted, address_of):
    """Make the first mention of each term whose address is ``wanted`` a link."""
    waiting = set(wanted)
    for text in list(running_text(doctree)):
        pieces, done = [], 0
        for start, end, address in mentions.first(text, waiting):
            link = nodes.reference("", text[start:end], refuri=address_of(address), internal=True)
            pieces += [nodes.Text(text[done:start]), link]
            waiting.remove(address)
            done = end
        if pieces:
            pieces.append(nodes.Text(text[done:]))
            text.parent.replace(text, [piece for piece in pieces if piece.astext()])


def point_at_terms(doctree, terms, glossary):
    """A link to the list of terms, or to a term, leads to the term that it names; returns the addresses that are linked.

    ``terms`` are ``{address: names}``.
    """
    linked, by_name = set(), {name.lower(): address for address, names in terms.items() for name in names}
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
    terms = {address: names for address, (names, _, _) in app.definitions.items()}
    linked = point_at_terms(doctree, terms, glossary)
    if SEARCHED.match(docname):
        own = {address for address, (_, page, _) in app.definitions.items() if page == docname}
        taught = {node.astext().lower() for node in doctree.findall(nodes.strong)}
        taught_here = {address for address, names in terms.items() if taught & {name.lower() for name in names}}
        ambiguous = AMBIGUOUS | (AMBIGUOUS_IN_CHINESE if app.chinese else set())
        wanted = terms.keys() - own - linked - taught_here - ambiguous - EVERYWHERE
        link_first_mentions(doctree, app.mentions, wanted, lambda address: f"{glossary}#{address}")


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
    named = "<b>{}：</b>" if app.chinese else "<b>{}.</b> "
    definitions = "".join(
        f'<p id="definition-{address}">{named.format(escape(names[0]))}{words}</p>\n'
        for address, (names, _, words) in shown.items()
    )
    if shown:
        context["body"] = f'{body}\n<div class="definitions" hidden>\n{definitions}</div>'
    context["has_definitions"] = bool(shown)


def setup(app):
    app.connect("builder-inited", read_glossary)
    app.connect("doctree-resolved", add_links)
    app.connect("html-page-context", add_definitions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
