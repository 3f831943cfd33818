"""A network on disk: a folder with `bundle.json` (what it is, where it comes from) and `weights.npz` (float32 arrays)."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from reds.architecture import Architecture
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.subnets import Subnets, whole_network

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Bundle:
    """A network with its nested subnetworks.

    Attributes:
        architecture: the network.
        weights: float32 arrays by weight name, in the shapes that `architecture.weights` states for the full widths.
        subnets: the nested subnetworks, the whole network first.
        provenance: JSON-ready facts: recipe, seeds, data fingerprint, tool versions, accuracy by subnetwork.
    """

    architecture: Architecture
    weights: Mapping[str, np.ndarray]
    subnets: Subnets
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, weight in self.architecture.weights.items():
            if name not in self.weights:
                raise ConfigError(f"the weights of {self.architecture.name} lack {name!r}", seen=", ".join(self.weights))
            shape = weight.shape(self.architecture.full_widths)
            if self.weights[name].shape != shape or self.weights[name].dtype != np.float32:
                seen = f"{self.weights[name].dtype} {self.weights[name].shape}"
                raise ConfigError(f"weight {name!r} of {self.architecture.name} is not float32 {shape}", seen=seen)
            if not np.isfinite(self.weights[name]).all():
                raise ConfigError(f"weight {name!r} of {self.architecture.name} is not finite")
        for subnet in self.subnets:
            self.architecture.check_widths(subnet.widths)

    def with_provenance(self, **facts: Any) -> Bundle:
        """The same network with further facts recorded."""
        return replace(self, provenance={**self.provenance, **facts})

    def save(self, folder: Path) -> None:
        """Write the folder; a killed run leaves either the old folder or the new one."""
        staging = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        document = {
            "schema_version": SCHEMA_VERSION,
            "architecture": self.architecture.to_dict(),
            "subnets": self.subnets.to_list(),
            "provenance": dict(self.provenance),
        }
        (staging / "bundle.json").write_text(json.dumps(document, indent=1) + "\n")
        with (staging / "weights.npz").open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: self.weights[name] for name in self.architecture.weights})
        if folder.exists():
            shutil.rmtree(folder)
        staging.rename(folder)

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read a bundle.

        Raises:
            MissingError: no such folder or file.
            ProtocolError: the files are not a bundle, or of another schema version.
            ConfigError: what the files say does not fit together.
        """
        document_path, weights_path = folder / "bundle.json", folder / "weights.npz"
        for path in (document_path, weights_path):
            if not path.is_file():
                raise MissingError(
                    f"{folder} is not a bundle", seen=f"no {path.name}", do="make one: python -m reds train --help"
                )
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
        try:
            with np.load(weights_path, allow_pickle=False) as arrays:
                weights = {name: arrays[name] for name in arrays.files}
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise ProtocolError(f"{weights_path} is not an archive of arrays", seen=str(error)) from error
        subnets = Subnets.from_list(document.get("subnets", []), architecture)
        return cls(architecture, weights, subnets, document.get("provenance", {}))


def untrained(architecture: Architecture, seed: int) -> Bundle:
    """The network with random weights (Glorot uniform kernels, zero biases): for tests and benchmarks of speed."""
    generator = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) == 1:
            return np.zeros(shape, np.float32)
        limit = np.sqrt(6.0 / (np.prod(shape[:-1]) + shape[-1]))
        return generator.uniform(-limit, limit, shape).astype(np.float32)

    weights = {name: draw(weight.shape(architecture.full_widths)) for name, weight in architecture.weights.items()}
    return Bundle(architecture, weights, whole_network(architecture))
