"""The teacher's answers to the questions (Q): a passage of each, and what it follows from.

The board exercises (B) are computed in tests/chapters/test_teaching.py.
"""

import statistics

import torch
from claims_of_1_to_4 import conv, mean_error, weights
from claims_of_9_to_11 import place, ratio, value
from quiz_answers import batch_norm_moves, good_for_64_and_poor_for_one
from randomness import random_tensor, randomise, without_data
from torch import nn
from torch.utils.data.distributed import DistributedSampler
from torch.utils.flop_counter import FlopCounterMode

from resnext_lib import figures, networks
from resnext_lib.blocks import Bottleneck
from resnext_lib.complexity import count_macs, count_parameters, width_for_budget
from resnext_lib.forms import FormA, FormC


def cost_at(side):
    return count_macs(conv(8, 8, 3, padding=1), (8, side, side))


def flops_against_macs():
    layer = conv(4, 4, 3)
    with FlopCounterMode(display=False) as counter:
        layer(torch.empty(1, 4, 9, 9, device="meta"))
    return counter.get_total_flops() // count_macs(layer, (4, 9, 9))


def reduction_stops_paying():
    behind = lambda r: weights(64, r, 1) + weights(r, 32, 5)  # noqa: E731
    return next(r for r in range(1, 99) if behind(r) > weights(64, 32, 5))


def reads_of_group(number, channels=20, groups=5):
    """The inputs, counted from 0, that the group of this number, counted from 1, reads: measured."""
    layer, x = nn.Conv2d(channels, channels, 1, groups=groups), torch.ones(1, channels, 1, 1, requires_grad=True)
    layer(x)[0, (number - 1) * channels // groups].sum().backward()
    return x.grad.flatten().nonzero().flatten().tolist()


def notice(channel):
    """How many of the 32 paths of form A change when an input channel does."""
    block, x = FormA(256, 128, 256, 32).double().eval(), random_tensor(1, 256, 3, 3)
    other = x.clone()
    other[:, channel] = 0
    return sum(not torch.equal(path(x), path(other)) for path in block.paths)


def same_seed_same_output():
    outputs = []
    for form in (FormA, FormC):
        torch.manual_seed(0)
        outputs.append(form(16, 8, 16, 4).eval()(torch.ones(1, 16, 4, 4)))
    return torch.allclose(*outputs)


def shifted_by_5():
    """Whether 5 more on every output of a convolution changes anything behind batch norm in train mode."""
    norm, x = randomise(nn.BatchNorm2d(3).double()).train(), random_tensor(4, 3, 5, 5)
    return not torch.allclose(norm(x), norm(x + 5))


def spread_behind_a_norm(size):
    return nn.BatchNorm2d(1)(size * torch.randn(64, 1, 8, 8)).std().item()


def more(count):
    """By how many per cent ResNeXt-50 has more of something than ResNet-50."""
    new, old = (count(without_data(build)) for build in (networks.resnext50_32x4d, networks.resnet50))
    return round(100 * (new / old - 1))


def shares_of_ten():
    return [len(list(DistributedSampler(range(10), num_replicas=4, rank=rank, shuffle=False))) for rank in range(4)]


def frozen_answer_depends_on_the_batch():
    return good_for_64_and_poor_for_one() == "`eval()` was called" and "running_mean" in batch_norm_moves()


def separate_norms_forget_the_share():
    """The spread of a loud and of a quiet path behind batch norms of their own."""
    torch.manual_seed(0)
    return abs(spread_behind_a_norm(9) - spread_behind_a_norm(0.3)) < 0.01


THREES = nn.Sequential(*(nn.Conv2d(12, 12, 3, padding=1, groups=3, bias=False) for _ in range(20)))

ANSWERS = {
    "**Q1.1** {}: each output has a kernel for each input": lambda: conv(4, 6, 3).weight[..., 0, 0].numel(),
    "**Q1.2** Weights by {}, MACs by {}": lambda: (1, cost_at(20) // cost_at(10)),
    "**Q1.3** Probably neither: one counts FLOPs, the other MACs, and 1 MAC is {} FLOPs": flops_against_macs,
    "**Q2.1** {}, that is {} + {} + {} + {}: the reductions {} and {} stay inside": lambda: (
        sum((10, 12, 6, 4)),
        *(10, 12, 6, 4),
        *(4, 2),
    ),
    "**Q2.2** No: it sees only {} mixtures of the {} channels": lambda: conv(192, 16, 1).weight.shape[:2],
    "**Q2.3** At {}: directly it has {:,} weights, behind a 1×1 to r channels r · ({} + {} · {}), which is {} · r": lambda: (
        reduction_stops_paying(),
        weights(64, 32, 5),
        64,
        25,
        32,
        64 + 25 * 32,
    ),
    "**Q3.1** No: overfitting is a low training error with a high test error; here training itself fails": lambda: (
        mean_error("plain", 56) > mean_error("plain", 8)
    ),
    "**Q3.2** Yes, a projection: 64 channels cannot be added to {}": lambda: (
        256 if without_data(Bottleneck, 64, 64, 256).downsample is not None else 64
    ),
    "**Q3.3** Nothing: the mean grows by 5 as well": lambda: not shifted_by_5(),
    "**Q4.1** {}, {}, {}, {}: groups are runs of 4 neighbours": lambda: reads_of_group(3),
    "**Q4.2** {}, half of the dense {}: each of 8 outputs reads {} inputs, times 9": lambda: (
        weights(8, 8, 3, groups=2),
        weights(8, 8, 3),
        conv(8, 8, 3, groups=2).weight.shape[1],
    ),
    "**Q4.3** {}, those of its own group": lambda: int(figures.reach(THREES, 12)[-1].sum()),
    "**Q5.1** All {}: the first 1×1 of each path reads every input": lambda: notice(200),
    "**Q5.2** More than half: {}.": lambda: width_for_budget(2) if width_for_budget(2) > 32 else 0,
    "**Q5.3** {} channels: {}, doubled at each of three stages": lambda: (4 * 2**3, 4),
    "**Q6.1** Contiguous and interleaved groups: same counts, another function": lambda: _dealt_differs(),
    "**Q6.2** No: the forms draw their numbers in another order": lambda: not same_seed_same_output(),
    "**Q6.3** It scales each path to unit variance before the sum, so that how much a path had to say is lost": (
        separate_norms_forget_the_share
    ),
    "**Q7.1** ResNeXt-50, with {} % more MACs and {} % fewer parameters": lambda: (
        more(lambda network: count_macs(network, (3, 224, 224))),
        -more(count_parameters),
    ),
    "**Q7.2** {} is {} times the stage width {}": lambda: (256, networks.EXPANSION, 256 // networks.EXPANSION),
    "**Q7.3** It does not follow: the recipe of the training differs": lambda: (
        value("torchvision.resnet50.V2.top1") > value("torchvision.resnext50_32x4d.V1.top1")
        and value("torchvision.resnext50_32x4d.V1.top1") > value("torchvision.resnet50.V1.top1")
    ),
    "**Q8.1** The training set's, for every picture ever": lambda: _single_picture_has_no_mean_of_its_own(),
    "**Q8.2** The batch norm after the sum: its stored mean and variance belong to a sum with that path": lambda: hasattr(
        without_data(Bottleneck, *(256, 128, 256, 32)), "bn3"
    ),
    "**Q8.3** Another path may do the same work: only one was taken out at a time": lambda: _twins_hide_each_other(),
    "**Q9.1** Nothing certain: in the chapter two seeds give two rankings": lambda: place("16x8d", 0) != place("16x8d", 4),
    "**Q9.2** It does not follow: the ranges of B10 overlap, and yet B wins in every pair": lambda: (
        max(90, 92, 91) > min(91, 93, 92) and all(b > a for a, b in zip((90, 92, 91), (91, 93, 92), strict=True))
    ),
    "**Q9.3** The training error: if it falls as well, the network fits better": lambda: (
        value("training-error.101-layers.32x4d") < value("training-error.101-layers.1x64d")
    ),
    "**Q10.1** C: A makes {} times as many calls, and moves {} outputs of {} channels": lambda: (
        (
            _calls(FormA) // _calls(FormC),
            32,
            256,
        )
        if ratio("forms", "form C", "forward") < ratio("forms", "form A", "forward")
        else (0, 0, 0)
    ),
    "**Q10.2** Two moments, not two programs; let them take turns": lambda: _turns_share_the_moment(),
    "**Q10.3** A ninth: the whole takes {} of the time, so it is {:.2f} times as fast": lambda: (1 - 0.1, 1 / (1 - 0.1)),
    "**Q10.4** The MACs do not say; less than {} times": lambda: 32 if 1 / ratio("groups", "groups=32") < 32 else 0,
    "**Q11.1** {}, one for each channel": lambda: value("convnext.resnextify.widths")[1],
    "**Q11.2** {}, which is {} / {}": lambda: (432 // 48, 432, 48),
    "**Q11.3** Yes, the other one of its group": lambda: conv(8, 8, 3, groups=4).weight.shape[1] == 2,
    "**Q11.4** Batch norm's running means and variances, in train mode": frozen_answer_depends_on_the_batch,
    "**Q12.1** Batch norm, in train mode: it subtracts the mean of the images it sees": lambda: _halves_have_other_means(),
    "**Q12.2** The order must agree, so that the parts fit; the augmentation must not": lambda: _parts_fit(),
    "**Q12.3** Three each: two images are seen twice": lambda: shares_of_ten() == [3] * 4 and sum(shares_of_ten()) - 10 == 2,
}


def _calls(form):
    return sum(isinstance(m, nn.Conv2d) for m in without_data(form, 256, 128, 256, 32).modules())


def _dealt_differs():
    layer, x = nn.Conv2d(8, 8, 1, groups=4, bias=False).double(), random_tensor(1, 8, 1, 1)
    return not torch.allclose(layer(x), layer(nn.ChannelShuffle(2)(x)))


def _single_picture_has_no_mean_of_its_own():
    """Normalised with its own mean, a bright picture and a dark one look alike."""
    dark = random_tensor(1, 1, 4, 4)
    bright = dark + 3
    return torch.allclose(dark - dark.mean(), bright - bright.mean())


def _twins_hide_each_other():
    """Two paths that say the same, behind a ReLU that asks for one of them only."""
    said = torch.tensor([2.0, 2.0])
    answer = lambda paths: (paths.sum() > 1).item()  # noqa: E731
    return answer(said) == answer(said * torch.tensor([0, 1])) != answer(said * 0)


def _turns_share_the_moment():
    """Seconds of two equal programs on a machine that becomes twice as slow half way."""
    slow = [1] * 100 + [2] * 100
    one_after_the_other = statistics.median(slow[100:]) / statistics.median(slow[:100])
    in_turns = statistics.mean(slow[1::2]) / statistics.mean(slow[::2])
    return one_after_the_other == 2 and in_turns == 1


def _halves_have_other_means():
    images = random_tensor(8, 1, 3, 3)
    return not torch.isclose(images[:4].mean(), images.mean())


def _parts_fit():
    """With one order, what four processes get makes up the whole; with two orders it does not."""

    def shares(seed_of):
        samplers = [DistributedSampler(range(16), num_replicas=4, rank=rank, seed=seed_of(rank)) for rank in range(4)]
        return sorted(index for sampler in samplers for index in sampler)

    return shares(lambda rank: 0) == list(range(16)) != shares(lambda rank: rank)


CLAIMS = {"teaching/answers.md": ANSWERS}
