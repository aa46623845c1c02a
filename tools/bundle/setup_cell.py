# The book's library. Where it is missing, as in Colab, this cell installs it from the file that came with this notebook.
import importlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

WHEEL = "{wheel}"
if find_spec("resnext_lib") is None:
    if find_spec("torch") is None:
        raise ImportError(
            "PyTorch is missing here. The file START-HERE says how to install it, and how to open this notebook."
        )
    near = [place for place in (Path(WHEEL), Path("..", WHEEL)) if place.is_file()]
    found = [*near, *Path("/kaggle/input").rglob(WHEEL)]
    if not found:
        raise ImportError(f"resnext_lib is missing. Put {WHEEL} beside this notebook, and run this cell again.")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(found[0].resolve())]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode != 0:
        raise ImportError(f"{WHEEL} could not be installed. START-HERE says how to do it by hand. pip says:\n{done.stderr}")
    importlib.invalidate_caches()
