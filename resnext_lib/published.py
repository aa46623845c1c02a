"""Numbers from elsewhere, with unit, source and place (``published.toml``), and what we measured once."""

import csv
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _tables():
    return tomllib.loads(files("resnext_lib").joinpath("published.toml").read_text(encoding="utf-8"))


def published(name: str) -> dict[str, Any]:
    """The entry ``name`` as a dictionary with at least ``value``, ``unit``, ``source`` and ``place``.

    Raises ``KeyError`` that lists the nearest names.
    """
    from difflib import get_close_matches

    try:
        return _tables()[name]
    except KeyError:
        near = get_close_matches(name, _tables(), n=3, cutoff=0.4)
        raise KeyError(f"no published number is called {name!r}; nearest: {near}") from None


def evidence(name: str) -> list[dict[str, str]]:
    """The rows of ``evidence/<name>.csv`` as dictionaries of strings: an experiment run once, with its circumstances.

    Raises ``FileNotFoundError`` that lists what there is.
    """
    folder = files("resnext_lib").joinpath("evidence")
    path = folder.joinpath(f"{name}.csv")
    if not path.is_file():
        known = sorted(p.name.removesuffix(".csv") for p in folder.iterdir() if p.name.endswith(".csv"))
        raise FileNotFoundError(f"no evidence is called {name!r}; there is {known}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
