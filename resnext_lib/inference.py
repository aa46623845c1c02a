"""A network made ready for use: ``inference_copy`` for PyTorch, ``export_onnx`` for a runtime without PyTorch."""

import copy
import os
from collections import namedtuple
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}  # in which a copy can compute
CHANGE = {"float32": 1e-4, "bfloat16": 2e-2}  # what rounding may do to an output, against the largest
EXTRA = 'pip install "resnext-book[onnx]"'  # what export_onnx needs beyond the library
_Export = namedtuple("Export", "path change checked_by")


# ------------------------------------------------------------------ a copy for PyTorch


@torch.no_grad()
def inference_copy(model: nn.Module, example: torch.Tensor | None = None, precision: str = "float32") -> nn.Module:
    """A copy in eval mode, batch norms folded into the convolutions that they read, channels-last.

    ``model`` stays as it is, on its device and in its dtype. The copy stays on that device, computes in ``precision``,
    takes and gives float32, and can be saved, pickled and copied. Who reads what is found by running ``example``, a
    batch (N, C, H, W), by default noise of 64x64. Outputs may change by ``CHANGE`` of the largest, against the same
    weights in float32. Raises ``TypeError`` unless ``model`` is a module, ``ValueError`` if outputs change by more, or
    the model does not run on the example.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {list(PRECISIONS)}, not {precision!r}")
    fast = _float32_copy(model)
    example = _example_for(fast, example)
    expected = _fold(fast, example)
    fast.to(memory_format=torch.channels_last)
    if precision == "bfloat16":
        fast.bfloat16().register_forward_pre_hook(_take_float32)
        fast.register_forward_hook(_give_float32)
    change = _change(fast(example), expected)
    if not change <= CHANGE[precision]:
        raise ValueError(
            f"the copy's outputs change by {change:.2g} of the largest, and {CHANGE[precision]} is allowed: "
            "is a convolution or batch norm of model used twice, or does it give nan?"
        )
    return fast


def _take_float32(module, inputs):
    """A hook of a bfloat16 copy. A function of the module, because a copy with a lambda cannot be pickled."""
    return tuple(x.bfloat16() for x in inputs)


def _give_float32(module, inputs, output):
    """The other hook of a bfloat16 copy."""
    return output.float()


def _has_numbers(model, name="model"):
    """Raise unless ``model`` is a module whose weights and statistics are there."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, not {type(model).__name__}")
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        raise ValueError(
            f"{name} has shapes but no numbers (device meta): give it weights first, with to_empty and load_state_dict"
        )


def _float32_copy(model):
    """A copy of ``model`` in eval mode and float32; the hooks of an earlier bfloat16 copy are taken off."""
    _has_numbers(model)
    fast = copy.deepcopy(model).eval().float()
    for hooks in (fast._forward_pre_hooks, fast._forward_hooks):
        for key in [key for key, hook in hooks.items() if hook in (_take_float32, _give_float32)]:
            del hooks[key]
    return fast


def _example_for(network, example, size=64):
    """``example`` in float32 where ``network``'s weights are; without one noise of ``size``, the same each time."""
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    if example is None:
        channels = next((m.in_channels for m in network.modules() if isinstance(m, nn.Conv2d)), 3)
        example = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    if not torch.is_tensor(example):
        raise TypeError(f"example must be a tensor (N, C, H, W), not {type(example).__name__}")
    return example.to(device, torch.float32)


def _run(network, example):
    """What ``network`` gives for ``example``, or our words for why it gives nothing."""
    try:
        output = network(example)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ValueError(
            f"model does not run on an example of shape {tuple(example.shape)}: give example=, a batch such "
            f"as it takes. It says: {error}"
        ) from error
    if not torch.is_tensor(output):
        raise ValueError(f"model must give one tensor, but gives a {type(output).__name__}")
    return output


def _fold(network, example):
    """Fold each batch norm of ``network`` into the convolution that it reads; return the outputs from before."""
    layers, made, reads, hooks = dict(network.named_modules()), [], {}, []
    for name, layer in layers.items():
        if type(layer) is nn.Conv2d:
            hooks.append(layer.register_forward_hook(lambda m, x, y, name=name: made.append((name, y))))
        if type(layer) is nn.BatchNorm2d and layer.running_mean is not None:
            hooks.append(layer.register_forward_pre_hook(lambda m, x, name=name: reads.update({name: x[0]})))
    try:
        expected = _run(network, example)
    finally:
        for hook in hooks:
            hook.remove()
    for norm, conv in [(norm, conv) for norm, x in reads.items() for conv, y in made if y is x]:
        network.set_submodule(conv, fuse_conv_bn_eval(layers[conv], layers[norm]))
        network.set_submodule(norm, nn.Identity())
    return expected


def _change(given, expected):
    """The largest difference, as a share of the largest expected number; nan where either is nan."""
    return ((given - expected).abs().max() / expected.abs().max().clamp_min(torch.finfo(torch.float32).tiny)).item()


# ------------------------------------------------------------------ a file for other runtimes


@torch.no_grad()
def export_onnx(network: nn.Module, path: str | Path, example: torch.Tensor | None = None) -> _Export:
    """Write ``network`` in eval mode as an ONNX file, which ONNX Runtime and OpenVINO run without PyTorch.

    The input is called "images", the output "logits"; the batch is free. Without ``example``, height and width are
    free as well; with one, a batch (N, C, H, W), they are the example's. Batch norms stay: the runtimes fold them.
    Where onnxruntime is installed, batches of 1 and 3 must give the network's outputs within ``CHANGE`` of the
    largest. The file is written beside ``path`` and renamed: an earlier one is replaced by a whole one or stays.
    Returns a named tuple: path, the largest change (None if unchecked), the version of onnxruntime (or None).
    Raises ``ImportError`` that says what to install, ``TypeError`` or ``ValueError`` for what cannot be exported,
    ``FileNotFoundError`` or ``IsADirectoryError`` for a path that cannot be written.
    """
    path = _onnx_path(path)
    _can_be_exported(network)
    _needs_onnx()
    plain = copy.deepcopy(network).eval().cpu()
    free = (0,) if example is not None else (0, 2, 3)
    batches = _batches(plain, _example_for(plain, example))
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        _write_onnx(plain, batches[-1], free, unfinished)
        change, version = _check_onnx(plain, batches, unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return _Export(path, change, version)


def _onnx_path(path):
    """``path`` as a Path, or our words for why no file can be written there: asked before the work, not after."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"path={str(path)!r} is a folder: name a file in it, such as {path / 'network.onnx'}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path={str(path)!r}: there is no folder {path.parent}; make it first")
    return path


def _can_be_exported(network):
    """Raise for a network that the runtimes would refuse, or would compute in another precision than it says."""
    _has_numbers(network, "network")
    if isinstance(network, torch.jit.ScriptModule):
        raise TypeError(
            "network is a TorchScript module, which has no layers left to export: export the module it was made from"
        )
    others = {str(p.dtype).removeprefix("torch.") for p in network.parameters() if p.dtype != torch.float32}
    if others:
        raise ValueError(
            f"network has weights in {' and '.join(sorted(others))}, and export_onnx takes float32 alone: "
            "inference_copy(network) makes a float32 copy"
        )


def _needs_onnx():
    """Raise ``ImportError`` that says what to install."""
    from torch.export import Dim

    if not hasattr(Dim, "DYNAMIC"):
        raise ImportError(f"export_onnx needs torch 2.6 or newer, and this is {torch.__version__}")
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ImportError(f"export_onnx needs {' and '.join(missing)}: {EXTRA}")


def _batches(network, example):
    """Batches of 1 and 3 images like ``example``'s; raise if the network does not give a row for every image."""
    batches = [example[:1], example[torch.arange(3) % len(example)]]
    for batch in batches:
        shape = tuple(_run(network, batch).shape)
        if not shape or shape[0] != len(batch):
            raise ValueError(
                f"network gives an output of shape {shape} for {len(batch)} images, and export_onnx needs a "
                "row for every image: the batch cannot be free"
            )
    return batches


def _write_onnx(network, example, free, path):
    """Trace ``network`` and write it to ``path``, weights inside; the dimensions ``free`` may be of any size."""
    from torch.export import Dim, export

    sizes = dict.fromkeys(free, Dim.DYNAMIC)
    try:
        program = export(network, (example,), dynamic_shapes=(sizes,))
    except Exception as error:  # the tracer raises what the traced code raises, and kinds of its own
        raise ValueError(
            f"network cannot be traced with a free batch{' and size' * (len(free) > 1)}: does its forward "
            "branch on the numbers in x, leave PyTorch, or fix a size? With example=, height and width are "
            f"the example's. It says: {_first_line(error)}"
        ) from error
    try:
        torch.onnx.export(
            program, f=path, input_names=["images"], output_names=["logits"], external_data=False, verbose=False
        )
    except torch.onnx.OnnxExporterError as error:
        raise ValueError(
            f"network has an operation that ONNX lacks; it says: {_first_line(error.__cause__ or error)}"
        ) from error


def _first_line(error):
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _check_onnx(network, batches, path):
    """Run the file with onnxruntime, if it is there: (largest change, version), or (None, None)."""
    if find_spec("onnxruntime") is None:
        return None, None
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    change = max(
        _change(torch.from_numpy(session.run(None, {"images": batch.numpy()})[0]), network(batch)) for batch in batches
    )
    if not change <= CHANGE["float32"]:
        raise ValueError(
            f"the file's outputs differ from the network's by {change:.2g} of the largest, and "
            f"{CHANGE['float32']} is allowed: does the network give nan, or draw random numbers in eval mode?"
        )
    return change, onnxruntime.__version__
