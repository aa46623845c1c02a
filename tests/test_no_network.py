"""The notebooks need no network, and what needs one says in words what to do without it."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebooks_for_tests import CHAPTERS, code, notebook

from tools import contract

ASKING = [
    "import urllib.request\nurllib.request.urlopen('https://example.org/', timeout=1)",
    "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=1)",
    "import socket\nsocket.create_connection(('2001:db8::1', 80), timeout=1)",
    "import socket\nsocket.getaddrinfo('example.org', 80)",
    "from torchvision.datasets.utils import download_url\ndownload_url('https://example.org/a', '.')",
]


def run(*cells, folder, **options):
    made = notebook(*map(code, cells))
    NotebookClient(made, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}, **options).execute()
    return [output.text for cell in made.cells for output in cell.outputs if output.output_type == "stream"]


# ------------------------------------------------------------------ the kernels of the tests have none

@pytest.mark.parametrize("asking", ASKING)
def test_a_kernel_that_a_test_starts_has_no_network(tmp_path, asking):
    with pytest.raises(CellExecutionError, match="no network here"):
        run(asking, folder=tmp_path)


def test_it_still_talks_to_its_own_machine_and_has_no_stray_names(tmp_path):
    served = """import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(("localhost", server.getsockname()[1])).close()
print("connected")"""
    names = "print(sorted(name for name in dir() if name[0] != '_' and name not in ('In', 'Out', 'exit', 'quit', 'get_ipython', 'open')))"
    assert run(names, served, folder=tmp_path) == ["[]\n", "connected\n"]


def test_nbval_runs_the_chapters_in_such_kernels(tmp_path):
    """As pytest runs a chapter: with the root's conftest.py, which sets the variable."""
    for name, cell in (("asks", ASKING[0]), ("does_not", "print(1)")):
        made = notebook(code(cell))
        nbformat.write(made, tmp_path / f"{name}.ipynb")
    environment = {key: value for key, value in os.environ.items() if key != "IPYTHONDIR"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env", "-q", "-o", "addopts=",
               "-c", str(contract.ROOT / "pyproject.toml"), "--rootdir", str(contract.ROOT), "--confcutdir", str(contract.ROOT),
               str(contract.ROOT / "conftest.py"), str(tmp_path)]
    done = subprocess.run(command, cwd=contract.ROOT, env=environment, capture_output=True, text=True)
    assert "1 failed, 1 passed" in done.stdout and "no network here" in done.stdout, done.stdout + done.stderr


# ------------------------------------------------------------------ what needs one says so

OFFLINE = "import tools.no_network as n; n.refuse_other_machines(); "
NEEDS = [
    ("from resnext_lib.weights import pretrained; pretrained('resnext50_32x4d', 'IMAGENET1K_V1')",
     ["OSError: the weights of resnext50_32x4d could not be fetched", "Go online once, or put the file from https://", "hub/checkpoints"]),
    ("from resnext_lib.data import cifar10; cifar10('train', '.', download=True)",
     ["ConnectionError: CIFAR10 could not be downloaded", "fashion_subset()"]),
    ("from resnext_lib.data import fashion_mnist; fashion_mnist('train', '.', download=True)",
     ["ConnectionError: FashionMNIST could not be downloaded", "fashion_subset()"]),
]


@pytest.mark.parametrize(("asking", "says"), NEEDS)
def test_what_needs_a_network_says_what_to_do_without_one(tmp_path, asking, says):
    environment = {**os.environ, "PYTHONPATH": str(contract.ROOT), "TORCH_HOME": str(tmp_path / "torch")}
    done = subprocess.run([sys.executable, "-c", OFFLINE + asking], cwd=tmp_path, env=environment, capture_output=True, text=True)
    last = done.stderr.strip().split("\n")[-1]
    assert done.returncode == 1 and all(words in last for words in [*says, "no network here"]), done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_chapter_with_published_weights_says_that_they_are_a_download():
    chapter, = [path for path in CHAPTERS if path.stem.endswith("resnext50")]
    cells = nbformat.read(chapter, as_version=4).cells
    at, = [i for i, cell in enumerate(cells) if cell.source.startswith("DOWNLOAD = False\n")]
    before = " ".join(cell.source for cell in cells[at - 2:at] if cell.cell_type == "markdown")
    assert "This page never goes online by itself" in before and "set DOWNLOAD = True" in cells[at].source
    assert "nothing was downloaded" in "".join(output.text for output in cells[at].outputs)
    assert Path(chapter).read_text(encoding="utf-8").count("DOWNLOAD = True\\n") == 0
