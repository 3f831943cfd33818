"""Weights from TensorFlow's object-based checkpoints of Keras models, layer by layer in the order of the architecture."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.layers import Shape, Weight

# What older Keras calls an array otherwise than we do.
_OTHER_NAMES: Mapping[tuple[str, str], str] = {("depthwise_conv2d", "kernel"): "depthwise_kernel"}

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_KEY = re.compile(rf"layer_with_weights-(\d+)/(\w+){re.escape(_VALUE)}")

# What TensorFlow raises for files that are cut off or damaged.
_DAMAGE = (tf.errors.OpError, ValueError, RuntimeError, IndexError)


def read_checkpoint(path: Path, architecture: Architecture) -> dict[str, np.ndarray]:
    """Float32 arrays by weight name: layer i with weights of the architecture is `layer_with_weights-i` of the checkpoint.

    Args:
        path: a folder with a `checkpoint` file, or the checkpoint's prefix (its `.index` file without the suffix).
        architecture: the network that was saved.

    Raises:
        MissingError: there is no checkpoint.
        ProtocolError: the files are damaged.
        ConfigError: it is a checkpoint of another network.
    """
    reader = _reader(path)
    shapes = _shapes(reader)
    with_weights = [placed for placed in architecture.placed if placed.weights]
    if len(shapes) != len(with_weights):
        raise _another(path, architecture, f"{len(shapes)} layers with weights, not {len(with_weights)}")
    weights = {}
    for index, placed in enumerate(with_weights):
        names = {_stored_name(placed, weight): weight for weight in placed.weights}
        expected = {name: weight.shape(architecture.full_widths) for name, weight in names.items()}
        if shapes.get(index) != expected:
            stored = _described(shapes.get(index, {}))
            seen = f"layer {index} with weights holds {stored}; {placed.layer.name} has {_described(expected)}"
            raise _another(path, architecture, seen)
        for name, weight in names.items():
            weights[weight.name] = np.asarray(_tensor(reader, f"layer_with_weights-{index}/{name}{_VALUE}", path), np.float32)
    return weights


def _another(path: Path, architecture: Architecture, seen: str) -> ConfigError:
    problem = f"{path} is not a checkpoint of {architecture.name}"
    return ConfigError(problem, seen=seen, do="name its architecture with --architecture")


def _shapes(reader: tf.train.CheckpointReader) -> dict[int, dict[str, Shape]]:
    """Shapes of the arrays of each layer with weights; what an optimizer keeps of them is left out."""
    shapes: dict[int, dict[str, Shape]] = {}
    for key, shape in reader.get_variable_to_shape_map().items():
        found = _KEY.fullmatch(key)
        if found:
            shapes.setdefault(int(found[1]), {})[found[2]] = tuple(shape)
    return shapes


def _stored_name(placed: Placed, weight: Weight) -> str:
    array = weight.name.rsplit("/", 1)[1]
    return _OTHER_NAMES.get((placed.layer.kind, array), array)


def _described(shapes: Mapping[str, Shape]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items())) or "nothing"


def _reader(path: Path) -> tf.train.CheckpointReader:
    prefix = tf.train.latest_checkpoint(str(path)) if path.is_dir() else str(path)
    if prefix is None or not Path(f"{prefix}.index").is_file():
        raise MissingError(f"{path} is no checkpoint", do="name its folder, or the path of its .index file without the suffix")
    if not list(Path(prefix).parent.glob(f"{glob.escape(Path(prefix).name)}.data-*")):
        raise MissingError(f"the checkpoint {path} lacks its data", seen=f"no {prefix}.data-00000-of-00001")
    try:
        return tf.train.load_checkpoint(prefix)
    except _DAMAGE as error:
        raise ProtocolError(f"{path} is not a readable checkpoint", seen=str(error)) from error


def _tensor(reader: tf.train.CheckpointReader, key: str, path: Path) -> np.ndarray:
    try:
        return reader.get_tensor(key)
    except _DAMAGE as error:
        raise ProtocolError(f"{path} is damaged at {key}", seen=str(error)) from error
