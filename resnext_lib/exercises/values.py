"""Answers as plain values: the same number, list or tensor counts alike in whatever kind it is given.

A check never compares what it was given. It first turns it into Python's own numbers and lists or into a float64
tensor, here and once, and compares those. So an ``np.int64`` or a ``Fraction`` is a number everywhere, a list will do
for a tuple, and an object that claims to equal everything equals nothing but the number it holds.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

import numpy
import torch

from resnext_lib.exercises.delegation import call
from resnext_lib.exercises.verdicts import NotYet, expect

NOTHING_RETURNED = "your function returns nothing: is `return` missing?"
# What may differ in a number that is not whole, as part of it, and of a zero: it may have been computed in float32, and
# float(...) and .item() do not show that. The mistakes that a check names are farther off.
RELATIVE, ABSOLUTE = 2e-5, 1e-7
HALF = ("float16", "bfloat16")


def _refuse_half(dtype):
    name = str(dtype).removeprefix("torch.")
    expect(name not in HALF, f"give the number in float32 or float64: {name} keeps three digits only")


def own_tensor(given: torch.Tensor) -> torch.Tensor:
    """A tensor as PyTorch's own, on the CPU, dense, without gradient; a subclass may pretend."""
    with torch._C.DisableTorchFunctionSubclass():
        plain = torch.Tensor.as_subclass(given, torch.Tensor).detach()
        expect(plain.device.type != "meta", "your tensor has no numbers: it is on the device meta")
        return plain.to_dense().cpu() if plain.layout != torch.strided else plain.cpu()


def _scalar(given):
    """A number, and a tensor or array of one element, as int or float; else None."""
    if isinstance(given, (torch.Tensor, numpy.ndarray, numpy.generic)):
        given = own_tensor(given) if isinstance(given, torch.Tensor) else given
        if numpy.prod(given.shape) != 1:
            return None
        _refuse_half(given.dtype)
        given = given.item()
    if isinstance(given, int):
        return int.__add__(given, 0)  # a subclass may redefine everything else
    if isinstance(given, float):
        return float.__add__(given, 0.0)
    if isinstance(given, Integral):
        return int(given)
    if isinstance(given, (Rational, Decimal)):
        exact = Fraction(given) if not isinstance(given, Decimal) or given.is_finite() else None
        return exact.numerator if exact is not None and exact.denominator == 1 else float(given)
    return float(given) if isinstance(given, Real) else None


def number(given: Any) -> Any:
    """``given``, if it is a number."""
    expect(given is not None, NOTHING_RETURNED)
    found = _scalar(given)
    expect(found is not None, f"give a number, not {type(given).__name__}")
    return found


def whole_number(given: Any, sentence: str) -> int:
    """``given`` as an int; a float is refused with ``sentence``."""
    found = number(given)
    expect(isinstance(found, int), sentence)
    return found


def truth(given: Any, sentence: str) -> bool:
    """``given`` as a bool, if it is True or False; ``sentence`` otherwise."""
    expect(given is not None, NOTHING_RETURNED)
    found = _scalar(given)
    expect(found in (0, 1), sentence)
    return bool(found)


def text(given: Any, sentence: str) -> str:
    """``given`` as a str, if it is one; ``sentence`` otherwise."""
    expect(given is not None, NOTHING_RETURNED)
    expect(isinstance(given, str), sentence)
    return str.__str__(given)


def items(given: Any, sentence: str, length: int | None = None) -> list:
    """What a list, tuple, array or tensor holds, as a list; ``sentence`` for everything else."""
    expect(given is not None, NOTHING_RETURNED)
    if isinstance(given, (torch.Tensor, numpy.ndarray)):
        expect(given.ndim > 0, sentence)
        found = list(own_tensor(given) if isinstance(given, torch.Tensor) else given)
    elif isinstance(given, list):
        found = list.__getitem__(given, slice(None))
    elif isinstance(given, tuple):
        found = list(tuple.__getitem__(given, slice(None)))
    else:
        expect(isinstance(given, (range, deque)), sentence)
        found = list(given)
    expect(length in (None, len(found)), sentence)
    return found


def table(given: Any, sentence: str, keys: Iterable | None = None) -> dict:
    """A dictionary as a dict, in the order of ``keys`` where they are given; ``sentence`` for everything else."""
    expect(isinstance(given, Mapping), sentence)
    found = dict(dict.items(given)) if isinstance(given, dict) else dict(given)
    expect(keys is None or set(found) == set(keys), sentence)
    return found if keys is None else {key: found[key] for key in keys}


# ------------------------------------------------------------------ comparing numbers


def near(given: Any, value: Any) -> bool:
    """Equal but for rounding? Whole numbers are equal or not."""
    if isinstance(given, int) and isinstance(value, int):
        return given == value
    return abs(given - value) <= RELATIVE * abs(value) + ABSOLUTE


def expect_number(given: Any, right: Any, mistakes: Mapping[Any, str], unit: str = "") -> None:
    """Compare numbers; ``mistakes`` maps a known wrong value to the sentence that names the mistake."""
    given = number(given)
    expect_near(given, right, mistakes, f"{given:,} {unit} is not it".replace("  ", " "))


def expect_near(given: Any, right: Any, mistakes: Mapping[Any, str], otherwise: str) -> None:
    """As :func:`expect_number`; ``otherwise`` is said of a wrong value that is not known."""
    given = number(given)
    if near(given, right):
        return
    known = [sentence for value, sentence in mistakes.items() if near(given, value)]
    raise NotYet(known[0] if known else otherwise)


# ------------------------------------------------------------------ comparing tensors


def tensor(given: Any, sentence: str) -> tuple[torch.Tensor, float]:
    """A tensor, an array or a list of numbers in float64, and the error that its numbers allow.

    A float64 tensor that holds float32 numbers was computed in float32 and converted.
    """
    if isinstance(given, numpy.ndarray):
        expect(given.dtype.kind in "biuf", sentence)
        _refuse_half(given.dtype)
        given = torch.from_numpy(given.copy())
    if isinstance(given, (list, tuple)):
        try:
            given = torch.tensor([number(value) for value in given], dtype=torch.float64)
        except NotYet:
            raise NotYet(sentence) from None
    expect(isinstance(given, torch.Tensor) and not given.is_complex(), sentence)
    found = own_tensor(given)
    _refuse_half(found.dtype)
    found = found.double()
    return found, 1e-4 if torch.equal(found, found.float().double()) else 1e-10


def same(given: Any, right: Any) -> bool:
    """Whether two tensors have one shape and the same numbers but for rounding: 1e-10, in float32 1e-4."""
    found, tolerance = tensor(given, "give a tensor")
    right = right.double()
    return found.shape == right.shape and bool((found - right).abs().le(tolerance).all())


def expect_close(given: Any, right: Any, message: str) -> None:
    """Compare tensors at 1e-10, shapes first; at 1e-4 if the answer was computed in float32."""
    found, _ = tensor(given, f"give a tensor, not {type(given).__name__}")
    expect(found.shape == right.shape, f"the shape is {tuple(found.shape)}, but it should be {tuple(right.shape)}")
    expect(same(given, right), message)


def normal_numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal random numbers of ``shape`` in float64, the same for the same ``seed``."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def in_either_precision(compute: Callable[[torch.dtype], Any]) -> Any:
    """``compute(dtype)`` in float64; in float32 where the answer makes float32 tensors of its own, as PyTorch does."""
    try:
        return compute(torch.float64)
    except RuntimeError as error:
        if not re.search(r"dtype|scalar type|type Double|Float", str(error)):
            raise
        return compute(torch.float32)


def copies(value: Any, dtype: torch.dtype) -> Any:
    """``value`` with a copy of every tensor in it, also in lists, in ``dtype``."""
    if isinstance(value, list):
        return [copies(part, dtype) for part in value]
    return value.to(dtype, copy=True) if isinstance(value, torch.Tensor) else value


def call_with_copies(answer: Callable, *values: Any) -> Any:
    """What ``answer`` gives for copies of the tensors in ``values``, in either precision."""
    return in_either_precision(lambda dtype: call(answer, *copies(list(values), dtype)))
