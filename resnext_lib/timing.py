"""Honest clocks: arms that take turns in one process, so that what disturbs the machine disturbs all of them;
and ``inference_copy``, a network made ready for use.
"""

import copy
import json
import platform
import tempfile
import time
from collections import namedtuple
from pathlib import Path
from statistics import median, quantiles

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from resnext_lib.arguments import positive_int

CHANGE = {"float32": 1e-4, "bfloat16": 2e-2}  # what rounding may do to an output, against the largest
_Timing = namedtuple("Timing", "name median spread ratio peak_memory device threads")


def compare(arms, pairs=15, warm_up=2, clock=time.perf_counter, memory=False):
    """Time ``{"name": callable, ...}``. A round calls every arm once; each round starts with the next arm.

    Returns one named tuple an arm: name, median and spread (interquartile range) in seconds, the ratio of its median
    to the first arm's, with ``memory`` the bytes of :func:`peak_memory`, device and threads. ``clock`` gives
    seconds. Raises ``TypeError`` or ``ValueError`` for no arms, no callable, fewer than 2 ``pairs``.
    """
    wrong = [name for name, arm in arms.items() if not callable(arm)]
    if wrong or not arms:
        raise TypeError(f"arms must be {{name: function without arguments}}: {wrong or arms} will not do")
    if positive_int("pairs", pairs) < 2:
        raise ValueError(f"pairs must be 2 or more, not {pairs}: one has no spread")
    names, seconds = list(arms), {name: [] for name in arms}
    for name in names * positive_int("warm_up", warm_up):
        arms[name]()
    cuda = torch.cuda.is_available()
    wait = torch.cuda.synchronize if cuda else int  # a GPU answers before it has finished
    for turn in range(pairs):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            wait()
            start = clock()
            arms[name]()
            wait()
            seconds[name].append(clock() - start)
    middle, quarters = ({n: f(s) for n, s in seconds.items()} for f in (median, quantiles))
    device = torch.cuda.get_device_name() if cuda else f"{platform.machine()} CPU"
    return [_Timing(n, middle[n], quarters[n][2] - quarters[n][0], middle[n] / middle[names[0]],
                    peak_memory(arms[n]) if memory else None, device, torch.get_num_threads()) for n in names]


def peak_memory(call):
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


@torch.no_grad()
def inference_copy(model, example=None, precision="float32"):
    """A copy in eval mode, batch norms folded into the convolutions that they read, channels-last.

    ``model`` stays as it is. Who reads what is found by running ``example``, a batch (N, C, H, W), by default noise
    of 64x64. With ``precision="bfloat16"`` the copy computes in it, and takes and gives float32 all the same. Raises
    ``TypeError`` unless ``model`` is a module, ``ValueError`` if outputs change by ``CHANGE`` of the largest.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}")
    if precision not in CHANGE:
        raise ValueError(f"precision must be one of {list(CHANGE)}, not {precision!r}")
    fast, made, reads = copy.deepcopy(model).eval(), [], {}
    layers = dict(fast.named_modules())
    convs, norms = ([n for n, m in layers.items() if type(m) is kind] for kind in (nn.Conv2d, nn.BatchNorm2d))
    if example is None:
        example = torch.randn(2, layers[convs[0]].in_channels if convs else 3, 64, 64, generator=torch.Generator())
    hooks = [layers[n].register_forward_hook(lambda m, x, y, n=n: made.append((n, y))) for n in convs]
    hooks += [layers[n].register_forward_pre_hook(lambda m, x, n=n: reads.update({n: x[0]})) for n in norms]
    expected = fast(example)
    for hook in hooks:
        hook.remove()
    for norm, conv in [(norm, conv) for norm, x in reads.items() for conv, y in made if y is x]:
        fast.set_submodule(conv, fuse_conv_bn_eval(layers[conv], layers[norm]))
        fast.set_submodule(norm, nn.Identity())
    fast.to(memory_format=torch.channels_last)
    if precision == "bfloat16":
        fast.bfloat16().register_forward_pre_hook(lambda m, inputs: tuple(x.bfloat16() for x in inputs))
        fast.register_forward_hook(lambda m, inputs, output: output.float())
    change = (fast(example) - expected).abs().max()
    if not change <= CHANGE[precision] * expected.abs().max():
        raise ValueError(f"the copy's outputs change by {change:.2g}: is a convolution or batch norm of model used "
                         "twice, or does it give nan?")
    return fast
