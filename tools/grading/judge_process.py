"""The program behind the walls that judges a hand-in: it runs the cells in order, and the judge where a graded cell stands.

It speaks with ``judging.py`` in lines, written by what a cell cannot replace.
What the cells print goes nowhere, so nothing that they find can come back but a verdict.
The solutions are not in here: the judge is the student's own check, on other inputs.
"""

import _thread
import builtins
import json
import os
import runpy
import signal
import sys
import threading
from pathlib import Path

import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import nn
from traitlets.config import Config

# Not imported: in sys.modules a cell would find it, and could replace its parts.
JUDGE = runpy.run_path(str(Path(__file__).with_name("judge.py")))["judge"]
PATIENCE = 300  # seconds for a cell of the teacher's, which imports what answers need
MAY_CHANGE = {"print", "input", "open", "display", "_"}  # of the builtins; students redirect these


class TooLong(KeyboardInterrupt):
    """Raised in a cell that ran for longer than it may. Not an Exception, which the cell might catch."""


class Shell(InteractiveShell):
    """IPython as in a kernel: ``%matplotlib inline`` asks for no event loop."""

    def enable_gui(self, gui=None):
        pass


class Channel:
    """Standard input and output, taken away from the cells. Every line begins with the token that opened it."""

    def __init__(self):
        self.read = os.fdopen(os.dup(0), encoding="utf-8")
        self.number, self.put = os.dup(1), os.write
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nowhere, number)
        self.token = ""

    def receive(self, read=json.loads):
        return read(self.read.readline())

    def send(self, *parts):
        """Send one line: the token and the parts, without what would end the line or a part."""
        line = "\t".join([self.token, *(" ".join(part.split()) for part in parts)])
        data = (line[:50_000] + "\n").encode("utf-8", "replace")
        while data:
            data = data[self.put(self.number, data) :]


def within(seconds, action):
    """What ``action`` returns. Raises ``TooLong`` in it after so many seconds."""

    def stop(*_):
        raise TooLong

    if not hasattr(signal, "setitimer"):  # Windows
        timer = threading.Timer(seconds, _thread.interrupt_main)
        timer.start()
        try:
            return action()
        finally:
            timer.cancel()
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return action()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def foundations():
    """What checks are built on, {(owner, name): object}: a cell that replaces any of it would judge itself."""
    kinds = [kind for kind in vars(nn).values() if isinstance(kind, type)]
    owners = [builtins, torch, torch.Tensor, nn, nn.functional, nn.Module, *kinds]
    return {
        (owner.__name__, name): part
        for owner in owners
        for name, part in list(vars(owner).items())
        if callable(part) and not (owner is builtins and name in MAY_CHANGE)
    }


def changed(before):
    """The name of a foundation that is no longer what it was, or None."""
    now = foundations()
    return next((".".join(key) for key, part in before.items() if now.get(key) is not part), None)


def verdict(cell, shell):
    """(passed, sentence) on the answer that a graded cell asks for."""
    try:
        answer = eval(cell["answer"], shell.user_ns)  # noqa: S307 -- the assignment's own expression
    except NameError as error:  # any other error is ours, and ends this process without a verdict
        return False, f"not yet: there is no answer to check ({error}); does its cell run?"
    return JUDGE(cell["name"], answer)


def judged(cell, shell, seconds, before):
    """(passed, sentence), whatever the answer does."""
    compile(cell["answer"], "answer", "eval")
    try:
        passed, message = within(seconds, lambda: verdict(cell, shell))
    except KeyboardInterrupt:
        passed, message = False, f"not yet: your answer ran for longer than {seconds} seconds, and was stopped"
    except BaseException as error:  # SystemExit, or an error that cannot even be printed
        passed, message = False, f"not yet: your code raised {type(error).__name__}"
    if found := changed(before):
        return False, f"not yet: your code replaces {found}, which the tests rely on; leave it as it is"
    return passed, message


def run(cell, shell, seconds):
    """Run a cell as a kernel does: an error ends the cell, not the notebook."""
    own = "patient" in cell
    try:
        within(PATIENCE if own else seconds, lambda: shell.run_cell(cell["source"], store_history=True))
    except BaseException:  # whatever it was, the next cells are run
        if own:
            os._exit(1)  # without what the teacher's cell prepares, right answers would fail


def main():
    channel = Channel()
    opening = channel.receive()
    seconds, channel.token = opening["seconds"], opening["token"]
    shell = Shell.instance(config=Config(HistoryManager={"enabled": False}))
    sys.path[0] = ""  # as in a kernel: what was handed in beside the notebook can be imported
    run({"source": "pass", "patient": True}, shell, seconds)
    before = foundations()
    channel.send("ready")
    for cell in opening["cells"]:
        if "answer" in cell:
            passed, message = judged(cell, shell, seconds, before)
            channel.send("verdict", "passed" if passed is True else "failed", message)
        else:
            run(cell, shell, seconds)
            channel.send("ran")
    os._exit(0)  # nothing that a cell left behind is waited for


if __name__ == "__main__":
    main()
