"""Rows of a study in a CSV file: looked at before it is touched, one writer at a time, written beside and renamed.

A killed process, a full disk or a second writer leaves the old file or the new one, whole.
"""

import csv
import io
from pathlib import Path

from filelock import FileLock, Timeout

from tools.writing import whole


def read(path, columns):
    """The rows of the CSV at ``path`` as dictionaries of strings; none where there is no file. Changes nothing.

    Raises ``ValueError`` that names the file and the line when its columns are not ``columns``, or a line has more or
    fewer values than that.
    """
    path = Path(path)
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file)) or [[]]
    if header != list(columns):
        raise ValueError(f"{path}: its columns are {header}, not those of this study, {list(columns)}; name another file")
    for number, line in enumerate(lines, 2):
        if len(line) != len(columns):
            raise ValueError(
                f"{path}, line {number}: {len(line)} values for {len(columns)} columns; complete the line or "
                "take it out, then run the command again"
            )
    return [dict(zip(columns, line, strict=True)) for line in lines]


def append(path, columns, row):
    """Add ``row``, a dictionary with exactly the keys ``columns``, to the CSV at ``path``.

    Raises ``ValueError`` for a file of another study or another set of keys, ``TimeoutError`` when another process keeps
    the file for a minute, ``OSError`` when the disk is full; the file is then as it was.
    """
    path = Path(path)
    if set(row) != set(columns):
        raise ValueError(f"row has the keys {sorted(row)}, but {path} has the columns {sorted(columns)}")
    with locked(path):
        write(path, columns, [*read(path, columns), row])


def write(path, columns, rows):
    """Write ``rows`` to the CSV at ``path`` in place of what is there, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with whole(path) as new:
        new.write_bytes(text.getvalue().encode())


def locked(path, seconds=60):
    """A context in which no other process writes to ``path``; waits up to ``seconds`` for it."""
    lock = FileLock(f"{path}.lock", timeout=seconds)
    try:
        return lock.acquire()
    except Timeout:
        raise TimeoutError(f"{path} is being written by another process (its lock is {path}.lock)") from None
