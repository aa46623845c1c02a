"""One evidence file of a study: its rows, whose plan's SHA-256 and circumstances they carry, and what is in it already."""

import csv
import hashlib
from pathlib import Path

from resnext_lib.experiments import circumstances

STUDIES = Path(__file__).parent
EVIDENCE = STUDIES.parent / "resnext_lib" / "evidence"
WHENCE = ("device", "threads", "versions", "revision", "plan")


def checksum(plan):
    """The SHA-256 of a plan such as ``paths.md``, as its rows store it: over its text, whatever the line ends."""
    text = (STUDIES / plan).read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


class Table:
    """Rows with the columns ``columns`` and where they come from, in ``evidence/<name>.csv``.

    What can fail without need, such as git or a folder that cannot be written, is tried here, before the work starts.
    Raises ``ValueError`` when the file has other columns, or rows of another plan.
    """

    def __init__(self, name, columns, plan, folder=EVIDENCE):
        self.path, self.columns = Path(folder) / f"{name}.csv", (*columns, *WHENCE)
        self.whence = {**circumstances("cpu"), "plan": checksum(plan)}
        self.rows = self.read()
        if any(row["plan"] != self.whence["plan"] for row in self.rows):
            raise ValueError(f"{self.path.name} has rows of another version of {plan}: put the plan back, or start anew")

    def read(self):
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != self.columns:
                raise ValueError(f"{self.path.name} has other columns than this study writes: name another file")
            return list(reader)

    def has(self, **wanted):
        """Is there a row with these values?"""
        return any(all(row[name] == str(value) for name, value in wanted.items()) for row in self.rows)

    def add(self, rows):
        """Write ``rows`` at once, behind those that are there."""
        self.rows += [{name: str(value) for name, value in {**row, **self.whence}.items()} for row in rows]
        with self.path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
