"""Weights load strictly or not at all, and every refusal says what the file is and what to do."""

import argparse
import os
import re
import subprocess
import sys
import warnings
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.error import URLError

import numpy
import pytest
import torch
from randomness import random_network, without_data
from safetensors.torch import save_file
from torch.testing import assert_close
from torchvision.models import get_model_weights, list_models

from resnext_lib import networks
from resnext_lib.data import Images
from resnext_lib.descendants import regnet_x_3_2gf, seresnext50_32x4d
from resnext_lib.experiments import STUDIES
from resnext_lib.forms import FormA, FormB
from resnext_lib.networks import CifarResNeXt, ResNeXt
from resnext_lib.training import Recipe, train
from resnext_lib.weights import describe, load_weights, pretrained, read_state

small = partial(CifarResNeXt, 11, 4, 8)  # ResNeXt-11 (4x8d)


def with_prefix(prefix, state):
    return {prefix + key: value for key, value in state.items()}


WRAPPERS = {  # what training scripts save around a state dict
    "nothing": lambda s: s,
    "state_dict": lambda s: {"state_dict": s, "epoch": 3},
    "model": lambda s: {"model": s, "optimizer": {"lr": 0.1}},
    "model_state_dict": lambda s: {"model_state_dict": s},
    "nested": lambda s: {"model": {"state_dict": s}},
    "DataParallel": lambda s: with_prefix("module.", s),
    "compile": lambda s: with_prefix("_orig_mod.", s),
    "Lightning": lambda s: {"state_dict": with_prefix("model.", s)},
    "all at once": lambda s: {"state_dict": with_prefix("model.", with_prefix("_orig_mod.", with_prefix("module.", s)))},
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("in_a_file", [False, True], ids=["dictionary", "file"])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_taken_off(wrapper, in_a_file, tmp_path):
    saved, network = random_network(small), random_network(small, seed=1)
    source = WRAPPERS[wrapper](dict(saved.state_dict()))
    if in_a_file:
        torch.save(source, tmp_path / "weights.pth")
        source = tmp_path / "weights.pth"
    assert load_weights(network, source) is network
    assert_close(dict(network.state_dict()), dict(saved.state_dict()), rtol=0, atol=0)


def test_a_path_may_be_a_string(tmp_path):
    saved, network = random_network(small), random_network(small, seed=1)
    torch.save(saved.state_dict(), tmp_path / "weights.pth")
    load_weights(network, str(tmp_path / "weights.pth"))
    assert_close(dict(network.state_dict()), dict(saved.state_dict()), rtol=0, atol=0)


def wide(network):
    return without_data(network).state_dict()


# The architecture of the weights, the network they are loaded into, what the message must say.
MISFITS = [
    (
        networks.resnet50,
        networks.resnext50_32x4d,
        "look like ResNet-50, but the network is ResNeXt-50 (32x4d)",
    ),
    (
        networks.resnext50_32x4d,
        networks.resnet50,
        "look like ResNeXt-50 (32x4d), but the network is ResNet-50",
    ),
    (
        networks.resnext101_32x8d,
        networks.resnext101_32x4d,
        "ResNeXt-101 (32x8d), but the network is ResNeXt-101 (32x4d)",
    ),
    (
        networks.resnext101_64x4d,
        networks.resnext101_32x8d,
        "ResNeXt-101 (64x4d), but the network is ResNeXt-101 (32x8d)",
    ),
    (
        networks.resnext101_32x4d,
        networks.resnext50_32x4d,
        "ResNeXt-101 (32x4d), but the network is ResNeXt-50 (32x4d)",
    ),
    (
        networks.wide_resnet50_2,
        networks.resnext50_32x4d,
        "Wide ResNet-50 (1x128d), but the network is ResNeXt-50 (32x4d)",
    ),
    (networks.resnet50, networks.wide_resnet50_2, "ResNet-50, but the network is Wide ResNet-50 (1x128d)"),
    (
        networks.googlenet,
        networks.torchvision_googlenet,
        "the paper's GoogLeNet, but the network is torchvision's GoogLeNet",
    ),
    (
        networks.torchvision_googlenet,
        networks.googlenet,
        "torchvision's GoogLeNet, but the network is the paper's GoogLeNet",
    ),
    (networks.googlenet, networks.resnet50, "the paper's GoogLeNet, but the network is ResNet-50"),
    (
        networks.resnext29_8x64d,
        networks.resnext29_16x64d,
        "ResNeXt-29 (8x64d), but the network is ResNeXt-29 (16x64d)",
    ),
    (
        partial(networks.torchvision_googlenet, auxiliary_heads=True),
        networks.torchvision_googlenet,
        "torchvision's GoogLeNet but do not fit: 0 keys missing [], 20 unexpected ['aux1.conv.conv.weight'",
    ),
    (
        partial(networks.resnet50, num_classes=10),
        networks.resnet50,
        "have 10 classes, but the network has num_classes=1000",
    ),
    (
        partial(networks.googlenet, num_classes=10),
        networks.googlenet,
        "have 10 classes, but the network has num_classes=1000",
    ),
    (
        partial(networks.resnet50, image_channels=1),
        networks.resnet50,
        "are for image_channels=1, but the network has image_channels=3",
    ),
    (
        partial(networks.resnet50, num_classes=10, image_channels=1),
        networks.resnet50,
        "these weights have 10 classes and are for image_channels=1, but the network has num_classes=1000 "
        "and image_channels=3",
    ),
    (
        lambda: torch.nn.Linear(2, 2),
        networks.resnet50,
        "an unknown architecture, but the network is ResNet-50",
    ),
]


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("weights", "network", "message"), MISFITS)
def test_weights_that_do_not_fit_are_named(weights, network, message):
    with pytest.raises(ValueError) as caught:
        load_weights(without_data(network), wide(weights))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "other",
    [
        partial(CifarResNeXt, 11, 8, 4),
        partial(CifarResNeXt, 20, 4, 8),
        partial(small, num_classes=3),
        partial(small, image_channels=1),
        partial(small, block=FormA),
    ],
)
def test_a_network_is_unchanged_after_a_failure(other):
    network = random_network(small)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(ValueError):
        load_weights(network, random_network(other, seed=1).state_dict())
    half = dict(random_network(small, seed=1).state_dict())
    half.pop("layer3.0.conv2.weight")
    with pytest.raises(ValueError, match=r"1 keys missing \['layer3.0.conv2.weight'\]"):
        load_weights(network, half)
    assert_close(dict(network.state_dict()), before, rtol=0, atol=0)


DESCRIBED = {
    "ResNet-50": networks.resnet50,
    "ResNet-101": networks.resnet101,
    "ResNeXt-50 (32x4d)": networks.resnext50_32x4d,
    "ResNeXt-101 (32x4d)": networks.resnext101_32x4d,
    "ResNeXt-101 (32x8d)": networks.resnext101_32x8d,
    "ResNeXt-101 (64x4d)": networks.resnext101_64x4d,
    "Wide ResNet-50 (1x128d)": networks.wide_resnet50_2,
    "ResNeXt-29 (8x64d)": networks.resnext29_8x64d,
    "ResNet-11": partial(CifarResNeXt, 11),
    "ResNeXt-26 (2x40d)": partial(ResNeXt, (2, 2, 2, 2), 2, 40),
    "the paper's GoogLeNet": networks.googlenet,
    "torchvision's GoogLeNet": networks.torchvision_googlenet,
    "an unknown architecture": partial(torch.nn.Linear, 2, 2),
}


@pytest.mark.parametrize("name", DESCRIBED)
def test_an_architecture_is_recognised_by_keys_and_shapes(name):
    assert describe(wide(DESCRIBED[name])) == name


def test_basic_blocks_are_recognised():
    from torchvision.models import resnet18

    with pytest.raises(ValueError, match="a ResNet of 18 layers with basic blocks, but the network is ResNet-50"):
        load_weights(without_data(networks.resnet50), wide(resnet18))


def damaged_file(path, kind):
    if kind == "whole pickled model":
        torch.save(small(), path)
    elif kind == "truncated":
        torch.save(small().state_dict(), path)
        path.write_bytes(path.read_bytes()[:-1000])
    elif kind == "half":
        torch.save(small().state_dict(), path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "old format, truncated":
        torch.save(small().state_dict(), path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "a beginning":
        torch.save(small().state_dict(), path)
        path.write_bytes(path.read_bytes()[:1000])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "a web page":
        path.write_text("<!DOCTYPE html><html><body>Sign in</body></html>", encoding="utf-8")


@pytest.mark.parametrize(
    "kind",
    [
        "whole pickled model",
        "truncated",
        "half",
        "a beginning",
        "old format, truncated",
        "empty",
        "a web page",
    ],
)
def test_files_that_cannot_be_read_safely_are_refused(kind, tmp_path):
    path = tmp_path / "weights.pth"
    damaged_file(path, kind)
    network = random_network(small)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(ValueError, match="weights.pth is no weights file that can be read safely.*torch.save"):
        load_weights(network, path)
    assert_close(dict(network.state_dict()), before, rtol=0, atol=0)


class RunsCode:
    def __reduce__(self):
        return (open, ("executed.txt", "w"))


def test_no_code_from_a_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": RunsCode()}, "weights.pth")
    with pytest.raises(ValueError, match="read safely"):
        read_state("weights.pth")
    assert not (tmp_path / "executed.txt").exists()


@pytest.mark.parametrize("path", ["nowhere.pth", ""])
def test_a_missing_file_is_named(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="no weights file at .*download"):
        load_weights(small(), tmp_path / path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({}, "dict"),
        ({"epoch": 3}, "dict"),
        ([torch.zeros(2)], "list"),
        (torch.zeros(2), "Tensor"),
        (None, "NoneType"),
        ({"model": {}}, "dict"),
        ({0: torch.zeros(2)}, "dict"),
    ],
)
@pytest.mark.parametrize("in_a_file", [False, True], ids=["object", "file"])
def test_what_is_no_state_dict_is_refused(content, kind, in_a_file, tmp_path):
    if in_a_file:
        torch.save(content, tmp_path / "weights.pth")
        content = tmp_path / "weights.pth"
    with pytest.raises(ValueError, match=f"no state dict .*but a {kind}; save one with torch.save"):
        read_state(content)


# torchvision's registry, without a network: its files lie in a cache of our own.


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty folder for torchvision's downloads, and no way out."""

    def offline(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", offline)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def file_name(name, weights):
    return get_model_weights(name)[weights].url.rsplit("/", 1)[1]


REGISTRY = [
    ("resnext50_32x4d", "IMAGENET1K_V1", networks.resnext50_32x4d),
    ("resnext50_32x4d", "DEFAULT", networks.resnext50_32x4d),
    ("googlenet", "IMAGENET1K_V1", partial(networks.torchvision_googlenet, auxiliary_heads=True)),
]


@pytest.mark.sampled(1)
@pytest.mark.whole
@pytest.mark.parametrize(("name", "weights", "build"), REGISTRY)
def test_pretrained_loads_torchvisions_file(name, weights, build, cache):
    saved = random_network(build).float().state_dict()
    torch.save(saved, cache / file_name(name, weights))
    network = pretrained(name, weights)
    assert not any(module.training for module in network.modules())
    loaded = network.state_dict()
    assert loaded.keys() == saved.keys()
    assert [key for key in saved if not torch.equal(saved[key], loaded[key])] == []


def test_default_weights_are_the_newer_recipe_and_not_the_first(cache):
    assert file_name("resnext50_32x4d", "DEFAULT") == file_name("resnext50_32x4d", "IMAGENET1K_V2")
    assert file_name("resnext50_32x4d", "DEFAULT") != file_name("resnext50_32x4d", "IMAGENET1K_V1")
    torch.save(small().state_dict(), cache / file_name("resnext50_32x4d", "IMAGENET1K_V1"))
    with pytest.raises(ValueError, match=r"look like ResNeXt-11 \(4x8d\), but the network is ResNeXt-50"):
        pretrained("resnext50_32x4d", "IMAGENET1K_V1")
    with pytest.raises(OSError, match=file_name("resnext50_32x4d", "IMAGENET1K_V2")):
        pretrained("resnext50_32x4d")


@pytest.mark.parametrize("name", ["resnet50", "resnext50_32x4d", "resnext101_64x4d", "googlenet"])
def test_without_a_network_the_message_says_what_to_do(name, cache):
    with pytest.raises(OSError) as caught:
        pretrained(name)
    message = str(caught.value)
    for words in (
        name,
        "no route to host",
        file_name(name, "DEFAULT"),
        str(cache),
        "Go online once",
        "put the file",
    ):
        assert words in message


def test_a_damaged_download_is_reported_with_what_to_do(cache):
    (cache / file_name("resnet50", "DEFAULT")).write_text("<html>Sign in</html>", encoding="utf-8")
    with pytest.raises(OSError, match="weights of resnet50 could not be fetched.*put the file"):
        pretrained("resnet50")


def test_unknown_names_and_weights_are_answered_with_the_known():
    with pytest.raises(ValueError) as caught:
        pretrained("resnext101_32x4d")  # torchvision has no such network; timm has
    for name in (
        "resnet50",
        "resnext50_32x4d",
        "resnext101_32x8d",
        "resnext101_64x4d",
        "wide_resnet50_2",
        "googlenet",
    ):
        assert f"'{name}'" in str(caught.value)
        assert name in list_models()
    with pytest.raises(ValueError, match="name='vgg16'"):
        pretrained("vgg16")
    with pytest.raises(ValueError, match="weights='V3' is unknown for resnet50.*IMAGENET1K_V1.*IMAGENET1K_V2"):
        pretrained("resnet50", "V3")


# Fault 3: what holds a state dict is loaded, whatever a training script keeps beside it; the rest is named.

BESIDE = {  # what is saved with the state dict s, and where it is kept
    "training.train's checkpoint": lambda s: {
        "network": s,
        "optimiser": {"state": {}},
        "recipe": {"epochs": 2},
        "seed": 0,
        "history": [],
    },
    "net": lambda s: {"net": s, "acc": 93.1, "epoch": 5},
    "network_state_dict": lambda s: {"network_state_dict": s},
    "state_dict_ema": lambda s: {"state_dict_ema": s, "epoch": 3},
    "params_ema": lambda s: {"params_ema": s},
    "weights and averaged weights": lambda s: {"state_dict_ema": {k: v + 1 for k, v in s.items()}, "state_dict": s},
    "an unusual key": lambda s: {"resnext": s, "epoch": 3},
    "torchvision's reference script": lambda s: {
        "model": s,
        "epoch": 3,
        "args": argparse.Namespace(lr=0.1, model="resnext50_32x4d"),
    },
    "numpy numbers": lambda s: {
        "state_dict": s,
        "best": numpy.float64(93.1),
        "step": numpy.int64(5),
        "loss": numpy.float32(0.1),
    },
    "averages": lambda s: {"model_ema": {"n_averaged": torch.tensor(5), **with_prefix("module.", s)}},
    "prefix net.": lambda s: with_prefix("net.", s),
    "prefix backbone.": lambda s: {"state_dict": with_prefix("backbone.", s)},
    "prefix network.": lambda s: with_prefix("network.", s),
    "prefix module.net.": lambda s: with_prefix("module.net.", s),
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "old format"])
@pytest.mark.parametrize("kept", BESIDE)
def test_fault_3_a_state_dict_is_found_where_scripts_keep_it(kept, legacy, tmp_path):
    saved, network = random_network(small), random_network(small, seed=1)
    torch.save(BESIDE[kept](dict(saved.state_dict())), tmp_path / "run.pt", _use_new_zipfile_serialization=not legacy)
    load_weights(network, tmp_path / "run.pt")
    assert_close(dict(network.state_dict()), dict(saved.state_dict()), rtol=0, atol=0)


def test_fault_3_the_checkpoint_that_train_writes_is_loaded(tmp_path):
    images = Images(torch.randint(0, 256, (8, 1, 28, 28), dtype=torch.uint8), torch.arange(8) % 10, tuple("abcdefghij"))
    build = partial(networks.small_resnext, 1, 4, 11)
    trained = build()
    train(trained, images, images, Recipe(epochs=1, batch_size=4), checkpoint=tmp_path / "run.pt", progress=False)
    loaded = load_weights(build(), tmp_path / "run.pt")
    assert_close(dict(loaded.state_dict()), dict(trained.state_dict()), rtol=0, atol=0)


def test_fault_3_safetensors_are_loaded_and_without_the_package_the_error_names_it(tmp_path, monkeypatch):
    saved, network = random_network(small), random_network(small, seed=1)
    save_file(dict(saved.state_dict()), tmp_path / "model.safetensors")
    load_weights(network, tmp_path / "model.safetensors")
    assert_close(dict(network.state_dict()), dict(saved.state_dict()), rtol=0, atol=0)
    (tmp_path / "damaged.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:500])
    with pytest.raises(ValueError, match="damaged.safetensors is no weights file .* incomplete"):
        read_state(tmp_path / "damaged.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(ValueError, match="pip install safetensors.*torch.save"):
        read_state(tmp_path / "model.safetensors")


class Settings:
    """What a training script might save beside the weights."""


def convert(message, folder, monkeypatch):
    """Run the one line of Python that the error recommends, as a reader would who trusts the file."""
    line = re.search(r"(x = torch\.load.*|torch\.save\(torch\.jit.*)$", str(message))[1]
    monkeypatch.chdir(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(line, {"torch": torch})  # noqa: S102 -- the line under test
    return folder / "weights.pth"


@pytest.mark.parametrize(
    ("saved", "blocked"),
    [
        (lambda network: {"model": network.state_dict(), "settings": Settings()}, "test_weights.Settings"),
        (lambda network: network, "resnext_lib.networks.CifarResNeXt"),
        (lambda network: {"model": network.state_dict(), "path": Path("run")}, "pathlib"),
        (lambda network: {"model": network.state_dict(), "when": datetime(2026, 11, 25)}, "datetime.datetime"),
    ],
)
def test_fault_3_a_blocked_type_is_named_with_the_line_that_converts(saved, blocked, tmp_path, monkeypatch):
    network, other = random_network(small), random_network(small, seed=1)
    torch.save(saved(network), tmp_path / "run.pt")
    with pytest.raises(ValueError, match=f"run.pt is no weights file that can be read safely.*{blocked}.*trust") as caught:
        load_weights(other, tmp_path / "run.pt")
    load_weights(other, convert(caught.value, tmp_path, monkeypatch))
    assert_close(dict(other.state_dict()), dict(network.state_dict()), rtol=0, atol=0)


def test_fault_3_a_torchscript_archive_is_named_with_the_line_that_converts(tmp_path, monkeypatch):
    network, other = random_network(small).eval(), random_network(small, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to give up TorchScript
        torch.jit.trace(network, torch.rand(2, 3, 16, 16).double()).save(tmp_path / "run.pt")
        with pytest.raises(ValueError, match="run.pt is no weights file .*TorchScript archive") as caught:
            load_weights(other, tmp_path / "run.pt")
    load_weights(other, convert(caught.value, tmp_path, monkeypatch))
    assert_close(dict(other.state_dict()), dict(network.state_dict()), rtol=0, atol=0)


@pytest.mark.parametrize("module", ["os", "subprocess", "builtins"])
def test_fault_3_nothing_is_executed_whatever_stands_beside_the_weights(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attack = {
        "os": (os.system, ("touch executed.txt",)),
        "subprocess": (subprocess.check_call, (["touch", "executed.txt"],)),
        "builtins": (exec, ("open('executed.txt', 'w')",)),
    }[module]
    # An allowed type must not open the door for what is inside it.
    for holder in (lambda x: x, lambda x: argparse.Namespace(x=x), lambda x: [numpy.float64(1), x]):
        bomb = type("Bomb", (), {"__reduce__": lambda self: attack})()
        torch.save({"model": small().state_dict(), "args": holder(bomb)}, "run.pt")
        with pytest.raises(ValueError, match="run.pt is no weights file that can be read safely"):
            read_state("run.pt")
    assert not (tmp_path / "executed.txt").exists()


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    torch.save(small().state_dict(), tmp_path / "run.pt")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValueError, match="run.pt is no weights file .*not permitted.*chmod"):
        read_state(tmp_path / "run.pt")


def test_several_unknown_state_dicts_are_not_guessed_from():
    with pytest.raises(ValueError, match="holds no state dict .*Its keys are 'generator', 'critic'"):
        read_state({"generator": dict(small().state_dict()), "critic": dict(small().state_dict())})


# Fault 11b and its kind: weights that cannot be written into the network.


def spoiled(change):
    state = dict(random_network(small, seed=1).state_dict())
    state["layer1.0.conv1.weight"] = change(state["layer1.0.conv1.weight"])
    return state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.to_sparse(), "'layer1.0.conv1.weight' is sparse.*to_dense"),
        (lambda w: w.to("meta"), "'layer1.0.conv1.weight' is on device \"meta\" and holds no numbers"),
        (lambda w: w.to(torch.int8), "torch.int8 and not floating-point.*quantised"),
        (lambda w: w.to(torch.bool), "torch.bool and not floating-point"),
        (lambda w: w.to(torch.complex64), "torch.complex64 and not floating-point"),
        (lambda w: w[0], "1 of another shape \\['layer1.0.conv1.weight'\\]"),
        (lambda w: torch.zeros(()), "1 of another shape"),
    ],
)
def test_fault_11b_weights_that_hold_no_fitting_numbers_are_refused_and_change_nothing(change, words):
    network = random_network(small)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(ValueError, match=words):
        load_weights(network, spoiled(change))
    assert_close(dict(network.state_dict()), before, rtol=0, atol=0)


def test_fault_11b_a_network_without_memory_is_refused():
    with pytest.raises(ValueError, match='network is on device "meta".*to_empty'):
        load_weights(without_data(small), random_network(small).state_dict())


@pytest.mark.parametrize(
    "state",
    [
        {
            "layer1.0.conv2.weight": torch.zeros(3),
            "layer1.0.conv3.weight": torch.zeros(3),
            "layer1.0.bn3.weight": torch.zeros(3),
        },
        {"layer1.0.conv2.weight": torch.zeros(0, 0, 3, 3), "layer1.0.bn3.weight": torch.zeros(8)},
        {"fc.bias": torch.zeros(())},
        {"conv1.weight": torch.zeros(2)},
        {"inception3a.branch1.conv.weight": torch.zeros(2)},
        {"layer1.0.paths.0.conv2.weight": torch.zeros(2, 2, 3, 3)},
        {"stages.0.0.conv2.weight": torch.zeros(2)},
    ],
)
def test_odd_state_dicts_are_described_and_refused(state):
    assert isinstance(describe(state), str)
    for build in (small, networks.googlenet):
        with pytest.raises(ValueError, match="these weights"):
            load_weights(without_data(build), state)


@pytest.mark.parametrize(
    "build", [networks.resnet50, networks.googlenet, partial(networks.torchvision_googlenet, auxiliary_heads=True)]
)
def test_fault_11b_classes_and_channels_that_differ_together_are_named_together(build):
    with pytest.raises(ValueError) as caught:
        load_weights(without_data(build), without_data(build, num_classes=10, image_channels=1).state_dict())
    assert str(caught.value) == (
        "these weights have 10 classes and are for image_channels=1, but the network has "
        "num_classes=1000 and image_channels=3"
    )


# Fault 4: a network is called what the book calls it.

NAMES = {
    "ResNeXt-20 (16x8d)": networks.small_resnext,
    "ResNet-20": partial(networks.small_resnext, 1, 64),
    "Wide ResNet-20 (1x100d)": partial(networks.small_resnext, 1, 100),
    "ResNeXt-20 (8x14d)": partial(networks.small_resnext, 8, 14, round_down=True),
    "ResNeXt-38 (32x4d)": partial(networks.small_resnext, 32, 4, 38),
    "ResNeXt-11 (4x8d) in form A": partial(small, block=FormA),
    "ResNeXt-11 (4x8d) in form B": partial(small, block=FormB),
    "SE-ResNeXt-50 (32x4d)": seresnext50_32x4d,
    "a RegNetX of 25 blocks": regnet_x_3_2gf,
}


@pytest.mark.parametrize("name", NAMES)
def test_fault_4_a_small_network_is_called_as_in_the_book(name):
    assert describe(wide(NAMES[name])) == name


def test_fault_4_every_network_of_the_studies_is_called_by_its_name():
    for configuration in {c for study in STUDIES.values() for c in study if c.shortcuts}:
        paths = f"{configuration.cardinality}x{configuration.bottleneck_width}d"
        name = describe(without_data(configuration.build).state_dict())
        assert f"-{configuration.depth}" in name
        assert paths in name or (paths == "1x64d" and name == f"ResNet-{configuration.depth}")


def test_fault_4_small_and_large_stages_are_told_apart():
    with pytest.raises(
        ValueError, match=r"stages of the widths \(16, 32, 64\), but the network has stage_widths=\(64, 128, 256\)"
    ):
        load_weights(without_data(CifarResNeXt, 20, 16, 8, image_channels=1), wide(networks.small_resnext))
