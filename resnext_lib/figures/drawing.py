"""What every figure is drawn with: a canvas measured in points, lettering, lines, grids."""

from collections.abc import Sequence
from functools import cache

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from resnext_lib.figures.palette import INK, LINE, PAPER

WIDTH = 360  # points; every figure
LETTERING = 12  # points
ROW = 40  # points; the height of a lane
MARK = 8  # points; the largest mark of a chart
# What matplotlib draws of itself is black, and black is no colour of the palette: on a dark page it cannot be seen.
IN_INK = {
    f"{part}color": INK
    for part in ("text.", "axes.label", "axes.title", "axes.edge", "xtick.", "ytick.", "patch.edge", "hatch.")
}


def canvas(height: float) -> tuple[Figure, Axes]:
    """A blank figure, 360 by ``height`` points, and its axes in points with y growing downwards."""
    fig = Figure(figsize=(WIDTH / 72, height / 72), facecolor=PAPER)
    with matplotlib.rc_context(IN_INK):
        axes = fig.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    return fig, axes


def plot(
    height: float = 230, left: float = 48, bottom: float = 40, top: float = 14, right: float = 12
) -> tuple[Figure, Axes]:
    """A figure with one pair of axes in the book's style, for curves and points."""
    fig, (axes,) = panels(1, height, left, bottom, top, right)
    return fig, axes


def _in_the_books_style(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=LETTERING, colors=INK)
    axes.xaxis.label.set_size(LETTERING)
    axes.yaxis.label.set_size(LETTERING)
    return axes


def panels(
    count: int,
    height: float = 230,
    left: float = 48,
    bottom: float = 40,
    top: float = 14,
    right: float = 12,
    between: float = 16,
) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` pairs of axes side by side in the book's style, all with one vertical scale."""
    fig = Figure(figsize=(WIDTH / 72, height / 72), facecolor=PAPER)
    width = (WIDTH - left - right - between * (count - 1)) / count
    found = []
    for number in range(count):
        start = left + number * (width + between)
        box = (start / WIDTH, bottom / height, width / WIDTH, (height - bottom - top) / height)
        with matplotlib.rc_context(IN_INK):
            axes = fig.add_axes(box, sharey=found[0] if found else None)
        found.append(_in_the_books_style(axes))
    return fig, found


def text_width(text: str, size: float = LETTERING) -> float:
    """Width of ``text`` in points."""
    return _text_width(text, size, tuple(matplotlib.rcParams["font.family"])) if text.strip() else 0


@cache  # matplotlib goes along the outline of every letter, in milliseconds, and the same words are measured often
def _text_width(text, size, families):
    return TextPath((0, 0), text, size=size, prop=FontProperties(family=list(families))).get_extents().width


def write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str = INK,
    align: str = "center",
    size: float = LETTERING,
    weight: str = "normal",
) -> None:
    """Write ``text`` with its middle line at ``y``; ``align`` says which of its sides is at ``x``. Unit: points."""
    axes.text(x, y, text, ha=align, va="center", color=colour, fontsize=size, fontweight=weight, zorder=4)


def line(
    axes: Axes, points: Sequence[tuple[float, float]], colour: str = INK, width: float = 1.2, arrow: bool = False
) -> None:
    """A line through ``points``; with ``arrow`` it ends in a head, which in a chart stands before the mark that is there."""
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=colour, linewidth=width, solid_capstyle="butt", solid_joinstyle="round", zorder=2)
    if arrow:
        (x0, y0), (x1, y1) = points[-2:]
        axes.annotate(
            "",
            (x1, y1),
            (x0, y0),
            arrowprops=dict(
                arrowstyle="-|>,head_width=0.22,head_length=0.38",
                color=colour,
                linewidth=width,
                shrinkA=0,
                shrinkB=MARK / 2 + 1 if axes.axison else 0,
            ),
        )


def draw_grid(axes: Axes, left: float, top: float, rows: int, columns: int, scale: float) -> None:
    """Thin lines round ``rows`` by ``columns`` cells of ``scale`` points."""
    for r in range(rows + 1):
        line(axes, [(left, top + r * scale), (left + columns * scale, top + r * scale)], LINE, 0.8)
    for c in range(columns + 1):
        line(axes, [(left + c * scale, top), (left + c * scale, top + rows * scale)], LINE, 0.8)
