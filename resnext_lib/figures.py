"""Pictures drawn from live modules, so that a picture cannot disagree with the code.

All figures are 360 points wide and lettered at 12 points, which stays 12 px on a phone. Colours:
blue is the 3x3 and whatever is followed, orange a sum or a shortcut, grey every other weight.
Lettering is stored as outlines, so it looks the same without the font.
"""

import copy
import html
import io
from dataclasses import dataclass, field, replace
from math import log, log2
from urllib.parse import quote

import matplotlib
import torch
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.textpath import TextPath
from torch import nn

from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import layer_costs, stage_costs

INK, PATH, SUM, WEIGHT, LINE, PAPER = "#16191D", "#00427F", "#A8500A", "#878D95", "#C9CED5", "#FFFFFF"
PALE, WASH = "#D5D9DE", "#D6E4F2"   # a 1x1's box; the ground under a marked window
WIDTH = 360      # points; every figure
LETTERING = 12   # points
ROW = 40         # points; the height of a lane


def show(fig, alt):
    """Display ``fig`` as an HTML image with the text ``alt``, which is also its plain-text form.

    The bytes depend only on the drawing. Raises ``ValueError`` when ``alt`` says too little to replace the picture.
    """
    display({"text/html": f"<figure>{image(fig, alt)}</figure>", "text/plain": alt}, raw=True)


def image(fig, alt):
    """``fig`` as the HTML of an image that carries its own drawing. Errors: as :func:`show`."""
    if len(alt) < 15:
        raise ValueError(f"alt must say in a sentence what is to be seen, but is {alt!r}")
    # A line break inside a URL is dropped by the browser: it only keeps the file readable.
    uri = quote(svg_text(fig), safe=" /:=;,.'()!*@$&?+~-_[]{}|^").replace("%0A", "%0A\n")
    return (f'<img class="dark-light" alt="{html.escape(alt, quote=True)}" '
            f'style="width:100%;max-width:600px;background:#fff" src="data:image/svg+xml,{uri}">')


def svg_text(fig):
    """The SVG source of ``fig``, the same bytes every time."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "resnext", "svg.fonttype": "path"}):
        fig.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue()


def canvas(height):
    """A blank figure, 360 by ``height`` points, and its axes in points with y growing downwards."""
    fig = Figure(figsize=(WIDTH / 72, height / 72), facecolor=PAPER)
    axes = fig.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    return fig, axes


def plot(height=230, left=48, bottom=40, top=14, right=12):
    """A figure with one pair of axes in the book's style, for curves and points."""
    fig = Figure(figsize=(WIDTH / 72, height / 72), facecolor=PAPER)
    box = (left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - bottom - top) / height)
    axes = fig.add_axes(box)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=LETTERING, colors=INK)
    axes.xaxis.label.set_size(LETTERING)
    axes.yaxis.label.set_size(LETTERING)
    return fig, axes


def text_width(text, size=LETTERING):
    """Width of ``text`` in points."""
    return TextPath((0, 0), text, size=size).get_extents().width if text.strip() else 0


def write(axes, x, y, text, colour=INK, align="center", size=LETTERING, weight="normal"):
    """Write ``text`` with its middle line at ``y``; ``align`` says which of its sides is at ``x``. Unit: points."""
    axes.text(x, y, text, ha=align, va="center", color=colour, fontsize=size, fontweight=weight, zorder=4)


def line(axes, points, colour=INK, width=1.2, arrow=False):
    """A line through ``points``; with ``arrow`` it ends in a head."""
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=colour, linewidth=width, solid_capstyle="butt", solid_joinstyle="round", zorder=2)
    if arrow:
        (x0, y0), (x1, y1) = points[-2:]
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=dict(
            arrowstyle="-|>,head_width=0.22,head_length=0.38", color=colour, linewidth=width, shrinkA=0, shrinkB=0))


# --- A block as lanes -------------------------------------------------------------------------

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

    def nodes(self):
        """Every box, in drawing order."""
        projection = [self.shortcut] if isinstance(self.shortcut, Node) else []
        return [node for lane in self.lanes for node in lane] + self.tail + projection


def node_of(name, layer):
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


def drawn_layers(module):
    """The layers that become boxes, by name: convolutions, poolings, linear layers."""
    kinds = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
    return [(name, layer) for name, layer in module.named_modules() if isinstance(layer, kinds)]


def diagram(module):
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


def box_size(node):
    """Width and height in points of the box that holds the lettering of ``node``, with room for cuts in its sides."""
    lines = [node.label, *filter(None, node.note.split("\n"))]
    return max(map(text_width, lines)) + (20 if node.groups > 1 else 12), 12 + 14 * len(lines)


def draw_node(axes, x, y, node):
    """Draw a box whose left edge is at ``x`` and middle at ``y``; return its right edge.

    A grouped convolution's sides are cut: C pieces that do not touch.
    """
    width, height = box_size(node)
    fill = {"spatial": PATH, "pointwise": PALE, "pool": PAPER, "gate": WASH}[node.kind]
    axes.add_patch(Rectangle((x, y - height / 2), width, height, facecolor=fill, edgecolor=INK, linewidth=1, zorder=3))
    if node.groups > 1:
        for step in range(1, 4):
            cut = y - height / 2 + height * step / 4
            for left in (x - 1, x + width - 4):
                axes.add_patch(Rectangle((left, cut - 1.2), 5, 2.4, facecolor=PAPER, edgecolor="none", zorder=3))
    lines = [node.label, *(node.note.split("\n") if node.note else [])]
    for i, text in enumerate(lines):
        write(axes, x + width / 2, y + 14 * (i - (len(lines) - 1) / 2), text, PAPER if node.kind == "spatial" else INK)
    return x + width


def draw_sum(axes, x, y, joint="+"):
    """Draw a plus in a circle around ``(x, y)``: here maps are added; with ``joint="×"`` they are multiplied."""
    axes.add_patch(Circle((x, y), 9, facecolor=PAPER, edgecolor=SUM, linewidth=2, zorder=3))
    for dx, dy in ((5, 0), (0, 5)) if joint == "+" else ((4, 4), (4, -4)):
        axes.plot([x - dx, x + dx], [y - dy, y + dy], color=SUM, linewidth=2, zorder=4)


def lane_rows(result):
    """Heights of the drawn lanes: one of a kind is drawn three times, with dots between."""
    lanes = result.lanes * 3 if result.repeated > 1 else result.lanes
    heights = [max(ROW, max(box_size(node)[1] for node in lane) + 10) for lane in lanes]
    if result.repeated > 1:
        heights.insert(2, 20)
        lanes = [*lanes[:2], None, lanes[2]]
    return lanes, heights


def diagram_height(result):
    """Height in points of a drawn block, with room for its shortcut."""
    return sum(lane_rows(result)[1]) + (34 if result.shortcut else 0)


def draw_diagram(axes, result, top):
    """Draw a block from left to right with its upper edge at ``top``."""
    lanes, heights = lane_rows(result)
    top += 34 if result.shortcut else 0
    middles = [top + sum(heights[:i]) + h / 2 for i, h in enumerate(heights)]
    centre = (middles[0] + middles[-1]) / 2
    gap, trunk = _gap_and_trunk(result, lanes)
    write(axes, 2, centre - 9, str(result.in_channels), align="left")
    line(axes, [(2, centre), (trunk, centre)])
    ends = _draw_lanes(axes, lanes, middles, trunk, gap, result.repeated)
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
    return max(9, min(30, (WIDTH - trunk - boxes - merge - end) / arrows)), trunk


def _draw_lanes(axes, lanes, middles, trunk, gap, repeated):
    """Draw every lane and return where each ends; ``None`` stands for the paths left out, and for their end."""
    line(axes, [(trunk, middles[0]), (trunk, middles[-1])])
    ends = []
    for lane, y in zip(lanes, middles, strict=True):
        x = trunk
        for node in lane or []:
            line(axes, [(x, y), (x + gap, y)], arrow=True)
            x = draw_node(axes, x + gap, y, node)
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
    line(axes, [(start, centre), (start, height), (plus, height), (plus, centre - 9)], SUM, 2.5)
    draw_sum(axes, plus, centre, result.joint)
    if isinstance(result.shortcut, Node):
        shown = replace(result.shortcut, note="", label=result.shortcut.label + (
            f", {result.shortcut.note}" if result.shortcut.note else ""))
        draw_node(axes, WIDTH / 2 - box_size(shown)[0] / 2, height, shown)
    else:
        half = max(34, text_width(result.shortcut) / 2 + 8)
        axes.add_patch(Rectangle((WIDTH / 2 - half, height - 9), 2 * half, 18, facecolor=PAPER, edgecolor="none", zorder=3))
        write(axes, WIDTH / 2, height, result.shortcut, SUM)
    return plus + 9


def block_diagram(*modules, titles=()):
    """Diagrams of blocks, one above the other at one scale; ``titles`` stand over them."""
    diagrams = [diagram(module) for module in modules]
    titles = list(titles) or [""] * len(diagrams)
    heights = [diagram_height(d) + (24 if title else 4) for d, title in zip(diagrams, titles, strict=True)]
    fig, axes = canvas(sum(heights) + 14 * (len(heights) - 1) + 6)
    top = 2
    for result, title, height in zip(diagrams, titles, heights, strict=True):
        if title:
            write(axes, 2, top + 9, title, align="left", weight="bold")
        draw_diagram(axes, result, top + (22 if title else 2))
        top += height + 14
    return fig


# --- A network, from top to bottom --------------------------------------------------------------

def network_diagram(network, input_shape):
    """One row a stage: its name, how many blocks, map size, and channels as the width (log scale).

    Everything is read from one run on an image of ``input_shape`` (C, H, W) without data.
    """
    stages = [s for s in stage_costs(network, input_shape).values() if s.parameters and len(s.output_shape) == 3]
    stages = [s for s in stages if not s.name.startswith("bn")]
    fig, axes = canvas(30 * len(stages) + 26)
    write(axes, 2, 10, "stage", align="left", weight="bold")
    write(axes, 206, 10, "channels", weight="bold")
    write(axes, WIDTH - 2, 10, "map", align="right", weight="bold")
    for row, stage in enumerate(stages):
        _network_row(axes, 26 + 30 * row, stage, getattr(network, stage.name))
    return fig


def _network_row(axes, top, stage, module):
    channels, height, width = stage.output_shape
    blocks = len(module) if isinstance(module, nn.Sequential) and stage.name.startswith("layer") else 1
    name = stage.name + (f" ×{blocks}" if blocks > 1 else "")
    half = 14 * (log2(channels) - 2.5)
    write(axes, 2, top + 12, name, align="left")
    strong = stage.name.startswith(("layer", "inception"))
    fill = PATH if strong else PALE
    axes.add_patch(Rectangle((206 - half / 2 - 20, top), half + 40, 24, facecolor=fill, edgecolor=INK))
    write(axes, 206, top + 12, str(channels), PAPER if strong else INK)
    write(axes, WIDTH - 2, top + 12, f"{height}×{width}", align="right")


# --- Weights, reach, cost -----------------------------------------------------------------------

def kernel_blocks(convolution):
    """The rectangles (first row, first column, rows, columns) of the weight that exist, out by in."""
    rows, columns = convolution.out_channels // convolution.groups, convolution.in_channels // convolution.groups
    return [(g * rows, g * columns, rows, columns) for g in range(convolution.groups)]


def weight_matrix(*convolutions, titles):
    """Weights as matrices of kernels, to one scale: a row is an output channel, a column an input.

    Filled is a kernel that exists; paper is a zero that is neither stored nor computed.
    """
    gaps = 16 * (len(convolutions) - 1) + 8
    scale = min(230 / max(max(c.in_channels, c.out_channels) for c in convolutions),
                (WIDTH - gaps) / sum(c.in_channels for c in convolutions))
    fig, axes = canvas(max(c.out_channels for c in convolutions) * scale + 62)
    left = 4
    for convolution, title in zip(convolutions, titles, strict=True):
        _draw_matrix(axes, convolution, left, 24, scale)
        write(axes, left, 10, title, align="left", weight="bold")
        below = 24 + convolution.out_channels * scale + 14
        write(axes, left, below, f"{convolution.out_channels} × {convolution.in_channels}", align="left")
        if convolution.groups > 1:
            write(axes, left, below + 15, f"groups={convolution.groups}", align="left")
        left += convolution.in_channels * scale + 16
    return fig


def _draw_matrix(axes, convolution, left, top, scale):
    rows, columns = convolution.out_channels, convolution.in_channels
    axes.add_patch(Rectangle((left, top), columns * scale, rows * scale, facecolor=PAPER, edgecolor=INK, linewidth=1))
    fill = PATH if convolution.kernel_size[0] > 1 else WEIGHT
    for row, column, height, width in kernel_blocks(convolution):
        axes.add_patch(Rectangle((left + column * scale, top + row * scale), width * scale, height * scale,
                                 facecolor=fill, edgecolor="none"))
    if max(rows, columns) <= 16:
        _grid(axes, left, top, rows, columns, scale)


def _grid(axes, left, top, rows, columns, scale):
    for r in range(rows + 1):
        line(axes, [(left, top + r * scale), (left + columns * scale, top + r * scale)], LINE, 0.8)
    for c in range(columns + 1):
        line(axes, [(left + c * scale, top), (left + c * scale, top + rows * scale)], LINE, 0.8)


def place_of(convolution):
    """0 for a dense convolution, 1 for a depthwise one, between them log(groups) / log(channels)."""
    return log(convolution.groups) / log(convolution.in_channels)


def group_line(rows):
    """Networks between one group (left) and one group a channel (right), at :func:`place_of` their convolutions.

    ``rows`` are (label, convolutions of the stages); from the first (open circle) an arrow leads to the last.
    """
    fig, axes = canvas(40 * len(rows) + 48)
    for x, end, align, texts in ((14, 2, "left", ("groups = 1", "dense")),
                                 (WIDTH - 14, WIDTH - 2, "right", ("groups = channels", "depthwise"))):
        write(axes, end, 10, texts[0], align=align, weight="bold")
        write(axes, end, 26, texts[1], align=align)
        line(axes, [(x, 36), (x, 40 * len(rows) + 40)], LINE)
    write(axes, WIDTH / 2, 26, "grouped")
    for row, (label, convolutions) in enumerate(rows):
        _group_row(axes, 40 * row + 50, label, convolutions[0], convolutions[-1])
    return fig


def _group_row(axes, top, label, *ends):
    write(axes, 20, top, label, align="left", weight="bold")
    write(axes, WIDTH - 20, top, " → ".join(f"{c.groups} of {c.in_channels}" for c in ends), align="right")
    line(axes, [(14, top + 18), (WIDTH - 14, top + 18)], LINE)
    first, last = (14 + (WIDTH - 28) * place_of(convolution) for convolution in ends)
    if first != last:
        line(axes, [(first, top + 18), (last + (7 if last < first else -7), top + 18)], PATH, 2.5, arrow=True)
    for x, fill in ((first, PAPER), (last, PATH)):
        axes.add_patch(Circle((x, top + 18), 5, facecolor=fill, edgecolor=PATH, linewidth=2, zorder=3))


def reach(module, in_channels, size=5):
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


def reach_matrix(*reaches, titles, labels=("input channel", "output channel")):
    """Measured reaches as matrices: a filled cell says that the input (column) reaches the output (row)."""
    gaps = 26 * len(reaches)
    scale = min(22, (WIDTH - gaps) / sum(r.shape[1] for r in reaches))
    while sum(max(r.shape[1] * scale, text_width(t)) for r, t in zip(reaches, titles, strict=True)) > WIDTH - gaps:
        scale -= 0.5   # long titles need room as well
    fig, axes = canvas(max(r.shape[0] for r in reaches) * scale + 68)
    left = 20
    for reached, title in zip(reaches, titles, strict=True):
        write(axes, left, 10, title, align="left", weight="bold")
        write(axes, left, 30, f"{labels[0]} →", align="left")
        write(axes, left - 10, 42 + scale / 2, "↓")
        _draw_reach(axes, reached, left, 42, scale)
        left += max(reached.shape[1] * scale, text_width(title)) + 26
    write(axes, 20, 42 + max(r.shape[0] for r in reaches) * scale + 14, f"↓ {labels[1]}", align="left")
    return fig


def _draw_reach(axes, reached, left, top, scale):
    for row, column in reached.nonzero().tolist():
        axes.add_patch(Rectangle((left + column * scale, top + row * scale), scale, scale, facecolor=PATH, edgecolor="none"))
    _grid(axes, left, top, *reached.shape, scale)


def receptive_field(module, size):
    """Which pixels of a ``size`` x ``size`` image the middle output pixel sees: bool ``(H, W)``."""
    convolution = next(m for m in module.modules() if isinstance(m, nn.Conv2d))
    x = torch.ones(1, convolution.in_channels, size, size, requires_grad=True)
    output = module(x)
    output[0, :, output.shape[2] // 2, output.shape[3] // 2].sum().backward()
    return x.grad.abs().sum(dim=(0, 1)) > 0


def receptive_field_figure(fields, titles):
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


def cost_bars(rows, unit, limit=None):
    """Horizontal bars: ``rows`` are (label, value) or (label, value, emphasised). ``limit`` draws a post.

    A bar that is emphasised is blue, another one grey and hatched, so that grey print keeps them apart.
    """
    rows = [(*row, True)[:3] for row in rows]
    room = max(text_width(f"{value:,}") for _, value, _ in rows) + 8
    left = max(text_width(label) for label, _, _ in rows) + 8
    most = max([value for _, value, _ in rows] + [limit or 0])
    fig, axes = canvas(24 * len(rows) + 30)
    scale = (WIDTH - left - room) / most
    write(axes, left, 10, unit, align="left", weight="bold")
    for i, (label, value, emphasised) in enumerate(rows):
        y = 24 + 24 * i
        write(axes, left - 6, y + 9, label, align="right")
        axes.add_patch(Rectangle((left, y), max(value * scale, 0.8), 18, facecolor=PATH if emphasised else PALE,
                                 edgecolor=INK, linewidth=0.8, hatch=None if emphasised else "////"))
        write(axes, left + value * scale + 4, y + 9, f"{value:,}", align="left")
    if limit:
        line(axes, [(left + limit * scale, 20), (left + limit * scale, 24 * len(rows) + 22)], SUM, 2)
    return fig


def share_bars(rows, parts, unit):
    """Stacked bars on one axis: ``rows`` are (label, values), one value for each of ``parts``.

    The middle part is the 3x3 and blue, the others grey; the total stands at the end.
    """
    most = max(sum(values) for _, values in rows)
    left = max(text_width(label) for label, _ in rows) + 8
    scale = (WIDTH - left - text_width(f"{most:,}") - 12) / most
    fig, axes = canvas(26 * len(rows) + 50)
    write(axes, left, 10, unit, align="left", weight="bold")
    for i, (label, values) in enumerate(rows):
        x = left
        write(axes, left - 6, 34 + 26 * i, label, align="right")
        for part, value in enumerate(values):
            blue = part == 1
            axes.add_patch(Rectangle((x, 24 + 26 * i), value * scale, 20, facecolor=PATH if blue else PALE,
                                     edgecolor=INK, linewidth=0.8))
            x += value * scale
        write(axes, x + 4, 34 + 26 * i, f"{sum(values):,}", align="left")
    write(axes, left, 38 + 26 * len(rows), " + ".join(parts), align="left")
    return fig


def layer_cost_bars(module, input_shape, what="weights"):
    """Bars of ``weights`` (without biases) or ``macs`` for every convolution; the spatial ones are blue."""
    rows = []
    for cost in layer_costs(module, input_shape):
        if cost.kind == "Conv2d":
            layer = module.get_submodule(cost.name)
            size = layer.kernel_size[0]
            label = f"{size}×{size}, {layer.in_channels} to {layer.out_channels}"
            rows.append((label, cost.macs if what == "macs" else layer.weight.numel(), size > 1))
    return cost_bars(rows, "MACs, one image" if what == "macs" else what)


def number_grids(grids, titles, marks=()):
    """Small integer matrices side by side; ``marks`` outlines a rectangle (row, column, rows, columns) in each."""
    gap = 26
    side = min(30, (WIDTH - 8 - gap * (len(grids) - 1)) / sum(len(grid[0]) for grid in grids))
    fig, axes = canvas(max(len(grid) for grid in grids) * side + 30)
    left, marks = 4, list(marks) + [None] * len(grids)
    for grid, title, mark in zip(grids, titles, marks, strict=False):
        write(axes, left, 10, title, align="left", weight="bold")
        if mark:
            row, column, rows, columns = mark
            axes.add_patch(Rectangle((left + column * side, 22 + row * side), columns * side, rows * side,
                                     facecolor=WASH, edgecolor="none"))
        _grid(axes, left, 22, len(grid), len(grid[0]), side)
        for r, values in enumerate(grid):
            for c, value in enumerate(values):
                write(axes, left + (c + 0.5) * side, 22 + (r + 0.5) * side, str(value).replace("-", "−"))
        if mark:
            axes.add_patch(Rectangle((left + column * side, 22 + row * side), columns * side, rows * side,
                                     fill=False, edgecolor=PATH, linewidth=2.5, zorder=4))
        left += len(grid[0]) * side + gap
    return fig


# --- Forms as moves of the same numbers -----------------------------------------------------------

def middle_masks(block):
    """Which weights exist, with a row for every middle channel: (first 1x1, 3x3, last 1x1 transposed).

    Three bool matrices ``(width, in)``, ``(width, width)``, ``(width, out)``, read from a form A, B or C
    or from any three convolutions in a row.
    """
    if hasattr(block, "cardinality"):
        flat = Bottleneck(block.in_channels, block.width, block.out_channels, block.cardinality, block.stride)
        layers = [flat.conv1, flat.conv2, flat.conv3]
    else:
        layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    masks = []
    for layer in layers:
        mask = torch.zeros(layer.out_channels, layer.in_channels, dtype=torch.bool)
        for row, column, rows, columns in kernel_blocks(layer):
            mask[row:row + rows, column:column + columns] = True
        masks.append(mask)
    return masks[0], masks[1], masks[2].T


def lanes(*blocks, titles, follow=1):
    """The weights of blocks with a lane for every path; path number ``follow`` is blue.

    A gap between lanes says that the paths have separate layers there. Where a gap closes, layers have
    become one; no weight moves past another.
    """
    side, gap = 7.5, 5
    rows = max(mask.shape[0] for block in blocks for mask in middle_masks(block)[:1])
    strip = rows * side + 4 * gap + 44
    fig, axes = canvas(strip * len(blocks) + 4)
    for number, (block, title) in enumerate(zip(blocks, titles, strict=True)):
        top = strip * number
        write(axes, 4, top + 10, title, align="left", weight="bold")
        left = 4
        for mask, separate, label in zip(middle_masks(block), _separate(block), ("1×1", "3×3", "1×1"), strict=True):
            _draw_lanes_of_weights(axes, mask, block, (left, top + 24), (side, gap if separate else 0), follow)
            write(axes, left + mask.shape[1] * side / 2, top + strip - 12, label)
            left += mask.shape[1] * side + 22
    return fig


def _separate(block):
    """For each of the three layers: does every path have its own?"""
    own = hasattr(block, "paths")
    return own, own, own and not hasattr(block, "conv3")


def _draw_lanes_of_weights(axes, mask, block, corner, size, follow):
    (left, top), (side, gap) = corner, size
    paths = _number_of_paths(block)
    rows, columns = mask.shape
    depth = rows // paths
    top += 2 * (5 - gap)   # closed lanes stand in the middle of the strip
    for row in range(rows):
        kept = mask[row].nonzero().flatten()   # neighbours, so one rectangle is enough
        y, path = top + row * side + row // depth * gap, row // depth
        axes.add_patch(Rectangle((left + int(kept[0]) * side, y), len(kept) * side, side, edgecolor="none",
                                 facecolor=PATH if path == follow else WEIGHT))
        line(axes, [(left, y), (left + columns * side, y)], PAPER, 0.6)
    for column in range(1, columns):
        x = left + column * side
        line(axes, [(x, top), (x, top + rows * side + (paths - 1) * gap)], PAPER, 0.6)
    for lane in range(paths if gap else 1):
        height = (depth if gap else rows) * side
        axes.add_patch(Rectangle((left, top + lane * (depth * side + gap)), columns * side, height,
                                 fill=False, edgecolor=INK, linewidth=0.9, zorder=3))


def _number_of_paths(block):
    """C of a form, or the groups of the middle of any three convolutions in a row."""
    if hasattr(block, "cardinality"):
        return block.cardinality
    return [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)][1].groups
