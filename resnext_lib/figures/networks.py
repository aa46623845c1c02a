"""A network from top to bottom, networks on the line from dense to depthwise, and which test rejects which network."""

from collections.abc import Sequence
from math import log, log2

from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import nn

from resnext_lib.complexity import layer_costs, stage_costs
from resnext_lib.figures.drawing import WIDTH, canvas, line, write
from resnext_lib.figures.palette import INK, LINE, PALE, PAPER, PATH


def network_diagram(network: nn.Module, input_shape: Sequence[int], hatched: bool = False) -> Figure:
    """One row a stage: its name, how many blocks, map size, and channels as the width (log scale).

    Everything is read from one run on an image of ``input_shape`` (C, H, W) without data. A ResNet's stages are ``hatched``.
    """
    stages = [s for s in stage_costs(network, input_shape).values() if s.parameters and len(s.output_shape) == 3]
    stages = [s for s in stages if not s.name.startswith("bn")]
    fig, axes = canvas(30 * len(stages) + 26)
    write(axes, 2, 10, "stage", align="left", weight="bold")
    write(axes, 206, 10, "channels", weight="bold")
    write(axes, WIDTH - 2, 10, "map", align="right", weight="bold")
    for row, stage in enumerate(stages):
        _network_row(axes, 26 + 30 * row, stage, getattr(network, stage.name), hatched)
    return fig


def _network_row(axes, top, stage, module, hatched):
    channels, height, width = stage.output_shape
    blocks = len(module) if isinstance(module, nn.Sequential) and stage.name.startswith("layer") else 1
    name = stage.name + (f" ×{blocks}" if blocks > 1 else "")
    half = 14 * (log2(channels) - 2.5)
    write(axes, 2, top + 12, name, align="left")
    strong = stage.name.startswith(("layer", "inception"))
    fill = PALE if not strong else PAPER if hatched else PATH
    hatch = "////" if strong and hatched else None
    axes.add_patch(Rectangle((206 - half / 2 - 20, top), half + 40, 24, facecolor=fill, edgecolor=INK, hatch=hatch))
    if hatch:  # the number keeps a ground of its own
        axes.add_patch(Rectangle((188, top + 4), 36, 16, facecolor=PAPER, edgecolor="none"))
    write(axes, 206, top + 12, str(channels), PAPER if fill == PATH else INK)
    write(axes, WIDTH - 2, top + 12, f"{height}×{width}", align="right")


def place_of(convolution: nn.Conv2d) -> float:
    """0 for a dense convolution, 1 for a depthwise one, between them log(groups) / log(channels)."""
    return log(convolution.groups) / log(convolution.in_channels)


def group_line(rows: Sequence[tuple]) -> Figure:
    """Networks between one group (left) and one group a channel (right), at :func:`place_of` their convolutions.

    ``rows`` are (label, convolutions of the stages); from the first (open circle) an arrow leads to the last. A network
    without groups, such as ResNet, has a hatched circle.
    """
    fig, axes = canvas(40 * len(rows) + 48)
    for x, end, align, texts in (
        (14, 2, "left", ("groups = 1", "dense")),
        (WIDTH - 14, WIDTH - 2, "right", ("groups = channels", "depthwise")),
    ):
        write(axes, end, 10, texts[0], align=align, weight="bold")
        write(axes, end, 26, texts[1], align=align)
        line(axes, [(x, 36), (x, 40 * len(rows) + 40)], LINE)
    write(axes, WIDTH / 2, 26, "grouped")
    for row, (label, convolutions) in enumerate(rows):
        _group_row(axes, 40 * row + 50, label, convolutions[0], convolutions[-1])
    return fig


def _group_row(axes, top, label, *ends):
    write(axes, 20, top, label, align="left", weight="bold")
    write(axes, WIDTH - 20, top, " → ".join(f"{c.groups} of {c.in_channels}" for c in ends), align="right")
    line(axes, [(14, top + 18), (WIDTH - 14, top + 18)], LINE)
    first, last = (14 + (WIDTH - 28) * place_of(convolution) for convolution in ends)
    if first != last:
        line(axes, [(first, top + 18), (last + (7 if last < first else -7), top + 18)], PATH, 2.5, arrow=True)
    dense = all(convolution.groups == 1 for convolution in ends)
    for x, fill in ((first, PAPER), (last, PAPER if dense else PATH)):
        look = dict(edgecolor=INK, linewidth=1, hatch="/////") if dense else dict(edgecolor=PATH, linewidth=2)
        axes.add_patch(Circle((x, top + 18), 6 if dense else 5, facecolor=fill, zorder=3, **look))


def stage_trade(network: nn.Module, input_shape: Sequence[int]) -> Figure:
    """Every stage's map to scale, its middle C·d to scale, and the MACs of a repeated block: one shrinks as one grows.

    Read from ``layer1`` to ``layer4`` of ``network`` on an image of ``input_shape`` (C, H, W), without data.
    """
    costs = layer_costs(network, input_shape)
    sizes = {name: stage.output_shape[1] for name, stage in stage_costs(network, input_shape).items() if "layer" in name}
    middles = [getattr(network, name)[1].conv2 for name in sizes]
    macs = [sum(cost.macs for cost in costs if cost.name.startswith(f"{name}.1.")) for name in sizes]
    fig, axes = canvas(58 * len(sizes) + 26)
    for x, text, align in ((2, "map", "left"), (86, "middle, C × d", "left"), (WIDTH - 2, "MACs a block", "right")):
        write(axes, x, 10, text, align=align, weight="bold")
    for row, (size, middle, work) in enumerate(zip(sizes.values(), middles, macs, strict=True)):
        shares = size / max(sizes.values()), middle.out_channels / max(m.out_channels for m in middles), work / max(macs)
        _trade_row(axes, 26 + 58 * row, size, middle, f"{work / 1e6:.0f} million", shares)
    return fig


def _trade_row(axes, top, size, middle, work, shares):
    """One stage; ``shares`` are its map side, middle and work as parts of the largest."""
    side, width, bar = 46 * shares[0], 160 * shares[1], 88 * shares[2]
    axes.add_patch(Rectangle((2, top + 4), side, side, facecolor=PAPER, edgecolor=INK))
    write(axes, 52 if side > 40 else side + 8, top + 10, f"{size}", align="left")
    axes.add_patch(Rectangle((86, top + 4), width, 18, facecolor=PATH, edgecolor=INK))
    write(axes, 86, top + 34, f"{middle.groups} × {middle.weight.shape[1]} = {middle.out_channels}", align="left")
    axes.add_patch(Rectangle((268, top + 4), bar, 22, facecolor=PALE, edgecolor=INK))
    write(axes, 274, top + 15, work, align="left")


def verdict_grid(rows: Sequence[tuple], tests: Sequence[str]) -> Figure:
    """Which test rejects which network: a cross in a box is a rejection, an empty box lets it pass.

    ``rows`` are (name, second line, one bool for each of ``tests``: did it pass?).
    """
    left, step = 158, 50
    fig, axes = canvas(42 * len(rows) + 24)
    for column, test in enumerate(tests):
        write(axes, left + step * (column + 0.5), 10, test)
    for row, (name, more, passed) in enumerate(rows):
        top = 24 + 42 * row
        write(axes, 2, top + 10, name, align="left")
        write(axes, 2, top + 26, more, align="left")
        for column, good in enumerate(passed):
            _verdict(axes, left + step * column + 10, top + 4, good)
    return fig


def _verdict(axes, x, y, good):
    axes.add_patch(Rectangle((x, y), 30, 26, facecolor=PAPER if good else PALE, edgecolor=LINE if good else INK))
    if not good:
        for start, end in (((9, 7), (21, 19)), ((9, 19), (21, 7))):
            line(axes, [(x + start[0], y + start[1]), (x + end[0], y + end[1])], INK, 2)
