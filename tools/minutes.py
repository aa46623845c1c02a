"""How long a chapter takes: ``python -m tools.minutes [--run]`` writes the table of chapters/teaching.md.

Reading is counted (words at 200 a minute). Running was measured in seconds of processor time, which other programs
disturb less than the clock, and is stored in teaching/running.csv; ``--run`` measures anew. Exercises are estimated
from the length of their solutions.
"""

import argparse
import csv
import os
import platform
import re
import resource
import sys

import torch
import yaml

from tools.classroom import slides
from tools.contract import ROOT, headings, prose_of, reading_minutes
from tools.notebooks import execute, read

PAGE = ROOT / "chapters" / "teaching.md"
RUNS = ROOT / "teaching" / "running.csv"
MARKERS = "<!-- minutes: written by python -m tools.minutes -->", "<!-- end of minutes -->"
HEAD = "| chapter | reading | running | exercises | slides | needs |\n|---|---|---|---|---|---|"


def chapters():
    """The notebooks of the table of contents, in reading order."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    files = [chapter["file"] for part in parts for chapter in part["chapters"]]
    return [ROOT / f"{file}.ipynb" for file in files if re.match(r"chapters/\d\d_", file)]


def exercise_minutes(solution):
    """An estimate: 5 minutes for a solution of up to 3 lines, 10 for up to 8, 20 for more."""
    lines = len(solution.strip().split("\n"))
    return 5 if lines <= 3 else 10 if lines <= 8 else 20


def estimated_minutes(notebook):
    """The exercises of a chapter together, as estimated."""
    return sum(exercise_minutes(cell.source) for cell in notebook.cells if "exercise" in cell.metadata)


def needs(notebook):
    """What the chapter itself says one needs first."""
    return re.search(r"^You need (.+)\.$", prose_of(notebook), re.MULTILINE)[1]


def measured_runs():
    """Chapter to seconds, as stored."""
    with RUNS.open(encoding="utf-8", newline="") as file:
        return {row["chapter"]: float(row["seconds"]) for row in csv.DictReader(file)}


def row(path, seconds):
    """A line of the table."""
    notebook = read(path)
    title = headings(notebook)[0][1]
    talk = slides.minutes(notebook)
    return (f"| [{int(path.name[:2])}. {title}]({path.name}) | {reading_minutes(notebook):.0f} min | {seconds:.0f} s "
            f"| {estimated_minutes(notebook)} min | {f'{talk} min' if talk else 'none'} | {needs(notebook)} |")


def table():
    """The whole table, a line a chapter. Raises ``KeyError`` for a chapter that was never run."""
    seconds = measured_runs()
    return "\n".join([HEAD, *(row(path, seconds[path.stem]) for path in chapters())])


def with_table(text):
    """``text`` with a fresh table between the markers."""
    before, rest = text.split(MARKERS[0])
    return f"{before}{MARKERS[0]}\n\n{table()}\n\n{MARKERS[1]}{rest.split(MARKERS[1])[1]}"


def processor_seconds():
    """What all finished child processes have used so far; a chapter's kernel is one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(paths):
    """Execute the chapters with one thread and store the seconds, with what they ran on."""
    os.environ["OMP_NUM_THREADS"] = "1"
    circumstances = {"processor": platform.machine(), "cores": os.cpu_count(), "threads": 1,
                     "python": platform.python_version(), "torch": torch.__version__}
    rows = []
    for path in paths:
        start = processor_seconds()
        execute(read(path), path.parent)
        rows.append({"chapter": path.stem, "seconds": f"{processor_seconds() - start:.1f}", **circumstances})
        print(path.stem, rows[-1]["seconds"], "s", flush=True)
    with RUNS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="execute every chapter first, and store how long it took")
    if parser.parse_args(arguments).run:
        run(chapters())
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
