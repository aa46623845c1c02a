"""What happens to numbers while a network is trained: batch norm, and the stream that shortcuts carry."""

import numpy
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from resnext_lib.figures.drawing import WIDTH, canvas, line, write
from resnext_lib.figures.palette import INK, PALE, PATH, SUM, WEIGHT


def channel_histograms(before: torch.Tensor, after: torch.Tensor, follow: int = 1, span: float = 8) -> Figure:
    """How the numbers of each channel are spread, before and after batch norm, from two batches ``(N, C, H, W)``.

    A row is a channel, counted from 1 for readers; channel number ``follow`` is blue. Both columns have one scale,
    from -``span`` to ``span``.
    """
    channels = before.shape[1]
    fig, axes = canvas(64 * channels + 48)
    for column, (title, batch) in enumerate((("before", before), ("after", after))):
        left, width = 80 + 142 * column, 128
        write(axes, left, 10, title, align="left", weight="bold")
        for channel in range(channels):
            floor = 64 * channel + 76
            counts, edges = numpy.histogram(batch[:, channel].flatten().numpy(), bins=32, range=(-span, span))
            for count, edge in zip(counts / counts.max() * 46, edges, strict=False):
                x = left + (edge + span) / (2 * span) * width
                colour = PATH if channel == follow else WEIGHT
                axes.add_patch(Rectangle((x, floor - count), width / 32, count, facecolor=colour, edgecolor="none"))
            line(axes, [(left, floor), (left + width, floor)], INK, 0.8)
        line(axes, [(left + width / 2, 22), (left + width / 2, 64 * channels + 16)], INK, 0.8)
        write(axes, left + width / 2, 64 * channels + 28, "0")
    for channel in range(channels):
        write(axes, 2, 64 * channel + 52, f"channel {channel + 1}", align="left")
    return fig


def residual_stream(blocks: int) -> Figure:
    """The variance of the stream behind each of ``blocks`` blocks: a box for the stem, and one more for every branch."""
    side = 22
    fig, axes = canvas(side * (blocks + 1) + 68)
    step = (WIDTH - 20) / (blocks + 1)
    floor = side * (blocks + 1) + 28
    for block in range(blocks + 1):
        left = 10 + step * block
        for box in range(block + 1):
            colour = PATH if block and box == block else PALE
            size = (left, floor - side * (box + 1)), step - 14, side
            axes.add_patch(Rectangle(*size, facecolor=colour, edgecolor=INK, linewidth=0.8))
        middle = left + (step - 14) / 2
        write(axes, middle, floor + 14, "stem" if block == 0 else str(block))
        if block:
            write(axes, middle, floor - side * (block + 1) - 12, f"1/{block + 1}", PATH)
    line(axes, [(10, floor), (WIDTH - 10, floor)], SUM, 2.5)
    write(axes, WIDTH - 10, floor + 29, "after block", align="right")
    return fig
