"""Says in a sentence whether the book's notebooks can run here and, if not, what is wrong and what to do about it.

Written so that Python 3.6 reads it as well, for an old Python may be what is wrong.
"""

import importlib
import os
import sys
from pathlib import Path

PACKAGES = ["torch", "torchvision", "numpy", "matplotlib", "pandas", "scipy", "skimage", "tqdm", "resnext_lib"]
AGAIN = "Delete the folder .venv and begin START-HERE again"
ONLINE = {"COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}  # variables by which Colab and Kaggle are known


def python_problem():
    """What is wrong with the Python that runs this, or None."""
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if tuple(sys.version_info[:2]) < (3, 11):
        return f"This is Python {found}, and the book needs 3.11 or newer. Install one, and begin START-HERE again"
    if sys.maxsize < 2**32:
        return "This is a 32-bit Python, for which there is no PyTorch. Install the 64-bit one, and begin START-HERE again"
    return None


def missing(name):
    """What to do about a package that this Python does not have."""
    if name == "resnext_lib" and ONLINE & set(os.environ):
        return "resnext_lib is missing. Go on: the first cell of each chapter installs it, with the .whl file beside it"
    line = "second" if name in ("torch", "torchvision") else "third"
    return (
        f"{name} is missing in the Python that runs this, {sys.executable}. Type the {line} line of START-HERE; "
        "if that was done, this is another Python: open the notebooks by the last line there"
    )


def import_problem(name):
    """Why ``name`` cannot be imported, or None."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        return missing((error.name or name).split(".")[0])
    except OSError as error:
        what_helps = "Install Microsoft's Visual C++ Redistributable for x64, and restart" if os.name == "nt" else AGAIN
        return f"{name} is there, but this system cannot load it ({first_line(error)}). {what_helps}"
    except Exception as error:  # whatever a damaged package raises
        return f"{name} is there, but cannot be imported ({first_line(error)}). {AGAIN}"
    return None


def first_line(error):
    return (str(error).strip() or type(error).__name__).split("\n")[0]


def fit_problem():
    """Whether the packages fit one another, seen by using them, or None."""
    import torch
    import torchvision

    try:
        torch.ones(1).numpy()
    except RuntimeError:
        return 'numpy is too new for this PyTorch. Type the third line of START-HERE with "numpy<2" at its end'
    try:
        torchvision.ops.nms(torch.ones(1, 4), torch.ones(1), 0.5)
    except (RuntimeError, AttributeError) as error:
        return f"torchvision does not fit torch ({first_line(error)}). {AGAIN}"
    return None


def version_beside(folder):
    """The version of the library that came with the notebooks, "" where its file is not found."""
    for place in (Path(folder), Path(folder, "..")):
        for wheel in sorted(place.glob("resnext_book-*.whl")):
            return wheel.name.split("-")[1]
    return ""


def library_problem(folder):
    """Whether the book's library is whole, and is that of these notebooks, or None."""
    import torch

    import resnext_lib
    from resnext_lib.blocks import Bottleneck
    from resnext_lib.data import fashion_subset

    came = version_beside(folder)
    if came and came != resnext_lib.__version__:
        return (
            f"resnext_lib is version {resnext_lib.__version__} here, and these notebooks came with {came}. "
            "Type the third line of START-HERE again"
        )
    try:
        fashion_subset("test")
        Bottleneck(256, 128, 256, cardinality=32).eval()(torch.zeros(1, 256, 7, 7))
    except Exception as error:  # whatever a damaged library raises
        return f"resnext_lib is there, but does not work ({first_line(error)}). {AGAIN}"
    return None


def folder_problem(folder):
    """Whether notebooks can be saved, or None. Windows shows a zip as if it were a folder, which it is not."""
    if not os.access(str(folder), os.W_OK):
        return (
            f"Nothing can be saved in {Path(folder).resolve()}. "
            "Unpack the zip into a folder of your own, and open the notebook there"
        )
    return None


def problem(folder="."):
    """The first thing that is wrong here, without its full stop, or None."""
    found = python_problem()
    for name in PACKAGES:
        found = found or import_problem(name)
    return found or fit_problem() or library_problem(folder) or folder_problem(folder)


def verdict(folder="."):
    """What to show."""
    found = problem(folder)
    if found:
        return f"NOT READY. {found}."
    import torch

    import resnext_lib

    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"READY: Python {python}, PyTorch {torch.__version__}, resnext_lib {resnext_lib.__version__}. Open chapter 1."


if __name__ == "__main__":
    print(verdict())
