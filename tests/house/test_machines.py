"""The book is set up, built and read on machines unlike the author's: other folders, homes, systems, versions of Python."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from notebooks_for_tests import code, notebook, save
from sphinx.project import Project
from sphinx.util import matching

from tools import facts, kernels, notebooks
from tools.sampling import beyond_the_sample

ROOT = facts.ROOT
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
PROGRAMS = [
    path
    for folder in ("resnext_lib", "tools", "examples", "site", "tests", "studies")
    for path in sorted((ROOT / folder).rglob("*.py"))
] + [ROOT / "conftest.py"]
NOTEBOOKS = sorted(path for folder in ("chapters", "tools") for path in (ROOT / folder).rglob("*.ipynb"))


def cells_of(path):
    return [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code"]


# ------------------------------------------------------------------ the build ends

CLOSING = """
import atexit, sys
sys.path.insert(0, "site/extensions")
import static_math
engine = static_math.katex()
assert "katex" in static_math.render("x", False)
{also}
print("done", flush=True)
"""


def test_fault_12_the_formulas_engine_is_closed_when_python_ends():
    also = "atexit._run_exitfuncs()\nassert engine._ctx is None, 'open: on Python 3.13 the process would never end'"
    done = subprocess.run([sys.executable, "-c", CLOSING.format(also=also)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_fault_12_a_process_that_made_formulas_ends():
    """Without the closing, Python 3.13 waits here for ever, also when the build fails."""
    for also, status in (("", 0), ("raise SystemExit(3)", 3)):
        done = subprocess.run(
            [sys.executable, "-c", CLOSING.format(also=also)], cwd=ROOT, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == status, done.stderr


# ------------------------------------------------------------------ environments and their folders

HIDDEN = [".env", ".conda", ".pixi", ".v", ".venv", ".venv-grader", "chapters/.ipynb_checkpoints", "chapters/.cache"]


@pytest.fixture
def folder_with_environments(tmp_path):
    """The book's two pages, and environments full of pages, one of them a link to a folder outside."""
    book, outside = tmp_path / "book", tmp_path / "outside"
    for folder in [*(book / name for name in HIDDEN if name != ".venv"), book / "venv", book / "env", outside]:
        (folder / "lib").mkdir(parents=True)
        (folder / "lib/README.md").write_text("# Not ours", encoding="utf-8")
    (book / ".venv").symlink_to(outside)
    (book / "intro.md").write_text("# Ours", encoding="utf-8")
    (book / "chapters/01_a.ipynb").write_text("{}", encoding="utf-8")
    return book


def test_fault_14_sphinx_enters_no_environment_whatever_its_name(folder_with_environments, monkeypatch):
    entered, walk = [], os.walk

    def noted(*arguments, **options):
        for root, folders, names in walk(*arguments, **options):
            entered.append(Path(root).relative_to(folder_with_environments).as_posix())
            yield root, folders, names

    monkeypatch.setattr(matching.os, "walk", noted)
    found = Project(folder_with_environments, {".md": "markdown", ".ipynb": "notebook"}).discover(
        CONFIG["exclude_patterns"], CONFIG["sphinx"]["config"]["include_patterns"]
    )
    assert found == {"intro", "chapters/01_a"}
    assert entered == [".", "chapters"]


def test_fault_14_git_ignores_environments_as_folders_and_as_links(folder_with_environments):
    book = folder_with_environments
    (book / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    subprocess.run(["git", "init", "--quiet", book], check=True)
    said = subprocess.run(
        ["git", "-C", book, "status", "--porcelain", "--untracked-files=all"], capture_output=True, text=True, check=True
    )
    left = {line[3:].split("/")[0] for line in said.stdout.splitlines()}
    assert left == {".gitignore", "intro.md", "chapters", ".v"}  # a name that nobody uses is not guessed


# ------------------------------------------------------------------ make installs once

PINS = ("requirements.txt", "requirements.lock", "pyproject.toml")
GRADER_PINS = ("tools/grading/requirements.txt", "tools/grading/requirements.lock")
OLDER_PINS = ("tools/older/requirements.txt", "tools/older/requirements.lock")

FAKE = """#!/bin/sh
# Stands for Python: notes its calls, and makes an environment whose programs are itself.
echo "$@" >> "$LOG"
if [ "$2" = venv ]; then
    mkdir -p "$3/bin"
    for name in python jupyter-book; do cp "$0" "$3/bin/$name"; done
fi
case "$*" in
    *" -r /dev/stdin") cat >> "$LOG.unpacked" ;;
    "$FAILING") exit 1 ;;
esac
"""


@pytest.fixture
def make(tmp_path):
    """Calls make in a copy of the book's outer files with a Python that only notes what it is asked; returns how often it installed."""
    book = tmp_path / "book"
    for name in ("Makefile", *PINS, *GRADER_PINS, *OLDER_PINS):
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "python").write_text(FAKE, encoding="utf-8")
    (tmp_path / "python").chmod(0o755)

    def call(target, failing="nothing", status=0):
        (tmp_path / "log").write_text("", encoding="utf-8")
        done = subprocess.run(
            ["make", target, f"PYTHON={tmp_path / 'python'}"],
            cwd=book,
            capture_output=True,
            text=True,
            env={**os.environ, "LOG": str(tmp_path / "log"), "MAKEFLAGS": "", "FAILING": failing},
        )
        assert done.returncode == status, done.stderr
        return len(re.findall(" install --quiet.* -r ", (tmp_path / "log").read_text(encoding="utf-8")))

    call.book, call.log = book, tmp_path / "log"
    return call


def test_fault_19b_make_installs_again_only_when_the_pins_change(make):
    assert [make("book"), make("book")] == [1, 0]
    later = os.stat(make.book / "Makefile").st_mtime + 1e6
    for name in (*PINS, "Makefile"):
        os.utime(make.book / name, (later, later))  # as a fresh checkout has it
    assert make("book") == 0
    for name in PINS:
        with (make.book / name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        os.utime(make.book / name, (1e9, 1e9))
        assert [make("book"), make("book")] == [1, 0], name


def test_make_unpacks_each_package_of_the_lock_once_before_it_looks_over_the_whole(make):
    make("book")
    unpacked = Path(f"{make.log}.unpacked").read_text(encoding="utf-8").splitlines()
    assert sorted(unpacked) == sorted((ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines())
    installed = [
        line for line in make.log.read_text(encoding="utf-8").splitlines() if "pip install" in line and " -r " in line
    ]
    assert ["--no-deps" in line for line in installed] == [True, True, False]
    Path(f"{make.log}.unpacked").unlink()
    make("book")
    assert not Path(f"{make.log}.unpacked").exists()


ENGLISH, CHINESE = "build . -W -n --keep-going", "-m tools.translation.site"


def test_make_book_builds_both_editions_and_fails_when_either_fails(make):
    make("book")
    called = make.log.read_text(encoding="utf-8").splitlines()
    assert {ENGLISH, CHINESE} <= set(called)
    for edition in (ENGLISH, CHINESE):
        make("book", failing=edition, status=2)


def test_fault_19b_an_environment_that_is_a_link_is_used_as_it_is(make, tmp_path):
    make("book")
    (make.book / ".venv").rename(tmp_path / "elsewhere")
    (make.book / ".venv").symlink_to(tmp_path / "elsewhere")
    later = os.stat(tmp_path / "elsewhere/ready").st_mtime + 1e6
    for name in PINS:
        os.utime(make.book / name, (later, later))
    assert make("book") == 0


def test_fault_19b_the_grader_is_installed_once_too(make):
    assert make("grader") == 2  # with the book's environment
    for name in (*PINS, *GRADER_PINS):
        os.utime(make.book / name)
    assert make("grader") == 0
    for name in GRADER_PINS:
        with (make.book / name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        assert [make("grader"), make("grader")] == [1, 0], name


def test_make_quick_takes_the_light_environment_until_the_whole_one_is_there(make):
    """Offline it has to work, so it installs nothing where something is, even if the pins have changed since."""
    make("quick")
    first = make.log.read_text(encoding="utf-8")
    assert "-m venv .venv-light" in first and "install --quiet -e .[dev]" in first and "-m pytest" in first
    make("quick")
    again = make.log.read_text(encoding="utf-8")
    assert "install" not in again and "-m ruff check ." in again
    assert make("book") == 1
    with (make.book / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    make("quick")
    assert "install" not in make.log.read_text(encoding="utf-8")
    assert (make.book / ".venv/bin/python").exists()


def test_make_quick_runs_files_that_exist_and_drive_no_browser(make):
    make("quick")
    named = re.findall(r"tests/\w+/test_\w+\.py", make.log.read_text(encoding="utf-8"))
    assert len(named) >= 10 and "tests/chapters/test_contract.py" in named
    for name in named:
        source = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"def test_\w+\([^)]*\b(browser|site|pages|server)\b", source), name


def pytest_in(folder, environment, *arguments):
    """Run pytest in ``folder`` with the book's conftest and none of its other settings."""
    settings = ["-q", "-p", "conftest", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}"]
    command = [sys.executable, "-m", "pytest", *settings, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


# ------------------------------------------------------------------ where CI runs, nothing is skipped


@pytest.mark.parametrize("ci, status", [("true", 1), ("", 0)])
def test_fault_19a_a_skipped_test_fails_under_ci_and_nowhere_else(tmp_path, ci, status):
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(record_property): record_property('a heading', 'so many')\n"
        "def test_b(): pytest.skip('no files')\n",
        encoding="utf-8",
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = pytest_in(tmp_path, environment | {"CI": ci, "PYTHONPATH": str(ROOT)}, tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    assert ("test_it.py::test_b: Skipped: no files" in done.stdout) == bool(ci)
    assert ("nothing may be skipped" in done.stdout) == bool(ci)
    assert len(re.findall(r"^=+ a heading =+\nso many$", done.stdout, re.MULTILINE)) == 1, "what a test records is told once"


def test_fault_19a_ci_installs_every_package_that_a_skip_asks_for():
    """A skip that names an apt package, and the font that the README asks for, stand in the list of .ci/run."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    asked = {
        name for path in PROGRAMS for name in re.findall(r"apt-get install ([\w-]+)\"", path.read_text(encoding="utf-8"))
    }
    asked |= set(re.findall(r"`(fonts-[\w-]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert asked >= {"dataset-fashion-mnist", "fonts-noto-cjk"}
    assert not {name for name in asked if name not in script}
    assert ".ci/run" in (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")


# ------------------------------------------------------------------ other systems

UNIX_ONLY = {"resource", "fcntl", "pwd", "grp", "termios", "pty", "tty", "posix", "syslog", "readline", "curses"}
OPENING = {"read_text", "write_text", "open"}


# What a program asks for inside a function, where the system has it (grading's walls need Linux and say so elsewhere).
WHERE_THERE = {("sandbox.py", "resource"), ("mutations.py", "resource")}


def imported(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_fault_19_nothing_imports_a_module_that_windows_lacks():
    wrong = [
        (path.name, name)
        for path in PROGRAMS
        if "tests" not in path.parts
        for name in imported(path.read_text(encoding="utf-8"))
        if name in UNIX_ONLY
    ]
    assert set(wrong) <= WHERE_THERE
    for file, name in WHERE_THERE:
        (path,) = [path for path in PROGRAMS if path.name == file]
        assert name not in {
            alias.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Import)
            for alias in node.names
        }


def test_fault_19_the_readme_knows_the_longest_path():
    stated = int(
        re.search(r"longest path in the environment has (\d+) characters", (ROOT / "README.md").read_text(encoding="utf-8"))[
            1
        ]
    )
    longest = max(len(f".venv/Lib/site-packages/{file.as_posix()}") for file in files("jupyterlab"))
    assert stated == longest


def without_encoding(source):
    """The calls that open a text file in whatever encoding the machine prefers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            modes = (
                [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
                if name == "open"
                else []
            )
            modes = [mode.value for mode in modes if isinstance(mode, ast.Constant)]
            of_a_module = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in {
                "Image",
                "os",
                "webbrowser",
            }
            given = {keyword.arg for keyword in node.keywords} | (
                {"encoding"} if name == "write_text" and len(node.args) > 1 else set()
            )
            if (
                name in OPENING
                and "encoding" not in given
                and not of_a_module
                and not {"rb", "wb", "ab", "r+b", "xb"} & {*modes}
            ):
                yield ast.unparse(node)


def test_fault_18_every_text_file_is_opened_with_an_encoding():
    wrong = [(path.name, call) for path in PROGRAMS for call in without_encoding(path.read_text(encoding="utf-8"))]
    wrong += [(path.name, call) for path in NOTEBOOKS for source in cells_of(path) for call in without_encoding(source)]
    assert not wrong


@pytest.mark.parametrize(
    "source, found",
    [
        ("open('a')", 1),
        ("open('a', 'w')", 1),
        ("open('a', 'rb')", 0),
        ("open('a', encoding='utf-8')", 0),
        ("p.read_text()", 1),
        ("p.write_text('b')", 1),
        ("p.write_text('b', encoding='utf-8')", 0),
        ("p.open('wb')", 0),
        ("p.read_bytes()", 0),
    ],
)
def test_fault_18_an_open_without_encoding_would_be_found(source, found):
    assert len(list(without_encoding(source))) == found


def test_fault_18_the_linter_looks_for_it_too(tmp_path):
    (tmp_path / "a.py").write_text("with open('a') as file:\n    print(file)\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--no-cache", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "PLW1514" in done.stdout + done.stderr or "unspecified-encoding" in done.stdout


# ------------------------------------------------------------------ other people's homes and settings

DRAWS = """import matplotlib
import matplotlib.font_manager
from matplotlib.figure import Figure
print(matplotlib.rcParams["font.size"], Figure(figsize=(1, 1)).dpi)"""


@pytest.mark.slow
@pytest.mark.parametrize("home", ["none", "with settings"])
def test_fault_11d_another_home_changes_no_output(tmp_path, home):
    """HOME that cannot be written, or one with a matplotlibrc: the same outputs, and no message of Matplotlib's in them."""
    path = save(notebook(code(DRAWS)), tmp_path / "01_a.ipynb")
    settings = tmp_path / "home/.config/matplotlib/matplotlibrc"
    settings.parent.mkdir(parents=True)
    settings.write_text("font.size: 33\nfigure.dpi: 44\n", encoding="utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MPLCONFIGDIR", "MATPLOTLIBRC", "IPYTHONDIR", kernels.MARK)
        and not name.startswith(("XDG_", "JUPYTER_"))
    }
    environment |= {"HOME": "/proc/nobody" if home == "none" else str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tools.notebooks", str(path)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outputs = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["outputs"]
    assert [(output["name"], "".join(output["text"])) for output in outputs] == [("stdout", "10.0 100.0\n")]
    tested = pytest_in(tmp_path, environment, "--nbval", "--nbval-current-env", path)
    assert tested.returncode == 0, tested.stdout[-3000:]


# ------------------------------------------------------------------ what is loaded late, or not at all


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("program", "without"),
    [
        # torchvision takes as long to load as torch, and only what downloads or compares needs it.
        ("import resnext_lib.data, resnext_lib.training, resnext_lib.weights, resnext_lib.figures", "torchvision"),
        ("import tools.address, tools.publish, tools.notebooks", "torch"),
        ("import nbformat, nbclient", "rfc3987_syntax"),
    ],
)
def test_what_takes_seconds_is_loaded_where_it_is_needed(program, without):
    code = f"import sys\n{program}\nsys.exit({without!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# ------------------------------------------------------------------ warnings are errors, but for the files of others


def test_an_installed_file_may_be_old_in_style_and_ours_may_not(tmp_path):
    old = 'WORDS = "\\."'
    compile(old, str(tmp_path / ".venv" / "lib" / "site-packages" / "jieba" / "__init__.py"), "exec")
    with pytest.raises(SyntaxError, match="invalid escape sequence"):
        compile(old, str(tmp_path / "resnext_lib" / "__init__.py"), "exec")


# ------------------------------------------------------------------ samples of long lists


class Case:
    """What the sampling asks of a test's case."""

    def __init__(self, test, *marks):
        self.originalname, self.marks, self.parent = test, list(marks), SimpleNamespace(nodeid="a file")

    def get_closest_marker(self, name):
        return next((mark for mark in self.marks if mark.name == name), None)


def in_make_test(cases):
    left_out = beyond_the_sample(cases)
    return [place for place, case in enumerate(cases) if case not in left_out and not case.get_closest_marker("slow")]


def test_a_sample_is_spread_over_the_whole_list():
    assert in_make_test([Case("a", pytest.mark.sampled(3).mark) for _ in range(30)]) == [4, 14, 24]
    assert in_make_test([Case("a", pytest.mark.sampled(1).mark) for _ in range(3)]) == [1]
    assert in_make_test([Case("a", pytest.mark.sampled(8).mark) for _ in range(5)]) == [0, 1, 2, 3, 4]
    assert in_make_test([Case(test, pytest.mark.sampled(1).mark) for test in "aaabbb"]) == [1, 4]
    assert in_make_test([Case("a") for _ in range(3)]) == [0, 1, 2]


def test_no_sample_is_spent_on_cases_that_are_slow():
    slow = [Case("a", pytest.mark.sampled(2).mark, pytest.mark.slow.mark) for _ in range(6)]
    assert in_make_test([*slow, *(Case("a", pytest.mark.sampled(2).mark) for _ in range(2))]) == [6, 7]
