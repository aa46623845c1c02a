"""What can be wrong with a block that a reader built: its layers, their sizes, and the function that it computes."""

import copy
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from resnext_lib.blocks import Bottleneck, Checked
from resnext_lib.exercises.delegation import call
from resnext_lib.exercises.values import in_either_precision, normal_numbers, same
from resnext_lib.exercises.verdicts import NotYet, expect

FORWARD_RETURNS_NOTHING = "your forward returns nothing: is `return` missing?"
# What PyTorch has in a ReLU's place, by the names of the functions; the layers call them.
OTHER_ACTIVATIONS = {
    "gelu": "GELU",
    "silu": "SiLU",
    "leaky_relu": "LeakyReLU",
    "leaky_relu_": "LeakyReLU",
    "elu": "ELU",
    "elu_": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "prelu": "PReLU",
    "rrelu": "RReLU",
    "softplus": "Softplus",
    "mish": "Mish",
    "relu6": "ReLU6",
    "hardtanh": "Hardtanh",
    "hardswish": "Hardswish",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}


def expect_module(built: Any) -> nn.Module:
    """Return ``built`` if it is a module, else raise :class:`NotYet`."""
    expect(built is not None, "your function returns nothing: is `return` missing?")
    expect(isinstance(built, nn.Module), f"give a class whose objects are nn.Modules, not {type(built).__name__}")
    for part in nn.Module.modules(built):
        # The library's blocks look at their input before the call; by code, since grading has a copy of the library.
        known = (nn.Module.__call__, Checked.__call__)
        expect(
            type(part).__call__ in known or getattr(type(part).__call__, "__code__", None) == Checked.__call__.__code__,
            f"{type(part).__name__} redefines __call__; define forward, which nn.Module calls with all its hooks",
        )
    return built


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    """Every ``nn.Conv2d`` inside, in order of definition."""
    return [layer for layer in nn.Module.modules(module) if isinstance(layer, nn.Conv2d)]


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    """Every ``nn.BatchNorm2d`` inside."""
    return [layer for layer in nn.Module.modules(module) if isinstance(layer, nn.BatchNorm2d)]


def sizes(module: nn.Module) -> list[tuple[int, int, int, int]]:
    """(kernel, in, out, stride) of every convolution, sorted, so that the order of definition does not matter."""
    return sorted((c.kernel_size[0], c.in_channels, c.out_channels, c.stride[0]) for c in convolutions(module))


def fill(module: nn.Module) -> nn.Module:
    """Give every layer weights that depend only on its shape and its rank among equals; return it in float64."""
    seen = {}
    with torch.no_grad():
        for layer in nn.Module.modules(module.double()):
            if not isinstance(layer, (nn.Conv2d, nn.BatchNorm2d)):
                continue
            for value in [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]:
                if value.ndim == 0:
                    continue
                # A bias goes with its own layer's weight: layers may be defined in any order.
                looks = (tuple(value.shape), tuple(layer.weight.shape))
                rank = seen[looks] = seen.get(looks, 0) + 1
                if isinstance(layer, nn.BatchNorm2d):
                    value.copy_(torch.linspace(0.5, 1.5, len(value)))
                else:
                    seed = rank + layer.weight[0].numel()
                    value.copy_(normal_numbers(*value.shape, seed=seed) / value[0].numel() ** 0.5)
    return module


def filled_copy(module: nn.Module, training: bool = False) -> nn.Module:
    """A copy with weights by :func:`fill`: the reader's own stays as it is."""
    return fill(copy.deepcopy(module)).train(training)


def output_of(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a reader's module gives for ``x``, in float64 or, where it makes float32 tensors itself, in float32."""
    given = in_either_precision(lambda dtype: call(module.to(dtype), x.to(dtype)))
    expect(given is not None, FORWARD_RETURNS_NOTHING)
    expect(isinstance(given, torch.Tensor), f"your forward returns a {type(given).__name__}, not a tensor")
    return given


def same_function(module: nn.Module, reference: nn.Module, x: torch.Tensor) -> bool:
    """Whether two modules, filled alike, give the same for ``x`` in eval and in train mode."""
    return all(same(output_of(filled_copy(module, mode), x), filled_copy(reference, mode)(x)) for mode in (False, True))


def expect_same_function(module: nn.Module, reference: nn.Module, x: torch.Tensor, message: str) -> None:
    """Compare two modules, filled alike, in eval and in train mode; name another activation or eps."""
    if same_function(module, reference, x):
        return
    shape, wanted = output_of(filled_copy(module), x).shape, filled_copy(reference)(x).shape
    expect(shape == wanted, f"the shape is {tuple(shape)}, but it should be {tuple(wanted)}")
    _expect_relu_and_eps(module, x)
    raise NotYet(message)


class _Names(TorchFunctionMode):
    """Notes the names of PyTorch's functions that are called."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.found.append(getattr(function, "__name__", ""))
        return function(*args, **(kwargs or {}))


def _expect_relu_and_eps(module, x):
    """Sentences for what leaves layers and order as they are, and yet changes the numbers."""
    for layer in batch_norms(module):
        expect(layer.eps == 1e-5, f"a batch norm has eps={layer.eps}; leave eps out, the default is 1e-05")
    with _Names() as names:
        output_of(filled_copy(module), x)
    for name in names.found:
        expect(name not in OTHER_ACTIVATIONS, f"there is a {OTHER_ACTIVATIONS.get(name)} where a ReLU belongs")


def expect_block(built: Any, arguments: tuple[int, ...], seed: int = 7) -> None:
    """What can be wrong with a residual block, most telling first. ``arguments`` are Bottleneck's."""
    block, reference = expect_module(built), Bottleneck(*arguments)
    _expect_biases_strides_groups(convolutions(block), *arguments[1:])
    _expect_sizes(sizes(block), sizes(reference), *arguments)
    spatial = [c for c in convolutions(block) if c.kernel_size == (3, 3)]
    expect(all(c.padding in ((1, 1), "same") for c in spatial), "the 3x3 needs padding=1, or the map shrinks by two")
    norms, wanted = len(batch_norms(block)), len(batch_norms(reference))
    expect(
        norms == wanted,
        f"{norms} batch norms for {wanted} convolutions: each convolution has one, the shortcut's too",
    )
    expect_block_values(block, reference, normal_numbers(2, arguments[0], 7, 7, seed=seed))


def _expect_biases_strides_groups(found, width, out_channels, cardinality, stride):
    biased = [c for c in found if c.bias is not None]
    expect(
        not biased,
        f"{len(biased)} of {len(found)} convolutions have a bias: batch norm subtracts it again, so write bias=False",
    )
    pointwise = [c for c in found if c.kernel_size == (1, 1)]
    spatial = [c for c in found if c.kernel_size == (3, 3)]
    expect(spatial, "there is no 3x3 convolution")
    expect(
        all(c.groups == 1 for c in pointwise),
        "a 1x1 has groups: then the input is split, and each path reads only its share; only the 3x3 is grouped",
    )
    strided = [c for c in pointwise if c.stride == (stride, stride) and c.out_channels == width]
    expect(
        stride == 1 or len(strided) <= (width == out_channels),  # the projection may look the same
        "the stride sits on the first 1x1; here it belongs on the 3x3 (the 1x1 would throw away 3 of 4 pixels unread)",
    )
    groups = spatial[0].groups
    expect(
        groups != width // cardinality or cardinality in (1, width // cardinality),
        f"groups={groups} is the width of a path; groups is the number of paths, {cardinality}",
    )
    expect(groups == cardinality, f"the 3x3 has groups={groups}, but cardinality is {cardinality}")


def _expect_sizes(found, wanted, in_channels, width, out_channels, cardinality, stride):
    lacking, needless = [c for c in wanted if c not in found], [c for c in found if c not in wanted]
    projection = (1, in_channels, out_channels, stride)
    expect(
        projection not in needless or lacking,
        f"the shortcut has a 1x1 though {in_channels} channels at stride 1 fit as they are: use the identity there",
    )
    expect(
        (3, cardinality * width, cardinality * width, stride) not in needless or cardinality == 1,
        "width is C*d already, all paths together: do not multiply it by the cardinality again",
    )
    expect(
        projection not in lacking,
        f"the shortcut lacks its 1x1 projection for {in_channels} to {out_channels} channels at stride {stride}: "
        "it is needed where the channels change and where the map halves",
    )
    expect(len(found) >= len(wanted), f"a convolution is missing: found {found}, wanted {wanted} (kernel, in, out, stride)")
    expect(found == wanted, f"the convolutions (kernel, in, out, stride) are {found}, but should be {wanted}")


def expect_block_values(block: nn.Module, reference: nn.Module, x: torch.Tensor) -> None:
    """Compare two residual blocks whose layers are alike, and name what is done with them in another order."""
    if same_function(block, reference, x):
        return
    filled = filled_copy(reference)
    y, t, s = output_of(filled_copy(block), x), filled.transform(x), filled.shortcut(x)
    for message, wrong in {
        "the last ReLU is missing": t + s,
        "the last ReLU comes before the sum; it belongs after it": torch.relu(t) + s,
        "the shortcut is never added": torch.relu(t),
        "the shortcut is added, but both sides went through a ReLU first": torch.relu(t) + torch.relu(s),
    }.items():
        expect(not same(y, wrong) or same(wrong, filled(x)), message)
    expect_same_function(
        block,
        reference,
        x,
        "the layers are right but not their order: convolution, batch norm, "
        "ReLU, twice; then convolution, batch norm, add the shortcut, ReLU",
    )
