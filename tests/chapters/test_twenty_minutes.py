"""ResNeXt in twenty minutes: one file that runs anywhere, and whose block and network are the library's.

The notebook keeps the contract but for the setup cell (tests/chapters/test_contract.py), and nbval compares its outputs.
"""

import ast
import contextlib
import io
import re
from types import SimpleNamespace

import pytest
import timm
import torch
import torchvision
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebooks_for_tests import code, notebook
from PIL import Image

from resnext_lib import blocks, complexity, forms, networks
from resnext_lib.published import published
from tools import facts, reading
from tools.no_network import quiet_profile
from tools.notebooks import normalise, read, text_of

PATH = facts.ROOT / "chapters" / f"{facts.STANDS_ALONE}.ipynb"
# IPython is there wherever a notebook is, and PIL, for the reader's own picture, wherever torchvision is.
IMPORTS = {"torch", "torchvision", "matplotlib", "IPython", "PIL"}
STANDARD = {"html", "io", "urllib"}
SIDES = (320, 299, 299)  # the pictures that the networks of the paper's Table 5 are tested with
OF_THIS_BOOK = ("resnext_lib", "tools", "tests", "studies", "benchmarks")


def sources():
    return [cell.source for cell in reading.code_cells(read(PATH))]


# ------------------------------------------------------------------ it stands alone

BLOCKER = f"""
import sys

class NotThere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {OF_THIS_BOOK!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotThere())
"""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Run a notebook in an empty folder, in a Python that finds nothing of this book and no network."""
    profile = quiet_profile(tmp_path / "ipython")
    (tmp_path / "blocker.py").write_text(BLOCKER, encoding="utf-8")
    start = f"__import__('runpy').run_path({str(tmp_path / 'blocker.py')!r})\n"
    (tmp_path / "ipython/profile_default/startup/01_blocker.py").write_text(start, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("IPYTHONDIR", profile)
    monkeypatch.setenv("PYTHONPATH", "")

    def run(made):
        NotebookClient(
            made,
            timeout=300,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(tmp_path / "empty")}},
        ).execute()
        assert not list((tmp_path / "empty").iterdir()), "it leaves files"
        return normalise(made)

    return run


@pytest.mark.slow
def test_it_runs_as_a_single_file_without_the_library_and_gives_the_same_outputs(elsewhere):
    assert text_of(elsewhere(read(PATH))) == PATH.read_text(encoding="utf-8")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("line", [*(f"import {name}" for name in OF_THIS_BOOK), "from resnext_lib.blocks import Bottleneck"])
def test_a_notebook_that_imports_from_the_book_does_not_run_there(elsewhere, line):
    with pytest.raises(CellExecutionError, match="No module named"):
        elsewhere(notebook(code(line)))


def imported(cells):
    """The top-level packages that cells import, and what they would install or open as files."""
    nodes = [node for source in cells for node in ast.walk(ast.parse(source))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def test_it_imports_only_torch_torchvision_and_matplotlib():
    assert imported(sources()) == IMPORTS | STANDARD
    assert imported(["import numpy as np", "from pandas.io import x"]) == {"numpy", "pandas"}
    assert not [source for source in sources() if re.search(r"^\s*[!%]|\bsubprocess\b|\bpip\b", source, re.MULTILINE)]


# ------------------------------------------------------------------ its block and its network are the library's


def is_definition(node):
    """An import, a class, a function, or an assignment of literals."""
    if not isinstance(node, ast.Assign):
        return isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef))
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return True


def definitions_of(cells):
    """What the cells define, without running the rest."""
    namespace = {"__name__": "page"}
    for source in cells:
        tree = ast.parse(source)
        tree.body = [node for node in tree.body if is_definition(node)]
        exec(compile(tree, "a cell", "exec"), namespace)  # noqa: S102 -- the page's own code
    return SimpleNamespace(**namespace)


@pytest.fixture(scope="module")
def page():
    return definitions_of(sources())


def shake(module):
    """Weights, batch norms and statistics that no fresh module has, the same every time."""
    generator = torch.Generator().manual_seed(1)
    state = module.state_dict()
    for key, value in state.items():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator, dtype=value.dtype) + (0.5 if "var" in key else -0.25))
    return module


def same(theirs, ours, x):
    """Same keys in the same order; with the same weights the same outputs, in training and in use."""
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(shake(theirs).state_dict())
    for training in (True, False):
        right, found = theirs.train(training)(x), ours.train(training)(x)
        torch.testing.assert_close(found, right, rtol=1e-9, atol=1e-9)
    assert right.std() > 1e-3, "an output without content proves nothing"


SIZES = [(12, 8, 20, 4, 1), (16, 8, 16, 2, 1), (16, 8, 16, 8, 2), (6, 5, 9, 1, 2), (256, 128, 256, 32, 1)]


def check_block(page):
    for size in SIZES:
        x = torch.randn(2, size[0], 7, 9, dtype=torch.float64)
        same(blocks.Bottleneck(*size).double(), page.Bottleneck(*size).double(), x)


PATHS = [(1, 64), (2, 40), (4, 24), (8, 14), (32, 4), (32, 8), (64, 4), (1, 128), (3, 7)]


def check_counts(page):
    for groups, width in PATHS:
        with torch.device("meta"):
            ours = page.ResNeXt(groups=groups, width_per_group=width)
            theirs = networks.ResNeXt((3, 4, 6, 3), cardinality=groups, bottleneck_width=width)
        shapes = [{key: value.shape for key, value in net.state_dict().items()} for net in (ours, theirs)]
        assert list(shapes[0].items()) == list(shapes[1].items()), (groups, width)
        assert page.parameters(ours) == complexity.count_parameters(theirs)


def check_network(page):
    options = {"image_channels": 2, "num_classes": 7}
    for groups, width in ((8, 2), (1, 8)):
        theirs = networks.ResNeXt((3, 4, 6, 3), groups, width, **options)
        same(
            theirs.double(), page.ResNeXt(groups, width, **options).double(), torch.randn(2, 2, 48, 80, dtype=torch.float64)
        )


def check_start(page):
    """The same seed gives the same first weights."""
    starts = []
    for build in (page.ResNeXt, lambda *paths: networks.ResNeXt((3, 4, 6, 3), *paths)):
        torch.manual_seed(2)
        starts.append(build(4, 8).state_dict())
    assert all(torch.equal(value, starts[1][key]) for key, value in starts[0].items())


def check_inception(page):
    theirs = shake(blocks.Inception(192, **networks.GOOGLENET_MODULES["3a"]))
    ours, x = page.Inception(), torch.randn(1, 192, 9, 9)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    torch.testing.assert_close(ours(x), theirs(x))
    assert page.weights(ours) == 163_328


def check_forms(page):
    """The page's conversion and the library's agree, and so do all forms, in training and in use."""
    ours, form_c = shake(page.FormA(8, 3)).double(), page.Bottleneck(256, 24, 256, groups=8).double()
    page.copy_weights(ours, form_c)
    theirs = forms.FormA(256, 24, 256, 8).double()
    theirs.load_state_dict(forms.to_form(form_c.state_dict(), "A"))
    x = torch.randn(2, 256, 5, 6, dtype=torch.float64)
    for training in (False, True):  # form B shares layers with A and C, so training moves their statistics twice
        right = theirs.train(training)(x)
        for found in (ours.train(training)(x), form_c.train(training)(x), page.form_b(ours, form_c, x)):
            torch.testing.assert_close(found, right, rtol=1e-9, atol=1e-9)


CHECKS = {
    check.__name__: check for check in (check_block, check_counts, check_network, check_start, check_inception, check_forms)
}


@pytest.mark.parametrize("check", CHECKS)
def test_what_the_page_defines_is_what_the_library_has(page, check):
    CHECKS[check](page)


# (the check that must fail, what stands on the page, what stands there instead)
MISTAKES = [
    ("check_block", "padding=1, groups=groups, bias=False", "padding=1, bias=False"),
    ("check_block", "padding=1, groups=groups, bias=False", "padding=1, groups=groups"),
    ("check_block", "self.conv3(x)) + shortcut)", "self.conv3(x)))"),
    ("check_block", "torch.relu(self.bn3(self.conv3(x)) + shortcut)", "torch.relu(self.bn3(self.conv3(x))) + shortcut"),
    ("check_block", "x = torch.relu(self.bn2(self.conv2(x)))", "x = self.bn2(self.conv2(x))"),
    ("check_block", "in_channels, out_channels, 1, stride, bias", "in_channels, out_channels, 1, bias"),
    ("check_counts", "d = width_per_group * stage_width // 64", "d = width_per_group"),
    ("check_counts", "4 * stage_width", "2 * stage_width"),
    ("check_counts", "width, out_channels = groups * d,", "width, out_channels = stage_width,"),
    ("check_counts", "paths = (groups, width_per_group)", "paths = (width_per_group, groups)"),
    ("check_counts", "make_stage(512, 256, 6, 2", "make_stage(512, 256, 5, 2"),
    ("check_network", "make_stage(512, 256, 6, 2", "make_stage(512, 256, 6, 1"),
    ("check_network", "        x = self.maxpool(x)", "        # x = self.maxpool(x)"),
    ("check_network", "nn.Conv2d(image_channels, 64", "nn.Conv2d(3, 64"),
    ("check_network", "nn.Linear(2048, num_classes)", "nn.Linear(2048, 1000)"),
    ("check_start", 'mode="fan_out"', 'mode="fan_in"'),
    ("check_inception", "conv(16, 32, 5)", "conv(16, 32, 3)"),
    ("check_forms", "(6, c.conv3, 1)", "(6, c.conv3, 0)"),
    ("check_forms", ", (4, c.bn2, 0)", ""),
    ("check_forms", "path[:6](x)", "path[:5](x)"),
    ("check_forms", "c.bn3.load_state_dict(a.norm.state_dict())", "pass"),
]


@pytest.mark.sampled(7)
@pytest.mark.parametrize(("check", "right", "wrong"), MISTAKES, ids=[f"{m[0]}-{i}" for i, m in enumerate(MISTAKES)])
def test_a_mistake_on_the_page_is_noticed(check, right, wrong):
    cells = sources()
    assert sum(source.count(right) for source in cells) == 1, right
    with pytest.raises((AssertionError, RuntimeError, ValueError)):
        CHECKS[check](definitions_of([source.replace(right, wrong) for source in cells]))


# ------------------------------------------------------------------ the cell that would download


def guarded_cell():
    (source,) = [source for source in sources() if "DOWNLOAD" in source]
    return source


def test_the_download_is_not_run_by_itself():
    (cell,) = [cell for cell in reading.code_cells(read(PATH)) if "DOWNLOAD" in cell.source]
    assert cell.source.startswith("DOWNLOAD = False\n") and cell.outputs == []


def test_the_download_cell_works_once_it_is_switched_on(page, monkeypatch, tmp_path):
    """With a server's answer put in its place, and a grey picture, as a reader's may be."""
    asked = []

    def answer(url, *arguments, **options):
        asked.append((url, options))
        return torchvision.models.resnext50_32x4d().state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", answer)
    Image.linear_gradient("L").save(tmp_path / "grey.jpg")
    source = (
        guarded_cell().replace("DOWNLOAD = False", "DOWNLOAD = True").replace("my_picture.jpg", str(tmp_path / "grey.jpg"))
    )
    weights = torchvision.models.ResNeXt50_32X4D_Weights.IMAGENET1K_V2
    network = page.ResNeXt(groups=32, width_per_group=4).double()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(source, {**vars(page), "network": network, "published": weights})  # noqa: S102 -- the page's own code
    assert asked == [(weights.url, {"check_hash": True})]
    assert re.fullmatch(r".+ \d+%\n", printed.getvalue())


def test_published_weights_fit_the_network_for_other_pictures_but_for_the_entries_that_the_page_names(page):
    (named,) = [cell.source for cell in reading.markdown_cells(read(PATH)) if "strict=False" in cell.source]
    names = set(re.findall(r"`(\w+\.(?:weight|bias))`", named))
    given = shake(torchvision.models.resnext50_32x4d()).state_dict()
    network = page.ResNeXt(groups=32, width_per_group=4, image_channels=1, num_classes=10)
    missing = network.load_state_dict({key: value for key, value in given.items() if key not in names}, strict=False)
    assert set(missing.missing_keys) == names and missing.unexpected_keys == []


# ------------------------------------------------------------------ its numbers


def derived_numbers():
    """Numbers of the prose that no output shows, each from what it is made of."""
    first, last = published("table3.50-layers.1x64d")["value"], published("table3.50-layers.32x4d")["value"]
    modules = networks.GOOGLENET_MODULES
    size = torchvision.models.ResNeXt50_32X4D_Weights.IMAGENET1K_V2.meta["_file_size"]
    return {
        str(len(modules) * len(modules["3a"])),
        str(3 * 32),
        f"{first - last:.1f}",
        f"{size:.0f}",
        f"{first}",
        f"{last}",
        f"{published('table5.resnext101-64x4d.320.top1')['value']}",
        f"{published('table5.inception-v4.299.top1')['value']}",
    }


def numbers_of_two_digits(text):
    found = re.findall(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])", text)
    return {number.rstrip(",").replace(",", "") for number in found if len(re.sub(r"\D", "", number)) >= 2}


def orphans(made):
    """Numbers of two digits and more in the prose that neither an output shows nor the numbers above are."""
    shown = numbers_of_two_digits("\n".join(reading.outputs_text(cell) for cell in reading.code_cells(made)))
    found = numbers_of_two_digits(re.sub(r"ResNeX?t-\d+|chapter \d+", "a name", reading.prose_of(made)))
    return {number for number in found - shown - derived_numbers() if not re.fullmatch("20[12][0-9]", number)}


def test_every_number_in_the_prose_is_shown_or_published():
    assert orphans(read(PATH)) == set()


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("22.2 %", "22.3 %", "22.3"),
        ("54 widths", "57 widths", "57"),
        ("96 small", "94 small", "94"),
        ("1.7 points", "1.8 points", "1.8"),
        ("20.0 %", "20.1 %", "20.1"),
    ],
)
def test_an_altered_number_in_the_prose_is_noticed(right, wrong, named):
    made = read(PATH)
    assert sum(right in cell.source for cell in reading.markdown_cells(made)) == 1
    for cell in reading.markdown_cells(made):
        cell.source = cell.source.replace(right, wrong)
    assert orphans(made) == {named}


def test_no_visible_line_of_evidence_ends_in_true_or_false():
    lines = [line for cell in reading.code_cells(read(PATH)) for line in reading.outputs_text(cell).splitlines()]
    assert len(lines) > 20 and not [line for line in lines if re.search(r"\b(True|False)\W*$", line)]


def test_figures_are_numbered_and_say_their_claim():
    pages = [
        output["data"]["text/html"] for cell in reading.code_cells(read(PATH)) for output in cell.outputs if "data" in output
    ]
    figures = [page for page in pages if "<figure" in page]
    for number, figure in enumerate(figures, start=1):
        assert f'<figure id="fig-{number}">' in figure and f"<strong>Figure {number}.</strong>" in figure
        assert len(re.search(r"</strong> (.+?)</figcaption>", figure)[1].split()) > 12
    assert len(figures) == 4


def test_inception_v4_has_half_the_weights_and_does_two_fifths_of_the_operations():
    """This page compares it with ResNeXt-101 (64x4d), and the landing page compares the operations the other way round."""
    with torch.device("meta"):
        ours = networks.ResNeXt((3, 4, 23, 3), cardinality=64, bottleneck_width=4)
        theirs = [timm.create_model(name) for name in ("inception_v4", "inception_resnet_v2")]
        work, *tailored = (
            complexity.count_macs(network, (3, side, side)) for network, side in zip((ours, *theirs), SIDES, strict=True)
        )
    weights = [complexity.count_parameters(network) for network in (ours, theirs[0])]
    assert weights[1] / weights[0] == pytest.approx(1 / 2, rel=0.05) and tailored[0] / work == pytest.approx(2 / 5, rel=0.05)
    assert [work / other for other in tailored] == pytest.approx([2.5, 2.5], rel=0.05)
    assert "half as many weights, does two fifths of the operations at its test size" in reading.prose_of(read(PATH))
    assert "while doing about two and a half times as many operations" in (facts.ROOT / "intro.md").read_text(
        encoding="utf-8"
    )
