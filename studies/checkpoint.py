"""Train the book's own checkpoint and look into it: ``python -m studies.checkpoint``. Resumes where it stopped.

``python -m studies.checkpoint --seed 1`` trains the same network with another seed, for ``studies.paths``; its weights
go to studies/weights, outside the package, and nothing else is written.

Writes resnext_lib/checkpoints/small_resnext.pt (weights; the model card beside it says what it is for) and into
resnext_lib/evidence: training.csv (the history), predictions.csv (every test image) and paths.csv (the accuracy
with one path switched off).
"""

import argparse
import tempfile
from pathlib import Path

import torch

from resnext_lib import data, networks, training
from resnext_lib.paths import without_path
from resnext_lib.weights import trained_small_resnext
from studies import rows as table

LIBRARY = Path(__file__).parent.parent / "resnext_lib"
STUDIES = Path(__file__).parent
RECIPE = training.Recipe(epochs=20, channels_last=True)
BLOCKS = [f"layer{stage}.{number}" for stage in (1, 2, 3) for number in (0, 1)]


def write(name, rows):
    rounded = [{k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    table.write(LIBRARY / "evidence" / f"{name}.csv", list(rows[0]), rounded)


def weights(seed):
    """Where the weights of ``seed`` lie: the book's own in the package, others beside the studies."""
    return LIBRARY / "checkpoints" / "small_resnext.pt" if seed == 0 else STUDIES / "weights" / f"small_resnext_{seed}.pt"


def fit(images, seed):
    """Train, printing a line an epoch; save the weights and return the history."""
    torch.manual_seed(seed)
    network = networks.small_resnext()
    resume = Path(tempfile.gettempdir()) / f"small_resnext_{seed}_run.pt"
    for epoch in range(1, RECIPE.epochs + 1):
        history = training.train(network, *images, RECIPE, seed, checkpoint=resume, stop_after=epoch, progress=False)
        print({name: round(value, 4) for name, value in history[-1].items()}, flush=True)
    torch.save({name: value.contiguous() for name, value in network.state_dict().items()}, weights(seed))
    return history


def predictions(network, test, moments):
    """A row for every test image: its class, the network's answer and how sure it was."""
    shares = training.predict(network, test, *moments).softmax(dim=1)
    sure, answers = shares.max(dim=1)
    columns = zip(
        test.labels.tolist(), answers.tolist(), sure.tolist(), shares[range(len(sure)), test.labels].tolist(), strict=True
    )
    return [
        {"image": n, "label": label, "answer": answer, "confidence": confidence, "share_of_the_label": own}
        for n, (label, answer, confidence, own) in enumerate(columns)
    ]


def paths_off(network, test, moments):
    """A row for every path of every block: the accuracy of the network without it."""
    rows = []
    for block in BLOCKS:
        for path in range(network.cardinality):
            accuracy = training.evaluate(without_path(network, block, path), test, *moments)["accuracy"]
            rows.append({"block": block, "path": path, "accuracy": accuracy})
        print(block, min(row["accuracy"] for row in rows if row["block"] == block), flush=True)
    return rows


def main(argv=None):
    parser = argparse.ArgumentParser("python -m studies.checkpoint", description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="0 is the book's own network (default: %(default)s)")
    seed = parser.parse_args(argv).seed
    torch.set_num_threads(1)
    images = [data.fashion_subset(split) for split in ("train", "test")]
    if not weights(seed).exists():
        history = fit(images, seed)
        if seed == 0:
            write("training", history)
    if seed == 0:
        network, moments = trained_small_resnext(), data.mean_and_spread(images[0])
        for name, measure in (("predictions", predictions), ("paths", paths_off)):
            write(name, measure(network, images[1], moments))


if __name__ == "__main__":
    main()
