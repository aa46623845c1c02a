"""Real images: a fixed part of Fashion-MNIST inside the package; the full sets from disk or by download.

Fashion-MNIST: Xiao, Rasul, Vollgraf, arXiv 1708.07747, MIT licence (see images/LICENSE). CIFAR-10: Krizhevsky, 2009.
"""

import gzip
import hashlib
import io
import tempfile
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

FASHION_CLASSES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
# SHA-256 of images/fashion_<split>.npz; tools/fashion_subset.py draws the files and prints these lines.
CHECKSUMS = {
    "train": "dadba9b1aa2c2d272fec47b358822c515400bd8ca8f3322ccc0a92448c5398ee",
    "test": "9f7fa6e470fe35127c41e8c6fa1d1d46d2bf993e11b9a7056319e1073e19a9e0",
}


class Images(NamedTuple):
    """``pixels``: bytes ``(N, channels, H, W)``; ``labels``: ``(N,)``; ``classes``: the labels' names."""

    pixels: torch.Tensor
    labels: torch.Tensor
    classes: tuple


def _kind(value):
    """What an error says of a wrong value: its dtype and shape, or its type."""
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__


def check_pixels(pixels: Any, name: str = "images") -> None:
    """Raise ``TypeError`` or ``ValueError`` unless ``pixels`` are bytes ``(N, C, H, W)``, one picture or more.

    ``name`` is the argument that the error names. Everything that reads pixels calls this first.
    """
    if not isinstance(pixels, torch.Tensor) or pixels.dtype != torch.uint8 or pixels.ndim != 4:
        raise TypeError(
            f"{name}.pixels must be a torch.uint8 tensor (N, channels, H, W) of values 0 to 255, not "
            f"{_kind(pixels)}; floats from 0 to 1 become that by (pixels * 255).round().to(torch.uint8)"
        )
    if len(pixels) == 0:
        raise ValueError(f"{name} is empty: it needs one picture or more")


def check_images(images: Images, name: str = "images") -> None:
    """:func:`check_pixels`, and the same for the labels: N whole numbers from 0."""
    pixels, labels = images.pixels, images.labels
    check_pixels(pixels, name)
    if not isinstance(labels, torch.Tensor) or labels.dtype != torch.int64 or labels.ndim != 1:
        raise TypeError(
            f"{name}.labels must be a torch.int64 tensor (N,), not {_kind(labels)}; torch.as_tensor(labels).long() makes one"
        )
    if len(pixels) != len(labels):
        raise ValueError(f"{name} has {len(pixels)} pictures but {len(labels)} labels: one label a picture is needed")
    if labels.min() < 0:
        raise ValueError(f"{name}.labels must count from 0, but the smallest is {labels.min().item()}")


def _known(split):
    if split not in CHECKSUMS:
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    return split


def fashion_subset(split: str) -> Images:
    """The embedded part of Fashion-MNIST: 10,000 images to train with, 2,000 to test, balanced, 28x28, grey.

    Raises ``ValueError`` for another ``split`` or a damaged file, ``FileNotFoundError`` for a missing one.
    """
    path = files("resnext_lib").joinpath("images", f"fashion_{_known(split)}.npz")
    remedy = "install resnext_lib again: it is a part of the package"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing; {remedy}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != CHECKSUMS[split]:
        raise ValueError(f"{path.name} is damaged (its checksum is another); {remedy}")
    with np.load(io.BytesIO(content)) as arrays:
        return Images(torch.from_numpy(arrays["pixels"]), torch.from_numpy(arrays["labels"]), FASHION_CLASSES)


def fashion_mnist(split: str, folder: str | Path = "data", download: bool = False) -> Images:
    """All of Fashion-MNIST: 60,000 images to train with, 10,000 to test.

    Reads the four original files, packed or not, in ``folder`` or where torchvision puts them below it.
    ``download=True`` fetches them once through torchvision (30 MB). Raises ``ValueError`` for another
    ``split`` or a damaged file, ``FileNotFoundError`` for a missing one, ``ConnectionError`` when offline.
    """
    part = {"train": "train", "test": "t10k"}[_known(split)]
    if download and not _find(folder, f"{part}-images-idx3-ubyte"):
        from torchvision.datasets import FashionMNIST  # only here: it takes as long to load as torch

        _download(FashionMNIST, folder)
    pixels, labels = (_read_idx(folder, f"{part}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    return Images(pixels.unsqueeze(1), labels.long(), FASHION_CLASSES)


def cifar10(split: str, folder: str | Path = "data", download: bool = False) -> Images:
    """CIFAR-10 through torchvision: 50,000 and 10,000 images, 32x32, in colour. Errors as :func:`fashion_mnist`."""

    from torchvision.datasets import CIFAR10

    def read():
        return CIFAR10(folder, train=_known(split) == "train")

    try:
        dataset = read()
    except RuntimeError as error:  # torchvision: not found or corrupted
        if not download:
            raise FileNotFoundError(
                f"CIFAR-10 is not in {folder}, or a file of it is damaged; download=True fetches it (170 MB)"
            ) from error
        _download(CIFAR10, folder)
        dataset = read()
    pixels = torch.from_numpy(dataset.data).permute(0, 3, 1, 2).contiguous()
    return Images(pixels, torch.tensor(dataset.targets), tuple(dataset.classes))


def _find(folder, name):
    """The file ``name``, packed or not, in ``folder`` or in torchvision's layout; ``None`` if absent."""
    places = (Path(folder), Path(folder) / "FashionMNIST" / "raw")
    found = [place / (name + ending) for place in places for ending in ("", ".gz")]
    return next((path for path in found if path.is_file()), None)


def _read_idx(folder, name):
    """The bytes of an IDX file: a magic number, the sizes (big-endian), then the values."""
    path = _find(folder, name)
    if path is None:
        raise FileNotFoundError(f"{name} (or {name}.gz) is not in {folder}; download=True fetches it, or name its folder")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        sizes = np.frombuffer(content, ">i4", count=content[3], offset=4).astype(int).tolist()
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)
    except (OSError, EOFError, zlib.error, ValueError, IndexError) as error:
        raise ValueError(f"{path.name} is damaged; delete it and fetch it again with download=True") from error
    return torch.from_numpy(values.copy())


def _download(dataset, folder):
    """Fetch into a temporary folder and move on success, so that nothing half-written stays."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        try:
            dataset(temporary, download=True)
        except (OSError, RuntimeError) as error:  # no network, no server, or a checksum that differs
            reason = " ".join(str(error).split())
            raise ConnectionError(
                f"{dataset.__name__} could not be downloaded ({reason}). With files on disk use folder=...; "
                "without a network use fashion_subset(), which is in the package"
            ) from error
        for item in Path(temporary).iterdir():
            item.rename(Path(folder) / item.name)


def mean_and_spread(images: Images) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the pixels of each channel, on the scale 0 to 1.

    Raises what :func:`check_pixels` raises, and ``ValueError`` for a channel whose pixels are all equal.
    """
    check_pixels(images.pixels)
    for channel in range(images.pixels.shape[1]):
        if images.pixels[:, channel].min() == images.pixels[:, channel].max():
            raise ValueError(f"images: every pixel of channel {channel} has the same value, so there is nothing to learn")
    pixels = images.pixels.double().div(255)
    mean, spread = pixels.mean(dim=(0, 2, 3)).float(), pixels.std(dim=(0, 2, 3)).float()
    return mean, spread


def normalise(pixels: torch.Tensor, mean: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Bytes ``(N, C, H, W)`` to floats with mean 0 and spread 1 over the training images."""
    return (pixels.float().div(255) - mean.view(-1, 1, 1)) / spread.view(-1, 1, 1)


def augment(pixels: torch.Tensor, shift: int = 2) -> torch.Tensor:
    """Mirror half of the images at random, and move each by up to ``shift`` pixels; black comes in at the edge.

    Shapes: ``(N, C, H, W)`` to the same. Draws from torch's random numbers: seed them to repeat it.
    """
    count, _, height, width = pixels.shape
    device = pixels.device
    mirrored = torch.where(torch.rand(count, 1, 1, 1, device=device) < 0.5, pixels.flip(3), pixels)
    padded = torch.nn.functional.pad(mirrored, [shift] * 4)
    top, left = torch.randint(2 * shift + 1, (2, count, 1), device=device)
    rows = top + torch.arange(height, device=device)
    columns = left + torch.arange(width, device=device)
    image = torch.arange(count, device=device).view(-1, 1, 1)
    return padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
