"""Loading weights that torchvision, timm or a reader saved, with errors that say what to do.

resnet50 and resnext50_32x4d have the same 320 keys; only shapes tell them apart, so a mismatch is
answered with the architecture that the weights look like.
"""

import argparse
import os
import pickle
import re
import struct
from collections.abc import Mapping
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import nn

from resnext_lib import networks
from resnext_lib.arguments import torch_module
from resnext_lib.networks import EXPANSION, FIRST_STAGE_WIDTH

# What wraps a network's names: DataParallel, torch.compile, Lightning, and attributes of larger modules.
WRAPPER_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")
# Where training scripts keep the state dict, in the order of preference: averaged weights come last.
WRAPPER_KEYS = (
    "state_dict",
    "model",
    "network",
    "net",
    "model_state_dict",
    "network_state_dict",
    "module",
    "weights",
    "backbone",
    "params",
    "ema",
    "model_ema",
    "ema_state_dict",
    "state_dict_ema",
    "params_ema",
)
# What torch.load raises for a file that is incomplete, no weights file, or would run code.
DAMAGED = (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, LookupError, struct.error)


def read_state(source: str | Path | Mapping[str, Any]) -> Mapping[str, torch.Tensor]:
    """Return the state dict in ``source``: a path, a checkpoint dictionary or a state dict itself.

    Reads files of ``torch.save`` and ``.safetensors``; no code from a file is run. Takes off the wrappers that
    training scripts put around a state dict: the keys ``WRAPPER_KEYS``, the prefixes ``WRAPPER_PREFIXES``. Raises
    ``FileNotFoundError``, or ``ValueError`` that says what the file is and how to convert it.
    """
    state = _read_file(Path(source)) if isinstance(source, (str, os.PathLike)) else source
    while isinstance(state, Mapping) and not _is_state(state):
        inner = [key for key in WRAPPER_KEYS if isinstance(state.get(key), Mapping) and state[key]]
        # Under an unusual name, what is a state dict is recognised where there is only one.
        inner = inner or [key for key, value in state.items() if _is_state(value)]
        if not inner or (inner[0] not in WRAPPER_KEYS and len(inner) > 1):
            break
        state = state[inner[0]]
    if not _is_state(state):
        raise ValueError(
            f"source holds no state dict (a dictionary from names to tensors) but a {type(state).__name__}; "
            f"save one with torch.save(network.state_dict(), path){_keys_of(state)}"
        )
    return _without_prefix(state)


def _is_state(value):
    """Whether ``value`` is a dictionary from names to tensors."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) and torch.is_tensor(tensor) for key, tensor in value.items())
    )


def _keys_of(state):
    """The first keys of a dictionary, to be said in an error."""
    if not isinstance(state, Mapping) or not state:
        return ""
    return f". Its keys are {', '.join(repr(key) for key in list(state)[:6])}{', ...' if len(state) > 6 else ''}"


def _read_file(path):
    if not path.is_file():
        raise FileNotFoundError(f"no weights file at {path}: check source, or download the file first")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        with path.open("rb") as file, _inert_types():
            return torch.load(file, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise ValueError(f"{path.name} is no weights file that can be read safely: {_remedy(path, error)}") from error


def _inert_types():
    """Let torch read two kinds of object that training scripts save beside the weights and that run nothing."""
    if not hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint"):  # torch before 2.6 takes no such list
        return nullcontext()
    multiarray = getattr(numpy, "_core", None) or numpy.core
    number_types = [type(numpy.dtype(code)) for code in "?bBhHiIlLqQefd"]
    scalar = multiarray.multiarray.scalar
    # Files of numpy 1 and of numpy 2 name the same function differently.
    names = [(scalar, f"numpy.{part}.multiarray.scalar") for part in ("core", "_core")]
    return torch.serialization.safe_globals([argparse.Namespace, numpy.dtype, *names, *number_types])


def _remedy(path, error):
    """What stands in the way in a file that torch refused, and the line that converts it."""
    blocked = re.search(r"GLOBAL ([\w.]+)", str(error))
    if blocked:
        name = blocked[1].removeprefix("__builtin__.")
        return (
            f"it holds an object of type {name}, or was saved as a whole pickled model. Where you trust the file, this "
            f"line, which runs its code, writes the weights alone: x = torch.load({path.name!r}, weights_only=False); "
            "torch.save(x.state_dict() if hasattr(x, 'state_dict') else x['model'], 'weights.pth')"
        )
    if "TorchScript" in str(error):
        return (
            "it is a TorchScript archive. This line writes the weights alone: "
            f"torch.save(torch.jit.load({path.name!r}).state_dict(), 'weights.pth')"
        )
    if isinstance(error, PermissionError):
        return f"reading is not permitted; allow it with chmod u+r {path.name}, or torch.save the weights elsewhere"
    return (
        "it is incomplete, or of another kind: download it again, or save the state dict with "
        "torch.save(network.state_dict(), path)"
    )


def _read_safetensors(path):
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise ValueError(
            f"{path.name} needs the package safetensors (pip install safetensors). This line converts the "
            f"file: torch.save(safetensors.torch.load_file({path.name!r}), 'weights.pth')"
        ) from None
    try:
        return load_file(path)
    except Exception as error:  # the package's own SafetensorError derives from Exception
        raise ValueError(
            f"{path.name} is no weights file that can be read safely: it is incomplete, or no safetensors "
            "file: download it again, or save one with safetensors.torch.save_file or torch.save"
        ) from error


def _without_prefix(state):
    """Take off wrappers' prefixes; torch's AveragedModel counts its averages beside the network."""
    names = [key for key in state if key != "n_averaged"]
    for prefix in WRAPPER_PREFIXES:
        if names and all(key.startswith(prefix) for key in names):
            return _without_prefix({key.removeprefix(prefix): state[key] for key in names})
    return state


def describe(state: Mapping[str, torch.Tensor]) -> str:
    """Name the architecture that a state dict looks like, from its keys and shapes.

    For example ``"ResNeXt-50 (32x4d)"``, ``"ResNet-101"``, ``"the paper's GoogLeNet"`` or ``"an unknown architecture"``.
    """
    if not _is_state(state):
        raise TypeError(f"state must be a state dict, a dictionary from names to tensors, not {type(state).__name__}")
    if "inception3a.branch1.conv.weight" in state:
        return "torchvision's GoogLeNet" if "conv1.bn.weight" in state else "the paper's GoogLeNet"
    blocks = {".".join(key.split(".")[:2]) for key in state if re.match(r"layer\d+\.\d+\.", key)}
    if "layer1.0.conv2.weight" in state and "layer1.0.conv3.weight" not in state:
        return f"a ResNet of {2 * len(blocks) + 2} layers with basic blocks"
    if path := _paths_of(state):
        return _resnext_name(state, 3 * len(blocks) + 2, *path)
    if "stages.0.0.conv2.weight" in state:
        count = len({tuple(key.split(".")[1:3]) for key in state if key.startswith("stages.")})
        return f"a RegNetX of {count} blocks"
    return "an unknown architecture"


def _paths_of(state):
    """Form, cardinality and bottleneck width of a network of bottlenecks, or None.

    The bottleneck width is stated for a stage of width 64; the widest stage tells it exactly.
    """
    stages = sorted({key.split(".")[0] for key in state if re.match(r"layer\d\.0\.", key)}, reverse=True)
    for first in (f"{stage}.0." for stage in stages):
        paths = {key.split(".")[3] for key in state if key.startswith(f"{first}paths.")}
        weight, last = state.get(f"{first}{'paths.0.' if paths else ''}conv2.weight"), state.get(f"{first}bn3.weight")
        if weight is None or last is None or weight.ndim != 4 or last.ndim != 1 or len(last) < EXPANSION:
            continue
        form = ("A" if f"{first}paths.0.conv3.weight" in state else "B") if paths else "C"
        width, group_width = weight.shape[:2]
        cardinality = len(paths) if paths else width // max(1, group_width)
        return form, cardinality, group_width * FIRST_STAGE_WIDTH * EXPANSION / len(last)
    return None


def _resnext_name(state, depth, form, cardinality, bottleneck_width):
    """The paper's name of a network of bottlenecks: one path is ResNet."""
    paths = f"({cardinality}x{bottleneck_width:g}d)"
    name = f"ResNeXt-{depth} {paths}"
    if cardinality == 1:
        name = f"ResNet-{depth}" if bottleneck_width == FIRST_STAGE_WIDTH else f"Wide ResNet-{depth} {paths}"
    extended = "SE-" if "layer1.0.se.fc1.weight" in state else ""
    return f"{extended}{name}{'' if form == 'C' else f' in form {form}'}"


def _stage_widths(state):
    """The stage widths of a network of bottlenecks, read off the last batch norm of each stage's first block."""
    return tuple(len(value) // EXPANSION for key, value in state.items() if re.fullmatch(r"layer\d+\.0\.bn3\.weight", key))


def _differences(network, state):
    own = network.state_dict()
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    shapes = [key for key in own if key in state and own[key].shape != state[key].shape]
    return missing, unexpected, shapes


def load_weights(network: nn.Module, source: str | Path | Mapping[str, Any]) -> nn.Module:
    """Load ``source`` (path, checkpoint or state dict) into ``network``, strictly, and return the network.

    ``source`` may be what ``training.train`` or a training script wrote; see :func:`read_state`.
    Raises ``ValueError`` that says which architecture the weights look like, or which layer's shape
    is off (the classifier, when only the number of classes differs); the network is then unchanged.
    """
    torch_module("network", network)
    state = read_state(source)
    own = network.state_dict()
    missing, unexpected, shapes = _differences(network, state)
    if missing or unexpected or shapes:
        raise ValueError(_why_not(state, own, missing, unexpected, shapes))
    for key, value in state.items():
        _check_numbers(key, value, own[key])
    network.load_state_dict(state, strict=True)
    return network


def _check_numbers(key, value, own):
    """Raise ``ValueError`` unless ``value`` holds numbers that can be written into the network's ``own``."""
    if own.is_meta:
        raise ValueError(
            f'the network is on device "meta" and has no memory for {key!r}: build it on another device, '
            "or call network.to_empty(device='cpu') first"
        )
    if value.is_meta:
        raise ValueError(
            f'{key!r} is on device "meta" and holds no numbers: save the weights of a network on another device'
        )
    if value.layout is not torch.strided:
        raise ValueError(f"{key!r} is sparse; {{k: v.to_dense() for k, v in state.items()}} makes a state dict that loads")
    if own.is_floating_point() and not value.is_floating_point():
        raise ValueError(
            f"{key!r} holds {value.dtype} and not floating-point numbers: is the file quantised? Load the "
            "weights that it was made from"
        )


# What depends on the number of classes, and what on the channels of the images.
CLASSIFIERS = {"fc.weight", "fc.bias", "aux1.fc2.weight", "aux1.fc2.bias", "aux2.fc2.weight", "aux2.fc2.bias"}
STEMS = {"conv1.weight", "conv1.conv.weight"}  # the first convolution, which reads the images


def _why_not(state, own, missing, unexpected, shapes):
    """The sentence that says why ``state`` does not fit, most telling first."""
    looks, wanted = describe(state), describe(own)
    if looks != wanted:
        return f"these weights look like {looks}, but the network is {wanted}: build that network, or load other weights"
    if not missing and not unexpected and set(shapes) <= CLASSIFIERS | STEMS and all(map(_is_usual, (state, own))):
        return _other_ends(state, own, shapes)
    if _stage_widths(state) != _stage_widths(own):
        return (
            f"these weights are for stages of the widths {_stage_widths(state)}, but the network has stage_widths="
            f"{_stage_widths(own)}"
        )
    return (
        f"these weights look like {looks} but do not fit: {len(missing)} keys missing {missing[:2]}, "
        f"{len(unexpected)} unexpected {unexpected[:2]}, {len(shapes)} of another shape {shapes[:2]}"
    )


def _is_usual(state):
    """Whether the first convolution and the classifier have the dimensions that they have in all networks here."""
    dimensions = {key: 1 if key.endswith("bias") else 2 for key in CLASSIFIERS} | dict.fromkeys(STEMS, 4)
    return all(state[key].ndim == number for key, number in dimensions.items() if key in state)


def _other_ends(state, own, shapes):
    """The sentence for weights that differ in the number of classes, of image channels, or of both."""
    have, wanted = [], []
    if CLASSIFIERS & set(shapes):
        have.append(f"have {len(state['fc.bias'])} classes")
        wanted.append(f"num_classes={len(own['fc.bias'])}")
    for stem in STEMS & set(shapes):
        have.append(f"are for image_channels={state[stem].shape[1]}")
        wanted.append(f"image_channels={own[stem].shape[1]}")
    return f"these weights {' and '.join(have)}, but the network has {' and '.join(wanted)}"


def pretrained(name: str, weights: str = "DEFAULT") -> nn.Module:
    """Build ``resnext_lib.networks.<name>`` with weights from torchvision's registry, in eval mode.

    Downloads on first use into torch's cache. Raises ``ValueError`` for a name or weights that
    torchvision does not have, ``OSError`` with what to do when the file cannot be fetched.
    Example: ``pretrained("resnext50_32x4d", "IMAGENET1K_V1")``.
    """
    from torchvision.models import get_model_weights, list_models

    if name not in list_models() or not hasattr(networks, name):
        known = [n for n in list_models() if hasattr(networks, n)]
        raise ValueError(f"name={name!r} has no weights in torchvision; those that have are {known}")
    choices = get_model_weights(name)
    if not isinstance(weights, str) or weights not in choices.__members__:
        raise ValueError(f"weights={weights!r} is unknown for {name}; choose from {list(choices.__members__)}")
    chosen = choices[weights]
    build = networks.torchvision_googlenet if name == "googlenet" else getattr(networks, name)
    options = {"auxiliary_heads": True} if name == "googlenet" else {}
    try:
        state = chosen.get_state_dict(progress=False, check_hash=True)
    except DAMAGED as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise OSError(
            f"the weights of {name} could not be fetched ({error}). Go online once, or put the file from "
            f"{chosen.url} into {folder} under the same name and run this again"
        ) from error
    return load_weights(build(**options), state).eval()


def trained_small_resnext() -> nn.Module:
    """The book's own checkpoint, in eval mode: ``small_resnext()`` after 20 epochs on ``fashion_subset("train")``.

    Its model card is ``checkpoints/README.md``. Raises ``FileNotFoundError`` or ``ValueError`` as :func:`load_weights`.
    """
    path = files("resnext_lib").joinpath("checkpoints", "small_resnext.pt")
    return load_weights(networks.small_resnext(), path).eval()
