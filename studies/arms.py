"""What studies/speed.py times: for each group a function that returns its arms, each with what it computed."""

import copy
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import timm
import torch
from torch import nn
from torch.nn import functional
from torchvision import models

from resnext_lib import complexity, forms, networks
from resnext_lib.inference import export_onnx, inference_copy
from resnext_lib.training import Recipe, compute
from studies import machine
from studies.kernels import Spec, kernels

LAST = torch.channels_last
# What rounding may do to an output, against the largest. A gradient of the last block was seen to differ by 4e-5.
SAME, SAME_GRADIENT, SAME_BFLOAT16 = 1e-4, 1e-3, 5e-2


@dataclass(frozen=True)
class Size:
    """How large everything is: the measurement's sizes, or those of a dry run that tests the program."""

    side: int = 224
    blocks: tuple = (3, 4, 6, 3)
    sweep_channels: int = 128
    sweep_side: int = 56
    form_channels: int = 256
    form_side: int = 56
    matrix: int = 1024
    numbers: int = 2**25
    pictures: int = 2000


FULL = Size()
DRY = Size(
    side=32,
    blocks=(1, 1, 1, 1),
    sweep_channels=32,
    sweep_side=7,
    form_channels=64,
    form_side=7,
    matrix=64,
    numbers=2**12,
    pictures=200,
)


@dataclass
class Arm:
    """Something to time: ``call`` without arguments; ``output`` of one call; what else its row says.

    ``bound`` says how far the output may be from the first arm's, as a share of its largest number; None where the
    arms compute different things.
    """

    call: object
    output: object = None
    bound: float | None = None
    facts: dict = field(default_factory=dict)


def unsettle(network):
    """Statistics and scales that are not 1 and 0: folding a fresh batch norm is nearly nothing, and hides mistakes."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.weight, module.bias, module.running_mean, module.running_var):
                value.data.uniform_(0.5, 1.5, generator=generator)
    return network


def images(batch, side):
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(0))


def three_networks(size, cardinality=32, bottleneck_width=4):
    """ResNeXt-50 (32x4d) as torchvision has it, and timm's and ours with the same weights."""
    torch.manual_seed(0)
    reference = unsettle(
        models.ResNet(models.resnet.Bottleneck, size.blocks, groups=cardinality, width_per_group=bottleneck_width)
    )
    others = {
        "timm": timm.models.resnet.ResNet(
            timm.models.resnet.Bottleneck, size.blocks, cardinality=cardinality, base_width=bottleneck_width
        ),
        "ours": networks.ResNeXt(size.blocks, cardinality, bottleneck_width),
    }
    for network in others.values():
        network.load_state_dict(reference.state_dict())
    return {"torchvision": reference, **others}


# ------------------------------------------------------------------ the ladder of inference


def eager(network, x, bound=SAME):
    """An arm: one call of ``network`` without gradients."""

    def call():
        with torch.no_grad():
            return network(x)

    return Arm(call, call(), bound)


def ladder(size, threads, batch):
    """From torchvision's network as a user calls it to runtimes of their own: equal weights, equal outputs."""
    x, same = images(batch, size.side), {name: network.eval() for name, network in three_networks(size).items()}
    ours = same["ours"]
    fast = inference_copy(ours, x)
    arms = {name: eager(network, x) for name, network in same.items()}
    arms["ours again"] = eager(copy.deepcopy(ours), x)
    arms["channels-last"] = eager(copy.deepcopy(ours).to(memory_format=LAST), x)
    arms["folded"] = eager(fast, x)
    if machine.has_bfloat16():
        arms["folded, bfloat16"] = eager(inference_copy(ours, x, precision="bfloat16"), x, SAME_BFLOAT16)
    if shutil.which("g++"):
        arms["folded, compiled"] = compiled(fast, x)
    path = onnx_file(size)
    arms["ONNX Runtime"] = in_onnxruntime(path, x, threads)
    arms["OpenVINO"] = in_openvino(path, x, threads)
    return arms


def compiled(network, x):
    """An arm: torch.compile with freezing, which makes constants of the weights and lays them out for their routines."""
    from torch._inductor import config

    torch._dynamo.reset()  # what was compiled for other threads
    with config.patch(freezing=True):
        arm = eager(torch.compile(network), x)  # compiles at its first call
    return arm


@cache
def scratch():
    """A folder for files that are gone when the program ends."""
    return tempfile.TemporaryDirectory(prefix="speed-")


@cache
def onnx_file(size):
    """Our network of three_networks as a checked ONNX file with a free batch; made once a run."""
    path = Path(scratch().name, f"network-{size.side}.onnx")
    return export_onnx(three_networks(size)["ours"], path, images(2, size.side)).path


def in_onnxruntime(path, x, threads, bound=SAME):
    """An arm: ONNX Runtime with as many threads as the others have."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name, x = session.get_inputs()[0].name, x.numpy()
    return Arm(lambda: session.run(None, {name: x}), torch.from_numpy(session.run(None, {name: x})[0]), bound)


def in_openvino(path, x, threads):
    """An arm: OpenVINO in float32, with as many threads as the others have, told the size as its users tell it."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape(list(x.shape))
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(model, "CPU", options).create_infer_request()
    x = x.numpy()
    request.infer([x])
    return Arm(lambda: request.infer([x]), torch.from_numpy(request.get_output_tensor(0).data.copy()), SAME)


# ------------------------------------------------------------------ a step of training


def training(size, threads, batch):
    """One step of training as in resnext_lib.training; the output is a gradient of the last block.

    It has seen the whole forward pass, and the backward pass through batch norm. Further back it says less: a ReLU that
    rounding turns on or off changes what is behind it, and at conv1 two layouts' gradients differ by 6e-3 where their
    logits differ by 7e-7.
    """
    x, recipes = images(batch, size.side), {"channels-last": Recipe(channels_last=True)}
    if machine.has_bfloat16():
        recipes["channels-last, bfloat16"] = Recipe(channels_last=True, precision="bfloat16")
    same = three_networks(size)
    arms = {name: step(same[name], x) for name in ("torchvision", "ours")}
    for name, recipe in recipes.items():
        arms[name] = step(three_networks(size)["ours"], x, recipe)
    return arms


def step(network, x, recipe=None):
    """An arm: one step. The learning rate is so small that the thirtieth step does what the first did."""
    network.train()
    recipe, labels = recipe or Recipe(), torch.arange(len(x))
    if recipe.channels_last:
        network.to(memory_format=LAST)
        x = x.contiguous(memory_format=LAST)  # a loader can hand its batches out like this
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.9)

    def call():
        optimiser.zero_grad()
        functional.cross_entropy(compute(network, x, recipe), labels).backward()
        optimiser.step()

    call()
    bound = SAME_GRADIENT if recipe.precision == "float32" else None
    return Arm(call, network.layer4[-1].conv3.weight.grad.clone(), bound)


# ------------------------------------------------------------------ forms, groups, layers, networks


def form_arms(size, backward=False):
    """The three forms of one block with equal weights; the output, or the gradient of the input."""
    torch.manual_seed(0)
    channels = size.form_channels
    blocks = {
        f"form {letter}": unsettle(form(channels, channels // 2, channels, 32)).eval()
        for letter, form in (("A", forms.FormA), ("B", forms.FormB), ("C", forms.FormC))
    }
    for block in blocks.values():
        forms.copy_weights(blocks["form A"], block)
    x = torch.randn(4, channels, size.form_side, size.form_side)
    arms = {}
    for name, block in blocks.items():
        macs = complexity.count_macs(block, tuple(x.shape[1:]))
        arms[name] = backward_arm(block, x) if backward else eager(block, x)
        arms[name].facts = {"macs": macs, "written": complexity.count_activations(block, tuple(x.shape[1:]))}
    return arms


def backward_arm(block, x):
    """An arm: forward and backward, gradients of the weights and the input."""
    x = x.clone().requires_grad_()

    def call():
        x.grad = None
        block(x).sum().backward()

    call()
    return Arm(call, x.grad.clone(), SAME)


def group_specs(size, batch, channels_last):
    """A 3x3 with as many channels out as in, from one group to depthwise."""
    channels, side = size.sweep_channels, size.sweep_side
    counts = [2**n for n in range(channels.bit_length()) if 2**n <= channels]
    layout = ", channels-last" if channels_last else ""
    return {f"groups={g}{layout}": Spec(channels, channels, 3, 1, 1, g, batch, side, channels_last) for g in counts}


def group_arms(size, threads, batch):
    """The sweep over group counts in both layouts: MACs fall as 1/g, what is written stays, the routine changes."""
    specs = group_specs(size, batch, False) | group_specs(size, batch, True)
    return layer_arms(specs, threads)


def layer_arms(specs, threads):
    """Arms of convolutions, with what each computes, moves and writes for one image, and the routine that runs it."""
    ran = kernels(specs, threads)
    arms = {}
    for name, spec in specs.items():
        torch.manual_seed(0)
        layer, x = spec.build()
        arm = eager(layer, x, bound=None)
        image = (spec.in_channels, spec.side, spec.side)
        moved = 4 * (x.numel() + layer.weight.numel() + arm.output.numel())
        arm.facts = {
            "groups": spec.groups,
            "layout": "channels-last" if spec.channels_last else "channels-first",
            "macs": complexity.count_macs(layer, image),
            "written": complexity.count_activations(layer, image),
            "bytes": moved,
            **dict(zip(("implementation", "kernel", "rearrangements"), ran[name], strict=True)),
        }
        arms[name] = arm
    return arms


def network_layers(size, threads, batch):
    """The processor's peak and bandwidth, then every size of convolution that ResNeXt-50 has, once each."""
    network, found = networks.ResNeXt(size.blocks, 32, 4), {}

    def note(name):
        def hook(layer, inputs, output):
            spec = Spec(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size[0],
                layer.stride[0],
                layer.padding[0],
                layer.groups,
                batch,
                inputs[0].shape[-1],
            )
            found.setdefault(spec, []).append(name)

        return hook

    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(note(name))
    with torch.device("meta"):
        x = torch.empty(1, 3, size.side, size.side)
    network.to("meta").eval()(x)
    layers = layer_arms({names[0]: spec for spec, names in found.items()}, threads)
    for names in found.values():
        layers[names[0]].facts["times_in_network"] = len(names)
    return roof(size) | layers


def roof(size):
    """Arms for what the processor can do at most: a large matrix product, and a large copy."""
    matrix, numbers = torch.randn(size.matrix, size.matrix), torch.randn(size.numbers)
    target = torch.empty_like(numbers)
    return {
        "peak": Arm(lambda: torch.mm(matrix, matrix), facts={"macs": size.matrix**3, "bytes": 3 * 4 * size.matrix**2}),
        "bandwidth": Arm(lambda: target.copy_(numbers), facts={"macs": 0, "bytes": 2 * 4 * size.numbers}),
    }


def network_arms(size, threads, batch):
    """ResNet-50 and ResNeXt-50 as they come: nearly equal MACs, other numbers written."""
    x, image = images(batch, size.side), (3, size.side, size.side)
    arms = {}
    for name, path in (("ResNet-50", (1, 64)), ("ResNeXt-50", (32, 4))):
        network = networks.ResNeXt(size.blocks, *path).eval()
        arms[name] = eager(network, x, bound=None)
        arms[name].facts = {
            "parameters": complexity.count_parameters(network),
            "macs": complexity.count_macs(network, image),
            "written": complexity.count_activations(network, image),
        }
    return arms
