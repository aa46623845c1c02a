"""A network made ready for use computes what it computed, can be saved, and says what it cannot do."""

import copy
import io
import pickle
import tomllib
from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from torchvision import models

from resnext_lib import forms, inference, networks
from resnext_lib.data import fashion_subset, mean_and_spread, normalise
from resnext_lib.inference import export_onnx, inference_copy
from resnext_lib.weights import trained_small_resnext
from studies.arms import unsettle


def norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


NETWORKS = {  # name: constructor, image, batch norms that stay
    "ours": (networks.resnext50_32x4d, (3, 64, 64), 0),
    "torchvision": (models.resnext50_32x4d, (3, 64, 64), 0),
    "timm": (lambda: timm.create_model("resnext50_32x4d"), (3, 64, 64), 0),
    "small": (networks.small_resnext, (1, 28, 28), 0),
    "googlenet": (networks.torchvision_googlenet, (3, 64, 64), 0),
    "form A": (lambda: forms.FormA(8, 8, 12, 4, 2), (8, 9, 9), 1),  # its last norm reads a sum, not a convolution
    "form B": (lambda: forms.FormB(8, 8, 12, 4, 2), (8, 9, 9), 0),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_copy_computes_the_same_and_the_original_is_untouched(name):
    build, image, left = NETWORKS[name]
    torch.manual_seed(0)
    model = unsettle(build()).train()
    before = copy.deepcopy(model.state_dict())
    fast = inference_copy(model)
    assert norms(fast) == left and not fast.training
    assert model.training and norms(model) > left
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in [*fast.modules(), *model.modules()])
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())
    x = torch.randn(3, *image)
    with torch.no_grad():
        expected = model.eval()(x)
        assert (fast(x) - expected).abs().max() < 1e-4 * expected.abs().max()
        fast.get_parameter(next(key for key, _ in fast.named_parameters())).zero_()
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items() if "num_batches" not in key)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_inside_float32_outside(name):
    build, image, left = NETWORKS[name]
    torch.manual_seed(0)
    model = unsettle(build()).eval()
    fast = inference_copy(model, precision="bfloat16")
    assert {value.dtype for value in fast.parameters()} == {torch.bfloat16} and norms(fast) == left
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    x = torch.randn(3, *image)
    with torch.no_grad():
        expected, given = model(x), fast(x)
        assert given.dtype == torch.float32
        assert 1e-4 < (given - expected).abs().max() / expected.abs().max() < 2e-2


@pytest.mark.slow
def test_bfloat16_keeps_the_labels_of_the_trained_network():
    """Random inputs say little about a decision: here are 500 pictures and trained weights."""
    network = trained_small_resnext().eval()
    moments = mean_and_spread(fashion_subset("train"))
    x = normalise(fashion_subset("test").pixels[:500], *moments)
    with torch.inference_mode():
        labels = [model(x).argmax(dim=1) for model in (network, inference_copy(network, precision="bfloat16"))]
    assert (labels[0] != labels[1]).float().mean() < 0.01


def test_a_precision_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"precision must be one of \['float32', 'bfloat16'\], not 'half'"):
        inference_copy(nn.Conv2d(3, 4, 1), precision="half")


def test_weights_are_channels_last():
    weight = inference_copy(networks.small_resnext()).layer1[0].conv2.weight
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


class ReadTwice(nn.Module):
    """The convolution's output goes to the batch norm and round it: folding would change both."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return self.bn(x) + x


class Scaled(nn.BatchNorm2d):
    """A batch norm that does more; folding it as if it did not would be wrong."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_what_cannot_be_folded_is_refused_or_left():
    with pytest.raises(ValueError, match="is a convolution or batch norm of model used twice"):
        inference_copy(unsettle(ReadTwice()))
    odd = unsettle(nn.Sequential(nn.Conv2d(3, 4, 1), Scaled(4))).eval()
    x = torch.randn(2, 3, 5, 5)
    torch.testing.assert_close(inference_copy(odd)(x), odd(x))


def test_bad_models_and_examples_are_named():
    with pytest.raises(TypeError, match="model must be a torch.nn.Module, not function"):
        inference_copy(lambda x: x)
    broken = nn.Conv2d(3, 4, 1)
    nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(ValueError, match="nan"):
        inference_copy(broken)


def test_an_example_of_ones_own():
    """For a network that takes no images of 64x64."""
    model = unsettle(nn.Sequential(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 7 * 7, 2))).eval()
    with pytest.raises(ValueError, match=r"model does not run on an example of shape \(2, 2, 64, 64\): give example="):
        inference_copy(model)
    x = torch.randn(2, 2, 7, 7)
    fast = inference_copy(model, x)
    assert norms(fast) == 0
    torch.testing.assert_close(fast(x), model(x))


# ------------------------------------------------------------------ fault 5: any device, any dtype, and it can be saved


def passed_on(copied, how):
    """``copied`` after a journey: to a file and back, through pickle, or copied again."""
    if how == "save":
        file = io.BytesIO()
        torch.save(copied, file)
        file.seek(0)
        return torch.load(file, weights_only=False)
    return pickle.loads(pickle.dumps(copied)) if how == "pickle" else copy.deepcopy(copied)


@pytest.mark.parametrize("how", ["save", "pickle", "deepcopy"])
@pytest.mark.parametrize("precision", inference.PRECISIONS)
def test_fault_5_a_copy_can_be_saved_pickled_and_copied(precision, how):
    torch.manual_seed(0)
    fast = inference_copy(unsettle(networks.small_resnext()), precision=precision)
    again, x = passed_on(fast, how), torch.randn(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(again(x), fast(x)) and again(x).dtype == torch.float32
    assert again.layer1[0].conv2.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("precision", inference.PRECISIONS)
def test_fault_5_the_weights_alone_go_into_another_copy(precision):
    torch.manual_seed(0)
    one, other = (inference_copy(unsettle(networks.small_resnext()), precision=precision) for _ in range(2))
    x = torch.randn(2, 1, 28, 28)
    with torch.no_grad():
        assert not torch.equal(one(x), other(x))
        other.load_state_dict(one.state_dict())
        assert torch.equal(one(x), other(x))


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("precision", inference.PRECISIONS)
def test_fault_5_a_network_of_any_dtype_has_a_copy(precision, dtype, device):
    """The copy is in the precision asked for and takes float32, whatever the network's own dtype is."""
    torch.manual_seed(0)
    model = unsettle(networks.small_resnext()).eval().to(device, dtype)
    fast = inference_copy(model, precision=precision)
    assert norms(fast) == 0
    assert {(v.dtype, v.device.type) for v in fast.parameters()} == {(inference.PRECISIONS[precision], device)}
    assert {v.dtype for v in model.parameters()} == {dtype}
    x = torch.randn(2, 1, 28, 28, device=device)
    with torch.no_grad():
        expected, given = copy.deepcopy(model).double()(x.double()), fast(x)
        assert given.dtype == torch.float32
        assert (given - expected).abs().max() < inference.CHANGE[precision] * expected.abs().max()


def test_fault_5_the_example_is_made_where_the_weights_are():
    """Device "meta" stands for any that is not the processor; a reader's own example is moved as well."""
    network = nn.Conv2d(5, 4, 1, device="meta")
    made = inference._example_for(network, None)
    assert made.device.type == "meta" and made.shape == (2, 5, 64, 64)
    assert inference._example_for(network, torch.zeros(1, 5, 8, 8, dtype=torch.float64)).device.type == "meta"
    once, again = (inference._example_for(nn.Conv2d(5, 4, 1), None) for _ in range(2))
    assert torch.equal(once, again)


def test_fault_5_a_copy_of_a_bfloat16_copy_is_float32_again():
    torch.manual_seed(0)
    model = unsettle(networks.small_resnext())
    again = inference_copy(inference_copy(model, precision="bfloat16"))
    assert {value.dtype for value in again.parameters()} == {torch.float32}
    assert not again._forward_hooks and not again._forward_pre_hooks


@pytest.mark.parametrize(
    ("model", "example", "error", "words"),
    [
        (networks.small_resnext().to("meta"), None, ValueError, "model has shapes but no numbers"),
        (nn.Conv2d(3, 4, 1), [1, 2], TypeError, r"example must be a tensor \(N, C, H, W\), not list"),
        (nn.Conv2d(3, 4, 1), torch.zeros(2, 5, 8, 8), ValueError, r"does not run on an example of shape \(2, 5, 8, 8\)"),
        (nn.MaxPool2d(2, return_indices=True), None, ValueError, "model must give one tensor, but gives a tuple"),
    ],
)
def test_fault_5_what_cannot_be_copied_is_named(model, example, error, words):
    with pytest.raises(error, match=words):
        inference_copy(model, example)


def test_a_batch_norm_without_statistics_or_scale_is_left_or_folded():
    """One that uses the batch's own statistics even in eval mode cannot be folded; one without scale can."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, affine=False)
    ).eval()
    x = torch.randn(2, 3, 5, 5)
    fast = inference_copy(model)
    assert norms(fast) == 1
    with torch.no_grad():
        torch.testing.assert_close(fast(x), model(x))


# ------------------------------------------------------------------ export_onnx


def run_onnx(path, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["logits"], {"images": x.numpy()})[0])


def run_openvino(path, x):
    import openvino

    return torch.from_numpy(openvino.Core().compile_model(path, "CPU")(x.numpy())[0].copy())


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The book's trained network as a file; from channels-last weights in train mode, as training leaves them."""
    network = trained_small_resnext().to(memory_format=torch.channels_last).train()
    path = tmp_path_factory.mktemp("onnx") / "small.onnx"
    return network, path, export_onnx(network, path)


@pytest.mark.slow
def test_an_exported_network_computes_the_same_elsewhere_for_any_batch_and_size(exported):
    network, path, export = exported
    assert export.path == path and export.checked_by and export.change < 1e-5
    assert network.training and [p.name for p in path.parent.iterdir()] == ["small.onnx"]
    torch.manual_seed(0)
    network = copy.deepcopy(network).eval()
    for shape in ((1, 1, 28, 28), (5, 1, 28, 28), (3, 1, 40, 36)):
        x = torch.randn(shape)
        with torch.no_grad():
            expected = network(x)
        for run in (run_onnx, run_openvino):
            assert (run(path, x) - expected).abs().max() < 1e-4 * expected.abs().max(), (run.__name__, shape)


@pytest.mark.slow
def test_the_files_dimensions_are_named(exported):
    import onnx

    graph = onnx.load(exported[1]).graph
    channels = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    free = [bool(dimension.dim_param) for dimension in graph.input[0].type.tensor_type.shape.dim]
    assert (graph.input[0].name, graph.output[0].name, channels, free) == ("images", "logits", 1, [True, False, True, True])


def test_an_example_fixes_the_size_and_leaves_the_batch(tmp_path):
    """A network with a classifier for 7x7 maps has one size only; folded, so that a copy can be exported, too."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 7 * 7, 2)).eval()
    x = torch.randn(2, 2, 7, 7)
    path = tmp_path / "fixed.onnx"
    with pytest.raises(ValueError, match=r"does not run on an example of shape .* give example="):
        export_onnx(model, path)
    export_onnx(inference_copy(model, x), path, x)
    with torch.no_grad():
        for batch in (x, x[:1], torch.randn(5, 2, 7, 7)):
            torch.testing.assert_close(run_onnx(path, batch), model(batch))


class Branching(nn.Conv2d):
    def forward(self, x):
        return (super().forward(x) if x.sum() > 0 else super().forward(2 * x)).mean((2, 3))


class NoOnnx(nn.Conv2d):
    def forward(self, x):
        return torch.linalg.svdvals(super().forward(x)).flatten(1)


class OneRow(nn.Conv2d):
    def forward(self, x):
        return super().forward(x).reshape(1, -1)


class Dropping(nn.Conv2d):
    """Draws random numbers in eval mode: no two runs agree."""

    def forward(self, x):
        return torch.nn.functional.dropout(super().forward(x), training=True).mean((2, 3))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("network", "error", "words"),
    [
        (lambda x: x, TypeError, "network must be a torch.nn.Module, not function"),
        (nn.Conv2d(3, 4, 1, device="meta"), ValueError, "network has shapes but no numbers"),
        (nn.Conv2d(3, 4, 1).double(), ValueError, r"network has weights in float64, .* inference_copy\(network\) makes"),
        (inference_copy(nn.Conv2d(3, 4, 1), precision="bfloat16"), ValueError, "network has weights in bfloat16"),
        (Branching(3, 4, 1), ValueError, "network cannot be traced with a free batch and size"),
        (NoOnnx(3, 4, 1), ValueError, "network has an operation that ONNX lacks"),
        (OneRow(3, 4, 1), ValueError, r"output of shape \(1, 49152\) for 3 images"),
        (Dropping(3, 4, 1), ValueError, "the file's outputs differ from the network's"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_the_earlier_file_stays(network, error, words, tmp_path):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"the earlier one")
    with pytest.raises(error, match=words):
        export_onnx(network, path)
    assert [p.name for p in tmp_path.iterdir()] == ["network.onnx"] and path.read_bytes() == b"the earlier one"


@pytest.mark.slow
def test_a_wrong_file_is_not_kept(tmp_path, monkeypatch):
    """A runtime that computes something else: the check compares numbers, and a nan is no small difference."""
    import onnxruntime

    run = onnxruntime.InferenceSession.run
    for wrong in (lambda y: 1.001 * y, lambda y: y * float("nan")):
        monkeypatch.setattr(onnxruntime.InferenceSession, "run", lambda *args, wrong=wrong: [wrong(run(*args)[0])])
        with pytest.raises(ValueError, match="the file's outputs differ from the network's by"):
            export_onnx(nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1)), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("", IsADirectoryError, "is a folder: name a file in it, such as"),
        ("missing/network.onnx", FileNotFoundError, "there is no folder .*missing; make it first"),
    ],
)
def test_a_path_that_cannot_be_written_is_named_before_the_work(path, error, words, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "_write_onnx", lambda *args: pytest.fail("the work was done first"))
    with pytest.raises(error, match=words):
        export_onnx(nn.Conv2d(3, 4, 1), tmp_path / path)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (["onnx"], "export_onnx needs onnx: pip install"),
        (["onnxscript"], "export_onnx needs onnxscript: pip install"),
        (["onnx", "onnxscript"], r'export_onnx needs onnx and onnxscript: pip install "resnext-book\[onnx\]"'),
    ],
)
def test_without_onnx_the_error_names_the_extra(missing, words, tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "find_spec", lambda name: None if name in missing else name)
    with pytest.raises(ImportError, match=words):
        export_onnx(nn.Conv2d(3, 4, 1), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_the_file_is_written_and_said_to_be_unchecked(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "find_spec", lambda name: None if name == "onnxruntime" else name)
    export = export_onnx(nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1)), tmp_path / "network.onnx")
    assert export.path.is_file() and (export.change, export.checked_by) == (None, None)


def test_the_extra_that_the_error_names_is_there():
    """A wrong name in the error would send the reader to a package that does not help."""
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert inference.EXTRA == f'pip install "{project["name"]}[onnx]"'
    extra = {requirement.split(">=")[0] for requirement in project["optional-dependencies"]["onnx"]}
    assert extra == {"onnx", "onnxscript", "onnxruntime", "openvino"}
    needed = {requirement.split(">=")[0] for requirement in project["dependencies"]}
    assert not extra & needed, "no chapter needs it"
