"""For who grades the mini-project: ``python -m tools.project FOLDER`` writes the right network, and six with one fault each.

The faults are the table of ``teaching/project_key.md``: what the student typed, and what is right.
"""

import argparse
import re
import sys
from pathlib import Path

from tools.facts import ROOT
from tools.writing import check_folder, replace_made

TYPED = ROOT / "teaching" / "project" / "resnext_to_repair.py"
KEY = ROOT / "teaching" / "project_key.md"
ROW = re.compile(r"^\| (\w+) \| (`.+?`) \| (`.+?`) \| .+ \|$", re.MULTILINE)


def faults():
    """{name: [(what was typed, what is right)]}, from the key's table."""
    found = {}
    for name, typed, right in ROW.findall(KEY.read_text(encoding="utf-8")):
        parts = (re.findall("`([^`]+)`", cell) for cell in (typed, right))
        found[name] = list(zip(*parts, strict=True))
    return found


def repaired(*left):
    """The network with all faults mended but those named in ``left``. Raises ``SystemExit`` where key and file disagree."""
    text = TYPED.read_text(encoding="utf-8")
    for name, pairs in faults().items():
        for typed, right in pairs if name not in left else ():
            if text.count(typed) != 1:
                raise SystemExit(
                    f"{TYPED} has {typed!r} {text.count(typed)} times, and {KEY.name} says that it is fault {name}"
                )
            text = text.replace(typed, right)
    return text


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write right.py and a file for each fault")
    folder = parser.parse_args(arguments).folder
    check_folder(folder)
    files = {"right.py": repaired()} | {f"{name}.py": repaired(name) for name in faults()}
    replace_made(folder, files)
    print(f"{folder}: {', '.join(files)}")


if __name__ == "__main__":
    sys.exit(main())
