"""A figure's number is its address: ``[Figure 6.2](#fig-6-2)`` leads to it, from its own chapter and from others.

Figures are HTML that a cell gave out (``resnext_lib.figures.show``), so MyST does not know their ids by itself.
"""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

ADDRESS = re.compile(r'<figure id="(fig-[\d-]+)"')


class FigureAddresses(SphinxTransform):
    """Puts every figure of a page among the targets that MyST's links may name, beside the headings."""

    default_priority = 870  # before MyST looks for the targets of a page's links (879)

    def apply(self):
        targets = getattr(self.document, "myst_slugs", None)
        if targets is None:  # not a MyST page
            return
        for output in self.document.findall(nodes.raw):
            for address in ADDRESS.findall(output.astext()):
                targets[address] = (output.line, address, f"Figure {address[4:].replace('-', '.')}")
        self.env.metadata[self.env.docname]["myst_slugs"] = targets


def setup(app):
    app.add_transform(FigureAddresses)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
