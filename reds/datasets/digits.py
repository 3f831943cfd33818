"""The 8x8 handwritten digits that come with scikit-learn: 1797 images, ten classes, no download."""

from __future__ import annotations

import numpy as np

from reds.datasets.dataset import DataSet, Preparation
from reds.datasets.request import Form
from reds.datasets.split import Split, make_split
from reds.errors import MissingError

ORIGIN = "the digits of scikit-learn, a fifth of them for testing, the same share of every class (this project's own split)"
CLASSES = tuple(str(digit) for digit in range(10))
TEST_SHARE = 0.2
LARGEST_PIXEL = 16.0


def load(seed: int) -> Split:
    """Inputs float32 (n, 64) in 0..1, row by row; a stratified 80/20 split by seed (the project's own: there is no official one).

    Raises:
        MissingError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - scikit-learn is optional and slow to import
        from sklearn.model_selection import train_test_split  # noqa: PLC0415
    except ImportError as error:
        raise MissingError("the data set 'digits' needs scikit-learn", do="pip install 'reds-bench[train]'") from error
    images, labels = load_digits(return_X_y=True)
    inputs, labels = np.asarray(images, np.float32) / LARGEST_PIXEL, np.asarray(labels)
    indices = np.arange(len(labels))
    train, test = (
        np.asarray(part) for part in train_test_split(indices, test_size=TEST_SHARE, stratify=labels, random_state=seed)
    )
    training, testing = (inputs[train], labels[train]), (inputs[test], labels[test])
    return make_split("digits", seed, CLASSES, train=training, test=testing, origin=ORIGIN)


def prepare(preparation: Preparation) -> None:
    """Write the split; raises MissingError as `load` does."""
    load(preparation.seed).write(preparation.folder)


DIGITS = DataSet(
    name="digits",
    summary="1,797 grey images 8x8 of handwritten digits, ten classes; nothing to download",
    classes=CLASSES,
    module="reds.datasets.digits",
    forms=(Form("8x8", (8, 8, 1)),),
    prepare=prepare,
)
