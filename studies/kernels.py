"""Which routine runs a convolution: read from oneDNN's own log, in a child process that keeps it.

oneDNN, the library behind torch's convolutions on the CPU, prints a line for each routine when ONEDNN_VERBOSE=1:
    onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx2,forward_training,src:… wei:… dst:…,…,alg:…,g2mb8_ic128…,137.9
The line's own header names the columns, and they are read by these names.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

# The beginning of an implementation's name, without "x64:", and what it is. The first that fits counts.
KINDS = (
    ("jit_dw", "depthwise"),
    ("jit_uni_dw", "depthwise"),
    ("brdgmm", "depthwise"),
    ("gemm", "matrix products"),
    ("jit_gemm", "matrix products"),
    ("brg", "blocked matrix products"),
    ("jit_1x1", "direct 1x1"),
    ("jit", "direct"),
    ("ref", "plain loops"),
)
ELSEWHERE = "not oneDNN"  # torch runs 1x1s on one thread, and single small images, itself: as matrix products of a BLAS


@dataclass(frozen=True)
class Call:
    """One call of a routine: what it computes, its name, the problem's sizes, milliseconds with the log on."""

    primitive: str
    implementation: str
    sizes: dict
    milliseconds: float

    @property
    def kind(self):
        """The routine's kind in a word or two; its own name where it is none of the known."""
        name = self.implementation.removeprefix("x64:")
        return next((kind for start, kind in KINDS if name.startswith(start)), self.implementation)


@dataclass(frozen=True)
class Spec:
    """A convolution and its input, as plain numbers that can be handed to a child process."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    padding: int
    groups: int
    batch: int
    side: int
    channels_last: bool = False

    def build(self):
        """(layer without bias, input), both in the layout asked for."""
        layer = nn.Conv2d(
            self.in_channels, self.out_channels, self.kernel, self.stride, self.padding, groups=self.groups, bias=False
        )
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        x = torch.randn(self.batch, self.in_channels, self.side, self.side)
        return layer.to(memory_format=layout), x.contiguous(memory_format=layout)


def parse(log):
    """The calls in a log of oneDNN, in order. Lines of other programs, and of other kinds, are passed over.

    Raises ``ValueError`` when there are calls but no header before them, or a line does not fit its header.
    """
    columns, calls = None, []
    for line in log.splitlines():
        if not line.startswith("onednn_verbose,"):
            continue
        if ",primitive,info,template:" in line:
            columns = line.partition("template:")[2].split(",")
        elif ",primitive,exec," in line:
            calls.append(_call(line, columns))
    return calls


def _call(line, columns):
    if columns is None:
        raise ValueError(f"oneDNN's log has a call before the header that names its columns: {line}")
    # "operation" of the header stands for what follows "primitive,": "exec".
    values = line.partition(",primitive,")[2].split(",")
    if len(values) != len(columns):
        raise ValueError(f"oneDNN's log has {len(values)} values for the {len(columns)} columns {columns}: {line}")
    named = dict(zip(columns, values, strict=True))
    return Call(named["primitive"], named["implementation"], sizes(named["problem_desc"]), float(named["exec_time"]))


def sizes(problem):
    """``g2mb8_ic128oc128_ih56…`` as {"g": 2, "mb": 8, "ic": 128, …}; without a "g" there is one group."""
    if not problem.startswith(("g", "mb")):
        return {}  # a rearrangement has a shape like 8x128x56x56
    return {"g": 1} | {name: int(number) for name, number in re.findall(r"([a-z]+)(\d+)", problem)}


def by_layer(log):
    """{name: calls} for a log in which the line ``layer NAME`` stands before the calls of each."""
    parts = re.split(r"^layer (.*)\n", log, flags=re.MULTILINE)
    header = "\n".join(line for line in log.splitlines() if ",info,template:" in line)
    return {name: parse(f"{header}\n{part}") for name, part in zip(parts[1::2], parts[2::2], strict=True)}


def kernels(specs, threads):
    """{name: (implementation, kind, rearrangements)} of ``{name: Spec}``, from a child process that runs each once.

    Rearrangements are copies of the input, weights or output into another order, of which oneDNN's direct routines
    need some at every call. Raises ``RuntimeError`` when the child fails, ``ValueError`` for a log that is about
    another layer.
    """
    order = json.dumps({"threads": threads, "specs": {name: asdict(spec) for name, spec in specs.items()}})
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "studies.kernels"],
        input=order,
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "ONEDNN_VERBOSE": "1", "OMP_NUM_THREADS": str(threads)},
    )
    if done.returncode:
        raise RuntimeError(f"the child process that keeps oneDNN's log failed:\n{done.stderr[-2000:]}")
    return {name: _verdict(name, specs[name], calls) for name, calls in by_layer(done.stdout).items()}


def _verdict(name, spec, calls):
    convolutions = [call for call in calls if call.primitive == "convolution"]
    if not convolutions:
        return ELSEWHERE, ELSEWHERE, 0
    call = convolutions[0]
    told = {"g": spec.groups, "mb": spec.batch, "ic": spec.in_channels, "oc": spec.out_channels, "ih": spec.side}
    if len(convolutions) > 1 or {key: call.sizes.get(key) for key in told} != told:
        raise ValueError(f"{name}: oneDNN's log tells of {[c.sizes for c in convolutions]}, not of {told}")
    return call.implementation, call.kind, sum(other.primitive == "reorder" for other in calls)


def main():
    """The child: runs every layer once, with its name in front, into the log."""
    order = json.load(sys.stdin)
    torch.set_num_threads(order["threads"])
    with torch.inference_mode():
        nn.Conv2d(2, 2, 3)(torch.randn(2, 2, 9, 9))  # makes the header come before the first layer
        for name, spec in order["specs"].items():
            layer, x = Spec(**spec).build()
            print(f"layer {name}", flush=True)
            layer(x)


if __name__ == "__main__":
    main()
