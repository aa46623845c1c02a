"""Our own experiments: cardinality at equal budget, and networks without shortcuts. Resumable, one CSV row a run.

    python -m resnext_lib.experiments cardinality --seeds 0-4 --csv runs.csv

After arXiv 1611.05431, section 5.1 (Tables 3 and 4, and the table without a number on shortcuts), in small.
"""

import argparse
import csv
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import torch
from scipy.stats import t

from resnext_lib import data, training
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_macs, count_parameters
from resnext_lib.networks import small_resnext

COLUMNS = ("configuration", "seed", "parameters", "macs", "images", "epochs", "train_loss", "train_accuracy",
           "test_loss", "test_accuracy", "seconds", "device", "threads", "versions", "revision")


class BlockWithoutShortcut(Bottleneck):
    """The bottleneck with nothing added to its transform: the paper's ablation, section 5.1."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.downsample = None

    def shortcut(self, x):
        return 0


@dataclass(frozen=True)
class Configuration:
    """One network of a study; ``str`` gives its name, such as ``16x8d`` or ``1x64d depth 38 without shortcuts``."""

    cardinality: int
    bottleneck_width: int
    depth: int = 20
    shortcuts: bool = True

    def __str__(self):
        deep = "" if self.depth == 20 else f" depth {self.depth}"
        return f"{self.cardinality}x{self.bottleneck_width}d{deep}{'' if self.shortcuts else ' without shortcuts'}"

    def build(self):
        block = Bottleneck if self.shortcuts else BlockWithoutShortcut
        return small_resnext(self.cardinality, self.bottleneck_width, self.depth, block=block)


SAME_BUDGET = [Configuration(c, d) for c, d in ((1, 64), (2, 40), (4, 24), (8, 14), (16, 8), (32, 4))]
TWICE_THE_BUDGET = [Configuration(1, 64, depth=38), Configuration(1, 100), Configuration(32, 8)]
STUDIES = {
    "cardinality": SAME_BUDGET + TWICE_THE_BUDGET,
    "shortcuts": [Configuration(c, d, depth, shortcuts) for depth in (20, 38) for c, d in ((1, 64), (16, 8))
                  for shortcuts in (True, False)],
}


def run(configuration, seed, train_images, test_images, recipe=None, device="cpu", progress=False):
    """Train one network and return its row, a dictionary with the keys ``COLUMNS``."""
    recipe = recipe or training.Recipe(channels_last=True)
    torch.manual_seed(seed)
    network = configuration.build()
    begin = time.perf_counter()
    training.train(network, train_images, test_images, recipe, seed, device=device, progress=progress)
    seconds = time.perf_counter() - begin
    moments = [value.to(device) for value in data.mean_and_spread(train_images)]
    scores = {f"{part}_{name}": round(value, 5) for part, images in (("train", train_images), ("test", test_images))
              for name, value in training.evaluate(network, images, *moments, recipe).items()}
    return {"configuration": str(configuration), "seed": seed, "parameters": count_parameters(network),
            "macs": count_macs(configuration.build(), train_images.pixels.shape[1:]),
            "images": len(train_images.labels), "epochs": recipe.epochs, **scores, "seconds": round(seconds),
            **circumstances(device)}


def circumstances(device):
    """Where a row came from: device, threads, versions of Python and torch, git revision."""
    name = torch.cuda.get_device_name() if str(device).startswith("cuda") else f"{platform.machine()} CPU"
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                         cwd=Path(__file__).parent)
    return {"device": name, "threads": torch.get_num_threads(), "revision": git.stdout.strip() or "no git",
            "versions": f"Python {platform.python_version()} torch {torch.__version__.split('+')[0]}"}


def read(path):
    """The finished runs in the CSV at ``path``; a last line that a killed process left unfinished is taken out."""
    path = Path(path)
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    if not text.endswith("\n"):
        text = text[:text.rfind("\n") + 1]
        path.write_text(text, encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    if rows and set(rows[0]) != set(COLUMNS):
        raise ValueError(f"--csv {path}: its columns are not those of this program; name another file")
    return rows


def append(path, row):
    """Add ``row`` in one write, so that a kill leaves the whole line or a torn one that :func:`read` removes."""
    new = not Path(path).exists() or Path(path).stat().st_size == 0
    with open(path, "a", encoding="utf-8", newline="") as file:
        lines = [",".join(COLUMNS)] if new else []
        file.write("\n".join([*lines, ",".join(str(row[name]) for name in COLUMNS)]) + "\n")
        file.flush()
        os.fsync(file.fileno())


def interval(values, confidence=0.95):
    """Mean and half width of its confidence interval by Student's t: ``(mean, half_width)``."""
    values = [float(value) for value in values]
    if len(values) < 2:
        raise ValueError(f"values must hold two runs or more, not {len(values)}: one run has no spread")
    width = t.ppf((1 + confidence) / 2, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return mean(values), float(width)


def column(rows, configuration, name):
    """``{seed: value}`` of one configuration. Raises ``ValueError`` that lists what there is."""
    values = {int(row["seed"]): float(row[name]) for row in rows if row["configuration"] == str(configuration)}
    if not values:
        known = sorted({row["configuration"] for row in rows})
        raise ValueError(f"no run of configuration={str(configuration)!r}; there is {known}")
    return values


def paired_difference(rows, first, second, name="test_accuracy"):
    """Mean of ``first - second`` over the seeds that both have, and the half width of its 95 % interval."""
    a, b = column(rows, first, name), column(rows, second, name)
    return interval([a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())])


def seeds(text):
    """``"5"`` is the seeds 0 to 4, ``"3-5"`` is 3, 4, 5."""
    first, dash, last = text.partition("-")
    try:
        return list(range(int(first), int(last) + 1)) if dash else list(range(int(first)))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number of seeds such as 5, or a range such as 3-5") from None


def arguments(argv):
    """The command line as a namespace, with ``configurations`` chosen; wrong ones are answered and end the program."""
    parser = argparse.ArgumentParser("python -m resnext_lib.experiments", description=__doc__.split("\n")[0], epilog=(
        "Runs that are in the CSV already are not run again, so a stopped study goes on with the same command. "
        "Several processes may write one CSV when their seeds differ. On two cores a run takes one to three minutes."))
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--csv", default="experiments.csv", help="where rows are read and added (default: %(default)s)")
    parser.add_argument("--seeds", type=seeds, default=[0, 1, 2, 3, 4], help="5 for 0 to 4, or a range such as 3-5")
    parser.add_argument("--only", metavar="NAME", help="one configuration, as --list prints it")
    parser.add_argument("--list", action="store_true", help="print the configurations with their costs, run nothing")
    parser.add_argument("--repeat", action="store_true", help="run what the CSV has, write nothing, print both results")
    parser.add_argument("--full", metavar="FOLDER", help="all 70,000 images, from the files in FOLDER")
    parser.add_argument("--images", type=int, metavar="N", help="only the first N training images")
    parser.add_argument("--epochs", type=int, default=6, help="(default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of the processor, for each run (default: %(default)s)")
    options = parser.parse_args(argv)
    options.configurations = [c for c in STUDIES[options.study] if options.only in (None, str(c))]
    if not options.configurations:
        parser.error(f"--only {options.only!r}: this study has {[str(c) for c in STUDIES[options.study]]}")
    return options


def main(argv=None):
    """Run a study, or list it: the command ``python -m resnext_lib.experiments``, see ``--help``."""
    options = arguments(argv)
    if options.list:
        for configuration in options.configurations:
            network = configuration.build()
            macs = count_macs(network, (1, 28, 28))
            print(f"{str(configuration):34} {count_parameters(network):9,} parameters {macs:12,} MACs")
        return
    torch.set_num_threads(options.threads)
    load = (lambda split: data.fashion_mnist(split, options.full)) if options.full else data.fashion_subset
    train_images, test_images = load("train"), load("test")
    if options.images:
        train_images = train_images._replace(pixels=train_images.pixels[:options.images],
                                             labels=train_images.labels[:options.images])
    recipe = training.Recipe(epochs=options.epochs, channels_last=True)
    rows = {key(row): row for row in read(options.csv)}
    runs = [(c, seed) for seed in options.seeds for c in options.configurations
            if ((str(c), seed, len(train_images.labels), options.epochs) in rows) == options.repeat]
    work(runs, rows, options, lambda c, seed: run(c, seed, train_images, test_images, recipe, options.device))


def key(row):
    """What makes a run the same run: configuration, seed, number of images, epochs."""
    return row["configuration"], int(row["seed"]), int(row["images"]), int(row["epochs"])


def work(runs, rows, options, do):
    """Do the ``runs`` in order; print a line after each, with the time left by the networks' MACs."""
    costs = [count_macs(c.build(), (1, 28, 28)) for c, _ in runs]
    begin = time.perf_counter()
    print(f"{len(runs)} runs to do, {len(rows)} rows in {options.csv}", flush=True)
    for number, (configuration, seed) in enumerate(runs, 1):
        row = do(configuration, seed)
        before = f" (in the CSV: {rows[key(row)]['test_accuracy']})" if options.repeat else append(options.csv, row) or ""
        left = (time.perf_counter() - begin) * sum(costs[number:]) / sum(costs[:number]) / 60
        print(f"{number}/{len(runs)} {configuration}, seed {seed}: test accuracy {row['test_accuracy']}{before}, "
              f"{row['seconds']} s; about {left:.0f} min left", flush=True)


if __name__ == "__main__":
    sys.exit(main())
