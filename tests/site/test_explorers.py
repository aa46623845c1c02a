"""The explorers: every number in every setting is the library's, and everyone can read and work them."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from html import unescape
from itertools import product

import nbformat
import pytest
import torch
from torch import nn

from resnext_lib import explorers, figures
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import (
    RESNET_BUDGET,
    bottleneck_weights,
    count_macs,
    count_parameters,
    layer_costs,
    stage_costs,
    width_for_budget,
    width_limit,
)
from resnext_lib.forms import FormA, FormB, FormC, copy_weights
from resnext_lib.networks import GOOGLENET_MODULES, resnet50, resnext50_32x4d
from resnext_lib.published import published
from tools import contract
from tools.notebooks import read, text_of

NAMES = ["what_is_split", "spend_a_budget", "inception_to_resnext", "walk_the_network"]
STOPS = [1, 2, 4, 8, 16, 32, 64, 128]
SPLIT_SIZES = [(16, 1, 8), (16, 2, 4), (16, 4, 2), (16, 8, 1), (256, 32, 4)]  # channels, paths, width of a path
IMAGES = list(range(128, 321, 32))
PAGE = """<!doctype html><html lang="en" {attributes}><head><meta charset="utf-8"><title>Explorers</title>
<meta name="viewport" content="width=device-width"></head><body {body}>{figures}</body></html>"""


@pytest.fixture(scope="module")
def made():
    return {name: getattr(explorers, name)() for name in NAMES}


@contextmanager
def tab(browser, content, attributes="", body="", width=390, **options):
    """A page with this content, which notes its complaints."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.set_content(PAGE.format(attributes=attributes, body=body, figures=content))
    try:
        yield page
        assert not page.complaints
    finally:
        context.close()


def model(page, states, name, keep="n => n"):
    """The numbers of the script's model for many states."""
    return page.evaluate(
        f"([states, name]) => states.map(s => document.querySelector(`[data-explorer=${{name}}]`).explorer.model(s)).map({keep})",
        [states, name],
    )


def put(page, state, name):
    page.evaluate("([state, name]) => document.querySelector(`[data-explorer=${name}]`).explorer.set(state)", [state, name])


def state_of(page, place=0):
    return json.loads(page.locator(".explorer").nth(place).get_attribute("data-state"))


def rows_of(explorer):
    """The table under an explorer, as text."""
    return [
        [unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", explorer.html)
    ]


# ------------------------------------------------------------------ What is split?


def split_block(channels, width, paths):
    return nn.Sequential(
        *[
            nn.Conv2d(i, o, k, padding=k // 2, groups=paths, bias=False)
            for i, o, k in ((channels, width, 1), (width, width, 3), (width, channels, 1))
        ]
    )


def measured(channels, paths, width, form):
    """The library's answer: which channel reaches which, layer by layer (by gradient), and each layer's weights."""
    block = (
        split_block(channels, paths * width, paths) if form == "split" else FormC(channels, paths * width, channels, paths)
    )
    layers = [m for name, m in block.named_modules() if isinstance(m, nn.Conv2d) and "downsample" not in name]
    return [figures.reach(nn.Sequential(layer), layer.in_channels, 3) for layer in layers], [
        layer.weight.numel() for layer in layers
    ]


def expected_split(reach, paths, width, follow, index):
    """The channels read, used before and after the 3x3, and reached, from the measured matrices (out, in)."""
    first, second, last = reach
    middle = torch.zeros(paths * width, dtype=torch.bool)
    if follow == "output":
        after = last[index]
        before = second[after].any(dim=0)
        return first[before].any(dim=0), before, after, torch.arange(len(last)) == index
    if follow == "path":
        middle[index * width : (index + 1) * width] = True
    elif follow == "middle":
        middle[index] = True
    else:
        middle = first[:, index]
    read = torch.arange(first.shape[1]) == index if follow == "input" else first[middle].any(dim=0)
    after = second[:, middle].any(dim=1)
    return read, middle, after, last[:, after].any(dim=1)


def split_states(size):
    channels, paths, width = SPLIT_SIZES[size]
    counts = {"path": paths, "input": channels, "middle": paths * width, "output": channels}
    return [
        dict(form=form, size=size, follow=follow, index=i)
        for form in ("A", "B", "C", "split")
        for follow, n in counts.items()
        for i in range(n)
    ]


@pytest.mark.parametrize("size", range(len(SPLIT_SIZES)), ids=lambda i: "{}x{}x{}".format(*SPLIT_SIZES[i]))
def test_what_is_split_follows_what_gradients_follow(browser, made, size):
    channels, paths, width = SPLIT_SIZES[size]
    truth = {form: measured(channels, paths, width, form) for form in ("C", "split")}
    states = split_states(size)
    with tab(browser, made["what_is_split"].html) as page:
        found = model(page, states, "what_is_split", "({rows, ...n}) => n")
    for state, numbers in zip(states, found, strict=True):
        reach, weights = truth["split" if state["form"] == "split" else "C"]
        sets = expected_split(reach, paths, width, state["follow"], state["index"])
        for name, right in zip(("read", "first", "second", "reached"), sets, strict=True):
            assert numbers[name] == right.nonzero().flatten().tolist(), (state, name)
        lanes = {row // width for row in numbers["first"]}
        right = dict(
            inputs=channels,
            outputs=channels,
            middle=paths * width,
            paths=paths,
            width=width,
            weights=weights,
            total=sum(weights),
            touched=len(lanes),
            filled=int(reach[1].sum()),
            pairs=reach[1].numel(),
        )
        assert {key: numbers[key] for key in right} == right, state


@pytest.mark.parametrize("form", ["A", "B", "C"])
@pytest.mark.parametrize("size", range(len(SPLIT_SIZES)))
def test_the_forms_weights_and_paths_are_the_librarys(browser, made, form, size):
    channels, paths, width = SPLIT_SIZES[size]
    block = {"A": FormA, "B": FormB, "C": FormC}[form](channels, paths * width, channels, paths)
    sizes = [sum(m.weight.numel() for n, m in block.named_modules() if n.endswith(f"conv{i}")) for i in (1, 2, 3)]
    with tab(browser, made["what_is_split"].html) as page:
        (numbers,) = model(page, [dict(form=form, size=size, follow="path", index=paths - 1)], "what_is_split")
    assert numbers["weights"] == sizes
    assert numbers["separate"] == [
        hasattr(block, "paths"),
        hasattr(block, "paths"),
        hasattr(block, "paths") and not hasattr(block, "conv3"),
    ]
    if form == "A":
        reach = figures.reach(block.paths[-1], channels, 3)
        assert (len(numbers["read"]), len(numbers["reached"])) == (int(reach.any(dim=0).sum()), int(reach.any(dim=1).sum()))


def test_the_cells_drawn_are_the_weights_that_exist(browser, made):
    states = [state for size in range(4) for state in split_states(size)]
    with tab(browser, made["what_is_split"].html) as page:
        found = model(page, states, "what_is_split")
    for state, numbers in zip(states, found, strict=True):
        channels, paths, width = SPLIT_SIZES[state["size"]]
        block = (
            split_block(channels, paths * width, paths)
            if state["form"] == "split"
            else FormC(channels, paths * width, channels, paths)
        )
        masks = figures.middle_masks(block)
        sides = [
            (numbers["first"], numbers["read"]),
            (numbers["second"], numbers["first"]),
            (numbers["second"], numbers["reached"]),
        ]
        for layer, (mask, (rows, columns)) in enumerate(zip(masks, sides, strict=True)):
            followed = torch.zeros_like(mask)
            followed[torch.tensor(rows)[:, None], torch.tensor(columns)] = True
            followed &= mask
            for row, shown in enumerate(numbers["rows"]):
                for drawn, right in ((shown["runs"][layer], mask[row]), (shown["followed"][layer] or [0, 0], followed[row])):
                    assert list(range(drawn[0], sum(drawn))) == right.nonzero().flatten().tolist(), (state, layer, row)


# ------------------------------------------------------------------ Spend a budget


def test_spend_a_budget_counts_as_the_library(browser, made):
    states = [dict(stop=stop, mode="both", d=d) for stop in range(len(STOPS)) for d in range(1, 65)]
    with tab(browser, made["spend_a_budget"].html) as page:
        found = model(page, states, "spend_a_budget")
    measured_by_the_paper = {(1, 64), (2, 40), (4, 24), (8, 14), (32, 4)}
    for state, numbers in zip(states, found, strict=True):
        c, d = STOPS[state["stop"]], state["d"]
        with torch.device("meta"):
            block = Bottleneck(256, c * d, 256, c)
        parts = [layer.weight.numel() for layer in (block.conv1, block.conv2, block.conv3)]
        error = published(f"table3.50-layers.{c}x{d}d")["value"] if (c, d) in measured_by_the_paper else None
        right = dict(
            c=c,
            d=d,
            middle=block.width,
            parts=parts,
            total=bottleneck_weights(c, d),
            macs=count_macs(block, (256, 56, 56)),
            limit=width_limit(),
            error=error,
            over=sum(parts) > 1.1 * RESNET_BUDGET,
            under=sum(parts) < 0.9 * RESNET_BUDGET,
        )
        assert {key: numbers[key] for key in right} == right, state
        assert numbers["off"] == pytest.approx(100 * (sum(parts) / RESNET_BUDGET - 1)) and numbers["share"] == pytest.approx(
            100 * parts[1] / sum(parts)
        )
    assert found[0]["ruler"] == [16384, 36864, 16384] and sum(found[0]["ruler"]) == RESNET_BUDGET


def test_spend_a_budget_keeps_the_budget_as_the_library(browser, made):
    with tab(browser, made["spend_a_budget"].html) as page:
        found = model(page, [dict(stop=i, mode="keep", d=1) for i in range(len(STOPS))], "spend_a_budget")
    assert [(n["c"], n["d"]) for n in found] == [(c, width_for_budget(c)) for c in STOPS]
    shown = rows_of(made["spend_a_budget"])[1:]
    assert [[int(row[i].replace(",", "")) for i in (0, 1, 2, 3, 4, 5, 6, 8)] for row in shown] == [
        [n["c"], n["d"], n["middle"], *n["parts"], n["total"], n["macs"]] for n in found
    ]
    assert [row[9] for row in shown] == [f"{n['error']:.1f}" if n["error"] else "not measured" for n in found]
    assert [row[7] for row in shown] == [f"{n['off']:+.1f} %".replace("-", "−") for n in found]


# ------------------------------------------------------------------ From Inception to ResNeXt


def right_weights():
    w = GOOGLENET_MODULES["3a"]
    inception = (
        192 * (w["conv1x1"] + w["reduce3x3"] + w["reduce5x5"] + w["pool_projection"])
        + 9 * w["reduce3x3"] * w["conv3x3"]
        + 25 * w["reduce5x5"] * w["conv5x5"]
    )
    return [
        inception,
        4 * (256 * 64 + 9 * 64 * 64),
        *[bottleneck_weights(4, 24)] * 2,
        *[bottleneck_weights(32, 4)] * 3,
        bottleneck_weights(1, 64),
    ]


def test_every_step_shows_its_weights_and_its_boxes(browser, made):
    steps = explorers._inception_steps()
    with tab(browser, made["inception_to_resnext"].html) as page:
        found = model(page, [dict(frame=i) for i in range(8)], "inception_to_resnext")
        assert [n["weights"] for n in found] == right_weights()
        assert [(n["title"], n["change"]) for n in found] == [(title, change) for _, title, _, change in steps]
        for i, (module, *_) in enumerate(steps):
            put(page, {"frame": i}, "inception_to_resnext")
            shown = page.locator("svg text").all_text_contents()
            diagram = figures.diagram(module)
            drawn = [node.label for lane in diagram.lanes for node in lane] * (3 if diagram.repeated > 1 else 1) + [
                node.label for node in diagram.tail
            ]
            assert [shown.count(kernel) for kernel in ("1×1", "3×3", "5×5")] == [
                sum(label.startswith(kernel) for label in drawn) for kernel in ("1×1", "3×3", "5×5")
            ], i
            assert shown.count("shortcut: the input, unchanged") == bool(diagram.shortcut), i
    assert [int(row[2].replace(",", "")) for row in rows_of(made["inception_to_resnext"])[1:]] == right_weights()


def test_steps_that_only_redraw_do_not_change_the_function_and_the_others_do():
    torch.manual_seed(0)
    steps = [(module.double().eval(), change) for module, _, _, change in explorers._inception_steps()]
    x = torch.randn(1, 256, 5, 5, dtype=torch.float64)
    counts = right_weights()
    for i, ((before, _), (after, change)) in enumerate(zip(steps, steps[1:], strict=False)):
        if change == "redraws":
            copy_weights(before, after)
            assert torch.allclose(before(x), after(x), rtol=0, atol=1e-10), i + 2
        elif counts[i] == counts[i + 1]:  # the shortcut: the same weights, another function
            after.paths.load_state_dict(before.paths.state_dict())
            assert not torch.allclose(sum(path(x) for path in before.paths), after(x)), i + 2
    assert [change for _, change in steps] == ["", *["changes"] * 4, "redraws", "redraws", "changes"]


# ------------------------------------------------------------------ Walk the network

MODULES = [("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",), ("fc",)]


@pytest.fixture(scope="module")
def networks():
    with torch.device("meta"):
        return resnet50(), resnext50_32x4d()


@pytest.mark.parametrize("size", IMAGES)
def test_walk_the_network_counts_as_the_library(browser, made, networks, size):
    states = [dict(stop=stop, size=size, unit=unit, step=0) for stop in range(6) for unit in ("weights", "macs")]
    with tab(browser, made["walk_the_network"].html) as page:
        found = model(page, states, "walk_the_network")
    costs = [(stage_costs(network, (3, size, size)), layer_costs(network, (3, size, size))) for network in networks]
    for state, numbers in zip(states, found, strict=True):
        what = "parameters" if state["unit"] == "weights" else "macs"
        for network, shown, (stages, layers) in zip(networks, numbers["networks"], costs, strict=True):
            values = [sum(getattr(stages[name], what) for name in names) for names in MODULES]
            assert shown["values"] == values and shown["total"] == sum(values), state
            assert shown["total"] == (
                count_parameters(network) if what == "parameters" else count_macs(network, (3, size, size))
            )
            own = f"{MODULES[state['stop']][0]}." + ("1." if 0 < state["stop"] < 5 else "")
            inside = [c for c in layers if f"{c.name}.".startswith(own) and c.kind in ("Conv2d", "Linear")]
            assert [layer["value"] for layer in shown["layers"]] == [getattr(c, what) for c in inside], state
            assert [layer["channels"] for layer in shown["layers"]] == [c.output_shape[0] for c in inside]
            for key, block in (("ordinary", 1), ("first", 0)):
                macs = (
                    sum(c.macs for c in layers if c.name.startswith(f"{MODULES[state['stop']][0]}.{block}."))
                    if 0 < state["stop"] < 5
                    else None
                )
                assert shown.get(key) == macs, (state, key)
        sides = [stages["conv1"].output_shape[1], *[stages[f"layer{i}"].output_shape[1] for i in (1, 2, 3, 4)], 1]
        assert numbers["maps"] == sides and numbers["map"] == sides[state["stop"]]


def test_walk_the_network_shows_c_and_d_and_the_answer(browser, made, networks):
    with tab(browser, made["walk_the_network"].html) as page:
        found = model(page, [dict(stop=stop, size=224, unit="weights", step=3) for stop in range(6)], "walk_the_network")
        spatial = [sum(m.weight.numel() for n, m in network.named_modules() if n.endswith("conv2")) for network in networks]
        assert [n["spatial"] for n in found[0]["networks"]] == spatial and spatial[0] == 8 * spatial[1]
    for row, numbers in zip(rows_of(made["walk_the_network"])[1:], found, strict=True):
        assert [int(row[i].replace(",", "")) for i in (3, 6)] == [n["values"][numbers["stop"]] for n in numbers["networks"]]
        for network, n in zip(networks, numbers["networks"], strict=True):
            if "paths" in n["stage"]:
                stage = getattr(network, MODULES[numbers["stop"]][0])
                assert (n["stage"]["paths"], n["stage"]["width"], n["stage"]["blocks"]) == (
                    stage[1].cardinality,
                    stage[1].width // stage[1].cardinality,
                    len(stage),
                )


# ------------------------------------------------------------------ what is said and asked

# (explorer, state, what the status has to say)
SAID = [
    (
        "what_is_split",
        dict(form="C", size=2, follow="path", index=1),
        "Path 2 of 4 reads 16 of 16 inputs, uses 2 of 8 middle channels and reaches 16 of 16 outputs. Form C: 128 + 144 + 128 = 400 weights.",
    ),
    (
        "what_is_split",
        dict(form="split", size=2, follow="path", index=1),
        "reads 4 of 16 inputs, uses 2 of 8 middle channels and reaches 4 of 16 outputs. Input split: 32 + 144 + 32 = 208 weights. The paths never meet",
    ),
    (
        "what_is_split",
        dict(form="C", size=4, follow="input", index=255),
        "Input 256 is read by 32 of 32 paths and reaches 256 of 256 outputs. Form C: 32,768 + 4,608 + 32,768 = 70,144 weights. All three are single layers now. The split is in the middle: the 3×3 has 512 of 16,384 pairs",
    ),
    ("what_is_split", dict(form="A", size=0, follow="output", index=0), "Output 1 adds up 1 of 1 paths"),
    (
        "spend_a_budget",
        dict(stop=5, mode="keep"),
        "32 paths of width 4: 70,144 weights, +0.7 % against the budget. 32,768 + 4,608 + 32,768: the 3×3 takes 6.6 %, and the middle is 32 × 4 = 128 channels wide. On a 56×56 map that is 219,971,584 multiply-adds. The paper’s 50-layer network of such blocks makes 22.2 %",
    ),
    ("spend_a_budget", dict(stop=4, mode="keep"), "16 paths of width 8: 74,752 weights, +7.4 % against the budget."),
    ("spend_a_budget", dict(stop=4, d=7), "16 paths of width 7: 64,400 weights, −7.5 % against the budget."),
    ("spend_a_budget", dict(stop=0, d=1), "1 path of width 1: 521 weights, −99.3 % against the budget: budget left over."),
    ("spend_a_budget", dict(stop=3, d=64), "557,056 weights, 8 times the budget: over budget."),
    (
        "inception_to_resnext",
        dict(frame=0),
        "Step 1 of 8. Inception 3a. Four unequal branches, side by side. 163,328 weights; to choose: 6 widths, 4 kinds.",
    ),
    ("inception_to_resnext", dict(frame=5), "The function stays the same"),
    (
        "walk_the_network",
        dict(stop=2, unit="macs"),
        "conv3: 1,027,604,480 multiply-adds in ResNet-50, 1,085,407,232 in ResNeXt-50. 4 blocks on 28×28 maps; C stays 32, and d is 8 here. An ordinary block takes 218,365,952 or 219,971,584 multiply-adds, the same in every stage. The first block, which changes the shape, takes 372,506,624 or 425,492,480.",
    ),
    (
        "walk_the_network",
        dict(stop=5, unit="weights"),
        "head: 2,049,000 parameters in ResNet-50, 2,049,000 in ResNeXt-50. The two heads are the same.",
    ),
]


@pytest.mark.parametrize(("name", "state", "words"), SAID, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(SAID)])
def test_the_status_says_it_with_numbers_and_names_the_picture(browser, made, name, state, words):
    with tab(browser, made[name].html) as page:
        put(page, state, name)
        said = page.locator("form > output").inner_text()
        assert words in said
        assert page.locator("form > svg").get_attribute("aria-label") == said
        assert page.get_by_role("img", name=said, exact=True).count() == 1


QUESTIONS = [
    ("what_is_split", ["4", "8", "16"], "16"),
    ("spend_a_budget", ["2", "4", "16"], "4"),
    ("inception_to_resnext", ["yes", "no"], "no"),
    ("walk_the_network", ["more", "same", "fewer"], "fewer"),
]


# What a reader sees and hears of an explorer: its text, and the name of its picture.
SEEN_OR_HEARD = "f => f.innerText + '\\n' + [...f.querySelectorAll('svg text')].map(t => t.textContent).join('\\n') + '\\n' + f.querySelector('form > svg').getAttribute('aria-label')"
# What answers the question of each, in words or in the picture.
GIVEN_AWAY = {
    "what_is_split": r"16 of 16|4 of 16|reads? \d+ of|128",
    "spend_a_budget": r"32×4d|70,144|limit|136|\d % ",
    "inception_to_resnext": r"≠|redraws|stays the same|70k|weights;",
    "walk_the_network": r"fewer 3×3|one eighth|\d{3},\d{3}|ResNeXt-50 filled",
}


@pytest.mark.parametrize(("name", "options", "right"), QUESTIONS)
def test_fault_15_an_explorer_says_nothing_before_check_or_the_first_move(browser, made, name, options, right):
    with tab(browser, made[name].html) as page:
        figure = page.locator(".explorer")
        before = figure.evaluate(SEEN_OR_HEARD)
        assert not re.search(GIVEN_AWAY[name], before) and "=" not in before, before
        assert not state_of(page)["revealed"]
        if name == "what_is_split":
            assert not page.evaluate(
                "[...document.querySelectorAll('svg .f-path')].filter(e => e.getAttribute('width') > 0).length"
            ), "nothing is followed"
        figure.get_by_role("button", name="Check").click()
        assert figure.evaluate(SEEN_OR_HEARD).replace("Choose one of the answers first.", "").split() == before.split(), (
            "a check without a choice tells nothing"
        )
        figure.locator(f"input[value='{right}']").first.check()
        assert not state_of(page)["revealed"], "a choice alone tells nothing"
        figure.get_by_role("button", name="Check").click()
        after = figure.evaluate(SEEN_OR_HEARD)
        assert re.search(GIVEN_AWAY[name], after), "now the picture answers as well"
        told = [sentence for sentence in page.locator("form > output").inner_text().split(". ") if len(sentence) > 12]
        assert len(told) >= 3 and not [sentence for sentence in told if sentence in before]


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("what_is_split", "input[value=B]"),
        ("spend_a_budget", "input[name=stop]"),
        ("inception_to_resnext", "input[name=frame]"),
        ("walk_the_network", "input[name=stop]"),
    ],
)
def test_fault_15_the_first_move_brings_the_numbers(browser, made, name, control):
    with tab(browser, made[name].html) as page:
        waiting = page.locator("form > output").inner_text()
        page.locator(control).focus()
        page.keyboard.press("Space" if "value" in control else "ArrowRight")
        assert state_of(page)["revealed"] and page.locator("form > output").inner_text() != waiting
        if name == "inception_to_resnext":
            assert page.locator("svg text").all_text_contents().count("=") == 0, "step 6 was not reached"
            page.keyboard.press("End")
            assert page.locator("svg text").all_text_contents().count("=") == 2


def test_fault_15_the_question_of_what_is_split_names_its_block_whatever_is_shown(browser, made):
    with tab(browser, made["what_is_split"].html) as page:
        asked = page.locator("form legend").first.inner_text()
        assert "block with 4 paths" in asked and "path 2" in asked
        page.locator("select").select_option("4")
        page.locator("input[name=prediction][value='16']").check()
        page.get_by_role("button", name="Check").click()
        assert state_of(page)["size"] == 2 and state_of(page)["index"] == 1, (
            "the picture shows the block that was asked about"
        )


@pytest.mark.parametrize(("name", "options", "right"), QUESTIONS)
def test_a_prediction_is_asked_checked_and_answered(browser, made, name, options, right):
    with tab(browser, made[name].html) as page:
        asked, answer = page.locator("form > fieldset").first, page.locator("output.answer")
        assert [i.get_attribute("value") for i in asked.locator("input").all()] == options
        asked.get_by_role("button", name="Check").click()
        assert answer.inner_text() == "Choose one of the answers first."
        for value in options:
            asked.locator(f"input[value='{value}']").check()
            asked.get_by_role("button", name="Check").click()
            assert answer.inner_text().startswith("Right." if value == right else "Not quite.")
            assert len(answer.inner_text()) > 60


# ------------------------------------------------------------------ hands, eyes, ears


def test_the_keyboard_works_every_control(browser, made):
    with tab(browser, made["what_is_split"].html) as page:
        page.locator("form > fieldset input[value=A]").focus()
        page.keyboard.press("ArrowRight")
        assert state_of(page) == {"form": "B", "size": 2, "follow": "path", "index": 1, "revealed": True}
        page.locator("input[type=range]").focus()
        page.keyboard.press("ArrowRight")
        assert (
            state_of(page)["index"] == 2
            and page.locator("input[type=range]").get_attribute("aria-valuetext") == "path 3 of 4"
        )
        assert "Path 3 of 4" in page.locator("form > output").inner_text()
        page.locator("select").focus()
        page.keyboard.press("End")
        assert state_of(page)["size"] == 4
        page.locator("input[value=output]").focus()
        page.keyboard.press("Space")
        assert state_of(page)["follow"] == "output"


def test_all_controls_are_reached_by_tab_in_the_order_of_the_page(browser, made):
    with tab(browser, made["spend_a_budget"].html) as page:
        reached = []
        for _ in range(6):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "document.activeElement.name || document.activeElement.textContent || document.activeElement.tagName"
                )
            )
        assert reached == ["prediction", "Check", "stop", "mode", "d", "The numbers as a table"]
        outline = page.evaluate(
            "() => { const e = document.querySelector('input[name=stop]'); e.focus(); return getComputedStyle(e).outlineStyle }"
        )
        assert outline == "solid"


def test_buttons_stop_at_the_ends(browser, made):
    with tab(browser, made["inception_to_resnext"].html) as page:
        previous, forward = page.get_by_role("button", name="Previous"), page.get_by_role("button", name="Next")
        previous.click(force=True)  # Playwright would wait for a disabled button to be enabled
        assert state_of(page)["frame"] == 0 and previous.get_attribute("aria-disabled") == "true"
        for _ in range(9):
            forward.click(force=True)
        assert state_of(page)["frame"] == 7 and forward.get_attribute("aria-disabled") == "true"


def test_a_tap_on_the_picture_is_a_shortcut(browser, made):
    """Without motion, so that the finger meets what it aims at."""
    with tab(browser, made["what_is_split"].html, has_touch=True, reduced_motion="reduce") as page:
        put(page, {"form": "A"}, "what_is_split")
        page.locator('svg rect[data-set*=\'"path","index":3\']').first.tap(force=True)
        assert state_of(page)["follow"] == "path" and state_of(page)["index"] == 3
    with tab(browser, made["walk_the_network"].html, has_touch=True, reduced_motion="reduce") as page:
        page.locator("svg rect[data-set='{\"stop\":4}']").first.tap(force=True)
        assert state_of(page)["stop"] == 4


def test_choosing_a_width_leaves_the_budget(browser, made):
    with tab(browser, made["spend_a_budget"].html) as page:
        page.locator("input[name=d]").focus()
        page.keyboard.press("ArrowLeft")
        assert state_of(page) == {"stop": 0, "mode": "both", "d": 63, "revealed": True}
        page.locator("input[value=keep]").check()
        assert state_of(page)["d"] == 64


def test_speech_waits_until_a_slider_is_let_go(browser, made):
    with tab(browser, made["spend_a_budget"].html) as page:
        output = page.locator("form > output")
        assert output.get_attribute("aria-live") == "polite"
        for event, busy in (("input", "true"), ("change", "false")):
            page.locator("input[name=stop]").dispatch_event(event)
            assert output.get_attribute("aria-busy") == busy


def test_every_target_is_large_enough_for_a_finger(browser, made):
    for name in NAMES:
        with tab(browser, made[name].html) as page:
            small = page.evaluate("""[...document.querySelectorAll('label, button, select, summary')].filter(e => e.getBoundingClientRect().height < 44)
                .map(e => e.textContent)""")
            assert not small, name


EXTREMES = {
    "what_is_split": [
        dict(form=f, size=s, follow=w, index=0)
        for f in ("A", "B", "C", "split")
        for s in range(5)
        for w in ("path", "input", "middle", "output")
    ],
    "spend_a_budget": [dict(stop=s, mode="keep") for s in range(8)]
    + [dict(stop=s, d=d) for s in (0, 3, 7) for d in (1, 8, 64)],
    "inception_to_resnext": [dict(frame=i) for i in range(8)],
    "walk_the_network": [dict(stop=s, unit=u, step=t) for s, u, t in product(range(6), ("weights", "macs"), (0, 6))],
}

# Lettering that leaves the picture, is too small, or lies on other lettering.
LETTERING = """figure => {
  const svg = figure.querySelector('form > svg'), frame = svg.getBoundingClientRect(), found = [];
  const boxes = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim()).map(t => {
    const b = t.getBoundingClientRect();
    if (b.left < frame.left - 1.5 || b.right > frame.right + 1.5 || b.top < frame.top - 3 || b.bottom > frame.bottom + 3) found.push(`outside: ${t.textContent}`);
    if (parseFloat(getComputedStyle(t).fontSize) * frame.width / svg.viewBox.baseVal.width < 11.9) found.push(`small: ${t.textContent}`);
    return [b, t.textContent];
  });
  boxes.forEach(([a, one], i) => boxes.slice(i + 1).forEach(([b, other]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 4) found.push(`${one} on ${other}`);
  }));
  if (document.documentElement.scrollWidth > innerWidth) found.push('sideways');
  return found;
}"""


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_lettering_is_readable_in_every_state(browser, made, name, width):
    with tab(browser, made[name].html, width=width, reduced_motion="reduce") as page:
        assert not page.evaluate(f"({LETTERING})(document.querySelector('figure'))"), "before the first move"
        for state in EXTREMES[name]:
            put(page, state, name)
            assert not page.evaluate(f"({LETTERING})(document.querySelector('figure'))"), state


def test_motion_follows_a_press_and_the_readers_wish(browser, made):
    duration = "getComputedStyle(document.querySelector('svg rect')).transitionDuration.split(',')[0]"
    for wish, seconds in (("no-preference", "0.4s"), ("reduce", "0s")):
        with tab(browser, made["what_is_split"].html, reduced_motion=wish) as page:
            assert page.evaluate(duration) == "0s", "nothing moves before a press"
            page.locator("input[value=B]").check()
            assert page.evaluate(duration) == seconds


DARK = [('data-theme="dark"', ""), ('theme="dark"', ""), ("", 'data-jp-theme-light="false"'), ("", 'class="vscode-dark"')]


@pytest.mark.parametrize(("attributes", "body"), [("", ""), *DARK])
def test_every_theme_has_its_pair_of_colours(browser, made, attributes, body):
    with tab(browser, made["what_is_split"].html, attributes, body) as page:
        card, ink = page.evaluate(
            "(s => [s.backgroundColor, s.color])(getComputedStyle(document.querySelector('.explorer form')))"
        )
        assert (card, ink) == (
            ("rgb(27, 30, 34)", "rgb(236, 238, 241)") if attributes + body else ("rgb(255, 255, 255)", "rgb(22, 25, 29)")
        )


@pytest.mark.parametrize(("attributes", "body"), [("", ""), *DARK])
def test_fault_15_forced_colours_are_the_readers(browser, made, attributes, body):
    with tab(browser, made["what_is_split"].html, attributes, body, forced_colors="active") as page:
        put(page, {"form": "C"}, "what_is_split")
        fills = page.evaluate("[...document.querySelectorAll('svg .f-path')].map(e => getComputedStyle(e).fill)")
        assert fills and set(fills) == {
            page.evaluate(
                "(() => { const e = document.createElement('i'); e.style.color = 'Highlight'; document.body.append(e); return getComputedStyle(e).color })()"
            )
        }


# ------------------------------------------------------------------ what stays where it is


def test_fault_15_form_c_keeps_its_frames(browser, made):
    """The cells that came back after the input split were painted over them."""
    painted = """() => [...document.querySelectorAll('form > svg rect')].filter(e => e.getAttribute('width') > 0)
        .map(e => [e.getAttribute('class'), e.getAttribute('x'), e.getAttribute('y'), e.getAttribute('width')].join())"""
    with tab(browser, made["what_is_split"].html, reduced_motion="reduce") as page:
        for form in ("C", "split", "C"):
            put(page, {"form": form}, "what_is_split")
            order = [row.split(",")[0].replace(" new", "").strip() for row in page.evaluate(painted)]
            frames = [i for i, names in enumerate(order) if names.startswith("f-none s-ink")]
            cells = [i for i, names in enumerate(order) if names == "f-none s-card"]
            assert len(frames) == 12 and cells and min(frames) > max(cells), form


def test_fault_15_a_map_is_as_high_as_its_image_makes_it(browser, made):
    heights = """() => [...document.querySelectorAll('form > svg rect.s-ink')].slice(0, 6).map(e => Number(e.getAttribute('height')))"""
    with tab(browser, made["walk_the_network"].html, reduced_motion="reduce") as page:
        put(page, {"stop": 2, "step": 0}, "walk_the_network")
        small = page.evaluate(heights)
        put(page, {"step": 6}, "walk_the_network")
        assert page.evaluate(heights)[:4] == [pytest.approx(high * 320 / 128) for high in small[:4]]


@pytest.mark.parametrize("width", [390, 1280])
def test_fault_15_the_reference_keeps_its_length_and_what_is_longer_says_so(browser, made, width):
    with tab(browser, made["spend_a_budget"].html, width=width, reduced_motion="reduce") as page:
        lengths = []
        for state in (dict(stop=0, mode="keep"), dict(stop=5, mode="keep"), dict(stop=7, d=64)):
            put(page, state, "spend_a_budget")
            lengths.append(
                page.evaluate(
                    "[...document.querySelectorAll('form > svg rect[y=\"24\"]')].map(e => e.getAttribute('width')).join() + document.querySelector('form > svg path').getAttribute('d')"
                )
            )
            goes_on = page.locator("svg text").all_text_contents().count("goes on →")
            assert goes_on == (2 if "d" in state else 0), state
            edge = page.evaluate(
                "Math.max(...[...document.querySelectorAll('form > svg rect:not([data-set])')].map(e => Number(e.getAttribute('x')) + Number(e.getAttribute('width'))))"
            )
            assert edge <= page.evaluate("document.querySelector('form > svg').viewBox.baseVal.width")
        assert len(set(lengths)) == 1
        assert "128 times the budget: over budget" in page.locator("form > output").inner_text()


# Where the controls below the status stand, in every state that keeps the picture's height.
STILL = {
    "what_is_split": [s for s in EXTREMES["what_is_split"] if s["size"] == 2],
    **{name: EXTREMES[name] for name in NAMES[1:]},
}


@pytest.mark.parametrize("width", [320, 390, 700, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_fault_15_nothing_jumps_from_stop_to_stop(browser, made, name, width):
    with tab(browser, made[name].html, width=width, reduced_motion="reduce") as page:
        tops = set()
        for state in STILL[name]:
            put(page, state, name)
            tops.add(round(page.evaluate("document.querySelector('form').getBoundingClientRect().height")))
        assert max(tops) - min(tops) <= 1, tops


def test_fault_15_paths_slide_with_their_boxes(browser, made):
    with tab(browser, made["what_is_split"].html) as page:
        put(page, {"form": "A"}, "what_is_split")
        page.evaluate("document.getAnimations().forEach(a => a.finish())")
        put(page, {"form": "B"}, "what_is_split")
        sliding = page.evaluate("document.getAnimations().map(a => a.transitionProperty)")
        assert {"y", "d"} <= set(sliding), set(sliding)


def test_fault_15_only_the_full_block_is_called_full_size(monkeypatch):
    monkeypatch.setattr(explorers, "_SPLIT_SIZES", [(256, 1, 64), (256, 32, 4)])
    labels = re.findall(r'"label":"([^"]*)"', explorers.what_is_split().html)
    assert labels == ["1 path of 64", "32 paths of 4 (32x4d at full size)"]


def test_fault_15_buttons_at_the_ends_look_disabled(browser, made):
    style = "e => (s => s.color + s.borderStyle)(getComputedStyle(e))"
    with tab(browser, made["inception_to_resnext"].html) as page:
        previous, forward = page.get_by_role("button", name="Previous"), page.get_by_role("button", name="Next")
        assert previous.evaluate(style) != forward.evaluate(style)
        put(page, {"frame": 3}, "inception_to_resnext")
        assert previous.evaluate(style) == forward.evaluate(style)


@pytest.mark.parametrize("name", NAMES)
def test_fault_15_it_says_that_the_picture_can_be_clicked(browser, made, name):
    with tab(browser, made[name].html) as page:
        assert page.locator("form .hint").inner_text().startswith("The picture can be clicked: ")
        put(page, EXTREMES[name][0], name)
        assert page.locator("svg [data-set]").count() > 4
        assert page.get_by_role("figure", name="Figure to play with").count() == 1


def test_fault_15_a_word_on_the_picture_does_not_take_the_tap(browser, made):
    with tab(browser, made["spend_a_budget"].html) as page:
        put(page, {"stop": 0}, "spend_a_budget")
        page.get_by_text("8×14d").click(force=True)
        assert state_of(page)["stop"] == 3 and state_of(page)["d"] == 14


# ------------------------------------------------------------------ without a script

SEEN = """[...document.querySelectorAll('.explorer')].map(f => {
  const image = f.querySelector('img').getBoundingClientRect(), table = f.querySelector('table');
  const form = f.querySelector('form');
  return [image.width > 200 && image.height > 100, table.checkVisibility() && table.getBoundingClientRect().height > 100, !!form && form.getBoundingClientRect().height > 0];
})"""


@pytest.mark.parametrize("name", NAMES)
def test_without_javascript_the_picture_and_the_table_stay(browser, made, name):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.set_content(PAGE.format(attributes="", body="", figures=made[name].html))
    boxes = [page.locator(tag).bounding_box() for tag in ("img", "table")]
    assert all(box["height"] > 100 for box in boxes) and page.locator("form").count() == 0
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_on_paper_the_picture_and_the_table_stand(browser, made, name):
    with tab(browser, made[name].html) as page:
        assert page.evaluate(SEEN) == [[False, False, True]]
        page.emulate_media(media="print")
        assert page.evaluate(SEEN) == [[True, True, False]]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_sanitiser_leaves_still_tells_it(browser, made, name):
    left = re.sub(r"<(script|style|svg)\b.*?</\1>|<input[^>]*>", "", made[name].html, flags=re.DOTALL)
    assert "<script" not in left and "<svg" not in left and "<style" not in left
    with tab(browser, left) as page:
        assert page.evaluate(SEEN) == [[True, True, False]]
        assert page.locator("img").evaluate("i => i.complete && i.naturalWidth > 0")
        assert page.locator("img").get_attribute("alt") == made[name].alt


# ------------------------------------------------------------------ several on a page, in notebooks, in bytes


def test_explorers_on_one_page_do_not_disturb_one_another(browser, made):
    content = "".join(e.html for e in made.values()) + made["what_is_split"].html
    with tab(browser, content) as page:
        page.locator(".explorer").last.locator("input[value=C]").check()
        put(page, {"frame": 3}, "inception_to_resnext")
        assert [state_of(page, i).get("form") for i in (0, 4)] == ["A", "C"]
        assert page.locator("input[value=A]:checked").count() == 1
        assert state_of(page, 2) == {"frame": 3, "seen": 3, "revealed": True} and not state_of(page, 1)["revealed"]
        assert page.evaluate("document.querySelectorAll('[id]').length") == 0


def test_the_bytes_depend_on_nothing_else(made):
    program = "from resnext_lib import explorers\n" + "\n".join(f"print(explorers.{name}().html)" for name in NAMES)
    for seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", program],
            cwd=contract.ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(contract.ROOT)},
        )
        assert result.stdout == "".join(f"{made[name].html}\n" for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_gets_html_and_the_alt_text(made, name):
    assert made[name]._repr_mimebundle_() == {"text/html": made[name].html, "text/plain": made[name].alt}
    assert repr(made[name]) == made[name].alt and "0x" not in made[name].html
    assert not re.search(r"https?://(?!www\.w3\.org)|import\s*\(|fetch\(", made[name].html), "asks another host"


def shown_in(path, names=tuple(NAMES)):
    return [
        o.data["text/html"]
        for c in read(path).cells
        if c.cell_type == "code"
        for o in c.outputs
        if re.search(rf'class="explorer" data-explorer="({"|".join(names)})"', o.get("data", {}).get("text/html", ""))
    ]


def test_each_stands_in_its_chapter_and_all_on_their_page(made):
    chapters = contract.ROOT / "chapters"
    places = {
        "05_the_resnext_block": ["spend_a_budget", "inception_to_resnext"],
        "06_three_forms": ["what_is_split"],
        "07_resnext50": ["walk_the_network"],
        "explorers": NAMES,
    }
    for file, names in places.items():
        assert shown_in(chapters / f"{file}.ipynb") == [made[name].html for name in names], (
            f"{file}: run python -m tools.notebooks"
        )


def test_the_contract_accepts_an_explorer_and_still_compares_its_words(made):
    output = nbformat.v4.new_output("execute_result", made["what_is_split"]._repr_mimebundle_())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("explorers.what_is_split()", outputs=[output])])
    assert contract.figures_by_primitive(notebook) == []
    output.data["text/plain"] = "An explorer."
    assert contract.figures_by_primitive(notebook)


# ------------------------------------------------------------------ in a real JupyterLab


@contextmanager
def lab(folder):
    """A JupyterLab that serves ``folder``; its address with the token."""
    environment = {
        **os.environ,
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "HOME": str(folder),
    }
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        "--allow-root",
        "--port=0",
        "--ip=127.0.0.1",
        "--IdentityProvider.token=figures",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--ServerApp.root_dir={folder}",
    ]
    with (folder / "log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield wait_for_server(folder, server)
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for_server(folder, server):
    for _ in range(240):
        found = (
            [json.loads(p.read_text(encoding="utf-8")) for p in (folder / "runtime").glob("jpserver-*.json")]
            if (folder / "runtime").exists()
            else []
        )
        if found:
            try:
                urllib.request.urlopen(f"{found[0]['url']}api?token=figures", timeout=5).close()
                return found[0]["url"]
            except OSError:
                pass
        assert server.poll() is None, (folder / "log").read_text(encoding="utf-8")
        time.sleep(0.5)
    raise AssertionError((folder / "log").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_in_jupyterlab_a_trusted_notebook_plays_and_an_untrusted_one_shows_its_picture(browser, tmp_path):
    for name in ("trusted", "untrusted"):
        notebook = read(contract.ROOT / "chapters" / "explorers.ipynb")
        notebook.cells[0].source += f" ({name})"  # what is trusted is the content, under whatever name
        (tmp_path / f"{name}.ipynb").write_text(text_of(notebook), encoding="utf-8")
    with lab(tmp_path) as address:
        trust = subprocess.run(
            [sys.executable, "-m", "jupyter", "trust", str(tmp_path / "trusted.ipynb")],
            capture_output=True,
            text=True,
            env={**os.environ, "JUPYTER_DATA_DIR": str(tmp_path / "data")},
        )
        assert trust.returncode == 0, trust.stderr
        for name in ("trusted", "untrusted"):
            context = browser.new_context(viewport={"width": 1280, "height": 2000})
            page = context.new_page()
            errors = []
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.on("console", lambda m, errors=errors: m.type == "error" and "explorer" in m.text and errors.append(m.text))
            page.goto(f"{address}lab/tree/{name}.ipynb?token=figures&reset")
            figure = page.locator(".jp-Notebook .explorer[data-explorer=what_is_split]")
            figure.wait_for(timeout=120_000)
            figure.scroll_into_view_if_needed()
            page.wait_for_timeout(1500)
            if name == "trusted":
                figure.locator("form input[type=range]").focus()
                page.keyboard.press("ArrowRight")
                assert json.loads(figure.get_attribute("data-state"))["revealed"]
                page.keyboard.press("b")  # in command mode this would insert a cell
                assert page.locator(".jp-Notebook .jp-Cell").count() == len(read(tmp_path / "trusted.ipynb").cells)
                assert figure.locator("img").is_hidden()
            else:
                assert (
                    figure.locator("img").is_visible()
                    and figure.locator("table").is_visible()
                    and figure.locator("form").count() == 0
                )
            assert not errors
            context.close()
