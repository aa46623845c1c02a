"""The checks of chapter 6: three forms, one function."""

from random import Random
from typing import Any

import torch
from torch.nn import functional

from resnext_lib.blocks import Bottleneck
from resnext_lib.exercises.delegation import FROM_SCRATCH, OWN_WORK, Forbidden, call
from resnext_lib.exercises.modules import batch_norms, convolutions, expect_block_values, expect_module, fill, sizes
from resnext_lib.exercises.values import (
    call_with_copies,
    expect_close,
    items,
    normal_numbers,
    number,
    same,
    table,
    tensor,
)
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, check, expect
from resnext_lib.forms import FormA, FormB, b_to_c

OWN_MAP = Forbidden(allowed=("resnext_lib.forms.number_of_paths", "resnext_lib.forms.outside_paths"))


@check("form C has three weights; the grouped one is (width, width / C, 3, 3)")
def form_c_shapes(answer: Any) -> str:
    """A dictionary of the weight shapes of form C at 64x4d in conv2 (256 in, 256 out)."""
    right = {f"conv{i}": tuple(getattr(Bottleneck(256, 256, 256, 64), f"conv{i}").weight.shape) for i in (1, 2, 3)}
    given = table(answer, f"give a dictionary with the keys {list(right)}", right)
    given = {
        key: tuple(number(size) for size in items(value, f"{key}: give a shape, not {type(value).__name__}"))
        for key, value in given.items()
    }
    expect(
        given["conv2"] != (256, 64, 3, 3),
        "conv2: 64 is the number of paths; the second number is what one path is wide, 4",
    )
    expect(
        given["conv2"] != (256, 256, 3, 3),
        "conv2: that is the dense weight; with 64 groups each row reads 4 channels",
    )
    expect(given["conv2"] != (4, 4, 3, 3), "conv2: that is a single path's; the grouped weight holds all 64")
    for key, shape in right.items():
        expect(
            given[key] == shape,
            f"{key}: {given[key]} is not (out, in / groups, k, k); "
            "the middle is C*d = 64 * 4 channels wide, the block has 256 in and out",
        )
    return "the second number of conv2 is d, whatever C is."


@check(
    "the last 1x1s stand side by side along the input dimension; biases of a sum add up",
    FUNCTION,
    takes="weights, biases",
    visible=((6, 2, 3, 0),),
    hidden=lambda dice: [(dice.randint(7, 9), dice.randint(1, 3), paths, 50 * paths) for paths in (2, 4, 5)],
    forbidden=OWN_WORK,
)
def merge_last_layers(answer: Any, cases: list) -> str:
    """A function from lists of weights (out, d, 1, 1) and biases (out,) to one weight and one bias."""
    for out, d, paths, seed in cases:
        weights = [normal_numbers(out, d, 1, 1, seed=seed + i) for i in range(paths)]
        biases = [normal_numbers(out, seed=seed + 10 + i) for i in range(paths)]
        given = call_with_copies(answer, weights, biases)
        weight, bias = items(given, "return two tensors: weight, bias", 2)
        _expect_merged_shapes(
            *(tuple(tensor(part, "return two tensors: weight, bias")[0].shape) for part in (weight, bias)), out, d, paths
        )
        expect(
            same(bias, sum(biases)) or not same(bias, sum(biases) / paths),
            "you average the biases; the paths are added, so the biases are too",
        )
        expect(not same(bias, biases[0]), "you keep the first path's bias only")
        pieces = [normal_numbers(1, d, 4, 4, seed=seed + 20 + i) for i in range(paths)]
        right = sum(functional.conv2d(x, w, b) for x, w, b in zip(pieces, weights, biases, strict=True))
        (weight, error), (bias, _) = tensor(weight, ""), tensor(bias, "")
        merged = functional.conv2d(torch.cat(pieces, 1), weight, bias)
        expect_close(
            merged.float() if error > 1e-9 else merged, right, "the order of the pieces is not that of the concatenation"
        )
    return "one layer, the same sum."


def _expect_merged_shapes(weight, bias, out, d, paths):
    """Sentences for layers that stand along another dimension, or were added."""
    expect(
        weight != (paths * out, d, 1, 1),
        "you stack along the output (dim 0): the sum needs them side by side along the input",
    )
    expect(weight != (out, d, 1, 1), f"the weight still reads {d} channels: after the concatenation there are {paths * d}")
    wanted = (out, paths * d, 1, 1)
    expect(weight == wanted, f"the weight is {weight}, but should be {wanted}")
    names = {2: "two", 3: "three"}
    count = names.get(paths, paths)
    expect(bias == (out,), f"the bias is {bias}: {count} biases that are added make one of length {out}")


def draw_form_b(dice: Random) -> list:
    """More than ten paths, so that path 10 must not come before path 2; with a projection."""
    return [(dice.randint(5, 9), paths * dice.randint(1, 3), dice.randint(10, 15), paths) for paths in (11, 13)]


@check(
    "torch.cat along dimension 0 for weights and batch-norm vectors; all three layers in the same order",
    FUNCTION,
    takes="state",
    visible=((12, 24, 20, 12),),
    hidden=draw_form_b,
    forbidden=OWN_MAP,
)
def b_to_c_map(answer: Any, cases: list) -> str:
    """A function from form B's state dict to form C's."""
    for case in cases:
        block = fill(FormB(*case))
        for seed, value in enumerate(block.state_dict().values()):
            # Numbers that float32 holds as well: a map moves them and computes nothing.
            value.copy_((normal_numbers(*value.shape, seed=seed).abs() + 0.1).float() if value.ndim else torch.tensor(7))
        right, given = b_to_c(block.state_dict()), call(answer, block.state_dict())
        given = table(given, f"return the new state dict, a dictionary, not {type(given).__name__}")
        _expect_keys(given, right)
        for key, value in right.items():
            entry, _ = tensor(given[key], f"{key}: give a tensor, not {type(given[key]).__name__}")
            _expect_entry(key, entry, value.double())
    return "form C computes what form B computed."


def _expect_keys(given, right):
    """Sentences for entries that are missing or too many."""
    missing = [key for key in right if key not in given]
    expect(
        not any("downsample" in key for key in missing),
        "the projection's entries, downsample.*, are missing: copy them",
    )
    statistics = [key for key in missing if "running" in key]
    expect(
        not statistics,
        f"the statistics are missing: {statistics}; in eval mode the block would not be the same function",
    )
    expect(not missing, f"these keys are missing: {missing}")
    expect(len(given) == len(right), f"these keys do not belong to form C: {[k for k in given if k not in right][:3]}")


def _expect_entry(key, given, right):
    """Sentences for an entry of another shape, with other numbers, or in another order."""
    expect(given.shape == right.shape, f"{key} is {tuple(given.shape)}, but should be {tuple(right.shape)}")
    expect(right.ndim or torch.equal(given, right), f"{key} is one number, the same in every path: do not add it up")
    same_numbers = torch.equal(given.flatten().sort().values, right.flatten().sort().values)
    expect(same_numbers, f"{key} has the right shape but other numbers than the paths: stack them, change nothing")
    expect(
        torch.equal(given, right),
        f"{key} has the right shape but the wrong order: path 0 first, then path 1, ... (as numbers: path 2 before path 10)",
    )


def draw_form_a(dice: Random) -> list:
    """Sizes with and without a projection, at both strides."""
    channels = dice.randint(9, 14)
    return [(channels, 6, channels, 3, 1), (channels, 10, channels + 3, 5, 2), (channels, 4, channels, 2, 2)]


@check(
    "paths in nn.ModuleList; sum them; one batch norm after the sum; then the shortcut",
    CLASS,
    takes="in_channels, width, out_channels, cardinality, stride",
    visible=((12, 8, 12, 4, 1), (12, 8, 20, 4, 2)),
    hidden=draw_form_a,
    forbidden=FROM_SCRATCH,
)
def form_a(answer: Any, cases: list) -> str:
    """A class (in_channels, width, out_channels, cardinality, stride): form A."""
    for arguments in cases:
        block, reference = expect_module(call(answer, *arguments)), FormA(*arguments)
        _expect_paths(block, reference, arguments[3])
        found, right = sizes(block), sizes(reference)
        expect(
            found == right,
            f"for {arguments} a convolution has the wrong size or stride (the stride sits on the 3x3): "
            f"{sorted(set(found) - set(right))} instead of {sorted(set(right) - set(found))} as (kernel, in, out, stride)",
        )
        expect_block_values(block, reference, normal_numbers(2, arguments[0], 7, 7, seed=7))
    return "separate paths, one sum, one batch norm."


def _expect_paths(block, reference, paths):
    """Sentences for what is not a layer of its own in every path, or is one too many."""
    found, right = convolutions(block), convolutions(reference)
    expect(not any(c.bias is not None for c in found), "a convolution has a bias: write bias=False")
    expect(not any(c.groups > 1 for c in found), "groups are form C's way; form A has separate paths")
    norms, wanted = len(batch_norms(block)), len(batch_norms(reference))
    expect(
        norms != wanted + paths - 1,
        "every path ends with a batch norm of its own: the last one comes once, after the sum",
    )
    expect(len(found) != len(right) - paths + 1, "one 1x1 for all paths: that is form B")
    expect(
        len(found) >= len(right),
        f"{len(found)} convolutions instead of {len(right)}: three a path, and the projection "
        "where the shape changes (are the paths in an nn.ModuleList?)",
    )
    expect(
        norms == wanted,
        f"there should be {wanted} batch norms, two a path, one after the sum and one in a projection, "
        f"but there are {norms}",
    )
