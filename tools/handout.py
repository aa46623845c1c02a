"""A handout of two A4 pages: ``python -m tools.handout`` writes _classroom/handout.html, and .pdf where Chromium is.

What a lesson asks is left blank, to be filled in; ``--answers`` writes handout-with-answers in the same way, for the end.
Every picture is drawn from a live module and every number is counted, so the handout cannot disagree with the book.
"""

import argparse
import sys
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import quote

import torch

from resnext_lib import figures, forms, networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import (
    RESNET_BUDGET,
    bottleneck_weights,
    count_macs,
    count_parameters,
    stage_costs,
    width_for_budget,
    width_limit,
)
from resnext_lib.figures.palette import DARK, LIGHT
from tools import browser, pdf
from tools.facts import ROOT
from tools.writing import check_folder, replace_made

IMAGE = (3, 224, 224)


def colours(palette, quiet, tint):
    """A theme as CSS: the book's tokens, small print, and the ground under formulas."""
    tokens = {name: palette[name] for name in ("ink", "path", "line", "paper")} | {"quiet": quiet, "tint": tint}
    return "html { " + "; ".join(f"--{name}: {colour}" for name, colour in tokens.items()) + " }\n"


STYLE = (
    colours(LIGHT, "#555B63", "#EEF3F8")
    + """
@page { size: A4; margin: 0 }
* { box-sizing: border-box }
body { margin: 0; font: 10pt/1.35 "DejaVu Sans", Verdana, Arial, sans-serif; color: var(--ink); background: var(--paper) }
.page { padding: 12mm 13mm 10mm; break-after: page; display: flex; flex-direction: column; gap: 4mm }
@media print { .page { width: 210mm; height: 296.5mm } nav { display: none } }
@media screen {
  html { color-scheme: light dark }
  .page, nav { max-width: 210mm; margin: auto }
  nav { padding: 6mm 13mm 0 } nav a { color: var(--path); display: inline-block; padding-block: 3mm }
}
/* The figures carry both palettes as well, and follow color-scheme. Paper is always light. */
@media screen and (prefers-color-scheme: dark) { """
    + colours(DARK, LIGHT["line"], DARK["wash"])
    + """}
@media screen and (max-width: 700px) {
  body { font-size: 12pt; overflow-wrap: break-word }
  .page { padding: 5mm 4mm } nav { padding: 4mm 4mm 0 }
  .page .columns { grid-template-columns: minmax(0, 1fr) }
  .page :is(th, td) { padding-inline: 0.5mm; font-size: 9pt } code { overflow-wrap: anywhere }
  .page .blank { min-width: 5mm } .page .blank.wide { min-width: 100% }
}
.page:last-child { break-after: auto }
h1 { font-size: 16pt; margin: 0 } h1 small { font-size: 10pt; font-weight: normal; color: var(--quiet) }
h2 { font-size: 11.5pt; margin: 0 0 1mm; color: var(--path) }
p, ul, ol { margin: 0 0 1.5mm } ul, ol { padding-left: 5mm } li { margin-bottom: 0.8mm }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 7mm }
.formula { font-size: 12pt; text-align: center; margin: 1.5mm 0; padding: 1.5mm; background: var(--tint) }
table { border-collapse: collapse; width: 100%; margin-bottom: 1.5mm }
th, td { border-bottom: 0.3mm solid var(--line); padding: 0.7mm 1.5mm; text-align: right } th { border-color: var(--ink) }
th:first-child, td:first-child { text-align: left }
img { width: 100%; display: block }
code { font: 9pt "DejaVu Sans Mono", monospace } pre { margin: 1mm 0; white-space: pre-wrap }
footer { margin-top: auto; font-size: 8pt; color: var(--quiet) }
.blank { display: inline-block; min-width: 11mm; border-bottom: 0.3mm solid var(--quiet); color: transparent }
td .blank { border: 0 } .blank.wide { min-width: min(75mm, 100%) }
.blank.box { display: block; height: 34mm; border: 0.3mm dashed var(--quiet) }
"""
)


class Sheet:
    """What differs between the handout to fill in and the one with answers."""

    def __init__(self, answers):
        self.answers = answers

    def blank(self, answer, kind=""):
        """The answer, or room to write it; a screen reader says that something is missing."""
        return f"{answer}" if self.answers else f'<span class="blank {kind}" role="img" aria-label="to fill in"></span>'

    def points(self, *answers):
        """A list of answers, or of as many lines to write on."""
        return "<ul>" + "".join(f"<li>{self.blank(answer, 'wide')}</li>" for answer in answers) + "</ul>"


def picture(fig, alt):
    """A figure as an image inside the page."""
    return f'<img alt="{alt}" src="data:image/svg+xml,{quote(figures.svg_text(fig))}">'


def table(head, rows):
    """An HTML table; whole numbers get commas."""

    def cells(tag, values):
        texts = (f"{v:,}" if isinstance(v, int) else v for v in values)
        return "<tr>" + "".join(f"<{tag}>{text}</{tag}>" for text in texts) + "</tr>"

    return "<table>" + cells("th", head) + "".join(cells("td", row) for row in rows) + "</table>"


def network_pair():
    """ResNet-50 and ResNeXt-50 (32x4d), without memory for their weights."""
    with torch.device("meta"):
        return {"ResNet-50": networks.resnet50(), "ResNeXt-50 (32×4d)": networks.resnext50_32x4d()}


def three_forms():
    size = dict(in_channels=256, width=128, out_channels=256, cardinality=32)
    blocks = [forms.FormA(**size), forms.FormB(**size), forms.FormC(**size)]
    return picture(
        figures.complete_block(*blocks),
        "Forms A, B and C side by side, every convolution, batch norm and ReLU with its size. Path 2, in blue, has layers "
        "of its own in form A and is a part of each layer in form C.",
    )


def two_blocks():
    blocks = Bottleneck(256, 64, 256), Bottleneck(256, 128, 256, cardinality=32)
    return picture(
        figures.block_diagram(*blocks, titles=["ResNet: 1×64d", "ResNeXt: 32×4d"]),
        "ResNet's bottleneck above ResNeXt's, with the sizes of their layers.",
    )


def weights(sheet):
    if not sheet.answers:
        return f"<p>Draw the three weights to scale.</p>{sheet.blank('', 'box')}"
    block = Bottleneck(256, 128, 256, cardinality=32)
    layers = block.conv1, block.conv2, block.conv3
    return picture(
        figures.weight_matrix(*layers, titles=["1×1", "3×3", "1×1"]),
        "The three weights of the block to scale: two full tables, between them a thin diagonal.",
    )


def width_table(sheet):
    """The widths that keep the budget: Table 2 of the paper. The first row is given."""
    rows = []
    for c in (1, 2, 4, 8, 32):
        d = width_for_budget(c)
        found = f"{d}", f"{c * d}", f"{bottleneck_weights(c, d):,}"
        rows.append((f"{c}", *(found if c == 1 else map(sheet.blank, found))))
    return table(["C", "d", "C · d", "weights"], rows)


def stage_table(sheet):
    """What 32x4d means in every stage, read from the network. The first row is given."""
    network = network_pair()["ResNeXt-50 (32×4d)"]
    costs, rows = stage_costs(network, IMAGE), []
    for number in (1, 2, 3, 4):
        stage = getattr(network, f"layer{number}")
        block, side = stage[0], costs[f"layer{number}"].output_shape[1]
        found = f"{block.cardinality}", f"{block.width // block.cardinality}", f"{block.width}", f"{block.out_channels}"
        rows.append(
            (f"conv{number + 1}", f"{len(stage)}", f"{side}×{side}", *(found if number == 1 else map(sheet.blank, found)))
        )
    return table(["stage", "blocks", "map", "C", "d", "C · d", "output"], rows)


def count_table(sheet):
    rows = [
        (name, sheet.blank(f"{count_parameters(network):,}"), sheet.blank(f"{count_macs(network, IMAGE):,}"))
        for name, network in network_pair().items()
    ]
    return table(["network", "parameters", "MACs at 224×224"], rows)


def depth(sheet):
    """Layers with weights on the way through the network: stem, three a block, classifier."""
    network = network_pair()["ResNeXt-50 (32×4d)"]
    blocks = [len(getattr(network, f"layer{number}")) for number in (1, 2, 3, 4)]
    return f"1 + 3 · ({' + '.join(map(str, blocks))}) + 1 = {sheet.blank(3 * sum(blocks) + 2)}"


def front(sheet):
    one, many = bottleneck_weights(1, 64), bottleneck_weights(32, 4)
    return f"""<section class="page">
<h1>The ResNeXt block <small>From Inception to ResNeXt, page 1 of 2</small></h1>
<div class="columns"><div>
<h2>Three forms, one function</h2>
{three_forms()}
<p>Path 2, in blue, does the same in all three.
Batch norm and ReLU act channel by channel, so they may be stacked;
only the last batch norm sees {sheet.blank("the sum")}.</p>
</div><div>
<h2>The block beside ResNet's</h2>
{two_blocks()}
<p>Every path reads {sheet.blank("all 256")} channels and writes to {sheet.blank("all 256")}.<br>
Split is {sheet.blank("only the middle")}.</p>
<h2>Its weights, to scale</h2>
{weights(sheet)}
<p>A row is an output channel, a column an input channel, a blue cell one 3×3 kernel.</p>
</div></div>
<div class="columns"><div>
<h2>What it costs</h2>
<p>A convolution with g groups has {sheet.blank("c<sub>out</sub> · (c<sub>in</sub> / g) · k²")} weights;
its MACs are weights times places.
A block of C paths, each d wide, has</p>
<p class="formula">C · (256 d + 9 d² + 256 d)</p>
<p>weights: first 1×1, 3×3, last 1×1.<br>
1 × 64d: {one:,}. &nbsp; 32 × 4d: {sheet.blank(f"{many:,}")}.</p>
<p>Batch norm and shortcut not counted. 1 MAC = 2 FLOPs.</p>
</div><div>
<h2>One budget, many widths</h2>
{width_table(sheet)}
<p>The width nearest to {RESNET_BUDGET:,} weights (Table 2 of the paper).
C · d cannot pass {sheet.blank(width_limit())}: by then {sheet.blank("the two 1×1s have spent it all")}.</p>
</div></div>
<div><h2>Words</h2>
{
        table(
            ["paper", "this book", "torchvision"],
            [
                ("cardinality, C", "<code>cardinality</code>", "<code>groups</code>"),
                (
                    "bottleneck width, d of the first stage",
                    "<code>bottleneck_width</code>",
                    "<code>width_per_group</code>, <code>base_width</code>",
                ),
                ("C · d of this stage", "<code>width</code>", "<code>width</code>"),
                ("64, doubled per stage", "<code>stage_width</code>", "<code>planes</code>"),
            ],
        )
    }</div>
<footer>Xie et al., Aggregated Residual Transformations for Deep Neural Networks, arXiv 1611.05431. CC BY 4.0.</footer>
</section>"""


def back(sheet):
    return f"""<section class="page">
<h1>The network, and when the forms agree <small>page 2 of 2</small></h1>
<div><h2>How to read 32×4d</h2>
<p>32 paths (cardinality C) in every stage; width d = 4 <em>in the first stage</em>,
{sheet.blank("doubled")} from stage to stage.</p>
{stage_table(sheet)}
<p>Layers: {depth(sheet)}. The output of a block is 4 times
{sheet.blank("the stage width 64, 128, 256, 512, whatever C · d is")}.</p></div>
<div class="columns"><div><h2>Two design rules</h2>
<ol><li>Blocks on maps of the same size share their widths and C.</li>
<li>When the map's side halves, the widths {sheet.blank("double")}.
So a block's MACs {sheet.blank("stay the same")}, a stage's first apart.</li></ol>
<p>With them, two numbers describe the whole network.</p>
</div><div><h2>The block in a line</h2>
<p class="formula">y = relu( T(x) + shortcut(x) )</p>
<p>T is the sum over the paths, then batch norm. The shortcut is the identity;
where channels or map change, it is a 1×1 and batch norm.</p></div></div>
<div><h2>From ResNet-50 to ResNeXt-50: two keywords</h2>
<pre><code>ResNeXt((3, 4, 6, 3))                                      # ResNet-50
ResNeXt((3, 4, 6, 3), cardinality=32, bottleneck_width=4)  # ResNeXt-50 (32x4d)</code></pre>
{count_table(sheet)}
<p>The defaults are <code>cardinality=1, bottleneck_width=64</code>. The line in which the idea becomes code:
<code>nn.Conv2d(..., groups=cardinality)</code>, in the 3×3 of each block.
Equal MACs are not equal seconds.</p></div>
<div><h2>Why A = B = C</h2>
<p class="formula">A₁B₁ + A₂B₂ = [A₁ A₂] · [B₁ ; B₂] &nbsp;&nbsp;(side by side, stacked)</p>
<p><b>A to B:</b> a sum of products is one product: the last 1×1s side by side, the paths' outputs concatenated.
<b>B to C:</b> first 1×1s of one input are stacked; path i's 3×3 reads and writes
{sheet.blank("run i")}, which is <code>groups=C</code>.
No number changes; weights are only laid out differently.</p></div>
<div class="columns"><div><h2>The equality needs</h2>
{
        sheet.points(
            "copied weights;",
            "groups that are runs of neighbouring channels;",
            "no ReLU and no batch norm of a path's own between its last 1×1 and the sum;",
            "the last batch norm once, after the sum and before the shortcut.",
        )
    }
<p>Compare in 64 bits, in train and in eval mode, with a bound such as 1e-10.</p>
</div><div><h2>It breaks with</h2>
{
        sheet.points(
            "a batch norm at the end of every path;",
            "interleaved groups (dealt like cards);",
            "the same seed instead of the same weights.",
        )
    }
<h2>It survives</h2>
{
        sheet.points(
            "a bias in each path (train mode: removed; eval mode: C gets the biases' sum);",
            "one permutation of the middle channels, applied to all three layers.",
        )
    }</div></div>
<footer>Counts and sizes were taken from the running network when this was made. CC BY 4.0.</footer>
</section>"""


@cache
def sides(answers):
    """Both pages; drawn once, since the same go onto the site, into a lesson and into a file of their own."""
    sheet = Sheet(answers)
    return f"{front(sheet)}\n{back(sheet)}"


def html(answers=False, guide=None):
    """The handout as one HTML file that needs no other; ``guide`` is the address of the page that it belongs to."""
    way_back = f'<nav><a href="{guide}">Back to the teaching guide</a></nav>\n' if guide else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>The ResNeXt block, a handout{' with answers' * answers}</title>"
        f"<style>{STYLE}</style></head>\n<body>{way_back}<main>\n{sides(answers)}\n</main></body></html>\n"
    )


def print_pdf(page, file, chromium):
    """Print the HTML file ``page`` to the PDF ``file``."""
    tab = chromium.new_page()
    tab.goto(page.resolve().as_uri())
    tab.pdf(path=file, prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    tab.close()


def printed(text):
    """The PDF of the handout's HTML, as bytes."""
    with tempfile.TemporaryDirectory() as folder, pdf.launched() as chromium:
        page, file = Path(folder, "handout.html"), Path(folder, "handout.pdf")
        page.write_text(text, encoding="utf-8")
        print_pdf(page, file, chromium)
        return file.read_bytes()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "_classroom")
    parser.add_argument("--answers", action="store_true", help="write handout-with-answers instead")
    options = parser.parse_args(arguments)
    folder, name = options.folder, "handout-with-answers" if options.answers else "handout"
    check_folder(folder)
    files = {f"{name}.html": html(options.answers)}
    if browser.find():
        files[f"{name}.pdf"] = printed(files[f"{name}.html"])
    replace_made(folder, files)
    for file in files:
        print(folder / file)
    if f"{name}.pdf" not in files:
        print(f"no Chromium or Chrome here: open {name}.html in any browser and print it on A4")


if __name__ == "__main__":
    sys.exit(main())
