"""What the image sets share: a validation part of their own, and inputs written block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from reds.datasets.dataset import Preparation
from reds.datasets.room import check_room
from reds.datasets.rows import BLOCK_ROWS, mapped, write_rows
from reds.datasets.samples import stratified
from reds.datasets.split import Augmentation, described_split

VALIDATION_EXAMPLES = 5000
SPLIT_SEED = 0
OWN_VALIDATION = (
    f"validation: {VALIDATION_EXAMPLES:,} training examples, the same share of every class (this project's own split)"
)

Pixels = Callable[[np.ndarray], np.ndarray]
"""Inputs float32 (n, features) of the images with these numbers (n,)."""


def training_and_validation(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the examples for training and for validation, int64, of a set that has no official validation part.

    A tenth of a set with fewer than ten times the usual number.
    """
    chosen = stratified(labels, min(VALIDATION_EXAMPLES, len(labels) // 10), SPLIT_SEED)
    kept = np.ones(len(labels), bool)
    kept[chosen] = False
    return np.flatnonzero(kept), chosen


def write_images(
    preparation: Preparation,
    classes: tuple[str, ...],
    *,
    training: tuple[Pixels, np.ndarray],
    test: tuple[Pixels, np.ndarray],
    augmentation: Callable[[np.ndarray], Augmentation | None],
    split: str,
) -> None:
    """Write a split of images, given (inputs, labels) of the official training and test part.

    Args:
        preparation: where, and in which form.
        classes: names in label order.
        training: the official training part; a validation part is carved off it.
        test: the official test part.
        augmentation: of the training inputs that it is given.
        split: where the official split comes from, in words.
    """
    folder, features = preparation.folder, preparation.form.features
    train, validation = training_and_validation(training[1])
    parts = {"train": (*training, train), "validation": (*training, validation), "test": (*test, np.arange(len(test[1])))}
    total, done = len(training[1]) + len(test[1]), 0

    def blocks(pixels: Pixels, numbers: np.ndarray) -> Iterator[np.ndarray]:
        nonlocal done
        for start in range(0, len(numbers), BLOCK_ROWS):
            yield pixels(numbers[start : start + BLOCK_ROWS])
            done = min(done + BLOCK_ROWS, total)
            preparation.amounts(f"preparing {preparation.name}", done, total)

    check_room(folder, 4 * features * total)
    for part, (pixels, labels, numbers) in parts.items():
        write_rows(folder / f"x_{part}.npy", (len(numbers), features), np.float32, blocks(pixels, numbers))
        write_rows(folder / f"y_{part}.npy", (len(numbers),), np.int32, [labels[numbers]])
    described_split(
        folder,
        preparation.name,
        preparation.seed,
        classes,
        augmentation=augmentation(mapped(folder / "x_train.npy")),
        origin=f"{preparation.source.origin}; {split}; {OWN_VALIDATION}",
    )
