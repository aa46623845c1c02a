"""Leave out what the theme brings along and no page of this book uses."""

from pathlib import Path

# The icons come from the theme's web font; the script would draw them a second time.
UNUSED_FILES = ["**/*.map", "**/fontawesome.js*", "**/webfonts/*.ttf", "**/*.pyc",
                "**/sbt-webpack-macros.html", "**/webpack-macros.html"]


def remove_unused_files(app, exception):
    """Delete from the built site what no page links to."""
    if exception is None and app.builder.format == "html":
        for pattern in UNUSED_FILES:
            for file in Path(app.outdir, "_static").glob(pattern):
                file.unlink()


def setup(app):
    # Jupyter Book sets this for sphinx_comments, which is left out.
    app.add_config_value("comments_config", {}, "html")
    app.connect("build-finished", remove_unused_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
