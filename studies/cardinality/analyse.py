"""The analysis that the protocol names, from the rows and the pictures' files; prints it, and writes what the book reads."""

from pathlib import Path

import numpy as np

from resnext_lib.statistics import detectable, paired, power, resample, seeds_needed
from studies import rows
from studies.cardinality.arms import ARMS
from studies.cardinality.run import RUN_COLUMNS, rows_of_this_protocol

EVIDENCE = Path(__file__).parents[2] / "resnext_lib" / "evidence"
COMPARISONS = (
    ("grouped", "narrow"),
    ("sparse", "narrow"),
    ("wide", "narrow"),
    ("mac-matched", "narrow"),
    ("grouped", "sparse"),
)
OUTCOMES = ("test_loss", "test_accuracy", "train_loss", "train_accuracy")  # the first is the primary one
COMPARISON_COLUMNS = (
    "outcome",
    "first",
    "second",
    "seeds",
    "mean",
    "low",
    "high",
    "p",
    "same_sign",
    "spread",
    "power",
    "detectable",
    "seeds_needed",
    "resampled_low",
    "resampled_high",
)
EPOCH_COLUMNS = ("arm", "epoch", "train_loss")


def missing(found):
    """The runs of the protocol that are not there yet, as ``[(arm, seed)]``."""
    finished = {(row["arm"], int(row["seed"])) for row in found}
    return [(arm, seed) for arm, (_, _, seeds) in ARMS.items() for seed in seeds if (arm, seed) not in finished]


def values(found, arm, outcome):
    """``{seed: value}`` of one arm."""
    return {int(row["seed"]): float(row[outcome]) for row in found if row["arm"] == arm}


def picture_losses(out, arm, seeds):
    """The loss of every test picture, ``(seeds, pictures)``."""

    def of(seed):
        with np.load(Path(out) / "pictures" / f"{arm}-{seed}.npz") as kept:
            return kept["losses"].astype(float)

    return np.stack([of(seed) for seed in seeds])


def compare(out, found, outcome, first, second):
    """One comparison as a row: the paired interval corrected for five, power, and for the primary outcome the resampling."""
    a, b = values(found, first, outcome), values(found, second, outcome)
    result = paired(a, b, comparisons=len(COMPARISONS))
    mean, spread, seeds, alpha = result["mean"], result["spread"], result["seeds"], 0.05 / len(COMPARISONS)
    row = {
        "outcome": outcome,
        "first": first,
        "second": second,
        "seeds": seeds,
        "same_sign": result["same_sign"],
        **{name: round(result[name], 5) for name in ("mean", "low", "high", "p", "spread")},
        "power": round(power(mean, spread, seeds, alpha), 3),
        "detectable": round(detectable(spread, seeds, alpha), 5),
        "seeds_needed": seeds_needed(mean, spread, alpha),
        "resampled_low": "",
        "resampled_high": "",
    }
    if outcome == OUTCOMES[0]:
        shared = sorted(a.keys() & b.keys())
        _, low, high = resample(picture_losses(out, first, shared), picture_losses(out, second, shared))
        row |= {"resampled_low": round(low, 5), "resampled_high": round(high, 5)}
    return row


def epochs(out, found):
    """The mean training loss of each arm after each epoch."""
    result = []
    for arm in ARMS:
        curves = [np.load(Path(out) / "pictures" / f"{arm}-{seed}.npz")["train_loss"] for seed in values(found, arm, "seed")]
        result += [
            {"arm": arm, "epoch": epoch, "train_loss": round(float(loss), 5)}
            for epoch, loss in enumerate(np.mean(curves, axis=0), 1)
        ]
    return result


def analyse(out, write=False):
    """Print the analysis; with ``write`` also write the evidence. Raises ``ValueError`` while runs are missing."""
    found = rows_of_this_protocol(Path(out) / "runs.csv", RUN_COLUMNS)
    left = missing(found)
    if left:
        raise ValueError(
            f"{len(left)} runs are missing, {left[0][0]} with seed {left[0][1]} first: the protocol's analysis "
            "is of all of them. python -m studies.cardinality run does them"
        )
    table = [compare(out, found, outcome, *pair) for outcome in OUTCOMES for pair in COMPARISONS]
    for row in table:
        print(
            f"{row['outcome']:15}{row['first']:>12} - {row['second']:7} {row['mean']:+.4f} [{row['low']:+.4f}, "
            f"{row['high']:+.4f}] p {row['p']:.4f}, {row['same_sign']} of {row['seeds']} seeds; power {row['power']:.2f}, "
            f"detectable {row['detectable']:.4f}; resampled {row['resampled_low']} {row['resampled_high']}"
        )
    if write:
        rows.write(EVIDENCE / "cardinality_comparisons.csv", COMPARISON_COLUMNS, table)
        rows.write(EVIDENCE / "cardinality_runs.csv", RUN_COLUMNS, found)
        rows.write(EVIDENCE / "cardinality_epochs.csv", EPOCH_COLUMNS, epochs(out, found))
    return table
