"""The networks are torchvision's and timm's, number for number, and every usual mistake shows."""

import copy
import math
import pickle
import re
import warnings
from functools import partial

import pytest
import timm
import torch
from randomness import random_network, random_tensor, same_weights, without_data
from torch import nn
from torch.nn.functional import cross_entropy
from torch.testing import assert_close
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from resnext_lib import networks
from resnext_lib.blocks import Bottleneck, ResidualBlock
from resnext_lib.complexity import count_macs, count_parameters, layer_costs, stage_costs
from resnext_lib.descendants import DepthwiseSeparable, RegNetX, SEBottleneck
from resnext_lib.explorers.walk import CAPTION
from resnext_lib.forms import FormA, FormB
from resnext_lib.networks import GOOGLENET_MODULES, CifarResNeXt, ResNeXt, make_stage

IMAGE = (3, 224, 224)
TINY = (3, 32, 32)
FIFTY, HUNDRED_ONE, HUNDRED_FIFTY_TWO = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)
SAME = dict(rtol=1e-10, atol=1e-10)  # float64, the same operations in the same order

# name in torchvision and here: parameters, MACs at 224x224
IMAGENET = {
    "resnet50": (25_557_032, 4_089_184_256),
    "resnet101": (44_549_160, 7_801_405_440),
    "resnext50_32x4d": (25_028_904, 4_230_479_872),
    "resnext101_32x8d": (88_791_336, 16_414_015_488),
    "resnext101_64x4d": (83_455_272, 15_460_270_080),
    "wide_resnet50_2": (68_883_240, 11_398_021_120),
}


def shapes(network):
    """Names and shapes of parameters and buffers, in order."""
    return [(name, tuple(value.shape)) for name, value in network.state_dict().items()]


def learning_step(network, images, labels):
    """Logits, loss, gradients of the images and of every parameter, and the statistics afterwards."""
    images = images.clone().requires_grad_()
    network.zero_grad()
    logits = network(images)
    loss = cross_entropy(logits, labels)
    loss.backward()
    gradients = {f"gradient of {name}": p.grad for name, p in network.named_parameters()}
    return {
        "logits": logits,
        "loss": loss,
        "images": images.grad,
        **gradients,
        **dict(network.named_buffers()),
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in found.items():
        if not torch.equal(value, expected[name]):  # quick where equal to the bit, as nearly always
            assert_close(value, expected[name], **SAME, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("name", IMAGENET)
def test_keys_counts_and_macs_are_torchvisions(name):
    ours, theirs = without_data(getattr(networks, name)), without_data(getattr(models, name))
    assert shapes(ours) == shapes(theirs)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert (count_parameters(ours), count_macs(ours, IMAGE)) == IMAGENET[name]
    assert (count_parameters(theirs), count_macs(theirs, IMAGE)) == IMAGENET[name]


# Gradients of the larger networks in float64 take seconds and gigabytes. What is theirs alone, names, shapes, counts and
# MACs, is compared in the first tier, too; their blocks and stages are those of the two networks of 50 layers.
FIFTY_LAYERS = ("resnet50", "resnext50_32x4d")


def by_size(name):
    return pytest.param(name, marks=() if name in FIFTY_LAYERS else pytest.mark.slow)


@pytest.fixture(scope="module", params=map(by_size, IMAGENET))
def pair(request):
    """Ours and torchvision's with the same random weights and statistics."""
    ours = random_network(getattr(networks, request.param))
    return ours, same_weights(ours, getattr(models, request.param))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_logits_losses_and_gradients_are_torchvisions(pair, training):
    ours, theirs = (network.train(training) for network in pair)
    images, labels = random_tensor(2, 3, 33, 33), torch.tensor([3, 999])
    results = learning_step(ours, images, labels)
    assert all(value.abs().max() > 0 for name, value in results.items() if "gradient" in name)
    assert_same(results, learning_step(theirs, images, labels))


@pytest.mark.whole
@pytest.mark.parametrize("zero_init_residual", [False, True])
@pytest.mark.parametrize("name", list(map(by_size, IMAGENET)))
def test_the_same_seed_gives_torchvisions_initial_weights(name, zero_init_residual):
    torch.manual_seed(5)
    ours = getattr(networks, name)(zero_init_residual=zero_init_residual)
    torch.manual_seed(5)
    theirs = getattr(models, name)(zero_init_residual=zero_init_residual)
    theirs = theirs.state_dict()
    assert [key for key, value in ours.state_dict().items() if not torch.equal(value, theirs[key])] == []
    assert (ours.layer1[0].bn3.weight.abs().max() == 0) == zero_init_residual


def test_zero_init_residual_starts_every_block_as_its_shortcut():
    network = CifarResNeXt(11, 2, 8, stage_widths=(8, 16, 32), zero_init_residual=True).double()
    x = random_tensor(2, 64, 8, 8)
    for stage in (network.layer1, network.layer2, network.layer3):
        block = stage[0]
        assert_close(block(x), torch.relu(block.shortcut(x)), rtol=0, atol=0)
        x = block(x)
    others = [name for name, p in network.named_parameters() if name.endswith("weight") and p.abs().max() == 0]
    assert others == ["layer1.0.bn3.weight", "layer2.0.bn3.weight", "layer3.0.bn3.weight"]


# Whole networks of Tables 2, 3 and 4, and the 152 layers of mmpretrain's card.
# blocks, cardinality, bottleneck width: parameters, billions of MACs at 224x224
SETTINGS = [
    (FIFTY, 1, 64, 25_557_032, 4.089),
    (FIFTY, 2, 40, 25_425_000, 4.125),
    (FIFTY, 4, 24, 25_292_968, 4.160),
    (FIFTY, 8, 14, 25_603_016, 4.267),
    (FIFTY, 32, 4, 25_028_904, 4.230),
    (HUNDRED_ONE, 1, 64, 44_549_160, 7.801),
    (HUNDRED_ONE, 2, 40, 44_456_296, 7.844),
    (HUNDRED_ONE, 4, 24, 44_363_432, 7.886),
    (HUNDRED_ONE, 8, 14, 45_104_328, 8.077),
    (HUNDRED_ONE, 32, 4, 44_177_704, 7.970),
    (HUNDRED_ONE, 1, 100, 85_611_336, 15.27),
    (HUNDRED_ONE, 2, 64, 84_198_184, 15.12),
    (HUNDRED_ONE, 64, 4, 83_455_272, 15.46),
    (HUNDRED_ONE, 32, 8, 88_791_336, 16.414),
    (HUNDRED_FIFTY_TWO, 32, 4, 59_951_400, 11.710),
]


@pytest.mark.sampled(6)
@pytest.mark.whole
@pytest.mark.parametrize(("blocks", "cardinality", "width", "parameters", "billions"), SETTINGS)
def test_the_papers_settings_have_these_costs(blocks, cardinality, width, parameters, billions):
    network = without_data(ResNeXt, blocks, cardinality, width)
    assert count_parameters(network) == parameters
    digits = len(str(billions).split(".")[1])
    assert round(count_macs(network, IMAGE) / 1e9, digits) == billions


@pytest.mark.parametrize(("cardinality", "width"), [(c, w) for _, c, w, *_ in SETTINGS[:5]])
def test_grouped_weights_have_the_shapes_of_table_2_in_all_stages(cardinality, width):
    network = without_data(ResNeXt, FIFTY, cardinality, width)
    for k, stage in enumerate((network.layer1, network.layer2, network.layer3, network.layer4)):
        d = width * 2**k
        assert {block.conv2.weight.shape for block in stage} == {(cardinality * d, d, 3, 3)}
        assert {block.conv2.groups for block in stage} == {cardinality}


# Table 1, stage by stage: output at 224x224, parameters and MACs of ResNet-50 and of ResNeXt-50 (32x4d).
TABLE_1 = {
    "conv1": ((64, 112, 112), (9_408, 118_013_952), (9_408, 118_013_952)),
    "bn1": ((64, 112, 112), (128, 0), (128, 0)),
    "maxpool": ((64, 56, 56), (0, 0), (0, 0)),
    "layer1": ((256, 56, 56), (215_808, 667_942_912), (205_824, 634_224_640)),
    "layer2": ((512, 28, 28), (1_219_584, 1_027_604_480), (1_197_056, 1_085_407_232)),
    "layer3": ((1024, 14, 14), (7_098_368, 1_464_336_384), (7_022_592, 1_525_350_400)),
    "layer4": ((2048, 7, 7), (14_964_736, 809_238_528), (14_544_896, 865_435_648)),
    "avgpool": ((2048, 1, 1), (0, 0), (0, 0)),
    "fc": ((1000,), (2_049_000, 2_048_000), (2_049_000, 2_048_000)),
}


@pytest.mark.parametrize(("column", "build"), [(1, networks.resnet50), (2, networks.resnext50_32x4d)])
def test_table_1_stage_by_stage(column, build):
    stages = stage_costs(without_data(build), IMAGE)
    found = {name: (stage.output_shape, (stage.parameters, stage.macs)) for name, stage in stages.items()}
    assert found == {name: (row[0], row[column]) for name, row in TABLE_1.items()}


def test_stop_by_stop_both_networks_cost_the_same_within_the_captions_seven_per_cent():
    (percent,) = map(int, re.findall(r"at most (\d+) %", CAPTION))
    pairs = [pair for _, *costs in TABLE_1.values() for pair in zip(*costs, strict=True) if all(pair)]
    furthest = max(abs(new / old - 1) for old, new in pairs)
    assert percent == math.ceil(100 * furthest) and furthest > 0.06


# MACs of each stage's first block, and of every other block in all stages: the second design rule.
BLOCK_MACS = {
    networks.resnet50: ((231_211_008, 372_506_624, 372_506_624, 372_506_624), 218_365_952),
    networks.resnext50_32x4d: ((194_281_472, 425_492_480, 425_492_480, 425_492_480), 219_971_584),
}
# Parameters of each stage's first block and of the others.
BLOCK_PARAMETERS = ((63_488, 71_168), (349_184, 282_624), (1_390_592, 1_126_400), (5_550_080, 4_497_408))


@pytest.mark.parametrize("build", BLOCK_MACS)
def test_ordinary_blocks_cost_the_same_in_every_stage(build):
    first, others = BLOCK_MACS[build]
    macs = {}
    for cost in layer_costs(without_data(build), IMAGE):
        block = ".".join(cost.name.split(".")[:2])
        macs[block] = macs.get(block, 0) + cost.macs
    blocks = {name: value for name, value in macs.items() if name.startswith("layer")}
    assert tuple(blocks[f"layer{k}.0"] for k in (1, 2, 3, 4)) == first
    assert {value for name, value in blocks.items() if not name.endswith(".0")} == {others}


def test_resnext_50_block_by_block():
    network = without_data(networks.resnext50_32x4d)
    stages = (network.layer1, network.layer2, network.layer3, network.layer4)
    for stage, (first, others) in zip(stages, BLOCK_PARAMETERS, strict=True):
        assert [count_parameters(block) for block in stage] == [first] + [others] * (len(stage) - 1)


def test_resnext_50_by_kind_of_layer():
    network = without_data(networks.resnext50_32x4d)
    by_kind = {}
    for layer in network.modules():
        if not list(layer.children()):
            by_kind.setdefault(type(layer), []).append(count_parameters(layer))
    assert len(by_kind[nn.Conv2d]) == 53
    assert [sum(by_kind[kind]) for kind in (nn.Conv2d, nn.BatchNorm2d, nn.Linear)] == [
        22_911_680,
        68_224,
        2_049_000,
    ]
    assert sum(buffer.numel() for buffer in network.buffers()) == 68_277
    assert len(network.state_dict()) == 320
    assert list(network.state_dict()) == list(without_data(networks.resnet50).state_dict())


def test_from_resnet_50_to_resnext_50_the_3x3s_shrink_8_times_and_the_1x1s_double():
    weights = {}
    for build in (networks.resnet50, networks.resnext50_32x4d):
        blocks = [m for m in without_data(build).modules() if hasattr(m, "conv3")]
        weights[build] = (
            sum(b.conv2.weight.numel() for b in blocks),
            sum(b.conv1.weight.numel() + b.conv3.weight.numel() for b in blocks),
        )
    assert weights == {
        networks.resnet50: (11_317_248, 9_359_360),
        networks.resnext50_32x4d: (1_414_656, 18_718_720),
    }


# Fingerprints of mistakes: each wrong network is a small edit of ours.


def groups_forgotten(in_channels, width, out_channels, cardinality, stride=1):
    return Bottleneck(in_channels, width, out_channels, 1, stride)


def width_not_widened(in_channels, width, out_channels, cardinality, stride=1):
    return Bottleneck(in_channels, out_channels // 4, out_channels, cardinality, stride)


def width_fixed_at_128(in_channels, width, out_channels, cardinality, stride=1):
    return Bottleneck(in_channels, 128, out_channels, cardinality, stride)


def expansion_2(in_channels, width, out_channels, cardinality, stride=1):
    halved = in_channels if in_channels == 64 else in_channels // 2
    return Bottleneck(halved, width, out_channels // 2, cardinality, stride)


def stride_on_the_first_1x1(*sizes):
    block = Bottleneck(*sizes)
    block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return block


def with_block(block, cardinality=32, bottleneck_width=4):
    network = ResNeXt(FIFTY, cardinality, bottleneck_width, block=block)
    network.fc = nn.Linear(network.layer4[-1].out_channels, 1000)
    return network


def with_biases(cardinality=32, bottleneck_width=4):
    network = ResNeXt(FIFTY, cardinality, bottleneck_width)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
    return network


FINGERPRINTS = {  # how it is built: parameters, billions of MACs
    "right": (lambda: with_block(Bottleneck), 25_028_904, 4.230),
    "groups forgotten": (lambda: with_block(groups_forgotten), 68_883_240, 11.398),
    "width not widened": (lambda: with_block(width_not_widened), 14_593_448, 2.297),
    "width fixed at 128": (lambda: with_block(width_fixed_at_128), 8_559_912, 1.969),
    "C and d swapped, 4x32d": (lambda: with_block(Bottleneck, 4, 32), 34_931_496, 5.849),
    "biases in the convolutions": (with_biases, 25_063_016, 4.230),
    "biases in ResNet-50's": (lambda: with_biases(1, 64), 25_583_592, 4.089),
    "expansion 2": (lambda: with_block(expansion_2), 12_558_120, 2.226),
    "32x8d in 50 layers": (lambda: with_block(Bottleneck, 32, 8), 48_021_800, 8.444),
    "stride on the first 1x1": (lambda: with_block(stride_on_the_first_1x1), 25_028_904, 3.768),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("mistake", FINGERPRINTS)
def test_every_usual_mistake_leaves_its_fingerprint(mistake):
    build, parameters, billions = FINGERPRINTS[mistake]
    network = without_data(build)
    assert count_parameters(network) == parameters
    assert round(count_macs(network, IMAGE) / 1e9, 3) == billions


def test_forgetting_the_groups_builds_exactly_wide_resnet_50_2():
    assert shapes(without_data(with_block, groups_forgotten)) == shapes(without_data(networks.wide_resnet50_2))


def test_forgetting_the_cardinality_builds_a_network_four_channels_wide():
    network = without_data(ResNeXt, FIFTY, bottleneck_width=4)
    assert network.layer1[0].conv2.weight.shape == (4, 4, 3, 3)
    assert network.layer4[0].conv2.weight.shape == (32, 32, 3, 3)


@pytest.mark.whole
def test_the_place_of_the_stride_shows_in_macs_and_logits_only():
    right = random_network(networks.resnext50_32x4d).eval()
    wrong = same_weights(right, with_block, stride_on_the_first_1x1).eval()
    assert shapes(wrong) == shapes(right)
    assert count_macs(wrong, IMAGE) == 3_768_057_856
    x = random_tensor(2, 3, 33, 33)
    assert (right(x) - wrong(x)).abs().max() > 0.1 * right(x).std()


# CIFAR: depth, cardinality, bottleneck width, classes: parameters, billions of MACs at 32x32
CIFAR = [
    (29, 8, 64, 10, 34_426_698, 5.387),
    (29, 8, 64, 100, 34_518_948, 5.387),
    (29, 16, 64, 10, 68_155_210, 10.689),
    (29, 16, 64, 100, 68_247_460, 10.689),
    (29, 1, 64, 10, 4_914_250, 0.748),
    (29, 2, 64, 10, 9_130_314, None),
    (29, 4, 64, 10, 17_562_442, None),
    (29, 32, 4, 10, 4_775_754, 0.774),
]


@pytest.mark.parametrize(("depth", "cardinality", "width", "classes", "parameters", "billions"), CIFAR)
def test_cifar_networks_have_the_papers_sizes(depth, cardinality, width, classes, parameters, billions):
    network = without_data(CifarResNeXt, depth, cardinality, width, num_classes=classes)
    assert count_parameters(network) == parameters
    if billions:
        assert round(count_macs(network, TINY) / 1e9, 3) == billions


def test_the_cifar_constructors_build_the_two_networks_of_table_7():
    assert count_parameters(without_data(networks.resnext29_8x64d)) == 34_426_698
    assert count_parameters(without_data(networks.resnext29_16x64d)) == 68_155_210
    assert count_parameters(without_data(networks.resnext29_16x64d, num_classes=100)) == 68_247_460


def test_the_cifar_stem_does_not_pool_and_32_pixels_end_at_8():
    stages = stage_costs(without_data(CifarResNeXt, 29, 8, 64), TINY)
    assert {name: stage.output_shape for name, stage in stages.items()} == {
        "conv1": (64, 32, 32),
        "bn1": (64, 32, 32),
        "layer1": (256, 32, 32),
        "layer2": (512, 16, 16),
        "layer3": (1024, 8, 8),
        "avgpool": (1024, 1, 1),
        "fc": (10,),
    }


@pytest.mark.parametrize(("depth", "blocks"), [(11, 1), (20, 2), (29, 3), (38, 4), (47, 5), (56, 6), (101, 11)])
def test_cifar_depth_counts_the_layers_with_weights(depth, blocks):
    network = without_data(CifarResNeXt, depth, 8, 64)
    assert [len(stage) for stage in (network.layer1, network.layer2, network.layer3)] == [blocks] * 3
    layers = [n for n, m in network.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and "downsample" not in n]
    assert len(layers) == depth


@pytest.mark.parametrize(
    "build",
    [
        lambda **o: ResNeXt((1, 1, 1, 1), 4, 8, **o),
        lambda **o: CifarResNeXt(11, 4, 8, **o),
        lambda **o: networks.googlenet(**o),
        lambda **o: networks.torchvision_googlenet(**o),
        lambda **o: ResNeXt((1, 1, 1, 1), 4, 8, block=FormA, **o),
        lambda **o: CifarResNeXt(11, 4, 8, block=FormB, **o),
    ],
)
def test_image_channels_and_classes_are_free(build):
    network = without_data(build, image_channels=1, num_classes=7).eval()
    assert network(torch.empty(2, 1, 65, 47, device="meta")).shape == (2, 7)


# GoogLeNet.

TORCHVISION_HEADS = {False: 6_624_904, True: 13_004_888}


def torchvision_googlenet(heads):
    return models.googlenet(init_weights=False, aux_logits=heads)


@pytest.mark.parametrize("heads", [False, True])
def test_googlenet_has_torchvisions_keys_and_counts(heads):
    ours = without_data(networks.torchvision_googlenet, auxiliary_heads=heads)
    theirs = without_data(torchvision_googlenet, heads)
    assert shapes(ours) == shapes(theirs)
    assert count_parameters(ours) == count_parameters(theirs) == TORCHVISION_HEADS[heads]
    if not heads:
        assert count_macs(ours, IMAGE) == count_macs(theirs, IMAGE)
        assert round(count_macs(ours, IMAGE) / 1e9, 3) == 1.498


@pytest.fixture
def googlenets(request):
    ours = random_network(networks.torchvision_googlenet, auxiliary_heads=request.param)
    theirs = same_weights(ours, torchvision_googlenet, request.param)
    for layer in [*ours.modules(), *theirs.modules()]:
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return ours, theirs


@pytest.mark.parametrize("googlenets", [False, True], indirect=True, ids=["no heads", "heads"])
def test_googlenet_learns_as_torchvisions_in_eval_mode(googlenets):
    ours, theirs = (network.eval() for network in googlenets)
    x = random_tensor(2, 3, 64, 64)
    assert ours(x).std() > 0.01
    assert_close(ours(x), theirs(x), **SAME)


@pytest.mark.whole
@pytest.mark.parametrize("googlenets", [False, True], indirect=True, ids=["no heads", "heads"])
def test_googlenet_learns_as_torchvisions_in_train_mode(googlenets):
    ours, theirs = (network.train() for network in googlenets)
    x, labels = random_tensor(4, 3, 64, 64), torch.tensor([0, 1, 2, 999])
    mine, other = ours(x), theirs(x)
    if hasattr(ours, "aux1"):
        mine, other = torch.stack(mine), torch.stack([other.logits, other.aux_logits1, other.aux_logits2])
    else:
        mine, other = mine[None], other[None]
    assert_close(mine, other, **SAME)
    for logits in (mine, other):
        sum(cross_entropy(head, labels) for head in logits).backward()
    gradients = {name: p.grad for name, p in ours.named_parameters()}
    assert all(gradient.abs().max() > 0 for gradient in gradients.values())
    assert_same(gradients, {name: p.grad for name, p in theirs.named_parameters()})
    assert_same(ours.state_dict(), theirs.state_dict())


def test_dropout_is_as_strong_as_torchvisions():
    ours, theirs = (
        without_data(networks.torchvision_googlenet, auxiliary_heads=True),
        without_data(torchvision_googlenet, True),
    )
    for name in ("dropout", "aux1.dropout", "aux2.dropout"):
        assert ours.get_submodule(name).p == theirs.get_submodule(name).p


def test_googlenet_in_the_papers_form():
    network = without_data(networks.googlenet)
    assert count_parameters(network) == 6_998_552
    kernels = {name: network.get_submodule(f"inception{name}.branch3.1.conv").kernel_size for name in GOOGLENET_MODULES}
    assert set(kernels.values()) == {(5, 5)} and len(kernels) == 9
    outputs = {name: stage.output_shape for name, stage in stage_costs(network, IMAGE).items()}
    assert outputs["maxpool1"] == (64, 56, 56)
    assert outputs["maxpool2"] == (192, 28, 28)
    assert outputs["maxpool3"] == (480, 14, 14)
    assert outputs["maxpool4"] == (832, 7, 7)
    assert outputs["fc"] == (1000,)


def test_the_papers_googlenet_and_torchvisions_take_the_side_heads_at_the_same_places():
    network = random_network(networks.googlenet, auxiliary_heads=True).train()
    x = random_tensor(2, 3, 33, 33)
    seen = {}
    for name in ("inception4a", "inception4d"):
        network.get_submodule(name).register_forward_hook(lambda m, i, o, name=name: seen.update({name: o}))
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    _, first, second = network(x)
    assert_close(first, network.aux1(seen["inception4a"]), **SAME)
    assert_close(second, network.aux2(seen["inception4d"]), **SAME)


# timm, the only other source of the paper's 101 layers.


@pytest.mark.sampled(1)
@pytest.mark.whole
@pytest.mark.parametrize("name", ["resnext50_32x4d", "resnext101_32x4d"])
def test_timm_builds_the_same_network(name):
    ours = random_network(getattr(networks, name))
    theirs = same_weights(ours, timm.create_model, name)
    assert shapes(ours) == shapes(theirs)
    x = random_tensor(2, 3, 33, 33)
    assert_close(ours.eval()(x), theirs.eval()(x), **SAME)


# Tools that look into a network: they must work on ours as they do on torchvision's.

TRACED = {
    "ResNeXt": (lambda: ResNeXt((1, 1, 1, 1), 2, 4, image_channels=3), "layer3"),
    "CIFAR": (lambda: CifarResNeXt(11, 2, 8, image_channels=3), "layer2"),
    "form A": (lambda: CifarResNeXt(11, 2, 8, image_channels=3, block=FormA), "layer2"),
    "form B": (lambda: CifarResNeXt(11, 2, 8, image_channels=3, block=FormB), "layer2"),
    "SE": (lambda: ResNeXt((1, 1, 1, 1), 2, 4, block=partial(SEBottleneck, reduction=8)), "layer3"),
    "RegNetX": (lambda: RegNetX(4, 8, 8, 2.5, 8), "stages.1"),
    "GoogLeNet": (lambda: networks.torchvision_googlenet(num_classes=5), "inception4a"),
}


@pytest.fixture(scope="module", params=TRACED)
def traced(request):
    build, layer = TRACED[request.param]
    torch.manual_seed(0)
    return build().eval(), layer, torch.rand(2, 3, 40, 40)


def test_fault_2_features_are_extracted_as_from_torchvisions(traced):
    network, layer, x = traced
    seen = {}
    handle = network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: seen.update(layer=output))
    logits = network(x)
    handle.remove()
    extractor = create_feature_extractor(network, [layer])
    assert_close(extractor(x)[layer], seen["layer"], rtol=0, atol=0)
    graph = torch.fx.symbolic_trace(network)
    assert_close(graph(x), logits, rtol=0, atol=0)
    for made in (network, graph, extractor):  # the error's words stay
        with pytest.raises(ValueError, match=r"image_channels=3, but got \(2, 1, 40, 40\).*unsqueeze"):
            made(x[:, :1])


def test_fault_2_a_network_traced_in_train_mode_takes_one_picture_afterwards():
    """What depends on the batch or the mode is not written into the trace."""
    network = TRACED["CIFAR"][0]().train()
    graph = torch.fx.symbolic_trace(network).eval()
    assert graph(torch.rand(1, 3, 4, 4)).shape == (1, 10)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")  # torch's own advice to take 3.13.1
def test_fault_2_export_trace_compile_and_vmap_still_work(traced):
    network, _, x = traced
    expected = network(x)
    with torch.no_grad():
        assert_close(torch.export.export(network, (x,)).module()(x), expected, rtol=1e-5, atol=1e-5)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            recorded = torch.jit.trace(network, x)
        assert [str(w.message) for w in caught if "deprecated" not in str(w.message)] == []
        assert_close(recorded(x), expected, rtol=1e-5, atol=1e-5)
        assert_close(torch.vmap(lambda image: network(image[None])[0])(x), expected, rtol=1e-4, atol=1e-4)
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        assert_close(compiled(x), expected, rtol=1e-5, atol=1e-5)
        torch._dynamo.reset()


@pytest.mark.whole
def test_fault_2_an_exported_batch_may_have_any_size_and_an_ensemble_runs_at_once():
    x = torch.rand(3, 3, 32, 32)
    pair = [TRACED["CIFAR"][0]().eval() for _ in range(2)]
    exported = torch.export.export(pair[0], (x,), dynamic_shapes=({0: torch.export.Dim("images")},)).module()
    assert_close(exported(x[:2]), pair[0](x[:2]), rtol=1e-5, atol=1e-5)
    parameters, buffers = torch.func.stack_module_state(pair)
    together = torch.vmap(lambda p, b: torch.func.functional_call(pair[0], (p, b), (x,)))(parameters, buffers)
    assert_close(together, torch.stack([network(x) for network in pair]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("block", [Bottleneck, FormA, FormB])
def test_a_block_is_traced_and_scripted(block):
    made, x = block(8, 8, 16, 2).eval(), torch.rand(2, 8, 6, 6)
    assert_close(torch.fx.symbolic_trace(made)(x), made(x), rtol=0, atol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to give up scripting
        if block is Bottleneck:
            assert_close(torch.jit.script(made)(x), made(x), rtol=1e-5, atol=1e-5)


def test_networks_are_pickled_and_copied_whole():
    network = TRACED["CIFAR"][0]().eval()
    x = torch.rand(2, 3, 16, 16)
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert torch.equal(other(x), network(x))


# Widths that the small networks cannot have.


def test_fault_7_a_width_that_is_no_whole_number_is_refused_with_what_works():
    for build in (partial(networks.small_resnext, 8), partial(CifarResNeXt, 20, 8, stage_widths=(16, 32, 64))):
        with pytest.raises(ValueError) as caught:
            build(bottleneck_width=14)
        for words in ("bottleneck_width=14", "3.5", "stage_width=16", "12 and 16", "round_down=True"):
            assert words in str(caught.value)
        for width in (12, 16):
            block = without_data(build, bottleneck_width=width).layer1[0]
            assert block.width * 64 == 8 * width * 16
    with pytest.raises(ValueError, match=r"width 1\.75 in a stage of stage_width=16.*4 and 8"):
        networks.small_resnext(4, 7)
    with pytest.raises(ValueError, match="width 3.5 in a stage of stage_width=16"):
        make_stage(Bottleneck, 64, 16, 1, 1, 8, 14)


def test_fault_7_said_aloud_the_width_is_rounded_down():
    network = without_data(networks.small_resnext, 8, 14, round_down=True)
    assert [stage[0].width // 8 for stage in (network.layer1, network.layer2, network.layer3)] == [3, 7, 14]
    assert count_parameters(network) == 216_490
    assert [networks.group_width(14, width, round_down=True) for width in (16, 32, 64)] == [3, 7, 14]
    with pytest.raises(ValueError, match="paths of width 0.*smallest bottleneck_width that works is 4"):
        networks.small_resnext(8, 3, round_down=True)
    assert without_data(networks.small_resnext, 8, 4, round_down=True).layer1[0].width == 8


@pytest.mark.parametrize("stage_widths", [(16, 32, 64), (24, 48, 96), (20, 48, 96), (64, 128, 256), (8, 20, 36)])
def test_fault_7_the_widths_that_the_error_names_work_in_every_stage(stage_widths):
    build = partial(without_data, CifarResNeXt, 11, 1, stage_widths=stage_widths)
    built = set()  # the same few widths are named again and again
    for width in range(1, 70):
        try:
            build(width)
        except ValueError as error:
            named = re.findall(r"(?:work are|works is) (\d+)(?: and (\d+))?", str(error))
            assert named, error
            for number in {*filter(None, named[0])} - built:
                build(int(number))
                built.add(number)
            smaller = [w for w in range(1, int(named[0][0])) if not named[0][1]]
            assert all(any(w * s % 64 for s in stage_widths) for w in smaller), "the smallest is not the smallest"


def test_fault_7_no_width_is_rounded_in_the_papers_networks():
    for width in range(1, 65):
        assert [networks.group_width(width, s) for s in (64, 128, 256, 512)] == [width * k for k in (1, 2, 4, 8)]


# Fault 8: what a subclass, a block without a shortcut and a small network rely on.


def test_fault_8_a_residual_block_has_a_shortcut_from_the_start():
    class Doubled(ResidualBlock):
        def transform(self, x):
            return x

    block, x = Doubled(4, 4, 4), random_tensor(2, 4, 3, 3)
    assert block.downsample is None
    assert torch.equal(block(x), torch.relu(2 * x))
    block.downsample = nn.Conv2d(4, 4, 1, bias=False).double()
    assert list(block.state_dict()) == ["downsample.weight"]
    with pytest.raises(NotImplementedError, match=r"ResidualBlock must define transform"):
        ResidualBlock(4, 4, 4)(torch.rand(2, 4, 3, 3))


def test_fault_8_a_block_without_shortcut_is_no_residual_block_and_keeps_its_last_batch_norm():
    block = DepthwiseSeparable(4, 8)
    assert not hasattr(block, "shortcut") and not hasattr(block, "downsample")
    network = nn.Sequential(block, Bottleneck(8, 8, 8))
    networks.initialise(network, zero_init_residual=True)
    assert block.bn3.weight.tolist() == [1] * 8
    assert network[1].bn3.weight.tolist() == [0] * 8


def test_fault_8_the_small_networks_stem_is_built_with_its_stride():
    network = without_data(networks.small_resnext, 16, 8)
    assert network.conv1.stride == (2, 2) and network.stem_stride == 2
    assert without_data(networks.small_resnext, 16, 8, stem_stride=1).conv1.stride == (1, 1)
    assert without_data(CifarResNeXt, 20, 16, 8).conv1.stride == (1, 1)
    assert network.last_map(28) == 4


def test_what_a_network_has_when_it_is_not_told_otherwise():
    """Its name, or the signature, says it: a slip in a default would build another network without a word."""
    numbers = {networks.resnext101_32x4d: (32, 4, 23), CifarResNeXt: (1, 64, 3), networks.small_resnext: (16, 8, 2)}
    for build, (cardinality, bottleneck_width, blocks) in numbers.items():
        made = without_data(build)
        assert (made.cardinality, made.bottleneck_width, len(made.layer3)) == (cardinality, bottleneck_width, blocks), build


@pytest.mark.parametrize(("depth", "nearest"), [(5, "11 and 20"), (12, "11 and 20"), (21, "20 and 29")])
def test_a_depth_that_does_not_fit_is_told_the_nearest_that_do(depth, nearest):
    with pytest.raises(ValueError, match=f"depth={depth} does not fit 9 n . 2; the nearest that work are {nearest}"):
        CifarResNeXt(depth)
