"""Numbers to choose: GoogLeNet's widths, module by module, beside ResNeXt's two numbers."""

from collections.abc import Sequence

import torch
from matplotlib.patches import Rectangle

from resnext_lib import figures
from resnext_lib.blocks import Inception
from resnext_lib.complexity import count_parameters
from resnext_lib.explorers.explorer import Explorer
from resnext_lib.figures.palette import INK, PALE, PATH
from resnext_lib.networks import GOOGLENET_MODULES, resnext50_32x4d

CAPTION = "The six widths of one GoogLeNet module on sliders, and beside them what has to be chosen for ResNeXt-50."
IN_CHANNELS = 192  # of GoogLeNet's first module
WIDTHS = {
    "conv1x1": "1×1",
    "reduce3x3": "1×1 before the 3×3",
    "conv3x3": "3×3",
    "reduce5x5": "1×1 before the 5×5",
    "conv5x5": "5×5",
    "pool_projection": "1×1 after the pooling",
}
PATHS = [1, 2, 4, 8, 16, 32, 64]


def nine_modules(widths: Sequence[Sequence[int]]) -> list[Inception]:
    """GoogLeNet's row of modules, each with six of ``widths``, lists in the order of its table; without data."""
    modules, in_channels = [], IN_CHANNELS
    with torch.device("meta"):
        for own in widths:
            modules.append(Inception(in_channels, **dict(zip(WIDTHS, own, strict=True))))
            in_channels = modules[-1].out_channels
    return modules


def _still(widths, names):
    """Nine times six bars, and below them ResNeXt's two."""
    fig, axes = figures.canvas(200)
    scale, column = 90 / max(max(own) for own in widths), figures.WIDTH / len(widths)
    figures.write(axes, 2, 10, "GoogLeNet", align="left", weight="bold")
    for number, (name, own) in enumerate(zip(names, widths, strict=True)):
        for place, width in enumerate(own):
            corner = (number * column + 3 + 5.5 * place, 116 - scale * width)
            axes.add_patch(Rectangle(corner, 4.5, scale * width, facecolor=PALE, edgecolor=INK, linewidth=0.6))
        figures.write(axes, (number + 0.5) * column, 128, name)
    figures.write(axes, 2, 156, "ResNeXt-50", align="left", weight="bold")
    for place, (letter, width) in enumerate((("C", 32), ("d", 4))):
        y = 150 + 24 * place
        axes.add_patch(Rectangle((100, y), 5 * width, 13, facecolor=PATH, edgecolor=INK, linewidth=0.6))
        figures.write(axes, 104 + 5 * width, y + 7, f"{letter}: {width}", align="left")
    return fig


def numbers_to_choose() -> Explorer:
    """The widths of GoogLeNet's nine modules on sliders, coupled to the counts, beside ResNeXt-50's C and d."""
    widths = [[own[name] for name in WIDTHS] for own in GOOGLENET_MODULES.values()]
    rows = [["part", *WIDTHS.values(), "channels out", "parameters"]]
    for name, module, own in zip(GOOGLENET_MODULES, nine_modules(widths), widths, strict=True):
        rows.append([f"module {name}", *own, module.out_channels, count_parameters(module)])
    with torch.device("meta"):
        network = resnext50_32x4d()
    stages = [network.layer1, network.layer2, network.layer3, network.layer4]
    blocks = sum(map(len, stages))
    rows.append(
        [
            f"ResNeXt-50, {blocks} blocks",
            "C:\N{NO-BREAK SPACE}32",
            "d:\N{NO-BREAK SPACE}4",
            *[""] * 4,
            stages[-1][-1].out_channels,
        ]
        + [sum(map(count_parameters, stages))]
    )
    alt = (
        "Nine groups of six bars of unequal height, one for every width of GoogLeNet's modules 3a to 5b, without a visible "
        "rule. Below them two bars: C and d of ResNeXt-50."
    )
    data = dict(
        names=list(GOOGLENET_MODULES),
        labels=list(WIDTHS.values()),
        widths=widths,
        input=IN_CHANNELS,
        paths=PATHS,
        stages=[len(stage) for stage in stages],
        entry=stages[0][0].in_channels,
    )
    heading = "What has to be chosen, and what comes of it"
    return Explorer("numbers_to_choose", _still(widths, list(GOOGLENET_MODULES)), alt, CAPTION, heading, rows, data)
