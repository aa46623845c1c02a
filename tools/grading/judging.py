"""Judge a hand-in in a process of its own, behind walls where the system offers them: see ``sandbox.py``."""

import ast
import functools
import json
import os
import queue
import re
import secrets
import subprocess
import sys
import threading

from tools.facts import ROOT

SANDBOX = ROOT / "tools" / "grading" / "sandbox.py"
# What a hand-in finds of the book: the library that students have, and in the judge's process the judge.
LIBRARY = {"resnext_lib": str(ROOT / "resnext_lib")}
JUDGE = LIBRARY | {
    name: str(ROOT / name)
    for name in (
        "tools/__init__.py",
        "tools/grading/__init__.py",
        "tools/grading/judge.py",
        "tools/grading/judge_process.py",
    )
}
JUDGED = re.compile(r'^passed, message = judge\("(\w+)", (.*?)\)\nprint\(message\)$', re.MULTILINE | re.DOTALL)
START, GRACE, LINE = 320, 20, 100_000  # seconds for importing PyTorch on a busy machine; beyond a cell's own; characters


class NotRun(Exception):
    """A hand-in that was not run to the end; the message says why."""


def walled_command(settings, *command):
    """The command line that runs ``command`` of the book's Python behind walls."""
    return [sys.executable, "-I", str(SANDBOX), json.dumps(settings), sys.executable, *command]


def judged_in(source):
    """(exercise, expression of the answer) if a graded cell is judged here, otherwise None."""
    found = JUDGED.search(source)
    if found:
        ast.parse(found[2], mode="eval")  # an error here is ours, and must not become anybody's zero
    return found and (found[1], found[2])


def steps(notebook, master):
    """What to do with the cells of a hand-in: locked ones are taken from the teacher's copy ``master``, {id: cell}."""
    made = []
    for number, cell in enumerate(notebook.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        original = master.get(grade_id)
        locked = original is not None and original.metadata["nbgrader"]["locked"]
        source = original.source if locked else cell.source
        if (original or cell).cell_type != "code":
            continue
        found = judged_in(source) if original is not None and original.metadata["nbgrader"]["grade"] else None
        # The teacher's own cells import PyTorch; on a busy machine their time must not cost a student the answer.
        own = locked and not grade_id.endswith("-check")
        step = {"id": grade_id or f"cell {number}"} | ({"patient": True} if own else {})
        made.append(step | ({"name": found[0], "answer": found[1]} if found else {"source": source}))
    return made


def one_line(text):
    """A sentence fit for feedback: one line, of a length that a sentence has."""
    return "".join(c for c in " ".join(str(text).split()) if c.isprintable())[:500]


class Conversation:
    """The lines of a judge's process, one after the other, each within its time."""

    def __init__(self, process, token):
        self.process, self.token, self.lines = process, token, queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in iter(lambda: self.process.stdout.readline(LINE), ""):
            self.lines.put(line)
        self.lines.put(None)

    def send(self, **message):
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise NotRun("its program ended itself") from None

    def receive(self, seconds):
        """The parts of the next line that begins with the token. Raises ``NotRun``."""
        while True:
            try:
                line = self.lines.get(timeout=seconds)
            except queue.Empty:
                raise NotRun("it ran for too long and could not be stopped") from None
            if line is None:
                raise NotRun("its program ended itself")
            token, *parts = line.rstrip("\n").split("\t")
            if token == self.token and parts:
                return parts


def converse(talk, cells, seconds):
    """Have the cells run and judged: {id of a graded cell: [passed, sentence]}."""
    talk.send(token=talk.token, cells=cells, seconds=seconds)
    if talk.receive(START) != ["ready"]:
        raise NotRun("its program did not start")
    verdicts = {}
    for cell in cells:
        limit = START if "patient" in cell else seconds + GRACE
        kind, *parts = talk.receive(limit)
        if "answer" in cell and kind == "verdict" and len(parts) == 2:
            verdicts[cell["id"]] = [parts[0] == "passed", one_line(parts[1])]
        elif "answer" in cell or kind != "ran":
            raise NotRun(f"it said {one_line(kind)!r} of {cell['id']}")
    return verdicts


def judge_apart(cells, hand_in, seconds, walls, log):
    """Run and judge the ``cells`` of a hand-in, with the files of the folder ``hand_in`` beside it. Raises ``NotRun``."""
    settings = {"book": JUDGE, "hand_in": str(hand_in), "walls": walls}
    command = walled_command(settings, "{book}/tools/grading/judge_process.py")
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            return converse(Conversation(process, secrets.token_hex(16)), cells, seconds)
        finally:
            process.terminate()  # the walls' parent then kills all inside
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


PROBE = """
import json, os, socket, sys
reached = [path for path in sys.argv[1:] if os.path.exists(path)]
print(json.dumps({"reached": reached, "networks": [name for _, name in socket.if_nameindex() if name != "lo"]}))
"""


@functools.cache
def walls_problem():
    """None if this system keeps a hand-in from network, files and processes of the teacher's, otherwise what it lacks."""
    if sys.platform != "linux":
        return f"{sys.platform} has no user namespaces"
    tried = walled_command({}, "-c", PROBE, str(ROOT / "chapters"), str(ROOT / "tools" / "grading"))
    done = subprocess.run(tried, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed without a word"])[-1]
    found = json.loads(done.stdout)
    return f"behind the walls it still reached {found}" if found["reached"] or found["networks"] else None


def in_force(seconds):
    """(whether there are walls, what to tell the teacher of them)."""
    problem = walls_problem()
    limits = f"{seconds} seconds a cell, 64 MB a file, 1 MB of output"
    if problem is None:
        return True, (
            "In force for each hand-in: a process of its own; no network, no other hand-in, no key and no file of "
            f"yours in reach; 6 GB of memory, {limits}."
        )
    memory = "6 GB of memory, " if sys.platform == "linux" else ""
    return False, (
        f"In force for each hand-in: a process and a folder of its own, {memory}{limits}.\n"
        f"WARNING: NOT in force: walls round network and files ({problem}). A hand-in can read and delete "
        "what you can, the key and the other hand-ins included. Grade in an account, a virtual machine or a "
        "container that holds nothing else."
    )
