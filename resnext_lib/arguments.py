"""Checks of arguments: an error names the argument, its value and what would work."""

import inspect
import math
import numbers
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn


def positive_int(name: str, value: Any) -> int:
    """Return ``value`` as an int, or say that ``name`` must be a whole number of 1 or more.

    Raises ``TypeError`` for strings, floats and booleans, ``ValueError`` below 1.
    """
    try:
        number = operator.index(None if isinstance(value, bool) else value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number such as 4, but got {value!r} ({type(value).__name__})") from None
    if number < 1:
        raise ValueError(f"{name} must be 1 or more, but got {name}={number}")
    return number


def positive_ints(name: str, values: Any) -> tuple[int, ...]:
    """Return ``values`` as a tuple of ints of 1 or more; errors name the offending element."""
    try:
        given = None if isinstance(values, (str, bytes, Mapping)) else list(values)
    except TypeError:  # no iterable, or an array or tensor without dimensions
        given = None
    if given is None:
        raise TypeError(f"{name} must be a list of whole numbers such as (3, 4, 6, 3), not {values!r}")
    return tuple(positive_int(f"{name}[{i}]", value) for i, value in enumerate(given))


def finite(name: str, value: Any) -> float:
    """Return ``value`` as a float, or say that ``name`` must be a finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number such as 2.5, but got {value!r} ({type(value).__name__})")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, but got {name}={value}")
    return float(value)


def switch(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False; ``"no"`` would count as true without a word."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, but got {value!r} ({type(value).__name__})")
    return value


def torch_module(name: str, value: Any) -> nn.Module:
    """Return ``value`` if it is a ``torch.nn.Module``."""
    if not isinstance(value, nn.Module):
        given = f"the class {value.__name__}, not built yet" if isinstance(value, type) else f"{type(value).__name__}"
        raise TypeError(f"{name} must be a torch.nn.Module such as resnext50_32x4d(), but got {given}")
    return value


def checked_block_class(name: str, value: Any) -> Callable[..., nn.Module]:
    """Return ``value`` if it can be called as ``value(in_channels, width, out_channels, cardinality, stride)``."""
    wanted = (
        f"{name} must be a class with the bottleneck's arguments (in_channels, width, out_channels, cardinality, "
        "stride), such as Bottleneck, FormA or functools.partial(SEBottleneck, reduction=8)"
    )
    if not callable(value) or isinstance(value, nn.Module):
        raise TypeError(
            f"{wanted}, not {value!r}"
            if isinstance(value, (str, type(None), numbers.Number))
            else f"{wanted}, not an object of type {type(value).__name__}"
        )
    try:
        inspect.signature(value).bind("in_channels", "width", "out_channels", "cardinality", "stride")
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}, but {getattr(value, '__name__', value)!r} takes others") from None
    return value


def divides(cardinality: int, width: int, width_name: str = "width", name: str = "cardinality") -> None:
    """Raise ``ValueError`` unless ``cardinality`` divides ``width``; name the nearest that work."""
    if width % cardinality == 0:
        return
    divisors = [c for c in range(1, width + 1) if width % c == 0]
    nearest = min(divisors, key=lambda c: (abs(c - cardinality), c))
    below = width // cardinality * cardinality
    widths = " or ".join(str(w) for w in (below, below + cardinality) if w > 0)
    raise ValueError(
        f"{name}={cardinality} does not divide {width_name}={width}: the paths would be unequal. "
        f"Nearest that work: {name}={nearest}, or {width_name}={widths}"
    )


def has_channels(x: Any, expected: int, name: str) -> torch.Tensor:
    """Return ``x`` if it is a batch ``(N, expected, H, W)``, else raise ``ValueError``; ``name`` set the channels."""
    if x.ndim != 4 or x.shape[1] != expected:
        raise ValueError(
            f"expected a batch of shape (N, {expected}, H, W) because {name}={expected}, but got "
            f"{tuple(x.shape)}. Build with {name}=<channels of your images>, and add the batch dimension "
            "with x.unsqueeze(0) if it is missing"
        )
    return x


# torch.fx traces a network with a stand-in for its images, which has no shape yet. To a trace this function
# is one opaque step, so that the traced network still refuses images of other channels in these words.
torch.fx.wrap("has_channels")


def check_images(network: nn.Module, x: Any, smallest: int = 1) -> torch.Tensor:
    """Return ``x`` if ``network`` can take it as a batch of images, else raise before anything is computed.

    ``network`` has ``image_channels`` and ``last_map(size)``, the size of its last feature map for images of
    ``size`` pixels; images smaller than ``smallest`` leave none. Raises ``TypeError`` for what is no tensor,
    ``ValueError`` for another shape, type or device than the network's, and for a batch from which batch norm
    can take no variance.
    """
    if isinstance(x, torch.fx.Proxy):
        return has_channels(x, network.image_channels, "image_channels")
    if torch.jit.is_tracing():  # sizes are tensors there, and torch warns of every comparison
        return x
    check_tensor(network, x, network.image_channels, "image_channels")
    height, width = x.shape[2:]
    if height < smallest or width < smallest:
        raise ValueError(
            f"images of {height}x{width} are too small: {type(network).__name__} needs "
            f"{smallest}x{smallest} or more, so that its last feature map has a pixel"
        )
    check_variance(network, x, network.last_map)
    return x


def check_tensor(network: nn.Module, x: Any, channels: int, name: str) -> None:
    """Raise unless ``x`` is a tensor of ``channels`` channels, of the type and on the device of the weights."""
    if not torch.is_tensor(x):
        raise TypeError(
            f"expected a batch of images as a tensor (N, {channels}, H, W), but got {type(x).__name__}; "
            "torch.as_tensor(array) makes one of an array"
        )
    if x.layout not in (torch.strided, torch._mkldnn):
        raise ValueError(f"the images are a sparse tensor ({x.layout}): use x.to_dense()")
    has_channels(x, channels, name)
    weight = next(network.parameters(), None)  # None in a replica that DataParallel made
    if weight is None:
        return
    if x.dtype != weight.dtype and not (x.is_floating_point() and autocast_is_on(x.device.type)):
        target = str(weight.dtype).removeprefix("torch.")
        if x.is_floating_point():
            remedy = f"use x.to(torch.{target}), or bring the network to the images with network.to({x.dtype})"
        else:
            remedy = f"pixels from 0 to 255 become numbers from 0 to 1 with x.to(torch.{target}) / 255"
        raise ValueError(f"the images are {x.dtype}, but the network's weights are {weight.dtype}: {remedy}")
    if x.device != weight.device:
        raise ValueError(
            f"the images are on device {x.device}, but the network's weights are on {weight.device}: "
            f"use x.to({str(weight.device)!r}), or network.to({str(x.device)!r})"
        )


def check_variance(network: nn.Module, x: Any, last_map: Callable[[int], int]) -> None:
    """Raise when batch norm, in train mode, would see fewer than two numbers of each channel."""
    if not network.training:
        return
    images, _, height, width = x.shape
    if images * last_map(height) * last_map(width) > 1:
        return
    if any(isinstance(layer, nn.BatchNorm2d) and layer.training for layer in network.modules()):
        given = f"{images} image{'' if images == 1 else 's'} of {height}x{width}"
        raise ValueError(
            f"a batch of {given} is too small for train mode: batch norm takes a variance, which one number "
            "a channel has not. Use 2 images or more (a DataLoader drops a shorter last batch with "
            "drop_last=True), larger images, or network.eval()"
        )


def autocast_is_on(device_type: str) -> bool:
    """Whether mixed precision is on: its layers bring floating-point numbers to one type by themselves."""
    try:
        return torch.is_autocast_enabled(device_type)
    except TypeError:  # torch before 2.4 has one function for each kind of device
        return torch.is_autocast_enabled() or torch.is_autocast_cpu_enabled()
