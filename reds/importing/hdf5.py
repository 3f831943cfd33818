"""HDF5 files of Keras 2 models (whatever their ending: Keras 3 refuses them), and careful reading of HDF5 for others.

Links out of the file, and arrays whose numbers lie in other files, are refused; nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count, takewhile
from pathlib import Path
from typing import IO, Any

import numpy as np

from reds.architecture import Architecture
from reds.errors import MissingError, ProtocolError
from reds.importing.stored import StoredArray, StoredLayer, matched

MAGIC = b"\x89HDF\r\n\x1a\n"

# What h5py raises for files that are cut off or damaged, and for what is not there.
_DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError)


def read_hdf5(path: Path, architecture: Architecture) -> dict[str, np.ndarray]:
    """Float32 arrays by weight name, of a file that `model.save` or `model.save_weights` of Keras 2 wrote.

    Raises:
        MissingError: h5py is not installed.
        ProtocolError: the file is damaged or no such file, or a number is not finite.
        ConfigError: it is the file of another network.
    """
    with opened(path, path) as file:
        return matched(path, _keras2_layers(path, file), architecture)


@contextmanager
def opened(path: Path, source: Path | IO[bytes]) -> Iterator[Any]:
    """The file's root group; `path` names it in messages."""
    if find_spec("h5py") is None:
        raise MissingError("this file needs h5py", do="pip install 'reds-bench[train]'")
    import h5py  # noqa: PLC0415 - part of the extra `train`

    with _damage(path):
        file = h5py.File(source, "r")
    with file:
        yield file


def array_in(path: Path, group: Any, name: str) -> StoredArray:
    """The array of floating-point numbers of this name, which may lie in groups within ("conv1/kernel:0")."""
    import h5py  # noqa: PLC0415 - part of the extra `train`

    item = group_in(path, group, name)
    with _damage(path):
        if not isinstance(item, h5py.Dataset) or item.dtype.kind != "f" or item.is_virtual or item.external:
            raise ProtocolError(f"{path} holds no numbers of its own at {item.name}", seen=str(item))

        def read() -> np.ndarray:
            with _damage(path):
                return item[()]

        return StoredArray(tuple(item.shape), read)


def group_in(path: Path, group: Any, name: str) -> Any:
    """What has this name within a group, in the same file."""
    import h5py  # noqa: PLC0415 - part of the extra `train`

    for part in name.split("/"):
        with _damage(path):
            link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
            if not isinstance(link, h5py.HardLink):
                seen = "nothing there" if link is None else type(link).__name__
                raise ProtocolError(f"{path} lacks {name!r} in {group.name!r}", seen=seen)
            group = group[part]
    return group


def _keras2_layers(path: Path, file: Any) -> list[StoredLayer]:
    """The layers with weights, in the order of the model."""
    with _damage(path):
        root = group_in(path, file, "model_weights") if "model_weights" in file else file
    layers = []
    for name in _names(path, root, "layer_names"):
        group = group_in(path, root, name)
        arrays = {_variable(weight): array_in(path, group, weight) for weight in _names(path, group, "weight_names")}
        if arrays:
            layers.append(StoredLayer(name, arrays))
    return layers


def _variable(weight: str) -> str:
    """ "kernel" of "conv1/kernel:0"."""
    return weight.rsplit("/", 1)[-1].partition(":")[0]


def _names(path: Path, group: Any, attribute: str) -> list[str]:
    """A list of names; Keras cuts long ones into `attribute` + "0", "1", ..."""
    with _damage(path):
        attributes = group.attrs
        numbered = takewhile(attributes.__contains__, (f"{attribute}{index}" for index in count()))
        parts = [attribute] if attribute in attributes else list(numbered)
        if not parts:
            raise ProtocolError(f"{path} is not a Keras model", seen=f"no {attribute} at {group.name}")
        names = [name for part in parts for name in np.asarray(attributes[part]).ravel().tolist()]
        return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ProtocolError(f"{path} is not a readable HDF5 file", seen=str(error)) from error
