"""From Inception to ResNeXt in eight steps."""

from torch import nn

from resnext_lib import figures
from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.explorers.explorer import Explorer, convolutions
from resnext_lib.forms import FormA, FormB, FormC, path_layers
from resnext_lib.networks import GOOGLENET_MODULES

CAPTION = (
    "From Inception's module to ResNet's block in eight steps, each with its weights and with the numbers that "
    "somebody has to choose; at a fixed cost d follows from C. Step 3 also narrows the four branches from 64 to 24 "
    "channels, to meet the budget: the sum as such saves nothing."
)


def _paths_only(paths):
    """A block of nothing but ``paths``: no shortcut, and no layer after them."""
    module = nn.Module()
    module.paths = nn.ModuleList(paths)
    return module


def _inception_steps():
    """(module, title, what is done, whether the function changes) from GoogLeNet's first module to ResNet's block."""
    return [
        (Inception(192, **GOOGLENET_MODULES["3a"]), "Inception 3a", "Four unequal branches, side by side.", ""),
        (
            _paths_only(path_layers(256, 64) for _ in range(4)),
            "Equal branches",
            "All branches get one topology: a 1×1, then a 3×3. Only their number C and their width d are left to choose.",
            "changes",
        ),
        (
            _paths_only(FormA(256, 96, 256, 4).paths),
            "Sum, not concatenation",
            "Each branch widens itself back to 256 channels, so that the branches can be added. "
            "The width no longer has to be 64, and 24 keeps the budget.",
            "changes",
        ),
        (FormA(256, 96, 256, 4), "The shortcut", "The input is one more thing to add.", "changes"),
        (FormA(256, 128, 256, 32), "Form A", "More and thinner paths for the same budget: 32 of width 4.", "changes"),
        (FormB(256, 128, 256, 32), "Form B", "Concatenate the paths, then one 1×1 for all of them.", "redraws"),
        (
            FormC(256, 128, 256, 32),
            "Form C, ResNeXt’s block",
            "The first 1×1s become one as well, and the 3×3s one grouped layer.",
            "redraws",
        ),
        (Bottleneck(256, 64, 256), "One path: ResNet’s block", "Turn C down to 1 and d up to 64.", "changes"),
    ]


def _plain(diagram):
    """A :class:`resnext_lib.figures.Diagram` for the script."""

    def nodes(lane):
        return [dict(label=node.label, note=node.note, kind=node.kind, groups=node.groups) for node in lane]

    return dict(
        input=diagram.in_channels,
        output=diagram.out_channels,
        lanes=[nodes(lane) for lane in diagram.lanes],
        merge=diagram.merge,
        merged=diagram.merged_channels,
        tail=nodes(diagram.tail),
        shortcut=bool(diagram.shortcut),
        repeated=diagram.repeated,
    )


def inception_to_resnext() -> Explorer:
    """Eight steps from Inception's module to the ResNeXt block, each marked: changes the function, or only redraws it."""
    frames, rows = [], [["step", "block", "weights", "to choose", "the function"]]
    for number, (module, title, say, change) in enumerate(_inception_steps(), start=1):
        weights = sum(layer.weight.numel() for layer in convolutions(module))
        choose = f"{len(GOOGLENET_MODULES['3a'])} widths, 4 kinds" if number == 1 else "C and d"
        function = {"changes": "changes", "redraws": "stays the same", "": "the start"}[change]
        rows.append([number, title, weights, choose, function])
        frames.append(
            dict(
                title=title, say=say, change=change, weights=weights, choose=choose, diagram=_plain(figures.diagram(module))
            )
        )
    drawn = [(f"{i}. {step[1]}", step[0]) for i, step in enumerate(_inception_steps(), start=1)]
    halves = drawn[:4], drawn[4:]  # two pictures, which stand side by side on paper
    fig, more = (figures.block_diagram(*[b for _, b in half], titles=[title for title, _ in half]) for half in halves)
    alt = (
        "Four blocks from top to bottom. Inception 3a with four unequal branches; four equal branches; their outputs "
        "added; a shortcut."
    )
    more_alt = (
        "Four more blocks: 32 thin paths; the paths concatenated before one 1x1; one grouped 3x3 in the middle; ResNet's."
    )
    heading = "Convolution weights, without bias and batch norm; steps 2 to 4 teach, they are not published networks"
    data = dict(frames=frames)
    return Explorer("inception_to_resnext", fig, alt, CAPTION, heading, rows, data, more=[more], more_alts=[more_alt])
