"""What a link can lead to besides a heading: a term of the glossary (``glossary.md#cardinality``) and a numbered figure.

MyST looks for headings only. Terms of a definition list get an address made of their English words, and their name in the
other language its mark; a figure brings its own address in its HTML (``figures.show``), and is made known here.
"""

import re

from docutils import nodes
from mdit_py_plugins.anchors.index import slugify
from sphinx.transforms import SphinxTransform

GLOSSARY = "chapters/glossary"
FIGURE = re.compile(r'<figure id="(fig-[\w-]+)">.*?<(?:b|strong)>((?:Figure|图) [\w.]+?)[.：]</', re.DOTALL)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def name_terms(document):
    """Give every term of a definition list its address, and its name in the other language its own: ``{address: words}``.

    The address is made of the English name, which a Chinese page has behind the Chinese one.
    """
    found = {}
    for item in document.findall(nodes.definition_list_item):
        term = next(child for child in item.children if isinstance(child, nodes.term))
        other, *means = [child for child in item.children if isinstance(child, nodes.definition)]
        words = next(iter(term.findall(nodes.strong)), term).astext()
        in_chinese = bool(means and CHINESE.search(term.astext()))
        address = slugify(other.astext() if in_chinese else words)
        term["ids"].append(address)
        found[address] = words
        if in_chinese or (means and CHINESE.search(other.astext())):
            other["classes"].append("language-en" if in_chinese else "language-zh")  # docutils writes it as lang
    return found


def figures_of(document):
    """``{address: name}`` of the numbered figures in a page's outputs."""
    pages = [node.astext() for node in document.findall(nodes.raw)]
    return dict(match for page in pages for match in FIGURE.findall(page))


class Addresses(SphinxTransform):
    """Before MyST resolves the links of a page, tell it what they may lead to."""

    default_priority = 878  # MyST's own transform has 879

    def apply(self, **_):
        found = figures_of(self.document)
        if self.env.docname == GLOSSARY:
            found |= name_terms(self.document)
        if found:
            known = {address: (0, address, words) for address, words in found.items()}
            slugs = known | getattr(self.document, "myst_slugs", {})
            self.document.myst_slugs = self.env.metadata[self.env.docname]["myst_slugs"] = slugs


def setup(app):
    app.add_transform(Addresses)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
