"""Build the wheel that Colab would install, and check that it carries the library's data: ``python -m tools.wheel``."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.contract import ROOT


def missing_from(wheel):
    """Files of resnext_lib (code, numbers, evidence, images, weights, scripts) that the wheel lacks."""
    library = ROOT / "resnext_lib"
    endings = ("py", "toml", "csv", "npz", "pt", "md", "js", "css")
    wanted = [path for ending in endings for path in library.rglob(f"*.{ending}")]
    inside = set(zipfile.ZipFile(wheel).namelist())
    return [name for name in (path.relative_to(ROOT).as_posix() for path in wanted) if name not in inside]


def main():
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT)]
        subprocess.run(command, check=True)
        wheel = next(Path(folder).glob("*.whl"))
        missing = missing_from(wheel)
        print(f"{wheel.name}: " + (f"lacks {missing}" if missing else "complete"))
        return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
