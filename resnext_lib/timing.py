"""Honest clocks: arms that take turns in one process, so that what disturbs the machine disturbs all of them."""

import json
import platform
import random
import tempfile
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch

from resnext_lib.arguments import positive_int

_Timing = namedtuple("Timing", "name median spread ratio peak_memory device threads")


def compare(
    arms: dict[str, Callable[[], Any]],
    pairs: int = 15,
    warm_up: int = 2,
    clock: Callable[[], float] = time.perf_counter,
    memory: bool = False,
    seed: int = 0,
    pause: float = 0.0,
) -> list[_Timing]:
    """Time ``{"name": callable, ...}``. A round calls every arm once, in an order drawn anew with ``seed``.

    Returns one named tuple an arm: name, median and spread (interquartile range) in seconds, the ratio of its median
    to the first arm's, with ``memory`` the bytes of :func:`peak_memory`, device and threads. ``clock`` gives
    seconds; ``pause`` is how many of them to rest before each call, for arms whose idle threads wait busily.
    Raises ``TypeError`` or ``ValueError`` for no arms, no callable, fewer than 2 ``pairs``, no whole ``seed``.
    """
    names, order = list(_checked(arms, pairs)), random.Random(_seed(seed))
    for name in names * positive_int("warm_up", warm_up):
        arms[name]()
    seconds = {name: [] for name in names}
    for _ in range(pairs):
        # Shuffled, not rotated: in a rotation each arm runs behind the same one in nearly every round.
        for name in order.sample(names, len(names)):
            time.sleep(pause)
            seconds[name].append(_seconds_of(arms[name], clock))
    middle, quarters = ({n: f(s) for n, s in seconds.items()} for f in (median, quantiles))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{platform.machine()} CPU"
    return [
        _Timing(
            n,
            middle[n],
            quarters[n][2] - quarters[n][0],
            middle[n] / middle[names[0]],
            peak_memory(arms[n]) if memory else None,
            device,
            torch.get_num_threads(),
        )
        for n in names
    ]


def _seconds_of(call, clock):
    """How long ``call`` takes."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else int  # a GPU answers before it has finished
    wait()
    start = clock()
    call()
    wait()
    return clock() - start


def _checked(arms, pairs):
    """``arms``, or our words for what is wrong with them or with ``pairs``."""
    if not isinstance(arms, dict) or not arms:
        raise TypeError(f"arms must be {{name: function without arguments}}: {arms!r} will not do")
    if wrong := [name for name, arm in arms.items() if not callable(arm)]:
        raise TypeError(f"arms must be {{name: function without arguments}}: {wrong} will not do")
    if positive_int("pairs", pairs) < 2:
        raise ValueError(f"pairs must be 2 or more, not {pairs}: one has no spread")
    return arms


def _seed(seed):
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be a whole number such as 0, not {seed!r}")
    return seed


def peak_memory(call: Callable[[], Any]) -> int:
    """Bytes that ``call`` held at once in new tensors, as torch's allocators report; a library's scratch is not in it."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    with tempfile.TemporaryDirectory() as folder:
        profiler.export_chrome_trace(f"{folder}/trace.json")
        events = json.loads(Path(folder, "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    held = [0]
    for event in sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"]):
        held.append(held[-1] + event["args"]["Bytes"])
    return max(held)
