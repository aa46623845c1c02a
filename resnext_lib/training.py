"""One training loop: seeded, resumable to the bit on the same machine, the same on CPU and GPU.

SGD with momentum and weight decay as in arXiv 1611.05431, section 5; the learning rate falls along a
cosine (arXiv 1608.03983) after a short warm-up, which suits runs of a few epochs.
"""

import hashlib
import math
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from resnext_lib.data import Images, augment, check_images, check_pixels, mean_and_spread, normalise
from resnext_lib.weights import DAMAGED

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def _check_number(name, value, whole, zero):
    """Raise unless ``value`` is a finite number above 0 (or 0 where ``zero``), a whole one where ``whole``."""
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise TypeError(f"{name} must be a {'whole ' if whole else ''}number, not {value!r} ({type(value).__name__})")
    if not (value >= 0 if zero else value > 0) or not math.isfinite(value):
        raise ValueError(f"{name} must be {'0 or more' if zero else 'above 0'}, not {value}")


@dataclass(frozen=True)
class Recipe:
    """How to train. ``precision="bfloat16"`` computes in mixed precision; the weights stay float32.

    In five pairs of short trainings that left the test loss 0.008 ± 0.014 above that of float32, so no cost was found, and
    estimating the batch norms again in float32 changed it by 0.001 ± 0.009 (``studies/precision.md``; 95 % intervals).
    """

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    augment: bool = True
    precision: str = "float32"
    channels_last: bool = False

    def __post_init__(self):
        for name in ("epochs", "batch_size", "learning_rate", "momentum", "weight_decay"):
            _check_number(
                name, getattr(self, name), whole=name in ("epochs", "batch_size"), zero=name in ("momentum", "weight_decay")
            )
        for name in ("augment", "channels_last"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {list(PRECISIONS)}, not {self.precision!r}")


def learning_rate_at(step: float, steps: float, peak: float, warm_up: float = 0.1) -> float:
    """Up in a line over the first tenth of ``steps``, then down along half a cosine to 0."""
    rise = warm_up * steps
    if step < rise:
        return peak * (step + 1) / (rise + 1)
    return peak * (1 + math.cos(math.pi * (step - rise) / (steps - rise))) / 2


def train(
    network: nn.Module,
    train_images: Images,
    test_images: Images | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    *,
    device: str | torch.device = "cpu",
    checkpoint: str | Path | None = None,
    progress: bool = True,
    stop_after: int | None = None,
) -> list[dict[str, Any]]:
    """Train ``network`` in place; return one dictionary an epoch: losses, accuracies, learning rate.

    After each epoch the network answers ``test_images``, unless there are none. ``checkpoint`` names a file
    that is written after every epoch; with it the same call goes on where it stopped, and ends with the
    weights of an uninterrupted run. ``stop_after`` ends early, after that epoch.
    Raises, before anything is trained, ``TypeError`` or ``ValueError`` for images, device or checkpoint that do
    not fit, the checkpoint of another run among them, and ``OSError`` for a folder that cannot be written;
    ``FloatingPointError`` when the loss is no finite number.
    """
    recipe = recipe or Recipe()
    optimiser, history, run, mean, spread = begin(network, train_images, test_images, recipe, seed, device, checkpoint)
    with torch.random.fork_rng():  # the caller's random numbers stay as they were
        for epoch in range(len(history), min(recipe.epochs, stop_after or recipe.epochs)):
            torch.manual_seed(1000 * seed + epoch)  # each epoch has its own: a resumed run draws the same
            row = train_epoch(network, optimiser, train_images, recipe, epoch, mean, spread, progress)
            if test_images is not None:
                row |= {f"test_{k}": v for k, v in evaluate(network, test_images, mean, spread, recipe).items()}
            history.append({"epoch": epoch + 1, **row})
            save(checkpoint, network, optimiser, run, history)
    return history


def begin(
    network: nn.Module,
    train_images: Images,
    test_images: Images | None,
    recipe: Recipe,
    seed: int,
    device: str | torch.device,
    checkpoint: str | Path | None,
) -> tuple[torch.optim.Optimizer, list[dict[str, Any]], dict[str, Any], torch.Tensor, torch.Tensor]:
    """Look at everything that a run needs before it starts, and go on where ``checkpoint`` stopped.

    Moves ``network`` to ``device``. Returns ``(optimiser, history, run, mean, spread)``; ``run`` says which run this is.
    """
    check_images(train_images, "train_images")
    if test_images is not None:
        check_images(test_images, "test_images")
    mean, spread = (value.to(usable_device(device)) for value in mean_and_spread(train_images))
    run = identity(network, train_images, recipe, seed)
    state = resume(checkpoint, run)
    network.to(device, memory_format=torch.channels_last if recipe.channels_last else torch.contiguous_format)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    if state is None:
        return optimiser, [], run, mean, spread
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return optimiser, state["history"], run, mean, spread


def usable_device(device: str | torch.device) -> torch.device:
    """``device`` as a ``torch.device``. Raises ``ValueError`` for one that this machine does not have."""
    try:
        torch.empty(0, device=device)
        return torch.device(device)
    except (RuntimeError, AssertionError, TypeError) as error:  # torch without CUDA raises an AssertionError
        has = "cpu, cuda" if torch.cuda.is_available() else "cpu"
        raise ValueError(f"device={device!r} cannot be used here; this machine has: {has}") from error


def train_epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Images,
    recipe: Recipe,
    epoch: int,
    mean: torch.Tensor,
    spread: torch.Tensor,
    progress: bool = False,
) -> dict[str, float]:
    """One pass over ``images`` in random order; return its mean loss, its accuracy and the learning rate."""
    network.train()
    device, count = mean.device, len(images.labels)
    batches = in_batches(torch.randperm(count), recipe.batch_size)
    loss_sum = correct = 0
    for step, batch in enumerate(tqdm(batches, f"epoch {epoch + 1}", leave=False, disable=not progress)):
        rate = learning_rate_at(epoch * len(batches) + step, recipe.epochs * len(batches), recipe.learning_rate)
        optimiser.param_groups[0]["lr"] = rate
        pixels, labels = images.pixels[batch].to(device), images.labels[batch].to(device)
        x = normalise(augment(pixels) if recipe.augment else pixels, mean, spread)
        logits = compute(network, x, recipe)
        loss = loss_of(logits, labels)
        if not math.isfinite(loss.item()):
            raise FloatingPointError(
                f"the loss is {loss.item()} in epoch {epoch + 1}, step {step + 1}, at learning "
                f"rate {rate:.3g}: try a smaller learning_rate than {recipe.learning_rate}"
            )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss_sum += loss.item() * len(batch)
        correct += (logits.argmax(dim=1) == labels).sum().item()
    return {"train_loss": loss_sum / count, "train_accuracy": correct / count, "learning_rate": rate}


def in_batches(order: torch.Tensor, batch_size: int) -> list[torch.Tensor]:
    """``order`` in parts of ``batch_size``; a last part of one joins the part before it.

    Batch norm cannot take the variance of a single number, which is what one picture leaves on a 1x1 map.
    """
    batches = list(order.split(batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def loss_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy. Raises ``ValueError`` for a label that has no logit."""
    largest = labels.max().item()
    if largest >= logits.shape[1]:
        raise ValueError(
            f"labels go up to {largest}, but the network has {logits.shape[1]} outputs: "
            f"build it with num_classes={largest + 1} or more"
        )
    return functional.cross_entropy(logits, labels)


def compute(network: nn.Module, x: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Logits in float32; the layers in the recipe's precision and memory order."""
    if recipe.channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    dtype = PRECISIONS[recipe.precision]
    with torch.autocast(x.device.type, dtype=dtype, enabled=dtype is not torch.float32):
        return network(x).float()


@torch.inference_mode()
def predict(
    network: nn.Module, images: Images, mean: torch.Tensor, spread: torch.Tensor, recipe: Recipe | None = None
) -> torch.Tensor:
    """Logits ``(N, classes)`` for all ``images``, in eval mode, on the CPU."""
    check_pixels(images.pixels)
    network.eval()
    device = mean.device
    batches = images.pixels.split(500)
    return torch.cat([compute(network, normalise(x.to(device), mean, spread), recipe or Recipe()).cpu() for x in batches])


def evaluate(
    network: nn.Module, images: Images, mean: torch.Tensor, spread: torch.Tensor, recipe: Recipe | None = None
) -> dict[str, float]:
    """Loss and accuracy on ``images`` as a dictionary."""
    check_images(images)
    logits = predict(network, images, mean, spread, recipe)
    loss = loss_of(logits, images.labels).item()
    accuracy = (logits.argmax(dim=1) == images.labels).double().mean().item()
    return {"loss": loss, "accuracy": accuracy}


def identity(network: nn.Module, images: Images, recipe: Recipe, seed: int) -> dict[str, Any]:
    """What makes two runs the same run: the recipe, the seed, the images and the network's layers."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    pictures = hashlib.sha256(images.pixels.contiguous().numpy().tobytes() + images.labels.numpy().tobytes())
    layers = hashlib.sha256(f"{network} {shapes}".encode())
    return {**asdict(recipe), "seed": seed, "images": pictures.hexdigest()[:12], "network": layers.hexdigest()[:12]}


def save(
    path: str | Path | None,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    run: dict[str, Any],
    history: list[dict[str, Any]],
) -> None:
    """Write beside the file and rename: a killed process or a full disk leaves the old checkpoint or the new one, whole."""
    if path is None:
        return
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "run": run, "history": history}
    unfinished = Path(f"{path}.unfinished")
    try:
        torch.save(state, unfinished)
        os.replace(unfinished, path)
    except (OSError, RuntimeError) as error:  # torch wraps some errors of the disk
        unfinished.unlink(missing_ok=True)
        epochs = len(history) - 1
        kept = f"the one after epoch {epochs} is kept" if Path(path).exists() else "none is left"
        raise OSError(f"checkpoint={str(path)!r} could not be written ({error}); {kept}") from error


def resume(path: str | Path | None, run: dict[str, Any]) -> dict[str, Any] | None:
    """The state in ``path`` if it is there and belongs to ``run``, or ``None``; nothing is loaded into a network yet."""
    if path is None:
        return None
    path = Path(path)
    try:
        tempfile.TemporaryFile(dir=path.absolute().parent).close()  # now, not after the first epoch
    except OSError as error:
        raise OSError(f"checkpoint={str(path)!r}: its folder must be there and writable ({error.strerror})") from error
    if not path.exists():
        return None
    try:
        state = torch.load(path, weights_only=True)  # runs no code from the file
        before, _ = state["run"], state["history"]
        others = [f"{name}={before.get(name)} (now {run[name]})" for name in run if before.get(name) != run[name]]
    except DAMAGED as error:
        raise ValueError(f"checkpoint={str(path)!r} is damaged, or not of train(): delete it to start anew") from error
    if others:
        raise ValueError(f"checkpoint={str(path)!r} is of another run: {', '.join(others)}. Use another file, or delete it")
    return state
