"""The training loop of chapter 8 on several processes, or several machines.

    torchrun --standalone --nproc-per-node 2 examples/distributed.py --checkpoint run.pt

"More than one machine" shows what differs from resnext_lib/training.py.
"""

import argparse
import math
import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data.distributed import DistributedSampler
from tqdm import tqdm

from resnext_lib.data import augment, fashion_subset, normalise
from resnext_lib.networks import small_resnext
from resnext_lib.training import (
    Recipe,
    begin,
    compute,
    evaluate,
    learning_rate_at,
    loss_of,
    save,
)


def train_epoch(network, optimiser, images, recipe, epoch, mean, spread, sampler,
                progress=False):
    network.train()
    device, count = mean.device, len(images.labels)
    batches = torch.tensor([*sampler]).split(recipe.batch_size // dist.get_world_size())
    loss_sum = correct = 0
    for step, batch in enumerate(tqdm(batches, f"epoch {epoch + 1}", leave=False,
                                      disable=not progress)):
        rate = learning_rate_at(epoch * len(batches) + step,
                                recipe.epochs * len(batches), recipe.learning_rate)
        optimiser.param_groups[0]["lr"] = rate
        pixels, labels = (images.pixels[batch].to(device),
                          images.labels[batch].to(device))
        x = normalise(augment(pixels) if recipe.augment else pixels, mean, spread)
        logits = compute(network, x, recipe)
        loss = loss_of(logits, labels)
        if not math.isfinite(loss.item()):
            raise FloatingPointError(f"the loss is {loss.item()} in epoch {epoch + 1}, "
                f"step {step + 1}, at learning rate {rate:.3g}: try a smaller "
                f"learning_rate than {recipe.learning_rate}")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss_sum += loss.item() * len(batch)
        correct += (logits.argmax(dim=1) == labels).sum().item()
    totals = torch.tensor([loss_sum, correct, len(sampler)], device=device)
    dist.all_reduce(totals)
    loss_sum, correct, count = totals.tolist()
    return {"train_loss": loss_sum / count, "train_accuracy": correct / count,
            "learning_rate": rate}


def train(network, train_images, test_images=None, recipe=None, seed=0, *, device="cpu",
          checkpoint=None, progress=True, stop_after=None):
    recipe = recipe or Recipe()
    optimiser, history, run, mean, spread = begin(network, train_images, test_images,
                                                  recipe, seed, device, checkpoint)
    parallel = DistributedDataParallel(network)
    sampler = DistributedSampler(train_images.labels, seed=1000 * seed)
    rank = dist.get_rank()
    with torch.random.fork_rng():
        for epoch in range(len(history),
                           min(recipe.epochs, stop_after or recipe.epochs)):
            sampler.set_epoch(epoch)
            torch.manual_seed(1000 * seed + epoch + 10**6 * rank)
            row = train_epoch(parallel, optimiser, train_images, recipe, epoch,
                              mean, spread, sampler, progress and rank == 0)
            if test_images is not None:
                row |= {f"test_{k}": v for k, v in
                        evaluate(network, test_images, mean, spread, recipe).items()}
            history.append({"epoch": epoch + 1, **row})
            path = checkpoint if rank == 0 else None
            save(path, network, optimiser, run, history)
    return history


def main():
    """What each process does that torchrun starts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True, help="written by rank 0")
    parser.add_argument("--images", type=int, default=10_000,
                        help="at most so many to train with, and to test with")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=128, help="of all ranks together")
    parser.add_argument("--no-augmentation", action="store_false", dest="augment")
    parser.add_argument("--cpu", action="store_true", help="leave GPUs alone")
    options = parser.parse_args()
    names = ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "LOCAL_RANK")
    if not set(names) <= set(os.environ):
        parser.error("start this program with torchrun, as its first lines show")
    world, neighbours, local = (int(os.environ[name]) for name in names)
    if options.batch % world:
        parser.error(f"--batch {options.batch} is no multiple of {world}, the ranks")
    gpu = torch.cuda.device_count() >= neighbours and not options.cpu
    if gpu:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if gpu else "gloo")
    torch.manual_seed(0)
    images, tests = (
        part._replace(pixels=part.pixels[:options.images],
                      labels=part.labels[:options.images])
        for part in map(fashion_subset, ("train", "test")))
    recipe = Recipe(options.epochs, options.batch, augment=options.augment)
    train(small_resnext(), images, tests, recipe,
          device=f"cuda:{local}" if gpu else "cpu", checkpoint=options.checkpoint)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
