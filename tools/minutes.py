"""How long a chapter takes: ``python -m tools.minutes [--run]`` writes it into the chapters and into the teaching guide.

Reading is counted (words at 200 a minute). Running was measured in seconds of processor time, which other programs
disturb less than the clock, and is stored in teaching/running.csv; ``--run`` measures anew. Exercises are estimated
from the length of their solutions.
"""

import argparse
import csv
import io
import os
import platform
import re
import sys

import torch
import yaml

from tools.classroom import slides
from tools.contract import ROOT, TIMES, headings, prose_of, stated_minutes
from tools.notebooks import execute, read, text_of
from tools.writing import check_file, replace

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
    try:
        with RUNS.open(encoding="utf-8", newline="") as file:
            return {row["chapter"]: float(row["seconds"]) for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(
            f"{RUNS} must hold the columns chapter and seconds: python -m tools.minutes --run writes it ({error})"
        ) from error


def row(path, seconds):
    """A line of the table."""
    notebook = read(path)
    title = headings(notebook)[0][1]
    talk, (reading, exercises) = slides.minutes(notebook), stated_minutes(notebook)
    return (
        f"| [{int(path.name[:2])}. {title}]({path.name}) | {reading} min | {seconds:.0f} s "
        f"| {exercises} min | {f'{talk} min' if talk else 'none'} | {needs(notebook)} |"
    )


def with_times(notebook):
    """The notebook, its third cell saying how long reading and exercises take."""
    reading, exercises = stated_minutes(notebook)

    def says(found):
        return f"Reading takes about {reading} minutes{found[2]}, and the exercises about {exercises}."

    notebook.cells[2].source = TIMES.sub(says, notebook.cells[2].source)
    return notebook


def table():
    """The whole table, a line a chapter. Raises ``SystemExit`` for a chapter that was never run."""
    seconds = measured_runs()
    if missing := [path.stem for path in chapters() if path.stem not in seconds]:
        raise SystemExit(f"{', '.join(missing)} not in {RUNS}: python -m tools.minutes --run measures every chapter")
    return "\n".join([HEAD, *(row(path, seconds[path.stem]) for path in chapters())])


def with_table(text):
    """``text`` with a fresh table between the markers."""
    if [text.count(marker) for marker in MARKERS] != [1, 1]:
        raise SystemExit(f"{PAGE} must have each of these lines once, the table goes between them: {' and '.join(MARKERS)}")
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
    circumstances = {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": 1,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    rows = []
    for path in paths:
        start = processor_seconds()
        execute(read(path), path.parent)
        rows.append({"chapter": path.stem, "seconds": f"{processor_seconds() - start:.1f}", **circumstances})
        print(path.stem, rows[-1]["seconds"], "s", flush=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    replace({RUNS: text.getvalue()})


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="execute every chapter first, and store how long it took")
    run_first = parser.parse_args(arguments).run
    for path in [PAGE, *chapters(), *([RUNS] if run_first else [])]:
        check_file(path)
    if run_first:
        run(chapters())
    files = {path: text_of(with_times(read(path))) for path in chapters()}
    # The table tells what the chapters say, and that is counted, so both are known before either is written.
    replace(files | {PAGE: with_table(PAGE.read_text(encoding="utf-8"))})


if __name__ == "__main__":
    sys.exit(main())
