"""Claims without a number, tried out: a definition or a rule of the text, and an experiment that would fail if it were wrong."""

import math
import re
import statistics

import torch
import torchvision
from claims_for_tests import opened, shown, words
from claims_of_1_to_4 import built, conv, grouped, reach_of, sees, weights
from claims_of_9_to_11 import contrasts, place, ratio, value
from quiz_answers import (
    WIDTHS,
    good_for_64_and_poor_for_one,
    one_pixel,
    same,
    shuffled_before_a_dense_1x1,
    squeeze_and_excitation_on_twice_the_side,
    two_relus,
    what_may_be_exchanged,
)
from randomness import random_tensor, randomise, without_data
from torch import nn
from torch.nn import functional
from torch.utils.data.distributed import DistributedSampler

from resnext_lib import descendants, networks
from resnext_lib.blocks import Bottleneck, Inception
from resnext_lib.complexity import count_macs, count_parameters
from resnext_lib.data import fashion_subset
from resnext_lib.experiments import column
from resnext_lib.forms import FormA, FormB, FormC, to_form
from resnext_lib.inference import export_onnx
from resnext_lib.paths import without_path
from resnext_lib.published import evidence, published
from resnext_lib.timing import compare
from resnext_lib.training import train
from resnext_lib.weights import load_weights

SMALL = (16, 8, 16, 4)


def output_of(layer, side):
    return layer(torch.empty(1, layer.in_channels, side, side, device="meta")).shape[2]


def layer_on(*sizes, **options):
    return without_data(nn.Conv2d, *sizes, **options)


# ------------------------------------------------------------------ what layers do


def reads_all_channels():
    x = torch.ones(1, 4, 3, 3, requires_grad=True)
    nn.Conv2d(4, 6, 3)(x)[0, 0].sum().backward()
    return bool((x.grad.abs().sum(dim=(0, 2, 3)) > 0).all())


def group_reads(output, channels=8, groups=4):
    """The inputs, counted from 0, that change an output channel of a grouped convolution."""
    x = torch.ones(1, channels, 3, 3, requires_grad=True)
    nn.Conv2d(channels, channels, 3, padding=1, groups=groups)(x)[0, output].sum().backward()
    return x.grad.abs().sum(dim=(0, 2, 3)).nonzero().flatten().tolist()


def further_3x3_behind_stride_2():
    """By how many pixels a further 3×3 extends the sight behind a layer of stride 2."""
    sides = []
    for more in (0, 1):
        stack = nn.Sequential(nn.Conv2d(1, 1, 3, 2, 1), *(nn.Conv2d(1, 1, 3, padding=1) for _ in range(more + 1)))
        for layer in stack:
            nn.init.ones_(layer.weight)
        x = torch.ones(1, 1, 41, 41, requires_grad=True)
        stack(x)[0, 0, 10, 10].backward()
        sides.append(int((x.grad[0, 0] != 0).any(0).sum()))
    return sides[1] - sides[0]


def bias_is_subtracted():
    norm, x = randomise(nn.BatchNorm2d(3).double()).train(), random_tensor(4, 3, 5, 5)
    return same(norm(x), norm(x + 5))


def norm_of(mode):
    """Whether batch norm in this mode uses the batch's own mean."""
    norm, x = randomise(nn.BatchNorm2d(2).double()), random_tensor(8, 2, 4, 4) + 3
    with_own = torch.nn.functional.batch_norm(x, None, None, norm.weight, norm.bias, training=True)
    return same(norm.train(mode)(x), with_own)


def norm_forgets_the_size():
    norm, x = nn.BatchNorm2d(2, eps=1e-12).double().train(), random_tensor(8, 2, 4, 4)
    return same(norm(x), norm(2 * x))


def smaller_weights_turn_further(k=3):
    """In front of a batch norm, weights divided by k: their gradient, and how far a step turns them for their size."""
    x, wish = random_tensor(8, 4, 5, 5), random_tensor(8, 6, 5, 5, seed=1)
    norm, start = nn.BatchNorm2d(6, eps=1e-15).double().train(), random_tensor(6, 4, 3, 3, seed=2)
    gradients = []
    for weight in (start, start / k):
        weight = weight.clone().requires_grad_()
        (norm(functional.conv2d(x, weight, padding=1)) - wish).pow(2).mean().backward()
        gradients.append(weight.grad)
    turned = [gradients[0].norm() / start.norm(), gradients[1].norm() / (start / k).norm()]
    return same(gradients[1], k * gradients[0]) and same(turned[1], k**2 * turned[0])


def grouped_layers_start_small():
    """Whether the grouped 3×3 starts with the groups ignored, in torchvision's network and in this book's."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torchvision.models.resnet.ResNet(
            torchvision.models.resnet.Bottleneck, [1, 1, 1, 1], groups=32, width_per_group=4
        )
        ours = networks.ResNeXt((1, 1, 1, 1), 32, 4)
    spreads = [network.layer1[0].conv2.weight.std().item() for network in (theirs, ours)]
    return all(math.isclose(spread, math.sqrt(2 / (128 * 9)), rel_tol=0.05) for spread in spreads)


def sum_of_norms_differs():
    return "is replaced by 32" in what_may_be_exchanged()


def linear(function):
    x, y = random_tensor(2, 4, 5, 5), random_tensor(2, 4, 5, 5, seed=1)
    return same(function(x + y), function(x) + function(y))


def layer_on_four():
    return nn.Conv2d(4, 4, 3, padding=1, bias=False).double()


def convolution():
    layer = layer_on_four()
    return lambda x: layer(x)


def identity_needs_no_weights():
    return (
        built(networks.resnet50).layer1[1].downsample is None and built(networks.resnet50).layer1[0].downsample is not None
    )


def pooling_has_no_weights():
    return not list(nn.MaxPool2d(3).parameters()) and nn.MaxPool2d(3)(torch.empty(1, 5, 9, 9)).shape[1] == 5


def windows_of_the_branches():
    """The largest window of each of Inception's first three branches."""
    module = without_data(Inception, 192, **WIDTHS)
    branches = (module.branch1, module.branch2, module.branch3)
    return [max(m.kernel_size[0] for m in branch.modules() if isinstance(m, nn.Conv2d)) for branch in branches]


def reduction_reads_few():
    branch = without_data(Inception, 192, **WIDTHS).branch3
    sizes = [layer.in_channels for layer in branch.modules() if isinstance(layer, nn.Conv2d)]
    return sizes == [192, WIDTHS["reduce5x5"]]


def concatenated():
    return without_data(Inception, 192, **WIDTHS)(torch.empty(1, 192, 5, 5, device="meta")).shape[1] == sum(
        WIDTHS[name] for name in ("conv1x1", "conv3x3", "conv5x5", "pool_projection")
    )


def forms_convert():
    form_a = randomise(FormA(*SMALL).double()).eval()
    form_c = FormC(*SMALL).double().eval()
    form_c.load_state_dict(to_form(form_a.state_dict(), "C"))
    x = random_tensor(2, 16, 5, 5)
    return same(form_a(x), form_c(x))


def reordered_paths():
    """Paths of form A in another order, against only the first layer of form C with its rows in another order."""
    form_a, x = randomise(FormA(*SMALL).double()).eval(), random_tensor(1, 16, 4, 4)
    before = form_a(x)
    form_a.paths = nn.ModuleList(reversed(form_a.paths))
    form_c = randomise(FormC(*SMALL).double()).eval()
    c_before = form_c(x)
    form_c.conv1.weight.data = form_c.conv1.weight.data.flip(0)
    return same(form_a(x), before) and not same(form_c(x), c_before)


def conv3_inside_or_behind():
    """Where the last 1×1 is in forms A and B, and how many layers form C has."""
    a, b, c = (without_data(form, *SMALL) for form in (FormA, FormB, FormC))
    inside = [any("conv3" in name for name, _ in form.paths[0].named_modules()) for form in (a, b)]
    return inside == [True, False] and hasattr(b, "conv3") and sum(isinstance(m, nn.Conv2d) for m in c.modules()) == 3


def layer_norm_knows_no_batch():
    norm, x = randomise(descendants.LayerNorm2d(4).double()), random_tensor(8, 4, 3, 3)
    return same(norm.train()(x)[:1], norm.train()(x[:1])) and same(norm.train()(x), norm.eval()(x))


def narrow_outside_and_wide_inside():
    block = without_data(descendants.ConvNeXtBlock, 96)
    widths = [m.out_channels for m in block.modules() if isinstance(m, nn.Conv2d)]
    return max(widths) == 4 * 96 and widths[-1] == 96


def correlation(of_equal):
    x, y = random_tensor(5000), random_tensor(5000, seed=1)
    return torch.corrcoef(torch.stack([x, x if of_equal else y]))[0, 1].item()


def softmax_twice():
    logits = torch.tensor([[50.0, *[0.0] * 9]])
    return (
        functional.cross_entropy(logits.softmax(dim=1), torch.tensor([0])).item()
        > 1
        > functional.cross_entropy(logits, torch.tensor([0])).item()
    )


def registers():
    """Numbers of 32 bits in a register of AVX2, 256 bits, and the most groups that filled one in the measurement."""
    rows = [r for r in evidence("speed_groups") if r["layout"] == "channels-first" and r["kernel"] == "direct"]
    assert all(r["instructions"].startswith("AVX2") for r in rows)
    return 256 // 32, max(int(r["groups"]) for r in rows)


def stage_sides():
    return [
        built(networks.resnext50_32x4d).layer1[0].conv2.stride[0],
        built(networks.resnext50_32x4d).layer2[0].conv2.stride[0],
    ]


# ------------------------------------------------------------------ chapters

CHAPTERS = {
    1: {
        "so that each further 3×3 adds four pixels instead of two": lambda: further_3x3_behind_stride_2() == 4,
        "an output channel has one kernel *for every input channel* and adds": reads_all_channels,
        "The size of the image does not appear, because the same filter is used everywhere": lambda: (
            weights(4, 6, 3) == 4 * 6 * 9
        ),
        "The map grows by two": lambda: output_of(layer_on(1, 1, 1, padding=1), 9) == 9 + 2,
        "to keep the size, padding is `kernel // 2`, which is 0 here": lambda: (
            all(output_of(layer_on(1, 1, k, padding=k // 2), 9) == 9 for k in (1, 3, 5)) and 1 // 2 == 0
        ),
        "It learns patterns of channels: which of them have to be there together": lambda: "patterns" in one_pixel(),
        "so large maps early and many channels late cost the same": lambda: (
            weights(64, 64, 3) * 56**2 == weights(512, 512, 3) * 7**2
        ),
    },
    2: {
        "Three look through a 1×1, a 3×3 and a 5×5": lambda: windows_of_the_branches() == [1, 3, 5],
        "keeps the size of the map, so the results can be put side by side as channels": concatenated,
        "The fourth, a **pooling**, has no weights": pooling_has_no_weights,
        "Two convolutions in a row are still only multiplications and sums": lambda: linear(
            nn.Sequential(layer_on_four(), layer_on_four())
        ),
        "a **ReLU**, which replaces negative numbers by zero": lambda: (
            torch.relu(torch.tensor([-1.0, 2.0])).tolist() == [0, 2]
        ),
        "takes its window as its stride unless told otherwise": lambda: nn.MaxPool2d(3).stride == 3,
        "Its third branch has a 3×3 instead of the 5×5": lambda: "(3, 3)" in shown(2, "c02-033"),
    },
    3: {
        "in **training mode** batch norm takes the mean and variance of the present batch": lambda: norm_of(True),
        "in **evaluation mode** it uses these averages": lambda: not norm_of(False),
        "They start at 0 and 1": lambda: (
            (nn.BatchNorm2d(1).running_mean.item(), nn.BatchNorm2d(1).running_var.item()) == (0, 1)
        ),
        "A bias before batch norm moves a channel's mean and is subtracted again": bias_is_subtracted,
        "Two batch norms on 4 channels each are one on 8, laid side by side": lambda: (
            "is replaced by 32" in what_may_be_exchanged()
        ),
        "Batch norm after a *sum* cannot be moved before it": sum_of_norms_differs,
        "its first batch norm divides the 2 out again, so that $F(2x) = F(x)$": norm_forgets_the_size,
        "To copy, $F$ now only has to be zero": lambda: (
            [float(n) for n in re.findall(r"'([\d.]+)'", shown(3, "c03-011"))][:4]
            == [float(n) for n in re.findall(r"'([\d.]+)'", shown(3, "c03-011"))][4:]
        ),
        "Then a picture's result depends on the rest of its batch, and no error tells you": lambda: (
            "eval" in good_for_64_and_poor_for_one()
        ),
        "nothing is halved, yet": identity_needs_no_weights,
    },
    4: {
        "Output group 1 reads input group 1, output group 2 reads input group 2, and nothing crosses": lambda: (
            [group_reads(0), group_reads(2)] == [[0, 1], [2, 3]]
        ),
        "so g has to divide both numbers of channels": lambda: _refuses(12, 18, 4) and not _refuses(12, 16, 4),
        "They do not exist, because the weight holds only the columns that each row needs": lambda: (
            conv(8, 8, 3, groups=4).weight.shape == (8, 2, 3, 3)
        ),
        "cuts the input channels into g groups of neighbouring channels": lambda: group_reads(4) == [4, 5],
        "In an ordinary convolution every output channel reads every input channel": reads_all_channels,
        "A **channel shuffle** costs no weights but mixes step by step": lambda: (
            not list(nn.ChannelShuffle(4).parameters()) and reach_of(grouped(), nn.ChannelShuffle(4), grouped()) == 4
        ),
        "A 1×1 mixes all channels at once": lambda: reach_of(grouped(), nn.Conv2d(8, 8, 1)) == 8,
        "Push g up to the number of channels, and every channel is convolved alone": lambda: (
            [group_reads(channel, groups=8) for channel in range(8)] == [[channel] for channel in range(8)]
        ),
        "(a) is false, because ReLU works on each number alone": lambda: reach_of(grouped(), nn.ReLU(), grouped()) <= 2,
        "PyTorch refuses it, and names the side that failed": lambda: (
            "out_channels must be divisible" in shown(4, "c04-027")
        ),
    },
    5: {
        "each output channel comes from one branch alone": lambda: len(_branches_of_output()) == 1,
        "Every output channel hears every branch": lambda: _added_reads() == 3,
        "No: the first 1×1 of each path reads the whole input and the last one writes to the whole output": lambda: (
            [without_data(FormA, *SMALL).paths[0].conv1.in_channels, without_data(FormA, *SMALL).paths[0].conv3.out_channels]
            == [16, 16]
        ),
        "two stacked 3×3s see as far as a 5×5": lambda: sees(3, 3) == sees(5),
        "Batch norm divides the size out, so only the weights' direction matters": norm_forgets_the_size,
        "But weights k times smaller have a gradient k times larger, and a step turns them $k^2$ times as far": (
            smaller_weights_turn_further
        ),
        "The output keeps its shape; the shape of the weight tells": lambda: (
            "(128, 4, 3, 3)" in shown(5, "c05-054") and "(128, 32, 3, 3)" in shown(5, "c05-054")
        ),
        "blocks on maps of the same size are alike, and where the side of the map halves, the widths double": lambda: (
            [built(networks.resnext50_32x4d).layer2[0].width, stage_sides()[1]]
            == [2 * built(networks.resnext50_32x4d).layer1[0].width, 2]
        ),
        "The authors' code and torchvision start that way, and this book does as well": grouped_layers_start_small,
        "the depthwise networks of [chapter 11](11_what_came_next.ipynb) have d = 1 and wider 1×1s": lambda: (
            narrow_outside_and_wide_inside()
            and {
                m.weight.shape[1]
                for m in without_data(descendants.ConvNeXtBlock, 96).modules()
                if getattr(m, "groups", 1) > 1
            }
            == {1}
        ),
        "(a) is true of maximum pooling and no obstacle": lambda: not linear(nn.MaxPool2d(3, 1, 1)),
    },
    6: {
        "In **form A** every path has three convolutions of its own, and a plus adds": conv3_inside_or_behind,
        "In **form B** the paths stop after their 3×3; their outputs are concatenated": conv3_inside_or_behind,
        "what it makes of a sum is the sum of what it makes of the parts": lambda: linear(convolution()),
        "ReLU is not, so none may stand between a path's last convolution and the sum": lambda: not linear(torch.relu),
        "No fixed choice of learned numbers undoes this for every batch": sum_of_norms_differs,
        "Only in evaluation mode, **eval mode** for short, where the spreads are stored numbers, could they be folded": lambda: (
            not norm_of(False) and norm_of(True)
        ),
        "Batch norm and ReLU treat each channel by itself": lambda: "is replaced by 32" in what_may_be_exchanged(),
        '"side by side" means along dimension 1': lambda: conv(8, 16, 1).weight.shape[1] == 8,
        "The forms get equal weights by conversion": forms_convert,
        "because a fresh one is nearly the identity in eval mode and would hide where it stands": lambda: torch.allclose(
            nn.BatchNorm2d(2).eval()(torch.ones(1, 2, 3, 3)), torch.ones(1, 2, 3, 3), atol=1e-4
        ),
        "so the ReLU may not move": lambda: two_relus() == "1 and 0",
        "torchvision refuses `groups` in its basic block of two": lambda: _raises(
            lambda: torchvision.models.resnet.BasicBlock(64, 64, groups=32)
        ),
    },
    7: {
        "that skips three quarters of the places in three stages": lambda: (
            [
                output_of(layer_on(1, 1, 1, stride=2), 8) ** 2 / 8**2,
                sum(getattr(built(networks.resnext50_32x4d), f"layer{i}")[0].conv2.stride[0] == 2 for i in (1, 2, 3, 4)),
            ]
            == [1 / 4, 3]
        ),
        "because a stride has no weights": lambda: weights(8, 8, 3, stride=2) == weights(8, 8, 3),
        "the paper does not compare the two, and RegNet does the opposite": lambda: (
            len(
                {stage[-1].conv2.in_channels // stage[-1].conv2.groups for stage in built(descendants.regnet_x_3_2gf).stages}
            )
            == 1
        ),
        "From conv3 on its 3×3 carries the stride, and its shortcut a projection, because the input fits neither in size nor in "
        "channels; in conv2 the stride is 1, and only the channels do not fit": lambda: (
            [first.conv2.stride for first in _first_blocks()] == [(1, 1), (2, 2), (2, 2), (2, 2)]
            and all(first.downsample is not None for first in _first_blocks())
        ),
        "Counts see only what has weights: forgotten groups, wrong widths, a missing block or projection, superfluous biases": lambda: (
            len({count_parameters(network) for network in _miscounted()}) == 6
        ),
        "V2 has another **recipe**, everything but the network": lambda: (
            value("torchvision.resnext50_32x4d.V2.top1") > value("torchvision.resnext50_32x4d.V1.top1")
        ),
        "they say that weights fit, not what is computed with them": lambda: weights(8, 8, 3, stride=2) == weights(8, 8, 3),
    },
    8: {
        "A correlation of 1 means that two paths add the same, up to a factor, and 0 that what they add does not line up": lambda: (
            correlation(True) > 0.999 and abs(correlation(False)) < 0.05
        ),
        "in eval mode ([chapter 3](03_residual_learning.ipynb)) it works with a mean and a variance that were stored": lambda: (
            not norm_of(False)
        ),
        "expects the network's plain outputs, the **logits**, and applies the softmax itself": softmax_twice,
        "it is the mean of minus the logarithm of the probability": lambda: math.isclose(
            functional.cross_entropy(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])).item(),
            -(math.log(math.e / (math.e + 1)) + math.log(1 / 2)) / 2,
            rel_tol=1e-5,
        ),
        "a constant moves only the mean, and the re-estimated batch norm subtracts the new mean": bias_is_subtracted,
    },
    9: {
        "| a wider middle is enough | no gain of sparse over narrow is found |": lambda: (
            _shared_by("sparse", "narrow") == {"width"}
        ),
        "| it is the separate paths | no gain of grouped over sparse is found |": lambda: (
            _shared_by("grouped", "sparse") == {"paths"}
        ),
        "| more paths help at equal cost | no gain of grouped over narrow is found, or mac-matched gains as much |": lambda: (
            "paths" in _shared_by("grouped", "narrow")
        ),
        "In the grouped arm of [Figure 9.6](#fig-9-6) a channel meets one other and never leaves its pair": lambda: (
            len(group_reads(0, channels=32, groups=16)) == 2
        ),
        "What the seed does in [Figure 9.4](#fig-9-4) is larger than what we want to see": lambda: (
            place("16x8d", 0) - place("16x8d", 4) == 5
        ),
        "The best of five beats the mean even when nothing differs": lambda: max(range(5)) > statistics.mean(range(5)),
        "the dense 1×1 behind reads all channels, so with its columns in another order": shuffled_before_a_dense_1x1,
    },
    10: {
        "Every call has a fixed price, and A makes 96 of them": lambda: (
            ratio("forms", "form A", "forward") > ratio("forms", "form C", "forward")
        ),
        "because one interrupted call should not count": lambda: statistics.median([1, 1, 1, 1, 90]) == 1,
        "In eval mode batch norm is one multiplication and one addition for each channel": lambda: not norm_of(False),
        "computes on several numbers at once, holds {} of them here, and up to {} groups the direct routine": registers,
        "every output channel has its own scale, whatever it reads": lambda: nn.BatchNorm2d(6).weight.shape == (6,),
    },
    11: {
        "The 48 of RegNetX-3.2GF is a width, and PyTorch wants a number of groups": lambda: (
            built(descendants.regnet_x_3_2gf).stages[0][-1].conv2.groups != 48
        ),
        "it goes to the far end, one channel a group": lambda: all(
            m.groups == m.in_channels
            for m in without_data(descendants.ConvNeXtBlock, 96).modules()
            if isinstance(m, nn.Conv2d) and m.kernel_size[0] == 7
        ),
        "so it knows no batch and has no second mode": layer_norm_knows_no_batch,
        "an output reads its own group and nothing else": lambda: group_reads(4) == [4, 5],
        "the 3×3 looks at each channel alone": lambda: group_reads(3, groups=8) == [3],
        "they read one mean for each channel, however many pixels it was taken over": lambda: (
            "stay" in squeeze_and_excitation_on_twice_the_side()
        ),
        "the optimiser leaves parameters alone that get no gradient": lambda: _decay_of_frozen() == 1.0,
        "clear of zero on the same side in both": lambda: (
            not all(contrasts(split, 4)[2]["low"] > 0 for split in ("unlike", "alike"))
        ),
        "Grouping survived, and so did the trade of groups for width": lambda: (
            built(descendants.regnet_x_3_2gf).stages[0][-1].conv2.groups > 1
        ),
    },
}


def _first_blocks():
    """The first block of every stage of ResNeXt-50."""
    return [getattr(built(networks.resnext50_32x4d), f"layer{i}")[0] for i in (1, 2, 3, 4)]


def _miscounted():
    """ResNeXt-50, and five networks that differ from it in what has weights."""
    blocks = (3, 4, 6, 3)
    yield without_data(networks.ResNeXt, blocks, 32, 4)
    yield without_data(networks.ResNeXt, blocks, 1, 128)  # groups forgotten
    yield without_data(networks.ResNeXt, blocks, 32, 8)  # wrong widths
    yield without_data(networks.ResNeXt, (3, 4, 6, 2), 32, 4)  # a block is missing
    for change in ("projection", "bias"):
        network = without_data(networks.ResNeXt, blocks, 32, 4)
        first = network.layer1[0]
        if change == "projection":
            first.downsample = None
        else:
            first.conv1 = without_data(nn.Conv2d, 64, 128, 1, bias=True)
        yield network


def _raises(function):
    try:
        function()
    except ValueError:
        return True
    return False


def _refuses(in_channels, out_channels, groups):
    return _raises(lambda: nn.Conv2d(in_channels, out_channels, 3, groups=groups))


def _branches_of_output():
    """Which of two concatenated branches of 4 channels an output channel depends on."""
    x = torch.ones(1, 4, 3, 3, requires_grad=True)
    branches = [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)]
    torch.cat([branch(x) for branch in branches], dim=1)[0, 1].sum().backward()
    return [branch for branch in branches if branch.weight.grad.abs().sum() > 0]


def _added_reads():
    """How many of three added branches an output channel depends on."""
    x, branches = torch.ones(1, 4, 3, 3), [nn.Conv2d(4, 4, 1) for _ in range(3)]
    sum(branch(x) for branch in branches)[0, 1].sum().backward()
    return sum(bool(branch.weight.grad.abs().sum() > 0) for branch in branches)


ARMS = {"narrow": set(), "grouped": {"width", "paths"}, "sparse": {"width"}}


def _shared_by(more, less):
    """What one arm of the study has and the other has not."""
    return ARMS[more] - ARMS[less]


def _decay_of_frozen():
    layer = nn.Linear(1, 1).requires_grad_(False)
    layer.weight.fill_(1)
    torch.optim.SGD([layer.weight], lr=0.1, weight_decay=0.5).step()
    return layer.weight.item()


# ------------------------------------------------------------------ other pages


def tells_who_is_who():
    """`groups` and `width_per_group` of the twenty minutes, as torchvision means them."""
    network = without_data(
        torchvision.models.resnet.ResNet, torchvision.models.resnet.Bottleneck, [1, 1, 1, 1], groups=8, width_per_group=4
    )
    weight = network.layer1[0].conv2
    return weight.groups == 8 and weight.weight.shape[1] == 4


def order_agrees_and_epochs_differ():
    sampler = DistributedSampler(range(40), num_replicas=2, rank=0, seed=1)
    first = list(sampler)
    again = list(sampler)
    sampler.set_epoch(1)
    return first == again != list(sampler)


OTHERS = {
    "twenty_minutes": {
        "`groups` is the cardinality C, and `width_per_group` is d in the first stage": tells_who_is_who,
        "Batch norm and ReLU treat every channel by itself, so they may be stacked": lambda: (
            "is replaced by 32" in what_may_be_exchanged()
        ),
        "A batch norm or ReLU between a path's last convolution and the sum would break this": lambda: (
            not linear(torch.relu)
        ),
        "It misses a stride in the wrong layer, because strides have no weights": lambda: (
            weights(8, 8, 3, stride=2) == weights(8, 8, 3)
        ),
        "which replaces negative numbers by zero": lambda: torch.relu(torch.tensor(-1.0)) == 0,
        "Two 3×3s in a row see as far as one 5×5": lambda: sees(3, 3) == sees(5),
        "From stage to stage the side of the map halves and all widths double": lambda: stage_sides()[1] == 2,
    },
    "more_than_one_machine": {
        "`set_epoch` gives every epoch another order": order_agrees_and_epochs_differ,
        "Nothing complains, and every epoch has the order of the first": order_agrees_and_epochs_differ,
        "The formula assumes that an image's loss does not depend on the other images, and **batch norm** breaks that": lambda: (
            norm_of(True)
        ),
        "NCCL carries the messages between graphics cards, gloo between CPUs": lambda: (
            '"nccl" if gpu else "gloo"' in next(c.source for c in opened("more_than_one_machine").cells if c.id == "c12-012")
        ),
    },
    "questions": {
        "Yes, a sum has no order": reordered_paths,
        "Moving only one of them gives another function": reordered_paths,
        "Only equal branches can become one grouped convolution": lambda: _refuses(8, 9, 4),
        "The paper prints errors, torchvision accuracies": lambda: (
            "error" in _unit("table3.50-layers.32x4d") and "accuracy" in _unit("torchvision.resnext50_32x4d.V1.top1")
        ),
        "It has fewer weights in ResNeXt": lambda: (
            count_parameters(built(networks.resnext50_32x4d).layer2[0])
            < count_parameters(built(networks.resnet50).layer2[0])
            and count_macs(built(networks.resnext50_32x4d).layer2[0], (256, 56, 56))
            > count_macs(built(networks.resnet50).layer2[0], (256, 56, 56))
        ),
    },
    "teaching": {
        "Chapter 8 needs 3, 5 and 6; chapter 9 needs 5, 7 and 8": lambda: [_needs(8), _needs(9)] == [{3, 5, 6}, {5, 7, 8}],
        "Chapter 10 needs 4, 6 and 7; chapter 11 needs 3, 5 and 7": lambda: (
            [_needs(10), _needs(11)] == [{4, 6, 7}, {3, 5, 7}]
        ),
    },
    "intro.md": {
        "A laptop without a graphics card runs everything, and no data or trained weights are downloaded": lambda: all(
            "DOWNLOAD = False" in cell.source
            for page in ("twenty_minutes", *range(1, 12))
            for cell in opened(page).cells
            if cell.cell_type == "code" and "get_state_dict" in cell.source
        ),
    },
}


def _unit(name):
    return published(name)["unit"]


def _needs(chapter):
    """The chapters that the line 'You need ...' of a chapter names."""
    line = next(line for line in words(chapter).splitlines() if line.startswith("You need") or ", and for the" in line)
    return {int(number) for number in re.findall(r"\((\d\d)_\w+\.ipynb", line)}


# ------------------------------------------------------------------ the glossary's definitions

GLOSSARY = {
    "The sum of the outputs of C paths that share one topology": conv3_inside_or_behind,
    "In train mode it uses the batch's own mean and variance, in eval mode stored ones": lambda: (
        norm_of(True) and not norm_of(False)
    ),
    "A convolution in front of batch norm needs none, because batch norm subtracts it again": bias_is_subtracted,
    "Inception's branches differ; ResNeXt's are alike": lambda: len(set(WIDTHS.values())) > 1,
    "It counts paths, not channels and not layers": lambda: len(without_data(FormA, *SMALL).paths) == 4,
    "Behind a dense 1×1, or in front of one, it changes nothing": shuffled_before_a_dense_1x1,
    "Their channel counts add up": concatenated,
    "PyTorch's groups are of this kind; interleaved groups give another function": lambda: group_reads(4) == [4, 5],
    "Carrying the weights of one form over to another, without changing a number": forms_convert,
    "every output channel reads every input channel": reads_all_channels,
    "every channel is convolved alone": lambda: group_reads(3, groups=8) == [3],
    "A depthwise convolution, which mixes no channels, and a 1×1, which mixes nothing else": lambda: (
        group_reads(3, groups=8) == [3]
    ),
    "PyTorch takes the output channels times the kernel's places and ignores the groups, so forms with the same seed start "
    "apart": lambda: nn.init._calculate_fan_in_and_fan_out(conv(128, 128, 3, groups=32).weight)[1] == 128 * 9,
    "The last batch norm comes after the sum": lambda: (
        not any("bn3" in name for name, _ in without_data(FormA, *SMALL).paths.named_modules())
    ),
    "The block as separate paths that are concatenated, followed by one 1×1 for all": conv3_inside_or_behind,
    "The block as three layers with a grouped 3×3 in the middle": conv3_inside_or_behind,
    "It is not the number of groups": lambda: conv(128, 128, 3, groups=32).weight.shape[1] == 4,
    "output group i reads input group i only": lambda: [group_reads(0), group_reads(2)] == [[0, 1], [2, 3]],
    "It has no weights and fits wherever the shape stays": identity_needs_no_weights,
    "A block that is narrow outside and wide in the middle": narrow_outside_and_wide_inside,
    "looks at no other pixel and no other image": layer_norm_knows_no_batch,
    "It is the same in train and in eval mode": layer_norm_knows_no_batch,
    "Convolutions are linear, ReLU and a path's own batch norm in train mode are not": lambda: (
        linear(convolution()) and not linear(torch.relu) and not linear(nn.BatchNorm2d(4).double().train())
    ),
    "Running statistics are not parameters": lambda: len(list(nn.BatchNorm2d(2).parameters())) == 2,
    "It reads all input channels and writes to all outputs; only its middle is its own": lambda: (
        without_data(FormA, *SMALL).paths[0].conv1.in_channels == 16
    ),
    "it has no weights and keeps the number of channels": pooling_has_no_weights,
    "used where channels or map size change": identity_needs_no_weights,
    "A 1×1 in front of a large window, so that the window reads few channels": reduction_reads_few,
    "It does not mean 32 groups": lambda: without_data(Bottleneck, 384, 96, 384, 96).conv2.groups == 96,
    "They are buffers, not parameters": lambda: "running_mean" in dict(nn.BatchNorm2d(2).named_buffers()),
    "In train mode batch norm uses the batch's own mean and variance, in eval mode its running statistics": lambda: (
        norm_of(True) and not norm_of(False)
    ),
    "Good on the training data, poor on new data": lambda: _memorises(),
    "the C·d channels of its middle": lambda: without_data(Bottleneck, 256, 128, 256, 32).width == 32 * 4,
    "our bottleneck without a narrower middle": lambda: (
        built(descendants.regnet_x_3_2gf).stages[0][-1].conv2.in_channels
        == built(descendants.regnet_x_3_2gf).stages[0][-1].conv3.out_channels
    ),
    "Takes the mean of each channel, computes from all means a factor for each channel, and multiplies": lambda: (
        "stay" in squeeze_and_excitation_on_twice_the_side()
    ),
}


def _memorises():
    """A table of what was seen, asked for what it has seen and for something new: the name of that is overfitting."""
    seen = {0: 1, 1: 0}
    right_on_seen, right_on_new = all(seen.get(k) == v for k, v in seen.items()), seen.get(2) is not None
    return right_on_seen and not right_on_new


# ------------------------------------------------------------------ code


def home(thing):
    """The file of the library that defines ``thing``."""
    return thing.__module__.replace(".", "/") + ".py"


README = {  # the library, by question: the module that defines what answers it
    "| What does the block look like in code? | `{}` |": lambda: home(Bottleneck),
    "| Why are the three forms the same? | `{}` |": lambda: home(to_form),
    "| How are the networks put together? | `{}` |": lambda: home(networks.resnext50_32x4d),
    "| What does it cost? | `{}` |": lambda: home(count_macs),
    "| How long does it take? | `{}` |": lambda: home(compare),
    "| How do I use a network, fast or outside PyTorch? | `{}` |": lambda: home(export_onnx),
    "| What came after ResNeXt? | `{}` |": lambda: home(descendants.SqueezeExcitation),
    "| How do I load published weights, or the book's own? | `{}` |": lambda: home(load_weights),
    "| Where do the images come from? | `{}`": lambda: home(fashion_subset),
    "| How is a network trained? | `{}` |": lambda: home(train),
    "| What does one path do? | `{}` |": lambda: home(without_path),
    "| How was the experiment run? | `{}` |": lambda: home(column),
}
FORMS = {
    "``cardinality`` separate paths, each with a 1x1 back to ``out_channels``, then their sum": conv3_inside_or_behind,
    "``cardinality`` separate paths, concatenated, then one 1x1 for all of them": conv3_inside_or_behind,
    "batch norm comes after the sum of the paths and before the shortcut is added": lambda: (
        not any("bn3" in name for name, _ in without_data(FormA, *SMALL).paths.named_modules())
    ),
}
CLAIMS = CHAPTERS | OTHERS | {"glossary": GLOSSARY, "README.md": README, "resnext_lib/forms.py": FORMS}
