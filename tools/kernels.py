"""Notebook kernels take nothing from the home of whoever starts them: no settings, no start-up files, no complaint that it
cannot be written.

What a cell shows is then the same for everybody. Matplotlib's messages, for one, would end up in the outputs.
"""

import os
import tempfile
from pathlib import Path

# Set by the outermost program that starts kernels; those that it calls keep its settings.
MARK = "RESNEXT_BOOK_KERNELS"
KEPT = []  # a temporary folder lives as long as its object


def apart_from_home():
    """Point this process and the kernels that it starts to a folder of their own for everything a home would hold."""
    if MARK in os.environ:
        return
    KEPT.append(tempfile.TemporaryDirectory(prefix="kernels-"))
    folder = Path(KEPT[-1].name)
    (folder / "matplotlibrc").write_text("", encoding="utf-8")
    os.environ |= {
        MARK: str(folder),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    # Matplotlib notes in the environment where it can write, and lists the fonts once: here, not in a cell.
    import matplotlib.font_manager  # noqa: F401
