"""The pictures of the last chapter say what the modules and the runs say."""

import pytest
from matplotlib.patches import Circle, Rectangle
from torch import nn

from resnext_lib import figures
from resnext_lib.descendants import SEBottleneck


def test_the_sum_stands_clear_of_a_long_row_of_boxes():
    """The plus stood on the box of squeeze and excitation."""
    axes = figures.block_diagram(SEBottleneck(256, 128, 256, cardinality=32)).axes[0]
    (plus,) = [patch for patch in axes.patches if isinstance(patch, Circle)]
    x, y = plus.center
    boxes = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_y() < y < p.get_y() + p.get_height()]
    edges = [box.get_x() + box.get_width() for box in boxes]
    assert len(edges) >= 4 and max(edges) < x - plus.radius - 2


def test_cut_bars_are_as_long_as_they_have_channels_and_cut_into_their_groups():
    layers = [nn.Conv2d(96, 96, 3, groups=2, device="meta"), nn.Conv2d(1008, 1008, 3, groups=21, device="meta")]
    axes = figures.cut_bars(layers, titles=["RegNet"]).axes[0]
    short, long = axes.patches
    assert long.get_width() / short.get_width() == pytest.approx(1008 / 96)
    assert len(axes.lines) == (2 - 1) + (21 - 1)
    assert {"2 × 48", "21 × 48"} <= {text.get_text() for text in axes.texts}


def test_dots_of_runs_stand_at_their_values_and_the_bar_at_their_mean():
    panels = {"one": {"a": [0.5, 0.7], "b": [0.9, 0.9]}, "two": {"a": [0.6, 0.6], "b": [0.5, 0.5]}}
    axes = figures.run_dots(panels, "accuracy").axes[0]
    dots = [patch.center[0] for patch in axes.patches]
    assert len(dots) == 8 and dots[2] == dots[3] > dots[1] > dots[0]
    bars = [line.get_xdata()[0] for line in axes.lines if line.get_linewidth() == 2]
    assert bars[0] == pytest.approx((dots[0] + dots[1]) / 2)
    assert dots[4] == dots[5] > dots[6] == dots[7]
    assert [text.get_text() for text in axes.texts if "%" in text.get_text()] == ["50 %", "90 %", "50 %", "60 %"]


def test_numbers_to_choose_are_a_bar_each():
    axes = figures.numbers_to_choose([[64, 96], [16]], [("two", [("C", ""), ("d", "follows")])]).axes[0]
    bars, boxes = axes.patches[:3], axes.patches[3:]
    assert len(boxes) == 2 and bars[1].get_height() > bars[0].get_height() > bars[2].get_height() > 0
    assert "Inception: 3 numbers" in [text.get_text() for text in axes.texts]
