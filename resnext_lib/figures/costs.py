"""Bars of what layers and networks cost."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from resnext_lib.figures.drawing import WIDTH, canvas, text_width, write
from resnext_lib.figures.palette import INK, PALE, PATH


def cost_bars(rows: Sequence[tuple], unit: str, limit: float | None = None, hatch: str | None = "////") -> Figure:
    """Horizontal bars: ``rows`` are (label, value) or (label, value, emphasised). ``limit`` draws a dashed post.

    A bar that is emphasised is blue, another one grey and hatched, so that grey print keeps them apart; where nothing
    is compared with ResNet, ``hatch`` is ``None``.
    """
    rows = [(*row, True)[:3] for row in rows]
    room = max(text_width(f"{value:,}") for _, value, _ in rows) + 8
    left = max(text_width(label) for label, _, _ in rows) + 8
    most = max([value for _, value, _ in rows] + [limit or 0])
    fig, axes = canvas(24 * len(rows) + 30)
    scale = (WIDTH - left - room) / most
    write(axes, left, 10, unit, align="left", weight="bold")
    for i, (label, value, emphasised) in enumerate(rows):
        y = 24 + 24 * i
        write(axes, left - 6, y + 9, label, align="right")
        axes.add_patch(
            Rectangle(
                (left, y),
                max(value * scale, 0.8),
                18,
                facecolor=PATH if emphasised else PALE,
                edgecolor=INK,
                linewidth=0.8,
                hatch=None if emphasised else hatch,
            )
        )
        write(axes, left + value * scale + 4, y + 9, f"{value:,}", align="left")
    if limit:
        axes.plot([left + limit * scale] * 2, [20, 24 * len(rows) + 22], "--", color=INK, linewidth=1.5)
    return fig


def share_bars(rows: Sequence[tuple], parts: Sequence[str], unit: str) -> Figure:
    """Stacked bars on one axis: ``rows`` are (label, values), one value for each of ``parts``.

    The middle part is the 3x3 and blue, the others grey; the total stands at the end.
    """
    most = max(sum(values) for _, values in rows)
    left = max(text_width(label) for label, _ in rows) + 8
    scale = (WIDTH - left - text_width(f"{most:,}") - 12) / most
    fig, axes = canvas(26 * len(rows) + 50)
    write(axes, left, 10, unit, align="left", weight="bold")
    for i, (label, values) in enumerate(rows):
        x = left
        write(axes, left - 6, 34 + 26 * i, label, align="right")
        for part, value in enumerate(values):
            blue = part == 1
            axes.add_patch(
                Rectangle(
                    (x, 24 + 26 * i), value * scale, 20, facecolor=PATH if blue else PALE, edgecolor=INK, linewidth=0.8
                )
            )
            x += value * scale
        write(axes, x + 4, 34 + 26 * i, f"{sum(values):,}", align="left")
    write(axes, left, 38 + 26 * len(rows), " + ".join(parts), align="left")
    return fig


def two_costs(
    rows: Sequence[tuple],
    titles: Sequence[str] = ("weights", "MACs"),
    formats: tuple[str, str] = ("{:,}", "{:,}"),
    hatch: str | None = None,
) -> Figure:
    """Two costs of each row beside each other: ``rows`` are (label, first, second), each column with a scale of its own.

    ``formats`` says how the numbers at the ends of the bars are written; ``hatch`` is for bars of ResNet.
    """
    left = max(text_width(label) for label, *_ in rows) + 10
    room = (WIDTH - left) / 2
    fig, axes = canvas(26 * len(rows) + 26)
    for column, (title, text) in enumerate(zip(titles, formats, strict=True)):
        values = [row[column + 1] for row in rows]
        written = [text.format(value) for value in values]
        x, scale = left + column * room, (room - max(map(text_width, written)) - 12) / max(values)
        write(axes, x, 10, title, align="left", weight="bold")
        for row, (value, number) in enumerate(zip(values, written, strict=True)):
            size = (x, 24 + 26 * row), max(value * scale, 0.8), 18
            axes.add_patch(Rectangle(*size, facecolor=PALE, edgecolor=INK, linewidth=0.8, hatch=hatch))
            write(axes, x + value * scale + 4, 33 + 26 * row, number, align="left")
    for row, (label, *_) in enumerate(rows):
        write(axes, left - 6, 33 + 26 * row, label, align="right")
    return fig
