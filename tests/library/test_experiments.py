"""The experiments: budgets that hold, runs that resume and repeat, statistics that are right."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from resnext_lib import data, experiments, training
from resnext_lib.complexity import count_macs, count_parameters
from resnext_lib.experiments import Configuration, column
from resnext_lib.published import evidence
from studies import experiments as command_line

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = Configuration(1, 64)


# ------------------------------------------------------------------ the configurations


def test_the_same_budget_is_the_same_within_4_per_cent():
    counts = [count_parameters(c.build()) for c in experiments.SAME_BUDGET]
    assert max(abs(count / counts[0] - 1) for count in counts) < 0.04
    assert {c.cardinality for c in experiments.SAME_BUDGET} >= {1, 2, 4, 8, 16}


def test_the_bigger_networks_agree_among_themselves_within_1_per_cent():
    counts = [count_parameters(c.build()) for c in experiments.TWICE_THE_BUDGET]
    assert max(counts) / min(counts) < 1.01 and 1.7 < counts[0] / count_parameters(REFERENCE.build()) < 2.1


def test_names_are_unique_and_say_what_they_are():
    everything = {c for study in experiments.STUDIES.values() for c in study}
    assert len({str(c) for c in everything}) == len(everything)
    assert str(Configuration(16, 8, 38, False)) == "16x8d depth 38 without shortcuts"


def test_a_block_without_shortcut_gives_its_transform_only():
    torch.manual_seed(0)
    block = experiments.BlockWithoutShortcut(16, 8, 32, stride=2).eval()
    x = torch.randn(2, 16, 6, 6)
    assert torch.equal(block(x), torch.relu(block.transform(x)))
    assert not [name for name in block.state_dict() if "downsample" in name]


def test_without_shortcuts_the_transforms_are_the_same_modules():
    with_them, without = (
        Configuration(16, 8).build().state_dict(),
        Configuration(16, 8, shortcuts=False).build().state_dict(),
    )
    assert [name for name in with_them if "downsample" not in name] == list(without)


# ------------------------------------------------------------------ the command


def command(*arguments):
    return [sys.executable, "-m", "studies.experiments", *map(str, arguments)]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def call(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=environment(), cwd=ROOT)


def rows_in(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SHORT = ("cardinality", "--images", 300, "--epochs", 1)


@pytest.mark.slow
def test_a_killed_study_goes_on_and_loses_at_most_the_run_in_progress(tmp_path):
    """A real process, killed after its first rows; the same command then does the rest, and only the rest."""
    path = tmp_path / "runs.csv"
    process = subprocess.Popen(
        command(*SHORT, "--seeds", 1, "--csv", path), env=environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout:
            if line.startswith("2/9"):
                break
        time.sleep(0.3)  # in the middle of the third run
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    kept = rows_in(path)
    assert 2 <= len(kept) < 9
    result = call(*SHORT, "--seeds", 1, "--csv", path)
    assert result.returncode == 0, result.stderr
    assert f"{9 - len(kept)} runs to do, {len(kept)} rows" in result.stdout
    rows = rows_in(path)
    assert rows[: len(kept)] == kept
    assert sorted(row["configuration"] for row in rows) == sorted(str(c) for c in experiments.STUDIES["cardinality"])
    assert call(*SHORT, "--seeds", 1, "--csv", path).stdout.startswith("0 runs to do, 9 rows")


@pytest.mark.slow
def test_a_row_repeats_to_the_last_digit_on_the_same_machine(tmp_path):
    path = tmp_path / "runs.csv"
    call(*SHORT, "--only", "8x14d", "--seeds", "3-3", "--csv", path)
    before = path.read_bytes()
    result = call(*SHORT, "--only", "8x14d", "--seeds", "3-3", "--csv", path, "--repeat")
    accuracy = rows_in(path)[0]["test_accuracy"]
    assert f"test accuracy {accuracy} (in the CSV: {accuracy})" in result.stdout, result.stdout + result.stderr
    assert path.read_bytes() == before


def test_fault_1_a_machine_without_git_loses_no_run(monkeypatch):
    """Git was asked after the training, and a machine without it lost the run."""
    asked = []
    monkeypatch.setattr(training, "train", lambda *arguments, **options: asked.append("trained"))
    monkeypatch.setattr(experiments, "circumstances", lambda device: asked.append("where") or {})
    few = data.fashion_subset("test")
    few = few._replace(pixels=few.pixels[:20], labels=few.labels[:20])
    experiments.run(Configuration(1, 64), 0, few, few, training.Recipe(epochs=1))
    assert asked == ["where", "trained"]
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "")
    assert experiments.circumstances()["revision"] == "no git"


def test_a_row_says_what_was_run_and_where(tmp_path):
    images = {split: data.fashion_subset(split) for split in ("train", "test")}
    few = images["train"]._replace(pixels=images["train"].pixels[:200], labels=images["train"].labels[:200])
    row = experiments.run(Configuration(16, 8), 5, few, few, training.Recipe(epochs=1, channels_last=True))
    assert set(row) == set(experiments.COLUMNS)
    network = Configuration(16, 8).build()
    assert (row["parameters"], row["macs"]) == (count_parameters(network), count_macs(network, (1, 28, 28)))
    assert (row["images"], row["epochs"], row["seed"], row["threads"]) == (200, 1, 5, torch.get_num_threads())
    assert row["train_loss"] == row["test_loss"] and 0 < row["train_accuracy"] < 1
    assert torch.__version__.split("+")[0] in row["versions"] and row["device"] and row["revision"]


@pytest.mark.slow
def test_the_full_set_is_read_from_its_files(tmp_path):
    result = call("cardinality", "--full", tmp_path, "--csv", tmp_path / "runs.csv")
    assert result.returncode != 0 and "train-images-idx3-ubyte" in result.stderr and "download=True" in result.stderr


@pytest.mark.slow
def test_the_list_names_every_configuration_with_its_cost():
    lines = call("shortcuts", "--list").stdout.splitlines()
    assert len(lines) == 8
    assert f"{count_parameters(Configuration(16, 8, 38).build()):,} parameters" in lines[6]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["depth"], "invalid choice: 'depth'"),
        (["cardinality", "--only", "3x3d"], "--only '3x3d': this study has"),
        (["cardinality", "--seeds", "many"], "write a number of seeds such as 5, or a range such as 3-5"),
        (["cardinality", "--threads", "0"], "--threads: '0': a whole number of 1 or more is needed"),
        (["cardinality", "--epochs", "-2"], "--epochs: '-2': a whole number of 1 or more is needed"),
        (["cardinality", "--images", "0"], "--images: '0': a whole number of 1 or more is needed"),
        (["cardinality", "--csv", "absent/runs.csv"], "--csv absent/runs.csv: its folder does not exist"),
        (["cardinality", "--device", "no such"], "--device: device='no such' cannot be used here; this machine has: cpu"),
        (["cardinality", "--device", "cuda:99"], "--device: device='cuda:99' cannot be used here; this machine has: cpu"),
    ],
)
def test_fault_11b_a_wrong_argument_is_answered(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command_line.main(arguments)
    assert message in capsys.readouterr().err


def test_P5_a_csv_of_something_else_is_refused_before_anything_runs(tmp_path):
    path = tmp_path / "other.csv"
    for options in ([], ["--repeat"]):
        path.write_text("name,size\na,1", encoding="utf-8")
        with pytest.raises(ValueError, match="other.csv: its columns are .*not those of this study"):
            command_line.main(["cardinality", "--csv", str(path), *options])
        assert path.read_text(encoding="utf-8") == "name,size\na,1"


@pytest.mark.parametrize("text, wanted", [("3", [0, 1, 2]), ("4-6", [4, 5, 6]), ("7-7", [7])])
def test_seeds_are_a_number_or_a_range(text, wanted):
    assert command_line.seeds(text) == wanted


# ------------------------------------------------------------------ reading rows


def rows_of(**accuracies):
    return [
        {"configuration": name, "seed": str(seed), "test_accuracy": str(value)}
        for name, values in accuracies.items()
        for seed, value in enumerate(values)
    ]


def test_an_unknown_configuration_is_answered_with_the_known():
    with pytest.raises(ValueError, match=r"no run of configuration='c'; there is \['a', 'b'\]"):
        column(rows_of(a=[1, 2], b=[1, 2]), "c", "test_accuracy")


# ------------------------------------------------------------------ the committed runs


def test_the_committed_studies_are_complete():
    """Every configuration of a study with the seeds that the chapters speak of, none twice."""
    rows = evidence("experiments")
    runs = [(row["configuration"], int(row["seed"])) for row in rows]
    assert len(set(runs)) == len(runs)
    for configuration in experiments.STUDIES["cardinality"]:
        assert {seed for name, seed in runs if name == str(configuration)} >= {0, 1, 2, 3, 4}, configuration
    for configuration in experiments.STUDIES["shortcuts"]:
        assert {seed for name, seed in runs if name == str(configuration)} >= {0, 1, 2}, configuration


@pytest.mark.slow
def test_the_committed_rows_are_of_todays_networks():
    by_name = {str(c): c for study in experiments.STUDIES.values() for c in study}
    for row in evidence("experiments"):
        network = by_name[row["configuration"]].build()
        assert int(row["parameters"]) == count_parameters(network)
        assert int(row["macs"]) == count_macs(network, (1, 28, 28))
        assert (row["images"], row["epochs"]) == ("10000", "6")


@pytest.mark.slow
def test_a_committed_row_can_be_reproduced():
    """On the machine that made it to the digit; elsewhere within the spread of the configuration's seeds."""
    rows = evidence("experiments")
    torch.set_num_threads(1)
    images = {split: data.fashion_subset(split) for split in ("train", "test")}
    again = experiments.run(Configuration(16, 8), 0, images["train"], images["test"])
    values = list(experiments.column(rows, "16x8d", "test_accuracy").values())
    assert min(values) - 0.01 <= again["test_accuracy"] <= max(values) + 0.01
