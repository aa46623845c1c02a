"""What reaches what, measured by gradients: channels through a module, pixels through a window."""

import copy
from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from resnext_lib.figures.drawing import WIDTH, canvas, draw_grid, write
from resnext_lib.figures.palette import PATH


def reach(module: nn.Module, in_channels: int, size: int = 5) -> torch.Tensor:
    """Which input channels reach which output channels: bool ``(out, in)``, measured by gradient.

    Runs in float64 and eval mode on a copy of ``module`` with positive random weights, so that no
    ReLU and no cancellation hides a connection. ``size`` is the map's height and width.
    """
    copied = copy.deepcopy(module).double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator, dtype=torch.float64) + 0.1)
    x = torch.ones(1, in_channels, size, size, dtype=torch.float64, requires_grad=True)
    totals = copied(x).sum(dim=(0, 2, 3))
    rows = [torch.autograd.grad(total, x, retain_graph=True)[0].abs().sum(dim=(0, 2, 3)) for total in totals]
    return torch.stack(rows) > 0


def _draw_reach(axes, reached, left, top, scale):
    for row, column in reached.nonzero().tolist():
        axes.add_patch(Rectangle((left + column * scale, top + row * scale), scale, scale, facecolor=PATH, edgecolor="none"))
    draw_grid(axes, left, top, *reached.shape, scale)


def receptive_field(module: nn.Module, size: int) -> torch.Tensor:
    """Which pixels of a ``size`` x ``size`` image the middle output pixel sees: bool ``(H, W)``."""
    convolution = next(m for m in module.modules() if isinstance(m, nn.Conv2d))
    x = torch.ones(1, convolution.in_channels, size, size, requires_grad=True)
    output = module(x)
    output[0, :, output.shape[2] // 2, output.shape[3] // 2].sum().backward()
    return x.grad.abs().sum(dim=(0, 1)) > 0


def receptive_field_figure(fields: Sequence[torch.Tensor], titles: Sequence[str]) -> Figure:
    """Measured receptive fields side by side: blue is a pixel that the output pixel depends on."""
    scale = (WIDTH - 20 * len(fields)) / sum(f.shape[1] for f in fields)
    fig, axes = canvas(max(f.shape[0] for f in fields) * scale + 48)
    left = 6
    for seen, title in zip(fields, titles, strict=True):
        rows, columns = seen.shape
        write(axes, left, 10, title, align="left", weight="bold")
        _draw_reach(axes, seen, left, 24, scale)
        side = int(seen.any(dim=0).sum())
        write(axes, left, 24 + rows * scale + 13, f"sees {side}×{side}", align="left")
        left += columns * scale + 16
    return fig
