"""Draw the embedded part of Fashion-MNIST from the four original files: ``python -m tools.fashion_subset FOLDER``.

From each class the first images of a fixed shuffle, then all of them shuffled again. Running it again
gives the same bytes (with the same numpy and zlib); the checksums that it prints stand in resnext_lib/data.py.
"""

import argparse
import hashlib
import io
import sys
from pathlib import Path

import numpy as np

from resnext_lib.data import fashion_mnist
from tools.facts import ROOT
from tools.writing import check_folder, replace

PER_CLASS = {"train": 1000, "test": 200}


def draw(labels, per_class, generator):
    """Indices of ``per_class`` images of every class, in a random order."""
    chosen = [generator.permutation(np.flatnonzero(labels == label))[:per_class] for label in range(10)]
    return generator.permutation(np.concatenate(chosen))


def packed(images, per_class, number):
    """The bytes of the file with ``per_class`` images of every class, drawn by the generator of seed ``number``."""
    chosen = draw(images.labels.numpy(), per_class, np.random.Generator(np.random.PCG64(number)))
    file = io.BytesIO()
    np.savez_compressed(file, pixels=images.pixels.numpy()[chosen], labels=images.labels.numpy()[chosen])
    return file.getvalue()


def write(folder, target):
    """Draw both files from the originals in ``folder``, then write them into ``target``; returns {split: checksum}.

    Raises ``SystemExit`` where the originals are missing, damaged or too few, before anything is written.
    """
    if not Path(folder).is_dir():
        raise SystemExit(
            f"FOLDER must be the folder with Fashion-MNIST's four original files, not {str(folder)!r}, which is no folder"
        )
    check_folder(target)
    try:
        images = {split: fashion_mnist(split, folder) for split in PER_CLASS}
    except (OSError, ValueError) as error:
        raise SystemExit(f"the four original files of Fashion-MNIST must be in {folder}: {error}") from error
    for split, per_class in PER_CLASS.items():
        fewest = np.bincount(images[split].labels.numpy(), minlength=10)[:10].min()
        if fewest < per_class:
            raise SystemExit(
                f"the {split} files in {folder} hold only {fewest} images of some class, and {per_class} of "
                "each are drawn: these are not Fashion-MNIST's original files"
            )
    files = {split: packed(images[split], PER_CLASS[split], number) for number, split in enumerate(PER_CLASS)}
    replace({Path(target) / f"fashion_{split}.npz": content for split, content in files.items()})
    return {split: hashlib.sha256(content).hexdigest() for split, content in files.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="where Fashion-MNIST's four original files are, packed or not")
    for split, checksum in write(parser.parse_args(arguments).folder, ROOT / "resnext_lib" / "images").items():
        print(f'    "{split}": "{checksum}",')


if __name__ == "__main__":
    sys.exit(main())
