"""Checks of arguments: an error names the argument, its value and what would work."""

import operator


def positive_int(name, value):
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


def positive_ints(name, values):
    """Return ``values`` as a tuple of ints of 1 or more; errors name the offending element."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name} must be a list of whole numbers such as (3, 4, 6, 3), not {values!r}")
    return tuple(positive_int(f"{name}[{i}]", value) for i, value in enumerate(values))


def divides(cardinality, width, width_name="width", name="cardinality"):
    """Raise ``ValueError`` unless ``cardinality`` divides ``width``; name the nearest that work."""
    if width % cardinality == 0:
        return
    divisors = [c for c in range(1, width + 1) if width % c == 0]
    nearest = min(divisors, key=lambda c: (abs(c - cardinality), c))
    below = width // cardinality * cardinality
    widths = " or ".join(str(w) for w in (below, below + cardinality) if w > 0)
    raise ValueError(f"{name}={cardinality} does not divide {width_name}={width}: the paths would be unequal. "
                     f"Nearest that work: {name}={nearest}, or {width_name}={widths}")


def has_channels(x, expected, name):
    """Raise ``ValueError`` unless ``x`` is a batch ``(N, expected, H, W)``; ``name`` set the channels."""
    if x.ndim != 4 or x.shape[1] != expected:
        raise ValueError(f"expected a batch of shape (N, {expected}, H, W) because {name}={expected}, but got "
                         f"{tuple(x.shape)}. Build with {name}=<channels of your images>, and add the batch dimension "
                         "with x.unsqueeze(0) if it is missing")
