"""Every check accepts the right answer, names the usual mistakes, and never crashes."""

import ast
import copy
import math
import statistics
import subprocess
import sys
from fractions import Fraction

import pytest
import torch
from notebooks_for_tests import CHAPTERS, declarations, declared_cells, execute_up_to
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from resnext_lib import descendants, exercises, forms, networks
from resnext_lib.blocks import Bottleneck, Inception, ResidualBlock
from resnext_lib.complexity import bottleneck_weights, count_macs, count_parameters, width_for_budget
from resnext_lib.networks import GOOGLENET_MODULES
from tools.notebooks import read

CHECKS = {name: check for name, check in vars(exercises).items() if hasattr(check, "hint")}
# These build whole networks. Without data they are quick; test_chapter_solution runs them for real.
NETWORK_CHECKS = {"small_change", "write_a_test"}


# ------------------------------------------------------------------ answers that need more than a line


class Block(nn.Module):
    """A residual block whose parts can be spoilt one at a time."""

    def __init__(
        self,
        i,
        w,
        o,
        c=1,
        s=1,
        *,
        bias=False,
        groups=None,
        strides=None,
        projected=True,
        norms=True,
        padding=1,
        always=False,
    ):
        super().__init__()
        first, middle, last = strides or (1, s, 1)
        norm = nn.BatchNorm2d if norms else nn.Identity
        self.conv1, self.bn1 = nn.Conv2d(i, w, 1, first, bias=bias), norm(w)
        self.conv2 = nn.Conv2d(w, w, 3, middle, padding, groups=groups or c, bias=bias)
        self.bn2, self.conv3, self.bn3 = norm(w), nn.Conv2d(w, o, 1, last, bias=bias), norm(o)
        self.project = None
        if always or projected and (s > 1 or i != o):
            self.project = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=bias), norm(o))

    def transform(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))

    def shortcut(self, x):
        return x if self.project is None else self.project(x)

    def forward(self, x):
        return torch.relu(self.transform(x) + self.shortcut(x))


class InputSplit(Block):
    def __init__(self, i, w, o, c, s):
        super().__init__(i, w, o, c, s)
        self.conv1 = nn.Conv2d(i, w, 1, groups=c, bias=False)


class NoLastRelu(Block):
    def forward(self, x):
        return self.transform(x) + self.shortcut(x)


class ReluBeforeSum(Block):
    def forward(self, x):
        return torch.relu(self.transform(x)) + self.shortcut(x)


class NoShortcut(Block):
    def forward(self, x):
        return torch.relu(self.transform(x))


class NoReluInside(Block):
    def transform(self, x):
        return self.bn3(self.conv3(self.bn2(self.conv2(self.bn1(self.conv1(x))))))


def spoilt(block=Block, **options):
    """The ResNeXt block with a mistake."""
    return lambda i, w, o, c, s: block(i, w, o, c, s, **options)


def spoilt_bottleneck(block=Block, **options):
    return lambda i, w, o, s: block(i, w, o, 1, s, **options)


def stride_on_first(i, w, o, c=1, s=1):
    return Block(i, w, o, c, s, strides=(s, 1, 1))


class ThreeA(nn.Module):
    """Inception 3a with layers defined in another order than they run, and parts that can be spoilt."""

    def __init__(
        self, reduce=True, reduce3=True, large=5, project=True, bias=True, padding=2, relu=True, order=(0, 1, 2, 3)
    ):
        super().__init__()
        convolution = lambda *arguments: nn.Conv2d(*arguments, bias=bias)  # noqa: E731
        self.after_pool = convolution(192, 32, 1) if project else nn.Identity()
        self.reduce5 = convolution(192, 16, 1) if reduce else nn.Identity()
        self.reduce3 = convolution(192, 96, 1) if reduce3 else nn.Identity()
        self.large = convolution(16 if reduce else 192, 32, large, 1, padding if large == 5 else 1)
        self.middle, self.one = convolution(96 if reduce3 else 192, 128, 3, 1, 1), convolution(192, 64, 1)
        self.relu, self.order = torch.relu if relu else nn.Identity(), order

    def forward(self, x):
        r = self.relu
        branches = [
            r(self.one(x)),
            r(self.middle(r(self.reduce3(x)))),
            r(self.large(r(self.reduce5(x)))),
            r(self.after_pool(functional.max_pool2d(x, 3, 1, 1))),
        ]
        return torch.cat([branches[i] for i in self.order], 1)


def own_stride_first(layers):
    side, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        side += (kernel - 1) * step
    return side


def last_stride_only(layers):
    side, step = 1, 1
    for kernel, stride in layers:
        side, step = side + (kernel - 1) * step, stride
    return side


class PathNorms(forms.FormA):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        for path in self.paths:
            path.add_module("bn3", nn.BatchNorm2d(self.out_channels))
        self.bn3 = nn.Identity()


class OwnFormA(nn.Module):
    """Form A with ``nn`` only."""

    def __init__(self, i, w, o, c, s):
        super().__init__()
        d = w // c
        self.paths = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(i, d, 1, bias=False),
                nn.BatchNorm2d(d),
                nn.ReLU(),
                nn.Conv2d(d, d, 3, s, 1, bias=False),
                nn.BatchNorm2d(d),
                nn.ReLU(),
                nn.Conv2d(d, o, 1, bias=False),
            )
            for _ in range(c)
        )
        self.norm = nn.BatchNorm2d(o)
        self.project = (
            nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o)) if s > 1 or i != o else nn.Identity()
        )

    def forward(self, x):
        return torch.relu(self.norm(sum(path(x) for path in self.paths)) + self.project(x))


class OneNormTooMany(forms.FormA):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.paths[0].add_module("bn3", nn.BatchNorm2d(self.out_channels))


class PlainList(forms.FormA):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        hidden = list(self.paths)
        del self.paths
        self.__dict__["paths"] = hidden


class FormAWithoutRelu(forms.FormA):
    def forward(self, x):
        return self.transform(x) + self.shortcut(x)


def receptive(layers):
    side, step = 1, 1
    for kernel, stride in layers:
        side, step = side + (kernel - 1) * step, step * stride
    return side


def grouped_by_hand(x, weight, groups, padding=1, join=torch.cat, cut=lambda x, groups: x.chunk(groups, 1)):
    pieces = [functional.conv2d(p, w, padding=padding) for p, w in zip(cut(x, groups), weight.chunk(groups), strict=True)]
    return join(pieces, 1) if join is torch.cat else join(pieces)


def diagonal(weight, groups, dtype=torch.float64, shift=0):
    rows, columns = weight.shape[0] // groups, weight.shape[1]
    dense = torch.zeros(weight.shape[0], columns * groups, *weight.shape[2:], dtype=dtype)
    for g in range(groups):
        to = (g + shift) % groups
        dense[g * rows : (g + 1) * rows, to * columns : (to + 1) * columns] = weight[g * rows : (g + 1) * rows]
    return dense


def divisors(*numbers):
    return [g for g in range(1, max(numbers) + 1) if all(n % g == 0 for n in numbers)]


def three_grouped(in_channels, width, out_channels, cardinality):
    """The exercise's answer: the weights of three grouped layers, and the inputs of an output."""
    return (in_channels * width + 9 * width**2 + width * out_channels) // cardinality, in_channels // cardinality


def merge_bc(state, drop=(), dim=0, order=lambda parts: parts, extra=False):
    new = {key: value for key, value in state.items() if extra or not key.startswith("paths.")}
    for key in [key for key in state if key.startswith("paths.0.")]:
        parts = [state[key.replace("paths.0.", f"paths.{i}.")] for i in range(forms.number_of_paths(state))]
        name = key.removeprefix("paths.0.")
        if not any(word in name for word in drop):
            new[name] = torch.cat(order(parts), dim if parts[0].ndim > 1 else 0) if parts[0].ndim else parts[0]
    return new


def stage(i, w, o, c, n, projection=True, norm=True, projection_norm=True, grouped=True):
    norms = 2 * (w + w + o) * norm
    rest = 2 * o * w + 9 * w * w // (c if grouped else 1) + norms
    project = (i * o + 2 * o * (norm and projection_norm)) * projection
    return i * w + w * o + 9 * w * w // (c if grouped else 1) + norms + project + (n - 1) * rest


def full_test(network):
    assert count_parameters(network) == 25_028_904
    assert count_macs(network, (3, 224, 224)) == 4_230_479_872
    assert network.layer1[0].conv2.weight.shape == (128, 4, 3, 3)


def parameters_only(network):
    assert count_parameters(network) == 25_028_904


def always(network):
    assert True


def never(network):
    raise AssertionError("nothing is good enough")


def returns_false(network):
    return count_parameters(network) == 25_028_904


def network(**options):
    with torch.device("meta"):
        return networks.ResNeXt((3, 4, 6, 3), **options)


def renamed():
    """The right network, but one layer has another name."""
    made = network(cardinality=32, bottleneck_width=4, image_channels=1, num_classes=10)
    made.norm1 = made.bn1
    del made.bn1
    return made


GREY = dict(image_channels=1, num_classes=10)
MIDDLE = {"reads": 256, "middle": 4, "reaches": 256}
STEPS = {"resnextify": Bottleneck(384, 96, 384, 96), "inverted": Bottleneck(96, 384, 96, 384)}
SHAPES = {"conv1": (256, 256, 1, 1), "conv2": (256, 4, 3, 3), "conv3": (256, 256, 1, 1)}


class Frozen(nn.Module):
    """A network that training leaves alone, whose parts can be spoilt one at a time."""

    def __init__(self, network, num_classes, *, frozen=True, head=None, old_head=False):
        super().__init__()
        width = network.fc.in_features
        self.network = network.requires_grad_(not frozen)
        self.head = head(num_classes) if head else nn.Linear(width, num_classes)
        if not old_head:
            self.network.fc = nn.Identity()

    def train(self, mode=True):
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, x):
        return self.head(self.network(x))


class EvalInForward(Frozen):
    """Frozen another way."""

    def train(self, mode=True):
        return nn.Module.train(self, mode)

    def forward(self, x):
        self.network.eval()
        return super().forward(x)


class EvalOnce(Frozen):
    def __init__(self, network, num_classes):
        super().__init__(network, num_classes)
        self.eval()

    def train(self, mode=True):
        return nn.Module.train(self, mode)


class NoMomentum(EvalOnce):
    def __init__(self, network, num_classes):
        super().__init__(network, num_classes)
        for layer in self.network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum, layer.num_batches_tracked = 0.0, None


class NoGradient(Frozen):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


class AllFrozen(Frozen):
    def __init__(self, network, num_classes):
        super().__init__(network, num_classes)
        self.requires_grad_(False)


def replaced(network, num_classes):
    """The network itself, with a new last layer and its batch norms pinned to eval mode."""
    network.requires_grad_(False)
    network.fc = nn.Linear(network.fc.in_features, num_classes)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
            layer.train = lambda mode=True, layer=layer: layer
    return network


def squeezed(c, r, layers=2, biases=lambda c, s: c + s, kernel=1):
    return layers * c * (c // r) * kernel**2 + biases(c, c // r)


def x_block(build=Block, groups=lambda o, d: o // d, width=lambda o: o, **options):
    """RegNet's block, written with the block above and with a mistake."""
    return lambda i, o, d, s: build(i, width(o), o, groups(o, d), s, **options)


# ------------------------------------------------------------------ one right answer a check, or several


def moments(pixels, scale=255, dims=(0, 2, 3)):
    x = pixels.double() / scale
    return x.mean(dim=dims), x.std(dim=dims)


def lost(before, after, scale=100, root=0.5, correction=1):
    change = before.double() - after.double()
    return scale * change.mean().item(), 100 * change.std(correction=correction).item() / len(change) ** root


def unpaired(before, after):
    both = torch.stack([before, after]).double()
    return lost(before, after)[0], 100 * (both.var(dim=1).sum() / before.numel()).sqrt().item()


def bisected(ours, theirs, x, first=0, same=torch.allclose):
    y = x
    for number, (own, other) in enumerate(zip(ours, theirs, strict=True), first):
        x, y = own(x), other(y)
        if not same(x, y):
            return number
    return len(ours)


def last_difference(ours, theirs, x):
    found, y = len(ours), x
    for number, (own, other) in enumerate(zip(ours, theirs, strict=True)):
        x, y = own(x), other(y)
        found = found if torch.allclose(x, y) else number
    return found


def by_weights(ours, theirs, x):
    pairs = [(own.conv3.weight, other.conv3.weight) for own, other in zip(ours, theirs, strict=True)]
    return next((n for n, pair in enumerate(pairs) if not torch.equal(*pair)), len(ours))


def by_class(labels, answers, of=1.0):
    return {n: of * (answers[labels == n] == n).double().mean().item() for n in labels.unique().tolist()}


def alone(block, path, copied=True, width=None, others=False, shortcut=True):
    block = copy.deepcopy(block) if copied else block
    width = width or block.width // block.cardinality
    kept = torch.zeros(block.width, dtype=torch.bool)
    kept[path * width : (path + 1) * width] = True
    with torch.no_grad():
        block.conv3.weight[:, kept if others else ~kept] = 0
    if not shortcut:
        block.shortcut = lambda x: 0
    return block


def nearest_width(c):
    return min(range(1, 65), key=lambda d: abs(c * (512 * d + 9 * d * d) - 69_632))


def root_of_the_budget(c):
    return round((math.sqrt(512**2 + 4 * 9 * 69_632 / c) - 512) / 18)


def paired(first, second):
    return [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]


FOLLOWS = {"fits": True, "paths": False, "regulariser": False, "seeds": True}


def ring(channels, reads, shift=1, columns=None):
    """Output i reads the inputs i, i + shift, i + 2 * shift, ..."""
    mask = torch.zeros(channels, columns or channels)
    for output in range(channels):
        for step in range(reads):
            mask[output, (output + shift * step) % mask.shape[1]] = 1
    return mask


def blocks_of(channels, reads):
    """Groups where they fit; elsewhere a ring beside a group of channels that read each other."""
    return torch.block_diag(ring(channels - reads, min(reads, channels - reads)), torch.ones(reads, reads))


def first_inputs(channels, reads):
    mask = torch.zeros(channels, channels)
    mask[:, :reads] = 1
    return mask


def folded(weight, gamma, beta, mean, variance, eps, scale=None, bias=None, shape=(-1, 1, 1, 1)):
    scale = gamma / (variance + eps) ** 0.5 if scale is None else scale
    return weight * scale.view(shape), beta - mean * scale if bias is None else bias


def diagnosis(first, second, agree=lambda one, other: 1 / 1.2 <= one / other <= 1.2, otherwise="routine", time="seconds"):
    ratios = {name: second[name] / first[name] for name in first}
    return next((name for name in ("MACs", "written", "calls") if agree(ratios[name], ratios[time])), otherwise)


def nearest_count(first, second):
    ratios = {name: second[name] / first[name] for name in first}
    return min(("MACs", "written", "calls"), key=lambda name: abs(math.log(ratios[name] / ratios["seconds"])))


def summed(a, b):
    if a == b:
        return "adds"
    return "broadcasts" if all(p == q or 1 in (p, q) for p, q in zip(a, b, strict=True)) else "raises"


def growth(block, x, gradient):
    x = x.clone().requires_grad_()
    block(x).backward(gradient)
    return x.grad.norm() / gradient.norm()


def weight_growth(block, x, gradient):
    block(x).backward(gradient)
    return next(block.parameters()).grad.norm() / gradient.norm()


MISCOUNTS = {"Ada": "FLOPs", "Ben": "input map", "Cem": "k once", "Dora": "one channel"}

RIGHT = {
    "convolution_cost": [lambda i, o, k, h, w: (i * o * k * k, i * o * k * k * h * w)],
    "output_size": [lambda n, k, s, p: (n + 2 * p - k) // s + 1],
    "pointwise": [
        lambda x, w: torch.einsum("nchw,oc->nohw", x, w),
        lambda x, w: torch.einsum("nchw,oc->nohw", x.float(), w.float()),
    ],
    "receptive_field": [receptive],
    "miscounts": [MISCOUNTS],
    "inception_channels": [lambda w: w["conv1x1"] + w["conv3x3"] + w["conv5x5"] + w["pool_projection"]],
    "reduction_limit": [
        lambda i, o, k: max(r for r in range(i) if r * (i + o * k * k) < i * o * k * k),
        lambda i, o, k: math.ceil(i * o * k * k / (i + o * k * k)) - 1,
    ],
    "inception_3a": [ThreeA],
    "common_factor": [1.47, 1.473, 1.4733],
    "projection_needed": [lambda i, o, s: i != o or s > 1],
    "sum_of_maps": [summed, lambda a, b: summed(b, a)],
    "gradient_growth": [growth, lambda b, x, g: growth(b.float(), x.float(), g.float())],
    "count_depth": [lambda blocks: 3 * sum(blocks) + 2],
    "bottleneck": [spoilt_bottleneck()],
    "groups_from_count": [lambda i, o, k, w: i * o * k * k // w, lambda i, o, k, w: i * o * k**2 / w],
    "side_by_side": [grouped_by_hand, lambda x, w, g: grouped_by_hand(x.float(), w.float(), g)],
    "block_diagonal": [diagonal, lambda w, g: diagonal(w, g, dtype=torch.float32)],
    "valid_groups": [divisors, lambda i, o: tuple(divisors(i, o))],
    "budget_width": [
        nearest_width,
        root_of_the_budget,
        lambda c: min(range(1, 65), key=lambda d: abs(bottleneck_weights(c, d) - 69_632)),
    ],
    "stage_widths": [
        lambda c, d: [(c, d << i, c * d << i) for i in range(4)],
        lambda c, d: [[c, d << i, c * d << i] for i in range(4)],
    ],
    "all_grouped": [three_grouped, lambda i, w, o, c: (i * w / c + 9 * w * w / c + w * o / c, i / c)],
    "path_reach": [MIDDLE],
    "resnext_block": [spoilt()],
    "form_c_shapes": [SHAPES, {key: torch.Size(shape) for key, shape in SHAPES.items()}],
    "merge_last_layers": [lambda w, b: (torch.cat(w, 1), sum(b))],
    "b_to_c_map": [merge_bc],
    "form_a": [OwnFormA],
    "small_change": [network(cardinality=32, bottleneck_width=4, **GREY)],
    "first_difference": [bisected],
    "write_a_test": [full_test],
    "stage_parameters": [stage],
    "se_parameters": [squeezed],
    "x_block": [x_block(), x_block(Bottleneck)],
    "steps_to_convnext": [STEPS],
    "frozen_network": [Frozen, EvalInForward, replaced],
    "channel_moments": [moments, lambda p: [m.float().view(1, -1, 1, 1) for m in moments(p)]],
    "paired_loss": [lost, lambda b, a: lost(b, a, correction=0)],
    "class_accuracy": [by_class],
    "only_path": [alone],
    "all_positive": [lambda n: 1 / (n + 1), lambda n: Fraction(1, n + 1)],
    "differences": [paired],
    "no_paths": [ring, lambda c, r: ring(c, r).bool(), lambda c, r: ring(c, r).flip(0).tolist()],
    "what_follows": [FOLLOWS],
    "times_as_fast": [lambda a, b: statistics.median(a) / statistics.median(b)],
    "fold": [folded, lambda *a: [part.float() for part in folded(*a)]],
    "why_slow": [diagnosis],
    "whole_speedup": [lambda s, f: 1 / (1 - s + s / f), lambda s, f: f / (f - f * s + s)],
}

# ------------------------------------------------------------------ wrong answers, and words that name the mistake

WRONG = {
    "convolution_cost": [
        (lambda i, o, k, h, w: (i * o * k * k + o, i * o * k * k * h * w), "64 biases"),
        (lambda i, o, k, h, w: (i * o * k, i * o * k * h * w), "k counts twice"),
        (lambda i, o, k, h, w: (o * k * k, o * k * k * h * w), "reads all 3 input channels"),
        (lambda i, o, k, h, w: (i * o * k * k, 2 * i * o * k * k * h * w), "FLOPs, twice the MACs"),
        (lambda i, o, k, h, w: (i * o * k * k, i * o * k * k), "every place of the output map"),
        (lambda i, o, k, h, w: (i * o * k * k, i * o * k * k * h * h), "height times width"),
        (lambda i, o, k, h, w: i * o * k * k, "return two numbers"),
        (lambda i, o, k, h, w: (7, 7), "7 parameters is not it"),
    ],
    "output_size": [
        (lambda n, k, s, p: (n + 2 * p - k) // s, "one is missing"),
        (lambda n, k, s, p: (n + p - k) // s + 1, "both sides"),
        (lambda n, k, s, p: n + 2 * p - k + 1, "stride is ignored"),
        (lambda n, k, s, p: (n - k) // s + 1, "padding is ignored"),
        (lambda n, k, s, p: n // s, "ignores the kernel"),
        (lambda n, k, s, p: (n + 2 * p - k) / s + 1, "divide with //"),
        (lambda n, k, s, p: None, "is `return` missing?"),
    ],
    "pointwise": [
        (lambda x, w: x.permute(0, 2, 3, 1) @ w.T, "channels ended up last"),
        (lambda x, w: x, "shape is"),
        (lambda x, w: torch.einsum("nchw,oc->nohw", x, w.flip(1)), "the values are not"),
        (lambda x, w: 3, "return a tensor"),
    ],
    "receptive_field": [
        (own_stride_first, "a layer's own stride"),
        (last_stride_only, "the strides before a layer multiply"),
        (lambda layers: sum(k for k, _ in layers), "a kernel adds k - 1"),
        (lambda layers: 1 + sum(k - 1 for k, _ in layers), "ignore the strides"),
        (lambda layers: 99, "99 as the side for [(3, 1)] is not it"),
        (lambda layers: None, "is `return` missing?"),
    ],
    "miscounts": [
        (MISCOUNTS | {"Ada": "input map", "Ben": "FLOPs"}, "Ada is not explained by 'input map': the count is twice"),
        (MISCOUNTS | {"Cem": "one channel"}, "the count is a third"),
        (MISCOUNTS | {"Dora": "k once"}, "the count is a 64th"),
        (MISCOUNTS | {"Dora": "the bias"}, "Dora: give one of ['FLOPs', 'input map', 'k once', 'one channel']"),
        (MISCOUNTS | {"Ben": 4}, "Ben: give one of"),
        ({"Ada": "FLOPs"}, "the names are"),
        (["FLOPs"], "give a dictionary"),
    ],
    "inception_channels": [
        (lambda w: sum(w.values()), "also count the reductions"),
        (lambda w: w["conv1x1"] + w["conv3x3"] + w["conv5x5"], "pooling branch is forgotten"),
        (lambda w: max(w["conv1x1"], w["conv3x3"], w["conv5x5"], w["pool_projection"]), "their channels add up"),
        (lambda w: w["conv1x1"], "64 is not it"),
    ],
    "reduction_limit": [
        (lambda i, o, k: i * o * k * k // (i + o * k * k), "a reduction to 144 costs as much as none"),
        (lambda i, o, k: (i * o * k * k - 1) // (i + o * k * k) + 1, "a reduction to 155 costs more than none"),
        (lambda i, o, k: i - 1, "the 1x1 itself is not free"),
        (lambda i, o, k: (i * o * k - 1) // (i + o * k), "counts twice"),
        (lambda i, o, k: (i * o - 1) // (i + o), "the reduction is a 1x1"),
        (lambda i, o, k: i * o * k * k / (i + o * k * k), "round down"),
        (lambda i, o, k: 7, "7 for (192, 32, 5) is not it"),
        (lambda i, o, k: None, "is `return` missing?"),
    ],
    "inception_3a": [
        (lambda: ThreeA(reduce=False), "its 1x1 reduction to 16 is missing"),
        (lambda: ThreeA(reduce3=False), "its 1x1 reduction to 96 is missing"),
        (lambda: ThreeA(order=(0, 1, 2)), "the output is (1, 224, 28, 28)"),
        (lambda: 3, "give a class whose objects are nn.Modules"),
        (ThreeA(), "without brackets"),
        (lambda: Inception(192, **GOOGLENET_MODULES["3a"], batch_norm=True), "torchvision's variant"),
        (lambda: ThreeA(large=3), "torchvision's variant"),
        (lambda: ThreeA(project=False), "pooling branch lacks its 1x1"),
        (lambda: ThreeA(bias=False), "has no bias"),
        (lambda: ThreeA(padding=0), "a 5x5 padding 2"),
        (lambda: ThreeA(relu=False), "is there a ReLU after every convolution"),
        (lambda: ThreeA(order=(0, 2, 1, 3)), "in the order"),
        (lambda: Inception(192, **{**GOOGLENET_MODULES["3a"], "conv1x1": 96}), "but 3a has"),
    ],
    "common_factor": [
        (2, "3.5 times as many"),
        (1.41, "keeps its 192 channels"),
        (2**0.5, "keeps its 192 channels"),
        (1, "changes nothing"),
        (1.5, "become 2.07 times as many"),
        ("1.47", "give a number"),
    ],
    "projection_needed": [
        (lambda i, o, s: True, "nothing changes"),
        (lambda i, o, s: s > 1, "64 channels cannot be added to 256"),
        (lambda i, o, s: i != o, "the map halves"),
        (lambda i, o, s: o > i or s > 1, "fewer channels"),
        (lambda i, o, s: "yes", "return True or False"),
    ],
    "sum_of_maps": [
        (lambda a, b: "adds" if a == b else "raises", "(8, 256, 7, 7) + (8, 256, 1, 1): where the lengths differ, one"),
        (lambda a, b: "raises" if a != b and 1 not in (*a, *b) else summed(a, a), "one of them is 1 and is repeated"),
        (lambda a, b: "broadcasts" if 1 in (*a, *b) else summed(a, b), "two lengths differ and neither is 1"),
        (lambda a, b: "adds" if a[2:] == b[2:] else "raises", "one of them is 1 and is repeated"),
        (lambda a, b: a == b, "return one of 'adds', 'broadcasts', 'raises'"),
        (lambda a, b: "works", "not 'works'"),
        (lambda a, b: None, "is `return` missing?"),
    ],
    "gradient_growth": [
        (lambda b, x, g: 1 / growth(b, x, g), "how much it shrinks"),
        (lambda b, x, g: growth(b, x, g) ** 2, "the growth of the square"),
        (lambda b, x, g: growth(b, x, g) * g.norm(), "divide by its size at the output"),
        (lambda b, x, g: growth(b, x, torch.ones_like(g)) * g.numel() ** 0.5 / g.norm(), "send the given gradient back"),
        (weight_growth, "the gradient of the weights"),
        (lambda b, x, g: 1.2, "1.2 as the growth: it is"),
        (lambda b, x, g: None, "is `return` missing?"),
    ],
    "count_depth": [
        (lambda b: 3 * sum(b), "stem's convolution and the classifier"),
        (lambda b: 3 * sum(b) + 1, "one is missing"),
        (lambda b: 2 * sum(b) + 2, "three convolutions"),
        (lambda b: 3 * sum(b) + 6, "projections are not counted"),
    ],
    "bottleneck": [
        (lambda *arguments: "a block", "give a class whose objects are nn.Modules, not str"),
        (spoilt_bottleneck(bias=True), "4 convolutions have a bias"),
        (lambda i, w, o, s: stride_on_first(i, w, o, 1, s), "stride sits on the first 1x1"),
        (spoilt_bottleneck(projected=False), "the shortcut lacks its 1x1 projection"),
        (lambda i, w, o, s: Block(i, w, o, 1, s, projected=i != o), "where the map halves"),
        (lambda i, w, o, s: Block(i, w, o, 1, s, always=True), "use the identity there"),
        (spoilt_bottleneck(padding=0), "padding=1"),
        (spoilt_bottleneck(norms=False), "0 batch norms for 4 convolutions"),
        (spoilt_bottleneck(NoLastRelu), "last ReLU is missing"),
        (spoilt_bottleneck(ReluBeforeSum), "it belongs after it"),
        (spoilt_bottleneck(NoShortcut), "shortcut is never added"),
        (spoilt_bottleneck(NoReluInside), "not their order"),
        (lambda i, w, o, s: Block(i, 2 * w, o, 1, s), "but should be"),
        (lambda i, w, o, s: Block(i, w, o, 1, s, groups=2), "groups=2, but cardinality is 1"),
    ],
    "groups_from_count": [
        (lambda i, o, k, w: w / (i * o * k * k), "the groups are its inverse"),
        (lambda i, o, k, w: i // (i * o * k * k // w), "how many channels a group reads"),
        (lambda i, o, k, w: i * o / w, "you leave them out"),
        (lambda i, o, k, w: i * o * k / w, "not k"),
        (lambda i, o, k, w: math.isqrt(i * o * k * k // w), "divide the weights once"),
        (lambda i, o, k, w: i * k * k / w, "out_channels is missing"),
        (lambda i, o, k, w: 7, "7 groups for (in, out, kernel, weights)"),
        (lambda i, o, k, w: None, "is `return` missing?"),
    ],
    "side_by_side": [
        (lambda x, w, g: grouped_by_hand(x, w, g, join=lambda parts, *_: torch.cat(parts)), "along dimension 0"),
        (lambda x, w, g: None, "return a tensor"),
        (lambda x, w, g: grouped_by_hand(x, w, g, padding=0), "padding=1 is missing"),
        (lambda x, w, g: grouped_by_hand(x, w, g, join=sum), "you add the pieces up"),
        (lambda x, w, g: grouped_by_hand(x, w, g, cut=lambda x, g: [x[:, i::g] for i in range(g)]), "every fourth channel"),
        (lambda x, w, g: grouped_by_hand(x, w, g, cut=lambda x, g: [x[:, :2]] * g), "first group's channels"),
        (lambda x, w, g: grouped_by_hand(x, w, g, cut=lambda x, g: x.chunk(g, 1)[::-1]), "piece i of x meets piece i"),
    ],
    "block_diagonal": [
        (lambda w, g: None, "return a tensor"),
        (lambda w, g: w, "did not change"),
        (lambda w, g: diagonal(w, g).transpose(0, 1), "rows and columns are swapped"),
        (lambda w, g: w.repeat(1, g, 1, 1), "outside the diagonal"),
        (lambda w, g: diagonal(w, g) * 0, "0 weights are not zero"),
        (lambda w, g: diagonal(w, g, shift=1), "in the wrong places"),
    ],
    "valid_groups": [
        (lambda i, o: divisors(i), "you look at the input only"),
        (lambda i, o: divisors(o), "you look at the output only"),
        (lambda i, o: divisors(i, o)[1:], "1 is missing"),
        (lambda i, o: divisors(i, o)[::-1], "sort the list"),
        (lambda i, o: divisors(i, o)[:-1], "is missing: it divides both"),
        (lambda i, o: [*divisors(i, o), 5], "is no common divisor"),
        (lambda i, o: 1, "return a list, not int"),
    ],
    "budget_width": [
        (lambda c: 64, "does not depend on C"),
        (lambda c: 64 if c == 1 else 136 // c, "as if the 3x3 cost nothing"),
        (lambda c: 64 // c, "you share out 64 channels"),
        (lambda c: 64 if c == 1 else 128 // c, "fix C*d at 128"),
        (lambda c: width_for_budget(c) - (c > 1), "round to the nearest"),
        (lambda c: width_for_budget(c) + 1, "nearer to the budget"),
        (lambda c: float(width_for_budget(c)), "whole number"),
    ],
    "stage_widths": [
        (lambda c, d: [(c, d, c * d)] * 4, "d doubles from stage to stage"),
        (lambda c, d: [(c << i, d, c * d << i) for i in range(4)], "you double the cardinality"),
        (lambda c, d: [(c, d << i, 4 * c * d << i) for i in range(4)], "not the block's output"),
        (lambda c, d: [(c, d, c * d)], "four stages"),
        (lambda c, d: [(d << i, c, c * d << i) for i in range(4)], "the order is C, d, C*d"),
        (lambda c, d: [(c, d * (i + 1), c * d * (i + 1)) for i in range(4)], "you add d each time"),
        (lambda c, d: [(c, d << i, c * d) for i in range(4)], "C*d grows with d"),
        (lambda c, d: [(c, d << i) for i in range(4)], "three numbers"),
        (lambda c, d: c * d, "return a list"),
    ],
    "all_grouped": [
        (lambda i, w, o, c: (i * w + 9 * w * w // c + w * o, i // c), "you group the 3x3 only"),
        (lambda i, w, o, c: (i * w + 9 * w * w + w * o, i // c), "nothing is grouped"),
        (lambda i, w, o, c: (three_grouped(i, w, o, c)[0] / c, i // c), "divide by C twice"),
        (lambda i, w, o, c: ((i * w + w * w + w * o) // c, i // c), "the 3x3 has nine places"),
        (lambda i, w, o, c: ((i * w + 3 * w * w + w * o) // c, i // c), "not three"),
        (lambda i, w, o, c: (three_grouped(i, w, o, c)[0], i), "does not see the whole input"),
        (lambda i, w, o, c: (three_grouped(i, w, o, c)[0], w // c), "follow them back"),
        (lambda i, w, o, c: (three_grouped(i, w, o, c)[0], w), "the whole middle"),
        (lambda i, w, o, c: (three_grouped(i, w, o, c)[0], c), "the number of groups"),
        (lambda i, w, o, c: three_grouped(i, w, o, c)[0], "return two numbers"),
        (lambda i, w, o, c: None, "is `return` missing?"),
    ],
    "path_reach": [
        (MIDDLE | {"reads": 8}, "splitting the input"),
        (MIDDLE | {"reads": 4}, "reads the whole input"),
        (MIDDLE | {"middle": 128}, "all 32 paths together"),
        (MIDDLE | {"reaches": 8}, "writes to every output"),
        (MIDDLE | {"reaches": 1}, "'reaches': 1} is not it"),
        (MIDDLE | {"reaches": 4}, "back to the block's width"),
        ({"reads": 256}, "give a dictionary with the keys"),
    ],
    "resnext_block": [
        (spoilt(bias=True), "4 convolutions have a bias"),
        (stride_on_first, "stride sits on the first 1x1"),
        (lambda i, w, o, c, s: Block(i, w, o, 1, s), "groups=1, but cardinality is 4"),
        (lambda i, w, o, c, s: Block(i, w, o, c, s, groups=w // c), "groups=6 is the width of a path"),
        (spoilt(projected=False), "the shortcut lacks its 1x1 projection"),
        (spoilt(norms=False), "0 batch norms"),
        (spoilt(NoLastRelu), "last ReLU is missing"),
        (spoilt(ReluBeforeSum), "it belongs after it"),
        (spoilt(NoShortcut), "shortcut is never added"),
        (lambda i, w, o, c, s: nn.Conv2d(i, o, 1, bias=False), "no 3x3"),
        (spoilt(NoReluInside), "not their order"),
        (InputSplit, "a 1x1 has groups"),
    ],
    "form_c_shapes": [
        (SHAPES | {"conv2": (256, 64, 3, 3)}, "64 is the number of paths"),
        (SHAPES | {"conv2": (256, 256, 3, 3)}, "the dense weight"),
        (SHAPES | {"conv2": (4, 4, 3, 3)}, "a single path's"),
        (SHAPES | {"conv1": (4, 256, 1, 1)}, "conv1: (4, 256, 1, 1) is not"),
        ([(256, 256, 1, 1)], "give a dictionary with the keys"),
    ],
    "merge_last_layers": [
        (lambda w, b: (torch.cat(w, 0), sum(b)), "along the output (dim 0)"),
        (lambda w, b: (sum(w), sum(b)), "still reads 2 channels"),
        (lambda w, b: (torch.cat(w, 1), torch.cat(b)), "make one of length 6"),
        (lambda w, b: (torch.cat(w, 1), sum(b) / 3), "average the biases"),
        (lambda w, b: (torch.cat(w, 1), b[0]), "first path's bias only"),
        (lambda w, b: (torch.cat(w[::-1], 1), sum(b)), "order of the pieces"),
        (lambda w, b: torch.cat(w, 1), "return two tensors"),
        (lambda w, b: (torch.cat(w, 2), sum(b)), "but should be (6, 6, 1, 1)"),
    ],
    "b_to_c_map": [
        (lambda state: merge_bc(state, drop=["running"]), "the statistics are missing"),
        (lambda state: merge_bc(state, drop=["bn2.weight"]), "these keys are missing"),
        (lambda state: merge_bc(state, extra=True), "do not belong to form C"),
        (lambda state: merge_bc(state, dim=1), "but should be"),
        (lambda state: merge_bc(state, order=lambda parts: parts[::-1]), "wrong order"),
        (lambda state: {k: v for k, v in merge_bc(state).items() if "downsample" not in k}, "downsample.*, are missing"),
        (lambda state: {k: v * 12 if v.ndim == 0 else v for k, v in merge_bc(state).items()}, "do not add it up"),
        (lambda state: {k: v / 2 if "bn1.running_mean" in k else v for k, v in merge_bc(state).items()}, "other numbers"),
        (
            lambda state: merge_bc(state, order=lambda parts: [parts[int(i)] for i in sorted(map(str, range(len(parts))))]),
            "path 2 before path 10",
        ),
        (lambda state: None, "return the new state dict"),
    ],
    "form_a": [
        (PathNorms, "batch norm of its own"),
        (forms.FormB, "that is form B"),
        (Bottleneck, "form A has separate paths"),
        (PlainList, "nn.ModuleList"),
        (FormAWithoutRelu, "last ReLU is missing"),
        (OneNormTooMany, "9 batch norms"),
        (lambda i, w, o, c, s: Block(i, w, o, 1, s, bias=True), "has a bias"),
        (lambda i, w, o, c, s: forms.FormA(i, w, o, c, 1), "wrong size or stride"),
    ],
    "small_change": [
        (networks.ResNeXt, "not a class"),
        (network(cardinality=32, bottleneck_width=4), "image_channels is missing"),
        (network(cardinality=32, bottleneck_width=4, image_channels=1), "num_classes is missing"),
        (network(**GREY), "this is ResNet-50"),
        (network(cardinality=4, bottleneck_width=32, **GREY), "are swapped"),
        (network(bottleneck_width=128, **GREY), "the groups are missing"),
        (network(bottleneck_width=4, **GREY), "only the width was set"),
        (network(cardinality=8, bottleneck_width=4, **GREY), "parameters instead of"),
        (nn.Linear(1, 1), "give a ResNeXt"),
        (renamed(), "keys differ"),
    ],
    "first_difference": [
        (lambda *a: bisected(*a, first=1), "block 2 counted from 1"),
        (by_weights, "compare what the blocks give out, not their weights"),
        (last_difference, "all later ones receive"),
        (lambda *a: bisected(*a, same=lambda x, y: False), "0 of 5 blocks is not it"),
        (lambda *a: {5: 2, 6: 1, 4: 1}[len(a[0])], "no block differs here: return how many there are, 4"),
        (lambda *a: None, "also for the case that no block differs"),
        (lambda *a: "layer2", "give a number, not str"),
    ],
    "write_a_test": [
        (always, "cannot fail"),
        (returns_false, "cannot fail"),
        (never, "rejects the right network: nothing is good enough"),
        (parameters_only, "lets pass: stride on the first 1x1"),
        ("a test", "give a function"),
    ],
    "stage_parameters": [
        (lambda i, w, o, c, n: stage(i, w, o, c, n, projection=False), "projection of the first block is missing"),
        (lambda i, w, o, c, n: stage(i, w, o, c, n, projection_norm=False), "the projection has a batch norm too"),
        (lambda i, w, o, c, n: stage(i, w, o, c, n, norm=False), "batch norms are missing"),
        (lambda i, w, o, c, n: stage(i, w, o, c, n, grouped=False), "divide its weights by C"),
        (lambda i, w, o, c, n: n * (2 * o * w + 9 * w * w // c + 2 * (w + w + o)), "first block reads in_channels"),
    ],
    "se_parameters": [
        (lambda c, r: squeezed(c, r, biases=lambda c, s: 0), "have biases"),
        (lambda c, r: squeezed(c, r, 1, lambda c, s: s), "a second one leads back"),
        (lambda c, r: squeezed(c, r, 1, lambda c, s: 0), "both have biases"),
        (lambda c, r: squeezed(c, r, kernel=3), "kernels are 1x1"),
        (lambda c, r: squeezed(c, 1), "channels // reduction = 16"),
        (lambda c, r: squeezed(c, c // r), "reduction is a divisor"),
        (lambda c, r: squeezed(c, r, biases=lambda c, s: 2 * s), "each of its outputs, all channels"),
        (lambda c, r: squeezed(c, r, biases=lambda c, s: 2 * c), "its few outputs"),
        (lambda c, r: 56 * 56 * squeezed(c, r), "is not it"),
    ],
    "x_block": [
        (x_block(groups=lambda o, d: d), "groups=24 is the width of a path; groups is the number of paths, 4"),
        (x_block(groups=lambda o, d: 1), "groups=1"),
        (x_block(groups=lambda o, d: 32 if o % 32 == 0 else 8), "groups=32"),
        (x_block(width=lambda o: 2 * o), "as wide inside"),
        (x_block(width=lambda o: o // 2), "gives [48] channels; an X block"),
        (lambda i, o, d, s: descendants.XBlock(i, o, d), "lacks its 1x1 projection"),
        (x_block(projected=False), "lacks its 1x1 projection"),
        (x_block(bias=True), "have a bias"),
        (x_block(NoLastRelu), "last ReLU is missing"),
        (x_block(strides=(2, 1, 1)), "stride sits on the first 1x1"),
    ],
    "steps_to_convnext": [
        (STEPS | {"resnextify": Bottleneck(384, 96, 384, 32)}, "32 paths is ResNeXt's choice"),
        (STEPS | {"resnextify": Bottleneck(384, 96, 384)}, "cardinality is missing"),
        (STEPS | {"inverted": STEPS["resnextify"]}, "inverted: it is the other way round: narrow outside"),
        (STEPS | {"inverted": Bottleneck(96, 384, 96, 96)}, "is 384 groups, not 96"),
        ({"resnextify": STEPS["inverted"], "inverted": STEPS["resnextify"]}, "wide outside and narrow"),
        (STEPS | {"inverted": Bottleneck(96, 384, 384, 384)}, "should be (96, 384, 96)"),
        (STEPS | {"inverted": nn.Identity()}, "not Identity"),
        ({"resnextify": STEPS["resnextify"]}, "give a dictionary with the keys"),
    ],
    "frozen_network": [
        (EvalOnce, "the statistics of batch norm are not"),
        (NoMomentum, "depends on the other pictures of its batch"),
        (lambda n, c: Frozen(n, c, frozen=False), "weights can be trained, but a classifier from 256"),
        (lambda n, c: Frozen(n, c, head=lambda c: nn.Linear(256, 10)), "has the shape (6, 10)"),
        (lambda n, c: Frozen(n, c, head=lambda c: nn.Linear(10, c), old_head=True), "a classifier from 256 features"),
        (
            lambda n, c: Frozen(n, c, head=lambda c: nn.Sequential(nn.ReLU(), nn.Linear(256, c), nn.Tanh())),
            "not the classifier",
        ),
        (AllFrozen, "nothing is left to train"),
        (NoGradient, "no gradient reaches the classifier"),
        (lambda n, c: n, "has the shape (6, 10)"),
        (lambda n, c: None, "is `return` missing?"),
    ],
    "channel_moments": [
        (lambda p: moments(p, scale=1), "on the scale 0 to 255"),
        (lambda p: moments(p, dims=None), "one number for each of the 3 channels"),
        (lambda p: (moments(p)[0], moments(p)[1] ** 2), "the spread is the root"),
        (lambda p: (moments(p)[1], moments(p)[0]), "mean of channel 1 is"),
        (lambda p: moments(p, scale=256), "the largest byte is 255"),
        (lambda p: moments(p)[0], "return two tensors"),
        (lambda p: None, "is `return` missing?"),
    ],
    "paired_loss": [
        (lambda b, a: lost(a, b), "before minus after"),
        (lambda b, a: lost(b, a, scale=1), "points are per cent"),
        (unpaired, "as different pictures"),
        (lambda b, a: lost(b, a, root=0), "divide by the root of their number"),
        (lambda b, a: lost(b, a, root=1), "not by the number"),
        (lambda b, a: (100 * (b & ~a).double().mean().item(), 1.0), "5 answers of 40 are lost and 1 gained: 10 points"),
        (lambda b, a: lost(b, a)[0], "return two numbers"),
        (lambda b, a: None, "is `return` missing?"),
    ],
    "class_accuracy": [
        (lambda y, a: (y == a).double().mean().item(), "return a dictionary"),
        (lambda y, a: by_class(y, a, of=100.0), "not per cent"),
        (lambda y, a: {n: (y[a == n] == n).double().mean().item() for n in (0, 2)} | {5: 0.0}, "how often it is true"),
        (
            lambda y, a: {n: (a[y == n] == n).double().mean().item() for n in range(10)},
            "classes that occur among the labels are 0, 2 and 5",
        ),
        (
            lambda y, a: {
                n: (a[y == n] == n).double().mean().nan_to_num().item() for n in torch.cat((y, a)).unique().tolist()
            },
            "are 0, 2 and 5",
        ),
        (lambda y, a: {torch.tensor(n): share for n, share in by_class(y, a).items()}, "the keys are tensors"),
        (lambda y, a: {n: ((y == n) & (a == n)).double().mean().item() for n in (0, 2, 5)}, "0.75 of its pictures"),
        (lambda y, a: None, "is `return` missing?"),
    ],
    "only_path": [
        (lambda b, i: alone(b, i, copied=False), "copy.deepcopy it first"),
        (lambda b, i: alone(b, i, others=True), "the other way round"),
        (lambda b, i: alone(b, i, width=1), "that is one channel"),
        (lambda b, i: alone(b, i, shortcut=False), "the shortcut is gone"),
        (lambda b, i: alone(b, (i + 1) % 4), "not that of path 0 alone"),
        (lambda b, i: 3, "nn.Modules"),
    ],
    "times_as_fast": [
        (lambda a, b: statistics.median(b) / statistics.median(a), "the other way round"),
        (lambda a, b: statistics.mean(a) / statistics.mean(b), "these are means"),
        (lambda a, b: sorted(a)[len(a) // 2] / sorted(b)[len(b) // 2], "the mean of the middle two"),
        (lambda a, b: min(a) / min(b), "the luckiest"),
        (lambda a, b: a[len(a) // 2] / b[len(b) // 2], "as it came"),
        (lambda a, b: statistics.median(x / y for x, y in zip(a, b, strict=True)), "median of the ratios"),
        (lambda a, b: 7.0, "it is 3.25, not 7.00"),
        (lambda a, b: None, "is `return` missing?"),
        (lambda a, b: "3", "give a number, not str"),
    ],
    "fold": [
        (lambda w, g, b, m, v, e: folded(w, g, b, m, v, 0), "eps is missing"),
        (lambda w, g, b, m, v, e: folded(w, g, b, m, v, e, scale=g / (v**0.5 + e)), "under the root"),
        (lambda w, g, b, m, v, e: folded(w, g, b, m, v, e, scale=g / (v + e)), "the root of the variance"),
        (lambda w, g, b, m, v, e: folded(w, g, b, m, v, e, bias=b), "the bias needs it too"),
        (lambda w, g, b, m, v, e: folded(w, g, b, m, v, e, bias=b - m), "scale it as well"),
        (lambda w, g, b, m, v, e: folded(w, g, b, m, v, e, bias=b + m * g / (v + e) ** 0.5), "not added"),
        (lambda w, g, b, m, v, e: (w, folded(w, g, b, m, v, e)[1]), "a scale of its own"),
        (lambda w, g, b, m, v, e: (folded(w, g, b, m, v, e)[0], m), "where the convolution gives 0"),
        (lambda w, g, b, m, v, e: folded(w, g, b, m, v, e)[0], "return two tensors"),
    ],
    "why_slow": [
        (nearest_count, "No count changed as the time did"),
        (lambda a, b: "MACs", "MACs did not change as the time did"),
        (lambda a, b: "routine", "nothing else is needed"),
        (lambda a, b: diagnosis(a, b, agree=lambda one, other: one / other <= 1.2), "No count changed as the time did"),
        (lambda a, b: diagnosis(a, b, otherwise="kernel"), "'kernel' is no answer"),
        (lambda a, b: 3, "return a name"),
    ],
    "whole_speedup": [
        (lambda s, f: 1 - s + s / f, "1 over it"),
        (lambda s, f: s * f, "takes its time as well"),
        (lambda s, f: 1 + s * (f - 1), "add times"),
        (lambda s, f: f, "only the layer"),
        (lambda s, f: 9.0, "not 9.000"),
    ],
    "all_positive": [
        (lambda n: 0.5**n, "these are coins with a baseline each"),
        (lambda n: 1 / n, "the baseline is one of those"),
        (lambda n: 2 / (n + 1), "all better or all worse"),
        (lambda n: 1 - 1 / (n + 1), "how often it does not happen"),
        (lambda n: n + 1, "once in how many studies"),
        (lambda n: 100 / (n + 1), "that is per cent"),
        (lambda n: 0.05, "5 variants: 0.1667, not 0.0500"),
        (lambda n: None, "is `return` missing?"),
    ],
    "no_paths": [
        (blocks_of, "fall into 2 closed sets"),
        (lambda c, r: blocks_of(c, r)[torch.randperm(c)], "in whichever order they stand"),
        (first_inputs, "input 0 is read by 6"),
        (lambda c, r: first_inputs(c, r).T, "output 0 reads 6"),
        (lambda c, r: ring(c, r + 1), "output 0 reads 3"),
        (lambda c, r: 2 * ring(c, r), "only zeros and ones"),
        (lambda c, r: ring(c, r, columns=c + 1), "not of the shape (6, 7)"),
        (lambda c, r: torch.ones(c, c), "output 0 reads 6"),
        (lambda c, r: 3, "return a matrix"),
    ],
    "differences": [
        (lambda a, b: paired(b, a), "first minus second"),
        (lambda a, b: [abs(d) for d in paired(a, b)], "keep the signs"),
        (lambda a, b: [a[s] - b[s] for s in a if s in b], "not in the order of the seeds"),
        (lambda a, b: [a[s] - b[s] for s in a.keys() & b.keys()], "not in the order of the seeds"),
        (lambda a, b: [a[s] - b[s] for s in sorted(a)], "seed 7 is in one dictionary only"),
        (lambda a, b: [x - y for x, y in zip(a.values(), b.values(), strict=True)], "there are 3 differences, not 4"),
        (lambda a, b: [x - y for x, y in zip(list(a.values())[:3], b.values(), strict=False)], "the same seed"),
        (lambda a, b: 0.2, "return a list"),
    ],
    "what_follows": [
        (FOLLOWS | {"fits": False}, "fits: look at the paired differences"),
        (FOLLOWS | {"paths": True}, "paths: what else grows in Table 3"),
        (FOLLOWS | {"regulariser": True}, "regulariser: what does the training error do"),
        (FOLLOWS | {"seeds": False}, "seeds: compare the places"),
        (FOLLOWS | {"fits": "yes"}, "answer True or False"),
        ({"fits": True}, "the keys are"),
        ([True], "give a dictionary"),
    ],
}
ABSURD = [
    0,
    -1,
    2.5,
    "text",
    b"",
    [],
    {},
    (),
    object(),
    int,
    torch.zeros(3),
    float("nan"),
    True,
    nn.Identity(),
    lambda *a: a,
    lambda *a: None,
    lambda *a: torch.zeros(2, 2),
    lambda *a: "text",
    lambda *a: [],
    lambda *a: float("nan"),
    lambda *a: nn.Identity(),
]


def judge(name, answer):
    """Run a check; the large networks without data, and then nothing is computed."""
    if name not in NETWORK_CHECKS:
        return CHECKS[name](answer)
    with torch.device("meta"):
        return CHECKS[name](answer)


def cases(table):
    return [pytest.param(name, case, id=f"{name}-{i}") for name, found in table.items() for i, case in enumerate(found)]


@pytest.mark.sampled(24)
@pytest.mark.parametrize(("name", "answer"), cases(RIGHT))
def test_right_answer_passes(name, answer):
    verdict = judge(name, answer)
    assert verdict and repr(verdict).startswith("correct: "), verdict


@pytest.mark.sampled(60)
@pytest.mark.parametrize(("name", "case"), cases(WRONG))
def test_wrong_answer_hears_what_is_wrong(name, case):
    answer, words = case
    verdict = judge(name, answer)
    assert not verdict
    assert words in verdict.message
    assert not verdict.message.startswith("your code raised"), verdict


def test_the_tables_know_every_check():
    assert set(RIGHT) == set(WRONG) == set(CHECKS)
    assert all(len(found) >= 3 for found in WRONG.values())


# ------------------------------------------------------------------ the chapters' own solutions


def check_call(source, name):
    """The expression ``exercises.NAME(...)`` of a check cell."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"exercises.{name}"
    ]
    assert len(calls) == 1, f"no single call of exercises.{name} in the check cell"
    return compile(ast.Expression(calls[0]), "check cell", "eval")


@pytest.mark.sampled(12)
@pytest.mark.parametrize(("path", "index", "name"), declarations("exercise"))
def test_chapter_solution_passes_its_check(path, index, name):
    made = read(path)
    call = check_call(made.cells[index + 1].source, name)
    verdict = eval(call, {**execute_up_to(made, index), "exercises": exercises})  # noqa: S307 -- the chapter's own code
    assert verdict, verdict


def test_no_exercise_is_asked_twice_and_every_one_has_a_check():
    names = [name for path in CHAPTERS for _, key, name in declared_cells(read(path)) if key == "exercise"]
    assert len(names) == len(set(names))
    assert set(names) <= set(CHECKS)


# ------------------------------------------------------------------ nothing crashes, nothing is changed


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("blank", [..., None, "no argument"])
def test_a_blank_answer_gets_the_hint(name, blank):
    verdict = CHECKS[name]() if blank == "no argument" else CHECKS[name](blank)
    assert not verdict
    assert verdict.message.startswith("replace the ... by your answer. Hint: ") and CHECKS[name].hint in verdict.message


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", CHECKS)
def test_absurd_answers_get_a_verdict_of_one_line(name):
    for answer in ABSURD:
        verdict = judge(name, answer)
        assert isinstance(verdict, exercises.Verdict) and not verdict, answer
        assert repr(verdict).startswith("not yet: ") and "\n" not in repr(verdict)
        assert str(verdict) == repr(verdict)


def raising(*arguments):
    raise KeyError("a\nlong\nstory")


@pytest.mark.parametrize(
    "name",
    sorted(
        set(CHECKS)
        - {"common_factor", "miscounts", "path_reach", "form_c_shapes", "small_change", "steps_to_convnext", "what_follows"}
    ),
)
def test_code_that_raises_gets_a_verdict_of_one_line(name):
    verdict = judge(name, raising)
    assert not verdict
    assert "raised KeyError" in verdict.message
    assert "\n" not in repr(verdict)


def kept(build):
    """``build``, but it gives out the same object for the same arguments; and what it gave out."""
    objects = {}

    def answer(*arguments):
        if arguments not in objects:
            objects[arguments] = build(*arguments)
        return objects[arguments]

    return answer, objects


# Classes whose objects a reader may still hold in a variable: name, builder, all arguments the check uses.
HELD = [
    ("bottleneck", spoilt_bottleneck(), [(32, 16, 64, 2), (64, 16, 64, 1), (32, 8, 64, 1), (64, 16, 64, 2)]),
    ("resnext_block", spoilt(), [(32, 24, 64, 4, 2), (64, 24, 64, 4, 1), (64, 24, 64, 8, 1), (32, 24, 64, 1, 1)]),
    ("x_block", x_block(), [(32, 96, 24, 2), (48, 48, 8, 1), (32, 24, 24, 2), (24, 48, 1, 1)]),
    ("form_a", OwnFormA, [(12, 8, 12, 4, 1), (12, 8, 20, 4, 2)]),
    ("inception_3a", ThreeA, [()]),
]


@pytest.mark.parametrize(("name", "build", "arguments"), HELD, ids=[held[0] for held in HELD])
@pytest.mark.parametrize("training", [True, False])
def test_the_readers_modules_are_unchanged(name, build, arguments, training):
    answer, objects = kept(build)
    for each in arguments:
        answer(*each).train(training)
    before = {each: copy.deepcopy(module) for each, module in objects.items()}
    assert CHECKS[name](answer)
    assert set(objects) == set(before), "the check asks for other sizes than HELD says"
    for each, module in objects.items():
        assert_unchanged(module, before[each])


def assert_unchanged(module, before):
    assert [m.training for m in module.modules()] == [m.training for m in before.modules()]
    assert list(module.state_dict()) == list(before.state_dict())
    for key, value in before.state_dict().items():
        assert_close(module.state_dict()[key], value, rtol=0, atol=0)


def test_the_readers_network_is_unchanged():
    small = networks.ResNeXt((1, 1, 1, 1), 2, 4, **GREY).eval()
    before = copy.deepcopy(small)
    assert not judge("small_change", small)
    assert_unchanged(small, before)


def test_the_readers_dictionaries_are_unchanged():
    for name, answer in (("path_reach", MIDDLE), ("form_c_shapes", SHAPES)):
        before = copy.deepcopy(answer)
        assert CHECKS[name](answer)
        assert answer == before


def test_the_five_wrong_networks_train_and_are_wrong_each_in_its_own_way():
    with torch.device("meta"):
        wrong = exercises.wrong_networks()
        right = networks.resnext50_32x4d()
    costs = {(count_parameters(net), count_macs(net, (3, 224, 224))) for net in [right, *wrong.values()]}
    assert len(wrong) == 5 and len(costs) == 6
    assert all(net(torch.zeros(1, 3, 64, 64, device="meta")).shape == (1, 1000) for net in wrong.values())


def test_a_subclass_of_the_library_is_accepted_and_a_changed_one_is_not():
    """The checks look at behaviour, not at types; and where the library's block may do the work, it may."""

    class Mine(Bottleneck):
        pass

    class Changed(Bottleneck):
        def shortcut(self, x):
            return 0.5 * ResidualBlock.shortcut(self, x)

    assert exercises.x_block(x_block(Mine))
    assert not exercises.x_block(x_block(Changed))
    assert exercises.resnext_block(Mine).message == "Bottleneck comes from resnext_lib; write it with nn only"


@pytest.mark.slow
def test_pytorchs_compiler_is_loaded_before_calls_are_watched():
    """Watched, its thousands of functions keep the class's first verdict waiting for 7 seconds in place of 2."""
    program = """
import sys
from torch import cat, nn
from resnext_lib import exercises

watch, loaded = sys.setprofile, []
sys.setprofile = lambda hook: (hook and loaded.append("torch._dynamo" in sys.modules), watch(hook))
def side_by_side(x, weight, groups):
    pairs = zip(x.chunk(groups, 1), weight.chunk(groups), strict=True)
    return cat([nn.functional.conv2d(*pair, padding=1) for pair in pairs], 1)
exercises.side_by_side(side_by_side)
print(loaded[0])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["True"], done.stdout + done.stderr
