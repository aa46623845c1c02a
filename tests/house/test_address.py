"""The public address: one command sets it everywhere, and refuses what is none; without it the setup cell says so."""

import os
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
import yaml
from jupyter_book.config import get_final_config
from nbformat.v4 import new_code_cell, new_markdown_cell
from notebooks_for_tests import WITH_SETUP
from packaging.requirements import Requirement
from pip._internal.vcs.git import Git
from sphinx_book_theme.header_buttons import update_context_with_repository_info

from tools import address, contract, facts
from tools.notebooks import read, text_of
from tools.setup_cell import setup_source

GENERATED = {
    ".venv",
    ".venv-older",
    ".git",
    "_build",
    "build",
    "__pycache__",
    ".ruff_cache",
    ".pytest_cache",
    ".ipynb_checkpoints",
}
FORK = "https://github.com/someone/a-fork"
GOOD = [
    (FORK, "main"),
    ("https://github.com/a/b", "v1.0"),
    ("https://github.com/A-1-b/res.next_2", "feature/x-1"),
    ("https://github.com/someone/gitbook", "0.1.x"),
    (FORK, "HEADS/HEAD"),
    (FORK, "x.locked/lock"),
    (FORK, "x./y"),
]
# Colab opens none of these; git and pip do.
ELSEWHERE = [
    "https://gitlab.com/someone/a-fork",
    "https://gitlab.com/group/part/a-fork",
    "https://gitee.com/someone/a_fork",
    "https://codeberg.org/someone/a-fork",
    "https://bitbucket.org/someone/a-fork",
    "https://git.example.org/a-fork",
    "https://git.example.org/group/part/a-fork.git",
    "https://git.sr.ht/~someone/a-fork",
    "https://gitea:3000/someone/a-fork",
    "https://git.xn--bcher-kva.example/a-fork",
    "https://github.example.org/someone/a-fork",
]
BAD_URLS = [
    "",
    "not-an-address",
    "someone/a-fork",
    "github.com/someone/a-fork",
    "http://github.com/someone/a-fork",
    f"{FORK}/",
    f"{FORK}//",
    f"{FORK}.git",
    "git@github.com:someone/a-fork",
    "ssh://git@github.com/someone/a-fork",
    "https://github.com/a-fork",
    "https://github.com//a-fork",
    "https://github.com/someone/",
    "https://github.com/some one/a-fork",
    f" {FORK}",
    f"{FORK} ",
    f"{FORK}\n",
    f"{FORK}/tree/main",
    f"{FORK}@main",
    f"{FORK}#readme",
    f"{FORK}?x=1",
    "https://github.com/-someone/a-fork",
    "https://github.com/some--one/a-fork",
    "https://github.com/someone/..",
    "https://github.com/someone/.git",
    "https://github.com/some_one/a-fork",
    'https://github.com/someone/a"fork',
    "https://gitlab.com/a-fork",
    "http://gitlab.com/someone/a-fork",
    "https://gitlab.com/someone/a-fork.git",
    "https://gitlab.com/someone/a-fork/-/tree/main",
    "https://gitee.com/someone/a-fork/tree/master",
    "https://gitee.com/someone/a-fork.git",
    "https://git.example.org",
    "https://git.example.org/",
    "https://someone:secret@git.example.org/a-fork",
    "https://someone@gitlab.com/someone/a-fork",
    "https://git.example.org/a/../b",
    "https://git.example.org/a//b",
    "https://git.example.org/a b",
    "https://git.example.org/$(touch pwned)",
    "https://git.example.org/a;b",
    "https://GitHub.com/someone/a-fork",
    "https://www.github.com/someone/a-fork",
    "https://someone.github.io/a-fork",
    "https://-x.org/a",
    "https://git..example.org/a",
    "file:///home/someone/a-fork",
    "ext::sh -c id",
    "-x",
    "https://git.example.org:port/a",
    "HTTPS://git.example.org/a",
    "https://github.com/someone/ä",
    "https://example.org/https://github.com/someone/a-fork",
]
BAD_BRANCHES = [
    "",
    " main",
    "main ",
    "a b",
    "-x",
    "/main",
    "main/",
    "a//b",
    "a..b",
    "x.lock",
    "x.",
    "a~1",
    "a^",
    "a:b",
    "a@b",
    'a"b',
    ".x",
    "HEAD",
    "x.lock/y",
    "a/x.lock/y",
    "x/.y",
    "a/",
    "a/-b",
    "@",
    "a@{1}",
    "@{-1}",
    "x:refs/heads/main",
    "+main",
    "refs/heads/*",
    "a;b",
    "$(touch pwned)",
    "a\\b",
    "a\n",
    "main\t",
    "ä",
    "x" * 201,
]


@pytest.fixture
def copy_of_the_book(tmp_path, monkeypatch):
    """Some of the places in a folder of their own, without an address, with ROOT on it."""
    for path in address.places()[:3]:
        target = tmp_path / path.relative_to(facts.ROOT)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    monkeypatch.setattr(facts, "ROOT", tmp_path)
    address.write("", "")
    return tmp_path


def contents():
    return {path.name: path.read_text(encoding="utf-8") for path in address.places()}


def settings():
    """What _config.yml says: the address, the branch, where launch buttons lead."""
    config = yaml.safe_load((facts.ROOT / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"], config["repository"]["branch"], config["launch_buttons"]["colab_url"]


# ------------------------------------------------------------------ the book as it is


def test_all_places_agree_on_the_address():
    assert len(address.places()) == 1 + len(WITH_SETUP) >= 8
    for path in WITH_SETUP:
        assert contract.setup_cell(read(path)) == [], path.name
    url, branch, colab = settings()
    assert bool(url) == bool(branch) and bool(colab) == url.startswith("https://github.com/")
    assert facts.address() == (f"{url}@{branch}" if url else "")


def others_that_name(url, root):
    """Files that hold ``url`` and that tools.address does not know, so that it could not change them."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in GENERATED and not f.endswith(".egg-info")]
        paths = (Path(folder) / name for name in names)
        found += [path for path in paths if path not in address.places() and url.encode() in path.read_bytes()]
    return found


def test_no_other_file_names_the_address(copy_of_the_book):
    root = Path(address.__file__).parent.parent
    url = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    copies = {path.relative_to(copy_of_the_book) for path in address.places()}
    assert not url or {path.relative_to(root) for path in others_that_name(url, root)} <= copies


def test_a_file_that_names_the_address_is_found(copy_of_the_book):
    address.main([FORK])
    assert others_that_name(FORK, copy_of_the_book) == []
    (copy_of_the_book / "README.md").write_text(f"See {FORK}.\n", encoding="utf-8")
    assert others_that_name(FORK, copy_of_the_book) == [copy_of_the_book / "README.md"]


# ------------------------------------------------------------------ setting it


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("url", "branch"), GOOD)
def test_every_place_gets_the_address(copy_of_the_book, url, branch):
    address.main([url, branch])
    assert settings() == (url, branch, "https://colab.research.google.com")
    for path in address.places()[1:]:
        assert f'BOOK = "{url}@{branch}"\n' in read(path).cells[1].source, path.name
        assert contract.setup_cell(read(path)) == contract.short_cells(read(path)) == [], path.name


def test_P1_the_branch_is_the_one_that_publish_makes_if_none_is_named(copy_of_the_book):
    """It was main, which a publishing command then replaced."""
    address.main([FORK])
    assert facts.address() == f"{FORK}@colab"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("url", ELSEWHERE)
def test_fault_29_other_hosts_get_everything_but_the_launch_button(copy_of_the_book, url, capsys):
    address.main([url, "v1.0"])
    assert settings() == (url, "v1.0", "") and "Colab opens notebooks from GitHub only" in capsys.readouterr().out
    for path in address.places()[1:]:
        assert f'BOOK = "{url}@v1.0"\n' in read(path).cells[1].source and contract.setup_cell(read(path)) == []
    address.main([FORK])
    assert (
        settings() == (FORK, "colab", "https://colab.research.google.com") and "GitHub only" not in capsys.readouterr().out
    )


@pytest.mark.sampled(4)
@pytest.mark.parametrize("url", [FORK, *ELSEWHERE])
def test_fault_29_the_theme_builds_with_any_host(copy_of_the_book, url):
    """It stops at a host that it does not know, so the configuration names one; asked as Jupyter Book asks it."""
    address.main([url, "main"])
    final, _ = get_final_config(
        user_yaml=facts.ROOT / "_config.yml", cli_config={"latex_individualpages": False}, sourcedir=facts.ROOT
    )
    app = SimpleNamespace(
        config=SimpleNamespace(html_theme_options=final["html_theme_options"], html_context={}),
        builder=SimpleNamespace(name="html", theme_options=final["html_theme_options"]),
    )
    update_context_with_repository_info(app)
    assert app.config.html_context["github_version"] == "main"
    if url == FORK:
        assert [app.config.html_context[f"github_{part}"] for part in ("url", "user", "repo")] == [
            "https://github.com",
            "someone",
            "a-fork",
        ]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_fault_29_pip_takes_the_addresses_of_other_hosts(url):
    """The setup cell hands pip this requirement; pip has to read address and branch out of it again."""
    requirement = Requirement(f"resnext-book @ git+{url}@feature/x-1")
    found, revision, _ = Git.get_url_rev_and_auth(requirement.url)
    assert (found, revision) == (url, "feature/x-1")


def test_only_the_address_changes_and_it_comes_out_again(copy_of_the_book):
    before = contents()
    address.main([FORK, "v1.0"])
    after = contents()
    for name in before:
        lines = list(zip(before[name].split("\n"), after[name].split("\n"), strict=True))
        assert sum(old != new for old, new in lines) == (2 if name == "_config.yml" else 1), name
    address.write("", "")
    assert contents() == before


def test_setting_it_again_changes_nothing_and_another_one_leaves_no_trace(copy_of_the_book):
    address.main([FORK, "v1.0"])
    once = contents()
    address.main([FORK, "v1.0"])
    assert contents() == once
    address.main(["https://github.com/other/place", "main"])
    address.main([FORK, "v1.0"])
    assert contents() == once


def test_without_arguments_a_new_chapter_gets_the_present_address(copy_of_the_book):
    address.main([FORK, "v1.0"])
    right = contents()
    for old in ("", "https://github.com/other/place@main"):
        chapter = address.places()[-1]
        chapter.write_text(right[chapter.name].replace(f"{FORK}@v1.0", old), encoding="utf-8")
        assert contents() != right and contract.setup_cell(read(chapter))
        address.main([])
        assert contents() == right


def test_without_any_address_it_says_what_it_has_written(copy_of_the_book, capsys):
    chapter = address.places()[-1]
    right = chapter.read_text(encoding="utf-8")
    chapter.write_text(right.replace('BOOK = \\"', 'BOOK = \\"x', 1), encoding="utf-8")
    assert chapter.read_text(encoding="utf-8") != right
    address.main([])
    assert chapter.read_text(encoding="utf-8") == right
    assert capsys.readouterr().out == "Every setup cell is as it should be; no address is set.\n"


@pytest.mark.sampled(12)
@pytest.mark.parametrize("bad", BAD_URLS)
def test_what_is_no_address_is_refused(copy_of_the_book, bad):
    before = contents()
    with pytest.raises(SystemExit) as error:
        address.main([bad, "main"])
    assert "the address must look like https://github.com/you/fork" in str(error.value) and repr(bad) in str(error.value)
    assert contents() == before


def test_a_second_address_is_not_taken_for_a_branch(copy_of_the_book):
    with pytest.raises(SystemExit, match="the book has one address: https://gitee.com/you/fork stands where the branch"):
        address.main(["https://github.com/you/fork", "https://gitee.com/you/fork"])


@pytest.mark.sampled(12)
@pytest.mark.parametrize("bad", BAD_BRANCHES)
def test_what_is_no_branch_is_refused(copy_of_the_book, bad):
    before = contents()
    with pytest.raises(SystemExit) as error:
        address.main([FORK, bad])
    assert "the branch must look like main or v1.0" in str(error.value) and repr(bad) in str(error.value)
    assert contents() == before


@pytest.mark.parametrize("branch", [branch for _, branch in GOOD] + BAD_BRANCHES)
def test_git_agrees_on_what_a_branch_is(branch):
    """Git refuses what we refuse, but for names that a link or pip would read otherwise."""
    ours = address.BRANCH.fullmatch(branch) is not None
    assert ours == git_accepts(branch) or (not ours and branch in ODD)


def git_accepts(branch):
    """Whether git would make a branch of that name."""
    return subprocess.run(["git", "check-ref-format", "--branch", branch], capture_output=True).returncode == 0


# git would take them; a link, pip, a shell, a file system or a reader would not.
ODD = ["a@b", "@", 'a"b', "a/-b", "+main", "a;b", "$(touch pwned)", "ä", "x" * 201, "@{-1}"]


def test_P1_no_branch_is_accepted_that_git_refuses():
    """Names put together at random from the pieces on which git's rules turn."""
    random = Random(0)
    pieces = ["a", "B", "1", "_", "-", ".", "..", "/", "lock", ".lock", "HEAD", "@", "heads", "refs"]
    names = {"".join(random.choices(pieces, k=random.randint(1, 5))) for _ in range(400)}
    accepted = [name for name in names if address.BRANCH.fullmatch(name)]
    assert len(accepted) > 50 and [name for name in accepted if not git_accepts(name)] == []


@pytest.mark.parametrize("key", ["repository", "launch_buttons"])
def test_a_config_without_the_line_is_refused_before_anything_is_written(copy_of_the_book, key):
    config = address.places()[0]
    config.write_text(config.read_text(encoding="utf-8").replace(f"{key}:", f"# {key}:"), encoding="utf-8")
    before = contents()
    with pytest.raises(SystemExit, match=f"one line that begins with {key}:"):
        address.write(FORK, "main")
    assert contents() == before


def spoil(cell):
    """A chapter whose second cell is ``cell``, or that is no notebook."""

    def change(path):
        if cell is None:
            path.write_text("{", encoding="utf-8")
        else:
            notebook = read(path)
            notebook.cells[1] = cell
            path.write_text(text_of(notebook), encoding="utf-8")

    return change


SPOILT = {
    "another cell in its place": (spoil(new_code_cell("answer = 42")), "is not the setup cell and would be lost"),
    "text in its place": (spoil(new_markdown_cell("Some text")), "is not the setup cell and would be lost"),
    "no notebook": (spoil(None), "is no notebook that can be read"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_P1_a_chapter_that_would_lose_a_cell_is_named_and_nothing_is_written(copy_of_the_book, case):
    change, says = SPOILT[case]
    last = address.places()[-1]
    change(last)
    before = {path: path.read_bytes() for path in address.places() if path.is_file()}
    with pytest.raises(SystemExit, match=says) as error:
        address.main([FORK])
    assert str(last) in str(error.value)
    assert {path: path.read_bytes() for path in address.places() if path.is_file()} == before


def test_an_empty_second_cell_becomes_the_setup_cell(copy_of_the_book):
    address.main([FORK])
    right = contents()
    path = address.places()[-1]
    notebook = read(path)
    notebook.cells[1].source = ""
    path.write_text(text_of(notebook), encoding="utf-8")
    address.main([])
    assert contents() == right


def test_P1_a_disk_that_fills_up_half_way_leaves_every_place_as_it_was(copy_of_the_book, monkeypatch):
    before, written = contents(), []

    def write_bytes(path, content):
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device", str(path))
        with open(path, "wb") as file:
            return file.write(content)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(SystemExit, match="No space left on device"):
        address.main([FORK])
    assert len(written) == 3 and contents() == before
    assert sorted(path.name for path in copy_of_the_book.rglob("*") if path.is_file()) == sorted(before)


@pytest.mark.parametrize(
    "line",
    [
        'repository: {url: "https://github.com/a/b/", branch: "x"}',
        'repository: {url: "https://github.com/a/b", branch: "HEAD"}',
        'repository: {url: "https://github.com/a/b"}',
        "repository:",
        "repository: [",
        'repository: "x"',
    ],
)
def test_an_address_damaged_by_hand_is_not_spread(copy_of_the_book, line):
    config = address.places()[0]
    config.write_text(
        config.read_text(encoding="utf-8").replace('repository: {url: "", branch: ""}', line), encoding="utf-8"
    )
    before = contents()
    with pytest.raises(SystemExit, match="must look like|must have a line repository:"):
        address.main([])
    assert contents() == before


# ------------------------------------------------------------------ the setup cell


PRESENT = {"torch": "2.9.1+cu126", "torchvision": "0.24.1", "numpy": "2.0.2", "pandas": "2.2.2", "scipy": "1.16.3"}


def run_setup(address, monkeypatch, installed, run=None):
    """Execute the setup cell where ``installed`` modules are found and ``run`` takes the place of pip."""
    calls = []

    def fake(command, **options):
        calls.append(command)
        return run(command) if run else subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: ModuleSpec(name, None) if name in installed else None)
    monkeypatch.setattr("importlib.metadata.version", PRESENT.__getitem__)
    monkeypatch.setattr("subprocess.run", fake)
    exec(setup_source(address), {})
    return calls


def test_where_the_library_is_installed_the_cell_does_nothing(monkeypatch):
    for place in ("", f"{FORK}@main"):
        assert run_setup(place, monkeypatch, {"resnext_lib", "torch"}) == []


def test_elsewhere_it_installs_the_version_of_the_page_and_pins_what_is_there(monkeypatch):
    for found in (list(PRESENT), ["numpy"], []):
        (command,) = run_setup(f"{FORK}@v1.0", monkeypatch, set(found))
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        pins = [f"{name}=={PRESENT[name]}" for name in found]
        assert command[4:] == ["--quiet", f"resnext-book @ git+{FORK}@v1.0", *pins]


def test_without_an_address_it_says_what_to_do(monkeypatch):
    with pytest.raises(ImportError, match="has no address to get it from") as error:
        run_setup("", monkeypatch, {"torch"})
    assert "make lab" in str(error.value) and "make address" in str(error.value) and "CONTRIBUTING.md" in str(error.value)


def test_when_pip_fails_it_says_what_to_do_and_what_pip_said(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "Could not resolve host")
    with pytest.raises(ImportError, match="Go online") as error:
        run_setup(f"{FORK}@main", monkeypatch, set(), run=lambda command: failed)
    assert (
        f"{FORK}@main" in str(error.value)
        and "run the cell again" in str(error.value)
        and "Could not resolve host" in str(error.value)
    )


def test_what_was_just_installed_is_found_although_the_folder_looks_unchanged(monkeypatch, tmp_path):
    """Python remembers a folder's listing by its time, and a file system may tell time coarsely."""
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError):
        import just_installed
    time = os.stat(tmp_path).st_mtime_ns

    def install(command):
        (tmp_path / "just_installed.py").write_text("", encoding="utf-8")
        os.utime(tmp_path, ns=(time, time))
        return subprocess.CompletedProcess(command, 0, "", "")

    run_setup(f"{FORK}@main", monkeypatch, set(), run=install)
    import just_installed  # noqa: F811

    assert just_installed.__file__ == str(tmp_path / "just_installed.py")
