"""The facts of this book that its tools share: its folder, its address, what was published, which page stands alone."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
# "ResNeXt in twenty minutes" runs anywhere as a single file: it never imports the library, so it never installs it, and
# draws its figures itself.
STANDS_ALONE = "twenty_minutes"


def stands_alone(path):
    """Is the notebook at ``path`` the one that needs no setup cell?"""
    return path.stem == STANDS_ALONE


def address():
    """Where the book is published, as https://github.com/OWNER/NAME@BRANCH, or "" until tools.address sets it."""
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    return f"{repository['url']}@{repository['branch']}" if repository["url"] else ""


def published_numbers():
    """Every number in published.toml, values inside lists and tables included."""
    found = set()

    def collect(value):
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(inner)
        if isinstance(value, (int, float)):
            found.add(f"{value}")

    collect(tomllib.loads((ROOT / "resnext_lib" / "published.toml").read_text(encoding="utf-8")))
    return found
