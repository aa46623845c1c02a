"""Forms A, B and C are one function: outputs, gradients, statistics and training, and what breaks it."""

import copy
import re
from collections import OrderedDict
from functools import partial
from itertools import product

import pytest
import torch
from randomness import random_network, random_tensor, randomise, without_data
from torch import nn
from torch.nn.functional import conv2d, cross_entropy
from torch.testing import assert_close

from resnext_lib import forms
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_parameters
from resnext_lib.descendants import ConvNeXtBlock, DepthwiseSeparable, SEBottleneck
from resnext_lib.forms import FormA, FormB, FormC, copy_weights, form_of, to_form
from resnext_lib.networks import CifarResNeXt, initialise

FORMS = {"A": FormA, "B": FormB, "C": FormC}
EQUAL = dict(rtol=0, atol=1e-10)  # float64; the largest difference seen is about 1e-12
BLOCK = (256, 128, 256, 32)  # in_channels, width, out_channels, cardinality: 32x4d in conv2

# in_channels, width, out_channels, cardinality, stride, (height, width of the images); all in both modes
SIZES = [
    # identity shortcut
    (16, 8, 16, 1, 1, (8, 8)),
    (16, 8, 16, 2, 1, (8, 8)),
    (16, 8, 16, 4, 1, (7, 7)),
    (16, 8, 16, 8, 1, (5, 9)),  # one channel a path: depthwise
    (12, 6, 12, 3, 1, (6, 6)),  # odd cardinality
    (10, 35, 10, 5, 1, (7, 5)),  # wider inside than outside
    (64, 32, 64, 16, 1, (7, 7)),
    (32, 64, 32, 32, 1, (6, 6)),
    (64, 128, 64, 32, 1, (5, 5)),
    (1, 4, 1, 2, 1, (5, 5)),  # one channel in, one out
    (16, 16, 16, 4, 1, (1, 1)),  # one pixel
    # projection: unequal channels
    (8, 8, 16, 2, 1, (8, 8)),
    (16, 8, 8, 4, 1, (8, 8)),
    (3, 12, 7, 6, 1, (9, 9)),
    (16, 64, 64, 32, 1, (7, 7)),
    (5, 9, 11, 9, 1, (6, 10)),
    # projection: stride 2
    (16, 8, 16, 1, 2, (8, 8)),
    (16, 8, 16, 4, 2, (7, 7)),
    (16, 8, 16, 8, 2, (9, 5)),
    (64, 64, 64, 32, 2, (8, 8)),
    # projection: both
    (8, 8, 32, 2, 2, (7, 7)),
    (8, 24, 32, 8, 2, (11, 11)),
    (32, 16, 8, 16, 2, (6, 6)),
    (16, 128, 32, 32, 2, (9, 9)),
    (6, 14, 10, 7, 2, (7, 9)),
    # other strides, and the paper's block itself
    (8, 8, 8, 4, 3, (10, 10)),
    (6, 10, 12, 5, 4, (13, 9)),
    (*BLOCK, 1, (4, 4)),
]
CASES = list(product(SIZES, (False, True)))


def three_equal_blocks(*sizes):
    """The block in its three forms with the same random weights and statistics, float64."""
    first = random_network(FormA, *sizes)
    blocks = {"A": first}
    for form in "BC":
        blocks[form] = random_network(FORMS[form], *sizes, seed=99)
        copy_weights(first, blocks[form])
    return blocks


def pass_both_ways(block, x):
    """Output, input gradient, and weight gradients as a state dict that the maps can carry."""
    x = x.clone().requires_grad_()
    block.zero_grad()
    output = block(x)
    (output * random_tensor(*output.shape, seed=5)).sum().backward()
    return output.detach(), x.grad, OrderedDict((name, p.grad) for name, p in block.named_parameters())


@pytest.mark.sampled(12)
@pytest.mark.parametrize(("sizes", "training"), CASES)
def test_the_three_forms_are_one_function(sizes, training):
    *sizes, image = sizes
    blocks = three_equal_blocks(*sizes)
    x = random_tensor(3, sizes[0], *image)
    results = {form: pass_both_ways(block.train(training), x) for form, block in blocks.items()}
    output, input_gradient, weight_gradients = results["C"]
    assert output.abs().max() > 0 and input_gradient.abs().max() > 0
    for form in "AB":
        assert_close(results[form][0], output, **EQUAL)
        assert_close(results[form][1], input_gradient, **EQUAL)
        assert_close(dict(to_form(results[form][2], "C")), dict(weight_gradients), **EQUAL)
        # Running statistics: unchanged in eval mode, moved in the same way in train mode.
        assert_close(dict(to_form(blocks[form].state_dict(), "C")), blocks["C"].state_dict(), **EQUAL)
    assert blocks["A"].bn3.num_batches_tracked == (8 if training else 7)


def test_the_table_holds_what_it_promises():
    assert len(CASES) >= 30
    assert {sizes[3] for sizes in SIZES} >= {1, 2, 4, 8, 16, 32}
    assert {sizes[4] for sizes in SIZES} >= {1, 2}
    assert {sizes[0] == sizes[2] and sizes[4] == 1 for sizes in SIZES} == {False, True}  # both shortcuts


@pytest.mark.parametrize(("form", "keys"), [("A", 421), ("B", 390), ("C", 18)])
def test_keys_and_parameters_at_32_paths(form, keys):
    block = without_data(FORMS[form], *BLOCK)
    assert len(block.state_dict()) == keys
    assert count_parameters(block) == 71_168
    assert form_of(block.state_dict()) == form


def test_form_c_is_the_bottleneck():
    assert FormC is Bottleneck


@pytest.mark.parametrize("sizes", [(16, 8, 16, 4, 1), (8, 12, 24, 6, 2), (16, 8, 16, 1, 1)])
@pytest.mark.parametrize(("start", "end"), list(product("ABC", "ABC")))
def test_every_direction_and_back_is_exact_to_the_bit(start, end, sizes):
    source = random_network(FORMS[start], *sizes)
    target = random_network(FORMS[end], *sizes, seed=1)
    carried = to_form(source.state_dict(), end)
    assert form_of(carried) == end
    target.load_state_dict(carried, strict=True)
    assert_close(dict(to_form(target.state_dict(), start)), dict(source.state_dict()), rtol=0, atol=0)


@pytest.mark.parametrize(("start", "end"), [pair for pair in product("ABC", "ABC") if len(set(pair)) == 2])
def test_copied_weights_are_copies(start, end):
    source, target = (random_network(FORMS[form], 16, 8, 16, 4, seed=seed) for seed, form in enumerate((start, end)))
    x = random_tensor(2, 16, 6, 6)
    copy_weights(source, target)
    expected = source.eval()(x)
    randomise(source, seed=3)
    assert_close(target.eval()(x), expected, **EQUAL)


def test_unfit_states_are_refused_and_the_target_stays_as_it_was():
    block, other = random_network(FormA, 16, 8, 16, 4), random_network(FormC, 16, 8, 16, 2, seed=1)
    before = {key: value.clone() for key, value in other.state_dict().items()}
    with pytest.raises(ValueError, match="differ in size.*same\\s+in_channels.*cardinality"):
        copy_weights(block, other)
    with pytest.raises(ValueError, match="differ in size.*downsample"):
        copy_weights(random_network(FormC, 16, 8, 16, 2, 2), other)
    assert_close(dict(other.state_dict()), before, rtol=0, atol=0)
    with pytest.raises(ValueError, match="form must be 'A', 'B' or 'C', but got 'D'"):
        to_form(block.state_dict(), "D")
    with pytest.raises(ValueError, match="not the state dict of one block.*'weight', 'bias'"):
        to_form(nn.Linear(2, 2).state_dict(), "A")


def small_network(form, **options):
    return CifarResNeXt(11, 4, 16, stage_widths=(16, 32, 64), block=FORMS[form], **options)


def copy_network(source, target):
    """Block by block through the maps, everything else as it is."""
    for name, child in source.named_children():
        if name.startswith("layer"):
            for block, copy in zip(child, getattr(target, name), strict=True):
                copy_weights(block, copy)
        else:
            getattr(target, name).load_state_dict(child.state_dict())


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("form", ["A", "B"])
def test_a_whole_network_of_another_form_gives_the_same_logits(form, training):
    network = random_network(small_network, "C").train(training)
    other = random_network(small_network, form, seed=1).train(training)
    x = random_tensor(4, 3, 16, 16)
    assert (network(x) - other(x)).abs().max() > 0.1
    copy_network(network, other)
    assert_close(other(x), network(x), **EQUAL)
    assert count_parameters(other) == count_parameters(network)


def train(form, steps=50):
    """50 steps of SGD with momentum from one set of weights; returns losses and the end state as form C."""
    blocks = three_equal_blocks(8, 16, 16, 8, 2)[form], three_equal_blocks(16, 8, 16, 4, 1)[form]
    head = random_network(nn.Linear, 16, 3)
    network = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    images, labels = random_tensor(12, 8, 8, 8), torch.arange(12) % 3
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    return torch.stack(losses), [dict(to_form(b.state_dict(), "C")) for b in blocks] + [head.state_dict()]


@pytest.mark.whole
def test_fifty_training_steps_stay_together():
    losses, end = train("C")
    assert losses[0] > 1 and losses[-1] < 0.1, "the run must learn, or it compares nothing"
    for form in "AB":
        other_losses, other_end = train(form)
        assert_close(other_losses, losses, rtol=0, atol=1e-9)
        assert_close([dict(s) for s in other_end], [dict(s) for s in end], rtol=0, atol=1e-9)


# What must differ, and by how much.


class BatchNormInEveryPath(FormA):
    """The usual misreading of footnote 6: every path is normalised before the sum."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.bn3 = nn.Identity()
        for path in self.paths:
            path.add_module("bn3", nn.BatchNorm2d(self.out_channels))


def test_batch_norm_in_every_path_is_another_function():
    torch.manual_seed(0)
    wrong, right = BatchNormInEveryPath(*BLOCK).double().train(), FormA(*BLOCK).double().train()
    right.load_state_dict(wrong.state_dict(), strict=False)  # all but the batch norms after the paths
    assert count_parameters(wrong) == 87_040
    x = random_tensor(4, 256, 14, 14)
    assert (wrong.transform(x) - right.transform(x)).abs().max() > 5
    assert (wrong(x) - right(x)).abs().max() > 5
    # 32 paths of unit variance add up; one batch norm after the sum brings the sum to unit variance.
    assert 4 < wrong.transform(x).std() < 7
    assert_close(right.transform(x).std(), torch.tensor(1.0, dtype=torch.float64), rtol=0, atol=0.01)


def interleave(state, cardinality):
    """The mistake: middle channels dealt out to the paths in turn instead of in neighbouring blocks."""
    state = OrderedDict(state)
    order = torch.arange(len(state["conv2.weight"])).reshape(cardinality, -1).T.flatten()
    state["conv1.weight"] = state["conv1.weight"][order]
    for part in ("weight", "bias", "running_mean", "running_var"):
        state[f"bn1.{part}"] = state[f"bn1.{part}"][order]
    return state


@pytest.mark.parametrize("training", [False, True])
def test_interleaved_groups_are_another_function(training):
    block, wrong = (
        random_network(FormC, *BLOCK).train(training),
        random_network(FormC, *BLOCK).train(training),
    )
    wrong.load_state_dict(interleave(block.state_dict(), 32))
    x = random_tensor(2, 256, 7, 7)
    assert (block(x) - wrong(x)).abs().max() > 1


def test_the_same_seed_gives_the_forms_different_weights():
    blocks = {}
    for form in "ABC":
        torch.manual_seed(0)
        blocks[form] = FORMS[form](*BLOCK).double().train()
        initialise(blocks[form])
    x = random_tensor(2, 256, 7, 7)
    for first, second in ("AB", "BC", "CA"):
        assert (blocks[first](x) - blocks[second](x)).abs().max() > 1
    # Fan-out counts 128 * 9 for the grouped weight and 4 * 9 for a path's: sqrt(32) apart.
    grouped = blocks["C"].conv2.weight.std().item()
    separate = to_form(blocks["A"].state_dict(), "C")["conv2.weight"].std().item()
    assert grouped == pytest.approx(0.0417, rel=0.05)
    assert separate == pytest.approx(0.2357, rel=0.05)
    copy_weights(blocks["A"], blocks["B"])
    copy_weights(blocks["A"], blocks["C"])
    assert_close(blocks["B"](x), blocks["A"](x), **EQUAL)
    assert_close(blocks["C"](x), blocks["A"](x), **EQUAL)


# What agrees, and teaches.


def with_bias_in_every_path(block):
    """Form A whose paths' last convolutions have biases, and the sum of these biases."""
    biases = [2 * random_tensor(block.out_channels, seed=i) for i in range(block.cardinality)]
    for path, bias in zip(block.paths, biases, strict=True):
        path.conv3.bias = nn.Parameter(bias)
    return sum(biases)


@pytest.mark.parametrize("training", [False, True])
def test_a_bias_in_every_path_vanishes_in_train_mode_and_adds_up_in_eval_mode(training):
    biased, plain = three_equal_blocks(16, 8, 16, 4)["A"], three_equal_blocks(16, 8, 16, 4)["C"]
    total = with_bias_in_every_path(biased)
    x = random_tensor(3, 16, 6, 6)
    expected = biased.train(training)(x)
    plain.train(training)
    if training:  # the batch norm after the sum takes out any constant
        assert_close(plain(x), expected, **EQUAL)
    else:  # with fixed statistics the constants stay: form C needs their sum
        assert (plain(x) - expected).abs().max() > 0.5
        plain.conv3.bias = nn.Parameter(total)
        assert_close(plain(x), expected, **EQUAL)


def test_paths_of_two_layers_are_one_dense_pair():
    first = [random_tensor(4, 64, 3, 3, seed=i) / 24 for i in range(32)]
    second = [random_tensor(64, 4, 3, 3, seed=100 + i) / 34 for i in range(32)]
    x = random_tensor(2, 64, 9, 9)
    paths = sum(conv2d(torch.relu(conv2d(x, a, padding=1)), b, padding=1) for a, b in zip(first, second, strict=True))
    dense = conv2d(torch.relu(conv2d(x, torch.cat(first, 0), padding=1)), torch.cat(second, 1), padding=1)
    assert dense.std() > 0.1
    assert_close(paths, dense, **EQUAL)
    assert sum(w.numel() for w in first + second) == 147_456 == 64 * 128 * 9 + 128 * 64 * 9


def permute_middle(state, order, cardinality):
    """One permutation of the middle channels in all three layers; ``order`` must keep groups together.

    Rows of conv1 and conv2 follow ``order``. A row of conv2 reads its own group only, so its columns
    follow the order of the channels within the group that it reads.
    """
    state = OrderedDict(state)
    group_width = len(order) // cardinality
    for name in [n for n in state if n.startswith(("conv1.", "bn1.", "conv2.", "bn2.")) and state[n].ndim]:
        state[name] = state[name][order]
    for g in range(cardinality):
        rows = slice(g * group_width, (g + 1) * group_width)
        state["conv2.weight"][rows] = state["conv2.weight"][rows][:, order[rows] % group_width]
    state["conv3.weight"] = state["conv3.weight"][:, order]
    return state


ORDERS = {  # of 8 middle channels in 4 groups
    "whole groups": [4, 5, 0, 1, 6, 7, 2, 3],
    "within groups": [1, 0, 2, 3, 5, 4, 7, 6],
    "both": [5, 4, 0, 1, 7, 6, 3, 2],
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_one_permutation_in_all_three_layers_changes_nothing(order, training):
    block, other = random_network(FormC, 16, 8, 16, 4), random_network(FormC, 16, 8, 16, 4, seed=1)
    state = permute_middle(block.state_dict(), torch.tensor(order), 4)
    assert not torch.equal(state["conv1.weight"], block.conv1.weight)
    other.load_state_dict(state)
    x = random_tensor(3, 16, 6, 6)
    assert_close(other.train(training)(x), block.train(training)(x), **EQUAL)


@pytest.mark.parametrize("left_out", ["conv1.weight", "conv2.weight", "conv3.weight"])
def test_a_permutation_that_leaves_out_a_layer_changes_the_function(left_out):
    block = random_network(FormC, 16, 8, 16, 4).eval()
    state = permute_middle(block.state_dict(), torch.tensor(ORDERS["both"]), 4)
    state[left_out] = block.state_dict()[left_out]
    other = random_network(partial(FormC, 16, 8, 16), 4).eval()
    other.load_state_dict(state)
    x = random_tensor(3, 16, 6, 6)
    assert (other(x) - block(x)).abs().max() > 0.5


def test_a_path_of_form_a_reads_all_inputs_and_reaches_all_outputs():
    block = random_network(FormA, *BLOCK).eval()
    x = random_tensor(1, 256, 5, 5).requires_grad_()
    reached = block.paths[2](x)
    reached.square().sum().backward()
    assert (x.grad.abs().sum((0, 2, 3)) > 0).sum() == 256
    assert (reached.abs().sum((0, 2, 3)) > 0).sum() == 256
    assert block.paths[2].conv2.weight.shape == (4, 4, 3, 3)


# What a conversion cannot carry is refused, and what it gives is its own.


class WithoutShortcut(Bottleneck):
    def shortcut(self, x):
        return 0


class Gelu(Bottleneck):
    def forward(self, x):
        return nn.functional.gelu(self.transform(x) + self.shortcut(x))


class AnotherEpsilon(Bottleneck):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.bn2.eps = 1e-3


def with_bias(layer):
    block = random_network(FormC, 16, 8, 16, 4)
    block.get_submodule(layer).bias = nn.Parameter(random_tensor(block.get_submodule(layer).out_channels))
    return block


CANNOT_BE_HELD = {  # the source, by words of the error when its weights are to be copied to form A (16, 8, 16, 4)
    "squeeze-and-excitation": (lambda: random_network(SEBottleneck, 16, 8, 16, 4), "would lose 'se.fc1.weight'"),
    "no shortcut": (lambda: random_network(WithoutShortcut, 16, 8, 16, 4), "WithoutShortcut, computes something else"),
    "another activation": (lambda: random_network(Gelu, 16, 8, 16, 4), "Gelu, computes something else"),
    "another epsilon": (lambda: random_network(AnotherEpsilon, 16, 8, 16, 4), "computes something else"),
    "a bias in conv1": (lambda: with_bias("conv1"), "would lose 'conv1.bias'"),
    "a bias in conv3": (lambda: with_bias("conv3"), "would lose 'conv3.bias'"),
    "another cardinality": (lambda: random_network(FormC, 16, 8, 16, 2), "differ in size"),
    "another stride": (lambda: random_network(FormC, 16, 8, 16, 4, 2), "differ in size"),
    "depthwise separable": (lambda: random_network(DepthwiseSeparable, 16, 16), "needs 'conv1.weight', which is missing"),
    "ConvNeXt": (lambda: random_network(ConvNeXtBlock, 16), "would lose 'layer_scale'"),
    "no data": (lambda: without_data(FormC, 16, 8, 16, 4), 'source is on device "meta"'),
}


@pytest.mark.parametrize("zero", [False, True], ids=["random weights", "last batch norm zero"])
@pytest.mark.parametrize("form", "ABC")
@pytest.mark.parametrize("source", CANNOT_BE_HELD)
def test_P7_weights_that_the_target_cannot_hold_are_refused_and_change_nothing(source, form, zero):
    build, words = CANNOT_BE_HELD[source]
    given, target = build(), random_network(FORMS[form], 16, 8, 16, 4, seed=1)
    if zero and hasattr(given, "bn3") and source != "no data":  # a start as the shortcut hides much
        nn.init.zeros_(given.bn3.weight)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    with pytest.raises(ValueError, match=re.escape(words) if form != "C" or "lose" not in words else "."):
        copy_weights(given, target)
    assert_close(dict(target.state_dict()), before, rtol=0, atol=0)


@pytest.mark.parametrize("form", "ABC")
def test_P7_strides_that_leave_no_trace_in_the_shapes_are_compared(form):
    source, target = random_network(FormC, 8, 8, 16, 4, 1), random_network(FORMS[form], 8, 8, 16, 4, 2)
    with pytest.raises(ValueError, match="differ in size.*stride=1 and stride=2"):
        copy_weights(source, target)


def test_P7_a_target_without_memory_is_refused():
    with pytest.raises(ValueError, match='target is on device "meta".*to_empty'):
        copy_weights(random_network(FormC, 8, 8, 8, 4), without_data(FormA, 8, 8, 8, 4))
    with pytest.raises(TypeError, match="source must be a torch.nn.Module.*Dict"):
        copy_weights(FormC(8, 8, 8, 4).state_dict(), FormA(8, 8, 8, 4))


def test_P7_copying_leaves_hooks_modes_gradients_and_random_numbers_alone():
    source, target = random_network(FormC, 8, 8, 16, 4).train(), random_network(FormA, 8, 8, 16, 4, seed=1).train()
    calls = []
    for block in (source, target):
        block.conv3.register_forward_hook(lambda *_: calls.append(1)) if hasattr(block, "conv3") else None
    random_state, before = torch.get_rng_state(), copy.deepcopy(source.state_dict())
    copy_weights(source, target)
    assert calls == [] and source.training and target.training
    assert torch.equal(torch.get_rng_state(), random_state)
    assert_close(dict(source.state_dict()), dict(before), rtol=0, atol=0)
    copy_weights(source.float(), target)  # precision is the target's


MAPS = {"A": forms.a_to_b, "B": forms.b_to_c, "C": forms.c_to_a}


@pytest.mark.parametrize(("name", "given"), [pair for pair in product("ABC", "ABC") if len(set(pair)) == 2])
def test_P7_a_conversion_given_another_form_says_which(name, given):
    state = random_network(FORMS[given], 16, 8, 16, 4).state_dict()
    with pytest.raises(ValueError, match=rf"{MAPS[name].__name__} takes .* form {name}, but this is form {given}.*to_form"):
        MAPS[name](state)


def changed(form, change):
    state = OrderedDict(random_network(FORMS[form], 16, 8, 24, 4).state_dict())
    change(state)
    return state


DAMAGE = [  # the form, what is done to its state dict, words of the error
    ("A", lambda s: s.pop("paths.2.conv3.weight"), "needs 'paths.2.conv3.weight', which is missing"),
    ("A", lambda s: s.pop("paths.1.bn2.running_var"), "needs 'paths.1.bn2.running_var'"),
    ("A", lambda s: s.pop("paths.0.conv1.weight"), "needs 'paths.0.conv1.weight'"),
    ("A", lambda s: s.update({"paths.5.conv1.weight": s["paths.0.conv1.weight"]}), "needs 'paths.4.conv1.weight'"),
    (
        "A",
        lambda s: s.update({"paths.last.conv1.weight": s["paths.0.conv1.weight"]}),
        "would lose 'paths.last.conv1.weight'",
    ),
    ("B", lambda s: s.update({f"paths.{10**9}.conv1.weight": s["paths.0.conv1.weight"]}), "conv3.weight' has the shape"),
    ("A", lambda s: s.update({"paths.1.conv3.bias": torch.zeros(24)}), "would lose 'paths.1.conv3.bias'"),
    ("A", lambda s: s.update({"paths.1.conv1.weight": torch.zeros(3, 16, 1, 1)}), "'paths.1.conv1.weight' has the shape"),
    ("B", lambda s: s.pop("conv3.weight"), "needs 'conv3.weight'"),
    ("B", lambda s: s.update({"conv3.bias": torch.zeros(24)}), "would lose 'conv3.bias'"),
    ("B", lambda s: s.update({"conv3.weight": torch.zeros(24, 7, 1, 1)}), "'conv3.weight' has the shape"),
    ("B", lambda s: s.update({"paths.3.bn1.weight": torch.zeros(())}), "'paths.3.bn1.weight' has the shape ()"),
    ("C", lambda s: s.pop("conv3.weight"), "needs 'conv3.weight'"),
    ("C", lambda s: s.update({"conv3.bias": torch.zeros(24)}), "would lose 'conv3.bias'"),
    ("C", lambda s: s.update({"conv2.weight": torch.zeros(8, 3, 3, 3)}), "must divide"),
    ("C", lambda s: s.update({"conv2.weight": torch.zeros(8)}), "must divide|'conv2.weight' has the shape"),
    ("C", lambda s: s.update({"conv1.weight": None}), "'conv1.weight' holds no tensor but a NoneType"),
    ("C", lambda s: s.update({"downsample.0.weight": torch.zeros(24, 5, 1, 1)}), "'downsample.0.weight' has the shape"),
    ("C", lambda s: s.update({"se.fc1.weight": torch.zeros(2)}), "would lose 'se.fc1.weight'"),
]


def test_paths_are_counted_where_a_state_dict_has_any():
    states = {form: without_data(build, 16, 12, 16, 3).state_dict() for form, build in FORMS.items()}
    assert forms.number_of_paths(states["A"]) == forms.number_of_paths(states["B"]) == 3
    with pytest.raises(ValueError, match="form A or B; form C has no paths"):
        forms.number_of_paths(states["C"])


@pytest.mark.parametrize(("form", "change", "words"), DAMAGE)
def test_P7_a_damaged_state_dict_is_refused_by_the_entry_at_fault(form, change, words):
    state = changed(form, change)
    for carry in (MAPS[form], lambda s: to_form(s, "A"), lambda s: to_form(s, "B"), lambda s: to_form(s, "C")):
        with pytest.raises(ValueError, match=words if "|" in words else re.escape(words)):
            carry(state)


@pytest.mark.parametrize("cardinality", [1, 4])
@pytest.mark.parametrize("start", "ABC")
def test_fault_9_a_converted_state_dict_shares_nothing_with_its_source(start, cardinality):
    state = random_network(FORMS[start], 16, 8, 24, cardinality).state_dict()
    memory = {value.untyped_storage().data_ptr() for value in state.values()}
    for convert in (MAPS[start], *(partial(to_form, form=end) for end in "ABC")):
        shared = [key for key, value in convert(state).items() if value.untyped_storage().data_ptr() in memory]
        assert shared == []
    assert "shares no tensor with what was given" in forms.__doc__
    before = {key: value.clone() for key, value in state.items()}
    for value in MAPS[start](state).values():
        value.zero_()
    assert_close(dict(state), before, rtol=0, atol=0)
