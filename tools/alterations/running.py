"""Run the tests that own a place, in a copy of the repository, quickly.

Every run is a process of its own that is forked from one which has PyTorch and its like already: importing them anew for
each alteration would take longer than the tests do.
"""

import compileall
import contextlib
import multiprocessing
import os
import py_compile
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

# Whatever is slow to import and is never altered.
SLOW = ["torch", "torchvision", "timm", "pandas", "scipy.stats", "matplotlib.figure", "skimage.data", "nbformat", "nbclient"]
SLOW += ["IPython", "pytest", "yaml", "torch.utils.flop_counter", "torchinfo", "pypdf", "bs4"]
OURS = ("resnext_lib", "studies", "tools", "tests", "conftest")
# The exit status of a run: pytest's (all passed, some failed, no collection) and this, so that a crash is none of them.
OFFSET = 100
PASSED, FAILED, BROKEN = OFFSET, OFFSET + 1, OFFSET + 2
LIMIT = 600  # seconds


def copy_repository(root, folder):
    """Copy every file that git knows or would not ignore, as it is now."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    ).stdout
    for name in filter(None, listed.decode("utf-8").split("\0")):
        if (root / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target)
    # Compiled once, and by what a file says: an altered one is compiled anew, however old and long it is.
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def run_pytest(folder, owner, said):
    """In a process of its own: run ``owner`` in ``folder``; what pytest says goes to the file ``said``."""
    os.chdir(folder)
    os.environ.update(PYTHONPATH=str(folder), OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True  # nothing of an altered file may stay
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(place for place in sys.path if place)]
    import pytest

    options = ["-q", "-x", "-p", "no:randomly", "-p", "no:xdist", "--tb=line", f"--rootdir={folder}"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins that were imported with the slow ones
    with open(said, "w", encoding="utf-8") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        status = pytest.main([*options, *shlex.split(owner)])
    os._exit(OFFSET + int(status))  # threads that a test left behind must not keep the process


def forking():
    """The context whose processes are forked from one that has imported what is slow."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(SLOW)  # read at the first process
    return context


def status_of(context, folder, owner, said):
    """The exit status of pytest for ``owner`` in ``folder``; a run that does not end has failed."""
    process = context.Process(target=run_pytest, args=(Path(folder), owner, said))
    process.start()
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        process.join()
        return FAILED
    return process.exitcode
