"""Figures to play with. They need no kernel: a static picture and a table, and a script that brings them to life.

Where the script does not run (print, no JavaScript, an untrusted notebook), picture and table stay.
Every number is computed here from live modules, or in the script's ``model(state)``, which the tests compare with
the library over all settings.
"""

import html
import json
from importlib.resources import files

import torch
from torch import nn

from resnext_lib import figures
from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.complexity import RESNET_BUDGET, layer_costs, width_for_budget
from resnext_lib.forms import FormA, FormB, FormC, path_layers
from resnext_lib.networks import GOOGLENET_MODULES, resnet50, resnext50_32x4d
from resnext_lib.published import published


class Explorer:
    """What a notebook shows of an explorer: HTML, and the text ``alt`` where HTML cannot be shown.

    ``name`` is the script's file name, ``fig`` and ``alt`` the static picture, ``table`` its rows with the heading
    first, ``data`` what the script is given. ``scripts`` and ``sheets`` name further files of this folder that it uses. The
    bytes depend on nothing else.
    """

    def __init__(self, name, fig, alt, caption, table, data, scripts=(), sheets=()):
        self.alt = alt
        title = f"Figure to play with: {name.replace('_', ' ').capitalize()}"
        given = json.dumps(data, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\u0021--")
        styles = "".join(_asset(f"{sheet}.css") for sheet in ("shared", *sheets))
        code = "".join(_asset(f"{script}.js") for script in ("shared", *scripts, name))
        if scripts:  # a large one
            code = _without_comments(code)
        self.html = (
            f'<figure class="explorer" data-explorer="{name}" aria-label="{title}">\n'
            f"<style>\n{styles}</style>\n"
            f'{figures.image(fig, alt)}\n{_numbers(caption, table)}\n<script>\n(() => {{\n"use strict";\n'
            f'const root = document.currentScript.closest("figure"), data = {given};\n'
            f"{code}}})();\n</script>\n</figure>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": self.alt}

    def __repr__(self):
        return self.alt


def _asset(name):
    """The text of a script or style sheet of this folder."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _without_comments(code):
    """Scripts without lines that are comments, and without indents: what the browser needs."""
    lines = [line.strip() for line in code.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def _numbers(caption, table):
    """The table as HTML: first row and first column are headings; whole numbers get their commas."""

    def row(cells, heading):
        shown = [f"{cell:,}" if isinstance(cell, int) else html.escape(str(cell)) for cell in cells]
        first = f'<th scope="{heading}">{shown[0]}</th>'
        rest = [f'<th scope="col">{cell}</th>' if heading == "col" else f"<td>{cell}</td>" for cell in shown[1:]]
        return f"<tr>{first}{''.join(rest)}</tr>"

    body = "\n".join(row(cells, "row") for cells in table[1:])
    return (
        f'<details open><summary>The numbers as a table</summary>\n<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{html.escape(caption)}">\n<table><caption>{html.escape(caption)}</caption>\n'
        f"<thead>{row(table[0], 'col')}</thead>\n<tbody>\n{body}\n</tbody></table></div></details>"
    )


def _convolutions(module):
    """The convolutions of a block's transform, without those of its shortcut."""
    return [
        layer for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d) and not name.startswith("downsample")
    ]


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
        layers, (first, _, last) = _convolutions(block), figures.middle_masks(block)
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


def spend_a_budget():
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
        parts = [layer.weight.numel() for layer in _convolutions(Bottleneck(256, c * d, 256, c))]
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
    caption = f"Blocks near {RESNET_BUDGET:,} weights; errors of the 50-layer networks from {source}"
    return Explorer("spend_a_budget", fig, alt, caption, rows, data)


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
            "Each branch widens itself back to 256 channels, so that the branches can be added, and made thinner.",
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


def inception_to_resnext():
    """Eight steps from Inception's module to the ResNeXt block, each marked: changes the function, or only redraws it."""
    frames, rows = [], [["step", "block", "weights", "to choose", "the function"]]
    for number, (module, title, say, change) in enumerate(_inception_steps(), start=1):
        weights = sum(layer.weight.numel() for layer in _convolutions(module))
        choose = f"{len(GOOGLENET_MODULES['3a'])} widths, 4 kinds" if number == 1 else "C and d"
        function = {"changes": "changes", "redraws": "stays the same", "": "the start"}[change]
        rows.append([number, title, weights, choose, function])
        frames.append(
            dict(
                title=title, say=say, change=change, weights=weights, choose=choose, diagram=_plain(figures.diagram(module))
            )
        )
    fig = figures.block_diagram(
        *[step[0] for step in _inception_steps()],
        titles=[f"{i}. {step[1]}" for i, step in enumerate(_inception_steps(), start=1)],
    )
    alt = (
        "Eight blocks from top to bottom. Inception 3a with four unequal branches; four equal branches; their outputs "
        "added; a shortcut; 32 thin paths; the paths concatenated before one 1x1; one grouped 3x3 in the middle; "
        "ResNet's block."
    )
    caption = "Convolution weights, without bias and batch norm; steps 2 to 4 teach, they are not published networks"
    return Explorer("inception_to_resnext", fig, alt, caption, rows, dict(frames=frames))


_STOPS = {
    "stem": ("conv1", "bn1"),
    "conv2": ("layer1",),
    "conv3": ("layer2",),
    "conv4": ("layer3",),
    "conv5": ("layer4",),
    "head": ("fc",),
}  # the paper's names, and the modules they stand for


def _cost_of(costs, *prefixes):
    """Parameters and MACs of the layers whose names begin with a prefix; MACs of linear layers apart."""
    own = [c for c in costs if any(c.name == p or c.name.startswith(f"{p}.") for p in prefixes)]
    linear = sum(c.macs for c in own if c.kind == "Linear")
    return dict(parameters=sum(c.parameters for c in own), convolutions=sum(c.macs for c in own) - linear, linear=linear)


def _layer(name, layer, costs):
    """A box of an ordinary block: kernel, channels, groups and cost."""
    spatial = isinstance(layer, nn.Conv2d)
    return dict(
        kernel="×".join(map(str, layer.kernel_size)) if spatial else "fc",
        channels=layer.weight.shape[0],
        spatial=spatial and layer.kernel_size == (3, 3),
        groups=layer.groups if spatial else 1,
        cost=_cost_of(costs, name),
    )


def _stop_of(network, costs, name, modules):
    """One stop: its cost, the layers of an ordinary block (a stage's second), and what the first block costs."""
    stage, prefix = getattr(network, modules[0]), modules[0]
    found = dict(name=name, cost=_cost_of(costs, *modules))
    if isinstance(stage, nn.Sequential):
        block, prefix = stage[1], f"{modules[0]}.1"
        found |= dict(
            blocks=len(stage),
            paths=block.cardinality,
            width=block.width // block.cardinality,
            ordinary=_cost_of(costs, prefix),
            first=_cost_of(costs, f"{modules[0]}.0"),
        )
    own = [c for c in costs if f"{c.name}.".startswith(f"{prefix}.") and c.kind in ("Conv2d", "Linear")]
    layers = [network.get_submodule(c.name) for c in own]
    last = own[-1].output_shape
    return found | dict(
        layers=[_layer(c.name, layer, costs) for c, layer in zip(own, layers, strict=True)],
        output=last[0],
        input=layers[0].weight.shape[1] * getattr(layers[0], "groups", 1),
        map=last[1] if len(last) == 3 else 0,
    )


def walk_the_network():
    """ResNet-50 and ResNeXt-50 (32x4d) stage by stage, in parameters or MACs, for images of 128 to 320 pixels."""
    both, bars, rows = (
        [],
        [],
        [["stop", "map", "ResNet-50: C×d", "parameters", "MACs", "ResNeXt-50: C×d", "parameters", "MACs"]],
    )
    for name, build in (("ResNet-50", resnet50), ("ResNeXt-50", resnext50_32x4d)):
        with torch.device("meta"):
            network = build()
        costs = layer_costs(network, (3, 224, 224))
        spatial = sum(c.weight.numel() for n, c in network.named_modules() if n.endswith("conv2"))
        both.append(dict(name=name, spatial=spatial, stages=[_stop_of(network, costs, *stop) for stop in _STOPS.items()]))
    for old, new in zip(*(network["stages"] for network in both), strict=True):
        cells = [old["name"], f"{old['map']}×{old['map']}" if old["map"] else "1×1"]
        for label, stage, blue in (("ResNet", old, False), ("ResNeXt", new, True)):
            cost = stage["cost"]
            cells += [
                f"{stage['paths']}×{stage['width']}" if "paths" in stage else "",
                cost["parameters"],
                cost["convolutions"] + cost["linear"],
            ]
            bars.append((f"{old['name']}, {label}", cost["parameters"], blue))
        rows.append(cells)
    alt = (
        "Pairs of bars for the stem, conv2 to conv5 and the head: the parameters of ResNet-50 and of ResNeXt-50 are "
        "almost equal at every stop, and most of them lie in conv5."
    )
    caption = "Parameters and MACs of every stop, for an image of 224×224"
    return Explorer("walk_the_network", figures.cost_bars(bars, "parameters"), alt, caption, rows, dict(networks=both))


def look_inside(small=False):
    """The book's trained network at work in the page: on real pictures, on what the reader draws, and with parts off.

    ``small`` shows one block, with fewer pictures and without the three forms.
    """
    from resnext_lib.explorers import live  # it stands on this module

    return live.look_inside(small)
