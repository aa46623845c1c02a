"""Fine-tuning on few pictures: ``python -m studies.fine_tuning``. The plan is fine_tuning.md, beside this file.

Writes resnext_lib/evidence/fine_tuning.csv, a row a run, and resumes where it stopped. The two base networks are trained
first, a few minutes each, and kept in the temporary folder.

    python -m studies.fine_tuning --data /usr/share/datasets/fashion-mnist      the four files of Fashion-MNIST
    python -m studies.fine_tuning --print                                       the analysis of what is there
"""

import copy
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from resnext_lib import data, training
from resnext_lib.networks import small_resnext
from resnext_lib.statistics import interval
from studies.tables import Table, command

HELD_OUT = {"unlike": (7, 8, 9), "alike": (2, 4, 6)}
ARMS = ("scratch", "frozen-eval", "frozen-train", "all-eval", "all-train")
CONTRASTS = (
    ("frozen-train", "frozen-eval"),
    ("all-train", "all-eval"),
    ("all-eval", "frozen-eval"),
    ("frozen-eval", "scratch"),
)
EACH, RATES, SEEDS, RATE_SEED = 20, (0.1, 0.03, 0.01), (0, 1, 2, 3, 4), 100
STEPS, BATCH, VALIDATION, OLD = 100, 16, 500, 1000
BASE = training.Recipe(epochs=8, channels_last=True)
COLUMNS = ("split", "arm", "seed", "learning_rate", "part", "pictures", "accuracy", "loss", "old_accuracy", "moved")


class Split(NamedTuple):
    """Everything of one split: new pictures to train with, two sets to test on, the base network and its moments."""

    train: data.Images
    test: data.Images
    old: data.Images
    base: nn.Module
    moments: tuple


def only(images, labels):
    """The pictures of the classes ``labels``, which become 0, 1, 2, …"""
    number = torch.full((10,), -1)
    number[list(labels)] = torch.arange(len(labels))
    rows = torch.isin(images.labels, torch.tensor(labels))
    classes = tuple(images.classes[label] for label in labels)
    return data.Images(images.pixels[rows], number[images.labels[rows]], classes)


def first(images, count):
    return images._replace(pixels=images.pixels[:count], labels=images.labels[:count])


def load(split, folder):
    """The split with its base network, which is trained where no file of an earlier call is found."""
    new = HELD_OUT[split]
    old = tuple(label for label in range(10) if label not in new)
    train, test = data.fashion_subset("train"), data.fashion_mnist("test", folder)
    known = only(train, old)
    torch.manual_seed(0)
    base = small_resnext(num_classes=len(old))
    training.train(
        base, known, None, BASE, progress=False, checkpoint=Path(tempfile.gettempdir()) / f"fine_tuning_{split}.pt"
    )
    return Split(only(train, new), only(test, new), first(only(test, old), OLD), base.eval(), data.mean_and_spread(known))


def draw(images, seed, each=EACH):
    """``each`` pictures of every class, and ``VALIDATION`` of the others."""
    order = torch.randperm(len(images.labels), generator=torch.Generator().manual_seed(seed))
    chosen = torch.cat([order[images.labels[order] == label][:each] for label in images.labels.unique()])
    rest = order[~torch.isin(order, chosen)][:VALIDATION]
    return tuple(images._replace(pixels=images.pixels[rows], labels=images.labels[rows]) for rows in (chosen, rest))


def prepare(arm, base, classes):
    """The network of an arm with a new classifier, and the parameters that are trained."""
    network = small_resnext(num_classes=classes) if arm == "scratch" else copy.deepcopy(base)
    network.fc = nn.Linear(network.fc.in_features, classes)
    frozen = arm.startswith("frozen")
    for parameter in network.parameters():
        parameter.requires_grad_(not frozen)
    network.fc.requires_grad_(True)
    return network.to(memory_format=torch.channels_last), [p for p in network.parameters() if p.requires_grad]


def fit(arm, split, images, rate, seed):
    """Train as the plan says; return the network."""
    torch.manual_seed(seed)
    scratch = small_resnext(num_classes=len(images.classes))  # drawn in every arm: what follows is the same for all
    classifier = copy.deepcopy(scratch.fc)
    network, parameters = prepare(arm, split.base, len(images.classes))
    if arm == "scratch":
        network.load_state_dict(scratch.state_dict())
    network.fc.load_state_dict(classifier.state_dict())
    torch.manual_seed(seed)
    count = len(images.labels)
    order = torch.cat([torch.randperm(count) for _ in range(-(-STEPS * BATCH // count))]).split(BATCH)[:STEPS]
    optimiser = torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=5e-4)
    network.train(arm in ("scratch", "frozen-train", "all-train"))
    for step, batch in enumerate(order):
        optimiser.param_groups[0]["lr"] = training.learning_rate_at(step, STEPS, rate)
        x = data.normalise(data.augment(images.pixels[batch]), *split.moments)
        loss = functional.cross_entropy(training.compute(network, x, BASE), images.labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def moved(network, base):
    """How far the stored means went from the base's, in the base's standard deviations, on average over all channels."""
    pairs = [
        (new, old) for new, old in zip(network.modules(), base.modules(), strict=True) if isinstance(new, nn.BatchNorm2d)
    ]
    steps = [(new.running_mean - old.running_mean).abs() / (old.running_var + old.eps).sqrt() for new, old in pairs]
    return torch.cat(steps).mean().item()


def row(name, split, arm, seed, rate, part):
    """One run: trained, then tested on ``part``, "validation" or "test"."""
    chosen, rest = draw(split.train, seed)
    network = fit(arm, split, chosen, rate, seed)
    images = rest if part == "validation" else split.test
    scores = training.evaluate(network, images, *split.moments, BASE)
    found = {
        "split": name,
        "arm": arm,
        "seed": seed,
        "learning_rate": rate,
        "part": part,
        "pictures": len(images.labels),
        "accuracy": round(scores["accuracy"], 5),
        "loss": round(scores["loss"], 5),
        "old_accuracy": "",
        "moved": "",
    }
    if part == "test" and arm != "scratch":
        found["moved"] = round(moved(network, split.base), 4)
        network.fc = split.base.fc
        found["old_accuracy"] = round(training.evaluate(network, split.old, *split.moments, BASE)["accuracy"], 5)
    return found


def base_row(name, split):
    """The base network on the old classes: what the arms start from."""
    scores = training.evaluate(split.base, split.old, *split.moments, BASE)
    return {
        "split": name,
        "arm": "base",
        "seed": 0,
        "learning_rate": "",
        "part": "old",
        "pictures": len(split.old.labels),
        "accuracy": round(scores["accuracy"], 5),
        "loss": round(scores["loss"], 5),
        "old_accuracy": round(scores["accuracy"], 5),
        "moved": 0,
    }


def best_rate(rows, split, arm):
    """The learning rate with the best validation accuracy, at a tie with the lower loss."""
    own = [r for r in rows if (r["split"], r["arm"], r["part"]) == (split, arm, "validation")]
    return float(min(own, key=lambda r: (-float(r["accuracy"]), float(r["loss"])))["learning_rate"])


def measure(folder):
    table = Table("fine_tuning", COLUMNS, "fine_tuning.md")
    for name in HELD_OUT:
        split = load(name, folder)
        if not table.has(split=name, arm="base"):
            table.add([base_row(name, split)])
        for arm in ARMS:
            for rate in RATES:
                if not table.has(split=name, arm=arm, part="validation", learning_rate=rate):
                    table.add([row(name, split, arm, RATE_SEED, rate, "validation")])
            rate = best_rate(table.rows, name, arm)
            for seed in SEEDS:
                if not table.has(split=name, arm=arm, part="test", seed=seed):
                    table.add([row(name, split, arm, seed, rate, "test")])
            print(name, arm, rate, flush=True)


# ------------------------------------------------------------------ the analysis that the plan names


def values(rows, split, arm, column="accuracy"):
    """``{seed: value}`` on the test pictures."""
    return {
        int(r["seed"]): float(r[column])
        for r in rows
        if (r["split"], r["arm"], r["part"]) == (split, arm, "test") and r[column]
    }


def report(rows):
    splits = [split for split in HELD_OUT if len(values(rows, split, ARMS[-1])) > 1]
    for base in (r for r in rows if r["arm"] == "base"):
        print(f"base, {base['split']}: {base['accuracy']} on its own classes")
    for split in splits:
        for arm in ARMS:
            for column in ("accuracy", "loss", "old_accuracy", "moved"):
                found = list(values(rows, split, arm, column).values())
                if found:
                    middle, half = interval(found)
                    print(
                        f"{split:7} {arm:13} {column:13} {middle:.4f} +- {half:.4f} ({min(found):.4f} to {max(found):.4f})"
                    )
    for one, other in CONTRASTS:
        for split in splits:
            for column in ("accuracy", "loss"):
                first_, second = values(rows, split, one, column), values(rows, split, other, column)
                middle, half = interval([first_[s] - second[s] for s in SEEDS], 1 - 0.05 / len(CONTRASTS))
                print(f"{one} minus {other}, {split}, {column}: {middle:+.4f} +- {half:.4f}")


def main(argv=None):
    command(
        "studies.fine_tuning", __doc__, measure, lambda: report(Table("fine_tuning", COLUMNS, "fine_tuning.md").rows), argv
    )


if __name__ == "__main__":
    main()
