"""Batch norm's stored statistics, estimated again for all layers at once."""

import torch
from torch import nn

BATCH = 500


@torch.no_grad()
def average_statistics(network, images):
    """Set the statistics of every batch norm to the average over ``images`` (normalised), in place; return the network.

    One pass in train mode in batches of 500, each batch normalised by itself as in training. The network is left in
    eval mode, momentum as it was.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momentum = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the average over all batches instead of a moving one
    network.train()
    for batch in images.split(BATCH):
        network(batch)
    for norm, value in zip(norms, momentum, strict=True):
        norm.momentum = value
    return network.eval()
