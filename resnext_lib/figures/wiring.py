"""Channels as boxes and what connects them, layer after layer: measured by gradients, not drawn from memory."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from resnext_lib.figures.drawing import WIDTH, canvas, line, text_width, write
from resnext_lib.figures.palette import INK, PAPER, PATH, WEIGHT
from resnext_lib.figures.reaching import reach

SIDE, PITCH, TOP = 9, 15, 24  # points: a channel's box, from box to box, and the first of them below a title
BETWEEN = 16  # points between two rows of layers
NUMBERED = 8  # up to so many channels carry their numbers; more of them only the first's and the last's


def wiring(
    *stacks: Sequence[nn.Module], titles: Sequence[str], follow: tuple[int, Sequence[int]], notes: Sequence[str] = ()
) -> Figure:
    """Layers in a row: a column of boxes for the channels before and after each, a line where one reaches another.

    ``stacks`` are lists of layers, drawn side by side. ``follow`` is ``(column, channels)``, counted from 0: these
    channels, what they depend on and what depends on them are blue. ``notes`` stand below.
    """
    tables = [connections(stack) for stack in stacks]
    most = max(table.shape[axis] for stack in tables for table in stack for axis in (0, 1))
    fig, axes = canvas(TOP + most * PITCH + (24 if notes else 6))
    width = (WIDTH - BETWEEN * (len(tables) - 1)) / len(tables)
    for number, (stack, title) in enumerate(zip(tables, titles, strict=True)):
        left = number * (width + BETWEEN)
        write(axes, left + 2, 9, title, align="left", weight="bold")
        _draw_stack(axes, stack, left, width, most, follow)
        if notes:
            write(axes, left + 2, TOP + most * PITCH + 12, notes[number], align="left")
    return fig


def connections(stack: Sequence[nn.Module]) -> list[torch.Tensor]:
    """For every layer of ``stack``, which input channels reach which output channels: bool ``(out, in)``."""
    tables = []
    channels = next(m for layer in stack for m in layer.modules() if isinstance(m, nn.Conv2d)).in_channels
    for layer in stack:
        tables.append(reach(layer, channels))
        channels = len(tables[-1])
    return tables


def followed(tables: Sequence[torch.Tensor], follow: tuple[int, Sequence[int]]) -> list[torch.Tensor]:
    """For every column of channels, which of them the channels of ``follow`` depend on or reach: bool, one a column."""
    column, channels = follow
    sizes = [tables[0].shape[1], *(len(table) for table in tables)]
    seen = [tables[0].new_zeros(size) for size in sizes]
    seen[column][list(channels)] = True
    for k in range(column, 0, -1):
        seen[k - 1] = tables[k - 1][seen[k]].any(dim=0)
    for k in range(column, len(tables)):
        seen[k + 1] = tables[k][:, seen[k]].any(dim=1)
    return seen


def _draw_stack(axes, tables, left, width, most, follow):
    """One row of layers between ``left`` and ``left + width``; every column of boxes stands in the middle."""
    seen = followed(tables, follow)
    margin = text_width("88") + 8
    step = (width - 2 * margin - SIDE) / len(tables)
    places = []
    for k, channels in enumerate(seen):
        x, top = left + margin + k * step, TOP + (most - len(channels)) * PITCH / 2
        places.append([(x, top + (i + 0.5) * PITCH) for i in range(len(channels))])
    for colour, thickness, blue in ((WEIGHT, 0.7, False), (PATH, 1.5, True)):
        for k, table in enumerate(tables):
            for out, into in table.nonzero().tolist():
                if bool(seen[k][into] and seen[k + 1][out]) == blue:
                    (x0, y0), (x1, y1) = places[k][into], places[k + 1][out]
                    line(axes, [(x0 + SIDE, y0), (x1, y1)], colour, thickness)
    for column, channels in zip(places, seen, strict=True):
        for (x, y), on in zip(column, channels.tolist(), strict=True):
            fill = PATH if on else PAPER
            axes.add_patch(Rectangle((x, y - SIDE / 2), SIDE, SIDE, facecolor=fill, edgecolor=INK, linewidth=1, zorder=3))
    for column, side in ((places[0], "right"), (places[-1], "left")):
        for i, (x, y) in enumerate(column):
            if len(column) <= NUMBERED or i in (0, len(column) - 1):
                write(axes, x - 4 if side == "right" else x + SIDE + 4, y, str(i + 1), align=side)
