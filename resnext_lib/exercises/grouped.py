"""The checks of chapter 4: grouped convolution."""

from math import isqrt
from random import Random
from typing import Any

import torch
from torch.nn import functional

from resnext_lib.exercises.delegation import OWN_WORK, Forbidden, call
from resnext_lib.exercises.values import (
    call_with_copies,
    expect_close,
    expect_number,
    items,
    normal_numbers,
    number,
    same,
    tensor,
)
from resnext_lib.exercises.verdicts import FUNCTION, check, expect

ORDINARY_ONLY = Forbidden(
    convolutions=(
        lambda groups: groups == 1,
        "right, but a convolution with groups={groups} did it: the exercise asks for ordinary ones, one a group",
    )
)
ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def draw_counts(dice: Random) -> list:
    """Channels in and out that groups divide, a kernel, and what the layer then weighs."""
    cases = []
    for _ in range(6):
        groups, kernel = dice.randint(2, 40), dice.randint(2, 7)
        cin, cout = groups * dice.randint(2, 9), groups * dice.randint(2, 9)
        cases.append((cin, cout, kernel, cin * cout * kernel**2 // groups))
    return cases


@check(
    "each output reads in_channels / groups channels, so the weights are the dense ones divided by groups",
    FUNCTION,
    takes="in_channels, out_channels, kernel, weights",
    visible=((256, 256, 3, 18_432), (64, 128, 2, 8_192), (96, 96, 7, 4_704)),
    hidden=draw_counts,
    forbidden=OWN_WORK,
)
def groups_from_count(answer: Any, cases: list) -> str:
    """A function (in_channels, out_channels, kernel, weights) to the number of groups of a convolution."""
    for cin, cout, k, weights in cases:
        given = call(answer, cin, cout, k, weights)
        dense = cin * cout * k * k
        right = dense // weights
        expect_number(
            given,
            right,
            {
                weights / dense: "that is the share of the weights that is left; the groups are its inverse",
                cin // right: f"{cin // right} is how many channels a group reads; {right} such groups make up {cin}",
                cin * cout / weights: "a kernel has k * k places; you leave them out",
                dense / k / weights: "a kernel has k * k places, not k",
                isqrt(right): "groups divide the weights once: there are g blocks of a g-th times a g-th",
                cin * k * k / weights: "all outputs have weights, not one: out_channels is missing",
            },
            f"groups for (in, out, kernel, weights) = {(cin, cout, k, weights)}",
        )
    return "the dense weights divided by those that are left."


def draw_maps(dice: Random) -> list:
    """Batch, channels in and out of a group, side, groups, and a seed."""
    return [
        (dice.randint(1, 3), dice.randint(2, 4), dice.randint(2, 5), dice.randint(5, 8), groups, 30 + groups)
        for groups in (2, 3, 4)
    ]


@check(
    "x.chunk(groups, dim=1), one convolution for each piece, torch.cat along dimension 1",
    FUNCTION,
    takes="x, weight, groups",
    visible=((2, 2, 3, 6, 4, 0),),
    hidden=draw_maps,
    forbidden=ORDINARY_ONLY,
)
def side_by_side(answer: Any, cases: list) -> str:
    """A function (x, weight, groups) that does a grouped 3x3 (padding 1) with ordinary convolutions."""
    for n, reads, gives, side, groups, seed in cases:
        x = normal_numbers(n, groups * reads, side, side, seed=seed)
        weight = normal_numbers(groups * gives, reads, 3, 3, seed=seed + 1)
        given = call_with_copies(answer, x, weight, groups)
        right = functional.conv2d(x, weight, padding=1, groups=groups)
        found, _ = tensor(given, "return a tensor")
        if not same(given, right):
            _name_what_was_joined(given, tuple(found.shape), x, weight, groups)
        expect_close(given, right, "the shape is right but the values are not: piece i of x meets piece i of the weight")
    return "a grouped convolution is several small ones side by side."


def _name_what_was_joined(given, shape, x, weight, groups):
    """Sentences for pieces that were cut, met or joined in another way."""
    side, gives = x.shape[-1], len(weight) // groups
    expect(shape[2:] == (side, side), f"the map is {shape[2:]}, not ({side}, {side}): padding=1 is missing")
    stacked = (len(x) * groups, gives)
    expect(shape[:2] != stacked, "you join the pieces along dimension 0, the batch; channels are dimension 1")
    expect(shape[1] != gives, f"{gives} channels: you add the pieces up; a grouped convolution puts them side by side")
    interleaved = [functional.conv2d(x[:, i::groups], w, padding=1) for i, w in enumerate(weight.chunk(groups))]
    expect(
        not same(given, torch.cat(interleaved, 1)),
        f"you take every {ORDINALS[groups]} channel (interleaved); groups are neighbouring channels",
    )
    first = [functional.conv2d(x.chunk(groups, 1)[0], w, padding=1) for w in weight.chunk(groups)]
    expect(not same(given, torch.cat(first, 1)), "every piece reads the first group's channels; piece i reads group i")


@check(
    "start from torch.zeros(out, in, k, k) and fill one square block a group",
    FUNCTION,
    takes="weight, groups",
    visible=((2, 3, 3, 4, 0),),
    hidden=lambda dice: [(dice.randint(1, 3), dice.randint(2, 4), k, dice.randint(2, 5), 40 + k) for k in (1, 2, 3, 5)],
    forbidden=OWN_WORK,
)
def block_diagonal(answer: Any, cases: list) -> str:
    """A function (weight, groups) from a grouped weight (out, in/groups, k, k) to the dense one (out, in, k, k)."""
    for gives, reads, k, groups, seed in cases:
        weight = normal_numbers(groups * gives, reads, k, k, seed=seed)
        given = call_with_copies(answer, weight, groups)
        dense = torch.zeros(groups * gives, groups * reads, k, k, dtype=torch.float64)
        for g in range(groups):
            dense[gives * g : gives * (g + 1), reads * g : reads * (g + 1)] = weight[gives * g : gives * (g + 1)]
        found, _ = tensor(given, "return a tensor")
        if not same(given, dense):
            _name_the_wrong_blocks(found, dense, weight, groups)
        expect_close(given, dense, "the right number of weights, in the wrong places: output group g reads input group g")
    return "one block a group, zeros elsewhere."


def _name_the_wrong_blocks(given, dense, weight, groups):
    """Sentences for a weight of another shape, repeated or lost."""
    out, channels = dense.shape[:2]
    expect(given.shape != weight.shape, f"the shape did not change: the dense weight has all {channels} input channels")
    swapped = tuple(given.shape) == (channels, out, *dense.shape[2:])
    expect(not swapped or channels == out, "rows and columns are swapped: (out, in, k, k)")
    expect(
        not same(given, weight.repeat(1, groups, 1, 1)),
        "you repeat the weights in every column block; outside the diagonal there are zeros",
    )
    filled = int((given != 0).sum())
    expect(
        given.shape != dense.shape or filled == weight.numel(),
        f"{filled} weights are not zero, but the grouped weight has {weight.numel()}",
    )


def _divisors(*numbers):
    """The numbers that divide all of ``numbers``, in order."""
    return [g for g in range(1, max(numbers) + 1) if all(n % g == 0 for n in numbers)]


@check(
    "groups must divide the input channels and the output channels",
    FUNCTION,
    takes="in_channels, out_channels",
    visible=((12, 18), (64, 64), (128, 96)),
    hidden=lambda dice: [(2 * n, 2 * dice.randint(2, 90)) for n in dice.sample(range(2, 90), 6)],
    forbidden=OWN_WORK,
)
def valid_groups(answer: Any, cases: list) -> str:
    """A function (in_channels, out_channels) to the sorted list of all group counts that work."""
    for cin, cout in cases:
        given = call(answer, cin, cout)
        given = [number(value) for value in items(given, f"return a list, not {type(given).__name__}")]
        right = _divisors(cin, cout)
        if given == right:
            continue
        expect(
            given != _divisors(cin),
            f"for ({cin}, {cout}) you look at the input only; each group also needs equally many outputs",
        )
        expect(given != _divisors(cout), f"for ({cin}, {cout}) you look at the output only")
        expect(1 in given, "1 is missing: one group is the ordinary convolution")
        extra, missing = [g for g in given if g not in right], [g for g in right if g not in given]
        expect(not extra, f"for ({cin}, {cout}) {extra[:1]} is no common divisor of both")
        expect(not missing, f"for ({cin}, {cout}) {missing[:1]} is missing: it divides both")
        twice = [g for g in given if given.count(g) > 1]
        expect(not twice, f"for ({cin}, {cout}) {twice[:1]} is in the list more than once")
        expect(given == right, "sort the list")
    return "the common divisors."
