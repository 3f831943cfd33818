"""Fashion-MNIST (Xiao, Rasul and Vollgraf, arXiv:1708.07747): 70,000 images 28x28 in grey, ten kinds of clothing."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from reds.datasets.dataset import DataSet, Preparation
from reds.datasets.image_augmentation import ImageAugmentation
from reds.datasets.layout import FOUND_ON_DISK, Layout, Remote
from reds.datasets.request import Form
from reds.datasets.vision import SPLIT_SEED, write_images
from reds.errors import MissingError, ProtocolError

SIDE = 28
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
MOST_IMAGES = 1_000_000
_HOME = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
# Sizes and MD5 sums: the README of the repository that publishes the set.
TRAIN_IMAGES = Remote(f"{_HOME}/train-images-idx3-ubyte.gz", 26_421_880, "md5", "8d4fb7e6c68d591d4c3dfef9ec88bf0d")
TRAIN_LABELS = Remote(f"{_HOME}/train-labels-idx1-ubyte.gz", 29_515, "md5", "25c81989df183df01b3e8a0aad5dffbe")
TEST_IMAGES = Remote(f"{_HOME}/t10k-images-idx3-ubyte.gz", 4_422_102, "md5", "bef4ecab320f06d8554ea6380940ec79")
TEST_LABELS = Remote(f"{_HOME}/t10k-labels-idx1-ubyte.gz", 5_148, "md5", "bb300cfdad3c16e7a12a480ee83cd310")
REMOTES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
LAYOUT = Layout(
    dataset="fashion_mnist",
    folder="fashion-mnist",
    patterns=("*-ubyte.gz",),
    expected=", ".join(remote.name for remote in REMOTES),
    remotes=REMOTES,
)


def prepare(preparation: Preparation) -> None:
    """Inputs in 0..1; mirrored, three in ten turned by up to 0.2 radians, shifted by up to 2 pixels.

    Raises:
        MissingError: one of the four files is not there.
        ProtocolError: a file is damaged or holds something else.
    """
    folder = preparation.source.folder
    images, labels = _part(folder, TRAIN_IMAGES, TRAIN_LABELS)
    test_images, test_labels = _part(folder, TEST_IMAGES, TEST_LABELS)

    def augmentation(x_train: np.ndarray) -> ImageAugmentation:
        return ImageAugmentation(x_train, (SIDE, SIDE, 1), turned_share=0.3, turn_radians=0.2, margin=2)

    if preparation.source.origin == FOUND_ON_DISK:
        preparation = replace(preparation, files=replace(preparation.source, origin=_origin(folder)))
    write_images(
        preparation,
        CLASSES,
        training=(lambda numbers: images[numbers] / np.float32(255), labels),
        test=(lambda numbers: test_images[numbers] / np.float32(255), test_labels),
        augmentation=augmentation,
        split="training and test part as published",
    )


def _origin(folder: Path) -> str:
    for remote in REMOTES:
        digest = hashlib.new(remote.algorithm, (folder / remote.name).read_bytes(), usedforsecurity=False)
        if digest.hexdigest() != remote.checksum:
            return f"files found on disk that are not the published ones ({remote.name} has another checksum)"
    return "the published files, checksums verified"


def _part(folder: Path, images: Remote, labels: Remote) -> tuple[np.ndarray, np.ndarray]:
    pixels = read_idx(folder / images.name, (SIDE, SIDE))
    classes = read_idx(folder / labels.name, ())
    if len(pixels) != len(classes):
        raise ProtocolError(
            f"{folder / images.name} and {folder / labels.name} do not belong together",
            seen=f"{len(pixels)} images, {len(classes)} labels",
        )
    if len(classes) and classes.max() >= len(CLASSES):
        raise ProtocolError(f"{folder / labels.name} holds labels out of range", seen=f"{classes.max()}, of 10 classes")
    return pixels, classes


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Bytes uint8 (n, elements of the shape), or (n,) for no shape, of a gzipped file in the IDX format.

    Raises:
        MissingError: there is no such file.
        ProtocolError: it is no such file.
    """
    if not path.is_file():
        raise MissingError(f"{path} is missing", do="the folder needs all four files of the set")
    header, each = struct.calcsize(f">{2 + len(shape)}I"), math.prod(shape)
    most = header + MOST_IMAGES * each
    try:
        with gzip.open(path, "rb") as file:
            content = file.read(most + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ProtocolError(f"{path} is damaged", seen=str(error), do="get it again") from error
    if len(content) < header:
        raise ProtocolError(f"{path} is no IDX file", seen=f"{len(content)} bytes")
    magic, count, *lengths = struct.unpack_from(f">{2 + len(shape)}I", content)
    expected = 0x0800 + 1 + len(shape)  # unsigned bytes; number of axes
    size = header + count * each
    if magic != expected or tuple(lengths) != shape or len(content) != size:
        raise ProtocolError(
            f"{path} is no IDX file of bytes of shape (n, {', '.join(map(str, shape))})",
            seen=f"magic number {magic:#x}, lengths {(count, *lengths)}, {len(content)} bytes",
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape((count, each) if shape else (count,))


FASHION_MNIST = DataSet(
    name="fashion_mnist",
    summary="70,000 grey images 28x28 of clothing, ten classes",
    classes=CLASSES,
    module="reds.datasets.fashion_mnist",
    forms=(Form("28x28", (SIDE, SIDE, 1)),),
    prepare=prepare,
    layout=LAYOUT,
    seed=SPLIT_SEED,
)
