"""The hidden test of every exercise. It runs beside the student's code and trusts as little of it as it can.

- The check and the library come fresh from the book's folder, so a redefined check or a patched ``resnext_lib`` is not used.
- Answers may consist of Python's and PyTorch's own types only, so an object that equals everything is refused.
- Functions of whole numbers are called again with other numbers, and compared with the chapter's solution.
- Where the exercise says "with ``nn`` only", a block taken from the library is refused.

A hand-in shares its process with this module, so code that patches PyTorch or Python itself can still cheat.
It runs behind the walls of ``sandbox.py``, and neither solutions nor other hand-ins are in there.
"""

import contextlib
import functools
import importlib
import io
import sys
import warnings
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

BOOK = Path(__file__).resolve().parents[2]
FROM_SCRATCH = {"inception_3a", "bottleneck", "resnext_block", "form_a"}  # "with nn only", "from a blank cell"
SIMPLE = (bool, int, float, complex, str, bytes, type(None), type(...), torch.Tensor, nn.Parameter, torch.Size, torch.dtype)


class Refused(Exception):
    """The answer is not made of plain things; the message says which."""


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
    """nbgrader takes any warning on stderr for a failure, so none is let through."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def plain(value):
    """``value`` if it consists of honest modules and of Python's and PyTorch's own types, by their exact type."""
    kind = type(value)
    if isinstance(value, nn.Module):
        return honest(value, from_scratch=False)
    if kind in (list, tuple):
        return kind(map(plain, value))
    if kind in (dict, OrderedDict):
        return kind((plain(key), plain(part)) for key, part in value.items())
    if kind not in SIMPLE:
        raise Refused(f"your answer contains a {kind.__name__}; give plain numbers, texts, lists, dictionaries or tensors")
    return value


def has_own_equality(value):
    return type(value).__eq__ is not object.__eq__ and type(value).__module__.split(".")[0] not in (
        "builtins", "collections", "torch")


def honest(module, from_scratch):
    """``module`` if no part of it pretends: own ``==``, own ``__call__``, or the library's block where nn was asked for."""
    for part in module.modules():
        kind = type(part)
        if kind.__call__ is not nn.Module.__call__ or any(map(has_own_equality, vars(part).values())):
            raise Refused(f"{kind.__name__} redefines == or __call__")
        if from_scratch and any(base.__module__.split(".")[0] == "resnext_lib" for base in kind.__mro__):
            raise Refused(f"{kind.__name__} comes from resnext_lib; write it with nn only")
    module.register_forward_hook(lambda _module, _inputs, output: plain(output))
    return module


def guard(answer, from_scratch, calls):
    """``answer`` with everything that it gives out checked; notes in ``calls`` what it was called with."""
    if isinstance(answer, nn.Module):
        return honest(answer, from_scratch)
    if not callable(answer):
        return plain(answer)

    def guarded(*arguments):
        given = answer(*arguments)
        if not isinstance(given, nn.Module):
            calls.append(arguments)
        return guard(given, from_scratch, [])

    return guarded


@functools.cache
def reference(name):
    """The chapter's own solution of an exercise."""
    assignment = importlib.import_module("tools.grading.assignment")
    notebook, index = assignment.exercises_of()[name]
    namespace = {}
    for cell in assignment.cells_for(name, notebook, index, points=0):
        if cell.cell_type == "code" and not cell.metadata["nbgrader"]["grade"]:
            exec(cell.source, namespace)  # noqa: S102 -- the book's own code
    return eval(assignment.answer_in(notebook.cells[index + 1].source, name), namespace)  # noqa: S307


def complaint_at(name, numbers, found):
    """What is wrong with the answer ``found`` for ``numbers``, or None. Asked outside the process that runs a hand-in."""
    right = reference(name)(*numbers)
    if found == right:
        return None
    return f"right for the numbers of the check, but for {numbers} it gives {found} instead of {right}"


def at_other_numbers(name, answer, calls, complaint):
    """Call functions of whole numbers again, with every number doubled. Returns a complaint or None."""
    doubled = [tuple(2 * a for a in given) for given in calls if given and all(type(a) is int for a in given)]
    return next(filter(None, (complaint(name, numbers, answer(*numbers)) for numbers in doubled)), None)


def judge(name, answer, complaint=complaint_at):
    """Whether ``answer`` solves the exercise ``name``, and a sentence that says why.

    ``complaint`` compares with the solution. A process that runs a hand-in holds no solution, and asks another one.
    """
    calls = []
    with fresh_library() as exercises, quiet():
        try:
            guarded = guard(answer, name in FROM_SCRATCH, calls)
            verdict = getattr(exercises, name)(guarded)
            problem = at_other_numbers(name, guarded, list(calls), complaint) if verdict.passed else None
        except Exception as error:  # whatever the answer raises is part of the answer
            return False, f"not yet: {error}"
    return (False, f"not yet: {problem}") if problem else (verdict.passed, repr(verdict))
