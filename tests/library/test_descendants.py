"""What came next is what others built: counts, outputs, gradients and statistics on shared weights."""

import inspect
import math
import re
from functools import partial
from itertools import product

import pytest
import timm
import torch
from randomness import random_network, random_tensor, randomise, without_data
from timm.models._efficientnet_blocks import DepthwiseSeparableConv
from torch import nn
from torch.testing import assert_close
from torchvision import models, ops
from torchvision.models._utils import _make_divisible
from torchvision.models.convnext import CNBlock
from torchvision.models.regnet import BlockParams, ResBottleneckBlock
from torchvision.ops.misc import Conv2dNormActivation

from resnext_lib import descendants, networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_macs, count_parameters
from resnext_lib.descendants import (
    ConvNeXtBlock,
    DepthwiseSeparable,
    LayerNorm2d,
    RegNetX,
    SEBottleneck,
    SqueezeExcitation,
    XBlock,
    edit,
    regnet_stages,
    regnet_x_3_2gf,
    seresnext50_32x4d,
)
from resnext_lib.published import published

IMAGE = (3, 224, 224)
EQUAL = dict(rtol=1e-10, atol=1e-10)  # float64
MODES = pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])

# torchvision's and timm's names beside the bottleneck's.
REGNET = {
    "f.a.0": "conv1",
    "f.a.1": "bn1",
    "f.b.0": "conv2",
    "f.b.1": "bn2",
    "f.c.0": "conv3",
    "f.c.1": "bn3",
    "proj.0": "downsample.0",
    "proj.1": "downsample.1",
    "stem.0": "conv1",
    "stem.1": "bn1",
}
SEPARABLE = {"conv_dw": "conv2", "bn1": "bn2", "conv_pw": "conv3", "bn2": "bn3"}
TWO_LAYERS = {"0.0": "conv2", "0.1": "bn2", "1.0": "conv3", "1.1": "bn3"}
CONVNEXT = {"block.0": "conv2", "block.2": "norm", "block.3": "conv1", "block.5": "conv3"}
SAME = {}


def our_name(name, names):
    """A parameter's name there in our words; RegNet's blocks are called block1.block1-0 for stages.0.0."""
    name = re.sub(r"trunk_output\.block(\d)\.block\d-(\d+)", lambda m: f"stages.{int(m[1]) - 1}.{m[2]}", name)
    for theirs, ours in names.items():
        if re.search(rf"(^|\.){re.escape(theirs)}\.", name):
            return re.sub(rf"(^|\.){re.escape(theirs)}\.", rf"\1{ours}.", name)
    return name


def share(ours, theirs, names=SAME):
    """Randomise ``theirs``, statistics included, and load its weights into ``ours``, strictly; both float64."""
    draw = torch.Generator().manual_seed(3)
    randomise(theirs.double())
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if name.startswith(("layer_scale", "block.2")):  # ConvNeXt's factors and its layer norm
                parameter.copy_(torch.randn(parameter.shape, generator=draw, dtype=torch.float64) * 0.5 + 0.3)
    shapes = {name: value.shape for name, value in ours.state_dict().items()}
    state = {our_name(name, names): value for name, value in theirs.state_dict().items()}
    ours.double().load_state_dict({name: value.reshape(shapes[name]) for name, value in state.items()}, strict=True)
    return ours, theirs


def step(module, x):
    """Output, gradients of the input and of every parameter, and the statistics afterwards, by name."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    output = module(x)
    (output * random_tensor(*output.shape, seed=5)).sum().backward()
    gradients = {f"gradient of {name}": p.grad for name, p in module.named_parameters()}
    return {"output": output, "gradient of the input": x.grad, **gradients, **dict(module.named_buffers())}


def assert_equal(ours, theirs, x, training, names=SAME):
    found, expected = step(ours.train(training), x), step(theirs.train(training), x)
    prefix = "gradient of "
    expected = {(prefix * n.startswith(prefix)) + our_name(n.removeprefix(prefix), names): v for n, v in expected.items()}
    assert found.keys() == expected.keys()
    for name, value in found.items():
        wanted = expected[name].reshape(value.shape)
        assert_close(value, wanted, **EQUAL, msg=lambda text, name=name: f"{name}: {text}")
    assert found["output"].abs().max() > 0.1 and found["gradient of the input"].abs().max() > 1e-3


# ------------------------------------------------------------------ squeeze and excitation

SE = dict(in_channels=128, width=64, out_channels=128, cardinality=32)


@MODES
@pytest.mark.parametrize(("channels", "squeezed"), [(16, 4), (256, 16), (6, 1)])
def test_squeeze_and_excitation_is_torchvisions(channels, squeezed, training):
    ours, theirs = share(SqueezeExcitation(channels, squeezed), ops.SqueezeExcitation(channels, squeezed))
    assert_equal(ours, theirs, random_tensor(2, channels, 5, 7), training)


def timms_se_bottleneck(in_channels, width, out_channels, cardinality, stride=1):
    """timm's block; its planes and base_width are stated for an expansion of 4."""
    planes, downsample = out_channels // 4, None
    if stride > 1 or in_channels != out_channels:
        downsample = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))
    se = timm.layers.get_attn("se")
    return timm.models.resnet.Bottleneck(
        in_channels, planes, stride, downsample, cardinality, base_width=64 * width // cardinality // planes, attn_layer=se
    )


@MODES
@pytest.mark.parametrize(
    "arguments", [(128, 64, 128, 32, 1), (64, 64, 128, 32, 2), (64, 128, 256, 32, 1), (256, 64, 256, 1, 1)]
)
def test_the_block_with_it_is_timms(arguments, training):
    ours, theirs = share(SEBottleneck(*arguments), timms_se_bottleneck(*arguments))
    assert_equal(ours, theirs, random_tensor(2, arguments[0], 7, 6), training)


def test_se_resnext_50_has_timms_count_names_and_shapes():
    ours, theirs = without_data(seresnext50_32x4d), without_data(timm.create_model, "seresnext50_32x4d")
    assert count_parameters(ours) == count_parameters(theirs) == 27_559_896
    assert {n: v.shape for n, v in ours.state_dict().items()} == {n: v.shape for n, v in theirs.state_dict().items()}
    assert count_macs(ours, IMAGE) == count_macs(theirs, IMAGE)


@pytest.mark.slow
@MODES
def test_se_resnext_50_is_timms(training):
    ours = random_network(seresnext50_32x4d, num_classes=7)
    theirs = without_data(timm.create_model, "seresnext50_32x4d", num_classes=7).double().to_empty(device="cpu")
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert_equal(ours, theirs, random_tensor(2, 3, 33, 33), training)


def test_the_published_cost_of_squeeze_and_excitation():
    """The paper's operations fit: about 0.01 billion more. Most of the growth is in parameters."""
    plain, extended = without_data(networks.resnext50_32x4d), without_data(seresnext50_32x4d)
    more = (count_macs(extended, IMAGE) - count_macs(plain, IMAGE)) / 1e9
    said = published("senet.se-resnext50.flops")["value"] - published("senet.resnext50.flops")["value"]
    assert 0 < more < said + 0.001 < 0.02
    assert 1.10 < count_parameters(extended) / count_parameters(plain) < 1.11


def test_the_squeeze_is_a_mean_over_the_map_and_the_gate_is_one_for_a_channel():
    module, x = randomise(SqueezeExcitation(8, 2).double()), random_tensor(2, 8, 6, 6)
    gates = module(x) / x
    assert_close(gates, gates[:, :, :1, :1].expand_as(gates), **EQUAL)
    assert 0 < gates.min() < gates.max() < 1
    shuffled = x.flatten(2)[:, :, torch.randperm(36, generator=torch.Generator().manual_seed(0))].reshape(x.shape)
    assert_close(module(shuffled) / shuffled, gates, rtol=1e-8, atol=1e-8)  # the mean does not care for places


# ------------------------------------------------------------------ RegNet


@MODES
@pytest.mark.parametrize(
    ("arguments", "stride"), [((48, 48, 24), 1), ((32, 96, 48), 2), ((12, 12, 12), 1), ((16, 24, 1), 1)]
)
def test_the_x_block_is_torchvisions(arguments, stride, training):
    in_channels, out_channels, group_width = arguments
    theirs = ResBottleneckBlock(in_channels, out_channels, stride, nn.BatchNorm2d, nn.ReLU, group_width)
    ours, theirs = share(XBlock(*arguments, stride), theirs, REGNET)
    assert_equal(ours, theirs, random_tensor(2, in_channels, 7, 8), training, REGNET)


def torchvisions_regnet(name, **options):
    """torchvision's network on the device "meta", except for its width rule, which needs data."""
    rule = BlockParams.from_init_params

    def with_data(**numbers):
        with torch.device("cpu"):
            return rule(**numbers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockParams, "from_init_params", with_data)
        return without_data(getattr(models, name), **options)


# torchvision's name: depth, initial width, slope, multiplier, group width
DESIGNS = {
    "regnet_x_400mf": (22, 24, 24.48, 2.54, 16),
    "regnet_x_800mf": (16, 56, 35.73, 2.28, 16),
    "regnet_x_1_6gf": (18, 80, 34.01, 2.25, 24),
    "regnet_x_3_2gf": (25, 88, 26.31, 2.25, 48),
    "regnet_x_8gf": (23, 80, 49.56, 2.88, 120),
    "regnet_x_16gf": (22, 216, 55.59, 2.1, 128),
    "regnet_x_32gf": (23, 320, 69.86, 2.0, 168),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", DESIGNS)
def test_the_width_rule_gives_torchvisions_networks(name):
    theirs, ours = torchvisions_regnet(name), without_data(RegNetX, *DESIGNS[name])
    assert {n: v.shape for n, v in ours.state_dict().items()} == {
        our_name(n, REGNET): v.shape for n, v in theirs.state_dict().items()
    }
    params = BlockParams.from_init_params(*DESIGNS[name])
    assert regnet_stages(*DESIGNS[name]) == list(zip(params.widths, params.depths, params.group_widths, strict=True))
    assert count_macs(ours, IMAGE) == count_macs(theirs, IMAGE)


@pytest.mark.parametrize("design", [*product((8, 13), (24, 88), (8.5, 30.25), (2.1, 2.9), (1, 8, 16))])
def test_the_width_rule_is_torchvisions(design):
    params = BlockParams.from_init_params(*design)
    assert regnet_stages(*design) == list(zip(params.widths, params.depths, params.group_widths, strict=True))


def test_a_group_is_never_wider_than_its_stage():
    """facebookresearch/pycls issue 34: where the group width exceeds the width, the stage has one group."""
    assert regnet_stages(2, 24, 0, 2, 48) == [(24, 2, 24)]


def test_regnet_x_has_torchvisions_count():
    assert (
        count_parameters(without_data(regnet_x_3_2gf))
        == 15_296_552
        == published("torchvision.regnet_x_3_2gf.parameters")["value"]
    )
    assert (
        round(count_macs(without_data(regnet_x_3_2gf), IMAGE) / 1e9, 3)
        == published("torchvision.regnet_x_3_2gf.macs")["value"]
    )


@MODES
def test_regnet_x_is_torchvisions(training):
    theirs = torchvisions_regnet("regnet_x_3_2gf", num_classes=7).double().to_empty(device="cpu")
    ours = without_data(regnet_x_3_2gf, num_classes=7).double().to_empty(device="cpu")
    ours, theirs = share(ours, theirs, REGNET)
    assert_equal(ours, theirs, random_tensor(2, 3, 64, 64), training, REGNET)


def test_regnet_fixes_the_width_of_a_group_and_resnext_their_number():
    regnet = [stage[0].conv2 for stage in without_data(regnet_x_3_2gf).stages]
    resnext = without_data(networks.resnext50_32x4d)
    resnext = [stage[0].conv2 for stage in (resnext.layer1, resnext.layer2, resnext.layer3, resnext.layer4)]
    assert [c.in_channels // c.groups for c in regnet] == [48] * 4
    assert [c.groups for c in regnet] == [2, 4, 9, 21]
    assert [c.groups for c in resnext] == [32] * 4


# ------------------------------------------------------------------ MobileNet

CASES = [(8, 16, 1), (16, 16, 1), (16, 24, 2), (3, 5, 2), (1, 4, 1)]


@MODES
@pytest.mark.parametrize("arguments", CASES)
def test_the_depthwise_separable_block_is_timms(arguments, training):
    """MobileNet's first version: no shortcut, and a ReLU after the 1x1 too."""
    in_channels, out_channels, stride = arguments
    theirs = DepthwiseSeparableConv(in_channels, out_channels, stride=stride, noskip=True, pw_act=True)
    ours, theirs = share(DepthwiseSeparable(*arguments), theirs, SEPARABLE)
    assert_equal(ours, theirs, random_tensor(2, in_channels, 7, 8), training, SEPARABLE)


@MODES
@pytest.mark.parametrize("arguments", CASES)
def test_the_depthwise_separable_block_is_two_of_torchvisions_layers(arguments, training):
    in_channels, out_channels, stride = arguments
    theirs = nn.Sequential(
        Conv2dNormActivation(in_channels, in_channels, 3, stride, groups=in_channels),
        Conv2dNormActivation(in_channels, out_channels, 1),
    )
    ours, theirs = share(DepthwiseSeparable(*arguments), theirs, TWO_LAYERS)
    assert_equal(ours, theirs, random_tensor(2, in_channels, 7, 8), training, TWO_LAYERS)


def test_mobilenet_made_of_it_has_the_papers_cost_and_timms_count():
    widths = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    strides = [1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1]
    with torch.device("meta"):
        blocks = [DepthwiseSeparable(*sizes) for sizes in zip(widths, widths[1:], strides, strict=False)]
        network = nn.Sequential(
            nn.Conv2d(3, 32, 3, 2, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            *blocks,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(1024, 1000),
        )
    theirs = without_data(timm.create_model, "mobilenetv1_100")
    assert len(blocks) == 13 and count_parameters(network) == count_parameters(theirs)
    assert round(count_macs(network, IMAGE) / 1e6) == published("mobilenet.depthwise.macs")["value"]
    assert round(count_parameters(network) / 1e6, 1) == published("mobilenet.depthwise.parameters")["value"]


# ------------------------------------------------------------------ ConvNeXt


@MODES
@pytest.mark.parametrize("channels", [1, 8, 96])
def test_the_convnext_block_is_torchvisions(channels, training):
    ours, theirs = share(ConvNeXtBlock(channels), CNBlock(channels, 1e-6, 0.0), CONVNEXT)
    assert_equal(ours, theirs, random_tensor(2, channels, 9, 8), training, CONVNEXT)


def test_the_convnext_block_starts_as_torchvisions_and_nearly_as_its_shortcut():
    ours, theirs, x = ConvNeXtBlock(8).double(), CNBlock(8, 1e-6, 0.0), random_tensor(2, 8, 5, 5)
    assert torch.equal(ours.layer_scale.float(), theirs.layer_scale)
    assert 0 < (ours(x) - x).abs().max() < 1e-4
    assert ConvNeXtBlock(8, layer_scale=0.5).layer_scale.unique().item() == 0.5


def test_the_layer_norm_looks_at_one_pixel_at_a_time():
    norm, x = LayerNorm2d(6, eps=1e-6).double(), random_tensor(2, 6, 4, 5) * 3 + 1
    assert_close(norm(x).mean(dim=1), torch.zeros(2, 4, 5, dtype=torch.float64), **EQUAL)
    changed = x.clone()
    changed[:, :, 0, 0] += random_tensor(2, 6)
    assert torch.equal(norm(changed)[:, :, 1:], norm(x)[:, :, 1:])
    assert (nn.GroupNorm(1, 6).double()(x) - norm(x)).abs().max() > 0.1, "GroupNorm(1, C) is another function"


def convnext_step(block):
    """A ConvNeXt-T-like network: stem 4x4 with stride 4, 3, 3, 9, 3 blocks of (in, width, stride), classifier."""
    layers, channels = [nn.Conv2d(3, 96, 4, 4)], 96
    for stage, count in enumerate((3, 3, 9, 3)):
        for number in range(count):
            layers.append(block(channels, 96 * 2**stage, 2 if stage and not number else 1))
            channels = layers[-1].out_channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("resnextify", lambda i, w, stride: Bottleneck(i, w, 4 * w, w, stride)),
        ("inverted-bottleneck", lambda i, w, stride: Bottleneck(i, 4 * w, w, 4 * w, stride)),
    ],
)
def test_the_steps_to_convnext_are_our_bottleneck_with_other_arguments(name, block):
    """Their published operations are those of networks of our block with one channel a group."""
    network = without_data(convnext_step, block)
    assert round(count_macs(network, IMAGE) / 1e9, 1) == published(f"convnext.{name}.flops")["value"]


def test_convnext_tiny_has_eighteen_blocks_of_this_size():
    theirs = [m for m in without_data(models.convnext_tiny).modules() if isinstance(m, CNBlock)]
    ours = [without_data(ConvNeXtBlock, m.layer_scale.shape[0]) for m in theirs]
    assert len(theirs) == 18 and [count_parameters(m) for m in ours] == [count_parameters(m) for m in theirs]


# ------------------------------------------------------------------ the neighbours named in the chapter


def test_resnests_grouped_convolution_has_two_groups():
    """One cardinal group times two splits: between dense and grouped."""
    network = without_data(timm.create_model, "resnest50d")
    grouped = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3) and m.groups > 1]
    assert len(grouped) == 16 and {m.groups for m in grouped} == {2}
    assert (grouped[0].in_channels, grouped[-1].in_channels) == (64, 512)


def test_xceptions_spatial_convolutions_are_depthwise():
    network = without_data(timm.create_model, "legacy_xception")
    spatial = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)][2:]
    assert len(spatial) == 34 and all(m.groups == m.in_channels for m in spatial)
    assert (spatial[0].in_channels, spatial[-1].in_channels) == (64, 1536)


# ------------------------------------------------------------------ the edits


@pytest.mark.parametrize(("block", "taken", "put"), [(DepthwiseSeparable, 5, 4), (ConvNeXtBlock, 12, 13)])
def test_the_size_of_an_edit(block, taken, put):
    lines = edit(block).splitlines()
    assert [sum(line.startswith(sign) for line in lines) for sign in "-+"] == [taken, put]
    assert len(lines) == taken + put


@pytest.mark.parametrize("block", [SEBottleneck, DepthwiseSeparable, ConvNeXtBlock, XBlock])
def test_an_edit_turns_one_source_into_the_other(block):
    """Taking out and putting in the lines of the edit gives the other class's lines, whatever their order."""

    def lines(given):
        found = []
        for method in (m for m in vars(given).values() if inspect.isfunction(m)):
            signature = inspect.signature(method)
            plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
            found.append(f"    def {method.__name__}({', '.join(map(str, plain))}):".replace("1e-06", "1e-6"))
            body = re.sub(r"\A.*?\)( -> [^:]+)?:\n", "", inspect.getsource(method), count=1, flags=re.DOTALL)
            found += [line for line in re.sub(r" +#.*", "", body).splitlines() if line.strip()]
        return found

    result = lines(Bottleneck)
    for line in edit(block).splitlines():
        if line.startswith("-"):
            result.remove(line[1:])
        else:
            result.append(line[1:])
    assert sorted(result) == sorted(lines(block))
    assert edit(block, block) == "" and not any("# " in line for line in edit(block).splitlines())


class Hinted(Bottleneck):
    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        cardinality: int = 1,
        stride: int = 1,
        *,
        rate: float = 1e-2,
        **options: bool,
    ) -> None:
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        self.dropout = nn.Dropout(rate)


class Bare(Bottleneck):
    def __init__(self, in_channels, width, out_channels, cardinality=1, stride=1, *, rate=1e-2, **options):
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        self.dropout = nn.Dropout(rate)


def test_hints_and_broken_lines_are_no_edit():
    """The library's blocks have type hints, those typed in a chapter have none."""
    assert edit(Hinted, Bare) == edit(Bare, Hinted) == ""
    assert edit(Bare) == edit(Hinted) and "rate=1e-2, **options):" in edit(Bare)


# ------------------------------------------------------------------ arguments

REFUSED = [
    (SEBottleneck, (8, 8, 8, 1, 1, 16), ValueError, ("reduction=16", "out_channels=8")),
    (SEBottleneck, (8, 8, 8, 1, 1, 0), ValueError, ("reduction=0", "1 or more")),
    (SEBottleneck, (8, 8, 32, 1, 1, 2.0), TypeError, ("reduction", "2.0")),
    (SEBottleneck, (256, 130, 256, 32), ValueError, ("cardinality=32", "width=130", "cardinality=26")),
    (SqueezeExcitation, (0, 4), ValueError, ("channels=0",)),
    (SqueezeExcitation, (8, "4"), TypeError, ("squeezed", "'4'")),
    (XBlock, (32, 100, 48), ValueError, ("group_width=48", "out_channels=100", "group_width=50", "out_channels=96 or 144")),
    (XBlock, (32, 96, 0), ValueError, ("group_width=0", "1 or more")),
    (XBlock, (32, 96.0, 48), TypeError, ("out_channels", "96.0")),
    (XBlock, (0, 96, 48), ValueError, ("in_channels=0",)),
    (XBlock, (32, 96, 48, 0), ValueError, ("stride=0",)),
    (regnet_stages, (0, 88, 26.31, 2.25, 48), ValueError, ("depth=0",)),
    (regnet_stages, (25, 90, 26.31, 2.25, 48), ValueError, ("initial_width", "90", "multiple of 8")),
    (regnet_stages, (25, 88, -1, 2.25, 48), ValueError, ("slope=-1", "0 or more")),
    (regnet_stages, (25, 88, 26.31, 1, 48), ValueError, ("multiplier=1", "above 1")),
    (regnet_stages, (25, 88, "26", 2.25, 48), TypeError, ("slope", "'26'", "a number such as")),
    (regnet_stages, (25, 88, math.nan, 2.25, 48), ValueError, ("slope=nan",)),
    (regnet_stages, (25, 88, 26.31, 2.25, 1.5), TypeError, ("group_width", "1.5")),
    (DepthwiseSeparable, (0, 8), ValueError, ("in_channels=0",)),
    (DepthwiseSeparable, (8, "8"), TypeError, ("out_channels", "'8'")),
    (DepthwiseSeparable, (8, 8, -1), ValueError, ("stride=-1",)),
    (ConvNeXtBlock, (0,), ValueError, ("channels=0",)),
    (ConvNeXtBlock, (96.0,), TypeError, ("channels", "96.0")),
]


@pytest.mark.parametrize(("call", "arguments", "error", "named"), REFUSED)
def test_a_wrong_argument_is_named_with_its_value_and_what_works(call, arguments, error, named):
    with pytest.raises(error) as caught:
        without_data(call, *arguments)
    assert not [words for words in named if words not in str(caught.value)], str(caught.value)


@pytest.mark.parametrize("arguments", [(32, 100, 50), (32, 96, 48), (32, 144, 48)])
def test_what_the_error_recommends_works(arguments):
    assert count_parameters(without_data(XBlock, *arguments)) > 0


def test_images_of_other_channels_are_refused():
    network = without_data(regnet_x_3_2gf, image_channels=1, num_classes=7)
    assert network(torch.zeros(2, 1, 64, 64, device="meta")).shape == (2, 7)
    with pytest.raises(ValueError, match=r"image_channels=1.*\(2, 3, 64, 64\)"):
        network(torch.zeros(2, 3, 64, 64, device="meta"))


def test_the_options_of_the_networks_are_the_others():
    network = without_data(seresnext50_32x4d, image_channels=1, num_classes=7)
    assert network(torch.zeros(2, 1, 64, 64, device="meta")).shape == (2, 7)
    assert descendants.ResNeXt is networks.ResNeXt


# ------------------------------------------------------------------ fault 8: what the constructors left out


@pytest.mark.parametrize(
    "design", [(4, 56, 0, 2, 40), (3, 24, 0, 2, 16), (13, 24, 30.25, 2.9, 40), (12, 56, 21.5, 2.1, 40), (9, 88, 33, 2.4, 64)]
)
def test_fault_8_a_stage_loses_at_most_a_tenth_of_its_width_as_in_torchvision(design):
    params = BlockParams.from_init_params(*design)
    assert regnet_stages(*design) == list(zip(params.widths, params.depths, params.group_widths, strict=True))


@pytest.mark.parametrize("divisor", [8, 24, 40, 48, 120])
def test_fault_8_the_rounding_rule_is_torchvisions(divisor):
    for width in range(1, 400):
        assert descendants.nearest_multiple(width, divisor) == _make_divisible(width, divisor)
    assert descendants.nearest_multiple(56, 40) == 80, "40 would be less than 90 % of 56"


def test_fault_8_the_classifier_starts_as_torchvisions():
    torch.manual_seed(0)
    ours, theirs = RegNetX(4, 48, 30, 2.5, 24), models.RegNet(BlockParams.from_init_params(4, 48, 30, 2.5, 24))
    assert ours.fc.weight.shape == theirs.fc.weight.shape
    for network in (ours, theirs):
        assert network.fc.bias.tolist() == [0] * 1000
        assert 0.0099 < network.fc.weight.std().item() < 0.0101
    own, other = ours.stages[-1][0].conv2.weight, theirs.trunk_output[-1][0].f.b[0].weight
    assert own.std().item() == pytest.approx(other.std().item(), rel=0.02)


def test_fault_8_the_reduction_is_set_for_a_whole_network():
    for network in (
        without_data(seresnext50_32x4d, reduction=8),
        without_data(networks.ResNeXt, (3, 4, 6, 3), 32, 4, block=partial(SEBottleneck, reduction=8)),
    ):
        assert network.layer1[0].se.fc1.weight.shape == (32, 256, 1, 1)
        assert network.layer4[2].se.fc1.weight.shape == (256, 2048, 1, 1)
    stage = without_data(networks.make_stage, partial(SEBottleneck, reduction=4), 64, 64, 2, 1, 32, 4)
    assert [block.se.fc1.out_channels for block in stage] == [64, 64]
    with pytest.raises(ValueError, match="reduction must be 1 or more"):
        seresnext50_32x4d(reduction=0)


def test_a_class_without_source_is_refused():
    made = type("Made", (Bottleneck,), {"transform": eval(compile("lambda self, x: x", "<nowhere>", "eval"))})
    with pytest.raises(ValueError, match="source of Made is not to be had"):
        edit(made)
