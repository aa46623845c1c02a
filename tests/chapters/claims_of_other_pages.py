"""Claims outside the chapters: a passage, and what it follows from (tests/claims_for_tests.py says how)."""

import inspect
import math
import re
import tomllib
from functools import cache

import torch
import torchvision
from claims_for_tests import CHAPTERS, opened, row, shown, words
from claims_of_1_to_4 import DENSE, WIDTHS, built, module_weights, out_channels, weights
from claims_of_5_to_8 import RESNEXT_BLOCK, cardinalities_of_table_2, convolutions, share_of_3x3
from claims_of_9_to_11 import DEPTHS, SETTINGS, gain, leads, macs, old, table_3, table_5, value
from randomness import without_data
from torch import nn
from torchinfo import summary
from torchvision import models

from resnext_lib import data, networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import (
    RESNET_BUDGET,
    bottleneck_weights,
    count_macs,
    count_parameters,
    width_for_budget,
)
from resnext_lib.forms import FormA
from resnext_lib.networks import GOOGLENET_MODULES, CifarResNeXt
from resnext_lib.published import published
from tools.facts import ROOT

FIFTY_FOUR = sum(map(len, GOOGLENET_MODULES.values()))
IMAGE = (3, 224, 224)


@cache
def counted(cardinality=32, width=4, blocks=DEPTHS[50]):
    return count_parameters(without_data(networks.ResNeXt, blocks, cardinality, width))


def without_norms(network):
    return count_parameters(network) - sum(count_parameters(m) for m in network.modules() if isinstance(m, nn.BatchNorm2d))


@cache
def cifar(cardinality, classes=10):
    return without_data(CifarResNeXt, 29, cardinality, 64, num_classes=classes)


def stage_outputs(*stages):
    return [getattr(built(networks.resnext50_32x4d), f"layer{i}")[0].out_channels for i in stages]


def group_widths():
    """The d of each stage of ResNeXt-50 (32x4d)."""
    return [getattr(built(networks.resnext50_32x4d), f"layer{i}")[0].conv2.weight.shape[1] for i in (1, 2, 3, 4)]


def times_the_operations(inception):
    """The operations of ResNeXt-101 (64x4d) for a picture of 320×320, by those of ``inception`` for one of 299×299."""
    assert "299×299" in published(f"timm.{inception}.macs")["unit"]
    return count_macs(without_data(models.resnext101_64x4d), (3, 320, 320)) / 1e9 / value(f"timm.{inception}.macs")


# ------------------------------------------------------------------ ResNeXt in twenty minutes

TWENTY_MINUTES = {
    "won the ImageNet challenge of 2014, where photographs are sorted into {} classes, with {} blocks of unequal branches.\n"
    "No rule gives their {} widths, the numbers of channels": lambda: (
        built(networks.googlenet).fc.out_features,
        {9: "nine"}[len(GOOGLENET_MODULES)],
        FIFTY_FOUR,
    ),
    "Can one number replace fifty-four?": lambda: FIFTY_FOUR == 54,
    "Four unequal branches from {} channels: 1×1 to {}; 1×1 to {} and 3×3 to {}; 1×1 to {} and 5×5 to {}; 3×3 maximum and 1×1 "
    "to {}. A bar joins them to {}": lambda: (192, *WIDTHS.values(), out_channels(WIDTHS)),
    "It would need more than seven times the weights": lambda: 7 < DENSE / module_weights() < 8,
    "{} widths for this block, and {} for each of the other {}": lambda: (
        {6: "six"}[len(WIDTHS)],
        *({6: "six"}[count] for count in {len(module) for module in GOOGLENET_MODULES.values()}),
        {8: "eight"}[len(GOOGLENET_MODULES) - 1],
    ),
    "a 1×1 back to the {} channels that came in": lambda: 256,
    "ResNeXt's block repeats one path {} times and adds. Six widths have become two numbers, C = {} and d = {}": lambda: (
        32,
        32,
        width_for_budget(32),
    ),
    "With 32 paths the middle of the block is {} channels wide instead of {}": lambda: (32 * width_for_budget(32), 64),
    "as form A, the block is slow, because it calls {} small convolutions and writes {} channels {} times": lambda: (
        convolutions(FormA, *RESNEXT_BLOCK),
        *{path.conv3.out_channels for path in without_data(FormA, *RESNEXT_BLOCK).paths},
        len(without_data(FormA, *RESNEXT_BLOCK).paths),
    ),
    "The {} last 1×1s, each applied to its own {} channels and then added, are one 1×1 applied to all {} channels": lambda: (
        32,
        4,
        128,
    ),
    "The 32 first 1×1s all read the same input, so they are one 1×1 with {} outputs": lambda: 32 * 4,
    "What remains are {} small 3×3s side by side, each from {} channels to {}": lambda: (32, 4, 4),
    "Every path reads the whole input; only the middle is divided": lambda: (
        row("twenty_minutes", "twenty-32", "path 2 reads") == [256, 256]
    ),
    "Set `groups=1` and {} channels, and the same class is ResNet's block": lambda: 64,
    "So the {} in 32x4d holds for the first stage only": lambda: (
        group_widths()[0] if group_widths()[0] not in group_widths()[1:] else 0
    ),
    "`stage_width` is the middle of ResNet's block, {} to {}": lambda: (
        built(networks.resnet50).layer1[0].width,
        built(networks.resnet50).layer4[0].width,
    ),
    "ResNeXt keeps ResNet's outputs, four times that": lambda: (
        stage_outputs(1, 2, 3, 4)
        == [4 * getattr(built(networks.resnet50), f"layer{i}")[0].width for i in (1, 2, 3, 4)]
        == [getattr(built(networks.resnet50), f"layer{i}")[0].out_channels for i in (1, 2, 3, 4)]
    ),
    "{} such blocks stand in {} **stages**": lambda: ({16: "Sixteen"}[sum(DEPTHS[50])], {4: "four"}[len(DEPTHS[50])]),
    "These are the {} settings of the paper's Table 2; the last gives the network its name, {}x{}d": lambda: (
        {5: "five"}[len(cardinalities_of_table_2())],
        cardinalities_of_table_2()[-1],
        width_for_budget(cardinalities_of_table_2()[-1]),
    ),
    "over all pictures of a batch and all places, to mean {} and variance {}, and then by two learned numbers": lambda: (
        _moments()
    ),
    "the paper doubles d and keeps C": lambda: (
        group_widths() == [2**stage * group_widths()[0] for stage in range(4)]
        and {getattr(built(networks.resnext50_32x4d), f"layer{i}")[0].conv2.groups for i in (1, 2, 3, 4)} == {32}
    ),
    "This is another known network, Wide ResNet-50-2, and it is nearly three times as large": lambda: (
        counted(1, 128) == value("torchvision.wide_resnet50_2.parameters") and 2.7 < counted(1, 128) / counted() < 3
    ),
    "Set `DOWNLOAD` to `True` to fetch {:.0f} MB once": lambda: (
        torchvision.models.ResNeXt50_32X4D_Weights.IMAGENET1K_V2.meta["_file_size"]
    ),
    "## The paper found {:.1f} points at about equal operations": lambda: gain(50),
    "in {:.1f} % of the photographs, and ResNeXt-50 (32x4d), with about as many weights and operations, in {:.1f} %": lambda: (
        table_3(50, "1x64d"),
        table_3(50, "32x4d"),
    ),
    "with about as many weights and operations": lambda: (
        abs(counted(32, 4) / counted(1, 64) - 1) < 0.05 and abs(macs(DEPTHS[50], 32, 4) / macs(DEPTHS[50], 1, 64) - 1) < 0.05
    ),
    "in the same step the middle of the block became twice as wide": lambda: (
        built(networks.resnext50_32x4d).layer1[0].width == 2 * built(networks.resnet50).layer1[0].width
    ),
    "an error of {:.1f} %, and Inception-v4, whose branches are tailored, one of {:.1f} %": lambda: (
        table_5("resnext101-64x4d.320"),
        table_5("inception-v4.299"),
    ),
    "Inception-v4 has half as many weights": lambda: (
        0.48 < value("timm.inception_v4.parameters") / value("torchvision.resnext101_64x4d.parameters") < 0.54
    ),
    "does two fifths of the operations at its test size": lambda: (
        abs(1 / times_the_operations("inception_v4") - 2 / 5) < 0.02
    ),
}

# ------------------------------------------------------------------ More than one machine


def linear_rule():
    return f"{value('training.imagenet.learning-rate')}", value("training.imagenet.batch-size")


MORE_THAN_ONE_MACHINE = {
    "{} images in batches of {}: each process took {}, {} and {} images in an epoch": lambda: _shares(),
    "After six steps with momentum the two processes equal the two halves to the last bit, and the batch in one piece "
    "nowhere": lambda: (
        row("more_than_one_machine", "c12-020", "each batch in one piece")[-1] == 100
        and row("more_than_one_machine", "c12-020", "two halves, gradients added up")[-1] == 0
    ),
    "ranks 0 to 3 get {} images each; rank 2 and rank 3 get images 0 and 1 a second time": lambda: {3: "three"}[
        math.ceil(10 / 4)
    ],
    "triangles are the halves of the last batch, {} images each, bars all {}": lambda: (_shares()[-1], 2 * _shares()[-1]),
    "Life 0 was killed in its fifth step; life 1 did the three steps of the second epoch": lambda: (
        shown("more_than_one_machine", "c12-035").splitlines()[0].split(": ")[1].split() == ["0"] * 5 + ["1"] * 3
    ),
    "With torch {} on the book's machine": lambda: re.search(r"^torch==([\d.]+)", _requirements(), re.MULTILINE)[1],
    "on eight graphics cards:\n": lambda: value("training.imagenet.gpus") == 8,
    "= {} \\cdot \\frac{{\\text{{batch}}}}{{{}}}$$": linear_rule,
    "went up to batches of {}, with a learning rate that rises slowly during the first {} epochs": lambda: (
        value("large-batch.batch-size"),
        value("large-batch.warm-up"),
    ),
    "in each of eight processes is a batch of {}, at the learning rate for {}": lambda: (8 * 256, 256),
}


def _shares():
    """Images, batch, and what each of two processes takes of them in an epoch, from the cell that starts them."""
    source = next(cell.source for cell in opened("more_than_one_machine").cells if cell.id == "c12-016")
    images, batch = (int(re.search(rf"--{name} (\d+)", source)[1]) for name in ("images", "batch"))
    whole, rest = divmod(images // 2, batch // 2)
    return (images, batch, *[batch // 2] * whole, rest)


def _requirements():
    return (ROOT / "requirements.txt").read_text(encoding="utf-8")


# ------------------------------------------------------------------ questions readers ask


def rounded_up_to(name):
    return value(f"torchvision.{name}.top1")


def settings_of(kind):
    counts = [{"parameters": counted, "macs": lambda c, d: macs(DEPTHS[50], c, d)}[kind](*s) for s in SETTINGS.values()]
    return min(counts), max(counts)


def training(what, data_set="imagenet"):
    return value(f"training.{data_set}.{what}")


def saved_by_doubling_paths():
    """Per cent of a block's weights, and on one map of its operations, that go in stages 2 to 4 if C doubles in place of d."""
    return [
        100 * (1 - bottleneck_weights(32 * times, 4, 256 * times) / bottleneck_weights(32, 4 * times, 256 * times))
        for times in (2, 4, 8)
    ]


def share_of_3x3_after_doubling_paths():
    """In the last stage, which has eight times the paths of the first."""
    return 100 * weights(8 * 128, 8 * 128, 3, groups=8 * 32) / bottleneck_weights(8 * 32, 4, 8 * 256)


QUESTIONS = {
    "The exact number of multiply-adds in the convolutions and the classifier of ResNeXt-50 (32x4d) is {:,}": lambda: macs(
        DEPTHS[50], 32, 4
    ),
    "counts a multiply-add as two FLOPs, {:,}": lambda: 2 * macs(DEPTHS[50], 32, 4),
    "The paper says {:.1f} billion operations, my tool {:.1f} or 4.29": lambda: (
        value("table1.resnext50_32x4d.flops"),
        2 * macs(DEPTHS[50], 32, 4) / 1e9,
    ),
    "`torchinfo` prints {:,}, because it adds batch norm and a bias": lambda: _torchinfo(),
    "In torch {} its backward count is wrong": lambda: ".".join(
        re.search(r"^torch==([\d.]+)", _requirements(), re.MULTILINE)[1].split(".")[:2]
    ),
    "with 32 groups the tool says {} times": lambda: 33,  # test_the_backward_count_of_a_grouped_convolution
    "The paper says {:.1f} million, I count {:,}": lambda: (value("table1.resnet50.parameters"), counted(1, 64)),
    "which would round to {:.1f}": lambda: counted(1, 64) / 1e6,
    "batch norm: {:,} parameters remain, and ResNeXt-50's {:,}, which round to the paper's {:.1f} and {:.1f}": lambda: (
        without_norms(built(networks.resnet50)),
        without_norms(built(networks.resnext50_32x4d)),
        value("table1.resnet50.parameters"),
        value("table1.resnext50_32x4d.parameters"),
    ),
    "The CIFAR networks fit too: {:,} and {:,} against {:.1f} and {:.1f}": lambda: (
        without_norms(cifar(8)),
        without_norms(cifar(16)),
        value("table7.resnext29_8x64d.parameters"),
        value("table7.resnext29_16x64d.parameters"),
    ),
    'and not with "{:.1f} plus or minus a little"': lambda: value("table1.resnet50.parameters"),
    "Does GoogLeNet have {:.1f} million or {:.1f} million parameters, and why does torchvision's have {:.1f} million?": lambda: (
        _column(),
        count_parameters(built(networks.googlenet)) / 1e6,
        count_parameters(built(networks.torchvision_googlenet)) / 1e6,
    ),
    "{:.1f} million is the sum of the parameter column in the paper's Table 1": lambda: _column(),
    "with biases and classifier, has {:,}.\ntorchvision's has {:,}, because": lambda: (
        count_parameters(built(networks.googlenet)),
        count_parameters(built(networks.torchvision_googlenet)),
    ),
    "whose K fits {} for the first module": lambda: 1024 if 163_328 // 1024 == value("googlenet.3a.parameters") else 1000,
    "Why does ResNeXt-50 have fewer parameters and more MACs than ResNet-50?": lambda: (
        counted(32, 4) < counted(1, 64) and macs(DEPTHS[50], 32, 4) > macs(DEPTHS[50], 1, 64)
    ),
    "they have between {:,} and {:,} parameters, and between {:.3f} billion and {:.3f} billion MACs": lambda: (
        *settings_of("parameters"),
        *(count / 1e9 for count in settings_of("macs")),
    ),
    "d = 7 gives {:,} weights and d = 8 gives {:,}, both more than {} % off the budget": lambda: (
        bottleneck_weights(16, 7),
        bottleneck_weights(16, 8),
        math.floor(100 * min(abs(bottleneck_weights(16, d) / RESNET_BUDGET - 1) for d in (7, 8))),
    ),
    "Doubling C at d = {} would cost an ordinary block {:.0f} to {:.0f} % fewer operations": lambda: (
        width_for_budget(32),
        min(saved_by_doubling_paths()),
        max(saved_by_doubling_paths()),
    ),
    "would fade from {:.1f} % of the weights to {:.1f} %": lambda: (
        share_of_3x3(32, 4),
        share_of_3x3_after_doubling_paths(),
    ),
    "32x4d has groups of {} and the last of {}": lambda: (4, 4 * 2**3),
    "{:.4f} in form C and {:.4f} in a path of form A": lambda: (math.sqrt(2 / (128 * 9)), math.sqrt(2 / (4 * 9))),
    "for the first 1×1, {:.3f} and {:.3f}, because a path's has {} outputs and not {}": lambda: (
        *(math.sqrt(2 / nn.init._calculate_fan_in_and_fan_out(layer.weight)[1]) for layer in _first_1x1s()),
        *(layer.out_channels for layer in reversed(_first_1x1s())),
    ),
    "which print up to {:.2f} billion, add one to one and a half per cent": lambda: (
        4.29 if 0.01 <= 4.29e9 / macs(DEPTHS[50], 32, 4) - 1 <= 0.015 and 0.01 <= _element_by_element() <= 0.015 else 0
    ),
    "forgot most of its old task in one case and a tenth in the other": lambda: (
        old("unlike", "frozen-train") < old("unlike", "base") / 2
        and abs(1 - old("alike", "frozen-train") / old("alike", "base") - 0.1) < 0.02
    ),
    "My ResNeXt-50 has {:,} parameters: what did I forget?": lambda: counted(1, 128),
    "A network of {:,} parameters has the cardinality left at 1 and the width at 4": lambda: counted(1, 4),
    "Both are {} wide in the middle of the first stage": lambda: 32 * 8 if 32 * 8 == 64 * 4 else 0,
    "the grouped 3×3s of 32x8d have twice the weights": lambda: (
        weights(256, 256, 3, groups=32) == 2 * weights(256, 256, 3, groups=64)
    ),
    "With {} layers that makes {:,} against {:,} parameters": lambda: (
        101,
        counted(32, 8, DEPTHS[101]),
        counted(64, 4, DEPTHS[101]),
    ),
    "The paper's 101-layer 32x4d has {:,}; torchvision does not have it": lambda: counted(32, 4, DEPTHS[101]),
    "which does about twice the MACs": lambda: 1.9 < macs(DEPTHS[101], 32, 8) / macs(DEPTHS[101], 32, 4) < 2.1,
    "and where is {}-layer 32x4d": lambda: 101,
    "See [chapter 9, Beyond {} layers, depth and width buy less]": lambda: 2 + 3 * sum(DEPTHS[101]),
    "The stem is one 3×3 with {} channels and no pooling, and there are three stages, so a 32×32 image ends as an {}×{} "
    "map": lambda: (training("stem", "cifar"), training("map-sizes", "cifar")[-1], training("map-sizes", "cifar")[-1]),
    "The depth is {}n + {}": lambda: (3 * 3, 2),
    "With 10 classes 8x64d has {:,} parameters and 16x64d has {:,}, with {} classes {:,} and {:,}": lambda: (
        count_parameters(cifar(8)),
        count_parameters(cifar(16)),
        100,
        count_parameters(cifar(8, 100)),
        count_parameters(cifar(16, 100)),
    ),
    "gives {} channels at 28×28, {} at 14×14 and {} at 7×7": lambda: stage_outputs(2, 3, 4),
    "brought {:.1f} point of average precision with 50 layers and {:.1f} with 101": lambda: leads(
        "table8", "ap", (("resnext50", "resnet50"), ("resnext101", "resnet101"))
    ),
    "The paper says {:.1f} and torchvision says {}: which is better?": lambda: (
        table_3(50, "32x4d"),
        rounded_up_to("resnext50_32x4d.V1"),
    ),
    "{} % accuracy is {:.3f} % error, so torchvision's V1 weights come close to the paper's {:.1f} %": lambda: (
        rounded_up_to("resnext50_32x4d.V1"),
        100 - rounded_up_to("resnext50_32x4d.V1"),
        table_3(50, "32x4d"),
    ),
    "The {} % of 64x4d comes from the new recipe": lambda: (
        rounded_up_to("resnext101_64x4d.V1")
        if "new recipe" in published("torchvision.resnext101_64x4d.V1.top1")["recipe"]
        else 0
    ),
    "the {} % of 32x8d V1 from the old one; the V2 weights of 32x8d reach {} %": lambda: (
        rounded_up_to("resnext101_32x8d.V1"),
        rounded_up_to("resnext101_32x8d.V2"),
    ),
    "ResNeXt-50 goes from {} % to {} %": lambda: (
        rounded_up_to("resnext50_32x4d.V1"),
        rounded_up_to("resnext50_32x4d.V2"),
    ),
    "SGD with momentum {}, batch {}, weight decay {}, learning rate {}, divided by {} three times": lambda: (
        training("momentum"),
        training("batch-size"),
        f"{training('weight-decay'):.4f}",
        training("learning-rate"),
        training("learning-rate.divisor"),
    ),
    "On CIFAR: batch {}, weight decay {}, learning rate {}, {} epochs, with drops after {} and {}": lambda: (
        training("batch-size", "cifar"),
        f"{training('weight-decay', 'cifar'):.4f}",
        training("learning-rate", "cifar"),
        training("epochs", "cifar"),
        *training("learning-rate.drops", "cifar"),
    ),
    "their pretrained models are under {}, which": lambda: "CC BY-NC 4.0",
}


def _first_1x1s():
    """The first 1×1 of form C, and that of a path of form A."""
    form_c, path = (without_data(build, *RESNEXT_BLOCK) for build in (Bottleneck, FormA))
    return form_c.conv1, next(layer for layer in path.paths[0].modules() if isinstance(layer, nn.Conv2d))


def _element_by_element():
    """What batch norm (two operations a number), ReLU and pooling (one) add to the MACs of ResNeXt-50, as a share of them."""
    network, found = without_data(networks.resnext50_32x4d), []
    times = {nn.BatchNorm2d: 2, nn.MaxPool2d: 1, nn.AdaptiveAvgPool2d: 1}
    hooks = [
        m.register_forward_hook(lambda m, given, out: found.append(times[type(m)] * max(given[0].numel(), out.numel())))
        for m in network.modules()
        if type(m) in times
    ]
    hooks += [  # every batch norm has a ReLU but that of a shortcut: the last one's stands after the sum
        m.register_forward_hook(lambda m, given, out: found.append(out.numel()))
        for name, m in network.named_modules()
        if isinstance(m, nn.BatchNorm2d) and "downsample" not in name
    ]
    network(torch.empty(1, *IMAGE, device="meta"))
    for hook in hooks:
        hook.remove()
    return sum(found) / macs(DEPTHS[50], 32, 4)


def _torchinfo():
    network = built(networks.resnext50_32x4d).to_empty(device="cpu")
    return summary(network, input_size=(1, *IMAGE), verbose=0).total_mult_adds


def _column():
    """The parameters of GoogLeNet's Table 1, added up, in millions."""
    return sum(value(f"googlenet.{n}.parameters") for n in (*GOOGLENET_MODULES, "conv1", "conv2", "fc")) / 1000


# ------------------------------------------------------------------ glossary, references, landing page, README, teaching


def pinned(package):
    return re.search(rf"^{package}==([\d.]+)", _requirements(), re.MULTILINE)[1]


GLOSSARY = {
    "here {:,} convolution weights, the cost of ResNet's bottleneck": lambda: RESNET_BUDGET,
    "in the first stage: the {} in 32x4d": lambda: built(networks.resnext50_32x4d).bottleneck_width,
    "The factor {} from the stage width to the block's output.\n  It is relative to {}, not to ResNeXt's middle of {}": lambda: (
        networks.EXPANSION,
        64,
        built(networks.resnext50_32x4d).layer1[0].width,
    ),
    "in a given stage: {}, {}, {}, {} in ResNeXt-50": lambda: [4 * 2**stage for stage in range(4)],
    "Weights and MACs are divided by the number of groups, once": lambda: weights(8, 8, 3) == 4 * weights(8, 8, 3, groups=4),
    "Together they have 1/N + 1/9 of the weights of a dense 3×3 with N outputs": lambda: (
        abs((weights(64, 64, 3, groups=64) + weights(64, 128, 1)) / weights(64, 128, 3) - (1 / 128 + 1 / 9)) < 1e-9
    ),
    "ResNet-50 has {}.": lambda: 2 + 3 * sum(DEPTHS[50]),
    "in ResNet-50 a {0}×{0} convolution with stride {1} and a pooling": lambda: (
        built(networks.resnet50).conv1.kernel_size[0],
        built(networks.resnet50).conv1.stride[0],
    ),
    "{}, {}, {}, {}: the width of ResNet's middle": lambda: value("table1.resnet50.widths"),
    "It adds a tenth to the parameters of ResNeXt-50 and hardly any MACs": lambda: (
        abs(value("timm.seresnext50_32x4d.parameters") / value("timm.resnext50_32x4d.parameters") - 1.1) < 0.01
    ),
    "holds the true value in {} of 100 repetitions, if {} % is chosen": lambda: (95, 95),
    "`kernel // 2` of them keep the map's size at stride 1": lambda: (
        without_data(nn.Conv2d, 1, 1, 5, padding=5 // 2)(_map(9)).shape[-1] == 9
    ),
    "Stride 2 halves the map's side": lambda: without_data(nn.Conv2d, 1, 1, 3, 2, 1)(_map(56)).shape[-1] == 28,
    "Computes `relu(transform(x) + shortcut(x))`": lambda: _is_sum(),
    "Brings each channel to mean {} and variance {}, then scales": lambda: _moments(),
    "torchvision calls it `planes`": lambda: "planes" in torchvision.models.resnet.Bottleneck.__init__.__code__.co_varnames,
    "torchvision calls its value `identity` and its layers `downsample`": lambda: (
        "identity" in torchvision.models.resnet.Bottleneck.forward.__code__.co_varnames
        and hasattr(without_data(models.resnet50).layer1[0], "downsample")
    ),
    "So **32x4d** says $C = {}$ in every stage and $d = {}$ in the first one": lambda: (32, 4),
    "`cardinality={}, bottleneck_width={}` here and `groups={}, width_per_group={}` in torchvision": lambda: (32, 4, 32, 4),
    "The defaults `cardinality={}, bottleneck_width={}` give ResNet": lambda: _defaults(),
}


def _map(side):
    return torch.empty(1, 1, side, side, device="meta")


def _is_sum():
    block, x = Bottleneck(8, 4, 8, 2).eval(), torch.randn(1, 8, 5, 5)
    return torch.allclose(block(x), torch.relu(block.transform(x) + block.shortcut(x)))


def _moments():
    torch.manual_seed(0)
    y = nn.BatchNorm2d(2)(3 + 2 * torch.randn(8, 2, 9, 9))
    return round(abs(y[:, 0].mean().item())), round(y[:, 0].var(correction=0).item())


def _defaults():
    parameters = inspect.signature(networks.ResNeXt).parameters
    found = [parameters[name].default for name in ("cardinality", "bottleneck_width")]
    return found if inspect.Parameter.empty not in found else (1, 64)


REFERENCES = {
    "and the top-5 errors of 2014: {} % for seven networks": lambda: value("googlenet.top5"),
    "for seven networks and {} crops, {} % for one of each (Table 3)": lambda: (
        re.search(r"(\d+) crops", words(2))[1],  # as chapter 2 has them, beside the same error
        re.search(r"one crop in ([\d.]+) %", words(2))[1],
    ),
    "GoogLeNet's fifty-four widths": lambda: FIFTY_FOUR == 54,
    "become unstable above about {} filters": lambda: value("inception-resnet.unstable-above"),
    "warm-up of {} epochs, for batches of up to {}": lambda: (value("large-batch.warm-up"), value("large-batch.batch-size")),
    "torchvision {} with torch {}:": lambda: (pinned("torchvision"), pinned("torch")),
    "- timm {}.": lambda: pinned("timm"),
    "- torchinfo {}, and": lambda: pinned("torchinfo"),
    "gradients grow by about a fifth at every layer": lambda: abs(1 / math.sqrt(1 - 1 / math.pi) - 1.2) < 0.02,
    "twelve thousand of them are in the package": lambda: (
        sum(len(data.fashion_subset(part).labels) for part in ("train", "test")) == 12_000
    ),
    "a batch of {} do as well as the first arXiv version's setting": lambda: value("training.cifar.batch-size"),
    "Table 3 trains ResNet, ResNeXt and RegNet again with one recipe, five runs each": lambda: published(
        "regnet.table3.resnet50.top1"
    )["recipe"].endswith("mean of 5 runs"),
}

LANDING = {
    "a contest in sorting photographs into {} classes, had {} widths in its modules": lambda: (
        built(networks.googlenet).fc.out_features,
        {54: "fifty-four"}[FIFTY_FOUR],
    ),
    "of that winner, while doing about two and a half times as many operations": lambda: all(
        abs(times_the_operations(name) - 2.5) < 0.12 for name in ("inception_v4", "inception_resnet_v2")
    ),
    "and {} more go the whole way": lambda: {10: "ten"}[len(list(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))) - 1],
    "Can one number replace fifty-four?": lambda: FIFTY_FOUR == 54,
    "Two years later ResNeXt put one number in their place, and its largest network made fewer errors than the best descendants "
    "of that winner": lambda: (
        table_5("resnext101-64x4d.320") < min(table_5(f"{name}.299") for name in ("inception-v4", "inception-resnet-v2"))
    ),
    ">{} widths, and no rule for them<": lambda: FIFTY_FOUR,
    ">{} widths become equal paths, added up<": lambda: FIFTY_FOUR,
    ">one layer: groups={}<": lambda: 32,
    "Eight of {} paths are drawn": lambda: 32 if words("intro.md").count('<g class="lane') == 8 else 0,
    "It has six blocks of sixteen equal branches each": lambda: (
        sum(len(getattr(built(networks.small_resnext), f"layer{i}")) for i in (1, 2, 3)) == 6
        and built(networks.small_resnext).layer1[0].cardinality == 16
    ),
    "Both need Python {} or newer": lambda: _python(),
}

README = {
    "You need Python {} or newer, make and git": lambda: _python(),
    "takes {} GB": lambda: re.search(r"the environment takes ([\d.]+) GB", words("teaching"))[1],
}

TEACHING = {
    "costs C · (512 d + 9 d²) weights, and {:,} are the budget": lambda: RESNET_BUDGET,
    "torch=={} torchvision=={}": lambda: (pinned("torch"), pinned("torchvision")),
    "a RegNet stage is {} wide with group width {}": lambda: (432, 48),
}


def _python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["requires-python"].removeprefix(">=")


CLAIMS = {
    "twenty_minutes": TWENTY_MINUTES,
    "more_than_one_machine": MORE_THAN_ONE_MACHINE,
    "questions": QUESTIONS,
    "glossary": GLOSSARY,
    "references": REFERENCES,
    "intro.md": LANDING,
    "README.md": README,
    "teaching": TEACHING,
}
