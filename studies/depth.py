"""Does a deeper network learn better? Plain and residual stacks on real textures.

Writes resnext_lib/evidence/depth.csv, one row a run, and resumes where it stopped:
    python -m studies.depth
Data: 16x16 patches of eight photographs that come with scikit-image; the left 60 % of each picture is
for training, the right 35 % for testing. The task is to name the picture a patch comes from.
"""

import platform
from pathlib import Path

import torch
from skimage import data
from torch import nn
from torch.nn import functional

from studies import rows as table

PICTURES = ("brick", "grass", "gravel", "camera", "coins", "moon", "page", "text")
DEPTHS, SEEDS, STEPS, BATCH, PATCH, WIDTH = (8, 20, 56), (0, 1, 2), 300, 64, 16, 16
CSV = Path(__file__).parent.parent / "resnext_lib" / "evidence" / "depth.csv"
COLUMNS = [
    "kind",
    "depth",
    "seed",
    "step",
    "train_loss",
    "train_error",
    "test_error",
    "parameters",
    "torch",
    "threads",
    "device",
]


class Stack(nn.Module):
    """3x3 convolutions of one width, two to a block; with ``shortcut`` every block adds its input."""

    def __init__(self, depth, shortcut):
        super().__init__()
        self.shortcut = shortcut
        self.stem = nn.Sequential(nn.Conv2d(1, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU())
        self.blocks = nn.ModuleList(self.block() for _ in range((depth - 2) // 2))
        self.fc = nn.Linear(WIDTH, len(PICTURES))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def block():
        first, second = (nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False) for _ in range(2))
        return nn.Sequential(first, nn.BatchNorm2d(WIDTH), nn.ReLU(), second, nn.BatchNorm2d(WIDTH))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = torch.relu(block(x) + x) if self.shortcut else torch.relu(block(x))
        return self.fc(x.mean(dim=(2, 3)))


def pictures():
    """Every picture as floats with mean 0 and spread 1."""
    tensors = [torch.from_numpy(getattr(data, name)()).float() for name in PICTURES]
    return [(picture - picture.mean()) / picture.std() for picture in tensors]


def patches(images, count, generator, part):
    """``count`` random patches and the numbers of their pictures; ``part`` is (from, to) of the width."""
    labels = torch.randint(len(images), (count,), generator=generator)
    chosen = []
    for label in labels.tolist():
        image = images[label]
        first, last = int(part[0] * image.shape[1]), int(part[1] * image.shape[1]) - PATCH
        row = int(torch.randint(image.shape[0] - PATCH + 1, (1,), generator=generator))
        column = int(torch.randint(first, last + 1, (1,), generator=generator))
        chosen.append(image[row : row + PATCH, column : column + PATCH])
    return torch.stack(chosen).unsqueeze(1), labels


def error(network, images, part):
    """Share of wrong answers on 1000 fixed patches, in eval mode."""
    x, labels = patches(images, 1000, torch.Generator().manual_seed(99), part)
    with torch.inference_mode():
        wrong = network.eval()(x).argmax(dim=1) != labels
    network.train()
    return wrong.float().mean().item()


def run(kind, depth, seed, images):
    """Train once; return the rows measured on the way."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = Stack(depth, kind == "residual")
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    rows, losses = [], []
    for step in range(1, STEPS + 1):
        if step == int(0.8 * STEPS):
            optimiser.param_groups[0]["lr"] = 0.01
        x, labels = patches(images, BATCH, generator, (0.0, 0.6))
        loss = functional.cross_entropy(network(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if step % 30 == 0:
            train_error, test_error = error(network, images, (0.0, 0.6)), error(network, images, (0.65, 1.0))
            parameters = sum(p.numel() for p in network.parameters())
            rows.append(
                [
                    kind,
                    depth,
                    seed,
                    step,
                    f"{sum(losses[-30:]) / 30:.4f}",
                    f"{train_error:.4f}",
                    f"{test_error:.4f}",
                    parameters,
                    torch.__version__.split("+")[0],
                    torch.get_num_threads(),
                    platform.machine() + " CPU",
                ]
            )
    return rows


def main():
    done = {(r["kind"], int(r["depth"]), int(r["seed"])) for r in table.read(CSV, COLUMNS)}
    images = pictures()
    for seed in SEEDS:
        for depth in DEPTHS:
            for kind in ("plain", "residual"):
                if (kind, depth, seed) not in done:
                    rows = run(kind, depth, seed, images)
                    with table.locked(CSV):  # a run's rows come together, or none of them
                        new = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
                        table.write(CSV, COLUMNS, [*table.read(CSV, COLUMNS), *new])
                    print(kind, depth, seed, rows[-1][4:7], flush=True)


if __name__ == "__main__":
    main()
