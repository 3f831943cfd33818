"""Layers with weights as a file holds them, and their arrays by our names: matched by order and shape, never by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError, ProtocolError
from reds.layers import Shape, Weight

# What older Keras calls an array otherwise than we do.
_OUR_NAMES: Mapping[tuple[str, str], str] = {("depthwise_conv2d", "depthwise_kernel"): "kernel"}


@dataclass(frozen=True)
class StoredArray:
    """An array of a file: its shape, and how to read it, which is done only once the shape is the expected one."""

    shape: Shape
    read: Callable[[], np.ndarray]


@dataclass(frozen=True)
class StoredLayer:
    """A layer with weights: what the file calls it, and its arrays by the name within the layer ("kernel")."""

    name: str
    arrays: Mapping[str, StoredArray]


def matched(path: Path, layers: Sequence[StoredLayer], architecture: Architecture) -> dict[str, np.ndarray]:
    """Float32 arrays by weight name: the file's layer i with weights is the architecture's layer i with weights.

    Raises:
        ConfigError: it is the file of another network.
        ProtocolError: a number is not finite, or an array is not what its shape says.
    """
    with_weights = [placed for placed in architecture.placed if placed.weights]
    if len(layers) != len(with_weights):
        raise another_network(path, architecture, f"{len(layers)} layers with weights, not {len(with_weights)}")
    weights: dict[str, np.ndarray] = {}
    for index, (layer, placed) in enumerate(zip(layers, with_weights, strict=True)):
        stored = {_OUR_NAMES.get((placed.layer.kind, name), name): array for name, array in layer.arrays.items()}
        shapes, expected = {name: array.shape for name, array in stored.items()}, _expected(placed, architecture)
        if shapes != expected:
            seen = f"layer {index} with weights ({layer.name}) holds {_described(shapes)}"
            raise another_network(path, architecture, f"{seen}; {placed.layer.name} has {_described(expected)}")
        weights.update({f"{placed.layer.name}/{name}": as_float32(path, layer.name, name, stored[name]) for name in expected})
    return weights


def another_network(path: Path, architecture: Architecture, seen: str) -> ConfigError:
    """The error for a file that holds another network than the one it was said to hold."""
    return ConfigError(
        f"{path} is not a network like {architecture.name}", seen=seen, do="name the right architecture (--architecture)"
    )


def as_float32(path: Path, layer: str, name: str, array: StoredArray) -> np.ndarray:
    """The array as float32.

    Raises:
        ProtocolError: a number is not finite, or there are more or fewer than the shape says.
    """
    with np.errstate(over="ignore"):
        values = np.asarray(array.read()).astype(np.float32)
    if values.shape != array.shape:
        raise ProtocolError(f"{path} is damaged at {name} of {layer}", seen=f"{values.shape}, not {array.shape}")
    if not np.isfinite(values).all():
        wrong = values.size - np.count_nonzero(np.isfinite(values))
        raise ProtocolError(f"{path} holds numbers that are not finite", seen=f"{wrong} of {values.size} in {name} of {layer}")
    return values


def array_name(weight: Weight) -> str:
    """The name within its layer: "kernel" of "conv1/kernel"."""
    return weight.name.rsplit("/", 1)[1]


def _expected(placed: Placed, architecture: Architecture) -> dict[str, Shape]:
    return {array_name(weight): weight.shape(architecture.full_widths) for weight in placed.weights}


def _described(shapes: Mapping[str, Shape]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items())) or "nothing"
