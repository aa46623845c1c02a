"""The three forms as moves of the same weights: a lane for every path, gaps where paths have layers of their own."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from resnext_lib.blocks import Bottleneck
from resnext_lib.figures.drawing import canvas, line, write
from resnext_lib.figures.matrices import kernel_blocks
from resnext_lib.figures.palette import INK, PAPER, PATH, WEIGHT


def middle_masks(block: nn.Module) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Which weights exist, with a row for every middle channel: (first 1x1, 3x3, last 1x1 transposed).

    Three bool matrices ``(width, in)``, ``(width, width)``, ``(width, out)``, read from a form A, B or C
    or from any three convolutions in a row.
    """
    if hasattr(block, "cardinality"):
        flat = Bottleneck(block.in_channels, block.width, block.out_channels, block.cardinality, block.stride)
        layers = [flat.conv1, flat.conv2, flat.conv3]
    else:
        layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    masks = []
    for layer in layers:
        mask = torch.zeros(layer.out_channels, layer.in_channels, dtype=torch.bool)
        for row, column, rows, columns in kernel_blocks(layer):
            mask[row : row + rows, column : column + columns] = True
        masks.append(mask)
    return masks[0], masks[1], masks[2].T


def lanes(*blocks: nn.Module, titles: Sequence[str], follow: int = 1) -> Figure:
    """The weights of blocks with a lane for every path; path number ``follow`` is blue.

    A gap between lanes says that the paths have separate layers there. Where a gap closes, layers have
    become one; no weight moves past another.
    """
    side, gap = 7.5, 5
    rows = max(mask.shape[0] for block in blocks for mask in middle_masks(block)[:1])
    strip = rows * side + 4 * gap + 44
    fig, axes = canvas(strip * len(blocks) + 4)
    for number, (block, title) in enumerate(zip(blocks, titles, strict=True)):
        top = strip * number
        write(axes, 4, top + 10, title, align="left", weight="bold")
        left = 4
        for mask, separate, label in zip(middle_masks(block), _separate(block), ("1×1", "3×3", "1×1"), strict=True):
            _draw_lanes_of_weights(axes, mask, block, (left, top + 24), (side, gap if separate else 0), follow)
            write(axes, left + mask.shape[1] * side / 2, top + strip - 12, label)
            left += mask.shape[1] * side + 22
    return fig


def _separate(block):
    """For each of the three layers: does every path have its own?"""
    own = hasattr(block, "paths")
    return own, own, own and not hasattr(block, "conv3")


def _draw_lanes_of_weights(axes, mask, block, corner, size, follow):
    (left, top), (side, gap) = corner, size
    paths = _number_of_paths(block)
    rows, columns = mask.shape
    depth = rows // paths
    top += 2 * (5 - gap)  # closed lanes stand in the middle of the strip
    for row in range(rows):
        kept = mask[row].nonzero().flatten()  # neighbours, so one rectangle is enough
        y, path = top + row * side + row // depth * gap, row // depth
        axes.add_patch(
            Rectangle(
                (left + int(kept[0]) * side, y),
                len(kept) * side,
                side,
                edgecolor="none",
                facecolor=PATH if path == follow else WEIGHT,
            )
        )
        line(axes, [(left, y), (left + columns * side, y)], PAPER, 0.6)
    for column in range(1, columns):
        x = left + column * side
        line(axes, [(x, top), (x, top + rows * side + (paths - 1) * gap)], PAPER, 0.6)
    for lane in range(paths if gap else 1):
        height = (depth if gap else rows) * side
        axes.add_patch(
            Rectangle(
                (left, top + lane * (depth * side + gap)),
                columns * side,
                height,
                fill=False,
                edgecolor=INK,
                linewidth=0.9,
                zorder=3,
            )
        )


def _number_of_paths(block):
    """C of a form, or the groups of the middle of any three convolutions in a row."""
    if hasattr(block, "cardinality"):
        return block.cardinality
    return [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)][1].groups
