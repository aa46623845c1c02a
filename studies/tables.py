"""One evidence file of a study: its rows, whose plan's SHA-256 and circumstances they carry, and what is in it already."""

import argparse
import hashlib
import subprocess
from pathlib import Path

import torch

from resnext_lib.experiments import circumstances
from studies import rows

STUDIES = Path(__file__).parent
EVIDENCE = STUDIES.parent / "resnext_lib" / "evidence"
WHENCE = ("device", "threads", "versions", "revision", "plan")


def checksum(plan):
    """The SHA-256 of a plan such as ``paths.md``: of its text, so that line ends of another system change nothing."""
    return hashlib.sha256((STUDIES / plan).read_text(encoding="utf-8").encode()).hexdigest()


def is_committed(plan):
    """Whether the plan stands in the last commit as it stands here."""
    kept = subprocess.run(["git", "show", f"HEAD:./{plan}"], cwd=STUDIES, capture_output=True, text=True, encoding="utf-8")
    return kept.returncode == 0 and kept.stdout == (STUDIES / plan).read_text(encoding="utf-8")


class Table:
    """Rows with the columns ``columns`` and where they come from, in ``evidence/<name>.csv``.

    What can fail without need, such as git, is asked for here, before the work starts.
    Raises ``ValueError`` when the file has other columns or rows of another plan, or when the plan is not committed.
    """

    def __init__(self, name, columns, plan, folder=EVIDENCE):
        self.path, self.columns = Path(folder) / f"{name}.csv", (*columns, *WHENCE)
        self.whence = {**circumstances("cpu"), "plan": checksum(plan)}
        if self.whence["revision"] != "no git" and not is_committed(plan):
            raise ValueError(f"commit studies/{plan} first: a plan comes before its rows, which name the revision")
        if any(row["plan"] != self.whence["plan"] for row in self.rows):
            raise ValueError(
                f"{self.path.name} has rows of another {plan}: put that plan back, and list what is done "
                "differently in deviations.md"
            )

    @property
    def rows(self):
        return rows.read(self.path, self.columns)

    def has(self, **wanted):
        """Is there a row with these values?"""
        return any(all(row[name] == str(value) for name, value in wanted.items()) for row in self.rows)

    def add(self, new):
        """Write the rows ``new``, all or none, behind those that are there."""
        with rows.locked(self.path):
            rows.write(self.path, self.columns, [*self.rows, *({**row, **self.whence} for row in new)])


def command(program, description, measure, report, argv=None):
    """The command line of a study: ``measure(folder)`` unless ``--print``, then ``report()``; on one thread."""
    parser = argparse.ArgumentParser(f"python -m {program}", description=description.split("\n")[0])
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of Fashion-MNIST's files")
    parser.add_argument("--print", action="store_true", help="print the analysis, measure nothing")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    if not options.print:
        measure(options.data)
    report()
