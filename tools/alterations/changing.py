"""An alteration: what is done to one file, and the tests that must notice it.

Each finds its place by the text that stands there, and says so when that text is gone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import nbformat

from tools.notebooks import text_of


class PlaceGone(Exception):
    """What an alteration would change is no longer there, or stands there more than once."""


@dataclass(frozen=True)
class Alteration:
    """``change`` takes the text of the file ``path`` and returns it altered; each of ``owners`` must then fail."""

    kind: str
    path: str
    what: str
    change: Callable[[str], str]
    owners: tuple[str, ...]


def once(text, old, new, place):
    """``text`` with the only match of the regular expression ``old`` replaced by ``new``."""
    found = len(re.findall(old, text, re.MULTILINE))
    if found != 1:
        raise PlaceGone(f"{place}: {old!r} stands there {found} times, not once; give the alteration another place")
    return re.sub(old, lambda match: match.expand(new), text, flags=re.MULTILINE)


def plainly(old, new):
    """``old`` and ``new``, meant as they stand, for ``once``."""
    return re.escape(old), new.replace("\\", r"\\")


def in_text(kind, path, old, new, *owners, regular=False):
    """An alteration of a file of plain text."""
    pair = (old, new) if regular else plainly(old, new)
    return Alteration(kind, path, f"{old} → {new}", lambda text: once(text, *pair, path), owners)


def exchanged(kind, path, first, second, *owners):
    """Two passages of one file change places."""

    def change(text):
        for passage in (first, second):
            once(text, *plainly(passage, passage), path)
        parts = re.split(f"({re.escape(first)}|{re.escape(second)})", text)
        return "".join({first: second, second: first}.get(part, part) for part in parts)

    return Alteration(kind, path, f"{first} ↔ {second}", change, owners)


def in_notebook(kind, name, what, change, *owners):
    """An alteration of the notebook ``name``: ``change`` takes the opened notebook and alters it."""

    def of_text(text):
        made = nbformat.reads(text, as_version=4)
        change(made)
        return text_of(made)

    return Alteration(kind, f"chapters/{name}.ipynb", what, of_text, owners)


def said(kind, name, old, new, *owners):
    """An alteration of what the Markdown cells of a notebook say."""

    def change(made):
        cells = [cell for cell in made.cells if cell.cell_type == "markdown" and old in cell.source]
        if len(cells) != 1:
            raise PlaceGone(f"{name}: {old!r} stands in {len(cells)} text cells, not in one; give it another place")
        cells[0].source = once(cells[0].source, *plainly(old, new), name)

    return in_notebook(kind, name, f"{old} → {new}", change, *owners)


def cell_of(made, identifier, name):
    """The cell with this id."""
    for cell in made.cells:
        if cell.id == identifier:
            return cell
    raise PlaceGone(f"{name}: there is no cell {identifier}")


def in_cell(kind, name, identifier, old, new, *owners):
    """An alteration of the source of the cell ``identifier``."""

    def change(made):
        cell = cell_of(made, identifier, name)
        cell.source = once(cell.source, *plainly(old, new), f"{name}, cell {identifier}")

    return in_notebook(kind, name, f"{identifier}: {old} → {new}", change, *owners)


def replaced_in_outputs(cell, old, new):
    """Replaces ``old`` in whatever the outputs of ``cell`` say; returns how often."""
    times = 0
    for output in cell.outputs:
        for holder, key in [(output, "text"), *((output.get("data", {}), kind) for kind in output.get("data", {}))]:
            if isinstance(holder.get(key), str):
                times += holder[key].count(old)
                holder[key] = holder[key].replace(old, new)
    return times


def in_output(kind, name, identifier, old, new, *owners):
    """An alteration of the stored output of the cell ``identifier``."""

    def change(made):
        if not replaced_in_outputs(cell_of(made, identifier, name), old, new):
            raise PlaceGone(f"{name}, cell {identifier}: its outputs do not say {old!r}")

    return in_notebook(kind, name, f"{identifier}: {old} → {new}", change, *owners)


def with_output(kind, name, identifier, old, new, *owners):
    """An alteration of a caption or an alt text both where it is written and where it is shown.

    In the source it may be cut over lines of string literals, so ``old`` has to stand on one of them.
    """

    def change(made):
        cell = cell_of(made, identifier, name)
        cell.source = once(cell.source, *plainly(old, new), f"{name}, cell {identifier}")
        if not replaced_in_outputs(cell, old, new):
            raise PlaceGone(f"{name}, cell {identifier}: its outputs do not say {old!r}")

    return in_notebook(kind, name, f"{identifier}: {old} → {new}", change, *owners)
