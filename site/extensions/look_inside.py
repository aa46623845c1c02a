"""The trained network in small on the page that says where: the comment ``<!-- look inside -->`` becomes the figure.

Half a megabyte has no place in a page's source.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where resnext_lib is

from resnext_lib import explorers  # noqa: E402
from tools.translation.pages import EXPLORERS, translate_figure  # noqa: E402

PLACE = "<!-- look inside -->"
FILES = sorted(file for file in Path(explorers.__file__).parent.iterdir() if file.is_file())
# On a slow line the picture that stands in for the figure would be seen for a second, and what follows would jump.
UNSEEN = "<style>@media screen and (scripting: enabled) { .explorer:not(.alive) > * { visibility: hidden; } }</style>"


def note_what_it_is_made_of(app, docname, source):
    """A change of the figure's files makes its page anew, as a change of the page's own source does."""
    if PLACE in source[0]:
        for file in FILES:
            app.env.note_dependency(str(file))


def put_in(app, pagename, templatename, context, doctree):
    if PLACE in context.get("body", ""):
        figure = explorers.look_inside(small=True).html
        figure = translate_figure(figure, app.chinese.translator(EXPLORERS)) if app.chinese else figure
        context["body"] = context["body"].replace(PLACE, f"{UNSEEN}\n{figure}", 1)


def setup(app):
    app.connect("source-read", note_what_it_is_made_of)
    app.connect("html-page-context", put_in, priority=400)  # before light_pages, which makes its picture smaller
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
