"""The checks of chapter 11: what became of the idea."""

import copy
from random import Random
from typing import Any

import torch
from torch import nn

from resnext_lib import networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.exercises.delegation import OWN_WORK, Forbidden, call
from resnext_lib.exercises.modules import batch_norms, convolutions, expect_block, expect_module, expect_same_function
from resnext_lib.exercises.values import expect_number, normal_numbers, table
from resnext_lib.exercises.verdicts import CLASS, FUNCTION, check, expect

ON_THE_LIBRARYS_BLOCK = Forbidden(allowed=("resnext_lib.blocks",))


def draw_squeezes(dice: Random) -> list:
    """Channels and a reduction that divides them."""
    reductions = [dice.choice((2, 4, 8, 16, 32)) for _ in range(6)]
    return [(r * dice.randint(3, 60), r) for r in reductions]


@check(
    "two 1x1s with biases: channels to channels // reduction, and back",
    FUNCTION,
    takes="channels, reduction",
    visible=((256, 16), (2048, 16), (64, 4), (512, 32)),
    hidden=draw_squeezes,
    forbidden=OWN_WORK,
)
def se_parameters(answer: Any, cases: list) -> str:
    """A function (channels, reduction) to the parameters of squeeze-and-excitation."""
    for channels, reduction in cases:
        given = call(answer, channels, reduction)
        small = channels // reduction
        right = 2 * channels * small + small + channels
        expect_number(
            given,
            right,
            {
                2 * channels * small: "the two layers have biases: no batch norm follows them",
                channels * small + small: "that is the first layer; a second one leads back to all channels",
                channels * small: "that is the first layer's weights; a second layer leads back, and both have biases",
                2 * channels * small + 2 * small: "the second layer has a bias for each of its outputs, all channels",
                2 * channels * small + 2 * channels: "the first layer has a bias for each of its few outputs",
                9 * 2 * channels * small + small + channels: "the kernels are 1x1: the map is a single pixel there",
                2 * channels * reduction + reduction + channels: f"reduction is a divisor: the middle has {small} channels",
                2 * channels * channels + 2 * channels: f"the middle has channels // reduction = {small} channels",
            },
            f"parameters for {channels} channels and reduction {reduction}",
        )
    return "8,464 for the first stage of SE-ResNeXt-50."


def draw_x_blocks(dice: Random) -> list:
    """Sizes with and without a projection, at both strides."""
    d = dice.choice((6, 10, 12))
    return [(dice.randint(20, 40), 3 * d, d, 2), (2 * d, 2 * d, d, 1), (dice.randint(41, 50), 4 * d, d, 1)]


@check(
    "the ResNeXt block with width=out_channels, and out_channels // group_width groups",
    CLASS,
    takes="in_channels, out_channels, group_width, stride",
    visible=((32, 96, 24, 2), (48, 48, 8, 1), (32, 24, 24, 2), (24, 48, 1, 1)),
    hidden=draw_x_blocks,
    forbidden=ON_THE_LIBRARYS_BLOCK,
)
def x_block(answer: Any, cases: list) -> str:
    """A class (in_channels, out_channels, group_width, stride): RegNet's X block."""
    for cin, cout, d, stride in cases:
        built = expect_module(call(answer, cin, cout, d, stride))
        middle = {layer.out_channels for layer in convolutions(built) if layer.kernel_size == (3, 3)}
        case = f"{cin} in and {cout} out: the 3x3 gives {sorted(middle)} channels"
        expect(middle <= {cout}, case + "; an X block is as wide inside as its output")
        expect_block(built, (cin, cout, cout, cout // d, stride))
    return "groups of equal width, as many as the stage needs."


@check("Bottleneck(in_channels, width, out_channels, cardinality); the widths are 96 and 384")
def steps_to_convnext(answer: Any) -> str:
    """A dictionary of two ``Bottleneck`` objects, "resnextify" and "inverted": ConvNeXt's first two steps."""
    right = {"resnextify": (384, 96, 384), "inverted": (96, 384, 96)}
    given = table(answer, f"give a dictionary with the keys {list(right)}", right)
    for name, (outer, middle, _) in right.items():
        block = given[name]
        expect(
            isinstance(block, nn.Module)
            and all(hasattr(block, key) for key in ("in_channels", "width", "out_channels", "cardinality", "conv2")),
            f"{name}: give a block made by Bottleneck(...), not {type(block).__name__}",
        )
        sizes = (block.in_channels, block.width, block.out_channels)
        other = "wide outside and narrow in the middle" if outer > middle else "narrow outside and wide in the middle"
        expect(sizes != (middle, outer, middle), f"{name}: it is the other way round: {other}")
        expect(sizes == right[name], f"{name}: in, middle and out are {sizes}, but should be {right[name]}")
        groups = block.conv2.groups
        expect(groups != 1, f"{name}: the 3x3 is dense; cardinality is missing")
        expect(groups != 32, f"{name}: 32 paths is ResNeXt's choice; here every channel is a group of its own")
        expect(groups == middle, f"{name}: the 3x3 reads {middle} channels, so depthwise is {middle} groups, not {groups}")
        expect_same_function(
            expect_module(block),
            Bottleneck(outer, middle, outer, middle),
            normal_numbers(1, outer, 5, 5),
            f"{name}: the sizes are right, but the block computes something else than Bottleneck",
        )
    return "both are our block, with one channel a group."


def trained_network(seed: int) -> nn.Module:
    """A small network whose batch norms have statistics as after training, so that the two modes differ."""
    torch.manual_seed(seed)
    network = networks.small_resnext(cardinality=4, bottleneck_width=16, depth=11)
    for norm in batch_norms(network):
        nn.init.uniform_(norm.running_mean, -1, 1)
        nn.init.uniform_(norm.running_var, 0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    return network.eval()


def features_of(network: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """What the classifier of ``network`` reads, in eval mode."""
    headless = copy.deepcopy(network)
    headless.fc = nn.Identity()
    return headless(pictures)


def trained_parts(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that training may change, by name."""
    return {name: parameter for name, parameter in nn.Module.named_parameters(module) if parameter.requires_grad}


@check(
    "freeze the weights, and override train(mode) so that the network stays in eval mode",
    CLASS,
    takes="network, num_classes",
    visible=((3, 0), (5, 1)),
    hidden=lambda dice: [(classes, dice.randint(2, 99)) for classes in dice.sample(range(2, 9), 2)],
)
def frozen_network(answer: Any, cases: list) -> str:
    """A class (network, num_classes): the network with a new classifier, of which training changes nothing else."""
    for classes, seed in cases:
        with torch.random.fork_rng():
            network = trained_network(seed)
            pictures = torch.randn(6, 1, 28, 28)
            built = expect_module(call(answer, copy.deepcopy(network), classes))
        features = features_of(network, pictures)
        _expect_only_the_classifier(built, pictures, classes, features.shape[1])
        _expect_statistics_to_stay(built, pictures)
        _expect_the_networks_features(built, pictures, features, classes)
    return "training reaches the classifier, and nothing else moves."


def _expect_only_the_classifier(built, pictures, classes, read):
    """The output has the right shape, and no more and no fewer parameters can be trained than a classifier has."""
    given = built.eval()(pictures)
    expect(isinstance(given, torch.Tensor), f"your forward returns a {type(given).__name__}, not a tensor")
    expect(
        given.shape == (len(pictures), classes),
        f"for {len(pictures)} pictures and {classes} classes the output has the shape {tuple(given.shape)}",
    )
    trained = sum(parameter.numel() for parameter in trained_parts(built).values())
    expect(trained, "nothing is left to train: the new classifier is frozen as well")
    wanted = classes * (read + 1)
    expect(
        trained in (wanted, wanted - classes),
        f"{trained:,} weights can be trained, but a classifier from {read} features to {classes} classes has {wanted:,}",
    )


def _expect_statistics_to_stay(built, pictures):
    """A pass in what the loop believes to be train mode moves nothing, and each picture is answered by itself."""
    alone = built.eval()(pictures)
    before = {name: value.clone() for name, value in built.state_dict().items()}
    together = built.train()(pictures)
    moved = [name for name, value in built.state_dict().items() if not torch.equal(value, before[name])]
    expect(
        not moved,
        f"after train() a pass changes {len(moved)} tensors, {moved[:1]} first: the weights are frozen, "
        "the statistics of batch norm are not",
    )
    expect(
        torch.allclose(alone, together, rtol=0, atol=1e-4),
        "after train() a picture's answer depends on the other pictures of its batch: batch norm is in train mode",
    )
    expect(together.requires_grad, "no gradient reaches the classifier: it must not be computed under no_grad")


def _expect_the_networks_features(built, pictures, features, classes):
    """The output is the classifier's, applied to what the network's own classifier would read."""
    parts = trained_parts(built).values()
    weight = next((part for part in parts if part.shape == (classes, features.shape[1])), None)
    expect(weight is not None, f"the classifier should be an nn.Linear from {features.shape[1]} features to {classes}")
    bias = sum(part for part in parts if part is not weight)
    expect(
        torch.allclose(built.eval()(pictures), features @ weight.T + bias, rtol=0, atol=1e-4),
        "the output is not the classifier applied to what network.fc reads",
    )
