"""The timer takes turns and reckons right, with a clock of the test's own; inference_copy computes the same."""

import copy
import json
from dataclasses import dataclass, field

import pytest
import timm
import torch
from torch import nn
from torchvision import models

from resnext_lib import forms, networks, timing
from resnext_lib.data import fashion_subset, mean_and_spread, normalise
from resnext_lib.timing import compare, inference_copy, peak_memory
from resnext_lib.weights import trained_small_resnext


@dataclass
class Fake:
    """A clock that moves only when an arm runs: the arm called for the n-th time takes ``seconds[name][n]``."""

    seconds: dict
    now: float = 100.0
    calls: list = field(default_factory=list)

    def __call__(self):
        return self.now

    def arms(self):
        def arm(name):
            def call():
                self.now += self.seconds[name][sum(called == name for called in self.calls)]
                self.calls.append(name)
            return call
        return {name: arm(name) for name in self.seconds}


def timed(seconds, **options):
    clock = Fake(seconds)
    return compare(clock.arms(), clock=clock, **options), clock.calls


def test_arms_take_turns_and_each_round_starts_one_arm_later():
    _, calls = timed({"a": [1] * 6, "b": [1] * 6, "c": [1] * 6}, pairs=4, warm_up=2)
    assert calls[:6] == list("abcabc")
    assert ["".join(calls[i:i + 3]) for i in range(6, 18, 3)] == ["abc", "bca", "cab", "abc"]


def test_median_spread_and_ratio():
    """Warm-up is not counted; an outlier moves neither the median nor the ratio."""
    (a, b), _ = timed({"a": [99, 1, 2, 3, 4, 1000], "b": [99, 6, 6, 6, 6, 6]}, pairs=5, warm_up=1)
    assert (a.name, a.median, a.ratio) == ("a", 3, 1)
    assert (b.name, b.median, b.ratio, b.spread) == ("b", 6, 2, 0)
    assert a.spread == 502 - 1.5  # quartiles of 1, 2, 3, 4, 1000


def test_circumstances_and_memory():
    (a,), calls = timed({"a": [1] * 4}, pairs=2, warm_up=1)
    assert a.threads == torch.get_num_threads() and a.device
    assert a.peak_memory is None and len(calls) == 3
    one = 4 * 1000 * 1000
    measured = compare({"one": lambda: torch.ones(1000, 1000)}, pairs=2, memory=True)[0]
    assert measured.peak_memory == one


def test_peak_memory_is_the_most_at_once_not_the_sum():
    def one_after_the_other():
        for _ in range(5):
            torch.ones(1000, 1000)

    def at_once():
        kept = [torch.ones(1000, 1000) for _ in range(5)]
        return len(kept)
    assert peak_memory(one_after_the_other) == 4_000_000
    assert peak_memory(at_once) == 20_000_000
    assert peak_memory(lambda: None) == 0


@pytest.mark.parametrize(("arms", "options", "error", "words"), [
    ({}, {}, TypeError, "arms must be"),
    ({"a": 3}, {}, TypeError, r"\['a'\] will not do"),
    ({"a": int}, {"pairs": 1}, ValueError, "pairs must be 2 or more, not 1"),
    ({"a": int}, {"pairs": 2.5}, TypeError, "pairs must be a whole number"),
    ({"a": int}, {"warm_up": 0}, ValueError, "warm_up must be 1 or more"),
])
def test_bad_arguments_are_named(arms, options, error, words):
    with pytest.raises(error, match=words):
        compare(arms, **options)


# ------------------------------------------------------------------ inference_copy

def unsettle(model):
    """Random weights and statistics in every batch norm: a fresh one is nearly the identity and hides mistakes."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.weight, module.bias, module.running_mean, module.running_var):
                value.data.uniform_(0.5, 1.5, generator=generator)
    return model


def norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


NETWORKS = {  # name: constructor, image, batch norms that stay
    "ours": (networks.resnext50_32x4d, (3, 64, 64), 0),
    "torchvision": (models.resnext50_32x4d, (3, 64, 64), 0),
    "timm": (lambda: timm.create_model("resnext50_32x4d"), (3, 64, 64), 0),
    "small": (networks.small_resnext, (1, 28, 28), 0),
    "googlenet": (networks.torchvision_googlenet, (3, 64, 64), 0),
    "form A": (lambda: forms.FormA(8, 8, 12, 4, 2), (8, 9, 9), 1),  # its last norm reads a sum, not a convolution
    "form B": (lambda: forms.FormB(8, 8, 12, 4, 2), (8, 9, 9), 0),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_copy_computes_the_same_and_the_original_is_untouched(name):
    build, image, left = NETWORKS[name]
    torch.manual_seed(0)
    model = unsettle(build()).train()
    before = copy.deepcopy(model.state_dict())
    fast = inference_copy(model)
    assert norms(fast) == left and not fast.training
    assert model.training and norms(model) > left
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in [*fast.modules(), *model.modules()])
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())
    x = torch.randn(3, *image)
    with torch.no_grad():
        expected = model.eval()(x)
        assert (fast(x) - expected).abs().max() < 1e-4 * expected.abs().max()
        fast.get_parameter(next(key for key, _ in fast.named_parameters())).zero_()
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items() if "num_batches" not in key)


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_inside_float32_outside(name):
    build, image, left = NETWORKS[name]
    torch.manual_seed(0)
    model = unsettle(build()).eval()
    fast = inference_copy(model, precision="bfloat16")
    assert {value.dtype for value in fast.parameters()} == {torch.bfloat16} and norms(fast) == left
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    x = torch.randn(3, *image)
    with torch.no_grad():
        expected, given = model(x), fast(x)
        assert given.dtype == torch.float32
        assert 1e-4 < (given - expected).abs().max() / expected.abs().max() < 2e-2


def test_bfloat16_keeps_the_labels_of_the_trained_network():
    """Random inputs say little about a decision: here are 2,000 pictures and trained weights."""
    network = trained_small_resnext().eval()
    moments = mean_and_spread(fashion_subset("train"))
    x = normalise(fashion_subset("test").pixels, *moments)
    with torch.inference_mode():
        labels = [model(x).argmax(dim=1) for model in (network, inference_copy(network, precision="bfloat16"))]
    assert (labels[0] != labels[1]).float().mean() < 0.01


def test_a_precision_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"precision must be one of \['float32', 'bfloat16'\], not 'half'"):
        inference_copy(nn.Conv2d(3, 4, 1), precision="half")


def test_weights_are_channels_last():
    weight = inference_copy(networks.small_resnext()).layer1[0].conv2.weight
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


class ReadTwice(nn.Module):
    """The convolution's output goes to the batch norm and round it: folding would change both."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return self.bn(x) + x


class Scaled(nn.BatchNorm2d):
    """A batch norm that does more; folding it as if it did not would be wrong."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_what_cannot_be_folded_is_refused_or_left():
    with pytest.raises(ValueError, match="is a convolution or batch norm of model used twice"):
        inference_copy(unsettle(ReadTwice()))
    odd = unsettle(nn.Sequential(nn.Conv2d(3, 4, 1), Scaled(4))).eval()
    x = torch.randn(2, 3, 5, 5)
    torch.testing.assert_close(inference_copy(odd)(x), odd(x))


def test_bad_models_and_examples_are_named():
    with pytest.raises(TypeError, match="model must be a torch.nn.Module, not function"):
        inference_copy(lambda x: x)
    broken = nn.Conv2d(3, 4, 1)
    nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(ValueError, match="nan"):
        inference_copy(broken)


def test_an_example_of_ones_own():
    """For a network that takes no images of 64x64."""
    model = unsettle(nn.Sequential(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 7 * 7, 2))).eval()
    with pytest.raises(RuntimeError):
        inference_copy(model)
    x = torch.randn(2, 2, 7, 7)
    fast = inference_copy(model, x)
    assert norms(fast) == 0
    torch.testing.assert_close(fast(x), model(x))


def test_memory_reads_the_profilers_own_events(monkeypatch):
    """Events come unordered; the running sum is by time."""
    events = [{"name": "[memory]", "ts": ts, "args": {"Bytes": size}} for ts, size in ((3, -5), (1, 5), (4, 1), (2, 1))]
    text = json.dumps({"traceEvents": [*events, {"name": "conv", "ts": 0}]})
    monkeypatch.setattr(timing.Path, "read_text", lambda *args, **options: text)
    assert peak_memory(lambda: None) == 6
