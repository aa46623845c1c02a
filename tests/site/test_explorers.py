"""The explorers: every number in every setting is the library's, and everyone can read and work them."""

import json
import math
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from functools import cache
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
from resnext_lib.explorers import seconds, split, steps, widths
from resnext_lib.forms import FormA, FormB, FormC, copy_weights
from resnext_lib.networks import GOOGLENET_MODULES, ResNeXt, resnet50, resnext50_32x4d
from resnext_lib.published import evidence, published
from tools import contract, facts
from tools.notebooks import read, text_of

NAMES = [  # in the order of their page
    "numbers_to_choose",
    "drag_the_groups",
    "spend_a_budget",
    "inception_to_resnext",
    "what_is_split",
    "walk_the_network",
    "where_the_time_goes",
]
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


# Where the forms stand on the slider, and half-way; with the input whole or cut.
WRITTEN = [(at, cut) for cut in ("no", "yes") for at in (0, 5, 10, 15, 20)]


def split_states(size):
    channels, paths, width = SPLIT_SIZES[size]
    counts = {"path": paths, "input": channels, "middle": paths * width, "output": channels}
    return [
        dict(at=at, cut=cut, size=size, follow=follow, index=i, sample=0)
        for at, cut in (WRITTEN if channels < 256 else WRITTEN[::4])
        for follow, n in counts.items()
        for i in range(n)
    ]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("size", range(len(SPLIT_SIZES)), ids=lambda i: "{}x{}x{}".format(*SPLIT_SIZES[i]))
def test_what_is_split_follows_what_gradients_follow(browser, made, size):
    channels, paths, width = SPLIT_SIZES[size]
    truth = {form: measured(channels, paths, width, form) for form in ("C", "split")}
    states = split_states(size)
    with tab(browser, made["what_is_split"].html) as page:
        found = model(page, states, "what_is_split", "({rows, ...n}) => n")
    for state, numbers in zip(states, found, strict=True):
        reach, weights = truth["split" if state["cut"] == "yes" else "C"]
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


@pytest.mark.sampled(3)
@pytest.mark.parametrize("form", ["A", "B", "C"])
@pytest.mark.parametrize("size", range(len(SPLIT_SIZES)))
def test_the_forms_weights_and_paths_are_the_librarys(browser, made, form, size):
    channels, paths, width = SPLIT_SIZES[size]
    block = {"A": FormA, "B": FormB, "C": FormC}[form](channels, paths * width, channels, paths)
    sizes = [sum(m.weight.numel() for n, m in block.named_modules() if n.endswith(f"conv{i}")) for i in (1, 2, 3)]
    with tab(browser, made["what_is_split"].html) as page:
        at = {"A": 0, "B": 10, "C": 20}[form]
        state = dict(at=at, cut="no", size=size, follow="path", index=paths - 1, sample=0)
        (numbers,) = model(page, [state], "what_is_split")
    assert numbers["weights"] == sizes
    assert numbers["separate"] == [
        hasattr(block, "paths"),
        hasattr(block, "paths"),
        hasattr(block, "paths") and not hasattr(block, "conv3"),
    ]
    if form == "A":
        reach = figures.reach(block.paths[-1], channels, 3)
        assert (len(numbers["read"]), len(numbers["reached"])) == (int(reach.any(dim=0).sum()), int(reach.any(dim=1).sum()))


@cache  # a block is asked about again for every path that is followed
def masks_of(channels, paths, width, cut):
    block = split_block(channels, paths * width, paths) if cut else FormC(channels, paths * width, channels, paths)
    return figures.middle_masks(block)


def test_the_cells_drawn_are_the_weights_that_exist(browser, made):
    states = [state for size in range(4) for state in split_states(size) if state["at"] == 15]  # no cell depends on it
    with tab(browser, made["what_is_split"].html) as page:
        found = model(page, states, "what_is_split")
    for state, numbers in zip(states, found, strict=True):
        masks = masks_of(*SPLIT_SIZES[state["size"]], state["cut"] == "yes")
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


@pytest.mark.sampled(2)
@pytest.mark.parametrize("size", range(4), ids=lambda i: "{}x{}x{}".format(*SPLIT_SIZES[i]))
def test_the_numbers_that_flow_are_those_of_the_librarys_blocks(browser, made, size):
    """The outputs of every form, computed in the page by code of its own, for every image and every output."""
    channels, paths, width = SPLIT_SIZES[size]
    blocks = {name: form(16, 8, 16, paths) for name, form in (("A", FormA), ("B", FormB), ("C", FormC))}
    right = {name: split._outputs(block, paths) for name, block in blocks.items()}
    right["split"] = split._outputs(split._split_input(16, 8, paths), paths)
    assert right["A"] == right["B"] == right["C"] and (right["split"] == right["A"]) == (paths == 1)
    states = [
        dict(at=at, cut=cut, size=size, follow="output", index=i, sample=sample)
        for at, cut in WRITTEN
        for i in range(channels)
        for sample in range(split.IMAGES)
    ]
    with tab(browser, made["what_is_split"].html) as page:
        found = model(page, states, "what_is_split", "({numbers, changed, form}) => ({...numbers, changed, drawn: form})")
    for state, numbers in zip(states, found, strict=True):
        image, cut = state["sample"], state["cut"] == "yes"
        assert numbers["forms"] == {form: right[form][image] for form in "ABC"}, state
        drawn = right["split" if cut else numbers["drawn"]][image]
        assert numbers["outputs"] == drawn, state
        assert numbers["changed"] == sum(a != b for a, b in zip(drawn, right["A"][image], strict=True))
        products = [product for product in numbers["products"] if product]
        assert sum(weight * value for weight, value in products) == drawn[state["index"]], state
        assert len(products) == (width if cut else 8)


def test_between_the_forms_the_gaps_close_one_layer_after_another(browser, made):
    states = [dict(at=at, cut="no", size=2, follow="path", index=0, sample=0) for at in range(21)]
    with tab(browser, made["what_is_split"].html) as page:
        found = model(page, states, "what_is_split", "({open, place}) => [open, place]")
    opened = [open for open, _ in found]
    assert [opened[at] for at in (0, 10, 20)] == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    for before, after in zip(opened, opened[1:], strict=False):
        closed = [round(b - a, 6) for b, a in zip(before, after, strict=True)]
        assert closed in ([0, 0, 0.1], [0.1, 0.1, 0]), "one kind of gap at a time, and evenly"
    places = [place for _, place in found]
    assert places == ["Form A", *["Between A and B"] * 9, "Form B", *["Between B and C"] * 9, "Form C"]


def test_the_output_row_stays_where_it_is_and_jumps_for_the_counter_case(browser, made):
    cells = (
        """() => [...document.querySelectorAll('form > svg text')].map(t => [t.getAttribute('transform'), t.textContent])"""
    )
    with tab(browser, made["what_is_split"].html, reduced_motion="reduce") as page:
        seen = []
        for at in range(21):
            put(page, {"at": at}, "what_is_split")
            row = page.evaluate(cells)
            start = next(i for i, (_, words) in enumerate(row) if words == "as drawn")
            seen.append(row[start + 1 : start + 17])
        assert all(row == seen[0] for row in seen) and len({words for _, words in seen[0]}) > 8
        assert page.get_by_text("the outputs at one pixel = form A’s").count() == 1
        put(page, {"cut": "yes"}, "what_is_split")
        assert page.get_by_text("the outputs at one pixel ≠ ResNeXt’s").count() == 1
        put(page, {"at": 0}, "what_is_split")  # the way from A to C is that of ResNeXt's block
        assert page.get_by_text("the outputs at one pixel = form A’s").count() == 1


def test_the_brackets_fade_on_the_way_to_form_b(browser, made):
    opacity = "[...new Set([...document.querySelectorAll('svg text[opacity]')].map(t => Number(t.getAttribute('opacity'))))]"
    with tab(browser, made["what_is_split"].html, reduced_motion="reduce") as page:
        for at, shown in ((0, 1), (4, 0.6), (10, 0), (20, 0)):
            put(page, {"at": at}, "what_is_split")
            assert page.evaluate(opacity) == [shown]
            assert page.locator("svg text[opacity]").all_text_contents().count("(") == 4


# ------------------------------------------------------------------ Spend a budget


@pytest.mark.slow
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


def test_the_curve_of_equal_cost_costs_the_budget_and_stays_below_the_limit(browser, made):
    with tab(browser, made["spend_a_budget"].html) as page:
        found = model(page, [dict(stop=i, mode="keep", d=1) for i in range(len(STOPS))], "spend_a_budget")
    for numbers in found:
        c, d = numbers["c"], numbers["exact"]
        below, above = (bottleneck_weights(c, w) if w else 0 for w in (math.floor(d), math.floor(d) + 1))
        assert below <= RESNET_BUDGET <= above, "the whole numbers beside it lie on both sides of the budget"
        assert 512 * c * d + 9 * c * d * d == pytest.approx(RESNET_BUDGET)
        assert c * d < width_limit()


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
    found_steps = steps._inception_steps()
    with tab(browser, made["inception_to_resnext"].html) as page:
        found = model(page, [dict(frame=i) for i in range(8)], "inception_to_resnext")
        assert [n["weights"] for n in found] == right_weights()
        assert [(n["title"], n["change"]) for n in found] == [(title, change) for _, title, _, change in found_steps]
        for i, (module, *_) in enumerate(found_steps):
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
    found = [(module.double().eval(), change) for module, _, _, change in steps._inception_steps()]
    x = torch.randn(1, 256, 5, 5, dtype=torch.float64)
    counts = right_weights()
    for i, ((before, _), (after, change)) in enumerate(zip(found, found[1:], strict=False)):
        if change == "redraws":
            copy_weights(before, after)
            assert torch.allclose(before(x), after(x), rtol=0, atol=1e-10), i + 2
        elif counts[i] == counts[i + 1]:  # the shortcut: the same weights, another function
            after.paths.load_state_dict(before.paths.state_dict())
            assert not torch.allclose(sum(path(x) for path in before.paths), after(x)), i + 2
    assert [change for _, change in found] == ["", *["changes"] * 4, "redraws", "redraws", "changes"]


# ------------------------------------------------------------------ Walk the network

MODULES = [("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",), ("fc",)]


@pytest.fixture(scope="module")
def networks():
    with torch.device("meta"):
        return resnet50(), resnext50_32x4d()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("size", IMAGES)
def test_walk_the_network_counts_as_the_library(browser, made, networks, size):
    states = [dict(stop=stop, size=size, unit=unit, step=0) for stop in range(6) for unit in ("weights", "macs")]
    with tab(browser, made["walk_the_network"].html) as page:
        found = model(page, states, "walk_the_network")
    image = (3, size, size)
    costs = [(stage_costs(network, image), layer_costs(network, image)) for network in networks]
    whole = [dict(parameters=count_parameters(network), macs=count_macs(network, image)) for network in networks]
    for state, numbers in zip(states, found, strict=True):
        what = "parameters" if state["unit"] == "weights" else "macs"
        for total, shown, (stages, layers) in zip(whole, numbers["networks"], costs, strict=True):
            values = [sum(getattr(stages[name], what) for name in names) for names in MODULES]
            assert shown["values"] == values and shown["total"] == sum(values), state
            assert shown["total"] == total[what]
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


# ------------------------------------------------------------------ Drag the groups

GROUPS = [1, 2, 4, 8, 16]


def group_states():
    return [dict(step=s, shuffle=w, follow=f) for s in range(len(GROUPS)) for w in ("off", "on") for f in range(16)]


@cache  # a layer is asked about again for every channel that is followed
def grouped_layer(groups, shuffled):
    """A 3x3 and the channels that reach one another: through it, through it and what follows it, and through two."""
    layer = nn.Conv2d(16, 16, 3, padding=1, groups=groups, bias=False)
    between = [nn.ChannelShuffle(groups)] if shuffled else []
    return layer, *(figures.reach(nn.Sequential(*m), 16) for m in ([layer], [layer, *between], [layer, *between, layer]))


def test_drag_the_groups_counts_and_reaches_as_live_layers(browser, made):
    with tab(browser, made["drag_the_groups"].html) as page:
        found = model(page, group_states(), "drag_the_groups")
    for state, numbers in zip(group_states(), found, strict=True):
        groups, follow = GROUPS[state["step"]], state["follow"]
        layer, once, moved, twice = grouped_layer(groups, state["shuffle"] == "on")
        right = dict(
            groups=groups,
            width=16 // groups,
            weights=layer.weight.numel(),
            macs=count_macs(layer, (16, 56, 56)),
            dense=count_macs(nn.Conv2d(16, 16, 3, padding=1, bias=False), (16, 56, 56)),
            pairs=[int(once.sum()), int(twice.sum())],
            first=once[:, follow].nonzero().flatten().tolist(),
            moved=moved[:, follow].nonzero().flatten().tolist(),
            second=twice[:, follow].nonzero().flatten().tolist(),
        )
        assert {key: numbers[key] for key in right} == right, state
        for i, reach in enumerate((once, twice)):
            assert numbers["meets"][i] == [column.nonzero().flatten().tolist() for column in reach.T], state


def test_the_table_of_the_groups_is_what_the_script_counts(browser, made):
    with tab(browser, made["drag_the_groups"].html) as page:
        states = [dict(step=s, shuffle=w, follow=0) for s in range(5) for w in ("off", "on")]
        found = model(page, states, "drag_the_groups")
    for row, apart, mixed in zip(rows_of(made["drag_the_groups"])[1:], found[::2], found[1::2], strict=True):
        assert [int(cell.replace(",", "")) for cell in row[:4]] == [apart[k] for k in ("groups", "width", "weights", "macs")]
        assert row[4:] == [f"{pairs} of 256" for pairs in (*apart["pairs"], mixed["pairs"][1])]


# ------------------------------------------------------------------ Numbers to choose

TABLE = [list(own.values()) for own in GOOGLENET_MODULES.values()]


def one_width_changed():
    """GoogLeNet's table, and the table with each of its numbers changed alone."""
    yield TABLE
    for module, place in product(range(9), range(6)):
        changed = [list(own) for own in TABLE]
        changed[module][place] += 8 * (1 + place)
        yield changed


def test_numbers_to_choose_counts_googlenets_modules_as_the_library(browser, made):
    tables = list(one_width_changed())
    with tab(browser, made["numbers_to_choose"].html) as page:
        states = [dict(module=0, widths=table, c=5, d=4) for table in tables]
        found = model(page, states, "numbers_to_choose", "({resnext, ...n}) => n")
    first = [count_parameters(module) for module in widths.nine_modules(TABLE)]
    for table, numbers in zip(tables, found, strict=True):
        modules = widths.nine_modules(table)
        counts = [count_parameters(module) for module in modules]
        assert [one["parameters"] for one in numbers["modules"]] == counts
        assert [one["output"] for one in numbers["modules"]] == [module.out_channels for module in modules]
        assert [one["input"] for one in numbers["modules"]] == [module.in_channels for module in modules]
        assert numbers["parameters"] == sum(counts) and numbers["numbers"] == 54
        names = [name for name, a, b in zip(GOOGLENET_MODULES, counts, first, strict=True) if a != b]
        assert numbers["changed"] == names
    assert found[1 + 2]["changed"] == ["3a", "3b"], "the 3×3 of 3a"
    assert found[1 + 1]["changed"] == ["3a"], "what stays inside a module changes no other"


def test_numbers_to_choose_counts_resnexts_blocks_as_the_library(browser, made):
    pairs = list(product(range(7), (1, 3, 4, 64)))  # the count is a square in d: three points fix it
    with tab(browser, made["numbers_to_choose"].html) as page:
        states = [dict(module=0, widths=TABLE, c=c, d=d) for c, d in pairs]
        found = model(page, states, "numbers_to_choose", "n => n.resnext")
    for (c, d), numbers in zip(pairs, found, strict=True):
        with torch.device("meta"):
            network = ResNeXt([3, 4, 6, 3], widths.PATHS[c], d)
        blocks = [block for i in (1, 2, 3, 4) for block in getattr(network, f"layer{i}")]
        assert [block["parameters"] for block in numbers["blocks"]] == [count_parameters(block) for block in blocks], (c, d)
        assert [block["middle"] for block in numbers["blocks"]] == [block.width for block in blocks]
        assert numbers["parameters"] == sum(count_parameters(block) for block in blocks)


def test_the_sliders_are_those_of_the_chosen_module_and_can_be_taken_back(browser, made):
    with tab(browser, made["numbers_to_choose"].html) as page:
        assert page.locator("input[name^=w]").count() == 6
        page.locator("input[name=module]").press("ArrowRight")
        values = [int(page.locator(f"input[name=w{i}]").input_value()) for i in range(6)]
        assert values == TABLE[1]
        page.locator("input[name=w5]").press("ArrowRight")
        assert state_of(page)["widths"] == [TABLE[0], [*TABLE[1][:5], 72], *TABLE[2:]]
        assert "the parameters of 3b and 4a have changed" in page.locator("form > output").inner_text()
        page.get_by_role("button", name="as in GoogLeNet’s table").click()
        assert state_of(page)["widths"] == TABLE
        assert "These are the numbers of GoogLeNet’s table." in page.locator("form > output").inner_text()


# ------------------------------------------------------------------ Where the time goes


def time_states():
    return list(product(("2", "1"), seconds.LAYOUTS, range(8)))


def test_where_the_time_goes_shows_what_was_measured(browser, made):
    rows = {(r["threads"], r["layout"], int(r["groups"])): r for r in evidence("speed_groups")}
    assert len(rows) == len(evidence("speed_groups")) == len(time_states())
    with tab(browser, made["where_the_time_goes"].html) as page:
        states = [dict(step=step, layout=layout, threads=threads) for threads, layout, step in time_states()]
        found = model(page, states, "where_the_time_goes", "({rows, ...n}) => n")
    for (threads, layout, step), numbers in zip(time_states(), found, strict=True):
        groups = 2**step
        row, dense = rows[threads, layout, groups], rows[threads, layout, 1]
        layer = nn.Conv2d(128, 128, 3, padding=1, groups=groups, bias=False)
        assert numbers["groups"] == groups and numbers["macs"] == count_macs(layer, (128, 56, 56)) == int(row["macs"])
        assert numbers["written"] == 128 * 56 * 56 and numbers["writing"] == 1 and numbers["kernel"] == row["kernel"]
        assert numbers["share"] == 1 / groups
        assert numbers["time"] == pytest.approx(float(row["median"]) / float(dense["median"]), abs=6e-5)
        assert numbers["faster"] == pytest.approx(1 / numbers["time"])
        before = rows.get((threads, layout, groups // 2), row)
        assert numbers["other"] == (before["kernel"] != row["kernel"])
        assert numbers["slower"] == (float(row["median"]) > float(before["median"]))


def test_every_kernel_has_a_mark_of_its_own(browser, made):
    shape = "[...document.querySelectorAll('svg path.s-ink:not(.dashed)')].map(e => e.getAttribute('d').split(' ')[1].replace(/[-0-9.]/g, ''))"
    with tab(browser, made["where_the_time_goes"].html, reduced_motion="reduce") as page:
        for threads, layout, step in time_states()[::8]:
            put(page, {"step": step, "layout": layout, "threads": threads}, "where_the_time_goes")
            kernels = [row["kernel"] for row in seconds.measured()[threads][layout]]
            marks = page.evaluate(shape)
            assert len(marks) == 8 and len(set(zip(kernels, marks, strict=True))) == len(set(kernels)) == len(set(marks))


# ------------------------------------------------------------------ what is said and asked

# (explorer, state, what the status has to say)
SAID = [
    (
        "what_is_split",
        dict(at=20, size=2, follow="path", index=1),
        "Path 2 of 4 reads 16 of 16 inputs, uses 2 of 8 middle channels and reaches 16 of 16 outputs. Form C: 128 + 144 + 128 = 400 weights.",
    ),
    (
        "what_is_split",
        dict(at=20, cut="yes", size=2, follow="path", index=1),
        "reads 4 of 16 inputs, uses 2 of 8 middle channels and reaches 4 of 16 outputs. All layers split: 32 + 144 + 32 = 208 weights. This is not ResNeXt: each path reads a share of the inputs and writes a share of the outputs, so the paths never meet. 16 of 16 outputs are other numbers.",
    ),
    (
        "what_is_split",
        dict(at=20, size=4, follow="input", index=255),
        "Input 256 is read by 32 of 32 paths and reaches 256 of 256 outputs. Form C: 32,768 + 4,608 + 32,768 = 70,144 weights. All three are single layers now: the first 1×1s read the same inputs, so they could be stacked. The split is in the middle: the 3×3 has 512 of 16,384 pairs",
    ),
    (
        "what_is_split",
        dict(at=10, size=2),
        "Form B: 128 + 144 + 128 = 400 weights. The paths’ last 1×1s are one layer, which adds the same products without the brackets. No weight was added, and none moved past another. All 16 outputs are what they were in form A.",
    ),
    ("what_is_split", dict(at=0, size=0, follow="output", index=0), "Output 1 adds up 1 of 1 paths"),
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
    (
        "numbers_to_choose",
        dict(module=1),
        "9 modules with 6 widths each: 54 numbers, and 5,849,136 parameters. Module 3b reads 256 channels, gives out 480 and has 388,736 parameters. These are the numbers of GoogLeNet’s table. ResNeXt-50 has 2 numbers: 32 paths, 4 wide in the first stage. All 16 blocks follow, with 22,970,368 parameters.",
    ),
    (
        "drag_the_groups",
        dict(step=2),
        "4 groups of 4 channels: an output reads 4 of 16 inputs. A layer has 576 weights and does 1,806,336 multiply-adds on a 56×56 map, 1/4 of the dense layer’s. After two layers input 1 has reached 4 of 16 outputs, and 192 of 256 pairs of channels never meet.",
    ),
    (
        "drag_the_groups",
        dict(step=2, shuffle="on", follow=5),
        "After two layers with a shuffle between them input 6 has reached 16 of 16 outputs, and every pair of channels meets.",
    ),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("name", "state", "words"), SAID, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(SAID)])
def test_the_status_says_it_with_numbers_and_names_the_picture(browser, made, name, state, words):
    with tab(browser, made[name].html) as page:
        put(page, state, name)
        said = page.locator("form > output").inner_text()
        assert words in said
        assert page.locator("form > svg").get_attribute("aria-label") == said
        assert page.get_by_role("img", name=said, exact=True).count() == 1


QUESTIONS = [
    ("what_is_split", ["4", "8", "16"], "4"),
    ("spend_a_budget", ["twice", "half", "same"], "same"),
    ("inception_to_resnext", ["yes", "no"], "no"),
    ("walk_the_network", ["more", "same", "fewer"], "fewer"),
    ("drag_the_groups", ["2", "4", "8"], "4"),
    ("numbers_to_choose", ["own", "next", "all"], "next"),
    ("where_the_time_goes", ["less", "same", "more"], "more"),
]


# What a reader sees and hears of an explorer: its text, and the name of its picture.
SEEN_OR_HEARD = "f => f.innerText + '\\n' + [...f.querySelectorAll('svg text')].map(t => t.textContent).join('\\n') + '\\n' + f.querySelector('form > svg').getAttribute('aria-label')"
# What answers the question of each, in words or in the picture.
GIVEN_AWAY = {
    "what_is_split": r"16 of 16|4 of 16|reads? \d+ of|128|≠|split the|form A’s",
    "spend_a_budget": r"32×4d|70,144|limit|136|\d % ",
    "inception_to_resnext": r"≠|redraws|stays the same|70k|weights;",
    "where_the_time_goes": r"time: |of the time|solid|routine for",
    "numbers_to_choose": r"54|have changed|follow|\d{3},\d{3}|\d[kM]",
    "drag_the_groups": r"1/4|576|of 256|\d{3},\d{3}|reaches|never",
    "walk_the_network": r"fewer 3×3|one eighth|\d{3},\d{3}|hatched",
}


@pytest.mark.sampled(3)
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


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("what_is_split", "input[name=at]"),
        ("spend_a_budget", "input[name=stop]"),
        ("inception_to_resnext", "input[name=frame]"),
        ("walk_the_network", "input[name=stop]"),
        ("drag_the_groups", "input[name=step]"),
        ("numbers_to_choose", "input[name=w2]"),
        ("where_the_time_goes", "input[name=step]"),
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
        assert "block with 4 paths" in asked and "input 1" in asked
        page.locator("select").select_option("4")
        page.locator("input[name=prediction][value='4']").check()
        page.get_by_role("button", name="Check").click()
        shown = state_of(page)
        assert (shown["size"], shown["cut"], shown["follow"], shown["index"]) == (2, "yes", "input", 0), (
            "the picture shows the block that was asked about"
        )
        assert "reaches 4 of 16 outputs" in page.locator("form > output").inner_text()


@pytest.mark.sampled(3)
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
        way, which = page.locator("input[name=at]"), page.locator("input[name=index]")
        way.focus()
        page.keyboard.press("ArrowRight")
        start = {"at": 1, "cut": "no", "size": 2, "follow": "path", "index": 1, "sample": 0, "revealed": True}
        assert state_of(page) == start and way.get_attribute("aria-valuetext") == "Between A and B"
        page.keyboard.press("End")
        assert state_of(page)["at"] == 20 and way.get_attribute("aria-valuetext") == "Form C"
        which.focus()
        page.keyboard.press("ArrowRight")
        assert state_of(page)["index"] == 2 and which.get_attribute("aria-valuetext") == "path 3 of 4"
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
        assert reached == ["prediction", "Check", "stop", "mode", "d", "The numbers as a table (with the answer)"]
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
        put(page, {"at": 0}, "what_is_split")
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
        dict(at=at, cut=cut, size=s, follow=w, index=0, sample=s % 4)
        for at, cut in WRITTEN
        for s in range(5)
        for w in ("path", "input", "middle", "output")
    ],
    "spend_a_budget": [dict(stop=s, mode="keep") for s in range(len(STOPS))]
    + [dict(stop=s, d=d) for s in (0, 3, 7) for d in (1, 8, 64)],
    "inception_to_resnext": [dict(frame=i) for i in range(8)],
    "where_the_time_goes": [dict(step=s, layout=y, threads=t) for t, y, s in product("21", seconds.LAYOUTS, range(8))],
    "numbers_to_choose": [
        dict(module=m, w0=w, w2=w, c=c, d=d) for m in (0, 8) for w in (8, 512) for c, d in ((0, 1), (6, 64))
    ],
    "drag_the_groups": [dict(step=s, shuffle=w, follow=f) for s in range(5) for w in ("off", "on") for f in (0, 9, 15)],
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


@pytest.mark.sampled(2)
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
    for wish, length in (("no-preference", "0.4s"), ("reduce", "0s")):
        with tab(browser, made["what_is_split"].html, reduced_motion=wish) as page:
            assert page.evaluate(duration) == "0s", "nothing moves before a press"
            page.locator("svg [data-set='{\"at\":10}']").click(force=True)
            assert page.evaluate(duration) == length
            page.locator("input[name=at]").press("ArrowRight")
            assert page.evaluate(duration) == "0s", "a drag is its own motion"


DARK = [('data-theme="dark"', ""), ('theme="dark"', ""), ("", 'data-jp-theme-light="false"'), ("", 'class="vscode-dark"')]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("attributes", "body"), [("", ""), *DARK])
def test_every_theme_has_its_pair_of_colours(browser, made, attributes, body):
    with tab(browser, made["what_is_split"].html, attributes, body) as page:
        card, ink = page.evaluate(
            "(s => [s.backgroundColor, s.color])(getComputedStyle(document.querySelector('.explorer form')))"
        )
        assert (card, ink) == (
            ("rgb(27, 30, 34)", "rgb(236, 238, 241)") if attributes + body else ("rgb(255, 255, 255)", "rgb(22, 25, 29)")
        )


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("attributes", "body"), [("", ""), *DARK])
def test_fault_15_forced_colours_are_the_readers(browser, made, attributes, body):
    with tab(browser, made["what_is_split"].html, attributes, body, forced_colors="active") as page:
        put(page, {"at": 20}, "what_is_split")
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
        for cut in ("no", "yes", "no"):
            put(page, {"at": 20, "cut": cut}, "what_is_split")
            order = [row.split(",")[0].replace(" new", "").strip() for row in page.evaluate(painted)]
            frames = [i for i, names in enumerate(order) if names.startswith("f-none s-ink")]
            cells = [i for i, names in enumerate(order) if names == "f-none s-card"]
            assert len(frames) == 12 and cells and min(frames) > max(cells), cut


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
    **{name: EXTREMES[name] for name in NAMES if name != "what_is_split"},
}


@pytest.mark.sampled(2)
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
        put(page, {"at": 0}, "what_is_split")
        page.evaluate("document.getAnimations().forEach(a => a.finish())")
        put(page, {"at": 10}, "what_is_split")
        sliding = page.evaluate("document.getAnimations().map(a => a.transitionProperty)")
        assert {"y", "d"} <= set(sliding), set(sliding)


def test_fault_15_only_the_full_block_is_called_full_size(monkeypatch):
    monkeypatch.setattr(split, "_SPLIT_SIZES", [(256, 1, 64), (256, 32, 4)])
    labels = re.findall(r'"label":"([^"]*)"', explorers.what_is_split().html)
    assert labels == ["1 path of 64", "32 paths of 4 (32x4d at full size)"]


def test_fault_15_buttons_at_the_ends_look_disabled(browser, made):
    style = "e => (s => s.color + s.borderStyle)(getComputedStyle(e))"
    with tab(browser, made["inception_to_resnext"].html) as page:
        previous, forward = page.get_by_role("button", name="Previous"), page.get_by_role("button", name="Next")
        assert previous.evaluate(style) != forward.evaluate(style)
        put(page, {"frame": 3}, "inception_to_resnext")
        assert previous.evaluate(style) == forward.evaluate(style)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NAMES)
def test_fault_15_it_says_that_the_picture_can_be_clicked(browser, made, name):
    with tab(browser, made[name].html) as page:
        if page.locator("svg [data-set]").count():
            assert page.locator("form .hint").inner_text().startswith("The picture can be clicked: ")
        put(page, EXTREMES[name][0], name)
        assert page.locator("form .hint").inner_text().startswith("The picture can be clicked: ")
        assert page.locator("svg [data-set]").count() > 4
        assert page.get_by_role("figure", name="Figure to play with").count() == 1


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NAMES)
def test_C13_the_closed_table_says_that_it_holds_the_answer(browser, made, name):
    assert "<details open><summary>The numbers as a table</summary>" in made[name].html, "without a script it stays open"
    with tab(browser, made[name].html) as page:
        table = page.locator(".explorer > details")
        assert table.get_attribute("open") is None
        assert table.locator("summary").inner_text() == "The numbers as a table (with the answer)"
        put(page, EXTREMES[name][0], name)
        assert table.locator("summary").inner_text() == "The numbers as a table"


def test_D26_a_hint_speaks_of_nothing_that_is_not_drawn_yet(browser, made):
    for name, words in (
        ("spend_a_budget", "column of the plane"),
        ("drag_the_groups", "In the squares"),
        ("where_the_time_goes", "A circle, a square"),
    ):
        with tab(browser, made[name].html) as page:
            assert words not in page.locator("form .hint").inner_text()
            put(page, EXTREMES[name][0], name)
            assert words in page.locator("form .hint").inner_text()
    with tab(browser, made["inception_to_resnext"].html) as page:
        assert "the eight steps" not in page.locator("svg text").all_text_contents()


@pytest.mark.slow
def test_D33_D34_check_has_its_own_row_and_little_is_kept_empty(browser, made):
    for name in NAMES:
        with tab(browser, made[name].html) as page:
            button = page.get_by_role("button", name="Check").bounding_box()
            labels = page.locator("form > fieldset").first.locator("label").all()
            assert all(label.bounding_box()["y"] + label.bounding_box()["height"] <= button["y"] for label in labels), name
            output = page.locator("form > output")
            words = output.evaluate(
                "e => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().height }"
            )
            assert output.bounding_box()["height"] <= max(3 * 22.4 + 1, words + 6), name


# The picture and the card, as high as they are.
HIGH = "['form > svg', 'form'].map(s => document.querySelector(s).getBoundingClientRect().height)"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("name", "options", "right"), QUESTIONS)
def test_18_the_first_check_moves_nothing(browser, made, name, options, right, width):
    with tab(browser, made[name].html, width=width, reduced_motion="reduce") as page:
        picture, card = page.evaluate(HIGH)
        page.get_by_role("button", name="Check").click()
        assert page.evaluate(HIGH) == [picture, card], "the message has its line"
        for value in options:
            page.locator(f"input[name=prediction][value='{value}']").check()
            page.get_by_role("button", name="Check").click()
            after, grown = page.evaluate(HIGH)
            assert after == picture, "what the answer shows has its frames"
            assert width < 700 or abs(grown - card) <= 1


def test_18_orange_is_a_sum_or_a_shortcut(browser, made):
    """Not the budget, not what has changed, not an arrow's end: shapes and words say those."""
    orange = """([states, name]) => states.map(state => {
      document.querySelector(`[data-explorer=${name}]`).explorer.set(state);
      return [...document.querySelectorAll('svg .f-sum, svg .s-sum')].map(e => e.outerHTML.slice(0, 120));
    })"""
    for name, states in EXTREMES.items():
        if name in ("what_is_split", "inception_to_resnext"):
            continue
        with tab(browser, made[name].html, reduced_motion="reduce") as page:
            found = page.evaluate(orange, [states, name])
            assert len(found) == len(states) and not any(found), (name, states, found)


def test_18_only_what_is_disabled_is_grey_in_forced_colours(browser, made):
    colour = """name => { const e = document.body.appendChild(document.createElement('i')); e.style.color = name;
      const found = getComputedStyle(e).color; e.remove(); return found; }"""
    style = "e => (s => [s.color, s.borderTopColor])(getComputedStyle(e))"
    with tab(browser, made["inception_to_resnext"].html, forced_colors="active") as page:
        grey = page.evaluate(f"({colour})('GrayText')")
        put(page, {"frame": 0}, "inception_to_resnext")
        assert page.get_by_role("button", name="Previous").evaluate(style) == [grey, grey]
        live = [page.get_by_role("button", name="Next"), *page.locator("label.choice").all()]
        assert all(grey not in control.evaluate(style) for control in live)
    with tab(browser, made["what_is_split"].html, forced_colors="active") as page:
        put(page, {"at": 0}, "what_is_split")
        fills = page.evaluate("[...document.querySelectorAll('svg .f-weight')].map(e => getComputedStyle(e).fill)")
        assert fills and page.evaluate(f"({colour})('GrayText')") not in fills


def test_18_what_the_sliders_move_keeps_in_view(browser, made):
    with tab(browser, made["numbers_to_choose"].html, width=1280) as page:
        for slider in page.locator("input[type=range]").all():
            slider.scroll_into_view_if_needed()
            page.evaluate("slider => slider.scrollIntoView({block: 'end'})", slider.element_handle())
            picture, control = page.locator("form > svg").bounding_box(), slider.bounding_box()
            assert 0 <= picture["y"] and picture["y"] + picture["height"] <= control["y"] + 1 or picture["y"] > control["y"]


def test_the_middle_does_not_grow_from_32_to_128_paths():
    """The answer to the question of spend a budget."""
    assert 32 * width_for_budget(32) == 128 * width_for_budget(128) == 128


def test_fault_15_a_word_on_the_picture_does_not_take_the_tap(browser, made):
    with tab(browser, made["spend_a_budget"].html) as page:
        put(page, {"stop": 0}, "spend_a_budget")
        page.locator("svg text").get_by_text("8", exact=True).click(force=True)
        assert state_of(page)["stop"] == 3 and state_of(page)["d"] == 14


# ------------------------------------------------------------------ without a script

SEEN = """[...document.querySelectorAll('.explorer')].map(f => {
  const image = f.querySelector('img').getBoundingClientRect(), table = f.querySelector(':scope > details table');
  const form = f.querySelector('form');
  return [image.width > 200 && image.height > 100, table.checkVisibility() && table.getBoundingClientRect().height > 100, !!form && form.getBoundingClientRect().height > 0];
})"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NAMES)
def test_without_javascript_the_picture_and_the_table_stay(browser, made, name):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.set_content(PAGE.format(attributes="", body="", figures=made[name].html))
    boxes = [found.bounding_box() for tag in ("img", "table") for found in page.locator(tag).all()]
    assert len(boxes) >= 2 and all(box["height"] > 100 for box in boxes) and page.locator("form").count() == 0
    context.close()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NAMES)
def test_on_paper_the_picture_and_the_table_stand(browser, made, name):
    with tab(browser, made[name].html, width=700) as page:  # as wide as a sheet of A4 between its margins
        assert page.evaluate(SEEN) == [[False, False, True]]
        page.emulate_media(media="print")
        assert page.evaluate(SEEN) == [[True, True, False]]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NAMES)
def test_what_a_sanitiser_leaves_still_tells_it(browser, made, name):
    left = re.sub(r"<(script|style|svg)\b.*?</\1>|<input[^>]*>", "", made[name].html, flags=re.DOTALL)
    assert "<script" not in left and "<svg" not in left and "<style" not in left
    with tab(browser, left) as page:
        assert page.evaluate(SEEN) == [[True, True, False]]
        assert all(page.locator("img").evaluate_all("all => all.map(i => i.complete && i.naturalWidth > 0)"))
        assert " ".join(page.locator("img").evaluate_all("all => all.map(i => i.alt)")) == made[name].alt


# ------------------------------------------------------------------ several on a page, in notebooks, in bytes


def test_explorers_on_one_page_do_not_disturb_one_another(browser, made):
    content = "".join(e.html for e in made.values()) + made["what_is_split"].html
    with tab(browser, content) as page:
        page.locator(".explorer").last.locator("input[value=yes]").last.check()
        put(page, {"frame": 3}, "inception_to_resnext")
        first, last = list(made).index("what_is_split"), len(made)
        assert [state_of(page, i)["cut"] for i in (first, last)] == ["no", "yes"]
        assert page.locator("input[name=cut][value=no]:checked").count() == 1
        moved = list(made).index("inception_to_resnext")
        assert state_of(page, moved) == {"frame": 3, "seen": 3, "revealed": True}
        assert not state_of(page, moved - 1)["revealed"]
        assert page.evaluate("document.querySelectorAll('[id]').length") == 0


@pytest.mark.slow
def test_the_bytes_depend_on_nothing_else(made):
    program = "from resnext_lib import explorers\n" + "\n".join(f"print(explorers.{name}().html)" for name in NAMES)
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=facts.ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(facts.ROOT)},
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
    chapters = facts.ROOT / "chapters"
    places = {
        "02_inception": ["numbers_to_choose"],
        "04_grouped_convolution": ["drag_the_groups"],
        "05_the_resnext_block": ["spend_a_budget", "inception_to_resnext"],
        "06_three_forms": ["what_is_split"],
        "07_resnext50": ["walk_the_network"],
        "10_flops_are_not_seconds": ["where_the_time_goes"],
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
        notebook = read(facts.ROOT / "chapters" / "explorers.ipynb")
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
            # By its picture: what JupyterLab leaves of an untrusted output has no data-explorer.
            figure = page.locator(".jp-Notebook .explorer:has(img[alt^='Four strips of three weight matrices'])")
            figure.wait_for(timeout=120_000)
            figure.scroll_into_view_if_needed()
            page.wait_for_timeout(1500)
            if name == "trusted":
                figure.locator("form input[type=range]").first.focus()
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
