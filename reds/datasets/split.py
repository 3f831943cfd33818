"""A prepared data set on disk: arrays that are mapped into memory, and a description of what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reds.errors import MissingError, ProtocolError

DESCRIPTION = "split.json"
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Split:
    """Training and test examples.

    Attributes:
        name: the data set.
        seed: what decided the split.
        classes: names of the classes, in label order.
        fingerprint: SHA-256 of names, shapes, types and bytes of the four arrays.
        x_train: float32 (n, features).
        y_train: int32 (n,).
        x_test: float32 (m, features).
        y_test: int32 (m,).
    """

    name: str
    seed: int
    classes: tuple[str, ...]
    fingerprint: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

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
) -> Split:
    """A split of (inputs, labels) for training and for test, converted to float32 and int32 and fingerprinted."""
    inputs = [np.ascontiguousarray(x, np.float32) for x, _ in (train, test)]
    labels = [np.ascontiguousarray(y, np.int32) for _, y in (train, test)]
    arrays = (inputs[0], labels[0], inputs[1], labels[1])
    return Split(name, seed, tuple(classes), fingerprint(arrays), *arrays)


def fingerprint(arrays: Sequence[np.ndarray]) -> str:
    """SHA-256 (hexadecimal) of names, shapes, types and bytes of the four arrays, in the order of `ARRAYS`."""
    digest = hashlib.sha256()
    for name, array in zip(ARRAYS, arrays, strict=True):
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
