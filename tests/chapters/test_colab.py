"""What a fork publishes, and what Colab makes of it: the workflow's own steps, then chapters in a stand-in for Colab.

A repository on this disk stands for the public one. make test runs the setup cell, make check-all every
chapter and every notebook of the student edition.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from git_for_tests import git, setup_only
from nbclient.exceptions import CellExecutionError
from notebooks_for_tests import CHAPTERS, NOTEBOOKS, WITH_SETUP, chapter_id
from site_tools import Page

from tools import colab, facts, publish
from tools.setup_cell import setup_source

WORKFLOWS = facts.ROOT / ".github" / "workflows"
FORK, FORK_URL = "someone/a-fork", "https://github.com/someone/a-fork"


# ------------------------------------------------------------------ the workflows, run here as far as it goes


def workflow(name):
    return yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))


def run_steps(job, folder, wanted=lambda command: True):
    """Run the shell steps of a job in ``folder``, as a runner would for the fork; returns what they printed."""
    printed = ""
    for step in job["steps"]:
        if "run" not in step or not wanted(step["run"]):
            continue
        given = {name: value.replace("${{ github.repository }}", FORK) for name, value in step.get("env", {}).items()}
        assert "${{" not in step["run"] + "".join(given.values()), step
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(folder), "PIP_NO_INDEX": "1", **given},
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        printed += done.stdout
    return printed


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """The folder that holds Colab's packages and every stand-in made from them."""
    folder = tmp_path_factory.mktemp("colab")
    colab.make_shared_parts(folder)
    return folder


@pytest.fixture(scope="session")
def public(shared):
    """The fork's bare repository."""
    git(shared, "init", "--quiet", "--bare", "public.git")
    return shared / "public.git"


@pytest.fixture(scope="session")
def checkout(shared, public):
    """The working tree as a fork has it: committed on main, pushed, with an environment that make finds ready."""
    folder = shared / "checkout"
    git(shared, "init", "--quiet", "--initial-branch", "main", str(folder))
    git(folder, "--work-tree", str(facts.ROOT), "add", "--all", ".")
    git(folder, "commit", "--quiet", "--message", "The book")
    git(folder, "reset", "--quiet", "--hard")
    git(folder, "remote", "add", "origin", str(public))
    git(folder, "push", "--quiet", "origin", "main")
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv" / "ready").unlink(missing_ok=True)
    # make installs nothing while this file holds what the three others say
    pins = [
        (folder / name).read_text(encoding="utf-8") for name in ("requirements.txt", "requirements.lock", "pyproject.toml")
    ]
    (folder / ".venv" / "ready").write_text("".join(pins), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def published(checkout, public):
    """The public repository after the workflow ran, with a site that holds the launch links alone; ``built`` has the real one."""
    job = workflow("publish.yml")["jobs"]["build"]
    run_steps(job, checkout, lambda command: command.startswith("make address"))
    pages = checkout / "_build" / "html" / "chapters"
    pages.mkdir(parents=True)
    for path in NOTEBOOKS:
        launch = f"https://colab.research.google.com/github/{FORK}/blob/colab/chapters/{path.name}"
        (pages / f"{path.stem}.html").write_text(f'<a href="{launch}">Colab</a>', encoding="utf-8")
    run_steps(job, checkout, lambda command: command.startswith("make publish"))
    return public


@pytest.fixture(scope="session")
def built(published, checkout):
    """The fork's site, in both languages, by the workflow's own steps, and published with it once more."""
    shutil.rmtree(checkout / "_build")
    job = workflow("publish.yml")["jobs"]["build"]
    run_steps(job, checkout, lambda command: command == "make book" or command.startswith("make publish"))
    return checkout / "_build" / "html"


def file_of(published, path):
    return git(published, "show", f"colab:{path}")


def notebook_of(published, path):
    return nbformat.reads(file_of(published, path), as_version=4)


def files_of(published):
    return git(published, "ls-tree", "-r", "--name-only", "colab").split("\n")


def linter():
    found = shutil.which("actionlint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, "actionlint is missing: pip install -r requirements.txt, or on an Intel Mac brew install actionlint"
    return found


def test_actionlint_finds_nothing_in_the_workflows():
    assert {path.name for path in WORKFLOWS.iterdir()} >= {"tests.yml", "publish.yml", "renew.yml"}
    done = subprocess.run([linter(), "-no-color", *sorted(WORKFLOWS.iterdir())], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("needs: build", "needs: bild"),
        ("runs-on: ubuntu-latest", "runs-on: ubuntu-newest"),
        ("github.ref_name", "github.ref_nam"),
        ("actions/checkout@v5", "actions/checkout"),
        ("steps.deployment.", "steps.deploy."),
    ],
)
def test_actionlint_finds_a_slip(old, new, tmp_path):
    text = (WORKFLOWS / "publish.yml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "publish.yml").write_text(text.replace(old, new), encoding="utf-8")
    assert subprocess.run([linter(), tmp_path / "publish.yml"], capture_output=True).returncode == 1


def test_the_workflow_pushes_before_it_deploys_and_only_from_the_default_branch():
    jobs = workflow("publish.yml")["jobs"]
    uses = [step.get("uses", step.get("run", "")).split("@")[0] for step in jobs["build"]["steps"]]
    assert (
        uses[0] == "actions/checkout" and uses[-1] == "actions/upload-pages-artifact" and uses[-2].startswith("make publish")
    )
    assert jobs["site"]["needs"] == "build" and jobs["build"]["permissions"] == {"contents": "write"}
    assert jobs["build"]["if"] == "github.ref_name == github.event.repository.default_branch"


def test_no_workflow_names_a_repository():
    for path in WORKFLOWS.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"github\.com/(?!\$REPOSITORY)[\w-]+", text) and "resnext-book/" not in text


# ------------------------------------------------------------------ the published branch


@pytest.mark.slow
def test_the_branch_holds_the_library_and_notebooks_with_the_forks_address(published):
    chapters = {f"chapters/{path.name}" for path in NOTEBOOKS}
    assert {name for name in files_of(published) if name.endswith(".ipynb") and name.startswith("chapters/")} == chapters
    for path in NOTEBOOKS:
        made, here = notebook_of(published, f"chapters/{path.name}"), nbformat.read(path, as_version=4)
        if path in WITH_SETUP:
            assert made.cells[1].source == setup_source(f"{FORK_URL}@colab")
            del made.cells[1], here.cells[1]
        assert made == here, path


@pytest.mark.slow
def test_the_branch_holds_the_student_edition_with_the_forks_address(published):
    for path in CHAPTERS:
        made = notebook_of(published, f"student/{path.name}")
        assert f'BOOK = "{FORK_URL}@colab"\n' in made.cells[1].source
        assert made == publish.student(notebook_of(published, f"chapters/{path.name}"))


@pytest.mark.slow
def test_the_branch_is_one_commit_that_names_its_source_and_holds_no_more_than_it_must(published):
    assert git(published, "rev-list", "--count", "colab") == "1"
    assert git(published, "rev-parse", "main") in git(published, "log", "-1", "--format=%s", "colab")
    tops = {name.split("/")[0] for name in files_of(published)}
    assert tops - {"student"} == {"LICENSE", "LICENSE-text", "README.md", "chapters", "pyproject.toml", "resnext_lib", "zh"}
    assert not [name for name in files_of(published) if "__pycache__" in name]


# ------------------------------------------------------------------ launch links

LAUNCH = re.compile(r"https://colab\.research\.google\.com/github/([\w-]+/[\w.-]+)/blob/([\w.-]+)/(.+)")


@pytest.mark.slow
def test_every_launch_link_of_the_built_site_leads_to_a_file(published, built):
    found = {}
    for page in sorted(built.rglob("*.html")):
        for link in Page(page).links:
            if "colab.research.google.com" in link:
                repository, branch, path = LAUNCH.fullmatch(link).groups()
                assert repository == FORK
                assert git(published, "cat-file", "-t", f"{branch}:{path}") == "blob", link
                found.setdefault(page.relative_to(built).as_posix(), []).append(path)
    for path in NOTEBOOKS:
        for edition in ("", "zh/"):
            assert f"{edition}chapters/{path.name}" in found.pop(f"{edition}chapters/{path.stem}.html")
    assert set(found) <= {"intro.html", "zh/intro.html"}


# ------------------------------------------------------------------ Colab


def stand_in(shared, name, published):
    made = colab.Colab(shared, name, FORK_URL, published)
    assert not made.finds("resnext_lib") and not made.finds("torchinfo")
    return made


def runs_in_colab(shared, published, path):
    """The notebook alone in an empty folder, from its own setup cell, run twice, to the end."""
    made = stand_in(shared, path.replace("/", "-"), published)
    before = made.state()
    library = made.run(notebook_of(published, path))
    assert library.is_relative_to(made.site) and made.finds("torchinfo")
    assert made.state() == before


@pytest.mark.slow
def test_the_stand_in_has_what_colab_has_and_lacks_the_rest(shared, published):
    made = stand_in(shared, "bare", published)
    assert all(
        made.finds(module)
        for module in ("torch", "torchvision", "numpy", "pandas", "scipy", "matplotlib", "skimage", "tqdm", "IPython", "pip")
    )
    assert not [module for module in ("timm", "nbval", "pytest", "jupyter_book", "tools", "yaml") if made.finds(module)]
    assert set(made.state()) == {"torch", "torchvision", "numpy", "pandas", "scipy"} and all(
        len(files) > 100 for _, files in made.state().values()
    )


@pytest.mark.slow
def test_the_setup_cell_brings_the_library_and_torchinfo_and_leaves_the_rest(shared, published):
    made = stand_in(shared, "setup", published)
    before = made.state()
    assert made.run(setup_only(f"{FORK_URL}@colab")).is_relative_to(made.site) and made.finds("torchinfo")
    assert made.state() == before


@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_SETUP, ids=chapter_id)
def test_every_chapter_runs_in_colab(shared, published, path):
    runs_in_colab(shared, published, f"chapters/{path.name}")


@pytest.mark.slow
def test_the_notebook_that_stands_alone_runs_in_colab_as_it_is(shared):
    """Without a setup cell, so without the library, before and after."""
    (path,) = [path for path in NOTEBOOKS if path not in WITH_SETUP]
    made = colab.Colab(shared, "alone")
    before = made.state()
    made.execute(nbformat.read(path, as_version=4))
    assert not made.finds("resnext_lib") and made.state() == before


@pytest.mark.slow
@pytest.mark.parametrize("path", CHAPTERS, ids=chapter_id)
def test_every_student_notebook_runs_in_colab(shared, published, path):
    runs_in_colab(shared, published, f"student/{path.name}")


@pytest.mark.slow
def test_a_page_that_is_not_there_is_reported_in_words(shared):
    made = colab.Colab(shared, "unknown", FORK_URL, shared / "nothing.git")
    before = made.state()
    with pytest.raises(CellExecutionError) as error:
        made.run(setup_only(f"{FORK_URL}@colab"))
    assert (
        error.value.ename == "ImportError"
        and f"could not be installed from {FORK_URL}@colab. Go online" in error.value.evalue
    )
    assert "does not appear to be a git repository" in error.value.evalue  # the tail of what pip said
    assert made.state() == before and not made.finds("resnext_lib")


@pytest.mark.slow
def test_torchvision_is_left_alone_even_if_the_library_asks_for_another(shared, published, checkout):
    """A branch of the library wants torchvision 99, and pip could get it: the setup cell says no, and nothing changes."""
    with zipfile.ZipFile(shared / "wheels" / "torchvision-99.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("torchvision-99.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: torchvision\nVersion: 99.0\n")
        wheel.writestr(
            "torchvision-99.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("torchvision-99.0.dist-info/RECORD", "")
    copy = shared / "greedy"
    git(shared, "clone", "--quiet", "--branch", "colab", str(published), str(copy))
    project = copy / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    assert '"torchvision>=0.17"' in text
    project.write_text(text.replace('"torchvision>=0.17"', '"torchvision>=99"'), encoding="utf-8")
    git(copy, "commit", "--quiet", "--all", "--message", "Greedy")
    made = colab.Colab(shared, "greedy-colab", FORK_URL, copy)
    before = made.state()
    with pytest.raises(CellExecutionError) as error:
        made.run(setup_only(f"{FORK_URL}@colab"))
    assert "conflicting dependencies" in error.value.evalue, error.value.evalue
    assert made.state() == before
