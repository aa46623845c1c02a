"""The blocks compute what the papers draw, and a grouped convolution is what the book says it is."""

import warnings

import pytest
import torch
from randomness import random_network, random_tensor, without_data
from torch import nn
from torch.nn.functional import conv2d
from torch.testing import assert_close

from resnext_lib.blocks import Bottleneck, Inception, conv3x3, conv_relu
from resnext_lib.complexity import count_parameters
from resnext_lib.networks import GOOGLENET_MODULES

EXACT = dict(rtol=0, atol=1e-12)

# in_channels, width, out_channels, cardinality, stride: parameters (with batch norm), output of 9x9 images
BOTTLENECKS = [
    ((256, 64, 256, 1, 1), 70_400, (256, 9, 9)),  # ResNet-50, conv2
    ((256, 128, 256, 32, 1), 71_168, (256, 9, 9)),  # ResNeXt-50 32x4d, conv2
    ((64, 128, 256, 32, 1), 63_488, (256, 9, 9)),  # its first block, with projection
    ((256, 256, 512, 32, 2), 349_184, (512, 5, 5)),  # conv3, first block
    ((512, 256, 512, 32, 1), 282_624, (512, 9, 9)),
    ((512, 512, 1024, 32, 2), 1_390_592, (1024, 5, 5)),
    ((1024, 512, 1024, 32, 1), 1_126_400, (1024, 9, 9)),
    ((1024, 1024, 2048, 32, 2), 5_550_080, (2048, 5, 5)),
    ((2048, 1024, 2048, 32, 1), 4_497_408, (2048, 9, 9)),
]


@pytest.mark.parametrize(("sizes", "parameters", "shape"), BOTTLENECKS)
def test_bottleneck_has_the_published_size_and_shape(sizes, parameters, shape):
    block = without_data(Bottleneck, *sizes)
    assert count_parameters(block) == parameters
    assert block(torch.empty(2, sizes[0], 9, 9, device="meta")).shape == (2, *shape)


@pytest.mark.parametrize(
    ("sizes", "shortcut"),
    [
        ((256, 128, 256, 32, 1), "identity"),
        ((64, 128, 256, 32, 1), "projection"),  # the width changes
        ((256, 128, 256, 32, 2), "projection"),  # the map changes
    ],
)
def test_the_shortcut_is_a_projection_only_where_the_shape_changes(sizes, shortcut):
    block = random_network(Bottleneck, *sizes).eval()
    x = random_tensor(2, sizes[0], 6, 6)
    assert (block.downsample is None) == (shortcut == "identity")
    if shortcut == "identity":
        assert block.shortcut(x) is x
    else:
        projected = block.downsample[1](conv2d(x, block.downsample[0].weight, stride=sizes[-1]))
        assert_close(block.shortcut(x), projected, **EXACT)
    assert_close(block(x), torch.relu(block.transform(x) + block.shortcut(x)), **EXACT)


def test_the_last_relu_comes_after_the_shortcut_is_added():
    block = random_network(Bottleneck, 8, 8, 8, 4).eval()
    x = random_tensor(2, 8, 6, 6)
    assert block.transform(x).min() < -0.5, "the residual itself must be free to be negative"
    relu_too_early = torch.relu(block.transform(x)) + block.shortcut(x)
    assert (block(x) - relu_too_early).abs().max() > 0.5
    assert block(x).min() == 0


def test_the_stride_sits_on_the_3x3():
    block = without_data(Bottleneck, 256, 256, 512, 32, 2)
    strides = (block.conv1.stride, block.conv2.stride, block.conv3.stride, block.downsample[0].stride)
    assert strides == ((1, 1), (2, 2), (1, 1), (2, 2))


def test_no_convolution_has_a_bias_because_batch_norm_follows():
    block = without_data(Bottleneck, 64, 128, 256, 32, 2)
    convolutions = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.bias for layer in convolutions] == [None] * 4


GROUPS = [
    (8, 8, 1),
    (8, 8, 2),
    (8, 16, 4),
    (8, 8, 8),
    (128, 128, 32),
]  # in, out, groups; 8, 8, 8 is depthwise


@pytest.mark.parametrize(("in_channels", "out_channels", "groups"), GROUPS)
def test_grouped_convolution_is_dense_convolution_with_a_block_diagonal_weight(in_channels, out_channels, groups):
    grouped = random_network(conv3x3, in_channels, out_channels, cardinality=groups)
    dense = torch.zeros(out_channels, in_channels, 3, 3, dtype=torch.float64)
    rows, columns = out_channels // groups, in_channels // groups
    for g in range(groups):
        block = slice(g * rows, (g + 1) * rows)
        dense[block, g * columns : (g + 1) * columns] = grouped.weight[block]
    x = random_tensor(2, in_channels, 7, 7)
    assert_close(grouped(x), conv2d(x, dense, padding=1), **EXACT)
    assert torch.count_nonzero(dense).item() * groups == dense.numel()


@pytest.mark.parametrize(("in_channels", "out_channels", "groups"), GROUPS)
def test_grouped_convolution_is_convolutions_side_by_side_on_neighbouring_channels(in_channels, out_channels, groups):
    grouped = random_network(conv3x3, in_channels, out_channels, cardinality=groups)
    x = random_tensor(2, in_channels, 7, 7)
    pieces = zip(x.chunk(groups, 1), grouped.weight.chunk(groups, 0), strict=True)
    assert_close(grouped(x), torch.cat([conv2d(piece, w, padding=1) for piece, w in pieces], 1), **EXACT)


def test_groups_are_contiguous_and_not_interleaved():
    grouped = random_network(conv3x3, 128, 128, cardinality=32)
    x = random_tensor(4, 128, 14, 14)
    interleaved = [conv2d(x[:, i::32], w, padding=1) for i, w in enumerate(grouped.weight.chunk(32, 0))]
    assert (grouped(x) - torch.cat(interleaved, 1)).abs().max() > 1


def test_every_first_1x1_reads_all_inputs_and_only_the_middle_is_split():
    block = random_network(Bottleneck, 256, 128, 256, 32)
    group = slice(4 * 4, 5 * 4)  # the fifth of 32 paths, 4 channels wide
    x = random_tensor(1, 256, 5, 5).requires_grad_()
    middle = torch.relu(block.bn1(block.conv1(x)))
    middle.retain_grad()
    block.conv2(middle)[:, group].square().sum().backward()
    reaches = x.grad.abs().sum((0, 2, 3)) > 0
    uses = middle.grad.abs().sum((0, 2, 3)) > 0
    assert reaches.sum() == 256
    assert uses.nonzero().flatten().tolist() == [16, 17, 18, 19]


MODULE_3A = dict(conv1x1=64, reduce3x3=96, conv3x3=128, reduce5x5=16, conv5x5=32, pool_projection=32)


def convolution_weights(module):
    return sum(layer.weight.numel() for layer in module.modules() if isinstance(layer, nn.Conv2d))


def test_inception_is_four_branches_concatenated():
    module = random_network(Inception, 6, conv1x1=2, reduce3x3=3, conv3x3=4, reduce5x5=5, conv5x5=6, pool_projection=7)
    x = random_tensor(2, 6, 9, 9)

    def conv(branch, x):
        return torch.relu(conv2d(x, branch.conv.weight, branch.conv.bias, padding="same"))

    expected = torch.cat(
        [
            conv(module.branch1, x),
            conv(module.branch2[1], conv(module.branch2[0], x)),
            conv(module.branch3[1], conv(module.branch3[0], x)),
            conv(module.branch4[1], nn.functional.max_pool2d(x, 3, stride=1, padding=1)),
        ],
        dim=1,
    )
    assert expected.shape == (2, module.out_channels, 9, 9) == (2, 2 + 4 + 6 + 7, 9, 9)
    assert_close(module(x), expected, **EXACT)


def test_module_3a_in_the_papers_form_and_in_torchvisions():
    paper = without_data(Inception, 192, **MODULE_3A)
    variant = without_data(Inception, 192, **MODULE_3A, large_kernel=3, batch_norm=True)
    assert convolution_weights(paper) == 163_328
    assert convolution_weights(paper.branch3) == 15_872  # 153,600 without the 1x1 reduction
    assert convolution_weights(variant) == 155_136
    assert count_parameters(variant) == 155_872  # with batch norm
    assert paper.branch3[1].conv.kernel_size == (5, 5)
    assert variant.branch3[1].conv.kernel_size == (3, 3)


def test_convolution_with_relu_has_a_bias_or_batch_norm_but_not_both():
    plain, normalised = without_data(conv_relu, 3, 8, 5), without_data(conv_relu, 3, 8, 5, batch_norm=True)
    assert [name for name, _ in plain.named_parameters()] == ["conv.weight", "conv.bias"]
    assert [name for name, _ in normalised.named_parameters()] == ["conv.weight", "bn.weight", "bn.bias"]
    assert normalised.bn.eps == 0.001


@pytest.mark.parametrize("size", [2, 4])
def test_a_window_that_would_change_the_map_is_refused(size):
    with pytest.raises(ValueError, match=f"kernel_size must be odd to keep the map size, not {size}"):
        conv_relu(8, 8, kernel_size=size)
    with pytest.raises(ValueError, match=f"large_kernel must be odd to keep the map size, not {size}"):
        Inception(192, **GOOGLENET_MODULES["3a"], large_kernel=size)


def test_a_bottleneck_has_one_path_unless_told_otherwise():
    assert Bottleneck(8, 8, 16).conv2.groups == 1


def test_a_block_is_traced_without_its_checks():
    """A stand-in for a tensor has no sizes that could be looked at, and a recording would keep those of its example."""
    block = random_network(Bottleneck, 16, 4, 16, 2).eval()
    x, other = random_tensor(2, 16, 5, 5), random_tensor(3, 16, 7, 6)
    assert_close(torch.fx.symbolic_trace(block)(x), block(x), rtol=0, atol=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is deprecated")  # torch 2.14 says so of its recorder
        warnings.simplefilter("error", torch.jit.TracerWarning)  # says that a size became a constant
        assert_close(torch.jit.trace(block, x)(other), block(other), rtol=1e-9, atol=1e-9)
