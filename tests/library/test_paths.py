"""Paths: their terms add up to the sum, and a network without one says what became of its batch norm."""

import copy

import pytest
import torch
from randomness import random_network, random_tensor, randomise
from torch import nn
from torch.testing import assert_close

from resnext_lib import descendants
from resnext_lib.blocks import Bottleneck
from resnext_lib.forms import FormA, FormB, FormC
from resnext_lib.networks import small_resnext
from resnext_lib.paths import in_eval_mode, path_contributions, set_statistics, without_path

CLOSE = dict(rtol=1e-10, atol=1e-10)
FORMS = [FormA, FormB, FormC, Bottleneck, descendants.SEBottleneck]


def small():
    return random_network(small_resnext, cardinality=4, bottleneck_width=24, depth=11).eval()


def input_of_bn3(block, x):
    """What the last batch norm of ``block`` gets, seen from outside."""
    seen = []
    handle = block.bn3.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    block(x)
    handle.remove()
    return seen[0]


# ------------------------------------------------------------------ contributions


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("cardinality", "stride"), [(1, 1), (3, 1), (4, 2), (12, 1)])
def test_the_contributions_add_up_to_the_sum(form, cardinality, stride):
    block = randomise(form(32, 12, 32, cardinality, stride)).double().eval()
    x = random_tensor(3, 32, 6, 6)
    terms = path_contributions(block, x)
    assert terms.shape == (cardinality, 3, 32, 6 // stride, 6 // stride)
    assert_close(terms.sum(dim=0), input_of_bn3(block, x), **CLOSE)


def test_a_contribution_is_what_that_path_alone_computes():
    """Form A holds each path as a module of its own."""
    block = randomise(FormA(8, 12, 16, 3)).double().eval()
    x = random_tensor(2, 8, 5, 5)
    for term, path in zip(path_contributions(block, x), block.paths, strict=True):
        assert_close(term, path(x), **CLOSE)


def test_forms_b_and_c_have_the_contributions_of_form_a():
    from resnext_lib.forms import copy_weights

    blocks = [form(8, 12, 16, 3).double().eval() for form in (FormA, FormB, FormC)]
    randomise(blocks[0])
    for other in blocks[1:]:
        copy_weights(blocks[0], other)
    x = random_tensor(2, 8, 5, 5)
    for other in blocks[1:]:
        assert_close(path_contributions(other, x), path_contributions(blocks[0], x), **CLOSE)


def test_looking_at_a_block_leaves_no_hook_and_no_change():
    block = randomise(Bottleneck(8, 12, 8, 3)).double().eval()
    before = copy.deepcopy(block.state_dict())
    path_contributions(block, random_tensor(2, 8, 5, 5))
    assert all(torch.equal(before[name], value) for name, value in block.state_dict().items())
    assert not any(module._forward_pre_hooks for module in block.modules())


def test_a_block_in_train_mode_is_refused_before_its_statistics_move():
    block = Bottleneck(8, 12, 8, 3)
    before = block.bn1.running_mean.clone()
    with pytest.raises(
        ValueError, match=r"in train mode, where looking at it moves its statistics: call block.eval\(\) first"
    ):
        path_contributions(block, torch.randn(2, 8, 5, 5))
    assert torch.equal(block.bn1.running_mean, before)


def test_what_is_no_block_is_refused():
    with pytest.raises(ValueError, match="block must be a block of form A, B or C, not a Conv2d"):
        path_contributions(nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 1, 1))


# ------------------------------------------------------------------ a network without a path


def test_without_images_only_the_paths_columns_change():
    network = small()
    smaller = without_path(network, "layer2.0", 2)
    changed = [name for name, value in network.state_dict().items() if not torch.equal(value, smaller.state_dict()[name])]
    assert changed == ["layer2.0.conv3.weight"]
    d = network.layer2[0].width // 4
    difference = (network.layer2[0].conv3.weight - smaller.layer2[0].conv3.weight).flatten(1).abs().sum(dim=0)
    assert (difference > 0).nonzero().flatten().tolist() == list(range(2 * d, 3 * d))


@pytest.mark.parametrize("path", [1, (0, 3)])
def test_with_images_the_batch_norm_behind_the_sum_has_the_statistics_of_the_smaller_sum(path):
    network, x = small(), random_tensor(7, 1, 28, 28)
    smaller = without_path(network, "layer2.0", path, x)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, smaller.state_dict()[name])}
    assert changed == {"layer2.0.conv3.weight", "layer2.0.bn3.running_mean", "layer2.0.bn3.running_var"}
    own = smaller.layer2[0]
    with torch.no_grad():
        stream = smaller.layer1(torch.relu(smaller.bn1(smaller.conv1(x))))
        entering = input_of_bn3(own, stream)
    assert_close(own.bn3.running_mean, entering.mean(dim=(0, 2, 3)), **CLOSE)
    assert_close(own.bn3.running_var, entering.var(dim=(0, 2, 3)), **CLOSE)
    terms = path_contributions(network.layer2[0], stream)
    kept = [n for n in range(4) if n not in (path if isinstance(path, tuple) else (path,))]
    assert_close(entering, terms[kept].sum(dim=0), **CLOSE)


def test_the_statistics_do_not_depend_on_how_the_images_are_cut(monkeypatch):
    network, x = small(), random_tensor(7, 1, 28, 28)
    whole = without_path(network, "layer1.0", 0, x).state_dict()
    monkeypatch.setattr("resnext_lib.paths.BATCH", 2)
    cut = without_path(network, "layer1.0", 0, x).state_dict()
    for name, value in whole.items():
        assert_close(cut[name], value, **CLOSE)


def test_form_a_loses_a_path_as_form_c_does():
    network_a = random_network(small_resnext, cardinality=4, bottleneck_width=24, depth=11, block=FormA).eval()
    x = random_tensor(4, 1, 28, 28)
    smaller = without_path(network_a, "layer3.0", 1, x)
    assert not smaller.layer3[0].paths[1].conv3.weight.any() and smaller.layer3[0].paths[0].conv3.weight.any()
    assert not torch.equal(smaller.layer3[0].bn3.running_var, network_a.layer3[0].bn3.running_var)


def test_the_network_itself_keeps_weights_statistics_and_modes():
    network = small()
    network.layer1.train()  # a mixture of modes, as in fine-tuning
    before, modes = copy.deepcopy(network.state_dict()), [module.training for module in network.modules()]
    smaller = without_path(network, "layer2.0", 0, random_tensor(3, 1, 28, 28))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes == [module.training for module in smaller.modules()]


def test_eval_mode_ends_although_the_work_fails():
    network = small().train()
    with pytest.raises(KeyError), in_eval_mode(network):
        assert not any(module.training for module in network.modules())
        raise KeyError
    assert all(module.training for module in network.modules())


def test_statistics_are_set_although_another_layer_has_the_same_input():
    network, x = small(), random_tensor(6, 1, 28, 28)
    set_statistics(network, "bn1", x)
    entering = network.conv1(x)
    assert_close(network.bn1.running_mean, entering.mean(dim=(0, 2, 3)), **CLOSE)
    assert_close(network.bn1.running_var, entering.var(dim=(0, 2, 3)), **CLOSE)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (
            ("layer9.0", 0),
            ValueError,
            "block must be the name of a block, not 'layer9.0'; this network has layer1.0, layer2.0, layer3.0",
        ),
        (("layer1", 0), ValueError, "block must be the name of a block, not 'layer1'"),
        (("layer1.0", 4), ValueError, "path must be 0 to 3 in layer1.0, not 4"),
        (("layer1.0", True), ValueError, "path must be 0 to 3 in layer1.0, not True"),
        (("layer1.0", (0, 7)), ValueError, "path must be 0 to 3 in layer1.0, not 7"),
        (("layer1.0", ()), ValueError, r"path must be 0 to 3 in layer1.0, not \(\)"),
        (("layer1.0", "1"), ValueError, "path must be 0 to 3 in layer1.0, not '1'"),
        (("layer1.0", 0, [1, 2]), TypeError, "images must be a tensor of normalised pictures"),
        (
            ("layer1.0", 0, torch.zeros(1, 1, 28, 28)),
            ValueError,
            r"images must be two pictures or more of shape \(N, channels, H, W\)",
        ),
        (
            ("layer1.0", 0, torch.zeros(2, 1, 28, 28, dtype=torch.uint8)),
            TypeError,
            "images must be normalised numbers, not torch.uint8",
        ),
    ],
)
def test_wrong_arguments_are_answered(arguments, error, words):
    with pytest.raises(error, match=words):
        without_path(small(), *arguments)
