"""Forms A, B and C of one ResNeXt block, and the weight maps that prove them the same function.

Xie et al., arXiv 1611.05431, Fig. 3 and footnotes 3, 4 and 6. Form C is the bottleneck of
``blocks.py``. The published code has forms B and C only; form A here follows footnote 6: the last
batch norm comes after the sum of the paths and before the shortcut is added.

A map takes a state dict of one form and returns the state dict of the next, parameters and
batch-norm statistics included: A to B to C to A, so every direction is at most two maps away.
"""

from collections import OrderedDict

import torch
from torch import nn

from resnext_lib.blocks import Bottleneck, ResidualBlock, conv1x1, conv3x3, projection

FormC = Bottleneck


def path_layers(in_channels, group_width, stride=1):
    """The part of one path that forms A and B share: 1x1 to d channels, 3x3 from d to d.

    Shapes: ``(N, in_channels, H, W)`` to ``(N, group_width, H/stride, W/stride)``.
    """
    return nn.Sequential(OrderedDict(
        conv1=conv1x1(in_channels, group_width), bn1=nn.BatchNorm2d(group_width), relu1=nn.ReLU(),
        conv2=conv3x3(group_width, group_width, stride), bn2=nn.BatchNorm2d(group_width),
        relu2=nn.ReLU(),
    ))


class FormA(ResidualBlock):
    """``cardinality`` separate paths, each with a 1x1 back to ``out_channels``, then their sum.

    Arguments, shapes and errors: as :class:`resnext_lib.blocks.Bottleneck`.
    Source: arXiv 1611.05431, Fig. 3(a), Eq. 3, footnote 6.
    """

    def __init__(self, in_channels, width, out_channels, cardinality=1, stride=1):
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        group_width = width // cardinality
        self.paths = nn.ModuleList()
        for _ in range(cardinality):
            one_path = path_layers(in_channels, group_width, stride)
            one_path.add_module("conv3", conv1x1(group_width, out_channels))
            self.paths.append(one_path)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = projection(in_channels, out_channels, stride)

    def transform(self, x):
        return self.bn3(sum(path(x) for path in self.paths))


class FormB(ResidualBlock):
    """``cardinality`` separate paths, concatenated, then one 1x1 for all of them.

    Arguments, shapes and errors: as :class:`resnext_lib.blocks.Bottleneck`.
    Source: arXiv 1611.05431, Fig. 3(b).
    """

    def __init__(self, in_channels, width, out_channels, cardinality=1, stride=1):
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        group_width = width // cardinality
        self.paths = nn.ModuleList(path_layers(in_channels, group_width, stride) for _ in range(cardinality))
        self.conv3 = conv1x1(width, out_channels)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = projection(in_channels, out_channels, stride)

    def transform(self, x):
        x = torch.cat([path(x) for path in self.paths], dim=1)  # (N, width, H/stride, W/stride)
        return self.bn3(self.conv3(x))


def form_of(state):
    """Say which form a block's state dict belongs to: ``"A"``, ``"B"`` or ``"C"``.

    Raises ``ValueError`` when it is none of the three.
    """
    for form, key in (("A", "paths.0.conv3.weight"), ("B", "paths.0.conv2.weight"), ("C", "conv2.weight")):
        if key in state:
            return form
    raise ValueError(
        "this is not the state dict of one block: none of paths.0.conv3.weight (form A), "
        f"paths.0.conv2.weight (form B), conv2.weight (form C) is among {list(state)[:4]}..."
    )


def outside_paths(state):
    """The entries of a state dict that belong to no path: last batch norm, shortcut, form B's conv3."""
    return OrderedDict((key, value) for key, value in state.items() if not key.startswith("paths."))


def number_of_paths(state):
    """How many paths the state dict of form A or B has."""
    return 1 + max(int(key.split(".")[1]) for key in state if key.startswith("paths."))


def a_to_b(state):
    """Form A to form B: the paths' last 1x1s stand side by side in one.

    A sum of products is one product, ``sum(A_i @ B_i) = [A_1 ... A_C] @ [B_1; ...; B_C]``
    (footnote 3): ``conv3.weight`` is ``(out, width, 1, 1)``, C times ``(out, d, 1, 1)``.
    """
    last = [state[f"paths.{i}.conv3.weight"] for i in range(number_of_paths(state))]
    merged = OrderedDict((key, value) for key, value in state.items() if ".conv3." not in key)
    merged["conv3.weight"] = torch.cat(last, dim=1)
    return merged


def b_to_c(state):
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


def c_to_a(state):
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


NEXT_FORM = {"A": a_to_b, "B": b_to_c, "C": c_to_a}


def to_form(state, form):
    """Carry a block's state dict over to ``form`` ("A", "B" or "C") by the maps above.

    Raises ``ValueError`` for another letter or for a state dict that is no block's.
    """
    if form not in NEXT_FORM:
        raise ValueError(f"form must be 'A', 'B' or 'C', but got {form!r}")
    while form_of(state) != form:
        state = NEXT_FORM[form_of(state)](state)
    return state


def copy_weights(source, target):
    """Give the block ``target`` the weights and statistics of the block ``source``, whatever their forms.

    Raises ``ValueError`` when the two were built with different sizes; ``target`` is then unchanged.
    """
    new = to_form(source.state_dict(), form_of(target.state_dict()))
    old = target.state_dict()
    wrong = [k for k in new.keys() | old.keys() if k not in new or k not in old or new[k].shape != old[k].shape]
    if wrong:
        raise ValueError(
            f"the blocks differ in size (for example at {min(wrong)}): build both with the same "
            "in_channels, width, out_channels, cardinality and stride"
        )
    target.load_state_dict(new)
