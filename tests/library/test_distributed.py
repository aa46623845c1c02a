"""The page on more machines: real processes under torchrun, equal to the bit to accumulated halves, complete shards, a killed worker.

Every run is bounded in time, and no process outlives it: ``torchrun`` below asserts that.
"""

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data.distributed import DistributedSampler

from resnext_lib.data import fashion_subset, mean_and_spread, normalise
from resnext_lib.networks import small_resnext
from resnext_lib.training import learning_rate_at
from tools.facts import ROOT
from tools.notebooks import read

SCRIPT = ROOT / "examples" / "distributed.py"
IMAGES, BATCH, EPOCHS = 100, 40, 2
OPTIONS = f"--cpu --images {IMAGES} --batch {BATCH} --epochs {EPOCHS} --no-augmentation".split()
# The script with a recorder of the pixels that each rank sees, and a rank that takes long or dies if told so.
WRAPPED = """
import os, sys, time
import torch
sys.path.insert(0, {folder!r})
import distributed
rank, normalise, compute = os.environ["RANK"], distributed.normalise, distributed.compute
seen, seeds, steps = [], [], []

def recording(pixels, *moments):
    seen.append(pixels)
    seeds.append(torch.initial_seed())
    torch.save((torch.cat(seen), seeds), "seen" + rank)
    return normalise(pixels, *moments)

def slow(*arguments):
    steps.append(1)
    open(f"steps{{rank}}", "a").write(os.environ["TORCHELASTIC_RESTART_COUNT"])
    while len(steps) == 5 and rank == "1" and not os.path.exists("killed"):
        time.sleep(0.05)
    return compute(*arguments)

distributed.normalise = recording
if {waiting}:
    distributed.compute = slow
distributed.main()
"""


def processes_of(folder):
    """Running processes that work in ``folder``."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder:
                found.append(process)
        except (psutil.Error, OSError):
            pass
    return found


def start(folder, script, *options, launch=()):
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    }  # pytorch/pytorch#135712: else restarts may hang
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        *launch,
        str(script),
        *OPTIONS,
        *options,
    ]
    log = open(folder / "log", "a", encoding="utf-8")  # noqa: SIM115 -- closed with the process's own handle
    with log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)


def finish(process, folder, seconds=240):
    """Wait for the end, at most so long; whatever still runs is killed, and then it is an error."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pytest.fail(f"torchrun was not done after {seconds} s: {(folder / 'log').read_text(encoding='utf-8')[-2000:]}")
    finally:
        left = processes_of(folder)
        for each in left:
            each.kill()
        process.wait(30)
    assert not left, "processes outlived their torchrun"
    return process.returncode, (folder / "log").read_text(encoding="utf-8")


def torchrun(folder, script, *options, launch=()):
    code, log = finish(start(folder, script, *options, launch=launch), folder)
    assert code == 0, log[-3000:]
    return log


def wrapped(folder, waiting=False):
    path = folder / "wrapped.py"
    path.write_text(WRAPPED.format(folder=str(SCRIPT.parent), waiting=waiting), encoding="utf-8")
    return path


def checkpoint(path):
    return torch.load(path, weights_only=True)


def same(first, second):
    return list(first) == list(second) and all(torch.equal(first[name], second[name]) for name in first)


# ------------------------------------------------------------------ one process that does the same


def shards(epoch, count=IMAGES, world=2):
    samplers = [DistributedSampler(range(count), world, rank, seed=0) for rank in range(world)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    return [torch.tensor(list(sampler)) for sampler in samplers]


def one_process(pieces, steps=6, losses=None):
    """The same training in this process: each batch in so many pieces, their gradients added up.

    The running statistics of batch norm are those of the first piece, as rank 0's are saved.
    """
    images = fashion_subset("train")
    pixels, labels = images.pixels[:IMAGES], images.labels[:IMAGES]
    moments = mean_and_spread(images._replace(pixels=pixels))
    torch.manual_seed(0)
    network = small_resnext().train()
    optimiser = torch.optim.SGD(network.parameters(), momentum=0.9, weight_decay=5e-4)
    for step in range(steps):
        halves = [shard.split(BATCH // 2)[step % 3] for shard in shards(step // 3)]
        optimiser.param_groups[0]["lr"] = learning_rate_at(step, 6, 0.1)
        optimiser.zero_grad()
        for number, part in enumerate(halves if pieces == 2 else [torch.cat(halves)]):
            buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
            loss = functional.cross_entropy(network(normalise(pixels[part], *moments)), labels[part])
            (loss / pieces).backward()
            if losses is not None:
                losses.append(loss.item())
            for name, buffer in network.named_buffers():
                buffer.copy_(buffers[name] if number else buffer)
        optimiser.step()
    return network


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """One real run of two processes: its folder, with the checkpoint and what each rank saw."""
    folder = tmp_path_factory.mktemp("two").resolve()
    torchrun(folder, wrapped(folder), "--checkpoint", "run.pt")
    return folder


@pytest.mark.slow
def test_two_processes_equal_the_accumulated_halves_to_the_bit(two):
    state = checkpoint(two / "run.pt")
    assert [row["epoch"] for row in state["history"]] == [1, 2]
    assert same(state["network"], one_process(2).state_dict())


@pytest.mark.slow
def test_two_processes_differ_from_the_batch_in_one_piece(two):
    found = checkpoint(two / "run.pt")["network"]
    whole = dict(one_process(1).named_parameters())
    assert max((found[name] - value).abs().max() for name, value in whole.items()) > 0.01


@pytest.mark.slow
def test_every_rank_saw_its_shard_and_together_they_saw_every_image_once_an_epoch(two):
    images = fashion_subset("train").pixels[:IMAGES]
    seen = [torch.load(two / f"seen{rank}")[0].split(IMAGES // 2) for rank in (0, 1)]
    for epoch in range(EPOCHS):
        for rank, shard in enumerate(shards(epoch)):
            assert torch.equal(seen[rank][epoch], images[shard])
        together = torch.cat([seen[rank][epoch] for rank in (0, 1)]).flatten(1).tolist()
        assert sorted(together) == sorted(images.flatten(1).tolist())
    assert not torch.equal(seen[0][0], seen[0][1]), "every epoch has an order of its own"


@pytest.mark.slow
def test_every_rank_augments_with_random_numbers_of_its_own_in_every_epoch(two):
    seeds = [torch.load(two / f"seen{rank}")[1] for rank in (0, 1)]
    assert [len(set(own)) for own in seeds] == [EPOCHS, EPOCHS] and not set(seeds[0]) & set(seeds[1])


@pytest.mark.slow
def test_the_loss_in_the_history_is_that_of_all_ranks(two):
    """The loss of the first epoch, from the losses of the halves in one process."""
    history = checkpoint(two / "run.pt")["history"]
    losses = []
    one_process(2, steps=3, losses=losses)
    sizes = [20, 20, 20, 20, 10, 10]
    wanted = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / IMAGES
    assert history[0]["train_loss"] == pytest.approx(wanted, rel=1e-5)
    assert history[-1]["learning_rate"] == learning_rate_at(5, 6, 0.1)


# ------------------------------------------------------------------ no image lost, none seen twice


@pytest.mark.parametrize("world", [1, 2, 3, 4, 8])
def test_the_shards_are_equal_and_only_the_padding_is_seen_twice(world):
    for count in range(1, 50):
        parts = [part.tolist() for part in shards(3, count, world)]
        together = sum(parts, [])
        assert len({len(part) for part in parts}) == 1
        assert set(together) == set(range(count)) and len(together) == count + -count % world


@pytest.mark.parametrize("world", [2, 3, 8])
def test_drop_last_loses_the_rest_and_repeats_nothing(world):
    for count in range(world, 50):
        samplers = [DistributedSampler(range(count), world, rank, drop_last=True) for rank in range(world)]
        together = sum(map(list, samplers), [])
        assert len(set(together)) == len(together) == count - count % world


# ------------------------------------------------------------------ a worker is killed


def wait_for(condition, seconds=240):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


def kill_a_worker(folder):
    """Kill rank 1 with the signal that cannot be caught, in the middle of the second epoch."""
    steps = folder / "steps1"
    wait_for(lambda: steps.exists() and len(steps.read_text(encoding="utf-8")) == 5)
    workers = [process for process in processes_of(folder) if process.environ().get("RANK") == "1"]
    assert len(workers) == 1
    (folder / "killed").touch()
    workers[0].send_signal(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.slow
def test_a_killed_worker_is_restarted_and_changes_nothing(tmp_path, two):
    folder = tmp_path.resolve()
    process = start(folder, wrapped(folder, waiting=True), "--checkpoint", "run.pt", launch=["--max-restarts=1"])
    try:
        kill_a_worker(folder)
    finally:
        code, log = finish(process, folder)
    assert code == 0 and "exitcode: -9" in log, log[-3000:]
    assert (folder / "steps1").read_text(encoding="utf-8") == "00000111", "the second life does the second epoch only"
    assert same(checkpoint(folder / "run.pt")["network"], checkpoint(two / "run.pt")["network"])


@pytest.mark.slow
@pytest.mark.slow
def test_a_killed_run_is_resumed_by_the_same_command(tmp_path, two):
    folder = tmp_path.resolve()
    process = start(folder, wrapped(folder, waiting=True), "--checkpoint", "run.pt")
    try:
        kill_a_worker(folder)
    finally:
        code, log = finish(process, folder)
    assert code != 0
    assert len(checkpoint(folder / "run.pt")["history"]) == 1
    torchrun(folder, SCRIPT, "--checkpoint", "run.pt")
    state = checkpoint(folder / "run.pt")
    assert same(state["network"], checkpoint(two / "run.pt")["network"])
    assert state["history"] == checkpoint(two / "run.pt")["history"]


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_an_error_and_leaves_nothing(tmp_path):
    folder = tmp_path.resolve()
    (folder / "endless.py").write_text("import time\nopen('here', 'w').close()\ntime.sleep(120)\n", encoding="utf-8")
    process = start(folder, folder / "endless.py")
    wait_for((folder / "here").exists)
    with pytest.raises(pytest.fail.Exception, match="not done after 0.1 s"):
        finish(process, folder, seconds=0.1)
    assert processes_of(folder) == []


# ------------------------------------------------------------------ the script


def alone(*options, **environment):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.mark.slow
def test_the_script_says_how_to_start_it():
    done = alone("--checkpoint", "x.pt")
    assert done.returncode == 2 and "start this program with torchrun" in done.stderr


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_refused():
    done = alone("--checkpoint", "x.pt", "--batch", "7", WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", LOCAL_RANK="0")
    assert done.returncode == 2 and "--batch 7 is no multiple of 2" in done.stderr


def test_the_page_writes_this_script():
    """The cells of the page that define its parts are the file, to the letter."""
    notebook = read(ROOT / "chapters" / "more_than_one_machine.ipynb")
    parts = [cell.source for cell in notebook.cells if cell.metadata.get("step-of", "").startswith("distributed ")]
    head = [cell.source for cell in notebook.cells if cell.source.startswith("header = ")]
    assert len(parts) == 3 and len(head) == 1
    header = ast.literal_eval(ast.parse(head[0]).body[0].value)
    parts = [header.strip(), *parts, 'if __name__ == "__main__":\n    main()']
    assert SCRIPT.read_text(encoding="utf-8") == "\n\n\n".join(parts) + "\n"


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_batch_norm_across_ranks_refuses_the_cpu():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        with pytest.raises(ValueError, match="GPU"):
            nn.SyncBatchNorm(8)(torch.rand(2, 8, 4, 4))
    finally:
        torch.distributed.destroy_process_group()
