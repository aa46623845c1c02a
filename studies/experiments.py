"""The first experiments: ``python -m studies.experiments cardinality --seeds 0-4 --csv runs.csv``. One CSV row a run.

The configurations and what a run is are in ``resnext_lib/experiments.py``, which the chapters import.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

from resnext_lib import data, training
from resnext_lib.complexity import count_macs, count_parameters
from resnext_lib.experiments import COLUMNS, STUDIES, run
from studies import rows


def seeds(text):
    """``"5"`` is the seeds 0 to 4, ``"3-5"`` is 3, 4, 5."""
    first, dash, last = text.partition("-")
    try:
        return list(range(int(first), int(last) + 1)) if dash else list(range(int(first)))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number of seeds such as 5, or a range such as 3-5") from None


def count(text):
    """A whole number of 1 or more, for ``--threads`` and the like."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number of 1 or more is needed")
    return int(text)


def arguments(argv):
    """The command line as a namespace, with ``configurations`` chosen; wrong ones are answered and end the program."""
    parser = argparse.ArgumentParser(
        "python -m studies.experiments",
        description=__doc__.split("\n")[0],
        epilog=(
            "Runs that are in the CSV already are not run again, so a stopped study goes on with the same command. "
            "Several processes may write one CSV when their seeds differ. On two cores a run takes one to three minutes."
        ),
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--csv", default="experiments.csv", help="where rows are read and added (default: %(default)s)")
    parser.add_argument("--seeds", type=seeds, default=[0, 1, 2, 3, 4], help="5 for 0 to 4, or a range such as 3-5")
    parser.add_argument("--only", metavar="NAME", help="one configuration, as --list prints it")
    parser.add_argument("--list", action="store_true", help="print the configurations with their costs, run nothing")
    parser.add_argument("--repeat", action="store_true", help="run what the CSV has, write nothing, print both results")
    parser.add_argument("--full", metavar="FOLDER", help="all 70,000 images, from the files in FOLDER")
    parser.add_argument("--images", type=count, metavar="N", help="only the first N training images")
    parser.add_argument("--epochs", type=count, default=6, help="(default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--threads", type=count, default=1, help="of the processor, for each run (default: %(default)s)")
    options = parser.parse_args(argv)
    options.configurations = [c for c in STUDIES[options.study] if options.only in (None, str(c))]
    if not options.configurations:
        parser.error(f"--only {options.only!r}: this study has {[str(c) for c in STUDIES[options.study]]}")
    if not Path(options.csv).absolute().parent.is_dir():
        parser.error(f"--csv {options.csv}: its folder does not exist")
    try:
        training.usable_device(options.device)
    except ValueError as error:
        parser.error(f"--device: {error}")
    return options


def main(argv=None):
    """Run a study, or list it: the command ``python -m studies.experiments``, see ``--help``."""
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
        train_images = train_images._replace(
            pixels=train_images.pixels[: options.images], labels=train_images.labels[: options.images]
        )
    recipe = training.Recipe(epochs=options.epochs, channels_last=True)
    known = {key(row): row for row in rows.read(options.csv, COLUMNS)}
    runs = [
        (c, seed)
        for seed in options.seeds
        for c in options.configurations
        if ((str(c), seed, len(train_images.labels), options.epochs) in known) == options.repeat
    ]
    work(runs, known, options, lambda c, seed: run(c, seed, train_images, test_images, recipe, options.device))


def key(row):
    """What makes a run the same run: configuration, seed, number of images, epochs."""
    return row["configuration"], int(row["seed"]), int(row["images"]), int(row["epochs"])


def work(runs, known, options, do):
    """Do the ``runs`` in order; print a line after each, with the time left by the networks' MACs."""
    costs = [count_macs(c.build(), (1, 28, 28)) for c, _ in runs]
    begin = time.perf_counter()
    print(f"{len(runs)} runs to do, {len(known)} rows in {options.csv}", flush=True)
    for number, (configuration, seed) in enumerate(runs, 1):
        row = do(configuration, seed)
        before = ""
        if options.repeat:
            before = f" (in the CSV: {known[key(row)]['test_accuracy']})"
        else:
            rows.append(options.csv, COLUMNS, row)
        left = (time.perf_counter() - begin) * sum(costs[number:]) / sum(costs[:number]) / 60
        print(
            f"{number}/{len(runs)} {configuration}, seed {seed}: test accuracy {row['test_accuracy']}{before}, "
            f"{row['seconds']} s; about {left:.0f} min left",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
