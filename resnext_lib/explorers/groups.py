"""Drag the groups: which channels meet, and what is multiplied, as a layer is cut into more groups."""

from torch import nn

from resnext_lib import figures
from resnext_lib.complexity import count_macs
from resnext_lib.explorers.explorer import Explorer

CHANNELS, SIDE = 16, 56
STOPS = [1, 2, 4, 8, 16]
DRAWN = [1, 2, 4, 16]  # as many as stand side by side

CAPTION = (
    "Two grouped 3×3s, one after the other. Raise the number of groups, or switch the shuffle on, and see which "
    "pairs of channels still meet."
)


def _layer(groups):
    return nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=groups, bias=False)


def _two_layers(groups, shuffle):
    """Two grouped layers, with a channel shuffle between them or without."""
    between = [nn.ChannelShuffle(groups)] if shuffle else []
    return nn.Sequential(_layer(groups), *between, _layer(groups))


def drag_the_groups() -> Explorer:
    """A 3x3 in 1 to 16 groups: its edges, its multiplications, and the pairs of channels that never meet."""
    rows = [
        ["groups", "channels each", "weights", f"MACs, {SIDE}×{SIDE}", "pairs that meet", "in two layers", "and a shuffle"]
    ]
    for groups in STOPS:
        layer = _layer(groups)
        modules = [layer, _two_layers(groups, False), _two_layers(groups, True)]
        met = [int(figures.reach(module, CHANNELS).sum()) for module in modules]
        macs = count_macs(layer, (CHANNELS, SIDE, SIDE))
        rows.append(
            [groups, CHANNELS // groups, layer.weight.numel(), macs, *(f"{pairs} of {CHANNELS**2}" for pairs in met)]
        )
    fig = figures.weight_matrix(
        *map(_layer, DRAWN), titles=[f"{groups} group{'s' if groups > 1 else ''}" for groups in DRAWN]
    )
    alt = (
        "Four tables of kernels, 16 outputs by 16 inputs. With 1 group the table is full. With 2, 4 and 16 groups only 2, 4 "
        "and 16 ever smaller blocks on the diagonal are left."
    )
    heading = f"A 3×3 of {CHANNELS} channels in and out"
    return Explorer("drag_the_groups", fig, alt, CAPTION, heading, rows, dict(channels=CHANNELS, stops=STOPS, side=SIDE))
