"""The catalogue of the Chinese edition.

``python -m tools.translation update``         bring the .po files up to the English, then count
``python -m tools.translation count``          count against today's English: translated, stale, missing, for each file
``python -m tools.translation check [FILE...]`` every rule that a translation breaks; all files if none is named
``python -m tools.translation notebooks FOLDER`` write the Chinese notebooks, to run: same code and outputs
"""

import argparse
import sys
from pathlib import Path

from tools.translation import catalogue, edition, rules
from tools.writing import check_folder

COMMANDS = {"update": catalogue.update, "count": catalogue.current, "check": catalogue.read_book}


def unfinished(book, names):
    """{file: messages without a translation} for the files that are declared finished. Stale ones are only counted."""
    missing = {name: [entry.message for entry in book.files.get(name, []) if not entry.translation] for name in names}
    return {name: messages for name, messages in missing.items() if messages or name not in book.files}


def counts(book):
    """[(file, translated, stale, missing)] and their sum."""
    rows = []
    for name, entries in book.files.items():
        done, stale = sum(entry.done for entry in entries), sum(entry.stale for entry in entries)
        rows.append((name, done, stale, len(entries) - done - stale))
    return [*rows, ("all", *(sum(row[i] for row in rows) for i in (1, 2, 3)))]


def table(book):
    """The counts as text."""
    lines = [f"{'':30}{'translated':>11}{'stale':>7}{'missing':>9}"]
    return "\n".join(lines + [f"{name:30}{done:11,}{stale:7,}{missing:9,}" for name, done, stale, missing in counts(book)])


def complaints(book, names):
    """What the rules say of every translation in these files."""
    return [
        f"{name}: {entry.message}\n  {entry.translation}\n  " + "\n  ".join(found)
        for name in names
        for entry in book.files[name]
        if entry.done and (found := rules.problems(entry.message, entry.translation, entry.is_script))
    ]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=[*COMMANDS, "notebooks"])
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="names of .po files, as 05_the_resnext_block; a folder for notebooks"
    )
    given = parser.parse_args(arguments)
    if given.command == "notebooks":
        if len(given.files) != 1:
            raise SystemExit("name one folder: python -m tools.translation notebooks _build/notebooks-zh")
        check_folder(given.files[0])
        edition.write(given.files[0])
        return 0
    book = COMMANDS[given.command]()
    names = [Path(name).stem for name in given.files] or list(book.files)
    if unknown := [name for name in names if name not in book.files]:
        raise SystemExit(f"there is no catalogue {unknown[0]!r}; there are {', '.join(book.files)}")
    if given.command == "check":
        found = complaints(book, names)
        print("\n".join(found) or "every translation keeps the rules")
        return bool(found)
    print(table(catalogue.Book({name: book.files[name] for name in names})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
