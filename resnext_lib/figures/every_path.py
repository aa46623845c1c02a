"""Every path of a block, drawn to scale: what equal branches leave to choose."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from resnext_lib.figures.blocks import draw_sum
from resnext_lib.figures.drawing import WIDTH, canvas, line, write
from resnext_lib.figures.palette import INK, PATH, WEIGHT

SCALE, GAP, TOP = 1.55, 2.4, 26  # points: a channel, between two paths, and what lies above them


def every_path(*blocks: nn.Module) -> Figure:
    """The blocks side by side with all of their paths; a blue 3x3 is as high as its path has channels.

    The lines before and behind it stand for the path's two 1x1s.
    """
    heights = [block.width * SCALE + (block.cardinality - 1) * GAP for block in blocks]
    fig, axes = canvas(TOP + max(heights) + 26)
    centre, room = TOP + max(heights) / 2, WIDTH / len(blocks)
    for number, (block, height) in enumerate(zip(blocks, heights, strict=True)):
        left = number * room
        middle = left + room / 2
        paths, d = block.cardinality, block.width // block.cardinality
        write(axes, middle, 9, f"{paths} path of {d}" if paths == 1 else f"{paths} paths of {d}", weight="bold")
        for path in range(paths):
            top = centre - height / 2 + path * (d * SCALE + GAP)
            line(axes, [(left + 8, centre), (middle - 12, top + d * SCALE / 2)], WEIGHT, 0.8)
            line(axes, [(middle + 12, top + d * SCALE / 2), (left + room - 22, centre)], WEIGHT, 0.8)
            axes.add_patch(
                Rectangle((middle - 12, top), 24, d * SCALE, facecolor=PATH, edgecolor=INK, linewidth=0.5, zorder=3)
            )
        draw_sum(axes, left + room - 19, centre)
        write(axes, middle, TOP + max(heights) + 14, f"{paths} × {d} = {block.width}")
    return fig
