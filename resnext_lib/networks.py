"""The networks: GoogLeNet; ResNeXt, whose defaults are ResNet; the CIFAR networks.

ResNeXt: Xie et al., arXiv 1611.05431, Table 1 and section 5.2 (CIFAR).
GoogLeNet: Szegedy et al., arXiv 1409.4842, Table 1.
State-dict keys are torchvision's, to the letter and in order, so its weights load strictly.
"""

from collections.abc import Callable, Sequence
from math import gcd, lcm
from typing import Any

import torch
from torch import nn

from resnext_lib.arguments import (
    check_images,
    checked_block_class,
    positive_int,
    positive_ints,
    switch,
    torch_module,
)
from resnext_lib.blocks import Bottleneck, Checked, Inception, conv3x3, conv_relu

FIRST_STAGE_WIDTH = 64  # bottleneck_width is stated for the stage of this width
EXPANSION = 4  # a stage gives out 4 times its stage width: 64 -> 256


def group_width(bottleneck_width: int, stage_width: int, round_down: bool = False) -> int:
    """The width d of one path in a stage: 4 becomes 4, 8, 16, 32 as the stage width doubles from 64.

    Raises ``ValueError`` when ``bottleneck_width * stage_width / 64`` is no whole number; with
    ``round_down`` only when nothing is left of it. ``TypeError`` for what is no whole number.
    """
    return group_widths(bottleneck_width, (stage_width,), round_down)[0]


def group_widths(bottleneck_width: int, stage_widths: Sequence[int], round_down: bool = False) -> list[int]:
    """:func:`group_width` of several stages; the error names bottleneck widths that work in all of them."""
    bottleneck_width = positive_int("bottleneck_width", bottleneck_width)
    stage_widths = [positive_int("stage_width", width) for width in stage_widths]
    switch("round_down", round_down)
    # d is whole in a stage where bottleneck_width is a multiple of 64 / gcd(64, stage_width).
    step = lcm(*(FIRST_STAGE_WIDTH // gcd(FIRST_STAGE_WIDTH, width) for width in stage_widths))
    below = bottleneck_width // step * step
    nearest = f"the nearest bottleneck_width that work are {below} and {below + step}"
    for stage_width in stage_widths:
        width, rest = divmod(bottleneck_width * stage_width, FIRST_STAGE_WIDTH)
        if width < 1:
            smallest = max(-(-FIRST_STAGE_WIDTH // w) for w in stage_widths) if round_down else step
            raise ValueError(
                f"bottleneck_width={bottleneck_width} leaves paths of width 0 in a stage of "
                f"stage_width={stage_width}; the smallest bottleneck_width that works is {smallest}"
            )
        if rest and not round_down:
            raise ValueError(
                f"bottleneck_width={bottleneck_width} makes paths of width "
                f"{bottleneck_width * stage_width / FIRST_STAGE_WIDTH:g} in a stage of stage_width={stage_width}; "
                + (nearest if below else f"the smallest bottleneck_width that works is {step}")
                + f". To have width {width} there, say round_down=True"
            )
    return [bottleneck_width * width // FIRST_STAGE_WIDTH for width in stage_widths]


def make_stage(
    block_class: Callable[..., nn.Module],
    in_channels: int,
    stage_width: int,
    count: int,
    stride: int = 1,
    cardinality: int = 1,
    bottleneck_width: int = 64,
    round_down: bool = False,
) -> nn.Sequential:
    """One row of Table 1: ``count`` blocks of equal width; only the first has a stride.

    Shapes: ``(N, in_channels, H, W)`` to ``(N, 4 * stage_width, H/stride, W/stride)``.
    Errors: as :func:`group_width` and ``block_class``, and ``TypeError`` for what is no such class.
    """
    checked_block_class("block_class", block_class)
    width = positive_int("cardinality", cardinality) * group_width(bottleneck_width, stage_width, round_down)
    out_channels = EXPANSION * stage_width
    positive_int("count", count)
    first = block_class(in_channels, width, out_channels, cardinality, stride)
    others = [block_class(out_channels, width, out_channels, cardinality) for _ in range(count - 1)]
    return nn.Sequential(first, *others)


def initialise(network: nn.Module, zero_init_residual: bool = False) -> None:
    """torchvision's initialisation: He normal by fan-out for convolutions, 1 and 0 for batch norm.

    ``zero_init_residual`` starts every block as its shortcut: the last batch norm's weight is 0
    (arXiv 1706.02677, section 5.1). A block without a shortcut keeps its weights, or nothing were left of it.
    """
    switch("zero_init_residual", zero_init_residual)
    for module in torch_module("network", network).modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        has_shortcut = hasattr(module, "shortcut") or hasattr(module, "downsample")
        if zero_init_residual and has_shortcut and hasattr(module, "bn3"):
            nn.init.zeros_(module.bn3.weight)


class ResNeXt(nn.Module):
    """ResNeXt for images of about 224x224; with the default two numbers it is ResNet.

    ``cardinality`` paths, each ``bottleneck_width`` channels wide in the first stage: 32 and 4 are
    the paper's "32x4d". ``block`` is any class with the bottleneck's arguments, such as FormA or
    ``functools.partial(SEBottleneck, reduction=8)``.
    Shapes: ``(N, image_channels, H, W)`` to logits ``(N, num_classes)``.
    Raises ``TypeError`` or ``ValueError`` at construction for arguments that are no positive whole
    numbers, and at a call for what is no batch of images with ``image_channels`` channels, of the weights'
    type and on their device, or too small a batch for batch norm. Source: arXiv 1611.05431, Table 1.
    """

    def __init__(
        self,
        blocks_per_stage: Sequence[int],
        cardinality: int = 1,
        bottleneck_width: int = 64,
        *,
        num_classes: int = 1000,
        image_channels: int = 3,
        zero_init_residual: bool = False,
        block: Callable[..., nn.Module] = Bottleneck,
    ) -> None:
        super().__init__()
        blocks = positive_ints("blocks_per_stage", blocks_per_stage)
        if len(blocks) != 4:
            raise ValueError(f"blocks_per_stage must name 4 stages, as (3, 4, 6, 3), not {blocks_per_stage!r}")
        self.cardinality = positive_int("cardinality", cardinality)
        self.bottleneck_width = positive_int("bottleneck_width", bottleneck_width)
        self.image_channels = positive_int("image_channels", image_channels)
        positive_int("num_classes", num_classes)
        switch("zero_init_residual", zero_init_residual)
        checked_block_class("block", block)
        path = (self.cardinality, self.bottleneck_width)
        self.conv1 = nn.Conv2d(image_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = make_stage(block, 64, 64, blocks[0], 1, *path)
        self.layer2 = make_stage(block, 256, 128, blocks[1], 2, *path)
        self.layer3 = make_stage(block, 512, 256, blocks[2], 2, *path)
        self.layer4 = make_stage(block, 1024, 512, blocks[3], 2, *path)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, num_classes)
        initialise(self, zero_init_residual)

    def last_map(self, size: int) -> int:
        """Height (or width) of the last feature map for images of height (or width) ``size``: a 32nd, rounded up."""
        return -(-size // 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = check_images(self, x)
        x = torch.relu(self.bn1(self.conv1(x)))  # (N, 64, 112, 112) for a 224x224 image
        x = self.maxpool(x)  # (N, 64, 56, 56)
        x = self.layer1(x)  # (N, 256, 56, 56)    conv2 in Table 1
        x = self.layer2(x)  # (N, 512, 28, 28)    conv3
        x = self.layer3(x)  # (N, 1024, 14, 14)   conv4
        x = self.layer4(x)  # (N, 2048, 7, 7)     conv5
        return self.fc(self.avgpool(x).flatten(1))


def resnet50(**options: Any) -> ResNeXt:
    """ResNet-50: 25,557,032 parameters, 4,089,184,256 MACs at 224x224."""
    return ResNeXt((3, 4, 6, 3), **options)


def resnext50_32x4d(**options: Any) -> ResNeXt:
    """ResNeXt-50 (32x4d): 25,028,904 parameters, 4,230,479,872 MACs at 224x224."""
    return ResNeXt((3, 4, 6, 3), cardinality=32, bottleneck_width=4, **options)


def resnet101(**options: Any) -> ResNeXt:
    """ResNet-101: 44,549,160 parameters."""
    return ResNeXt((3, 4, 23, 3), **options)


def resnext101_32x4d(**options: Any) -> ResNeXt:
    """ResNeXt-101 (32x4d), the paper's: 44,177,704 parameters. torchvision has none, timm has."""
    return ResNeXt((3, 4, 23, 3), cardinality=32, bottleneck_width=4, **options)


def resnext101_32x8d(**options: Any) -> ResNeXt:
    """ResNeXt-101 (32x8d): 88,791,336 parameters."""
    return ResNeXt((3, 4, 23, 3), cardinality=32, bottleneck_width=8, **options)


def resnext101_64x4d(**options: Any) -> ResNeXt:
    """ResNeXt-101 (64x4d): 83,455,272 parameters."""
    return ResNeXt((3, 4, 23, 3), cardinality=64, bottleneck_width=4, **options)


def wide_resnet50_2(**options: Any) -> ResNeXt:
    """Wide ResNet-50-2: 68,883,240 parameters; also what 32x4d becomes when the groups are forgotten."""
    return ResNeXt((3, 4, 6, 3), bottleneck_width=128, **options)


class CifarResNeXt(nn.Module):
    """The paper's network for 32x32 images: 3x3 stem, no pooling, three stages, 32x32 ends at 8x8.

    ``depth`` counts the stem, three layers a block and the classifier: (depth - 2) / 9 blocks a stage.
    ``stage_widths`` below 64 can leave a path no whole number of channels: that is refused, or, with
    ``round_down``, the number below is taken. ``stem_stride=2`` halves the map before the first stage.
    Shapes: ``(N, image_channels, H, W)`` to logits ``(N, num_classes)``.
    Errors: as :class:`ResNeXt`, and ``ValueError`` for a depth or a width that does not fit.
    Source: arXiv 1611.05431, section 5.2; facebookresearch/ResNeXt, models/resnext.lua.
    """

    def __init__(
        self,
        depth: int = 29,
        cardinality: int = 1,
        bottleneck_width: int = 64,
        *,
        num_classes: int = 10,
        image_channels: int = 3,
        stage_widths: Sequence[int] = (64, 128, 256),
        stem_stride: int = 1,
        zero_init_residual: bool = False,
        block: Callable[..., nn.Module] = Bottleneck,
        round_down: bool = False,
    ) -> None:
        super().__init__()
        blocks, rest = divmod(positive_int("depth", depth) - 2, 9)
        if rest or blocks < 1:
            below = max(11, depth - rest)
            raise ValueError(f"depth={depth} does not fit 9 n + 2; the nearest that work are {below} and {below + 9}")
        self.cardinality = positive_int("cardinality", cardinality)
        self.bottleneck_width = positive_int("bottleneck_width", bottleneck_width)
        self.image_channels = positive_int("image_channels", image_channels)
        widths = positive_ints("stage_widths", stage_widths)
        if len(widths) != 3:
            raise ValueError(f"stage_widths must name 3 stages, as (64, 128, 256), not {stage_widths!r}")
        group_widths(self.bottleneck_width, widths, round_down)  # refuses before anything is built
        self.stem_stride = positive_int("stem_stride", stem_stride)
        positive_int("num_classes", num_classes)
        switch("zero_init_residual", zero_init_residual)
        checked_block_class("block", block)
        path = (self.cardinality, self.bottleneck_width, round_down)
        self.conv1 = conv3x3(image_channels, 64, self.stem_stride)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = make_stage(block, 64, widths[0], blocks, 1, *path)
        self.layer2 = make_stage(block, EXPANSION * widths[0], widths[1], blocks, 2, *path)
        self.layer3 = make_stage(block, EXPANSION * widths[1], widths[2], blocks, 2, *path)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(EXPANSION * widths[2], num_classes)
        initialise(self, zero_init_residual)

    def last_map(self, size: int) -> int:
        """Height (or width) of the last feature map: a quarter of what the stem leaves, rounded up."""
        return -(-size // (4 * self.stem_stride))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = check_images(self, x)
        x = torch.relu(self.bn1(self.conv1(x)))  # (N, 64, 32, 32)
        x = self.layer1(x)  # (N, 256, 32, 32)
        x = self.layer2(x)  # (N, 512, 16, 16)
        x = self.layer3(x)  # (N, 1024, 8, 8)
        return self.fc(self.avgpool(x).flatten(1))


def resnext29_8x64d(**options: Any) -> CifarResNeXt:
    """ResNeXt-29 (8x64d) for CIFAR: 34,426,698 parameters with 10 classes."""
    return CifarResNeXt(29, cardinality=8, bottleneck_width=64, **options)


def resnext29_16x64d(**options: Any) -> CifarResNeXt:
    """ResNeXt-29 (16x64d) for CIFAR: 68,155,210 parameters with 10 classes."""
    return CifarResNeXt(29, cardinality=16, bottleneck_width=64, **options)


def small_resnext(cardinality: int = 16, bottleneck_width: int = 8, depth: int = 20, **options: Any) -> CifarResNeXt:
    """For 28x28 grey images, trained on a laptop: 16x8d has 224,330 parameters, 1x64d (a ResNet) 220,234.

    Its first stage is 16 channels wide, a quarter of the paper's, and so are its paths: ``bottleneck_width`` must
    be a multiple of 4, or ``round_down=True`` be said (8x14d then has paths of 3, 7 and 14 channels).
    Errors: as :class:`CifarResNeXt`.
    """
    # A stem of stride 2 leaves a 14x14 map: a quarter of the cost.
    small = {"stage_widths": (16, 32, 64), "image_channels": 1, "stem_stride": 2}
    return CifarResNeXt(depth, cardinality, bottleneck_width, **small | options)


_COLUMNS = ("conv1x1", "reduce3x3", "conv3x3", "reduce5x5", "conv5x5", "pool_projection")
# The six widths of every Inception module: arXiv 1409.4842, Table 1.
GOOGLENET_MODULES = {
    name: dict(zip(_COLUMNS, widths, strict=True))
    for name, widths in {
        "3a": (64, 96, 128, 16, 32, 32),
        "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128),
        "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }.items()
}


class AuxiliaryHead(Checked):
    """GoogLeNet's side classifier: ``(N, in_channels, H, W)`` to logits ``(N, num_classes)``.

    The adaptive pooling gives the 4x4 map of the paper's 5x5 pooling at stride 3 on 14x14.
    Errors: as :class:`resnext_lib.blocks.Checked`.
    """

    def __init__(self, in_channels: int, num_classes: int, batch_norm: bool) -> None:
        super().__init__()
        self.in_channels = positive_int("in_channels", in_channels)
        positive_int("num_classes", num_classes)
        self.conv = conv_relu(in_channels, 128, 1, batch_norm=batch_norm)
        self.fc1 = nn.Linear(4 * 4 * 128, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.pool, self.dropout = nn.AdaptiveAvgPool2d(4), nn.Dropout(0.7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(self.pool(x)).flatten(1)
        return self.fc2(self.dropout(torch.relu(self.fc1(x))))

    def last_map(self, size: int) -> int:
        """Height (or width) of the map that its batch norm sees, whatever the input's."""
        return 4


class GoogLeNet(nn.Module):
    """GoogLeNet as its paper has it: real 5x5 kernels, biases, no batch norm.

    ``large_kernel=3, batch_norm=True`` is torchvision's variant (pytorch/vision issue 906) and loads
    its weights. With ``auxiliary_heads`` training mode returns (logits, logits at 4a, logits at 4d).
    Deviation: He initialisation; the paper does not state its own.
    Shapes: ``(N, image_channels, H, W)`` to logits ``(N, num_classes)``. Errors: as :class:`ResNeXt`.
    Source: arXiv 1409.4842, Table 1 and Fig. 3.
    """

    def __init__(
        self,
        *,
        num_classes: int = 1000,
        image_channels: int = 3,
        large_kernel: int = 5,
        batch_norm: bool = False,
        auxiliary_heads: bool = False,
    ) -> None:
        super().__init__()
        self.image_channels = positive_int("image_channels", image_channels)
        positive_int("num_classes", num_classes)
        for name, value in (("batch_norm", batch_norm), ("auxiliary_heads", auxiliary_heads)):
            switch(name, value)
        if positive_int("large_kernel", large_kernel) % 2 == 0:
            raise ValueError(f"large_kernel must be odd to keep the map size, not {large_kernel}")
        last_pool = 2 if batch_norm else 3
        self.smallest_image = 15 if batch_norm else 31  # smaller ones leave a pooling nothing
        pool = dict(kernel_size=3, stride=2, ceil_mode=True)
        self.conv1 = conv_relu(image_channels, 64, 7, stride=2, batch_norm=batch_norm)
        self.maxpool1 = nn.MaxPool2d(**pool)
        self.conv2 = conv_relu(64, 64, 1, batch_norm=batch_norm)
        self.conv3 = conv_relu(64, 192, 3, batch_norm=batch_norm)
        self.maxpool2 = nn.MaxPool2d(**pool)
        in_channels = 192
        for name, widths in GOOGLENET_MODULES.items():
            module = Inception(in_channels, **widths, large_kernel=large_kernel, batch_norm=batch_norm)
            self.add_module(f"inception{name}", module)
            in_channels = module.out_channels
        self.maxpool3 = nn.MaxPool2d(**pool)
        self.maxpool4 = nn.MaxPool2d(last_pool, stride=2, ceil_mode=True)
        # Batch norm replaces the paper's local response normalisation.
        self.normalise = nn.Identity() if batch_norm else nn.LocalResponseNorm(5)
        if auxiliary_heads:
            self.aux1, self.aux2 = (AuxiliaryHead(c, num_classes, batch_norm) for c in (512, 528))
        self.avgpool, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2 if batch_norm else 0.4)
        self.fc = nn.Linear(in_channels, num_classes)
        initialise(self)

    def last_map(self, size: int) -> int:
        """Height (or width) of the last feature map for images of height (or width) ``size``."""
        size = -(-size // 2)
        for pool in (self.maxpool1, self.maxpool2, self.maxpool3, self.maxpool4):
            size = -(-(size - pool.kernel_size) // pool.stride) + 1
        return size

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = check_images(self, x, self.smallest_image)
        x = self.normalise(self.maxpool1(self.conv1(x)))  # (N, 64, 56, 56)
        x = self.maxpool2(self.normalise(self.conv3(self.conv2(x))))  # (N, 192, 28, 28)
        x = self.maxpool3(self.inception3b(self.inception3a(x)))  # (N, 480, 14, 14)
        at_4a = self.inception4a(x)  # (N, 512, 14, 14)
        at_4d = self.inception4d(self.inception4c(self.inception4b(at_4a)))  # (N, 528, 14, 14)
        x = self.maxpool4(self.inception4e(at_4d))  # (N, 832, 7, 7)
        x = self.inception5b(self.inception5a(x))  # (N, 1024, 7, 7)
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.training and hasattr(self, "aux1"):
            return logits, self.aux1(at_4a), self.aux2(at_4d)
        return logits


def googlenet(**options: Any) -> GoogLeNet:
    """GoogLeNet in the paper's form: 6,998,552 parameters."""
    return GoogLeNet(**options)


def torchvision_googlenet(**options: Any) -> GoogLeNet:
    """torchvision's GoogLeNet (3x3 for 5x5, batch norm): 6,624,904 parameters, 13,004,888 with side heads."""
    return GoogLeNet(large_kernel=3, batch_norm=True, **options)
