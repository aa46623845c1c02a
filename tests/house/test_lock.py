"""A requirements.lock holds the whole set: what requirements.txt beside it names, as it names it, and what that needs, without
an address."""

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distributions, packages_distributions, requires

import pytest
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tools.facts import ROOT

# One of every kind that a marker of requirements.txt tells apart.
MACHINES = {
    "Linux": {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    "Linux on ARM": {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix"},
    "Windows": {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt"},
    "Mac": {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix"},
    "Intel Mac": {"sys_platform": "darwin", "platform_machine": "x86_64", "os_name": "posix"},
}
PYTHONS = ["3.11.7", "3.12.1", "3.13.0"]
ENVIRONMENTS = {"book": "", "grader": "tools/grading/", "older torch": "tools/older/"}  # the folder of each one's files


def pins(text):
    """The requirements of a file, without comments and without the library itself."""
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-e "))]


def chosen(requirements, machine, python):
    """``{name: [its versions]}`` of what is installed there."""
    environment = {
        **MACHINES[machine],
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = {}
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement.specifier)
    return found


def differences(named, locked, machine, python):
    """What a lock lacks or has twice or in another version than named, one line each."""
    here, wanted = chosen(locked, machine, python), chosen(named, machine, python)
    for name, versions in here.items():
        if len(versions) != 1 or not re.fullmatch(r"==[^,*]+", str(versions[0])):
            yield f"{name} has {[str(version) for version in versions]}"
    for name, specifiers in wanted.items():
        if name not in here:
            yield f"{name} is missing"
            continue
        version = str(here[name][0]).removeprefix("==")
        if not all(specifier.contains(version, prereleases=True) for specifier in specifiers):
            yield f"{name} is {version}, requirements.txt says {specifiers[0]}"


def texts(environment="book"):
    folder = ROOT / ENVIRONMENTS[environment]
    return [(folder / f"requirements.{ending}").read_text(encoding="utf-8") for ending in ("txt", "lock")]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_lock_has_what_is_named_in_the_version_that_is_named(environment, machine, python):
    named, locked = map(pins, texts(environment))
    found = list(differences(named, locked, machine, python))
    assert not found, f"{found}: make lock"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lock: lock.replace("ruff==", "ruff==9"), "ruff is 9"),
        (lambda lock: re.sub("^pytest==.*\n", "", lock, flags=re.M), "pytest is missing"),
        (lambda lock: lock + "six==1.0\n", "six has"),
        (lambda lock: lock.replace("six==", "six>="), "six has"),
        (lambda lock: re.sub("^torch==2.14.*\n", "", lock, flags=re.M), "torch is missing"),
    ],
)
def test_a_lock_that_was_not_made_anew_is_noticed(change, says):
    named, locked = texts()
    found = list(differences(pins(named), pins(change(locked)), "Linux", "3.11.7"))
    assert len(found) == 1 and found[0].startswith(says)


def test_nothing_comes_along_that_the_lock_does_not_hold():
    """Each requirement of a locked package that is installed here is locked, too."""
    locked = {canonicalize_name(requirement.name) for requirement in pins(texts()[1])}
    installed = {canonicalize_name(found.metadata["Name"]): found.requires or [] for found in distributions()}
    assert len(locked & installed.keys()) > 30
    missing = [
        f"{name} needs {need.name}"
        for name in locked & installed.keys()
        for need in map(Requirement, installed[name])
        if (need.marker is None or need.marker.evaluate({"extra": ""})) and canonicalize_name(need.name) not in locked
    ]
    assert not missing


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_lock_holds_no_address_and_no_path(environment):
    for line in texts(environment)[1].splitlines():
        assert not re.search(r"/|\\|@|^-", line), line
        try:
            Requirement(line)
        except InvalidRequirement as error:
            raise AssertionError(line) from error


def test_make_installs_with_the_lock_and_marks_what_it_installed():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "pip install --quiet --no-compile -r requirements.txt -c requirements.lock" in makefile
    assert "requirements.lock" in re.search(r"^PINS +:= (.+)$", makefile, re.M)[1].split()
    assert "--no-header --no-annotate" in makefile and "--universal" in makefile


@pytest.mark.parametrize(("environment", "mark"), [("grader", "GRADER_PINS"), ("older torch", "OLDER_PINS")])
def test_make_installs_the_other_environments_with_their_locks_too(environment, mark):
    makefile, folder = (ROOT / "Makefile").read_text(encoding="utf-8"), ENVIRONMENTS[environment]
    assert f"pip install --quiet -r {folder}requirements.txt -c {folder}requirements.lock" in makefile
    assert f"{folder}requirements.lock" in re.search(rf"^{mark} +:= (.+)$", makefile, re.M)[1].split()
    assert f"$(call locked,{folder})" in makefile


def test_the_book_itself_is_built_with_what_the_lock_holds():
    """make builds it without fetching setuptools a second time."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    for python in PYTHONS:
        assert not [*differences([Requirement(need) for need in needed], pins(texts()[1]), "Linux", python)]


# ------------------------------------------------------------------ the light environment: pip install -e .[dev]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LIGHT = [*map(Requirement, PROJECT["dependencies"]), *map(Requirement, PROJECT["optional-dependencies"]["dev"])]


def test_the_light_environment_may_have_what_is_tested():
    locked = chosen(pins(texts()[1]), "Linux", "3.11.7")
    for requirement in LIGHT:
        version = str(locked[canonicalize_name(requirement.name)][0]).removeprefix("==")
        assert requirement.specifier.contains(version), requirement


def brought_along(requirements):
    """The names of these packages and of all that they need, as they are installed here."""
    found, waiting = set(), [canonicalize_name(requirement.name) for requirement in requirements]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            try:
                needs = map(Requirement, requires(name) or [])
            except PackageNotFoundError:
                continue
            waiting += [
                canonicalize_name(need.name) for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})
            ]
    return found


def local(module):
    """The file of a module of this repository, or None."""
    for folder in (ROOT, ROOT / "tests"):
        for path in (folder / f"{module.replace('.', '/')}.py", folder / module.replace(".", "/") / "__init__.py"):
            if path.is_file():
                return path


def imported_first(path):
    """The modules that a file imports when it is itself imported, not later inside a function."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names if local(f"{node.module}.{name.name}"))


def outside_modules(files):
    """The modules of other packages that these files import, directly or through files of ours."""
    seen, outside = set(), {}
    while files:
        path = files.pop()
        if path not in seen:
            seen.add(path)
            for module in imported_first(path):
                here = local(module)
                if here:
                    files.append(here)
                elif module.partition(".")[0] not in sys.stdlib_module_names:
                    outside[module.partition(".")[0]] = path.name
    return outside


def test_the_light_environment_has_all_that_make_quick_imports():
    quick = re.search(r"^QUICK := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()
    outside = outside_modules(
        [ROOT / "conftest.py", ROOT / "tests/conftest.py", *(ROOT / f"tests/{name}.py" for name in quick)]
    )
    assert {"torch", "pytest", "timm", "nbformat"} <= outside.keys()
    there, packages = brought_along(LIGHT), packages_distributions()
    missing = {
        module: path
        for module, path in outside.items()
        if not {canonicalize_name(name) for name in packages.get(module, [])} & there and module != "resnext_lib"
    }
    assert not missing
