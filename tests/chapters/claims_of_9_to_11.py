"""Claims of chapters 9 to 11: a passage, and what it follows from (tests/claims_for_tests.py says how)."""

import inspect
import re
import statistics
from functools import cache

import numpy
import torch
import torchvision
from claims_for_tests import row
from claims_of_1_to_4 import built
from claims_of_5_to_8 import share_of_3x3
from randomness import without_data
from scipy import stats

from resnext_lib import descendants, experiments, networks
from resnext_lib.complexity import count_macs, count_parameters
from resnext_lib.descendants import regnet_stages
from resnext_lib.experiments import column
from resnext_lib.networks import GOOGLENET_MODULES, group_width
from resnext_lib.published import evidence, published
from resnext_lib.statistics import interval, paired, seeds_needed
from studies.cardinality.analyse import COMPARISONS
from studies.cardinality.arms import ARMS as STUDY_ARMS
from studies.cardinality.arms import build as study_arm
from studies.cardinality.arms import random_connections, sets_apart
from studies.cardinality.run import EPOCHS, FURTHER, PROTOCOL

IMAGE = (3, 224, 224)
SETTINGS = {"1x64d": (1, 64), "2x40d": (2, 40), "4x24d": (4, 24), "8x14d": (8, 14), "32x4d": (32, 4)}
DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def value(name):
    return published(name)["value"]


# ------------------------------------------------------------------ chapter 9


def table_3(layers, setting):
    return value(f"table3.{layers}-layers.{setting}")


def gain(layers):
    return table_3(layers, "1x64d") - table_3(layers, "32x4d")


def regnets_gain(depth):
    return value(f"regnet.table3.resnet{depth}.top1") - value(f"regnet.table3.resnext{depth}.top1")


def table_4(name):
    return value(f"table4.{name}.top1")


@cache
def macs(blocks, cardinality, width):
    return count_macs(without_data(networks.ResNeXt, blocks, cardinality, width), IMAGE)


def dearest_setting():
    """By how many per cent the MACs of Table 3's settings rise at most, with 50 layers."""
    counts = [macs(DEPTHS[50], *setting) for setting in SETTINGS.values()]
    return 100 * (max(counts) / counts[0] - 1)


def points_of_depth():
    """By how many points ResNet's error falls from 50 to 101 layers."""
    return table_3(50, "1x64d") - table_3(101, "1x64d")


def percent_of_depth():
    """By how many per cent its MACs rise."""
    return 100 * (macs(DEPTHS[101], 1, 64) / macs(DEPTHS[50], 1, 64) - 1)


def falls(layers):
    errors = [table_3(layers, setting) for setting in SETTINGS]
    return errors == sorted(errors, reverse=True) and len(set(errors)) == 5


@cache
def accuracies(name, part):
    return tuple(100 * v for _, v in sorted(column(evidence("experiments"), name, f"{part}_accuracy").items()))


def ahead(name, part):
    """Points by which ``name`` beats 1x64d, seed by seed."""
    return [many - one for many, one in zip(accuracies(name, part), accuracies("1x64d", part), strict=True)]


def is_clear(name, part):
    mean, half = interval(ahead(name, part), 1 - 0.05 / 8)
    return abs(mean) > half


OTHERS = [str(c) for c in experiments.SAME_BUDGET][1:]


def place(name, seed):
    """The place of ``name`` among the six networks of one budget, by test accuracy with ``seed``."""
    order = sorted(["1x64d", *OTHERS], key=lambda other: -accuracies(other, "test")[seed])
    return order.index(name) + 1


def width_of_the_field(seed):
    """By how many points the best of the six networks is ahead of the worst with ``seed``, on test pictures."""
    found = [accuracies(name, "test")[seed] for name in ("1x64d", *OTHERS)]
    return max(found) - min(found)


def pairs_needed(part, comparisons):
    mean, spread = statistics.mean(ahead("16x8d", "test")), statistics.stdev(ahead("16x8d", "test"))
    return seeds_needed(round(mean, 1) * part, spread, 0.05 / comparisons)


def shortcut_lost(network):
    return value(f"ablation.{network}.without-shortcut") - value(f"ablation.{network}.with-shortcut")


def cheaper_than_depth_and_width():
    """Whether 32 paths reach a lower error in ResNet-101 than twice the computation in depth or in width."""
    return table_4("resnext101-32x4d") < min(table_4("resnet200"), table_4("resnet101-1x100d"))


def level_with_the_wider():
    """Whether 32 paths and the wider network are no more apart than the deviation of RegNet's runs."""
    return (
        table_4("resnet101-1x100d") - table_4("resnext101-32x4d") < 0.15 < table_4("resnet200") - table_4("resnext101-32x4d")
    )


def width_of_one_path(weights, channels):
    """How wide a single path is whose block, 1x1, 3x3 and 1x1, has so many weights."""
    return (-2 * channels + ((2 * channels) ** 2 + 4 * 9 * weights) ** 0.5) / (2 * 9)


def macs_of_small(cardinality, bottleneck_width):
    return count_macs(networks.small_resnext(cardinality, bottleneck_width), (1, 28, 28))


def drawn_orders(channels, reads, times=200):
    """Connections as chapter 9 draws them first: random orders side by side, whatever they hold twice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(times):
            yield torch.stack([torch.randperm(channels) for _ in range(reads)], dim=1)


def share_that_falls_apart(channels, reads):
    return statistics.mean(sets_apart(orders) > 1 for orders in drawn_orders(channels, reads))


def share_that_reads_twice(channels, reads):
    return statistics.mean(any(len(set(row)) < reads for row in orders.tolist()) for orders in drawn_orders(channels, reads))


NUMERALS = {5: "five", 10: "ten", 20: "twenty"}


@cache
def study(first, second, outcome="test_loss"):
    """The control study's comparison of two arms: its row of evidence, in numbers."""
    for comparison in evidence("cardinality_comparisons"):
        names = ("first", "second", "outcome")
        if tuple(comparison[name] for name in names) == (first, second, outcome):
            return {name: float(number) for name, number in comparison.items() if number and name not in names}
    raise ValueError(f"{first} − {second} is no comparison of the study")


def below(first, second, outcome="test_loss"):
    """Whether the study found that ``first`` has the lower loss: its corrected interval lies below 0."""
    return study(first, second, outcome)["high"] < 0


def above(first, second, outcome="test_loss"):
    return study(first, second, outcome)["low"] > 0


def not_found(first, second, outcome="test_loss"):
    return not below(first, second, outcome) and not above(first, second, outcome)


def pairs_of(first, second, outcome="test_loss"):
    """In how many pairs of runs the difference has the sign that most of them have, of how many."""
    return study(first, second, outcome)["same_sign"], study(first, second, outcome)["seeds"]


def epochs_behind():
    """The epochs after which the training loss of grouped lies above that of narrow, averaged over the seeds."""
    losses = {(row["arm"], int(row["epoch"])): float(row["train_loss"]) for row in evidence("cardinality_epochs")}
    return [epoch for epoch in range(1, EPOCHS + 1) if losses["grouped", epoch] > losses["narrow", epoch]]


def sure_of_the_pictures():
    """Whether each difference stays on its side of 0 when pictures are drawn anew as well as seeds."""
    return all(study(*pair)["resampled_low"] * study(*pair)["resampled_high"] > 0 for pair in COMPARISONS)


def different_pairs():
    """Outputs of the first stage's 3x3, and how many different pairs of inputs they read, in groups and scattered."""
    pairs = {tuple(sorted(inputs)) for inputs in random_connections(32, 2).tolist()}
    return 32, 32 // group_width(STUDY_ARMS["grouped"][1], 16), len(pairs)


def runs_of_regnet():
    """How many runs a row of RegNet's Table 3 averages."""
    (runs,) = {
        int(published(f"regnet.table3.{name}.top1")["recipe"].removesuffix(" runs").split()[-1])
        for name in ("resnet50", "resnext50", "resnet101", "resnext101")
    }
    return runs


def tested_on():
    """How many test pictures the study's protocol names."""
    return int(
        re.search(r"^All ([\d,]+) test pictures are the test", PROTOCOL.read_text(encoding="utf-8"), re.MULTILINE)[
            1
        ].replace(",", "")
    )


def wanted_power():
    """The probability in per cent with which ``seeds_needed`` wants an effect to be found."""
    return 100 * inspect.signature(seeds_needed).parameters["wanted"].default


CHAPTER_9 = {
    "its error on ImageNet falls from {:.1f} % to {:.1f} %": lambda: (table_3(50, "1x64d"), table_3(50, "32x4d")),
    "five blocks of one [budget](glossary.md#terms), from one path {} channels wide to {} paths of {}": lambda: (64, 32, 4),
    "builds a network of {} layers and one of {} from each, and trains all ten": lambda: [
        2 + 3 * sum(blocks) for blocks in DEPTHS.values()
    ],
    "At equal operations, more paths err less": lambda: falls(50) and falls(101),
    "from {:.1f} to {:.1f} per cent with 50 layers, from {:.1f} to {:.1f} with 101": lambda: [
        table_3(layers, setting) for layers in DEPTHS for setting in ("1x64d", "32x4d")
    ],
    "More paths, less error, at every step and at both depths, and most of the gain comes early": lambda: all(
        falls(layers) and table_3(layers, "1x64d") - table_3(layers, "4x24d") > gain(layers) / 2 for layers in DEPTHS
    ),
    "ImageNet, one crop of {} pixels; arXiv 1611.05431, Table 3": lambda: value("training.imagenet.crop"),
    "The table cannot say whether a step of {:.1f} points": lambda: (
        min(
            table_3(layers, a) - table_3(layers, b)
            for layers in DEPTHS
            for a, b in zip(list(SETTINGS), list(SETTINGS)[1:], strict=False)
        ),
    ),
    "trained its two ends again, with one recipe and {} runs each": lambda: NUMERALS[runs_of_regnet()],
    "With {} layers 32 paths err {:.1f} points less and with {} layers {:.1f}, at standard deviations of about {:.1f}": lambda: (
        50,
        regnets_gain(50),
        101,
        regnets_gain(101),
        statistics.mean(value(f"regnet.table3.{n}.deviation") for n in ("resnet50", "resnext50", "resnet101", "resnext101")),
    ),
    "the lead is smaller than in the paper": lambda: regnets_gain(50) < gain(50) and regnets_gain(101) < gain(101),
    "they rise by up to {:.1f} %.\nCan so little computation explain up to {:.1f} points?": lambda: (
        dearest_setting(),
        gain(50),
    ),
    "Beyond {} layers, depth and width buy less": lambda: (
        2 + 3 * sum(DEPTHS[101]) if cheaper_than_depth_and_width() else None
    ),
    "From {} to {} layers depth still brings {:.1f} points, for nearly twice the operations": lambda: (
        50,
        101,
        points_of_depth() if 1.9 < macs(DEPTHS[101], 1, 64) / macs(DEPTHS[50], 1, 64) < 2 else None,
    ),
    "at {:.0f} GMACs and {:.1f} per cent: straight down to 32x4d, {:.1f}; to {:.0f} GMACs for deeper, {:.1f}, wider, {:.1f}, "
    "and two paths, {:.1f}. From 32x4d another arrow leads to 64x4d at {:.0f} GMACs, {:.1f}": lambda: (
        macs(DEPTHS[101], 1, 64) / 1e9,
        table_4("resnet101-1x64d"),
        table_4("resnext101-32x4d"),
        value("table4.flops"),
        table_4("resnet200"),
        table_4("resnet101-1x100d"),
        table_4("resnext101-2x64d"),
        value("table4.flops"),
        table_4("resnext101-64x4d"),
    ),
    "32 paths at {:.0f} GMACs end below a deeper network at {:.0f}, and level with a wider one": lambda: (
        macs(DEPTHS[101], 32, 4) / 1e9,
        value("table4.flops") if level_with_the_wider() and cheaper_than_depth_and_width() else None,
    ),
    "Circles have two paths or more, and a wider middle: {} channels, in 64x4d {}, against {}": lambda: (
        32 * 4 if 32 * 4 == 2 * 64 else None,
        64 * 4,
        1 * 64,
    ),
    "ImageNet, {} layers but for ResNet-200": lambda: 2 + 3 * sum(DEPTHS[101]),
    "bought {:.1f} points as depth, {:.1f} as width and {:.1f} as two paths in a middle twice as "
    "wide; 32 paths bought {:.1f} for {:.0f} % more of it": lambda: (
        table_4("resnet101-1x64d") - table_4("resnet200"),
        table_4("resnet101-1x64d") - table_4("resnet101-1x100d"),
        table_4("resnet101-1x64d") - table_4("resnext101-2x64d"),
        table_4("resnet101-1x64d") - table_4("resnext101-32x4d"),
        100 * (macs(DEPTHS[101], 32, 4) / macs(DEPTHS[101], 1, 64) - 1),
    ),
    "Even at the rate from {} to {} layers, {:.1f} points for {:.0f} %, the sceptic's {:.1f} % are worth about {:.1f}": lambda: (
        50,
        101,
        points_of_depth(),
        percent_of_depth(),
        dearest_setting(),
        points_of_depth() * dearest_setting() / percent_of_depth(),
    ),
    "The training error falls as well": lambda: (
        value("training-error.101-layers.32x4d") < value("training-error.101-layers.1x64d")
    ),
    "with 101 layers it falls from about {} % with one path to about {} % with 32": lambda: (
        value("training-error.101-layers.1x64d"),
        value("training-error.101-layers.32x4d"),
    ),
    "So the change does not only regularise": lambda: (
        value("training-error.101-layers.32x4d") < value("training-error.101-layers.1x64d")
    ),
    "The ResNeXt loses about half as much": lambda: (
        0.45 < shortcut_lost("resnext50-32x4d") / shortcut_lost("resnet50-1x64d") < 0.55
    ),
    "While C grows from {} to {} in Table 3, the middle of the block widens from {} channels to {}": lambda: (
        1,
        32,
        64,
        32 * 4,
    ),
    "On the left they fall as the paths grow from {} to {}, on the right they fall alike as the middle widens from {} to {} "
    "channels": lambda: (1, 32, 64, 128),
    "Table 3 fits both stories, more paths and a wider middle": lambda: falls(50) and falls(101),
    "its wide network has {} channels in the middle, 2x64d has {}, and 64x4d has {}": lambda: (100, 2 * 64, 64 * 4),
    "Only 32x4d and 2x64d are equally wide, and there two paths have half a point less error than 32, at nearly twice the "
    "operations": lambda: (
        32 * 4 == 2 * 64
        and round(table_4("resnext101-32x4d") - table_4("resnext101-2x64d"), 2) == 0.5
        and 1.8 < macs(DEPTHS[101], 2, 64) / macs(DEPTHS[101], 32, 4) < 2
    ),
    "there, too, the networks of many paths are wider in the middle": lambda: (
        8 * 64 > width_of_one_path(8 * (2 * 256 * 64 + 9 * 64 * 64), 256)
    ),
    "With torchvision's older weights it is right in {:.1f} % where ResNeXt-50 reaches {:.1f} and ResNet-50 "
    "{:.1f}": lambda: [value(f"torchvision.{name}.V1.top1") for name in ("wide_resnet50_2", "resnext50_32x4d", "resnet50")],
    "because it has nearly three times the weights of either": lambda: all(
        2.6 < value("torchvision.wide_resnet50_2.parameters") / value(f"torchvision.{name}.parameters") < 3
        for name in ("resnext50_32x4d", "resnet50")
    ),
    "of one budget, about {:.0f} thousand weights, were trained for six epochs on the {:,} pictures": lambda: (
        int(evidence("experiments")[0]["parameters"]) / 1000,
        int(evidence("experiments")[0]["images"]),
    ),
    "With seed 4 the network with 16 paths is the best of six, and with seed 0 it is the worst": lambda: (
        (place("16x8d", 4), place("16x8d", 0)) == (1, 6)
    ),
    "with seed 0 the best and the worst are nine of {:,} test pictures apart": lambda: (
        len(evidence("predictions")) if round(width_of_the_field(0) * len(evidence("predictions")) / 100) == 9 else None
    ),
    "16x8d goes from the last place to the first": lambda: (place("16x8d", 0), place("16x8d", 4)) == (6, 1),
    "A **95 % confidence interval** tells how far it can be trusted: a range made by a method that covers the true difference in {} of 100 "
    "studies": lambda: 95,
    "comes from Student's distribution and is {:.2f} for five runs": lambda: stats.t.ppf(0.975, 4),
    "The first two intervals overlap, and the interval of the differences is still clear of zero": lambda: (
        row(9, "c09-in-pairs", "1x64d")[0] + row(9, "c09-in-pairs", "1x64d")[1]
        > row(9, "c09-in-pairs", "16x8d")[0] - row(9, "c09-in-pairs", "16x8d")[1]
        and row(9, "c09-in-pairs", "in pairs")[0] > row(9, "c09-in-pairs", "in pairs")[1]
    ),
    "Pairing has removed more than half of the noise": lambda: (
        interval(ahead("16x8d", "train"))[1]
        < (interval(accuracies("16x8d", "train"))[1] ** 2 + interval(accuracies("1x64d", "train"))[1] ** 2) ** 0.5 / 2
    ),
    "After six epochs sixteen paths fit better; on test pictures nobody can tell": lambda: (
        is_clear("16x8d", "train") and not any(is_clear(name, "test") for name in OTHERS)
    ),
    "16 and 32 paths fit the training pictures better than one": lambda: all(
        min(ahead(name, "train")) > 0 and is_clear(name, "train") for name in ("16x8d", "32x4d")
    ),
    "on the test pictures all five intervals cross zero": lambda: (
        len(OTHERS) == 5 and not any(is_clear(name, "test") for name in OTHERS)
    ),
    "on test pictures all five cross it, with means above it": lambda: all(
        statistics.mean(ahead(name, "test")) > 0 and not is_clear(name, "test") for name in OTHERS
    ),
    "all five means on test pictures are positive": lambda: (
        len(OTHERS) == 5 and all(statistics.mean(ahead(name, "test")) > 0 for name in OTHERS)
    ),
    "the intervals of 16x8d and 32x4d lie right of zero and that of 4x24d touches it; on test pictures all five cross "
    "it": lambda: not any(is_clear(name, "test") for name in OTHERS),
    "a line the {:.1f} % interval, its square": lambda: 100 * (1 - 0.05 / 8),
    "Eight comparisons at {:.1f} % hold together in {} of 100 studies": lambda: (100 * (1 - 0.05 / 8), 95),
    "Six epochs, {:,} training and {:,} test pictures, five seeds": lambda: (
        int(evidence("experiments")[0]["images"]),
        len(evidence("predictions")),
    ),
    "Of eight 95 % intervals, one often seems to leave out zero although nothing differs": lambda: 1 - 0.95**8 > 0.3,
    "So the {:.0f} % are shared among the eight, which is called Bonferroni's correction": lambda: 100 * 0.05,
    "becomes one of {:.1f} %": lambda: 100 * (1 - 0.05 / 8),
    "which happens once in six by luck": lambda: len(OTHERS) + 1 == 6,
    "How many seeds would have been enough to find a true effect in {:.0f} of 100 studies?": wanted_power,
    "The table begins with the mean that we saw, then takes its half and its quarter": lambda: all(
        row(9, "c09-seeds", f"{round(statistics.mean(ahead('16x8d', 'test')), 1) * part:.1f}")
        == [pairs_needed(part, 1), pairs_needed(part, 8)]
        for part in (1, 0.5, 0.25)
    ),
    "Five pairs were too few from the start": lambda: len(ahead("16x8d", "test")) == 5 < pairs_needed(1, 1),
    "{} seeds ({} for wide and mac-matched), {} epochs, a learning rate chosen for each arm on pictures kept aside for it, all {:,} test pictures, and one "
    "outcome, the loss on them, with {} comparisons": lambda: (
        NUMERALS[len(STUDY_ARMS["grouped"][2])],
        NUMERALS[len(STUDY_ARMS["wide"][2])] if STUDY_ARMS["wide"][2] == STUDY_ARMS["mac-matched"][2] else None,
        NUMERALS[EPOCHS],
        tested_on(),
        NUMERALS[len(COMPARISONS)],
    ),
    "[Figure 9.7](#fig-9-7) has the {} comparisons that the protocol names": lambda: NUMERALS[len(COMPARISONS)],
    "The gain does not need closed groups": lambda: below("sparse", "narrow"),
    "A middle as wide as that of grouped, but without closed groups, is better than narrow: sparse": lambda: below(
        "sparse", "narrow"
    ),
    "a line the {:.0f} % interval, its square filled where zero is left out: {} comparisons at {:.0f} % hold together in {} "
    "of 100": lambda: (99, NUMERALS[len(COMPARISONS)], 100 * (1 - 0.05 / len(COMPARISONS)), 95),
    "Twenty epochs; ten pairs, five with wide and mac-matched": lambda: (
        EPOCHS == 20 and [pairs_of(*pair)[1] for pair in COMPARISONS] == [10, 10, 5, 5, 10]
    ),
    "Differences in loss on test pictures. Sparse and wide lie left of narrow; the intervals of grouped and mac-matched reach zero, and so does that of grouped − sparse, with its mean on the right.": lambda: (
        [below(arm, "narrow") for arm in ("grouped", "sparse", "wide", "mac-matched")] == [False, True, True, False]
        and not_found("mac-matched", "narrow")
        and not_found("grouped", "sparse")
        and study("grouped", "sparse")["mean"] > 0
    ),
    "Grouped has less loss than narrow in eight of ten pairs, by {:.3f} on average, but they spread too much for a corrected "
    "interval": lambda: (
        -study("grouped", "narrow")["mean"]
        if study("grouped", "narrow")["mean"] < 0
        and pairs_of("grouped", "narrow") == (8, 10)
        and not_found("grouped", "narrow")
        else None
    ),
    "So do the five pairs of mac-matched, one path with {:.0f} % more operations and {:.0f} % more weights than grouped; all "
    "five have less loss than narrow, by {:.3f} on average, so a single path that is a little larger could do what grouped did": lambda: (
        100 * (macs_of_small(1, 72) / macs_of_small(16, 8) - 1),
        100 * (count_parameters(study_arm("mac-matched", 0)) / count_parameters(study_arm("grouped", 0)) - 1),
        -study("mac-matched", "narrow")["mean"]
        if pairs_of("mac-matched", "narrow") == (5, 5)
        and not_found("mac-matched", "narrow")
        and study("mac-matched", "narrow")["mean"] < study("grouped", "narrow")["mean"] < 0
        else None,
    ),
    "Ten pairs were again too few: a true difference below {:.3f} between grouped and narrow is missed in more than 20 of 100 "
    "studies": lambda: study("grouped", "narrow")["detectable"],
    "nothing counts against it, for sparse has less loss than narrow, in all ten pairs": lambda: (
        below("sparse", "narrow") and pairs_of("sparse", "narrow") == (10, 10)
    ),
    "heavier 1×1s and {:.0f} % more operations": lambda: 100 * (macs_of_small(16, 8) / macs_of_small(1, 64) - 1),
    "paths*: no gain of grouped over sparse is found": lambda: not below("grouped", "sparse"),
    "at equal width and weights grouped has {:.3f} more loss, in nine of ten pairs, but that is not found either": lambda: (
        study("grouped", "sparse")["mean"]
        if not_found("grouped", "sparse")
        and study("grouped", "sparse")["mean"] > 0
        and pairs_of("grouped", "sparse") == (9, 10)
        else None
    ),
    "On training pictures sparse has less loss than grouped, in all ten pairs, and grouped hardly less than narrow, by {:.3f} on "
    "average": lambda: (
        -study("grouped", "narrow", "train_loss")["mean"]
        if above("grouped", "sparse", "train_loss")
        and pairs_of("grouped", "sparse", "train_loss") == (10, 10)
        and not_found("grouped", "narrow", "train_loss")
        else None
    ),
    "the same width without groups, with {:.1f} times the weights of grouped, has {:.3f} less loss than narrow, where grouped has "
    "{:.3f}": lambda: (
        count_parameters(study_arm("wide", 0)) / count_parameters(study_arm("grouped", 0)),
        -study("wide", "narrow")["mean"] if below("wide", "narrow") else None,
        -study("grouped", "narrow")["mean"],
    ),
    "on average grouped even lags behind narrow from the fifth epoch to the {}th": lambda: (
        epochs_behind()[-1] if epochs_behind() == list(range(5, epochs_behind()[-1] + 1)) else None
    ),
    "each was chosen by a single run, and grouped took the highest that was tried": lambda: (
        {row["learning_rate"] for row in evidence("cardinality_runs") if row["arm"] == "grouped"}
        == {str(max(FURTHER.values()))}
    ),
    "all five leave out zero, so other test pictures would hardly turn a sign": sure_of_the_pictures,
    "in the first stage the {} outputs of grouped read {} different pairs of inputs, and those of sparse {}": different_pairs,
    "with networks of {} layers, {} paths and {} epochs": lambda: (
        inspect.signature(networks.small_resnext).parameters["depth"].default,
        STUDY_ARMS["grouped"][0],
        EPOCHS,
    ),
    "In our small networks more paths were not found to be better than one, nor than a control as wide and without paths, "
    "which did gain": lambda: (
        not below("grouped", "narrow") and not below("grouped", "sparse") and below("sparse", "narrow")
    ),
    "16x8d does {:.0f} % more of them than 1x64d": lambda: 100 * (macs_of_small(16, 8) / macs_of_small(1, 64) - 1),
    "the first stage of 32x4d has paths of a single channel": lambda: group_width(4, 16) == 1,
    "most draws fall apart into rings that never meet": lambda: share_that_falls_apart(32, 2) > 0.5,
    "in the sparse arm all 32 hang together": lambda: sets_apart(random_connections(32, 2)) == 1,
    "In the later stages a channel has {} and {} connections, of which nearly every draw reads some input twice": lambda: (
        [8 * width // 64 for width in (32, 64)] if share_that_reads_twice(64, 4) > 0.9 else None
    ),
    "the smallest difference that it would have found in {:.0f} of 100 cases": wanted_power,
    "Our small networks lost accuracy without their shortcuts, clearly with one path and not clearly with 16": lambda: (
        row(9, "c09-difference", "1x64d")[0] > row(9, "c09-difference", "1x64d")[1]
        and row(9, "c09-difference", "16x8d")[0] < row(9, "c09-difference", "16x8d")[1]
    ),
    "The best run of the network with one path reaches what 16 paths reach on average": lambda: (
        max(accuracies("1x64d", "test")) > statistics.mean(accuracies("16x8d", "test")) - 0.05
    ),
    "by {:.1f} and {:.1f} points in the paper and by {:.1f} and {:.1f} with one recipe and {} runs each": lambda: (
        gain(50),
        gain(101),
        regnets_gain(50),
        regnets_gain(101),
        NUMERALS[runs_of_regnet()],
    ),
    "beyond {} layers twice the computation buys less as depth and no more as width than 32 paths do for {:.0f} %": lambda: (
        2 + 3 * sum(DEPTHS[101]) if cheaper_than_depth_and_width() else None,
        100 * (macs(DEPTHS[101], 32, 4) / macs(DEPTHS[101], 1, 64) - 1),
    ),
    "(a) would show in a training error that falls, as it does with 32 paths": lambda: (
        value("training-error.101-layers.32x4d") < value("training-error.101-layers.1x64d")
    ),
}

# ------------------------------------------------------------------ chapter 10: more in tests/studies/test_speed.py


@cache
def timed(group):
    return {(r["section"], r["arm"]): r for r in evidence(f"speed_{group}")}


TWO = "2 threads, batch 8"
RUNGS = ("torchvision", "channels-last", "folded", "folded, compiled", "ONNX Runtime", "OpenVINO")


def ratio(group, arm, section=TWO):
    return float(timed(group)[section, arm]["ratio"])


def of_the_peak(arm):
    layer, peak = timed("layers")[TWO, arm], timed("layers")[TWO, "peak"]
    speed = int(layer["batch"]) * int(layer["macs"]) / float(layer["median"])
    return 100 * speed / (int(peak["macs"]) / float(peak["median"]))


def dense_layers():
    return statistics.median(
        of_the_peak(arm) for _, arm in timed("layers") if timed("layers")[TWO, arm]["groups"] not in ("", "32")
    )


def more(what):
    """By how many per cent ResNeXt-50 has more of ``what`` than ResNet-50."""
    found = timed("networks")
    return 100 * (int(found[TWO, "ResNeXt-50"][what]) / int(found[TWO, "ResNet-50"][what]) - 1)


def saved_by_folding(pick):
    return 100 - 100 * pick(float(r["ratio"]) for (_, arm), r in timed("ladder").items() if arm == "folded")


def share_of_slow_groups():
    """The share of ResNeXt-50's time that would go if its grouped layers ran at the speed of the others."""
    (grouped, time), (others, rest) = (row(10, "c10-share", head) for head in ("grouped 3×3s", "all others"))
    return (time - rest * grouped / others) / 100


def lead_at_equal_time(depth):
    """Points by which a ResNeXt errs less than ResNets of its time on a V100, between those that were measured."""
    resnets = [f"resnet{layers}" for layers in (50, 101, 152)]
    times, errors = ([value(f"regnet.table3.{name}.{what}") for name in resnets] for what in ("inference", "top1"))
    resnext = f"regnet.table3.resnext{depth}"
    return numpy.interp(value(f"{resnext}.inference"), times, errors) - value(f"{resnext}.top1")


def little_is_left_at_equal_time():
    return all(0 < lead_at_equal_time(depth) < regnets_gain(depth) / 3 for depth in (50, 101))


def int8(column_):
    return int(timed("int8")[TWO, "ONNX Runtime, int8"][column_])


CHAPTER_10 = {
    "has fewer weights than ResNet-50 and {:.0f} % more operations, and on the machine used for this book it takes "
    "{:.0f} % longer": lambda: (more("macs"), 100 * ratio("networks", "ResNeXt-50") - 100),
    "it does a 32nd of the operations and needs more than a quarter of the time": lambda: (
        0.25 < ratio("groups", "groups=32") < 0.3
    ),
    "came out up to {0:.0f} % off, so a difference of {0:.0f} % is none": lambda: max(
        100 * abs(ratio("ladder", "ours again", section) / ratio("ladder", "ours", section) - 1)
        for section, arm in timed("ladder")
        if arm == "ours"
    ),
    "A 32nd of the operations needs more than a quarter of the time\n": lambda: 0.25 < ratio("groups", "groups=32") < 0.3,
    "an AMD EPYC with AVX2 (registers of {} numbers), torch {}.": lambda: (256 // 32, "2.14"),
    "flattens near 1/{:.0f} at 16 groups": lambda: 1 / ratio("groups", "groups=16"),
    "jumps up at 32 and 64, and drops at 128": lambda: (
        ratio("groups", "groups=32") > 1.3 * ratio("groups", "groups=16")
        and ratio("groups", "groups=128") < ratio("groups", "groups=16") / 2
    ),
    "the depthwise layer at the far right reads and writes as much as the dense one, in {:.0f} % of the time": lambda: (
        100 * ratio("groups", "groups=128")
        if timed("groups")[TWO, "groups=128"]["written"] == timed("groups")[TWO, "groups=1"]["written"]
        else 0
    ),
    "So grouping is not slow; narrow groups are": lambda: ratio("groups", "groups=8") < 0.25 < ratio("groups", "groups=32"),
    "Paths 4 wide reach {:.0f} per cent, 8 wide {:.0f}, 16 wide {:.0f}, 32 wide {:.0f}; dense layers reach {:.0f}": lambda: (
        *(of_the_peak(f"layer{stage}.{block}.conv2") for stage, block in ((1, 0), (2, 1), (3, 1), (4, 1))),
        dense_layers(),
    ),
    "The same number of operations, five times as fast in the last stage as in the first": lambda: (
        4.7 < of_the_peak("layer4.1.conv2") / of_the_peak("layer1.0.conv2") < 5.5
    ),
    "Narrow paths run far from the peak": lambda: of_the_peak("layer1.0.conv2") < 15,
    "Paths 4 wide reach {:.0f} % of the peak and paths 32 wide {:.0f} %": lambda: (
        of_the_peak("layer1.0.conv2"),
        of_the_peak("layer4.1.conv2"),
    ),
    "groups of {}, {} and {} channels run at {:.0f}, {:.0f} and {:.0f} % of the dense layer's speed": lambda: (
        *(128 // groups for groups in (16, 8, 4)),
        *(100 / groups / ratio("groups", f"groups={groups}") for groups in (16, 8, 4)),
    ),
    "reads four times as much, and reaches {:.0f} % instead of {:.0f}": lambda: (
        of_the_peak("layer2.0.conv2"),
        of_the_peak("layer2.1.conv2"),
    ),
    "The grouped layers are {:.0f} % of the operations and {:.0f} % of the time": lambda: row(
        10, "c10-share", "grouped 3×3s"
    ),
    "If they ran at the speed of the others, the network would take a tenth less time, and that is about what ResNeXt-50 "
    "loses": lambda: round(share_of_slow_groups(), 1) == 0.1 == round(1 - 1 / ratio("networks", "ResNeXt-50"), 1),
    "also write {:.0f} % more numbers for an image": lambda: more("written"),
    "ResNeXt-50 took {} ms for 64 pictures where ResNet-50 took {}.": lambda: [
        value(f"regnet.table3.{name}.inference") for name in ("resnext50", "resnet50")
    ],
    "At equal time little is left of its lead": little_is_left_at_equal_time,
    "ResNeXt-101 took {} ms and had an error of {} %, ResNet-152 took {} and had one of {}.": lambda: [
        value(f"regnet.table3.{name}.{what}") for name in ("resnext101", "resnet152") for what in ("inference", "top1")
    ],
    "ResNeXt-101 (32x4d) took {:.2f} seconds a step on eight GPUs where ResNet-101 took {:.2f};": lambda: (
        value("speed.resnext101-32x4d"),
        value("speed.resnet101"),
    ),
    "One function, the same operations, six times the speed": lambda: 5.5 < 1 / ratio("forms", "form C", "forward") < 6.5,
    "and A makes {} of them": lambda: 3 * 32,
    "A writes more than {} times as many numbers as C": lambda: (
        int(timed("forms")["forward", "form A"]["written"]) // int(timed("forms")["forward", "form C"]["written"])
    ),
    "The authors chose C because it is shorter to write and faster": lambda: ratio("forms", "form C", "forward") < 0.5,
    "with the weight {} to {:.0f} and through a batch norm to {:.0f}. Below, 6 goes through one convolution with weight {:.0f} "
    "and bias {:.0f} to {:.0f}": lambda: _folded(weight=0.5, mean=1, deviation=2, scale=4, shift=3, x=6),
    "the layer of [Figure 10.1](#fig-10-1) with 32 groups then takes {:.2f} instead of {:.2f} of the time of the dense layer laid out by "
    "default": lambda: (
        ratio("groups", "groups=32, channels-last"),
        ratio("groups", "groups=32"),
    ),
    "The figure to play with above has {:.0f} % there, because it compares with the dense layer in channels-last": lambda: (
        100 * ratio("groups", "groups=32, channels-last") / ratio("groups", "groups=1, channels-last")
    ),
    "the outputs agree within two millionths of the largest": lambda: (
        max(float(r["difference"]) for r in evidence("speed_ladder")) <= 2e-6
    ),
    "The same outputs in six tenths of the time": lambda: (
        round(ratio("ladder", "ONNX Runtime"), 1) == round(ratio("ladder", "OpenVINO"), 1) == 0.6
    ),
    "as it comes {:.2f}, channels-last {:.2f}, folded {:.2f}, compiled {:.2f}, ONNX Runtime {:.2f}, OpenVINO {:.2f}": lambda: [
        ratio("ladder", rung) for rung in RUNGS
    ],
    "torch {}, ONNX Runtime {}, OpenVINO {}, float32": lambda: [
        ".".join(version.split(".")[:2])
        for package in ("torch", "onnxruntime", "openvino")
        for version in [timed("ladder")[TWO, "torchvision"]["versions"].split(f"{package} ")[1].split(",")[0]]
    ],
    "the convolutions take {:.0f} % of torchvision's time, so whoever makes all the rest free arrives at {:.2f}": lambda: (
        100 * _convolutions(),
        _convolutions(),
    ),
    "and in the folded copy, laid out channels-last, they do: of its {:.2f} they take {:.2f}": lambda: (
        ratio("ladder", "folded"),
        ratio("ladder", "folded") * _convolutions("folded"),
    ),
    "Eight bits changed {} answers, cost {} right ones on balance,": lambda: (
        int8("changed_answers"),
        int(timed("int8")[TWO, "eager"]["correct"]) - int8("correct"),
    ),
    "and took longer than 32 bits in the same runtime": lambda: all(
        ratio("int8", "ONNX Runtime, int8", section) > ratio("int8", "ONNX Runtime", section)
        for section in {section for section, _ in timed("int8")}
    ),
    "keeps the function and saved {:.0f} to {:.0f} % of ResNeXt-50's time here": lambda: (
        saved_by_folding(max),
        saved_by_folding(min),
    ),
    "a step took {:.0f} % less time here": lambda: 100 - 100 * ratio("training", "channels-last"),
    "On this processor ResNeXt-50 loses to ResNet-50 about as much as its narrow groups cost": lambda: (
        abs(share_of_slow_groups() - (1 - 1 / ratio("networks", "ResNeXt-50"))) < 0.02
    ),
    "laid out by a runtime, the same network takes six tenths of the time": lambda: (
        round(ratio("ladder", "ONNX Runtime"), 1) == round(ratio("ladder", "OpenVINO"), 1) == 0.6
    ),
    "8 groups of 16 were faster than 32 of 4": lambda: ratio("groups", "groups=8") < ratio("groups", "groups=32"),
    "one group writes the same and takes far longer": lambda: ratio("groups", "groups=16") < 0.5,
    "it keeps the function, and no other rung took much less time in any setting": lambda: all(
        ratio("ladder", "ONNX Runtime", section) < 1.05 * float(r["ratio"])
        for (section, arm), r in timed("ladder").items()
        if arm in RUNGS
    ),
}


def _folded(weight, mean, deviation, scale, shift, x):
    factor = scale / deviation
    through = (weight * x - mean) * factor + shift
    return weight, weight * x, through, weight * factor, shift - mean * factor, through


def _convolutions(network="torchvision"):
    """The convolutions' share of a network's time."""
    return next(
        float(r["share"])
        for r in evidence("speed_profile")
        if (r["network"], r["operation"]) == (network, "mkldnn_convolution")
    )


# ------------------------------------------------------------------ chapter 11

STAGES = regnet_stages(depth=25, initial_width=88, slope=26.31, multiplier=2.25, group_width=48)
SPLITS = ("unlike", "alike")


@cache
def tuned(split, arm):
    return {
        r["seed"]: 100 * float(r["accuracy"])
        for r in evidence("fine_tuning")
        if (r["split"], r["arm"], r["part"]) == (split, arm, "test")
    }


def contrasts(split, comparisons):
    pairs = (
        ("frozen-train", "frozen-eval"),
        ("all-train", "all-eval"),
        ("all-eval", "frozen-eval"),
        ("frozen-eval", "scratch"),
    )
    return [paired(tuned(split, one), tuned(split, two), comparisons) for one, two in pairs]


def old(split, arm):
    found = [
        float(r["old_accuracy"])
        for r in evidence("fine_tuning")
        if (r["split"], r["arm"]) == (split, arm) and r["old_accuracy"]
    ]
    return statistics.mean(found)


def convnext(step):
    return value(f"convnext.{step}.top1")


def table_5(name, top="top1"):
    return value(f"table5.{name}.{top}")


BEST = "resnext101-64x4d.320"
INCEPTIONS = ("inception-v3.299", "inception-v4.299", "inception-resnet-v2.299")


def leads(table, what, names):
    return [value(f"{table}.{a}.{what}") - value(f"{table}.{b}.{what}") for a, b in names]


def se_adds(count):
    plain, with_box = (count(built(build)) for build in (networks.resnext50_32x4d, descendants.seresnext50_32x4d))
    return with_box / plain - 1


CHAPTER_11 = {
    "none of them keeps ResNeXt's {} groups": lambda: 32,
    "moves right from {} of {} to {} of {}, ResNeXt-50 moves left from 32 of {} to 32 of {}": lambda: (
        STAGES[0][0] // 48,
        STAGES[0][0],
        STAGES[-1][0] // 48,
        STAGES[-1][0],
        128,
        1024,
    ),
    "two small layers lead from {} means to {} numbers and back": lambda: (256, 256 // value("senet.reduction")),
    "For a tenth more parameters, and hardly a multiplication more": lambda: (
        round(se_adds(count_parameters), 1) == 0.1 and se_adds(lambda network: count_macs(network, IMAGE)) < 0.001
    ),
    "the network's error is as low as that of ResNeXt-101, which does nearly twice the work": lambda: (
        value("senet.se-resnext50.top1") <= value("senet.resnext101.top1")
        and 1.8 < value("senet.resnext101.flops") / value("senet.se-resnext50.flops") < 2
    ),
    "32 times {}, {}, {} and {} channels, cut ever more coarsely. RegNetX-3.2GF: {}, {}, {} and {} pieces of one width, {}": lambda: (
        *(4 * 2**stage for stage in range(4)),
        *(stage[0] // 48 for stage in STAGES),
        48,
    ),
    "one width for all stages made its networks no worse": lambda: (  # this one is no worse than ResNeXt-50
        value("regnet.table3.regnetx-3.2gf.top1") <= value("regnet.table3.resnext50.top1")
    ),
    "ResNeXt fixes the number of the groups, RegNet their width": lambda: len({stage[2] for stage in STAGES}) == 1,
    "In our block the two dense 1×1s hold {:.0f} % of the weights": lambda: 100 - share_of_3x3(32, 4),
    "32 groups of 4 reach only {} of the 32": lambda: 4,
    "It gives up {:.1f} points, and with them eight ninths of the work": lambda: (
        value("mobilenet.dense.top1") - value("mobilenet.depthwise.top1")
        if abs(1 - value("mobilenet.depthwise.macs") / value("mobilenet.dense.macs") - 8 / 9) < 0.01
        else 0
    ),
    "widens the network from {} to {} channels": lambda: value("convnext.resnextify.widths"),
    "Nearly half of the multiplications go, and with them {:.1f} points; the wider channels take back more of both, and the "
    "network ends {:.0f} % more expensive and one point better": lambda: (
        convnext("before-resnextify") - convnext("depthwise"),
        100 * (row(11, "c11-060", "and 96 channels: ResNeXt-ify")[0] / row(11, "c11-060", "before")[0] - 1),
    ),
    "and one point better": lambda: convnext("resnextify") - convnext("before-resnextify") == 1,
    "a ResNet-50's {} % have become {}": lambda: (convnext("resnet50"), convnext("final")),
    "which ends {:.1f} points above a ResNet-50 of its own recipe": lambda: convnext("final") - convnext("resnet50"),
    "ResNeXt-ify: {0}, 1x1 to {1}, 3x3 in {1} groups, 1x1 to {0}. ConvNeXt: {1}, 7x7 in {1} groups, 1x1 to {0}, 1x1 to {1}": lambda: (
        4 * 96,
        96,
    ),
    "No weight has changed, and every mean and variance has": lambda: (
        row(11, "c11-moved", "weights")[1] == 0 and len(set(row(11, "c11-moved", "batch norm's means and variances"))) == 1
    ),
    "Accuracy on {:,} test pictures": lambda: next(
        int(r["pictures"]) for r in evidence("fine_tuning") if r["part"] == "test"
    ),
    "all rows lie between {:.0f} and {:.0f} per cent and overlap": lambda: (
        min(min(tuned("unlike", arm).values()) for arm in ARMS),
        max(max(tuned("unlike", arm).values()) for arm in ARMS),
    ),
    "training from scratch lies at {:.0f} to {:.0f} per cent, the four others at {:.0f} to {:.0f}, overlapping": lambda: (
        min(tuned("alike", "scratch").values()),
        max(tuned("alike", "scratch").values()),
        min(min(tuned("alike", arm).values()) for arm in ARMS[1:]),
        max(max(tuned("alike", arm).values()) for arm in ARMS[1:]),
    ),
    "On the new classes the usual mistake, frozen weights in train mode, does no harm that these runs can show": lambda: all(
        contrasts(split, 4)[0]["low"] < 0 < contrasts(split, 4)[0]["high"] for split in SPLITS
    ),
    "corrected for four, is clear of zero on the same side in both sets, and none is": lambda: (
        not any(
            min(d["low"] for d in pair) > 0 or max(d["high"] for d in pair) < 0
            for pair in zip(*(contrasts(split, 4) for split in SPLITS), strict=True)
        )
    ),
    "greater than about {:.1f} points in the first set and {:.1f} in the second": lambda: [
        -contrasts(split, 4)[0]["low"] for split in SPLITS
    ],
    "has lost most of its old task in one set and a tenth in the other": lambda: (
        old("unlike", "frozen-train") < old("unlike", "base") / 2
        and abs(1 - old("alike", "frozen-train") / old("alike", "base") - 0.1) < 0.02
    ),
    "in eval mode it gives every old answer as before": lambda: all(
        old(split, "frozen-eval") == old(split, "base") for split in SPLITS
    ),
    "RegNetX-3.2GF has an error of {} % and ResNeXt-50 one of {}, at standard deviations of about {:.1f}, and on a V100 card 64 pictures take "
    "them {} and {} ms": lambda: (
        *(value(f"regnet.table3.{name}.top1") for name in ("regnetx-3.2gf", "resnext50")),
        statistics.mean(value(f"regnet.table3.{name}.deviation") for name in ("regnetx-3.2gf", "resnext50")),
        *(value(f"regnet.table3.{name}.inference") for name in ("regnetx-3.2gf", "resnext50")),
    ),
    "does with a quarter fewer multiplications what ResNeXt does, and sooner": lambda: (
        abs(1 - value("torchvision.regnet_x_3_2gf.macs") / value("torchvision.resnext50_32x4d.macs") - 0.25) < 0.02
        and value("regnet.table3.regnetx-3.2gf.inference") < value("regnet.table3.resnext50.inference")
    ),
    "in sizes from {:.1f} billion to {:.0f} billion MACs": lambda: _sizes_of_regnets(),
    "The verdict: one rule stands beside tailored branches": lambda: table_5(BEST) < min(map(table_5, INCEPTIONS)),
    "In the paper's own comparison, yes, by {:.1f} to {:.1f} points": lambda: (
        min(map(table_5, INCEPTIONS)) - table_5(BEST),
        max(map(table_5, INCEPTIONS)) - table_5(BEST),
    ),
    "the winner is the largest of the five, saw larger pictures than the Inceptions": lambda: (
        row(11, "c11-table5", "ResNeXt-101 (64x4d)")[0]
        > max(
            row(11, "c11-table5", name)[0] for name in ("Inception-v3", "Inception-v4", "Inception-ResNet-v2", "ResNet-200")
        )
    ),
    "did about two and a half times the operations of v4 and Inception-ResNet-v2": lambda: all(
        2.35 < row(11, "c11-table5", "ResNeXt-101 (64x4d)")[2] / row(11, "c11-table5", name)[2] < 2.65
        for name in ("Inception-v4", "Inception-ResNet-v2")
    ),
    "it came second, with a top-5 error of {} % against {} %": lambda: (
        value("ilsvrc2016.resnext.ensemble.top5"),
        value("ilsvrc2016.winner.ensemble.top5"),
    ),
    "ResNet-200 has none and is within {:.1f} points of the best of them": lambda: (
        table_5("resnet200.320") - min(map(table_5, INCEPTIONS))
    ),
    "At equal operations ResNeXt leads by {:.1f} and {:.1f} points with one recipe and five runs": lambda: (
        (regnets_gain(50), regnets_gain(101))
        if min(gain(50), gain(101), regnets_gain(50), regnets_gain(101)) > 0
        else (0, 0)
    ),
    "At equal time on RegNet's V100 cards it hardly does": little_is_left_at_equal_time,
    "tested on the same thousand classes, it leads by {:.1f} and {:.1f}": lambda: leads(
        "table6", "1k-way.top1", (("resnet50", "resnext50"), ("resnet101", "resnext101"))
    ),
    "in detection on COCO by {:.1f} and {:.1f} points of average precision": lambda: leads(
        "table8", "ap", (("resnext50", "resnet50"), ("resnext101", "resnet101"))
    ),
    "Fifty-four numbers became two, and at a given cost one": lambda: sum(map(len, GOOGLENET_MODULES.values())) == 54,
    "and at {} channels it builds 48 groups of {}": lambda: (STAGES[2][0], STAGES[2][0] // 48),
    "Equal branches did as well as tailored ones or better, on unequal terms, with two numbers and ResNet's doubling rule where "
    "GoogLeNet had fifty-four widths": lambda: (
        sum(map(len, GOOGLENET_MODULES.values())) == 54 and table_5(BEST) < min(map(table_5, INCEPTIONS))
    ),
    "(b) starts fewer, {} to {} a block": lambda: (STAGES[0][0] // 48, STAGES[-1][0] // 48),
    "(a) starts 32 small convolutions in each of its {} blocks": lambda: sum((3, 4, 6, 3)),
}
ARMS = ("scratch", "frozen-eval", "frozen-train", "all-eval", "all-train")


def _sizes_of_regnets():
    """The smallest and the largest RegNetX by their names in torchvision, in billions of MACs."""
    names = [name.removeprefix("regnet_x_") for name in torchvision.models.list_models() if name.startswith("regnet_x_")]
    sizes = [float(n[:-2].replace("_", ".")) if n.endswith("gf") else float(n[:-2]) / 1000 for n in names]
    return min(sizes), max(sizes)


CLAIMS = {9: CHAPTER_9, 10: CHAPTER_10, 11: CHAPTER_11}
