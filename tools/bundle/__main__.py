"""Pack what a student needs into _classroom/resnext-book-students.zip: ``python -m tools.bundle``.

It holds the library's wheel, the student notebooks, the built site, a check of the installation, and START-HERE, which
says how to install on each system, and what to do without PyPI, Google or GitHub.
``--mirror`` and ``--torch`` put a mirror of PyPI, and of PyTorch's packages for processors, into its lines.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import address, facts, offline, pdf, plain_page, wheel
from tools.classroom import slides, student
from tools.notebooks import chapters_in, normalise, read, text_of
from tools.packing import pack
from tools.setup_cell import from_the_bundle
from tools.writing import check_folder, replace_made

NAME = "resnext-book-students.zip"
FOLDER = "resnext"  # short, for Windows
HERE = Path(__file__).parent
TORCH = "https://download.pytorch.org/whl/cpu"
# The longest path that pip makes below the folder: in JupyterLab, with .venv\Lib\site-packages\ before it.
LONGEST_IN_ENVIRONMENT = 161
LONGEST_ON_WINDOWS = 259
MIRROR = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[\w.~/+-]*)?", re.ASCII)
ELSEWHERE = re.compile(r"\]\(([\w-]+)\.(?:md|ipynb)(#[^)]*)?\)")


def checked_mirror(text, name):
    """``text``, if it can be the address of packages. Raises ``SystemExit``."""
    if text and not MIRROR.fullmatch(text):
        raise SystemExit(f"{name} must be an address such as https://mirror.example.edu/simple, not {text!r}")
    return text


def exercise_chapters():
    return [
        path for path in chapters_in([facts.ROOT / "chapters"]) if any("exercise" in c.metadata for c in read(path).cells)
    ]


def with_links_to_the_site(source, here):
    """Markdown whose links to pages that are not among the notebooks ``here`` lead to the site beside them."""

    def link(found):
        name, anchor = found[1], found[2] or ""
        return found[0] if name in here else f"](../site/chapters/{name}.html{anchor})"

    return ELSEWHERE.sub(link, source)


def notebook_of(path, library, here):
    """A chapter's student edition, as it is in the bundle."""
    made = student(read(path))
    made.cells[1].source = from_the_bundle(library)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = with_links_to_the_site(cell.source, here)
    return made


def check_notebook():
    """The notebook that says whether the others can run."""
    program = (HERE / "check.py").read_text(encoding="utf-8").rstrip("\n")
    hidden = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    words = (
        "# Is everything installed?\n\nRun the cell below: click into it, then Shift+Enter.\n"
        "It says READY, or NOT READY and what to do."
    )
    cells = [new_markdown_cell(words, id="words"), new_code_cell(program, id="check", metadata=hidden)]
    made = normalise(new_notebook(cells=cells))
    made.cells[1].execution_count = None
    nbformat.validate(made)
    return made


def published():
    """Where the notebooks are published, as a paragraph of START-HERE; nothing while they are not."""
    url, _, branch = facts.address().partition("@")
    if not url:
        return ""
    if not address.colab_of(url):
        return f"\nThe notebooks are also at {url}, branch `{branch}`, folder `student`.\n"
    folder = f"{address.COLAB}/{url.removeprefix('https://')}/blob/{branch}/student".replace("/github.com/", "/github/")
    first = exercise_chapters()[0].name
    return f"\nOr open them where they are published, without a file: {folder}/{first}, and the others beside it.\n"


def page(library, longest, mirror="", torch=""):
    """START-HERE as Markdown."""
    return (
        (HERE / "START-HERE.md")
        .read_text(encoding="utf-8")
        .format(
            wheel=library,
            longest=longest,
            room=LONGEST_ON_WINDOWS - longest - 1,
            pypi=f" --index-url {mirror}" if mirror else "",
            torch=torch or TORCH,
            published=published(),
            mirror=f"Yours is {mirror}; it stands in the lines above." if mirror else "Ask your teacher for one near you.",
        )
    )


def texts(library):
    """{path in the bundle: text} of notebooks and check."""
    chapters = exercise_chapters()
    here = {path.stem for path in chapters}
    made = {f"notebooks/{path.name}": text_of(notebook_of(path, library, here)) for path in chapters}
    made["notebooks/00_check.ipynb"] = text_of(check_notebook())
    made["check.py"] = (HERE / "check.py").read_text(encoding="utf-8")
    return made


def contents(site, book, library, mirror="", torch=""):
    """[(path in the zip, bytes or file)] of everything, in a fixed order; ``library`` is the wheel's path."""
    made = {f"site/{name}": path for name, path in offline.files(site, book)}
    made |= {name: text.encode("utf-8") for name, text in texts(library.name).items()}
    made[library.name] = library
    longest = max(LONGEST_IN_ENVIRONMENT, *map(len, made))
    start = page(library.name, longest, mirror, torch)
    made["START-HERE.md"] = start.encode("utf-8")
    made["START-HERE.html"] = plain_page.page("Start here", slides.to_html(start)).encode("utf-8")
    return [(f"{FOLDER}/{name}", content) for name, content in sorted(made.items())]


def write(site, book, folder, mirror="", torch=""):
    """Pack the bundle into ``folder``. The same book gives the same bytes.

    Raises ``SystemExit`` without a built ``site``, and for a file of that name that was not made here.
    """
    offline.refuse_unless_built(site)
    check_folder(folder)
    with tempfile.TemporaryDirectory() as place:
        packed = Path(place, NAME)
        made = Path(place, "library")
        made.mkdir()
        pack(contents(site, book, wheel.build_in(made), mirror, torch), packed)
        replace_made(folder, {NAME: packed.read_bytes()})
    return Path(folder, NAME)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirror", default="", help="the address of a mirror of PyPI")
    parser.add_argument("--torch", default="", help=f"the address of a mirror of {TORCH}")
    parser.add_argument("--folder", type=Path, default=facts.ROOT / "_classroom", help="where to write the zip")
    options = parser.parse_args(arguments)
    mirror, torch = checked_mirror(options.mirror, "MIRROR"), checked_mirror(options.torch, "TORCH")
    made = write(pdf.SITE, pdf.OUTPUT, options.folder, mirror, torch)
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB. Students begin with START-HERE in it.")


if __name__ == "__main__":
    sys.exit(main())
