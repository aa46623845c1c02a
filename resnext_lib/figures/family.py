"""The pictures of the last chapter: groups in every stage, runs of a study, numbers to choose."""

from collections.abc import Mapping, Sequence
from math import log2

from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import nn

from resnext_lib.figures.drawing import WIDTH, canvas, line, text_width, write
from resnext_lib.figures.palette import INK, LINE, PALE, PAPER, PATH, WEIGHT


def cut_bars(*networks: Sequence[nn.Conv2d], titles: Sequence[str]) -> Figure:
    """Every stage's grouped convolution as a bar, as long as it has channels and cut into its groups.

    ``networks`` are lists of convolutions, one a stage; one scale holds for all of them.
    """
    longest = max(layer.in_channels for layers in networks for layer in layers)
    scale = (WIDTH - 84) / longest
    fig, axes = canvas(sum(24 * len(layers) + 34 for layers in networks) - 8)
    top = 0
    for layers, title in zip(networks, titles, strict=True):
        write(axes, 2, top + 10, title, align="left", weight="bold")
        for row, layer in enumerate(layers):
            _cut_bar(axes, top + 24 + 24 * row, layer, scale)
        top += 24 * len(layers) + 34
    return fig


def _cut_bar(axes, top, layer, scale):
    length, width = layer.in_channels * scale, layer.in_channels / layer.groups * scale
    write(axes, 74, top + 8, f"{layer.groups} × {layer.in_channels // layer.groups}", align="right")
    axes.add_patch(Rectangle((82, top), length, 16, facecolor=PATH, edgecolor=INK, linewidth=0.8, zorder=2))
    for cut in range(1, layer.groups):
        x = 82 + cut * width
        axes.plot([x, x], [top + 0.6, top + 15.4], color=PAPER, linewidth=min(1, width / 3), solid_capstyle="butt", zorder=3)


def run_dots(panels: Mapping[str, Mapping[str, Sequence[float]]], unit: str, spread: float = 4.5) -> Figure:
    """Runs of a study as dots, a row for each arm and a column for each panel, with a bar at the mean of each row.

    ``panels`` is ``{title: {arm: values}}``; all panels have the same arms, and each an axis of its own.
    """
    arms = list(next(iter(panels.values())))
    label = max(map(text_width, arms)) + 10
    width = (WIDTH - label - 24 * len(panels)) / len(panels)
    fig, axes = canvas(34 * len(arms) + 62)
    for row, arm in enumerate(arms):
        write(axes, 2, 44 + 34 * row, arm, align="left")
    for column, (title, rows) in enumerate(panels.items()):
        left = label + (width + 24) * column + 8
        write(axes, left, 10, title, align="left", weight="bold")
        low, high = min(map(min, rows.values())), max(map(max, rows.values()))
        for row, values in enumerate(rows.values()):
            _dots(axes, 44 + 34 * row, left, width, [(v - low) / (high - low) for v in values], spread)
        bottom = 34 * len(arms) + 34
        line(axes, [(left, bottom), (left + width, bottom)], LINE)
        for place, value, side in ((left, low, "left"), (left + width, high, "right")):
            write(axes, place, bottom + 14, f"{value:.0%}".replace("%", " %"), align=side)
    write(axes, 2, 34 * len(arms) + 48, unit, align="left")
    return fig


def _dots(axes, y, left, width, shares, spread):
    line(axes, [(left, y), (left + width, y)], LINE)
    for number, share in enumerate(shares):
        place = (left + share * width, y + spread * (number % 3 - 1))
        axes.add_patch(Circle(place, 3.6, facecolor=PATH, edgecolor=PAPER, linewidth=0.8, zorder=3))
    mean = left + width * sum(shares) / len(shares)
    axes.plot([mean, mean], [y - 11, y + 11], color=INK, linewidth=2, zorder=4)


def numbers_to_choose(modules: Sequence[Sequence[int]], after: Sequence[tuple]) -> Figure:
    """What a person has to choose: a bar for every width of every module, then the few numbers that are ``after``.

    ``modules`` are lists of widths; ``after`` are rows of (title, [(name, note), ...]). Bars grow with the logarithm.
    """
    fig, axes = canvas(96 + 62 * len(after))
    count = sum(map(len, modules))
    write(axes, 2, 10, f"Inception: {count} numbers", align="left", weight="bold")
    step, x = (WIDTH - 8 - 6 * (len(modules) - 1)) / count, 4
    for widths in modules:
        for width in widths:
            height = 6.5 * log2(width) - 18
            axes.add_patch(Rectangle((x, 78 - height), step - 1.2, height, facecolor=WEIGHT, edgecolor="none"))
            x += step
        x += 6
    line(axes, [(2, 78), (WIDTH - 2, 78)], LINE)
    for row, (title, numbers) in enumerate(after):
        top = 96 + 62 * row
        write(axes, 2, top + 10, title, align="left", weight="bold")
        x = 4
        for name, note in numbers:
            axes.add_patch(Rectangle((x, top + 22), 30, 24, facecolor=PATH if not note else PALE, edgecolor=INK))
            write(axes, x + 15, top + 34, name, PAPER if not note else INK)
            write(axes, x + 38, top + 34, note, align="left")
            x += 46 + text_width(note)
    return fig
