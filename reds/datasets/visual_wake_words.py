"""Visual Wake Words (Chowdhery et al., arXiv:1906.05721): is there a person in the picture? COCO 2014 images, two classes.

The set comes as the record files that its scripts write: `train.record-*` and `val.record-*`, which is tested on here.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from reds.datasets.dataset import DataSet, Preparation
from reds.datasets.layout import Layout
from reds.datasets.request import Form
from reds.datasets.tfrecord import Place, parse_example, records
from reds.datasets.vision import SPLIT_SEED, write_images
from reds.errors import MissingError, ProtocolError

CLASSES = ("background", "person")
SIDES = (96, 128, 160, 192, 224)  # of the published MobileNets
ENCODED, LABEL = "image/encoded", "image/class/label"
TRAINING, TEST = "train.record*", "val.record*"
MOST_PIXELS = 1 << 26
MIDDLE = np.float32(127.5)
LAYOUT = Layout(
    dataset="visual_wake_words",
    folder="visual_wake_words",
    patterns=("*.record*",),
    expected="train.record-* and val.record-*",
    instead="it cannot be downloaded ready-made: run download_and_convert_data.py --dataset_name=visualwakewords of TensorFlow's "
    "models/research/slim, which downloads COCO 2014 and writes these files",
)


def prepare(preparation: Preparation) -> None:
    """Inputs in -1..1: each picture scaled to the form's side both ways, bilinear; training pictures stay as they are.

    Raises:
        MissingError: Pillow or a part is not there.
        ProtocolError: a file is damaged, or a record holds no JPEG with a label.
    """
    side, folder = preparation.form.shape[0], preparation.source.folder
    decode = _decoder(side)
    train_places, train_labels = _index(preparation, folder, TRAINING)
    test_places, test_labels = _index(preparation, folder, TEST)
    write_images(
        preparation,
        CLASSES,
        training=(lambda numbers: np.stack([decode(train_places[number]) for number in numbers]), train_labels),
        test=(lambda numbers: np.stack([decode(test_places[number]) for number in numbers]), test_labels),
        augmentation=lambda _x_train: None,
        split="training part and, for testing, validation part of the record files",
    )


def _index(preparation: Preparation, folder: Path, pattern: str) -> tuple[list[Place], np.ndarray]:
    """Where the records of a part lie, and their labels int64; all are checked."""
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise MissingError(f"a part of the data set is missing in {folder}", seen=f"no file {pattern}", do=LAYOUT.instead)
    places, labels = [], []
    for number, path in enumerate(paths, 1):
        for place, data in records(path):
            label = parse_example(data).integers.get(LABEL, [])
            if len(label) != 1 or label[0] not in range(len(CLASSES)):
                raise ProtocolError(f"a record of {path} has no label of 0 or 1", seen=f"{LABEL}: {label}")
            places.append(place)
            labels.append(label[0])
        preparation.amounts(f"reading {pattern} of {preparation.name}", number, len(paths))
    return places, np.array(labels, np.int64)


def _decoder(side: int) -> Callable[[Place], np.ndarray]:
    """Reads a record's picture as float32 (side * side * 3,)."""
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingError("the data set 'visual_wake_words' needs Pillow", do="pip install 'reds-bench[train]'") from error

    def decode(place: Place) -> np.ndarray:
        encoded = parse_example(place.read()).texts.get(ENCODED, [])
        where = f"a record of {place.path}, at byte {place.offset_bytes:,},"
        try:
            with Image.open(io.BytesIO(b"".join(encoded)), formats=("JPEG",)) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ProtocolError(f"{where} holds too large a picture", seen=f"{picture.width}x{picture.height}")
                pixels = picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ProtocolError(f"{where} holds no JPEG picture", seen=str(error)) from error
        return np.asarray(pixels, np.float32).reshape(-1) / MIDDLE - 1

    return decode


VISUAL_WAKE_WORDS = DataSet(
    name="visual_wake_words",
    summary="photographs with and without a person, two classes",
    classes=CLASSES,
    module="reds.datasets.visual_wake_words",
    forms=tuple(Form(f"{side}x{side}", (side, side, 3)) for side in SIDES),
    prepare=prepare,
    layout=LAYOUT,
    seed=SPLIT_SEED,
)
