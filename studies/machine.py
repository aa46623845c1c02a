"""What a time means nothing without: the processor, its instructions, and the versions that ran."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = ("torch", "torchvision", "timm", "onnxruntime", "openvino")
# Flags of /proc/cpuinfo that decide which routine a library picks.
FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def cpu_info(text=None):
    """The first processor of /proc/cpuinfo as a dictionary; empty where there is none."""
    path = Path("/proc/cpuinfo")
    if text is None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def processor(info=None):
    """Its name, with family and model: "AMD EPYC" alone is the name of very different ones."""
    info = cpu_info() if info is None else info
    if "model name" not in info:
        return platform.processor() or platform.machine()
    return f"{info['model name']} (family {info['cpu family']}, model {info['model']})"


def instructions(info=None):
    """The instruction set that torch's own kernels use, and those that other libraries may."""
    info = cpu_info() if info is None else info
    found = [flag for flag in FLAGS if flag in info.get("flags", "").split()]
    return f"{torch.backends.cpu.get_cpu_capability()}: {' '.join(found) or 'unknown'}"


def has_bfloat16(info=None):
    """Whether the processor multiplies in bfloat16; without, it is emulated, and slower than float32."""
    info = cpu_info() if info is None else info
    return bool({"avx512_bf16", "amx_bf16"} & set(info.get("flags", "").split()))


def versions():
    """Python's version and those of the packages that are installed."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name).split('+')[0]}")
        except PackageNotFoundError:
            found.append(f"{name} none")
    return ", ".join(found)


def circumstances():
    """The columns that every row of a timing carries."""
    return {"processor": processor(), "instructions": instructions(), "versions": versions()}
