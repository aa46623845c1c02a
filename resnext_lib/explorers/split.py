"""What is split? The way from form A to form C."""

from torch import nn

from resnext_lib import figures
from resnext_lib.explorers.explorer import Explorer, convolutions
from resnext_lib.forms import FormA, FormB, FormC


def _split_input(channels, width, paths):
    """Three layers that do split their input: what a ResNeXt block is often taken for."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 1, groups=paths, bias=False),
        nn.Conv2d(width, width, 3, padding=1, groups=paths, bias=False),
        nn.Conv2d(width, channels, 1, groups=paths, bias=False),
    )


_SPLIT_SIZES = [(16, 1, 8), (16, 2, 4), (16, 4, 2), (16, 8, 1), (256, 32, 4)]  # channels, paths, width of a path


def _split_size(channels, paths, width):
    """A size to choose, with the words that the page says for it."""
    full = " (32x4d at full size)" if (channels, paths, width) == (256, 32, 4) else ""
    label = f"{paths} path{'s' if paths > 1 else ''} of {width}{full}"
    return dict(inputs=channels, paths=paths, width=width, label=label)


def what_is_split():
    """Forms A, B and C as moves of the same weights; follow a path, an input, a middle channel or an output."""
    sizes = [_split_size(*numbers) for numbers in _SPLIT_SIZES]
    blocks = {
        "form A": FormA(16, 8, 16, 4),
        "form B": FormB(16, 8, 16, 4),
        "form C": FormC(16, 8, 16, 4),
        "input split": _split_input(16, 8, 4),
    }
    titles = [
        "Form A: path 2 of 4 is blue",
        "Form B: the last 1×1 is one layer",
        "Form C: all three are one layer each",
        "Not ResNeXt: the input is split",
    ]
    fig = figures.lanes(*blocks.values(), titles=titles)
    rows = [["4 paths of 2", "convolutions", "weights", "path 2 reads", "path 2 reaches"]]
    for name, block in blocks.items():
        layers, (first, _, last) = convolutions(block), figures.middle_masks(block)
        rows.append(
            [
                name,
                len(layers),
                sum(layer.weight.numel() for layer in layers),
                f"{int(first[2].sum())} of 16 inputs",
                f"{int(last[2].sum())} of 16 outputs",
            ]
        )
    alt = (
        "Four strips of three weight matrices, a row for every middle channel, path 2 of 4 in blue. In forms A, B and C "
        "its first 1x1 reads all 16 inputs and its last 1x1 reaches all 16 outputs. In the fourth strip, where the input "
        "is split, it reads 4 and reaches 4."
    )
    return Explorer("what_is_split", fig, alt, "A block of 16 channels in, 8 in the middle, 16 out", rows, dict(sizes=sizes))
