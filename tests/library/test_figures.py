"""A picture says what the module says, can be read on a phone, and is the same bytes every time."""

import html
import os
import re
import subprocess
import sys
from functools import cache
from itertools import combinations
from urllib.parse import unquote
from xml.etree import ElementTree

import matplotlib
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Circle, Rectangle
from matplotlib.textpath import TextPath
from notebooks_for_tests import APPENDIX, CHAPTERS, NOTEBOOKS, chapter_id
from torch import nn

from resnext_lib import figures, forms, networks
from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.complexity import stage_costs
from resnext_lib.descendants import ConvNeXtBlock, DepthwiseSeparable, SEBottleneck, SqueezeExcitation, XBlock
from resnext_lib.figures import drawing
from tools.facts import ROOT
from tools.notebooks import read

SIZE_32x4d = dict(in_channels=256, width=128, out_channels=256, cardinality=32)
STAGE_START = dict(in_channels=256, width=256, out_channels=512, cardinality=32, stride=2)
LIGHT_GREY, LIGHT_BLUE = figures.PALE, figures.WASH
PALETTE = {colour.lower() for colour in figures.palette.LIGHT.values()}
CONTRAST = 4.5  # of a text with what lies under it
TOLERANCE = 0.75  # points
PICTURE = re.compile(r'src="data:image/svg\+xml,([^"]*)"')


class Interleaved(nn.Module):
    """A grouped convolution whose groups are dealt out like cards: channels 0, 2, ... and 1, 3, ..."""

    def __init__(self, channels, groups):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)
        self.order = torch.arange(channels).reshape(-1, groups).T.flatten()

    def forward(self, x):
        return self.conv(x[:, self.order])[:, self.order.argsort()]


def plain():
    return nn.Sequential(
        nn.Conv2d(3, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, groups=2), nn.Flatten(), nn.Linear(16, 10)
    )


# name: module, merge of its lanes, number of drawn lanes, shortcut
BLOCKS = {
    "Inception": (lambda: Inception(192, **networks.GOOGLENET_MODULES["3a"]), "concatenate", 4, None),
    "Inception, batch norm": (
        lambda: Inception(832, **networks.GOOGLENET_MODULES["5b"], large_kernel=3, batch_norm=True),
        "concatenate",
        4,
        None,
    ),
    "ResNet bottleneck": (lambda: Bottleneck(256, 64, 256), "", 1, "identity"),
    "bottleneck with projection": (lambda: Bottleneck(64, 64, 256), "", 1, "projection"),
    "form A": (lambda: forms.FormA(**SIZE_32x4d), "sum", 1, "identity"),
    "form B": (lambda: forms.FormB(**SIZE_32x4d), "concatenate", 1, "identity"),
    "form C": (lambda: forms.FormC(**SIZE_32x4d), "", 1, "identity"),
    "form A, stride 2": (lambda: forms.FormA(**STAGE_START), "sum", 1, "projection"),
    "form B, stride 2": (lambda: forms.FormB(**STAGE_START), "concatenate", 1, "projection"),
    "form C, stride 2": (lambda: forms.FormC(**STAGE_START), "", 1, "projection"),
    "form A, 2 paths": (lambda: forms.FormA(16, 8, 16, 2), "sum", 2, "identity"),
    "form B, 2 paths": (lambda: forms.FormB(16, 8, 16, 2), "concatenate", 2, "identity"),
    "last stage": (lambda: Bottleneck(2048, 1024, 2048, 32), "", 1, "identity"),
    "squeeze and excitation": (lambda: SqueezeExcitation(256, 16), "", 1, "the map itself"),
    "with squeeze and excitation": (lambda: SEBottleneck(**SIZE_32x4d), "", 1, "identity"),
    "X block, stride 2": (lambda: XBlock(192, 432, 48, 2), "", 1, "projection"),
    "depthwise separable": (lambda: DepthwiseSeparable(128, 256, 2), "", 1, None),
    "ConvNeXt block": (lambda: ConvNeXtBlock(96), "", 1, "identity"),
    "plain Sequential": (plain, "", 1, None),
}


SPLIT = nn.Sequential(nn.Conv2d(16, 8, 1, groups=4), nn.Conv2d(8, 8, 3, groups=4), nn.Conv2d(8, 16, 1, groups=4))
PRODUCTS = (
    [torch.tensor([[1, 2], [0, 1], [3, 0]]), torch.tensor([[2, 0], [1, 1], [0, 5]])],
    [torch.tensor([10, 1]), torch.tensor([3, 4])],
)
LOUD_AND_QUIET = [[2, 3, -1, -3, 1, 3, -2, -3], [0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5]]


def grouped(groups=4, channels=16, kernel=3):
    return nn.Conv2d(channels, channels, kernel, groups=groups, bias=False)


# One row a network: the spatial convolutions of its stages.
LINE = [
    ("ResNet-50", [grouped(1, 64), grouped(1, 512)]),
    ("ResNeXt-50", [grouped(32, 128), grouped(32, 256), grouped(32, 1024)]),
    ("RegNetX-3.2GF", [grouped(2, 96), grouped(21, 1008)]),
    ("MobileNet", [grouped(32, 32), grouped(1024, 1024)]),
]

DIFFERENCES = {  # outcome -> (label, values, mean, half width)
    "training": [("2x40d", [-1, 0, 1, 2], 0.5, 2.0), ("16x8d", [0.5, 0.7, 0.9], 0.7, 0.3)],
    "test": [("2x40d", [0, 1], 0.5, 3.0), ("16x8d", [-0.7, -0.5], -0.6, 0.5)],
}
PICTURES = torch.arange(10, dtype=torch.uint8)[:, None, None].repeat(1, 28, 28)
BLOCK_NAMES = ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1"]
LOSSES = {name: [(0.1 * path, 0.15) for path in range(16)] for name in BLOCK_NAMES}
VERDICTS = [
    ("the network above", "25,028,904", (True, True, True, True)),
    ("a bias in each first 1×1", "25,036,456", (False, False, False, True)),
]

# Every kind of figure, for what holds of all of them.
GALLERY = {name: (lambda build=build: figures.block_diagram(build())) for name, (build, *_) in BLOCKS.items()}
GALLERY |= {
    "three forms": lambda: figures.block_diagram(
        *[form(**SIZE_32x4d) for form in (forms.FormA, forms.FormB, forms.FormC)],
        titles=["Form A: sum the paths", "Form B", "Form C"],
    ),
    "ResNet-50": lambda: figures.network_diagram(networks.resnet50(), (3, 224, 224)),
    "GoogLeNet": lambda: figures.network_diagram(networks.googlenet(), (3, 224, 224)),
    "CIFAR network": lambda: figures.network_diagram(networks.resnext29_8x64d(), (3, 32, 32)),
    "weights": lambda: figures.weight_matrix(grouped(1), grouped(4), titles=["dense", "grouped"]),
    "weights of 128": lambda: figures.weight_matrix(grouped(1, 128), grouped(32, 128), titles=["dense", "32 groups"]),
    "receptive fields": lambda: figures.receptive_field_figure(
        [figures.receptive_field(stack(n), 9) for n in (1, 2, 3)], ["one 3×3", "two", "three"]
    ),
    "cost bars": lambda: figures.cost_bars(
        [("ResNet-50", 25_557_032, False), ("ResNeXt-50", 25_028_904, True)], "parameters", limit=26_000_000
    ),
    "share bars": lambda: figures.share_bars(
        [("ResNet", (16_384, 36_864, 16_384)), ("ResNeXt", (32_768, 4_608, 32_768))], ["1×1", "3×3 (blue)", "1×1"], "weights"
    ),
    "group line": lambda: figures.group_line(LINE),
    "masks": lambda: figures.mask_matrices(
        [("grouped", torch.block_diag(*[torch.ones(2, 2)] * 8).bool()), ("dense", torch.ones(16, 16).bool())],
        [("narrow", torch.ones(8, 8).bool())],
    ),
    "differences": lambda: figures.difference_panels(DIFFERENCES, "points better"),
    "folding": lambda: figures.folding(weight=0.5, mean=1, deviation=2, scale=4, shift=3, x=6),
    "wiring": lambda: figures.wiring(
        [grouped(2, 8), nn.ChannelShuffle(2), grouped(2, 8)],
        [grouped(2, 8), nn.Conv2d(8, 8, 1)],
        titles=["shuffled between", "then a 1×1"],
        follow=(0, [0]),
        notes=["reaches 8 of 8", "reaches 8 of 8"],
    ),
    "wiring of 16": lambda: figures.wiring([*SPLIT], titles=["The input divided"], follow=(1, [2, 3])),
    "every path": lambda: figures.every_path(
        forms.FormA(256, 64, 256), forms.FormA(256, 96, 256, 4), forms.FormA(**SIZE_32x4d)
    ),
    "a sum of products": lambda: figures.sum_of_products(*PRODUCTS),
    "norm and sum": lambda: figures.norm_and_sum(LOUD_AND_QUIET),
    "two costs": lambda: figures.two_costs([("64 at 56×56", 36_864, 115_605_504), ("128 at 28×28", 147_456, 115_605_504)]),
    "two shares": lambda: figures.two_costs(
        [("layer1", 0.008, 0.163), ("layer4", 0.586, 0.198)], formats=("{:.1%}", "{:.1%}"), hatch="////"
    ),
    "channel histograms": lambda: figures.channel_histograms(*two_batches()),
    "residual stream": lambda: figures.residual_stream(6),
    "stage trade": lambda: figures.stage_trade(networks.resnext50_32x4d(), (3, 224, 224)),
    "pictures": lambda: figures.picture_grid(PICTURES, [("T-shirt", "said", "pullover", "100% sure")] * 10),
    "removed path": lambda: figures.removed_path(),
    "losses by block": lambda: figures.losses_by_block({"one": LOSSES, "two": LOSSES}, BLOCK_NAMES),
    "kept and estimated": lambda: figures.kept_and_estimated([0.1, 2.7, 9.1], [0.2, 0.4, 0.9], 4),
    "likeness": lambda: figures.likeness_by_block(
        {name: [0.03, 0.034] for name in BLOCK_NAMES}, {name: [0.02, 0.01, 0.004] for name in BLOCK_NAMES}, "correlation"
    ),
    "verdicts": lambda: figures.verdict_grid(VERDICTS, ("count", "names", "outputs", "start")),
    "complete block": lambda: figures.complete_block(forms.FormA(**SIZE_32x4d), forms.FormC(**SIZE_32x4d)),
    "complete blocks, three": lambda: figures.complete_block(
        *[form(**SIZE_32x4d) for form in (forms.FormA, forms.FormB, forms.FormC)]
    ),
    "complete block, stride 2": lambda: figures.complete_block(forms.FormA(**STAGE_START), forms.FormC(**STAGE_START)),
    "complete blocks, last stage": lambda: figures.complete_block(
        *[form(2048, 1024, 2048, 32) for form in (forms.FormA, forms.FormB, forms.FormC)], size=7
    ),
    "complete block, 3 paths": lambda: figures.complete_block(forms.FormA(16, 9, 16, 3), forms.FormC(16, 9, 16, 3)),
    "complete block, last path": lambda: figures.complete_block(forms.FormB(**SIZE_32x4d), follow=31),
    "numbers": lambda: figures.number_grids(
        [[[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[-1, 0], [0, 1]]], ["image", "kernel"], [(0, 1, 2, 2), None]
    ),
}


# The same pictures in every test that takes this mark, so that each of them is drawn once.
of_the_gallery = pytest.mark.sampled(5)


def stack(layers, stride=1):
    """Convolutions 3x3 with positive weights, so that nothing cancels."""
    made = nn.Sequential(*[nn.Conv2d(1, 1, 3, stride if i == 0 else 1, 1, bias=False) for i in range(layers)])
    for parameter in made.parameters():
        nn.init.constant_(parameter, 0.1)
    return made


def two_batches():
    """Numbers of three channels with places of their own, and the same around 0."""
    batch = torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return batch + torch.tensor([2.0, -1.0, 4.0])[:, None, None], batch


@cache
def drawn(name):
    """A figure of the gallery, built once, on a canvas that can measure lettering."""
    fig = GALLERY[name]()
    fig.set_dpi(576)  # as fine as outlines: at 100 dots an inch, letters are rounded to whole dots
    FigureCanvasAgg(fig)
    return fig


@cache
def svg_of(name):
    """A figure of the gallery as it is stored, drawn once."""
    return figures.svg_text(GALLERY[name]())


def lettering(fig):
    """(text object, left, lower, right, upper) in points, of every text."""
    renderer, scale = fig.canvas.get_renderer(), 72 / fig.dpi
    found = []
    for axes in fig.axes:
        for text in axes.texts:
            if text.get_text().strip():
                box = text.get_window_extent(renderer)
                found.append((text, box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale))
    return found


def patches(fig):
    """(patch, left, lower, right, upper) in points, of every rectangle, in drawing order."""
    scale, found = 72 / fig.dpi, []
    for axes in fig.axes:
        for patch in sorted((p for p in axes.patches if isinstance(p, Rectangle)), key=lambda p: p.zorder):
            box = patch.get_window_extent()
            found.append((patch, box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale))
    return found


def under(fig, x, y):
    """The last filled rectangle at (x, y), or None."""
    hits = [p for p in patches(fig) if p[1] <= x <= p[3] and p[2] <= y <= p[4] and p[0].get_fill()]
    return hits[-1] if hits else None


def contrast(one, other):
    def luminance(colour):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# ------------------------------------------------------------------ a diagram is its module


def drawable(module):
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d))
    }


@pytest.mark.parametrize("name", BLOCKS)
def test_one_node_for_every_layer(name):
    module = BLOCKS[name][0]()
    named = [layer for node in figures.diagram(module).nodes() for layer in node.layers]
    assert sorted(named) == sorted(drawable(module))


@pytest.mark.parametrize("name", BLOCKS)
def test_nodes_carry_their_layers_numbers(name):
    module = BLOCKS[name][0]()
    for node in figures.diagram(module).nodes():
        for layer in (module.get_submodule(each) for each in node.layers):
            if node.kind == "gate":
                assert node.label == "SE" and all(name.startswith("se.") for name in node.layers)
            elif isinstance(layer, nn.AdaptiveAvgPool2d):
                assert (node.kind, node.label) == ("pool", "mean")
            elif isinstance(layer, nn.Conv2d):
                assert node.label == f"{layer.kernel_size[0]}×{layer.kernel_size[1]}, {layer.out_channels}"
                assert (f"groups={layer.groups}" in node.note.split("\n")) == (layer.groups > 1)
                assert (f"stride {layer.stride[0]}" in node.note.split("\n")) == (layer.stride[0] > 1)
                assert node.kind == ("spatial" if layer.kernel_size[0] > 1 else "pointwise")
            elif isinstance(layer, nn.Linear):
                assert str(layer.out_features) in node.label
            else:
                assert node.kind == "pool" and f"{layer.kernel_size}×{layer.kernel_size}" in node.label


@pytest.mark.parametrize("channels", [8, 128, 1024])
def test_18_a_grouped_box_is_cut_from_side_to_side_between_its_lines(channels):
    node = figures.node_of("conv2", nn.Conv2d(channels, channels, 3, groups=channels))
    fig, axes = figures.canvas(90)
    end = figures.draw_node(axes, 20, 45, node)
    box, *cuts = axes.patches
    assert len(cuts) == 3, "four pieces"
    assert all(cut.get_x() <= 20 and cut.get_x() + cut.get_width() >= end for cut in cuts)
    lines = [text.get_position()[1] for text in axes.texts]
    assert min(abs(cut.get_y() + cut.get_height() / 2 - y) for cut in cuts for y in lines) >= 7


@pytest.mark.parametrize("name", BLOCKS)
def test_lanes_merge_and_shortcut(name):
    build, merge, lanes, shortcut = BLOCKS[name]
    module, result = build(), figures.diagram(build())
    convolutions = [layer for layer in drawable(module).values() if isinstance(layer, nn.Conv2d)]
    assert (result.merge, len(result.lanes)) == (merge, lanes)
    found = "projection" if isinstance(result.shortcut, figures.Node) else result.shortcut
    assert found == shortcut
    assert result.in_channels == convolutions[0].in_channels
    if not name.startswith("plain"):
        x = torch.zeros(1, result.in_channels, 4, 4)
        assert result.out_channels == module.eval()(x).shape[1]


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("form A", 256),
        ("form B", 128),
        ("form B, stride 2", 256),
        ("form B, 2 paths", 8),
        ("Inception", 256),
    ],
)
def test_concatenation_adds_channels_and_a_sum_keeps_them(name, channels):
    assert figures.diagram(BLOCKS[name][0]()).merged_channels == channels


@pytest.mark.parametrize(("form", "circles"), [(forms.FormA, 2), (forms.FormB, 1), (forms.FormC, 1)])
def test_every_sum_is_a_circle(form, circles):
    fig = figures.block_diagram(form(**SIZE_32x4d))
    assert sum(isinstance(patch, Circle) for patch in fig.axes[0].patches) == circles


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", BLOCKS)
def test_the_numbers_stand_in_the_svg(name):
    """matplotlib writes a text's characters as a comment before its outlines."""
    result = figures.diagram(BLOCKS[name][0]())
    comments = re.findall(r"<!-- (.*?) -->", svg_of(name))
    lines = [line for node in result.nodes() for line in [node.label, *node.note.split("\n")] if line]
    for line in [*lines, str(result.in_channels), str(result.out_channels)]:
        assert [comment for comment in comments if line in comment], line
    if result.repeated > 1:
        assert f"⋯  {result.repeated} paths in all" in comments


def test_a_product_is_drawn_as_a_cross_and_a_sum_as_a_plus():
    def strokes(fig, colour=figures.SUM):
        return [
            (abs(x1 - x0), abs(y1 - y0))
            for x0, x1, y0, y1 in (
                (*line.get_xdata(), *line.get_ydata())
                for line in fig.axes[0].lines
                if line.get_color() == colour and len(line.get_xdata()) == 2
            )
        ]

    assert sorted(strokes(figures.block_diagram(Bottleneck(**SIZE_32x4d)))) == [(0, 10), (10, 0)]
    product = figures.block_diagram(SqueezeExcitation(256, 16))
    assert strokes(product) == [] and strokes(product, figures.INK).count((8, 8)) == 2, "orange is for sums alone"


def test_the_line_of_groups_puts_every_network_at_its_place():
    fig = figures.group_line(LINE)
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert {"32 of 128 → 32 of 1024", "2 of 96 → 21 of 1008", "1 of 64 → 1 of 512"} <= set(texts)
    circles = [patch for patch in fig.axes[0].patches if isinstance(patch, Circle)]
    assert len(circles) == 2 * len(LINE)
    for (_, convolutions), first, last in zip(LINE, circles[::2], circles[1::2], strict=True):
        for circle, convolution in ((first, convolutions[0]), (last, convolutions[-1])):
            share = (circle.center[0] - 14) / (360 - 28)  # of the way from groups = 1 to groups = channels
            assert convolution.in_channels**share == pytest.approx(convolution.groups)
    for (_, convolutions), first, last in zip(LINE, circles[::2], circles[1::2], strict=True):
        dense = all(convolution.groups == 1 for convolution in convolutions)  # hatched, as ResNet is everywhere
        assert [bool(circle.get_hatch()) for circle in (first, last)] == [dense, dense]
        fills = [to_hex(circle.get_facecolor()) for circle in (first, last)]
        assert fills == ["#ffffff", "#ffffff" if dense else figures.PATH.lower()]


def test_the_trade_of_map_and_width_is_the_networks():
    """Bars to scale: the middle doubles, the map halves, the MACs stay; the numbers are those of the layers."""
    fig = figures.stage_trade(networks.resnext50_32x4d(), (3, 224, 224))
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert [t for t in texts if "=" in t] == ["32 × 4 = 128", "32 × 8 = 256", "32 × 16 = 512", "32 × 32 = 1024"]
    assert texts.count("220 million") == 4 and {"56", "28", "14", "7"} <= set(texts)
    maps, middles, macs = ([p.get_width() for p in fig.axes[0].patches[i::3]] for i in range(3))
    assert [size / maps[0] for size in maps] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8])
    assert [width / middles[0] for width in middles] == pytest.approx([1, 2, 4, 8])
    assert macs == pytest.approx([macs[0]] * 4)


def test_a_loss_stands_with_two_standard_errors_in_the_order_of_size():
    values = [(1.5, 0.2), (0.25, 0.1)]
    axes = figures.losses_by_block({"one": {"layer1.0": values}}, ["layer1.0"]).axes[0]
    bars = [line.get_ydata() for line in axes.lines if line.get_marker() == "None" and len(line.get_ydata()) == 2]
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert [list(bar) for bar in bars[:2]] == [pytest.approx([0.05, 0.45]), pytest.approx([1.1, 1.9])]
    assert [y for _, y in sorted(dots)] == [0.25, 1.5]


def test_a_loss_beyond_the_axis_is_an_arrow_with_its_value():
    axes = figures.kept_and_estimated([0.1, 2.7, 9.09], [0.2, 0.4, 0.9], 4).axes[0]
    marks = [(line.get_marker(), line.get_xdata()[0]) for line in axes.lines if line.get_marker() in ("o", ">")]
    assert marks == [("o", 0.1), ("o", 2.7), (">", 4)]
    assert "9.1" in [text.get_text() for text in axes.texts]


def test_pictures_stand_dark_on_paper_with_their_own_lines():
    axes = figures.picture_grid(PICTURES[:3], [("a",), ("b",), ("c",)], columns=2).axes[0]
    assert [image.get_array()[0, 0] for image in axes.images] == [255, 254, 253]
    assert [text.get_text() for text in axes.texts] == ["a", "b", "c"]


def test_trained_networks_are_filled_and_untrained_ones_open():
    axes = figures.likeness_by_block({"layer1.0": [0.3]}, {"layer1.0": [0.1, 0.2]}, "correlation").axes[0]
    filled = {
        value: to_hex(line.get_markerfacecolor()) == figures.PATH.lower()
        for line in axes.lines
        for value in line.get_ydata()
    }
    assert filled == {0.3: True, 0.1: False, 0.2: False}


def test_a_rejection_is_a_cross_and_a_pass_an_empty_box():
    axes = figures.verdict_grid(VERDICTS, ("count", "names", "outputs", "start")).axes[0]
    assert len(axes.lines) == 2 * 3  # two strokes a cross
    boxes = [(patch.get_x(), patch.get_y()) for patch in axes.patches if to_hex(patch.get_facecolor()) == LIGHT_GREY.lower()]
    assert len(axes.patches) == 8 and len(boxes) == 3 and len({y for _, y in boxes}) == 1


def test_another_module_gives_another_picture():
    same = figures.svg_text(figures.block_diagram(Bottleneck(256, 128, 256, 32)))
    for other in (
        Bottleneck(256, 128, 256, 16),
        Bottleneck(256, 64, 256, 32),
        Bottleneck(256, 128, 256, 32, 2),
        Bottleneck(128, 128, 256, 32),
    ):
        assert figures.svg_text(figures.block_diagram(other)) != same


def test_a_network_diagram_shows_every_stage():
    network = networks.resnext50_32x4d()
    texts = [text.get_text() for text in figures.network_diagram(network, (3, 224, 224)).axes[0].texts]
    for name, blocks in (("conv1", 1), ("layer1", 3), ("layer2", 4), ("layer3", 6), ("layer4", 3)):
        channels, height, width = stage_costs(network, (3, 224, 224))[name].output_shape
        row = texts.index(name + (f" ×{blocks}" if blocks > 1 else ""))
        assert texts[row + 1 : row + 3] == [str(channels), f"{height}×{width}"]


def test_bars_show_their_values_and_lengths():
    rows = [("a", 1000), ("b", 4000), ("c", 2000, False)]
    fig = figures.cost_bars(rows, "MACs", limit=3000)
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert {"1,000", "4,000", "2,000", "a", "b", "c", "MACs"} == set(texts)
    lengths = [patch.get_width() for patch in fig.axes[0].patches]
    assert [length / lengths[0] for length in lengths] == pytest.approx([1, 4, 2])
    assert fig.axes[0].patches[2].get_hatch() and not fig.axes[0].patches[0].get_hatch()


def test_share_bars_show_their_shares():
    fig = figures.share_bars([("a", (10, 30, 20)), ("b", (5, 5, 5))], ["x", "y", "z"], "weights")
    lengths = [patch.get_width() for patch in fig.axes[0].patches]
    assert [length / lengths[0] for length in lengths] == pytest.approx([1, 3, 2, 0.5, 0.5, 0.5])
    assert {"60", "15", "x + y + z"} <= {text.get_text() for text in fig.axes[0].texts}


# ------------------------------------------------------------------ legible on a phone


@of_the_gallery
@pytest.mark.parametrize("name", GALLERY)
def test_figures_are_360_points_wide_with_lettering_of_12(name):
    assert drawn(name).get_figwidth() * 72 == pytest.approx(360)
    assert all(text.get_fontsize() >= 12 for text, *_ in lettering(drawn(name)))


@of_the_gallery
@pytest.mark.parametrize("name", GALLERY)
def test_lettering_stays_inside_the_figure(name):
    width, height = drawn(name).get_size_inches() * 72
    assert [
        text.get_text()
        for text, x0, y0, x1, y1 in lettering(drawn(name))
        if x0 < -TOLERANCE or y0 < -TOLERANCE or x1 > width + TOLERANCE or y1 > height + TOLERANCE
    ] == []


@of_the_gallery
@pytest.mark.parametrize("name", GALLERY)
def test_lettering_does_not_overlap(name):
    """Neighbouring lines may touch by the slack above and below their letters, no more."""
    pairs = []
    for (one, ax0, ay0, ax1, ay1), (two, bx0, by0, bx1, by1) in combinations(lettering(drawn(name)), 2):
        if min(ax1, bx1) - max(ax0, bx0) > TOLERANCE and min(ay1, by1) - max(ay0, by0) > 2.5:
            pairs.append((one.get_text(), two.get_text()))
    assert pairs == []


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", BLOCKS)
def test_boxes_hold_their_lettering_and_lie_inside_the_figure(name):
    fig, labels = drawn(name), set()
    for node in figures.diagram(BLOCKS[name][0]()).nodes():
        labels |= {node.label, *node.note.split("\n"), f"{node.label}, {node.note}"} - {""}
    held = 0
    for text, x0, y0, x1, y1 in lettering(fig):
        box = under(fig, (x0 + x1) / 2, (y0 + y1) / 2)
        if text.get_text() in labels and box:
            held += 1
            _, left, lower, right, upper = box
            assert left <= x0 and x1 <= right and lower <= y0 + 2 and y1 - 2 <= upper, text.get_text()
            assert 0 <= left and right <= 360, text.get_text()
    result = figures.diagram(BLOCKS[name][0]())
    assert held >= len(result.nodes())


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", BLOCKS)
def test_boxes_do_not_overlap(name):
    boxes = [p for p in patches(drawn(name)) if p[4] - p[2] >= 20]
    assert boxes
    for (_, ax0, ay0, ax1, ay1), (_, bx0, by0, bx1, by1) in combinations(boxes, 2):
        assert min(ax1, bx1) <= max(ax0, bx0) + TOLERANCE or min(ay1, by1) <= max(ay0, by0) + TOLERANCE


@of_the_gallery
@pytest.mark.parametrize("name", GALLERY)
def test_colours_come_from_the_palette_and_text_stands_out(name):
    fig = drawn(name)
    fills = {to_hex(patch.get_facecolor()) for patch, *_ in patches(fig) if patch.get_fill()}
    inks = {to_hex(text.get_color()) for text, *_ in lettering(fig)}
    lines = {to_hex(line.get_color()) for axes in fig.axes for line in axes.lines}
    assert fills | inks | lines <= PALETTE
    for text, x0, y0, x1, y1 in lettering(fig):
        box = under(fig, (x0 + x1) / 2, (y0 + y1) / 2)
        fill = box[0].get_facecolor() if box else figures.PAPER
        assert contrast(text.get_color(), fill) >= CONTRAST, text.get_text()


def test_contrast_is_measured_rightly():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast(figures.PATH, figures.PAPER) == pytest.approx(10.1, abs=0.05)
    assert contrast(figures.WEIGHT, figures.PAPER) < CONTRAST


# ------------------------------------------------------------------ measured, not drawn from memory


def blocks_of(out, into, groups):
    expected = torch.zeros(out, into, dtype=torch.bool)
    for g in range(groups):
        expected[g * out // groups : (g + 1) * out // groups, g * into // groups : (g + 1) * into // groups] = True
    return expected


@pytest.mark.parametrize(("out", "into", "groups"), [(8, 8, 4), (6, 12, 3), (8, 8, 8), (4, 6, 1)])
def test_reach_of_a_grouped_convolution_is_block_diagonal(out, into, groups):
    layer = nn.Conv2d(into, out, 3, padding=1, groups=groups)
    assert torch.equal(figures.reach(layer, into), blocks_of(out, into, groups))


def test_reach_tells_interleaved_groups_from_neighbours():
    reached = figures.reach(Interleaved(8, 2), 8)
    channel = torch.arange(8)
    assert torch.equal(reached, channel[:, None] % 2 == channel[None, :] % 2)
    assert not torch.equal(reached, blocks_of(8, 8, 2))


@pytest.mark.parametrize("form", [forms.FormA, forms.FormB, forms.FormC])
def test_a_whole_block_reaches_everything(form):
    assert figures.reach(form(16, 8, 16, 4), 16).all()
    assert figures.reach(form(16, 8, 24, 4, 2), 16).shape == (24, 16)


def test_reach_leaves_the_module_as_it_was():
    block = Bottleneck(16, 8, 16, 4)
    before = {key: value.clone() for key, value in block.state_dict().items()}
    figures.reach(block, 16)
    assert block.training and all(torch.equal(value, before[key]) for key, value in block.state_dict().items())


@pytest.mark.parametrize(("layers", "stride"), [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2)])
def test_receptive_field_is_the_formulas(layers, stride):
    seen = figures.receptive_field(stack(layers, stride), 21)
    side = 3 + (layers - 1) * 2 * stride
    assert seen.sum() == side * side
    rows, columns = seen.any(dim=1).nonzero().flatten(), seen.any(dim=0).nonzero().flatten()
    assert rows[-1] - rows[0] + 1 == columns[-1] - columns[0] + 1 == side


@pytest.mark.parametrize(("channels", "groups", "kernel"), [(16, 1, 3), (16, 4, 3), (128, 32, 3), (64, 64, 3), (16, 2, 1)])
def test_the_filled_part_of_a_weight_matrix_is_the_weights_share(channels, groups, kernel):
    layer = grouped(groups, channels, kernel)
    frame, *filled = figures.weight_matrix(layer, titles=["weight"]).axes[0].patches
    share = sum(p.get_width() * p.get_height() for p in filled) / (frame.get_width() * frame.get_height())
    assert share == pytest.approx(1 / groups)
    assert share == pytest.approx(layer.weight.numel() / (channels * channels * kernel * kernel))


def test_the_rectangles_cover_the_kernels_that_are_not_zero():
    layer = nn.Conv2d(6, 9, 1, groups=3, bias=False)
    covered = torch.zeros(9, 6, dtype=torch.bool)
    for row, column, rows, columns in figures.kernel_blocks(layer):
        covered[row : row + rows, column : column + columns] = True
    assert torch.equal(covered, figures.reach(layer, 6))


def test_wiring_draws_a_line_where_channels_are_connected():
    stack = [grouped(4, 8), nn.Conv2d(8, 6, 1, groups=2)]
    fig = figures.wiring(stack, titles=["two layers"], follow=(0, [0]))
    assert len(fig.axes[0].lines) == grouped(4, 8).weight[:, :, 0, 0].numel() + 6 * 4
    blue = [line for line in fig.axes[0].lines if to_hex(line.get_color()) == figures.PATH.lower()]
    assert len(blue) == 2 + 2 * 3, "input 1 reaches two channels, and each of them the three outputs of its group"
    boxes = [patch for patch in fig.axes[0].patches if to_hex(patch.get_facecolor()) == figures.PATH.lower()]
    assert len(boxes) == 1 + 2 + 3


@pytest.mark.parametrize(
    ("stack", "counts"),
    [
        ([grouped(4, 8), grouped(4, 8)], [1, 2, 2]),
        ([grouped(4, 8), nn.ChannelShuffle(4), grouped(4, 8)], [1, 2, 2, 4]),
        ([grouped(4, 8), nn.Conv2d(8, 8, 1)], [1, 2, 8]),
    ],
)
def test_what_is_followed_spreads_as_the_layers_let_it(stack, counts):
    seen = figures.followed(figures.connections(stack), (0, [0]))
    assert [int(channels.sum()) for channels in seen] == counts


def test_what_a_middle_channel_reads_is_followed_backwards_too():
    whole = [nn.Conv2d(16, 8, 1), grouped(4, 8), nn.Conv2d(8, 16, 1)]
    for stack, ends in ((whole, 16), (list(SPLIT), 4)):
        seen = figures.followed(figures.connections(stack), (1, [2, 3]))
        assert [int(channels.sum()) for channels in seen] == [ends, 2, 2, ends]


def test_all_paths_are_drawn_and_as_high_as_they_are_wide():
    fig = figures.every_path(forms.FormA(256, 64, 256), forms.FormA(**SIZE_32x4d))
    heights = [patch.get_height() for patch in fig.axes[0].patches if isinstance(patch, Rectangle)]
    assert len(heights) == 1 + 32
    assert heights[0] / heights[1] == pytest.approx(64 / 4)
    assert {"1 × 64 = 64", "32 × 4 = 128"} <= {text.get_text() for text in fig.axes[0].texts}


def test_a_sum_of_products_shows_both_sums():
    texts = [text.get_text() for text in figures.sum_of_products(*PRODUCTS).axes[0].texts]
    assert [texts.count(number) for number in ("18", "8", "50")] == [2, 2, 2]
    assert texts.count("10") == texts.count("4") == 2, "every number stands in the sum and in the product"


def test_a_norm_in_each_path_makes_a_quiet_path_as_loud_as_a_loud_one():
    texts = [text.get_text() for text in figures.norm_and_sum(LOUD_AND_QUIET).axes[0].texts]
    assert [text.removeprefix("spread ") for text in texts if text.startswith("spread")] == [
        "2.4", "0.5", "1.0", "1.0", "1.0", "1.4",
    ]  # fmt: skip


# ------------------------------------------------------------------ show, and the same bytes every time

ALT = 'Form C: a 1x1, a 3x3 in "32" groups & a 1x1, with < and >.'


@pytest.fixture
def shown(monkeypatch):
    """What show() hands to IPython's display."""
    calls = []
    monkeypatch.setattr(figures.showing, "display", lambda data, raw: calls.append((data, raw)))
    return calls


@pytest.mark.parametrize("name", ["form C", "three forms", "cost bars", "ResNet-50"])
def test_show_emits_an_image_that_decodes_to_the_svg(name, shown):
    figures.show(GALLERY[name](), alt=ALT)
    ((data, raw),) = shown
    assert raw and set(data) == {"text/html", "text/plain"}
    assert data["text/plain"] == ALT
    match = re.fullmatch(
        r'<figure><img class="[\w-]+" alt="([^"]*)" style="[^"]*" src="data:image/svg\+xml,([^"]*)"></figure>',
        data["text/html"],
    )
    assert html.unescape(match[1]) == ALT
    assert "<" not in match[2] and "#" not in match[2]
    assert unquote(match[2].replace("\n", "")) == svg_of(name)  # a browser drops line breaks in a URL


@of_the_gallery
@pytest.mark.parametrize("name", GALLERY)
def test_a_drawing_carries_both_palettes_and_no_colour_outside_them(name):
    """A page's variables do not reach a drawing inside an image, so a dark page would show a white slab."""
    svg = svg_of(name)
    sheet = re.search(r"<style>(:root.*?)</style>", svg)[1]
    light, dark = (
        dict(re.findall(r"--(\w+):(#\w{6});", part)) for part in sheet.split("@media (prefers-color-scheme:dark)")
    )
    assert (light, dark) == (figures.palette.LIGHT, figures.palette.DARK)
    rest = svg.replace(sheet, "")
    assert set(re.findall(r"var\(--(\w+)\)", rest)) <= set(light) and "var(--paper)" in rest
    assert not PALETTE & set(re.findall(r"#[0-9a-f]{6}\b", rest))


def chart_of_a_chapter():
    """A chart as chapters type them: what nobody gave a colour is matplotlib's."""
    fig, axes = figures.plot()
    axes.plot([1, 2], [1, 2], label="a line")
    axes.set(title="A title", xlabel="across", ylabel="up")
    axes.text(1, 1, "a word")
    axes.annotate("a note", (2, 2))
    axes.legend()
    fig.suptitle("above")
    return fig


@of_the_gallery
@pytest.mark.parametrize("name", [*GALLERY, "a chapter's chart"])
def test_A1_no_lettering_without_a_fill_and_nothing_black(name):
    svg = svg_of(name) if name in GALLERY else figures.svg_text(chart_of_a_chapter())
    assert "#000000" not in svg
    root = ElementTree.fromstring(svg)
    svg_name = "{http://www.w3.org/2000/svg}"
    words = [g for g in root.iter(f"{svg_name}g") if g.get("id", "").startswith("text_")]
    assert words or name == "receptive fields"
    for group in words:
        assert all("fill: var(--" in g.get("style", "") for g in group.findall(f"{svg_name}g")), ElementTree.tostring(group)


def test_A1_what_a_chart_draws_of_itself_is_ink():
    fig, axes = figures.plot()
    axes.set(title="A title", xlabel="across", ylabel="up")
    parts = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
    assert {to_hex(part.get_color()) for part in parts} == {figures.INK.lower()}
    assert {to_hex(spine.get_edgecolor()) for spine in axes.spines.values()} == {figures.INK.lower()}


def test_D32_a_drawing_takes_a_readers_own_colours():
    svg = svg_of("form C")
    assert "@media (forced-colors:active){:root{--paper:Canvas;--ink:CanvasText}}" in svg


def test_D25_the_head_of_an_arrow_in_a_chart_stands_before_its_mark():
    """Under a mark of 8 points nothing of a head of 4 points is seen."""
    fig, axes = figures.plot()
    figures.line(axes, [(0, 0), (1, 1)], arrow=True)
    assert axes.texts[0].arrow_patch.shrinkB >= 4
    fig, blank = figures.canvas(100)
    figures.line(blank, [(0, 0), (50, 50)], arrow=True)
    assert blank.texts[0].arrow_patch.shrinkB == 0


@pytest.mark.parametrize("palette", [figures.palette.LIGHT, figures.palette.DARK], ids=["light", "dark"])
def test_lettering_is_legible_on_every_ground_of_both_palettes(palette):
    for ground in ("paper", "pale", "wash"):
        assert contrast(palette["ink"], palette[ground]) >= 7, ground
    assert contrast(palette["paper"], palette["path"]) >= CONTRAST
    for token in ("path", "sum", "weight"):
        assert contrast(palette[token], palette["paper"]) >= 3, token


def test_a_caption_stands_below_and_a_number_is_an_address(shown):
    figures.show(GALLERY["form C"](), alt=ALT, caption="Only the middle is split: a < b.", number="6.2")
    page = shown[0][0]["text/html"]
    assert page.startswith('<figure id="fig-6-2"><img ')
    assert page.endswith("<figcaption><b>Figure 6.2.</b> Only the middle is split: a &lt; b.</figcaption></figure>")
    with pytest.raises(ValueError, match="number='6.2' needs a caption"):
        figures.show(GALLERY["form C"](), alt=ALT, number="6.2")
    assert len(shown) == 1


@pytest.mark.parametrize("alt", ["", "a figure", "x" * 14])
def test_show_refuses_an_alt_text_that_says_nothing(alt, shown):
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        figures.show(GALLERY["cost bars"](), alt=alt)
    assert shown == []


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", GALLERY)
def test_svg_is_the_same_twice_and_names_nothing_of_the_day(name):
    svg = svg_of(name)
    assert svg == figures.svg_text(GALLERY[name]())
    assert "<dc:date>" not in svg and "<text" not in svg and 'width="360pt"' in svg


@pytest.mark.slow
def test_svg_is_the_same_in_a_fresh_process():
    """Whatever was drawn before, and whatever seed hashes have."""
    source = (
        "from resnext_lib import figures; from resnext_lib.forms import FormB;"
        "print(figures.svg_text(figures.block_diagram(FormB(16, 8, 16, 4))), end='')"
    )
    fresh = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", source],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    assert fresh.stdout == figures.svg_text(figures.block_diagram(forms.FormB(16, 8, 16, 4)))


# ------------------------------------------------------------------ the chapters' figures, as they are stored


def stored_pictures(path):
    """The outputs of a notebook that hold a picture, as HTML."""
    return [
        output.data["text/html"]
        for cell in read(path).cells
        for output in cell.get("outputs", [])
        if "<img" in output.get("data", {}).get("text/html", "")
    ]


@pytest.mark.parametrize("path", [*CHAPTERS, *APPENDIX], ids=chapter_id)
def test_stored_figures_are_images_of_360_points(path):
    pages = stored_pictures(path)
    assert pages
    for page in pages:
        svg = unquote(re.search(r'src="data:image/svg\+xml,([^"]*)"', page)[1].replace("\n", ""))
        root = ElementTree.fromstring(svg)
        assert root.get("width") == "360pt" and root.get("viewBox").startswith("0 0 360 ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=chapter_id)
def test_18_every_stored_figure_gives_its_lettering_a_fill(path):
    """Also one whose stored output is kept, and one that a page draws by itself: black cannot be read on a dark page."""
    for number, picture in ((page[:60], found) for page in stored_pictures(path) for found in PICTURE.findall(page)):
        root = re.search(r":root\{([^}]*)\}", unquote(picture.replace("\n", "")))
        assert root and re.search(r"(^|;)fill:var\(--", root[1]), number


# ------------------------------------------------------------------ forms as moves of the same numbers

SMALL = (16, 8, 16, 4)


def weights_in(masks):
    first, middle, last = (int(mask.sum()) for mask in masks)
    return first + 9 * middle + last


@pytest.mark.parametrize("form", [forms.FormA, forms.FormB, forms.FormC])
def test_every_form_has_the_same_cells(form):
    masks = figures.middle_masks(form(*SMALL))
    convolutions = [m for m in form(*SMALL).modules() if isinstance(m, nn.Conv2d)]
    assert weights_in(masks) == sum(c.weight.numel() for c in convolutions) == 400
    for mask, of_c in zip(masks, figures.middle_masks(forms.FormC(*SMALL)), strict=True):
        assert torch.equal(mask, of_c)


def test_a_split_input_has_fewer_cells():
    assert weights_in(figures.middle_masks(SPLIT)) == sum(m.weight.numel() for m in SPLIT) == 208


def test_gaps_say_which_layers_are_separate():
    separate = [
        figures.forms._separate(block) for block in (forms.FormA(*SMALL), forms.FormB(*SMALL), forms.FormC(*SMALL), SPLIT)
    ]
    assert separate == [(True, True, True), (True, True, False), (False, False, False), (False, False, False)]


@pytest.mark.parametrize("follow", [0, 3])
def test_the_followed_path_is_blue_and_straight(follow):
    """Two rows in each of three matrices, at the same height in forms A, B and C within their lane."""
    fig = figures.lanes(forms.FormA(*SMALL), titles=["A"], follow=follow)
    blue = [p for p in fig.axes[0].patches if to_hex(p.get_facecolor()) == figures.PATH.lower()]
    heights = sorted({round(p.get_y(), 3) for p in blue})
    assert len(blue) == 6 and len(heights) == 2


# ------------------------------------------------------------------ masks, differences, folding


def test_the_rectangles_of_a_mask_cover_its_cells_once():
    generator = torch.Generator().manual_seed(0)
    for mask in (torch.rand(9, 7, generator=generator) < 0.4, torch.ones(4, 4).bool(), torch.zeros(3, 3).bool()):
        covered = torch.zeros(mask.shape, dtype=torch.int)
        for row, column, rows, columns in figures.mask_blocks(mask):
            covered[row : row + rows, column : column + columns] += 1
        assert torch.equal(covered, mask.int())
    assert len(figures.mask_blocks(torch.block_diag(*[torch.ones(2, 2)] * 5).bool())) == 5


def test_a_drawn_mask_fills_the_share_of_its_kernels():
    mask = torch.block_diag(*[torch.ones(2, 2)] * 8).bool()
    frame, *blocks = [p for p in figures.mask_matrices([("grouped", mask)]).axes[0].patches]
    filled = sum(block.get_width() * block.get_height() for block in blocks)
    assert filled / (frame.get_width() * frame.get_height()) == pytest.approx(1 / 8)


def test_an_interval_that_leaves_out_zero_has_a_filled_square():
    fig = figures.difference_panels(DIFFERENCES, "points better")
    filled = {}
    for axes, (title, rows) in zip(fig.axes, DIFFERENCES.items(), strict=True):
        squares = [line for line in axes.lines if line.get_marker() == "s"]
        assert [line.get_xdata()[0] for line in squares] == [mean for _, _, mean, _ in rows]
        filled[title] = [to_hex(line.get_markerfacecolor()) == to_hex(figures.INK) for line in squares]
    assert filled == {"training": [False, True], "test": [False, True]}


def test_panels_must_compare_the_same():
    with pytest.raises(ValueError, match="the same order"):
        figures.difference_panels({"a": [("one", [0, 1], 0.5, 1)], "b": [("two", [0, 1], 0.5, 1)]}, "points")


@pytest.mark.parametrize("numbers", [(0.5, 1, 2, 4, 3, 6), (3, -1, 4, 2, 0.5, 2)])
def test_the_folded_row_ends_in_the_number_of_the_two_layers(numbers):
    weight, mean, deviation, scale, shift, x = numbers
    result = f"{scale * (weight * x - mean) / deviation + shift:g}"
    assert [text.get_text() for text in figures.folding(*numbers).axes[0].texts].count(result) == 2


# ------------------------------------------------------------------ what happens in training


def boxes(fig, colour):
    return [patch for patch in fig.axes[0].patches if to_hex(patch.get_facecolor()) == colour.lower()]


@pytest.mark.parametrize("blocks", [1, 6])
def test_a_residual_stream_has_one_box_more_behind_each_block(blocks):
    fig = figures.residual_stream(blocks)
    assert len(boxes(fig, figures.PATH)) == blocks
    assert len(boxes(fig, figures.PATH)) + len(boxes(fig, figures.PALE)) == sum(range(1, blocks + 2))
    assert [text.get_text() for text in fig.axes[0].texts if "/" in text.get_text()] == [f"1/{n + 2}" for n in range(blocks)]


def test_D24_the_other_channels_are_seen():
    fig = GALLERY["channel histograms"]()
    bars = {to_hex(patch.get_facecolor()) for patch in fig.axes[0].patches}
    assert bars == {figures.PATH.lower(), figures.WEIGHT.lower()}


def test_the_followed_channels_histogram_lies_where_its_numbers_lie():
    before, after = two_batches()
    found = boxes(figures.channel_histograms(before, after, follow=2), figures.PATH)
    left, right = found[:32], found[32:]
    for bars, batch in ((left, before), (right, after)):
        start, end = bars[0].get_x(), bars[-1].get_x() + bars[-1].get_width()
        tallest = max(bars, key=lambda bar: bar.get_height())
        middle = (tallest.get_x() + tallest.get_width() / 2 - start) / (end - start) * 16 - 8
        assert middle == pytest.approx(batch[:, 2].mean().item(), abs=0.6)


def test_each_column_of_two_costs_has_its_own_scale():
    fig = figures.two_costs([("a", 1, 300), ("b", 4, 300)])
    widths = [patch.get_width() for patch in fig.axes[0].patches]
    assert widths[0] == pytest.approx(widths[1] / 4) and widths[2] == pytest.approx(widths[3])


def test_a_width_is_that_of_the_font_which_is_set():
    """Widths are remembered, and matplotlib's font can be changed between two figures."""
    words = "batch norm"
    usual = drawing.text_width(words)
    with matplotlib.rc_context({"font.family": "serif"}):
        assert drawing.text_width(words) == TextPath((0, 0), words, size=drawing.LETTERING).get_extents().width != usual
    assert drawing.text_width(words) == usual == TextPath((0, 0), words, size=drawing.LETTERING).get_extents().width
