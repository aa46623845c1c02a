"""Small grey pictures in rows, with a line or two of lettering below each."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure

from resnext_lib.figures.drawing import WIDTH, canvas, write

SIDE = 48  # points; of a picture
LINE_HEIGHT = 16  # points


def picture_grid(pictures: torch.Tensor, lines: Sequence[tuple[str, ...]], columns: int = 5) -> Figure:
    """``pictures`` (N, H, W), bytes, dark on paper, ``columns`` a row; below each its tuple of ``lines``."""
    step = WIDTH / columns
    height = SIDE + LINE_HEIGHT * max(len(texts) for texts in lines) + 14
    rows = -(-len(pictures) // columns)
    fig, axes = canvas(height * rows)
    for number, (picture, texts) in enumerate(zip(pictures, lines, strict=True)):
        middle, top = step * (number % columns + 0.5), height * (number // columns) + 2
        extent = (middle - SIDE / 2, middle + SIDE / 2, top + SIDE, top)
        axes.imshow(255 - picture.numpy(), cmap="gray", vmin=0, vmax=255, extent=extent)
        for row, text in enumerate(texts):
            write(axes, middle, top + SIDE + 9 + LINE_HEIGHT * row, text)
    axes.set(xlim=(0, WIDTH), ylim=(height * rows, 0), aspect="auto")
    return fig
