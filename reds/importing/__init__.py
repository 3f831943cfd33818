"""Published and foreign networks as bundles: the formats they come in, told apart by their content, and how each is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.importing import hdf5, keras_models, tflite
from reds.importing.folding import unfolded
from reds.importing.isolated import read_isolated
from reds.subnets import whole_network

ReadWeights = Callable[[Path, Architecture], Mapping[str, np.ndarray]]
"""Float32 arrays by weight name, from a file that holds a network of the architecture."""

_INDEX_MAGIC = bytes.fromhex("57fb808b247547db")  # a checkpoint's index is a LevelDB table, which ends with this
_HEAD_BYTES = 8
_OWN_MODEL = "name its architecture with --architecture; your own Keras model: save it as .keras, which says what it is"
_ENDINGS, _FEW = (".tflite", ".keras", ".h5", ".hdf5"), 5


def _read_checkpoint(path: Path, architecture: Architecture) -> dict[str, np.ndarray]:
    from reds.training.checkpoints import read_checkpoint  # noqa: PLC0415 - imports TensorFlow

    return read_checkpoint(path, architecture)


READERS: Mapping[str, ReadWeights] = {
    "checkpoint": _read_checkpoint,
    "tflite": lambda path, architecture: unfolded(path, tflite.folded_layers(path), architecture),
    "hdf5": lambda path, architecture: read_isolated("hdf5", path, architecture).weights,
    "keras": lambda path, architecture: read_isolated("keras", path, architecture).weights,
}
"""How the weights of a given architecture are read, by format."""


def format_of(path: Path) -> str:
    """The format of a network, one of `READERS`, by what the file begins or ends with.

    Raises:
        MissingError: there is nothing at the path, or a folder without a checkpoint.
        ConfigError: it is a part of a checkpoint.
        ProtocolError: the file is of none of the formats.
    """
    if path.is_dir():
        _check_folder(path)
        return "checkpoint"
    if path.with_name(f"{path.name}.index").is_file():
        return "checkpoint"
    if not path.is_file():
        raise MissingError(
            f"there is no network at {path}", do="name a file, or a checkpoint's folder or its path without .index"
        )
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, path.stat().st_size - len(_INDEX_MAGIC)))
        tail = file.read()
    if head == hdf5.MAGIC:
        return "hdf5"
    if head[4:] == tflite.IDENTIFIER:
        return "tflite"
    if head.startswith(keras_models.ZIP_MAGIC):
        return "keras"
    if tail == _INDEX_MAGIC:
        return "checkpoint"
    prefix = path.with_name(path.name.partition(".data-")[0])
    if prefix.name != path.name and prefix.with_name(f"{prefix.name}.index").is_file():
        raise ConfigError(f"{path} is one of the files of a checkpoint", do=f"name the checkpoint: {prefix}")
    raise ProtocolError(
        f"{path} is no network that can be read",
        seen=f"it begins with {head!r}",
        do="import a TensorFlow checkpoint, a .tflite file, or a Keras model (HDF5 or .keras)",
    )


def _check_folder(path: Path) -> None:
    """Raise MissingError where a folder has no checkpoint, saying what it has."""
    if any(path.glob("*.index")):
        return
    names = sorted(each.name for each in path.iterdir())
    files = [name for name in names if name.endswith(_ENDINGS)]
    do = f"name a file in it, like {path / files[0]}" if files else "name a file, or a checkpoint's folder"
    raise MissingError(f"{path} holds no checkpoint", seen=", ".join(names[:_FEW]) or "an empty folder", do=do)


def import_network(path: Path, architecture: Architecture | None) -> Bundle:
    """The whole network of a file, with the weights of the file.

    Args:
        path: a file, or a checkpoint (see `reds.training.checkpoints`).
        architecture: the network that the file holds; None: a Keras 3 archive says it itself.

    Raises:
        MissingError: there is nothing at the path, or a package that the format needs is not installed.
        ProtocolError: the file is damaged, holds numbers that are not finite, or is of no known format.
        ConfigError: it holds another network, or one that cannot be nested or expressed, or the architecture has to be named.
    """
    found = format_of(path)
    if architecture is None:
        if found != "keras":
            raise ConfigError(f"{path} does not say which network it holds", do=_OWN_MODEL)
        bundle = read_isolated(found, path, None)
    else:
        bundle = Bundle(architecture, READERS[found](path, architecture), whole_network(architecture))
    return bundle.with_provenance(imported={"file": path.name, "format": found})
