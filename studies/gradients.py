"""Gradients at the start of training, over depth: ``python -m studies.gradients``. The plan is gradients.md.

Writes resnext_lib/evidence/gradient_totals.csv (a row for every network) and gradient_growth.csv (a row for every block
of the networks of 27 blocks, over the seeds). Resumes where it stopped.

    python -m studies.gradients --print      the analysis of what is there
"""

import argparse
import math
from statistics import mean

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from resnext_lib import data
from resnext_lib.blocks import Bottleneck, conv3x3
from resnext_lib.networks import initialise
from resnext_lib.statistics import interval
from studies.tables import Table

KINDS, BLOCKS, CHANNELS, SEEDS = ("plain", "two-layer", "bottleneck", "ResNeXt"), (10, 16, 27, 50), (32, 64), (0, 1, 2, 3, 4)
SHOWN, BATCH = 27, 32
TOTALS = ("kind", "channels", "blocks", "layers", "seed", "total", "first_weight_ratio")
GROWTH = ("kind", "channels", "block", "seeds", "growth", "smallest", "largest", "gradient_behind")
A = math.pi / (math.pi - 1)  # batch norm and ReLU multiply the squared gradient by this: arXiv 1902.08129


class PlainLayer(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, channels):
        super().__init__(conv3x3(channels, channels), nn.BatchNorm2d(channels), nn.ReLU())


class TwoLayerBlock(nn.Module):
    """``relu(x + F(x))`` with two 3x3 convolutions in F."""

    def __init__(self, channels):
        super().__init__()
        self.transform = nn.Sequential(PlainLayer(channels), conv3x3(channels, channels), nn.BatchNorm2d(channels))

    def forward(self, x):
        return torch.relu(self.transform(x) + x)


def parts(kind, channels, blocks):
    """The measured parts of a network in order: layers for "plain", two to a block; blocks for the others."""
    build = {
        "plain": lambda: PlainLayer(channels),
        "two-layer": lambda: TwoLayerBlock(channels),
        "bottleneck": lambda: Bottleneck(channels, channels // 4, channels),
        "ResNeXt": lambda: Bottleneck(channels, channels // 2, channels, cardinality=channels // 4),
    }[kind]
    return [build() for _ in range(2 * blocks if kind == "plain" else blocks)]


class Network(nn.Module):
    """A stem, the parts, and a classifier; ``forward`` returns the logits and every part's input and output."""

    def __init__(self, kind, channels, blocks):
        super().__init__()
        stem = nn.Conv2d(1, channels, 3, stride=2, padding=1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(channels), nn.ReLU())
        self.parts = nn.ModuleList(parts(kind, channels, blocks))
        self.fc = nn.Linear(channels, 10)
        initialise(self)

    def forward(self, x):
        stream = [self.stem(x)]
        for part in self.parts:
            stream.append(part(stream[-1]))
        return self.fc(stream[-1].mean(dim=(2, 3))), stream


def pictures(images, seed):
    """``BATCH`` pictures drawn by ``seed``, normalised, and their labels."""
    chosen = torch.randperm(len(images.labels), generator=torch.Generator().manual_seed(seed))[:BATCH]
    return data.normalise(images.pixels[chosen], *data.mean_and_spread(images)), images.labels[chosen]


def norms(network, x, labels):
    """The gradient's norm at the input of the first part and at the output of every part, and the weights' ratio."""
    logits, stream = network(x)
    for tensor in stream:
        tensor.retain_grad()
    functional.cross_entropy(logits, labels).backward()
    first, last = (next(network.parts[n].parameters()).grad.norm().item() for n in (0, -1))
    return [tensor.grad.norm().item() for tensor in stream], first / last


def growths(kind, channels, blocks, seed, images):
    """The growth of each part from the first to the last, and the ratio of the weights' gradients."""
    torch.manual_seed(seed)
    network = Network(kind, channels, blocks)
    sizes, ratio = norms(network, *pictures(images, seed))
    return [before / behind for before, behind in zip(sizes, sizes[1:], strict=False)], ratio


def growth_rows(kind, channels, found):
    """A row a part from ``{seed: growths}``: geometric mean, range, and the gradient behind it (last output: 1)."""
    rows = []
    values = list(zip(*found.values(), strict=True))
    means = [math.exp(mean(map(math.log, own))) for own in values]
    for number, own in enumerate(values):
        rows.append(
            {
                "kind": kind,
                "channels": channels,
                "block": number + 1,
                "seeds": len(own),
                "growth": round(means[number], 4),
                "smallest": round(min(own), 4),
                "largest": round(max(own), 4),
                "gradient_behind": f"{math.prod(means[number + 1 :]):.5g}",
            }
        )
    return rows


def measure():
    images = data.fashion_subset("train")
    totals, growth = Table("gradient_totals", TOTALS, "gradients.md"), Table("gradient_growth", GROWTH, "gradients.md")
    for kind, channels, blocks in [(k, c, b) for c in CHANNELS for k in KINDS for b in BLOCKS]:
        shown = blocks == SHOWN and not growth.has(kind=kind, channels=channels)
        if not shown and all(totals.has(kind=kind, channels=channels, blocks=blocks, seed=s) for s in SEEDS):
            continue
        found, rows = {}, []
        for seed in SEEDS:
            found[seed], ratio = growths(kind, channels, blocks, seed, images)
            rows.append(
                {
                    "kind": kind,
                    "channels": channels,
                    "blocks": blocks,
                    "seed": seed,
                    "layers": blocks * (2 if kind in ("plain", "two-layer") else 3),
                    "total": f"{math.prod(found[seed]):.5g}",
                    "first_weight_ratio": f"{ratio:.5g}",
                }
            )
        if shown:
            growth.add(growth_rows(kind, channels, found))
        totals.add([row for row in rows if not totals.has(**{name: row[name] for name in TOTALS[:5]})])
        print(kind, channels, blocks, [row["total"] for row in rows], flush=True)


# ------------------------------------------------------------------ the analysis that the plan names


def mean_total(totals, kind, channels, blocks):
    """The geometric mean of the totals over the seeds."""
    own = [
        float(row["total"])
        for row in totals
        if (row["kind"], int(row["channels"]), int(row["blocks"])) == (kind, channels, blocks)
    ]
    return math.exp(mean(map(math.log, own)))


def fits(totals, kind, channels):
    """Sums of squares of log(total) around a line in log(blocks) and in blocks, and the first line's slope."""
    y = np.log([mean_total(totals, kind, channels, blocks) for blocks in BLOCKS])
    power, exponential = ((np.polyfit(x, y, 1), x) for x in (np.log(BLOCKS), np.array(BLOCKS, dtype=float)))
    squares = [float(((np.polyval(line, x) - y) ** 2).sum()) for line, x in (power, exponential)]
    return *squares, float(power[0][0])


def predicted(block, layers):
    """The growth that the conjecture gives: the square root of 1 + a^k / l."""
    return math.sqrt(1 + A**layers / block)


def report(totals, growth):
    for channels in CHANNELS:
        own = [
            float(r["total"])
            for r in totals
            if (r["kind"], r["channels"], r["blocks"]) == ("plain", str(channels), str(SHOWN))
        ]
        middle, half = interval(math.log(total) / 54 for total in own)
        layers = [float(r["growth"]) for r in growth if (r["kind"], r["channels"]) == ("plain", str(channels))]
        low, high = math.exp(middle - half), math.exp(middle + half)
        print(
            f"1. plain, {channels} channels, 54 layers: a layer {math.exp(middle):.4f} ({low:.4f} to {high:.4f}), first "
            f"half {mean(layers[:27]):.4f}, second {mean(layers[27:]):.4f}; total {min(own):.0f} to {max(own):.0f}"
        )
        for blocks in BLOCKS:
            total = mean_total(totals, "two-layer", channels, blocks)
            print(
                f"2. two-layer, {channels} channels, {blocks} blocks: {total:.2f}, "
                f"{total / (blocks + 1) - 1:+.1%} from blocks + 1"
            )
        for kind in KINDS:
            power, exponential, slope = fits(totals, kind, channels)
            shown = ", ".join(f"{mean_total(totals, kind, channels, b):.4g}" for b in BLOCKS)
            print(
                f"3. {kind}, {channels}: totals {shown}; squares {power:.4f} power (slope {slope:.2f}), "
                f"{exponential:.4f} exponential"
            )
        for kind in KINDS[1:]:
            k = 2 if kind == "two-layer" else 3
            rows = [r for r in growth if (r["kind"], r["channels"]) == (kind, str(channels))]
            wanted = [predicted(int(r["block"]), k) for r in rows]
            gaps = [abs(float(r["growth"]) - w) for r, w in zip(rows, wanted, strict=True)]
            first = [(float(r["growth"]), round(w, 2)) for r, w in zip(rows[:6], wanted, strict=False)]
            print(
                f"4. {kind}, {channels}: mean gap {mean(gaps):.3f}, total predicted {math.prod(wanted):.1f}, measured "
                f"{mean_total(totals, kind, channels, SHOWN):.1f}; first blocks (measured, predicted) {first}"
            )


def main(argv=None):
    parser = argparse.ArgumentParser("python -m studies.gradients", description=__doc__.split("\n")[0])
    parser.add_argument("--print", action="store_true", help="print the analysis, measure nothing")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    if not options.print:
        measure()
    report(Table("gradient_totals", TOTALS, "gradients.md").rows, Table("gradient_growth", GROWTH, "gradients.md").rows)


if __name__ == "__main__":
    main()
