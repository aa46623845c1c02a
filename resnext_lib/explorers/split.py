"""What is split? The way from form A to form C, with numbers that flow through the block."""

from random import Random

import torch
from torch import nn

from resnext_lib import figures
from resnext_lib.explorers.explorer import Explorer, convolutions
from resnext_lib.forms import FormA, FormB, FormC, copy_weights

CAPTION = (
    "The same weights as form A, form B and form C: a slider closes the gaps between the paths' layers "
    "while whole numbers flow through them."
)
_SPLIT_SIZES = [(16, 1, 8), (16, 2, 4), (16, 4, 2), (16, 8, 1), (256, 32, 4)]  # channels, paths, width of a path
IMAGES = 4


def _split_input(channels, width, paths):
    """Three layers that do split their input: what a ResNeXt block is often taken for."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 1, groups=paths, bias=False),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, groups=paths, bias=False),
        nn.ReLU(),
        nn.Conv2d(width, channels, 1, groups=paths, bias=False),
    )


def _whole_numbers(channels=16, width=8):
    """Small whole numbers, the same for every number of paths: three dense weights, and images of 3×3 pixels.

    A path's 3×3 takes its block from the diagonal of the dense one. Sums of whole numbers have no rounding.
    """
    draw = Random(62)  # few of its outputs are 0 in any block

    def some(*shape, values):
        return torch.tensor(draw.choices(values, k=torch.Size(shape).numel()), dtype=torch.float64).reshape(shape)

    return dict(
        first=some(width, channels, 1, 1, values=(-1, 0, 1)),
        spatial=some(width, width, 3, 3, values=(-1, 0, 1)),
        last=some(channels, width, 1, 1, values=(-1, 1, 2)),
        images=some(IMAGES, channels, 3, 3, values=(0, 1, 2, 3)),
    )


def _grouped(weight, groups):
    """The weight of a grouped layer: the blocks on the diagonal of a dense ``weight``."""
    rows = weight.chunk(groups)
    return torch.cat([row.chunk(groups, dim=1)[group] for group, row in enumerate(rows)])


def _outputs(block, paths):
    """What ``block`` makes of every image at the middle pixel, before the shortcut: a list of whole numbers each.

    The weights are those of :func:`_whole_numbers`, taken over from form C by ``copy_weights``; batch norm changes nothing.
    """
    numbers, middle = _whole_numbers(), (slice(None), slice(None), 1, 1)
    block = block.double().eval()
    source = block if isinstance(block, nn.Sequential) else FormC(16, 8, 16, paths).double().eval()
    layers = zip(convolutions(source), (numbers["first"], numbers["spatial"], numbers["last"]), strict=True)
    with torch.no_grad():
        for layer, weight in layers:
            layer.weight.copy_(_grouped(weight, layer.groups))
        if source is block:
            return block(numbers["images"])[middle].long().tolist()
        copy_weights(source, block)
        for layer in block.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = 0
        return block.transform(numbers["images"])[middle].long().tolist()


def _split_size(channels, paths, width):
    """A size to choose, with the words that the page says for it."""
    full = " (32x4d at full size)" if (channels, paths, width) == (256, 32, 4) else ""
    label = f"{paths} path{'s' if paths > 1 else ''} of {width}{full}"
    return dict(inputs=channels, paths=paths, width=width, label=label)


def _rows(blocks):
    """The table: what each block is made of, and what path 2 of it reads and reaches."""
    rows = [["4 paths of 2", "convolutions", "weights", "path 2 reads", "path 2 reaches", "outputs 1 to 4, an example"]]
    for name, block in blocks.items():
        layers, (first, _, last) = convolutions(block), figures.middle_masks(block)
        rows.append(
            [
                name,
                len(layers),
                sum(layer.weight.numel() for layer in layers),
                f"{int(first[2].sum())} of 16 inputs",
                f"{int(last[2].sum())} of 16 outputs",
                ", ".join(map(str, _outputs(block, 4)[0][:4])).replace("-", "−"),
            ]
        )
    return rows


def _lists(numbers):
    """The weights and images as the script takes them."""
    return dict(
        first=numbers["first"][:, :, 0, 0].long().tolist(),
        spatial=numbers["spatial"].flatten(2).long().tolist(),
        last=numbers["last"][:, :, 0, 0].long().tolist(),
        images=numbers["images"].flatten(2).long().tolist(),
    )


def what_is_split() -> Explorer:
    """From form A to form C in one drag of the same weights, with the numbers that come out; and what breaks it."""
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
    rows = _rows(blocks)
    alt = (
        "Four strips of three weight matrices, a row for every middle channel, path 2 of 4 in blue. In forms A, B and C "
        "its first 1x1 reads all 16 inputs and its last 1x1 reaches all 16 outputs. In the fourth strip, where the input "
        "is split, it reads 4 and reaches 4."
    )
    data = dict(sizes=[_split_size(*size) for size in _SPLIT_SIZES], **_lists(_whole_numbers()))
    heading = "A block of 16 channels in, 8 in the middle, 16 out"
    return Explorer("what_is_split", fig, alt, CAPTION, heading, rows, data)
