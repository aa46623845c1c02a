"""What one path of a trained block carries: its term of the sum, and the network without it.

A block is ``relu(bn3(path 0 + path 1 + ...) + shortcut)``: arXiv 1611.05431, Eq. 2 and 3, Fig. 3(a). Paths count from
0. The functions take blocks of form A, B or C, and any other that names its parts as these do.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional

BATCH = 500  # pictures at once when statistics are estimated


def without_path(network: nn.Module, block: str, path: int | Sequence[int], images: torch.Tensor | None = None) -> nn.Module:
    """A copy of ``network`` in which ``path`` of the block named ``block`` adds nothing to the sum.

    ``path`` is one number, or several as a tuple. Their part of the last 1x1 becomes 0.

    The batch norm behind the sum still has the mean and variance of a sum *with* the path: the copy suffers from the
    missing path and from statistics that no longer fit. With ``images``, training pictures as the network takes them
    ``(N, channels, H, W)``, normalised, this batch norm gets the mean and variance that its input has on them without
    the path; without ``images`` nothing is estimated again. Later blocks keep their statistics either way.

    ``network`` itself does not change. Raises ``ValueError`` for a block or path that is not there, or fewer than two
    images; ``TypeError`` for images that are no tensor.
    """
    chosen = _block_called(network, block)
    numbers = _paths_of(chosen, block, path)
    if images is not None:
        _check(images)
    network = copy.deepcopy(network)
    chosen = network.get_submodule(block)
    with torch.no_grad():
        for number in numbers:
            _last_weight(chosen, number).zero_()
    if images is not None:
        set_statistics(network, f"{block}.bn3" if block else "bn3", images)
    return network


def set_statistics(network: nn.Module, name: str, images: torch.Tensor) -> None:
    """Give the batch norm called ``name`` the mean and variance of its input over ``images``, in eval mode, in place.

    The variance is the unbiased one, as torch stores it. Sums are kept in float64. All other layers stay as they are.
    """
    layer = network.get_submodule(name)
    weight = next(network.parameters())
    count, total, squares = 0, 0, 0

    def add(module, inputs):
        nonlocal count, total, squares
        values = inputs[0].double()
        count += values.numel() // values.shape[1]
        total = total + values.sum(dim=(0, 2, 3))
        squares = squares + values.square().sum(dim=(0, 2, 3))

    handle = layer.register_forward_pre_hook(add)
    try:
        with torch.no_grad(), in_eval_mode(network):
            for batch in images.split(BATCH):
                network(batch.to(weight))
    finally:
        handle.remove()
    mean = total / count
    layer.running_mean.copy_(mean)
    layer.running_var.copy_((squares - count * mean.square()) / (count - 1))


@contextmanager
def in_eval_mode(network: nn.Module) -> Iterator[None]:
    """All of ``network`` in eval mode, then every module in the mode that it had."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def path_contributions(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What each path of ``block`` adds to the sum in front of the last batch norm, for the input ``x``.

    Shapes: ``(N, in_channels, H, W)`` to ``(cardinality, N, out_channels, H/stride, W/stride)``. Summed over the first
    dimension they are the input of ``bn3``. Raises ``ValueError`` in train mode, where the call would move the
    statistics of the block's batch norms, and for a module that is no block.
    """
    if not _is_block(block):
        raise ValueError(
            f"block must be a block of form A, B or C, not a {type(block).__name__}: choose one such as network.layer1[0]"
        )
    if block.training:
        raise ValueError("block is in train mode, where looking at it moves its statistics: call block.eval() first")
    layers = [block.conv3] if hasattr(block, "conv3") else [path.conv3 for path in block.paths]
    seen = []
    handles = [layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0])) for layer in layers]
    try:
        block.transform(x)
    finally:
        for handle in handles:
            handle.remove()
    middle = torch.cat(seen, dim=1)  # (N, width, H/stride, W/stride), path after path
    parts = middle.chunk(block.cardinality, dim=1)
    return torch.stack([functional.conv2d(part, _last_weight(block, number)) for number, part in enumerate(parts)])


def _last_weight(block, path):
    """The weight of the last 1x1 that belongs to ``path``, ``(out_channels, d, 1, 1)``: a view, to be read or set."""
    if not hasattr(block, "conv3"):
        return block.paths[path].conv3.weight  # form A
    width = block.conv3.weight.shape[1] // block.cardinality
    return block.conv3.weight[:, path * width : (path + 1) * width]


def _is_block(module):
    return all(hasattr(module, name) for name in ("bn3", "cardinality", "transform")) and (
        hasattr(module, "conv3") or hasattr(module, "paths")
    )


def _block_called(network, name):
    blocks = {known: module for known, module in network.named_modules() if _is_block(module)}
    if name not in blocks:
        known = ", ".join(blocks) or "none at all"
        raise ValueError(f"block must be the name of a block, not {name!r}; this network has {known}")
    return blocks[name]


def _paths_of(block, name, path):
    """``path`` as a tuple of numbers that the block has."""
    numbers = tuple(path) if isinstance(path, (tuple, list, set, range)) else (path,)
    wrong = [n for n in numbers if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < block.cardinality]
    if wrong or not numbers:
        raise ValueError(f"path must be 0 to {block.cardinality - 1} in {name}, not {wrong[0] if wrong else path!r}")
    return numbers


def _check(images):
    if not torch.is_tensor(images):
        raise TypeError(
            f"images must be a tensor of normalised pictures (N, channels, H, W), not a "
            f"{type(images).__name__}: data.normalise(pixels, mean, spread) makes one"
        )
    if images.ndim != 4 or len(images) < 2:
        raise ValueError(f"images must be two pictures or more of shape (N, channels, H, W), not {tuple(images.shape)}")
    if not images.is_floating_point():
        raise TypeError(f"images must be normalised numbers, not {images.dtype}: data.normalise(pixels, mean, spread)")
