"""What becomes of a network without one of its paths, and how alike its paths are."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from resnext_lib.figures.blocks import draw_sum
from resnext_lib.figures.drawing import LETTERING, WIDTH, canvas, line, plot, write
from resnext_lib.figures.palette import INK, LINE, PALE, PAPER, PATH, SUM


def removed_path(paths: int = 16) -> Figure:
    """A block as a sum of paths with the second taken out, and the batch norm that still has the old sum's statistics."""
    fig, axes = canvas(176)
    line(axes, [(2, 88), (20, 88)])
    line(axes, [(12, 88), (12, 10), (322, 10), (322, 79)], SUM, 2.5)
    line(axes, [(20, 44), (20, 152)])
    for y, text, present in ((44, "path 1", True), (80, "path 2", False), (152, f"path {paths}", True)):
        line(axes, [(20, y), (30, y)], INK if present else LINE)
        edge, face = (INK, PALE) if present else (PATH, PAPER)
        style = "-" if present else (0, (4, 3))
        axes.add_patch(
            Rectangle((30, y - 14), 64, 28, facecolor=face, edgecolor=edge, linewidth=1.4, linestyle=style, zorder=3)
        )
        write(axes, 62, y, text, INK if present else PATH)
        if present:
            line(axes, [(94, y), (124, y)])
    write(axes, 62, 116, "⋯")
    line(axes, [(124, 44), (124, 152)])
    draw_sum(axes, 124, 88)
    line(axes, [(133, 88), (158, 88)], arrow=True)
    axes.add_patch(Rectangle((158, 52), 134, 72, facecolor=PAPER, edgecolor=INK, linewidth=1.4, zorder=3))
    for row, text in enumerate(("batch norm,", "mean and variance", f"of {paths} paths")):
        write(axes, 225, 70 + 18 * row, text)
    line(axes, [(292, 88), (313, 88)], arrow=True)
    draw_sum(axes, 322, 88)
    line(axes, [(331, 88), (WIDTH - 2, 88)], arrow=True)
    return fig


def losses_by_block(networks: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], blocks: Sequence[str]) -> Figure:
    """Points lost without each path, in a panel for each network: ``{title: {block: [(points, standard error), ...]}}``.

    The paths of a block stand in the order of their losses; the bars reach two standard errors up and down.
    """
    height = 170
    fig, _ = plot(height * len(networks))
    fig.clear()
    ends = [p + s * e for found in networks.values() for values in found.values() for p, e in values for s in (-2, 2)]
    least, most = min(0, *ends), max(ends)
    for panel, (title, found) in enumerate(networks.items()):
        bottom = 1 - (panel + 1) / len(networks) + 38 / (height * len(networks))
        axes = fig.add_axes((44 / WIDTH, bottom, (WIDTH - 50) / WIDTH, (height - 62) / (height * len(networks))))
        _style(axes)
        axes.set_title(title, fontsize=LETTERING, loc="left", color=INK)
        for number, block in enumerate(blocks):
            for place, (points, error) in enumerate(sorted(found[block])):
                x = number + (place - (len(found[block]) - 1) / 2) * 0.05
                axes.plot([x, x], [points - 2 * error, points + 2 * error], color=PATH, linewidth=0.8)
                axes.plot([x], [points], "o", color=PATH, markersize=2.6)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set(ylim=(1.05 * least - 0.05, most * 1.05), ylabel="points lost", xlim=(-0.55, len(blocks) - 0.45))
        axes.set_xticks(range(len(blocks)), [block.removeprefix("layer") for block in blocks])
    axes.set_xlabel("block: stage.number")
    return fig


def kept_and_estimated(kept: Sequence[float], estimated: Sequence[float], limit: float) -> Figure:
    """Two lists of losses of the same paths: with the old statistics, and with statistics estimated anew.

    A loss above ``limit`` would squeeze all others: its dot stands at the edge as an arrow, with its value.
    """
    fig, axes = plot(250, left=50, bottom=44, right=16)
    _style(axes)
    top = 1.15 * max(estimated)
    axes.plot([0, top], [0, top], color=INK, linewidth=0.8)
    axes.text(0.93 * top, top, "no change ", ha="right", va="center", fontsize=LETTERING, color=INK)
    axes.axhline(0, color=LINE, linewidth=0.8, zorder=0)
    for old, new in zip(kept, estimated, strict=True):
        axes.plot([min(old, limit)], [new], ">" if old > limit else "o", color=PATH, markersize=6 if old > limit else 3.4)
        if old > limit:
            axes.text(0.975 * limit, new, f"{old:.1f}", ha="right", va="center", fontsize=LETTERING, color=INK)
    axes.set(xlabel="points lost, old statistics", ylabel="re-estimated", xlim=(-0.15, 1.02 * limit), ylim=(-0.15, top))
    return fig


def likeness_by_block(
    trained: Mapping[str, Sequence[float]], untrained: Mapping[str, Sequence[float]], ylabel: str
) -> Figure:
    """Values of trained and untrained networks, block by block: ``{block: [value, ...]}`` each."""
    fig, axes = plot(220, left=58, bottom=44)
    _style(axes)
    for number, block in enumerate(trained):
        for values, shift, face in ((untrained[block], -0.15, PAPER), (trained[block], 0.15, PATH)):
            places = [number + shift + 0.05 * (n - (len(values) - 1) / 2) for n in range(len(values))]
            axes.plot(places, values, "o", color=PATH, markerfacecolor=face, markersize=5)
    first = list(trained)[0]
    axes.text(0.32, max(trained[first]), "trained", ha="left", va="center", fontsize=LETTERING, color=INK)
    last = len(trained) - 1
    axes.text(
        last - 0.15,
        1.35 * max(untrained[list(trained)[-1]]),
        "untrained",
        ha="center",
        va="bottom",
        fontsize=LETTERING,
        color=INK,
    )
    axes.set(xlabel="block: stage.number", ylabel=ylabel, ylim=(0, None))
    axes.set_xticks(range(len(trained)), [block.removeprefix("layer") for block in trained])
    return fig


def _style(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=LETTERING, colors=INK)
    axes.xaxis.label.set_size(LETTERING)
    axes.yaxis.label.set_size(LETTERING)
