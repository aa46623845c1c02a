"""Training in bfloat16, and batch norm after it: ``python -m studies.precision``. The plan is precision.md.

Writes resnext_lib/evidence/precision.csv, the rows of a seed at once, and resumes where it stopped.

    python -m studies.precision --data /usr/share/datasets/fashion-mnist      the four files of Fashion-MNIST
    python -m studies.precision --print                                       the analysis of what is there
"""

import copy

import torch

from resnext_lib import data, training
from resnext_lib.networks import small_resnext
from resnext_lib.statistics import interval
from studies.batch_norm import average_statistics
from studies.tables import Table, command

SEEDS, COUNT, EPOCHS = (0, 1, 2, 3, 4), 2500, 4
STATISTICS = ("as trained", "re-estimated")
COLUMNS = ("seed", "trained_in", "statistics", "used_in", "pictures", "accuracy", "loss")


def recipe(precision):
    return training.Recipe(epochs=EPOCHS, channels_last=True, precision=precision)


def rows_of(seed, precision, images, tests):
    """Train one network; its rows: statistics as trained and re-estimated, on each of ``tests`` in each precision."""
    torch.manual_seed(seed)
    network = small_resnext()
    training.train(network, images, None, recipe(precision), seed, progress=False)
    moments = data.mean_and_spread(images)
    again = average_statistics(copy.deepcopy(network), data.normalise(images.pixels, *moments))
    found = []
    for statistics, candidate in (("as trained", network), ("re-estimated", again)):
        for used_in, test in tests:
            scores = training.evaluate(candidate, test, *moments, recipe(used_in))
            found.append(
                {
                    "seed": seed,
                    "trained_in": precision,
                    "statistics": statistics,
                    "used_in": used_in,
                    "pictures": len(test.labels),
                    "accuracy": round(scores["accuracy"], 5),
                    "loss": round(scores["loss"], 5),
                }
            )
    return found


def measure(folder):
    table = Table("precision", COLUMNS, "precision.md")
    images, small = data.fashion_subset("train"), data.fashion_subset("test")
    images = images._replace(pixels=images.pixels[:COUNT], labels=images.labels[:COUNT])
    tests = (("float32", data.fashion_mnist("test", folder)), ("float32", small), ("bfloat16", small))
    for seed in SEEDS:
        for precision in ("float32", "bfloat16"):
            if not table.has(seed=seed, trained_in=precision):
                table.add(rows_of(seed, precision, images, tests))
                print(seed, precision, [r["loss"] for r in table.rows[-6:]], flush=True)


# ------------------------------------------------------------------ the analysis that the plan names


def values(rows, trained_in, statistics, column="loss", used_in="float32", pictures=10_000):
    """``{seed: value}``."""
    wanted = (trained_in, statistics, used_in, str(pictures))
    return {
        int(r["seed"]): float(r[column])
        for r in rows
        if (r["trained_in"], r["statistics"], r["used_in"], r["pictures"]) == wanted
    }


def difference(one, other):
    """Mean and half width of the 95 % interval of ``one - other`` over the seeds of both, and how many these are."""
    seeds = one.keys() & other.keys()
    return (*interval([one[seed] - other[seed] for seed in seeds]), len(seeds))


def gain(cell):
    """What re-estimation changes, ``{seed: value}``."""
    return {seed: value - cell["as trained"][seed] for seed, value in cell["re-estimated"].items()}


def report(rows):
    for column in ("loss", "accuracy"):
        for used_in, pictures in (("float32", 10_000), ("float32", 2_000), ("bfloat16", 2_000)):
            half, full = (
                {s: values(rows, precision, s, column, used_in, pictures) for s in STATISTICS}
                for precision in ("bfloat16", "float32")
            )
            contrasts = {
                "bfloat16 minus float32, as trained": (half["as trained"], full["as trained"]),
                "bfloat16, re-estimated minus as trained": (half["re-estimated"], half["as trained"]),
                "float32, re-estimated minus as trained": (full["re-estimated"], full["as trained"]),
                "difference of the two improvements": (gain(half), gain(full)),
            }
            for name, (one, other) in contrasts.items():
                middle, half_width, count = difference(one, other)
                print(f"{column}, used in {used_in}, {pictures}: {name}: {middle:+.4f} +- {half_width:.4f} ({count} seeds)")


def main(argv=None):
    command("studies.precision", __doc__, measure, lambda: report(Table("precision", COLUMNS, "precision.md").rows), argv)


if __name__ == "__main__":
    main()
