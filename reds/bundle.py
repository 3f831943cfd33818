"""A network on disk: a folder with `bundle.json` (what it is, where it comes from) and `weights.npz` (float32 arrays).

A network whose channels have been scored also has `importance.npz`; one whose subnetworks have vectors of their own (batch norm,
biases) has `private.npz`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from reds.architecture import Architecture
from reds.errors import ConfigError, MissingError, ProtocolError, unknown_name
from reds.files import writing
from reds.layers import Weight, Widths
from reds.subnets import Subnet, Subnets, whole_network

SCHEMA_VERSION = 1
DOCUMENT = "bundle.json"
WEIGHTS = "weights.npz"
IMPORTANCE = "importance.npz"
PRIVATE = "private.npz"


@dataclass(frozen=True)
class Bundle:
    """A network with its nested subnetworks.

    Attributes:
        architecture: the network.
        weights: float32 arrays by weight name, in the shapes that `architecture.weights` states for the full widths.
        subnets: the nested subnetworks, the whole network first.
        provenance: JSON-ready facts: recipe, seeds, data fingerprint, tool versions, accuracy by subnetwork.
        importance: float32 arrays by kernel name in the kernel's shape (see `reds.importance`); empty where not scored.
        private: what a subnetwork has for itself instead of the shared prefix: by its name, then by the name of the weight, a
            float32 vector (active channels,). Only vectors can be private: batch norm and biases.

    Raises:
        ConfigError: an array is missing, of another shape or type, or not finite, or the widths do not fit or begin with a part.
    """

    architecture: Architecture
    weights: Mapping[str, np.ndarray]
    subnets: Subnets
    provenance: Mapping[str, Any] = field(default_factory=dict)
    importance: Mapping[str, np.ndarray] = field(default_factory=dict)
    private: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.architecture.weights:
            if name not in self.weights:
                raise ConfigError(f"the weights of {self.architecture.name} lack {name!r}", seen=", ".join(self.weights))
            self._check_array("weight", name, self.weights[name], self.architecture.full_widths)
        for name, array in self.importance.items():
            self._check_array("importance", name, array, self.architecture.full_widths)
        for subnet in self.subnets:
            self.architecture.check_widths(subnet.widths)
        if self.subnets[0].widths != self.architecture.full_widths:
            raise ConfigError("the first subnetwork is not the whole network", seen=f"{self.subnets[0]}")
        for subnet_name, vectors in self.private.items():
            widths = self.subnets[self.subnets.level(subnet_name)].widths
            for name, array in vectors.items():
                self._check_array(f"private weight of subnetwork {subnet_name!r}", name, array, widths)
                if not self.architecture.weights[name].is_vector:
                    raise ConfigError(f"{name!r} is shared by all subnetworks", seen=f"private in {subnet_name!r}")

    def active_weights(self, subnet: Subnet) -> dict[str, np.ndarray]:
        """Every array of one subnetwork, in its shapes: prefixes of the shared weights, and its private vectors."""
        return {**self.architecture.slice_weights(self.weights, subnet.widths), **self.private.get(subnet.name, {})}

    def _private_by_key(self) -> dict[str, np.ndarray]:
        """The private vectors as they are kept, "2/norm1/beta": under the level's number, as names may hold any character."""
        levels = {subnet.name: level for level, subnet in enumerate(self.subnets)}
        return {f"{levels[s]}/{name}": array for s, vectors in self.private.items() for name, array in vectors.items()}

    def _check_array(self, what: str, name: str, array: np.ndarray, widths: Widths) -> None:
        if name not in self.architecture.weights:
            raise unknown_name(f"weight of {self.architecture.name}", name, self.architecture.weights)
        shape = self.architecture.weights[name].shape(widths)
        if array.shape != shape or array.dtype != np.float32:
            raise ConfigError(
                f"{what} {name!r} of {self.architecture.name} is not float32 {shape}", seen=f"{array.dtype} {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ConfigError(f"{what} {name!r} of {self.architecture.name} is not finite")

    def content_hash(self) -> str:
        """SHA-256 (hexadecimal) of what it computes: architecture, subnetworks and weights, whatever the archive looks like."""
        description = {"architecture": self.architecture.to_dict(), "subnets": self.subnets.to_list()}
        digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
        for name in self.architecture.weights:
            digest.update(np.ascontiguousarray(self.weights[name], "<f4").tobytes())
        for subnet, vectors in sorted(self.private.items()):
            for name, vector in sorted(vectors.items()):
                digest.update(f"\0{subnet}\0{name}\0".encode() + np.ascontiguousarray(vector, "<f4").tobytes())
        return digest.hexdigest()

    def with_provenance(self, **facts: Any) -> Bundle:
        """The same network with further facts recorded."""
        return replace(self, provenance={**self.provenance, **facts})

    def save(self, folder: Path | str) -> None:
        """Write the folder under a temporary name and rename it; an older bundle goes only when the new one is in its place.

        Raises:
            ConfigError: the folder exists and is not a bundle.
            MissingError: it cannot be written; an older bundle is as it was, and nothing half-made is left.
        """
        folder = Path(folder)
        check_replaceable(folder)
        staging = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        shutil.rmtree(staging, ignore_errors=True)
        with writing(folder):
            try:
                staging.mkdir(parents=True)
                self._write(staging)
                _put_in_place(staging, folder)
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def _write(self, folder: Path) -> None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "architecture": self.architecture.to_dict(),
            "subnets": self.subnets.to_list(),
            "provenance": dict(self.provenance),
        }
        (folder / DOCUMENT).write_text(json.dumps(document, indent=1) + "\n")
        _write_arrays(folder / WEIGHTS, {name: self.weights[name] for name in self.architecture.weights})
        if self.importance:
            _write_arrays(folder / IMPORTANCE, self.importance)
        if self.private:
            _write_arrays(folder / PRIVATE, self._private_by_key())

    @classmethod
    def load(cls, folder: Path | str) -> Bundle:
        """Read a bundle.

        Raises:
            MissingError: no such folder or file.
            ProtocolError: the files are not a bundle, or of another schema version.
            ConfigError: what the files say does not fit together.
        """
        folder = Path(folder)
        document_path, weights_path = folder / DOCUMENT, folder / WEIGHTS
        make = "make one: python -m reds train --help"
        if not folder.exists():
            raise MissingError(f"there is no bundle {folder}", do=make)
        if folder.is_file():
            raise MissingError(f"{folder} is a file; a bundle is a folder", do=f"python -m reds describe {folder}, or {make}")
        for path in (document_path, weights_path):
            if not path.is_file():
                raise MissingError(f"{folder} is not a bundle", seen=f"no {path.name}", do=make)
        try:
            document = json.loads(document_path.read_text())
            version = document["schema_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise ProtocolError(f"{document_path} is not a bundle description", seen=str(error)) from error
        if version != SCHEMA_VERSION:
            raise ProtocolError(
                f"{document_path} has schema version {version}", do=f"this program reads version {SCHEMA_VERSION}"
            )
        architecture = Architecture.from_dict(document.get("architecture", {}))
        weights = _read_arrays(weights_path)
        importance = _read_arrays(folder / IMPORTANCE) if (folder / IMPORTANCE).is_file() else {}
        subnets = Subnets.from_list(document.get("subnets", []), architecture)
        private = _read_private(folder / PRIVATE, subnets) if (folder / PRIVATE).is_file() else {}
        return cls(architecture, weights, subnets, document.get("provenance", {}), importance, private)


def name_in(folder: Path) -> str | None:
    """The name of the network of the bundle in a folder; None where there is none that can be read."""
    try:
        return str(json.loads((folder / DOCUMENT).read_text())["architecture"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_replaceable(folder: Path) -> None:
    """Refuse a place that no bundle may be written to, before the work for it begins.

    Raises:
        ConfigError: the folder exists and is not a bundle.
    """
    if folder.exists() and not (folder / DOCUMENT).is_file():
        raise ConfigError(f"{folder} exists and is not a bundle", do="name another folder, or remove it")


def _put_in_place(staging: Path, folder: Path) -> None:
    """Rename a complete folder; an older one goes when the new one is there, and comes back where that fails."""
    if not folder.exists():
        staging.rename(folder)
        return
    older = staging.with_suffix(".old")
    try:
        folder.rename(older)
        staging.rename(folder)
    finally:
        if not folder.exists():
            older.rename(folder)
    shutil.rmtree(older)


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)  # pyright: ignore[reportArgumentType] - names are not keywords of savez


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ProtocolError(f"{path} is not an archive of arrays", seen=str(error)) from error


def _read_private(path: Path, subnets: Subnets) -> dict[str, dict[str, np.ndarray]]:
    private: dict[str, dict[str, np.ndarray]] = {}
    for key, array in _read_arrays(path).items():
        level, _, name = key.partition("/")
        if not level.isdecimal() or int(level) >= len(subnets):
            raise ProtocolError(f"{path} holds an array of no subnetwork", seen=repr(key))
        private.setdefault(subnets[int(level)].name, {})[name] = array
    return private


IDLE_AT_ONE = ("gamma", "moving_variance")
"""Ends of the names of vectors that are one, not zero, where they change nothing."""


def untrained(architecture: Architecture, seed: int) -> Bundle:
    """The network with random weights (Glorot uniform kernels, zero biases, idle batch norm), for tests and benchmarks."""
    generator = np.random.default_rng(seed)

    def draw(weight: Weight) -> np.ndarray:
        shape = weight.shape(architecture.full_widths)
        if weight.is_vector:
            return np.full(shape, weight.name.endswith(IDLE_AT_ONE), np.float32)
        channels = [axis.extent(architecture.full_widths) for axis in weight.axes if axis.group is not None]
        fan_in, fan_out = math.prod(shape) / channels[-1], math.prod(shape) / channels[0]
        limit = math.sqrt(6.0 / (fan_in + fan_out))
        return generator.uniform(-limit, limit, shape).astype(np.float32)

    weights = {name: draw(weight) for name, weight in architecture.weights.items()}
    return Bundle(architecture, weights, whole_network(architecture))
