"""What a network costs: parameters, and MACs (multiply-accumulates of convolutions and linear layers).

One MAC is one multiplication and one addition. The ResNeXt paper calls it a FLOP (section 3.1);
tools that count 2 FLOPs a MAC print twice our number.
"""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt, prod

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from resnext_lib.arguments import positive_int, positive_ints, torch_module


@dataclass(frozen=True)
class Cost:
    """One layer's (or stage's) cost: output shape without the batch, parameters, MACs for one image.

    The output shape is ``()`` for what did not run by itself: a parameter outside all layers, or a layer that
    eval mode leaves out. Such parameters count all the same.
    """

    name: str
    kind: str
    output_shape: tuple
    parameters: int
    macs: int


def count_parameters(module: nn.Module) -> int:
    """Number of trainable and frozen parameters, shared ones once; buffers such as running means are not counted."""
    return sum(parameter.numel() for parameter in torch_module("module", module).parameters())


def layer_macs(layer: nn.Module, output_shape: Sequence[int]) -> int:
    """MACs of one call of ``layer``: every output number is one dot product with a filter.

    Layers other than ``Conv2d`` and ``Linear`` count 0. ``output_shape`` is without the batch.
    Raises ``TypeError`` or ``ValueError`` for what is no layer or no shape.
    """
    torch_module("layer", layer)
    shape = positive_ints("output_shape", output_shape)
    if not shape or (isinstance(layer, nn.Conv2d) and len(shape) != 3):
        raise ValueError(f"output_shape must be (C, H, W) for a convolution, and have a number for any layer, not {shape}")
    numbers = prod(shape)
    if isinstance(layer, nn.Conv2d):
        return numbers * layer.in_channels // layer.groups * prod(layer.kernel_size)
    if isinstance(layer, nn.Linear):
        return numbers * layer.in_features
    return 0


def layer_costs(module: nn.Module, input_shape: Sequence[int]) -> list[Cost]:
    """The cost of every layer, in order of execution, for one image of ``input_shape`` (C, H, W).

    A layer that is called twice has two rows, with its parameters in the first. At the end come the parameters
    that belong to no layer (kind "Parameter") and the layers that eval mode leaves out, so that the parameters add
    up to :func:`count_parameters`. Runs a copy without data (device "meta", eval mode): ``module`` keeps its
    weights, statistics, mode and hooks. Units: parameters, MACs.
    """
    shadow, calls = _run_without_data(module, input_shape)
    costs, counted = [], set()
    for name, layer, shape in calls:
        if _is_layer(layer):
            macs = layer_macs(layer, shape) if isinstance(layer, (nn.Conv2d, nn.Linear)) else 0
            costs.append(Cost(name, _kind(layer), shape, _new_parameters(layer, counted), macs))
    for name, part in _parts(shadow):
        if _is_layer(part):
            if rest := _new_parameters(part, counted):
                costs.append(Cost(name, _kind(part), (), rest, 0))
    for name, parameter in shadow.named_parameters():
        if id(parameter) not in counted:
            costs.append(Cost(name, "Parameter", (), parameter.numel(), 0))
    return costs


def _parts(module):
    """Names and modules, without those that make a parametrised layer's weight."""
    return [(name, part) for name, part in module.named_modules() if "parametrizations" not in name.split(".")]


def _is_layer(module):
    """Whether ``module`` computes by itself: it has no parts, but for what makes its weights."""
    return all(name == "parametrizations" for name, _ in module.named_children())


def _kind(layer):
    """The layer's class; a parametrised layer's is the one it had before."""
    return (type(layer).__mro__[1] if is_parametrized(layer) else type(layer)).__name__


def _new_parameters(layer, counted):
    """How many parameters ``layer`` has that are not in ``counted``, a set of ids, which takes them in."""
    new = [parameter for parameter in layer.parameters() if id(parameter) not in counted]
    counted.update(id(parameter) for parameter in new)
    return sum(parameter.numel() for parameter in new)


def _run_without_data(module, input_shape):
    """Run a copy of ``module`` on device "meta"; return it and (name, layer, output shape) in order of execution."""
    torch_module("module", module)
    input_shape = positive_ints("input_shape", input_shape)
    shadow = _without_data(module)
    calls = []

    def record(name):
        return lambda layer, inputs, output: calls.append((name, layer, _shape(output)))

    for layer in shadow.modules():
        layer._forward_hooks.clear()  # the copy brought the caller's hooks along
        layer._forward_pre_hooks.clear()
    for name, layer in _parts(shadow):
        layer.register_forward_hook(record(name))
    dtype = next((p.dtype for p in shadow.parameters() if p.is_floating_point()), None)
    try:
        with torch.no_grad():
            shadow(torch.empty(1, *input_shape, device="meta", dtype=dtype))
    except Exception as error:
        raise ValueError(f"{type(module).__name__} cannot run on one image of input_shape={input_shape}: {error}") from error
    return shadow, calls


def _without_data(module):
    """A copy of ``module`` in eval mode, its tensors on device "meta"; what is shared stays shared."""
    copies = {id(p): nn.Parameter(p.detach().to("meta"), requires_grad=p.requires_grad) for p in module.parameters()}
    for part in module.modules():
        # Buffers, and attributes that were computed, such as a pruned layer's weight: deepcopy refuses those.
        for tensor in [*part.buffers(recurse=False), *vars(part).values()]:
            if torch.is_tensor(tensor):
                copies[id(tensor)] = tensor.detach().to("meta")
    shadow = copy.deepcopy(module, copies).eval()
    for part in shadow.modules():
        # On "meta" PyTorch takes a batch norm apart into a dozen operations: more than half of the whole run's time.
        if type(part) is nn.BatchNorm2d and part.track_running_stats:
            part.forward = partial(_normalised_without_data, part)
    return shadow


def _normalised_without_data(norm, x):
    """What a batch norm in eval mode does to a tensor without data: the same shape, or an error for other channels."""
    channels = len(norm.running_mean)  # not num_features, which a pruned layer may have from before
    if x.dim() != 4 or x.shape[1] != channels:
        raise ValueError(f"a batch norm of {channels} channels cannot take the shape {tuple(x.shape)}")
    return x


def _shape(output):
    """Shape without the batch of a layer's output; of the first tensor where there are several."""
    while not torch.is_tensor(output):
        parts = list(output.values()) if isinstance(output, dict) else output
        if not isinstance(parts, (tuple, list)) or not parts:
            return ()
        output = parts[0]
    return tuple(output.shape[1:])


def count_macs(module: nn.Module, input_shape: Sequence[int]) -> int:
    """MACs of ``module`` for one image of ``input_shape`` (C, H, W). Errors: as :func:`layer_costs`."""
    return sum(cost.macs for cost in layer_costs(module, input_shape))


def count_activations(module: nn.Module, input_shape: Sequence[int]) -> int:
    """Numbers that convolutions and linear layers write for one image of ``input_shape`` (C, H, W).

    Where memory is the bottleneck, run time follows them more closely than it follows MACs. ResNeXt-50 (32x4d)
    writes 14,401,512 at 224x224, ResNet-50 11,114,984. Unit: numbers, not bytes; a layer that is called
    twice writes twice. Source: arXiv 2003.13678, section 4, which counts the convolutions' outputs.
    """
    return sum(prod(cost.output_shape) for cost in layer_costs(module, input_shape) if cost.macs)


def stage_costs(module: nn.Module, input_shape: Sequence[int]) -> dict[str, Cost]:
    """Costs summed by the first part of the layers' names: conv1, bn1, layer1, ..., fc.

    Returns an ordered dict from stage name to :class:`Cost`, in order of execution, whose parameters add up to
    :func:`count_parameters`. Units: parameters, MACs.
    """
    layers = layer_costs(module, input_shape)
    shapes = {name: shape for name, _, shape in _run_without_data(module, input_shape)[1] if name and "." not in name}
    first_parts = dict.fromkeys([*shapes, *(cost.name.split(".")[0] for cost in layers if cost.parameters)])
    stages = OrderedDict()
    for name in first_parts:
        own = [cost for cost in layers if cost.name.split(".")[0] == name]
        kind = "Parameter" if [cost.kind for cost in own] == ["Parameter"] else "stage"
        stages[name] = Cost(name, kind, shapes.get(name, ()), sum(c.parameters for c in own), sum(c.macs for c in own))
    return stages


def bottleneck_weights(cardinality: int, group_width: int, channels: int = 256) -> int:
    """Convolution weights of a block of ``cardinality`` paths: C (256 d + 9 d d + d 256).

    Without batch norm and shortcut. Source: arXiv 1611.05431, Eq. 4; Table 2 with 256 channels.
    """
    c = positive_int("cardinality", cardinality)
    d = positive_int("group_width", group_width)
    channels = positive_int("channels", channels)
    return c * (channels * d + 3 * 3 * d * d + d * channels)


RESNET_BUDGET = bottleneck_weights(1, 64)  # 256*64 + 9*64*64 + 64*256, the paper's "about 70k"


def width_for_budget(cardinality: int, budget: int = RESNET_BUDGET, channels: int = 256) -> int:
    """The whole-number bottleneck width d whose block comes nearest to ``budget`` weights.

    Solves C (2 * 256 d + 9 d d) = budget and takes the nearer whole neighbour; reproduces Table 2 of
    arXiv 1611.05431. Raises ``ValueError`` when even d = 1 is further from the budget than no block.
    """
    c = positive_int("cardinality", cardinality)
    budget = positive_int("budget", budget)
    channels = positive_int("channels", channels)
    # The floor of the root of 9 d d + 2 channels d - budget / c = 0.
    below = (isqrt(channels * channels + 9 * budget // c) - channels) // 9
    above = below + 1
    if below == 0:
        if bottleneck_weights(c, 1, channels) > 2 * budget:
            most = 2 * budget // (2 * channels + 9)
            raise ValueError(
                f"cardinality={c} cannot keep budget={budget}: paths of width 1 cost "
                f"{bottleneck_weights(c, 1, channels)} weights. The largest cardinality that works is {most}"
            )
        return 1
    miss = {d: abs(bottleneck_weights(c, d, channels) - budget) for d in (below, above)}
    return min(miss, key=miss.get)


def width_limit(budget: int = RESNET_BUDGET, channels: int = 256) -> int:
    """The width C * d that no cardinality passes at this budget: all of it spent in the two 1x1s.

    C (2 * 256 d + 9 d d) = budget gives C d < budget / (2 * 256), 136 for ResNet's block.
    """
    return positive_int("budget", budget) // (2 * positive_int("channels", channels))
