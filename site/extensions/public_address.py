"""What a page says to search engines and to those who share its address: only while the book has a public one.

GitHub shows a repository's pages at an address that follows from the repository's; for a site elsewhere the environment
variable SITE_URL names it. Without either there is no canonical link, no preview, no sitemap.
"""

import os
import re
from html import escape, unescape
from pathlib import Path
from xml.sax.saxutils import escape as escape_xml

from sphinx.errors import ExtensionError

PREVIEW = "_static/preview.png"
PREVIEW_SIZE = (1200, 630)  # pixels, as those who show it ask for


def site_address(repository, given=""):
    """Where the site of this repository can be read, with a slash at its end; empty where nobody can know.

    Raises ``ExtensionError`` for a ``given`` address that is none.
    """
    if given:
        if not re.fullmatch(r"https?://[^\s\"'<>?#]+", given):
            raise ExtensionError(f"SITE_URL must look like https://example.org/book, not {given!r}")
        return given.rstrip("/") + "/"
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", repository or "")
    if not match:
        return ""
    owner, name = match[1].lower(), match[2]
    root = f"https://{owner}.github.io/"
    return root if name.lower() == f"{owner}.github.io" else f"{root}{name}/"


def know_address(app, config):
    # Sphinx makes the canonical link of it.
    repository = (config.html_theme_options or {}).get("repository_url", "")
    config.html_baseurl = site_address(repository, os.environ.get("SITE_URL", ""))


def preview_of(title, description, address, picture):
    """The lines of a page's head from which a preview is made."""
    told = {
        "og:type": "article",
        "og:title": title,
        "og:description": description,
        "og:url": address,
        "og:image": picture,
        "og:image:width": PREVIEW_SIZE[0],
        "og:image:height": PREVIEW_SIZE[1],
        "og:image:alt": "The ResNeXt block: equal paths through three layers, and a shortcut round them to a plus sign.",
    }
    lines = [f'<meta property="{name}" content="{escape(str(value))}" />' for name, value in told.items()]
    return "\n".join([*lines, '<meta name="twitter:card" content="summary_large_image" />'])


def add_preview(app, pagename, templatename, context, doctree):
    if base := app.config.html_baseurl:
        title = unescape(re.sub("<[^>]*>", "", context.get("title") or "")) or app.config.html_title
        context["preview"] = preview_of(title, context["description"], f"{base}{pagename}.html", f"{base}{PREVIEW}")


def draw_preview(path):
    """The block, large: what stands for the book where its address is shown."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle, Rectangle

    from resnext_lib.figures.palette import LIGHT

    fig = Figure(figsize=(PREVIEW_SIZE[0] / 100, PREVIEW_SIZE[1] / 100), dpi=100, facecolor=LIGHT["paper"])
    axes = fig.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1200), ylim=(630, 0))
    axes.axis("off")
    axes.plot([60, 1140], [250, 250], color=LIGHT["ink"], linewidth=2, zorder=0)
    axes.plot([160, 160, 1010, 1010], [250, 60, 60, 222], color=LIGHT["sum"], linewidth=7)
    for column, colour in enumerate(("weight", "path", "weight")):
        for row in range(8):
            corner = (250 + 230 * column, 116 + 34 * row)
            axes.add_patch(Rectangle(corner, 160, 30, facecolor=LIGHT[colour], edgecolor="none"))
    axes.add_patch(Circle((1010, 250), 28, facecolor=LIGHT["paper"], edgecolor=LIGHT["sum"], linewidth=6))
    axes.plot([994, 1026], [250, 250], color=LIGHT["sum"], linewidth=6)
    axes.plot([1010, 1010], [234, 266], color=LIGHT["sum"], linewidth=6)
    axes.text(60, 500, "The ResNeXt Book", color=LIGHT["ink"], fontsize=44, fontweight="bold", va="center")
    axes.text(60, 570, "From Inception to ResNeXt, every step as code.", color=LIGHT["ink"], fontsize=24, va="center")
    fig.savefig(path, metadata={"Software": None})


def sitemap_of(base, pages):
    """The sitemap's text: every page of the book."""
    lines = "\n".join(f"<url><loc>{escape_xml(f'{base}{page}.html')}</loc></url>" for page in pages)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}\n</urlset>\n'
    )


def write(app, exception):
    base = app.config.html_baseurl
    if exception is None and app.builder.format == "html" and base:
        draw_preview(Path(app.outdir, PREVIEW))
        pages = sorted(app.env.found_docs)
        Path(app.outdir, "sitemap.xml").write_text(sitemap_of(base, pages), encoding="utf-8")


def setup(app):
    app.connect("config-inited", know_address, priority=900)  # after Jupyter Book, which reads the repository's address
    app.connect("html-page-context", add_preview, priority=600)  # after page_facts, which knows the description
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
