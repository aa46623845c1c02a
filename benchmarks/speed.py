"""How fast are the forms, the groups, the networks? Every group's arms take turns in one process.

Prints a table and writes resnext_lib/evidence/speed.csv, layers.csv and profile.csv, with the circumstances:
    python -m benchmarks.speed                       everything, about a quarter of an hour on two cores
    python -m benchmarks.speed forms groups          only these; the other rows of the CSV stay
    python -m benchmarks.speed --threads 1 --clock processor      on a machine that has other work to do
The processor's clock counts what the process computed, not what it waited for; use one thread with it.
"""

import argparse
import copy
import csv
import platform
import shutil
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import timm
import torch
from torch import nn
from torch.nn import functional
from torchvision import models

from resnext_lib import forms, networks
from resnext_lib.complexity import count_macs, layer_macs
from resnext_lib.timing import compare, inference_copy
from resnext_lib.training import Recipe, compute

EVIDENCE = Path(__file__).parent.parent / "resnext_lib" / "evidence"
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
LAST = torch.channels_last
BATCH = 8


def images(batch=BATCH):
    return torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def forward(model, x):
    """An arm: one call without gradients."""
    def call():
        with torch.inference_mode():
            model(x)
    return call


def backward(model, x):
    """An arm: forward and backward, gradients of the weights and the input."""
    x = x.clone().requires_grad_()
    return lambda: model(x).sum().backward()


def step(network, x, recipe=None):
    """An arm: one step of training, as in resnext_lib.training."""
    network.train()
    recipe, labels = recipe or Recipe(), torch.arange(len(x))
    if recipe.channels_last:
        network.to(memory_format=LAST)
        x = x.contiguous(memory_format=LAST)  # a loader can hand its batches out like this
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)

    def call():
        optimiser.zero_grad()
        functional.cross_entropy(compute(network, x, recipe), labels).backward()
        optimiser.step()
    return call


def form_arms(arm):
    """The three forms of one block with equal weights, in eval mode."""
    blocks = {f"form {letter}": form(256, 128, 256, 32) for letter, form in
              (("A", forms.FormA), ("B", forms.FormB), ("C", forms.FormC))}
    for block in blocks.values():
        forms.copy_weights(blocks["form A"], block)
    return {name: arm(block.eval(), torch.randn(4, 256, 56, 56)) for name, block in blocks.items()}


def group_arms():
    """A 3x3 from 128 to 128 channels on 56x56, from one group to depthwise."""
    x = torch.randn(BATCH, 128, 56, 56)
    return {f"groups={g}": forward(nn.Conv2d(128, 128, 3, padding=1, groups=g, bias=False), x)
            for g in (1, 2, 4, 8, 16, 32, 64, 128)}


def resnet_arms():
    x = images()
    return {"ResNet-50": forward(networks.resnet50().eval(), x), "ResNeXt-50": forward(networks.resnext50_32x4d().eval(), x)}


def three_networks():
    """torchvision's network as a user would call it, timm's and ours with the same weights; ours twice."""
    reference = models.resnext50_32x4d()
    same = {"timm": timm.create_model("resnext50_32x4d"),
            "ours": networks.resnext50_32x4d(), "ours again": networks.resnext50_32x4d()}
    for network in same.values():
        network.load_state_dict(reference.state_dict())
    return {"torchvision": reference, **same}


def plain_arms(arm):
    x = images()
    return {name: arm(network.eval(), x) for name, network in three_networks().items()}


def inference_arms():
    """From torchvision's default to inference_copy, and beyond: bfloat16, torch.compile where a compiler is."""
    x, reference = images(), models.resnext50_32x4d().eval()
    ours = networks.resnext50_32x4d().eval()
    ours.load_state_dict(reference.state_dict())
    fast = inference_copy(ours)
    models_of = {"channels-last": copy.deepcopy(ours).to(memory_format=LAST),
                 "folded": copy.deepcopy(fast).to(memory_format=torch.contiguous_format),
                 "inference_copy": fast, "inference_copy, bfloat16": inference_copy(ours, precision="bfloat16")}
    if shutil.which("g++"):
        models_of["inference_copy, compiled"] = torch.compile(fast)
    matrix = torch.randn(1024, 1024)
    products = round(BATCH * count_macs(ours, (3, 224, 224)) / 1024**3)
    models_of["as many MACs, nothing else"] = lambda _: [matrix @ matrix for _ in range(products)]
    return {"torchvision": forward(reference, x), **{name: forward(model, x) for name, model in models_of.items()}}


def training_arms():
    recipes = {"channels-last": Recipe(channels_last=True),
               "channels-last, bfloat16": Recipe(channels_last=True, precision="bfloat16")}
    return {"torchvision": step(models.resnext50_32x4d(), images()),
            **{name: step(networks.resnext50_32x4d(), images(), recipe) for name, recipe in recipes.items()}}


GROUPS = {
    "forms, forward": partial(form_arms, forward), "forms, backward": partial(form_arms, backward),
    "groups": group_arms, "resnet and resnext": resnet_arms,
    "plain forward": partial(plain_arms, forward), "plain step": partial(plain_arms, step),
    "inference": inference_arms, "training": training_arms,
}


ALL = [*GROUPS, "layers", "profile"]


def convolutions(network, x):
    """Every convolution of ``network`` once per size: {(layer's sizes): (name, layer, input, output shape, how many)}."""
    found = {}

    def note(name):
        def hook(layer, inputs, output):
            key = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.groups, inputs[0].shape)
            name_of, *rest, count = found.get(key, (name, layer, inputs[0].clone(), output.shape, 0))
            found[key] = (name_of, *rest, count + 1)
        return hook

    hooks = [m.register_forward_hook(note(n)) for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    with torch.inference_mode():
        network(x)
    for hook in hooks:
        hook.remove()
    return list(found.values())


def roofline(**options):
    """Rows for layers.csv: the machine's peak (a matrix product) and bandwidth (a copy), then each convolution."""
    size, numbers = 1024, torch.randn(2**25)
    matrix, target = torch.randn(size, size), torch.empty_like(numbers)
    layers = convolutions(networks.resnext50_32x4d().eval(), images())
    arms = {"peak": lambda: torch.mm(matrix, matrix), "bandwidth": lambda: target.copy_(numbers)}
    arms |= {name: forward(layer, x) for name, layer, x, _, _ in layers}
    work = {"peak": (size**3, 3 * 4 * size**2, 1, 0), "bandwidth": (0, 2 * 4 * numbers.numel(), 1, 0)}
    for name, layer, x, shape, count in layers:
        moved = 4 * (x.numel() + layer.weight.numel() + shape.numel())
        work[name] = layer_macs(layer, shape), moved, layer.groups, count
    return [{"layer": t.name, "macs": work[t.name][0], "bytes": work[t.name][1], "groups": work[t.name][2],
             "times_in_network": work[t.name][3], "median": f"{t.median:.3g}", "spread": f"{t.spread:.2g}"}
            for t in compare(arms, **options)]


def profile(options):
    """Rows for profile.csv: which share of a network's processor time each kind of operation takes."""
    ours, reference, x = networks.resnext50_32x4d().eval(), models.resnext50_32x4d().eval(), images()
    arms = {"ResNet-50": networks.resnet50().eval(), "ResNeXt-50": ours, "torchvision": reference,
            "inference_copy": inference_copy(ours)}
    rows = []
    for name, network in arms.items():
        call = forward(network, x)
        call()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            for _ in range(options.pairs):
                call()
        times = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
        rows += [{"network": name, "operation": key.removeprefix("aten::"), "share": f"{value / sum(times.values()):.3f}"}
                 for key, value in sorted(times.items(), key=lambda item: -item[1])[:5]]
    return rows


def circumstances(options):
    """What a time means nothing without."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
                  if line.startswith("model name")), "") if Path("/proc/cpuinfo").exists() else platform.machine()
    flags = "with" if torch.backends.cpu.get_cpu_capability() == "AVX512" else "without"
    return {"device": f"{model} CPU, {flags} AVX-512", "threads": torch.get_num_threads(), "clock": options.clock,
            "pairs": options.pairs, "batch": BATCH,
            "versions": ", ".join(f"{n} {version(n).split('+')[0]}" for n in ("torch", "torchvision", "timm"))}


def save(name, key, rows):
    """Write ``rows``; rows of the file whose ``key`` is not measured anew stay."""
    path = EVIDENCE / f"{name}.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = [r for r in csv.DictReader(file) if r[key] not in {new[key] for new in rows}] + rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measure(group, options):
    """Time one group; print its table; save its rows."""
    torch.manual_seed(0)
    rows, arms = [], GROUPS[group]()
    for t in compare(arms, options.pairs, clock=CLOCKS[options.clock], memory=True):
        print(f"{group:20} {t.name:26} {1 / t.ratio:6.2f} times the first   spread {t.spread / t.median:4.0%}   "
              f"{t.peak_memory / 2**20:7.1f} MiB", flush=True)
        rows.append({"group": group, "arm": t.name, "median": f"{t.median:.4g}", "spread": f"{t.spread:.2g}",
                     "ratio": f"{t.ratio:.4f}", "peak_memory": t.peak_memory, **circumstances(options)})
    save("speed", "group", rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {ALL}; all without")
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    options = parser.parse_args()
    unknown = set(options.groups) - set(ALL)
    if unknown:
        parser.error(f"no group is called {unknown}; there are {ALL}")
    torch.set_num_threads(options.threads)
    for group in options.groups or ALL:
        if group == "layers":
            rows = roofline(pairs=options.pairs, clock=CLOCKS[options.clock])
            save("layers", "layer", [{**row, **circumstances(options)} for row in rows])
        elif group == "profile":
            save("profile", "network", [{**row, **circumstances(options)} for row in profile(options)])
        else:
            measure(group, options)


if __name__ == "__main__":
    main()
