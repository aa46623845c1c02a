"""Numbers taken from elsewhere, each with its unit, source and place; the data is ``published.toml``."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def _tables():
    return tomllib.loads(files("resnext_lib").joinpath("published.toml").read_text(encoding="utf-8"))


def published(name):
    """The entry ``name`` as a dictionary with at least ``value``, ``unit``, ``source`` and ``place``.

    Raises ``KeyError`` that lists the nearest names.
    """
    from difflib import get_close_matches

    try:
        return _tables()[name]
    except KeyError:
        near = get_close_matches(name, _tables(), n=3, cutoff=0.4)
        raise KeyError(f"no published number is called {name!r}; nearest: {near}") from None
