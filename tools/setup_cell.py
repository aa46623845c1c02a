"""The setup cell, the same in every chapter: ``make address`` writes it, the contract demands it.

What students get without an address installs the library from the wheel of their bundle.
"""

from tools.facts import ROOT

SETUP = """# Colab gets the book's library here; where it is installed, this cell does nothing.
import importlib
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec

BOOK = "{address}"
if find_spec("resnext_lib") is None:
    if not BOOK:
        raise ImportError(
            "resnext_lib is missing, and this notebook has no address to get it from. "
            "Open it with `make lab` in the book's folder, or set the address there "
            "(`make address`, see CONTRIBUTING.md) and open the published copy."
        )
    kept = ("torch", "torchvision", "numpy", "pandas", "scipy")
    present = [name for name in kept if find_spec(name)]
    wanted = [f"resnext-book @ git+{{BOOK}}", *(f"{{n}}=={{version(n)}}" for n in present)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *wanted]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode != 0:
        raise ImportError(
            f"resnext_lib could not be installed from {{BOOK}}. "
            "Go online, check that this is the book's address, and run the cell again. "
            f"pip says:\\n{{done.stderr}}"
        )
    importlib.invalidate_caches()"""


def setup_source(address):
    """The setup cell's source for a book that is published at ``address``; "" where it is not."""
    return SETUP.format(address=address)


def from_the_bundle(wheel):
    """A setup cell that installs the library from its file, ``wheel``, where it is missing."""
    cell = (ROOT / "tools/bundle/setup_cell.py").read_text(encoding="utf-8")
    return cell.replace("{wheel}", wheel, 1).rstrip("\n")
