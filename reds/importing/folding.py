"""Folded layers as weights of an architecture: batch norm, which they have taken in, becomes the identity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError
from reds.importing.stored import StoredArray, another_network, array_name, as_float32
from reds.importing.tflite import FoldedLayer
from reds.layers import BatchNorm, LeakyReLU, Weight


@dataclass(frozen=True)
class _Foldable:
    """A layer that multiplies, the batch norm that is folded into it, the kind of its activation ("none") and its slope."""

    placed: Placed
    norm: Placed | None = None
    activation: str = "none"
    slope: float = 0.0

    def weight(self, name: str) -> Weight | None:
        """The layer's array of this name."""
        return next((weight for weight in self.placed.weights if array_name(weight) == name), None)


def unfolded(path: Path, layers: Sequence[FoldedLayer], architecture: Architecture) -> dict[str, np.ndarray]:
    """Float32 arrays by weight name: the file's layer i that multiplies is the architecture's layer i that multiplies.

    A bias goes where the architecture has one, the layer's or its batch norm's beta.

    Raises:
        ConfigError: it is the file of another network.
        ProtocolError: a number is not finite.
    """
    foldable = list(_foldable(architecture))
    if len(layers) != len(foldable):
        raise another_network(path, architecture, f"{len(layers)} layers that multiply, not {len(foldable)}")
    weights: dict[str, np.ndarray] = {}
    for index, (layer, slot) in enumerate(zip(layers, foldable, strict=True)):
        _check(path, _without_softmax(layer) if index == len(layers) - 1 else layer, slot, architecture)
        kernel, bias = slot.weight("kernel"), slot.weight("bias")
        assert kernel is not None
        weights[kernel.name] = _finite(path, layer, "weights", layer.kernel)
        shift = np.zeros(_outputs(slot), np.float32) if layer.bias is None else _finite(path, layer, "bias", layer.bias)
        if slot.norm is not None:
            weights.update(_identity(slot.norm))
        if bias is not None:
            weights[bias.name] = shift
        elif slot.norm is not None:
            weights[f"{slot.norm.layer.name}/beta"] = shift
        elif shift.any():
            raise another_network(path, architecture, f"{layer.where} has a bias; {slot.placed.layer.name} has none")
    return weights


def _foldable(architecture: Architecture) -> Iterator[_Foldable]:
    current: _Foldable | None = None
    for placed in architecture.placed:
        if any(array_name(weight) == "kernel" for weight in placed.weights):
            if current:
                yield current
            current = _Foldable(placed)
        elif placed.layer.kind == "batch_norm":
            if current is None or current.norm or current.activation != "none" or placed.outputs != current.placed.outputs:
                raise ConfigError(
                    f"a .tflite file cannot hold the batch norm {placed.layer.name!r} of {architecture.name} folded",
                    do="import a checkpoint, or a Keras model",
                )
            current = replace(current, norm=placed)
        elif current and placed.layer.kind in ("relu", "relu6", "leaky_relu"):
            slope = placed.layer.negative_slope if isinstance(placed.layer, LeakyReLU) else 0.0
            current = replace(current, activation=placed.layer.kind, slope=slope)
    if current:
        yield current


def _identity(norm: Placed) -> dict[str, np.ndarray]:
    """Batch norm that changes nothing, exactly: variance + epsilon is one in float32, for any epsilon below one."""
    layer = norm.layer
    assert isinstance(layer, BatchNorm)
    (channels,) = norm.output_shape[-1:]
    values = {"gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0 - layer.epsilon}
    return {f"{layer.name}/{name}": np.full(channels, value, np.float32) for name, value in values.items()}


def _check(path: Path, layer: FoldedLayer, slot: _Foldable, architecture: Architecture) -> None:
    kernel = slot.weight("kernel")
    assert kernel is not None
    placed = slot.placed
    expected = (
        placed.layer.kind,
        kernel.shape(architecture.full_widths),
        (_outputs(slot),),
        placed.output_shape,
        _activation(slot.activation, slot.slope),
    )
    bias_shape = (_outputs(slot),) if layer.bias is None else layer.bias.shape
    found = (layer.kind, layer.kernel.shape, bias_shape, layer.output_shape, _activation(layer.activation, layer.slope))
    if found != expected:
        seen = f"{layer.where} is {_described(*found)}; {placed.layer.name} is {_described(*expected)}"
        raise another_network(path, architecture, seen)


def _described(kind: str, kernel: tuple[int, ...], bias: tuple[int, ...], output: tuple[int, ...], activation: str) -> str:
    return f"{kind} with kernel {kernel}, bias {bias}, output {output}, activation {activation}"


def _activation(kind: str, slope: float) -> str:
    """The kind, of leaky ReLU with its slope: as many digits as float32, in which files hold it, tells apart."""
    return f"{kind} of slope {np.float32(slope)!s}" if kind == "leaky_relu" else kind


def _without_softmax(layer: FoldedLayer) -> FoldedLayer:
    """Softmax at the end is left out: networks here give logits."""
    return replace(layer, activation="none") if layer.activation == "softmax" else layer


def _outputs(slot: _Foldable) -> int:
    return slot.placed.output_shape[-1]


def _finite(path: Path, layer: FoldedLayer, what: str, values: np.ndarray) -> np.ndarray:
    return as_float32(path, layer.where, what, StoredArray(values.shape, lambda: values))
