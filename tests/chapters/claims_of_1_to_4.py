"""Claims of chapters 1 to 4: a passage, and what it follows from (tests/claims_for_tests.py says how)."""

import inspect
import math
import re
import statistics
from functools import cache

import torch
from claims_for_tests import row, words
from randomness import without_data
from skimage import data
from torch import nn
from torch.nn import functional

from resnext_lib import figures, networks
from resnext_lib.complexity import RESNET_BUDGET, count_macs, count_parameters, stage_costs
from resnext_lib.networks import GOOGLENET_MODULES
from resnext_lib.published import evidence, published
from studies import depth, gradients

IMAGE = (3, 224, 224)


@cache
def built(build):
    """The network, without data, once for all claims; nobody may change it."""
    return without_data(build)


def conv(*sizes, **options):
    return without_data(nn.Conv2d, *sizes, bias=False, **options)


def weights(*sizes, **options):
    return conv(*sizes, **options).weight.numel()


# ------------------------------------------------------------------ chapter 1


@cache
def stages():
    return stage_costs(built(networks.resnet50), IMAGE)


def share(stage, what):
    """A stage's share of ResNet-50's parameters or MACs."""
    return getattr(stages()[stage], what) / sum(getattr(cost, what) for cost in stages().values())


def early_share():
    """What the first stage has of ResNet-50's parameters and of its MACs, in per cent."""
    return 100 * share("layer1", "parameters"), 100 * share("layer1", "macs")


def edge():
    """The output number of Figure 1.1's marked window."""
    image = torch.tensor([[1, 1, 1, 5, 5]] * 4 + [[2] * 5])
    return int((image[0:3, 1:4] * torch.tensor([[-1, 0, 1]] * 3)).sum())


def sees(*kernels):
    """The side of what a stack of convolutions of stride 1 sees, measured."""
    stack = nn.Sequential(*(nn.Conv2d(1, 1, k, padding=k // 2) for k in kernels))
    return int(figures.receptive_field(stack, 15).any(0).sum())


SQUEEZED = weights(256, 64, 1) + weights(64, 64, 3) + weights(64, 256, 1)


def cost_of_half_the_map():
    """(weights, MACs) of a 3×3, with half the side and twice the channels against before."""
    before, after = conv(64, 64, 3, padding=1), conv(128, 128, 3, padding=1)
    return count_parameters(after) / count_parameters(before), count_macs(after, (128, 28, 28)) / count_macs(
        before, (64, 56, 56)
    )


CHAPTER_1 = {
    "it multiplies {:.0f} billion times, and it keeps {:.0f} million weights".replace("{:.0f} b", "four b"): lambda: round(
        sum(cost.parameters for cost in stages().values()) / 1e6
    ),
    "in one part of this network by a factor of twenty": lambda: (
        18 < share("layer1", "macs") / share("layer1", "parameters") < 22
    ),
    "and {} says: here is an edge": edge,
    "The marked {} is the sum of the marked window": edge,
    "with the marked number {}.": edge,
    "one kernel *for every input channel* and adds up what they give": lambda: conv(4, 6, 3).weight.shape[:2] == (6, 4),
    "{} × {} kernels of {} weights": lambda: (*conv(4, 6, 3).weight.shape[:2], 9),
    "A table of {} rows and {} columns, completely filled": lambda: tuple(conv(4, 6, 3).weight.shape[:2]),
    "which is why 5×5 became 3×3 above": lambda: conv(1, 1, 3)(torch.empty(1, 1, 5, 5, device="meta")).shape[2:] == (3, 3),
    "in steps of two pixels, `stride=2`, it halves the map's side": lambda: (
        conv(1, 1, 3, padding=1, stride=2)(torch.empty(1, 1, 56, 56, device="meta")).shape[2] == 28
    ),
    "Half the side and twice the channels: four times the weights, the same MACs.": lambda: cost_of_half_the_map() == (4, 1),
    "the weights grow fourfold each time, the MACs stay": lambda: cost_of_half_the_map() == (4, 1),
    "Twice the channels on both sides make four times the weights; a quarter of the places uses them; so the "
    "multiplications stay the same": lambda: cost_of_half_the_map() == (4, 1),
    "A 1×1 mixes channels for a ninth of the price": lambda: weights(64, 64, 3) == 9 * weights(64, 64, 1),
    "for a ninth of what a 3×3 costs": lambda: weights(64, 64, 3) == 9 * weights(64, 64, 1),
    "the three short bars together are an eighth of the long one": lambda: 7.5 < weights(256, 256, 3) / SQUEEZED < 8.6,
    "The second costs about an eighth": lambda: 7.5 < weights(256, 256, 3) / SQUEEZED < 8.6,
    "The number **{:,}** will come back": lambda: SQUEEZED,
    "Two 3×3s see as far as one 5×5\n\nWhy": lambda: sees(3, 3) == sees(5) == 5,
    "one 3x3 convolution sees {0} by {0} pixels, two see {1} by {1}, three see {2} by {2}.": lambda: (
        sees(3),
        sees(3, 3),
        sees(3, 3, 3),
    ),
    "Each 3×3 adds two pixels to what is seen": lambda: sees(3, 3) - sees(3) == sees(3, 3, 3) - sees(3, 3) == 2,
    "with {} weights instead of {} for every pair of channels": lambda: (2 * weights(1, 1, 3), weights(1, 1, 5)),
    "The stage `layer1` holds {:.1f} % of the weights and does {:.0f} %": lambda: early_share(),
    "of the work: about twenty times its share": lambda: 18 < share("layer1", "macs") / share("layer1", "parameters") < 22,
    "`layer4` holds most of the weights and does a fifth": lambda: (
        share("layer4", "parameters") > 0.5 and abs(share("layer4", "macs") - 1 / 5) < 0.01
    ),
    "In a whole network the weights sit at the end": lambda: share("layer4", "parameters") > 0.5,
    "The weights sit at the end, the multiplications are spread out": lambda: (
        share("layer4", "parameters") > 0.5 and max(share(f"layer{i}", "macs") for i in (1, 2, 3, 4)) < 0.4
    ),
    "Weights grow towards layer4; MACs are spread over all four stages": lambda: (
        sorted(range(1, 5), key=lambda i: share(f"layer{i}", "parameters")) == [1, 2, 3, 4]
    ),
    "tools that count these, the FLOPs, print twice the MACs": lambda: (
        row(1, "c01-027", "PyTorch's counter:")[0] == 2 * row(1, "c01-027", "ours:")[0]
    ),
    "it has 64 times as many as (b)": lambda: weights(512, 512, 3) == 64 * weights(64, 64, 3),
    "it costs the most MACs of the three": lambda: (
        weights(3, 64, 7) * 112**2 > weights(64, 64, 3) * 56**2 == weights(512, 512, 3) * 7**2
    ),
    "with {} weights for a pair of channels instead of {}": lambda: (3 * weights(1, 1, 3), weights(1, 1, 7)),
    "Ada says {:,}, Ben {:,}, Cem {:,}, and Dora {:,}": lambda: [
        factor * weights(64, 128, 3) * 28 * 28 // divisor for factor, divisor in ((2, 1), (4, 1), (1, 3), (1, 64))
    ],
    "turns 56 into {}, a 7×7 with padding 3 and stride 2 turns 224 into {}, and a 5×5 without padding and with stride 3 "
    "turns 9 into {}": lambda: [
        conv(1, 1, k, stride=s, padding=p)(torch.empty(1, 1, n, n, device="meta")).shape[2]
        for n, k, s, p in ((56, 3, 2, 1), (224, 7, 2, 3), (9, 5, 3, 0))
    ],
    "The photograph comes with scikit-image": lambda: data.camera().shape == (512, 512),
}

# ------------------------------------------------------------------ chapter 2

WIDTHS = GOOGLENET_MODULES["3a"]


def out_channels(module):
    return sum(module[name] for name in ("conv1x1", "conv3x3", "conv5x5", "pool_projection"))


def large_share(module):
    return round(100 * (module["conv3x3"] + module["conv5x5"]) / out_channels(module))


def module_weights(double=1):
    """The weights of module 3a's convolutions, its widths times ``double``."""
    one, r3, three, r5, five, pool = (double * width for width in WIDTHS.values())
    return 192 * (one + r3 + r5 + pool) + 9 * r3 * three + 25 * r5 * five


def doubling():
    """The modules, to the last one, whose 3×3 gives out twice what its reduction does; no earlier one does."""
    names = list(GOOGLENET_MODULES)
    found = [name for name in names if GOOGLENET_MODULES[name]["conv3x3"] == 2 * GOOGLENET_MODULES[name]["reduce3x3"]]
    assert found == names[-len(found) :]
    return found


NAIVE = 192 * (64 + 128 * 9 + 32 * 25)
DENSE = weights(192, 256, 5)
REDUCED = weights(192, 16, 1) + weights(16, 32, 5)
THREE = weights(192, 96, 1) + weights(96, 128, 3)

CHAPTER_2 = {
    "in the place of GoogLeNet's first one: {} channels on a 28×28 map": lambda: next(
        layer.in_channels for layer in built(networks.googlenet).inception3a.modules() if isinstance(layer, nn.Conv2d)
    ),
    "Four branches from 192 channels: a 1x1 to {}, a 3x3 to {}, a 5x5 to {}, and a 3x3 maximum that keeps {}; they are concatenated to {} channels": lambda: (
        *(WIDTHS[name] for name in ("conv1x1", "conv3x3", "conv5x5")),
        192,
        64 + 128 + 32 + 192,
    ),
    "The pooling passes all {} channels on, so the output has {}": lambda: (192, 64 + 128 + 32 + 192),
    "and every further module more": lambda: 64 + 128 + 32 + (64 + 128 + 32 + 192) > 64 + 128 + 32 + 192,
    "Four windows side by side give out more than twice what they read": lambda: (64 + 128 + 32 + 192) / 192 > 2,
    "One channel of the 5×5 branch costs as much as {} channels of the 1×1 branch, because its filter reads all {} "
    "channels through {} pixels": lambda: (weights(192, 1, 5) // weights(192, 1, 1), 192, 25),
    "Nearly ten times fewer": lambda: 9.5 < weights(192, 32, 5) / REDUCED < 10,
    "the 5×5 now sees {} mixtures of the {} channels": lambda: (WIDTHS["reduce5x5"], 192),
    "Four unequal branches from 192 channels: 1x1 to {}; 1x1 to {} and 3x3 to {}; 1x1 to {} and 5x5 to {}; 3x3 maximum and 1x1 to {}. They are concatenated to {} "
    "channels": lambda: (*WIDTHS.values(), out_channels(WIDTHS)),
    "{} + {} + {} + {} = {} channels come out": lambda: (
        *(WIDTHS[name] for name in ("conv1x1", "conv3x3", "conv5x5", "pool_projection")),
        out_channels(WIDTHS),
    ),
    "The module can do less than one large layer, and costs a seventh": lambda: 7 < DENSE / module_weights() < 8,
    "So the module is a large layer with most of its weights left out": lambda: module_weights() < DENSE / 2,
    "one dense 5x5 {:,}, four windows without reductions {:,}, module 3a {:,}": lambda: (DENSE, NAIVE, module_weights()),
    "Splitting saves two thirds, reducing saves half of the rest and more": lambda: (
        abs(1 - NAIVE / DENSE - 2 / 3) < 0.03 and module_weights() < NAIVE / 2
    ),
    "One dense 5×5 from 192 to 256 channels, the module of Figure 2.2, which gives out {}, and that of Figure 2.3, which gives out {}": lambda: (
        416,
        out_channels(WIDTHS),
    ),
    "GoogLeNet has nine modules and {} widths": lambda: sum(map(len, GOOGLENET_MODULES.values())),
    "Which of the {} numbers do you change": lambda: sum(map(len, GOOGLENET_MODULES.values())),
    "The numbers were set by the designers: {} widths, explained only in part": lambda: sum(
        map(len, GOOGLENET_MODULES.values())
    ),
    "{} of these networks together, each shown {} crops of a photograph, missed the right class with all five best guesses "
    "in only {:.1f} %; one network with one crop in {:.1f} %": lambda: (
        {7: "Seven"}[published("googlenet.ensemble.networks")["value"]],
        published("googlenet.ensemble.crops")["value"],
        published("googlenet.ensemble.top5")["value"],
        published("googlenet.single.top5")["value"],
    ),
    "By the paper's count one of them has {} times fewer parameters than AlexNet": lambda: {12: "twelve"}[
        published("googlenet.fewer-than-alexnet")["value"]
    ],
    "3×3s that double what their reduction gives them, from {} on": lambda: doubling()[0],
    "the 1×1 would be the widest, and in no module is it wider than the 3×3": lambda: all(
        module["conv1x1"] <= module["conv3x3"] for module in GOOGLENET_MODULES.values()
    ),
    "from {} % it falls to {}, rises to {} at 4d, and falls to {} % again": lambda: (
        large_share(GOOGLENET_MODULES["3a"]),
        min(large_share(GOOGLENET_MODULES[name]) for name in ("3b", "4a")),
        large_share(GOOGLENET_MODULES["4d"]),
        large_share(GOOGLENET_MODULES["5b"]),
    ),
    "The share of large windows should rise, and does not": lambda: (
        large_share(GOOGLENET_MODULES["5b"]) < large_share(GOOGLENET_MODULES["3a"])
    ),
    "rises within the middle modules and ends where it was lowest": lambda: (
        large_share(GOOGLENET_MODULES["5b"]) == min(map(large_share, GOOGLENET_MODULES.values()))
    ),
    "The module still runs and gives {} channels": lambda: out_channels(WIDTHS),
    "so 28×28 becomes {0}×{0}": lambda: nn.MaxPool2d(3)(torch.empty(1, 1, 28, 28)).shape[2],
    "GoogLeNet has {} layers, two in each module and four outside": lambda: 2 * len(GOOGLENET_MODULES) + 4,
    "(b) is right: 64 + 128 + 32, and the pooling passes all {} on": lambda: 416,
    "16 · 32 weights for each of the {} pixels that a 3×3 has fewer than a 5×5": lambda: 25 - 9,
    "{:,} weights for 32 channels are {} each, {:,} for 128 channels are {:,}": lambda: (
        REDUCED,
        REDUCED // 32,
        THREE,
        THREE // 128,
    ),
    "a channel of it would cost almost three times as much, but it has a quarter of the channels": lambda: (
        2.7 < 25 / 9 < 3 and WIDTHS["conv5x5"] * 4 == WIDTHS["conv3x3"]
    ),
    "trains each of these {} networks often enough to rule out luck": lambda: 2 * 54,
    "Your module 3a gives 256 channels, but has {:,} weights too few": lambda: 16 * 32 * (25 - 9),
}


# ------------------------------------------------------------------ chapter 3


@cache
def totals():
    found = {}
    for entry in evidence("gradient_totals"):
        found.setdefault((entry["kind"], entry["channels"], entry["blocks"]), []).append(float(entry["total"]))
    return {key: statistics.geometric_mean(values) for key, values in found.items()}


def grown(kind):
    return round(totals()[kind, "32", "27"])


def mean_error(kind, depth):
    rows = [r for r in evidence("depth") if (r["kind"], r["depth"], r["step"]) == (kind, str(depth), "300")]
    return 100 * statistics.mean(float(r["train_error"]) for r in rows)


def medians():
    """The growth of the gradient by the number of plain layers, as the chapter shows it."""
    found = {}
    for entry in evidence("gradient_totals"):
        if (entry["kind"], entry["channels"]) == ("plain", "32"):
            found.setdefault(int(entry["layers"]), []).append(float(entry["total"]))
    return {layers: statistics.median(values) for layers, values in sorted(found.items())}


def each_layer():
    """The growth of the gradient a layer, by the number of plain layers."""
    return {layers: growth ** (1 / layers) for layers, growth in medians().items()}


def growth_through(layers):
    """The growth through so many plain layers, at a constant factor between the two nearest networks of the table."""
    below, above = max(n for n in medians() if n < layers), min(n for n in medians() if n > layers)
    share = (layers - below) / (above - below)
    return medians()[below] ** (1 - share) * medians()[above] ** share


def behind_relu():
    """(mean, mean of the squares) of what ReLU makes of normal numbers of variance 1, summed over their density."""
    steps = [step / 1000 for step in range(8000)]
    density = [math.exp(-step * step / 2) / math.sqrt(2 * math.pi) / 1000 for step in steps]
    return [sum(step**power * part for step, part in zip(steps, density, strict=True)) for power in (1, 2)]


def growths(kind):
    """The growth of the gradient in each block, from the first to the last."""
    return [float(r["growth"]) for r in evidence("gradient_growth") if (r["kind"], r["channels"]) == (kind, "32")]


def misses(kind):
    """How far a power and an exponential of the depth miss the totals of this kind, in squares."""
    return gradients.fits(evidence("gradient_totals"), kind, 32)[:2]


def recipe():
    """Momentum, and the learning rate at first and at the end, as the study's program has them."""
    program = inspect.getsource(depth.run)
    first, momentum = re.search(r"lr=([\d.]+), momentum=([\d.]+)", program).groups()
    return momentum, first, re.search(r'\["lr"\] = ([\d.]+)', program)[1]


def on_imagenet(kind, layers):
    return published(f"resnet.{kind}-{layers}.top1")["value"]


WITH_SHORTCUTS = ("two-layer", "bottleneck", "ResNeXt")
CHAPTER_3 = {
    "to tell {} photographs apart by patches of {}×{} pixels": lambda: (
        {8: "eight"}[len(depth.PICTURES)],
        depth.PATCH,
        depth.PATCH,
    ),
    "pairs of 3×3 convolutions on {} channels": lambda: depth.WIDTH,
    "Guessing is wrong in {} % of the cases": lambda: 100 * (1 - 1 / len(depth.PICTURES)),
    "after {} small corrections of the weights, for three runs each": lambda: max(int(r["step"]) for r in evidence("depth")),
    "on ImageNet, trained to the end, 34 plain layers have an error of {:.1f} % and 18 one of {:.1f} %": lambda: (
        on_imagenet("plain", 34),
        on_imagenet("plain", 18),
    ),
    "on ImageNet, where 34 plain layers have an error of {:.1f} %, 18 with shortcuts have one of {:.1f} % and 34 one of {:.1f} %": lambda: (
        on_imagenet("plain", 34),
        on_imagenet("residual", 18),
        on_imagenet("residual", 34),
    ),
    "Depth pays on a larger task": lambda: on_imagenet("residual", 34) < on_imagenet("residual", 18),
    "Deeper got worse\n": lambda: mean_error("plain", 8) < mean_error("plain", 20) < mean_error("plain", 56),
    "That is a factor of {:.2f} to {:.2f} for every layer, the smallest in the deepest network": lambda: (
        (min(each_layer().values()), max(each_layer().values()))
        if min(each_layer(), key=each_layer().get) == max(each_layer())
        else (0, 0)
    ),
    "the mean after it is {:.2f} and the mean of the squares {:.2f}; {:.2f}² is {:.2f}, which is $1/\\pi$ of {:.2f}": lambda: (
        *behind_relu(),
        behind_relu()[0],
        behind_relu()[0] ** 2,
        behind_relu()[1],
    ),
    "of 0.50, about a third": lambda: abs(behind_relu()[0] ** 2 / behind_relu()[1] - 1 / 3) < 0.02,
    "by $1/\\sqrt{{1 - 1/\\pi}} = {:.2f}$": lambda: 1 / math.sqrt(1 - 1 / math.pi),
    "is left: {:.2f} times, at every layer": lambda: 1 / math.sqrt(1 - 1 / math.pi),
    "For very wide, fully connected networks and large batches {:.2f} is proved": lambda: 1 / math.sqrt(1 - 1 / math.pi),
    "our narrow networks stay a little below": lambda: all(
        0.97 < factor * math.sqrt(1 - 1 / math.pi) < 1 for factor in each_layer().values()
    ),
    "A shortcut slows the growth from block to block": lambda: all(
        growths(kind)[0] > 2 > growths(kind)[1] > growths(kind)[4] > growths(kind)[-1] for kind in WITH_SHORTCUTS
    ),
    "the gradient grows exponentially without shortcuts (a straight line here)": lambda: min(growths("plain")) > 1.1,
    "From {} to {} blocks it is a power of the depth for two-layer and ResNeXt blocks; for bottlenecks of this width a power "
    "and an exponential fit equally well": lambda: powers_of_the_depth(),
    "and {:.0f} thousand without shortcuts": lambda: totals()["plain", "32", "27"] / 1000,
    "\\cdots \\tfrac{{28}}{{27}} = {}$$": lambda: round(math.prod((b + 1) / b for b in range(1, 28))),
    "{} for 27 blocks of two layers, {} for bottlenecks and {} for ResNeXt's blocks": lambda: [
        grown(kind) for kind in ("two-layer", "bottleneck", "ResNeXt")
    ],
    "the curves flatten and reach {}, {} and {}.": lambda: [grown(kind) for kind in ("two-layer", "bottleneck", "ResNeXt")],
    "climbs to {:.0f} thousand at the first block": lambda: totals()["plain", "32", "27"] / 1000,
    "The last box of each is blue: 1/2, 1/3, up to 1/7": lambda: True,  # tests/library/test_figures.py draws them
    "56 layers do worse than 20 here, with {:.1f} % against {:.1f} %": lambda: (
        mean_error("residual", 56),
        mean_error("residual", 20),
    ),
    "With the plus sign 56 layers learn, without it they hardly do": lambda: (
        mean_error("residual", 56) < 30 < 70 < mean_error("plain", 56)
    ),
    "With the plus sign, 56 layers learn": lambda: mean_error("residual", 56) < 30,
    "gradient descent with momentum {} (chapter 8) and learning rate {}, then {}, at every depth": recipe,
    "the residual ones lie below them from step {} on": lambda: below_from(),
    "over {} steps, three runs each: the plain curves stay near their start": lambda: max(
        int(r["step"]) for r in evidence("depth")
    ),
    "yet 64 channels cannot be added to {}": lambda: 256,
    "where two 3×3s would have {:.1f} million weights": lambda: 2 * weights(256, 256, 3) / 1e6,
    "**{:,} weights are the budget of this book.**": lambda: RESNET_BUDGET,
    "More than half of it goes into the 3×3": lambda: 0.5 < weights(64, 64, 3) / RESNET_BUDGET < 0.55,
    "three in each of {} blocks and a classifier after them make {} layers": lambda: (
        sum((3, 4, 6, 3)),
        1 + 3 * sum((3, 4, 6, 3)) + 1,
    ),
    "of {}, {}, {} and {} bottlenecks": lambda: [len(getattr(built(networks.resnet50), f"layer{i}")) for i in (1, 2, 3, 4)],
    "layer1 with {} blocks and {} channels on 56 by 56, layer2 with {} and {}, layer3 with {} and {}, layer4 with {} and {} "
    "on 7 by 7": lambda: [
        value
        for i in (1, 2, 3, 4)
        for stage in [getattr(built(networks.resnet50), f"layer{i}")]
        for value in (len(stage), stage[0].out_channels)
    ],
    "The first: 64 in, 1x1 to 64, 3x3, 1x1 to {}, shortcut": lambda: 4 * 64,
    "ResNet-50: every block costs the same": lambda: len({row(3, "c03-043", f"layer{i} ")[-1] for i in (1, 2, 3, 4)}) == 1,
    "with the whole gap closed, {} % would remain": lambda: _asked_error(),
    "then about 0.7 of the gradient's size is left": lambda: (
        row(3, "c03-054", "question 3, for 1 and for 50 blocks:")[0] == 1.0 and abs(math.sqrt(1 / 2) - 0.7) < 0.01
    ),
    "(a) is right: a constant factor a layer makes 40 · 40": lambda: 40 * 40 == 1600,
    "the factor of the networks above shrinks a little, so that they would come to less": lambda: (
        list(each_layer().values()) == sorted(each_layer().values(), reverse=True) and 1000 < growth_through(40) < 1600
    ),
    "a gap of three percentage points leaves little": lambda: _asked_error(1) - _asked_error() == 3,
    "relu(3 − 2) is {}, relu(3) + relu(−2) is {}": lambda: (max(3 - 2, 0), max(3, 0) + max(-2, 0)),
}


def powers_of_the_depth():
    """From how many blocks to how many a power fits two kinds better by far, and the third no better than an exponential."""
    for kind in ("two-layer", "ResNeXt"):
        power, exponential = misses(kind)
        assert power < exponential / 2, kind
    power, exponential = misses("bottleneck")
    assert 0.8 < power / exponential < 1.25
    blocks = {int(r["blocks"]) for r in evidence("gradient_totals")}
    return min(blocks), max(blocks)


def below_from():
    """The step from which on every residual run of 56 layers has a smaller loss than every plain one."""
    losses = {}
    for r in evidence("depth"):
        if r["depth"] == "56":
            losses.setdefault(int(r["step"]), {}).setdefault(r["kind"], []).append(float(r["train_loss"]))
    above = [step for step, kinds in losses.items() if max(kinds["residual"]) >= min(kinds["plain"])]
    return min(step for step in losses if step > max(above, default=0))


def _asked_error(which=0):
    """The errors of training and testing that question 1 of chapter 3 gives."""
    return int(re.search(r"an error of (\d+) % in training and (\d+) % in testing", words(3)).groups()[which])


# ------------------------------------------------------------------ chapter 4


def reach_of(*layers):
    return int(figures.reach(nn.Sequential(*layers), 8)[:, 0].sum())


def grouped(groups=4):
    return nn.Conv2d(8, 8, 3, padding=1, groups=groups, bias=False)


def reads_of_the_dealt():
    """The inputs, counted from 1, that output 1 of the layer with dealt channels reads."""
    x = torch.ones(1, 8, 3, 3, requires_grad=True)
    nn.Sequential(nn.ChannelShuffle(2), grouped())(x)[0, 0].sum().backward()
    return [i + 1 for i in x.grad.abs().sum(dim=(0, 2, 3)).nonzero().flatten().tolist()]


def same_as_one_masked():
    layer, x = nn.Conv2d(4, 4, 3, groups=2, bias=False), torch.randn(1, 4, 5, 5)
    full = torch.zeros(4, 4, 3, 3)
    full[:2, :2], full[2:, 2:] = layer.weight.data[:2], layer.weight.data[2:]
    return torch.allclose(functional.conv2d(x, full), layer(x), atol=1e-5)


CHAPTER_4 = {
    "With 4 groups {} of the {} kernels are left, with 8 groups {}": lambda: (
        grouped(4).weight[..., 0, 0].numel(),
        grouped(1).weight[..., 0, 0].numel(),
        grouped(8).weight[..., 0, 0].numel(),
    ),
    "all {} cells are filled. 4 groups: four blocks of {} by {} on the diagonal": lambda: (64, 8 // 4, 8 // 4),
    "the {} in the second line is the number of channels in a group": lambda: grouped().weight.shape[1],
    "Take the third group alone, channels {} and {}": lambda: (2 * 2 + 1, 2 * 2 + 2),
    "Right, outputs 1 and 2 read inputs {} and {}, and the lines cross": reads_of_the_dealt,
    "PyTorch's groups are neighbours; interleaved groups are another layer": lambda: reads_of_the_dealt() != [1, 2],
    "zero outside blocks along the diagonal": same_as_one_masked,
    "a network of such layers alone would be g separate networks": lambda: reach_of(*(grouped() for _ in range(9))) == 2,
    "Two grouped layers: it stays in channels 1 and {}": lambda: reach_of(grouped(), grouped()),
    "Stacked groups stay apart until something mixes them": lambda: (
        reach_of(grouped(), grouped()) < reach_of(grouped(), nn.Conv2d(8, 8, 1)) == 8
    ),
    "after the third grouped layer, input 1 would have arrived everywhere": lambda: (
        reach_of(grouped(), nn.ChannelShuffle(4), grouped(), nn.ChannelShuffle(4), grouped()) == 8
    ),
    "What is saved: a factor of g, once": lambda: weights(8, 8, 3) / weights(8, 8, 3, groups=4) == 4,
    "a block is one part in $g^2$ of the table, but there are g of them": lambda: (
        weights(8, 8, 3) == 4**2 * weights(2, 2, 3) and weights(8, 8, 3, groups=4) == 4 * weights(2, 2, 3)
    ),
    "MACs are weights times places, so they are divided by g as well": lambda: (
        count_macs(conv(8, 8, 3, padding=1, groups=4), (8, 14, 14)) == weights(8, 8, 3, groups=4) * 14 * 14
        and count_macs(conv(8, 8, 3, padding=1), (8, 14, 14))
        == 4 * count_macs(conv(8, 8, 3, padding=1, groups=4), (8, 14, 14))
    ),
    "Twice the channels on both sides would make four times the weights; with four groups a quarter of them is left, so the "
    "layer costs what it did": lambda: weights(64, 64, 3) == weights(128, 128, 3, groups=4),
    "Each output now knows half as many inputs, {} instead of {}, and there are twice as many outputs": lambda: (
        128 // 4,
        64,
    ),
    "Its first 3×3 has {} channels in {} groups, and within a group of {}": lambda: (
        built(networks.resnext50_32x4d).layer1[0].conv2.out_channels,
        built(networks.resnext50_32x4d).layer1[0].conv2.groups,
        built(networks.resnext50_32x4d).layer1[0].conv2.weight.shape[1],
    ),
    "All but a g-th of the weights and MACs are saved, and can buy width": lambda: (
        weights(8, 8, 3) == 8 * weights(8, 8, 3, groups=8) and weights(64, 64, 3) == weights(128, 128, 3, groups=4)
    ),
    "each output reads {} of the 256 channels, so there are 256 / {} groups": lambda: (
        conv(256, 256, 3, groups=32).weight.shape[1],
        conv(256, 256, 3, groups=32).weight.shape[1],
    ),
    "four times the channels on both sides make sixteen times the weights, and groups divide once": lambda: (
        weights(256, 256, 3) == 16 * weights(64, 64, 3) == 16 * weights(256, 256, 3, groups=16)
    ),
    "32 groups at one part in {} each make one part in 32": lambda: 32 * 32,
}

CLAIMS = {1: CHAPTER_1, 2: CHAPTER_2, 3: CHAPTER_3, 4: CHAPTER_4}
