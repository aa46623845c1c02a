"""Every command that writes: mistakes are answered in words before anything is touched, and nothing is left half done."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import browser, facts, fashion_subset, handout, notebooks, offline, pdf, wheel, writing

FASHION = "/usr/share/datasets/fashion-mnist"
WHEEL = "resnext_book-0.1.0-py3-none-any.whl"


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(main, arguments, *says):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert isinstance(error.value.code, str), "without words, or with exit status 0"
    for words in says:
        assert words in error.value.code, error.value.code


# ------------------------------------------------------------------ arguments

WITHOUT_ARGUMENTS = [offline, pdf]


@pytest.mark.parametrize("module", WITHOUT_ARGUMENTS, ids=lambda module: module.__name__)
@pytest.mark.parametrize(("typed", "status"), [("--help", 0), ("--folder", 2), ("somewhere", 2)])
def test_P1_a_command_that_takes_no_arguments_says_so_and_does_nothing(module, typed, status, monkeypatch):
    """They wrote whatever was typed: --help printed a PDF."""
    done = []
    for name in ("write", "replace", "launched"):
        monkeypatch.setattr(module, name, lambda *arguments: done.append(arguments), raising=False)
    with pytest.raises(SystemExit) as error:
        module.main([typed])
    assert error.value.code == status and not done


# ------------------------------------------------------------------ paths


@pytest.fixture
def place(tmp_path):
    """A file where a folder should be, an empty folder, a text, and a notebook that is none."""
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("# Notes\n", encoding="utf-8")
    (tmp_path / "broken.ipynb").write_text("{", encoding="utf-8")
    return tmp_path


MISTAKES = [
    (notebooks.main, ["nowhere"], "there is no notebook and no folder"),
    (notebooks.main, ["empty"], "there is no notebook in the folder"),
    (notebooks.main, ["notes.md"], "is no notebook: name files that end in .ipynb"),
    (notebooks.main, ["broken.ipynb"], "is no notebook that can be read"),
    (notebooks.main, ["broken.ipynb", "--check-stable"], "is no notebook that can be read"),
    (wheel.main, ["--folder", "file"], "is not a folder, so nothing can be written"),
    (wheel.main, ["--folder", "file/inside"], "is not a folder, so nothing can be written"),
    (handout.main, ["--folder", "file"], "is not a folder, so nothing can be written"),
    (fashion_subset.main, ["nowhere"], "FOLDER must be the folder with Fashion-MNIST's four original files"),
    (fashion_subset.main, ["file"], "FOLDER must be the folder with Fashion-MNIST's four original files"),
    (fashion_subset.main, ["empty"], "train-images-idx3-ubyte"),
]


@pytest.mark.parametrize(
    ("main", "arguments", "says"), MISTAKES, ids=[f"{m.__module__} {' '.join(a)}" for m, a, _ in MISTAKES]
)
def test_P1_a_wrong_path_is_named_and_nothing_is_written(place, main, arguments, says, monkeypatch):
    monkeypatch.chdir(place)
    before = contents(place)
    refused(main, arguments, says)
    assert contents(place) == before


@pytest.mark.parametrize("main", [wheel.main, handout.main], ids=["wheel", "handout"])
def test_P1_a_folder_that_may_not_be_written_to_is_named_before_the_work(place, main, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # who runs this may be root, whom nothing stops
    monkeypatch.setattr(wheel, "build_in", lambda folder: pytest.fail("built for nothing"))
    monkeypatch.setattr(handout, "html", lambda answers: pytest.fail("drawn for nothing"))
    refused(main, ["--folder", str(place / "empty")], "may not be written to")


def test_P1_one_wrong_path_among_right_ones_is_seen_before_anything_runs(place, monkeypatch):
    monkeypatch.setattr(notebooks, "renew", lambda *arguments, **options: pytest.fail("executed"))
    refused(notebooks.main, [str(facts.ROOT / "chapters"), str(place / "broken.ipynb")], "is no notebook that can be read")


# ------------------------------------------------------------------ the wheel


@pytest.fixture
def instant_wheel(monkeypatch):
    """In place of pip: a zip with the library's files."""

    def build_in(folder):
        path = Path(folder, WHEEL)
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted((facts.ROOT / "resnext_lib").rglob("*.*")):
                archive.write(file, file.relative_to(facts.ROOT).as_posix())
        return path

    monkeypatch.setattr(wheel, "build_in", build_in)


def test_P1_a_folder_that_is_not_there_is_made(tmp_path, instant_wheel):
    """The wheel became a file of that name."""
    assert wheel.main(["--folder", str(tmp_path / "new" / "dist")]) == 0
    assert (tmp_path / "new" / "dist" / WHEEL).is_file()


def test_P1_a_file_of_the_wheels_name_that_is_none_of_ours_is_kept(tmp_path, instant_wheel):
    (tmp_path / WHEEL).write_bytes(b"mine")
    refused(wheel.main, ["--folder", str(tmp_path)], WHEEL, "would be lost")
    assert contents(tmp_path) == {WHEEL: b"mine"}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda root: (root / "pyproject.toml").write_text("[", encoding="utf-8"),
            "pip could not build the library's wheel. It says:",
        ),
        (lambda root: (root / "LICENSE").unlink(), "LICENSE"),
    ],
)
def test_P1_a_wheel_that_cannot_be_built_is_explained_and_the_old_one_stays(tmp_path, monkeypatch, spoil, says):
    root = tmp_path / "book"
    (root / "resnext_lib").mkdir(parents=True)
    for name in wheel.NEEDED:
        (root / name).write_bytes((facts.ROOT / name).read_bytes())
    spoil(root)
    monkeypatch.setattr(wheel, "ROOT", root)
    writing.replace_made(tmp_path / "dist", {WHEEL: "an old one"})
    before = contents(tmp_path)
    refused(wheel.main, ["--folder", str(tmp_path / "dist")], says)
    assert contents(tmp_path) == before


# ------------------------------------------------------------------ the handout


@pytest.fixture
def instant_handout(monkeypatch):
    made = {"html": "<p>One</p>", "pdf": b"%PDF one"}
    monkeypatch.setattr(handout, "html", lambda answers: made["html"])
    monkeypatch.setattr(handout, "printed", lambda text: made["pdf"])
    monkeypatch.setattr(handout.browser, "find", lambda: "chromium")
    return made


@pytest.mark.parametrize("name", ["handout.html", "handout.pdf"])
def test_P1_a_handout_of_a_teachers_own_is_kept(tmp_path, instant_handout, name):
    (tmp_path / name).write_bytes(b"mine")
    refused(handout.main, ["--folder", str(tmp_path)], name, "would be lost")
    assert contents(tmp_path) == {name: b"mine"}


def test_P1_the_commands_own_handout_is_replaced_until_somebody_edits_it(tmp_path, instant_handout):
    handout.main(["--folder", str(tmp_path)])
    instant_handout |= {"html": "<p>Two</p>", "pdf": b"%PDF two"}
    handout.main(["--folder", str(tmp_path)])
    assert (tmp_path / "handout.html").read_bytes() == b"<p>Two</p>" and (
        tmp_path / "handout.pdf"
    ).read_bytes() == b"%PDF two"
    (tmp_path / "handout.html").write_bytes(b"<p>Two, and what my class needs</p>")
    instant_handout["pdf"] = b"%PDF three"
    refused(handout.main, ["--folder", str(tmp_path)], "handout.html", "changed since")
    assert (tmp_path / "handout.pdf").read_bytes() == b"%PDF two"


# ------------------------------------------------------------------ the images


def idx(array_bytes, *sizes):
    return bytes([0, 0, 8, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes) + array_bytes


def originals(folder, images):
    """Fashion-MNIST's four files with so few images that none of a thousand can be drawn."""
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(bytes(images * 784), images, 28, 28))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(bytes(n % 10 for n in range(images)), images))
    return folder


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: None, "hold only 4 images of some class, and 1000 of each are drawn"),
        (lambda folder: (folder / "t10k-labels-idx1-ubyte").unlink(), "t10k-labels-idx1-ubyte"),
        (lambda folder: (folder / "t10k-images-idx3-ubyte").write_bytes(b"\0"), "t10k-images-idx3-ubyte is damaged"),
    ],
)
def test_P1_other_files_than_the_originals_are_refused_and_the_images_stay(tmp_path, spoil, says):
    folder, target = originals(tmp_path, 40), tmp_path / "images"
    target.mkdir()
    (target / "fashion_train.npz").write_bytes(b"old")
    spoil(folder)
    with pytest.raises(SystemExit, match=says):
        fashion_subset.write(folder, target)
    assert contents(target) == {"fashion_train.npz": b"old"}


def test_P1_both_files_of_images_change_or_none(tmp_path, monkeypatch):
    """The first had been replaced when drawing the second failed."""
    folder, target = originals(tmp_path, 40), tmp_path / "images"
    target.mkdir()
    (target / "fashion_train.npz").write_bytes(b"old")
    monkeypatch.setattr(fashion_subset, "PER_CLASS", {"train": 4, "test": 5})
    with pytest.raises(SystemExit, match="the test files .* hold only 4 images"):
        fashion_subset.write(folder, target)
    assert contents(target) == {"fashion_train.npz": b"old"}
    monkeypatch.setattr(fashion_subset, "PER_CLASS", {"train": 4, "test": 4})
    assert set(fashion_subset.write(folder, target)) == {"train", "test"}
    assert set(contents(target)) == {"fashion_train.npz", "fashion_test.npz"}


# ------------------------------------------------------------------ as programs


def slow(*values):
    """Of the commands, each a process that loads torch, `make test` runs three; all end in one and the same function."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["tools.notebooks", "nowhere"], "there is no notebook and no folder nowhere"),
        slow(["tools.fashion_subset"], "required: FOLDER"),
        slow(["tools.fashion_subset", "nowhere"], "FOLDER must be the folder"),
        slow(["tools.wheel", "--folder", "Makefile"], "Makefile is not a folder"),
        slow(["tools.handout", "--folder", "Makefile"], "Makefile is not a folder"),
        (["tools.classroom", "--folder", "Makefile"], "Makefile is not a folder"),
        slow(["tools.address", "https://github.com/a/b", "HEAD"], "the branch must look like"),
        (["tools.publish", "--push"], "expected one argument"),
    ],
)
def test_P1_a_mistake_ends_in_words_and_with_a_status_that_tells(command, says):
    done = subprocess.run([sys.executable, "-m", *command], cwd=facts.ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and says in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_P1_a_browser_that_fails_is_reported_in_words(tmp_path):
    """In a process of its own: Playwright cannot be started twice."""
    program = tmp_path / browser.NAMES[0]
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    code = "from tools import pdf\nwith pdf.launched():\n    pass"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=facts.ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 1 and "could not print the PDF, and an earlier one is as it was" in done.stderr
    assert "Traceback" not in done.stderr
