"""Run the study: resumable, one row a run, one writer; two workers of one thread each do the training."""

import hashlib
import io
import multiprocessing
import multiprocessing.connection
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from resnext_lib import data, experiments, training
from resnext_lib.complexity import count_parameters
from studies import rows
from studies.cardinality.arms import ARMS, build, macs
from tools.writing import whole

HERE = Path(__file__).parent
PROTOCOL = HERE / "PROTOCOL.md"
IMAGES = "/usr/share/datasets/fashion-mnist"
EPOCHS, TRAIN, VALIDATION = 20, 10_000, 10_000
RATES, FURTHER, RATE_SEED = (0.05, 0.1, 0.2), {0.05: 0.025, 0.2: 0.4}, 1000

WHERE = ("device", "threads", "versions", "revision", "protocol")
RATE_COLUMNS = ("arm", "learning_rate", "seed", "validation_loss", "validation_accuracy", *WHERE)
RUN_COLUMNS = (
    "arm",
    "seed",
    "learning_rate",
    "parameters",
    "macs",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    *WHERE,
)


def protocol_hash():
    return hashlib.sha256(PROTOCOL.read_bytes()).hexdigest()


def circumstances():
    """Where a row comes from. Asked before the training, so that what may fail costs no run."""
    return experiments.circumstances() | {"protocol": protocol_hash()}


def parts(folder=IMAGES):
    """The pictures as ``{"train": …, "validation": …, "test": …}``, divided as the protocol says."""
    everything, test = data.fashion_mnist("train", folder), data.fashion_mnist("test", folder)
    order = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).permutation(len(everything.labels)))
    chosen = {"train": order[:TRAIN], "validation": order[TRAIN : TRAIN + VALIDATION]}
    divided = {
        name: everything._replace(pixels=everything.pixels[rows_], labels=everything.labels[rows_])
        for name, rows_ in chosen.items()
    }
    return divided | {"test": test}


def fit(arm, rate, seed, images, checkpoint=None, epochs=EPOCHS):
    """Train one network; return it with its history."""
    network = build(arm, seed)
    recipe = training.Recipe(epochs=epochs, learning_rate=rate, channels_last=True)
    history = training.train(network, images["train"], recipe=recipe, seed=seed, checkpoint=checkpoint, progress=False)
    return network, recipe, history


def rate_row(arm, rate, seed, images, checkpoint=None, epochs=EPOCHS):
    """A run that only looks at the validation part."""
    where = circumstances()
    network, recipe, _ = fit(arm, rate, seed, images, checkpoint, epochs)
    moments = data.mean_and_spread(images["train"])
    scores = training.evaluate(network, images["validation"], *moments, recipe)
    return {
        "arm": arm,
        "learning_rate": rate,
        "seed": seed,
        "validation_loss": round(scores["loss"], 5),
        "validation_accuracy": round(scores["accuracy"], 5),
        **where,
    }


def final_row(arm, rate, seed, images, checkpoint=None, epochs=EPOCHS):
    """A run that counts: its row, and what is kept beside it (each test picture's answer and loss, the loss by epoch)."""
    where = circumstances()
    network, recipe, history = fit(arm, rate, seed, images, checkpoint, epochs)
    moments = data.mean_and_spread(images["train"])
    scores = {
        f"train_{name}": round(value, 5)
        for name, value in training.evaluate(network, images["train"], *moments, recipe).items()
    }
    logits = training.predict(network, images["test"], *moments, recipe)
    losses = functional.cross_entropy(logits, images["test"].labels, reduction="none")
    answers = logits.argmax(dim=1)
    correct = (answers == images["test"].labels).double().mean().item()
    row = {
        "arm": arm,
        "seed": seed,
        "learning_rate": rate,
        "parameters": count_parameters(network),
        "macs": macs(arm),
        **scores,
        "test_loss": round(losses.mean().item(), 5),
        "test_accuracy": round(correct, 5),
        **where,
    }
    kept = {
        "answers": answers.numpy().astype(np.uint8),
        "losses": losses.numpy().astype(np.float16),
        "train_loss": np.array([epoch["train_loss"] for epoch in history], dtype=np.float32),
    }
    return row, kept


def choose_rates(tried):
    """``{arm: rate}`` by the protocol's rule from the rows ``tried``, and the list of ``(arm, rate)`` still to try."""
    chosen, missing = {}, []
    for arm in ARMS:
        losses = {float(row["learning_rate"]): float(row["validation_loss"]) for row in tried if row["arm"] == arm}
        wanted = [rate for rate in RATES if rate not in losses]
        if not wanted:
            first = min(RATES, key=lambda rate: (losses[rate], rate))
            further = FURTHER.get(first)
            wanted = [further] if further is not None and further not in losses else []
        missing += [(arm, rate) for rate in wanted]
        if not wanted:
            chosen[arm] = min(losses, key=lambda rate: (losses[rate], rate))
    return chosen, missing


def rows_of_this_protocol(path, columns):
    """The rows at ``path``. Raises ``ValueError`` when they follow another protocol than the file that is here."""
    found = rows.read(path, columns)
    if any(row["protocol"] != protocol_hash() for row in found):
        raise ValueError(
            f"{path} holds rows of another {PROTOCOL.name}: restore the protocol (git checkout), "
            "and list what you do differently in DEVIATIONS.md"
        )
    return found


def keep(out, row, kept):
    """Write what a run leaves: first the pictures' file, then the row, which says that the run is whole."""
    content = io.BytesIO()
    np.savez_compressed(content, **kept)
    (out / "pictures").mkdir(exist_ok=True)
    with whole(out / "pictures" / f"{row['arm']}-{row['seed']}.npz") as new:
        new.write_bytes(content.getvalue())
    rows.append(out / "runs.csv", RUN_COLUMNS, row)


IN_WORKER = {}


def leave_with_the_parent():
    """Wait for the end of the process that started this one, then end, too.

    A run that is killed would leave workers that go on and write the checkpoints of those of the next one.
    """
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def start_worker(folder):
    """Once in each worker: one thread, and the pictures."""
    threading.Thread(target=leave_with_the_parent, daemon=True).start()
    torch.set_num_threads(1)
    IN_WORKER["images"] = parts(folder)


def in_worker(function, arm, rate, seed, checkpoint):
    return function(arm, rate, seed, IN_WORKER["images"], checkpoint)


def spread_over(workers, folder, scratch, function, tasks):
    """Yield ``function``'s result for every ``(arm, rate, seed)`` of ``tasks`` as it is done; tell the progress."""
    scratch.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, start_worker, (folder,)) as pool:
        waiting = {}
        for arm, rate, seed in tasks:
            checkpoint = scratch / f"{arm}-{rate}-{seed}.pt"
            waiting[pool.submit(in_worker, function, arm, rate, seed, checkpoint)] = (arm, rate, seed, checkpoint)
        for number, done in enumerate(as_completed(waiting), 1):
            arm, rate, seed, checkpoint = waiting[done]
            yield done.result()
            checkpoint.unlink(missing_ok=True)
            print(f"{number}/{len(tasks)} {arm}, learning rate {rate}, seed {seed}", flush=True)


def run(out, folder=IMAGES, workers=2):
    """Do what is left of the study; may be stopped at any time and goes on with the same command."""
    out, scratch = Path(out), Path(out) / "unfinished"
    with rows.locked(out / "study", seconds=0):
        while missing := choose_rates(rows_of_this_protocol(out / "learning_rates.csv", RATE_COLUMNS))[1]:
            tasks = [(arm, rate, RATE_SEED) for arm, rate in missing]
            for row in spread_over(workers, folder, scratch, rate_row, tasks):
                rows.append(out / "learning_rates.csv", RATE_COLUMNS, row)
        chosen, _ = choose_rates(rows.read(out / "learning_rates.csv", RATE_COLUMNS))
        print(f"learning rates: {chosen}", flush=True)
        finished = {(row["arm"], int(row["seed"])) for row in rows_of_this_protocol(out / "runs.csv", RUN_COLUMNS)}
        tasks = [
            (arm, chosen[arm], seed)
            for seed in range(10)
            for arm in ARMS
            if seed in ARMS[arm][2] and (arm, seed) not in finished
        ]
        for row, kept in spread_over(workers, folder, scratch, final_row, tasks):
            keep(out, row, kept)


def repeat(out, arm, seed, folder=IMAGES):
    """Run one row again, write nothing, and return ``(stored, again)``."""
    stored = next(
        (row for row in rows.read(Path(out) / "runs.csv", RUN_COLUMNS) if (row["arm"], int(row["seed"])) == (arm, seed)),
        None,
    )
    if stored is None:
        raise ValueError(f"no run of arm={arm!r}, seed={seed} in {Path(out) / 'runs.csv'}")
    torch.set_num_threads(1)
    again, _ = final_row(arm, float(stored["learning_rate"]), seed, parts(folder))
    return stored, again
