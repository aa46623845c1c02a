"""Which slips in the core would no test notice? ``python -m tools.mutations [MODULE ...] [--sample 40] [--seed 0]``.

A mutant is one module with one thing changed: a comparison, a sum, a number, a condition, a returned value, an error
that is not raised. It is killed when one of the tests that own the module fails. Each mutant runs in a process of its own,
forked after the slow imports, and may use so many seconds of processor time, however busy the machine is.
The sample is drawn with ``seed``. The report is printed as Markdown.
"""

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.util
import os
import random
import sys
from dataclasses import dataclass

from tools.facts import ROOT

# The tests that own a module. Those marked slow or whole are left out, and so are trained networks.
OWNERS = {
    "blocks": ["test_blocks", "test_properties", "test_bad_input"],
    "forms": ["test_forms", "test_properties"],
    "networks": ["test_networks", "test_properties", "test_bad_input"],
    "complexity": ["test_complexity", "test_properties"],
    "weights": ["test_weights", "test_bad_input"],
}
SECONDS = 240  # of processor time for the tests of one mutant: more is a loop without end, which counts as killed
OTHER = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Mutant:
    """What is changed, where, and the whole source with the change in it."""

    module: str
    line: int
    before: str
    after: str
    source: str


def changes(node):
    """Every mutation of one node of a syntax tree, as a function that makes it in place."""
    if isinstance(node, ast.Compare):
        yield from (lambda n, i=i: n.ops.__setitem__(i, OTHER[type(n.ops[i])]()) for i in range(len(node.ops)))
    if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in OTHER:
        yield lambda n: setattr(n, "op", OTHER[type(n.op)]())
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    if isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield lambda n: setattr(n, "value", ast.Constant(None))
    if isinstance(node, ast.Raise):
        yield lambda n: setattr(n, "exc", ast.Name("SystemError", ast.Load()))


def words_of_errors(tree):
    """The nodes inside texts of errors and type hints, which are read and not computed with."""
    inside = set()
    for node in ast.walk(tree):
        texts = [node] if isinstance(node, ast.JoinedStr) else []
        texts += [node.annotation] if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation else []
        texts += [node.returns] if isinstance(node, ast.FunctionDef) and node.returns else []
        inside |= {id(part) for text in texts for part in ast.walk(text)}
    return inside


def source_of(module):
    return (ROOT / "resnext_lib" / f"{module}.py").read_text(encoding="utf-8")


def mutants(module):
    """Every mutant of ``resnext_lib.<module>``, in the order of its source."""
    tree = ast.parse(source_of(module))
    left_out, found = words_of_errors(tree), []
    for number, node in enumerate(ast.walk(tree)):
        for which, _ in enumerate(changes(node)) if id(node) not in left_out else ():
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[number]
            before = first_line(target)
            list(changes(target))[which](target)
            source = ast.unparse(ast.fix_missing_locations(changed))
            found.append(Mutant(module, node.lineno, before, first_line(target), source))
    return sorted(found, key=lambda mutant: mutant.line)


def first_line(node):
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0]


class Exchanged(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in place of the module; whoever asks for its source gets the file's."""

    def __init__(self, mutant):
        self.name, self.source = f"resnext_lib.{mutant.module}", mutant.source
        self.file = str(ROOT / "resnext_lib" / f"{mutant.module}.py")

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.file, loader=self) if name == self.name else None

    def exec_module(self, module):
        exec(compile(self.source, self.file, "exec"), module.__dict__)


def is_killed(mutant):
    """Whether a test fails, in a forked process that has not imported the library yet."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):  # what the mutant raises while it is imported kills it as well
            status = run_tests(mutant)
        os._exit(status)
    return os.waitpid(child, 0)[1] != 0


def run_tests(mutant):
    import resource  # this program needs Linux or macOS: it forks

    import pytest

    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    sys.meta_path.insert(0, Exchanged(mutant))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    files = [str(ROOT / "tests" / "library" / f"{name}.py") for name in OWNERS[mutant.module]]
    early = "ignore::pytest.PytestAssertRewriteWarning"  # plugins that came with the slow imports
    options = ["-W", early, "-o", "addopts=", "-p", "no:cacheprovider", "-x", "-q", "-m", "not slow and not whole"]
    return int(pytest.main([*options, *files]))


def import_what_is_slow():
    """Before the first fork, so that no mutant pays for it; nothing of the library."""
    for name in ("timm", "torch", "torchvision.models", "pytest", "matplotlib.pyplot", "pandas"):
        importlib.import_module(name)
    import torch

    torch.set_num_threads(1)  # threads do not survive a fork
    assert not any(name.startswith("resnext_lib") for name in sys.modules)


def report(module, drawn, total, survivors):
    killed = len(drawn) - len(survivors)
    yield f"## {module}"
    yield ""
    yield f"{total} mutants, {len(drawn)} drawn, {killed} killed ({killed / len(drawn):.0%})."
    yield ""
    yield from (f"- line {mutant.line}: `{mutant.before}` became `{mutant.after}`" for mutant in survivors)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.mutations", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help=f"which of {', '.join(OWNERS)}; all where none is named")
    parser.add_argument("--sample", type=int, default=40, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    if unknown := set(given.modules) - set(OWNERS):
        parser.error(f"{', '.join(sorted(unknown))}: the modules are {', '.join(OWNERS)}")
    os.chdir(ROOT)
    os.environ.setdefault("EXAMPLES", "25")  # a mutant that passes 25 drawn sizes and all others is looked at by hand
    import_what_is_slow()
    for module in given.modules or OWNERS:
        every = mutants(module)
        drawn = random.Random(given.seed).sample(every, min(given.sample, len(every)))
        survivors = []
        if is_killed(Mutant(module, 0, "", "", ast.unparse(ast.parse(source_of(module))))):
            raise SystemExit(f"the tests of {module} fail with nothing changed: mend them first, or every mutant is killed")
        for number, mutant in enumerate(drawn, 1):
            killed = is_killed(mutant)
            survivors += [] if killed else [mutant]
            words = "killed" if killed else "SURVIVED"
            print(f"{module} {number}/{len(drawn)} line {mutant.line} {words}: {mutant.before}", file=sys.stderr, flush=True)
        print("\n".join([*report(module, drawn, len(every), survivors), ""]), flush=True)


if __name__ == "__main__":
    main()
