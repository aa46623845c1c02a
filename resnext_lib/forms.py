"""Forms A, B and C of one ResNeXt block, and the weight maps that prove them the same function.

Xie et al., arXiv 1611.05431, Fig. 3 and footnotes 3, 4 and 6. Form C is the bottleneck of
``blocks.py``. The published code has forms B and C only; form A here follows footnote 6: the last
batch norm comes after the sum of the paths and before the shortcut is added.

A map takes a state dict of one form and returns the state dict of the next, parameters and
batch-norm statistics included: A to B to C to A, so every direction is at most two maps away.
One rule for all of them: the result shares no tensor with what was given, and a state dict that
the next form cannot hold (another form's, incomplete, with a bias or a further layer) is refused.
"""

import copy
from collections import OrderedDict
from collections.abc import Mapping
from functools import wraps

import torch
from torch import nn

from resnext_lib.arguments import torch_module
from resnext_lib.blocks import Bottleneck, ResidualBlock, conv1x1, conv3x3, projection

FormC = Bottleneck


def path_layers(in_channels: int, group_width: int, stride: int = 1) -> nn.Sequential:
    """The part of one path that forms A and B share: 1x1 to d channels, 3x3 from d to d.

    Shapes: ``(N, in_channels, H, W)`` to ``(N, group_width, H/stride, W/stride)``.
    """
    return nn.Sequential(
        OrderedDict(
            conv1=conv1x1(in_channels, group_width),
            bn1=nn.BatchNorm2d(group_width),
            relu1=nn.ReLU(),
            conv2=conv3x3(group_width, group_width, stride),
            bn2=nn.BatchNorm2d(group_width),
            relu2=nn.ReLU(),
        )
    )


class FormA(ResidualBlock):
    """``cardinality`` separate paths, each with a 1x1 back to ``out_channels``, then their sum.

    Arguments, shapes and errors: as :class:`resnext_lib.blocks.Bottleneck`.
    Source: arXiv 1611.05431, Fig. 3(a), Eq. 3, footnote 6.
    """

    def __init__(self, in_channels: int, width: int, out_channels: int, cardinality: int = 1, stride: int = 1) -> None:
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        group_width = width // cardinality
        self.paths = nn.ModuleList()
        for _ in range(cardinality):
            one_path = path_layers(in_channels, group_width, stride)
            one_path.add_module("conv3", conv1x1(group_width, out_channels))
            self.paths.append(one_path)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = projection(in_channels, out_channels, stride)

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn3(sum(path(x) for path in self.paths))


class FormB(ResidualBlock):
    """``cardinality`` separate paths, concatenated, then one 1x1 for all of them.

    Arguments, shapes and errors: as :class:`resnext_lib.blocks.Bottleneck`.
    Source: arXiv 1611.05431, Fig. 3(b).
    """

    def __init__(self, in_channels: int, width: int, out_channels: int, cardinality: int = 1, stride: int = 1) -> None:
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        group_width = width // cardinality
        self.paths = nn.ModuleList(path_layers(in_channels, group_width, stride) for _ in range(cardinality))
        self.conv3 = conv1x1(width, out_channels)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = projection(in_channels, out_channels, stride)

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([path(x) for path in self.paths], dim=1)  # (N, width, H/stride, W/stride)
        return self.bn3(self.conv3(x))


def form_of(state: Mapping[str, torch.Tensor]) -> str:
    """Say which form a block's state dict belongs to: ``"A"``, ``"B"`` or ``"C"``.

    Raises ``TypeError`` for what is no dictionary, ``ValueError`` when it is none of the three forms.
    """
    if not isinstance(state, Mapping):
        hint = ": pass block.state_dict()" if isinstance(state, nn.Module) else ""
        raise TypeError(f"state must be a state dict, a dictionary from names to tensors, not {type(state).__name__}{hint}")
    for form, key in (("A", "paths.0.conv3.weight"), ("B", "paths.0.conv2.weight"), ("C", "conv2.weight")):
        if key in state:
            return form
    raise ValueError(
        "this is not the state dict of one block: none of paths.0.conv3.weight (form A), "
        f"paths.0.conv2.weight (form B), conv2.weight (form C) is among {list(state)[:4]}..."
    )


# What a batch norm stores.
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
LAYERS = {  # a block's layers and what each of them stores
    "conv1": ("weight",),
    "bn1": NORM,
    "conv2": ("weight",),
    "bn2": NORM,
    "conv3": ("weight",),
    "bn3": NORM,
    "downsample.0": ("weight",),
    "downsample.1": NORM,
}
# The layers that every path has for itself, by form.
IN_PATHS = {"A": ("conv1", "bn1", "conv2", "bn2", "conv3"), "B": ("conv1", "bn1", "conv2", "bn2"), "C": ()}


def _entries_of(state):
    """Take the names of a block's state dict apart: ``(key, path or None, layer, what it stores)`` for each."""
    for key in state:
        path, rest = None, str(key)
        if rest.startswith("paths.") and rest.count(".") >= 2:
            _, path, rest = rest.split(".", 2)
        layer, _, kind = rest.rpartition(".")
        yield key, path, layer, kind


def _check_form(state, form, name):
    """Raise ``ValueError`` unless ``state`` is, whole and without anything else, of ``form``; ``name`` asks."""
    found = form_of(state)
    if found != form:
        raise ValueError(
            f"{name} takes the state dict of a block in form {form}, but this is form {found}: "
            "to_form(state, form) converts from any form"
        )
    inside = IN_PATHS[form]
    for key, path, layer, kind in _entries_of(state):
        known = kind in LAYERS.get(layer, ()) and (path is None or path.isdecimal())
        if not known or (layer in inside) != (path is not None):
            raise ValueError(
                f"{name} would lose {key!r}: the three forms hold the weights of two 1x1s and a 3x3, their "
                "batch norms and the shortcut's projection; no bias, and no further layer"
            )
        if not torch.is_tensor(state[key]):
            raise ValueError(f"{key!r} holds no tensor but a {type(state[key]).__name__}")
    first = "paths.0." if inside else ""
    for layer in ("conv1", "conv2", "conv3"):
        key = f"{first if layer in inside else ''}{layer}.weight"
        if key not in state:
            raise ValueError(f"{name} needs {key!r}, which is missing: is the state dict whole?")
    _check_shapes(state, form, name)


def _check_shapes(state, form, name):
    """Raise ``ValueError`` unless the entries of a state dict of ``form`` fit together, path by path."""
    first = "paths.0." if IN_PATHS[form] else ""
    paths = number_of_paths(state) if IN_PATHS[form] else 1
    width, group_width = (*state[f"{first}conv2.weight"].shape, 0, 0)[:2]
    in_channels = (*state[f"{first}conv1.weight"].shape, 0, 0)[1]
    out_channels = state[f"{first if form == 'A' else ''}conv3.weight"].shape[:1]
    rows = dict.fromkeys(("conv1", "bn1", "conv2", "bn2"), (width,))
    columns = {
        "conv1": in_channels,
        "conv2": group_width,
        "conv3": paths * width if form == "B" else width,
        "downsample.0": in_channels,
    }
    for key, _, layer, kind in _entries_of(state):
        shape = tuple(state[key].shape)
        wanted = () if kind == "num_batches_tracked" else tuple(rows.get(layer, out_channels))
        if layer in columns:
            wanted += (columns[layer], *shape[2:])
        if shape != wanted or (layer in columns) != (len(shape) == 4):
            raise ValueError(f"{name}: {key!r} has the shape {shape}, which does not fit the block's other layers")
    if group_width < 1 or width % group_width or (form != "C" and width != group_width):
        raise ValueError(
            f"{name}: the 3x3 has {width} channels out and {group_width} in a group; the second must divide "
            "the first, and be equal to it in a path of form A or B"
        )
    found = {int(path) for _, path, _, _ in _entries_of(state) if path is not None}
    entries = [key.removeprefix(first) for key in state if first and key.startswith(first)]
    expected = [f"paths.{i}.{entry}" for i in range(len(found)) for entry in entries]
    missing = next((key for key in expected if key not in state), None)
    if missing:
        raise ValueError(f"{name} needs {missing!r}, which is missing: every path has the entries of the first")


def _conversion(form):
    """Give a map from ``form`` its checks, and copies of the entries that it only hands on."""

    def checked(convert):
        @wraps(convert)
        def carry(state):
            _check_form(state, form, convert.__name__)
            given = {id(value) for value in state.values()}
            result = convert(state)
            return OrderedDict((k, v.clone() if id(v) in given else v) for k, v in result.items())

        return carry

    return checked


def outside_paths(state: Mapping[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """The entries of a state dict that belong to no path: last batch norm, shortcut, form B's conv3."""
    form_of(state)
    return OrderedDict((key, value) for key, value in state.items() if not key.startswith("paths."))


def number_of_paths(state: Mapping[str, torch.Tensor]) -> int:
    """How many paths the state dict of form A or B has. Raises ``ValueError`` where there are none."""
    if form_of(state) == "C":
        raise ValueError("number_of_paths takes the state dict of a block in form A or B; form C has no paths")
    return 1 + max(int(key.split(".")[1]) for key in state if key.startswith("paths."))


def a_to_b(state: Mapping[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """Form A to form B: the paths' last 1x1s stand side by side in one.

    A sum of products is one product, ``sum(A_i @ B_i) = [A_1 ... A_C] @ [B_1; ...; B_C]``
    (footnote 3): ``conv3.weight`` is ``(out, width, 1, 1)``, C times ``(out, d, 1, 1)``.
    """
    last = [state[f"paths.{i}.conv3.weight"] for i in range(number_of_paths(state))]
    merged = OrderedDict((key, value) for key, value in state.items() if ".conv3." not in key)
    merged["conv3.weight"] = torch.cat(last, dim=1)
    return merged


def b_to_c(state: Mapping[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """Form B to form C: the paths' first 1x1s and 3x3s are stacked, path after path.

    ``conv1.weight`` is ``(width, in, 1, 1)``; ``conv2.weight`` is ``(width, d, 3, 3)`` with
    ``groups=C``, whose contiguous groups are the paths.
    """
    merged = outside_paths(state)
    for key in [k.removeprefix("paths.0.") for k in state if k.startswith("paths.0.")]:
        parts = [state[f"paths.{i}.{key}"] for i in range(number_of_paths(state))]
        # num_batches_tracked is one number, the same in every path.
        merged[key] = torch.cat(parts, dim=0) if parts[0].ndim else parts[0].clone()
    return merged


def c_to_a(state: Mapping[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """Form C to form A: cut the wide layers into C paths.

    C is read off the grouped weight, ``(width, d, 3, 3)``: C = width / d.
    """
    width, group_width = state["conv2.weight"].shape[:2]
    cut = OrderedDict()
    for i in range(width // group_width):
        own = slice(i * group_width, (i + 1) * group_width)  # the channels of path i: neighbours
        for key, value in state.items():
            if key.startswith(("conv1.", "bn1.", "conv2.", "bn2.")):
                cut[f"paths.{i}.{key}"] = value[own].clone() if value.ndim else value.clone()
        cut[f"paths.{i}.conv3.weight"] = state["conv3.weight"][:, own].clone()
    cut.update((k, v) for k, v in state.items() if k.startswith(("bn3.", "downsample.")))
    return cut


# The maps above are the mathematics; under their names go maps that also refuse what they could not carry.
for _form, _convert in (("A", a_to_b), ("B", b_to_c), ("C", c_to_a)):
    globals()[_convert.__name__] = _conversion(_form)(_convert)
NEXT_FORM = {"A": a_to_b, "B": b_to_c, "C": c_to_a}


def to_form(state: Mapping[str, torch.Tensor], form: str) -> OrderedDict[str, torch.Tensor]:
    """Carry a block's state dict over to ``form`` ("A", "B" or "C") by the maps above; the result is a copy.

    Raises ``ValueError`` for another letter, for a state dict that is no block's, and for one with an
    entry that the maps do not carry; ``TypeError`` for what is no dictionary.
    """
    if form not in tuple(NEXT_FORM):
        raise ValueError(f"form must be 'A', 'B' or 'C', but got {form!r}")
    _check_form(state, form_of(state), "to_form")
    if form_of(state) == form:
        return OrderedDict((key, value.clone()) for key, value in state.items())
    while form_of(state) != form:
        state = NEXT_FORM[form_of(state)](state)
    return state


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Give the block ``target`` the weights and statistics of the block ``source``, whatever their forms.

    Raises ``ValueError``, with ``target`` unchanged, when the two were built with different sizes, when
    either has no data (device "meta"), and when ``source`` computes what ``target`` cannot: with
    squeeze-and-excitation, say, or without a shortcut. ``TypeError`` for what is no module.
    """
    for name, block in (("source", source), ("target", target)):
        torch_module(name, block)
        if any(value.is_meta for value in block.state_dict().values()):
            raise ValueError(
                f'{name} is on device "meta" and has no data: build it on another device, or give it '
                "memory with block.to_empty(device='cpu')"
            )
    form = form_of(target.state_dict())
    new, old = to_form(source.state_dict(), form), target.state_dict()
    wrong = [k for k in new.keys() | old.keys() if k not in new or k not in old or new[k].shape != old[k].shape]
    strides = [getattr(block, "stride", None) for block in (source, target)]
    if wrong or (None not in strides and strides[0] != strides[1]):
        where = f"at {min(wrong)}" if wrong else f"stride={strides[0]} and stride={strides[1]}"
        raise ValueError(
            f"the blocks differ in size (for example {where}): build both with the same "
            "in_channels, width, out_channels, cardinality and stride"
        )
    if not _computes_the_same(source, target, form):
        raise ValueError(
            f"source, a {type(source).__name__}, computes something else than target, a {type(target).__name__}, does "
            "with the same weights: is there another shortcut, stride, activation, or a further layer?"
        )
    target.load_state_dict(new)


def _computes_the_same(source, target, form):
    """Whether copies of both, given one set of random weights, have the same outputs (float64, eval mode)."""
    draw = torch.Generator().manual_seed(0)
    trials = []
    for block in (source, target):
        trial = copy.deepcopy(block).cpu().double().eval().requires_grad_(False)
        for layer in trial.modules():  # the copy brought the caller's hooks along
            layer._forward_hooks.clear()
            layer._forward_pre_hooks.clear()
        trials.append(trial)
    for value in trials[0].state_dict().values():
        if value.is_floating_point():  # positive, since some are variances
            value.uniform_(0.5, 1.5, generator=draw)
            if value.ndim > 1:
                value.sub_(1)
    weights = to_form(trials[0].state_dict(), form)
    trials[1].load_state_dict(weights)
    in_channels = to_form(weights, "C")["conv1.weight"].shape[1]
    x = torch.randn(2, in_channels, 9, 7, generator=draw, dtype=torch.float64)
    outputs = [trial(x) for trial in trials]
    return outputs[0].shape == outputs[1].shape and torch.allclose(*outputs, rtol=1e-9, atol=1e-9)
