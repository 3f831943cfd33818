"""TensorFlow's object-based checkpoints of Keras models, layer by layer."""

from __future__ import annotations

import glob
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from reds.architecture import Architecture
from reds.errors import MissingError, ProtocolError
from reds.importing.stored import StoredArray, StoredLayer, matched

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_KEY = re.compile(rf"layer_with_weights-(\d+)/(\w+){re.escape(_VALUE)}")

# What TensorFlow raises for files that are cut off or damaged.
_DAMAGE = (tf.errors.OpError, ValueError, RuntimeError, IndexError)


def read_checkpoint(path: Path, architecture: Architecture) -> dict[str, np.ndarray]:
    """Float32 arrays by weight name: layer i with weights of the architecture is `layer_with_weights-i` of the checkpoint.

    Args:
        path: a folder with a `checkpoint` file, or the checkpoint's prefix (its `.index` file, with the suffix or without).
        architecture: the network that was saved.

    Raises:
        MissingError: there is no checkpoint.
        ProtocolError: the files are damaged, or a number is not finite.
        ConfigError: it is a checkpoint of another network.
    """
    return matched(path, _layers(_reader(path), path), architecture)


def _layers(reader: tf.train.CheckpointReader, path: Path) -> list[StoredLayer]:
    """The layers with weights, in order; what an optimizer keeps of them is left out."""
    layers: dict[int, dict[str, StoredArray]] = {}
    for key, shape in reader.get_variable_to_shape_map().items():
        found = _KEY.fullmatch(key)
        if found:
            array = StoredArray(tuple(shape), lambda key=key: _tensor(reader, key, path))
            layers.setdefault(int(found[1]), {})[found[2]] = array
    return [StoredLayer(f"layer_with_weights-{index}", arrays) for index, arrays in sorted(layers.items())]


def _reader(path: Path) -> tf.train.CheckpointReader:
    prefix = tf.train.latest_checkpoint(str(path)) if path.is_dir() else str(path).removesuffix(".index")
    if prefix is None or not Path(f"{prefix}.index").is_file():
        raise MissingError(f"{path} is no checkpoint", do="name its folder, or the path of its .index file")
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
