"""The checks of chapter 7: ResNeXt-50 (32x4d)."""

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import torch
from torch import nn

from resnext_lib import networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_parameters
from resnext_lib.exercises.delegation import Forbidden, call
from resnext_lib.exercises.modules import convolutions, fill, sizes
from resnext_lib.exercises.values import expect_number, normal_numbers
from resnext_lib.exercises.verdicts import FUNCTION, NotYet, check, expect

NOTHING_BUILT = Forbidden(layers="right, but layers are built; the exercise asks for a count without building anything")


@check("two keywords, and two more for the images and the classes")
def small_change(answer: Any) -> str:
    """A network: ResNeXt-50 (32x4d) for one image channel and 10 classes."""
    expect(isinstance(answer, nn.Module), "give a network, not a class: call it")
    right = networks.resnext50_32x4d(image_channels=1, num_classes=10)
    expect(
        convolutions(answer) and hasattr(answer, "fc"),
        "give a ResNeXt: this network lacks its convolutions or its fc",
    )
    first = convolutions(answer)[0]
    expect(first.in_channels == 1, f"the first convolution reads {first.in_channels} channels: image_channels is missing")
    outputs = getattr(answer.fc, "out_features", None)
    expect(outputs == 10, f"the classifier has {outputs} outputs: num_classes is missing")
    total = count_parameters(answer)
    expect(
        total == count_parameters(right),
        _twins().get(total, f"{total:,} parameters instead of {count_parameters(right):,}"),
    )
    expect(list(answer.state_dict()) == list(right.state_dict()), "the state-dict keys differ from the library's")
    expect(sizes(answer) == sizes(right), "a convolution has another kernel, size or stride than the library's")
    package = type(answer).__module__.split(".")[0]
    expect(package not in ("torchvision", "timm"), f"right, but this is {package}'s network: use networks.ResNeXt")
    return f"{total:,} parameters."


def _twins():
    """The sentence for the parameters of every network that is easily built instead."""
    grey = dict(image_channels=1, num_classes=10)
    return {
        count_parameters(networks.resnet50(**grey)): "this is ResNet-50: cardinality and bottleneck_width are missing",
        count_parameters(networks.wide_resnet50_2(**grey)): "this is Wide ResNet-50-2: the groups are missing",
        count_parameters(networks.ResNeXt((3, 4, 6, 3), 4, 32, **grey)): "cardinality and bottleneck_width are swapped",
        count_parameters(networks.ResNeXt((3, 4, 6, 3), 1, 4, **grey)): "only the width was set: one path of 4 channels",
    }


def shuffled(cases: list) -> Callable[[Random], list]:
    """A function that draws ``cases`` in another order."""

    def draw(dice):
        found = list(cases)
        dice.shuffle(found)
        return found

    return draw


def draw_rows_of_blocks(dice: Random) -> list:
    """Rows of blocks as (how many, which one is spoilt); the last row has none that is."""
    rows = [(count, dice.randrange(1, count)) for count in (4, 5, 6)]
    return [*rows, (3, 0), (5, 5)]


@check(
    "let each network compute on from its own last output, and stop at the first block whose outputs differ",
    FUNCTION,
    takes="ours, theirs, x",
    visible=((5, 2), (6, 1), (4, 4)),
    hidden=draw_rows_of_blocks,
)
def first_difference(answer: Any, cases: list) -> str:
    """A function (ours, theirs, x) to the number of the first of two networks' blocks whose outputs differ, from 0."""
    for count, spoilt in cases:
        ours = [fill(Bottleneck(8, 4, 8, cardinality=2)).eval() for _ in range(count)]
        theirs = copy.deepcopy(ours)
        for number in {spoilt, count - 1} if spoilt < count else ():
            ours[number].bn3.eps = 0.5  # an argument, which stands in no state dict
        given = call(answer, ours, theirs, normal_numbers(2, 8, 5, 5, seed=5))
        expect(
            given is not None, "your function returns nothing: is `return` missing, also for the case that no block differs?"
        )
        mistakes = {
            spoilt + 1: f"that is block {spoilt} counted from 1; count from 0",
            count: "you find no difference: compare what the blocks give out, not their weights",
            count - 1: "that is the last block that differs; what one does wrong, all later ones receive",
        }
        if spoilt == count:
            mistakes = dict.fromkeys(range(count), f"no block differs here: return how many there are, {count}")
        expect_number(given, spoilt, mistakes, f"of {count} blocks")
    return "the first block that differs is the one to read again."


def _stride_on_first(network):
    for stage in (network.layer2, network.layer3, network.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return network


def _with_bias(network):
    for block in (b for stage in (network.layer1, network.layer2, network.layer3, network.layer4) for b in stage):
        block.conv1.bias = nn.Parameter(torch.zeros(block.conv1.out_channels))
    return network


RIGHT = "the right network"
BUILDERS = {
    RIGHT: networks.resnext50_32x4d,
    "groups forgotten (Wide ResNet-50-2)": networks.wide_resnet50_2,
    "cardinality and width swapped": lambda: networks.ResNeXt((3, 4, 6, 3), cardinality=4, bottleneck_width=32),
    "plain ResNet-50": networks.resnet50,
    "stride on the first 1x1": lambda: _stride_on_first(networks.resnext50_32x4d()),
    "bias in each block's first 1x1": lambda: _with_bias(networks.resnext50_32x4d()),
}


def wrong_networks() -> dict[str, nn.Module]:
    """Five networks that train and give 1000 numbers, each with one of the usual mistakes."""
    return {name: build() for name, build in BUILDERS.items() if name != RIGHT}


@check(
    "assert the parameters, the MACs, and the shape of a grouped weight",
    FUNCTION,
    takes="network",
    visible=tuple(BUILDERS),
    hidden=shuffled([*BUILDERS, RIGHT]),
)
def write_a_test(answer: Any, cases: list) -> str:
    """A function that takes a network and raises AssertionError unless it is ResNeXt-50 (32x4d)."""
    slipped = []
    for name in cases:
        if name == RIGHT:
            _expect_accepted(answer)
            continue
        try:
            call(answer, BUILDERS[name]())
            slipped.append(name)
        except AssertionError:
            pass
    expect(len(slipped) < 5, "your test cannot fail: it accepts every network, right or wrong")
    expect(not slipped, f"your test lets pass: {'; '.join(slipped)}")
    return "your test accepts the right network and rejects five wrong ones."


def _expect_accepted(answer):
    """Sentences for a test that does not let the right network pass."""
    try:
        call(answer, BUILDERS[RIGHT]())
    except AssertionError as error:
        raise NotYet(f"your test rejects the right network: {str(error) or 'an assert without a message'}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise NotYet(
            f"on the right network your test raised {type(error).__name__}; a test raises AssertionError, "
            "which `assert` does by itself, and only on a wrong network"
        ) from None


def draw_stages(dice: Random) -> list:
    """Sizes of stages whose first block has a projection."""
    found = []
    for c in (2, 8, 16, 1):
        width = c * dice.randint(3, 12)
        found.append((dice.randint(10, 90), width, dice.randint(100, 900), c, dice.randint(2, 9)))
    return found


@check(
    "a block: 2 * out * width + 9 * width * width / C, plus 2 numbers a batch-norm channel; the first block differs",
    FUNCTION,
    takes="in_channels, width, out_channels, cardinality, blocks",
    visible=((64, 128, 256, 32, 3), (256, 256, 512, 32, 4), (64, 64, 256, 1, 3)),
    hidden=draw_stages,
    forbidden=NOTHING_BUILT,
)
def stage_parameters(answer: Any, cases: list) -> str:
    """A function (in_channels, width, out_channels, cardinality, blocks) to a stage's parameters, batch norm included."""
    for cin, w, cout, c, n in cases:
        given = call(answer, cin, w, cout, c, n)
        norm = 2 * (w + w + cout)
        rest = 2 * cout * w + 9 * w * w // c + norm
        first = cin * w + 9 * w * w // c + w * cout + norm + cin * cout + 2 * cout
        right = first + (n - 1) * rest
        expect_number(
            given,
            right,
            {
                right - (cin * cout + 2 * cout): "the projection of the first block is missing",
                right - 2 * cout: "the projection has a batch norm too",
                n * rest: "the first block reads in_channels, and has a projection",
                right - n * norm - 2 * cout: "the batch norms are missing: two numbers a channel",
                right - n * norm: "the blocks' batch norms are missing: two numbers a channel",
                right - (n * norm + 2 * cout) // 2: "a batch norm has two numbers a channel, weight and bias",
                right + n * (9 * w * w - 9 * w * w // c): "the 3x3 is grouped: divide its weights by C",
            },
            "parameters",
        )
    return "205,824 for the first stage of ResNeXt-50."
