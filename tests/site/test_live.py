"""Look inside a ResNeXt: the network in the page computes what torch computes, whatever is off, and everyone can work it."""

import copy
import importlib.util
import json
import re
from types import SimpleNamespace

import pytest
import torch
from site_tools import screen_reader_problems
from test_explorers import SEEN, shown_in, tab
from torch.nn import functional

from resnext_lib import data, explorers
from resnext_lib.explorers import live
from resnext_lib.networks import small_resnext
from resnext_lib.paths import path_contributions, without_path
from resnext_lib.published import evidence
from resnext_lib.weights import trained_small_resnext
from tools import facts, live_network
from tools.live_network import BLOCKS

SAME_ANSWER = 0.995  # of the pictures, at least
LOGITS = 0.1  # the largest difference to torch, among numbers up to 18: what weights in eight and sixteen bits cost
SWITCHED = 0.1  # the same with parts switched off
FORMS = 1e-5  # between the forms: float32 rounding
PAGE_GETS = 500_000  # bytes at most
ALL = [(name, path) for name in BLOCKS for path in range(16)]
SEVERAL = [("layer1.1", 0, 3, 7), ("layer3.0", *range(1, 16)), ("layer2.1", *range(16))]
ONE_A_BLOCK = [(name, 5 * k % 16) for k, name in enumerate(BLOCKS)]


@pytest.fixture(scope="module")
def whole():
    return explorers.look_inside()


@pytest.fixture(scope="module")
def small():
    return explorers.look_inside(small=True)


@pytest.fixture(scope="module")
def network():
    return trained_small_resnext()


@pytest.fixture(scope="module")
def pixels():
    return data.fashion_subset("test").pixels


def normalised(pixels):
    return data.normalise(pixels, *data.mean_and_spread(data.fashion_subset("train")))


def logits_of(network, pixels):
    with torch.inference_mode():
        return network(normalised(pixels)).double()


def in_page(page, pixels, state=None, keep="({logits, forms, kind}) => ({logits, forms, kind})"):
    """The numbers of the page's model for these pictures, in this state."""
    return page.evaluate(
        f"([pictures, state]) => pictures.map(p => document.querySelector('.explorer').explorer.answer(p, state)).map({keep})",
        [pixels.flatten(1).tolist(), state or {}],
    )


def numbers(found, form="C"):
    return torch.tensor([n["forms"][form]["logits"] for n in found], dtype=torch.float64)


def state_of(page):
    return json.loads(page.locator(".explorer").get_attribute("data-state"))


def put(page, **state):
    page.evaluate("state => document.querySelector('.explorer').explorer.set(state)", state)


def off(name, *paths):
    return [list(paths) if block == name else [] for block in BLOCKS]


# ------------------------------------------------------------------ the network in the page and torch


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_the_pages_network_answers_as_torch(browser, whole, network, pixels, count):
    right = logits_of(network, pixels[:count])
    with tab(browser, whole.html) as page:
        found = [n for batch in pixels[:count].split(50) for n in in_page(page, batch)]
    assert len(found) == count
    same = (numbers(found).argmax(dim=1) == right.argmax(dim=1)).double().mean()
    assert same >= SAME_ANSWER
    for form in "ABC":
        assert (numbers(found, form) - right).abs().max() < LOGITS, form
        assert (numbers(found, form) - numbers(found)).abs().max() < FORMS, form


def test_each_form_calls_its_own_layers(browser, whole, pixels):
    """The stem, three projections, six blocks: of 48 layers in form A, 33 in form B, 3 in form C; A leaves out what is off."""
    with tab(browser, whole.html) as page:
        (everything,) = in_page(page, pixels[:1])
        (without,) = in_page(page, pixels[:1], {"off": off("layer2.0", 1, 2)})
    calls = {form: 1 + 2 + 1 + 6 * layers for form, layers in (("A", 48), ("B", 33), ("C", 3))}
    downsamples = sum(layer.downsample is not None for layer in (small_resnext().get_submodule(n) for n in BLOCKS))
    assert {form: n["calls"] for form, n in everything["forms"].items()} == {
        form: count - 3 + downsamples for form, count in calls.items()
    }
    assert without["forms"]["A"]["calls"] == everything["forms"]["A"]["calls"] - 6


def test_the_answer_with_everything_on_is_known_ahead_and_stays_right(browser, whole):
    count, state = len(live.packed_numbers()["shown"]["labels"]), {"off": off("layer2.0", 1, 2)}
    keep = "({intact, shares}) => ({intact, shares})"

    def check(page):
        everything, without = in_page(page, pictures, {}, keep), in_page(page, pictures, state, keep)
        assert [n["intact"] for n in without] == [n["shares"] for n in everything]
        assert all(n["intact"] != n["shares"] for n in without)

    with tab(browser, whole.html) as page:
        remembered = "document.querySelector('.explorer').explorer.remembered"
        page.wait_for_function(f"count => {remembered}.size === count", arg=count)
        keys = page.evaluate(f"[...{remembered}.keys()]")
        pictures = torch.tensor([[int(pixel) for pixel in key.split(",")] for key in keys[:3]]).view(3, 28, 28)
        check(page)
        assert page.evaluate(f"{remembered}.size") == count
        # Then somebody draws for a while: what is remembered is given up, and computed anew.
        page.evaluate(f"for (let k = 0; k < 300; k++) {remembered}.set(k, [])")
        check(page)
        assert page.evaluate(f"{remembered}.size") == 3


@pytest.mark.slow
def test_what_the_page_shows_of_a_block_is_the_librarys(browser, whole, network, pixels):
    x = normalised(pixels[:1])
    with tab(browser, whole.html) as page:
        for k, name in enumerate(BLOCKS):
            keep = "n => ({...n, x: [...n.x.values], h: [...n.h.values], passed: [...n.passed.values], terms: n.terms.map(t => [...t.values])})"
            (found,) = in_page(page, pixels[:1], {"block": k}, keep)
            block, seen = network.get_submodule(name), []
            handle = block.register_forward_pre_hook(lambda module, inputs, seen=seen: seen.append(inputs[0]))
            middle = block.conv3.register_forward_pre_hook(lambda module, inputs, seen=seen: seen.append(inputs[0]))
            with torch.inference_mode():
                network(x)
                handle.remove()
                middle.remove()
                factor = (block.bn3.weight / (block.bn3.running_var + block.bn3.eps).sqrt()).view(1, -1, 1, 1)
                terms, passed = path_contributions(block, seen[0])[:, 0] * factor, block.shortcut(seen[0])
            for shown, right in (
                (found["x"], seen[0]),
                (found["h"], seen[1]),
                (found["passed"], passed),
                (found["terms"], terms),
            ):
                shown = torch.tensor(shown).flatten()
                assert (shown - right.flatten()).norm() < 0.02 * right.norm(), name
            sizes = terms.square().mean(dim=(1, 2, 3)).sqrt()
            assert torch.allclose(torch.tensor(found["sizes"]), sizes, rtol=0.05), name
            assert (found["reads"], found["width"], found["d"], found["writes"]) == (
                block.in_channels, block.width, block.width // 16, block.out_channels,
            )  # fmt: skip


def test_forms_a_and_b_are_computed_while_they_are_on_show(browser, whole):
    """A change has a tenth of a second, and three networks take three times as long as one."""
    forms = "f => Object.keys((({model, state}) => model(state).forms)(f.explorer))"
    with tab(browser, whole.html, width=1280) as page:
        put(page, off=off("layer1.1", 3), preset="own")
        assert page.locator(".explorer").evaluate(forms) == ["C"]
        page.locator("form details summary").click()
        page.locator(".forms td").first.wait_for()
        assert page.locator(".explorer").evaluate(forms) == ["A", "B", "C"]
        assert page.locator(".forms tbody th").all_inner_texts() == ["A", "B", "C"]


# ------------------------------------------------------------------ every switch


def measured_anew(network, states):
    """``{state: (mean, variance)}`` of the sum without these paths over all training pictures, straight from the sums."""
    found = {state: [0, 0, 0] for state in states}

    def hook(name):
        block = network.get_submodule(name)

        def add(module, inputs):
            for state in [state for state in states if state[0] == name]:
                weight, d = block.conv3.weight.clone(), block.width // 16
                for path in state[1:]:
                    weight[:, path * d : (path + 1) * d] = 0
                sums = functional.conv2d(inputs[0], weight).transpose(0, 1).flatten(1).double()
                count, total, squares = found[state]
                found[state] = [count + sums.shape[1], total + sums.sum(dim=1), squares + sums.square().sum(dim=1)]

        return block.conv3.register_forward_pre_hook(add)

    handles = [hook(name) for name in {state[0] for state in states}]
    with torch.no_grad():
        for batch in normalised(data.fashion_subset("train").pixels).split(500):
            network(batch)
    for handle in handles:
        handle.remove()
    return {
        state: (total / count, (squares - total.square() / count) / (count - 1))
        for state, (count, total, squares) in found.items()
    }


def renewed(network, state, statistics):
    """The network without these paths, its norm behind the sum with these statistics."""
    name, *paths = state
    without = without_path(network, name, tuple(paths))
    norm = without.get_submodule(name).bn3
    norm.running_mean.copy_(statistics[0])
    norm.running_var.copy_(statistics[1])
    return without


def check_removals(browser, explorer, network, pixels, states):
    right = measured_anew(network, states)
    with tab(browser, explorer.html) as page:
        for state in states:
            name, *paths = state
            for kind, reference in (
                ("renewed", renewed(network, state, right[state])),
                ("kept", without_path(network, name, tuple(paths))),
            ):
                found = in_page(page, pixels, {"off": off(name, *paths), "statistics": kind, "preset": "own"})
                assert {n["kind"] for n in found} == {kind}
                assert (numbers(found) - logits_of(reference, pixels)).abs().max() < SWITCHED, (state, kind)
                assert all((numbers(found, form) - numbers(found)).abs().max() < FORMS for form in "AB"), state


@pytest.mark.slow
def test_single_paths_and_choices_within_a_block_are_torchs(browser, whole, network, pixels):
    check_removals(browser, whole, network, pixels[:3], ONE_A_BLOCK[:1] + SEVERAL[:2])


@pytest.mark.slow
def test_every_single_path_is_torchs(browser, whole, network, pixels):
    check_removals(browser, whole, network, pixels[:3], ALL + SEVERAL)


@pytest.mark.slow
def test_the_statistics_are_those_of_the_librarys_own_removal(network):
    images = normalised(data.fashion_subset("train").pixels)
    for state, (mean, variance) in measured_anew(network, ONE_A_BLOCK[1:3]).items():
        norm = without_path(network, *state, images).get_submodule(state[0]).bn3
        assert torch.allclose(norm.running_mean.double(), mean, atol=1e-5)
        assert torch.allclose(norm.running_var.double(), variance, rtol=1e-5)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("k", range(6))
def test_a_block_without_its_shortcut_is_torchs(browser, whole, network, pixels, k):
    reference = live_network.without_shortcuts(network, [BLOCKS[k]])
    block, x = (
        reference.get_submodule(BLOCKS[k]),
        torch.ones(1, *((64, 14, 14), (64, 14, 14), (64, 14, 14), (128, 7, 7), (128, 7, 7), (256, 4, 4))[k]),
    )
    with torch.inference_mode():
        assert torch.equal(block(x), torch.relu(network.get_submodule(BLOCKS[k]).transform(x)))
    with tab(browser, whole.html) as page:
        found = in_page(page, pixels[:3], {"shortcuts": [j != k for j in range(6)], "preset": "own"})
    assert (numbers(found) - logits_of(reference, pixels[:3])).abs().max() < SWITCHED


def test_what_is_off_in_several_blocks_is_said_not_to_be_re_estimated(browser, whole, network, pixels):
    reference = without_path(without_path(network, "layer1.0", 1), "layer3.1", (2, 9))
    state = {"off": [[1], [], [], [], [], [2, 9]], "preset": "own"}
    with tab(browser, whole.html) as page:
        found = in_page(page, pixels[:3], state)
        put(page, **state)
        assert "not re-estimated" in page.locator("form .result output").inner_text()
    assert {n["kind"] for n in found} == {"unknown"}
    assert (numbers(found) - logits_of(reference, pixels[:3])).abs().max() < SWITCHED


@pytest.mark.slow
def test_a_preset_has_the_statistics_that_the_command_measured(browser, whole, network, pixels):
    """What stands in the file, put into torch's network; the slow test below measures it again."""
    with tab(browser, whole.html) as page:
        for number, (preset, paths) in enumerate(
            zip(live.packed_numbers()["presets"], live_network.PRESETS.values(), strict=True)
        ):
            reference, kept = network, network
            values = torch.tensor(live._unpack(preset["norms"], "e").astype("float32"))
            for name in BLOCKS:
                kept = without_path(kept, name, tuple(paths))
            reference = copy.deepcopy(kept)
            for name in BLOCKS:
                norm = reference.get_submodule(name).bn3
                for target in (norm.running_mean, norm.running_var):
                    target.copy_(values[: norm.num_features])
                    values = values[norm.num_features :]
            for kind, right in (("renewed", reference), ("kept", kept)):
                page.locator("select").select_option(str(number))
                page.locator(f"input[value={kind}]").check()
                found = in_page(page, pixels[:3])
                assert {n["kind"] for n in found} == {kind}
                assert state_of(page)["off"] == [paths] * 6
                assert (numbers(found) - logits_of(right, pixels[:3])).abs().max() < SWITCHED, (preset["label"], kind)
            page.locator("select").select_option("all")
            assert state_of(page)["off"] == [[]] * 6


@pytest.mark.slow
def test_presets_and_counts_are_measured_again(network):
    """Nearly the same on every machine: only the last digits of sums differ."""
    train, test = data.fashion_subset("train"), data.fashion_subset("test")
    found = live_network.presets(network, normalised(train.pixels), (normalised(test.pixels), test.labels))
    for new, old in zip(found, live.packed_numbers()["presets"], strict=True):
        values = [torch.tensor(live._unpack(each["norms"], "e").astype("float32")) for each in (new, old)]
        assert torch.allclose(*values, rtol=2e-3, atol=2e-3)
        assert all(abs(a - b) <= 1 for a, b in zip(new["right"], old["right"], strict=True))


# ------------------------------------------------------------------ the file


def test_the_files_weights_and_pictures_are_the_librarys(network, pixels):
    found, test = live.packed_numbers(), data.fashion_subset("test")
    remedy = "run python -m tools.live_network"
    for name, value in live_network.weights(network).items():
        assert found[name] == json.loads(json.dumps(value)), f"{name}: {remedy}"
    shown = live_network.pictures(network, test, normalised(test.pixels))
    for name in ("index", "labels", "pixels"):
        assert found["shown"][name] == shown[name], f"{name}: {remedy}"
    assert torch.allclose(torch.tensor(found["shown"]["logits"]), torch.tensor(shown["logits"]), atol=1e-3), remedy
    answers = torch.tensor(found["shown"]["logits"]).argmax(dim=1)
    assert (answers != torch.tensor(found["shown"]["labels"])).sum() == live_network.MISTAKES
    assert set(found["shown"]["labels"][:10]) == set(range(10))


def test_the_counts_with_statistics_kept_are_the_evidences(network):
    """Two programs, one count: evidence/paths.csv was written by studies/checkpoint.py."""
    test = live.packed_numbers()["test"]
    for row in evidence("paths"):
        kept, _ = test["without"][row["block"]]["paths"][int(row["path"])]
        assert abs(kept - round(2000 * float(row["accuracy"]))) <= 1, row
    assert test["right"] == sum(row["label"] == row["answer"] for row in evidence("predictions"))


@pytest.mark.slow
def test_the_counts_with_statistics_measured_anew_are_torchs(network):
    test, known = data.fashion_subset("test"), live.packed_numbers()["test"]["without"]
    x = normalised(test.pixels)
    for state, statistics in measured_anew(network, ONE_A_BLOCK).items():
        without = renewed(network, state, statistics)
        right = sum(
            int((without(part).argmax(dim=1) == labels).sum())
            for part, labels in zip(x.split(500), test.labels.split(500), strict=True)
        )
        assert abs(right - known[state[0]]["paths"][state[1]][1]) <= 1, state


def test_eight_bits_and_sixteen_are_read_as_they_were_written():
    weight = torch.tensor([[0.5, -1.0, 0.25], [0.0, 0.0, 0.0]])
    integers, scales = live_network.eight_bits(weight)
    assert integers.tolist()[1] == [0, 0, 0] and integers[0, 1] == -127
    assert abs(integers * scales[:, None] - weight.numpy()).max() <= scales.max() / 2
    with pytest.raises(ValueError, match="float16"):
        live_network.half([1e6])
    assert live._unpack(live_network.packed([1.5, -2.0], "e"), "e").tolist() == [1.5, -2.0]


# ------------------------------------------------------------------ the question, and nothing before it

# Words that answer the question, or that only make sense after it.
SEEN_OR_HEARD = """f => f.innerText + '\\n' + [...f.querySelectorAll('form [aria-label]')].map(e => e.getAttribute('aria-label')).join('\\n')"""
TOLD = r"all 64 maps|of its own|of the \d+ maps|are then right|1,7\d\d to|differs by|the same products|Only the middle"


@pytest.mark.parametrize("which", ["whole", "small"])
def test_nothing_is_given_away_in_the_first_frame(browser, request, which):
    with tab(browser, request.getfixturevalue(which).html) as page:
        figure = page.locator(".explorer")
        before = figure.evaluate(SEEN_OR_HEARD)
        assert not re.search(TOLD, before) and not re.search("[=≠]", before) and not state_of(page)["revealed"], before
        assert "boot" in before and "99." in before, "the network is at work in the first frame"
        assert "shows after your answer, or when you switch" in page.locator("form .result output").inner_text()
        assert page.locator("pre, form table").locator("visible=true").count() == 0
        page.locator(".lane").nth(6).hover()
        page.locator(".lane").nth(2).focus()
        assert not re.search(TOLD, figure.evaluate(SEEN_OR_HEARD)), "looking is no move"
        assert page.locator("pre .lit").count() == 0 and "following" not in figure.get_attribute("class")
        page.get_by_role("button", name="Check").click()
        assert not state_of(page)["revealed"]
        page.locator("input[name=prediction]").first.check()
        assert not state_of(page)["revealed"], "a choice alone tells nothing"
        page.get_by_role("button", name="Check").click()
        assert page.locator("output.answer").inner_text().startswith("Not quite.")
        page.locator("input[name=prediction]").last.check()
        page.get_by_role("button", name="Check").click()
        assert page.locator("output.answer").inner_text().startswith("Right.")
        assert re.search(TOLD, figure.evaluate(SEEN_OR_HEARD))


def test_the_first_move_tells_as_well(browser, small, whole):
    for explorer in (small, whole):
        with tab(browser, explorer.html) as page:
            page.locator(".lane").nth(2).click()
            assert state_of(page)["revealed"] and state_of(page)["off"][1] == [2]
            told = page.locator("form .result output").inner_text()
            assert "without path 3 of block 2" in told and "of 2,000 test pictures" in told.replace("Of", "of")


@pytest.mark.parametrize("which", ["whole", "small"])
def test_C12_to_draw_is_not_to_answer(browser, request, which):
    with tab(browser, request.getfixturevalue(which).html, width=1280) as page:
        before = page.locator("form .result output").inner_text()
        page.locator(".field").focus()
        page.keyboard.press("Space")
        box = page.locator(".field").bounding_box()
        page.mouse.click(box["x"] + 60, box["y"] + 60)
        page.wait_for_function("JSON.parse(document.querySelector('.explorer').dataset.state).drawn")
        page.locator(".thumbnails input").nth(3).check(force=True)
        assert not state_of(page)["revealed"] and page.locator("form .result output").inner_text() == before
        assert page.locator(".explorer > details summary").inner_text().endswith("(with the answer)")
        page.locator(".lane").nth(2).click()
        assert state_of(page)["revealed"] and page.locator(".explorer > details summary").inner_text().endswith("table")


def test_D27_the_words_at_the_lanes_do_not_repeat_the_hint(browser, small):
    with tab(browser, small.html) as page:
        assert page.locator("form").inner_text().count("off and on") == 1


def test_D29_after_check_the_menu_says_what_is_off(browser, whole):
    with tab(browser, whole.html) as page:
        page.locator("input[name=prediction]").last.check()
        page.get_by_role("button", name="Check").click()
        assert page.locator("select option:checked").inner_text() == "this block’s shortcut"
        assert state_of(page)["shortcuts"] == [True, False, True, True, True, True] and state_of(page)["off"] == [[]] * 6
        assert "773 are then right" in page.locator("form .result output").inner_text()


def test_what_a_newcomer_is_told(browser, whole):
    """What a path reads, what is split, and why the forms are equal: in words, once the question is behind."""
    with tab(browser, whole.html, width=1280) as page:
        put(page, off=off("layer1.1"), preset="own")
        page.locator(".lane").nth(6).hover()
        told = page.locator(".told").inner_text()
        assert "Path 7 reads all 64 maps" in told and "only its own 2 of the 32 maps in the middle" in told
        assert page.locator("pre .lit").count() == 4
        page.locator("form details summary").click()
        for form, words in (
            ("A", "one by one and adds"),
            ("B", "adding up is what a 1×1 does"),
            ("C", "for they all read the same input. The 3×3 in groups is the only place where something is split"),
        ):
            page.locator(f"input[name=form][value={form}]").check()
            assert (
                words in page.locator(".why").inner_text()
                and "same products, added in another order" in page.locator(".why").inner_text()
            )
        assert "batch norm and ReLU after the first two layers" in page.locator(".forms .hint").inner_text()
        page.locator(".lane.passes").hover()
        assert page.locator("pre .lit").all_inner_texts()[-1].strip() == "out = relu(norm(y) + x)"


# ------------------------------------------------------------------ hands, eyes, ears


def test_one_can_draw_with_a_pointer_and_with_keys(browser, whole):
    with tab(browser, whole.html, width=1280) as page:
        page.get_by_role("button", name="Empty field").click()
        assert state_of(page)["drawn"] and page.locator(".thumbnails input:checked").count() == 0
        empty = page.locator(".answers").inner_text()
        box = page.locator(".field").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 110)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 110, steps=8)
        page.mouse.up()
        page.wait_for_function("old => document.querySelector('.answers').innerText !== old", arg=empty)
        drawn = page.locator(".field").evaluate("c => c.getContext('2d').getImageData(14, 22, 1, 1).data[0]")
        assert drawn < 128, "ink where the pointer was"
        page.locator(".field").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Space")
        assert page.locator(".field").evaluate("c => c.getContext('2d').getImageData(14, 13, 1, 1).data[0]") < 128
        page.locator("input[value=erase]").check()
        page.locator(".field").focus()
        page.keyboard.press("Space")
        page.locator("select").focus()
        assert page.locator(".field").evaluate("c => c.getContext('2d').getImageData(14, 13, 1, 1).data[0]") > 200
        page.get_by_role("button", name="Picture back").click()
        assert not state_of(page)["drawn"] and page.locator(".thumbnails input:checked").count() == 1


def test_the_keyboard_goes_from_lane_to_lane_and_switches(browser, whole):
    with tab(browser, whole.html) as page:
        page.locator(".lane").first.focus()
        for key in ("ArrowRight", "ArrowDown", "Space"):
            page.keyboard.press(key)
        assert state_of(page)["off"][1] == [2]
        lane = page.get_by_role("button", name="Path 3, adds", pressed=False)
        assert lane.count() == 1 and lane.evaluate("e => e === document.activeElement && e.tabIndex === 0")
        assert page.locator(".lane[tabindex='0']").count() == 1
        page.keyboard.press("Space")
        assert state_of(page)["off"][1] == []
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        assert state_of(page)["shortcuts"] == [True, False, True, True, True, True]
        assert "the shortcut of block 2" in page.locator("form .result output").inner_text()


def test_the_menu_switches_and_one_click_makes_it_ones_own(browser, whole):
    with tab(browser, whole.html) as page:
        page.locator("input[name=block][value='4']").check()
        page.locator("select").select_option("alone")
        assert state_of(page)["off"] == [[], [], [], [], list(range(1, 16)), []]
        page.locator("select").select_option("shortcuts")
        assert state_of(page)["shortcuts"] == [False] * 6 and state_of(page)["off"] == [[]] * 6
        page.locator(".lane").first.click()
        assert state_of(page)["preset"] == "own" and page.locator("select").input_value() == "own"


STATES = [dict(block=k, off=off(BLOCKS[k], *paths), preset="own") for k in range(6) for paths in ((), (3,), range(16))]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_cut_off_nothing_jumps_and_every_target_is_large_enough(browser, whole, small, width):
    for explorer, states in (
        (whole, [*STATES, dict(preset="1"), dict(preset="shortcuts"), dict(picture=12)]),
        (small, STATES[3:6]),
    ):
        with tab(browser, explorer.html, width=width) as page:
            heights = set()
            for state in states:
                put(page, **state)
                heights.add(round(page.locator("form").bounding_box()["height"]))
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
                spilled = page.evaluate(
                    "[...document.querySelectorAll('.lane, .strip, li')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
                )
                assert not spilled, state
            assert max(heights) - min(heights) <= 1, sorted(heights)
            low = "[...document.querySelectorAll('label, button, select, summary')].filter(e => e.getBoundingClientRect().height < 44).map(e => e.textContent)"
            assert page.evaluate(low) == []


# The book's pages are dark in the dark; the bare page of a test is made so.
AS_THE_CARD = "(s => Object.assign(document.body.style, {background: s.backgroundColor, color: s.color}))(getComputedStyle(document.querySelector('form')))"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"attributes": 'data-theme="dark"'}, {"forced_colors": "active"}], ids=["light", "dark", "forced"]
)
def test_axe_finds_nothing_and_maps_follow_the_theme(browser, whole, small, options):
    for width in (320, 390, 1280):
        for explorer in (whole, small):
            with tab(browser, f"<main><h1>Look inside</h1>{explorer.html}</main>", width=width, **options) as page:
                page.evaluate(AS_THE_CARD)
                put(page, off=off("layer1.1", 2), preset="own")
                card, ink = page.evaluate(
                    "(c => [[0, 0], [14, 17]].map(([x, y]) => c.getImageData(x, y, 1, 1).data[0]))(document.querySelector('.field').getContext('2d'))"
                )
                assert (card > 200 > 100 > ink) if "attributes" not in options else (card < 60 < 150 < ink)
                assert not screen_reader_problems(page)


def test_a_change_of_theme_repaints(browser, small):
    with tab(browser, small.html) as page:
        corner = "document.querySelector('.field').getContext('2d').getImageData(0, 0, 1, 1).data[0]"
        assert page.evaluate(corner) == 255
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.wait_for_function(f"{corner} < 60")


# ------------------------------------------------------------------ from the disk, on paper, without a script, on its page


@pytest.mark.parametrize("which", ["whole", "small"])
def test_it_works_from_the_disk_and_asks_for_nothing(browser, request, which, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'>{request.getfixturevalue(which).html}", encoding="utf-8")
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: request.url.startswith("data:") or asked.append(request.url))
    page.goto(file.as_uri())
    page.locator(".lane").nth(3).click()
    assert "without path 4" in page.locator("form .result output").inner_text()
    assert asked == [file.as_uri()]
    context.close()


# Which of the ten bars and of the status' first words lie in the window, below the site's header.
IN_VIEW = """header => [...document.querySelectorAll('.answers li'), document.querySelector('.result output b')]
  .map(e => e.getBoundingClientRect()).filter(b => b.top >= header - 1 && b.bottom <= innerHeight + 1).length"""
ON_A_PAGE = "<div class='bd-article'><div class='cell_output'><div class='output text_html'>{}</div></div></div>"


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("width", "height", "header"), [(1280, 900, 48), (390, 844, 56)])
def test_18_what_a_tap_on_a_lane_changes_is_in_view(browser, whole, small, width, height, header):
    sheet = f"<style>{(facts.ROOT / 'site/static/book.css').read_text(encoding='utf-8')}</style>"
    for explorer in (whole, small):
        with tab(browser, sheet + ON_A_PAGE.format(explorer.html), 'data-theme="light"', width=width) as page:
            page.set_viewport_size({"width": width, "height": height})
            put(page, off=off("layer1.1", 0), preset="own")
            for number in (0, 7, 15, 16):
                for block in ("center", "end"):
                    lane = page.locator(".lane").nth(number)
                    lane.evaluate("(lane, block) => lane.scrollIntoView({block})", block)
                    lane.click()
                    assert page.evaluate(IN_VIEW, header) == 11, (number, block)


def test_18_the_first_check_moves_nothing(browser, whole, small):
    for explorer in (whole, small):
        with tab(browser, explorer.html, width=1280) as page:
            high = "document.querySelector('form').getBoundingClientRect().height"
            before = page.evaluate(high)
            page.get_by_role("button", name="Check").click()
            assert page.evaluate(high) == before
            for option in page.locator("input[name=prediction]").all():
                option.check()
                page.get_by_role("button", name="Check").click()
                assert abs(page.evaluate(high) - before) <= 1


def test_a_page_gets_less_than_half_a_megabyte(whole, small):
    assert max(len(whole.html.encode()), len(small.html.encode())) < PAGE_GETS
    assert "<!--" not in whole.html + small.html and whole.html.count("</script>") == 1


@pytest.mark.parametrize("which", ["whole", "small"])
def test_without_a_script_on_paper_and_sanitised_picture_and_table_stay(browser, request, which):
    explorer = request.getfixturevalue(which)
    left = re.sub(r"<(script|style)\b.*?</\1>", "", explorer.html, flags=re.DOTALL)
    with tab(browser, left) as page:
        assert page.evaluate(SEEN) == [[True, True, False]]
    with tab(browser, explorer.html, width=700) as page:  # as wide as a sheet of A4 between its margins
        assert page.evaluate(SEEN) == [[False, False, True]]
        page.emulate_media(media="print")
        assert page.evaluate(SEEN) == [[True, True, False]]
    assert explorer._repr_mimebundle_() == {"text/html": explorer.html, "text/plain": explorer.alt}


def test_it_stands_on_the_page_of_figures(whole):
    for name in ("08_training_one", "explorers"):
        shown = shown_in(facts.ROOT / "chapters" / f"{name}.ipynb", ["look_inside"])
        assert shown == [whole.html], f"run python -m tools.notebooks chapters/{name}.ipynb"


@pytest.fixture
def extension():
    path = facts.ROOT / "site" / "extensions" / "look_inside.py"
    spec = importlib.util.spec_from_file_location("look_inside_extension", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_page_of_the_site_gets_the_small_one_where_its_comment_stands(small, extension):
    connected = []
    extension.setup(SimpleNamespace(connect=lambda event, handler, priority=500: connected.append((event, handler))))
    assert connected == [("source-read", extension.note_what_it_is_made_of), ("html-page-context", extension.put_in)]
    english = SimpleNamespace(chinese=None)
    context = {"body": "<h1>A page</h1>\n<!-- look inside -->\n<p>Text.</p>"}
    extension.put_in(english, "intro", "page.html", context, None)
    assert context["body"] == f"<h1>A page</h1>\n{extension.UNSEEN}\n{small.html}\n<p>Text.</p>"
    other = {"body": "<p>Another page.</p>"}
    extension.put_in(english, "other", "page.html", other, None)
    extension.put_in(english, "made", "made.html", {}, None)
    assert other == {"body": "<p>Another page.</p>"}


def test_a_change_of_the_figure_makes_its_page_anew(extension):
    noted = []
    app = SimpleNamespace(env=SimpleNamespace(note_dependency=noted.append))
    extension.note_what_it_is_made_of(app, "other", ["# Another page"])
    assert noted == []
    extension.note_what_it_is_made_of(app, "intro", ["# A page\n\n<!-- look inside -->\n"])
    folder = facts.ROOT / "resnext_lib" / "explorers"
    assert {
        str(folder / name) for name in ("look_inside.js", "network.js", "look_inside.css", "look_inside.json", "live.py")
    } <= set(noted)
