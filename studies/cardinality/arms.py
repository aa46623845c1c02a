"""The arms of the study: five networks that differ in the middle of the block only (PROTOCOL.md, "Arms")."""

import zlib

import torch
from scipy.sparse.csgraph import connected_components
from torch import nn
from torch.nn import functional

from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_macs
from resnext_lib.networks import small_resnext

PICTURE = (1, 28, 28)
# arm: (cardinality, bottleneck width, seeds)
ARMS = {
    "narrow": (1, 64, range(10)),
    "grouped": (16, 8, range(10)),
    "sparse": (16, 8, range(10)),
    "wide": (1, 128, range(5)),
    "mac-matched": (1, 72, range(5)),
}


def random_connections(channels, reads):
    """Which inputs each output channel reads: ``(channels, reads)``, ``reads`` different ones in every row.

    Every input is read by exactly ``reads`` outputs, and no set of channels keeps to itself: drawn anew until all hang
    together. With 2 connections a channel about one draw in thirteen does, with 4 or 8 nearly every one.
    Raises ``ValueError`` for fewer than 2 reads, with which each channel would stay alone.
    """
    if not 2 <= reads <= channels:
        raise ValueError(f"reads must be 2 to {channels}, the number of channels, but got {reads}")
    while sets_apart(inputs := some_connections(channels, reads)) > 1:
        pass
    return inputs


def some_connections(channels, reads):
    """The same with sets of channels that may keep to themselves, from torch's random numbers.

    ``reads`` random orders of the inputs side by side; where a row holds an input twice, that entry changes places with
    one of another row.
    """
    inputs = torch.stack([torch.randperm(channels) for _ in range(reads)], dim=1)
    for column in range(1, reads):
        while True:
            twice = (inputs[:, :column] == inputs[:, column : column + 1]).any(dim=1).nonzero().flatten()
            if len(twice) == 0:
                break
            row, other = twice[0].item(), torch.randint(channels, ()).item()
            inputs[[row, other], column] = inputs[[other, row], column]
    return inputs


def sets_apart(inputs):
    """Into how many sets the output channels fall that read nothing in common; in a grouped convolution, the groups."""
    mask = functional.one_hot(inputs).sum(dim=1)
    return connected_components((mask @ mask.T).numpy(), directed=False)[0]


class SparseConv2d(nn.Module):
    """A convolution whose output channels read ``reads`` input channels each, drawn at random once.

    Shapes: ``(N, channels, H, W)`` to ``(N, channels, H/stride, W/stride)``. The weight, ``(channels, reads, 3, 3)``, has
    the shape of a grouped convolution's with ``channels / reads`` groups; ``connections`` says where its numbers go in
    the weight of a dense convolution, whose other numbers are 0.
    """

    def __init__(self, channels, reads, stride):
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(channels, reads, 3, 3))
        self.register_buffer("connections", random_connections(channels, reads))

    def dense_weight(self):
        channels, reads = self.connections.shape
        places = self.connections[:, :, None, None].expand(-1, -1, 3, 3)
        return self.weight.new_zeros(channels, channels, 3, 3).scatter(1, places, self.weight)

    def forward(self, x):
        return functional.conv2d(x, self.dense_weight(), stride=self.stride, padding=1)


class SparseBottleneck(Bottleneck):
    """The bottleneck with as many weights in its 3x3 as with ``cardinality`` groups, but no groups."""

    def __init__(self, in_channels, width, out_channels, cardinality=1, stride=1):
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        self.conv2 = SparseConv2d(width, width // cardinality, stride)


def build(arm, seed):
    """The network of ``arm`` with the initial values of ``seed``; the caller's random numbers stay as they were."""
    cardinality, bottleneck_width, _ = ARMS[arm]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        block = SparseBottleneck if arm == "sparse" else Bottleneck
        network = small_resnext(cardinality, bottleneck_width, block=block)
    initialise(network, seed)
    return network


@torch.no_grad()
def initialise(network, seed):
    """He's normal values by fan-out for convolutions, as in the library, but each drawn with a seed from its name.

    So two networks of one ``seed`` agree in every parameter that has the same name and shape.
    """
    for name, parameter in network.named_parameters():
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
        if parameter.ndim == 4:  # (out, in, k, k): fan-out counts out * k * k
            fan_out = parameter.shape[0] * parameter.shape[2] * parameter.shape[3]
            parameter.normal_(0, (2 / fan_out) ** 0.5, generator=generator)
        elif name.startswith("fc."):
            bound = network.fc.in_features**-0.5
            parameter.uniform_(-bound, bound, generator=generator)


def macs(arm):
    """MACs for one picture; the sparse arm's are the grouped arm's, since it has as many weights in the same places."""
    return count_macs(build("grouped" if arm == "sparse" else arm, seed=0), PICTURE)
