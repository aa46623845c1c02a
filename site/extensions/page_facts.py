"""What a page says about itself: time, level, date, its notebook; the landing page's map; printed lines that may wrap."""

import re
import subprocess
import sys
from datetime import date
from html import unescape
from pathlib import Path

import yaml
from docutils import nodes
from markdown_it import MarkdownIt
from markupsafe import Markup
from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).parents[2]))  # the book's folder, where tools is

from editions import words  # noqa: E402

from tools.minutes import all_exercises_minutes, reading_minutes  # noqa: E402
from tools.notebooks import read  # noqa: E402

# The chapters between these two are the path that the map draws as one blue line.
PATH_FROM, PATH_TO = "_inception", "_resnext50"
# The list of chapters in intro.md, which the map replaces on the site.
LISTED = re.compile(r"^\d+\. \[.+?\]\((\S+)\.ipynb\) ?(.+)$", re.MULTILINE)
# What a cell printed.
PRINTED = re.compile(r'<div class="output (stream|text_plain)([^"]*)"(><div class="highlight"><pre>(.*?)</pre>)', re.DOTALL)
# Two blanks inside a line set columns apart. A line without them is a message, which may wrap.
COLUMNS = re.compile(r"\S {2,}\S")
# On a phone longer lines would need letters too small to read, and scroll instead. book.css has the sizes.
LONGEST_LINE = 66
UNIT = re.compile(r"(?<=\d) (?=%|points?\b)|(?<=±) ")
MAP_PLACE = re.compile(r"<!-- chapter map -->\s*<ol.*?</ol>", re.DOTALL)


def read_chapter(root, file, chinese=None):
    """A chapter's number, title and what it needs, as its first cells say, its minutes, its line on the landing page.

    Title and line are in the language of the edition; the rest is read from the English source.
    """
    notebook = read(root / f"{file}.ipynb")
    opening, aims = (notebook.cells[i].source.strip() for i in (0, 2))
    needs = re.search(r"^You need .*", aims, re.MULTILINE)
    if not needs:
        raise ExtensionError(f"{file}: the third cell must say 'You need ...'")
    intro = chinese.page("intro") if chinese else (root / "intro.md").read_text(encoding="utf-8")
    listed = dict(LISTED.findall(intro))
    title = opening.splitlines()[0].lstrip("# ")
    if file not in listed:
        raise ExtensionError(f"{file}: the list in intro.md has no line for it")
    teaser = listed[file][0].upper() + listed[file][1:]
    picture = root / "site/map" / f"{re.sub(r'.*/[0-9]+_', '', file)}.svg"
    return {
        "file": file,
        "number": int(file[9:11]),
        "title": chinese.words(title, file) if chinese else title,
        "teaser": plain_text(teaser),
        "teaser_html": Markup(MarkdownIt().renderInline(teaser)),
        "minutes": reading_minutes(notebook),
        "exercises": all_exercises_minutes(notebook),
        "needs": sorted({int(number) for number in re.findall(r"\]\((\d\d)_\w+\.ipynb", needs[0])}),
        "picture": Markup(picture.read_text(encoding="utf-8") if picture.exists() else ""),
    }


def plain_text(markdown):
    """A line of Markdown as it is read, without its marks."""
    return unescape(re.sub(r"<[^>]*>", "", MarkdownIt().renderInline(markdown)))


def read_parts(root, chinese=None):
    """The numbered parts of ``_toc.yml``, each with what its chapters say about themselves."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = [
        {
            "caption": chinese.words(part["caption"]) if chinese else part["caption"],
            "chapters": [read_chapter(root, chapter["file"], chinese) for chapter in part["chapters"]],
        }
        for part in toc["parts"]
        if part.get("numbered")
    ]
    chapters = {chapter["number"]: chapter for part in parts for chapter in part["chapters"]}
    for chapter in chapters.values():
        chapter["level"] = level_of(chapter["number"], chapters)
    mark_path(list(chapters.values()))
    return parts


def level_of(number, chapters):
    """1, 2 or 3: a chapter stands on at most one other, on up to four, on more."""
    below, waiting = set(), [number]
    while waiting:
        new = set(chapters[waiting.pop()]["needs"]) - below
        below |= new
        waiting += new
    return 1 if len(below) <= 1 else 2 if len(below) <= 4 else 3


def mark_path(chapters):
    """Say of every chapter if it lies between ``PATH_FROM`` and ``PATH_TO``, and what line goes on."""
    on_path = False
    for chapter in chapters:
        on_path = on_path or chapter["file"].endswith(PATH_FROM)
        chapter["on_path"] = on_path
        on_path = on_path and not chapter["file"].endswith(PATH_TO)
        chapter["line"] = "blue-line" if on_path else "grey-line"
    chapters[-1]["line"] = ""


def last_changes(root):
    """The date of each file's last commit; empty where there is no git or no history."""
    try:
        log = subprocess.run(
            ["git", "log", "--format=%cs", "--name-only", "--relative", "--", "intro.md", "chapters"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    dates, day = {}, None
    for line in filter(None, log.splitlines()):
        if re.fullmatch(r"\d{4}-\d\d-\d\d", line):
            day = date.fromisoformat(line)
        else:
            dates.setdefault(line, day)
    return dates


def read_book(app):
    """Once a build: everything the pages will show."""
    app.book_parts = read_parts(Path(app.srcdir), app.chinese)
    app.book_dates = last_changes(app.srcdir)
    logo = Path(app.srcdir, "site/static/logo.svg").read_text(encoding="utf-8")
    # Inside a page, book.css colours it.
    logo = re.sub(r"<style>.*?</style>|<!--.*?-->|\n\s*", "", logo, flags=re.DOTALL)
    app.book_logo = Markup(logo.replace("<svg ", '<svg class="logo-mark" aria-hidden="true" '))


def colab_address(options, source):
    """Where Colab opens this notebook, or None as long as the book has no address."""
    colab = (options.get("launch_buttons") or {}).get("colab_url")
    repository = options.get("repository_url")
    if not (colab and repository):
        return None
    owner_and_name = repository.removeprefix("https://github.com/")
    return f"{colab}/github/{owner_and_name}/blob/{options.get('repository_branch') or 'main'}/{source}"


def date_in_words(day, chinese=None):
    return f"{day.year} 年 {day.month} 月 {day.day} 日" if chinese else f"{day.day} {day:%B %Y}"


def facts_of(app, pagename, context):
    """What site/templates/facts.html shows."""
    source = Path(app.env.doc2path(pagename)).relative_to(app.srcdir).as_posix()
    updated = app.book_dates.get(source)
    facts = {
        "chapter": context["chapter"],
        "student": context.get("student"),
        "handout": context.get("handout"),
        "updated": updated,
        "updated_words": updated and date_in_words(updated, app.chinese),
    }
    if source.endswith(".ipynb"):
        facts["notebook"] = context["pathto"](f"_sources/{context['sourcename']}", 1)
        facts["colab"] = colab_address(app.config.html_theme_options, f"zh/{source}" if app.chinese else source)
    return facts


def describe_printed(found):
    """Say in the markup what was printed: messages, or a table and how many characters its longest line has."""
    kind, classes, rest, text = found.groups()
    lines = unescape(re.sub(r"<[^>]*>", "", text)).rstrip("\n").split("\n")
    longest = max((len(line) for line in lines if COLUMNS.search(line)), default=0) if len(lines) > 1 else 0
    if not longest:
        return f'<div class="output {kind}{classes} printed-lines"{rest}'
    wide = " wide" if longest > LONGEST_LINE else ""
    return f'<div class="output {kind}{classes} printed-table{wide}" style="--columns: {longest}"{rest}'


def describe_page(app, pagename, templatename, context, doctree):
    """Put the facts under the page's title, and the map on the landing page."""
    chapters = {chapter["file"]: chapter for part in app.book_parts for chapter in part["chapters"]}
    chapter = chapters.get(pagename)
    context |= {
        "parts": app.book_parts,
        "chapter": chapter,
        "logo_svg": app.book_logo,
        "description": chapter["teaser"] if chapter else words(app, "From Inception to ResNeXt, every step as code."),
    }
    if doctree is None:
        return
    templates = app.builder.templates
    facts = templates.render("facts.html", facts_of(app, pagename, context))
    body = context["body"].replace("</h1>", "</h1>\n" + facts, 1)
    # The label would hide from a screen reader what the fold says of itself, "Show the solution".
    body = body.replace(' aria-label="Toggle hidden content"', "")
    body = PRINTED.sub(describe_printed, body)
    chapter_map = templates.render("map.html", context)
    context["body"] = MAP_PLACE.sub(lambda _: chapter_map, body)


def keep_units_together(app, doctree):
    """A number and its per cent, or a plus-minus and its number, stay on one line; code is left alone."""
    for node in list(doctree.findall(nodes.Text)):
        text = UNIT.sub("\N{NO-BREAK SPACE}", node)
        if text != node and not isinstance(node.parent, (nodes.literal, nodes.literal_block, nodes.raw)):
            node.parent.replace(node, nodes.Text(text))


def pages_beside_the_toc(app):
    return [("404", {}, "404.html")]


def setup(app):
    app.connect("builder-inited", read_book)
    app.connect("doctree-read", keep_units_together)
    app.connect("html-page-context", describe_page)
    app.connect("html-collect-pages", pages_beside_the_toc)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
