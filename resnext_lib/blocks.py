"""The blocks: GoogLeNet's Inception module, and the bottleneck, which is the ResNeXt
block once ``cardinality > 1``.

Inception: Szegedy et al., arXiv 1409.4842, Fig. 2(b) and Table 1.
Bottleneck: He et al., arXiv 1512.03385, Fig. 5; with groups it is Fig. 3(c) of
Xie et al., arXiv 1611.05431.

Deviation: the first ResNet had its stride on the first 1x1. Here, as in the ResNeXt
paper and in torchvision, it sits on the 3x3.
"""

from collections import OrderedDict
from functools import partial

import torch
from torch import nn

from resnext_lib.arguments import check_tensor, check_variance, divides, positive_int, switch


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution without bias: ``(N, in, H, W)`` to ``(N, out, H/stride, W/stride)``.

    Raises ``TypeError`` or ``ValueError`` when an argument is not a positive whole number.
    """
    positive_int("in_channels", in_channels)
    positive_int("out_channels", out_channels)
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=positive_int("stride", stride), bias=False)


def conv3x3(in_channels: int, out_channels: int, stride: int = 1, cardinality: int = 1) -> nn.Conv2d:
    """A 3x3 convolution without bias that keeps the map size at stride 1.

    With ``cardinality=C`` it is C convolutions side by side, each on its own ``in/C``
    neighbouring channels. Weight: ``(out, in/C, 3, 3)``.
    Raises ``TypeError`` or ``ValueError`` when an argument is not a positive whole number or
    ``cardinality`` does not divide both numbers of channels.
    """
    groups = positive_int("cardinality", cardinality)
    divides(groups, positive_int("in_channels", in_channels), "in_channels")
    divides(groups, positive_int("out_channels", out_channels), "out_channels")
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size=3,
        stride=positive_int("stride", stride),
        padding=1,
        groups=groups,
        bias=False,
    )


def projection(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential | None:
    """The shortcut's 1x1 convolution with batch norm, or ``None`` where the input fits as it is.

    Paper: shortcut type B, identity except where the shape changes (arXiv 1611.05431, section 4).
    """
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels))


class Checked(nn.Module):
    """A module of ``in_channels`` whose call looks at the batch first: errors in our words, before anything is computed.

    Raises ``TypeError`` for what is no tensor, ``ValueError`` for another shape, type or device than the
    weights', and in train mode for a batch from which batch norm can take no variance.
    """

    def __call__(self, x):
        # A trace has no sizes yet: torch.fx hands in a stand-in for a tensor, torch.jit makes sizes tensors.
        traced = isinstance(x, torch.fx.Proxy) or torch.jit.is_tracing()
        if not traced and not self._forward_pre_hooks:  # a pre-hook may still change x
            check_tensor(self, x, self.in_channels, "in_channels")
            check_variance(self, x, self.last_map)
        return super().__call__(x)

    def last_map(self, size: int) -> int:
        """Height (or width) of the output for an input of height (or width) ``size``."""
        return size


class Block(Checked):
    """What every block has: its sizes, checked at construction. A subclass supplies ``transform`` and ``forward``.

    Raises ``TypeError`` or ``ValueError`` at construction when an argument is not a positive
    whole number or ``cardinality`` does not divide ``width``; at a call as :class:`Checked`.
    """

    def __init__(self, in_channels: int, width: int, out_channels: int, cardinality: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.in_channels = positive_int("in_channels", in_channels)
        self.width = positive_int("width", width)
        self.out_channels = positive_int("out_channels", out_channels)
        self.cardinality = positive_int("cardinality", cardinality)
        self.stride = positive_int("stride", stride)
        divides(self.cardinality, self.width)

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define transform(self, x), what the block computes")

    def last_map(self, size: int) -> int:
        """Height (or width) of the output: ``size / stride``, rounded up."""
        return -(-size // self.stride)


class ResidualBlock(Block):
    """``relu(transform(x) + shortcut(x))``. A subclass supplies ``transform``, and ``downsample`` where shapes change.

    ``downsample`` is the shortcut's layers, or ``None`` (as at first) where the input is added as it is.
    Shapes: ``(N, in_channels, H, W)`` to ``(N, out_channels, H/stride, W/stride)``, rounded up.
    Errors: as :class:`Block`. Source: arXiv 1512.03385, Eq. 1 and 2.
    """

    def __init__(self, in_channels: int, width: int, out_channels: int, cardinality: int = 1, stride: int = 1) -> None:
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        self.downsample = None

    def shortcut(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.downsample is None else self.downsample(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.transform(x) + self.shortcut(x))


class Bottleneck(ResidualBlock):
    """1x1 down to ``width``, 3x3 in ``cardinality`` groups, 1x1 up to ``out_channels``.

    ``Bottleneck(256, 64, 256)`` is ResNet's block, ``Bottleneck(256, 128, 256, cardinality=32)``
    is ResNeXt's 32x4d block (form C). ``width`` is C times d, the width of all paths together.
    Shapes: ``(N, in_channels, H, W)`` to ``(N, out_channels, H/stride, W/stride)``, rounded up.
    Errors: as :class:`ResidualBlock`. Source: arXiv 1611.05431, Fig. 3(c), Table 1.
    """

    def __init__(self, in_channels: int, width: int, out_channels: int, cardinality: int = 1, stride: int = 1) -> None:
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        self.conv1 = conv1x1(in_channels, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride, cardinality)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, out_channels)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = projection(in_channels, out_channels, stride)

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))  # (N, width, H, W): reads every input channel
        x = torch.relu(self.bn2(self.conv2(x)))  # (N, width, H/stride, W/stride): group by group
        return self.bn3(self.conv3(x))  # (N, out_channels, H/stride, W/stride)


def conv_relu(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, batch_norm: bool = False
) -> nn.Sequential:
    """Convolution (and batch norm) and ReLU, padded so that stride 1 keeps the map size.

    The bias goes when batch norm comes: batch norm subtracts it again.
    Shapes: ``(N, in_channels, H, W)`` to ``(N, out_channels, H/stride, W/stride)``, rounded up.
    Raises ``TypeError`` or ``ValueError`` when a number is not a positive whole one or
    ``kernel_size`` is even.
    """
    positive_int("in_channels", in_channels)
    positive_int("out_channels", out_channels)
    positive_int("stride", stride)
    if positive_int("kernel_size", kernel_size) % 2 == 0:
        raise ValueError(f"kernel_size must be odd to keep the map size, not {kernel_size}")
    switch("batch_norm", batch_norm)
    layers = OrderedDict()
    layers["conv"] = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=not batch_norm)
    if batch_norm:
        layers["bn"] = nn.BatchNorm2d(out_channels, eps=0.001)  # torchvision's eps for GoogLeNet
    layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


class Inception(Checked):
    """Four unequal branches over the same input, concatenated.

    The six widths are named after the columns of GoogLeNet's Table 1; ``large_kernel=3`` with
    ``batch_norm=True`` is torchvision's variant (pytorch/vision issue 906).
    Shapes: ``(N, in_channels, H, W)`` to
    ``(N, conv1x1 + conv3x3 + conv5x5 + pool_projection, H, W)``.
    Raises ``TypeError`` or ``ValueError`` when a width is not a positive whole number or
    ``large_kernel`` is even; at a call as :class:`Checked`. Source: arXiv 1409.4842, Fig. 2(b).
    """

    def __init__(
        self,
        in_channels: int,
        *,
        conv1x1: int,
        reduce3x3: int,
        conv3x3: int,
        reduce5x5: int,
        conv5x5: int,
        pool_projection: int,
        large_kernel: int = 5,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        for name, value in list(locals().items()):
            if name not in ("self", "__class__", "batch_norm"):
                positive_int(name, value)
        if large_kernel % 2 == 0:
            raise ValueError(f"large_kernel must be odd to keep the map size, not {large_kernel}")
        self.in_channels = in_channels
        conv = partial(conv_relu, batch_norm=switch("batch_norm", batch_norm))
        self.branch1 = conv(in_channels, conv1x1, 1)
        self.branch2 = nn.Sequential(conv(in_channels, reduce3x3, 1), conv(reduce3x3, conv3x3, 3))
        self.branch3 = nn.Sequential(conv(in_channels, reduce5x5, 1), conv(reduce5x5, conv5x5, large_kernel))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(in_channels, pool_projection, 1))
        self.out_channels = conv1x1 + conv3x3 + conv5x5 + pool_projection

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branches = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return torch.cat(branches, dim=1)
