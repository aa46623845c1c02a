"""Walk the network: ResNet-50 and ResNeXt-50 stop by stop."""

import torch
from torch import nn

from resnext_lib import figures
from resnext_lib.complexity import layer_costs
from resnext_lib.explorers.explorer import Explorer
from resnext_lib.networks import resnet50, resnext50_32x4d

CAPTION = (
    "At every stop ResNeXt-50 costs nearly what ResNet-50 costs: they differ by at most 7 %. ResNet-50 above, ResNeXt-50 "
    "below; choose a stop to see one block of each."
)
_STOPS = {
    "stem": ("conv1", "bn1"),
    "conv2": ("layer1",),
    "conv3": ("layer2",),
    "conv4": ("layer3",),
    "conv5": ("layer4",),
    "head": ("fc",),
}  # the paper's names, and the modules they stand for


def _cost_of(costs, *prefixes):
    """Parameters and MACs of the layers whose names begin with a prefix; MACs of linear layers apart."""
    own = [c for c in costs if any(c.name == p or c.name.startswith(f"{p}.") for p in prefixes)]
    linear = sum(c.macs for c in own if c.kind == "Linear")
    return dict(parameters=sum(c.parameters for c in own), convolutions=sum(c.macs for c in own) - linear, linear=linear)


def _layer(name, layer, costs):
    """A box of an ordinary block: kernel, channels, groups and cost."""
    spatial = isinstance(layer, nn.Conv2d)
    return dict(
        kernel="×".join(map(str, layer.kernel_size)) if spatial else "fc",
        channels=layer.weight.shape[0],
        spatial=spatial and layer.kernel_size == (3, 3),
        groups=layer.groups if spatial else 1,
        cost=_cost_of(costs, name),
    )


def _stop_of(network, costs, name, modules):
    """One stop: its cost, the layers of an ordinary block (a stage's second), and what the first block costs."""
    stage, prefix = getattr(network, modules[0]), modules[0]
    found = dict(name=name, cost=_cost_of(costs, *modules))
    if isinstance(stage, nn.Sequential):
        block, prefix = stage[1], f"{modules[0]}.1"
        found |= dict(
            blocks=len(stage),
            paths=block.cardinality,
            width=block.width // block.cardinality,
            ordinary=_cost_of(costs, prefix),
            first=_cost_of(costs, f"{modules[0]}.0"),
        )
    own = [c for c in costs if f"{c.name}.".startswith(f"{prefix}.") and c.kind in ("Conv2d", "Linear")]
    layers = [network.get_submodule(c.name) for c in own]
    last = own[-1].output_shape
    return found | dict(
        layers=[_layer(c.name, layer, costs) for c, layer in zip(own, layers, strict=True)],
        output=last[0],
        input=layers[0].weight.shape[1] * getattr(layers[0], "groups", 1),
        map=last[1] if len(last) == 3 else 0,
    )


def walk_the_network() -> Explorer:
    """ResNet-50 and ResNeXt-50 (32x4d) stage by stage, in parameters or MACs, for images of 128 to 320 pixels."""
    both, bars, rows = (
        [],
        [],
        [["stop", "map", "ResNet-50: C×d", "parameters", "MACs", "ResNeXt-50: C×d", "parameters", "MACs"]],
    )
    for name, build in (("ResNet-50", resnet50), ("ResNeXt-50", resnext50_32x4d)):
        with torch.device("meta"):
            network = build()
        costs = layer_costs(network, (3, 224, 224))
        spatial = sum(c.weight.numel() for n, c in network.named_modules() if n.endswith("conv2"))
        both.append(dict(name=name, spatial=spatial, stages=[_stop_of(network, costs, *stop) for stop in _STOPS.items()]))
    for old, new in zip(*(network["stages"] for network in both), strict=True):
        cells = [old["name"], f"{old['map']}×{old['map']}" if old["map"] else "1×1"]
        for label, stage, blue in (("ResNet", old, False), ("ResNeXt", new, True)):
            cost = stage["cost"]
            cells += [
                f"{stage['paths']}×{stage['width']}" if "paths" in stage else "",
                cost["parameters"],
                cost["convolutions"] + cost["linear"],
            ]
            bars.append((f"{old['name']}, {label}", cost["parameters"], blue))
        rows.append(cells)
    alt = (
        "Pairs of bars for the stem, conv2 to conv5 and the head: the parameters of ResNet-50 and of ResNeXt-50 are "
        "almost equal at every stop, and most of them lie in conv5."
    )
    heading = "Parameters and MACs of every stop, for an image of 224×224"
    return Explorer(
        "walk_the_network", figures.cost_bars(bars, "parameters"), alt, CAPTION, heading, rows, dict(networks=both)
    )
