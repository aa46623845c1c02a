"""The checks of chapter 3: residual learning."""

from random import Random
from typing import Any

import torch
from torch import nn

from resnext_lib.exercises.delegation import FROM_SCRATCH, OWN_WORK, call
from resnext_lib.exercises.modules import expect_block
from resnext_lib.exercises.values import expect_number, near, normal_numbers, number, text, truth
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, check, expect, shown


def draw_shortcuts(dice: Random) -> list:
    """Shortcuts of every kind; strides are 1 and 2, as in every ResNet."""
    a, b = sorted(dice.sample(range(16, 2048), 2))
    return [(a, b, 1), (a, a, 1), (b, b, 2), (b, a, 1), (a, b, 2), (b, b, 1), (b, a, 2), (a, a, 2)]


def _why(in_channels, out_channels, stride):
    """Why a shortcut needs its projection, or does not."""
    if stride > 1:
        same = in_channels == out_channels
        return "the channels fit, but the map halves" if same else "both the channels and the map change"
    if in_channels == out_channels:
        return "nothing changes: the identity fits, and costs nothing"
    if in_channels > out_channels:
        return "fewer channels do not fit either"
    return f"{in_channels} channels cannot be added to {out_channels}, even though the map keeps its size"


@check(
    "the identity fits only if nothing about the shape changes",
    FUNCTION,
    takes="in_channels, out_channels, stride",
    visible=((256, 256, 1), (64, 256, 1), (256, 512, 2), (256, 256, 2), (512, 256, 1)),
    hidden=draw_shortcuts,
    forbidden=OWN_WORK,
)
def projection_needed(answer: Any, cases: list) -> str:
    """A function (in_channels, out_channels, stride) to True where the shortcut needs a projection."""
    for case in cases:
        given = truth(call(answer, *case), "return True or False")
        in_channels, out_channels, stride = case
        right = stride > 1 or in_channels != out_channels
        expect(given is right, f"for (in, out, stride) = {case}: {_why(*case)}")
    return "so the first block of every stage has one, and no other."


ADDS, BROADCASTS, RAISES = "adds", "broadcasts", "raises"


def what_a_sum_does(first: tuple[int, ...], second: tuple[int, ...]) -> str:
    """What PyTorch does with the sum of two tensors of these shapes, which are equally long."""
    if first == second:
        return ADDS
    fits = all(a == b or 1 in (a, b) for a, b in zip(first, second, strict=True))
    return BROADCASTS if fits else RAISES


def draw_shapes(dice: Random) -> list:
    """Pairs of shapes of every kind."""
    n, c, side = dice.randint(2, 9), dice.randint(10, 90), dice.randint(5, 30)
    shape = (n, c, side, side)
    return [
        (shape, shape),
        (shape, (n, 2 * c, side, side)),
        ((n, c, 2 * side, 2 * side), shape),
        (shape, (n, c, 1, 1)),
        ((n, 1, side, side), shape),
        ((1, c, side, 1), (n, 1, side, side)),
        ((1, c, side, side), (n, c + 1, side, side)),
    ]


@check(
    "compare the lengths in pairs: equal everywhere, or 1 where they differ, or neither",
    FUNCTION,
    takes="first, second",
    visible=(
        ((8, 64, 56, 56), (8, 64, 56, 56)),
        ((8, 64, 56, 56), (8, 128, 28, 28)),
        ((8, 256, 7, 7), (8, 256, 1, 1)),
        ((8, 1, 56, 56), (8, 64, 56, 56)),
        ((1, 64, 1, 7), (8, 64, 7, 7)),
        ((1, 64, 7, 7), (8, 128, 7, 7)),
    ),
    hidden=draw_shapes,
    forbidden=OWN_WORK,
)
def sum_of_maps(answer: Any, cases: list) -> str:
    """A function of two shapes of equal length to "adds", "broadcasts" or "raises": what their sum does."""
    reasons = {
        ADDS: "the shapes are equal, so number is added to number",
        BROADCASTS: "where the lengths differ, one of them is 1 and is repeated: no error, and hardly what was meant",
        RAISES: "two lengths differ and neither is 1",
    }
    for first, second in cases:
        said = text(call(answer, first, second), f"return one of {', '.join(map(repr, reasons))}")
        expect(said in reasons, f"return one of {', '.join(map(repr, reasons))}, not {shown(said)}")
        right = what_a_sum_does(first, second)
        expect(said == right, f"{first} + {second}: {reasons[right]}")
    return "a sum that runs need not be the sum that you meant."


def block_to_measure(kind: str, seed: int) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A small block in float64 with weights from ``seed``; its input and a gradient for its output."""
    layers = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU()
    block = nn.Sequential(*layers[:kind]).double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(normal_numbers(*parameter.shape, seed=seed))
    return block, normal_numbers(4, 6, 5, 5, seed=seed + 1), normal_numbers(4, 6, 5, 5, seed=seed + 2)


def growth_of(block: nn.Module, x: torch.Tensor, gradient: torch.Tensor) -> tuple[float, float]:
    """By what factor a gradient grows on its way back through a block; and the size of the weights' gradient."""
    x = x.clone().requires_grad_()
    weight = next(block.parameters())
    at_input, at_weight = torch.autograd.grad(block(x), (x, weight), gradient)
    return (at_input.norm() / gradient.norm()).item(), (at_weight.norm() / gradient.norm()).item()


@check(
    "x.requires_grad_(), block(x).backward(gradient), then compare x.grad.norm() with gradient.norm()",
    FUNCTION,
    takes="block, x, gradient",
    visible=((1, 10), (2, 20), (3, 30)),  # how many layers, and a seed
    hidden=lambda dice: [(layers, dice.randint(100, 10_000)) for layers in (1, 2, 3)],
)
def gradient_growth(answer: Any, cases: list) -> str:
    """A function (block, x, gradient) to the factor by which the gradient grows on its way back through the block."""
    for layers, seed in cases:
        block, x, gradient = block_to_measure(layers, seed)
        right, weights = growth_of(block, x, gradient)
        ones, _ = growth_of(block, x, torch.ones_like(gradient))
        given = number(call(answer, block, x, gradient))
        expect(
            not near(given, ones * gradient.numel() ** 0.5 / gradient.norm().item()),
            "send the given gradient back, .backward(gradient), not that of the output's sum",
        )
        expect_number(
            given,
            right,
            {
                1 / right: "that is how much it shrinks: the input's size by the output's",
                right**2: "that is the growth of the square: take .norm(), not its square",
                right * gradient.norm().item(): "that is its size at the input; divide by its size at the output",
                weights: "that is the gradient of the weights; take the input's",
            },
            f"as the growth: it is {right:.4f};",
        )
    return "multiply it block by block, and you have the curves of Figure 3.4."


@check(
    "three convolutions a block, plus the stem and the classifier",
    FUNCTION,
    takes="blocks",
    visible=((3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)),
    hidden=lambda dice: [tuple(dice.randint(1, 40) for _ in range(4)) for _ in range(6)],
    forbidden=OWN_WORK,
)
def count_depth(answer: Any, cases: list) -> str:
    """A function from the blocks a stage, such as (3, 4, 6, 3), to the depth in the network's name."""
    for blocks in cases:
        given = call(answer, blocks)
        expect_number(
            given,
            3 * sum(blocks) + 2,
            {
                3 * sum(blocks): "the stem's convolution and the classifier count too",
                3 * sum(blocks) + 1: "one is missing: the stem and the classifier both count",
                2 * sum(blocks) + 2: "a bottleneck has three convolutions",
                3 * sum(blocks) + 3: "the pooling has no weights and is not counted",
                3 * sum(blocks) + 6: "projections are not counted: they lie beside the path, not on it",
            },
        )
    return "50, 101, 152."


def draw_blocks(dice: Random) -> list:
    """Sizes with and without a projection, at both strides."""
    channels, width = dice.randint(20, 60), dice.randint(5, 15)
    return [
        (channels, width, channels, 1),
        (channels, width, channels, 2),
        (channels, width, 2 * width, 2),
        (width, channels, 3 * width, 1),
    ]


@check(
    "conv-bn-relu, conv-bn-relu, conv-bn, add the shortcut, relu; every convolution bias=False",
    CLASS,
    takes="in_channels, width, out_channels, stride",
    visible=((32, 16, 64, 2), (64, 16, 64, 1), (32, 8, 64, 1), (64, 16, 64, 2)),
    hidden=draw_blocks,
    forbidden=FROM_SCRATCH,
)
def bottleneck(answer: Any, cases: list) -> str:
    """A class (in_channels, width, out_channels, stride): ResNet's bottleneck."""
    for in_channels, width, out_channels, stride in cases:
        expect_block(call(answer, in_channels, width, out_channels, stride), (in_channels, width, out_channels, 1, stride))
    return "your block and the library's give the same numbers, with and without a projection, in both modes."
