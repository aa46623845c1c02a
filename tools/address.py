"""Set the book's public address everywhere: ``python -m tools.address https://github.com/you/fork``.

The address stands in pyproject.toml, the README, the landing page, the site's configuration and every chapter's setup cell.
"""

import sys
from pathlib import Path

from tools.contract import ROOT, address


def places():
    """Every file that names the address."""
    files = [ROOT / name for name in ("pyproject.toml", "README.md", "_config.yml", "intro.md")]
    return [path for path in files + sorted((ROOT / "chapters").glob("*.ipynb")) if path.exists()]


def main(new):
    if not new.startswith("https://") or new.endswith("/"):
        raise SystemExit(f"the address must look like https://github.com/you/fork, without a slash at the end, not {new!r}")
    old = address()
    for path in map(Path, places()):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
