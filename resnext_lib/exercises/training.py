"""The checks of chapter 8: training a ResNeXt."""

from random import Random
from typing import Any

import torch
from torch.nn import functional

from resnext_lib.blocks import Bottleneck
from resnext_lib.exercises.delegation import OWN_WORK, Forbidden, call
from resnext_lib.exercises.modules import expect_module, fill, output_of
from resnext_lib.exercises.values import (
    NOTHING_RETURNED,
    expect_close,
    items,
    near,
    normal_numbers,
    number,
    same,
    table,
    tensor,
)
from resnext_lib.exercises.verdicts import FUNCTION, check, expect


@check(
    "divide by 255 first; dim=(0, 2, 3) leaves one number a channel",
    FUNCTION,
    takes="pixels",
    visible=((5, 3, 6, 4, 0),),
    hidden=lambda dice: [(dice.randint(4, 9), c, dice.randint(5, 9), dice.randint(5, 9), 60 + c) for c in (2, 3, 4, 5)],
    forbidden=OWN_WORK,
)
def channel_moments(answer: Any, cases: list) -> str:
    """A function from bytes (N, C, H, W) to mean and standard deviation by channel, on the scale 0 to 1."""
    for n, channels, height, width, seed in cases:
        generator = torch.Generator().manual_seed(seed)
        pixels = torch.randint(256, (n, channels, height, width), generator=generator, dtype=torch.uint8)
        pixels[:, 1] //= 3
        given = items(call(answer, pixels.clone()), "return two tensors: the means and the spreads", 2)
        x = pixels.double() / 255
        right = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3))
        # The spread may be the sample's or the population's.
        population = x.std(dim=(0, 2, 3), correction=0)
        for what, value, wanted, other in zip(("mean", "spread"), given, right, (right[0], population), strict=True):
            value = tensor(value, f"{what}: give a tensor, not {type(value).__name__}")[0].squeeze()
            expect(
                value.shape == (channels,),
                f"{what}: one number for each of the {channels} channels, not shape {tuple(value.shape)}",
            )
            if torch.allclose(value, wanted, rtol=0, atol=1e-5) or torch.allclose(value, other, rtol=0, atol=1e-5):
                continue
            expect(not torch.allclose(value, 255 * wanted, atol=0.5), f"{what}: that is on the scale 0 to 255")
            expect(not torch.allclose(value, wanted**2, atol=1e-4), f"{what}: that is its square; the spread is the root")
            expect(not torch.allclose(value, wanted * 255 / 256, atol=1e-5), f"{what}: the largest byte is 255, not 256")
            close = torch.allclose(value, wanted, atol=1e-4 if what == "mean" else 2e-3)
            expect(close, f"{what} of channel 1 is {wanted[0]:.3f}, not {value[0]:.3f}")
    return "one mean and one spread for each channel."


def draw_answers(dice: Random) -> list:
    """Pictures, and which of them a network gets right before and after, as (count, lost, gained, right both times)."""
    rows = [(dice.randint(30, 90), dice.randint(4, 7), dice.randint(1, 3), dice.randint(8, 16)) for _ in range(3)]
    return [*rows, (dice.randint(20, 40), 2, 5, 6)]


@check(
    "take 1, 0 or -1 for each picture: right before minus right after; then mean, and standard deviation over root n",
    FUNCTION,
    takes="before, after",
    visible=((40, 5, 1, 20), (50, 2, 4, 30)),
    hidden=draw_answers,
    forbidden=OWN_WORK,
)
def paired_loss(answer: Any, cases: list) -> str:
    """A function (before, after) of two bool tensors to the points of accuracy lost and their standard error."""
    for count, lost, gained, both in cases:
        before, after = torch.zeros(2, count, dtype=torch.bool)
        before[: lost + both], after[lost : lost + both + gained] = True, True
        given = items(call(answer, before.clone(), after.clone()), "return two numbers: points lost, standard error", 2)
        points, error = (number(value) for value in given)
        change = before.double() - after.double()
        wanted, spread = 100 * change.mean().item(), 100 * change.std().item()
        expect(not near(points, -wanted), "a loss is positive: before minus after")
        expect(not near(points, wanted / 100), "that is a share; points are per cent")
        expect(near(points, wanted), f"{lost} answers of {count} are lost and {gained} gained: {wanted:.3g} points")
        unpaired = 100 * ((before.double().var() + after.double().var()) / count).sqrt().item()
        population = 100 * change.std(correction=0).item()
        expect(not near(error, unpaired), "that treats before and after as different pictures; take picture by picture")
        expect(not near(error, spread), "that is one picture's standard deviation: divide by the root of their number")
        expect(not near(error, spread / count), "divide by the root of the number of pictures, not by the number")
        right = near(error, spread / count**0.5) or near(error, population / count**0.5)
        expect(right, f"the standard error is {spread / count**0.5:.3g} points, not {error:.3g}")
    return "the same pictures before and after: most cancel, and the error is small."


def draw_labels(dice: Random) -> list:
    """Labels and answers of a few pictures; one class is never answered right."""
    labels = [dice.choice((1, 3, 4, 9)) for _ in range(24)] + [7, 7]
    answers = [label if dice.random() < 0.6 else dice.choice((1, 3, 6)) for label in labels[:-2]] + [1, 3]
    return [(labels, answers)]


VISIBLE_LABELS = (([0, 2, 0, 5, 0, 2, 0, 5], [0, 2, 0, 0, 0, 0, 2, 7]),)


@check(
    "for each class: answers[labels == label] == label, and the mean of that",
    FUNCTION,
    takes="labels, answers",
    visible=VISIBLE_LABELS,
    hidden=draw_labels,
    forbidden=OWN_WORK,
)
def class_accuracy(answer: Any, cases: list) -> str:
    """A function (labels, answers) to a dictionary from each class that occurs to its share of right answers."""
    for labels, answers in cases:
        labels, answers = torch.tensor(labels), torch.tensor(answers)
        given = call(answer, labels.clone(), answers.clone())
        expect(given is not None, NOTHING_RETURNED)
        given = table(given, f"return a dictionary from classes to shares, not {type(given).__name__}")
        tensors = any(isinstance(label, torch.Tensor) for label in given)
        expect(not tensors, "the keys are tensors: take .item() or .tolist()")
        given = {int(number(label)): number(share) for label, share in given.items()}
        classes = labels.unique().tolist()
        right = {label: (answers[labels == label] == label).double().mean().item() for label in classes}
        listed = f"{', '.join(map(str, classes[:-1]))} and {classes[-1]}"
        expect(set(given) == set(right), f"the classes that occur among the labels are {listed}; yours are {sorted(given)}")
        if all(near(given[label], share) for label, share in right.items()):
            continue
        answered = [label for label in classes if (answers == label).any()]
        of_answers = {label: (labels[answers == label] == label).double().mean().item() for label in answered}
        expect(
            any(not near(given[n], of_answers[n]) for n in of_answers),
            "you divide by how often a class was answered; divide by how often it is true",
        )
        for label, share in right.items():
            expect(not near(given[label], 100 * share) or share == 0, "shares are numbers from 0 to 1, not per cent")
            expect(
                near(given[label], share), f"class {label}: {share:.3g} of its pictures are right, not {given[label]:.2f}"
            )
    return "the row of the confusion matrix: its diagonal, divided by its sum."


@check(
    "copy.deepcopy first; then only the path's columns of conv3.weight may stay",
    FUNCTION,
    takes="block, path",
    visible=((6, 2, 4, 0), (6, 2, 4, 2)),
    hidden=lambda dice: [(dice.randint(7, 9), d, paths, dice.randrange(paths)) for d, paths in ((3, 2), (2, 5), (4, 3))],
    forbidden=Forbidden(libraries=(), modules=("resnext_lib.experiments",)),
)
def only_path(answer: Any, cases: list) -> str:
    """A function (block, path) to a copy of a form C block in which only that path adds to the sum."""
    for channels, d, paths, path in cases:
        block = fill(Bottleneck(channels, d * paths, channels, cardinality=paths)).eval()
        before = {name: value.clone() for name, value in block.state_dict().items()}
        given = expect_module(call(answer, block, path)).eval()
        unchanged = all(torch.equal(before[name], value) for name, value in block.state_dict().items())
        expect(unchanged, "your function changed the block it was given: copy.deepcopy it first")
        x = normal_numbers(2, channels, 5, 5, seed=3)
        kept = range(d * paths)[d * path : d * (path + 1)]
        right = _output_of_paths(block, x, kept)
        result = output_of(given, x)
        if same(result, right):
            continue
        others = [n for n in range(d * paths) if n not in kept]
        expect(
            not same(result, _output_of_paths(block, x, others)),
            f"path {path} is off and the others are on: the other way round",
        )
        expect(
            not same(result, _output_of_paths(block, x, [path])), "that is one channel; a path is group_width channels wide"
        )
        expect(not same(result, _output_of_paths(block, x, kept, 0)), "the shortcut is gone; it should stay")
        expect_close(result, right, f"the output is not that of path {path} alone (counted from 0) plus the shortcut")
    return "one path, one term of the sum."


def _output_of_paths(block, x, channels, shortcut=1):
    """What a block in form C gives if only these channels of its middle reach its last 1x1."""
    middle = torch.relu(block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(x))))))
    weight = torch.zeros_like(block.conv3.weight)
    weight[:, list(channels)] = block.conv3.weight[:, list(channels)]
    return torch.relu(block.bn3(functional.conv2d(middle, weight)) + shortcut * x).detach()
