"""The glossary's tables of names: each name on the left means what the name on the right holds, in networks that are built."""

import re
import tomllib

import pytest
from claims_for_tests import words
from randomness import without_data
from test_appendix import terms
from torchvision.models import resnet

from resnext_lib import forms, networks
from resnext_lib.blocks import Bottleneck
from tools.facts import ROOT

C, D, IN, STAGE = 16, 8, 96, 64  # all different, so that a name cannot be right by chance


def rows(heading):
    """The rows of the table under a heading of the glossary, left to right."""
    table = words("glossary").split(f"### {heading}\n")[1].split("\n#")[0]
    return dict(re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)[1:])


@pytest.fixture(scope="module")
def ours():
    """What each of our names holds in a block of the first stage."""
    block = without_data(Bottleneck, IN, C * D, STAGE * networks.EXPANSION, C)
    return {
        "cardinality": block.cardinality,
        "bottleneck_width": block.width // block.cardinality,
        "group_width": networks.group_width(D, STAGE),
        "width": block.width,
        "stage_width": block.out_channels // networks.EXPANSION,
        "in_channels": block.in_channels,
        "out_channels": block.out_channels,
        "EXPANSION": networks.EXPANSION,
    }


def test_fault_11c_torchvisions_names_are_these_of_ours(ours):
    options = {"inplanes": IN, "planes": STAGE, "groups": C, "base_width": D}
    theirs = without_data(lambda: resnet.Bottleneck(**options, downsample=resnet.conv1x1(IN, 4 * STAGE)))
    held = {
        "`groups`": theirs.conv2.groups,
        "`base_width`, `width_per_group`": theirs.conv2.out_channels // theirs.conv2.groups,
        "`planes`": theirs.conv3.out_channels // theirs.expansion,
        "`inplanes`": theirs.conv1.in_channels,
        "`planes * 4`": theirs.conv3.out_channels,
    }
    table = rows("From torchvision and tutorials to this book")
    assert {name: ours[table[name].strip("`")] for name in held} == held
    assert table["`identity`"] == "`shortcut(x)`" and table["GMACs, `_ops`"] == "MACs, in billions"


def test_fault_11c_the_papers_names_are_these_of_ours(ours):
    held = {
        "cardinality, $C$": C,
        "bottleneck width: $d$ of the first stage": D,
        "$d$ of any stage": D,
        "$C \\cdot d$: width of the middle": C * D,
        "64, doubled at each stage": STAGE,
        "output of the block": 4 * STAGE,
        "output divided by stage width": 4,
    }
    table = {name.rpartition(", ")[0]: right.strip("`") for name, right in rows("From the paper to the code").items()}
    assert {name: ours[table[name]] for name in held} == held
    assert table["bottleneck width: $d$ of the first stage"] == "bottleneck_width" != table["$d$ of any stage"]
    for letter in "abc":
        assert hasattr(forms, table[f"form ({letter})"].split("`")[0]) and table[f"form ({letter})"][4] == letter.upper()
    network = without_data(networks.resnext50_32x4d)
    assert table["conv2 to conv5"] == "layer1` to `layer4" and hasattr(network, "layer1") and hasattr(network, "layer4")
    assert table["its projection"] == "downsample" and network.layer1[0].downsample is not None


def test_fault_11c_a_synonym_of_the_search_leads_to_a_term():
    synonyms = tomllib.loads((ROOT / "site/search/synonyms.toml").read_text(encoding="utf-8"))
    known = {term.lower() for term, *_ in terms()}
    assert {word for word in synonyms.values() if word.lower() not in known} == set()
