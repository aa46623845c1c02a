"""The studies: plans that were there before their rows, rows that follow them, and programs that measure what they say."""

import csv
import hashlib
import math
import re
import subprocess
from fnmatch import fnmatch

import pytest
import torch
from randomness import randomise
from torch import nn
from torch.testing import assert_close

from resnext_lib import data
from resnext_lib.networks import small_resnext
from resnext_lib.paths import path_contributions, without_path
from resnext_lib.training import evaluate
from studies import checkpoint, depth, fine_tuning, gradients, precision, rows, tables
from studies import paths as removal
from studies.batch_norm import average_statistics
from tools.facts import ROOT

PLANS = {
    "path_removal": ("paths.md", removal.REMOVAL),
    "path_likeness": ("paths.md", removal.LIKENESS),
    "gradient_totals": ("gradients.md", gradients.TOTALS),
    "gradient_growth": ("gradients.md", gradients.GROWTH),
    "fine_tuning": ("fine_tuning.md", fine_tuning.COLUMNS),
    "precision": ("precision.md", precision.COLUMNS),
}


def pictures(count=40, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return data.Images(
        torch.randint(0, 256, (count, 1, 28, 28), generator=draw, dtype=torch.uint8),
        torch.arange(count) % 10,
        data.FASHION_CLASSES,
    )


def small_block_network():
    """Four paths a block, one block a stage; weights and statistics at random."""
    return randomise(small_resnext(cardinality=4, bottleneck_width=24, depth=11)).eval()


# ------------------------------------------------------------------ plans and rows


EVIDENCE = sorted(tables.EVIDENCE.glob("*.csv"))


@pytest.mark.parametrize("path", EVIDENCE, ids=[path.stem for path in EVIDENCE])
def test_all_evidence_says_who_wrote_it(path):
    """A file whose rows name a plan is in PLANS, and README's table "Generated" has the command of every file."""
    with path.open(encoding="utf-8", newline="") as file:
        planned = "plan" in next(csv.reader(file))
    assert not planned or path.stem in PLANS, f"{path.name}: add it to PLANS in tests/studies/test_studies.py"
    generated = (ROOT / "README.md").read_text(encoding="utf-8").partition("Generated:")[2].partition("The library")[0]
    commands = [
        command
        for places, command in re.findall(r"^\| (.+?) \| (.+?) \|$", generated, re.MULTILINE)
        if any(fnmatch(path.name, place.rpartition("/")[2]) for place in re.findall(r"`([^`]+\.csv)`", places))
    ]
    assert len(commands) == 1, f'{path.name}: README\'s table "Generated" names its command {len(commands)} times, not once'


@pytest.mark.parametrize("name", PLANS)
def test_every_row_was_made_under_the_plan_that_is_here(name):
    """The plan is not changed after its first row; what was done otherwise stands in studies/deviations.md."""
    plan, columns = PLANS[name]
    content = (tables.STUDIES / plan).read_text(encoding="utf-8").encode()
    found = rows.read(tables.EVIDENCE / f"{name}.csv", (*columns, *tables.WHENCE))
    assert found, f"{name}.csv has no rows"
    assert {row["plan"] for row in found} == {hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize("name", PLANS)
def test_every_row_says_where_it_was_made(name):
    for row in rows.read(tables.EVIDENCE / f"{name}.csv", (*PLANS[name][1], *tables.WHENCE)):
        assert row["threads"] == "1" and row["device"] and "torch" in row["versions"] and len(row["revision"]) >= 7


@pytest.mark.parametrize("plan", sorted({plan for plan, _ in PLANS.values()}))
def test_a_plan_says_what_would_count_against_the_claim(plan):
    text = (tables.STUDIES / plan).read_text(encoding="utf-8")
    assert "written before the runs" in text
    assert "gainst" in text and "deviations.md" in text


def test_rows_of_another_plan_are_refused_and_kept(tmp_path, monkeypatch):
    table = tables.Table("some", ("a", "b"), "paths.md", tmp_path)
    table.add([{"a": 1, "b": 2}, {"a": 3, "b": ""}])
    before = table.path.read_bytes()
    monkeypatch.setattr(tables, "checksum", lambda plan: "0" * 64)
    with pytest.raises(ValueError, match="some.csv has rows of another paths.md: put that plan back"):
        tables.Table("some", ("a", "b"), "paths.md", tmp_path)
    assert table.path.read_bytes() == before


def test_a_plan_that_is_not_committed_is_refused_before_the_work(tmp_path, monkeypatch):
    """Rows name the revision that they were made at, and the plan has to be in it."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setattr(tables, "STUDIES", tmp_path)
    (tmp_path / "tiny.md").write_text("written before the runs", encoding="utf-8")
    with pytest.raises(ValueError, match="commit studies/tiny.md first: a plan comes before its rows"):
        tables.Table("tiny", ("seed",), "tiny.md", tmp_path)
    assert list(tmp_path.glob("*.csv*")) == []
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "A plan"]
    subprocess.run(["git", "add", "tiny.md"], cwd=tmp_path, check=True)
    subprocess.run(commit, cwd=tmp_path, check=True)
    tables.Table("tiny", ("seed",), "tiny.md", tmp_path)
    (tmp_path / "tiny.md").write_text("written after the runs", encoding="utf-8")
    with pytest.raises(ValueError, match="commit studies/tiny.md first"):
        tables.Table("tiny", ("seed",), "tiny.md", tmp_path)


def test_a_machine_without_git_measures_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(
        tables, "circumstances", lambda device: {"revision": "no git", "device": "", "threads": 1, "versions": ""}
    )
    monkeypatch.setattr(tables.subprocess, "run", lambda *arguments, **more: pytest.fail("git was asked for"))
    assert tables.Table("some", ("a",), "paths.md", tmp_path).rows == []


def test_a_table_knows_what_it_has(tmp_path):
    table = tables.Table("some", ("seed", "value"), "paths.md", tmp_path)
    assert not table.has(seed=0) and table.rows == []
    table.add([{"seed": 0, "value": 0.5}])
    again = tables.Table("some", ("seed", "value"), "paths.md", tmp_path)
    assert again.has(seed=0) and again.has(seed="0", value=0.5) and not again.has(seed=1)
    again.add([{"seed": 1, "value": 0.25}])
    assert [row["seed"] for row in table.rows] == ["0", "1"]


def test_a_row_with_a_missing_value_leaves_the_table_as_it_was(tmp_path):
    table = tables.Table("some", ("seed", "value"), "paths.md", tmp_path)
    table.add([{"seed": 0, "value": 0.5}])
    before = table.path.read_bytes()
    with pytest.raises(ValueError):
        table.add([{"seed": 1, "value": 0.5, "unknown": 1}])
    assert table.path.read_bytes() == before


# ------------------------------------------------------------------ removal


def test_the_moments_give_the_statistics_that_the_library_estimates():
    network, x = small_block_network(), data.normalise(pictures().pixels, *data.mean_and_spread(pictures()))
    moments = removal.moments_of_middles(network, x)
    for name, removed in (("layer1.0", (1,)), ("layer3.0", (0, 3))):
        smaller = without_path(network, name, removed, x).get_submodule(name)
        weight = removal.last_weight(network.get_submodule(name), removed)
        assert_close(weight @ moments[name][0], smaller.bn3.running_mean.double(), rtol=1e-4, atol=1e-5)
        variance = torch.einsum("ow,wv,ov->o", weight, moments[name][1], weight)
        assert_close(variance, smaller.bn3.running_var.double(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("again", [False, True])
def test_the_fast_answers_are_those_of_the_network_without_the_path(again):
    network, images = small_block_network(), pictures()
    moments = data.mean_and_spread(images)
    x = data.normalise(images.pixels, *moments)
    for name in ("layer1.0", "layer2.0", "layer3.0"):
        stored = removal.moments_of_middles(network, x)[name] if again else None
        layer = removal.last_layer(network.get_submodule(name), (2,), stored)
        right, losses = removal.answers(network, name, [layer], x, images.labels)
        for number, wanted in enumerate((network, without_path(network, name, 2, x if again else None))):
            score = evaluate(wanted, images, *moments)
            assert losses[number].mean().item() == pytest.approx(score["loss"], abs=1e-4)
            assert right[number].double().mean().item() == pytest.approx(score["accuracy"], abs=0.051)  # 2 pictures


def test_standard_errors_are_paired_over_the_pictures():
    before, after = torch.tensor([1, 1, 1, 0, 0, 1, 0, 1], dtype=bool), torch.tensor([1, 0, 0, 1, 0, 1, 0, 1], dtype=bool)
    losses = torch.arange(8.0), torch.arange(8.0) + 0.5
    score = removal.scores(before, after, *losses)
    assert (score["correct"], score["lost"], score["gained"], score["points_lost"]) == (4, 2, 1, 12.5)
    differences = torch.tensor([0, 1, 1, -1, 0, 0, 0, 0.0])
    assert score["points_error"] == pytest.approx(100 * differences.std().item() / math.sqrt(8), abs=5e-4)
    assert (score["loss_increase"], score["loss_error"]) == (0.5, 0)


def test_the_pairs_are_different_and_the_same_at_every_call():
    pairs = [[removed for removed, _ in removal.variants(0, block, 16) if len(removed) == 2] for block in range(6)]
    assert all(len(set(own)) == removal.PAIRS and all(a < b for a, b in own) for own in pairs)
    assert pairs[0] != pairs[1] and pairs == [
        [removed for removed, _ in removal.variants(0, block, 16) if len(removed) == 2] for block in range(6)
    ]
    assert not any(len(removed) == 2 for removed, _ in removal.variants(1, 0, 16))


# ------------------------------------------------------------------ likeness


def test_likeness_is_that_of_the_contributions():
    """The same numbers from the contributions themselves, picture by picture."""
    network = small_block_network()
    x = data.normalise(pictures().pixels, *data.mean_and_spread(pictures()))
    found = removal.likeness(network.layer2[0], removal.moments_of_middles(network, x)["layer2.0"][1])
    with torch.no_grad():
        terms = path_contributions(network.layer2[0], removal.before(network, "layer2.0", x)).double()
    terms = terms - terms.mean(dim=(1, 3, 4), keepdim=True)
    correlation = torch.corrcoef(terms.flatten(1))
    products = terms.flatten(1) @ terms.flatten(1).T
    correlation = products / torch.outer(products.diag().sqrt(), products.diag().sqrt())
    others = correlation[~torch.eye(4, dtype=bool)]
    assert found["mean_correlation"] == pytest.approx(others.mean().item(), abs=2e-4)
    assert found["mean_absolute_correlation"] == pytest.approx(others.abs().mean().item(), abs=2e-4)
    assert found["reinforcement"] == pytest.approx((terms.sum(dim=0).square().sum() / terms.square().sum()).item(), abs=2e-4)


@pytest.mark.parametrize(
    ("matrix", "number"),
    [
        (torch.eye(5), 5),
        (torch.ones(4, 4), 1),
        (torch.diag(torch.tensor([1.0, 1, 0])), 2),
    ],
)
def test_the_effective_number_counts_what_is_different(matrix, number):
    assert removal.effective_number(matrix.double()) == pytest.approx(number, abs=1e-6)


def test_statistics_are_averaged_over_the_images_and_momentum_stays():
    network = randomise(small_resnext(cardinality=4, bottleneck_width=24, depth=11))
    x = torch.randn(40, 1, 28, 28)
    average_statistics(network, x)
    assert not network.training and network.bn1.momentum == 0.1
    entering = network.conv1(x)
    assert_close(network.bn1.running_mean, entering.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert_close(network.bn1.running_var, entering.var(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------ gradients


@pytest.mark.parametrize("kind", gradients.KINDS)
def test_the_growths_multiply_to_the_growth_through_the_stack(kind):
    """The norm at the input of the first part against that at the output of the last, by autograd on its own."""
    images = pictures()
    found, _ = gradients.growths(kind, 32, 2, 0, images)
    torch.manual_seed(0)
    network = gradients.Network(kind, 32, 2)
    x, labels = gradients.pictures(images, 0)
    begin = network.stem(x)
    end = nn.Sequential(*network.parts)(begin)
    loss = nn.functional.cross_entropy(network.fc(end.mean(dim=(2, 3))), labels)
    first, last = torch.autograd.grad(loss, (begin, end))
    assert len(found) == (4 if kind == "plain" else 2)
    assert math.prod(found) == pytest.approx((first.norm() / last.norm()).item(), rel=1e-4)


def test_a_block_has_the_mean_growth_and_the_gradient_behind_it():
    found = gradients.growth_rows("plain", 32, {0: [2.0, 3.0, 4.0], 1: [8.0, 3.0, 1.0]})
    assert [row["growth"] for row in found] == [4, 3, 2] and [row["block"] for row in found] == [1, 2, 3]
    assert [float(row["gradient_behind"]) for row in found] == [6, 2, 1]
    assert (found[0]["smallest"], found[0]["largest"], found[0]["seeds"]) == (2, 8, 2)


def test_the_measured_gradients_are_complete_and_agree_with_themselves():
    """Every network with every seed, none twice; the growths of the 27 blocks multiply to the totals' mean."""
    totals = rows.read(tables.EVIDENCE / "gradient_totals.csv", (*gradients.TOTALS, *tables.WHENCE))
    growth = rows.read(tables.EVIDENCE / "gradient_growth.csv", (*gradients.GROWTH, *tables.WHENCE))
    wanted = {
        (k, str(c), str(b), str(s))
        for k in gradients.KINDS
        for c in gradients.CHANNELS
        for b in gradients.BLOCKS
        for s in gradients.SEEDS
    }
    found = [(row["kind"], row["channels"], row["blocks"], row["seed"]) for row in totals]
    assert set(found) == wanted and len(found) == len(wanted)
    for kind in gradients.KINDS:
        for channels in gradients.CHANNELS:
            own = [float(row["growth"]) for row in growth if (row["kind"], row["channels"]) == (kind, str(channels))]
            assert len(own) == gradients.SHOWN * (2 if kind == "plain" else 1)
            assert math.prod(own) == pytest.approx(gradients.mean_total(totals, kind, channels, gradients.SHOWN), rel=5e-3)


def test_a_stack_of_shortcuts_alone_does_not_grow():
    """With branches that add next to nothing the gradient passes as it is: the measure itself adds no growth."""
    torch.manual_seed(0)
    network = gradients.Network("ResNeXt", 32, 3)
    nn.init.constant_(network.stem[1].bias, 20)  # all of the stream is above 0, where no ReLU cuts it
    for part in network.parts:
        nn.init.constant_(part.bn3.weight, 1e-5)
    sizes, _ = gradients.norms(network, *gradients.pictures(pictures(), 0))
    assert sizes[0] == pytest.approx(sizes[-1], rel=1e-3)


def test_the_resnext_block_of_the_study_has_the_shape_of_the_books_first_stage():
    ours, book = gradients.parts("ResNeXt", 64, 1)[0], small_resnext().layer1[1]
    assert (ours.in_channels, ours.width, ours.out_channels, ours.cardinality) == (
        book.in_channels,
        book.width,
        book.out_channels,
        book.cardinality,
    )


def test_the_fits_tell_a_power_from_an_exponential():
    def rows_of(total):
        return [{"kind": "x", "channels": "32", "blocks": str(b), "total": str(total(b))} for b in gradients.BLOCKS]

    power, exponential, slope = gradients.fits(rows_of(lambda b: 3 * b**1.5), "x", 32)
    assert power < 1e-9 < exponential and slope == pytest.approx(1.5)
    power, exponential, _ = gradients.fits(rows_of(lambda b: 1.4**b), "x", 32)
    assert exponential < 1e-9 < power


# ------------------------------------------------------------------ fine-tuning


@pytest.fixture
def split():
    torch.manual_seed(0)
    images, moments = pictures(120), data.mean_and_spread(pictures(120))
    base = randomise(small_resnext(num_classes=7)).eval()
    old = fine_tuning.only(images, (0, 1, 2, 3, 4, 5, 6))
    return fine_tuning.Split(fine_tuning.only(images, (7, 8, 9)), fine_tuning.only(images, (7, 8, 9)), old, base, moments)


def test_the_held_out_classes_are_numbered_anew():
    new = fine_tuning.only(pictures(), (2, 4, 6))
    assert new.classes == ("pullover", "coat", "shirt") and new.labels.tolist() == [0, 1, 2] * 4
    assert torch.equal(new.pixels[1], pictures().pixels[4])


@pytest.mark.parametrize(
    ("arm", "weights_move", "statistics_move"),
    [
        ("frozen-eval", False, False),
        ("frozen-train", False, True),
        ("all-eval", True, False),
        ("all-train", True, True),
    ],
)
def test_an_arm_moves_what_its_name_says(arm, weights_move, statistics_move, split, monkeypatch):
    monkeypatch.setattr(fine_tuning, "STEPS", 3)
    network = fine_tuning.fit(arm, split, split.train, 0.01, 0)
    assert not torch.equal(network.layer1[0].conv1.weight, split.base.layer1[0].conv1.weight) == weights_move
    assert not torch.equal(network.layer1[0].bn1.running_mean, split.base.layer1[0].bn1.running_mean) == statistics_move
    assert (fine_tuning.moved(network, split.base) > 0) == statistics_move
    assert network.fc.out_features == 3 and not network.training


def test_all_arms_start_with_the_same_classifier_and_see_the_same_pictures(split, monkeypatch):
    seen = {}
    for arm in fine_tuning.ARMS:
        batches = []
        monkeypatch.setattr(fine_tuning, "STEPS", 2)
        monkeypatch.setattr(data, "augment", lambda pixels, batches=batches: batches.append(pixels) or pixels)
        network = fine_tuning.fit(arm, split, split.train, 1e-12, 0)
        seen[arm] = network.fc.weight.detach(), torch.cat(batches)
    for weight, batches in seen.values():
        assert_close(weight, seen["scratch"][0], rtol=0, atol=1e-6)
        assert torch.equal(batches, seen["scratch"][1])


def test_few_pictures_are_drawn_from_every_class_and_none_twice():
    images = fine_tuning.only(pictures(300), (7, 8, 9))
    chosen, rest = fine_tuning.draw(images, 3, 10)
    assert chosen.labels.bincount().tolist() == [10, 10, 10] and len(rest.labels) == 60
    together = torch.cat([chosen.pixels, rest.pixels]).flatten(1)
    assert len(together.unique(dim=0)) == 90


# ------------------------------------------------------------------ bfloat16, and the programs of the first edition


@pytest.mark.slow
def test_P5_depth_goes_on_behind_a_file_without_a_final_newline(tmp_path, monkeypatch):
    """Its rows used to be glued to the last line of such a file."""
    stored = tmp_path / "depth.csv"
    monkeypatch.setattr(depth, "CSV", stored)
    monkeypatch.setattr(depth, "DEPTHS", (8,))
    monkeypatch.setattr(depth, "SEEDS", (0,))
    monkeypatch.setattr(depth, "STEPS", 30)
    finished = "plain,8,0,30,1.7,0.7,0.8,14328,2.14.1,1,x86_64 CPU"
    stored.write_text(",".join(depth.COLUMNS) + "\n" + finished, encoding="utf-8")
    depth.main()
    lines = stored.read_text(encoding="utf-8").splitlines()
    assert lines[1] == finished and lines[2].startswith("residual,8,0,30,") and len(lines) == 3
    depth.main()
    assert stored.read_text(encoding="utf-8").splitlines() == lines


def test_a_seed_gives_a_row_for_every_use_of_both_sets_of_statistics(monkeypatch):
    monkeypatch.setattr(precision, "EPOCHS", 1)
    tests = (("float32", pictures(20)), ("bfloat16", pictures(10)))
    found = precision.rows_of(0, "float32", pictures(), tests)
    assert [(r["statistics"], r["used_in"], r["pictures"]) for r in found] == [
        (s, p, n) for s in precision.STATISTICS for p, n in (("float32", 20), ("bfloat16", 10))
    ]
    assert all(math.isfinite(r["loss"]) for r in found) and found[0]["loss"] != found[2]["loss"]


def test_the_second_seeds_weights_are_outside_the_package():
    assert "resnext_lib" not in checkpoint.weights(1).parts and "resnext_lib" in checkpoint.weights(0).parts
    assert checkpoint.weights(1).stat().st_size < 1_000_000
    first, second = (removal.trained(seed).state_dict() for seed in (0, 1))
    assert list(first) == list(second) and not torch.equal(first["fc.weight"], second["fc.weight"])


def test_evidence_stays_small():
    for name in PLANS:
        path = tables.EVIDENCE / f"{name}.csv"
        assert path.stat().st_size < 150_000, name
        with path.open(encoding="utf-8", newline="") as file:
            assert len({tuple(row[:4]) for row in csv.reader(file)}) > 1
