"""What a network costs: parameters, and MACs (multiply-accumulates of convolutions and linear layers).

One MAC is one multiplication and one addition. The ResNeXt paper calls it a FLOP (section 3.1);
tools that count 2 FLOPs a MAC print twice our number.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass
from math import isqrt, prod

import torch
from torch import nn

from resnext_lib.arguments import positive_int, positive_ints


@dataclass(frozen=True)
class Cost:
    """One layer's (or stage's) cost: output shape without the batch, parameters, MACs for one image."""

    name: str
    kind: str
    output_shape: tuple
    parameters: int
    macs: int


def count_parameters(module):
    """Number of trainable and frozen parameters; buffers such as running means are not counted."""
    return sum(parameter.numel() for parameter in module.parameters())


def layer_macs(layer, output_shape):
    """MACs of one call of ``layer``: every output number is one dot product with a filter.

    Layers other than ``Conv2d`` and ``Linear`` count 0. ``output_shape`` is without the batch.
    """
    if isinstance(layer, nn.Conv2d):
        return prod(output_shape) * layer.in_channels // layer.groups * prod(layer.kernel_size)
    if isinstance(layer, nn.Linear):
        return prod(output_shape) * layer.in_features
    return 0


def layer_costs(module, input_shape):
    """The cost of every layer, in order of execution, for one image of ``input_shape`` (C, H, W).

    Runs a copy without data (device "meta", eval mode): ``module`` keeps its weights, statistics,
    mode and hooks. Units: parameters, MACs.
    """
    costs = []
    for name, layer, shape in _run_without_data(module, input_shape):
        if not list(layer.children()):
            parameters = sum(p.numel() for p in layer.parameters(recurse=False))
            costs.append(Cost(name, type(layer).__name__, shape, parameters, layer_macs(layer, shape)))
    return costs


def _run_without_data(module, input_shape):
    """Run a copy of ``module`` on device "meta"; return (name, layer, output shape) in order of execution."""
    input_shape = positive_ints("input_shape", input_shape)
    shadow = copy.deepcopy(module).to("meta").eval()
    calls = []

    def record(name):
        return lambda layer, inputs, output: calls.append((name, layer, tuple(output.shape[1:])))

    for name, layer in shadow.named_modules():
        layer._forward_hooks.clear()  # the copy brought the caller's hooks along
        layer._forward_pre_hooks.clear()
        layer.register_forward_hook(record(name))
    with torch.no_grad():
        shadow(torch.empty(1, *input_shape, device="meta"))
    return calls


def count_macs(module, input_shape):
    """MACs of ``module`` for one image of ``input_shape`` (C, H, W)."""
    return sum(cost.macs for cost in layer_costs(module, input_shape))


def stage_costs(module, input_shape):
    """Costs summed by the first part of the layers' names: conv1, bn1, layer1, ..., fc.

    Returns an ordered dict from stage name to :class:`Cost`. Units: parameters, MACs.
    """
    layers = layer_costs(module, input_shape)
    stages = OrderedDict()
    for name, _, shape in _run_without_data(module, input_shape):
        if name and "." not in name:
            own = [cost for cost in layers if cost.name.split(".")[0] == name]
            stages[name] = Cost(name, "stage", shape, sum(c.parameters for c in own), sum(c.macs for c in own))
    return stages


def bottleneck_weights(cardinality, group_width, channels=256):
    """Convolution weights of a block of ``cardinality`` paths: C (256 d + 9 d d + d 256).

    Without batch norm and shortcut. Source: arXiv 1611.05431, Eq. 4; Table 2 with 256 channels.
    """
    c = positive_int("cardinality", cardinality)
    d = positive_int("group_width", group_width)
    channels = positive_int("channels", channels)
    return c * (channels * d + 3 * 3 * d * d + d * channels)


RESNET_BUDGET = bottleneck_weights(1, 64)  # 256*64 + 9*64*64 + 64*256, the paper's "about 70k"


def width_for_budget(cardinality, budget=RESNET_BUDGET, channels=256):
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


def width_limit(budget=RESNET_BUDGET, channels=256):
    """The width C * d that no cardinality passes at this budget: all of it spent in the two 1x1s.

    C (2 * 256 d + 9 d d) = budget gives C d < budget / (2 * 256), 136 for ResNet's block.
    """
    return positive_int("budget", budget) // (2 * positive_int("channels", channels))
