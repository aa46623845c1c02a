"""Our own experiments in small: cardinality at equal budget, and networks without shortcuts.

After arXiv 1611.05431, section 5.1 (Tables 3 and 4, and the table without a number on shortcuts). In the book's
repository ``python -m studies.experiments`` runs them; their rows are ``resnext_lib/evidence/experiments.csv``.
"""

import platform
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from resnext_lib import data, training
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_macs, count_parameters
from resnext_lib.data import Images
from resnext_lib.networks import CifarResNeXt, small_resnext
from resnext_lib.training import Recipe

COLUMNS = (
    "configuration",
    "seed",
    "parameters",
    "macs",
    "images",
    "epochs",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "seconds",
    "device",
    "threads",
    "versions",
    "revision",
)


class BlockWithoutShortcut(Bottleneck):
    """The bottleneck with nothing added to its transform: the paper's ablation, section 5.1."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.downsample = None

    def shortcut(self, x: torch.Tensor) -> int:
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

    def build(self) -> CifarResNeXt:
        block = Bottleneck if self.shortcuts else BlockWithoutShortcut
        # 8x14d has paths of 3 channels, not 3.5, in its first stage: said here, and counted in every row.
        return small_resnext(self.cardinality, self.bottleneck_width, self.depth, block=block, round_down=True)


SAME_BUDGET = [Configuration(c, d) for c, d in ((1, 64), (2, 40), (4, 24), (8, 14), (16, 8), (32, 4))]
TWICE_THE_BUDGET = [Configuration(1, 64, depth=38), Configuration(1, 100), Configuration(32, 8)]
STUDIES = {
    "cardinality": SAME_BUDGET + TWICE_THE_BUDGET,
    "shortcuts": [
        Configuration(c, d, depth, shortcuts)
        for depth in (20, 38)
        for c, d in ((1, 64), (16, 8))
        for shortcuts in (True, False)
    ],
}


def run(
    configuration: Configuration,
    seed: int,
    train_images: Images,
    test_images: Images,
    recipe: Recipe | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> dict[str, Any]:
    """Train one network and return its row, a dictionary with the keys ``COLUMNS``."""
    recipe = recipe or training.Recipe(channels_last=True)
    where = circumstances(device)  # before the training: what may fail must not cost the run
    torch.manual_seed(seed)
    network = configuration.build()
    begin = time.perf_counter()
    training.train(network, train_images, test_images, recipe, seed, device=device, progress=progress)
    seconds = time.perf_counter() - begin
    moments = [value.to(device) for value in data.mean_and_spread(train_images)]
    scores = {
        f"{part}_{name}": round(value, 5)
        for part, images in (("train", train_images), ("test", test_images))
        for name, value in training.evaluate(network, images, *moments, recipe).items()
    }
    return {
        "configuration": str(configuration),
        "seed": seed,
        "parameters": count_parameters(network),
        "macs": count_macs(configuration.build(), train_images.pixels.shape[1:]),
        "images": len(train_images.labels),
        "epochs": recipe.epochs,
        **scores,
        "seconds": round(seconds),
        **where,
    }


def circumstances(device: str | torch.device = "cpu") -> dict[str, Any]:
    """Where a row came from: device, threads, versions of Python and torch, git revision ("no git" without one)."""
    name = torch.cuda.get_device_name() if str(device).startswith("cuda") else f"{platform.machine()} CPU"
    revision = ""
    if shutil.which("git"):
        git = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent
        )
        revision = git.stdout.strip()
    return {
        "device": name,
        "threads": torch.get_num_threads(),
        "revision": revision or "no git",
        "versions": f"Python {platform.python_version()} torch {torch.__version__.split('+')[0]}",
    }


def column(rows: Iterable[dict[str, str]], configuration: Configuration, name: str) -> dict[int, float]:
    """``{seed: value}`` of one configuration. Raises ``ValueError`` that lists what there is."""
    values = {int(row["seed"]): float(row[name]) for row in rows if row["configuration"] == str(configuration)}
    if not values:
        known = sorted({row["configuration"] for row in rows})
        raise ValueError(f"no run of configuration={str(configuration)!r}; there is {known}")
    return values
