"""Rows of a study: looked at before they are touched, one writer at a time, whole after a kill, a full disk, a second writer."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studies import rows

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("name", "seed", "loss")
ROW = {"name": "grouped, shuffled", "seed": 3, "loss": 0.25}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.csv"


def test_what_is_written_is_read(path):
    assert rows.read(path, COLUMNS) == []
    for seed in range(3):
        rows.append(path, COLUMNS, ROW | {"seed": seed})
    assert rows.read(path, COLUMNS) == [
        {"name": "grouped, shuffled", "seed": str(seed), "loss": "0.25"} for seed in range(3)
    ]
    assert sorted(file.name for file in path.parent.iterdir()) == ["runs.csv", "runs.csv.lock"]


@pytest.mark.parametrize(
    "content",
    [
        "name,size\na,1\n",
        "name,size\na,1",
        "name,seed,loss,extra\n",
        "seed,name,loss\n",
        "a letter to my aunt",
        "\n",
    ],
)
def test_P5_a_file_of_something_else_is_refused_and_kept_to_the_byte(path, content):
    """A foreign header alone got rows of ours, and a last line without a newline was cut off before anyone looked."""
    path.write_text(content, encoding="utf-8")
    for touch in (lambda: rows.read(path, COLUMNS), lambda: rows.append(path, COLUMNS, ROW)):
        with pytest.raises(ValueError, match="its columns are .*not those of this study.*name another file"):
            touch()
        assert path.read_text(encoding="utf-8") == content


def test_P5_a_last_line_without_a_newline_stays(path):
    path.write_text("name,seed,loss\na,1,0.5\nb,2,0.75", encoding="utf-8")
    assert [row["name"] for row in rows.read(path, COLUMNS)] == ["a", "b"]
    rows.append(path, COLUMNS, ROW)
    assert path.read_text(encoding="utf-8") == 'name,seed,loss\na,1,0.5\nb,2,0.75\n"grouped, shuffled",3,0.25\n'


@pytest.mark.parametrize("line", ["c,3", "c,3,0.5,9"])
def test_P5_a_torn_line_is_named_and_nothing_is_thrown_away(path, line):
    content = f"name,seed,loss\na,1,0.5\n{line}\nb,2,0.75\n"
    path.write_text(content, encoding="utf-8")
    for touch in (lambda: rows.read(path, COLUMNS), lambda: rows.append(path, COLUMNS, ROW)):
        with pytest.raises(ValueError, match=r"runs.csv, line 3: \d values for 3 columns; complete the line or take it out"):
            touch()
        assert path.read_text(encoding="utf-8") == content


def test_P5_a_full_disk_leaves_the_old_file_whole(path):
    """The disk takes no file of more than 4 kB, and the row that goes beyond is refused; every earlier one is there."""
    program = (
        "import resource, sys; from studies import rows\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "for seed in range(1000): rows.append(sys.argv[1], ('seed', 'text'), {'seed': seed, 'text': 'x' * 100})"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode != 0 and "File too large" in result.stderr
    left = rows.read(path, ("seed", "text"))
    assert len(left) > 30 and [int(row["seed"]) for row in left] == list(range(len(left)))
    assert sorted(file.name for file in path.parent.iterdir()) == ["runs.csv", "runs.csv.lock"]


def test_P5_two_writers_lose_nothing_and_write_one_header(path):
    """Four processes, thirty rows each, into a file that is not there yet."""
    program = (
        "import sys; from studies import rows\n"
        "for seed in range(30): rows.append(sys.argv[1], ('writer', 'seed'), {'writer': sys.argv[2], 'seed': seed})"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(n)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        for n in range(4)
    ]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    found = rows.read(path, ("writer", "seed"))
    assert sorted((int(row["writer"]), int(row["seed"])) for row in found) == [(w, s) for w in range(4) for s in range(30)]


def test_P5_a_writer_that_keeps_the_file_is_named(path):
    with rows.locked(path), pytest.raises(TimeoutError, match="runs.csv is being written by another process"):
        rows.locked(path, seconds=0)


@pytest.mark.parametrize("row", [{}, {"name": "a"}, ROW | {"more": 1}])
def test_a_row_of_other_keys_is_refused(path, row):
    with pytest.raises(ValueError, match="row has the keys"):
        rows.append(path, COLUMNS, row)
    assert not path.exists()


def test_values_with_commas_and_quotes_come_back(path):
    rows.append(path, COLUMNS, ROW | {"name": 'a "quoted", odd\nname'})
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == rows.read(path, COLUMNS)
    assert rows.read(path, COLUMNS)[0]["name"] == 'a "quoted", odd\nname'
