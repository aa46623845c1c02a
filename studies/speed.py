"""How fast are the networks, the forms, the groups, and the runtimes? Arms take turns in one process.

    python -m studies.speed                   everything that is not yet measured, about ten minutes on two quiet cores
    python -m studies.speed ladder groups     only these
    python -m studies.speed --again           everything anew, also what is there already
    python -m studies.speed --dry FOLDER      a rehearsal in small sizes, whose numbers mean nothing, into FOLDER

Writes resnext_lib/evidence/speed_<group>.csv, section by section; stopped, the same command goes on behind the last
section that was written. It needs the packages of the extra: pip install "resnext-book[onnx]".
"""

import argparse
import math
import os
import time
from collections import namedtuple
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch

from resnext_lib.inference import EXTRA, inference_copy
from resnext_lib.timing import compare
from studies import arms, int8, machine, rows

EVIDENCE = Path(__file__).parent.parent / "resnext_lib" / "evidence"
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
PAUSE = 0.005  # seconds until the idle threads of the arm before have stopped waiting busily
SEED = 0  # of the order of the arms

# make(size, threads, batch) gives the arms; a round calls each once.
Section = namedtuple("Section", "name threads batch pairs make")
Group = namedtuple("Group", "sections facts")


def sections(make, *sizes):
    """Sections of one maker, a (threads, batch, pairs) each, named by threads and batch."""
    return [
        Section(f"{threads} threads, batch {batch}".replace("1 threads", "1 thread"), threads, batch, pairs, make)
        for threads, batch, pairs in sizes
    ]


def _forms(backward):
    return lambda size, threads, batch: arms.form_arms(size, backward)


COUNTS = ("macs", "written")
ROUTINE = ("groups", "layout", *COUNTS, "bytes", "implementation", "kernel", "rearrangements")
GROUPS = {
    "ladder": Group(sections(arms.ladder, (2, 8, 11), (2, 1, 21), (1, 8, 7), (1, 1, 15)), ()),
    "training": Group(sections(arms.training, (2, 8, 11)), ()),
    "networks": Group(sections(arms.network_arms, (2, 8, 15)), ("parameters", *COUNTS)),
    "forms": Group([Section("forward", 2, 4, 21, _forms(False)), Section("backward", 2, 4, 21, _forms(True))], COUNTS),
    "groups": Group(sections(arms.group_arms, (2, 8, 31), (1, 8, 15)), ROUTINE),
    "layers": Group(sections(arms.network_layers, (2, 8, 15)), (*ROUTINE, "times_in_network")),
    "int8": Group(sections(int8.int8_arms, (2, 8, 31), (2, 1, 31)), ("pictures", "correct", "changed_answers")),
}
TIMES = ("section", "threads", "batch", "arm", "median", "spread", "ratio", "difference", "bound")
WHENCE = ("pairs", "seed", "clock", "load", "processor", "instructions", "versions")
PROFILE = ("network", "operation", "share", *WHENCE)
ALL = (*GROUPS, "profile")
DRY_PAIRS = 2
RATIO_ROUNDING = 5e-5  # ratios have four decimals


def columns(group):
    return PROFILE if group == "profile" else (*TIMES, *GROUPS[group].facts, *WHENCE)


# ------------------------------------------------------------------ a row must not contradict itself


def rounding(number):
    """How far a number may have been moved to be written with four significant digits, as all medians are."""
    return 0.5 * 10 ** (math.floor(math.log10(number)) - 3)


def contradictions(found, section="section"):
    """What rows of timings say against themselves, a sentence each: empty for rows that hold.

    A ratio must be that of the medians, as far as rounding allows; the first arm's is 1; no median or spread is
    below 0; no difference is above its bound.
    """
    complaints, first = [], {}
    for row in found:
        key = tuple(row.get(column) for column in (section, "threads", "batch"))
        reference, name = first.setdefault(key, row), f"{row[section]}, {row['arm']}"
        median, base, ratio = (float(value) for value in (row["median"], reference["median"], row["ratio"]))
        if not (median > 0 and base > 0 and float(row["spread"]) >= 0):
            complaints.append(f"{name}: a median must be above 0 and a spread not below")
            continue
        low = (median - rounding(median)) / (base + rounding(base)) - RATIO_ROUNDING
        high = (median + rounding(median)) / (base - rounding(base)) + RATIO_ROUNDING
        if reference is row and ratio != 1 or not low <= ratio <= high:
            complaints.append(f"{name}: ratio {row['ratio']}, but the medians give {median / base:.4f}")
        if row.get("bound") and not float(row["difference"]) <= float(row["bound"]):
            complaints.append(f"{name}: outputs differ by {row['difference']}, {row['bound']} is allowed")
    return complaints


# ------------------------------------------------------------------ measuring


def difference(output, expected):
    """The largest difference as a share of the largest expected number."""
    return ((output.float() - expected).abs().max() / expected.abs().max()).item()


def what_was_timed(section, name, timing, base):
    """The entries of a row that come from the clock; ``base`` is the first arm's median, as it is written."""
    median = f"{timing.median:#.4g}"
    return {
        "section": section.name,
        "threads": section.threads,
        "batch": section.batch,
        "arm": name,
        "median": median,
        "spread": f"{timing.spread:#.2g}",
        "ratio": f"{float(median) / float(base):.4f}",
    }


def measure(group, section, size, whence):
    """The rows of one section. Raises ``ValueError`` when arms that should compute the same do not."""
    torch.set_num_threads(section.threads)
    made = section.make(size, section.threads, section.batch)
    first = next(iter(made.values())).output
    timed = compare(
        {name: arm.call for name, arm in made.items()},
        int(whence["pairs"]),
        warm_up=1,
        seed=SEED,
        pause=PAUSE,
        clock=CLOCKS[whence["clock"]],
    )
    base, found = f"{timed[0].median:#.4g}", []
    for name, arm, timing in zip(made, made.values(), timed, strict=True):
        row = dict.fromkeys(columns(group), "") | arm.facts | whence | what_was_timed(section, name, timing, base)
        if arm.bound is not None:
            row |= {"difference": f"{difference(arm.output, first):.2g}", "bound": f"{arm.bound:g}"}
        found.append({column: str(value) for column, value in row.items()})
        shown = f"{group:9} {section.name:19} {name:28} {row['ratio']:>7} of the first"
        print(f"{shown}   {row['difference']:>8} {row.get('kernel', '')}", flush=True)
    if complaints := contradictions(found):
        raise ValueError("nothing was written: " + "; ".join(complaints))
    return found


def profile(size, whence, calls):
    """Rows for speed_profile.csv: which share of a network's processor time each kind of operation takes."""
    torch.set_num_threads(2)
    x, same, found = arms.images(8, size.side), arms.three_networks(size), []
    shown = {"torchvision": same["torchvision"].eval(), "folded": inference_copy(same["ours"], x)}
    for name, network in shown.items():
        call = arms.eager(network, x).call
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            for _ in range(calls):
                call()
        times = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
        found += [
            {
                "network": name,
                "operation": key.removeprefix("aten::"),
                "share": f"{value / sum(times.values()):.3f}",
                **whence,
            }
            for key, value in sorted(times.items(), key=lambda item: -item[1])[:6]
        ]
    return found


# ------------------------------------------------------------------ files


def read_again(group, folder, here):
    """The rows of ``group`` that are there. Raises ``ValueError`` when they are from another machine or versions."""
    path = folder / f"speed_{group}.csv"
    found = rows.read(path, columns(group))
    for row in found:
        other = [f"{name} {row[name]!r} (now {here[name]!r})" for name in here if row[name] != here[name]]
        if other:
            raise ValueError(
                f"{path.name} was measured elsewhere: {', '.join(other)}. Rows of two machines do not go into "
                "one file: --again measures all of it here"
            )
    return found


def run(group, folder, size=arms.FULL, again=False, clock="wall", load=0.0):
    """Measure the sections of ``group`` that its file lacks, and write each as soon as it is there."""
    here = machine.circumstances() | {"clock": clock}
    path, names = folder / f"speed_{group}.csv", columns(group)
    found = [] if again else read_again(group, folder, here)
    whence = here | {"seed": str(SEED), "load": f"{load:.2f}"}
    start = time.monotonic()
    if group == "profile":
        calls = 7 if size == arms.FULL else DRY_PAIRS
        found = found or profile(size, whence | {"pairs": str(calls)}, calls)
        with rows.locked(path):
            rows.write(path, names, found)
    else:
        done = {row["section"] for row in found}
        for section in [section for section in GROUPS[group].sections if section.name not in done]:
            pairs = section.pairs if size == arms.FULL else DRY_PAIRS
            found += measure(group, section, size, whence | {"pairs": str(pairs)})
            with rows.locked(path):
                rows.write(path, names, found)
    print(f"{group}: {time.monotonic() - start:.0f} s, {path}", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m studies.speed", description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(ALL)}; all without")
    parser.add_argument("--again", action="store_true", help="measure also what is there already")
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="processor counts what was computed, not what was waited for: for a busy machine",
    )
    parser.add_argument("--dry", type=Path, metavar="FOLDER", help="small sizes, a few rounds, files into FOLDER")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.groups) - set(ALL)):
        parser.error(f"no group is called {', '.join(unknown)}; there are {', '.join(ALL)}")
    if missing := [name for name in ("onnx", "onnxscript", "onnxruntime", "openvino") if find_spec(name) is None]:
        parser.error(f"the ladder needs {', '.join(missing)}: {EXTRA}")
    if options.dry and not options.dry.is_dir():
        parser.error(f"--dry {options.dry}: there is no such folder")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    if load > 0.5:
        print(f"{load:.1f} other programs are running: ratios may hold, times do not. Better on a quiet machine.")
    size, folder = (arms.DRY, options.dry) if options.dry else (arms.FULL, EVIDENCE)
    work = partial(run, folder=folder, size=size, again=options.again, clock=options.clock, load=load)
    try:
        for group in options.groups or ALL:
            work(group)
    except ValueError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
