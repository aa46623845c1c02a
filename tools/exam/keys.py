"""A function for each question of ``teaching/exam.md``: from the numbers that the seed chose to those in text and key.

They come from the library's blocks and counts, or from a layer that is run, never from a typed result.
"""

from functools import cache
from itertools import product

import torch
from torch import nn

from resnext_lib import complexity, descendants, networks, statistics
from resnext_lib.blocks import Bottleneck, Inception, projection
from resnext_lib.complexity import bottleneck_weights, count_parameters, layer_costs, width_for_budget, width_limit
from resnext_lib.figures import reach
from resnext_lib.forms import FormA


def _conv(inputs, outputs, kernel, groups=1, stride=1, bias=False):
    """A convolution that keeps the map's size at stride 1, without memory for its weights."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias, device="meta")


def _macs(layer, side):
    return complexity.count_macs(layer, (layer.in_channels, side, side))


def _listed(numbers):
    return ", ".join(str(number) for number in numbers)


def _yes(truth):
    return "yes" if truth else "no"


# ------------------------------------------------------------------ 1: what a convolution costs


def doubled_side(inputs, outputs, kernel, side):
    layer = _conv(inputs, outputs, kernel)
    once, twice = _macs(layer, side), _macs(layer, 2 * side)
    return {"weights": count_parameters(layer), "macs": once, "factor": twice // once, "double": 2 * side}


def two_counts(inputs, outputs, side, mistake):
    layer = _conv(inputs, outputs, 3, stride=2)
    right, what = _macs(layer, side), "operations"
    if mistake == "flops":
        wrong, why = 2 * right, "it counts multiplications and additions apart, two for each MAC"
    elif mistake == "stride":
        wrong, why = (
            _macs(_conv(inputs, outputs, 3), side),
            "it counts the places of the input map; stride 2 leaves a quarter",
        )
    else:
        right, what = count_parameters(layer), "parameters"
        wrong = count_parameters(_conv(inputs, outputs, 3, bias=True))
        why = f"it counts {outputs} biases, one for each output channel, which this layer does not have"
    return {"right": right, "wrong": wrong, "what": what, "why": why}


def which_to_cut(early, late):
    first, second = _conv(early, early, 3), _conv(late, late, 3)
    weights = [count_parameters(layer) for layer in (first, second)]
    macs = [_macs(first, 56), _macs(second, 7)]
    heavy, busy = ("PQ"[numbers.index(max(numbers))] for numbers in (weights, macs))
    return {
        "weights_p": weights[0],
        "weights_q": weights[1],
        "macs_p": macs[0],
        "macs_q": macs[1],
        "heavy": heavy,
        "busy": busy,
    }


# ------------------------------------------------------------------ 2: Inception


def _inception(inputs, one, reduce3, three, reduce5, five, pool):
    with torch.device("meta"):
        return Inception(
            inputs,
            conv1x1=one,
            reduce3x3=reduce3,
            conv3x3=three,
            reduce5x5=reduce5,
            conv5x5=five,
            pool_projection=pool,
        )


def module_output(inputs, one, three, five, pool):
    module = _inception(inputs, one, 24, three, 12, five, pool)
    return {"channels": module.out_channels, "mistake": module.out_channels + 24 + 12}


def reduction_pays(inputs, outputs, kernel):
    direct = count_parameters(_conv(inputs, outputs, kernel))
    per_channel = count_parameters(_conv(inputs, 1, 1)) + count_parameters(_conv(1, outputs, kernel))
    most = max(r for r in range(1, direct) if r * per_channel < direct)
    return {"direct": direct, "per_channel": per_channel, "most": most, "first_dearer": most + 1}


def design_a_module(inputs, outputs, budget):
    """The widest 3×3 branch, among a few, that keeps output and budget."""
    for share in (2, 4):
        for reduce3, reduce5 in product((64, 48, 32, 16, 8), (16, 8, 4)):
            three = outputs // share
            five = pool = (outputs - three) // 4
            one = outputs - three - five - pool
            module = _inception(inputs, one, reduce3, three, reduce5, five, pool)
            weights = sum(layer.weight.numel() for layer in module.modules() if isinstance(layer, nn.Conv2d))
            if weights <= budget:
                middle = f"1×1 to {reduce3}, 3×3 to {three}; 1×1 to {reduce5}, 5×5 to {five}"
                widths = f"1×1 to {one}; {middle}; pooling, 1×1 to {pool}"
                return {"widths": widths, "weights": weights, "dense": count_parameters(_conv(inputs, outputs, 5))}
    raise ValueError("no module keeps this budget")


# ------------------------------------------------------------------ 3: residual learning


def which_failure(shallow_train, shallow_test, deep_train, deep_test):
    overfits = deep_train < shallow_train and deep_test > shallow_test
    says = "overfitting: it fits the training pictures better, and new ones worse"
    fails = "training itself that fails: already on the training pictures the deeper one is worse, although it could copy"
    cure = "more data, augmentation or weight decay help; a shortcut need not"
    return {
        "verdict": says if overfits else fails,
        "cure": cure if overfits else "a shortcut, which makes copying the easy case",
    }


def projection_needed(inputs, outputs, stride):
    with torch.device("meta"):
        shortcut = projection(inputs, outputs, stride)
    weights = sum(layer.weight.numel() for layer in shortcut.modules() if isinstance(layer, nn.Conv2d)) if shortcut else 0
    reasons = [f"{inputs} channels cannot be added to {outputs}"] * (inputs != outputs)
    reasons += ["the block's map has half the side"] * (stride != 1)
    return {
        "needed": _yes(weights > 0),
        "weights": weights,
        "why": " and ".join(reasons) or "channels and map are the same, so the identity will do",
    }


def moved_past_norm(bias, mean, variance, scale):
    norm = nn.BatchNorm2d(1, eps=1e-12).double()
    norm.weight.data.fill_(scale)
    x = torch.tensor([1.0, 3.0, 5.0, 7.0]).double().reshape(4, 1, 1, 1)
    norm.train()
    in_training = (norm(x + bias) - norm(x)).abs().max().item()
    norm.running_mean.fill_(mean)
    norm.running_var.fill_(variance)
    norm.eval()
    return {
        "in_training": f"{round(in_training, 6):g}",
        "in_evaluation": f"{(norm(x + bias) - norm(x)).mean().item():.3g}",
        "new_mean": mean + bias,
    }


# ------------------------------------------------------------------ 4: grouped convolution


def _reads(layers, channels, output):
    """The inputs that reach an output, measured."""
    return reach(layers, channels)[output].nonzero().flatten().tolist()


def _grouped(inputs, outputs, groups):
    return nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups, bias=False)


def group_reads(groups, reads, writes, output):
    layer = _grouped(groups * reads, groups * writes, groups)
    return {
        "inputs": groups * reads,
        "outputs": groups * writes,
        "answer": _listed(_reads(layer, groups * reads, output)),
        "group": output // writes + 1,
        "shape": tuple(layer.weight.shape),
    }


def groups_from_weights(inputs, outputs, groups, side):
    layer = _conv(inputs, outputs, 3, groups)
    weights = count_parameters(layer)
    dense = count_parameters(_conv(inputs, outputs, 3))
    return {"weights": weights, "dense": dense, "quotient": dense // weights, "macs": _macs(layer, side)}


def who_meets(first, second):
    layers = nn.Sequential(_grouped(12, 12, first), _grouped(12, 12, second))
    found = _reads(layers, 12, 0)
    whole = nn.Sequential(_grouped(12, 12, first), nn.Conv2d(12, 12, 1, bias=False))
    return {"reached": _listed(found), "count": len(found), "with_1x1": len(_reads(whole, 12, 0))}


# ------------------------------------------------------------------ 5: the ResNeXt block


def spend_the_budget(paths, channels):
    budget = bottleneck_weights(1, channels // 4, channels)
    d = width_for_budget(paths, budget, channels)
    around = {width: bottleneck_weights(paths, width, channels) for width in (d - 1, d, d + 1) if width}
    return {
        "budget": budget,
        "d": d,
        "tried": "; ".join(f"d = {width}: {weights:,}" for width, weights in around.items()),
        "middle": paths * d,
        "before": channels // 4,
        "limit": width_limit(budget, channels),
    }


def divided_input(paths, d):
    """The paths read all of the input; divided, each of them reads its own part."""
    first, divided = _conv(256, paths * d, 1), _conv(256, paths * d, 1, paths)
    block = nn.Sequential(
        nn.Conv2d(256, paths * d, 1, groups=paths),
        nn.Conv2d(paths * d, paths * d, 1, groups=paths),
        nn.Conv2d(paths * d, 256, 1),
    )
    one = 256 // paths
    return {
        "part": one,
        "whole_weights": count_parameters(first),
        "divided_weights": count_parameters(divided),
        "output_reads": len(_reads(block, 256, 0)),
        "path_reads": one,
    }


def name_to_numbers(paths, d):
    widths = networks.group_widths(d, (64, 128, 256, 512))
    block = Bottleneck(256, paths * widths[0], 256, cardinality=paths)
    return {
        "name": f"{paths}x{d}d",
        "ds": _listed(widths),
        "middles": _listed(paths * width for width in widths),
        "change": f"Bottleneck(256, {block.conv2.out_channels}, 256, cardinality={block.conv2.groups})",
    }


# ------------------------------------------------------------------ 6: three forms


def one_product(a, b, c, d):
    first, second = torch.tensor([[a, 1], [0, 2]]), torch.tensor([[1, b], [2, 0]])
    x, y = torch.tensor([c, 1]), torch.tensor([2, d])
    summed = first @ x + second @ y
    stacked = torch.cat([first, second], dim=1)
    assert torch.equal(stacked @ torch.cat([x, y]), summed)
    rows = " and ".join(" ".join(map(str, row)) for row in stacked.tolist())
    return {
        "parts": f"{tuple((first @ x).tolist())} + {tuple((second @ y).tolist())}",
        "sum": tuple(summed.tolist()),
        "rows": rows,
    }


def norm_split(low, high, other):
    def norm(x):
        return (x - x.mean()) / x.std(correction=0)

    one, two = torch.tensor([0.0, low]), torch.tensor([float(high), other])
    after, before = norm(one + two), norm(one) + norm(two)

    def shown(x):
        return " and ".join(f"{number:.3g}" for number in x.tolist())

    return {"sums": shown(one + two), "after": shown(after), "before": shown(before)}


CHANGES = {
    "relu": ("each path's output goes through a ReLU before the sum", "a ReLU of a sum is not the sum of the ReLUs"),
    "constant": ("each path's output is multiplied by a constant of its own", "it goes into that path's last 1×1"),
    "bias": ("each path's last 1×1 gets a bias", "the biases add up to one bias of the single 1×1"),
    "square": ("each path's output is squared before the sum", "the square of a sum has mixed terms"),
}


def still_three_forms(change):
    """Whether one convolution over the stacked middles can equal the changed sum: linear in them, up to a constant."""
    torch.manual_seed(0)
    weights = torch.randn(4, 6, 3, dtype=torch.float64)  # four paths, each from 3 to 6 channels

    def block(x):
        parts = torch.einsum("poi,npi->npo", weights, x)
        changed = {
            "relu": parts.relu(),
            "constant": parts * torch.arange(1.0, 5.0).reshape(1, 4, 1),
            "bias": parts + torch.arange(4.0).reshape(1, 4, 1),
            "square": parts**2,
        }
        return changed[change].sum(dim=1)

    x, y = torch.randn(2, 1, 4, 3, dtype=torch.float64)
    zero = block(torch.zeros_like(x))
    keeps = torch.allclose(block(x + y) - zero, block(x) - zero + block(y) - zero)
    words, why = CHANGES[change]
    return {"words": words, "keeps": _yes(keeps), "why": why}


# ------------------------------------------------------------------ 7: ResNeXt-50


def doubles_or_not(paths, d, stage):
    middle = paths * d * 2 ** (stage - 2)
    kept, other = _conv(middle, middle, 3, paths), _conv(middle, middle, 3, middle // d)
    return {
        "width": middle,
        "kept": count_parameters(kept),
        "other": count_parameters(other),
        "factor": count_parameters(kept) // count_parameters(other),
        "wide": middle // paths,
        "many": middle // d,
    }


def stage_weights(paths, d, stage):
    stage_width = 64 * 2 ** (stage - 2)
    with torch.device("meta"):
        made = networks.make_stage(Bottleneck, 2 * stage_width, stage_width, 2, 2, cardinality=paths, bottleneck_width=d)
    convs = {name: layer for name, layer in made.named_modules() if isinstance(layer, nn.Conv2d)}
    counts = [convs[f"1.conv{number}"].weight.numel() for number in (1, 2, 3)]
    return {
        "inputs": 4 * stage_width,
        "middle": convs["1.conv2"].out_channels,
        "each": " + ".join(f"{count:,}" for count in counts),
        "weights": sum(counts),
        "d_there": convs["1.conv2"].in_channels // paths,
    }


def _transform(groups=32, strides=(1, 2), order=slice(None)):
    """A block's three convolutions, 64 channels wide; ``order`` is that of the channels between the first and the second."""

    class Transform(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(64, 64, 1, strides[0], bias=False)
            self.conv2 = nn.Conv2d(64, 64, 3, strides[1], padding=1, groups=groups, bias=False)
            self.conv3 = nn.Conv2d(64, 64, 1, bias=False)

        def forward(self, x):
            return self.conv3(self.conv2(self.conv1(x)[:, order]))

    return Transform()


INTERLEAVED = torch.arange(64).reshape(32, 2).T.flatten()
# What is wrong with a block, and such a block.
FAULTS = {
    "dense": ("its 3×3 has no groups", {"groups": 1}),
    "stride": ("its stride stands in the first 1×1, not in the 3×3", {"strides": (2, 1)}),
    "interleaved": ("its groups take every second channel instead of neighbours", {"order": INTERLEAVED}),
}


def which_test_rejects(fault):
    """Which of three tests tells the faulty block from the right one: weights, MACs, outputs with the same weights."""
    words, options = FAULTS[fault]
    torch.manual_seed(0)
    right, faulty = _transform(), _transform(**options)
    x, same_shapes = torch.randn(2, 64, 14, 14), count_parameters(right) == count_parameters(faulty)
    if same_shapes:
        faulty.load_state_dict(right.state_dict())
    with torch.no_grad():
        rejects = {
            "weights": not same_shapes,
            "MACs": complexity.count_macs(right, (64, 14, 14)) != complexity.count_macs(faulty, (64, 14, 14)),
            "outputs": not same_shapes or not torch.allclose(right(x), faulty(x), atol=1e-5),
        }
    answers = {name[0].lower(): _yes(found) for name, found in rejects.items()}
    return answers | {"words": words, "cheapest": next(name for name, found in rejects.items() if found)}


# ------------------------------------------------------------------ 8: a ResNeXt at work


def loss_of_a_path(pictures, lost, gained):
    change = torch.cat([torch.ones(lost), -torch.ones(gained), torch.zeros(pictures - lost - gained)]).double()
    points, error = 100 * change.mean().item(), 100 * change.std().item() / pictures**0.5
    return {
        "points": f"{points:.2f}",
        "error": f"{error:.2f}",
        "times": f"{points / error:.1f}",
        "sure": "more than two standard errors: not chance in the choice of pictures"
        if points > 2 * error
        else "less than two standard errors: it may be chance in the choice of pictures",
    }


def second_thing_breaks(paths, mean, variance):
    """Each path adds a number of this mean and variance; the stored statistics are those of all paths."""
    norm = nn.BatchNorm2d(1, eps=0).eval()
    norm.running_mean.fill_(paths * mean)
    norm.running_var.fill_(paths * variance)
    without = norm(torch.full((1, 1, 1, 1), float((paths - 1) * mean))).item()
    return {"stored": paths * mean, "now": (paths - 1) * mean, "shift": f"{without:.2f}", "spread": paths * variance}


# ------------------------------------------------------------------ 9: more paths, or wider, or deeper?


def by_pairs(shift, noise):
    """Two networks that vary together from seed to seed."""
    base = [5.0, 5.6, 4.7, 5.9, 5.2]
    first = {seed: round(value, 1) for seed, value in enumerate(base)}
    second = {
        seed: round(value - shift + noise * sign, 1)
        for (seed, value), sign in zip(first.items(), (1, -1, 0, 1, -1), strict=True)
    }
    found = statistics.paired(first, second)
    half = found["high"] - found["mean"]
    return {
        "first": _listed(first.values()),
        "second": _listed(second.values()),
        "ranges": f"{min(first.values())} to {max(first.values())}, and {min(second.values())} to {max(second.values())}",
        "differences": _listed(round(first[seed] - second[seed], 1) for seed in first),
        "mean": f"{found['mean']:.2f}",
        "half": f"{half:.2f}",
        "quantile": f"{half / found['spread'] * found['seeds'] ** 0.5:.2f}",
        "verdict": "B is better"
        if found["low"] > 0
        else "nothing is shown: 0 lies inside, and a true difference may as well",
    }


def runs_needed(effect, spread):
    table = {count: statistics.power(effect, spread, count) for count in (3, 5, 8, 12, 16, 20, 24, 28, 32)}
    exact, exact_half = (statistics.seeds_needed(wanted, spread) for wanted in (effect, effect / 2))
    return {
        "table": "; ".join(f"{count} pairs: {chance:.0%}" for count, chance in table.items()),
        "pairs": next(count for count, chance in table.items() if chance >= 0.8),
        "three": f"{table[3]:.0%}",
        "exact": exact,
        "exact_half": exact_half,
        "half_effect": f"{effect / 2:g}",
        "factor": f"{exact_half / exact:.1f}",
    }


def a_control(paths, d):
    """Blocks that have the width of the middle, or its weights, without having the paths."""
    middle, budget = paths * d, bottleneck_weights(paths, d)
    return {
        "middle": middle,
        "budget": budget,
        "same_width": bottleneck_weights(1, middle),
        "times": f"{bottleneck_weights(1, middle) / budget:.1f}",
        "same_budget": width_for_budget(1, budget),
        "few_paths": f"2 paths of width {width_for_budget(2, budget)}, a middle of {2 * width_for_budget(2, budget)}",
    }


# ------------------------------------------------------------------ 10: operations are not seconds


def fold_it(weight, mean, deviation, scale, shift):
    layer, norm = nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0).eval()
    layer.weight.data.fill_(weight)
    for held, number in (
        (norm.running_mean, mean),
        (norm.running_var, deviation**2),
        (norm.weight.data, scale),
        (norm.bias.data, shift),
    ):
        held.fill_(number)
    at_zero, at_one = (norm(layer(torch.full((1, 1, 1, 1), x))).item() for x in (0.0, 1.0))
    return {"new_weight": f"{at_one - at_zero:g}", "new_bias": f"{at_zero:g}"}


def why_slow(paths, d, side):
    shape = (256, side, side)
    with torch.device("meta"):
        blocks = [form(256, paths * d, 256, cardinality=paths) for form in (FormA, Bottleneck)]
    layers = [[cost for cost in layer_costs(block, shape) if cost.macs] for block in blocks]
    written = [complexity.count_activations(block, shape) for block in blocks]
    return {
        "macs": complexity.count_macs(blocks[0], shape),
        "macs_c": complexity.count_macs(blocks[1], shape),
        "calls": len(layers[0]),
        "calls_c": len(layers[1]),
        "written": written[0],
        "written_c": written[1],
        "more": f"{written[0] / written[1]:.0f}",
    }


# ------------------------------------------------------------------ 11: what became of the idea


def shuffle_or_not(channels, groups):
    """What reaches output 0 of two grouped layers, without a shuffle and with one between them."""
    size = channels // groups

    class Shuffle(nn.Module):
        def forward(self, x):
            return x.reshape(len(x), groups, size, *x.shape[2:]).transpose(1, 2).flatten(1, 2)

    first, second = _grouped(channels, channels, groups), _grouped(channels, channels, groups)
    without = _reads(nn.Sequential(first, second), channels, 0)
    shuffled = _reads(nn.Sequential(first, Shuffle(), second), channels, 0)
    dense = nn.Sequential(first, Shuffle(), nn.Conv2d(channels, channels, 1, bias=False))
    plain = nn.Sequential(first, nn.Conv2d(channels, channels, 1, bias=False))
    return {
        "without": len(without),
        "with_shuffle": len(shuffled),
        "before_dense": len(_reads(dense, channels, 0)),
        "plain_dense": len(_reads(plain, channels, 0)),
    }


@cache
def _networks():
    """{network: (millions of parameters, thousand millions of MACs at 224×224)}."""
    with torch.device("meta"):
        built = {
            "ResNet-50": networks.resnet50(),
            "ResNeXt-50 (32x4d)": networks.resnext50_32x4d(),
            "RegNetX-3.2GF": descendants.regnet_x_3_2gf(),
        }
    return {
        name: (count_parameters(network) / 1e6, complexity.count_macs(network, (3, 224, 224)) / 1e9)
        for name, network in built.items()
    }


def choose_one(weight_limit, mac_limit):
    costs = _networks()
    fit = [name for name, (weights, macs) in costs.items() if weights <= weight_limit and macs <= mac_limit]
    return {
        "counts": "; ".join(f"{name}: {weights:.1f} and {macs:.1f}" for name, (weights, macs) in costs.items()),
        "fit": _listed(fit) or "none of the three",
    }
