"""A prepared data set on disk: arrays that are mapped into memory, and a description of what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reds.errors import MissingError, ProtocolError

DESCRIPTION = "split.json"
ARRAYS = ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test")

Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Training inputs float32 (n, features) of the examples with these indices (n,), disturbed anew at each call; all chance comes
from the generator."""


@dataclass(frozen=True)
class Split:
    """Training, validation and test examples.

    Attributes:
        name: the data set.
        seed: what decided the split.
        classes: names of the classes, in label order.
        fingerprint: SHA-256 of names, shapes, types and bytes of the arrays.
        x_train: float32 (n, features).
        y_train: int32 (n,).
        x_validation: float32 (k, features), what choices are made by; k may be 0.
        y_validation: int32 (k,).
        x_test: float32 (m, features).
        y_test: int32 (m,).
        augmentation: how training inputs are disturbed, None where they stay as they are.
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

    def training_inputs(self, indices: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Inputs float32 (n, features) of the training examples with these indices (n,), as one epoch sees them."""
        if self.augmentation is not None:
            return self.augmentation(indices, generator)
        return np.asarray(self.x_train[indices])

    def facts(self) -> dict[str, object]:
        """JSON-ready identity, for provenance."""
        return {"name": self.name, "seed": self.seed, "fingerprint": self.fingerprint}

    def write(self, folder: Path) -> None:
        """Write the arrays and the description into a folder that exists."""
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        description = {**self.facts(), "classes": list(self.classes)}
        (folder / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n")


def make_split(
    name: str,
    seed: int,
    classes: Sequence[str],
    *,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None = None,
) -> Split:
    """A split of (inputs, labels) for training, validation and test, converted to float32 and int32 and fingerprinted."""
    none = (train[0][:0], train[1][:0])
    parts = [
        (np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.int32)) for x, y in (train, validation or none, test)
    ]
    arrays = [array for part in parts for array in part]
    return Split(name, seed, tuple(classes), fingerprint(arrays), *arrays)


def fingerprint(arrays: Sequence[np.ndarray]) -> str:
    """SHA-256 (hexadecimal) of names, shapes, types and bytes of the arrays that hold anything, in the order of `ARRAYS`."""
    digest = hashlib.sha256()
    for name, array in ((name, array) for name, array in zip(ARRAYS, arrays, strict=True) if len(array)):
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
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
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
        return Split(
            name=str(description["name"]),
            seed=int(description["seed"]),
            classes=tuple(str(name) for name in description["classes"]),
            fingerprint=str(description["fingerprint"]),
            **arrays,
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
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
