"""The notebooks need no network, and what needs one says in words what to do without it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from notebooks_for_tests import CHAPTERS, code, notebook

from resnext_lib.data import cifar10, fashion_mnist
from resnext_lib.weights import pretrained
from tools import facts, no_network

ASKING = [
    "import urllib.request\nurllib.request.urlopen('https://example.org/', timeout=1)",
    "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=1)",
    "import socket\nsocket.create_connection(('2001:db8::1', 80), timeout=1)",
    "import socket\nsocket.socket().connect(('192.0.2.1', 80))",
    "import socket\nsocket.getaddrinfo('example.org', 80)",
]
BY_TORCHVISION = "from torchvision.datasets.utils import download_url\ndownload_url('https://example.org/a', '.')"
SERVED = """import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(("localhost", server.getsockname()[1])).close()
print("connected")"""
NAMES = (
    "print([name for name in dir() if name[0] != '_' and name not in ('In', 'Out', 'exit', 'quit', 'get_ipython', 'open')])"
)


# ------------------------------------------------------------------ the kernels of the tests have none


def outputs_of(cells, folder):
    """What a kernel that a test starts gives for every cell."""
    made = notebook(*map(code, cells))
    NotebookClient(
        made, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [cell.outputs[-1] for cell in made.cells]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return outputs_of([NAMES, SERVED, *ASKING], tmp_path_factory.mktemp("asking"))


def test_a_kernel_that_a_test_starts_has_no_network(outputs):
    for asking, output in zip(ASKING, outputs[2:], strict=True):
        assert output.output_type == "error" and "no network here" in output.evalue, asking


@pytest.mark.slow
def test_nor_has_torchvision_in_such_a_kernel(tmp_path):
    (output,) = outputs_of([BY_TORCHVISION], tmp_path)
    assert output.output_type == "error" and "no network here" in output.evalue


def test_it_still_talks_to_its_own_machine_and_has_no_stray_names(outputs):
    assert [output.text for output in outputs[:2]] == ["[]\n", "connected\n"]


@pytest.mark.slow
def test_nbval_runs_the_chapters_in_such_kernels(tmp_path):
    """As pytest runs a chapter: with the root's conftest.py, which sets the variable."""
    for name, cell in (("asks", ASKING[0]), ("does_not", "print(1)")):
        made = notebook(code(cell))
        nbformat.write(made, tmp_path / f"{name}.ipynb")
    environment = {key: value for key, value in os.environ.items() if key != "IPYTHONDIR"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--nbval-lax",
        "--nbval-current-env",
        "-q",
        "-o",
        "addopts=",
        "-c",
        str(facts.ROOT / "pyproject.toml"),
        "--rootdir",
        str(facts.ROOT),
        "--confcutdir",
        str(facts.ROOT),
        str(facts.ROOT / "conftest.py"),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=facts.ROOT, env=environment, capture_output=True, text=True)
    assert "1 failed, 1 passed" in done.stdout and "no network here" in done.stdout, done.stdout + done.stderr


# ------------------------------------------------------------------ what needs one says so

NEEDS = [
    (
        lambda folder: pretrained("resnext50_32x4d", "IMAGENET1K_V1"),
        OSError,
        [
            "the weights of resnext50_32x4d could not be fetched",
            "Go online once, or put the file from https://",
            "hub/checkpoints",
        ],
    ),
    (
        lambda folder: cifar10("train", folder, download=True),
        ConnectionError,
        [
            "CIFAR10 could not be downloaded",
            "With files on disk use folder=...",
            "fashion_subset(), which is in the package",
        ],
    ),
    (
        lambda folder: fashion_mnist("train", folder, download=True),
        ConnectionError,
        [
            "FashionMNIST could not be downloaded",
            "With files on disk use folder=...",
            "fashion_subset(), which is in the package",
        ],
    ),
]


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """This process without a network and with an empty cache of weights."""
    monkeypatch.setattr(socket.socket, "connect", socket.socket.connect)  # so that the test's end brings them back
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    no_network.refuse_other_machines()


@pytest.mark.parametrize(("asking", "error", "says"), NEEDS)
def test_what_needs_a_network_says_what_to_do_without_one(offline, tmp_path, asking, error, says):
    with pytest.raises(error) as raised:
        asking(tmp_path)
    said = str(raised.value)
    assert all(words in said for words in [*says, "no network here"]) and "\n" not in said, said
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_chapter_with_published_weights_says_that_they_are_a_download():
    (chapter,) = [path for path in CHAPTERS if path.stem.endswith("resnext50")]
    cells = nbformat.read(chapter, as_version=4).cells
    (at,) = [i for i, cell in enumerate(cells) if cell.source.startswith("DOWNLOAD = False")]
    before = " ".join(cell.source for cell in cells[at - 2 : at] if cell.cell_type == "markdown")
    assert "this page never goes online by itself" in before
    assert cells[at].source.startswith("DOWNLOAD = False  # True fetches 96 MB, once\n\nif DOWNLOAD:\n    ")
    assert cells[at].outputs == [], "nothing was downloaded"
    assert Path(chapter).read_text(encoding="utf-8").count("DOWNLOAD = True\\n") == 0
