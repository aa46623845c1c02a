"""Spend a budget: how many paths, and how wide, for the weights of ResNet's block."""

from resnext_lib import figures
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import RESNET_BUDGET, width_for_budget
from resnext_lib.explorers.explorer import Explorer, convolutions
from resnext_lib.published import published

CAPTION = (
    "The price is that of ResNet's block. Choose the number of paths, and see how wide they become and which "
    "layers take the weights. Errors stand where the paper measured them."
)


def spend_a_budget() -> Explorer:
    """The budget of ResNet's block spent on C paths: what the 3x3 saves, the 1x1s eat."""
    stops, side = [1, 2, 4, 8, 16, 32, 64, 128], 56
    measured = {
        pair: published(f"table3.50-layers.{pair}")["value"] for pair in ("1x64d", "2x40d", "4x24d", "8x14d", "32x4d")
    }
    bars, rows = (
        [],
        [["C", "d", "C·d", "1×1", "3×3", "1×1", "weights", "against the budget", f"MACs, {side}×{side}", "top-1 error, %"]],
    )
    for c in stops:
        d = width_for_budget(c)
        parts = [layer.weight.numel() for layer in convolutions(Bottleneck(256, c * d, 256, c))]
        bars.append((f"{c}×{d}d", parts))
        rows.append(
            [
                c,
                d,
                c * d,
                *parts,
                sum(parts),
                f"{100 * (sum(parts) / RESNET_BUDGET - 1):+.1f} %".replace("-", "−"),
                sum(parts) * side * side,
                measured.get(f"{c}x{d}d", "not measured"),
            ]
        )
    fig = figures.share_bars(bars, ["first 1×1", "3×3 (blue)", "last 1×1"], "weights of a block")
    alt = (
        "Eight stacked bars of nearly equal length, for 1 to 128 paths. The blue 3x3 shrinks from more than half of the "
        "bar to a sliver, and the two 1x1s grow into the room that it leaves."
    )
    data = dict(stops=stops, channels=256, widest=64, budget=RESNET_BUDGET, map=side, errors=measured)
    source = published("table3.50-layers.32x4d")["source"]
    heading = f"Blocks near {RESNET_BUDGET:,} weights; errors of the 50-layer networks from {source}"
    return Explorer("spend_a_budget", fig, alt, CAPTION, heading, rows, data)
