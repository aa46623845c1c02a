"""What studies found: differences of paired runs, with their intervals."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from resnext_lib.figures.drawing import LETTERING, WIDTH, panels
from resnext_lib.figures.palette import INK, PAPER, WEIGHT

ROW_HEIGHT = 34  # points; of a comparison


def difference_panels(outcomes: Mapping[str, Sequence[tuple]], unit: str, apart: float | None = None) -> Figure:
    """Paired differences with their intervals: a panel for every outcome, a row for every comparison.

    ``outcomes`` is ``{title: [(label, values, mean, half width)]}`` with the same labels in every panel. A small circle is
    a pair of runs, the line is the interval, the large mark its mean: filled where the interval leaves out 0.
    ``unit`` stands below the panels; ``apart`` is the distance of the ticks. Raises ``ValueError`` for unequal labels.
    """
    titles, rows = list(outcomes), list(outcomes.values())
    labels = [label for label, *_ in rows[0]]
    if any([label for label, *_ in found] != labels for found in rows):
        raise ValueError("outcomes must compare the same, in the same order, in every panel")
    fig, axes = panels(len(titles), height=ROW_HEIGHT * len(labels) + 66, left=_room(labels), bottom=42, top=26)
    for panel, title, found in zip(axes, titles, rows, strict=True):
        panel.axvline(0, color=INK, linewidth=1, zorder=1)
        for y, (_, values, mean, half_width) in enumerate(found):
            _draw_difference(panel, y, values, mean, half_width)
        panel.set_title(title, fontsize=LETTERING, loc="left", color=INK)
        panel.set_yticks(range(len(labels)), labels)
        panel.set_ylim(len(labels) - 0.5, -0.5)
        panel.margins(x=0.08)
        if apart is not None:
            panel.xaxis.set_major_locator(MultipleLocator(apart))
    axes[0].tick_params(axis="y", length=0)
    for panel in axes[1:]:
        panel.tick_params(axis="y", length=0, labelleft=False)
    fig.text(0.5, 8 / (ROW_HEIGHT * len(labels) + 66), unit, ha="center", va="bottom", fontsize=LETTERING, color=INK)
    return fig


def _draw_difference(axes, y, values, mean, half_width):
    """One comparison: the pairs a little above the line, the interval, its mean."""
    found = abs(mean) > half_width
    axes.plot(values, [y - 0.22] * len(values), "o", color=WEIGHT, markersize=3.5, zorder=2)
    axes.plot([mean - half_width, mean + half_width], [y, y], color=INK, linewidth=2, zorder=3)
    axes.plot(mean, y, "s", color=INK if found else PAPER, markeredgecolor=INK, markersize=7, zorder=4)


def _room(labels):
    """Points left of the panels for their longest label; a letter takes about 7."""
    return min(0.43 * WIDTH, 12 + 7 * max(map(len, labels)))
