"""Claims of chapters 5 to 8: a passage, and what it follows from (tests/claims_for_tests.py says how)."""

import math
import re
import statistics
from functools import cache

import torch
from claims_for_tests import opened, row, shown, words
from claims_of_1_to_4 import IMAGE, built, conv, weights
from randomness import random_tensor, randomise, without_data

from resnext_lib import networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import (
    RESNET_BUDGET,
    bottleneck_weights,
    count_macs,
    count_parameters,
    stage_costs,
    width_for_budget,
    width_limit,
)
from resnext_lib.forms import FormA
from resnext_lib.networks import GOOGLENET_MODULES
from resnext_lib.published import _tables, evidence, published

# ------------------------------------------------------------------ chapter 5


def share_of_3x3(c, d):
    return 100 * 9 * c * d * d / bottleneck_weights(c, d)


def parameters(*sizes, **options):
    return count_parameters(without_data(Bottleneck, *sizes, **options))


def cardinalities_of_table_2():
    """The numbers of paths in Table 2 whose widths are those that the budget gives."""
    found = [re.fullmatch(r"table2\.cardinality-(\d+)\.bottleneck-width", name) for name in _tables()]
    return [int(match[1]) for match in found if match and published(match[0])["value"] == width_for_budget(int(match[1]))]


def fan_out(layer):
    """What He initialisation in PyTorch takes for the number of weights through which an input acts."""
    return torch.nn.init._calculate_fan_in_and_fan_out(layer.weight)[1]


def convolutions(form, *sizes):
    return sum(isinstance(layer, torch.nn.Conv2d) for layer in without_data(form, *sizes).modules())


RESNEXT_BLOCK = (256, 128, 256, 32)
FIFTY_FOUR = sum(map(len, GOOGLENET_MODULES.values()))

CHAPTER_5 = {
    "so that one number replaces fifty-four?": lambda: FIFTY_FOUR == 54,
    "Inception 3a with four unequal branches that are concatenated to {} channels": lambda: 64 + 128 + 32 + 32,
    "four equal branches of 1×1 to {} and 3×3, concatenated to {}.": lambda: (64, 4 * 64),
    "Six widths and four kinds of branch become two numbers": lambda: len(GOOGLENET_MODULES["3a"]) == 6,
    "With 256 channels, 4 branches have to be {} wide and 32 branches {} wide": lambda: (256 // 4, 256 // 32),
    "The output is {} wide for any number of branches and any d": lambda: without_data(FormA, 256, 24, 256, 8).out_channels,
    "ResNet's has one path of 1×1, batch norm, ReLU, 3×3, batch norm, ReLU and 1×1 with {} channels in the middle; "
    "ResNeXt's has {} such paths with {} channels each": lambda: (64, 32, width_for_budget(32)),
    "ResNet's block has one path, ResNeXt's has {} and adds them up": lambda: RESNEXT_BLOCK[3],
    "this is ResNet's bottleneck and its {:,} weights": lambda: bottleneck_weights(1, 64),
    "That leaves half of the budget unspent": lambda: 0.45 < bottleneck_weights(32, 2) / RESNET_BUDGET < 0.55,
    "These are the settings of the paper's Table 2": lambda: cardinalities_of_table_2() == [1, 2, 4, 8, 32],
    "The authors stop at d = {}": lambda: min(width_for_budget(c) for c in cardinalities_of_table_2()),
    "**C·d grows from {} to {}** while the cost stands still": lambda: (width_for_budget(1), 32 * width_for_budget(32)),
    "one box of {} channels, four boxes of {}, thirty-two boxes of {}. Together the boxes become taller, from {} to {} to {} "
    "channels": lambda: (
        *(width_for_budget(c) for c in (1, 4, 32)),
        *(c * width_for_budget(c) for c in (1, 4, 32)),
    ),
    "More paths at the same cost are thinner, and together they are wider": lambda: (
        width_for_budget(32) < width_for_budget(4) and 32 * width_for_budget(32) > 4 * width_for_budget(4)
    ),
    "The three blocks cost about {:.0f} thousand weights each": lambda: bottleneck_weights(4, 24) / 1000,
    "What the 3×3 gives up, the 1×1s spend on serving a wider middle": lambda: share_of_3x3(32, 4) < share_of_3x3(1, 64) / 5,
    "Grouping frees nearly half of the budget, and the 1×1s spend it on twice as many channels": lambda: (
        40 < share_of_3x3(1, 64) - share_of_3x3(32, 4) < 50 and 32 * width_for_budget(32) == 2 * 64
    ),
    "the budget pays for no more than {:,} / {} = {} of them": lambda: (RESNET_BUDGET, 2 * 256, RESNET_BUDGET // 512),
    "That is why C·d has all but stopped at 32 paths": lambda: width_limit() - 32 * width_for_budget(32) < 10,
    "until at 128 paths d is {} and every 3×3 sees a single channel": lambda: width_for_budget(128),
    "through a small block with 16 channels and {} paths of {}": lambda: (4, 8 // 4),
    "are joined with inputs {} to {} and outputs {} to {} only": lambda: (
        16 // 4 + 1,
        2 * 16 // 4,
        16 // 4 + 1,
        2 * 16 // 4,
    ),
    "are joined with all {0} inputs and all {0} outputs": lambda: 16,
    "A path reads all inputs and writes to all outputs; only its middle is its own": lambda: (
        without_data(FormA, 256, 128, 256, 32).paths[1][0].in_channels == 256
    ),
    "Every path reads everything\n": lambda: without_data(FormA, 256, 128, 256, 32).paths[1][0].in_channels == 256,
    "Are the {} channels divided among the {} paths, {} for each?\nNo: ": lambda: (
        (*RESNEXT_BLOCK[::3], RESNEXT_BLOCK[0] // RESNEXT_BLOCK[3])
        if without_data(FormA, *RESNEXT_BLOCK).paths[1][0].in_channels == RESNEXT_BLOCK[0]
        else (0, 0, 0)
    ),
    "A network of {} blocks could still have {} pairs (C, d)": lambda: (sum((3, 4, 6, 3)), sum((3, 4, 6, 3))),
    "So **32x4d** means {} paths in every stage, and d = {} *in the first*": lambda: (
        built(networks.resnext50_32x4d).cardinality,
        built(networks.resnext50_32x4d).bottleneck_width,
    ),
    "an input acts through 4 · 9 = {} weights": lambda: weights(1, 4, 3),
    "PyTorch ignores the groups and counts {} · 9": lambda: 128,
    "so the grouped layer's weights start $\\sqrt{{{}}}$ times smaller than those of {} separate paths would": lambda: (
        fan_out(conv(128, 128, 3, groups=32)) // fan_out(conv(4, 4, 3)),
        RESNEXT_BLOCK[3],
    ),
    "So the first steps of a grouped layer are about {:.0f} times as large": lambda: row(
        5, "c05-init-step", "relative step:"
    )[0],
    "A path's own first 1×1 starts $\\sqrt{{{}}}$ times larger as well, because its fan-out is {} and that of the wide 1×1 is {}": lambda: (
        fan_out(conv(256, 128, 1)) // fan_out(conv(256, 4, 1)),
        fan_out(conv(256, 4, 1)),
        fan_out(conv(256, 128, 1)),
    ),
    "The formula gives {:,} weights for 32x4d, the module has {:,} parameters": lambda: (
        bottleneck_weights(32, 4),
        parameters(256, 128, 256, cardinality=32),
    ),
    "two for each of its {} + {} + {} channels": lambda: (128, 128, 256),
    "more paths make a wider middle, {} channels instead of {}, which the 3×3 pays for, and {} at most": lambda: (
        32 * width_for_budget(32),
        width_for_budget(1),
        width_limit(),
    ),
    "the proof that {} paths and {} layers are one function": lambda: (
        len(without_data(FormA, *RESNEXT_BLOCK).paths),
        {3: "three"}[convolutions(Bottleneck, *RESNEXT_BLOCK)],
    ),
    "narrows the four branches from {} to {} channels, to meet the budget: the sum as such saves nothing": lambda: (
        256 // 4,
        width_for_budget(4),
    ),
    "a channel of the middle still costs {} weights, and twice as many can be paid": lambda: 2 * 256,
    "{}, {}, {} and {} channels have no sum": lambda: [
        GOOGLENET_MODULES["3a"][name] for name in ("conv1x1", "conv3x3", "conv5x5", "pool_projection")
    ],
    "d and the channels have both doubled, so all three layers have four times the weights": lambda: (
        bottleneck_weights(32, 8, 512) == 4 * bottleneck_weights(32, 4)
    ),
    "A block with paths of width {} that costs about half as much": lambda: 64 // 32,
}

# ------------------------------------------------------------------ chapter 6

LOUD, QUIET = [2, 3, -1, -3, 1, 3, -2, -3], [0.5, -0.5] * 4


def spread(values):
    return statistics.pstdev(values)


def normalised_then_added():
    return spread([a / spread(LOUD) + b / spread(QUIET) for a, b in zip(LOUD, QUIET, strict=True)])


def small_norms_in_a_large_one():
    """How many batch norms with ReLU, one for each path, equal the one of the block on all of their channels; else 0."""
    channels, paths = RESNEXT_BLOCK[1], RESNEXT_BLOCK[3]
    large, x = randomise(torch.nn.BatchNorm2d(channels).double()).train(), random_tensor(4, channels, 3, 3)
    small = [torch.nn.BatchNorm2d(channels // paths).double().train() for _ in range(paths)]
    for norm, weight, bias in zip(small, large.weight.chunk(paths), large.bias.chunk(paths), strict=True):
        norm.weight.data, norm.bias.data = weight.data, bias.data
    parts = [norm(part).relu() for norm, part in zip(small, x.chunk(paths, dim=1), strict=True)]
    return paths if torch.allclose(torch.cat(parts, dim=1), large(x).relu(), atol=1e-9) else 0


def half_a_billion():
    """Whether the rounding of 64-bit numbers is about half a billion times smaller than that of 32-bit ones."""
    return 0.45e9 < torch.finfo(torch.float32).eps / torch.finfo(torch.float64).eps < 0.55e9


CHAPTER_6 = {
    "derived the ResNeXt block as {} thin paths and coded it as three layers, two of which are not split": lambda: 32,
    "a loud path 1 with spread {:.1f} and a quiet path 2 with spread {:.1f} are added and then normalised to {:.1f}": lambda: (
        spread(LOUD),
        spread(QUIET),
        1,
    ),
    "both are normalised to {:.1f} first and then added; the spread is {:.1f}": lambda: (1, normalised_then_added()),
    "A batch norm in each path makes a quiet path as loud as a loud one": lambda: spread(QUIET) < spread(LOUD) / 2,
    "added to {:.0f}, {:.0f}, {:.0f}. Below": lambda: row(6, "c06-010", "two products, added:"),
    "again {:.0f}, {:.0f}, {:.0f}. The second path": lambda: row(6, "c06-010", "one product:"),
    "near $\\sqrt{{32}}$, which is {:.1f}": lambda: math.sqrt(32),
    "Batch norm and ReLU treat each channel by itself ([chapter 3](03_residual_learning.ipynb)), so {} small ones are one large "
    "one": lambda: small_norms_in_a_large_one(),
    "A block of {} channels with {} paths of {}": lambda: (16, 4, 8 // 4),
    "all differences are zero to eight decimals": lambda: (
        set(re.findall(r"0\.\d{8}", shown(6, "c06-agree"))) == {"0.00000000"}
    ),
    "with 64-bit numbers the difference is about half a billion times smaller": half_a_billion,
    "They are one ordinary pair, {} to {} to {}, without any groups": lambda: (64, 32 * 4, 64),
    "Only a layer *between* the first and the last keeps paths apart": lambda: (
        shown(6, "c06-merged").startswith("one dense pair: 128 64 64 128") and "0.00000000" in shown(6, "c06-merged")
    ),
    "rounding shrinks by a factor of half a billion, a mistake stays": half_a_billion,
    "a 32-bit number holds about {} digits": lambda: round(-math.log10(torch.finfo(torch.float32).eps)),
    "what the paper trains and libraries ship, with {} calls instead of {}.": lambda: (
        convolutions(Bottleneck, *RESNEXT_BLOCK),
        convolutions(FormA, *RESNEXT_BLOCK),
    ),
    "builds a network of {} such blocks and tests it": lambda: sum(
        isinstance(layer, Bottleneck) for layer in built(networks.resnext50_32x4d).modules()
    ),
    "path i's number scales the d columns of the last 1×1": lambda: shown(6, "c06-070").startswith("question 1: True"),
    "rounding would have become half a billion times smaller": half_a_billion,
}

# ------------------------------------------------------------------ chapter 7


@cache
def counted(*network):
    return count_parameters(without_data(networks.ResNeXt, (3, 4, 6, 3), *network))


def accuracy(version):
    return published(f"torchvision.resnext50_32x4d.{version}.top1")["value"]


CHAPTER_7 = {
    "Eight networks at the end of this chapter": lambda: _wrong_networks() == 8,
    "none of them is right, though four have the right number of parameters, to the last digit": lambda: (
        counted(32, 4) == count_parameters(built(networks.resnext50_32x4d)) and _wrong_networks() - 4 == 4
    ),
    "So the {} of 32x4d is the width of a path in the first stage only": lambda: (
        group_widths()[0] if group_widths().count(group_widths()[0]) == 1 else 0
    ),
    "a block is four times as wide as ResNet's middle, and ResNeXt widened the middle from {} to {} but left the outside "
    "alone": lambda: (
        (built(networks.resnet50).layer1[0].width, built(networks.resnext50_32x4d).layer1[0].width)
        if built(networks.resnext50_32x4d).layer1[0].out_channels
        == built(networks.resnet50).layer1[0].out_channels
        == 4 * built(networks.resnet50).layer1[0].width
        else (0, 0)
    ),
    "a 7×7 of stride 2 and a pooling of stride 2, turns {} pixels into {}": lambda: (IMAGE[1], side_behind_the_stem()),
    "At every stop ResNeXt-50 costs nearly what ResNet-50 costs: they differ by at most {:.0f} %": lambda: dearest_stop(),
    "one price, about {:.0f} million multiply-adds, wherever a block stands": lambda: _macs_of_a_block(),
    "falls from 56 to 28, 14 and 7, the middle grows from {} to {}, {} and {} channels, and the bar of {:.0f} million MACs "
    "stays": lambda: (
        *(getattr(built(networks.resnext50_32x4d), f"layer{i}")[0].width for i in (1, 2, 3, 4)),
        _macs_of_a_block(),
    ),
    "A block costs the same in every stage, because its width doubles when the map's side halves": lambda: (
        count_macs(without_data(Bottleneck, 256, 128, 256, 32), (256, 56, 56))
        == count_macs(without_data(Bottleneck, 512, 256, 512, 32), (512, 28, 28))
    ),
    "It becomes four times as large, like the 1×1s around it, when d doubles, and only twice as large when C does": lambda: (
        weights(256, 256, 3, groups=32) == 4 * weights(128, 128, 3, groups=32)
        and weights(256, 256, 3, groups=64) == 2 * weights(128, 128, 3, groups=32)
    ),
    "the 3×3 keeps its {:.1f} % of a block's weights to the end; with d fixed at 4 it would fade to less than one per "
    "cent": lambda: share_of_3x3(32, 4) if 9 * 256 * 16 / bottleneck_weights(256, 4, 2048) < 0.01 else 0,
    "256 channels on a 56×56 map, 1×1 to {}, a 3×3 cut into groups after which the map is 28×28, 1×1 to {}": lambda: (
        built(networks.resnext50_32x4d).layer2[0].width,
        built(networks.resnext50_32x4d).layer2[0].out_channels,
    ),
    "The stride sits on the 3×3 and forces a 1×1 into the shortcut": lambda: (
        built(networks.resnext50_32x4d).layer2[0].conv2.stride == (2, 2)
        and built(networks.resnext50_32x4d).layer2[0].downsample is not None
    ),
    "which then looks at one place in four": lambda: (
        conv(1, 1, 1, stride=2)(torch.empty(1, 1, 8, 8, device="meta")).numel() == 64 // 4
    ),
    "A network that skips three quarters of the places in three stages has the right count": lambda: (
        row(7, "c07-count", "typed above:")
        == row(7, "c07-count", "torchvision:")
        == row(7, "c07-stride-first", "stride on the first 1×1:")
        == [counted(32, 4)]
    ),
    "ResNet-50 has the very same names, and only shapes tell the two apart": lambda: (
        row(7, "c07-038", "ResNet-50:") == [320, 320, 144]
    ),
    "it sees whatever changes the answers to these pictures": lambda: (
        row(7, "c07-040", "typed above")[0] == 0 < 1 < row(7, "c07-040", "stride on the 1×1")[0]
    ),
    "which is exactly Wide ResNet-50-2, a good network of nearly three times the size": lambda: (
        counted(1, 128) == published("torchvision.wide_resnet50_2.parameters")["value"]
        and 2.7 < counted(1, 128) / counted(32, 4) < 3
    ),
    "Of eight wrong networks the count rejects {}, names and shapes {}, the outputs {}; the eighth only starts wrong": lambda: (
        [("zero one two three four five six seven eight".split())[n] for n in _rejections()]
    ),
    "The paper prints {:.1f} million, and would print the same for a network with a bias": lambda: (
        published("table1.resnext50_32x4d.parameters")["value"]
        if math.floor(_with_bias() / 1e5) / 10 == published("table1.resnext50_32x4d.parameters")["value"]
        else 0
    ),
    "All three lines are one network with {:.0f} million parameters": lambda: counted(32, 4) / 1e6,
    "passes all four tests, which together have rejected {} wrong networks": lambda: (
        "eight" if _wrong_networks() == 8 and _rejections()[-1] + 1 == 8 else ""
    ),
    "would make the blocks cost sixteen times as much": lambda: (
        bottleneck_weights(32, 8, 512) * (448 / 224) ** 2 == 16 * bottleneck_weights(32, 4, 256)
    ),
    "d doubles three times, from 8 to {}, and 32 paths of {} are {}": lambda: (8 * 2**3, 8 * 2**3, 32 * 8 * 2**3),
    "(a) is the last stage of 32x4d": lambda: "(a) (1024, 32, 3, 3)" in words(7) and 32 * 32 == 1024,
    "the same network with the V1 recipe stays {:.1f} points below as well": lambda: accuracy("V2") - accuracy("V1"),
    "it stays three points below the {:.1f} % of the V2 weights": lambda: accuracy("V2"),
    "every map has four times the places, so every block costs four times as much": lambda: (448 / 224) ** 2 == 4,
}


def group_widths():
    """The width of a path of ResNeXt-50 (32x4d), stage by stage."""
    stages_ = (getattr(built(networks.resnext50_32x4d), f"layer{i}") for i in (1, 2, 3, 4))
    return [stage[0].conv2.weight.shape[1] for stage in stages_]


def side_behind_the_stem():
    """The side of the map that the first stage of ResNeXt-50 reads."""
    network, seen = built(networks.resnext50_32x4d), []
    hook = network.layer1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[2]))
    network(torch.empty(1, *IMAGE, device="meta"))
    hook.remove()
    return seen[0]


def dearest_stop():
    """By how many per cent ResNeXt-50 differs from ResNet-50 at a stop, in parameters or MACs, at most."""
    pair = [stage_costs(built(network), IMAGE) for network in (networks.resnet50, networks.resnext50_32x4d)]
    costs = [[(cost.parameters, cost.macs) for cost in stops.values()] for stops in pair]
    return max(
        100 * abs(there / here - 1)
        for ours, theirs in zip(*costs, strict=True)
        for here, there in zip(ours, theirs, strict=True)
        if here != there
    )


def _macs_of_a_block():
    return count_macs(without_data(Bottleneck, 256, 128, 256, 32), (256, 56, 56)) / 1e6


def _wrong_networks():
    """The networks of Figure 7.3 besides the right one."""
    cell = next(cell for cell in opened(7).cells if cell.id == "c07-060")
    return len(re.findall(r"^ +\"", cell.source, re.MULTILINE)) - 1


def _with_bias():
    """Parameters of the network with a bias in each first 1×1."""
    network = built(networks.resnext50_32x4d)
    return counted(32, 4) + sum(block.width for i in (1, 2, 3, 4) for block in getattr(network, f"layer{i}"))


def _rejections():
    """How many wrong networks the count, the names and the outputs reject, computed from counts and shapes.

    Those whose weights fit differ in outputs (stride, early ReLU), or in their start alone.
    """
    right = counted(32, 4)
    counts = [counted(1, 64), counted(1, 128), counted(4, 32), _with_bias(), right, right, right, right]
    by_count = sum(count != right for count in counts)
    wrapped = 1  # every name has a prefix
    strided_and_early = 2
    return by_count, by_count + wrapped, by_count + wrapped + strided_and_early


# ------------------------------------------------------------------ chapter 8


@cache
def removals(seed, kind):
    """(block, path, points lost, standard error) of every single path."""
    return [
        (r["block"], r["removed"], float(r["points_lost"]), float(r["points_error"]))
        for r in evidence("path_removal")
        if r["removed"].isdigit() and r["seed"] == seed and r["statistics"] == kind
    ]


def lost(seed, kind):
    return [points for _, _, points, _ in removals(seed, kind)]


def lost_by(block, path, kind):
    """Points that one path of the book's network costs."""
    return next(points for *place, points, _ in removals("0", kind) if place == [block, path])


def controls(seed):
    return [float(r["points_lost"]) for r in evidence("path_removal") if r["removed"] == "none" and r["seed"] == seed]


def clear(seed, less=0):
    """How many re-estimated losses, less the control of their block, are clear of two standard errors."""
    own = {
        r["block"]: float(r["points_lost"]) for r in evidence("path_removal") if r["removed"] == "none" and r["seed"] == seed
    }
    return sum(points - less * own[block] > 2 * error for block, _, points, error in removals(seed, "re-estimated"))


def dear():
    """Of the paths that seem to cost a point or more: how many, and how many cost less than half of it."""
    pairs = [(k, r) for seed in "01" for k, r in zip(lost(seed, "kept"), lost(seed, "re-estimated"), strict=True) if k >= 1]
    return len(pairs), sum(r < k / 2 for k, r in pairs)


def excess(column):
    """What removing both paths of a pair costs beyond the two alone, on average."""
    rows = [r for r in evidence("path_removal") if r["statistics"] == "re-estimated"]
    alone = {(r["seed"], r["block"], r["removed"]): float(r[column]) for r in rows}
    pairs = [r for r in rows if "+" in r["removed"]]
    return statistics.mean(
        float(r[column]) - sum(alone[r["seed"], r["block"], path] for path in r["removed"].split("+")) for r in pairs
    )


def likeness(kind):
    return [(r["block"], float(r["mean_absolute_correlation"])) for r in evidence("path_likeness") if r["network"] == kind]


def typical(kind, block):
    return statistics.median(value for name, value in likeness(kind) if name == block)


CHAPTER_8 = {
    "A pixel is a byte from 0 to {}": lambda: 2**8 - 1,
    "gives $\\ln 10$, about {:.1f}": lambda: math.log(10),
    "16 paths in each": lambda: built(networks.small_resnext).layer1[0].cardinality == 16,
    "trained like this for {} epochs on all {:,} pictures": lambda: (
        max(int(r["epoch"]) for r in evidence("training")),
        10_000,
    ),
    "After twenty epochs nine answers in ten are right": lambda: (
        abs(sum(r["label"] == r["answer"] for r in evidence("predictions")) / 2000 - 0.9) < 0.005
    ),
    "how sure it was: {:.0f} to {:.0f} per cent": lambda: surest(),
    "a running sum keeps {} of itself and adds the new gradient": lambda: re.search(
        r"momentum=(0\.\d)", _source(8, "c08-015")
    )[1],
    "Most of this damage was the batch norm's": lambda: (
        lost_by("layer1.0", "4", "re-estimated") < lost_by("layer1.0", "4", "kept") / 2
        and statistics.median(lost("1", "re-estimated")) < statistics.median(lost("1", "kept"))
    ),
    "of 96 paths that cost nothing two or three would stay clear of it": lambda: (
        2 < len(lost("0", "kept")) * (1 - statistics.NormalDist().cdf(2)) < 3
    ),
    "if these are random, what two paths add is nearly uncorrelated by itself": lambda: (
        max(value for _, value in likeness("untrained")) < 0.05
    ),
    "The table has all {} paths of this network and of a second one with another seed": lambda: (
        len(removals("0", "kept")) if len(removals("0", "kept")) == len(removals("1", "kept")) else 0
    ),
    "points of accuracy lost on all {:,} test pictures, against the intact network": lambda: measured_on(),
    "points of accuracy lost on {:,} test pictures, with the old": lambda: 10_000,
    "costs up to {:.2f} points by itself": lambda: max(controls("0") + controls("1")),
    "An arrow marks {:.1f}.": lambda: max(lost("0", "kept") + lost("1", "kept")),
    "of the {} paths that seem to cost a point or more, {} cost less than half of it": dear,
    "add up to nearly the 80 points by which either network beats guessing": lambda: all(
        72 < sum(lost(seed, "kept")) < 80 for seed in "01"
    ),
    "with the right ones to about half of that in the first network and a third in the second": lambda: all(
        abs(sum(lost(seed, "re-estimated")) / 80 - share) < 0.05 for seed, share in (("0", 1 / 2), ("1", 1 / 3))
    ),
    "No path is indispensable: most cost less than half a point": lambda: all(
        statistics.median(lost(seed, "re-estimated")) < 0.5 for seed in "01"
    ),
    "paired over the {:,} test pictures of one trained network": lambda: 10_000,
    "Most paths are hardly missed, and those missed most stand in the first stage": lambda: all(
        statistics.median(lost(seed, "re-estimated")) < 0.5
        and max(removals(seed, "re-estimated"), key=lambda path: path[2])[0].startswith("layer1")
        for seed in "01"
    ),
    "Four in five paths of the first network, and just over half of the second's, cost more than two standard errors": lambda: (
        0.75 < clear("0") / 96 < 0.85 and 0.5 < clear("1") / 96 < 0.56
    ),
    "with what re-estimation alone costs taken off, {} and {} of the 96 stay clear of them": lambda: (
        clear("0", 1),
        clear("1", 1),
    ),
    "in the first network most paths do a little": lambda: clear("0", 1) > 48 > clear("1", 1),
    "in the second about two in five.": lambda: round(clear("1", 1) / 96, 1) == 0.4,
    "Those that cost a point or more all stand in the first stage": lambda: all(
        block.startswith("layer1") for seed in "01" for block, _, points, _ in removals(seed, "re-estimated") if points >= 1
    ),
    "We also took out {} pairs, which did not show whether two paths stand in for each other": lambda: (
        sum("+" in r["removed"] and r["statistics"] == "re-estimated" for r in evidence("path_removal"))
        if excess("points_lost") < 0 < excess("loss_increase") and 0.08 < excess("loss_increase") / _pairs_lose() < 0.13
        else 0
    ),
    "Two trained networks (filled), five untrained (open)": lambda: (
        [len({r["seed"] for r in evidence("path_likeness") if r["network"] == kind}) for kind in ("trained", "untrained")]
        == [2, 5]
    ),
    "In every block what the paths add is more alike in trained networks than in untrained ones": lambda: all(
        min(v for b, v in likeness("trained") if b == block) > max(v for b, v in likeness("untrained") if b == block)
        for block in {b for b, _ in likeness("trained")}
    ),
    "in both networks training lined it up rather than drove it apart": lambda: all(
        typical("trained", block) > typical("untrained", block) for block in {b for b, _ in likeness("trained")}
    ),
    "about {:.2f} to {:.2f} in size": lambda: (
        min(v for _, v in likeness("trained")),
        max(v for _, v in likeness("trained")),
    ),
    "over the {} pairs of paths of a block": lambda: math.comb(16, 2),
    "Open dots, untrained, fall from {:.3f} to {:.3f} from the first block to the last": lambda: (
        typical("untrained", "layer1.0"),
        typical("untrained", "layer3.1"),
    ),
    "between {:.3f} and {:.3f}": lambda: (min(v for _, v in likeness("trained")), max(v for _, v in likeness("trained"))),
    "the correlations become positive": lambda: (
        row(8, "c08-effective", "trained")[0] > 0.01 > row(8, "c08-effective", "untrained")[0]
    ),
    "the sum varies about a third more than that of independent paths": lambda: (
        abs(row(8, "c08-effective", "trained")[1] - 4 / 3) < 0.05 and row(8, "c08-effective", "untrained")[1] == 1
    ),
    "even a perfect answer keeps a loss of {:.2f}": lambda: math.log(math.e + 9) - 1,
    "many of them nothing that {:,} pictures can show": lambda: 10_000,
    "zero is {:.1f} errors away": lambda: 0.2 / 0.15,
    "(b) would cost about {:.2f} together": lambda: 2 * 0.01,
}


def _source(page, identifier):
    return next(cell for cell in opened(page).cells if cell.id == identifier).source


def surest():
    """The confidences of the ten mistakes of which the network was surest, the least and the largest, in per cent."""
    wrong = sorted((float(r["confidence"]) for r in evidence("predictions") if r["label"] != r["answer"]), reverse=True)[:10]
    return math.floor(100 * wrong[-1] + 0.5), math.floor(100 * wrong[0] + 0.5)


def measured_on():
    """How many pictures every removal was measured on."""
    (pictures,) = {int(r["pictures"]) for r in evidence("path_removal")}
    return pictures


def _pairs_lose():
    rows = [r for r in evidence("path_removal") if "+" in r["removed"] and r["statistics"] == "re-estimated"]
    return statistics.mean(float(r["loss_increase"]) for r in rows)


CLAIMS = {5: CHAPTER_5, 6: CHAPTER_6, 7: CHAPTER_7, 8: CHAPTER_8}
