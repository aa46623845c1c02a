"""The .po files: one for each page, one for what several pages say, one for the site's own words.

They hold no dates, no paths and no numbers of lines, so that they change only where a sentence does.
"""

import io
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import denormalize, read_po, write_po

from tools.translation.pages import (
    ENGLISH_ONLY,
    EXPLORERS,
    PROMPTS,
    ROOT,
    all_pages,
    messages_of,
    title_of,
    toc,
    translated_pages,
)
from tools.translation.scripts import translate_code
from tools.writing import replace

LANGUAGE = "zh_CN"
FOLDER = ROOT / "locale" / LANGUAGE / "LC_MESSAGES"
SHARED, SITE = "shared", "site"
# What the themes say in English although the page is Chinese.
THEME = [
    *("Color mode", "Link to this heading", "Main", "Search this book...", "System Settings"),
    *("Toggle primary sidebar", "Toggle secondary sidebar"),
]
# A message in a template or an extension: words("…").
WORDS = re.compile(r"""\bwords(?:"\])?\(\s*(["'])(.+?)\1""")
HEADER = f"""# {{title}}
# How to translate: locale/README.md
msgid ""
msgstr ""
"Language: {LANGUAGE}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
# How much of a removed sentence a new one must have in common to be called a change of it.
ALIKE = 0.6


@dataclass
class Entry:
    """A message and its translation; ``stale`` if the translation is of ``previous``, what the message said before."""

    message: str
    translation: str = ""
    comment: str = ""
    previous: str = ""

    @property
    def stale(self):
        return bool(self.previous)

    @property
    def done(self):
        return bool(self.translation) and not self.stale

    @property
    def is_script(self):
        return self.comment.startswith("script")


@dataclass
class Book:
    """All entries: ``{name of a file: [Entry]}``."""

    files: dict = field(default_factory=dict)

    def lookup(self, name):
        """{message: translation} for the page of that file: its own, then what all pages share."""
        order = [SHARED, name_of(EXPLORERS), SITE, name_of("intro"), name]
        return {entry.message: entry.translation for file in order for entry in self.files.get(file, []) if entry.done}


def name_of(page):
    """The name of a page's file, without folder and ending."""
    return Path(page).name


def previous_messages(text):
    """{message: what it said before} of a .po file, which babel writes and does not read."""
    found = {}
    for block in text.split("\n\n"):
        lines = {mark: re.findall(rf'^{re.escape(mark)}(".*")$', block, re.MULTILINE) for mark in ("#| msgid ", "msgid ")}
        if lines["#| msgid "] and lines["msgid "]:
            previous, message = (denormalize(strings[0]) for strings in lines.values())
            found[message] = previous
    return found


def read_file(path):
    """The entries of a .po file."""
    previous = previous_messages(path.read_text(encoding="utf-8"))
    with path.open("rb") as file:
        catalog = read_po(file, locale=LANGUAGE)
    return [
        Entry(
            message.id,
            message.string or "",
            " ".join(message.auto_comments),
            previous.get(message.id, "?") if message.fuzzy else "",
        )
        for message in catalog
        if message.id
    ]


def read_book(folder=FOLDER):
    return Book({path.stem: read_file(path) for path in sorted(folder.glob("*.po"))})


def text_of(name, entries):
    """The .po file of ``entries`` as text."""
    catalog = Catalog(locale=LANGUAGE)
    for entry in entries:
        made = catalog.add(
            entry.message,
            entry.translation,
            auto_comments=[entry.comment] if entry.comment else [],
            flags=["fuzzy"] if entry.stale else [],
            previous_id=entry.previous if entry.stale else "",
        )
        made.flags -= {"python-format", "python-brace-format"}  # a per cent sign is one
    buffer = io.BytesIO()
    # Not 0: without a width babel breaks what a message said before at 76 characters.
    write_po(buffer, catalog, width=100_000, omit_header=True, include_previous=True)
    return HEADER.format(title=name) + buffer.getvalue().decode("utf-8").lstrip("\n")


def site_words(root=ROOT):
    """{message: comment} of the site's own words: its title, the parts, templates, extensions, the search page."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    found = {settings["title"]: "title of the book", settings["author"]: "the footer"}
    found |= dict.fromkeys(THEME, "theme")
    found |= {settings["sphinx"]["config"][f"nb_{name}"]: "prompt" for name in PROMPTS}
    found |= {part["caption"]: "name of a part" for part in toc(root)["parts"]}
    english_only = [page for page in all_pages(root) if page in ENGLISH_ONLY]
    found |= {title_of(page, root): "name of a page that stays English" for page in english_only}
    files = [*sorted((root / "site/templates").rglob("*.html")), *sorted((root / "site/extensions").glob("*.py"))]
    for path in files:
        for _, message in WORDS.findall(path.read_text(encoding="utf-8")):
            found.setdefault(message, path.name)
    search = (root / "site/search/search.js").read_text(encoding="utf-8")
    translate_code(search, lambda message, kind: found.setdefault(message, f"{kind}, search.js") and None)
    return found


def extract(root=ROOT):
    """{name of a file: {message: comment}} of all sources; what two pages say belongs to ``SHARED``."""
    pages = {name_of(page): messages_of(page, root) for page in translated_pages(root)}
    counts = {}
    for messages in pages.values():
        for message in messages:
            counts[message] = counts.get(message, 0) + 1
    shared = {m: kind for messages in pages.values() for m, (kind, _) in messages.items() if counts[m] > 1}
    words = {message: comment for message, comment in site_words(root).items() if message not in counts}
    files = {SHARED: shared, SITE: words}
    for name, messages in pages.items():
        files[name] = {m: f"{kind}, {place}" for m, (kind, place) in messages.items() if counts[m] == 1}
    return files


def merged(messages, old, memory):
    """Entries for ``messages``, {message: comment}: with the translation there is, or that of the sentence it was before."""
    gone = {entry.message: entry for entry in old if entry.translation and entry.message not in messages}
    entries = []
    for message, comment in messages.items():
        known = memory.get(message)
        if known and known.translation:
            entries.append(Entry(message, known.translation, comment, known.previous))
            continue
        nearest = get_close_matches(message, gone, 1, ALIKE)
        if nearest:
            before = gone[nearest[0]]
            entries.append(Entry(message, before.translation, comment, before.previous or before.message))
        else:
            entries.append(Entry(message, "", comment))
    return entries


def current(root=ROOT, folder=FOLDER):
    """The :class:`Book` that the .po files and today's English make; nothing is written."""
    old = read_book(folder)
    memory = {}
    for entries in old.files.values():
        for entry in entries:
            if entry.done or entry.message not in memory:
                memory[entry.message] = entry
    extracted = extract(root)
    return Book({name: merged(messages, old.files.get(name, []), memory) for name, messages in extracted.items()})


def update(root=ROOT, folder=FOLDER):
    """Bring the .po files up to the sources. Returns the new :class:`Book`."""
    new = current(root, folder)
    replace({folder / f"{name}.po": text_of(name, entries) for name, entries in new.files.items()})
    for path in folder.glob("*.po"):
        if path.stem not in new.files:
            path.unlink()
    return new
