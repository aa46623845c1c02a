"""Train the book's own checkpoint: ``python -m benchmarks.checkpoint``. Resumes where it stopped.

Writes resnext_lib/checkpoints/small_resnext.pt (weights) and resnext_lib/evidence/training.csv (its history).
The model card beside the weights says what it is for.
"""

import csv
import tempfile
from pathlib import Path

import torch

from resnext_lib import data, networks, training

LIBRARY = Path(__file__).parent.parent / "resnext_lib"
RECIPE, SEED = training.Recipe(epochs=20, channels_last=True), 0
RESUME = Path(tempfile.gettempdir()) / "small_resnext_run.pt"


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    network = networks.small_resnext()
    images = [data.fashion_subset(split) for split in ("train", "test")]
    for epoch in range(1, RECIPE.epochs + 1):
        history = training.train(network, *images, RECIPE, SEED, checkpoint=RESUME, stop_after=epoch, progress=False)
        print({name: round(value, 4) for name, value in history[-1].items()}, flush=True)
    torch.save({name: value.contiguous() for name, value in network.state_dict().items()},
               LIBRARY / "checkpoints" / "small_resnext.pt")
    with open(LIBRARY / "evidence" / "training.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, history[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: round(value, 5) for name, value in row.items()} for row in history)


if __name__ == "__main__":
    main()
