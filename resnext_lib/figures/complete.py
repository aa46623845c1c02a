"""The complete block: every convolution, batch norm and ReLU of form A, B or C, and the tensor's size after each."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from resnext_lib.arguments import positive_int, torch_module
from resnext_lib.complexity import layer_costs
from resnext_lib.figures.blocks import draw_sum, drawn_layers
from resnext_lib.figures.drawing import WIDTH, canvas, line, text_width, write
from resnext_lib.figures.palette import INK, PALE, PAPER, PATH, SUM

# From top to bottom: a step's name, and what stands in the margin beside it.
STEPS = {
    "conv1": "1×1",
    "bn1": "batch norm",
    "relu1": "ReLU",
    "conv2": "3×3",
    "bn2": "batch norm",
    "relu2": "ReLU",
    "concatenate": "concatenate",
    "conv3": "1×1",
    "sum": "sum",
    "bn3": "batch norm",
    "add": "+ shortcut",
    "relu3": "ReLU",
}
BEFORE_THE_PATHS_MEET = ("conv1", "bn1", "relu1", "conv2", "bn2", "relu2")
# A block's layers in the order in which they run; ReLU has no weights and may be a function.
LAYERS = {"conv1": "1×1", "bn1": "batch norm", "conv2": "3×3", "bn2": "batch norm", "conv3": "1×1", "bn3": "batch norm"}

# Points. A step's height says its kind; below each stands an arrow with the number of channels.
HEIGHTS = {"conv": 16, "bn": 9, "relu": 5, "concatenate": 4, "sum": 18, "add": 18}
ARROW = 16
INPUT = 47  # where the input's box has its middle
FAN = 71  # where the input is handed to every path
FIRST = 94  # where the first step begins


@dataclass(frozen=True)
class Trail:
    """What is drawn of a block. ``shapes`` has every step's output (C, H, W): one path's, while the paths are apart."""

    form: str
    paths: int
    input_shape: tuple
    shapes: dict
    projected: bool

    def is_apart(self, step: str) -> bool:
        """Whether every path has a layer of its own for ``step``."""
        return (step in BEFORE_THE_PATHS_MEET and self.form != "C") or (step == "conv3" and self.form == "A")

    def is_stacked(self, step: str) -> bool:
        """Whether the paths' channels lie side by side in one tensor after ``step``."""
        return step == "concatenate" or (self.form == "C" and step in BEFORE_THE_PATHS_MEET)


def complete_block(*blocks: nn.Module, size: int = 56, follow: int = 1, titles: Sequence[str] = ()) -> Figure:
    """Every layer of one to three blocks side by side, from top to bottom, with the tensor's size after each.

    A row is a layer, named at the left; the arrow below it carries the number of channels, the right margin the
    map. Separate boxes are layers of a path's own, one box is one layer for all paths, and a box that is cut is
    grouped. Path number ``follow`` is blue all the way, ``None`` follows none. Orange is a sum or the shortcut: the
    small plus in the last 1x1 of forms B and C says that this layer adds the paths. A block with one path is hatched.

    ``blocks`` are modules like those of ``resnext_lib.forms``, or classes typed in a notebook with ``paths`` (forms
    A and B) or without (form C), and with ``downsample``; a layer's order, widths, groups and sizes are read from
    one run without data. ReLUs, which may be functions, stand where the three forms have them.

    - ``size``: height and width of the input's map, for an input of ``(in_channels, size, size)``.
    - ``follow``: a path's number, from 0 as in code: ``follow=1`` is the path that readers call path 2.
    - ``titles``: one for each block; ``Form A``, ``Form B`` or ``Form C`` if left out.

    Returns a figure for :func:`resnext_lib.figures.show`, 360 points wide.

    Raises ``TypeError`` for what is no module or no whole number, ``ValueError`` for none or more than three
    blocks, another number of titles than of blocks, a module that is no form A, B or C, a path that a block does
    not have, blocks whose maps differ, and for numbers or titles that are too long to stand side by side.
    Source: arXiv 1611.05431, Fig. 3 and footnote 6.
    """
    read = [_read(block, positive_int("size", size)) for block in blocks]
    titles = _checked_titles(read, titles)
    _check_follow(read, follow)
    steps = [step for step in STEPS if any(step in block.shapes for block in read)]
    maps = _maps(read, steps)
    places, height = _places(steps)
    fig, axes = canvas(height)
    columns = _columns(axes, read, titles, follow, places, (_left_margin(steps, maps), _right_margin(maps)))
    _write_margins(axes, steps, maps, places)
    for column in columns:
        column.draw()
    return fig


# ------------------------------------------------------------------ what a block is


def _read(module, size):
    """A module as a :class:`Trail`, from one run without data. Raises ``ValueError`` for what is no form A, B or C."""
    layers = drawn_layers(torch_module("block", module))
    convolutions = [layer for name, layer in layers if not name.startswith("downsample")]
    in_channels = getattr(convolutions[0], "in_channels", None) if convolutions else None
    if in_channels is None or not hasattr(module, "downsample"):
        raise _other_block(module, "no shortcut" if convolutions else "no convolution")
    input_shape = (in_channels, size, size)
    paths, tail, shortcut = {}, [], []
    for cost in layer_costs(module, input_shape):
        if cost.kind in ("ReLU", "Identity"):
            continue
        first, _, rest = cost.name.partition(".")
        place = paths.setdefault(rest.split(".")[0], []) if first == "paths" else shortcut if first == "downsample" else tail
        place.append(cost)
    lanes = list(paths.values()) or [[]]
    for lane in lanes:
        found = [_word(module, cost, grouped=not paths) for cost in lane + tail]
        if found != list(LAYERS.values()) or len(lane) not in (0, 4, 5):
            raise _other_block(module, ", ".join(found))
    if len({tuple(cost.output_shape for cost in lane) for lane in lanes}) > 1:
        raise _other_block(module, "unequal paths")
    if [_word(module, cost, False) for cost in shortcut] not in ([], ["1×1", "batch norm"]):
        raise _other_block(module, "a shortcut of " + ", ".join(_word(module, cost, False) for cost in shortcut))
    form = {0: "C", 4: "B", 5: "A"}[len(lanes[0])]
    count = len(lanes) if paths else module.get_submodule(tail[2].name).groups
    shapes = _shapes(form, count, [cost.output_shape for cost in lanes[0] + tail])
    return Trail(form, count, input_shape, shapes, bool(shortcut))


def _word(module, cost, grouped):
    """A layer's name in :data:`LAYERS`; a 3×3 may be grouped where ``grouped`` says so."""
    layer = module.get_submodule(cost.name)
    if cost.kind == "BatchNorm2d":
        return "batch norm"
    if cost.kind != "Conv2d":
        return cost.kind
    kernel = "×".join(map(str, layer.kernel_size))
    return kernel if layer.groups == 1 or (grouped and kernel == "3×3") else f"{kernel} with groups={layer.groups}"


def _other_block(module, found):
    return ValueError(
        f"complete_block draws a block in form A, B or C: {', '.join(LAYERS.values())}, the last batch norm behind the "
        f"sum of the paths, and a shortcut (the attribute downsample). {type(module).__name__} has {found}; "
        "figures.block_diagram(block) draws other blocks, without batch norm and ReLU"
    )


def _shapes(form, paths, outputs):
    """The output shape of every step of a form, in the order of :data:`STEPS`."""
    shapes = dict(zip(LAYERS, outputs, strict=True))
    shapes |= dict(relu1=shapes["bn1"], relu2=shapes["bn2"], add=shapes["bn3"], relu3=shapes["bn3"])
    if form == "A":
        shapes["sum"] = shapes["conv3"]
    if form == "B":
        channels, height, width = shapes["relu2"]
        shapes["concatenate"] = (paths * channels, height, width)
    return {step: shapes[step] for step in STEPS if step in shapes}


# ------------------------------------------------------------------ what fits


def _checked_titles(blocks, titles):
    """The title of every block. Raises ``ValueError`` for a number of blocks or titles that cannot be drawn."""
    if not 1 <= len(blocks) <= 3:
        raise ValueError(f"complete_block draws 1, 2 or 3 blocks side by side, but got {len(blocks)}: make two figures")
    titles = [titles] if isinstance(titles, str) else list(titles)
    if titles and len(titles) != len(blocks):
        raise ValueError(f"titles must have one text for each of the {len(blocks)} blocks, but has {len(titles)}: {titles}")
    return titles or [f"Form {block.form}" for block in blocks]


def _check_follow(blocks, follow):
    """A block with one path has no other to follow it beside; every other block must have the path."""
    if follow is None:
        return
    if isinstance(follow, bool) or not isinstance(follow, int):
        raise TypeError(f"follow must be a path's number such as 1, or None, but got {follow!r} ({type(follow).__name__})")
    fewest = min((block.paths for block in blocks if block.paths > 1), default=follow + 1)
    if not 0 <= follow < fewest:
        raise ValueError(
            f"follow={follow} is no path of a block with {max(1, fewest)} paths, counted from 0: use follow=0 to "
            f"{max(1, fewest) - 1}, or None"
        )


def _maps(blocks, steps):
    """Height and width after the input and after every step. Raises ``ValueError`` where the blocks differ."""
    maps = {"input": blocks[0].input_shape[1:]}
    for step in steps:
        found = {block.shapes[step][1:] for block in blocks if step in block.shapes}
        if len(found) > 1:
            sizes = " and ".join(f"{height}×{width}" for height, width in sorted(found))
            raise ValueError(
                f"the blocks' maps differ: {sizes} after {step}. Blocks side by side share their rows, so give them one "
                "stride, or draw them in two figures"
            )
        maps[step] = found.pop()
    return maps


def _label(step, maps):
    """What the left margin says beside a step; a 3×3 that shrinks the map says by how much."""
    shrinks = maps["relu1"][0] // maps["conv2"][0] if step == "conv2" else 1
    return STEPS[step] + (f", stride {shrinks}" if shrinks > 1 else "")


def _left_margin(steps, maps):
    return 2 + max(text_width(_label(step, maps)) for step in steps) + 10


def _right_margin(maps):
    return 2 + max(text_width(f"{height}×{width}") for height, width in maps.values()) + 7


def _places(steps):
    """The middle of every step, in points from the top, and the height of the figure."""
    places, top = {}, FIRST
    for step in steps:
        places[step] = top + _height(step) / 2
        top += _height(step) + ARROW
    return places, top + 3


def _height(step):
    return HEIGHTS[step.rstrip("123")]


def _columns(axes, blocks, titles, follow, places, margins):
    """A :class:`Column` for every block. Raises ``ValueError`` when one has too little room for its numbers."""
    left, right = margins
    width = (WIDTH - left - right - 10 * (len(blocks) - 1)) / len(blocks)
    columns = [
        Column(axes, block, title, follow, places, left + (width + 10) * number, width)
        for number, (block, title) in enumerate(zip(blocks, titles, strict=True))
    ]
    for column in columns:
        if column.missing() > 0:
            raise ValueError(
                f"the numbers or the title of {column.title!r} need {column.missing():.0f} points more than a column of "
                f"{len(blocks)} has: draw fewer blocks side by side, or give shorter titles"
            )
    return columns


# ------------------------------------------------------------------ drawing


def _write_margins(axes, steps, maps, places):
    """The names of the layers at the left, the maps at the right."""
    write(axes, 2, INPUT, "input", align="left")
    write(axes, WIDTH - 2, INPUT, "map", align="right", weight="bold")
    for step in steps:
        write(axes, 2, places[step], _label(step, maps), align="left")
    below = {"input": (INPUT + 7 + FAN) / 2} | {step: places[step] + (_height(step) + ARROW) / 2 for step in steps}
    for step, y in below.items():
        write(axes, WIDTH - 2, y, f"{maps[step][0]}×{maps[step][1]}", align="right")


def _drawn_paths(paths, follow):
    """The first path, the last, and between them the followed one or the second."""
    if paths == 1:
        return [0]
    return sorted({0, 1 if follow in (None, 0, paths - 1) else follow, paths - 1})


class Column:
    """One block of the figure: at most three paths as lanes, and the shortcut at their right."""

    def __init__(
        self, axes: Axes, block: Trail, title: str, follow: int, places: dict[str, float], left: float, width: float
    ) -> None:
        self.axes, self.block, self.title, self.places = axes, block, title, places
        self.left, self.end = left, left + width
        beside = text_width(str(block.shapes["add"][0])) + 12 if block.projected else 0
        self.shortcut = self.end - 2 - beside
        self.right = self.shortcut - (14 if block.projected else 8)
        self.centre = (self.left + self.right) / 2
        self.drawn = _drawn_paths(block.paths, follow)
        self.followed = self.drawn.index(follow) if block.paths > 1 and follow is not None else None
        # Nothing is followed down the lanes: the cut 3×3 alone shows them, in four equal pieces.
        self.equal_cuts = block.form == "C" and follow is None and block.paths > len(self.drawn) == 3
        self.lanes = self._lanes()
        self.steps = list(block.shapes)

    def _lanes(self):
        """Left and right edge of every lane. Where paths are left out, the last lane stands at the right."""
        count, width = len(self.drawn), self.right - self.left
        if self.equal_cuts:
            return [(self.left + i * width / 4, self.left + (i + 1) * width / 4) for i in (0, 1, 3)]
        if self.block.paths == count:
            lane = (width - 4 * (count - 1)) / count
            return [(self.left + i * (lane + 4), self.left + i * (lane + 4) + lane) for i in range(count)]
        lane = min(26, 0.16 * width)
        lanes = [(self.left + 1.25 * lane * i, self.left + 1.25 * lane * i + lane) for i in range(count - 1)]
        return [*lanes, (self.right - lane, self.right)]

    def _pieces(self):
        """(left edge, right edge, lane) of every piece of a cut box; the paths left out are one piece of no lane."""
        parts = [(x0, x1, number) for number, (x0, x1) in enumerate(self.lanes)]
        if self.block.paths > len(self.drawn):
            gap = self.lanes[1][0] - self.lanes[0][1]
            parts.insert(-1, (parts[-2][1] + gap, parts[-1][0] - gap, None))
        cuts = [(parts[i][1] + parts[i + 1][0]) / 2 for i in range(len(parts) - 1)]
        starts, ends = [self.left, *(cut + 1 for cut in cuts)], [*(cut - 1 for cut in cuts), self.right]
        return [(x0, x1, number) for x0, x1, (_, _, number) in zip(starts, ends, parts, strict=True)]

    @property
    def middles(self) -> list[float]:
        return [(x0 + x1) / 2 for x0, x1 in self.lanes]

    @property
    def subtitle(self) -> str:
        if self.block.paths == 1:
            return "1 path"
        return f"groups={self.block.paths}" if self.block.form == "C" else f"{self.block.paths} paths"

    def missing(self) -> float:
        """By how many points the column is too narrow; 0 or less where all fits."""
        title = max(text_width(self.title) * 1.12, text_width(self.subtitle)) - (self.end - self.left)
        numbers = [title, self.right - self.end]
        for step, (channels, *_) in self.block.shapes.items():
            end = self._beside(step) + text_width(str(channels))
            numbers.append(end - (self.middles[-1] - 3 if self.block.is_apart(step) else self.right + 4))
        return max(numbers)

    def _beside(self, step):
        """Where the number of channels begins, at the right of an arrow."""
        return 4 + (self.middles[max(0, len(self.lanes) - 2)] if self.block.is_apart(step) else self.centre)

    def _off_centre(self, x):
        """``x``, but beside the arrow of the whole tensor where that would lie on it."""
        return x - 10 if abs(x - self.centre) < 6 else x

    def draw(self) -> None:
        write(self.axes, self.left, 10, self.title, align="left", weight="bold")
        write(self.axes, self.left, 27, self.subtitle, align="left")
        self._draw_input()
        for step, after in zip(self.steps, [*self.steps[1:], None], strict=True):
            self._draw_step(step)
            self._draw_arrows(step, after)
        self._draw_shortcut()

    def _draw_input(self):
        """The input, which every path reads whole: one line that is handed to all, or one box that reads it."""
        first = self.places["conv1"] - _height("conv1") / 2
        self._rectangle(self.centre - 14, self.centre + 14, INPUT, 14, PAPER)
        write(self.axes, self.centre + 4, (INPUT + 7 + FAN) / 2, str(self.block.input_shape[0]), align="left")
        apart = self.block.is_apart("conv1")
        line(self.axes, [(self.centre, INPUT + 7), (self.centre, FAN if apart else first)], arrow=not apart)
        if apart:
            line(self.axes, [(self.middles[0], FAN), (self.middles[-1], FAN)])
        for number, (path, x) in enumerate(zip(self.drawn, self.middles, strict=True)):
            blue = number == self.followed
            if apart:
                line(self.axes, [(x, FAN), (x, first)], PATH if blue else INK, 2 if blue else 1.2, arrow=True)
            if self.block.paths > 1 and not self.equal_cuts:
                outer = number in (0, len(self.drawn) - 1)
                align, shift = ("center", 0) if not apart else ("right", -4) if outer else ("left", 4)
                write(
                    self.axes,
                    (x if apart else self._off_centre(x)) + shift,
                    FAN + 10,
                    str(path + 1),
                    PATH if blue else INK,
                    align,
                )

    def _draw_step(self, step):
        y = self.places[step]
        if step == "sum":
            line(self.axes, [(self.middles[0], y), (self.middles[-1], y)])
            draw_sum(self.axes, self.centre, y)
        elif step == "add":
            draw_sum(self.axes, self.centre, y)
        elif step == "concatenate":
            line(self.axes, [(self.left, y), (self.right, y)], INK, _height(step))
        elif self.block.is_apart(step):
            for number, (x0, x1) in enumerate(self.lanes):
                self._draw_layer(step, x0, x1, number == self.followed)
            if self.block.paths > len(self.drawn) and step.startswith("conv"):
                write(self.axes, (self.lanes[-2][1] + self.lanes[-1][0]) / 2, y, "⋯")
        else:
            self._draw_common_layer(step)

    def _draw_common_layer(self, step):
        """One layer for all paths, with the followed path's part in blue; a grouped layer is cut."""
        if step == "conv2" and self.block.paths > 1:
            for x0, x1, lane in self._pieces():
                self._draw_layer(step, x0, x1, lane is not None and lane == self.followed)
                if lane is None:
                    write(self.axes, (x0 + x1) / 2, self.places[step], "⋯")
            if self.equal_cuts:
                above = self.places[step] - _height(step) / 2 - ARROW / 2
                for path, x in zip(self.drawn, self.middles, strict=True):
                    write(self.axes, x, above, str(path + 1))
            return
        self._draw_layer(step, self.left, self.right, False)
        adds = step == "conv3"  # the layer that reads all paths and adds them
        if self.followed is not None and (adds or self.block.is_stacked(step)):
            self._draw_layer(step, *self.lanes[self.followed], True)
        if adds and self.block.paths > 1:
            draw_sum(self.axes, (self.lanes[-2][1] + self.lanes[-1][0]) / 2, self.places[step], radius=5.5)

    def _draw_layer(self, step, x0, x1, blue):
        convolution = step.startswith("conv")
        fill = PATH if blue else PAPER if step.startswith("bn") else PALE
        hatch = "////" if convolution and self.block.paths == 1 else None
        self._rectangle(x0, x1, self.places[step], _height(step), fill, 1.5 if blue else 1, hatch)

    def _rectangle(self, x0, x1, y, height, fill, width=1.0, hatch=None):
        corner = (x0, y - height / 2)
        self.axes.add_patch(
            Rectangle(corner, x1 - x0, height, facecolor=fill, edgecolor=INK, linewidth=width, hatch=hatch, zorder=3)
        )

    def _draw_arrows(self, step, after):
        """From ``step`` to the next of this block, with the number of channels beside the arrow."""
        top = self.places[step] + _height(step) / 2
        meets = after in ("sum", "concatenate")
        bottom = top + ARROW if after is None else self.places[after] - (0 if after == "sum" else _height(after) / 2)
        write(self.axes, self._beside(step), top + ARROW / 2, str(self.block.shapes[step][0]), align="left")
        if self.block.is_apart(step):
            for number, x in enumerate(self.middles):
                blue = number == self.followed
                line(self.axes, [(x, top), (x, bottom)], PATH if blue else INK, 2 if blue else 1.2, arrow=not meets)
            return
        line(self.axes, [(self.centre, top), (self.centre, bottom)], arrow=True)
        if self.followed is not None and self.block.is_stacked(step):
            x = self._off_centre(self.middles[self.followed])
            line(self.axes, [(x, top), (x, bottom)], PATH, 2, arrow=True)

    def _draw_shortcut(self):
        """From the input round the block to the last plus; on it the 1×1 and the batch norm of a projection."""
        end = self.places["add"]
        corners = [(self.centre + 14, INPUT), (self.shortcut, INPUT), (self.shortcut, end), (self.centre + 9, end)]
        line(self.axes, corners, SUM, 2.5)
        for step in ("conv3", "bn3") if self.block.projected else ():
            y, height = self.places[step], _height(step)
            self._rectangle(self.shortcut - 7, self.shortcut + 7, y, height, PALE if step == "conv3" else PAPER)
            channels = str(self.block.shapes[step][0])
            write(self.axes, self.shortcut + 5, y + (height + ARROW) / 2, channels, SUM, "left")
