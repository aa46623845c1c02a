"""The site as one zip for classes without internet: ``python -m tools.offline``.

Unpacked, the book opens from the disk, search included. The PDF goes along if it was made.
"""

import argparse
import sys

from tools import pdf
from tools.facts import ROOT
from tools.packing import pack
from tools.writing import beside

OUTPUT = ROOT / "_build" / "resnext-book.zip"
FOLDER = "resnext-book"
# Only Sphinx needs them, or only a web server.
LEFT_OUT = {".buildinfo", "objects.inv", "404.html"}


def files(site, book):
    """(path, file) of the built ``site`` and of the PDF ``book``, if it was made, in a fixed order."""
    kept = [path for path in sorted(site.rglob("*")) if path.is_file() and path.name not in LEFT_OUT]
    found = [(path.relative_to(site).as_posix(), path) for path in kept]
    return found + ([(book.name, book)] if book.exists() else [])


def refuse_unless_built(site):
    if not (site / "index.html").is_file():
        raise SystemExit(f"{site} holds no built site: make book")


def write(site, book, output):
    """Pack the built ``site`` and the PDF ``book``. The same site gives the same bytes.

    ``output`` is replaced when the new zip is whole. Raises ``SystemExit`` without a site, or where it cannot be written.
    """
    refuse_unless_built(site)
    with beside(output) as new:
        pack([(f"{FOLDER}/{name}", path) for name, path in files(site, book)], new)


def main(arguments=None):
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    write(pdf.SITE, pdf.OUTPUT, OUTPUT)
    print(f"{OUTPUT.relative_to(ROOT)}: {OUTPUT.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
