"""Reading HDF5 in a process of its own: where a damaged file makes libhdf5 crash or hang, only that process ends.

It leaves a bundle in a temporary folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.child_process import ChildEndedError, ask, command_of, reply
from reds.errors import BenchError, ProtocolError
from reds.importing import hdf5, keras_models
from reds.subnets import whole_network

TIME_LIMIT_S = 120.0
"""Many times what a GiB of arrays takes, and the first import of h5py on a busy machine."""

COMMAND = command_of("reds.importing.isolated")
_BUNDLE = "bundle"


def read_isolated(found: str, path: Path, architecture: Architecture | None) -> Bundle:
    """The whole network of a file that is read with h5py.

    Args:
        found: its format, "hdf5" or "keras".
        path: the file.
        architecture: the network that it holds; None: a Keras 3 archive says it itself.

    Raises:
        MissingError: h5py is not installed.
        ProtocolError: the file is damaged, or a number is not finite.
        ConfigError: it holds another network, or one that cannot be nested or expressed.
    """
    stated = None if architecture is None else architecture.to_dict()
    with tempfile.TemporaryDirectory(prefix="reds-import-") as folder:
        try:
            ask(
                COMMAND,
                {"format": found, "path": str(path), "architecture": stated, "folder": folder},
                time_limit_s=TIME_LIMIT_S,
            )
        except ChildEndedError as end:
            raise _damaged(path, f"reading it {end}") from end
        try:
            return Bundle.load(Path(folder) / _BUNDLE)
        except BenchError as wrong:
            raise _damaged(path, str(wrong)) from wrong


def answer() -> None:
    """What the process does."""
    reply(_save)


def _save(request: Mapping[str, Any]) -> None:
    bundle = _read(request["format"], Path(request["path"]), request["architecture"])
    bundle.save(Path(request["folder"]) / _BUNDLE)


def _read(found: str, path: Path, stated: Mapping[str, object] | None) -> Bundle:
    if stated is None:
        return keras_models.archived(path)
    architecture = Architecture.from_dict(stated)
    read = {"hdf5": hdf5.read_hdf5, "keras": keras_models.read_archive}[found]
    return Bundle(architecture, read(path, architecture), whole_network(architecture))


def _damaged(path: Path, seen: str) -> ProtocolError:
    return ProtocolError(f"{path} is damaged", seen=seen)
