"""A block as lanes: its layers from left to right, read from the module itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import nn

from resnext_lib.figures.drawing import ROW, WIDTH, canvas, line, text_width, write
from resnext_lib.figures.palette import INK, PALE, PAPER, PATH, SUM, WASH

PIECE = 15  # points; the height of a grouped box's pieces, each of which holds a line of lettering


@dataclass(frozen=True)
class Node:
    """One box of a diagram: the layer it stands for (``layers`` has more when paths are alike)."""

    layers: tuple
    label: str
    note: str
    kind: str
    groups: int


@dataclass
class Diagram:
    """A block taken apart: lanes side by side, how they merge, what follows, the shortcut."""

    in_channels: int
    out_channels: int
    lanes: list
    merge: str = ""
    merged_channels: int = 0
    tail: list = field(default_factory=list)
    shortcut: object = None
    joint: str = "+"
    repeated: int = 1

    def nodes(self) -> list[Node]:
        """Every box, in drawing order."""
        projection = [self.shortcut] if isinstance(self.shortcut, Node) else []
        return [node for lane in self.lanes for node in lane] + self.tail + projection


def node_of(name: str, layer: nn.Module) -> Node:
    """The box for one convolution, pooling or linear layer, with the layer's own numbers on it."""
    if isinstance(layer, nn.Conv2d):
        size = layer.kernel_size[0]
        notes = [f"groups={layer.groups}"] if layer.groups > 1 else []
        notes += [f"stride {layer.stride[0]}"] if layer.stride[0] > 1 else []
        kind = "pointwise" if size == 1 else "spatial"
        return Node((name,), f"{size}×{size}, {layer.out_channels}", "\n".join(notes), kind, layer.groups)
    if isinstance(layer, nn.Linear):
        return Node((name,), f"fc, {layer.out_features}", "", "pointwise", 1)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return Node((name,), "mean", "", "pool", 1)
    size = layer.kernel_size if isinstance(layer.kernel_size, int) else layer.kernel_size[0]
    return Node((name,), f"{size}×{size} max" if isinstance(layer, nn.MaxPool2d) else f"{size}×{size} mean", "", "pool", 1)


def drawn_layers(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers that become boxes, by name: convolutions, poolings, linear layers."""
    kinds = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
    return [(name, layer) for name, layer in module.named_modules() if isinstance(layer, kinds)]


def diagram(module: nn.Module) -> Diagram:
    """Take a block apart by its attributes: ``paths``, ``branch1``..., ``conv1``..., ``se``, ``downsample``.

    Paths that are alike are kept once and counted in ``repeated``. Works for the library's blocks and
    for classes typed in a notebook with the same attribute names.
    """
    layers = [(n, m) for n, m in drawn_layers(module) if not n.startswith("downsample")]
    groups = {}
    for name, layer in layers:
        first, _, rest = name.partition(".")
        lane = f"{first}.{rest.split('.')[0]}" if first == "paths" else first
        groups.setdefault(lane if first.startswith(("paths", "branch")) else "own", []).append(node_of(name, layer))
    own = _fold_gate(groups.pop("own", []))
    lanes = list(groups.values()) or [own]
    convolutions = [layer for _, layer in layers if isinstance(layer, nn.Conv2d)]
    result = Diagram(convolutions[0].in_channels, convolutions[-1].out_channels, lanes, tail=own if groups else [])
    if groups:
        widths = [_channels_out(module, lane, result.in_channels) for lane in lanes]
        result.merge = "sum" if lanes[0][-1].layers[0].endswith("conv3") else "concatenate"
        result.merged_channels = widths[0] if result.merge == "sum" else sum(widths)
        if not own:
            result.out_channels = result.merged_channels
    _keep_one_of_equal_lanes(result)
    if hasattr(module, "downsample"):
        result.shortcut = "identity"
        for name, layer in drawn_layers(module):
            if name.startswith("downsample"):
                result.shortcut = node_of(name, layer)
    if hasattr(module, "squeeze"):
        result.shortcut, result.joint = "the map itself", "×"
    return result


def _fold_gate(nodes):
    """Put the layers of a squeeze-and-excitation, which do not lie in the block's lane, into one box."""
    gate = tuple(node.layers[0] for node in nodes if node.layers[0].startswith("se."))
    rest = [node for node in nodes if node.layers[0] not in gate]
    return [*rest, Node(gate, "SE", "", "gate", 1)] if gate else nodes


def _channels_out(module, lane, in_channels):
    """Channels at the end of a lane; a lane without a convolution keeps its input's."""
    layers = [module.get_submodule(node.layers[0]) for node in lane]
    return ([in_channels] + [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)])[-1]


def _keep_one_of_equal_lanes(result):
    """Fold identical lanes into one whose nodes name every layer that they stand for."""
    looks = [[(n.label, n.note) for n in lane] for lane in result.lanes]
    if len(looks) > 4 and all(look == looks[0] for look in looks):
        result.repeated = len(looks)
        columns = zip(*result.lanes, strict=True)
        result.lanes = [[replace(c[0], layers=tuple(n.layers[0] for n in c)) for c in columns]]


def box_size(node: Node) -> tuple[float, float]:
    """Width and height in points of the box that holds the lettering of ``node``; a grouped one has pieces for its lines."""
    lines = [node.label, *filter(None, node.note.split("\n"))]
    return max(map(text_width, lines)) + 12, PIECE * (len(lines) + 2) if node.groups > 1 else 12 + 14 * len(lines)


def draw_node(axes: Axes, x: float, y: float, node: Node, hatched: bool = False) -> float:
    """Draw a box whose left edge is at ``x`` and middle at ``y``; return its right edge.

    A grouped convolution is cut from side to side, between the lines of its lettering: C pieces that do not touch.
    A ``hatched`` box, of ResNet, is hatched round its lettering, and no colour is needed to tell it.
    """
    width, height = box_size(node)
    fill = {"spatial": PATH, "pointwise": PALE, "pool": PAPER, "gate": WASH}[node.kind]
    box = Rectangle((x, y - height / 2), width, height, facecolor=fill, edgecolor=INK, linewidth=1, zorder=3)
    axes.add_patch(box)
    lines = [node.label, *(node.note.split("\n") if node.note else [])]
    step = PIECE if node.groups > 1 else 14
    if node.groups > 1:
        for cut in range(1, len(lines) + 2):
            below = y - height / 2 + PIECE * cut
            axes.add_patch(Rectangle((x - 1, below - 0.8), width + 2, 1.6, facecolor=PAPER, edgecolor="none", zorder=3))
    elif hatched:
        box.set(facecolor=PAPER, hatch="////")
        ground = (x + 4, y - 7 * len(lines)), width - 8, 14 * len(lines)
        axes.add_patch(Rectangle(*ground, facecolor=PAPER, edgecolor="none", zorder=3))
    for i, text in enumerate(lines):
        on_blue = node.kind == "spatial" and not (hatched and node.groups == 1)
        write(axes, x + width / 2, y + step * (i - (len(lines) - 1) / 2), text, PAPER if on_blue else INK)
    return x + width


def draw_sum(axes: Axes, x: float, y: float, joint: str = "+", radius: float = 9) -> None:
    """Draw a plus in a circle around ``(x, y)``: here maps are added; with ``joint="×"`` they are multiplied, in ink."""
    colour = SUM if joint == "+" else INK
    axes.add_patch(Circle((x, y), radius, facecolor=PAPER, edgecolor=colour, linewidth=2, zorder=3))
    for dx, dy in ((5, 0), (0, 5)) if joint == "+" else ((4, 4), (4, -4)):
        dx, dy = dx * radius / 9, dy * radius / 9
        axes.plot([x - dx, x + dx], [y - dy, y + dy], color=colour, linewidth=2, zorder=4)


def lane_rows(result: Diagram) -> tuple[list, list[float]]:
    """Heights of the drawn lanes: one of a kind is drawn three times, with dots between."""
    lanes = result.lanes * 3 if result.repeated > 1 else result.lanes
    heights = [max(ROW, max(box_size(node)[1] for node in lane) + 10) for lane in lanes]
    if result.repeated > 1:
        heights.insert(2, 20)
        lanes = [*lanes[:2], None, lanes[2]]
    return lanes, heights


def diagram_height(result: Diagram) -> float:
    """Height in points of a drawn block, with room for its shortcut."""
    return sum(lane_rows(result)[1]) + (34 if result.shortcut else 0)


def draw_diagram(axes: Axes, result: Diagram, top: float, hatched: bool = False) -> None:
    """Draw a block from left to right with its upper edge at ``top``; ``hatched`` if it is ResNet's."""
    lanes, heights = lane_rows(result)
    top += 34 if result.shortcut else 0
    middles = [top + sum(heights[:i]) + h / 2 for i, h in enumerate(heights)]
    centre = (middles[0] + middles[-1]) / 2
    gap, trunk = _gap_and_trunk(result, lanes)
    write(axes, 2, centre - 9, str(result.in_channels), align="left")
    line(axes, [(2, centre), (trunk, centre)])
    ends = _draw_lanes(axes, lanes, middles, trunk, gap, result.repeated, hatched)
    x = _draw_merge(axes, result, middles, ends, gap, centre) if result.merge else ends[0]
    for node in result.tail:
        line(axes, [(x, centre), (x + gap, centre)], arrow=True)
        x = draw_node(axes, x + gap, centre, node)
    if result.shortcut:
        x = _draw_shortcut(axes, result, x, centre, trunk - 8, top - 17)
    line(axes, [(x, centre), (WIDTH - 2, centre)], arrow=True)
    write(axes, WIDTH - 3, centre - 11, str(result.out_channels), align="right")


def _gap_and_trunk(result, lanes):
    """Spread what the boxes leave of the 360 points evenly over the arrows between them."""
    drawn = [lane for lane in lanes if lane]
    trunk = text_width(str(result.in_channels)) + (16 if result.shortcut else 8)
    boxes = max(sum(box_size(n)[0] for n in lane) for lane in drawn) + sum(box_size(n)[0] for n in result.tail)
    arrows = max(len(lane) for lane in drawn) + len(result.tail) + bool(result.merge)
    merge = (14 + text_width(str(result.merged_channels))) if result.merge else 0
    end = text_width(str(result.out_channels)) + (38 if result.shortcut else 12)
    return max(4, min(30, (WIDTH - trunk - boxes - merge - end) / arrows)), trunk


def _draw_lanes(axes, lanes, middles, trunk, gap, repeated, hatched):
    """Draw every lane and return where each ends; ``None`` stands for the paths left out, and for their end."""
    line(axes, [(trunk, middles[0]), (trunk, middles[-1])])
    ends = []
    for lane, y in zip(lanes, middles, strict=True):
        x = trunk
        for node in lane or []:
            line(axes, [(x, y), (x + gap, y)], arrow=True)
            x = draw_node(axes, x + gap, y, node, hatched)
        if lane is None:
            write(axes, trunk + 12, y, f"⋯  {repeated} paths in all", align="left")
        ends.append(x if lane else None)
    return ends


def _draw_merge(axes, result, middles, ends, gap, centre):
    """A flat bracket for a concatenation (counts add), a circle for a sum (counts stay)."""
    drawn = [(end, y) for end, y in zip(ends, middles, strict=True) if end is not None]
    x = max(end for end, _ in drawn) + gap
    for end, y in drawn:
        line(axes, [(end, y), (x, y)])
    if result.merge == "sum":
        line(axes, [(x, middles[0]), (x, middles[-1])])
        draw_sum(axes, x, centre)
        x += 9
    else:
        line(axes, [(x, middles[0] - 9), (x, middles[-1] + 9)], INK, 4)
    if not (result.tail or result.shortcut):
        return x
    label = str(result.merged_channels)
    write(axes, x + 3, centre - 10, label, align="left")
    line(axes, [(x, centre), (x + text_width(label) + 4, centre)])
    return x + text_width(label) + 4


def _draw_shortcut(axes, result, x, centre, start, height):
    """One orange line round the block; with a box on it where the shape changes. Returns its end."""
    plus = WIDTH - 20 - text_width(str(result.out_channels))
    line(axes, [(x, centre), (plus - 9, centre)], arrow=True)
    # What is multiplied is no sum, and not orange.
    colour, thick = (SUM, 2.5) if result.joint == "+" else (INK, 1.2)
    line(axes, [(start, centre), (start, height), (plus, height), (plus, centre - 9)], colour, thick)
    draw_sum(axes, plus, centre, result.joint)
    if isinstance(result.shortcut, Node):
        shown = replace(
            result.shortcut,
            note="",
            label=result.shortcut.label + (f", {result.shortcut.note}" if result.shortcut.note else ""),
        )
        draw_node(axes, WIDTH / 2 - box_size(shown)[0] / 2, height, shown)
    else:
        half = max(34, text_width(result.shortcut) / 2 + 8)
        axes.add_patch(Rectangle((WIDTH / 2 - half, height - 9), 2 * half, 18, facecolor=PAPER, edgecolor="none", zorder=3))
        write(axes, WIDTH / 2, height, result.shortcut, colour)
    return plus + 9


def block_diagram(*modules: nn.Module, titles: Sequence[str] = (), hatched: Sequence[int] = ()) -> Figure:
    """Diagrams of blocks, one above the other at one scale; ``titles`` stand over them.

    ``hatched`` has the numbers, from 0, of those that are ResNet's: their boxes are hatched.
    """
    diagrams = [diagram(module) for module in modules]
    titles = list(titles) or [""] * len(diagrams)
    heights = [diagram_height(d) + (24 if title else 4) for d, title in zip(diagrams, titles, strict=True)]
    fig, axes = canvas(sum(heights) + 14 * (len(heights) - 1) + 6)
    top = 2
    for number, (result, title, height) in enumerate(zip(diagrams, titles, heights, strict=True)):
        if title:
            write(axes, 2, top + 9, title, align="left", weight="bold")
        draw_diagram(axes, result, top + (22 if title else 2), number in hatched)
        top += height + 14
    return fig
