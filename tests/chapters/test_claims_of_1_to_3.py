"""What the prose and the captions of chapters 1 to 3 claim, recomputed from the networks and from the stored runs."""

import math
import re
import statistics

import pytest

from resnext_lib import networks
from resnext_lib.complexity import stage_costs
from resnext_lib.published import evidence
from tools.facts import ROOT
from tools.notebooks import read

COLUMNS = ("conv1x1", "conv3x3", "conv5x5", "pool_projection")


def words(number):
    """Everything that chapter ``number`` says: text, and the sources of its cells with captions and alt texts joined."""
    path = next((ROOT / "chapters").glob(f"{number:02}_*.ipynb"))
    text = "\n".join(cell.source for cell in read(path).cells)
    return re.sub(r'"\n +"', "", text)


@pytest.fixture(scope="module")
def totals():
    """Geometric mean of the growth of the gradient, by kind, channels and number of blocks."""
    found = {}
    for row in evidence("gradient_totals"):
        found.setdefault((row["kind"], row["channels"], row["blocks"]), []).append(float(row["total"]))
    return {key: statistics.geometric_mean(values) for key, values in found.items()}


def test_chapter_1_layer1_has_0_8_percent_of_the_weights_and_16_percent_of_the_work():
    stages = stage_costs(networks.resnet50(), (3, 224, 224))
    weights, macs = (sum(getattr(stage, what) for stage in stages.values()) for what in ("parameters", "macs"))
    early, late = stages["layer1"], stages["layer4"]
    assert f"{early.parameters / weights:.1%}" == "0.8%" and f"{early.macs / macs:.0%}" == "16%"
    assert early.macs / macs / (early.parameters / weights) == pytest.approx(20, rel=0.05)
    assert late.parameters / weights > 0.5 and late.macs / macs == pytest.approx(1 / 5, rel=0.05)
    assert macs == pytest.approx(4e9, rel=0.05) and weights == pytest.approx(26e6, rel=0.02)
    said = words(1)
    for claim in (
        "holds 0.8 % of the weights and does 16 % of the work: about twenty times",
        "holds most of the weights and does a fifth",
        "multiplies four billion times, and it keeps 26 million weights",
    ):
        assert claim in said


def test_chapter_2_the_share_of_large_windows_does_not_follow_the_papers_rule():
    shares = [(w["conv3x3"] + w["conv5x5"]) / sum(w[c] for c in COLUMNS) for w in networks.GOOGLENET_MODULES.values()]
    rounded = [round(100 * share) for share in shares]
    assert rounded[0] == 62 and max(rounded) == 67 and rounded[-1] == min(rounded) == 50
    assert list(networks.GOOGLENET_MODULES)[rounded.index(67)] == "4d"
    doubles = [name for name, w in networks.GOOGLENET_MODULES.items() if w["conv3x3"] == 2 * w["reduce3x3"]]
    assert doubles == ["4b", "4c", "4d", "4e", "5a", "5b"]
    said = words(2)
    for claim in (
        "ends where it was lowest",
        "from 4b on",
        "from 62 % it falls to 50, rises to 67 at 4d, and falls to 50 %",
    ):
        assert claim in said


def test_chapter_2_the_module_costs_a_seventh():
    assert "costs a seventh" in words(2)
    assert 192 * 256 * 25 / (192 * 208 + 96 * 128 * 9 + 16 * 32 * 25) == pytest.approx(7.5, abs=0.05)


def plain_growth():
    """The growths of the gradient in plain stacks of 32 channels, by the number of layers."""
    found = {}
    for row in evidence("gradient_totals"):
        if (row["kind"], row["channels"]) == ("plain", "32"):
            found.setdefault(int(row["layers"]), []).append(float(row["total"]))
    return found


def test_chapter_2_price_alone_does_not_give_the_widths():
    assert all(w["conv1x1"] <= w["conv3x3"] for w in networks.GOOGLENET_MODULES.values())
    assert "in no module is it wider than the 3×3" in words(2)


def test_chapter_3_a_third_of_what_relu_gives_is_constant():
    """For normal numbers of variance 1, by summing over their density."""
    steps = [step / 1000 for step in range(8000)]
    density = [math.exp(-step * step / 2) / math.sqrt(2 * math.pi) / 1000 for step in steps]
    mean, square = (sum(step**power * part for step, part in zip(steps, density, strict=True)) for power in (1, 2))
    assert f"{mean:.2f}, {square:.2f}, {mean**2:.2f}" == "0.40, 0.50, 0.16"
    assert mean**2 / square == pytest.approx(1 / math.pi, abs=1e-3)
    assert "the mean after it is 0.40 and the mean of the squares 0.50; 0.40² is 0.16" in words(3)


def test_chapter_3_gradients_grow_by_what_is_said(totals):
    said, total = words(3), totals["plain", "32", "27"]
    assert total == pytest.approx(13_000, rel=0.05) and "and 13 thousand without shortcuts" in said
    a_layer = [statistics.median(grown) ** (1 / layers) for layers, grown in plain_growth().items()]
    assert len(a_layer) == 4 and f"{min(a_layer):.2f}" == "1.18" and f"{max(a_layer):.2f}" == "1.20"
    assert "1.18 to 1.20 for every layer" in said
    assert f"{1 / math.sqrt(1 - 1 / math.pi):.2f}" == "1.21" and r"1/\sqrt{1 - 1/\pi} = 1.21" in said
    ends = [round(totals[kind, "32", "27"]) for kind in ("two-layer", "bottleneck", "ResNeXt")]
    assert ends == [32, 157, 191]
    assert "{} for 27 blocks of two layers, {} for bottlenecks and {} for ResNeXt's blocks".format(*ends) in said
    assert math.prod((block + 1) / block for block in range(1, 28)) == pytest.approx(28)


@pytest.mark.parametrize("channels", ["32", "64"])
def test_chapter_3_with_shortcuts_the_growth_of_a_block_falls_towards_1(channels):
    for kind in ("two-layer", "bottleneck", "ResNeXt"):
        rows = [r for r in evidence("gradient_growth") if r["kind"] == kind and r["channels"] == channels]
        growth = [float(row["growth"]) for row in rows]
        assert growth[0] > 2 > growth[1] > growth[4] > growth[-1] and growth[-1] == pytest.approx(1, abs=0.05)
        excess = [(value - 1) * block for block, value in enumerate(growth[:15], 1)]  # c, if the growth is 1 + c/l
        assert max(excess) < 2.5 * min(excess)
    plain = [r for r in evidence("gradient_growth") if r["kind"] == "plain" and r["channels"] == channels]
    assert min(float(row["growth"]) for row in plain) > 1.1


def test_chapter_3_residual_runs_lie_below_plain_ones_from_step_60_on():
    losses = {}
    for row in evidence("depth"):
        if row["depth"] == "56":
            losses.setdefault((int(row["step"]), row["kind"]), []).append(float(row["train_loss"]))
    steps = sorted({step for step, _ in losses})
    below = [step for step in steps if max(losses[step, "residual"]) < min(losses[step, "plain"])]
    assert below == [step for step in steps if step >= 60]
    assert "lie below them from step 60 on" in words(3)
