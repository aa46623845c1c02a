"""How long a chapter takes: ``python -m tools.minutes [--run]`` writes it into the chapters and into the teaching guide.

Reading is counted (words at 200 a minute). Running was measured in seconds of processor time, which other programs
disturb less than the clock, and is stored in teaching/running.csv; ``--run`` measures anew. Exercises are estimated
from the length of their solutions.
"""

import argparse
import csv
import os
import platform
import re
import sys

import torch
import yaml

from tools.classroom import slides
from tools.contract import ROOT, TIMES, headings, prose_of, stated_minutes
from tools.notebooks import execute, read, text_of

PAGE = ROOT / "chapters" / "teaching.md"
RUNS = ROOT / "teaching" / "running.csv"
MARKERS = "<!-- minutes: written by make minutes -->", "<!-- end of minutes -->"
HEAD = "| chapter | reading | running | exercises | slides | needs |\n|---|---|---|---|---|---|"


def chapters():
    """The notebooks of the table of contents, in reading order."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    files = [chapter["file"] for part in parts for chapter in part["chapters"]]
    return [ROOT / f"{file}.ipynb" for file in files if re.match(r"chapters/\d\d_", file)]


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
    talk, (reading, exercises) = slides.minutes(notebook), stated_minutes(notebook)
    return (f"| [{int(path.name[:2])}. {title}]({path.name}) | {reading} min | {seconds:.0f} s "
            f"| {exercises} min | {f'{talk} min' if talk else 'none'} | {needs(notebook)} |")


def with_times(notebook):
    """The notebook, its third cell saying how long reading and exercises take."""
    reading, exercises = stated_minutes(notebook)

    def says(found):
        return f"Reading takes about {reading} minutes{found[2]}, and the exercises about {exercises}."

    notebook.cells[2].source = TIMES.sub(says, notebook.cells[2].source)
    return notebook


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
    used = os.times()
    return used.children_user + used.children_system


def run(paths):
    """Execute the chapters with one thread and store the seconds, with what they ran on."""
    if os.name == "nt":
        raise SystemExit("--run: Windows does not keep the processor time of finished programs; measure on Linux or macOS")
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
    for path in chapters():
        path.write_text(text_of(with_times(read(path))), encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
