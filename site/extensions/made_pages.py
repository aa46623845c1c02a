"""What is derived from other sources is written when the site is built: the library reference, the guide's tables."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where tools is

from sphinx.errors import ExtensionError  # noqa: E402

from tools import minutes, reference  # noqa: E402
from tools.classroom import plans  # noqa: E402

# Each page has these lines once, in the places of what is made.
PLACES = {
    "chapters/library": {"<!-- the public names of resnext_lib -->": reference.page},
    "chapters/teaching": {
        "<!-- the minutes of each chapter -->": minutes.table,
        "<!-- the lesson plans -->": plans.guide_section,
    },
}


def fill_in(app, pagename, source):
    """Put what is made into its place."""
    for place, make in PLACES.get(pagename, {}).items():
        if source[0].count(place) != 1:
            raise ExtensionError(f"{pagename} must hold this line once: {place}")
        source[0] = source[0].replace(place, make())


def setup(app):
    app.connect("source-read", fill_in)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
