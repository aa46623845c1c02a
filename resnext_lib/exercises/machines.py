"""The checks of chapter 12: more than one machine."""

import torch
from torch.utils.data.distributed import DistributedSampler

from resnext_lib.exercises.delegation import OWN_WORK, Forbidden, call
from resnext_lib.exercises.values import (
    copies,
    expect_close,
    expect_near,
    in_either_precision,
    items,
    normal_numbers,
    number,
    same,
    tensor,
)
from resnext_lib.exercises.verdicts import FUNCTION, check, expect

OWN_SHARES = Forbidden(modules=("torch.utils.data.distributed",))


@check(
    "rank, rank + world, rank + 2 * world, ... up to ceil(count / world) of them; % count begins again at 0",
    FUNCTION,
    takes="count, world, rank",
    visible=((12, 4), (10, 4), (9, 2), (3, 8), (7, 1)),
    hidden=lambda dice: [(dice.randint(1, 40), dice.randint(1, 9)) for _ in range(8)] + [(2, 7), (21, 5)],
    forbidden=OWN_SHARES,
)
def share_of_images(answer, cases):
    """A function (count, world, rank) to the indices that an unshuffled ``DistributedSampler`` gives."""
    for count, world in cases:
        shares = [call(answer, count, world, rank) for rank in range(world)]
        shares = [[number(index) for index in items(share, f"give a list, not {type(share).__name__}")] for share in shares]
        right = [list(DistributedSampler(range(count), world, rank, shuffle=False)) for rank in range(world)]
        if shares == right:
            continue
        case = f"{count} images, {world} ranks: "
        sizes = {len(share) for share in shares}
        expect(len(sizes) == 1, case + f"the shares have {sorted(sizes)} images, so who has more would wait for the others")
        lost = sorted(set(range(count)) - set(sum(shares, [])))
        expect(not lost, case + f"nobody sees the images {lost}")
        outside = sorted(set(sum(shares, [])) - set(range(count)))
        expect(not outside, case + f"there are no images {outside}; begin again at 0")
        expect(len(shares[0]) == len(right[0]), case + f"{len(right[0])} each suffice, not {len(shares[0])}")
        for rank, (given, wanted) in enumerate(zip(shares, right, strict=True)):
            expect(given == wanted, case + f"rank {rank} gets {wanted}, every {world}-th, but you give it {given}")
    return "no image is lost, and only the padding is seen twice."


@check(
    "how many images does one step see, on all machines together?",
    FUNCTION,
    takes="machines, cards, batch",
    visible=((2, 4, 32), (1, 8, 32), (1, 2, 32), (4, 4, 128)),
    hidden=lambda dice: [(dice.randint(1, 12), dice.randint(1, 16), dice.randint(8, 256)) for _ in range(8)],
    forbidden=OWN_WORK,
)
def cluster_learning_rate(answer, cases):
    """A function (machines, cards, batch of a card) to the learning rate by the linear rule."""
    for machines, cards, batch in cases:
        given, right = number(call(answer, machines, cards, batch)), 0.1 * machines * cards * batch / 256
        mistakes = {
            0.1 * machines * batch / 256: "that is the rate for one card a machine; every machine has several",
            0.1 * batch / 256: "that is the rate for the batch of one card; a step sees those of all cards",
            machines * cards * batch / 256: "that is the factor; the rate is 0.1 times as much",
            0.1 * cards * batch / 256: "that is the rate for one machine; a step sees the images of all machines",
            0.1 * 256 / (machines * cards * batch): "a larger batch wants a larger learning rate, not a smaller one",
            0.1 * (machines * cards * batch / 256) ** 0.5: "that is the root of the factor; the rule takes the factor",
            0.1: "the learning rate follows the batch; 0.1 is for 256 images a step",
        }
        case = f"{machines} machines, {cards} cards, {batch} images a card"
        expect_near(given, right, mistakes, f"{case}: {given} is not it")
    return "0.1 for 256 images a step, in proportion for every other batch."


@check(
    "a mean times its count is a sum; sums may be added",
    FUNCTION,
    takes="gradients, counts",
    visible=((3, 1), (20, 20, 10), (5,)),
    hidden=lambda dice: [tuple(dice.randint(1, 60) for _ in range(ranks)) for ranks in (2, 3, 4, 5)],
    forbidden=OWN_WORK,
)
def mean_of_all(answer, cases):
    """A function (gradients, counts): the mean over all images of ranks with unequal shares."""
    for counts in cases:
        gradients = [normal_numbers(4, seed=seed + sum(counts)) for seed in range(len(counts))]
        given = in_either_precision(
            lambda dtype, gradients=gradients, counts=counts: _called_on_copies(answer, copies(gradients, dtype), counts)
        )
        total = sum(gradient * count for gradient, count in zip(gradients, counts, strict=True))
        right = total / sum(counts)
        tensor(given, "give a tensor")
        for wrong, sentence in (
            (sum(gradients) / len(gradients), "every rank counts the same here, but they had unequally many images"),
            (total, "that is the sum over all images; divide by their number"),
            (total / len(counts), f"divide by the number of images, {sum(counts)}, not by that of the ranks"),
            (sum(gradients) / sum(counts), "weigh each gradient by its rank's number of images before adding"),
        ):
            expect(same(given, right) or not same(given, wrong), f"shares of {counts}: {sentence}")
        expect_close(given, right, f"shares of {counts}: this is not the mean over all images")
    return "shares weighted by their size give the mean over all images."


def _called_on_copies(answer, gradients, counts):
    """What the answer gives; it may not change the gradients that it was given."""
    before = [gradient.clone() for gradient in gradients]
    given = call(answer, gradients, list(counts))
    expect(given is not None, "your function returns nothing: is `return` missing?")
    expect(all(map(torch.equal, gradients, before)), "leave the gradients as they were")
    return given
