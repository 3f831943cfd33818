"""CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): 60,000 images 32x32, ten classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reds.datasets.dataset import DataSet, Preparation
from reds.datasets.image_augmentation import ImageAugmentation
from reds.datasets.layout import Bounds, Layout, Remote
from reds.datasets.request import Form
from reds.datasets.vision import SPLIT_SEED, write_images
from reds.errors import MissingError, ProtocolError

SIDE, CHANNELS = 32, 3
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# Mean and deviation of each channel over the training images, as the published pipeline rounds them.
MEAN = np.array([0.4914, 0.4822, 0.4465], np.float32)
DEVIATION = np.array([0.2470, 0.2435, 0.2616], np.float32)
TRAINING = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = ("test_batch.bin",)
ROW_BYTES = 1 + SIDE * SIDE * CHANNELS
LAYOUT = Layout(
    dataset="cifar10",
    folder="cifar-10-batches-bin",
    patterns=("*_batch*.bin",),
    expected=f"{TRAINING[0]} to {TRAINING[-1]} and {TEST[0]}",
    # Size and MD5 sum: the page that publishes the set.
    remotes=(
        Remote("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", 170_052_171, "md5", "c32a1d4ab5d03f1284b67883e8d87530"),
    ),
    bounds=Bounds(size_bytes=250_000_000, files=20),
)


def prepare(preparation: Preparation) -> None:
    """Inputs row by row with the channels last, normalised by channel; mirrored, shifted by up to 2 pixels.

    Raises:
        MissingError: one of the six files is not there.
        ProtocolError: a file does not hold whole rows, or labels out of range.
    """
    folder = preparation.source.folder
    images, labels = _read(folder, TRAINING)
    test_images, test_labels = _read(folder, TEST)

    def augmentation(x_train: np.ndarray) -> ImageAugmentation:
        return ImageAugmentation(x_train, (SIDE, SIDE, CHANNELS), turned_share=0.0, turn_radians=0.0, margin=2)

    write_images(
        preparation,
        CLASSES,
        training=(lambda numbers: normalised(images[numbers]), labels),
        test=(lambda numbers: normalised(test_images[numbers]), test_labels),
        augmentation=augmentation,
        split="training and test part as published",
    )


def normalised(planes: np.ndarray) -> np.ndarray:
    """Inputs float32 (n, 32 * 32 * 3), channels last, of images uint8 (n, 3 * 32 * 32), one plane after another."""
    channels_last = planes.reshape(-1, CHANNELS, SIDE * SIDE).transpose(0, 2, 1)
    return ((channels_last / np.float32(255) - MEAN) / DEVIATION).reshape(len(planes), -1)


def _read(folder: Path, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, 3 * 32 * 32), one plane after another, and labels uint8 (n,) of the files."""
    rows = []
    for path in (folder / name for name in names):
        if not path.is_file():
            raise MissingError(f"{path} is missing", do=f"the folder needs {LAYOUT.expected}")
        size = path.stat().st_size
        if not size or size % ROW_BYTES:
            raise ProtocolError(f"{path} is truncated or something else", seen=f"{size} bytes, not rows of {ROW_BYTES}")
        batch = np.fromfile(path, np.uint8).reshape(-1, ROW_BYTES)
        if batch[:, 0].max() >= len(CLASSES):
            raise ProtocolError(f"{path} holds labels out of range", seen=f"{batch[:, 0].max()}, of 10 classes")
        rows.append(batch)
    whole = np.concatenate(rows)
    return whole[:, 1:], whole[:, 0]


CIFAR10 = DataSet(
    name="cifar10",
    summary="60,000 colour images 32x32, ten classes",
    classes=CLASSES,
    module="reds.datasets.cifar10",
    forms=(Form("32x32", (SIDE, SIDE, CHANNELS)),),
    prepare=prepare,
    layout=LAYOUT,
    seed=SPLIT_SEED,
)
