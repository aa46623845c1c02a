"""A student's zip holds what it promises, unpacks on every system, and leads from nothing to solved exercises."""

import ast
import re
import subprocess
import sys
import zipfile
from importlib.metadata import files
from pathlib import Path, PurePosixPath

import pytest
import torch
import torchvision
from notebooks_for_tests import CHAPTERS
from site_tools import screen_reader_problems, tab

import resnext_lib.data
from tools import colab, facts
from tools.bundle import __main__ as bundle
from tools.bundle import check
from tools.facts import ROOT
from tools.notebooks import read

LIBRARY = "resnext_book-9.9-py3-none-any.whl"
LINE = re.compile(r"^(?:py|python3|\.venv|unzip).*$", re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site that was built, as far as the bundle can tell: a page for each chapter and for the pages they link to."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("index", *(f"chapters/{path.stem}" for path in (ROOT / "chapters").iterdir())):
        (folder / f"{name}.html").parent.mkdir(exist_ok=True)
        (folder / f"{name}.html").write_text("<html lang='en'><title>A page</title>A page</html>", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def packed(site, tmp_path_factory):
    """The real bundle, but for the site."""
    return bundle.write(site, site / "no.pdf", tmp_path_factory.mktemp("classroom"))


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder / bundle.FOLDER


def start(mirror="", torch=""):
    return bundle.page(LIBRARY, bundle.LONGEST_IN_ENVIRONMENT, mirror, torch)


def lines_of(system, text):
    """The lines to type on a system."""
    section = re.search(rf"^### {system}\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)[1]
    return LINE.findall(re.search(r"```\n(.*?)```", section, re.DOTALL)[1])


# ------------------------------------------------------------------ what is in it


def test_the_bundle_holds_library_notebooks_site_and_page(unpacked, site):
    (library,) = unpacked.glob("*.whl")
    assert {path.name for path in (unpacked / "notebooks").iterdir()} == {
        "00_check.ipynb",
        *(path.name for path in CHAPTERS),
    }
    assert (unpacked / "site" / "index.html").read_bytes() == (site / "index.html").read_bytes()
    start_here = (unpacked / "START-HERE.md").read_text(encoding="utf-8")
    assert library.name in start_here and "{" not in start_here.replace("${", "")
    assert (unpacked / "check.py").read_bytes() == (ROOT / "tools/bundle/check.py").read_bytes()


def test_no_notebook_of_the_bundle_holds_a_solution(unpacked):
    for path in CHAPTERS:
        cells = read(unpacked / "notebooks" / path.name).cells
        for index, cell in enumerate(read(path).cells):
            if "exercise" in cell.metadata:
                assert "your code" in cells[index].source and cell.source not in cells[index].source


def test_every_link_of_a_notebook_leads_to_a_file_of_the_bundle(unpacked):
    """The pages of the appendix are no notebooks to work in; they are in the site."""
    led_to_the_site = 0
    for path in sorted((unpacked / "notebooks").iterdir()):
        for cell in read(path).cells:
            links = re.findall(r"\]\(([\w./-]+\.(?:md|ipynb|html))", cell.source) if cell.cell_type == "markdown" else []
            assert all((path.parent / link).is_file() for link in links), (path.name, links)
            led_to_the_site += sum("../site/" in link for link in links)
    assert led_to_the_site >= 5


@pytest.mark.slow
def test_the_same_book_gives_the_same_bytes(packed, site, tmp_path):
    assert bundle.write(site, site / "no.pdf", tmp_path).read_bytes() == packed.read_bytes()


def test_without_a_site_there_is_no_bundle(tmp_path):
    with pytest.raises(SystemExit, match="no built site: make book"):
        bundle.write(tmp_path / "nowhere", tmp_path / "no.pdf", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_P2_a_zip_that_somebody_else_put_there_is_not_replaced(site, tmp_path, monkeypatch):
    monkeypatch.setattr(
        bundle.wheel, "build_in", lambda place: Path(place, LIBRARY).write_bytes(b"x") and Path(place, LIBRARY)
    )
    (tmp_path / bundle.NAME).write_bytes(b"mine")
    with pytest.raises(SystemExit, match="would be lost"):
        bundle.write(site, site / "no.pdf", tmp_path)
    assert (tmp_path / bundle.NAME).read_bytes() == b"mine"


# ------------------------------------------------------------------ on every system

FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]')
DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}


def windows_refuses(names):
    """The names that Windows cannot make: characters, devices, ends, and those that differ in case alone."""
    seen, found = {}, []
    for name in names:
        parts = PurePosixPath(name).parts
        odd = any(
            FORBIDDEN.search(part) or part.endswith((".", " ")) or part.split(".")[0].lower() in DEVICES for part in parts
        )
        if odd or seen.setdefault(name.lower(), name) != name or not name.isascii():
            found.append(name)
    return found


def test_fault_19_windows_can_unpack_the_bundle(packed):
    with zipfile.ZipFile(packed) as archive:
        assert not windows_refuses(archive.namelist())
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}, "on a server others read it as well"
        assert max(map(len, archive.namelist())) < 97


@pytest.mark.parametrize("name", ["a:b", "a/nul.txt", "a./b", "a /b", "ü", "a\\b", "what?"])
def test_fault_19_a_name_that_windows_refuses_is_found(name):
    assert windows_refuses([name, "x", "X"]) == [name, "X"]


def test_fault_19_the_page_says_how_long_the_paths_become():
    """Measured in this environment: the packages that the third line brings."""
    packages = colab.with_requirements(["resnext-book", "jupyterlab", "torch", "torchvision"])
    inside = max(len(str(file)) for one in packages for file in files(one.metadata["Name"]) or [] if ".." not in file.parts)
    longest = len(".venv\\Lib\\site-packages\\") + inside
    assert 97 < longest <= bundle.LONGEST_IN_ENVIRONMENT < longest + 10
    assert f"has {bundle.LONGEST_IN_ENVIRONMENT} characters" in start() and "own path may have 97" in start()


@pytest.mark.parametrize("system", ["Windows", "macOS", "Linux"])
def test_three_lines_install_and_no_line_brings_cuda(system):
    environment, torch_first, library = lines_of(system, start())
    assert "-m venv .venv" in environment and LIBRARY in library and library.endswith("jupyterlab")
    assert "install torch torchvision" in torch_first
    assert torch_first.endswith(f"--index-url {bundle.TORCH}") == (system == "Linux")
    assert ("Scripts\\" in torch_first + library) == (system == "Windows")


def test_a_mirror_stands_in_every_line_that_asks_pypi():
    mirror, torch = "https://mirror.example.edu/simple", "https://mirror.example.edu/torch/cpu"
    made = start(mirror, torch)
    for system in ("Windows", "macOS", "Linux"):
        _, torch_first, library = lines_of(system, made)
        assert library.endswith(f"jupyterlab --index-url {mirror}")
        assert torch_first.endswith(f"--index-url {torch if system == 'Linux' else mirror}")
    assert f"Yours is {mirror}" in made and bundle.TORCH not in made


@pytest.mark.parametrize("typed", ["mirror", "ftp://a/b", "https://a b", "https://a/b; rm x", "https://a/`x`", "https://"])
def test_what_is_no_address_of_a_mirror_is_refused(typed):
    with pytest.raises(SystemExit, match=f"MIRROR must be an address such as https://.*not {re.escape(repr(typed))}"):
        bundle.main(["--mirror", typed])


def test_where_the_notebooks_are_published_is_on_the_page(monkeypatch):
    assert "published, without a file" not in start()
    monkeypatch.setattr(facts, "address", lambda: "https://github.com/you/fork@colab")
    first = CHAPTERS[0].name
    assert f"https://colab.research.google.com/github/you/fork/blob/colab/student/{first}," in start()
    monkeypatch.setattr(facts, "address", lambda: "https://gitee.com/you/fork@colab")
    assert "at https://gitee.com/you/fork, branch `colab`, folder `student`" in start()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_is_read_on_every_screen(browser, unpacked, width):
    with tab(browser, "light", width) as page:
        page.goto((unpacked / "START-HERE.html").as_uri())
        assert not screen_reader_problems(page) + page.complaints
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.lang") == "en"


# ------------------------------------------------------------------ the check of the installation


def raising(error):
    """A function that raises ``error``, whatever it is called with."""

    def call(*arguments):
        raise error

    return call


PACKAGES = (check, "PACKAGES")
LOADING = (check.importlib, "import_module")
# What is wrong: (object, its attribute, what is there instead), and what the sentence says.
WRONG = {
    "an old Python": (check.sys, "version_info", (3, 9, 1), "This is Python 3.9, and the book needs 3.11"),
    "a 32-bit Python": (check.sys, "maxsize", 2**31 - 1, "64-bit"),
    "no PyTorch": (*LOADING, raising(ModuleNotFoundError(name="torch")), "torch is missing in the Python that runs this, "),
    "a package of a package": (*LOADING, raising(ModuleNotFoundError(name="PIL.Image")), "PIL is missing in the Python"),
    "no library": (*PACKAGES, ["resnext_lib_of_nowhere"], "Type the third line of START-HERE; if that was done, this is"),
    "a torch that does not load": (
        *LOADING,
        raising(OSError("126")),
        "torch is there, but this system cannot load it (126)",
    ),
    "a damaged package": (*LOADING, raising(ImportError("no symbol\nmore")), "cannot be imported (no symbol). Delete the"),
    "a numpy that is too new": (torch.Tensor, "numpy", raising(RuntimeError("none")), 'with "numpy<2" at its end'),
    "another torchvision": (
        torchvision.ops,
        "nms",
        raising(RuntimeError("no operator")),
        "does not fit torch (no operator)",
    ),
    "another version of the library": (resnext_lib, "__version__", "0.1", "resnext_lib is version 0.1 here, and these"),
    "a library without its pictures": (
        resnext_lib.data,
        "fashion_subset",
        raising(FileNotFoundError("fashion_test.npz is missing")),
        "resnext_lib is there, but does not work (fashion_test.npz is missing)",
    ),
    "a folder that cannot be written": (check.os, "access", lambda *a: False, "Unpack the zip into a folder of your own"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_the_check_says_in_a_sentence_what_is_wrong(unpacked, fault, monkeypatch):
    where, attribute, instead, says = WRONG[fault]
    with monkeypatch.context() as changed:
        changed.setattr(where, attribute, instead)
        answer = check.verdict(unpacked)
    assert answer.startswith("NOT READY. ") and says in answer and "\n" not in answer


def test_the_check_is_content_where_everything_is_there(unpacked):
    assert check.verdict(unpacked / "notebooks").startswith("READY: Python 3")


def test_in_colab_the_check_points_to_the_first_cell(monkeypatch):
    assert check.missing("resnext_lib").startswith("resnext_lib is missing in the Python")
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    assert "the first cell of each chapter installs it" in check.missing("resnext_lib")


def test_an_old_python_can_read_the_check():
    """Otherwise it would answer with a SyntaxError."""
    ast.parse((ROOT / "tools/bundle/check.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_the_check_notebook_holds_the_check(unpacked):
    words, cell = read(unpacked / "notebooks" / "00_check.ipynb").cells
    assert cell.source == (ROOT / "tools/bundle/check.py").read_text(encoding="utf-8").rstrip("\n")
    assert cell.metadata.jupyter.source_hidden and cell.outputs == [] and "READY" in words.source


# ------------------------------------------------------------------ as a student would


SETUP = "import importlib.util, sys\nimportlib.util.find_spec = lambda name: {present}.get(name)\n"


@pytest.mark.parametrize(
    ("present", "says"),
    [
        ({}, "ImportError: PyTorch is missing here. The file START-HERE says how to install it"),
        ({"torch": 1}, f"ImportError: resnext_lib is missing. Put {LIBRARY} beside this notebook"),
    ],
)
def test_a_chapter_s_first_cell_says_what_is_missing_and_installs_no_pytorch(present, says, tmp_path):
    """pip would take the packages for graphics cards."""
    code = SETUP.format(present=present) + bundle.from_the_bundle(LIBRARY)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.strip().split("\n")[-1].startswith(says)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """What the second line brings: PyTorch, and what a notebook needs. The library is not among it."""
    shared = tmp_path_factory.mktemp("machine")
    colab.make_shared_parts(shared)
    return shared


def answers():
    """Three exercises of chapter 5, and what a student types."""
    return {
        cell.metadata["exercise"]: cell.source
        for cell in read(CHAPTERS[4]).cells
        if cell.metadata.get("exercise") in ("budget_width", "path_reach", "stage_widths")
    }


def verdicts(notebook):
    after = zip(notebook.cells, notebook.cells[1:], strict=False)
    return {c.metadata["exercise"]: check.outputs[0].data["text/plain"] for c, check in after if "exercise" in c.metadata}


def run(environment, path, most=None):
    """Run a notebook where it lies, with the answers typed into it; ``most`` cells of it."""
    notebook = read(path)
    notebook.cells = notebook.cells[:most]
    for cell in notebook.cells:
        cell.source = answers().get(cell.metadata.get("exercise"), cell.source)
    environment.execute(notebook, path.parent)
    return notebook


@pytest.mark.slow
def test_a_student_comes_from_the_bundle_to_three_solved_exercises(machine, unpacked):
    environment, notebooks = colab.Colab(machine, "student"), unpacked / "notebooks"
    checked = run(environment, notebooks / "00_check.ipynb").cells[1].outputs[0].text
    assert checked.startswith("NOT READY. resnext_lib is missing in the Python")
    (library,) = unpacked.glob("*.whl")
    pip = [str(environment.python), "-m", "pip", "install", "--no-deps", "--no-index", str(library)]
    subprocess.run(pip, check=True, capture_output=True)
    assert run(environment, notebooks / "00_check.ipynb").cells[1].outputs[0].text.startswith("READY: ")
    found = verdicts(run(environment, notebooks / CHAPTERS[4].name))
    assert len(answers()) == 3 and all(found[name].startswith("correct:") for name in answers()), found
    assert all(text.startswith("not yet:") for name, text in found.items() if name not in answers())


@pytest.mark.slow
def test_in_colab_a_notebook_and_the_library_s_file_are_enough(machine, unpacked, tmp_path):
    """Both are uploaded into one folder, and no network is asked."""
    (library,) = unpacked.glob("*.whl")
    for path in (library, unpacked / "notebooks" / CHAPTERS[4].name):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    environment = colab.Colab(machine, "colab")
    assert not environment.finds("resnext_lib")
    run(environment, tmp_path / CHAPTERS[4].name, most=3)
    assert environment.finds("resnext_lib")
