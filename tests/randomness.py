"""Random weights for comparisons: nothing is 0, 1 or equal by chance, batch norm included."""

from unittest.mock import patch

import torch
from torch import nn


def randomise(module, seed=0):
    """Fill all parameters and batch-norm statistics of ``module`` and return it."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5, generator=draw)
                layer.bias.normal_(0, 0.2, generator=draw)
                layer.running_mean.normal_(0, 0.2, generator=draw)
                layer.running_var.uniform_(0.5, 2, generator=draw)
                layer.num_batches_tracked.fill_(7)
            elif isinstance(layer, (nn.Conv2d, nn.Linear)):
                layer.weight.normal_(0, layer.weight[0].numel() ** -0.5, generator=draw)
                if layer.bias is not None:
                    layer.bias.normal_(0, 0.2, generator=draw)
    return module


def random_tensor(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


FILLING = ("kaiming_uniform_", "kaiming_normal_", "trunc_normal_", "uniform_", "normal_", "constant_", "ones_", "zeros_")


def as_it_is(tensor, *arguments, **options):
    return tensor


def without_data(build, *arguments, **options):
    """Build a network on the device "meta": its names and shapes, at no cost.

    Nothing is filled there, but PyTorch would still take a millisecond for each tensor.
    """
    with torch.device("meta"), patch.multiple(nn.init, **dict.fromkeys(FILLING, as_it_is)):
        return build(*arguments, **options)


def random_network(build, *arguments, seed=0, **options):
    """A float64 network with random weights, built without the time that initialising takes."""
    network = without_data(build, *arguments, **options).double().to_empty(device="cpu")
    return randomise(network, seed)


def same_weights(network, build, *arguments, **options):
    """Build another float64 network and load the weights of ``network`` into it, strictly."""
    other = without_data(build, *arguments, **options).double().to_empty(device="cpu")
    other.load_state_dict(network.state_dict(), strict=True)
    return other
