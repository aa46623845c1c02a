"""The book's own checkpoint: small, loadable in one line, and what its card and its tables say of it."""

import re
from importlib.resources import files

import pytest
import torch

from resnext_lib import data, training
from resnext_lib.complexity import count_parameters
from resnext_lib.networks import small_resnext
from resnext_lib.paths import without_path
from resnext_lib.published import evidence
from resnext_lib.weights import trained_small_resnext

FOLDER = files("resnext_lib").joinpath("checkpoints")


@pytest.fixture(scope="module")
def network():
    return trained_small_resnext()


@pytest.fixture(scope="module")
def test_images():
    return data.fashion_subset("test")


@pytest.fixture(scope="module")
def logits(network, test_images):
    return training.predict(network, test_images, *data.mean_and_spread(data.fashion_subset("train")))


def accuracy_of(rows):
    return sum(row["label"] == row["answer"] for row in rows) / len(rows)


def test_it_is_small_and_holds_weights_only():
    path = FOLDER.joinpath("small_resnext.pt")
    assert path.stat().st_size < 2_000_000
    state = torch.load(path, weights_only=True)
    assert list(state) == list(small_resnext().state_dict())


def test_it_is_ready_to_answer(network):
    assert not network.training and count_parameters(network) == 224_330
    assert all(block.cardinality == 16 for name, block in network.named_modules() if hasattr(block, "conv3"))


def test_its_accuracy_is_the_last_of_its_history(logits, test_images):
    history = evidence("training")
    accuracy = (logits.argmax(1) == test_images.labels).double().mean().item()
    assert [int(row["epoch"]) for row in history] == list(range(1, 21))
    assert accuracy == pytest.approx(float(history[-1]["test_accuracy"]), abs=0.002)
    assert accuracy > 0.85


def test_the_stored_answers_are_the_networks(logits, test_images):
    rows = evidence("predictions")
    shares = logits.softmax(1)
    assert [int(row["image"]) for row in rows] == list(range(2000))
    assert [int(row["label"]) for row in rows] == test_images.labels.tolist()
    answers = torch.tensor([int(row["answer"]) for row in rows])
    assert (answers == logits.argmax(1)).sum() >= 1998
    for name, wanted in (
        ("confidence", shares.max(1).values),
        ("share_of_the_label", shares[range(2000), test_images.labels]),
    ):
        torch.testing.assert_close(torch.tensor([float(row[name]) for row in rows]), wanted, atol=2e-3, rtol=0)


@pytest.mark.slow
def test_the_table_of_paths_is_complete_and_true(network, test_images):
    rows = evidence("paths")
    assert len(rows) == 6 * 16 == len({(row["block"], row["path"]) for row in rows})
    worst = min(rows, key=lambda row: float(row["accuracy"]))
    moments = data.mean_and_spread(data.fashion_subset("train"))
    score = training.evaluate(without_path(network, worst["block"], int(worst["path"])), test_images, *moments)
    assert score["accuracy"] == pytest.approx(float(worst["accuracy"]), abs=0.002)
    assert float(worst["accuracy"]) < accuracy_of(evidence("predictions"))


def test_a_path_switched_off_takes_its_term_from_the_sum():
    torch.manual_seed(0)
    network = small_resnext(cardinality=4, bottleneck_width=24, depth=11).double().eval()
    block, x = network.layer2[0], torch.randn(2, 64, 6, 6, dtype=torch.float64)
    d = block.width // 4
    middle = torch.relu(block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(x))))))
    terms = [
        torch.nn.functional.conv2d(middle[:, i * d : (i + 1) * d], block.conv3.weight[:, i * d : (i + 1) * d])
        for i in range(4)
    ]
    wanted = torch.relu(block.bn3(terms[0] + terms[1] + terms[3]) + block.shortcut(x))
    torch.testing.assert_close(without_path(network, "layer2.0", 2).layer2[0](x), wanted, atol=1e-10, rtol=0)
    assert not torch.allclose(block(x), wanted)


@pytest.mark.parametrize("path", [-1, 16])
def test_a_path_that_is_not_there_is_refused(network, path):
    with pytest.raises(ValueError, match=f"path must be 0 to 15 in layer1.0, not {path}"):
        without_path(network, "layer1.0", path)


def test_the_model_card_names_what_one_must_know():
    card = FOLDER.joinpath("README.md").read_text(encoding="utf-8")
    for word in ("Data", "Recipe", "seed 0", "Accuracy", "Limits", "Licence", "trained_small_resnext"):
        assert word in card
    assert re.search(r"224,330 parameters", card)
