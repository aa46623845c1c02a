"""Draw the embedded part of Fashion-MNIST from the four original files: ``python -m tools.fashion_subset FOLDER``.

From each class the first images of a fixed shuffle, then all of them shuffled again. Running it again
gives the same bytes (with the same numpy and zlib); the checksums that it prints stand in resnext_lib/data.py.
"""

import hashlib
import sys

import numpy as np

from resnext_lib.data import fashion_mnist
from tools.contract import ROOT

PER_CLASS = {"train": 1000, "test": 200}


def draw(labels, per_class, generator):
    """Indices of ``per_class`` images of every class, in a random order."""
    chosen = [generator.permutation(np.flatnonzero(labels == label))[:per_class] for label in range(10)]
    return generator.permutation(np.concatenate(chosen))


def main(folder, target=ROOT / "resnext_lib" / "images"):
    for number, (split, per_class) in enumerate(PER_CLASS.items()):
        images = fashion_mnist(split, folder)
        chosen = draw(images.labels.numpy(), per_class, np.random.Generator(np.random.PCG64(number)))
        path = target / f"fashion_{split}.npz"
        np.savez_compressed(path, pixels=images.pixels.numpy()[chosen], labels=images.labels.numpy()[chosen])
        print(f'    "{split}": "{hashlib.sha256(path.read_bytes()).hexdigest()}",')


if __name__ == "__main__":
    main(*sys.argv[1:])
