"""What was taken from elsewhere was written down twice: in published.toml by name, and here as its source prints it.

Nothing can compute an error that others measured; two transcriptions that agree are the best there is. A number that
tests/library/test_published.py computes or reads live from a package needs no second one.
"""

import re

import pytest

from resnext_lib.published import _tables, published

ENTRIES = _tables()
PAPER = "arXiv 1611.05431"

# (source, place, what the names of a row's entries are made of, rows as printed: the row's name, then its numbers)
PRINTED = [
    (PAPER, "Table 3", "table3.{}.{}", "1x64d 2x40d 4x24d 8x14d 32x4d", """
        50-layers   23.9 23.0 22.6 22.3 22.2
        101-layers  22.0 21.7 21.4 21.3 21.2"""),
    (PAPER, "text beside Table 3", "training-error.{}.{}", "1x64d 32x4d", """
        101-layers  20 16"""),
    (PAPER, "Table 4", "table4.{}.{}", "top1 top5", """
        resnet101-1x64d   22.0 6.0
        resnext101-32x4d  21.2 5.6
        resnet200         21.7 5.8
        resnet101-1x100d  21.3 5.7
        resnext101-2x64d  20.7 5.5
        resnext101-64x4d  20.4 5.3"""),
    (PAPER, "Table 5", "table5.{}.{}", "top1 top5", """
        resnet101.224            22.0 6.0
        resnet200.224            21.7 5.8
        resnext101-64x4d.224     20.4 5.3
        resnet200.320            20.1 4.8
        inception-v3.299         21.2 5.6
        inception-v4.299         20.0 5.0
        inception-resnet-v2.299  19.9 4.9
        resnext101-64x4d.320     19.1 4.4"""),
    (PAPER, "text beside Table 5", "ilsvrc2016.{}.{}", "top1 top5", """
        resnext.ensemble  -    3.03
        winner.ensemble   -    2.99
        resnext.single    17.7 3.7"""),
    (PAPER, "Section 5.1, table without number", "ablation.{}.{}", "with-shortcut without-shortcut", """
        resnet50-1x64d    23.9 31.2
        resnext50-32x4d   22.2 26.1"""),
    (PAPER, "Section 5.1, Performance", "speed.{1}{0}", "gpus resnet101 resnext101-32x4d resnext101-64x4d", """
        -  8 0.70 0.95 1.7"""),
    (PAPER, "Table 6", "table6.{}.{}", "5k-way.top1 5k-way.top5 1k-way.top1 1k-way.top5", """
        resnet50    45.5 19.4  27.1 8.2
        resnext50   42.3 16.8  24.4 6.6
        resnet101   42.4 16.9  24.2 6.8
        resnext101  40.1 15.1  22.2 5.7"""),
    (PAPER, "Table 7", "table7.{}.{}", "parameters cifar10 cifar100", """
        wide-resnet        36.5 4.17 20.50
        resnext29_8x64d    34.4 3.65 17.77
        resnext29_16x64d   68.1 3.58 17.31"""),
    (PAPER, "Table 8", "table8.{}.{}", "ap50 ap", """
        resnet50    47.6 26.5
        resnext50   49.7 27.5
        resnet101   51.1 29.8
        resnext101  51.9 30.0"""),
    (PAPER, "Section 4", "training.{}.{}", "batch-size gpus weight-decay momentum learning-rate learning-rate.divisor learning-rate.drops", """
        imagenet  256 8 0.0001 0.9 0.1 10 3"""),
    (PAPER, "Appendix A", "training.{}.{}", "batch-size weight-decay learning-rate epochs", """
        cifar  128 0.0005 0.1 300"""),
    ("facebookresearch/ResNeXt, commit 1f59a2c", "README.md, model table", "lua.{}.{}", "flops top1", """
        resnet50          4.1  23.9
        resnext50-32x4d   4.1  22.2
        resnet101         7.8  22.0
        resnext101-32x4d  7.8  21.2
        resnext101-64x4d  15.6 20.4"""),
    ("facebookresearch/ResNeXt, commit 1f59a2c", "README.md, caption", "lua.{}.{}", "parameters", """
        50-layers   25
        101-layers  44"""),
    ("facebookresearch/ResNeXt, commit 1f59a2c", "opts.lua", "lua.{}.{}", "depth baseWidth cardinality", """
        default  34 64 1"""),
    ("facebookresearch/ResNeXt, commit 1f59a2c", "README.md", "lua.cifar.{}.{}", "batch-64 batch-32", """
        learning-rate  0.05 0.025"""),
    ("mmclassification.readthedocs.io/en/master/papers/resnext.html", "model card", "mmpretrain.{}.{}", "parameters flops top1", """
        resnext50-32x4d   25.03 4.27 77.90
        resnext101-32x4d  44.18 8.03 78.61
        resnext101-32x8d  88.79 16.5 79.27
        resnext152-32x4d  59.95 11.8 78.88"""),
    ("arXiv 1409.4842", "ILSVRC 2014, winner", "{}.{}", "top5", """
        googlenet  6.7"""),
    ("arXiv 1409.4842", "text, section not recorded", "{}.{}", "layers fewer-than-alexnet", """
        googlenet  22 12"""),
    ("arXiv 1409.4842", "Table 3", "googlenet.{}.{}", "networks crops top5", """
        single    1   1  10.07
        ensemble  7 144   6.67"""),
    ("arXiv 1512.03385", "Table 2", "resnet.{1}-{0}.top1", "plain residual", """
        18  27.94 27.88
        34  28.54 25.03"""),
    ("arXiv 1709.01507", "Table 2", "senet.{}.{}", "top1 top5 flops", """
        resnext50      22.11 5.90 4.24
        se-resnext50   21.10 5.49 4.25
        resnext101     21.18 5.57 7.99
        se-resnext101  20.70 5.01 8.00"""),
    ("arXiv 2004.08955", "ResNeSt-50 at 224x224", "{}.{}", "top1", """
        resnest50  81.13"""),
    ("arXiv 2003.13678", "design space findings", "{}.{}", "bottleneck-ratio depth width-multiplier", """
        regnet  1.0 20 2.5"""),
    ("arXiv 2003.13678", "Table 3", "regnet.table3.{}.{}", "top1 deviation inference training", """
        resnet50       23.2 0.09  53 12.2
        resnext50      21.9 0.10  78 18.0
        resnet101      21.4 0.11  90 20.4
        resnext101     20.7 0.08 137 31.8
        resnet152      20.9 -    130 29.2
        regnetx-3.2gf  21.7 0.08  57 14.3"""),
    ("arXiv 2201.03545", r"Section 2\.[13].*|Figure 2", "convnext.{}.{}", "top1 flops", """
        resnet50             78.8 -
        before-resnextify    79.5 -
        depthwise            78.3 -
        resnextify           80.5 5.3
        inverted-bottleneck  80.6 4.6
        depthwise-moved-up   79.9 4.1
        kernel-7             80.6 -
        final                82.0 -
        convnext-tiny        82.1 -"""),
    ("arXiv 1704.04861", "Table 4", "mobilenet.{}.{}", "top1 macs parameters", """
        dense      71.7 4866 29.3
        depthwise  70.6  569  4.2"""),
    ("arXiv 1807.11164", "Table 2", "shufflenetv2.{}.{}", "groups-1 groups-2 groups-4 groups-8", """
        gpu     2451 1725 1026 634
        arm     40.0 35.0 32.9 27.8
        gpu.x2  1289 -    -    445
        arm.x2  10.2 -    -    7.5
        gpu.x4  437  -    -    230
        arm.x4  2.3  -    -    1.8"""),
    ("arXiv 1706.02677", "Abstract|gradual warm-up.*", "{}.{}", "batch-size gpus warm-up", """
        large-batch  8192 256 5"""),
]  # fmt: skip

# Printed in a form of their own.
OTHERS = {
    "ilsvrc2016.place": 2,
    "speed.resnext101-64x4d.training": 10,
    "training.imagenet.crop": 224,
    "training.imagenet.shorter-side": 256,
    "training.cifar.learning-rate.drops": [150, 225],
    "training.cifar.stages": 3,
    "training.cifar.map-sizes": [32, 16, 8],
    "training.cifar.runs": 10,
    "lua.cifar.depths": [29, 38, 47, 56, 101],
    "inception-resnet.unstable-above": 1000,
    "inception-resnet.residual-scale": [0.1, 0.3],
    "senet.reduction": 16,
    "convnext.resnextify.widths": [64, 96],
    "mobilenet.saving": [8, 9],
    "fashion-mnist.images": [60_000, 10_000],
    "cifar10.images": [50_000, 10_000],
}
# What tests/library/test_published.py computes, compares with a package, or derives from another entry.
ELSEWHERE = (
    r"table1\..*|table2\..*|table4\.flops|lua\.1x-complexity\..*|training\.cifar\.(stem|blocks-per-stage)"
    r"|torchvision\..*|timm\..*\.(?:parameters|macs)|googlenet\.(\w+\.(widths|output|parameters|ops)|modules)|senet\.resnet50\.more-parameters"
)


def in_tables():
    """(name, number, source, place) of every number of the printed tables."""
    for source, place, pattern, head, text in PRINTED:
        for line in text.strip().splitlines():
            row, *numbers = line.split()
            for column, number in zip(head.split(), numbers, strict=True):
                if number != "-":
                    yield pattern.format("" if row == "-" else row, column), float(number), source, place


TWICE = list(in_tables())


@pytest.mark.parametrize(("name", "number", "source", "place"), TWICE, ids=[name for name, *_ in TWICE])
def test_fault_11c_a_published_number_is_what_its_source_prints(name, number, source, place):
    entry = published(name)
    assert (entry["value"], entry["source"]) == (number, source), (
        f"{name} is {entry['value']} ({entry['source']}) in published.toml, and {number} ({source}) in PRINTED, copied "
        "from the source a second time: look it up, and mend the one that is wrong"
    )
    assert re.fullmatch(place, entry["place"]), entry["place"]


@pytest.mark.parametrize("name", OTHERS)
def test_fault_11c_a_published_number_outside_a_table_too(name):
    assert published(name)["value"] == OTHERS[name]


def test_fault_11c_every_published_number_is_written_down_twice_or_computed():
    known = {name for name, *_ in TWICE} | set(OTHERS)
    assert [name for name in ENTRIES if name not in known and not re.fullmatch(ELSEWHERE, name)] == []


# The beginning of a name says where its number comes from.
SOURCES = {
    r"(table\d|training|training-error|ilsvrc2016|ablation|speed|cifar10)\.": PAPER,
    r"lua\.": "facebookresearch/ResNeXt, commit 1f59a2c",
    r"torchvision\.": "torchvision 0.29.1",
    r"timm\.": "timm 1.0.31",
    r"mmpretrain\.": "mmclassification.readthedocs.io/en/master/papers/resnext.html",
    r"googlenet\.": "arXiv 1409.4842",
    r"inception-resnet\.": "arXiv 1602.07261",
    r"resnet\.": "arXiv 1512.03385",
    r"senet\.": "arXiv 1709.01507",
    r"resnest50\.": "arXiv 2004.08955",
    r"regnet\.": "arXiv 2003.13678",
    r"convnext\.": "arXiv 2201.03545",
    r"mobilenet\.": "arXiv 1704.04861",
    r"shufflenetv2\.": "arXiv 1807.11164",
    r"large-batch\.": "arXiv 1706.02677",
    r"fashion-mnist\.": "arXiv 1708.07747",
}


@pytest.mark.parametrize("name", ENTRIES)
def test_fault_11c_an_entry_names_the_source_that_its_name_says(name):
    assert [source for pattern, source in SOURCES.items() if re.match(pattern, name)] == [ENTRIES[name]["source"]]


@pytest.mark.parametrize("name", [name for name in ENTRIES if re.match(r"table\d", name)])
def test_fault_11c_a_tables_entry_names_that_table(name):
    assert ENTRIES[name]["place"].startswith(f"Table {name[5]}")
