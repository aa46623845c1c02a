"""The training loop: seeded, resumable to the bit, and clear about what went wrong."""

import math
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from resnext_lib import data, training
from resnext_lib.networks import small_resnext
from resnext_lib.training import Recipe, learning_rate_at, train

SMALL = Recipe(epochs=3, batch_size=50, learning_rate=0.05)


def part(split, count):
    images = data.fashion_subset(split)
    return images._replace(pixels=images.pixels[:count], labels=images.labels[:count])


@pytest.fixture(scope="module")
def images():
    return part("train", 200), part("test", 100)


class Tiny(nn.Module):
    """A network with dropout: its random numbers, too, must be the same after a resume."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(1, 6, 3, stride=2), nn.BatchNorm2d(6)
        self.dropout, self.fc = nn.Dropout(0.3), nn.Linear(6 * 13 * 13, 10)

    def forward(self, x):
        return self.fc(self.dropout(torch.relu(self.bn(self.conv(x))).flatten(1)))


def tiny(seed=0):
    torch.manual_seed(seed)
    return Tiny()


def same_state(first, second):
    first, second = first.state_dict(), second.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


# ------------------------------------------------------------------ it learns, and repeats

def test_a_small_resnext_learns(images):
    torch.manual_seed(0)
    history = train(small_resnext(), part("train", 600), images[1], Recipe(epochs=4, batch_size=50), progress=False)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["train_loss"] < 0.75 * history[0]["train_loss"]
    assert history[-1]["test_accuracy"] > 0.4


def test_the_same_seed_gives_the_same_weights_and_another_does_not(images):
    networks = [tiny() for _ in range(3)]
    histories = [train(network, *images, SMALL, seed, progress=False) for network, seed in zip(networks, (1, 1, 2), strict=True)]
    assert same_state(networks[0], networks[1]) and histories[0] == histories[1]
    assert not same_state(networks[0], networks[2])


def test_the_callers_random_numbers_stay_as_they_were(images):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    network = Tiny()  # draws
    torch.manual_seed(5)
    train(network, *images, SMALL, progress=False)
    assert torch.equal(torch.rand(3), wanted)


def test_every_image_is_seen_once_an_epoch(images):
    seen = []

    class Recorder(Tiny):
        def forward(self, x):
            if self.training:
                seen.append(x)
            return super().forward(x)

    train(Recorder(), *images, Recipe(epochs=1, batch_size=64, augment=False), progress=False)
    moments = data.mean_and_spread(images[0])
    wanted = data.normalise(images[0].pixels, *moments)
    def in_order(x):
        return sorted(row.tolist() for row in x.flatten(1))

    assert in_order(torch.cat(seen)) == in_order(wanted)


def test_the_numbers_of_the_history_are_those_of_the_network(images):
    network = tiny()
    history = train(network, *images, SMALL, progress=False)
    scores = training.evaluate(network, images[1], *data.mean_and_spread(images[0]))
    assert history[-1]["test_accuracy"] == scores["accuracy"] and history[-1]["test_loss"] == scores["loss"]
    logits = training.predict(network, images[1], *data.mean_and_spread(images[0]))
    assert scores["accuracy"] == (logits.argmax(1) == images[1].labels).sum().item() / 100


def test_one_step_is_sgd_with_momentum_and_weight_decay(images):
    """Two batches by hand, without augmentation, against the loop."""
    recipe = Recipe(epochs=1, batch_size=100, augment=False)
    trained, by_hand = tiny(), tiny()
    trained.dropout.p = by_hand.dropout.p = 0.0
    train(trained, *images, recipe, seed=4, progress=False)
    torch.manual_seed(4000)
    order = torch.randperm(200)
    moments = data.mean_and_spread(images[0])
    velocity = {name: torch.zeros_like(p) for name, p in by_hand.named_parameters()}
    by_hand.train()
    for step in range(2):
        batch = order[100 * step:100 * step + 100]
        loss = nn.functional.cross_entropy(by_hand(data.normalise(images[0].pixels[batch], *moments)), images[0].labels[batch])
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        with torch.no_grad():
            for (name, p), g in zip(by_hand.named_parameters(), gradients, strict=True):
                velocity[name] = 0.9 * velocity[name] + g + 5e-4 * p
                p -= learning_rate_at(step, 2, 0.1) * velocity[name]
    for a, b in zip(trained.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_the_learning_rate_rises_then_falls_to_nothing():
    rates = [learning_rate_at(step, 100, 0.1) for step in range(100)]
    peak = rates.index(max(rates))
    assert peak == 10 and max(rates) == pytest.approx(0.1)
    assert rates[:11] == sorted(rates[:11]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.05) and 0 < rates[-1] < 1e-4 and rates[0] > 0


# ------------------------------------------------------------------ checkpoints

@pytest.mark.parametrize("stop", [1, 2])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(images, tmp_path, stop):
    whole, first, second = tiny(), tiny(), tiny(seed=9)
    history = train(whole, *images, SMALL, seed=3, progress=False)
    path = tmp_path / "run.pt"
    assert len(train(first, *images, SMALL, seed=3, checkpoint=path, stop_after=stop, progress=False)) == stop
    assert train(second, *images, SMALL, seed=3, checkpoint=path, progress=False) == history
    assert same_state(whole, second)


def test_a_finished_run_is_not_run_again(images, tmp_path):
    path = tmp_path / "run.pt"
    network = tiny()
    history = train(network, *images, SMALL, checkpoint=path, progress=False)
    before = path.read_bytes()
    again = tiny(seed=2)
    assert train(again, *images, SMALL, checkpoint=path, progress=False) == history
    assert same_state(network, again) and path.read_bytes() == before


def test_a_checkpoint_of_another_run_is_refused_and_kept(images, tmp_path):
    path = tmp_path / "run.pt"
    train(tiny(), *images, SMALL, checkpoint=path, stop_after=1, progress=False)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"of another run: learning_rate=0.05 \(now 0.01\), seed=0 \(now 1\)"):
        train(tiny(), *images, Recipe(epochs=3, batch_size=50, learning_rate=0.01), 1, checkpoint=path, progress=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_named(images, tmp_path, content):
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="run.pt' is damaged, or not of train"):
        train(tiny(), *images, SMALL, checkpoint=path, progress=False)


def test_a_checkpoint_cannot_run_code(images, tmp_path):
    class Attack:
        def __reduce__(self):
            return open, (str(tmp_path / "attacked"), "w")

    torch.save({"recipe": Attack()}, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="damaged, or not of train"):
        train(tiny(), *images, SMALL, checkpoint=tmp_path / "run.pt", progress=False)
    assert not (tmp_path / "attacked").exists()


KILLED = """
import sys, torch
sys.path[:0] = sys.argv[2:]
torch.set_num_threads(1)
from test_training import Recipe, part, tiny, train
train(tiny(), part("train", 2000), part("test", 100), Recipe(epochs=60, batch_size=50), checkpoint=sys.argv[1], progress=False)
"""


def test_a_killed_run_leaves_a_whole_checkpoint(images, tmp_path):
    """A real process, killed while it trains; what it left goes on to the end of the uninterrupted run."""
    path, tests = tmp_path / "run.pt", str(training.Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path), tests, *sys.path])
    try:
        until = time.monotonic() + 120
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    state = torch.load(path, weights_only=True)
    done = len(state["history"])
    assert 1 <= done < 60
    recipe = Recipe(epochs=60, batch_size=50)
    resumed, whole = tiny(seed=8), tiny()
    train(resumed, part("train", 2000), part("test", 100), recipe, checkpoint=path, stop_after=done + 1, progress=False)
    train(whole, part("train", 2000), part("test", 100), recipe, stop_after=done + 1, progress=False)
    assert same_state(resumed, whole)


# ------------------------------------------------------------------ precision, order, errors

@pytest.mark.parametrize("recipe, tolerance", [(Recipe(channels_last=True), 1e-3), (Recipe(precision="bfloat16"), 0.1)])
def test_precision_and_memory_order_change_the_result_by_rounding_only(images, recipe, tolerance):
    torch.manual_seed(0)
    network = small_resnext(depth=11).eval()
    x = data.normalise(images[0].pixels[:20], *data.mean_and_spread(images[0]))
    plain = training.compute(network, x, Recipe())
    if recipe.channels_last:
        network.to(memory_format=torch.channels_last)
    other = training.compute(network, x, recipe)
    assert other.dtype == torch.float32
    difference = (plain - other).abs().max() / plain.abs().max()
    assert 0 < difference < tolerance


def test_mixed_precision_leaves_the_weights_in_float32(images):
    network = tiny()
    train(network, *images, Recipe(epochs=1, precision="bfloat16", channels_last=True), progress=False)
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert network.conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_a_loss_that_is_no_number_stops_the_run_with_advice(images):
    network = tiny()
    with pytest.raises(FloatingPointError, match=r"the loss is (nan|inf) in epoch 1, step \d+, .*smaller learning_rate than 1e\+30"):
        train(network, *images, Recipe(learning_rate=1e30, batch_size=20), progress=False)


@pytest.mark.parametrize("change, message", [
    ({"epochs": 0}, "epochs must be above 0, not 0"),
    ({"batch_size": -1}, "batch_size must be above 0, not -1"),
    ({"learning_rate": 0.0}, "learning_rate must be above 0"),
    ({"learning_rate": math.nan}, "learning_rate must be above 0, not nan"),
    ({"precision": "half"}, r"precision must be one of \['float32', 'bfloat16'\], not 'half'"),
])
def test_a_recipe_that_cannot_work_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**change)


def test_the_progress_bar_is_quiet_when_asked(images, capfd):
    train(tiny(), *images, Recipe(epochs=1), progress=False)
    assert capfd.readouterr() == ("", "")
    train(tiny(), *images, Recipe(epochs=1), progress=True)
    assert "epoch 1" in capfd.readouterr().err
