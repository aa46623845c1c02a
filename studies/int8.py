"""The int8 rung: the book's trained network in eight bits, with the accuracy that it then has.

A network with random weights has no accuracy, so this rung stands on the small trained one, and its time beside it.
"""

from pathlib import Path

import torch

from resnext_lib.data import fashion_subset, mean_and_spread, normalise
from resnext_lib.inference import export_onnx, inference_copy
from resnext_lib.weights import trained_small_resnext
from studies import machine
from studies.arms import eager, in_onnxruntime, scratch

CALIBRATION = 500  # training pictures from which the ranges of the maps are taken; no test picture is


def pictures(split, count):
    """``count`` normalised pictures of a part of the data, and their labels."""
    images, moments = fashion_subset(split), mean_and_spread(fashion_subset("train"))
    return normalise(images.pixels[:count], *moments), images.labels[:count]


def quantise(source, target):
    """Write the int8 version of the ONNX file ``source``: weights by channel, maps by the range of training pictures."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.batches = iter(pictures("train", CALIBRATION)[0].split(100))

        def get_next(self):
            batch = next(self.batches, None)
            return None if batch is None else {"images": batch.numpy()}

    # Without VNNI two products of eight bits may overflow their sixteen: seven bits of weight are safe.
    seven_bits = not any(flag in machine.instructions() for flag in ("vnni", "amx_int8"))
    prepared = Path(target).with_suffix(".prepared")
    quant_pre_process(source, prepared)
    quantization.quantize_static(prepared, target, Reader(), per_channel=True, reduce_range=seven_bits)


def int8_arms(size, threads, batch):
    """The trained network in turns: eager, folded, ONNX Runtime in float32 and in int8; each with its accuracy."""
    network = trained_small_resnext()
    x, labels = pictures("test", size.pictures)
    fast = inference_copy(network, x[:2])
    folder = Path(scratch().name)
    export_onnx(fast, folder / "float32.onnx", x[:2])
    quantise(folder / "float32.onnx", folder / "int8.onnx")
    makers = {
        "eager": lambda part: eager(network, part),
        "folded": lambda part: eager(fast, part),
        "ONNX Runtime": lambda part: in_onnxruntime(folder / "float32.onnx", part, threads),
        "ONNX Runtime, int8": lambda part: in_onnxruntime(folder / "int8.onnx", part, threads, bound=None),
    }
    answers = {name: torch.cat([make(part).output for part in x.split(500)]).argmax(dim=1) for name, make in makers.items()}
    arms = {}
    for name, make in makers.items():
        arm = make(x[:batch])
        arm.facts = {
            "pictures": len(x),
            "correct": (answers[name] == labels).sum().item(),
            "changed_answers": (answers[name] != answers["eager"]).sum().item(),
        }
        arms[name] = arm
    return arms
