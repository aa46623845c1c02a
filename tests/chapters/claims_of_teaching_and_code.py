"""Claims of the slides, of the library's docstrings and of the hints: a passage, and what it follows from."""

import math
import statistics

import torch
from claims_for_tests import row
from claims_of_1_to_4 import WIDTHS, below_from, built, early_share, grown, on_imagenet, out_channels, totals, weights
from claims_of_5_to_8 import cardinalities_of_table_2, likeness, removals, share_of_3x3, surest
from claims_of_9_to_11 import (
    DEPTHS,
    INCEPTIONS,
    SETTINGS,
    ahead,
    macs,
    more,
    of_the_peak,
    pairs_needed,
    ratio,
    table_4,
    table_5,
    timed,
    value,
)
from claims_of_the_key import reduction_stops_paying
from randomness import without_data

from resnext_lib import data, descendants, networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import (
    RESNET_BUDGET,
    bottleneck_weights,
    count_activations,
    count_macs,
    count_parameters,
    width_for_budget,
    width_limit,
)
from resnext_lib.published import evidence
from resnext_lib.statistics import interval
from studies import depth, fine_tuning, precision
from tools.facts import ROOT

IMAGE = (3, 224, 224)


def bfloat16_against_float32():
    """Test loss after training in bfloat16 minus that after float32, paired: mean, half width, pairs."""
    rows = evidence("precision")
    return precision.difference(
        *(precision.values(rows, trained_in, "as trained") for trained_in in ("bfloat16", "float32"))
    )


def renewed_after_bfloat16():
    """What batch norms estimated again change for networks trained in bfloat16: mean, half width, pairs."""
    rows = evidence("precision")
    return precision.difference(*(precision.values(rows, "bfloat16", kept) for kept in ("re-estimated", "as trained")))


def deck(number):
    return next((ROOT / "teaching/slides").glob(f"{number:02}_*.md")).relative_to(ROOT).as_posix()


# ------------------------------------------------------------------ slides

SLIDES = {
    1: {
        "Hold on to {:,}; it is the budget of this book": lambda: RESNET_BUDGET,
        "16 · 8 · 9 weights, times {} places": lambda: 10 * 10,
        "The first stage holds {:.1f} % of the weights and does {:.0f} % of the work": early_share,
        "Neither: a MAC is two floating-point operations": lambda: (
            row(1, "c01-027", "PyTorch's counter:")[0] == 2 * row(1, "c01-027", "ours:")[0]
        ),
    },
    2: {
        "{} channels in: {}, {} and {} from the convolutions": lambda: (
            192,
            *(WIDTHS[name] for name in ("conv1x1", "conv3x3", "conv5x5")),
        ),
        "Expect: {}, without the pooling. It is {}.": lambda: (64 + 128 + 32, 64 + 128 + 32 + 192),
        "the 5×5 now sees {} mixtures of the {} channels": lambda: (WIDTHS["reduce5x5"], 192),
        "Expect: {}, from {} / {}.": lambda: (192 // 16, 192, 16),
        "Directly 25 · 64 · 32 weights, behind it r · (64 + 25 · 32): from r = {} on": reduction_stops_paying,
        "everything that a 5×5 on all {} can?": lambda: 192,
    },
    3: {
        "56 layers, {} steps, three runs each": lambda: max(int(r["step"]) for r in evidence("depth")),
        "Guessing would be wrong in {} % of the cases": lambda: 100 * 7 / 8,
        "stretches the gradient about {:.1f} times at every layer": lambda: 1 / math.sqrt(1 - 1 / math.pi),
        "It grows {} to {} times instead of {:.0f} thousand": lambda: (
            grown("two-layer"),
            grown("ResNeXt"),
            totals()["plain", "32", "27"] / 1000,
        ),
        "from step {} on every residual run lies below every plain one. One task, {} channels, {} steps": lambda: (
            below_from(),
            depth.WIDTH,
            max(int(r["step"]) for r in evidence("depth")),
        ),
        "on ImageNet depth pays, with {:.1f} % for 34 layers against {:.1f} for 18": lambda: (
            on_imagenet("residual", 34),
            on_imagenet("residual", 18),
        ),
        "{:,} weights is the budget of this book": lambda: RESNET_BUDGET,
        "The bottleneck 256-64-256 has {:,} weights: our budget": lambda: RESNET_BUDGET,
    },
    4: {
        "has about {:.0f} thousand weights": lambda: weights(128, 128, 3) / 1000,
        "One group is cheaper by g², and there are g of them": lambda: weights(8, 8, 3) // weights(2, 2, 3) == 4**2,
    },
    5: {
        "this is ResNet's bottleneck, with {:,} weights": lambda: bottleneck_weights(1, 64),
        "Say: {:,} divided by {}": lambda: (RESNET_BUDGET, 2 * 256),
        "{} paths become {} wide each: {} channels in all": lambda: (8, width_for_budget(8), 8 * width_for_budget(8)),
        "C is {}, {}, {}, {} and {}, the settings of the paper's Table 2": lambda: cardinalities_of_table_2(),
        "For {} paths d is {}, and C·d {}. The number to remember: C·d grows from {} to {}": lambda: (
            8,
            width_for_budget(8),
            8 * width_for_budget(8),
            width_for_budget(1),
            32 * width_for_budget(32),
        ),
        "Over, by {:.1f} %; {} would be under by more": lambda: (
            100 * (bottleneck_weights(8, width_for_budget(8)) / RESNET_BUDGET - 1),
            width_for_budget(8) - 1,
        ),
        "The middle grows from {} to {}, and never above {}": lambda: (64, 32 * width_for_budget(32), width_limit()),
        "32 paths in every stage, {} channels wide *in the first*: then {}, {} and {}": lambda: [4 * 2**s for s in range(4)],
    },
    7: {
        "About {:.0f} million wherever a block stands": lambda: (
            count_macs(without_data(Bottleneck, 256, 128, 256, 32), (256, 56, 56)) / 1e6
        ),
        "How many of torchvision's {} names": lambda: len(built(networks.resnext50_32x4d).state_dict()),
        "{} is {} times {}, ResNet's middle": lambda: (256, networks.EXPANSION, 64),
        "the defaults, {} and {}, mean ResNet": lambda: (1, 64),
    },
    8: {
        "Fashion-MNIST, {:,} pictures to train and {:,}": lambda: [
            len(data.fashion_subset(part).labels) for part in ("train", "test")
        ],
        "gives a loss of about {:.1f}": lambda: math.log(10),
        "about 50, 70 or more than {} per cent?\nExpect: 50 to 70. All ten are at {} or above": lambda: (
            10 * (surest()[0] // 10),
            surest()[0],
        ),
        "A dot is one path of {}": lambda: len(removals("0", "kept")) + len(removals("1", "kept")),
        "correlations of about {:.2f} to {:.2f}": lambda: (
            min(v for _, v in likeness("trained")),
            max(v for _, v in likeness("trained")),
        ),
        "More alike than those": lambda: (
            min(v for _, v in likeness("trained")) > statistics.median(v for _, v in likeness("untrained"))
        ),
    },
    9: {
        "depth bought {:.1f} points, width {:.1f}, and 32 paths bought {:.1f} for {:.0f} % more": lambda: (
            table_4("resnet101-1x64d") - table_4("resnet200"),
            table_4("resnet101-1x64d") - table_4("resnet101-1x100d"),
            table_4("resnet101-1x64d") - table_4("resnext101-32x4d"),
            100 * (macs(DEPTHS[101], 32, 4) / macs(DEPTHS[101], 1, 64) - 1),
        ),
        "It falls from about {} % with one path to about {} % with 32": lambda: (
            value("training-error.101-layers.1x64d"),
            value("training-error.101-layers.32x4d"),
        ),
        "one of eight intervals of {:.0f} % often looks clear though nothing differs, so each is asked for {:.1f} %": lambda: (
            (
                100 * (1 - 0.05),
                100 * (1 - 0.05 / 8),
            )
            if 1 - 0.95**8 > 0.3
            else (0, 0)
        ),
        "We had five pairs, and a mean of about {:.1f} points": lambda: statistics.mean(ahead("16x8d", "test")),
        "in {} of 100 studies a true effect of this size is found with {} pairs": lambda: (80, pairs_needed(1, 1)),
        "is a step of {:.1f} points more than luck": lambda: 22.3 - 22.2,
        "{}, {}, {}, {} and {} paths of one budget, {} and {} layers": lambda: (
            *(cardinality for cardinality, _ in SETTINGS.values()),
            *(2 + 3 * sum(blocks) for blocks in DEPTHS.values()),
        ),
    },
    10: {
        "ResNeXt-50 has {:.0f} % more operations than ResNet-50, and took {:.0f} % longer": lambda: (
            more("macs"),
            100 * ratio("networks", "ResNeXt-50") - 100,
        ),
        "the same network against itself came out up to {:.0f} % off": lambda: max(
            100 * abs(ratio("ladder", "ours again", section) / ratio("ladder", "ours", section) - 1)
            for section, arm in timed("ladder")
            if arm == "ours"
        ),
        "paths 4 wide reach {:.0f} % of the peak, 32 wide {:.0f} %": lambda: (
            of_the_peak("layer1.0.conv2"),
            of_the_peak("layer4.1.conv2"),
        ),
        "The grouped 3×3s are {:.0f} % of the operations": lambda: row(10, "c10-share", "grouped 3×3s")[0],
        "Say: {:.0f} %. At the speed of the others": lambda: row(10, "c10-share", "grouped 3×3s")[1],
        "Ask: vote: 5, {:.0f} or 50 %?": lambda: row(10, "c10-share", "grouped 3×3s")[1],
        "the wider middle writes {:.0f} % more numbers": lambda: more("written"),
        "the convolutions take {:.0f} % of the time": lambda: 100 * _profiled(),
        "someone computes it: {:.2f}.": lambda: _profiled(),
        "Expect: a tenth. {:.2f} times as fast": lambda: 1 / 0.9,
    },
    11: {
        "a stage is {} wide with group width {}": lambda: (432, 48),
        "The two dense 1×1s hold {:.0f} % of the weights": lambda: 100 - share_of_3x3(32, 4),
        "eight ninths of the work go, and {:.1f} points of accuracy": lambda: (
            value("mobilenet.dense.top1") - value("mobilenet.depthwise.top1")
        ),
        "and then {1} channels instead of {0}": lambda: value("convnext.resnextify.widths"),
        "{:.0f} % more expensive and one point better": lambda: (
            100 * (row(11, "c11-060", "and 96 channels: ResNeXt-ify")[0] / row(11, "c11-060", "before")[0] - 1)
        ),
        "by {:.1f} to {:.1f} points, and on unequal terms": lambda: (
            min(map(table_5, INCEPTIONS)) - table_5("resnext101-64x4d.320"),
            max(map(table_5, INCEPTIONS)) - table_5("resnext101-64x4d.320"),
        ),
    },
}


def _profiled():
    return next(
        float(r["share"])
        for r in evidence("speed_profile")
        if (r["network"], r["operation"]) == ("torchvision", "mkldnn_convolution")
    )


# ------------------------------------------------------------------ docstrings, and comments beside constants


def widths_of(c, d):
    network = without_data(networks.small_resnext, c, d, round_down=True)
    return [getattr(network, f"layer{i}")[0].conv2.weight.shape[1] for i in (1, 2, 3)]


DOCSTRINGS = {
    "resnext_lib/networks.py": {
        "a stage gives out {} times its stage width: {} -> {}": lambda: (networks.EXPANSION, 64, 64 * networks.EXPANSION),
        "{0} becomes {0}, {1}, {2}, {3} as the stage width doubles from {4}": lambda: (
            *(networks.group_width(4, 64 * 2**stage) for stage in range(4)),
            networks.FIRST_STAGE_WIDTH,
        ),
        'in the first stage: {} and {} are the paper\'s "32x4d"': lambda: (32, 4),
        "also what 32x4d becomes when the groups are forgotten": lambda: (
            count_parameters(without_data(networks.ResNeXt, (3, 4, 6, 3), 1, 128))
            == count_parameters(built(networks.wide_resnet50_2))
        ),
        "three stages, 32x32 ends at {0}x{0}": lambda: value("training.cifar.map-sizes")[-1],
        "(8x14d then has paths of {}, {} and {} channels)": lambda: widths_of(8, 14),
        "Its first stage is {} channels wide, a quarter of the paper's": lambda: 64 // 4,
    },
    "resnext_lib/complexity.py": {
        "tools that count {} FLOPs a MAC print twice our number": lambda: 2,
        "ResNeXt-50 (32x4d) writes {:,} at 224x224, ResNet-50 {:,}": lambda: [
            count_activations(built(build), IMAGE) for build in (networks.resnext50_32x4d, networks.resnet50)
        ],
        "{} for ResNet's block": width_limit,
        '256*64 + 9*64*64 + 64*256, the paper\'s "about {}k"': lambda: value("table2.parameters"),
    },
    "resnext_lib/training.py": {
        "In five pairs of short trainings that left the test loss {:.3f} ± {:.3f} above that of float32, so no cost was found": (
            lambda: bfloat16_against_float32()[:2] if bfloat16_against_float32()[2] == 5 else None
        ),
        "estimating the batch norms again in float32 changed it by {:.3f} ± {:.3f}": lambda: renewed_after_bfloat16()[:2],
    },
    "resnext_lib/weights.py": {
        "have the same {} keys; only shapes tell them apart": lambda: len(
            built(networks.resnext50_32x4d).state_dict().keys() & built(networks.resnet50).state_dict().keys()
        ),
        "after {} epochs": lambda: max(int(r["epoch"]) for r in evidence("training")),
    },
    "resnext_lib/data.py": {
        "{:,} images to train with, {:,} to test, balanced": lambda: [
            len(data.fashion_subset(part).labels) for part in ("train", "test")
        ],
        "All of Fashion-MNIST: {:,} images to train with, {:,} to test": lambda: value("fashion-mnist.images"),
        "CIFAR-10 through torchvision: {:,} and {:,} images": lambda: value("cifar10.images"),
    },
    "resnext_lib/descendants.py": {
        "but never below {} % of it": lambda: _smallest_share_of_a_width(),
    },
}


def _smallest_share_of_a_width():
    """The smallest multiple of 8 against the width that it stands for, in per cent."""
    shares = [descendants.nearest_multiple(width, n) / width for n in (8, 24, 48) for width in range(n, 2000)]
    return int(100 * min(shares))


# ------------------------------------------------------------------ hints: to follow one leads to the right answer


def block_by_the_hint(out, width, c):
    """What the hint of stage_parameters adds up for a block that is not the first."""
    return 2 * out * width + 9 * width * width // c + 2 * (width + width + out)


def whole_by_the_hint(share, factor):
    return 1 / ((1 - share) + share / factor)


def grouped_shape():
    return tuple(without_data(Bottleneck, 256, 256, 256, 64).conv2.weight.shape) == (256, 256 // 64, 3, 3)


HINTS = {
    "resnext_lib/exercises/convolution.py": {
        "one filter has k * k * in_channels weights, and every output number costs one filter's worth of MACs": lambda: (
            weights(4, 1, 3) == 3 * 3 * 4
        ),
        "with weight (out_channels, in_channels)": lambda: weights(3, 5, 1) == 5 * 3,
    },
    "resnext_lib/exercises/inception.py": {
        "a concatenation adds up what the four branches give out": lambda: out_channels(WIDTHS) == 256,
        "in * reduce + reduce * out * k * k must stay below in * out * k * k": lambda: (
            64 * 60 + 60 * 32 * 25 >= 64 * 32 * 25 > 64 * 59 + 59 * 32 * 25
        ),
        "nn.Conv2d with padding k // 2": lambda: (
            without_data(torch.nn.Conv2d, 1, 1, 5, padding=5 // 2)(torch.empty(1, 1, 9, 9, device="meta")).shape[-1] == 9
        ),
    },
    "resnext_lib/exercises/residual.py": {
        "the identity fits only if nothing about the shape changes": lambda: (
            without_data(Bottleneck, 64, 64, 256).downsample is not None
            and without_data(Bottleneck, 256, 64, 256).downsample is None
        ),
        "three convolutions a block, plus the stem and the classifier": lambda: 3 * 16 + 1 + 1 == 50,
        "conv-bn, add the shortcut, relu; every convolution bias=False": lambda: (
            without_data(Bottleneck, 8, 4, 8).conv1.bias is None
        ),
    },
    "resnext_lib/exercises/grouped.py": {
        "each output reads in_channels / groups channels, so the weights are the dense ones divided by groups": lambda: (
            weights(8, 8, 3) == 4 * weights(8, 8, 3, groups=4)
        ),
    },
    "resnext_lib/exercises/block.py": {
        "= {:,} for d, then take the nearest whole number": lambda: RESNET_BUDGET,
        "C stays; d doubles when the map halves": lambda: (
            [built(networks.resnext50_32x4d).layer1[0].conv2.groups] * 2
            == [getattr(built(networks.resnext50_32x4d), f"layer{i}")[0].conv2.groups for i in (1, 2)]
            and networks.group_width(4, 128) == 2 * networks.group_width(4, 64)
        ),
        "with groups=cardinality on the 3x3": lambda: without_data(Bottleneck, 16, 8, 16, 4).conv2.groups == 4,
    },
    "resnext_lib/exercises/three_forms.py": {
        "the grouped one is (width, width / C, 3, 3)": grouped_shape,
        "the last 1x1s stand side by side along the input dimension": lambda: (
            torch.cat([torch.empty(8, 2, 1, 1)] * 4, dim=1).shape == (8, 8, 1, 1)
        ),
    },
    "resnext_lib/exercises/network.py": {
        "a block: 2 * out * width + 9 * width * width / C, plus 2 numbers a batch-norm channel": lambda: (
            block_by_the_hint(256, 128, 32) == count_parameters(without_data(Bottleneck, 256, 128, 256, 32))
        ),
    },
    "resnext_lib/exercises/training.py": {
        "divide by {} first; dim=(0, 2, 3) leaves one number a channel": lambda: 2**8 - 1,
    },
    "resnext_lib/exercises/studies.py": {},
    "resnext_lib/exercises/speed.py": {
        "the rest takes 1 - share, the layer share / factor; the whole becomes 1 over their sum": lambda: (
            round(whole_by_the_hint(0.1, 1e9), 2) == 1.11
        ),
    },
    "resnext_lib/exercises/descendants.py": {
        "two 1x1s with biases: channels to channels // reduction, and back": lambda: (
            count_parameters(without_data(descendants.SqueezeExcitation, 256, 16)) == 2 * 256 * 16 + 16 + 256
        ),
        "the widths are {} and {}": lambda: (96, 4 * 96),
    },
}

# ------------------------------------------------------------------ what the plans of the studies came to


def paths_that_cost_a_point(kind):
    return [sum(points >= 1 for _, _, points, _ in removals(seed, kind)) for seed in ("0", "1")]


def pairs_beyond_the_sum():
    """Both paths minus the sum of the two, in points and in test loss: mean and half width of the 95 % interval of each."""
    rows = [row for row in evidence("path_removal") if row["statistics"] == "re-estimated"]
    single = {(row["seed"], row["block"], row["removed"]): row for row in rows}
    pairs = [row for row in rows if "+" in row["removed"]]
    return [
        number
        for column in ("points_lost", "loss_increase")
        for number in interval(
            [
                float(row[column])
                - sum(float(single[row["seed"], row["block"], path][column]) for path in row["removed"].split("+"))
                for row in pairs
            ]
        )
    ]


def contrast(one, other):
    """Mean and half width of ``one - other`` in test accuracy, for both splits, corrected as the plan says."""
    rows, found = evidence("fine_tuning"), []
    for split in fine_tuning.HELD_OUT:
        first, second = (fine_tuning.values(rows, split, arm) for arm in (one, other))
        found += interval([first[seed] - second[seed] for seed in fine_tuning.SEEDS], 1 - 0.05 / len(fine_tuning.CONTRASTS))
    return found


def old_task():
    """For both splits the base's accuracy on its own classes, and what is left of it in the arm frozen-train."""
    rows = evidence("fine_tuning")
    base = {row["split"]: float(row["accuracy"]) for row in rows if row["arm"] == "base"}
    kept = {s: fine_tuning.values(rows, s, "frozen-train", "old_accuracy").values() for s in fine_tuning.HELD_OUT}
    return [number for split in fine_tuning.HELD_OUT for number in (base[split], statistics.mean(kept[split]))]


def improvements():
    """By how much more re-estimation improves networks trained in bfloat16 than those trained in float32."""
    rows = evidence("precision")
    cells = ({kept: precision.values(rows, p, kept) for kept in precision.STATISTICS} for p in ("bfloat16", "float32"))
    return precision.difference(*map(precision.gain, cells))


OUTCOMES = {
    "studies/deviations.md": {
        "{} and {} of 96 paths cost a point or more, the largest {:.2f} and {:.2f}": lambda: (
            *paths_that_cost_a_point("re-estimated"),
            *(max(points for _, _, points, _ in removals(seed, "re-estimated")) for seed in ("0", "1")),
        ),
        "statistics kept it were {} and {}": lambda: paths_that_cost_a_point("kept"),
        "accuracy falls by {:.2f} ± {:.2f} points less than the sum of the two would, the loss rises by {:.4f} ± {:.4f}\n"
        "   more": lambda: (
            -pairs_beyond_the_sum()[0],
            *pairs_beyond_the_sum()[1:],
        ),
        "frozen-train minus frozen-eval is {:+.3f} ± {:.3f} and −{:.3f} ± {:.3f}": lambda: (
            *contrast("frozen-train", "frozen-eval")[:2],
            -contrast("frozen-train", "frozen-eval")[2],
            contrast("frozen-train", "frozen-eval")[3],
        ),
        "What is lost is the old task: {:.2f} falls to {:.2f}, and {:.2f} to {:.2f}": old_task,
        "frozen-eval minus scratch is {:+.3f} ± {:.3f} and {:+.3f} ± {:.3f}, which reaches 0": lambda: (
            contrast("frozen-eval", "scratch")
            if contrast("frozen-eval", "scratch")[2] <= contrast("frozen-eval", "scratch")[3]
            else None
        ),
        "bfloat16 minus float32, test loss as trained: {:+.3f} ± {:.3f}. No cost was found, and the interval ends below {}": (
            lambda: (
                *bfloat16_against_float32()[:2],
                0.05 if sum(bfloat16_against_float32()[:2]) < 0.05 else None,
            )
        ),
        "Estimating the batch norms of the networks trained in bfloat16 again: {:+.3f} ± {:.3f}": lambda: (
            renewed_after_bfloat16()[:2]
        ),
        "the difference of the two improvements is {:+.3f} ± {:.3f}": lambda: improvements()[:2],
    },
}
CLAIMS = {deck(number): table for number, table in SLIDES.items()} | DOCSTRINGS | HINTS | OUTCOMES
