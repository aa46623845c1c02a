"""The trained network in small on the page that says where: the comment ``<!-- look inside -->`` becomes the figure.

Half a megabyte has no place in a page's source.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where resnext_lib is

from resnext_lib import explorers  # noqa: E402
from tools.translation.pages import EXPLORERS, translate_figure  # noqa: E402

PLACE = "<!-- look inside -->"
# On a slow line the picture that stands in for the figure would be seen for a second, and what follows would jump.
UNSEEN = "<style>@media screen and (scripting: enabled) { .explorer:not(.alive) > * { visibility: hidden; } }</style>"


def put_in(app, pagename, templatename, context, doctree):
    if PLACE in context.get("body", ""):
        figure = explorers.look_inside(small=True).html
        figure = translate_figure(figure, app.chinese.translator(EXPLORERS)) if app.chinese else figure
        context["body"] = context["body"].replace(PLACE, f"{UNSEEN}\n{figure}", 1)


def setup(app):
    app.connect("html-page-context", put_in, priority=400)  # before light_pages, which makes its picture smaller
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
