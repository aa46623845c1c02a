"""The study of cardinality: arms that are what the protocol says, runs that are paired, resume and repeat, rows that are whole."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from resnext_lib import data
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_macs, count_parameters
from studies import rows
from studies.cardinality import run as study
from studies.cardinality.__main__ import main
from studies.cardinality.analyse import COMPARISON_COLUMNS, analyse
from studies.cardinality.arms import (
    ARMS,
    PICTURE,
    SparseConv2d,
    build,
    macs,
    random_connections,
    sets_apart,
    some_connections,
)
from tools.facts import ROOT

PROTOCOL = study.PROTOCOL.read_text(encoding="utf-8")
RUNS = rows.read(study.HERE / "runs.csv", study.RUN_COLUMNS)
RATES = rows.read(study.HERE / "learning_rates.csv", study.RATE_COLUMNS)


def few(count):
    train, test = data.fashion_subset("train"), data.fashion_subset("test")
    return {
        "train": train._replace(pixels=train.pixels[:count], labels=train.labels[:count]),
        "validation": test._replace(pixels=test.pixels[:60], labels=test.labels[:60]),
        "test": test._replace(pixels=test.pixels[60:160], labels=test.labels[60:160]),
    }


# ------------------------------------------------------------------ the arms


@pytest.mark.parametrize("arm", ARMS)
def test_the_protocol_states_each_arm_as_it_is(arm):
    network = build(arm, seed=0)
    row = next(line for line in PROTOCOL.splitlines() if line.startswith(f"| {arm} |"))
    widths = [network.get_submodule(f"layer{stage}.0").width for stage in (1, 2, 3)]
    for value in (f"{count_parameters(network):,}", f"{macs(arm):,}", ", ".join(map(str, widths))):
        assert value in row, (value, row)


def test_no_group_width_of_an_arm_is_floored_and_the_grouped_middle_is_twice_as_wide():
    for _, bottleneck_width, _ in ARMS.values():
        assert all(bottleneck_width * stage_width % 64 == 0 for stage_width in (16, 32, 64))
    for stage in (1, 2, 3):
        narrow, grouped = (build(arm, 0).get_submodule(f"layer{stage}.0") for arm in ("narrow", "grouped"))
        assert grouped.width == 2 * narrow.width and grouped.width // grouped.cardinality >= 2


@pytest.mark.parametrize("channels, reads", [(32, 2), (64, 4), (128, 8), (6, 6), (5, 2)])
def test_every_output_reads_d_inputs_and_every_input_is_read_d_times(channels, reads):
    torch.manual_seed(0)
    inputs = random_connections(channels, reads)
    assert inputs.shape == (channels, reads)
    assert all(len(set(row)) == reads for row in inputs.tolist())
    assert torch.bincount(inputs.flatten(), minlength=channels).tolist() == [reads] * channels


@pytest.mark.parametrize("stride", [1, 2])
def test_the_sparse_layer_is_a_dense_convolution_with_a_mask(stride):
    """Forward and gradient, in float64, against nn.Conv2d whose weight is masked by hand, one channel at a time."""
    torch.manual_seed(1)
    sparse = SparseConv2d(12, 3, stride).double()
    nn.init.normal_(sparse.weight)
    dense = nn.Conv2d(12, 12, 3, stride, padding=1, bias=False).double()
    with torch.no_grad():
        dense.weight.zero_()
        for out, inputs in enumerate(sparse.connections.tolist()):
            for place, read in enumerate(inputs):
                dense.weight[out, read] = sparse.weight[out, place]
    x = torch.randn(2, 12, 7, 7, dtype=torch.float64)
    torch.testing.assert_close(sparse(x), dense(x), rtol=0, atol=1e-12)
    sparse(x).square().sum().backward()
    dense(x).square().sum().backward()
    for out, inputs in enumerate(sparse.connections.tolist()):
        torch.testing.assert_close(sparse.weight.grad[out], dense.weight.grad[out, inputs], rtol=0, atol=1e-10)
    assert sum(p.numel() for p in sparse.parameters()) == 12 * 3 * 9


def test_a_sparse_layer_with_the_connections_of_groups_is_the_grouped_convolution():
    grouped = nn.Conv2d(8, 8, 3, padding=1, groups=4, bias=False).double()
    sparse = SparseConv2d(8, 2, stride=1).double()
    sparse.connections.copy_(torch.tensor([[out // 2 * 2, out // 2 * 2 + 1] for out in range(8)]))
    sparse.weight.data.copy_(grouped.weight.data)
    x = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(sparse(x), grouped(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", [*range(10), 1000])
def test_in_the_sparse_arm_no_set_of_channels_is_closed(seed):
    """In the grouped arm each layer has 16; two connections a channel, drawn freely, close to some rings."""
    for block in (module for module in build("sparse", seed).modules() if isinstance(module, Bottleneck)):
        assert sets_apart(block.conv2.connections) == 1


def test_sets_of_channels_are_counted():
    groups = torch.tensor([[out // 2 * 2, out // 2 * 2 + 1] for out in range(8)])
    assert sets_apart(groups) == 4
    ring = torch.tensor([[out, (out + 1) % 8] for out in range(8)])
    assert sets_apart(ring) == 1
    torch.manual_seed(0)
    assert max(sets_apart(some_connections(32, 2)) for _ in range(20)) > 2


@pytest.mark.parametrize("reads", [1, 0, 9])
def test_connections_that_cannot_hang_together_are_refused(reads):
    with pytest.raises(ValueError, match=f"reads must be 2 to 8.*{reads}"):
        random_connections(8, reads)


# ------------------------------------------------------------------ pairs


def test_equal_names_and_shapes_have_equal_initial_values_in_all_arms():
    networks = {arm: dict(build(arm, seed=3).named_parameters()) for arm in ARMS}
    for arm, other in (("narrow", "grouped"), ("narrow", "wide"), ("grouped", "mac-matched")):
        shared = [name for name, value in networks[arm].items() if value.shape == networks[other][name].shape]
        assert "conv1.weight" in shared and "fc.weight" in shared
        assert all(torch.equal(networks[arm][name], networks[other][name]) for name in shared)
    assert all(torch.equal(value, networks["sparse"][name]) for name, value in networks["grouped"].items())
    assert not torch.equal(dict(build("narrow", 4).named_parameters())["conv1.weight"], networks["narrow"]["conv1.weight"])


def test_initial_values_have_the_spread_of_the_librarys():
    from resnext_lib.networks import small_resnext

    torch.manual_seed(0)
    for name, ours in build("grouped", 0).named_parameters():
        library = dict(small_resnext(16, 8).named_parameters())[name]
        if ours.ndim == 4 and ours.numel() > 1000:
            assert (ours.std() / library.std()).item() == pytest.approx(1, abs=0.1)
        elif ours.ndim == 1 and not name.startswith("fc"):
            assert torch.equal(ours, library)


def test_the_connections_follow_the_seed_and_leave_the_callers_random_numbers():
    torch.manual_seed(9)
    wanted = torch.rand(2)
    torch.manual_seed(9)
    first, again, other = (build("sparse", seed).layer1[0].conv2.connections for seed in (0, 0, 1))
    assert torch.equal(torch.rand(2), wanted)
    assert torch.equal(first, again) and not torch.equal(first, other)


# ------------------------------------------------------------------ the choice of learning rates


def tried(losses, arms=ARMS):
    return [
        {"arm": arm, "learning_rate": str(rate), "validation_loss": str(loss)}
        for arm in arms
        for rate, loss in losses.items()
    ]


def test_a_middle_rate_is_taken_and_an_edge_is_followed_once():
    chosen, missing = study.choose_rates(tried({0.05: 0.4, 0.1: 0.3, 0.2: 0.35}))
    assert set(chosen.values()) == {0.1} and not missing
    chosen, missing = study.choose_rates(tried({0.05: 0.3, 0.1: 0.31, 0.2: 0.35}))
    assert not chosen and missing == [(arm, 0.025) for arm in ARMS]
    chosen, missing = study.choose_rates(tried({0.05: 0.3, 0.1: 0.31, 0.2: 0.35, 0.025: 0.29}))
    assert set(chosen.values()) == {0.025} and not missing
    chosen, missing = study.choose_rates(tried({0.05: 0.4, 0.1: 0.3, 0.2: 0.25, 0.4: 0.26}))
    assert set(chosen.values()) == {0.2} and not missing


def test_what_is_not_tried_yet_is_asked_for():
    _, missing = study.choose_rates(tried({0.05: 0.4}, arms=["narrow"]))
    assert missing[:2] == [("narrow", 0.1), ("narrow", 0.2)] and len(missing) == 2 + 3 * (len(ARMS) - 1)


# ------------------------------------------------------------------ runs


def test_the_parts_are_disjoint_and_of_the_stated_sizes():
    images = study.parts()
    assert [len(images[name].labels) for name in ("train", "validation", "test")] == [10_000, 10_000, 10_000]
    training_, validation = (
        {hashlib.sha256(picture.numpy().tobytes()).digest() for picture in images[name].pixels}
        for name in ("train", "validation")
    )
    everything = [hashlib.sha256(p.numpy().tobytes()).digest() for p in data.fashion_mnist("train", study.IMAGES).pixels]
    repeated = len(everything) - len(set(everything))  # Fashion-MNIST holds a few pictures twice
    assert len(training_ & validation) <= repeated


@pytest.fixture(scope="module")
def run_of_two_epochs():
    return study.final_row("sparse", 0.1, 5, few(200), epochs=2)


def test_a_row_is_whole_and_agrees_with_what_is_kept_of_each_picture(run_of_two_epochs):
    row, kept = run_of_two_epochs
    labels = few(200)["test"].labels.numpy()
    assert set(row) == set(study.RUN_COLUMNS) and row["protocol"] == hashlib.sha256(study.PROTOCOL.read_bytes()).hexdigest()
    assert row["test_accuracy"] == pytest.approx((kept["answers"] == labels).mean())
    assert row["test_loss"] == pytest.approx(kept["losses"].astype(float).mean(), rel=1e-3)
    assert kept["answers"].dtype == np.uint8 and kept["losses"].dtype == np.float16 and len(kept["train_loss"]) == 2


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_same_row(run_of_two_epochs, tmp_path):
    from resnext_lib import training

    images, checkpoint = few(200), tmp_path / "run.pt"
    recipe = training.Recipe(epochs=2, learning_rate=0.1, channels_last=True)
    training.train(
        build("sparse", 5), images["train"], recipe=recipe, seed=5, checkpoint=checkpoint, stop_after=1, progress=False
    )
    row, kept = study.final_row("sparse", 0.1, 5, images, checkpoint, epochs=2)
    assert row == run_of_two_epochs[0]
    assert all(np.array_equal(kept[name], run_of_two_epochs[1][name]) for name in kept)


def test_fault_1_a_machine_without_git_loses_no_run(monkeypatch):
    """The old program asked git after the training, and died of it."""
    monkeypatch.setenv("PATH", "")
    assert shutil.which("git") is None
    row, _ = study.final_row("narrow", 0.1, 0, few(130), epochs=1)
    assert row["revision"] == "no git"


def test_rows_of_another_protocol_are_refused(tmp_path):
    row = dict.fromkeys(study.RUN_COLUMNS, "0") | {"protocol": "of another text"}
    rows.append(tmp_path / "runs.csv", study.RUN_COLUMNS, row)
    before = (tmp_path / "runs.csv").read_bytes()
    with pytest.raises(ValueError, match="rows of another PROTOCOL.md: restore the protocol"):
        study.rows_of_this_protocol(tmp_path / "runs.csv", study.RUN_COLUMNS)
    assert (tmp_path / "runs.csv").read_bytes() == before


def test_a_second_writer_is_turned_away(tmp_path):
    with rows.locked(tmp_path / "study"), pytest.raises(TimeoutError, match="is being written by another process"):
        study.run(tmp_path)


WAITS = """
import os, sys, time
from pathlib import Path
from studies.cardinality import run

def wait(arm, rate, seed, images, checkpoint):
    Path(sys.argv[1], f"{seed}.pid").write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(600)

if __name__ == "__main__":
    list(run.spread_over(2, run.IMAGES, Path(sys.argv[1], "unfinished"), wait, [("narrow", 0.1, seed) for seed in (0, 1)]))
"""


@pytest.mark.slow
def test_a_killed_run_leaves_no_worker_behind(tmp_path):
    """Workers that went on would write the checkpoints of the next run's workers."""
    (tmp_path / "waits.py").write_text(WAITS, encoding="utf-8")
    killed = subprocess.Popen([sys.executable, tmp_path / "waits.py", tmp_path], env={**os.environ, "PYTHONPATH": str(ROOT)})
    until(lambda: all((tmp_path / f"{seed}.pid").exists() for seed in (0, 1)))
    workers = [psutil.Process(int(path.read_text(encoding="utf-8"))) for path in tmp_path.glob("*.pid")]
    killed.kill()
    killed.wait()
    until(lambda: not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers))


def until(done, seconds=120):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not done after {seconds} s"
        time.sleep(0.1)


def test_pictures_are_written_before_the_row_that_says_the_run_is_whole(tmp_path, run_of_two_epochs, monkeypatch):
    order = []
    pictures = tmp_path / "pictures" / "sparse-5.npz"
    monkeypatch.setattr(rows, "append", lambda path, columns, row: order.append((path.name, pictures.is_file())))
    study.keep(tmp_path, *run_of_two_epochs)
    assert order == [("runs.csv", True)]


# ------------------------------------------------------------------ the analysis


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """A whole study whose numbers are known: grouped and sparse are 0.02 better than narrow, and equal to one another."""
    folder = tmp_path_factory.mktemp("made_up")
    generator = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    for arm, (_, _, seeds) in ARMS.items():
        for seed in seeds:
            losses = 0.3 + np.random.default_rng(seed).normal(0, 0.001) + generator.normal(0, 0.01, 500)
            losses -= {"grouped": 0.02, "sparse": 0.02, "wide": 0.03}.get(arm, 0)
            kept = {
                "answers": np.zeros(500, np.uint8),
                "losses": losses.astype(np.float16),
                "train_loss": np.linspace(1, 0, 20),
            }
            row = dict.fromkeys(study.RUN_COLUMNS, "1") | {
                "arm": arm,
                "seed": seed,
                "protocol": study.protocol_hash(),
                "test_loss": losses.mean(),
                **{name: losses[:100].mean() for name in ("test_accuracy", "train_loss", "train_accuracy")},
            }
            study.keep(folder, row, kept)
    return folder


@pytest.fixture(scope="module")
def analysed(made_up, tmp_path_factory):
    """The analysis of it, made once: its table, what it printed, and the folder of the evidence that it wrote."""
    evidence, printed = tmp_path_factory.mktemp("evidence"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr("studies.cardinality.analyse.EVIDENCE", evidence)
        table = analyse(made_up, write=True)
    return table, printed.getvalue(), evidence


def test_the_analysis_finds_what_was_put_in_and_nothing_else(analysed):
    rows_of_the_table, printed, _ = analysed
    table = {(row["outcome"], row["first"], row["second"]): row for row in rows_of_the_table}
    assert len(table) == 4 * 5
    for first in ("grouped", "sparse", "wide"):
        row = table["test_loss", first, "narrow"]
        assert row["high"] < 0 and row["mean"] == pytest.approx(-0.03 if first == "wide" else -0.02, abs=0.002)
        assert row["resampled_high"] < 0 and row["power"] > 0.9
    for pair in (("grouped", "sparse"), ("mac-matched", "narrow")):
        row = table["test_loss", *pair]
        assert row["low"] < 0 < row["high"] and row["detectable"] < 0.01
    assert table["test_loss", "wide", "narrow"]["seeds"] == 5 and table["test_loss", "sparse", "narrow"]["seeds"] == 10
    assert "grouped - sparse" in printed


def test_an_unfinished_study_is_not_analysed(made_up, tmp_path, capsys):
    shutil.copytree(made_up, tmp_path / "unfinished")
    kept = rows.read(made_up / "runs.csv", study.RUN_COLUMNS)[:-3]
    rows.write(tmp_path / "unfinished/runs.csv", study.RUN_COLUMNS, kept)
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path / "unfinished"), "analyse"])
    assert "3 runs are missing, mac-matched with seed 2 first" in capsys.readouterr().err


def test_the_written_evidence_is_that_of_the_analysis(analysed):
    table, _, folder = analysed
    written = rows.read(folder / "cardinality_comparisons.csv", COMPARISON_COLUMNS)
    assert written == [{name: str(value) for name, value in row.items()} for row in table]
    assert len(rows.read(folder / "cardinality_epochs.csv", ("arm", "epoch", "train_loss"))) == 5 * 20


# ------------------------------------------------------------------ the committed results


def test_every_committed_row_follows_the_committed_protocol():
    digest = hashlib.sha256(study.PROTOCOL.read_bytes()).hexdigest()
    assert {row["protocol"] for row in RATES + RUNS} <= {digest}


def test_the_protocol_is_older_than_every_row_and_was_not_changed():
    """Each row names the revision it was run at; the protocol of that revision is the one of today."""
    for revision in {row["revision"] for row in RATES + RUNS}:
        text = subprocess.run(
            ["git", "show", f"{revision}:studies/cardinality/PROTOCOL.md"], capture_output=True, cwd=study.HERE
        )
        if text.returncode == 0:  # a shallow clone does not hold old revisions
            assert hashlib.sha256(text.stdout).hexdigest() == study.protocol_hash()


def test_no_run_is_there_twice_and_each_has_the_rate_that_the_rule_chose():
    keys = [(row["arm"], row["seed"]) for row in RUNS]
    assert len(set(keys)) == len(keys)
    chosen, _ = study.choose_rates(RATES)
    for row in RUNS:
        assert float(row["learning_rate"]) == chosen[row["arm"]], row


def test_every_row_agrees_with_its_pictures():
    labels = data.fashion_mnist("test", study.IMAGES).labels.numpy()
    for row in RUNS:
        with np.load(study.HERE / "pictures" / f"{row['arm']}-{row['seed']}.npz") as kept:
            assert float(row["test_accuracy"]) == pytest.approx((kept["answers"] == labels).mean(), abs=1e-5)
            assert float(row["test_loss"]) == pytest.approx(kept["losses"].astype(float).mean(), rel=1e-3)
            assert len(kept["train_loss"]) == study.EPOCHS


@pytest.mark.parametrize("arm", sorted({row["arm"] for row in RUNS}))
def test_every_row_has_the_size_of_its_arm(arm):
    network = build(arm, 0)
    size = count_parameters(network), macs(arm)
    assert {(int(row["parameters"]), int(row["macs"])) for row in RUNS if row["arm"] == arm} == {size}
    if arm != "sparse":
        assert count_macs(network, PICTURE) == macs(arm)


@pytest.mark.slow
def test_the_study_is_whole_and_the_book_reads_its_analysis(tmp_path, monkeypatch):
    monkeypatch.setattr("studies.cardinality.analyse.EVIDENCE", tmp_path)
    analyse(study.HERE, write=True)
    for name in ("comparisons", "runs", "epochs"):
        file = f"cardinality_{name}.csv"
        kept = (ROOT / "resnext_lib" / "evidence" / file).read_bytes()
        assert kept == (tmp_path / file).read_bytes(), f"{file}: python -m studies.cardinality analyse --write"
