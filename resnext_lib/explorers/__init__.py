"""Figures to play with. They need no kernel: a static picture and a table, and a script that brings them to life.

Where the script does not run (print, no JavaScript, an untrusted notebook), picture and table stay.
Every number is computed here from live modules, or in the script's ``model(state)``, which the tests compare with
the library over all settings.
"""

import html
import json
from importlib.resources import files

from torch import nn

from resnext_lib import figures
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import RESNET_BUDGET, width_for_budget
from resnext_lib.forms import FormA, FormB, FormC
from resnext_lib.published import published


class Explorer:
    """What a notebook shows of an explorer: HTML, and the text ``alt`` where HTML cannot be shown.

    ``name`` is the script's file name, ``fig`` and ``alt`` the static picture, ``table`` its rows with the heading
    first, ``data`` what the script is given. The bytes depend on nothing else.
    """

    def __init__(self, name, fig, alt, caption, table, data):
        self.alt = alt
        given = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
        self.html = (f'<figure class="explorer" data-explorer="{name}">\n<style>\n{asset("shared.css")}</style>\n'
                     f"{figures.image(fig, alt)}\n{numbers(caption, table)}\n<script>\n(() => {{\n\"use strict\";\n"
                     f'const root = document.currentScript.closest("figure"), data = {given};\n'
                     f'{asset("shared.js")}{asset(name + ".js")}}})();\n</script>\n</figure>')

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": self.alt}

    def __repr__(self):
        return self.alt


def asset(name):
    """The text of a script or style sheet of this folder."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def numbers(caption, table):
    """The table as HTML: first row and first column are headings; whole numbers get their commas."""
    def row(cells, heading):
        shown = [f"{cell:,}" if isinstance(cell, int) else html.escape(str(cell)) for cell in cells]
        first = f'<th scope="{heading}">{shown[0]}</th>'
        rest = [f'<th scope="col">{cell}</th>' if heading == "col" else f"<td>{cell}</td>" for cell in shown[1:]]
        return f"<tr>{first}{''.join(rest)}</tr>"

    body = "\n".join(row(cells, "row") for cells in table[1:])
    return (f'<details open><summary>The numbers as a table</summary>\n<div class="scroll" tabindex="0" role="region" '
            f'aria-label="{html.escape(caption)}">\n<table><caption>{html.escape(caption)}</caption>\n'
            f'<thead>{row(table[0], "col")}</thead>\n<tbody>\n{body}\n</tbody></table></div></details>')


def convolutions(module):
    """The convolutions of a block's transform, without those of its shortcut."""
    return [layer for name, layer in module.named_modules()
            if isinstance(layer, nn.Conv2d) and not name.startswith("downsample")]


def split_input(channels, width, paths):
    """Three layers that do split their input: what a ResNeXt block is often taken for."""
    return nn.Sequential(nn.Conv2d(channels, width, 1, groups=paths, bias=False),
                         nn.Conv2d(width, width, 3, padding=1, groups=paths, bias=False),
                         nn.Conv2d(width, channels, 1, groups=paths, bias=False))


SPLIT_SIZES = [(16, 1, 8), (16, 2, 4), (16, 4, 2), (16, 8, 1), (256, 32, 4)]  # channels, paths, width of a path


def what_is_split():
    """Forms A, B and C as moves of the same weights; follow a path, an input, a middle channel or an output."""
    sizes = [dict(inputs=channels, paths=paths, width=width,
                  label=f"{paths} path{'s' * (paths > 1)} of {width}" + (" (32x4d at full size)" if channels == 256 else ""))
             for channels, paths, width in SPLIT_SIZES]
    blocks = {"form A": FormA(16, 8, 16, 4), "form B": FormB(16, 8, 16, 4), "form C": FormC(16, 8, 16, 4),
              "input split": split_input(16, 8, 4)}
    fig = figures.lanes(*blocks.values(), titles=["Form A: path 2 of 4 is blue", "Form B: the last 1×1 is one layer",
                                                  "Form C: all three are one layer each", "Not ResNeXt: the input is split"])
    rows = [["4 paths of 2", "convolutions", "weights", "path 2 reads", "path 2 reaches"]]
    for name, block in blocks.items():
        layers, (first, _, last) = convolutions(block), figures.middle_masks(block)
        rows.append([name, len(layers), sum(layer.weight.numel() for layer in layers),
                     f"{int(first[2].sum())} of 16 inputs", f"{int(last[2].sum())} of 16 outputs"])
    alt = ("Four strips of three weight matrices, a row for every middle channel, path 2 of 4 in blue. In forms A, B and C its "
           "first 1x1 reads all 16 inputs and its last 1x1 reaches all 16 outputs. In the fourth strip, where the input is "
           "split, it reads 4 and reaches 4.")
    return Explorer("what_is_split", fig, alt, "A block of 16 channels in, 8 in the middle, 16 out", rows, dict(sizes=sizes))


def spend_a_budget():
    """The budget of ResNet's block spent on C paths: what the 3x3 saves, the 1x1s eat."""
    stops, side = [1, 2, 4, 8, 16, 32, 64, 128], 56
    measured = {pair: published(f"table3.50-layers.{pair}")["value"] for pair in ("1x64d", "2x40d", "4x24d", "8x14d", "32x4d")}
    bars, rows = [], [["C", "d", "C·d", "1×1", "3×3", "1×1", "weights", "against the budget", f"MACs, {side}×{side}", "top-1 error, %"]]
    for c in stops:
        d = width_for_budget(c)
        parts = [layer.weight.numel() for layer in convolutions(Bottleneck(256, c * d, 256, c))]
        bars.append((f"{c}×{d}d", parts))
        rows.append([c, d, c * d, *parts, sum(parts), f"{100 * (sum(parts) / RESNET_BUDGET - 1):+.1f} %".replace("-", "−"),
                     sum(parts) * side * side, measured.get(f"{c}x{d}d", "not measured")])
    fig = figures.share_bars(bars, ["first 1×1", "3×3 (blue)", "last 1×1"], "weights of a block")
    alt = ("Eight stacked bars of nearly equal length, for 1 to 128 paths. The blue 3x3 shrinks from more than half of the bar "
           "to a sliver, and the two 1x1s grow into the room that it leaves.")
    data = dict(stops=stops, channels=256, widest=64, budget=RESNET_BUDGET, map=side, errors=measured)
    caption = f"Blocks near {RESNET_BUDGET:,} weights; errors of the 50-layer networks from {published('table3.50-layers.32x4d')['source']}"
    return Explorer("spend_a_budget", fig, alt, caption, rows, data)
