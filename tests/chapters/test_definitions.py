"""What a chapter's cells define is the library's, or an earlier step of it, or a mistake that a check rejects."""

import ast
import copy
import importlib.util
import inspect
import pkgutil
from importlib import import_module

import pytest
import torch
from notebooks_for_tests import (
    CHAPTERS,
    code,
    declarations,
    declared_cells,
    definitions,
    execute_up_to,
    last_definition,
    notebook,
)
from randomness import random_tensor, randomise
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

import resnext_lib
from resnext_lib import blocks, complexity, descendants, exercises, networks, paths, statistics
from studies.cardinality.arms import random_connections, sets_apart
from tools.facts import ROOT
from tools.notebooks import read

MODULES = [module.name for module in pkgutil.iter_modules(resnext_lib.__path__)]
CLOSE = dict(rtol=1e-10, atol=1e-10)


# ------------------------------------------------------------------ mirrors: the library's syntax tree


def library_source(name):
    """The syntax tree of the library's class or function ``name``, wherever it is defined."""
    for module in MODULES:
        found = definitions(inspect.getsource(import_module(f"resnext_lib.{module}"))).get(name)
        if found:
            return found
    raise AssertionError(f"resnext_lib defines no class or function {name}")


class Plain(ast.NodeTransformer):
    """Takes away what may differ: docstrings, annotations, the module in front of a name."""

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.without_docstring(node)

    def visit_ClassDef(self, node):
        return self.without_docstring(node)

    def without_docstring(self, node):
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        return self.generic_visit(ast.Assign([node.target], node.value)) if node.value else ast.Pass()

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name) and node.value.id in MODULES:
            return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)


def plain(tree):
    """The tree as source text, without what may differ."""
    return ast.unparse(ast.fix_missing_locations(Plain().visit(copy.deepcopy(tree))))


def assert_mirror(source, name):
    found = definitions(source)
    assert name in found, f"the cell mirrors {name} but defines {list(found)}"
    assert plain(found[name]) == plain(library_source(name))


# ------------------------------------------------------------------ steps: compared by behaviour


def shapes(module):
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def assert_same_module(given, library, *input_shape):
    """Same keys and shapes; with copied random weights the same outputs, in eval and in train mode."""
    assert shapes(given) == shapes(library)
    library = randomise(library.double())
    given.double().load_state_dict(library.state_dict())
    x = random_tensor(*input_shape)
    for training in (False, True):
        assert_close(given.train(training)(x), library.train(training)(x), **CLOSE)


def assert_same_function_of_layers(given, library, *input_shape):
    """As above for modules that name their layers otherwise: the weights are copied in order."""
    own, theirs = list(given.double().state_dict().values()), list(randomise(library.double()).state_dict().values())
    assert [tuple(value.shape) for value in own] == [tuple(value.shape) for value in theirs]
    for mine, value in zip(own, theirs, strict=True):
        mine.copy_(value)
    x = random_tensor(*input_shape)
    for training in (False, True):
        assert_close(given.train(training)(x), library.train(training)(x), **CLOSE)


def parameter_names(given):
    return list(inspect.signature(given).parameters)


def step_of_conv2d(given):
    """A convolution by hand: (image, kernel) of one channel, or (x, weight), with stride and padding or without."""
    names = parameter_names(given)
    image, kernel = torch.arange(42).reshape(6, 7) % 5, torch.tensor([[1, 0, -2], [3, 1, 1], [0, -1, 2]])
    if names[:2] == ["image", "kernel"]:
        right = functional.conv2d(image[None, None].double(), kernel[None, None].double())[0, 0]
        assert_close(given(image, kernel).double(), right, **CLOSE)
        return
    x, weight = random_tensor(2, 3, 6, 7), random_tensor(4, 3, 3, 3, seed=1)
    cases = [{}]
    cases += [dict(stride=2)] * ("stride" in names) + [dict(padding=1)] * ("padding" in names)
    for options in cases:
        required = {n: {"stride": 1, "padding": 0}[n] for n in names[2:]} | options
        assert_close(given(x, weight, **required), functional.conv2d(x, weight, **options), **CLOSE)


def step_of_make_stage(given):
    """A stage of bottlenecks, with or without the last two arguments."""
    grouped = len(parameter_names(given)) > 4
    for last in ((1, 64), (4, 32)) if grouped else ((),):
        for in_channels, stage_width, count, stride in ((64, 64, 2, 1), (128, 64, 2, 2)):
            library = networks.make_stage(blocks.Bottleneck, in_channels, stage_width, count, stride, *(last or (1, 64)))
            assert_same_module(given(in_channels, stage_width, count, stride, *last), library, 2, in_channels, 6, 6)


def step_of_resnext(given):
    """A network: its defaults are ResNet-50; with a cardinality it is also ResNeXt-50 (32x4d)."""
    pairs = [(given(), networks.resnet50())]
    if "cardinality" in parameter_names(given):
        pairs.append((given(cardinality=32, bottleneck_width=4), networks.resnext50_32x4d()))
    for mine, library in pairs:
        assert list(shapes(mine)) == list(shapes(library)), "the order of the keys"
        assert_same_module(mine, library, 2, 3, 64, 64)


def step_of_bottleneck(given):
    """The residual block, perhaps without its cardinality, its stride, or its projection."""
    names = parameter_names(given)
    sizes = [dict(in_channels=16, width=8, out_channels=16)]
    if "cardinality" in names:
        sizes.append(dict(in_channels=16, width=8, out_channels=16, cardinality=4))
    if "stride" in names:
        sizes += [{**size, "out_channels": 24, "stride": 2} for size in sizes]
    sizes = [{name: value for name, value in size.items() if name in names} for size in sizes]
    assert all(sizes), f"none of {names} is an argument of Bottleneck"
    for size in sizes:
        library = dict(in_channels=16, width=8, out_channels=16) | size
        if "in_channels" not in names:
            library["in_channels"] = library["out_channels"]
        assert_same_module(given(**size), blocks.Bottleneck(**library), 2, library["in_channels"], 7, 7)


class TwoConvolutions(blocks.ResidualBlock):
    """ResNet's basic block, on the library's base class."""

    def __init__(self, in_channels, width, out_channels):
        super().__init__(in_channels, width, out_channels)
        self.conv1, self.bn1 = blocks.conv3x3(in_channels, width), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = blocks.conv3x3(width, out_channels), nn.BatchNorm2d(out_channels)
        self.downsample = None

    def transform(self, x):
        return self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))


def step_of_residual_block(given):
    """The base class, relu(transform(x) + shortcut(x)), or a whole block of two 3x3s with an identity shortcut."""
    if not hasattr(given, "transform") and parameter_names(given) == ["channels"]:
        assert_same_module(given(8), TwoConvolutions(8, 8, 8), 2, 8, 6, 6)
        return

    class Doubled(given):
        def transform(self, x):
            return 2 * x

    parameters = list(inspect.signature(given.__init__).parameters.values())[1:]
    required = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    block, x = Doubled(*[8 for _ in required]), random_tensor(2, 8, 5, 5)
    block.downsample = None
    assert_close(block(x), torch.relu(3 * x), **CLOSE)
    block.downsample = nn.Conv2d(8, 8, 1).double()
    assert_close(block(x), torch.relu(2 * x + block.downsample(x)), **CLOSE)


def step_of_inception(given):
    """The module with four branches; the branches may have other names, but come in the paper's order."""
    names = parameter_names(given)
    for widths in (
        networks.GOOGLENET_MODULES["3a"],
        dict(zip(networks.GOOGLENET_MODULES["3a"], (2, 3, 4, 5, 6, 7), strict=True)),
    ):
        module = given(12, **widths) if "conv1x1" in names else given(12, *widths.values())
        assert_same_function_of_layers(module, blocks.Inception(12, **widths), 2, 12, 7, 7)


def step_of_naive_inception(given):
    """The first draft: 1x1, 3x3 and 5x5 over all channels, and the pooled input, concatenated."""
    module, x = randomise(given(6).double()), random_tensor(2, 6, 7, 7)
    layers = {layer.kernel_size[0]: layer for layer in module.modules() if isinstance(layer, nn.Conv2d)}
    branches = [functional.conv2d(x, layers[k].weight, layers[k].bias, padding=k // 2) for k in (1, 3, 5)]
    assert_close(module(x), torch.cat([*branches, functional.max_pool2d(x, 3, 1, 1)], dim=1), **CLOSE)


def step_of_grouped_conv2d(given):
    """(x, weight, groups): a 3x3 with padding 1."""
    for groups in (1, 2, 4):
        x, weight = random_tensor(2, 8, 5, 6), random_tensor(12, 8 // groups, 3, 3, seed=1)
        assert_close(given(x, weight, groups), functional.conv2d(x, weight, padding=1, groups=groups), **CLOSE)


def step_of_block_diagonal(given):
    """(weight, groups): a dense weight that does what the grouped one does."""
    for groups in (1, 2, 4):
        x, weight = random_tensor(2, 8, 5, 6), random_tensor(12, 8 // groups, 3, 3, seed=1)
        dense = given(weight, groups)
        assert dense.shape == (12, 8, 3, 3)
        assert_close(functional.conv2d(x, dense), functional.conv2d(x, weight, groups=groups), **CLOSE)


def paths_as_grouped(module, x, groups):
    """What equal paths of 1x1, ReLU, 3x3, ReLU (and perhaps a last 1x1) compute, as one wide path with groups."""
    weights = [layer.weight for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    columns = [weights[i :: len(weights) // groups] for i in range(len(weights) // groups)]
    x = torch.relu(functional.conv2d(x, torch.cat(columns[0])))
    x = torch.relu(functional.conv2d(x, torch.cat(columns[1]), padding=1, groups=groups))
    return functional.conv2d(x, torch.cat(columns[2], dim=1)) if len(columns) > 2 else x


def step_of_equal_branches(given):
    """(channels, branches, d): equal paths, concatenated."""
    for branches, d in ((4, 3), (3, 5)):
        module, x = randomise(given(8, branches, d).double()), random_tensor(2, 8, 6, 6)
        assert module(x).shape == (2, branches * d, 6, 6)
        assert_close(module(x), paths_as_grouped(module, x, branches), **CLOSE)


def step_of_summed_branches(given):
    """(channels, branches, d): equal paths, each back to the channels, summed."""
    for branches, d in ((4, 3), (3, 5)):
        module, x = randomise(given(8, branches, d).double()), random_tensor(2, 8, 6, 6)
        assert module(x).shape == x.shape
        assert_close(module(x), paths_as_grouped(module, x, branches), **CLOSE)


def step_of_conv_relu(given):
    for kernel_size in (1, 3, 5):
        assert_same_function_of_layers(given(4, 6, kernel_size), blocks.conv_relu(4, 6, kernel_size), 2, 4, 7, 7)


def step_of_googlenet(given):
    assert_same_function_of_layers(given().eval(), networks.googlenet().eval(), 1, 3, 64, 64)


def step_of_bottleneck_weights(given):
    names = parameter_names(given)
    for c, d, channels in ((1, 64, 256), (32, 4, 256), (8, 14, 512)):
        arguments = (c, d, channels)[: len(names)]
        assert given(*arguments) == complexity.bottleneck_weights(*arguments)


def step_of_se_bottleneck(given):
    """The whole block written out, with squeeze-and-excitation at the end of its transform."""
    for arguments in ((32, 16, 32, 4, 1, 4), (32, 24, 64, 8, 2, 16)):
        arguments = arguments[: len(parameter_names(given))]  # perhaps without the reduction, then it is 16
        assert_same_module(given(*arguments), descendants.SEBottleneck(*arguments), 2, 32, 6, 6)


def step_of_without_path(given):
    """Without images: the library's can also estimate the batch norm behind the sum again."""
    network = networks.small_resnext(cardinality=4, bottleneck_width=24, depth=11).double()
    randomise(network)
    before = copy.deepcopy(network.state_dict())
    for block, path in (("layer1.0", 0), ("layer3.0", 3)):
        ours, theirs = paths.without_path(network, block, path).state_dict(), given(network, block, path).state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert all(torch.equal(before[name], value) for name, value in network.state_dict().items()), (
            "it changed its network"
        )
    for wrong in (-1, 4):
        try:
            given(network, "layer1.0", wrong)
            message = "none"
        except ValueError as error:
            message = str(error)
        assert message == f"path must be 0 to 3 in layer1.0, not {wrong}"


def step_of_set_statistics(given):
    """(network, block, images): new statistics for the batch norm behind one block's sum, all else as it was."""
    network = randomise(networks.small_resnext(cardinality=4, bottleneck_width=24, depth=11).double())
    library, images = copy.deepcopy(network), random_tensor(6, 1, 28, 28)
    given(network.train(), "layer2.0", images)
    paths.set_statistics(library, "layer2.0.bn3", images)
    counted = "layer2.0.bn3.num_batches_tracked"
    for name, value in library.state_dict().items():
        if name != counted:
            assert_close(network.state_dict()[name], value, **CLOSE)
    assert not any(module.training for module in network.modules()), "a part of the network is left in train mode"


def step_of_shapes(given):
    """Of everything in a state dict, buffers included."""
    module = blocks.Bottleneck(8, 4, 16, 2)
    assert given(module) == shapes(module) != given(blocks.Bottleneck(8, 4, 16))


class WrongInOneMode(blocks.Bottleneck):
    """Without its shortcut, in train mode or in eval mode."""

    def __init__(self, mode):
        super().__init__(8, 4, 8, 2)
        self.mode = mode

    def shortcut(self, x):
        return 0 * x if self.training == self.mode else x


def step_of_largest_difference(given):
    """(network, reference, images): nothing between equal networks, much where one is wrong, in one mode only too."""
    build, x = lambda: blocks.Bottleneck(8, 4, 8, 2), random_tensor(2, 8, 6, 6)
    reference = randomise(build().double())
    assert given(build(), reference, x) < 1e-10
    for other in (blocks.Bottleneck(8, 4, 8), nn.Sequential(build())):  # another shape, other names
        try:
            given(other, reference, x)
        except RuntimeError:
            continue
        raise AssertionError("it takes weights that do not fit")
    for mode in (False, True):
        assert given(WrongInOneMode(mode), reference, x) > 0.01, f"a mistake in mode train={mode} is not seen"


def step_of_x_block(given):
    """The whole block written out, with groups of a fixed width."""
    for arguments in ((24, 24, 8), (16, 36, 12, 2)):
        assert_same_module(given(*arguments), descendants.XBlock(*arguments), 2, arguments[0], 6, 6)


def step_of_interval(given):
    """The library's, without its looks at what cannot be computed."""
    for values, confidence in (([0.9, 0.8], 0.95), ([1, 2, 4, 8, 16], 0.99), ([0.5, 0.5, 0.25], 0.5)):
        assert given(values, confidence) == pytest.approx(statistics.interval(values, confidence))
    with pytest.raises(ValueError, match="values must hold two runs or more, not 1: one run has no spread"):
        given([0.9])


def step_of_the_script(given):
    """The cells of the page on more machines are examples/distributed.py, to the letter (tests/library/test_distributed.py, which also runs it).

    Here: the same variables, names and constants. Bytecode would depend on the imports compiled with it.
    """
    spec = importlib.util.spec_from_file_location("distributed_example", ROOT / "examples" / "distributed.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    seen = [
        (code.co_varnames, set(code.co_names), [c for c in code.co_consts if not inspect.iscode(c)])
        for code in (given.__code__, getattr(script, given.__name__).__code__)
    ]
    assert seen[0] == seen[1]


def step_of_random_connections(given):
    """The study's sparse arm draws otherwise, to be quick with many connections, but what it draws keeps the same rules."""
    for seed, (channels, reads) in enumerate(((32, 2), (32, 2), (32, 2), (9, 3), (5, 2))):
        torch.manual_seed(seed)
        mask = given(channels, reads)
        drawn = torch.zeros(channels, channels).scatter(1, random_connections(channels, reads), 1)
        for found in (mask, drawn):
            assert found.shape == (channels, channels)
            assert sets_apart(found.float().topk(reads, dim=1).indices) == 1
            assert (found.sum(dim=0) == reads).all() and (found.sum(dim=1) == reads).all()
        assert mask.dtype == torch.bool and not torch.equal(mask, given(channels, reads))


# The library's (or PyTorch's) name -> how an earlier step is compared with it.
STEPS = {
    "random_connections": step_of_random_connections,
    "distributed train_epoch": step_of_the_script,
    "distributed train": step_of_the_script,
    "interval": step_of_interval,
    "distributed main": step_of_the_script,
    "conv2d": step_of_conv2d,
    "make_stage": step_of_make_stage,
    "ResNeXt": step_of_resnext,
    "Bottleneck": step_of_bottleneck,
    "ResidualBlock": step_of_residual_block,
    "grouped conv2d": step_of_grouped_conv2d,
    "block diagonal": step_of_block_diagonal,
    "equal branches": step_of_equal_branches,
    "summed branches": step_of_summed_branches,
    "naive inception": step_of_naive_inception,
    "conv_relu": step_of_conv_relu,
    "Inception": step_of_inception,
    "GoogLeNet": step_of_googlenet,
    "bottleneck_weights": step_of_bottleneck_weights,
    "SEBottleneck": step_of_se_bottleneck,
    "XBlock": step_of_x_block,
    "without_path": step_of_without_path,
    "set_statistics": step_of_set_statistics,
    "shapes": step_of_shapes,
    "largest_difference": step_of_largest_difference,
}


def assert_step(given, name):
    assert name in STEPS, f"step-of {name} has no comparison: add one to STEPS in tests/chapters/test_definitions.py"
    STEPS[name](given)


# ------------------------------------------------------------------ mistakes: the named check rejects them


def assert_rejected(given, name):
    assert hasattr(getattr(exercises, name, None), "hint"), f"resnext_lib.exercises has no check {name}"
    verdict = getattr(exercises, name)(given)
    assert not verdict, f"{name} accepts what the chapter shows as a mistake: {verdict}"
    assert not verdict.message.startswith(("your code raised", "replace the ...")), f"{verdict} does not name the mistake"
    assert "resnext_lib" not in verdict.message, f"{name} rejects what it is made of, and not what it does: {verdict}"


def check_cell(made, index, key, name):
    """Check one declared cell of a notebook."""
    cell = made.cells[index]
    if key == "mirrors":
        return assert_mirror(cell.source, name)
    given = execute_up_to(made, index)[last_definition(cell)]
    return assert_step(given, name) if key == "step-of" else assert_rejected(given, name)


@pytest.mark.parametrize(("path", "index", "name"), declarations("mirrors"))
def test_mirror_is_the_library(path, index, name):
    check_cell(read(path), index, "mirrors", name)


@pytest.mark.parametrize(("path", "index", "name"), declarations("step-of"))
def test_step_behaves_like_the_library(path, index, name):
    check_cell(read(path), index, "step-of", name)


@pytest.mark.parametrize(("path", "index", "name"), declarations("wrong"))
def test_mistake_is_rejected(path, index, name):
    check_cell(read(path), index, "wrong", name)


def test_chapters_declare_something_of_every_kind():
    assert {key for path in CHAPTERS for _, key, _ in declared_cells(read(path))} == {
        "mirrors",
        "step-of",
        "wrong",
        "exercise",
    }


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_mirroring_cell_defines_nothing_else(path):
    for cell in read(path).cells:
        if "mirrors" in cell.metadata:
            assert sorted(definitions(cell.source)) == sorted(n.strip() for n in cell.metadata["mirrors"].split(","))


# ------------------------------------------------------------------ the checks above can fail

IMPORTS = "import torch\nfrom torch import nn\nfrom resnext_lib import networks\nfrom resnext_lib.blocks import Bottleneck, Inception"
PATHS = '''def number_of_paths(state: dict) -> int:
    """Another docstring."""
    if form_of(state) == "C":
        raise ValueError("number_of_paths takes the state dict of a block in form A or B; form C has no paths")
    return 1 + max(int(key.split(".")[1]) for key in state if key.startswith("paths."))'''
STAGE = """def make_stage(in_channels, stage_width, blocks, stride):
    first = Bottleneck(in_channels, stage_width, 4 * stage_width, stride=stride)
    others = [Bottleneck(4 * stage_width, stage_width, 4 * stage_width) for _ in range(blocks - 1)]
    return nn.Sequential(first, *others)"""
CONVOLVE = """def convolve(x, weight, stride, padding):
    return nn.functional.conv2d(x, weight, stride=stride, padding=padding)"""
BASE = """class ResidualBlock(nn.Module):
    def forward(self, x):
        return torch.relu(self.transform(x) + (x if self.downsample is None else self.downsample(x)))"""
NAIVE = """class NaiveInception(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.one, self.three, self.five = nn.Conv2d(channels, 2, 1), nn.Conv2d(channels, 2, 3, padding=1), nn.Conv2d(channels, 2, 5, padding=2)
    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), nn.functional.max_pool2d(x, 3, 1, 1)], 1)"""
CONV_RELU = "def conv_relu(i, o, k):\n    return nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2), nn.ReLU())"
SIDE_BY_SIDE = """def side_by_side(x, weight, groups):
    pieces = zip(x.chunk(groups, dim=1), weight.chunk(groups), strict=True)
    return torch.cat([nn.functional.conv2d(p, w, padding=1) for p, w in pieces], dim=1)"""
DIAGONAL = """def block_diagonal(weight, groups):
    rows, columns = weight.shape[0] // groups, weight.shape[1]
    dense = torch.zeros(weight.shape[0], columns * groups, 3, 3, dtype=weight.dtype)
    for g in range(groups):
        dense[g * rows:(g + 1) * rows, g * columns:(g + 1) * columns] = weight[g * rows:(g + 1) * rows]
    return dense"""
EQUAL = """class EqualBranches(nn.Module):
    def __init__(self, channels, branches, d):
        super().__init__()
        self.paths = nn.ModuleList(nn.Sequential(
            nn.Conv2d(channels, d, 1, bias=False), nn.ReLU(), nn.Conv2d(d, d, 3, padding=1, bias=False), nn.ReLU(),
        ) for _ in range(branches))
    def forward(self, x):
        return torch.cat([path(x) for path in self.paths], dim=1)"""
SUMMED = EQUAL.replace("nn.ReLU(),\n", "nn.ReLU(), nn.Conv2d(d, channels, 1, bias=False)\n").replace(
    "torch.cat([path(x) for path in self.paths], dim=1)", "sum(path(x) for path in self.paths)"
)
BASIC = """class BasicBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + x)"""
COUNT = "def weights(c, d):\n    return c * (256 * d + 9 * d * d + d * 256)"
RE_ESTIMATE = """def re_estimate(network, block, images):
    norm = network.eval().get_submodule(block).bn3
    norm.reset_running_stats()
    norm.momentum = None
    norm.train()
    with torch.no_grad():
        network(images)
    norm.eval()"""
DIFFERENCE = """def largest_difference(network, reference, images):
    network.double().load_state_dict(reference.state_dict())
    differences = []
    for training in (False, True):
        ours, theirs = network.train(training)(images), reference.train(training)(images)
        differences.append((ours - theirs).abs().max().item())
    return max(differences)"""
SHAPES = "def shapes(network):\n    return {name: tuple(value.shape) for name, value in network.state_dict().items()}"
WITHOUT = """import copy
def without_path(network, block, path):
    network = copy.deepcopy(network)
    chosen = network.get_submodule(block)
    width = chosen.width // chosen.cardinality
    if not 0 <= path < chosen.cardinality:
        raise ValueError(f"path must be 0 to {chosen.cardinality - 1} in {block}, not {path}")
    with torch.no_grad():
        chosen.conv3.weight[:, path * width:(path + 1) * width] = 0
    return network"""
SIZE = "def output_size(size, kernel, stride, padding):\n    return (size + padding - kernel) // stride + 1"
INTERVAL = """def interval(values, confidence=0.95):
    from statistics import mean, stdev
    from scipy.stats import t
    if len(values) < 2:
        raise ValueError(f"values must hold two runs or more, not {len(values)}: one run has no spread")
    return mean(values), t.ppf((1 + confidence) / 2, len(values) - 1) * stdev(values) / len(values) ** 0.5"""
RANDOM_MASK = """def random_mask(channels, reads):
    while True:
        mask = sum(torch.eye(channels)[torch.randperm(channels)] for _ in range(reads))
        reached = torch.linalg.matrix_power(mask @ mask.T, channels)
        if mask.max() == 1 and reached.min() > 0:
            return mask.bool()"""
B_TO_A = """def to_form(state, form):
    if form not in tuple(forms.NEXT_FORM):
        raise ValueError(f"form must be 'A', 'B' or 'C', but got {form!r}")
    forms._check_form(state, forms.form_of(state), "to_form")
    if forms.form_of(state) == form:
        return OrderedDict((key, value.clone()) for key, value in state.items())
    while forms.form_of(state) != form:
        state = forms.NEXT_FORM[forms.form_of(state)](state)
    return state"""

WRITTEN_OUT = """class Block(blocks.ResidualBlock):
    def __init__(self, in_channels, ARGUMENTS, stride=1):
        EXTRA
        super().__init__(in_channels, width, out_channels, cardinality, stride)
        self.conv1, self.bn1 = blocks.conv1x1(in_channels, width), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = blocks.conv3x3(width, width, stride, cardinality), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = blocks.conv1x1(width, out_channels), nn.BatchNorm2d(out_channels)
        self.downsample = blocks.projection(in_channels, out_channels, stride)

    def transform(self, x):
        return self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))))"""
X_BLOCK = "from resnext_lib import blocks\n" + WRITTEN_OUT.replace("ARGUMENTS", "out_channels, group_width").replace(
    "EXTRA", "width, cardinality = out_channels, out_channels // group_width"
)
SE_BLOCK = (
    "from resnext_lib import blocks\nfrom resnext_lib.descendants import SqueezeExcitation\n"
    + WRITTEN_OUT.replace("ARGUMENTS", "width, out_channels, cardinality")
    .replace("stride=1", "stride=1, reduction=16")
    .replace("        EXTRA\n", "")
    .replace(
        "        self.downsample",
        "        self.se = SqueezeExcitation(out_channels, out_channels // reduction)\n        self.downsample",
    )
    .replace("return self.bn3(", "return self.se(self.bn3(")
    + ")"
)

# a cell's metadata and source; replacements that the comparison must notice
BREAKABLE = [
    ("mirrors", "number_of_paths", PATHS, [("1 + max", "max"), ("paths.", "path."), ("def number_of_paths", "def paths")]),
    ("mirrors", "to_form", B_TO_A, [("!= form", "== form"), ("return state", "return dict(state)")]),
    (
        "step-of",
        "make_stage",
        STAGE,
        [("stride=stride", "stride=1"), ("blocks - 1", "blocks"), ("stage_width, 4", "2 * stage_width, 4")],
    ),
    ("step-of", "conv2d", CONVOLVE, [("padding=padding", "padding=0"), ("stride=stride", "stride=1")]),
    ("step-of", "ResidualBlock", BASE, [("torch.relu", ""), (" + (x if", " + (0 if"), ("self.downsample(x)", "x")]),
    (
        "step-of",
        "ResidualBlock",
        BASIC,
        [(" + x)", ")"), ("return torch.relu", "return "), ("bias=False), nn.B", "bias=True), nn.B")],
    ),
    (
        "step-of",
        "naive inception",
        NAIVE,
        [("self.one(x), self.three(x)", "self.three(x), self.one(x)"), ("x, 3, 1, 1", "x, 5, 1, 2")],
    ),
    ("step-of", "conv_relu", CONV_RELU, [("nn.ReLU()", "nn.Identity()"), ("k // 2", "0"), ("k // 2", "k // 2, bias=False")]),
    (
        "step-of",
        "grouped conv2d",
        SIDE_BY_SIDE,
        [("x.chunk(groups, dim=1)", "x.chunk(groups, dim=1)[::-1]"), ("padding=1", "padding=0")],
    ),
    (
        "step-of",
        "block diagonal",
        DIAGONAL,
        [("range(groups)", "range(1)"), (", g * columns:(g + 1) * columns", ", g:columns * groups:groups")],
    ),
    (
        "step-of",
        "equal branches",
        EQUAL,
        [
            ("in self.paths]", "in self.paths[::-1]]"),
            ("padding=1, bias=False", "padding=1"),
            ("range(branches)", "range(4)"),
        ],
    ),
    (
        "step-of",
        "summed branches",
        SUMMED,
        [("return sum(", "return 2 * sum("), ("sum(path(x) for path in self.paths)", "self.paths[0](x)")],
    ),
    ("step-of", "bottleneck_weights", COUNT, [("9 *", "3 *"), ("c * (", "(")]),
    (
        "step-of",
        "Bottleneck",
        "class Block(Bottleneck):\n    extra = 0",
        [("extra = 0", "transform = lambda self, x: x * 0")],
    ),
    (
        "step-of",
        "Inception",
        "class Module(Inception):\n    extra = 0",
        [("extra = 0", "forward = lambda self, x: Inception.forward(self, x) * 2")],
    ),
    (
        "step-of",
        "ResNeXt",
        "def Network(cardinality=1, bottleneck_width=64):\n    return networks.ResNeXt((3, 4, 6, 3), cardinality, bottleneck_width)",
        [("3), cardinality, bottleneck_width", "3)"), ("(3, 4, 6, 3)", "(3, 4, 23, 3)")],
    ),
    (
        "step-of",
        "XBlock",
        X_BLOCK,
        [
            ("out_channels // group_width", "group_width"),
            ("width, width, stride", "width, width, 1"),
            ("self.bn3(self", "(self"),
        ],
    ),
    (
        "step-of",
        "SEBottleneck",
        SE_BLOCK,
        [("self.se(self.bn3", "self.bn3(self.se"), ("// reduction", "// 8"), ("return self.se", "return 2 * self.se")],
    ),
    (
        "step-of",
        "without_path",
        WITHOUT,
        [
            ("path * width:(path + 1)", "path * width:(path + 2)"),
            ("copy.deepcopy(network)", "network"),
            ("0 <= path", "-1 <= path"),
            ("= 0", "= 1"),
        ],
    ),
    (
        "step-of",
        "largest_difference",
        DIFFERENCE,
        [
            (".load_state_dict(reference.state_dict())", ""),
            ("dict(reference.state_dict())", "dict(reference.state_dict(), strict=False)"),
            ("(False, True)", "(False,)"),
            ("(False, True)", "(True,)"),
            ("max(diff", "min(diff"),
        ],
    ),
    (
        "step-of",
        "set_statistics",
        RE_ESTIMATE,
        [
            ("norm.momentum = None", "pass"),
            ("    norm.eval()", ""),
            ("network.eval()", "network"),
            (".bn3", ".bn2"),
            ("    norm.train()", ""),
        ],
    ),
    ("step-of", "shapes", SHAPES, [("tuple(value.shape)", "value.ndim"), ("state_dict().items", "named_parameters")]),
    (
        "step-of",
        "interval",
        INTERVAL,
        [("1 + confidence", "confidence"), ("len(values) < 2", "len(values) < 1"), ("** 0.5", "** 0.4")],
    ),
    (
        "step-of",
        "random_connections",
        RANDOM_MASK,
        [
            ("range(reads)", "range(reads + 1)"),
            ("mask.max() == 1", "mask.max() >= 1"),
            ("reached.min() > 0", "reached.min() >= 0"),
            (".bool()", ""),
        ],
    ),
    ("wrong", "output_size", SIZE, [("size + padding", "size + 2 * padding"), ("return", "return 1 / 0 +")]),
]
BROKEN = [(key, name, source.replace(*change)) for key, name, source, changes in BREAKABLE for change in changes]


def small(key, name, source):
    return notebook(code(IMPORTS), code("pass"), code(source, **{key: name}))


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("key", "name", "source"), [b[:3] for b in BREAKABLE], ids=[f"{b[0]}-{b[1]}" for b in BREAKABLE])
def test_right_cell_passes(key, name, source):
    check_cell(small(key, name, source), 2, key, name)


@pytest.mark.sampled(12)
@pytest.mark.parametrize(("key", "name", "source"), BROKEN, ids=[f"{b[0]}-{b[1]}-{i}" for i, b in enumerate(BROKEN)])
def test_changed_cell_is_noticed(key, name, source):
    assert source not in [b[2] for b in BREAKABLE], "the change changed nothing"
    with pytest.raises((AssertionError, RuntimeError)):
        check_cell(small(key, name, source), 2, key, name)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("mirrors", "defines no class or function Nobody"),
        ("step-of", "add one to STEPS"),
        ("wrong", "no check Nobody"),
    ],
)
def test_unknown_name_is_explained(key, words):
    with pytest.raises(AssertionError, match=words):
        check_cell(small(key, "Nobody", "def Nobody():\n    return 0"), 2, key, "Nobody")


def test_what_a_declared_cell_lacks_is_explained():
    made = notebook(code(IMPORTS), code("pass"), code("y = torch.zeros(1)"), code("class A(y):\n    pass", wrong="form_a"))
    with pytest.raises(AssertionError, match="cell 3 needs more than imports.*'y' is not defined"):
        check_cell(made, 3, "wrong", "form_a")
