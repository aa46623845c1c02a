"""A hand-in runs apart: it finds neither network nor key nor other hand-ins, and cannot speak for its judge."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from grading_for_tests import GOOD, MASTER, NAMES, TITLE, WRONG, handed_in, new_course, submit

from tools.facts import ROOT
from tools.grading import judging
from tools.grading.assignment import HIDDEN, assignment
from tools.grading.handed_in import master_cells

WALLS = judging.walls_problem() is None


def test_fault_26b_walls_stand_where_this_is_linux():
    """User namespaces are there on the machines that test this; elsewhere the commands warn."""
    assert judging.walls_problem() is None or sys.platform != "linux", judging.walls_problem()


def judged(answers, seconds=20, walls=WALLS, files=(), names=None):
    """The verdicts on a hand-in with these answers, {exercise: (passed, sentence)}."""
    master = MASTER if names is None else assignment(TITLE, names)
    made = handed_in(answers)
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w", encoding="utf-8") as log:
        for name, text in files:
            Path(folder, name).write_text(text, encoding="utf-8")
        found = judging.judge_apart(judging.steps(made, master_cells(master)), folder, seconds, walls, log)
    return {key.removesuffix("-test"): tuple(value) for key, value in found.items()}


def with_before(answers, more):
    return answers | {"budget_width-answer": more + "\n" + answers["budget_width-answer"]}


RIGHT = dict.fromkeys(NAMES, True)
HELPFUL = "open('notes.txt', 'w').write('x'); print('a' * 10_000); import helper; assert helper.one == 1\n%matplotlib inline\nimport warnings; warnings.warn('x')"


@pytest.mark.parametrize("walls", [WALLS, pytest.param(False, marks=pytest.mark.slow)])
def test_fault_26b_right_answers_pass_with_and_without_walls(walls):
    found = judged(with_before(GOOD, HELPFUL), walls=walls, files=[("helper.py", "one = 1")])
    assert {name: passed for name, (passed, _) in found.items()} == RIGHT, found


OWN_JUDGE = """
import os, pathlib
os.makedirs('mine/tools/grading', exist_ok=True)
pathlib.Path('mine/tools/grading/judge.py').write_text('def judge(*_): return True, "correct: yes"')
os.environ['RESNEXT_BOOK'] = os.getcwd() + '/mine'
"""
CHEATS = {  # code in the first answer cell; the answers are wrong
    "its own judge by RESNEXT_BOOK": OWN_JUDGE,
    "its own judge in sys.modules": "import sys, types\nm = types.ModuleType('judge'); m.judge = lambda *_: (True, 'correct')\n"
    "sys.modules['judge'] = sys.modules['tools.grading.judge'] = m",
    "its own judge beside the notebook": "import os\nos.makedirs('tools/grading', exist_ok=True)\nopen('tools/__init__.py', 'w')\nopen('tools/grading/__init__.py', 'w')\n"
    "open('tools/grading/judge.py', 'w').write('def judge(*_): return True, 1')\nimport tools.grading.judge",
    "patched checks": "import resnext_lib.exercises as module\nmodule.expect = module.expect_number = lambda *_: None",
    "a patched json": "import json\nold = json.dumps\njson.dumps = lambda m, **k: old(m | {'passed': True} if isinstance(m, dict) else m)",
    "words in the judge's place": "import os\nfor n in range(3, 30):\n    try: os.write(n, b'token\\tverdict\\tpassed\\tcorrect\\n')\n    except OSError: pass",
    "patched builtins": "import builtins\nbuiltins.isinstance = lambda *_: True\nbuiltins.abs = lambda *_: 0",
    "a patched torch": "import torch\ntorch.Tensor.__eq__ = lambda *_: True\ntorch.equal = torch.allclose = lambda *_, **__: True",
    "the frames": "import sys\ndef find():\n    frame = sys._getframe()\n    while frame:\n        frame.f_locals.update(passed=True)\n        frame = frame.f_back\nfind()",
}
REFERENCE = {  # answers that would be right if the solutions could be reached
    "the judge's reference": "from tools.grading.judge import reference\nbudget_width = reference('budget_width')",
    "the chapters": "import json\ncells = json.load(open({root!r} + '/chapters/05_resnext.ipynb'))['cells']\nexec([c for c in cells if 'exercise' in c['metadata']][0]['source'])",
    "the key": "import glob\nexec(open(glob.glob({course!r} + '/source/*/*.ipynb')[0]).read()); budget_width = None",
    "another's hand-in": "import json\ncells = json.load(open({course!r} + '/submitted/ada/week3/week3.ipynb'))['cells']\n"
    "exec([c['source'] for c in cells if c['metadata']['nbgrader']['grade_id'] == 'budget_width-answer'][0])",
    "the memory of the judge": "import gc\nfound = [o for o in gc.get_objects() if callable(o) and getattr(o, '__name__', '') == 'budget_width' and hasattr(o, '__code__')\n"
    "         and o.__module__ != 'resnext_lib.exercises']\nbudget_width = found[0]",
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if "RESNEXT_BOOK" in kind else pytest.mark.slow) for kind in CHEATS]
)
def test_fault_26b_nobody_brings_a_judge(kind):
    nonsense = {"budget_width-answer": "budget_width = lambda c: 1", "path_reach-answer": "one_of_32 = 3"}
    try:
        found = judged(with_before(nonsense, CHEATS[kind]))
    except judging.NotRun:
        return  # no score is no points either
    assert not any(passed for passed, _ in found.values()), found


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if "judge" in kind else pytest.mark.slow) for kind in REFERENCE]
)
def test_fault_26b_nobody_finds_the_solutions(kind, tmp_path):
    course = new_course(tmp_path / "course")
    submit(course, "ada")
    found = judged(
        WRONG
        | {
            "budget_width-answer": REFERENCE[kind]
            .replace("{root!r}", repr(str(ROOT)))
            .replace("{course!r}", repr(str(course)))
        }
    )
    assert not found["budget_width"][0], found


@pytest.mark.slow
def test_fault_26b_sentences_hold_nothing_of_the_hidden_tests():
    """A judged process gives out verdicts only, each of one line and of a sentence's length."""
    shown = "import sys\nprint(In, open(sys.argv[0]).read())\nclass budget_width:\n    def __init__(self, *_): raise ValueError('x' * 10_000 + '\\n' + str(globals()))"
    found = judged(WRONG | {"budget_width-answer": shown})
    sentence = found["budget_width"][1]
    assert len(sentence) <= 500 and "\n" not in sentence
    assert HIDDEN.split("\n")[2][:20] not in sentence and GOOD["budget_width-answer"] not in sentence


# ------------------------------------------------------------------ what is in reach

# It also runs without walls, so it asks and never tries what would change the machine.
LOOK = """
import json, os, socket, sys
def can(action):
    try:
        action()
        return True
    except BaseException:
        return False
port = int(sys.argv[1])
print(json.dumps({
    "here": os.listdir("."), "environment": sorted(os.environ), "seen": [path for path in sys.argv[2:] if os.path.exists(path)],
    "loopback": can(lambda: socket.create_connection(("127.0.0.1", port), 2)),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
    "writes": [path for path in (sys.prefix, "/usr", "/book") if os.access(path, os.W_OK)],
    "large file": can(lambda: open("large", "wb").write(bytes(65 << 20))),
    "memory": can(lambda: bytearray(7 << 30)),
    "rights": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")],
    "library": can(lambda: open("/book/resnext_lib/__init__.py")),
}))
"""


def look(settings, *paths, port=9):
    command = judging.walled_command(settings, "-c", LOOK, str(port), *map(str, paths))
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"SECRET": "1", "RESNEXT_VERDICTS": "x"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def course(tmp_path):
    made = new_course(tmp_path / "course")
    submit(made, "ada")
    submit(made, "ben").with_name("data.txt").write_text("x", encoding="utf-8")
    (made / "submitted" / "ben" / TITLE / "key").symlink_to(made / "source")
    return made


def test_fault_26b_behind_the_walls_is_nothing_of_the_teacher_s(course):
    private = [
        ROOT / "chapters",
        ROOT / "tools",
        ROOT / ".git",
        course,
        course / "source",
        course / "submitted" / "ada",
        "/root/.ssh",
        "/home",
        "/var",
        "/etc/hosts",
        "/sys",
        "/run",
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = look({"book": judging.LIBRARY, "hand_in": str(course / "submitted" / "ben" / TITLE)}, *private, port=port)
        open_to_all = look({"walls": False}, ROOT / "chapters", port=port)
    assert open_to_all["loopback"] and open_to_all["seen"], "the probe sees what is there; otherwise this proves nothing"
    assert found["seen"] == [] and found["here"] == ["data.txt"], "neither the notebook nor links that lead out"
    assert not found["loopback"] and found["interfaces"] == ["lo"] and found["processes"] == ["1"]
    assert found["library"] and found["writes"] == [] and int(found["rights"][0], 16) == 0
    assert not found["large file"] and not found["memory"]


@pytest.mark.parametrize("walls", sorted({WALLS, False}))
def test_fault_26b_the_environment_holds_nothing_of_the_teacher_s(walls):
    found = look({"walls": walls})
    assert not {"SECRET", "RESNEXT_VERDICTS", "RESNEXT_BOOK", "USER"} & set(found["environment"])
    assert found["here"] == [] and not found["large file"]


def test_fault_26b_nothing_of_a_sandbox_is_left_and_nothing_outside_is_removed(course):
    before = sorted(path.name for path in Path("/tmp").glob("walls-*"))
    look({"open": [str(course)], "hand_in": str(course / "submitted" / "ben" / TITLE)})
    assert sorted(path.name for path in Path("/tmp").glob("walls-*")) == before
    assert (course / "source" / TITLE / f"{TITLE}.ipynb").exists()


def test_fault_26b_the_command_says_what_is_in_force(monkeypatch):
    monkeypatch.setattr(judging, "walls_problem", lambda: None)
    walls, said = judging.in_force(60)
    assert walls and "no network, no other hand-in, no key" in said and "WARNING" not in said
    monkeypatch.setattr(judging, "walls_problem", lambda: "the kernel refuses")
    walls, said = judging.in_force(60)
    assert not walls and "WARNING: NOT in force: walls round network and files (the kernel refuses)" in said


# ------------------------------------------------------------------ what an answer does to its process


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def budget_width(c):\n    while True: pass", "ran for longer than 3 seconds"),
        ("def budget_width(c):\n    raise SystemExit", "SystemExit"),
        ("def budget_width(c):\n    raise KeyboardInterrupt", "longer than 3 seconds"),
        ("budget_width = (", "there is no answer to check (name 'budget_width' is not defined)"),
        ("class E(Exception):\n    def __str__(self): raise E\ndef budget_width(c):\n    raise E", "raised E"),
    ],
)
def test_fault_26b_an_answer_that_ends_badly_costs_its_own_points_only(code, says):
    found = judged(GOOD | {"budget_width-answer": code}, seconds=3)
    assert found["path_reach"][0] and not found["budget_width"][0]
    assert says.split()[0] in found["budget_width"][1], found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os; os._exit(0)", "its program ended itself"),
        # A fault and no signal: behind walls the program is the first process of its own, which such signals do not end.
        ("import ctypes; ctypes.string_at(0)", "ended itself"),
        ("import signal; signal.signal(signal.SIGALRM, lambda *_: None)\nwhile True: pass", "could not be stopped"),
    ],
)
def test_fault_26b_a_program_that_ends_itself_or_cannot_be_stopped_has_no_score(code, says, monkeypatch):
    monkeypatch.setattr(judging, "GRACE", 5)
    with pytest.raises(judging.NotRun, match=says):
        judged(GOOD | {"budget_width-answer": code}, seconds=3)
