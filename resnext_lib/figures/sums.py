"""What happens where paths are added: a sum of products as one product, and a batch norm before or after the sum."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from resnext_lib.figures.drawing import canvas, line, write
from resnext_lib.figures.palette import INK, PALE, PATH, SUM, WASH, WEIGHT

CELL = 25  # points


def sum_of_products(weights: Sequence[torch.Tensor], values: Sequence[torch.Tensor]) -> Figure:
    """Two paths' last 1x1s, integer matrices ``weights``, applied to ``values`` and added; below, the same as one product.

    The first path is grey, the second, which is followed, blue.
    """
    rows, deep = len(weights[0]), sum(len(value) for value in values)
    upper = 42
    lower = upper + rows * CELL + 52
    middle = lower + max(rows, deep) * CELL / 2
    fig, axes = canvas(lower + max(rows, deep) * CELL + 4)
    total = sum(weight @ value for weight, value in zip(weights, values, strict=True))
    write(axes, 4, 9, "Form A: two products, added", align="left", weight="bold")
    x = 4
    for path, (weight, value) in enumerate(zip(weights, values, strict=True)):
        if path:
            write(axes, x + 11, upper + rows * CELL / 2, "+", SUM, size=16, weight="bold")
            x += 24
        _name(axes, x + weight.shape[1] * CELL / 2, upper - 10, "A", path)
        x = _grid(axes, x, upper, [(weight, path)], side_by_side=True) + 7
        _name(axes, x + CELL / 2, upper - 10, "B", path)
        x = _grid(axes, x, upper + (rows - len(value)) * CELL / 2, [(value[:, None], path)], side_by_side=True)
    _result(axes, x, upper, total, upper + rows * CELL / 2)
    write(axes, 4, lower - 22, "Form B: one product", align="left", weight="bold")
    pieces = [(weight, path) for path, weight in enumerate(weights)]
    x = _grid(axes, 4, middle - rows * CELL / 2, pieces, side_by_side=True) + 7
    pieces = [(value[:, None], path) for path, value in enumerate(values)]
    x = _grid(axes, x, middle - deep * CELL / 2, pieces, side_by_side=False)
    _result(axes, x, middle - rows * CELL / 2, total, middle)
    return fig


def _name(axes, x, y, letter, path):
    write(axes, x, y, letter + "₁₂"[path])


def _grid(axes, left, top, pieces, side_by_side):
    """Matrices (numbers, path) beside or below one another, cell by cell; returns the right edge."""
    right = left
    for matrix, path in pieces:
        fill = (PALE, WASH)[path]
        for r, values in enumerate(matrix.tolist()):
            for c, value in enumerate(values):
                x, y = left + c * CELL, top + r * CELL
                axes.add_patch(Rectangle((x, y), CELL, CELL, facecolor=fill, edgecolor=INK, linewidth=0.6))
                write(axes, x + CELL / 2, y + CELL / 2, str(value))
        width, height = matrix.shape[1] * CELL, matrix.shape[0] * CELL
        if path:
            frame = Rectangle((left, top), width, height, fill=False, edgecolor=PATH, linewidth=2.2, zorder=4)
            axes.add_patch(frame)
        right = max(right, left + width)
        left, top = (left + width, top) if side_by_side else (left, top + height)
    return right


def _result(axes, x, top, total, middle):
    """An equals sign and the sum, a column of numbers."""
    write(axes, x + 12, middle, "=", size=14)
    for r, value in enumerate(total.tolist()):
        cell = Rectangle((x + 24, top + r * CELL), 34, CELL, fill=False, edgecolor=SUM, linewidth=1.5)
        axes.add_patch(cell)
        write(axes, x + 41, top + (r + 0.5) * CELL, str(value))


def norm_and_sum(paths: Sequence[Sequence[float]]) -> Figure:
    """One channel of two paths over a batch, as bars: one batch norm after their sum, or one in each path before it.

    ``paths`` are two lists of equally many numbers. Below every row of bars stands its standard deviation.
    """
    paths = [torch.as_tensor(values, dtype=torch.float64) for values in paths]
    inside = [_norm(values) for values in paths]
    rows = [
        ("One batch norm, after the sum", [*paths, _norm(sum(paths))]),
        ("A batch norm in each path", [*inside, sum(inside)]),
    ]
    fig, axes = canvas(2 * 136)
    for number, (title, bars) in enumerate(rows):
        top = number * 136
        write(axes, 2, top + 10, title, align="left", weight="bold")
        for column, (values, name) in enumerate(zip(bars, ("path 1", "path 2", "what leaves"), strict=True)):
            left = 2 + column * 126
            colour = (WEIGHT, PATH, SUM)[column]
            _bars(axes, values.tolist(), left, top + 70, colour)
            write(axes, left, top + 30, name, align="left")
            spread = values.std(correction=0).item()
            write(axes, left, top + 116, f"spread {spread:.1f}", align="left")
            if column < 2:
                write(axes, left + 112, top + 70, "+→"[column], INK, size=14)
    return fig


def _norm(values):
    """What batch norm does in train mode, before its own two numbers: mean 0, variance 1."""
    return (values - values.mean()) / values.std(correction=0)


def _bars(axes, values, left, zero, colour, unit=9, width=10):
    """Bars up and down from a line at ``zero``; a bar of 1 is ``unit`` points high."""
    line(axes, [(left, zero), (left + len(values) * (width + 2), zero)], INK, 0.8)
    for i, value in enumerate(values):
        x, y = left + i * (width + 2), zero - max(value, 0) * unit
        axes.add_patch(Rectangle((x, y), width, abs(value) * unit, facecolor=colour, edgecolor="none"))
