"""``python -m tools.alterations [WORDS]``: alter, test, put back; the report is tests/alterations.md.

With WORDS only the alterations whose kind, place or text contains them, and no report is written.
Exit status 1 if an alteration stays green, if its tests fail before it is made, or if its place is gone.
"""

import argparse
import concurrent.futures
import itertools
import queue
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools.alterations.changing import Alteration, PlaceGone
from tools.alterations.listed import ALTERATIONS
from tools.alterations.running import BROKEN, FAILED, PASSED, copy_repository, forking, status_of
from tools.writing import replace

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "tests" / "alterations.md"
AT_ONCE = 2


@dataclass
class Outcome:
    """What became of one alteration: its tests ran with ``before`` and ``after``; ``problem`` says what is wrong."""

    alteration: Alteration
    problem: str = ""
    seconds: float = 0.0
    said: str = ""


class Copies:
    """Copies of the repository, one for each run at the same time."""

    def __init__(self, scratch, count=AT_ONCE):
        self.context, self.free = forking(), queue.Queue()
        for number in range(count):
            folder = Path(scratch, f"copy{number}")
            copy_repository(ROOT, folder)
            self.free.put(folder)

    def run(self, owner, alteration=None):
        """Status of the tests, and what they said, in a copy that is altered meanwhile, if at all."""
        folder = self.free.get()
        try:
            said = folder.parent / f"{folder.name}.txt"
            path = folder / alteration.path if alteration else None
            before = path.read_bytes() if path else None
            try:
                if path:
                    path.write_text(alteration.change(before.decode("utf-8")), encoding="utf-8", newline="")
                status = status_of(self.context, folder, owner, said)
            finally:
                if path:
                    path.write_bytes(before)
            return status, said.read_text(encoding="utf-8") if said.exists() else ""
        finally:
            self.free.put(folder)


def outcome(copies, alteration):
    """Make ``alteration`` and see whether every one of its owners notices."""
    start, problem, said = time.monotonic(), "", ""
    try:
        for owner in alteration.owners:
            status, said = copies.run(owner, alteration)
            if status not in (FAILED, BROKEN):
                problem = f"STAYS GREEN in {owner}" if status == PASSED else f"no verdict from {owner} (status {status})"
                break
    except PlaceGone as error:
        problem = str(error)
    return Outcome(alteration, problem, time.monotonic() - start, said)


def batches(owners):
    """``owners`` that are named by tests alone, shared out to run together; each with a choice (-k) or a notebook alone."""
    alone = [owner for owner in owners if " -k " in owner or owner.endswith(".ipynb")]
    together = [owner for owner in owners if owner not in alone]
    return [" ".join(map(shlex.quote, part)) for n in range(AT_ONCE) if (part := together[n::AT_ONCE])] + alone


def red_before(copies, owners):
    """What is wrong with ``owners`` in the unaltered copy."""
    status, said = copies.run(owners)
    return "" if status == PASSED else f"{owners} fails (status {status}) before anything is altered:\n{said[-1500:]}"


def report(outcomes):
    """The report as Markdown; a second run that notices as much writes the same."""
    kinds = {found.alteration.kind for found in outcomes}
    lines = [
        "# Alterations that the tests notice",
        "",
        "Made by `python -m tools.alterations`, which alters one thing at a time in a copy of the repository,",
        "runs the tests that own it, and demands that they fail. All of them pass in the unaltered copy.",
        "",
        f"{len(outcomes)} alterations of {len(kinds)} kinds; {sum(not found.problem for found in outcomes)} noticed.",
        "",
        "| kind | where | what | owner | red |",
        "|---|---|---|---|---|",
    ]
    for found in outcomes:
        one = found.alteration
        what = one.what.replace("|", "\\|").replace("\n", " ")
        owners = ", ".join(f"`{owner.replace('|', chr(92) + '|')}`" for owner in one.owners)
        lines.append(f"| {one.kind} | {one.path} | {what} | {owners} | {found.problem or 'yes'} |")
    return "\n".join(lines) + "\n"


def chosen(words):
    """The alterations that ``words`` mean; all of them without any."""
    found = [one for one in ALTERATIONS if all(word in f"{one.kind} {one.path} {one.what}" for word in words)]
    if not found:
        raise SystemExit(f"no alteration says {' and '.join(words)}; python -m tools.alterations makes all of them")
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.alterations", description=__doc__)
    parser.add_argument("words", nargs="*", help="only the alterations that contain these words")
    options = parser.parse_args(arguments)
    alterations, start = chosen(options.words), time.monotonic()
    owners = list(dict.fromkeys(itertools.chain.from_iterable(one.owners for one in alterations)))
    with tempfile.TemporaryDirectory(prefix="alterations-") as scratch:
        copies = Copies(scratch)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            problems = [problem for problem in pool.map(lambda some: red_before(copies, some), batches(owners)) if problem]
            if problems:
                raise SystemExit("\n\n".join(problems))
            print(f"{len(owners)} owners pass before anything is altered", flush=True)
            outcomes = []
            for found in pool.map(lambda one: outcome(copies, one), alterations):
                outcomes.append(found)
                one = found.alteration
                print(f"{found.problem or 'red':4} {found.seconds:5.1f} s  {one.kind}: {one.path}: {one.what}", flush=True)
    green = [found for found in outcomes if found.problem]
    if not options.words:
        replace({REPORT: report(outcomes)})
    minutes = (time.monotonic() - start) / 60
    print(f"{len(outcomes) - len(green)} of {len(outcomes)} alterations were noticed, in {minutes:.0f} minutes")
    return 1 if green else 0


if __name__ == "__main__":
    sys.exit(main())
