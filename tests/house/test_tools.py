"""tools.notebooks re-executes a notebook in place: again changes nothing, and nothing is lost."""

import copy
import subprocess
import sys

import pytest
from nbformat.v4 import new_output
from notebooks_for_tests import code, notebook, save, text

from tools import contract, facts, notebooks
from tools.notebooks import read, text_of

LIVE = dict(tags=["nbval-ignore-output"])


def lively():
    """A printed line in pieces, a result, a figure, two live cells: one that never ran and one that did."""
    made = notebook(
        text("# A chapter"),
        code(
            "import sys\nfor word in ('one', 'two', 'three'):\n    print(word, flush=True)\nprint('aside', file=sys.stderr)\nprint('four')"
        ),
        code("6 * 7"),
        code("from IPython.display import HTML\nHTML('<p>a page</p>')"),
        code("print('measured now')", printed="measured last year\n", **LIVE),
        code("print('measured for the first time')", **LIVE),
    )
    made.cells[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    made.metadata["language_info"] = {"name": "python", "version": "3.0.0", "file_extension": ".py"}
    made.metadata["widgets"] = {}
    for cell in made.cells[1:]:
        cell.execution_count = 99
    return made


def stream(name, printed):
    return new_output("stream", name=name, text=printed)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The notebook before, after one run, after a second, after a fresh one, and what each run said."""
    path = save(lively(), tmp_path_factory.mktemp("runs") / "lively.ipynb")
    found = {"path": path, "before": path.read_text(encoding="utf-8")}
    for run, options in (
        ("stale", ["--check-stable"]),
        ("first", []),
        ("stable", ["--check-stable"]),
        ("fresh", ["--fresh"]),
    ):
        found[f"{run} code"] = notebooks.main([str(path), *options])
        found[run] = path.read_text(encoding="utf-8")
        found[f"{run} cells"] = read(path).cells
    return found


@pytest.mark.slow
def test_a_stale_notebook_fails_the_check_and_is_left_alone(runs):
    assert runs["stale code"] == 1
    assert runs["stale"] == runs["before"]


@pytest.mark.slow
def test_a_second_run_changes_nothing(runs):
    assert runs["first code"] == 0 and runs["first"] != runs["before"]
    assert runs["stable code"] == 0
    assert runs["stable"] == runs["first"]


@pytest.mark.slow
def test_live_outputs_are_kept_and_replaced_when_asked(runs):
    assert [output.text for output in runs["first cells"][4].outputs] == ["measured last year\n"]
    assert [output.text for output in runs["fresh cells"][4].outputs] == ["measured now\n"]


@pytest.mark.slow
def test_a_live_cell_without_output_gets_one(runs):
    assert [output.text for output in runs["first cells"][5].outputs] == ["measured for the first time\n"]


@pytest.mark.slow
def test_only_what_must_be_in_the_file_is_in_it(runs):
    made = read(runs["path"])
    assert made.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all("execution" not in cell.metadata for cell in made.cells)
    assert [cell.execution_count for cell in made.cells[1:]] == [1, 2, 3, 4, 5]
    assert [output.execution_count for output in made.cells[2].outputs] == [2]
    assert [cell["id"] for cell in made.cells] == [f"cell-{number}" for number in range(6)]
    assert contract.executed_in_order(made) == contract.lean_metadata(made) == []


@pytest.mark.slow
def test_outputs_are_what_the_cells_say(runs):
    cells = runs["first cells"]
    printed = {
        name: "".join(output.text for output in cells[1].outputs if output.name == name) for name in ("stdout", "stderr")
    }
    assert printed == {"stdout": "one\ntwo\nthree\nfour\n", "stderr": "aside\n"}
    assert cells[2].outputs[0].data["text/plain"] == "42"
    assert cells[3].outputs[0].data["text/html"] == "<p>a page</p>"


def test_normalising_alone_counts_the_cells():
    made = notebooks.normalise(lively())
    assert [cell.execution_count for cell in made.cells[1:]] == [1, 2, 3, 4, 5]
    assert contract.executed_in_order(made) == contract.lean_metadata(made) == []


PIECES = [
    ([("stdout", "a"), ("stdout", "b"), ("stdout", "c")], [("stdout", "abc")]),
    ([("stdout", "a"), ("stderr", "b"), ("stdout", "c")], [("stdout", "a"), ("stderr", "b"), ("stdout", "c")]),
    ([("stderr", "a"), ("stderr", "b")], [("stderr", "ab")]),
    ([], []),
]


@pytest.mark.parametrize(("pieces", "merged"), PIECES)
def test_pieces_of_one_stream_are_merged(pieces, merged):
    found = notebooks.merge_streams([stream(*piece) for piece in pieces])
    assert [(output.name, output.text) for output in found] == merged


def test_streams_do_not_merge_over_a_figure():
    outputs = [stream("stdout", "a"), new_output("display_data", {"text/plain": "x"}), stream("stdout", "b")]
    assert notebooks.merge_streams(copy.deepcopy(outputs)) == outputs


def test_an_error_in_a_cell_stops_the_run_and_leaves_the_file(tmp_path):
    path = save(notebook(code("raise ValueError('no')")), tmp_path / "wrong.ipynb")
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"(?s)wrong\.ipynb is as it was, because a cell failed:.*ValueError"):
        notebooks.main([str(path)])
    assert path.read_bytes() == before


@pytest.mark.slow
def test_P1_the_other_notebooks_are_executed_and_all_that_failed_are_named(tmp_path, capsys):
    paths = [
        save(notebook(code(source)), tmp_path / f"{name}.ipynb")
        for name, source in (("1_wrong", "raise ValueError('no')"), ("2_right", "6 * 7"), ("3_wrong", "1 / 0"))
    ]
    with pytest.raises(
        SystemExit, match="(?s)1_wrong.ipynb is as it was.*ValueError.*3_wrong.ipynb is as it was.*ZeroDivisionError"
    ) as error:
        notebooks.main([str(tmp_path)])
    assert "2_right" not in str(error.value) and read(paths[1]).cells[0].outputs[0].data["text/plain"] == "42"
    assert [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()] == ["FAILED", "changed", "FAILED"]


def test_P1_what_somebody_saved_while_the_notebook_ran_is_not_overwritten(tmp_path):
    path = save(
        notebook(
            code(
                "from pathlib import Path\nfile = Path('mine.ipynb')\n"
                "_ = file.write_text(file.read_text('utf-8').replace('cell-0', 'cell-mine'), 'utf-8')\n6 * 7"
            )
        ),
        tmp_path / "mine.ipynb",
    )
    with pytest.raises(SystemExit, match="mine.ipynb was saved by another program while it ran"):
        notebooks.main([str(path)])
    assert "cell-mine" in path.read_text(encoding="utf-8") and read(path).cells[0].outputs == []


def test_a_folder_stands_for_its_notebooks(tmp_path):
    names = ["02_b.ipynb", "01_a.ipynb"]
    for name in [*names, "notes.txt"]:
        (tmp_path / name).write_text("", encoding="utf-8")
    assert notebooks.chapters_in([tmp_path]) == [tmp_path / name for name in sorted(names)]
    assert notebooks.chapters_in([str(tmp_path / "02_b.ipynb")]) == [tmp_path / "02_b.ipynb"]


@pytest.mark.parametrize("path", notebooks.chapters_in([facts.ROOT / "chapters"]), ids=lambda path: path.stem)
def test_chapters_are_stored_as_the_tool_writes_them(path):
    assert text_of(notebooks.normalise(read(path))) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["tools.notebooks"], "required: paths"),
        (["tools.address", "one", "two", "three"], "python -m tools.address https://"),
        (["tools.address", "not-an-address"], "the address must look like"),
    ],
)
def test_a_wrong_call_explains_itself(command, says):
    result = subprocess.run([sys.executable, "-m", *command], cwd=facts.ROOT, capture_output=True, text=True)
    assert result.returncode != 0 and says in result.stderr
