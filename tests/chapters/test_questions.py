"""The page of questions: every long number is recomputed or published, every answer ends in the book."""

import math
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from nbformat.v4 import new_markdown_cell, new_notebook
from randomness import without_data
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchinfo import summary
from torchvision import models

from resnext_lib import networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import (
    RESNET_BUDGET,
    bottleneck_weights,
    count_macs,
    count_parameters,
)
from resnext_lib.exercises.network import wrong_networks
from resnext_lib.networks import GOOGLENET_MODULES, CifarResNeXt, ResNeXt
from resnext_lib.published import published
from tools import contract, facts, reading
from tools.notebooks import read
from tools.reference import slug

CHAPTERS = facts.ROOT / "chapters"
PAGE = (CHAPTERS / "questions.md").read_text(encoding="utf-8")
IMAGE = (3, 224, 224)
LAST_LINE = r"See \[(chapter \d+|more than one machine|references), (.+)\]\(([^()#]+)#([^()#]+)\)\."


def as_notebook(markdown):
    """The page as one Markdown cell, so that the chapters' rules can read it."""
    return new_notebook(cells=[new_markdown_cell(markdown)])


def questions(page=PAGE):
    """(question, lines of its answer) for every H3, without what follows the next heading."""
    parts = re.split(r"^### (.+)$", page, flags=re.MULTILINE)
    answers = [re.split(r"^#{1,2} ", part, flags=re.MULTILINE)[0] for part in parts[2::2]]
    return [
        (title, [line for line in answer.split("\n") if line.strip()])
        for title, answer in zip(parts[1::2], answers, strict=True)
    ]


QUESTIONS = questions()


# ------------------------------------------------------------------ the numbers, recomputed


@cache
def net(cardinality=32, bottleneck_width=4, blocks=(3, 4, 6, 3)):
    return without_data(ResNeXt, blocks, cardinality, bottleneck_width)


@cache
def wrong(name):
    return without_data(wrong_networks)[name]


def macs(network):
    return count_macs(network, IMAGE)


def cifar(cardinality, classes):
    return count_parameters(without_data(CifarResNeXt, 29, cardinality, 64, num_classes=classes))


def without_norms(network):
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return count_parameters(network) - sum(count_parameters(norm) for norm in norms)


def torchs_flops(network):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, *IMAGE, device="meta"))
    return counter.get_total_flops()


def torchinfos_macs():
    """torchinfo needs a network with weights: this one is not initialised, which is quick."""
    network = without_data(networks.resnext50_32x4d).to_empty(device="cpu")
    return summary(network, input_size=(1, *IMAGE), verbose=0).total_mult_adds


def share_of_3x3(c, d):
    return 100 * 9 * d * d * c / bottleneck_weights(c, d)


@cache
def settings(kind):
    """The costs of the five settings of Table 3 with 50 layers."""
    pairs = ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4))
    return [{"parameters": count_parameters, "macs": macs}[kind](net(c, d)) for c, d in pairs]


DEEP = (3, 4, 23, 3)
# A number as the page writes it, and how to compute it.
NUMBERS = {
    # costs and counting
    "4,230,479,872": lambda: macs(net()),
    "8,460,959,744": lambda: torchs_flops(net()),
    "4,230,549,096": torchinfos_macs,
    # Inception
    "6,624,904": lambda: count_parameters(without_data(networks.torchvision_googlenet)),
    "6,998,552": lambda: count_parameters(without_data(networks.googlenet)),
    "6.8": lambda: (
        sum(published(f"googlenet.{name}.parameters")["value"] for name in (*GOOGLENET_MODULES, "conv1", "conv2", "fc"))
        / 1000
    ),
    # residual learning
    "25,028,904": lambda: count_parameters(net()),
    # the block and cardinality
    "6.6": lambda: share_of_3x3(32, 4),
    "64,400": lambda: bottleneck_weights(16, 7),
    "74,752": lambda: bottleneck_weights(16, 8),
    # the three forms
    "0.0417": lambda: math.sqrt(2 / (128 * 9)),
    "0.2357": lambda: math.sqrt(2 / (4 * 9)),
    # the network and 32x4d
    "68,883,240": lambda: count_parameters(wrong("groups forgotten (Wide ResNet-50-2)")),
    "5,495,432": lambda: count_parameters(net(1, 4)),
    "88,791,336": lambda: count_parameters(net(32, 8, DEEP)),
    "83,455,272": lambda: count_parameters(net(64, 4, DEEP)),
    "44,177,704": lambda: count_parameters(net(32, 4, DEEP)),
    # code and torchvision
    "25,557,032": lambda: count_parameters(net(1, 64)),
    "25,503,912": lambda: without_norms(net(1, 64)),
    "24,960,680": lambda: without_norms(net()),
    "34,369,226": lambda: without_norms(CifarResNeXt(29, 8, 64)),
    "68,054,730": lambda: without_norms(CifarResNeXt(29, 16, 64)),
    # numbers that do not agree
    "68,155,210": lambda: cifar(16, 10),
    "34,426,698": lambda: cifar(8, 10),
    "34,518,948": lambda: cifar(8, 100),
    "68,247,460": lambda: cifar(16, 100),
    "25,603,016": lambda: max(settings("parameters")),
    "4.089": lambda: min(settings("macs")) / 1e9,
    "4.267": lambda: max(settings("macs")) / 1e9,
    "22.382": lambda: 100 - published("torchvision.resnext50_32x4d.V1.top1")["value"],
}


def unexplained(page):
    """The long numbers of ``page`` that are neither recomputed here nor published."""
    known = {written.replace(",", "") for written in NUMBERS} | facts.published_numbers()
    return reading.numbers_in(reading.prose_of(as_notebook(page))) - known


def test_every_long_number_is_recomputed_or_published():
    assert unexplained(PAGE) == set()


def test_another_number_would_be_found():
    assert unexplained(PAGE.replace("68,054,730", "68,054,731") + "\n0.2358, 12{,}345 and 25029000") == {
        "68054731",
        "0.2358",
        "12345",
        "25029000",
    }


@pytest.mark.parametrize("written", NUMBERS)
def test_number_is_right_and_stands_on_the_page(written):
    decimals = len(written.partition(".")[2])
    assert f"{NUMBERS[written]():,.{decimals}f}" == written
    assert re.search(rf"(?<![\d.,]){re.escape(written)}(?![\d,]*\d|\.\d)", reading.prose_of(as_notebook(PAGE)))


# ------------------------------------------------------------------ what the page says without a long number


def test_torchvision_has_no_32x4d_with_101_layers():
    assert {name for name in models.list_models() if name.startswith("resnext")} == {
        "resnext50_32x4d",
        "resnext101_32x8d",
        "resnext101_64x4d",
    }


def test_doubling_c_would_save_operations_and_let_the_3x3_fade():
    saved, share = [], []
    for grown in (2, 4, 8):
        channels, side = 256 * grown, 56 // grown
        costs = [
            count_macs(Bottleneck(channels, 128 * grown, channels, paths), (channels, side, side))
            for paths in (32, 32 * grown)
        ]
        saved.append(100 * (1 - costs[1] / costs[0]))
        share.append(100 * 9 * 32 * grown * 4 * 4 / bottleneck_weights(32 * grown, 4, channels=channels))
    assert [round(percent) for percent in saved] == [3, 5, 6] and round(share[-1], 1) == 0.9


def test_torchvisions_basic_block_refuses_groups():
    with pytest.raises(ValueError, match="groups=1"):
        models.resnet.BasicBlock(64, 64, groups=32)


def test_projections():
    for network in (net(1, 64), net()):
        assert [name for name, layer in network.named_modules() if name.endswith("downsample")] == [
            f"layer{stage}.0.downsample" for stage in (1, 2, 3, 4)
        ]


def test_no_whole_width_fits_16_paths():
    assert all(abs(bottleneck_weights(16, d) / RESNET_BUDGET - 1) > 0.07 for d in range(1, 65))


def test_the_larger_networks_do_about_twice_the_macs():
    once = macs(net(32, 4, DEEP))
    assert 1.9 < macs(net(64, 4, DEEP)) / once < macs(net(32, 8, DEEP)) / once < 2.1


@pytest.mark.skipif(not torch.__version__.startswith("2.14"), reason="the page speaks of torch 2.14")
def test_the_backward_count_of_a_grouped_convolution():
    layer, image = nn.Conv2d(128, 128, 3, groups=32), torch.zeros(1, 128, 8, 8, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        output = layer(image)
        forward = counter.get_total_flops()
        output.sum().backward()
    assert counter.get_total_flops() == (1 + 33) * forward


# ------------------------------------------------------------------ form and links


def test_there_are_enough_questions_and_none_twice():
    titles = [re.sub(r"\W+", " ", title.lower()).strip() for title, _ in QUESTIONS]
    assert 22 <= len(titles) <= 36, "only what adds something to the chapters"
    assert sorted(titles) == sorted(set(titles))


def test_every_question_asks():
    assert [title for title, _ in QUESTIONS if not title.endswith("?")] == []


def test_every_question_stands_in_a_group():
    levels = [level for level, _ in reading.headings(as_notebook(PAGE))]
    assert levels[:3] == [1, 2, 3] and levels.count(1) == 1 and set(levels) == {1, 2, 3}
    assert not re.search("22", "".join(map(str, levels))), "a group without questions"


def told(lines):
    """The sentences of an answer: one a line, without tables and without the link at the end."""
    return [line for line in lines[:-1] if not line.startswith("|")]


@pytest.mark.parametrize(("title", "lines"), QUESTIONS, ids=[title for title, _ in QUESTIONS])
def test_answer_is_short_and_ends_with_a_link_into_a_chapter(title, lines):
    assert 2 <= len(told(lines)) <= 6
    assert len(re.sub(r"\]\([^)]*\)", "]", " ".join(lines)).split()) <= 120
    assert re.fullmatch(LAST_LINE, lines[-1]), lines[-1]


def anchors(path):
    """Title by anchor for the headings that Jupyter Book gives one to, in the style of GitHub."""
    from mdit_py_plugins.anchors.index import slugify

    return {slugify(title): title for level, title in reading.headings(opened(path)) if level <= 3}


def opened(path):
    """A page of the book as a notebook."""
    return as_notebook(path.read_text(encoding="utf-8")) if path.suffix == ".md" else read(path)


def called(path):
    """What a pointer calls a page: chapters by their number, the appendix by its title."""
    return f"chapter {int(path.name[:2])}" if path.name[:2].isdigit() else reading.headings(opened(path))[0][1].lower()


def broken(page):
    """What is wrong with the page's links into the book."""
    complaints = []
    for name, title, file, anchor in re.findall(LAST_LINE, page):
        path = CHAPTERS / file
        if not path.is_file():
            complaints.append(f"there is no {file}")
        elif anchors(path).get(anchor) != title or called(path) != name:
            complaints.append(f"{file}#{anchor} is not '{name}, {title}'")
    return complaints


def test_every_link_leads_to_the_heading_that_it_names():
    assert broken(PAGE) == []


# What stands for a subject in a question: code, 32x8d, V2, names with capitals inside.
NAMED = re.compile(r"`([^`]+)`|\b(\d+x\d+d|V[12]|[A-Z]\w*[A-Z]\w*)\b")
# A subject that no such name gives away, as the section must say it.
SUBJECTS = {
    "With which settings were the networks trained?": "weight-decay",
}


@cache
def sections():
    """Everything that a section of a chapter says, its cells and outputs included, by file and title, in small letters."""
    found = {}
    for path in [
        *sorted(CHAPTERS.glob("[0-9]*.ipynb")),
        CHAPTERS / "more_than_one_machine.ipynb",
        CHAPTERS / "references.md",
    ]:
        title = ""
        for cell in opened(path).cells:
            for part in re.split(r"^(?=#+ )", cell.source if cell.cell_type == "markdown" else "", flags=re.MULTILINE) or [
                ""
            ]:
                title = part.partition("\n")[0].lstrip("# ").strip() if part.startswith("#") else title
                found[path.name, title] = found.get((path.name, title), "") + part.lower()
            if cell.cell_type == "code":
                found[path.name, title] += f"{cell.source}\n{reading.outputs_text(cell)}".lower()
    return found


def beside_the_point(page):
    """The questions whose pointer leads to a section that names nothing of what they are about."""
    known = "\n".join(sections().values())
    wrong = []
    for question, lines in questions(page):
        _, title, file, _ = re.search(LAST_LINE, lines[-1]).groups()
        names = [SUBJECTS[question]] if question in SUBJECTS else ["".join(pair).lower() for pair in NAMED.findall(question)]
        names = [name for name in names if name in known]
        if names and not any(name in sections()[file, title] for name in names):
            wrong.append(question)
    return wrong


def test_fault_16_the_section_that_a_question_points_to_speaks_of_it():
    assert beside_the_point(PAGE) == []
    assert set(SUBJECTS) <= {title for title, _ in QUESTIONS}


@pytest.mark.parametrize(
    "question, other",
    [
        ("What is different in the network for CIFAR?", (7, "resnext50", "Two keywords turn ResNet into ResNeXt")),
        ("Why is torchvision's 64x4d so much better than 32x8d, both V1?", (3, "residual_learning", "Deeper got worse")),
        ("With which settings were the networks trained?", (9, "cardinality", "At equal operations, more paths err less")),
        (
            "Why does `FlopCounterMode` report a huge backward pass for grouped convolutions?",
            (1, "what_a_convolution_costs", "Every weight works at every place"),
        ),
    ],
)
def test_fault_16_a_pointer_beside_the_point_would_be_found(question, other):
    """Pointers to sections that exist and speak of something else."""
    number, file, title = other
    link = f"chapter {number}, {title}]({number:02}_{file}.ipynb#{slug(title)}"
    place = PAGE.index("\nSee [", PAGE.index(f"### {question}"))
    end = PAGE.index("\n", place + 1)
    assert beside_the_point(f"{PAGE[:place]}\nSee [{link}).{PAGE[end:]}") == [question]


def test_a_broken_link_would_be_found():
    right = "See [chapter 4, What usually goes wrong](04_grouped_convolution.ipynb#what-usually-goes-wrong)."
    assert broken(right) == []
    changes = (("04_grouped", "04_group"), ("#what-us", "#whatus"), ("4, What", "5, What"), ("goes wrong]", "goes right]"))
    for old, new in changes:
        assert len(broken(right.replace(old, new))) == 1


def test_every_link_inside_the_book_is_one_of_those():
    inside = [link for link in re.findall(r"\]\(([^)]*)\)", PAGE) if not link.startswith("https://")]
    assert len(inside) == len(re.findall(LAST_LINE, PAGE)) == len(QUESTIONS)


def test_the_page_keeps_the_chapters_rules_for_text():
    page = as_notebook(PAGE)
    assert contract.portable_markdown(page) + contract.one_sentence_a_line(page) == []
    assert Path(CHAPTERS / "questions.md").read_bytes().endswith(b").\n")
