"""Loading weights that torchvision, timm or a reader saved, with errors that say what to do.

resnet50 and resnext50_32x4d have the same 320 keys; only shapes tell them apart, so a mismatch is
answered with the architecture that the weights look like.
"""

import pickle
import struct
from importlib.resources import files
from pathlib import Path

import torch

from resnext_lib import networks

WRAPPER_PREFIXES = ("module.", "_orig_mod.", "model.")  # DataParallel, torch.compile, Lightning
WRAPPER_KEYS = ("state_dict", "model", "model_state_dict")
# What torch.load raises for a file that is incomplete, no weights file, or would run code.
DAMAGED = (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, LookupError, struct.error)


def read_state(source):
    """Return the state dict in ``source``: a path, a checkpoint dictionary or a state dict itself.

    Reads files with ``weights_only=True``, which runs no code from the file. Takes off the wrappers
    that training scripts put around a state dict. Raises ``FileNotFoundError`` or ``ValueError``.
    """
    state = _read_file(Path(source)) if isinstance(source, (str, Path)) else source
    while isinstance(state, dict) and (inner := [k for k in WRAPPER_KEYS if isinstance(state.get(k), dict)]):
        state = state[inner[0]]
    if not isinstance(state, dict) or not state or not all(
        isinstance(key, str) and torch.is_tensor(value) for key, value in state.items()
    ):
        raise ValueError(
            f"source holds no state dict (a dictionary from names to tensors) but a {type(state).__name__}; "
            "save one with torch.save(network.state_dict(), path)"
        )
    return _without_prefix(state)


def _read_file(path):
    if not path.is_file():
        raise FileNotFoundError(f"no weights file at {path}: check source, or download the file first")
    with path.open("rb") as file:
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except DAMAGED as error:
            raise ValueError(
                f"{path.name} is no weights file that can be read safely (incomplete, or a whole pickled "
                "model): save the state dict with torch.save(network.state_dict(), path)"
            ) from error


def _without_prefix(state):
    for prefix in WRAPPER_PREFIXES:
        if all(key.startswith(prefix) for key in state):
            return _without_prefix({key.removeprefix(prefix): value for key, value in state.items()})
    return state


def describe(state):
    """Name the architecture that a state dict looks like, from its keys and shapes.

    For example ``"ResNeXt-50 (32x4d)"``, ``"ResNet-101"``, ``"the paper's GoogLeNet"`` or ``"an unknown architecture"``.
    """
    if "inception3a.branch1.conv.weight" in state:
        return "torchvision's GoogLeNet" if "conv1.bn.weight" in state else "the paper's GoogLeNet"
    if "layer1.0.conv2.weight" not in state:
        return "an unknown architecture"
    blocks = len({tuple(k.split(".")[:2]) for k in state if k.startswith("layer")})
    if "layer1.0.conv3.weight" not in state:
        return f"a ResNet of {2 * blocks + 2} layers with basic blocks"
    width, group_width = state["layer1.0.conv2.weight"].shape[:2]
    cardinality = width // group_width
    depth = 3 * blocks + 2
    if cardinality > 1:
        return f"ResNeXt-{depth} ({cardinality}x{group_width}d)"
    return f"ResNet-{depth}" if width == 64 else f"Wide ResNet-{depth} (1x{width}d)"


def _differences(network, state):
    own = network.state_dict()
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    shapes = [key for key in own if key in state and own[key].shape != state[key].shape]
    return missing, unexpected, shapes


def load_weights(network, source):
    """Load ``source`` (path, checkpoint or state dict) into ``network``, strictly, and return the network.

    Raises ``ValueError`` that says which architecture the weights look like, or which layer's shape
    is off (the classifier, when only the number of classes differs); the network is then unchanged.
    """
    state = read_state(source)
    own = network.state_dict()
    missing, unexpected, shapes = _differences(network, state)
    if not (missing or unexpected or shapes):
        network.load_state_dict(state, strict=True)
        return network
    raise ValueError(_why_not(state, own, missing, unexpected, shapes))


def _why_not(state, own, missing, unexpected, shapes):
    """The sentence that says why ``state`` does not fit, most telling first."""
    looks, wanted = describe(state), describe(own)
    if looks != wanted:
        return f"these weights look like {looks}, but the network is {wanted}: build that network, or load other weights"
    if not missing and not unexpected and set(shapes) <= {"fc.weight", "fc.bias"}:
        return f"these weights have {len(state['fc.bias'])} classes, but the network has num_classes={len(own['fc.bias'])}"
    if shapes == ["conv1.weight"]:
        theirs, ours = state["conv1.weight"].shape[1], own["conv1.weight"].shape[1]
        return f"these weights are for image_channels={theirs}, but the network has image_channels={ours}"
    return (f"these weights look like {looks} but do not fit: {len(missing)} keys missing {missing[:2]}, "
            f"{len(unexpected)} unexpected {unexpected[:2]}, {len(shapes)} of another shape {shapes[:2]}")


def pretrained(name, weights="DEFAULT"):
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
    if weights not in choices.__members__:
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


def trained_small_resnext():
    """The book's own checkpoint, in eval mode: ``small_resnext()`` after 20 epochs on ``fashion_subset("train")``.

    Its model card is ``checkpoints/README.md``. Raises ``FileNotFoundError`` or ``ValueError`` as :func:`load_weights`.
    """
    path = files("resnext_lib").joinpath("checkpoints", "small_resnext.pt")
    return load_weights(networks.small_resnext(), path).eval()
