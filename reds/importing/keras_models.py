"""Keras 3 models as bundles: the user's own in memory, and `.keras` archives, which Keras itself never gets to load."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import ConfigError, ProtocolError
from reds.importing import hdf5
from reds.importing.keras_chain import KerasLayer, chain
from reds.importing.keras_layers import translated
from reds.importing.stored import StoredArray, StoredLayer, matched
from reds.subnets import whole_network

ZIP_MAGIC = b"PK\x03\x04"

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
# An archive says how large its members are; these bounds keep a false one from filling the memory.
_MOST_BYTES: Mapping[str, int] = {_CONFIG: 1 << 24, _WEIGHTS: 1 << 30}

# What an archive calls the layers of a class that have weights; the second of a class has "_1" after it.
_FOLDERS: Mapping[str, str] = {
    "Dense": "dense",
    "Conv2D": "conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "SeparableConv2D": "separable_conv2d",
    "BatchNormalization": "batch_normalization",
}


def from_keras(model: Any) -> Bundle:
    """The bundle of a Keras 3 model that is a chain of layers: `keras.Sequential`, or `keras.Model(inputs, outputs)`.

    The bundle gives logits: a softmax at the end is left out, as are layers that compute nothing at inference.

    Raises:
        ConfigError: it is no such model, or a layer cannot be nested or expressed; the message names it and says what can.
    """
    try:
        config, layers = model.get_config(), model.layers
    except (AttributeError, NotImplementedError, ValueError) as error:
        seen = f"{type(model).__name__}: {error}"
        raise ConfigError("from_keras takes a Keras model that is a chain of layers", seen=seen) from error
    arrays = {layer.name: layer.get_weights() for layer in layers}
    network = _Network.of(config)

    def held(layer: str) -> list[StoredArray]:
        return [StoredArray(array.shape, lambda array=array: array) for array in arrays[layer]]

    return network.bundle(Path(network.architecture.name), held)


def archived(path: Path) -> Bundle:
    """The bundle of a `.keras` archive.

    Raises:
        ProtocolError: the archive is damaged, or a number is not finite.
        ConfigError: as for `from_keras`.
    """
    with _archive(path) as (network, held):
        return network.bundle(path, held)


def read_archive(path: Path, architecture: Architecture) -> dict[str, np.ndarray]:
    """Float32 arrays by weight name, of a `.keras` archive that holds a network of the architecture.

    Raises:
        ProtocolError: the archive is damaged, or a number is not finite.
        ConfigError: it is the file of another network.
    """
    with _archive(path) as (network, held):
        return matched(path, network.stored(path, held), architecture)


@dataclass(frozen=True)
class _Network:
    """A Keras model's network, and which arrays of which Keras layer its weights are (see `keras_records.Chain`)."""

    architecture: Architecture
    layers: list[KerasLayer]
    arrays: Mapping[str, tuple[str, int]]
    counts: Mapping[str, int]
    constants: Mapping[str, float]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> _Network:
        input_shape, layers = chain(config)
        architecture, made = translated(str(config.get("name", "keras")), input_shape, layers)
        return cls(architecture, layers, made.arrays, made.counts, made.constants)

    def stored(self, path: Path, held: Callable[[str], list[StoredArray]]) -> list[StoredLayer]:
        """The layers with weights; `held` gives the arrays of a Keras layer by its name."""
        arrays = {name: held(name) for name in self.counts}
        for name, count in self.counts.items():
            if len(arrays[name]) != count:
                seen = f"{len(arrays[name])} arrays, not {count}: {[array.shape for array in arrays[name]]}"
                raise ConfigError(f"{path}: the Keras layer {name!r} does not hold plain weights", seen=seen)

        def array(name: str, shape: tuple[int, ...]) -> StoredArray:
            if name in self.constants:
                return StoredArray(shape, lambda: np.full(shape, self.constants[name], np.float32))
            layer, index = self.arrays[name]
            return arrays[layer][index]

        found = []
        for placed in self.architecture.placed:
            shapes = {weight.name: weight.shape(self.architecture.full_widths) for weight in placed.weights}
            if shapes:
                by_name = {name.rsplit("/", 1)[1]: array(name, shape) for name, shape in shapes.items()}
                found.append(StoredLayer(placed.layer.name, by_name))
        return found

    def bundle(self, path: Path, held: Callable[[str], list[StoredArray]]) -> Bundle:
        """The network with its weights; `path` names them in messages."""
        weights = matched(path, self.stored(path, held), self.architecture)
        return Bundle(self.architecture, weights, whole_network(self.architecture))


@contextmanager
def _archive(path: Path) -> Iterator[tuple[_Network, Callable[[str], list[StoredArray]]]]:
    """What an archive says of its network, and its arrays by Keras layer."""
    try:
        network = _Network.of(_config(path, _member(path, _CONFIG)))
    except RecursionError as error:
        raise ProtocolError(f"{path} is not a readable Keras archive", seen=f"{_CONFIG} is nested too deeply") from error
    folders = _folders(network.layers)
    with hdf5.opened(path, io.BytesIO(_member(path, _WEIGHTS))) as file:

        def held(layer: str) -> list[StoredArray]:
            group = hdf5.group_in(path, file, f"layers/{folders[layer]}/vars")
            return [hdf5.array_in(path, group, str(index)) for index in range(len(group))]

        yield network, held


def _folders(layers: list[KerasLayer]) -> dict[str, str]:
    """By layer, where its arrays are: archives number the layers of each class in the order of the model."""
    folders: dict[str, str] = {}
    for class_name, folder in _FOLDERS.items():
        for number, layer in enumerate(layer for layer in layers if layer.class_name == class_name):
            folders[layer.name] = f"{folder}_{number}" if number else folder
    return folders


def _config(path: Path, content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ProtocolError(f"{path} is not a readable Keras archive", seen=f"{_CONFIG}: {error}") from error
    match document:
        case {"class_name": "Sequential" | "Functional", "config": dict(config)}:
            return config
    seen = document.get("class_name") if isinstance(document, dict) else type(document).__name__
    raise ConfigError(f"{path} holds no sequential or functional Keras model", seen=repr(seen))


def _member(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(name).file_size
            if size > _MOST_BYTES[name]:
                raise ProtocolError(f"{name} of {path} is too large", seen=f"{size} bytes, more than {_MOST_BYTES[name]}")
            return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise ProtocolError(f"{path} is not a readable Keras archive", seen=f"{name}: {error}") from error
