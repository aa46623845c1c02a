"""The site as one zip for classes without internet: ``python -m tools.offline``.

Unpacked, the book opens from the disk, search included. The PDF goes along if it was made.
"""

import argparse
import sys
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tools import pdf
from tools.facts import ROOT
from tools.writing import beside

OUTPUT = ROOT / "_build" / "resnext-book.zip"
FOLDER = "resnext-book"
# Only Sphinx needs them, or only a web server.
LEFT_OUT = {".buildinfo", "objects.inv", "404.html"}


def files(site, book):
    """(path in the zip, file) of everything that goes in, in a fixed order."""
    kept = [path for path in sorted(site.rglob("*")) if path.is_file() and path.name not in LEFT_OUT]
    found = [(f"{FOLDER}/{path.relative_to(site).as_posix()}", path) for path in kept]
    return found + ([(f"{FOLDER}/{book.name}", book)] if book.exists() else [])


def write(site, book, output):
    """Pack the built ``site`` and the PDF ``book``. The same site gives the same bytes.

    ``output`` is replaced when the new zip is whole. Raises ``SystemExit`` without a site, or where it cannot be written.
    """
    if not (site / "index.html").is_file():
        raise SystemExit(f"{site} holds no built site: make book")
    with beside(output) as new, ZipFile(new, "w") as archive:
        for name, path in files(site, book):
            archive.writestr(ZipInfo(name), path.read_bytes(), ZIP_DEFLATED)


def main(arguments=None):
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    write(pdf.SITE, pdf.OUTPUT, OUTPUT)
    print(f"{OUTPUT.relative_to(ROOT)}: {OUTPUT.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
