"""Costs are counted exactly, agree with independent counters, and counting leaves the network alone."""

import copy
from collections import OrderedDict

import pytest
import torch
import torchinfo
from randomness import random_network, random_tensor, without_data
from torch import nn
from torch.nn.utils import prune
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from resnext_lib import networks
from resnext_lib.blocks import Bottleneck, conv3x3
from resnext_lib.complexity import (
    RESNET_BUDGET,
    Cost,
    bottleneck_weights,
    count_activations,
    count_macs,
    count_parameters,
    layer_costs,
    layer_macs,
    stage_costs,
    width_for_budget,
    width_limit,
)
from resnext_lib.descendants import ConvNeXtBlock, regnet_x_3_2gf
from resnext_lib.forms import FormA, FormB
from resnext_lib.networks import CifarResNeXt, ResNeXt

IMAGE, TINY = (3, 224, 224), (3, 32, 32)

# layer, output without the batch, MACs; the first two are one grouped 3x3 and its dense twin at 56x56
LAYERS = [
    (conv3x3(128, 128, cardinality=32), (128, 56, 56), 14_450_688),
    (conv3x3(128, 128), (128, 56, 56), 462_422_016),
    (nn.Conv2d(3, 64, 7, 2), (64, 112, 112), 118_013_952),
    (nn.Conv2d(6, 4, (3, 5), groups=2), (4, 10, 10), 4 * 100 * 3 * 15),
    (nn.Linear(2048, 1000), (1000,), 2_048_000),
    (nn.BatchNorm2d(64), (64, 56, 56), 0),
    (nn.ReLU(), (64, 56, 56), 0),
]


@pytest.mark.parametrize(("layer", "shape", "macs"), LAYERS)
def test_one_layer(layer, shape, macs):
    assert layer_macs(layer, shape) == macs


# Networks whose forward is counted by others too; small images where the size does not matter.
COUNTED = {
    "ResNet-50": (networks.resnet50, IMAGE),
    "ResNeXt-50": (networks.resnext50_32x4d, IMAGE),
    "ResNeXt-50, odd image": (networks.resnext50_32x4d, (3, 129, 97)),
    "CIFAR": (networks.resnext29_8x64d, TINY),
    "form A": (lambda: CifarResNeXt(11, 8, 8, block=FormA), TINY),
    "form B": (lambda: CifarResNeXt(11, 8, 8, block=FormB), TINY),
    "GoogLeNet": (networks.googlenet, IMAGE),
    "torchvision's GoogLeNet": (networks.torchvision_googlenet, IMAGE),
}


@pytest.mark.sampled(2)
@pytest.mark.whole
@pytest.mark.parametrize("name", COUNTED)
def test_torchs_counter_sees_two_flops_for_each_mac(name):
    build, image = COUNTED[name]
    network = without_data(build).eval()
    # Forward only: in torch 2.14 the counter's backward is wrong for grouped convolutions.
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, *image, device="meta"))
    assert counter.get_total_flops() == 2 * count_macs(network, image)


def test_torchs_counter_agrees_on_the_lone_grouped_convolution():
    for cardinality, macs in ((32, 14_450_688), (1, 462_422_016)):
        layer = without_data(conv3x3, 128, 128, cardinality=cardinality)
        with FlopCounterMode(display=False) as counter:
            layer(torch.empty(1, 128, 56, 56, device="meta"))
        assert counter.get_total_flops() == 2 * count_macs(layer, (128, 56, 56)) == 2 * macs


@pytest.mark.parametrize("name", ["ResNet-50", "ResNeXt-50, odd image", "CIFAR"])
def test_torchinfo_agrees_but_for_batch_norm_and_the_bias(name):
    build, image = COUNTED[name]
    network = without_data(build)
    summary = torchinfo.summary(network, (1, *image), device="meta", verbose=0)
    # torchinfo adds the batch norms' parameters and the classifier's bias once.
    extra = sum(count_parameters(m) for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    assert summary.total_mult_adds == count_macs(network, image) + extra + len(network.fc.bias)
    assert summary.total_params == count_parameters(network)


def test_torchinfos_number_for_resnext_50():
    network = without_data(networks.resnext50_32x4d)
    summary = torchinfo.summary(network, (1, *IMAGE), device="meta", verbose=0)
    assert summary.total_mult_adds == 4_230_549_096 == count_macs(network, IMAGE) + 69_224


@pytest.mark.sampled(2)
@pytest.mark.whole
@pytest.mark.parametrize("name", COUNTED)
def test_layers_and_stages_add_up(name):
    build, image = COUNTED[name]
    network = without_data(build)
    layers, stages = layer_costs(network, image), stage_costs(network, image).values()
    assert sum(cost.parameters for cost in layers) == count_parameters(network)
    assert sum(cost.parameters for cost in stages) == count_parameters(network)
    assert sum(cost.macs for cost in layers) == sum(cost.macs for cost in stages) == count_macs(network, image)


def test_the_layers_of_a_block_in_order():
    costs = layer_costs(without_data(Bottleneck, 256, 128, 256, 32), (256, 56, 56))
    assert [(c.name, c.kind, c.output_shape, c.parameters, c.macs) for c in costs] == [
        ("conv1", "Conv2d", (128, 56, 56), 32_768, 102_760_448),
        ("bn1", "BatchNorm2d", (128, 56, 56), 256, 0),
        ("conv2", "Conv2d", (128, 56, 56), 4_608, 14_450_688),
        ("bn2", "BatchNorm2d", (128, 56, 56), 256, 0),
        ("conv3", "Conv2d", (256, 56, 56), 32_768, 102_760_448),
        ("bn3", "BatchNorm2d", (256, 56, 56), 512, 0),
    ]


def test_frozen_parameters_count_and_buffers_do_not():
    network = without_data(Bottleneck, 256, 128, 256, 32)
    network.requires_grad_(False)
    assert count_parameters(network) == 71_168


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_counting_leaves_the_network_alone(training):
    network = random_network(CifarResNeXt, 11, 4, 8).train(training)
    network.layer2.eval()  # a mixture of modes must survive as well
    calls = []
    hooks = [
        network.conv1.register_forward_hook(lambda *_: calls.append("after")),
        network.fc.register_forward_pre_hook(lambda *_: calls.append("before")),
    ]
    before = copy.deepcopy(network.state_dict())
    parameters = list(network.parameters())
    modes = [module.training for module in network.modules()]
    torch.manual_seed(0)
    random_state = torch.get_rng_state()
    for count in (layer_costs, stage_costs, count_macs):
        count(network, TINY)
    assert calls == [], "the reader's hooks ran"
    assert torch.equal(torch.get_rng_state(), random_state)
    assert [module.training for module in network.modules()] == modes
    assert all(now is then for now, then in zip(network.parameters(), parameters, strict=True))
    assert all(p.device.type == "cpu" and p.grad is None for p in parameters)
    assert_close(dict(network.state_dict()), dict(before), rtol=0, atol=0)
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in (network.conv1, network.bn1, network.fc)] == [1, 0, 1]
    network(random_tensor(2, *TINY))
    assert calls == ["after", "before"]
    assert [len(hook.hooks_dict_ref()) for hook in hooks] == [1, 1]


def test_the_count_does_not_depend_on_mode_precision_or_place():
    expected = count_macs(without_data(CifarResNeXt, 11, 4, 8), TINY)
    assert expected > 0
    for network in (
        CifarResNeXt(11, 4, 8).train(),
        CifarResNeXt(11, 4, 8).eval(),
        CifarResNeXt(11, 4, 8).double(),
        CifarResNeXt(11, 4, 8).bfloat16(),
    ):
        assert count_macs(network, TINY) == expected
    assert count_macs(without_data(networks.googlenet, auxiliary_heads=True).train(), IMAGE) == 1_582_671_872


@pytest.mark.parametrize(
    ("shape", "named"),
    [
        ((224, 224), "image_channels=3"),
        ((1, 224, 224), "image_channels=3"),
        ((3, 224, 0), r"input_shape\[2\]=0"),
    ],
)
def test_a_wrong_input_shape_is_refused(shape, named):
    with pytest.raises(ValueError, match=named):
        count_macs(without_data(ResNeXt, (1, 1, 1, 1)), shape)


# Table 2 and its neighbours: cardinality, width d, C * d, weights of the block, MACs at 56x56
BUDGET = [
    (1, 64, 64, 69_632, 218_365_952),
    (2, 40, 80, 69_760, 218_767_360),
    (4, 24, 96, 69_888, 219_168_768),
    (8, 14, 112, 71_456, 224_086_016),
    (16, 8, 128, 74_752, 234_422_272),
    (32, 4, 128, 70_144, 219_971_584),
    (64, 2, 128, 67_840, 212_746_240),
    (128, 1, 128, 66_688, 209_133_568),
]


@pytest.mark.parametrize(("cardinality", "width", "total", "weights", "macs"), BUDGET)
def test_the_width_that_keeps_the_budget(cardinality, width, total, weights, macs):
    assert width_for_budget(cardinality) == width
    assert cardinality * width == total <= width_limit() == 136
    assert bottleneck_weights(cardinality, width) == weights
    block = without_data(Bottleneck, 256, total, 256, cardinality)
    batch_norm = 2 * (total + total + 256)
    assert count_parameters(block) == weights + batch_norm
    assert count_macs(block, (256, 56, 56)) == macs == weights * 56 * 56


def test_table_2_in_the_papers_round_numbers():
    assert RESNET_BUDGET == 69_632
    for cardinality, width in ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4)):
        assert abs(bottleneck_weights(cardinality, width) - 70_000) < 1_500


@pytest.mark.parametrize("budget", [900, 4_000, 69_632, 278_528, 10**12])
@pytest.mark.parametrize("channels", [16, 256])
def test_the_width_is_the_nearest_by_search(budget, channels):
    for cardinality in (1, 3, 7, 16):
        if bottleneck_weights(cardinality, 1, channels) > 2 * budget:
            continue
        found = width_for_budget(cardinality, budget, channels)
        misses = [abs(bottleneck_weights(cardinality, d, channels) - budget) for d in range(max(1, found - 3), found + 4)]
        assert abs(bottleneck_weights(cardinality, found, channels) - budget) == min(misses)


def test_no_width_keeps_the_budget_when_paths_of_one_channel_are_too_dear():
    largest = 267  # 2 * 69,632 // (2 * 256 + 9)
    assert width_for_budget(largest) == 1
    with pytest.raises(ValueError, match="cardinality=268.*budget=69632.*works is 267"):
        width_for_budget(largest + 1)


def test_the_width_limit_is_what_many_thin_paths_come_near_to():
    assert width_limit(69_632, 256) == 136
    assert width_limit(2 * 69_632) == 272
    for cardinality in (1, 2, 4, 8, 16, 32, 64, 128):
        fits = max(d for d in range(1, 65) if bottleneck_weights(cardinality, d) <= RESNET_BUDGET or d == 1)
        assert cardinality * fits < 136 and bottleneck_weights(cardinality, fits) <= RESNET_BUDGET


# Every parameter once, every call's MACs, whatever a layer is made of.


class Shared(nn.Module):
    """One convolution used three times, two layers with one weight, a parameter of its own, and a layer never used."""

    def __init__(self):
        super().__init__()
        self.first, self.again = nn.Conv2d(4, 4, 3, padding=1), nn.ModuleList()
        self.again.append(self.first)
        self.one, self.two = nn.Conv2d(4, 4, 1, bias=False), nn.Conv2d(4, 4, 1, bias=False)
        self.two.weight = self.one.weight
        self.scale = nn.Parameter(torch.ones(4, 1, 1))
        self.unused = nn.Linear(5, 6)

    def forward(self, x):
        x = self.again[0](self.first(self.first(x)))
        return self.scale * self.two(self.one(x))


def test_P8_shared_layers_and_weights_count_once_and_their_calls_each_time():
    module = Shared()
    costs = layer_costs(module, (4, 5, 5))
    assert count_macs(module, (4, 5, 5)) == 25 * (3 * 4 * 4 * 9 + 2 * 4 * 4)
    assert sum(cost.parameters for cost in costs) == count_parameters(module) == (4 * 4 * 9 + 4) + 16 + 4 + 36
    assert [(c.name, c.kind, c.parameters, c.macs) for c in costs] == [
        ("first", "Conv2d", 148, 3600),
        ("first", "Conv2d", 0, 3600),
        ("first", "Conv2d", 0, 3600),
        ("one", "Conv2d", 16, 400),
        ("two", "Conv2d", 0, 400),
        ("unused", "Linear", 36, 0),
        ("scale", "Parameter", 4, 0),
    ]
    assert count_activations(module, (4, 5, 5)) == 5 * 4 * 25


def pruned(module):
    prune.l1_unstructured(module.conv2, "weight", amount=0.5)
    module(random_tensor(1, 8, 5, 5).float()).sum().backward()  # its weight is now a computed tensor
    return module


MADE = {  # how the weight of a block's conv2 is made, and the parameters that this takes
    "weight norm": (lambda b: nn.utils.parametrizations.weight_norm(b.conv2), 16),
    "spectral norm": (lambda b: nn.utils.parametrizations.spectral_norm(b.conv2), 0),
    "orthogonal": (lambda b: nn.utils.parametrizations.orthogonal(b.conv2), 0),
    "pruned": (pruned, 0),
    "parametrised linear": (lambda b: nn.utils.parametrizations.weight_norm(b.conv1), 16),
}


@pytest.mark.parametrize("how", MADE)
def test_P8_a_layer_with_a_parametrised_weight_counts_as_before(how):
    block, plain = Bottleneck(8, 16, 8, 4), Bottleneck(8, 16, 8, 4)
    change, more = MADE[how]
    change(block)
    made, expected = layer_costs(block, (8, 6, 6)), layer_costs(plain, (8, 6, 6))
    assert [(c.name, c.kind, c.output_shape, c.macs) for c in made] == [
        (c.name, c.kind, c.output_shape, c.macs) for c in expected
    ]
    assert sum(c.parameters for c in made) == count_parameters(block) == count_parameters(plain) + more
    assert count_macs(block, (8, 6, 6)) == count_macs(plain, (8, 6, 6)) > 0
    assert count_activations(block, (8, 6, 6)) == count_activations(plain, (8, 6, 6))
    assert sum(stage.macs for stage in stage_costs(block, (8, 6, 6)).values()) == count_macs(plain, (8, 6, 6))


TOTALS = {
    "layer scale": (lambda: ConvNeXtBlock(8), (8, 6, 6)),
    "convnext_tiny": (models.convnext_tiny, (3, 64, 64)),
    "vit_b_16": (models.vit_b_16, IMAGE),
    "side heads that eval mode leaves out": (lambda: networks.torchvision_googlenet(auxiliary_heads=True), IMAGE),
    "regnet": (regnet_x_3_2gf, IMAGE),
    "one layer": (lambda: nn.Conv2d(3, 8, 3), (3, 6, 6)),
    "shared": (Shared, (4, 5, 5)),
    "nothing": (nn.Identity, (3, 6, 6)),
}


@pytest.mark.sampled(2)
@pytest.mark.whole
@pytest.mark.parametrize("name", TOTALS)
def test_P8_the_parameters_of_layers_and_stages_add_up_to_all(name):
    build, image = TOTALS[name]
    network = without_data(build)
    layers, stages = layer_costs(network, image), stage_costs(network, image)
    assert sum(cost.parameters for cost in layers) == count_parameters(network)
    assert sum(stage.parameters for stage in stages.values()) == count_parameters(network)
    assert all(stage.name == key for key, stage in stages.items())


def test_P8_a_parameter_without_a_layer_has_a_row_of_its_own():
    rows = {cost.name: cost for cost in layer_costs(ConvNeXtBlock(8), (8, 6, 6))}
    assert rows["layer_scale"] == Cost("layer_scale", "Parameter", (), 8, 0)
    stages = stage_costs(ConvNeXtBlock(8), (8, 6, 6))
    assert stages.pop("layer_scale") == rows["layer_scale"] and {stage.kind for stage in stages.values()} == {"stage"}


def test_counting_copies_no_data_and_several_outputs_are_fine():
    class Two(nn.Module):
        def forward(self, x):
            return {"first": (x, x[:, :1])}

    costs = layer_costs(nn.Sequential(nn.Conv2d(3, 4, 1), Two()), (3, 5, 5))
    assert [cost.output_shape for cost in costs] == [(4, 5, 5), (4, 5, 5)]


# Millions of numbers written for one image of 224x224 by the convolutions alone; the classifier writes 1,000 more.
ACTIVATIONS = {"resnet50": 11_113_984, "resnext50_32x4d": 14_400_512}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_what_convolutions_and_linear_layers_write(name):
    network = without_data(getattr(networks, name)).eval()
    seen = []
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(lambda module, inputs, output: seen.append(output.numel()))
    network(torch.empty(1, *IMAGE, device="meta"))
    assert sum(seen) == count_activations(network, IMAGE) == ACTIVATIONS[name] + 1000
    assert round(count_activations(network, IMAGE) / 1e6, 2) == {"resnet50": 11.11, "resnext50_32x4d": 14.40}[name]
    assert f"{count_activations(network, IMAGE):,}" in count_activations.__doc__


def test_activations_of_regnet_are_the_papers():
    """arXiv 2003.13678, Table 2: RegNetX-3.2GF has 11.4 million."""
    assert round(count_activations(without_data(regnet_x_3_2gf), IMAGE) / 1e6, 1) == 11.4


def test_activations_of_one_layer():
    assert count_activations(nn.Conv2d(3, 8, 3, stride=2), (3, 9, 9)) == 8 * 4 * 4
    assert count_activations(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2)) == 5
    assert count_activations(nn.BatchNorm2d(3), (3, 9, 9)) == 0


def test_a_stage_has_a_name_without_a_dot_and_the_shape_of_what_it_gives():
    parts = OrderedDict(a=nn.Conv2d(3, 4, 3), b=nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU()))
    stages = stage_costs(nn.Sequential(parts), (3, 9, 9))
    assert {name: stage.output_shape for name, stage in stages.items()} == {"a": (4, 7, 7), "b": (6, 5, 5)}


# ------------------------------------------------------------------ batch norms, whose shape is known without running them


@pytest.mark.parametrize(
    "before",
    [nn.Conv2d(3, 5, 1), nn.Conv2d(3, 1, 1), nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(2))],
    ids=["five", "one", "no map"],
)
def test_channels_that_a_batch_norm_cannot_take_are_refused_as_pytorch_refuses_them(before):
    network = nn.Sequential(before, nn.BatchNorm2d(4)).eval()
    with pytest.raises((ValueError, RuntimeError)):
        network(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match=r"input_shape=\(3, 8, 8\): a batch norm of 4 channels cannot take the shape \(1, "):
        layer_costs(network, (3, 8, 8))


def test_a_batch_norm_whose_channels_were_taken_away_by_hand_is_counted_as_it_is():
    norm = nn.BatchNorm2d(4)
    norm.weight, norm.bias = nn.Parameter(torch.ones(3)), nn.Parameter(torch.zeros(3))
    norm.running_mean, norm.running_var = torch.zeros(3), torch.ones(3)
    network = nn.Sequential(nn.Conv2d(3, 3, 1), norm).eval()
    assert network(torch.zeros(1, 3, 2, 2)).shape == (1, 3, 2, 2) and norm.num_features == 4
    assert [cost.output_shape for cost in layer_costs(network, (3, 2, 2))] == [(3, 2, 2)] * 2


def test_a_batch_norm_without_statistics_needs_more_than_one_number_as_ever():
    """In eval mode, too, it takes the batch's own mean: of one image with a map of 1x1 it has none."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False))
    assert [cost.output_shape for cost in layer_costs(network, (3, 2, 2))] == [(4, 2, 2)] * 2
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer_costs(network, (3, 1, 1))


@pytest.mark.parametrize("name", ["resnet50", "resnext50_32x4d"])
def test_costs_are_those_of_a_run_in_which_every_batch_norm_computes(name):
    network = without_data(getattr(networks, name)).eval()
    shapes = []
    for layer in network.modules():
        if not [*layer.children()]:
            layer.register_forward_hook(
                lambda module, inputs, output: shapes.append((type(module).__name__, tuple(output.shape[1:])))
            )
    network(torch.empty(1, *IMAGE, device="meta"))
    assert [(cost.kind, cost.output_shape) for cost in layer_costs(network, IMAGE)] == shapes
