"""A prepared data set on disk: arrays that are mapped into memory, and a description of what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reds.datasets.augmentation import Augmentation, opened_augmentation
from reds.datasets.rows import blocks_of, mapped
from reds.errors import ConfigError, MissingError, ProtocolError

__all__ = ["Augmentation", "Split", "fingerprint", "make_split", "open_split", "stated_fingerprint"]

DESCRIPTION = "split.json"
ARRAYS = ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test")
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Training, validation and test examples.

    Attributes:
        name: the data set.
        seed: what decided the split.
        classes: names of the classes, in label order.
        fingerprint: SHA-256 of names, shapes, types and bytes of the arrays, and of what the augmentation is and reads.
        x_train: float32 (n, features); n is 0 for a set that is there to be tested on.
        y_train: int32 (n,).
        x_validation: float32 (k, features), what choices are made by; k may be 0.
        y_validation: int32 (k,).
        x_test: float32 (m, features).
        y_test: int32 (m,).
        augmentation: how training inputs are disturbed, None where they stay as they are.
        origin: where examples and split come from, in words.
    """

    name: str
    seed: int
    classes: tuple[str, ...]
    fingerprint: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    augmentation: Augmentation | None = None
    origin: str = ""

    def training_inputs(self, indices: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Inputs float32 (n, features) of the training examples with these indices (n,), as one epoch sees them."""
        if self.augmentation is not None:
            return self.augmentation(indices, generator)
        return np.asarray(self.x_train[indices])

    def check_training(self) -> Split:
        """The split, if there is anything to train on.

        Raises:
            ConfigError: it holds test examples only.
        """
        if not len(self.y_train):
            raise ConfigError(
                f"the data set {self.name!r} has no training examples: it is there to be tested on",
                do="name another one with --dataset",
            )
        return self

    def counts(self) -> dict[str, tuple[int, ...]]:
        """By part ("train", "validation", "test"), how many examples of each class, in label order."""
        labels = {part: np.asarray(getattr(self, f"y_{part}")) for part in PARTS}
        return {part: tuple(np.bincount(y, minlength=len(self.classes)).tolist()) for part, y in labels.items()}

    def facts(self) -> dict[str, object]:
        """JSON-ready identity, for provenance."""
        return {"name": self.name, "seed": self.seed, "fingerprint": self.fingerprint, "origin": self.origin}

    def write(self, folder: Path) -> None:
        """Write arrays and description into a folder that exists."""
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        for name, array in (self.augmentation.arrays() if self.augmentation else {}).items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        self._describe(folder)

    def _describe(self, folder: Path) -> None:
        description = {
            **self.facts(),
            "classes": list(self.classes),
            "augmentation": self.augmentation.describe() if self.augmentation else None,
        }
        (folder / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n")


def make_split(
    name: str,
    seed: int,
    classes: Sequence[str],
    *,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    augmentation: Augmentation | None = None,
    origin: str = "",
) -> Split:
    """A split of (inputs, labels) for training, validation and test, converted to float32 and int32 and fingerprinted.

    Raises:
        ProtocolError: an input that is no finite number, or a label without a class.
    """
    none = (train[0][:0], train[1][:0])
    parts = [
        (np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.int32)) for x, y in (train, validation or none, test)
    ]
    arrays = [array for part in parts for array in part]
    return _checked(Split(name, seed, tuple(classes), "", *arrays, augmentation=augmentation, origin=origin))


def described_split(
    folder: Path, name: str, seed: int, classes: Sequence[str], *, augmentation: Augmentation | None, origin: str
) -> Split:
    """The split whose arrays have been written into `folder`; checks and describes it there.

    Raises:
        ProtocolError: an input that is no finite number, or a label without a class.
    """
    arrays = [mapped(folder / f"{array}.npy") for array in ARRAYS]
    split = _checked(Split(name, seed, tuple(classes), "", *arrays, augmentation=augmentation, origin=origin))
    split._describe(folder)
    return split


def _checked(split: Split) -> Split:
    """The split with its fingerprint."""
    for part in PARTS:
        labels = np.asarray(getattr(split, f"y_{part}"))
        if wrong := sorted(set(np.unique(labels).tolist()) - set(range(len(split.classes)))):
            raise ProtocolError(
                f"the data set {split.name!r} has {len(split.classes)} classes and labels beyond them",
                seen=f"label {wrong[0]} in its {part} part",
            )
        if not all(np.isfinite(block).all() for block in blocks_of(getattr(split, f"x_{part}"))):
            raise ProtocolError(f"inputs of the data set {split.name!r} are not finite numbers", seen=f"in its {part} part")
    return replace(split, fingerprint=fingerprint([getattr(split, name) for name in ARRAYS], split.augmentation))


def fingerprint(arrays: Sequence[np.ndarray], augmentation: Augmentation | None = None) -> str:
    """SHA-256 (hexadecimal) of names, shapes, types and bytes of the arrays that hold anything, in the order of `ARRAYS`, and of
    what the augmentation is and reads."""
    digest = hashlib.sha256()
    named = [*zip(ARRAYS, arrays, strict=True), *sorted((augmentation.arrays() if augmentation else {}).items())]
    for name, array in ((name, array) for name, array in named if len(array)):
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        for block in blocks_of(array):
            digest.update(np.ascontiguousarray(block).data)
    if augmentation is not None:
        digest.update(json.dumps(augmentation.describe(), sort_keys=True).encode())
    return digest.hexdigest()


def stated_fingerprint(folder: Path) -> str:
    """The fingerprint that the description in `folder` states; reads no array."""
    return str(_description(folder)["fingerprint"])


def open_split(folder: Path) -> Split:
    """The split that `Split.write` wrote, its arrays mapped read-only.

    Raises:
        MissingError: no split there.
        ProtocolError: the files are not a split.
    """
    description = _description(folder)
    try:
        arrays = {name: mapped(folder / f"{name}.npy") for name in ARRAYS}
        return Split(
            name=str(description["name"]),
            seed=int(description["seed"]),
            classes=tuple(str(name) for name in description["classes"]),
            fingerprint=str(description["fingerprint"]),
            **arrays,
            augmentation=opened_augmentation(description["augmentation"], folder, arrays["x_train"]),
            origin=str(description["origin"]),
        )
    except (KeyError, TypeError, ValueError, OSError, IndexError) as error:
        raise ProtocolError(f"{folder} is not a prepared data set", seen=f"{type(error).__name__}: {error}") from error


def _description(folder: Path) -> dict:
    path = folder / DESCRIPTION
    if not path.is_file():
        raise MissingError(f"{folder} is not a prepared data set", seen=f"no {DESCRIPTION}")
    try:
        description = json.loads(path.read_text())
    except ValueError as error:
        raise ProtocolError(f"{path} does not describe a data set", seen=str(error)) from error
    if not isinstance(description, dict) or "fingerprint" not in description:
        raise ProtocolError(f"{path} does not describe a data set", seen="no fingerprint")
    return description
