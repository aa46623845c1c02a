"""One training loop: seeded, resumable to the bit on the same machine, the same on CPU and GPU.

SGD with momentum and weight decay as in arXiv 1611.05431, section 5; the learning rate falls along a
cosine (arXiv 1608.03983) after a short warm-up, which suits runs of a few epochs.
"""

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional
from tqdm import tqdm

from resnext_lib.data import augment, mean_and_spread, normalise
from resnext_lib.weights import DAMAGED

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Recipe:
    """How to train. ``precision="bfloat16"`` computes in mixed precision; the weights stay float32."""

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    augment: bool = True
    precision: str = "float32"
    channels_last: bool = False

    def __post_init__(self):
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {list(PRECISIONS)}, not {self.precision!r}")


def learning_rate_at(step, steps, peak, warm_up=0.1):
    """Up in a line over the first tenth of ``steps``, then down along half a cosine to 0."""
    rise = warm_up * steps
    if step < rise:
        return peak * (step + 1) / (rise + 1)
    return peak * (1 + math.cos(math.pi * (step - rise) / (steps - rise))) / 2


def train(network, train_images, test_images, recipe=None, seed=0, *, device="cpu", checkpoint=None,
          progress=True, stop_after=None):
    """Train ``network`` in place; return one dictionary an epoch: losses, accuracies, learning rate.

    ``checkpoint`` names a file that is written after every epoch; with it the same call goes on where it
    stopped, and ends with the weights of an uninterrupted run. ``stop_after`` ends early, after that epoch.
    Raises ``FloatingPointError`` when the loss is no finite number, ``ValueError`` for a checkpoint of
    another run.
    """
    recipe = recipe or Recipe()
    network.to(device, memory_format=torch.channels_last if recipe.channels_last else torch.contiguous_format)
    optimiser = torch.optim.SGD(network.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum,
                                weight_decay=recipe.weight_decay)
    history = resume(checkpoint, network, optimiser, recipe, seed)
    mean, spread = (value.to(device) for value in mean_and_spread(train_images))
    with torch.random.fork_rng():  # the caller's random numbers stay as they were
        for epoch in range(len(history), min(recipe.epochs, stop_after or recipe.epochs)):
            torch.manual_seed(1000 * seed + epoch)  # each epoch has its own: a resumed run draws the same
            row = train_epoch(network, optimiser, train_images, recipe, epoch, mean, spread, progress)
            row |= {f"test_{k}": v for k, v in evaluate(network, test_images, mean, spread, recipe).items()}
            history.append({"epoch": epoch + 1, **row})
            save(checkpoint, network, optimiser, recipe, seed, history)
    return history


def train_epoch(network, optimiser, images, recipe, epoch, mean, spread, progress=False):
    """One pass over ``images`` in random order; return its mean loss, its accuracy and the learning rate."""
    network.train()
    device, count = mean.device, len(images.labels)
    batches = torch.randperm(count).split(recipe.batch_size)
    loss_sum = correct = 0
    for step, batch in enumerate(tqdm(batches, f"epoch {epoch + 1}", leave=False, disable=not progress)):
        rate = learning_rate_at(epoch * len(batches) + step, recipe.epochs * len(batches), recipe.learning_rate)
        optimiser.param_groups[0]["lr"] = rate
        pixels, labels = images.pixels[batch].to(device), images.labels[batch].to(device)
        x = normalise(augment(pixels) if recipe.augment else pixels, mean, spread)
        logits = compute(network, x, recipe)
        loss = functional.cross_entropy(logits, labels)
        if not math.isfinite(loss.item()):
            raise FloatingPointError(f"the loss is {loss.item()} in epoch {epoch + 1}, step {step + 1}, at learning "
                                     f"rate {rate:.3g}: try a smaller learning_rate than {recipe.learning_rate}")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss_sum += loss.item() * len(batch)
        correct += (logits.argmax(dim=1) == labels).sum().item()
    return {"train_loss": loss_sum / count, "train_accuracy": correct / count, "learning_rate": rate}


def compute(network, x, recipe):
    """Logits in float32; the layers in the recipe's precision and memory order."""
    if recipe.channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    dtype = PRECISIONS[recipe.precision]
    with torch.autocast(x.device.type, dtype=dtype, enabled=dtype is not torch.float32):
        return network(x).float()


@torch.inference_mode()
def predict(network, images, mean, spread, recipe=None):
    """Logits ``(N, classes)`` for all ``images``, in eval mode, on the CPU."""
    network.eval()
    device = mean.device
    batches = images.pixels.split(500)
    return torch.cat([compute(network, normalise(x.to(device), mean, spread), recipe or Recipe()).cpu() for x in batches])


def evaluate(network, images, mean, spread, recipe=None):
    """Loss and accuracy on ``images`` as a dictionary."""
    logits = predict(network, images, mean, spread, recipe)
    accuracy = (logits.argmax(dim=1) == images.labels).double().mean().item()
    return {"loss": functional.cross_entropy(logits, images.labels).item(), "accuracy": accuracy}


def save(path, network, optimiser, recipe, seed, history):
    """Write beside the file and rename: a killed process leaves the old checkpoint or the new one, whole."""
    if path is None:
        return
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "recipe": asdict(recipe),
             "seed": seed, "history": history}
    unfinished = Path(f"{path}.unfinished")
    torch.save(state, unfinished)
    os.replace(unfinished, path)


def resume(path, network, optimiser, recipe, seed):
    """Load ``path`` if it is there and belongs to this run; return the history so far."""
    if path is None or not Path(path).exists():
        return []
    try:
        state = torch.load(path, weights_only=True)  # runs no code from the file
        run = {**state["recipe"], "seed": state["seed"]}
    except DAMAGED as error:
        raise ValueError(f"checkpoint={str(path)!r} is damaged, or not of train(): delete it to start anew") from error
    wanted = {**asdict(recipe), "seed": seed}
    other = [f"{name}={run.get(name)} (now {wanted[name]})" for name in wanted if run.get(name) != wanted[name]]
    if other:
        raise ValueError(f"checkpoint={str(path)!r} is of another run: {', '.join(other)}. Use another file, or delete it")
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return state["history"]
