"""What came after ResNeXt, each as a small edit of the bottleneck; ``edit`` shows it as a diff.

Layers keep the bottleneck's names: conv2 is the spatial convolution, wherever it stands.
"""

import ast
import difflib
import inspect
import re
import textwrap
from collections import Counter
from functools import partial
from math import log
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from resnext_lib.arguments import check_images, divides, finite, positive_int
from resnext_lib.blocks import Block, Bottleneck, ResidualBlock, conv1x1, conv3x3
from resnext_lib.networks import ResNeXt, initialise


def edit(after: type, before: type = Bottleneck) -> str:
    """What to take out (-) of the methods of class ``before`` and put in (+) to get class ``after``, as a text.

    Comments and type hints do not count: a chapter types its blocks without them.
    Raises ``TypeError`` for what is no class, ``ValueError`` for a class whose source is not to be had.
    """

    def lines(block):
        if not inspect.isclass(block):
            raise TypeError(f"edit compares two classes such as XBlock and Bottleneck; {block!r} is none")
        try:
            methods = [inspect.getsource(method) for method in vars(block).values() if inspect.isfunction(method)]
        except OSError:
            raise ValueError(
                f"the source of {block.__name__} is not to be had: define it in a file or a notebook cell"
            ) from None
        return re.sub(r" +#.*", "", "\n\n".join(_without_hints(method) for method in methods)).splitlines()

    diff = difflib.unified_diff(lines(before), lines(after), n=0, lineterm="")
    return "\n".join(line for line in diff if not line.startswith(("---", "+++", "@@")) and line[1:].strip())


def _without_hints(method):
    """A method's source with its signature on one line and without type hints; the rest is as it was typed."""
    source = textwrap.dedent(method)
    function = ast.parse(source).body[0]
    if not isinstance(function, ast.FunctionDef):
        return method

    def spelt(argument, default):
        return argument.arg + (f"={ast.get_source_segment(source, default)}" if default else "")

    arguments = function.args
    missing = [None] * (len(arguments.args) - len(arguments.defaults))
    found = [spelt(a, default) for a, default in zip(arguments.args, missing + arguments.defaults, strict=True)]
    found += [f"*{arguments.vararg.arg}"] if arguments.vararg else ["*"] if arguments.kwonlyargs else []
    found += [spelt(a, default) for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    found += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    body = source.splitlines()[function.body[0].lineno - 1 :]
    return textwrap.indent("\n".join([f"def {function.name}({', '.join(found)}):", *body]), "    ")


class SqueezeExcitation(nn.Module):
    """Multiply each channel by a number between 0 and 1, computed from the means of all channels.

    Shapes: ``(N, channels, H, W)`` to the same. Raises ``TypeError`` or ``ValueError`` when an
    argument is no positive whole number. Source: arXiv 1709.01507, section 3.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        positive_int("channels", channels)
        positive_int("squeezed", squeezed)
        self.fc1 = nn.Conv2d(channels, squeezed, kernel_size=1)
        self.fc2 = nn.Conv2d(squeezed, channels, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        means = self.squeeze(x)  # (N, channels, 1, 1)
        gates = torch.sigmoid(self.fc2(torch.relu(self.fc1(means))))  # (N, channels, 1, 1): excite
        return x * gates


class SEBottleneck(Bottleneck):
    """The ResNeXt block with squeeze-and-excitation before the sum.

    Arguments, shapes and errors: as :class:`resnext_lib.blocks.Bottleneck`, and ``ValueError`` when
    ``reduction`` leaves no channel. A network takes another reduction with
    ``block=functools.partial(SEBottleneck, reduction=8)``. Keys are timm's. Source: arXiv 1709.01507, Fig. 3, Table 1.
    """

    def __init__(
        self, in_channels: int, width: int, out_channels: int, cardinality: int = 1, stride: int = 1, reduction: int = 16
    ) -> None:
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        if positive_int("reduction", reduction) > out_channels:
            raise ValueError(f"reduction={reduction} leaves no channel; at most out_channels={out_channels} works")
        self.se = SqueezeExcitation(out_channels, out_channels // reduction)

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        return self.se(super().transform(x))


def seresnext50_32x4d(reduction: int = 16, **options: Any) -> ResNeXt:
    """SE-ResNeXt-50 (32x4d): 27,559,896 parameters; names and shapes are timm's."""
    options = {"block": partial(SEBottleneck, reduction=positive_int("reduction", reduction))} | options
    return ResNeXt((3, 4, 6, 3), cardinality=32, bottleneck_width=4, **options)


class XBlock(Bottleneck):
    """RegNet's X block: no narrower middle, and groups of a fixed width instead of a fixed number.

    Shapes: ``(N, in_channels, H, W)`` to ``(N, out_channels, H/stride, W/stride)``, rounded up.
    Errors: as :class:`resnext_lib.blocks.Bottleneck`, and ``ValueError`` when ``group_width`` does not
    divide ``out_channels``. Source: arXiv 2003.13678, with bottleneck ratio 1.
    """

    def __init__(self, in_channels: int, out_channels: int, group_width: int, stride: int = 1) -> None:
        group_width, out_channels = positive_int("group_width", group_width), positive_int("out_channels", out_channels)
        divides(group_width, out_channels, "out_channels", "group_width")
        super().__init__(in_channels, out_channels, out_channels, out_channels // group_width, stride)


def regnet_stages(
    depth: int, initial_width: int, slope: float, multiplier: float, group_width: int
) -> list[tuple[int, int, int]]:
    """RegNet's width rule: a list of (width, blocks, group width), one for each stage.

    Block j asks for ``initial_width + slope * j`` channels and gets ``initial_width`` times the nearest
    whole power of ``multiplier``, rounded to a multiple of 8. Blocks of equal width are a stage, whose width
    is rounded to the nearest multiple of the group width, or to the next where that took more than a tenth of it.
    Raises ``TypeError`` or ``ValueError`` where an argument allows no such rule.
    Source: arXiv 2003.13678, with its d, w_0, w_a, w_m; the last rule is torchvision's.
    """
    if positive_int("initial_width", initial_width) % 8:
        raise ValueError(f"initial_width must be a multiple of 8 such as 88, but got {initial_width}")
    slope, multiplier = finite("slope", slope), finite("multiplier", multiplier)
    if slope < 0 or multiplier <= 1:
        raise ValueError(f"slope must be 0 or more and multiplier above 1, but got {slope=:g}, {multiplier=:g}")
    group_width = positive_int("group_width", group_width)
    asked = [initial_width + slope * j for j in range(positive_int("depth", depth))]
    powers = [round(log(width / initial_width) / log(multiplier)) for width in asked]
    stages = Counter(8 * round(initial_width * multiplier**power / 8) for power in powers)
    groups = {width: min(group_width, width) for width in stages}
    return [(nearest_multiple(width, groups[width]), blocks, groups[width]) for width, blocks in stages.items()]


def nearest_multiple(width: float, divisor: int) -> int:
    """The multiple of ``divisor`` that is nearest to ``width``, but never below 90 % of it.

    Raises ``TypeError`` or ``ValueError`` when an argument is not a positive whole number.
    """
    width, divisor = positive_int("width", width), positive_int("divisor", divisor)
    nearest = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * width else nearest + divisor


class RegNetX(nn.Module):
    """RegNet's X network: a 3x3 stem, the stages of :func:`regnet_stages`, a classifier.

    Shapes: ``(N, image_channels, H, W)`` to logits ``(N, num_classes)``.
    Errors: as :func:`regnet_stages` and :class:`resnext_lib.networks.ResNeXt`. Source: arXiv 2003.13678.
    """

    def __init__(
        self,
        depth: int,
        initial_width: int,
        slope: float,
        multiplier: float,
        group_width: int,
        *,
        num_classes: int = 1000,
        image_channels: int = 3,
    ) -> None:
        super().__init__()
        stages = regnet_stages(depth, initial_width, slope, multiplier, group_width)
        self.image_channels = positive_int("image_channels", image_channels)
        positive_int("num_classes", num_classes)
        self.conv1, self.bn1 = conv3x3(image_channels, 32, stride=2), nn.BatchNorm2d(32)
        self.stages, in_channels = nn.Sequential(), 32
        for width, blocks, group in stages:
            first = XBlock(in_channels, width, group, stride=2)
            self.stages.append(nn.Sequential(first, *[XBlock(width, width, group) for _ in range(blocks - 1)]))
            in_channels = width
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(in_channels, num_classes)
        initialise(self)
        nn.init.normal_(self.fc.weight, std=0.01)  # as torchvision's
        nn.init.zeros_(self.fc.bias)

    def last_map(self, size: int) -> int:
        """Height (or width) of the last feature map: the stem and every stage halve it, rounded up."""
        return -(-size // 2 ** (1 + len(self.stages)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = check_images(self, x)
        x = torch.relu(self.bn1(self.conv1(x)))  # (N, 32, 112, 112) for a 224x224 image
        x = self.stages(x)  # (N, width of the last stage, 7, 7)
        return self.fc(self.avgpool(x).flatten(1))


def regnet_x_3_2gf(**options: Any) -> RegNetX:
    """RegNetX-3.2GF: 15,296,552 parameters; its five numbers are torchvision's."""
    return RegNetX(depth=25, initial_width=88, slope=26.31, multiplier=2.25, group_width=48, **options)


class DepthwiseSeparable(Block):
    """MobileNet's block: a depthwise 3x3, then a 1x1, with batch norm and ReLU each; no shortcut.

    Shapes: ``(N, in_channels, H, W)`` to ``(N, out_channels, H/stride, W/stride)``, rounded up.
    Errors: as :class:`resnext_lib.blocks.Block`. Source: arXiv 1704.04861, Fig. 3.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        width = cardinality = in_channels
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        self.conv2 = conv3x3(width, width, stride, cardinality)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, out_channels)
        self.bn3 = nn.BatchNorm2d(out_channels)

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.transform(x))


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of each pixel by itself: ``(N, C, H, W)`` to the same."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(ResidualBlock):
    """ConvNeXt's block: a depthwise 7x7, layer norm, a 1x1 up to 4 times the channels, GELU, a 1x1 down.

    Shapes: ``(N, channels, H, W)`` to the same. Errors: as :class:`resnext_lib.blocks.ResidualBlock`.
    ``layer_scale`` is where the learned factors, one a channel, start. Source: arXiv 2201.03545, Fig. 4.
    """

    def __init__(self, channels: int, layer_scale: float = 1e-6) -> None:
        super().__init__(channels, channels, channels, cardinality=channels)
        self.conv2 = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = LayerNorm2d(channels, eps=1e-6)
        self.conv1 = nn.Conv2d(channels, 4 * channels, kernel_size=1)
        self.conv3 = nn.Conv2d(4 * channels, channels, kernel_size=1)
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), layer_scale))
        self.downsample = None

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv2(x))
        x = functional.gelu(self.conv1(x))
        return self.layer_scale * self.conv3(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.transform(x) + self.shortcut(x)
