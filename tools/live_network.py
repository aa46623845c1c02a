"""Write what "Look inside a ResNeXt" runs on: ``python -m tools.live_network``, some minutes on one core.

The weights of the book's trained network in eight and sixteen bits, test pictures, the statistics that its batch norms
have when paths are missing, and what torch answers: all into resnext_lib/explorers/look_inside.json. Then
`make notebooks` puts them on the pages.
"""

import argparse
import base64
import copy
import json
import sys

import numpy
import torch
from torch import nn

from resnext_lib import data
from resnext_lib.paths import BATCH, path_contributions, without_path
from resnext_lib.weights import trained_small_resnext
from tools.facts import ROOT
from tools.writing import check_file, replace

FILE = ROOT / "resnext_lib" / "explorers" / "look_inside.json"
BLOCKS = [f"layer{stage}.{number}" for stage in (1, 2, 3) for number in (0, 1)]
STILL = "layer1.1"  # the block of the static picture, and the one that is shown first: its maps still look like clothes
EIGHT_BITS_FROM = 5_000  # a layer of fewer weights costs little and is kept in float16
MISTAKES = 6  # pictures that the network gets wrong, the surest first

# Paths of every block that are off together, counted from 0, with the words of the page.
PRESETS = {
    "path 3 of every block": [2],
    "every second path of every block": list(range(1, 16, 2)),
}


def packed(values, kind):
    """Numbers as text, five letters for four bytes: ``kind`` is "b" (one byte, signed), "B" (one byte) or "e" (float16).

    The alphabet of ``base64.b85encode`` needs no escaping inside a script, and is a sixteenth shorter than base64.
    """
    array = numpy.asarray(values, dtype=numpy.dtype(kind).newbyteorder("<"))
    return base64.b85encode(array.tobytes(), pad=True).decode("ascii")


def half(values):
    """``values`` as float16, which the page holds; refused where one is too large for it."""
    with numpy.errstate(over="ignore"):
        array = numpy.asarray(values, dtype=numpy.float16)
    if not numpy.isfinite(array).all():
        raise ValueError("a number does not fit into float16, 65,504 at most")
    return array


def eight_bits(weight):
    """A weight as whole numbers -127 to 127 and one float16 scale for each output channel: ``integers * scale``."""
    rows = weight.detach().double().flatten(1).numpy()
    largest = abs(rows).max(axis=1)
    scales = half(numpy.where(largest > 0, largest / 127, 1)).astype(numpy.float64)
    integers = numpy.clip(numpy.round(rows / scales[:, None]), -127, 127)
    return integers.astype(numpy.int8), scales


def layers_of(network):
    """The convolutions and the linear layer by name, in the order in which the page reads them."""
    return [(name, layer) for name, layer in network.named_modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]


def norms_of(network):
    return [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.BatchNorm2d)]


def weights(network):
    """The network's numbers, packed, with the names and shapes that say where each belongs."""
    layers = layers_of(network)
    large = [eight_bits(layer.weight) for _, layer in layers if layer.weight.numel() >= EIGHT_BITS_FROM]
    small = [layer.weight.detach().flatten() for _, layer in layers if layer.weight.numel() < EIGHT_BITS_FROM]
    columns = [[n.running_mean, n.running_var, n.weight.detach(), n.bias.detach()] for _, n in norms_of(network)]
    return {
        "eight_bits_from": EIGHT_BITS_FROM,
        "layers": [[name, list(layer.weight.shape)] for name, layer in layers],
        "integers": packed(numpy.concatenate([integers.ravel() for integers, _ in large]), "b"),
        "scales": packed(half(numpy.concatenate([scales for _, scales in large])), "e"),
        "halves": packed(half(torch.cat(small)), "e"),
        "norms": [[name, layer.num_features] for name, layer in norms_of(network)],
        "norm_numbers": packed(half(torch.cat([torch.cat(column) for column in columns])), "e"),
        "bias": [round(value, 7) for value in network.fc.bias.tolist()],
        "blocks": [[name, network.get_submodule(name).stride] for name in BLOCKS],
    }


def middle_moments(network, images):
    """Mean and unbiased covariance of each block's middle maps, what its last 1x1 reads, over all places of ``images``.

    The sum of any choice of paths is a matrix times these maps, so its mean and variance follow from them.
    """
    found = {name: [0, 0, 0] for name in BLOCKS}

    def hook(name):
        def add(module, inputs):
            maps = inputs[0].transpose(0, 1).flatten(1).double()  # (width, pictures and places)
            count, total, products = found[name]
            found[name] = [count + maps.shape[1], total + maps.sum(dim=1), products + maps @ maps.T]

        return add

    handles = [network.get_submodule(name).conv3.register_forward_pre_hook(hook(name)) for name in BLOCKS]
    with torch.no_grad():
        for batch in images.split(BATCH):
            network(batch)
    for handle in handles:
        handle.remove()
    moments = {}
    for name, (count, total, products) in found.items():
        mean = total / count
        moments[name] = mean, (products - count * torch.outer(mean, mean)) / (count - 1)
    return moments


def packed_moments(moments):
    """Of a covariance the lower triangle, row by row: the other half is the same."""
    return {
        name: {
            "mean": packed(half(mean), "e"),
            "covariance": packed(half(covariance[numpy.tril_indices(len(covariance))]), "e"),
        }
        for name, (mean, covariance) in moments.items()
    }


def without_in_every_block(network, paths, images):
    """A copy of ``network`` without these paths in any block; block after block the norm behind its sum is measured anew."""
    for name in BLOCKS:
        network = without_path(network, name, tuple(paths), images)
    return network


def right_answers(network, test, start=0):
    """How many of ``test`` are right: (normalised pictures or inputs of block number ``start``, labels)."""
    x, labels = test
    right = 0
    with torch.inference_mode():
        for batch, truth in zip(x.split(BATCH), labels.split(BATCH), strict=True):
            for name in BLOCKS[start:]:
                batch = network.get_submodule(name)(batch)
            right += int((network.fc(network.avgpool(batch).flatten(1)).argmax(dim=1) == truth).sum())
    return right


def stem(network, x):
    with torch.inference_mode():
        return torch.cat([torch.relu(network.bn1(network.conv1(batch))) for batch in x.split(BATCH)])


def norm_without(block, moments, paths):
    """Mean and variance of the sum of ``block`` without ``paths``, from the moments of its middle maps."""
    weight = block.conv3.weight.detach().flatten(1).double()
    width = weight.shape[1] // block.cardinality
    for path in paths:
        weight = weight.index_fill(1, torch.arange(path * width, (path + 1) * width), 0)
    mean, covariance = moments
    return weight @ mean, ((weight @ covariance) * weight).sum(dim=1)


def single_removals(network, moments, test):
    """For each block: right answers without its shortcut, and for each path with statistics kept and re-estimated."""
    x, found = stem(network, test[0]), {}
    for start, name in enumerate(BLOCKS):
        found[name] = {"paths": []}
        for path in range(network.cardinality):
            without = without_path(network, name, path)
            kept = right_answers(without, (x, test[1]), start)
            norm = without.get_submodule(name).bn3
            mean, variance = norm_without(network.get_submodule(name), moments[name], [path])
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            found[name]["paths"].append([kept, right_answers(without, (x, test[1]), start)])
        found[name]["shortcut"] = right_answers(without_shortcuts(network, [name]), (x, test[1]), start)
        print(name, found[name], flush=True)
        with torch.inference_mode():
            x = network.get_submodule(name)(x)
    return found


class _WithoutShortcut(nn.Module):
    """A block of which only ``relu(transform(x))`` is left."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, x):
        return torch.relu(self.block.transform(x))


def without_shortcuts(network, names):
    """A copy of ``network`` in which the blocks of these names add no shortcut."""
    network = copy.deepcopy(network)
    for name in names:
        stage, number = name.split(".")
        getattr(network, stage)[int(number)] = _WithoutShortcut(network.get_submodule(name))
    return network


def presets(network, images, test):
    """Each preset: its paths, means and variances behind the sums, right answers with statistics kept and re-estimated."""
    found = []
    for label, paths in PRESETS.items():
        kept = network
        for name in BLOCKS:
            kept = without_path(kept, name, tuple(paths))
        renewed = without_in_every_block(network, paths, images)
        norms = [renewed.get_submodule(name).bn3 for name in BLOCKS]
        right = [right_answers(each, (stem(each, test[0]), test[1])) for each in (kept, renewed)]
        print(label, right, flush=True)
        numbers = half(torch.cat([torch.cat([norm.running_mean, norm.running_var]) for norm in norms]))
        found.append({"label": label, "paths": paths, "norms": packed(numbers, "e"), "right": right})
    return found


def chosen(shares, labels):
    """Test pictures to show: of each class the first that is right and not quite certain, and the surest mistakes."""
    sure, answers = shares.max(dim=1)
    right = answers == labels
    fitting = [torch.nonzero(right & (labels == c) & (sure > 0.8) & (sure < 0.999)).flatten()[0].item() for c in range(10)]
    wrong = torch.where(right, torch.zeros_like(sure), sure).argsort(descending=True)[:MISTAKES].tolist()
    return [fitting[9], *fitting[:9], *wrong]  # the boot first


def pictures(network, images, x):
    """The pictures with the class that the data set gives them, and torch's last numbers for each."""
    with torch.inference_mode():
        logits = network(x)
    index = chosen(logits.softmax(dim=1), images.labels)
    return {
        "index": index,
        "pixels": packed(images.pixels[index], "B"),
        "labels": images.labels[index].tolist(),
        "logits": [[round(value, 4) for value in row] for row in logits[index].tolist()],
    }


def still(network, x):
    """What the static picture shows of the first picture: a block's middle maps, and how much each part adds."""
    block, seen = network.get_submodule(STILL), []
    handles = [
        block.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0])),
        block.conv3.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0])),
    ]
    with torch.inference_mode():
        network(x)
        for handle in handles:
            handle.remove()
        factor = block.bn3.weight / (block.bn3.running_var + block.bn3.eps).sqrt()
        terms = path_contributions(block, seen[0])[:, 0] * factor.view(1, -1, 1, 1)
        sizes = torch.cat([terms, block.shortcut(seen[0])]).square().mean(dim=(1, 2, 3)).sqrt()
    maps = seen[1][0].flatten(1)
    maps = (255 * maps / maps.max()).round().to(torch.uint8)
    return {"maps": packed(maps, "B"), "sizes": [round(size, 3) for size in sizes.tolist()]}


def made():
    """The whole file's content."""
    torch.set_num_threads(1)
    network = trained_small_resnext()
    train, test = data.fashion_subset("train"), data.fashion_subset("test")
    mean, spread = data.mean_and_spread(train)
    images, x = data.normalise(train.pixels, mean, spread), data.normalise(test.pixels, mean, spread)
    moments, tests = middle_moments(network, images), (x, test.labels)
    shown = pictures(network, test, x)
    return {
        "paths": network.cardinality,
        "classes": list(test.classes),
        "mean": round(mean.item(), 8),
        "spread": round(spread.item(), 8),
        **weights(network),
        "moments": packed_moments(moments),
        "presets": presets(network, images, tests),
        "test": {
            "pictures": len(x),
            "right": right_answers(network, (stem(network, x), test.labels)),
            "without": single_removals(network, moments, tests),
        },
        "shown": shown,
        "still": still(network, x[shown["index"][:1]]),
    }


def main(arguments=None):
    argparse.ArgumentParser("python -m tools.live_network", description=__doc__).parse_args(arguments)
    check_file(FILE)
    lines = ",\n".join(f'"{name}":{json.dumps(value, separators=(",", ":"))}' for name, value in made().items())
    replace({FILE: f"{{\n{lines}\n}}\n"})


if __name__ == "__main__":
    sys.exit(main())
