"""Bars of what layers and networks cost."""

from matplotlib.patches import Rectangle

from resnext_lib.complexity import layer_costs
from resnext_lib.figures.drawing import WIDTH, canvas, line, text_width, write
from resnext_lib.figures.palette import INK, PALE, PATH, SUM


def cost_bars(rows, unit, limit=None):
    """Horizontal bars: ``rows`` are (label, value) or (label, value, emphasised). ``limit`` draws a post.

    A bar that is emphasised is blue, another one grey and hatched, so that grey print keeps them apart.
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
                hatch=None if emphasised else "////",
            )
        )
        write(axes, left + value * scale + 4, y + 9, f"{value:,}", align="left")
    if limit:
        line(axes, [(left + limit * scale, 20), (left + limit * scale, 24 * len(rows) + 22)], SUM, 2)
    return fig


def share_bars(rows, parts, unit):
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


def layer_cost_bars(module, input_shape, what="weights"):
    """Bars of ``weights`` (without biases) or ``macs`` for every convolution; the spatial ones are blue."""
    rows = []
    for cost in layer_costs(module, input_shape):
        if cost.kind == "Conv2d":
            layer = module.get_submodule(cost.name)
            size = layer.kernel_size[0]
            label = f"{size}×{size}, {layer.in_channels} to {layer.out_channels}"
            rows.append((label, cost.macs if what == "macs" else layer.weight.numel(), size > 1))
    return cost_bars(rows, "MACs, one image" if what == "macs" else what)
