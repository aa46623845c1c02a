"""Weights load strictly or not at all, and every refusal says what the file is and what to do."""

from functools import partial
from urllib.error import URLError

import pytest
import torch
from randomness import random_network, without_data
from torch.testing import assert_close
from torchvision.models import get_model_weights, list_models

from resnext_lib import networks
from resnext_lib.forms import FormA
from resnext_lib.networks import CifarResNeXt, ResNeXt
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
    "all at once": lambda s: {
        "state_dict": with_prefix("model.", with_prefix("_orig_mod.", with_prefix("module.", s)))
    },
}


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
        "ResNet-50 but do not fit: 0 keys missing [], 0 unexpected [], "
        "3 of another shape ['conv1.weight', 'fc.weight']",
    ),
    (
        lambda: torch.nn.Linear(2, 2),
        networks.resnet50,
        "an unknown architecture, but the network is ResNet-50",
    ),
]


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

    with pytest.raises(
        ValueError, match="a ResNet of 18 layers with basic blocks, but the network is ResNet-50"
    ):
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
    with pytest.raises(
        ValueError, match="weights.pth is no weights file that can be read safely.*torch.save"
    ):
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
    with pytest.raises(
        ValueError, match="weights='V3' is unknown for resnet50.*IMAGENET1K_V1.*IMAGENET1K_V2"
    ):
        pretrained("resnet50", "V3")
