"""Weights as matrices, and small matrices of numbers: which weights exist, and where they stand."""

from collections.abc import Sequence
from itertools import groupby

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from resnext_lib.figures.drawing import WIDTH, canvas, draw_grid, write
from resnext_lib.figures.palette import INK, PAPER, PATH, WASH, WEIGHT


def kernel_blocks(convolution: nn.Conv2d) -> list[tuple[int, int, int, int]]:
    """The rectangles (first row, first column, rows, columns) of the weight that exist, out by in."""
    rows, columns = convolution.out_channels // convolution.groups, convolution.in_channels // convolution.groups
    return [(g * rows, g * columns, rows, columns) for g in range(convolution.groups)]


def opened_kernel(convolution: nn.Conv2d) -> Figure:
    """The table of kernels of a small convolution with its sides named, and beside it one kernel with its weights.

    The kernel that is opened, of the second output and the third input, is framed in the table.
    """
    rows, columns = convolution.out_channels, convolution.in_channels
    side, left, top = 20, 92, 30
    fig, axes = canvas(top + rows * side + 8)
    write(axes, left + columns * side / 2, 12, f"{columns} input channels")
    for line_number, words in enumerate((f"{rows} output", "channels")):
        write(axes, left - 8, top + rows * side / 2 + 16 * (line_number - 0.5), words, align="right")
    axes.add_patch(Rectangle((left, top), columns * side, rows * side, facecolor=WEIGHT, edgecolor=INK, linewidth=1))
    draw_grid(axes, left, top, rows, columns, side)
    cell = left + 2 * side, top + side
    axes.add_patch(Rectangle(cell, side, side, fill=False, edgecolor=PATH, linewidth=2.5, zorder=4))
    high, wide = convolution.kernel_size
    size, place, kernel = 28, left + columns * side + 46, top + 6
    for corner in ((0, 0), (0, 1)):
        ends = (cell[0] + side, cell[1] + side * corner[1]), (place, kernel + size * high * corner[1])
        axes.plot(*zip(*ends, strict=True), color=PATH, linewidth=1, zorder=3)
    axes.add_patch(Rectangle((place, kernel), size * wide, size * high, facecolor=WASH, edgecolor="none", zorder=1))
    draw_grid(axes, place, kernel, high, wide, size)
    axes.add_patch(Rectangle((place, kernel), size * wide, size * high, fill=False, edgecolor=PATH, linewidth=2.5, zorder=4))
    write(axes, place + size * wide / 2, kernel + size * high + 14, f"{high}×{wide}: {high * wide} weights")
    return fig


def weight_matrix(*convolutions: nn.Conv2d, titles: Sequence[str], sides: tuple[str, str] = ("", "")) -> Figure:
    """Weights as matrices of kernels, to one scale: a row is an output channel, a column an input.

    Filled is a kernel that exists; paper is a zero that is neither stored nor computed. ``sides`` names rows and
    columns, as in ``("out", "in")``.
    """
    gaps = 16 * (len(convolutions) - 1) + 8
    scale = min(
        230 / max(max(c.in_channels, c.out_channels) for c in convolutions),
        (WIDTH - gaps) / sum(c.in_channels for c in convolutions),
    )
    fig, axes = canvas(max(c.out_channels for c in convolutions) * scale + 62)
    left = 4
    for convolution, title in zip(convolutions, titles, strict=True):
        _draw_matrix(axes, convolution, left, 24, scale)
        write(axes, left, 10, title, align="left", weight="bold")
        below = 24 + convolution.out_channels * scale + 14
        rows, columns = f"{convolution.out_channels} {sides[0]}".strip(), f"{convolution.in_channels} {sides[1]}".strip()
        write(axes, left, below, f"{rows} × {columns}", align="left")
        if convolution.groups > 1:
            write(axes, left, below + 15, f"groups={convolution.groups}", align="left")
        left += convolution.in_channels * scale + 16
    return fig


def _draw_matrix(axes, convolution, left, top, scale):
    rows, columns = convolution.out_channels, convolution.in_channels
    axes.add_patch(Rectangle((left, top), columns * scale, rows * scale, facecolor=PAPER, edgecolor=INK, linewidth=1))
    fill = PATH if convolution.kernel_size[0] > 1 else WEIGHT
    for row, column, height, width in kernel_blocks(convolution):
        axes.add_patch(
            Rectangle(
                (left + column * scale, top + row * scale), width * scale, height * scale, facecolor=fill, edgecolor="none"
            )
        )
    if max(rows, columns) <= 16:
        draw_grid(axes, left, top, rows, columns, scale)


def mask_blocks(mask: torch.Tensor) -> list[list[int]]:
    """Rectangles (first row, first column, rows, columns) that cover the cells of ``mask`` that hold, each once."""
    blocks = []
    for row, cells in enumerate(mask.tolist()):
        column = 0
        for filled, run in groupby(cells):
            width = len(list(run))
            if filled:
                above = (b for b in blocks if b[1] == column and b[3] == width and b[0] + b[2] == row)
                if block := next(above, None):
                    block[2] += 1
                else:
                    blocks.append([row, column, 1, width])
            column += width
    return blocks


def mask_matrices(*rows: Sequence[tuple[str, torch.Tensor]]) -> Figure:
    """Which kernels of a convolution exist, to one scale: each row of drawings is a list of (title, mask).

    A mask is a bool tensor, out by in; a filled cell is a kernel. Below each stand its size and how many kernels it has.
    """
    gap = 26
    scale = min((WIDTH - 8 - gap * (len(row) - 1)) / sum(mask.shape[1] for _, mask in row) for row in rows)
    heights = [max(mask.shape[0] for _, mask in row) * scale + 70 for row in rows]
    fig, axes = canvas(sum(heights))
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 4
        for title, mask in row:
            _draw_mask(axes, title, mask, left, top, scale)
            left += mask.shape[1] * scale + gap
        top += height
    return fig


def _draw_mask(axes, title, mask, left, top, scale):
    rows, columns = mask.shape
    corner = (left, top + 22)
    write(axes, left, top + 10, title, align="left", weight="bold")
    axes.add_patch(Rectangle(corner, columns * scale, rows * scale, facecolor=PAPER, edgecolor=INK, linewidth=1, zorder=1))
    for row, column, high, wide in mask_blocks(mask):
        place = (left + column * scale, top + 22 + row * scale)
        axes.add_patch(Rectangle(place, wide * scale, high * scale, facecolor=PATH, edgecolor="none", zorder=2))
    below = top + 22 + rows * scale
    write(axes, left, below + 12, f"{rows} × {columns}", align="left")
    write(axes, left, below + 27, f"{int(mask.sum()):,} kernels", align="left")


def number_grids(grids: Sequence, titles: Sequence[str], marks: Sequence[tuple[int, int, int, int] | None] = ()) -> Figure:
    """Small integer matrices side by side; ``marks`` outlines a rectangle (row, column, rows, columns) in each."""
    gap = 26
    side = min(30, (WIDTH - 8 - gap * (len(grids) - 1)) / sum(len(grid[0]) for grid in grids))
    fig, axes = canvas(max(len(grid) for grid in grids) * side + 30)
    left, marks = 4, list(marks) + [None] * len(grids)
    for grid, title, mark in zip(grids, titles, marks, strict=False):
        write(axes, left, 10, title, align="left", weight="bold")
        if mark:
            row, column, rows, columns = mark
            axes.add_patch(
                Rectangle(
                    (left + column * side, 22 + row * side), columns * side, rows * side, facecolor=WASH, edgecolor="none"
                )
            )
        draw_grid(axes, left, 22, len(grid), len(grid[0]), side)
        for r, values in enumerate(grid):
            for c, value in enumerate(values):
                write(axes, left + (c + 0.5) * side, 22 + (r + 0.5) * side, str(value).replace("-", "−"))
        if mark:
            axes.add_patch(
                Rectangle(
                    (left + column * side, 22 + row * side),
                    columns * side,
                    rows * side,
                    fill=False,
                    edgecolor=PATH,
                    linewidth=2.5,
                    zorder=4,
                )
            )
        left += len(grid[0]) * side + gap
    return fig
