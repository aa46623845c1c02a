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


@pytest.mark.slow
def test_a_small_resnext_learns(images):
    torch.manual_seed(0)
    history = train(small_resnext(), part("train", 600), images[1], Recipe(epochs=4, batch_size=50), progress=False)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["train_loss"] < 0.75 * history[0]["train_loss"]
    assert history[-1]["test_accuracy"] > 0.4


def test_the_same_seed_gives_the_same_weights_and_another_does_not(images):
    networks = [tiny() for _ in range(3)]
    histories = [
        train(network, *images, SMALL, seed, progress=False) for network, seed in zip(networks, (1, 1, 2), strict=True)
    ]
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
        batch = order[100 * step : 100 * step + 100]
        loss = nn.functional.cross_entropy(
            by_hand(data.normalise(images[0].pixels[batch], *moments)), images[0].labels[batch]
        )
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


def test_P6_other_images_are_another_run(images, tmp_path):
    """Same recipe, same seed, other pictures: the old loop went on as if nothing had changed."""
    path = tmp_path / "run.pt"
    train(tiny(), *images, SMALL, checkpoint=path, stop_after=1, progress=False)
    before = path.read_bytes()
    for other in (
        part("train", 201),
        images[0]._replace(pixels=images[0].pixels.flip(0)),
        images[0]._replace(labels=images[0].labels.flip(0)),
    ):
        with pytest.raises(ValueError, match=r"of another run: images=[0-9a-f]{12} \(now [0-9a-f]{12}\)\. Use another file"):
            train(tiny(), other, images[1], SMALL, checkpoint=path, progress=False)
    assert path.read_bytes() == before


def test_P6_another_network_is_another_run_and_keeps_its_weights(images, tmp_path):
    path = tmp_path / "run.pt"
    train(tiny(), *images, SMALL, checkpoint=path, stop_after=1, progress=False)
    torch.manual_seed(0)
    other = small_resnext(depth=11)
    weights = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(ValueError, match="of another run: network="):
        train(other, *images, SMALL, checkpoint=path, progress=False)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in weights.items())


def test_P6_a_folder_that_is_not_there_is_said_before_anything_is_trained(images, tmp_path):
    network = tiny()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(OSError, match="absent/run.pt': its folder must be there and writable"):
        train(network, *images, SMALL, checkpoint=tmp_path / "absent" / "run.pt", progress=False)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())


def test_P6_a_full_disk_keeps_the_last_whole_checkpoint(images, tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    train(tiny(), *images, SMALL, checkpoint=path, stop_after=1, progress=False)
    before = path.read_bytes()

    def full(state, file):
        file.write_bytes(b"a part")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"could not be written \(No space left on device\); the one after epoch 1 is kept"):
        train(tiny(), *images, SMALL, checkpoint=path, progress=False)
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ["run.pt"]


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


@pytest.mark.slow
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
    with pytest.raises(
        FloatingPointError, match=r"the loss is (nan|inf) in epoch 1, step \d+, .*smaller learning_rate than 1e\+30"
    ):
        train(network, *images, Recipe(learning_rate=1e30, batch_size=20), progress=False)


def wrong_images(images):
    """What has been handed in as pictures, and what is said of it."""
    pixels, labels = images.pixels, images.labels
    return [
        (images._replace(labels=labels[:-1]), "train_images has 200 pictures but 199 labels"),
        (images._replace(pixels=pixels.float() / 255), "train_images.pixels must be a torch.uint8 tensor"),
        (images._replace(pixels=pixels.numpy()), "train_images.pixels must be a torch.uint8 tensor .* not ndarray"),
        (images._replace(pixels=pixels[:, 0]), r"train_images.pixels must be .* not torch.uint8 \(200, 28, 28\)"),
        (images._replace(labels=labels.float()), "train_images.labels must be a torch.int64 tensor"),
        (images._replace(labels=labels.tolist()), "train_images.labels must be a torch.int64 tensor .* not list"),
        (images._replace(labels=labels - 5), "train_images.labels must count from 0"),
        (
            images._replace(labels=labels + 5),
            r"labels go up to 14, but the network has 10 outputs: build it with num_classes=15",
        ),
        (images._replace(pixels=pixels[:0], labels=labels[:0]), "train_images is empty"),
        (images._replace(pixels=torch.full_like(pixels, 7)), "every pixel of channel 0 has the same value"),
    ]


@pytest.mark.parametrize("case", range(10))
def test_fault_11a_images_that_cannot_be_trained_on_are_named(images, case):
    """Unequal lengths passed, floats from 0 to 1 were divided by 255 again, an empty set got advice on learning rates."""
    wrong, message = wrong_images(images[0])[case]
    with pytest.raises((TypeError, ValueError), match=message):
        train(tiny(), wrong, images[1], SMALL, progress=False)


@pytest.mark.parametrize("case", range(9))
def test_fault_11a_images_that_cannot_be_tested_on_are_named(images, case):
    wrong, message = wrong_images(images[0])[case]
    message = message.replace("train_images", "test_images")
    with pytest.raises((TypeError, ValueError), match=message):
        train(tiny(), images[0], wrong, Recipe(epochs=1, batch_size=50), progress=False)
    with pytest.raises((TypeError, ValueError), match=message.replace("test_images", "images")):
        training.evaluate(tiny(), wrong, *data.mean_and_spread(images[0]))


def test_fault_11_a_last_batch_of_one_picture_joins_the_one_before(images):
    """Batch norm has no variance of one number on a 1x1 map, and torch said so in its own words in the last step."""

    class Pooled(Tiny):
        def __init__(self):
            super().__init__()
            self.last, self.fc = nn.BatchNorm1d(6), nn.Linear(6, 10)

        def forward(self, x):
            return self.fc(self.last(self.conv(x).mean((2, 3))))

    sizes = [len(part) for part in training.in_batches(torch.arange(101), 50)]
    assert sizes == [50, 51] and [len(part) for part in training.in_batches(torch.arange(1), 50)] == [1]
    assert len(train(Pooled(), part("train", 101), images[1], Recipe(epochs=1, batch_size=50), progress=False)) == 1


def test_without_test_images_only_the_training_is_told(images):
    history = train(tiny(), images[0], recipe=SMALL, progress=False)
    assert set(history[0]) == {"epoch", "train_loss", "train_accuracy", "learning_rate"}


def test_fault_11b_a_device_that_is_not_there_is_named(images):
    for device in ("cuda:99", "no such", 7.5):
        with pytest.raises(ValueError, match=r"device=.* cannot be used here; this machine has: cpu"):
            train(tiny(), *images, SMALL, device=device, progress=False)


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"epochs": "3"}, TypeError, r"epochs must be a whole number, not '3' \(str\)"),
        ({"epochs": 2.5}, TypeError, "epochs must be a whole number, not 2.5"),
        ({"epochs": True}, TypeError, "epochs must be a whole number, not True"),
        ({"batch_size": None}, TypeError, "batch_size must be a whole number, not None"),
        ({"learning_rate": "0.1"}, TypeError, "learning_rate must be a number, not '0.1'"),
        ({"learning_rate": math.inf}, ValueError, "learning_rate must be above 0, not inf"),
        ({"momentum": -0.1}, ValueError, "momentum must be 0 or more, not -0.1"),
        ({"weight_decay": math.nan}, ValueError, "weight_decay must be 0 or more, not nan"),
        ({"augment": "no"}, TypeError, "augment must be True or False, not 'no'"),
        ({"channels_last": 1}, TypeError, "channels_last must be True or False, not 1"),
        ({"precision": None}, ValueError, "precision must be one of .* not None"),
    ],
)
def test_fault_11b_a_recipe_of_the_wrong_kind_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        Recipe(**change)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"epochs": 0}, "epochs must be above 0, not 0"),
        ({"batch_size": -1}, "batch_size must be above 0, not -1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0, not nan"),
        ({"precision": "half"}, r"precision must be one of \['float32', 'bfloat16'\], not 'half'"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**change)


def test_the_progress_bar_is_quiet_when_asked(images, capfd):
    train(tiny(), *images, Recipe(epochs=1), progress=False)
    assert capfd.readouterr() == ("", "")
    train(tiny(), *images, Recipe(epochs=1), progress=True)
    assert "epoch 1" in capfd.readouterr().err
