"""A batch norm folded into the convolution before it, with the numbers of one channel."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from resnext_lib.figures.drawing import WIDTH, canvas, line, write
from resnext_lib.figures.palette import INK, PALE

HEIGHT, BOX, HIGH = 178, 118, 44  # points; of the figure, the width and height of a layer
FIRST, SECOND = 46, 196  # points; where the two layers begin


def folding(weight: float, mean: float, deviation: float, scale: float, shift: float, x: float) -> Figure:
    """Two rows: ``x`` through a 1x1 with one ``weight`` and a batch norm, and through one convolution that does both.

    ``deviation`` is the root of the variance (and epsilon), ``scale`` and ``shift`` are batch norm's own two numbers.
    Every number that is drawn is computed from these.
    """
    fig, axes = canvas(HEIGHT)
    between = weight * x
    result = scale * (between - mean) / deviation + shift
    folded_weight = scale / deviation * weight
    folded_bias = shift - scale / deviation * mean
    _row(axes, 22, "two layers", [x, between, result])
    _layer(axes, FIRST, 22, "convolution", f"× {weight:g}", PALE)
    _layer(axes, SECOND, 22, "batch norm", f"(· − {mean:g}) / {deviation:g} × {scale:g} + {shift:g}", PALE)
    _row(axes, 110, "folded: one layer", [x, result])
    _layer(axes, (FIRST + SECOND) / 2, 110, "convolution", f"× {folded_weight:g} + {folded_bias:g}", PALE)
    return fig


def _row(axes, top, title, values):
    """The line that the numbers travel on, with each number above it."""
    middle = top + 10 + HIGH / 2
    write(axes, 4, top - 10, title, align="left", weight="bold")
    line(axes, [(4, middle), (WIDTH - 6, middle)], arrow=True)
    places = [22, (FIRST + BOX + SECOND) / 2, WIDTH - 22] if len(values) == 3 else [22, WIDTH - 22]
    for place, value in zip(places, values, strict=True):
        write(axes, place, middle - 10, f"{value:g}")


def _layer(axes, left, top, name, does, fill):
    axes.add_patch(Rectangle((left, top + 10), BOX, HIGH, facecolor=fill, edgecolor=INK, linewidth=1, zorder=3))
    write(axes, left + BOX / 2, top + 22, name)
    write(axes, left + BOX / 2, top + 42, does)
