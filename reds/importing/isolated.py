"""Reading HDF5 in a process of its own: where a damaged file makes libhdf5 crash or hang, only that process ends.

It leaves a bundle in a temporary folder, or the error that it raised on purpose. It is no sandbox.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import BenchError, ConfigError, MissingError, ProtocolError
from reds.importing import hdf5, keras_models
from reds.subnets import whole_network

TIME_LIMIT_S = 120.0
"""Many times what a GiB of arrays takes, and the first import of h5py on a busy machine."""

COMMAND = (sys.executable, "-P", "-c", "from reds.importing.isolated import answer; answer()")
"""The process that reads; its request comes on its standard input."""

_BUNDLE, _ERROR = "bundle", "error.json"
_KINDS: Mapping[str, type[BenchError]] = {kind.kind: kind for kind in (ConfigError, MissingError, ProtocolError)}


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
        _run(path, json.dumps({"format": found, "path": str(path), "architecture": stated, "folder": folder}))
        error = Path(folder) / _ERROR
        if error.is_file():
            parts = json.loads(error.read_text())
            raise _KINDS[parts["kind"]](parts["what"], seen=parts["seen"], do=parts["do"])
        try:
            return Bundle.load(Path(folder) / _BUNDLE)
        except BenchError as wrong:
            raise _damaged(path, str(wrong)) from wrong


def answer() -> None:
    """What the process does."""
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    try:
        _read(request["format"], Path(request["path"]), request["architecture"]).save(folder / _BUNDLE)
    except tuple(_KINDS.values()) as error:
        parts = {"kind": error.kind, "what": error.what, "seen": error.seen, "do": error.do}
        (folder / _ERROR).write_text(json.dumps(parts))


def _read(found: str, path: Path, stated: Mapping[str, object] | None) -> Bundle:
    if stated is None:
        return keras_models.archived(path)
    architecture = Architecture.from_dict(stated)
    read = {"hdf5": hdf5.read_hdf5, "keras": keras_models.read_archive}[found]
    return Bundle(architecture, read(path, architecture), whole_network(architecture))


def _run(path: Path, request: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # it imports what this process would
    try:
        done = subprocess.run(
            COMMAND, input=request.encode(), capture_output=True, env=environment, timeout=TIME_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _damaged(path, f"reading it did not end within {TIME_LIMIT_S:g} s") from error
    if done.returncode:
        how = f"exit status {done.returncode}" if done.returncode > 0 else f"{signal.strsignal(-done.returncode)}"
        last_words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise _damaged(path, ": ".join(["reading it ended with " + how, *last_words]))


def _damaged(path: Path, seen: str) -> ProtocolError:
    return ProtocolError(f"{path} is damaged", seen=seen)
