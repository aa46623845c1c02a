"""Real images: what is embedded, how files are read, and what is said of missing and damaged ones."""

import gzip
import hashlib
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from resnext_lib import data
from tools import fashion_subset


@pytest.fixture(scope="module")
def subset():
    return {split: data.fashion_subset(split) for split in ("train", "test")}


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    content = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def folder(tmp_path):
    """A small Fashion-MNIST in the original files: two packed, two not, half of them where torchvision puts them."""
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for part, place, ending in (("train", tmp_path, ".gz"), ("t10k", raw, "")):
        write_idx(place / f"{part}-images-idx3-ubyte{ending}", generator.integers(0, 256, (30, 28, 28)))
        write_idx(place / f"{part}-labels-idx1-ubyte{ending}", np.arange(30) % 10)
    return tmp_path


# ------------------------------------------------------------------ the embedded part


@pytest.mark.parametrize("split, per_class", [("train", 1000), ("test", 200)])
def test_the_embedded_part_is_balanced_and_in_bytes(subset, split, per_class):
    images = subset[split]
    assert images.pixels.shape == (10 * per_class, 1, 28, 28) and images.pixels.dtype == torch.uint8
    assert torch.bincount(images.labels).tolist() == [per_class] * 10
    assert len(images.classes) == 10


def test_no_image_is_there_twice_or_in_both_parts(subset):
    seen = [image.numpy().tobytes() for split in subset.values() for image in split.pixels]
    assert len(seen) - len(set(seen)) <= 3  # Fashion-MNIST itself repeats a few pictures


def test_the_images_are_those_of_their_classes(subset):
    """Trousers are two dark legs: the middle column is darker than for a T-shirt."""
    pixels, labels = subset["train"].pixels.float(), subset["train"].labels
    gap = {
        name: pixels[labels == number][:, 0, 20:, 13:15].mean().item() for number, name in enumerate(data.FASHION_CLASSES)
    }
    assert gap["trousers"] < 0.5 * gap["T-shirt"]


def test_a_damaged_package_file_is_named(monkeypatch):
    monkeypatch.setitem(data.CHECKSUMS, "test", "0" * 64)
    with pytest.raises(ValueError, match=r"fashion_test\.npz is damaged.*install resnext_lib again"):
        data.fashion_subset("test")


def test_a_missing_package_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "files", lambda package: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"fashion_train\.npz is missing.*install resnext_lib again"):
        data.fashion_subset("train")


@pytest.mark.parametrize("read", [data.fashion_subset, data.fashion_mnist, data.cifar10])
def test_a_split_that_does_not_exist_is_answered_with_those_that_do(read):
    with pytest.raises(ValueError, match="split must be 'train' or 'test', not 'validation'"):
        read("validation")


def test_drawing_the_subset_is_balanced_and_repeatable():
    labels = np.arange(500) % 10
    first, again = (fashion_subset.draw(labels, 7, np.random.Generator(np.random.PCG64(3))) for _ in range(2))
    assert (first == again).all() and len(set(first)) == 70
    assert np.bincount(labels[first]).tolist() == [7] * 10


def test_the_embedded_files_come_from_the_script(tmp_path, capsys):
    """Where the original files are on the machine (Debian's dataset-fashion-mnist), draw again and compare."""
    original = "/usr/share/datasets/fashion-mnist"
    if not data._find(original, "train-images-idx3-ubyte"):
        pytest.skip("the original files are not here: apt-get install dataset-fashion-mnist")
    fashion_subset.write(original, tmp_path)
    for split in data.CHECKSUMS:
        drawn, embedded = np.load(tmp_path / f"fashion_{split}.npz"), data.fashion_subset(split)
        assert (drawn["pixels"] == embedded.pixels.numpy()).all()
        assert (drawn["labels"] == embedded.labels.numpy()).all()


# ------------------------------------------------------------------ the full sets


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_original_files_are_read_packed_or_not(folder, split):
    images = data.fashion_mnist(split, folder)
    assert images.pixels.shape == (30, 1, 28, 28)
    assert images.labels.tolist() == [n % 10 for n in range(30)]


def test_the_pixels_are_those_torchvision_reads(folder):
    raw = folder / "FashionMNIST" / "raw"
    for kind in ("images-idx3", "labels-idx1"):
        source = folder / f"train-{kind}-ubyte.gz"
        (raw / f"train-{kind}-ubyte").write_bytes(gzip.decompress(source.read_bytes()))
    theirs = datasets.FashionMNIST(folder, train=False)
    ours = data.fashion_mnist("test", folder)
    assert torch.equal(theirs.data, ours.pixels[:, 0]) and torch.equal(theirs.targets, ours.labels)


def test_a_missing_file_is_named_with_the_ways_to_get_it(folder):
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"train-labels-idx1-ubyte .*download=True.*name its folder"):
        data.fashion_mnist("train", folder)


def half(path):
    path.write_bytes(path.read_bytes()[:-200])


def no_gzip(path):
    path.write_bytes(b"<html>not found</html>")


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [half, no_gzip, empty])
@pytest.mark.parametrize("split, name", [("train", "train-images-idx3-ubyte.gz"), ("test", "t10k-images-idx3-ubyte")])
def test_a_damaged_file_is_named(folder, split, name, damage):
    path = data._find(folder, name.removesuffix(".gz"))
    damage(path)
    with pytest.raises(ValueError, match=f"{name} is damaged; delete it and fetch it again"):
        data.fashion_mnist(split, folder)


@pytest.mark.parametrize("read", [data.fashion_mnist, data.cifar10])
def test_offline_says_what_works_without_a_network_and_leaves_nothing(monkeypatch, tmp_path, read):
    """torchvision's own download, from a port where nobody listens."""
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(datasets.CIFAR10, "url", "http://127.0.0.1:9/cifar.tar.gz")
    with pytest.raises(ConnectionError, match=r"could not be downloaded.*folder=.*fashion_subset\(\)"):
        read("train", tmp_path / "data", download=True)
    assert (tmp_path / "data").is_dir() and [p for p in (tmp_path / "data").iterdir()] == []


@pytest.mark.parametrize("read, name", [(data.fashion_mnist, "FashionMNIST"), (data.cifar10, "CIFAR10")])
def test_a_download_that_dies_half_way_leaves_nothing(monkeypatch, tmp_path, read, name):
    def dies(root, train=True, download=False):
        if download:
            Path(root, "half.gz").write_bytes(b"1" * 1000)
        raise RuntimeError("the connection was reset")

    monkeypatch.setattr(datasets, name, dies)
    with pytest.raises(ConnectionError, match="the connection was reset"):
        read("train", tmp_path, download=True)
    assert not list(tmp_path.iterdir())


def test_a_download_is_moved_into_place(monkeypatch, tmp_path, folder):
    def fetch(root, download):
        shutil.copytree(folder / "FashionMNIST", f"{root}/FashionMNIST")

    monkeypatch.setattr(datasets, "FashionMNIST", fetch)
    images = data.fashion_mnist("test", tmp_path / "new", download=True)
    assert len(images.labels) == 30
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["FashionMNIST"]


@pytest.fixture
def cifar(monkeypatch, tmp_path):
    """A CIFAR-10 of 20 images in the original layout, with its own checksums."""
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()

    def write(name, content):
        (batches / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((batches / name).read_bytes()).hexdigest()]

    generator = np.random.default_rng(0)
    rows = {"data": generator.integers(0, 256, (20, 3072)).astype(np.uint8), "labels": [n % 10 for n in range(20)]}
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [write("data_batch_1", rows)])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [write("test_batch", rows)])
    names = [f"class {n}" for n in range(10)]
    meta = write("batches.meta", {"label_names": names})
    monkeypatch.setattr(datasets.CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return tmp_path, rows["data"]


def test_cifar_is_read_as_channels_first(cifar):
    folder, rows = cifar
    images = data.cifar10("train", folder)
    assert images.pixels.shape == (20, 3, 32, 32) and images.classes[3] == "class 3"
    assert (images.pixels.reshape(20, -1).numpy() == rows).all()


def test_a_missing_or_damaged_cifar_says_how_to_get_it(cifar):
    folder, _ = cifar
    (folder / "cifar-10-batches-py" / "test_batch").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match="CIFAR-10 is not in .*damaged; download=True fetches it"):
        data.cifar10("test", folder)


# ------------------------------------------------------------------ normalisation and augmentation


def test_normalised_training_images_have_mean_0_and_spread_1(subset):
    moments = data.mean_and_spread(subset["train"])
    x = data.normalise(subset["train"].pixels, *moments)
    assert x.mean().abs() < 1e-4 and (x.std() - 1).abs() < 1e-4


def test_normalisation_is_by_channel():
    pixels = torch.randint(256, (10, 3, 8, 8), dtype=torch.uint8)
    pixels[:, 1] //= 4
    x = data.normalise(pixels, *data.mean_and_spread(data.Images(pixels, torch.zeros(10), ())))
    torch.testing.assert_close(x.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)


def moved(image, down, right, mirrored):
    """The plain way: mirror, then move by whole pixels, black at the edge."""
    result = torch.zeros_like(image)
    image = image.flip(2) if mirrored else image
    height, width = image.shape[1:]
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                result[:, row, column] = image[:, row - down, column - right]
    return result


def test_every_augmented_image_is_a_mirrored_or_moved_original():
    torch.manual_seed(0)
    pixels = torch.randint(1, 256, (40, 2, 9, 7), dtype=torch.uint8)
    seen = set()
    for image, result in zip(pixels, data.augment(pixels), strict=True):
        fits = [
            (down, right, mirrored)
            for down in range(-2, 3)
            for right in range(-2, 3)
            for mirrored in (False, True)
            if torch.equal(moved(image, down, right, mirrored), result)
        ]
        assert len(fits) == 1
        seen.add(fits[0])
    assert len(seen) > 25 and {mirrored for *_, mirrored in seen} == {False, True}
    assert {down for down, *_ in seen} == {right for _, right, _ in seen} == set(range(-2, 3))


def test_augmentation_repeats_with_the_seed_and_leaves_the_images_alone(subset):
    pixels = subset["test"].pixels[:50]
    before = pixels.clone()
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(data.augment(pixels))
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])
    assert torch.equal(pixels, before)
