"""What "Look inside a ResNeXt" shows and is given. Its numbers were computed by ``python -m tools.live_network``."""

import base64
import json
from importlib.resources import files
from typing import Any

import numpy

from resnext_lib import figures
from resnext_lib.explorers.explorer import Explorer
from resnext_lib.figures.palette import INK, SUM, WEIGHT

CAPTION = (
    "The book's trained network, running in this page. A lane is a path: its own maps in the middle, and a bar "
    "for how much it adds to the sum. Switch lanes off and see what becomes of the answer. "
    "A missing path also upsets the batch norm after the sum; re-estimated is with that repaired (chapter 8)."
)
STILL = 1  # the number of the block that is shown first, and in the static picture
FEW = 8  # pictures in the small figure


def packed_numbers() -> dict[str, Any]:
    """What the command wrote: see tools/live_network.py."""
    return json.loads(files("resnext_lib.explorers").joinpath("look_inside.json").read_text(encoding="utf-8"))


def look_inside(small: bool = False) -> Explorer:
    """The book's trained network at work in the page: on real pictures, on what the reader draws, and with parts off.

    ``small`` shows one block, with fewer pictures and without the three forms.
    """
    numbers = packed_numbers()
    rows = _table(numbers)
    alt = (
        "A picture of a boot, the network's answer boot, and the 16 paths of its second block: for each path the two maps "
        "that it has in the middle, in which the boot can be seen, and a bar for how much it adds to the sum. The bars are "
        "of unequal length. An orange bar, longer than any of them, is the shortcut."
    )
    heading = (
        f"Block 2 on the boot, and the {numbers['test']['pictures']:,} test pictures without a part of it: "
        f"{numbers['test']['right']:,} are right with everything on"
    )
    given = _small(numbers) if small else _whole(numbers)
    return Explorer(
        "look_inside", _still(numbers), alt, CAPTION, heading, rows, given, scripts=("network",), sheets=("look_inside",)
    )


def _unpack(text, kind):
    return numpy.frombuffer(base64.b85decode(text), numpy.dtype(kind).newbyteorder("<"))


def _whole(numbers):
    """The page's data with every block, and the question how much the shortcut carries."""
    right, pictures = numbers["test"]["right"], numbers["test"]["pictures"]
    seventeenth, left = _tens(right * 16 / 17), numbers["test"]["without"]["layer1.1"]["shortcut"]
    return _given(
        numbers,
        small=False,
        waiting="The bars are the network’s answer to the picture. "
        "What the paths carry shows after your answer, or when you switch something.",
        question=dict(
            question=f"Of {pictures:,} test pictures the network gets {right:,} right. Block 2’s shortcut is switched "
            "off, its sixteen paths stay on. How many does it still get right?",
            options=[
                ["few", "nearly as many"],
                ["share", f"about {seventeenth:,}: one of 17 terms is gone"],
                ["half", "less than half"],
            ],
            right="half" if left < right / 2 else "share" if left < seventeenth else "few",
            why=f"It gets {left:,} right. The paths only add to what the shortcut hands on. The blocks after it have "
            "learned to read the input with the additions, and now they get the additions alone. Below, click the "
            "shortcut to switch it on, and a path to switch that off.",
            shows=dict(block=STILL, preset="shortcut", statistics="renewed"),
        ),
    )


def _small(numbers):
    """The page's data with one block, fewer pictures, and the question what one path reads."""
    pixels = base64.b85encode(base64.b85decode(numbers["shown"]["pixels"])[: FEW * 784]).decode("ascii")
    cut = numbers | {
        "shown": {"labels": numbers["shown"]["labels"][:FEW], "pixels": pixels},
        "moments": {"layer1.1": numbers["moments"]["layer1.1"]},
        "presets": [],
    }
    return _given(
        cut,
        small=True,
        waiting="The bars are the network’s answer to the picture. "
        "What one path reads shows after your answer, or when you switch a path.",
        question=dict(
            question="This is block 2. Its sixteen paths work side by side on an input of 64 maps. How many of them does "
            "one path read?",
            options=[[4, "4: its sixteenth"], [64, "64: all of them"]],
            right=64,
            why="Every path reads the whole input. Only the middle is split: each path has two small maps of its own there. "
            "What the sixteen paths make of them is added up.",
            shows=dict(picture=0),
        ),
    )


def _given(numbers, **more):
    """What goes into the page: without what only the static picture and the tests need."""
    shown = {name: value for name, value in numbers["shown"].items() if name in ("labels", "pixels")}
    return {name: value for name, value in numbers.items() if name != "still"} | {"shown": shown} | more


def _tens(value):
    return 10 * round(value / 10)


def _table(numbers):
    removed = numbers["test"]["without"]["layer1.1"]
    rows = [
        [
            "part of block 2",
            "adds on the boot (root mean square)",
            "right without it, re-estimated",
            "right without it, statistics kept",
        ]
    ]
    for path, (kept, renewed) in enumerate(removed["paths"]):
        rows.append([f"path {path + 1}", f"{numbers['still']['sizes'][path]:.2f}", renewed, kept])
    return [*rows, ["shortcut", f"{numbers['still']['sizes'][-1]:.2f}", "not re-estimated", removed["shortcut"]]]


def _still(numbers):
    """The first picture, its answer, and the lanes of one block."""
    fig, axes = figures.canvas(height=400)
    shown, still = numbers["shown"], numbers["still"]
    picture = _unpack(shown["pixels"], "u1")[:784].reshape(28, 28)
    _dots(axes, 255 - picture, (8, 64, 64, 8))
    shares = numpy.exp(numpy.array(shown["logits"][0]) - max(shown["logits"][0]))
    shares /= shares.sum()
    label = int(shares.argmax())
    figures.write(axes, 82, 36, numbers["classes"][label], align="left")
    _bars(axes, [36], [118], [170 * shares[label]], INK)
    figures.write(axes, 352, 36, f"{100 * shares[label]:.1f} %", align="right")
    maps = 255 - _unpack(still["maps"], "u1")[: numbers["paths"] * 2 * 196].reshape(2, 8, 2, 14, 14)
    longest = max(still["sizes"])
    figures.write(axes, 8, 90, "block 2", align="left")
    for side, own in enumerate(maps):
        left = 8 + 178 * side + 18
        _dots(axes, _mosaic(own), (left, left + 60, 108 + 256, 108))
    for path in range(numbers["paths"]):
        x, y = 8 + 178 * (path // 8), 108 + 32 * (path % 8)
        figures.write(axes, x + 6, y + 14, str(path + 1))
    places = [(90 + 178 * (path // 8), 122 + 32 * (path % 8)) for path in range(numbers["paths"])]
    lengths = [80 * size / longest for size in still["sizes"]]
    _bars(axes, [y for _, y in places], [x for x, _ in places], lengths[:-1], WEIGHT)
    figures.write(axes, 8, 382, "shortcut", align="left")
    _bars(axes, [382], [90], lengths[-1:], SUM)
    axes.set(xlim=(0, 360), ylim=(400, 0), aspect="auto")
    return fig


def _dots(axes, values, extent):
    """Grey values as they are, a dot for each: in the SVG they stay as many as they are here."""
    values = values // 17 * 17  # sixteen greys say as much, and a third of the bytes
    axes.imshow(values, cmap="gray", extent=extent, vmin=0, vmax=255, interpolation="none")


def _bars(axes, heights, starts, lengths, colour):
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    axes.hlines(heights, starts, ends, colors=colour, linewidth=12)


def _mosaic(maps):
    """``(rows, columns, side, side)`` as one picture with white between the maps: 15 dots from row to row are 30 points,
    and the lanes are 32 points apart, so there are 16."""
    rows, columns, side, _ = maps.shape
    picture = numpy.full((rows, side + 2, columns, side + 1), 255, numpy.uint8)
    picture[:, :side, :, :side] = maps.transpose(0, 2, 1, 3)
    return picture.reshape(rows * (side + 2), columns * (side + 1))
