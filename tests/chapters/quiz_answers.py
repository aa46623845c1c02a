"""The right option of every quiz question, found by computing or by trying it out, never by reading the key.

For each question a function gives a passage that stands in the right option alone.
"""

import statistics

import torch
from claims_of_1_to_4 import GOOGLENET_MODULES, conv, module_weights, weights
from claims_of_5_to_8 import accuracy
from claims_of_9_to_11 import RUNGS, int8, ratio, timed
from randomness import random_tensor, randomise, without_data
from torch import nn

from resnext_lib import descendants, figures, networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import RESNET_BUDGET, bottleneck_weights, count_macs, count_parameters
from resnext_lib.descendants import SqueezeExcitation


def nearest(number, options):
    """The passage of ``options`` whose number is nearest by ratio."""
    return min(options, key=lambda passage: abs(options[passage] - number))


def only(options):
    """The one passage of which the statement beside it is true."""
    true = [passage for passage, holds in options.items() if holds]
    assert len(true) == 1, f"{len(true)} of the options hold: {true}"
    return true[0]


def same(one, other):
    return torch.allclose(one, other, atol=1e-9)


# ------------------------------------------------------------------ chapters 1 and 2


def largest_of_three():
    sizes = {"A 7×7 from 3 to 64": (3, 64, 7), "A 3×3 from 64 to 64": (64, 64, 3), "A 3×3 from 512 to 512": (512, 512, 3)}
    return max(sizes, key=lambda passage: weights(*sizes[passage]))


def one_pixel():
    """A 1×1 that answers only where two channels are there together."""
    layer = nn.Conv2d(2, 1, 1)
    layer.weight.data.fill_(1), layer.bias.data.fill_(-1)
    answers = [torch.relu(layer(torch.tensor([a, b]).view(1, 2, 1, 1))).item() for a in (0.0, 1.0) for b in (0.0, 1.0)]
    return only(
        {"It learns patterns of channels": answers == [0, 0, 0, 1], "it only makes each channel brighter": answers[1] > 0}
    )


WIDTHS = GOOGLENET_MODULES["3a"]


def too_few():
    """Which mistake takes 8,192 weights from module 3a and leaves its 256 channels."""
    missing = {
        "The third branch has a 3×3 where": 16 * 32 * (25 - 9),
        "A reduction is missing": 192 * 16 + 16 * 32 * 25 - 192 * 32 * 25,
    }
    return only({passage: number == 8192 for passage, number in missing.items()})


def growth_of_doubled_widths():
    factor = module_weights(2) / module_weights()
    return only(
        {
            "They double.": factor == 2,
            "They become four times": factor == 4,
            "more than twice and less than four": 2 < factor < 4,
        }
    )


def after_108_trainings():
    """With three choices for each of two widths: which of the nine networks were trained."""
    trained = {(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)}
    every_pair = {(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
    return only({"The best of all networks": trained == every_pair, "Which one change helps most": trained < every_pair})


def true_by_counting():
    five = (weights(192, 16, 1) + weights(16, 32, 5)) / 32
    three = (weights(192, 96, 1) + weights(96, 128, 3)) / 128
    return only(
        {
            "costs about half as much as one of the 3×3 branch": 0.45 < five / three < 0.55,
            "the 5×5 branch would have more weights": weights(192, 32, 5) > weights(192, 128, 3),
        }
    )


# ------------------------------------------------------------------ chapters 3 and 4


def dropout_for_72_per_cent():
    """At best both errors become equal: what then remains of 75 %."""
    return only({"Little:": min(72, 75) > 75 / 2, "falls by half": min(72, 75) <= 75 / 2})


def growth_through_copying_blocks():
    blocks = nn.Sequential(*(Bottleneck(8, 4, 8) for _ in range(50))).double()
    for block in blocks:
        nn.init.zeros_(block.bn3.weight)
    x, gradient = torch.rand(2, 8, 5, 5, dtype=torch.float64, requires_grad=True), random_tensor(2, 8, 5, 5)
    blocks(x).backward(gradient)
    return nearest((x.grad.norm() / gradient.norm()).item(), {"51": 51, "0": 0, "1": 1})


def what_may_be_exchanged():
    x, y = random_tensor(4, 8, 5, 5), random_tensor(4, 8, 5, 5, seed=1) + 1
    whole, halves = (randomise(nn.BatchNorm2d(8).double()).train() for _ in range(2))
    parts = [nn.BatchNorm2d(4).double() for _ in range(2)]
    for part, place in zip(parts, (slice(0, 4), slice(4, 8)), strict=True):
        part.weight.data, part.bias.data = whole.weight.data[place], whole.bias.data[place]
    cut = torch.cat([part(piece) for part, piece in zip(parts, x.chunk(2, dim=1), strict=True)], dim=1)
    return only(
        {
            "One batch norm on the sum of two feature maps": same(whole(x + y), halves(x) + halves(y)),
            "is replaced by 32 on 4 channels each": same(whole(x), cut),
            "ReLU on a sum of two": same(torch.relu(x + y), torch.relu(x) + torch.relu(y)),
        }
    )


def good_for_64_and_poor_for_one():
    """An answer that depends on the batch, in training mode only."""
    norm, x = randomise(nn.BatchNorm2d(4).double()), random_tensor(64, 4, 3, 3)
    depends = {mode: not same(norm.train(mode)(x)[:1], norm.train(mode)(x[:1])) for mode in (True, False)}
    return only({"`eval()` was called": depends == {True: True, False: False}})


def what_reaches_all(between):
    ends = [nn.Conv2d(16, 16, 3, padding=1, groups=4) for _ in range(2)]
    return int(figures.reach(nn.Sequential(ends[0], between, ends[1]), 16)[0].sum()) == 16


def ten_grouped_layers():
    ten = nn.Sequential(*(nn.Conv2d(64, 64, 3, padding=1, groups=4) for _ in range(10)))
    return f"On {int(figures.reach(ten, 64)[0].sum())}."


def thousand_times_cheaper():
    dense, group = weights(1024, 1024, 3), weights(32, 32, 3)
    return only(
        {
            "One group is 1024 times cheaper, and there are 32 of them": dense // group == 1024
            and dense // weights(1024, 1024, 3, groups=32) == 32,
            "Each group reads all inputs": conv(1024, 1024, 3, groups=32).weight.shape[1] == 1024,
        }
    )


# ------------------------------------------------------------------ chapters 5 and 6


def only_groups_set():
    cost = bottleneck_weights(32, 64 // 32) / RESNET_BUDGET
    return only({"about half as much": 0.45 < cost < 0.55, "The 32x4d block.": 64 == 32 * 4, "of the same cost": cost == 1})


def why_not_added():
    widths = {WIDTHS[name] for name in ("conv1x1", "conv3x3", "conv5x5", "pool_projection")}
    pooled, x = nn.MaxPool2d(3, 1, 1)(random_tensor(1, 4, 5, 5)), random_tensor(1, 4, 5, 5)
    return only({"their widths differ": len(widths) > 1, "pooling is not linear": (pooled + x).shape != x.shape})


def share_in_512():
    shares = [9 * 32 * d * d / bottleneck_weights(32, d, channels) for channels, d in ((256, 4), (512, 8))]
    factor = shares[1] / shares[0]
    return only({"It is twice as large": factor == 2, "It is the same": factor == 1, "It is half as large": factor == 0.5})


def scaled_paths():
    weight, columns, factors = (
        random_tensor(6, 8),
        random_tensor(8, seed=1),
        torch.tensor([2.0, 2, 3, 3, 4, 4, 5, 5]).double(),
    )
    sums = sum(weight[:, 2 * i : 2 * i + 2] @ columns[2 * i : 2 * i + 2] * factors[2 * i] for i in range(4))
    return only({"Yes, the numbers go into the last 1×1": same(sums, (weight * factors) @ columns)})


def two_relus():
    parts = torch.tensor([1.0, -2.0])
    return f"{torch.relu(parts).sum():.0f} and {torch.relu(parts.sum()):.0f}"


def biases_of_the_paths():
    """A sum with biases in eval mode, against smaller running means without."""
    norm, x, bias = randomise(nn.BatchNorm2d(4).double()).eval(), random_tensor(2, 4, 3, 3), random_tensor(4)
    with_bias, without = norm(x + bias[:, None, None]), norm(x)
    norm.running_mean -= bias
    return only({"A running mean that is smaller": same(norm(x), with_bias), "Nothing, because": same(without, with_bias)})


def two_thousandths():
    """Rounding shrinks with the precision; a difference that stays is none."""
    shrinks = torch.finfo(torch.float64).eps / torch.finfo(torch.float32).eps
    return only(
        {
            "The difference is rounding": 0.002 * shrinks > 0.001,
            "The weights were not converted rightly": 0.002 * shrinks < 1e-9,
        }
    )


def four_layers_a_path():
    """Middle layers of the paths, side by side, against two grouped layers and against a dense second one."""
    x, first, second = random_tensor(1, 8, 5, 5), random_tensor(8, 2, 3, 3), random_tensor(8, 2, 3, 3, seed=1)
    conv2d = nn.functional.conv2d
    paths = [
        conv2d(conv2d(x[:, p], first[p], padding=1), second[p], padding=1)
        for p in (slice(2 * i, 2 * i + 2) for i in range(4))
    ]
    grouped = conv2d(conv2d(x, first, padding=1, groups=4), second, padding=1, groups=4)
    return only({"1×1, grouped 3×3, grouped 3×3, 1×1": same(torch.cat(paths, dim=1), grouped)})


# ------------------------------------------------------------------ chapters 7 and 8


def last_3x3_of_32x8d():
    network = without_data(networks.resnext101_32x8d)
    return f"{tuple(network.layer4[-1].conv2.weight.shape)}"


def agrees_up_to_layer1():
    """Where the stride lies matters from layer2 on; groups are in every shape, and the ReLU in every block."""
    network = without_data(networks.resnext50_32x4d)
    strides = [getattr(network, f"layer{i}")[0].conv2.stride[0] for i in (1, 2)]
    return only(
        {
            "The stride sits on another layer": strides == [1, 2],
            "The groups are missing": network.layer1[0].conv2.weight.shape == conv(128, 128, 3).weight.shape,
        }
    )


def another_eps():
    right, other = (randomise(nn.BatchNorm2d(4, eps=eps).double()).eval() for eps in (1e-5, 0.01))
    x = random_tensor(2, 4, 3, 3)
    names = [list(norm.state_dict()) for norm in (right, other)]
    starts = [nn.BatchNorm2d(4, eps=eps).weight for eps in (1e-5, 0.01)]
    return only(
        {
            "The outputs": not same(right(x), other(x)),
            "Names and shapes": names[0] != names[1],
            "The start": not same(*starts),
        }
    )


def larger_photographs():
    """By what a block's cost grows in each stage, when the side of the picture doubles."""
    grown = {
        count_macs(without_data(Bottleneck, 4 * s, 2 * s, 4 * s, 32), (4 * s, 2 * side, 2 * side))
        / count_macs(without_data(Bottleneck, 4 * s, 2 * s, 4 * s, 32), (4 * s, side, side))
        for s, side in ((64, 56), (128, 28), (256, 14), (512, 7))
    }
    return only({"Nothing.": len(grown) == 1, "must grow more slowly": len(grown) > 1})


def three_points_below():
    count = count_parameters(without_data(networks.resnext50_32x4d))
    return only(
        {
            "The recipe:": accuracy("V2") - accuracy("V1") > 3,
            "a wrong cardinality would cost": count_parameters(without_data(networks.ResNeXt, (3, 4, 6, 3), 16, 4)) == count,
        }
    )


def brighter_pictures():
    """Which mean shows that the test pictures are brighter."""
    train, test = random_tensor(50), random_tensor(50, seed=1) + 0.5
    left = {"With their own": test - test.mean(), "With the training pictures' mean": test - train.mean()}
    return only({passage: x.mean() > 0.1 for passage, x in left.items()})


def a_constant_path():
    rest = random_tensor(8, 2, 3, 3)
    before, after = (nn.BatchNorm2d(2).double()(x) for x in (rest + 0.7, rest))
    changed = {"The channel's spread": before.std() - after.std(), "The channel's mean": before.mean() - after.mean()}
    return only({**{passage: abs(d) > 1e-9 for passage, d in changed.items()}, "Nothing.": same(before, after)})


def two_tenths():
    return only({"could well be zero": 0.2 < 2 * 0.15, "between 0.05 and 0.35": False, "The path is useless": False})


def correlations_of_a_hundredth():
    """Random lists without any training have correlations as small."""
    lists = torch.randn(16, 10_000, generator=torch.Generator().manual_seed(0))
    chance = torch.corrcoef(lists).fill_diagonal_(0).abs().mean().item()
    return only({"The same number for an untrained network": 0.005 < chance < 0.02})


def both_paths():
    return only(
        {
            "The two do the same work": 0.05 > 2 * 0.01,
            "nothing to do with each other": 0.05 == 2 * 0.01,
            "cancel": 0.05 < 0.02,
        }
    )


# ------------------------------------------------------------------ chapters 9 to 11


def shuffled_before_a_dense_1x1():
    """The same function, with the columns of the 1×1 in another order."""
    x, weight, order = random_tensor(1, 6, 4, 4), random_tensor(5, 6, 1, 1), torch.tensor([3, 1, 5, 0, 2, 4])
    return same(nn.functional.conv2d(x[:, order], weight[:, order]), nn.functional.conv2d(x, weight))


def grouped_below_sparse_and_narrow():
    """What the one arm of low loss has and the others have not, and whether the width is among it."""
    shared = {"wider middle", "3×3 of few inputs", "heavier 1×1s"}
    arms = {"narrow": ({"narrow middle"}, 1), "grouped": (shared | {"paths"}, 0), "sparse": (shared, 1)}
    low = set.intersection(*(what for what, loss in arms.values() if not loss))
    high = set.union(*(what for what, loss in arms.values() if loss))
    return only(
        {
            "A wider middle helps, since": "wider middle" in low - high,
            "The wider middle alone is not enough": "paths" in low - high,
            "Sparse networks cannot learn": arms["sparse"][1] > arms["narrow"][1],
        }
    )


def fits_less_and_errs_less():
    test, training = -1, 2
    return only({"It works as a regulariser": test < 0 < training, "It represents more": training < 0})


def all_nine_better():
    """All nine beat the baseline where it has the last of ten places, and each place is equally likely."""
    last = sum(place == 9 for place in range(10)) / 10
    return nearest(last, {"Once in 512": 1 / 512, "Once in nine": 1 / 9, "Once in ten": 1 / 10})


def overlapping_intervals():
    """A difference that is the same in every pair, although the two ranges overlap."""
    a = [84.5, 85.9, 85.0, 84.2, 85.9]
    b = [value + 0.5 for value in a]
    overlap = statistics.mean(b) - statistics.stdev(b) < statistics.mean(a) + statistics.stdev(a)
    clear = statistics.stdev(y - x for x, y in zip(a, b, strict=True)) < 0.1
    return only({"Subtract seed by seed": overlap and clear, "because the intervals overlap": overlap and not clear})


def wide_groups_or_narrow():
    """In the sweep: 8 groups of 16 channels do four times the operations of 32 of 4."""
    against = ratio("groups", "groups=8") / ratio("groups", "groups=32")
    return only({"64 groups take a quarter": against > 3.5, "16 groups are hardly slower": against < 1.1})


def cannot_be_folded():
    """A negative scale and a shift behind a ReLU: no convolution in front of it gives a negative number and its bend."""
    x = torch.linspace(-2, 2, 9)
    behind = -2 * torch.relu(x) + 1
    weight = torch.linspace(-3, 3, 61)[:, None]
    before = torch.relu(weight[:, :, None] * x + torch.linspace(-3, 3, 61)[None, :, None])
    return only({"with a ReLU between": (before - behind).abs().amax(dim=-1).min() > 0.1})


def a_layout_at_97():
    return only({"no difference was found": abs(0.97 - 1) <= abs(0.96 - 1), "saves 3 %": abs(0.97 - 1) > abs(0.96 - 1)})


def twice_as_long():
    """Of what can be counted, nothing has doubled."""
    ratios = {"At the number of weights": 1, "At the processor's bandwidth": 1}
    explained = [passage for passage, times in ratios.items() if times == 2]
    return only({**dict.fromkeys(explained, True), "At the log of the library": not explained})


def fastest_with_unchanged_answers():
    times = {arm: statistics.mean(float(r["ratio"]) for (_, a), r in timed("ladder").items() if a == arm) for arm in RUNGS}
    runtime = min(times, key=times.get) in ("ONNX Runtime", "OpenVINO")
    return only(
        {"A file for a runtime": runtime and int8("changed_answers") > 0, "Eight bits": int8("changed_answers") == 0}
    )


def batch_norm_moves():
    norm = nn.BatchNorm2d(2).requires_grad_(False)
    before = norm.running_mean.clone(), norm.weight.clone()
    norm.train()(torch.rand(4, 2, 3, 3) - 3)
    moved = [not torch.equal(*pair) for pair in zip(before, (norm.running_mean, norm.weight), strict=True)]
    return only({"`running_mean` of the first batch norm": moved == [True, False]})


def only_dense_or_depthwise(network):
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    return all(layer.groups in (1, layer.in_channels) for layer in layers)


def fast_on_the_device():
    fits = {
        name: only_dense_or_depthwise(without_data(build))
        for name, build in (
            ("ResNeXt-50", networks.resnext50_32x4d),
            ("RegNetX-3.2GF", descendants.regnet_x_3_2gf),
            ("ResNet-50", networks.resnet50),
        )
    } | {"ConvNeXt-T": only_dense_or_depthwise(without_data(descendants.ConvNeXtBlock, 96))}
    return " and ".join(name for name, holds in fits.items() if holds)


def squeeze_and_excitation_on_twice_the_side():
    counts = [count_macs(without_data(SqueezeExcitation, 64, 4), (64, side, side)) for side in (7, 14)]
    return only({"They stay as they are": counts[0] == counts[1], "grow four times": counts[1] == 4 * counts[0]})


def shows_that_equal_is_better():
    """What differs between the networks that each experiment compares."""
    differs = {
        "with five more seeds": set(),
        "Testing all networks of the table at 224": {"equality", "size", "recipe", "authors"},
        "tuned, unequal widths, and training it and the equal one": {"equality"},
    }
    return only({passage: what == {"equality"} for passage, what in differs.items()})


RIGHT = {
    1: [
        lambda: f"The same weights and {({4: 'four', 2: 'two'})[(448 // 224) ** 2]} times the MACs",
        largest_of_three,
        lambda: {4: "The colleague used the places of the input map", 2: "The colleague counted FLOPs"}[round(1.85 / 0.46)],
        one_pixel,
        lambda: nearest(3 * 9 / 49, {"three times as many": 3, "about half as many": 0.5, "stay the same": 1}),
    ],
    2: [
        lambda: f"{64 + 128 + 32 + (64 + 128 + 32 + 192)}",
        too_few,
        growth_of_doubled_widths,
        after_108_trainings,
        true_by_counting,
    ],
    3: [
        dropout_for_72_per_cent,
        lambda: nearest(40 ** (40 / 20), {"About 1,600": 1600, "About 80": 80, "About 40 times": 40}),
        growth_through_copying_blocks,
        what_may_be_exchanged,
        good_for_64_and_poor_for_one,
    ],
    4: [
        lambda: f"{256 // 8}",
        lambda: f"{weights(256, 256, 3) // weights(64, 64, 3)}",
        ten_grouped_layers,
        lambda: only(
            {
                "Batch norm and a ReLU": what_reaches_all(nn.ReLU()),
                "A 1×1 convolution with 4 groups": what_reaches_all(nn.Conv2d(16, 16, 1, groups=4)),
                "A channel shuffle": what_reaches_all(nn.ChannelShuffle(4)),
            }
        ),
        thousand_times_cheaper,
    ],
    5: [lambda: f"{2 * RESNET_BUDGET // 512}", only_groups_set, why_not_added, share_in_512],
    6: [scaled_paths, two_relus, biases_of_the_paths, two_thousandths, four_layers_a_path],
    7: [last_3x3_of_32x8d, agrees_up_to_layer1, another_eps, larger_photographs, three_points_below],
    8: [brighter_pictures, a_constant_path, two_tenths, correlations_of_a_hundredth, both_paths],
    9: [
        lambda: only({"Nothing new": shuffled_before_a_dense_1x1()}),
        grouped_below_sparse_and_narrow,
        fits_less_and_errs_less,
        all_nine_better,
        overlapping_intervals,
    ],
    10: [wide_groups_or_narrow, cannot_be_folded, a_layout_at_97, twice_as_long, fastest_with_unchanged_answers],
    11: [
        batch_norm_moves,
        fast_on_the_device,
        squeeze_and_excitation_on_twice_the_side,
        shows_that_equal_is_better,
    ],
}


def given_widths(names=("conv1x1", "conv3x3", "conv5x5", "pool_projection")):
    return sum(WIDTHS[name] for name in names)


# What a question gives, and what was computed with: the two must stay the same.
GIVEN = {
    (1, 1): f"a picture of {448}×{448} pixels instead of {224}×{224}",
    (1, 3): "For a 3×3 from 256 to 256 channels with stride 2 on a 56×56 map, you count {:.2f} billion MACs and a colleague "
    "{:.2f} billion".format(*(weights(256, 256, 3) * side * side / 1e9 for side in (28, 56))),
    (1, 5): "You replace a 7×7 from 64 to 64 channels",
    (2, 2): f"gives {given_widths()} channels, but has {16 * 32 * (25 - 9):,} weights too few",
    (2, 3): "You double all six widths of 3a; its input keeps 192 channels",
    (2, 4): f"each of the {54} widths, one at a time, and trains each of these {2 * 54} networks",
    (3, 1): "an error of 72 % in training and 75 % in testing",
    (3, 2): "Through 20 plain layers the gradient grows 40 times.\nWhat do you expect for 40?",
    (3, 3): "through 50 of them at the very start",
    (3, 5): "for batches of 64 pictures, and poor ones for single pictures",
    (4, 1): f"reads 256 channels with a weight of the shape {tuple(conv(256, 256, 3, groups=32).weight.shape)}",
    (4, 2): "a layer of 256 channels in and out as many weights as a dense one of 64",
    (4, 3): "Ten grouped 3×3s on 64 channels are stacked, all with the same 4 groups",
    (4, 4): "between two layers with 4 groups on 16 channels",
    (
        4,
        5,
    ): f"each of 32 groups reads 1/32 of the inputs and gives 1/32 of the outputs, so the layer is {32 * 32} times cheaper",
    (5, 1): "the budget is doubled and the block keeps its 256 channels",
    (5, 2): "when you set `groups=32` in ResNet's block",
    (5, 4): "in a block for 512 channels, with C = 32 and d = 8, compare with its share in 32x4d for 256 channels",
    (6, 2): "Two paths give 1 and −2 in a channel",
    (6, 4): "differ by 0.002 with 32-bit numbers and by 0.002 with 64-bit numbers",
    (6, 5): "32 added paths of four layers each, 1×1, 3×3, 3×3, 1×1",
    (7, 1): f"A network of {2 + 3 * sum((3, 4, 23, 3))} layers is called "
    f"{without_data(networks.resnext101_32x8d).cardinality}x{without_data(networks.resnext101_32x8d).bottleneck_width}d",
    (7, 3): "`nn.BatchNorm2d(width, eps=0.01)` instead of the default `1e-5`",
    (7, 4): "to 448×448 instead of 224×224",
    (7, 5): f"it stays three points below the {accuracy('V2'):.1f} % of the V2 weights",
    (8, 3): "loses 0.2 points, with a standard error of 0.15",
    (8, 4): "correlations of 0.01 between the paths",
    (8, 5): "raises the test loss by 0.01 when it is removed, and both together raise it by 0.05",
    (9, 4): "nine variants with one baseline, a run each, and all nine are better",
    (9, 5): "85.1 % ± 0.9, network B 85.6 % ± 0.8, five runs each",
    (10, 1): "256 channels you may take 64 groups of 4 or 16 groups of 16, which do four times the operations",
    (10, 3): "comes out at 0.96, and a new layout at 0.97",
    (11, 3): "gets pictures with twice the side",
}
