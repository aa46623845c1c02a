"""The hidden test of every exercise: the student's own check, on other inputs, from a fresh copy of the library.

- Answers are compared by the check alone, so an answer that is right for a student is right here, in whatever kind of
  number or list it is given.
- Functions and classes are tried on inputs that the student's check does not use.
- The check and the library come fresh from the book's folder, so a redefined check or a patched ``resnext_lib`` is not used.

It shares its process with the answer, so code that patches PyTorch or Python itself can still cheat.
"""

import contextlib
import importlib
import io
import logging
import sys
import warnings
from pathlib import Path

BOOK = Path(__file__).resolve().parents[2]
SEED = 1611  # of the inputs; the same for everybody, and at every grading


class Nowhere(io.TextIOBase):
    """A stream that keeps nothing, however much is printed into it."""

    def writable(self):
        return True

    def write(self, text):
        return len(text)


@contextlib.contextmanager
def fresh_library():
    """``resnext_lib.exercises`` imported anew; the student's copy is back afterwards."""

    def ours(name):
        return name.split(".")[0] in ("resnext_lib", "tools")

    held = {name: sys.modules.pop(name) for name in list(sys.modules) if ours(name)}
    sys.path.insert(0, str(BOOK))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module("resnext_lib.exercises")
    finally:
        sys.path.remove(str(BOOK))
        for name in list(filter(ours, sys.modules)):
            del sys.modules[name]
        sys.modules.update(held)


@contextlib.contextmanager
def quiet():
    """Nothing that an answer prints, logs or warns of is shown: nbgrader takes anything on stderr for a failure."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # a handler may hold the stream that is replaced below
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(Nowhere()), contextlib.redirect_stdout(Nowhere()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def judge(name, answer, *, seed=SEED):
    """Whether ``answer`` solves the exercise ``name``, and a sentence that says why."""
    with fresh_library() as exercises, quiet():
        verdict = getattr(exercises, name).graded(answer, seed)
    return verdict.passed, repr(verdict)
