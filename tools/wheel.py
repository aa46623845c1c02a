"""Build the library's wheel, and check that it carries the library's data: ``python -m tools.wheel [--folder FOLDER]``.

Colab makes the same wheel from the published repository; students without Colab get it from ``make classroom``.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import resnext_lib
from tools.facts import ROOT
from tools.writing import check_folder, replace_made

NAME = f"resnext_book-{resnext_lib.__version__}-py3-none-any.whl"
NEEDED = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text")


def build_in(folder):
    """Build the wheel inside ``folder``, an empty one, and return its path. Raises ``SystemExit`` with pip's words."""
    try:
        for name in NEEDED:
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "resnext_lib", Path(folder, "resnext_lib"), ignore=shutil.ignore_patterns("__pycache__"))
    except (OSError, shutil.Error) as error:
        raise SystemExit(f"the library cannot be packed without all of its files: {error}") from error
    made = Path(folder, "made")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--disable-pip-version-check",
        "--wheel-dir",
        str(made),
        str(folder),
    ]
    done = subprocess.run(command, env=os.environ | {"SOURCE_DATE_EPOCH": "1577836800"}, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"pip could not build the library's wheel. It says:\n{(done.stderr or done.stdout).strip()}")
    (wheel,) = made.glob("*.whl")
    return wheel


def build(folder):
    """Write the wheel into ``folder`` and return its path. Needs no network; the same library gives the same bytes.

    ``folder`` is made if need be. Raises ``SystemExit`` where it cannot be, and for a file there that is not ours.
    """
    check_folder(folder)
    with tempfile.TemporaryDirectory() as copy:  # a build leaves files behind, and takes up those of an earlier one
        wheel = build_in(copy)
        replace_made(folder, {wheel.name: wheel.read_bytes()})
        return Path(folder, wheel.name)


def missing_from(wheel):
    """Files of resnext_lib (code, numbers, evidence, images, weights, scripts) that the wheel lacks."""
    library = ROOT / "resnext_lib"
    endings = ("py", "toml", "csv", "npz", "pt", "md", "js", "css")
    wanted = [path for ending in endings for path in library.rglob(f"*.{ending}")]
    inside = set(zipfile.ZipFile(wheel).namelist())
    return [name for name in (path.relative_to(ROOT).as_posix() for path in wanted) if name not in inside]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to keep the wheel")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(options.folder or folder)
        missing = missing_from(wheel)
        print(f"{wheel.name}: " + (f"lacks {missing}" if missing else "complete"))
        return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
