"""The layers that multiply of a `.tflite` file, dequantised; what trained them as batch norm is folded into them.

Field numbers and codes are those of TensorFlow Lite's schema, version 3 (`tensorflow/compiler/mlir/lite/schema/schema.fbs`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reds.errors import ConfigError, ProtocolError
from reds.importing.flatbuffer import Table
from reds.layers import Shape

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of the file."""

# What the numbers of TensorType stand for, of those that weights have.
_TYPES: Mapping[int, str] = {0: "<f4", 2: "<i4", 3: "<u1", 9: "<i1"}

_FUSED: Mapping[int, str] = {0: "none", 1: "relu", 3: "relu6"}


@dataclass(frozen=True)
class FoldedLayer:
    """A layer that multiplies.

    Attributes:
        where: its operator in the file, for messages.
        kind: kind of the architecture's layer.
        kernel: float32, in the shape of the architecture's kernel.
        bias: float32 (outputs,); None where the file has none.
        output_shape: without the batch.
        activation: kind of the activation that follows; "none".
        slope: of leaky ReLU below zero, a float32; else 0.
    """

    where: str
    kind: str
    kernel: np.ndarray
    bias: np.ndarray | None
    output_shape: Shape
    activation: str
    slope: float = 0.0


@dataclass(frozen=True)
class _Multiplying:
    """How an operator multiplies: the layer's kind, the field of the fused activation, and the kernel in our order of axes."""

    kind: str
    activation_field: int
    dimensions: int
    ordered: Callable[[np.ndarray], np.ndarray]


_MULTIPLYING: Mapping[str, _Multiplying] = {
    "CONV_2D": _Multiplying("conv2d", 3, 4, lambda kernel: kernel.transpose(1, 2, 3, 0)),
    "DEPTHWISE_CONV_2D": _Multiplying("depthwise_conv2d", 4, 4, lambda kernel: kernel.transpose(1, 2, 3, 0)),
    "FULLY_CONNECTED": _Multiplying("dense", 0, 2, np.transpose),
}
_ACTIVATIONS: Mapping[str, str] = {"RELU": "relu", "RELU6": "relu6", "LEAKY_RELU": "leaky_relu", "SOFTMAX": "softmax"}

_OPERATORS: Mapping[int, str] = {
    1: "AVERAGE_POOL_2D",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    17: "MAX_POOL_2D",
    19: "RELU",
    21: "RELU6",
    22: "RESHAPE",
    25: "SOFTMAX",
    34: "PAD",
    40: "MEAN",
    45: "STRIDED_SLICE",
    77: "SHAPE",
    83: "PACK",
    98: "LEAKY_RELU",
    114: "QUANTIZE",
}
# These compute the shape that a RESHAPE takes, beside the chain.
_OF_SHAPES = ("SHAPE", "STRIDED_SLICE", "PACK")


def folded_layers(path: Path) -> list[FoldedLayer]:
    """The layers that multiply, in the order in which they run.

    Raises:
        ProtocolError: the file is damaged.
        ConfigError: the network is no chain, or has an operator that no architecture here has.
    """
    try:
        return _Graph(path, path.read_bytes()).layers()
    except ProtocolError as error:
        raise ProtocolError(f"{path} is not a readable .tflite file", seen=f"{error.what}: {error.seen}") from error


class _Graph:
    """The only graph of a file."""

    def __init__(self, path: Path, content: bytes) -> None:
        model = Table.root(content)
        graphs = model.tables(2)
        if len(graphs) != 1:
            raise ProtocolError("it does not hold one graph", seen=f"{len(graphs)} graphs")
        self._path = path
        self._codes, self._buffers = model.tables(1), model.tables(4)
        self._tensors, self._operators = graphs[0].tables(0), graphs[0].tables(3)
        self._inputs, self._outputs = graphs[0].numbers(1, "<i4"), graphs[0].numbers(2, "<i4")

    def layers(self) -> list[FoldedLayer]:
        current, layers = self._inputs.tolist(), []
        for index, operator in enumerate(self._operators):
            name = self._name(operator)
            where = f"operator {index} ({name})"
            inputs, outputs = operator.numbers(1, "<i4").tolist(), operator.numbers(2, "<i4").tolist()
            if name in _OF_SHAPES:
                continue
            if name not in _OPERATORS.values():
                raise self._foreign(f"operator {index} has the code {name}", f"operators here: {', '.join(_OPERATORS.values())}")
            if len(current) != 1 or inputs[:1] != current:
                raise self._foreign(f"{where} does not take what the one before it gives", "a network here is a chain of layers")
            current = outputs
            if name in _MULTIPLYING:
                layers.append(self._layer(where, operator, _MULTIPLYING[name], inputs, outputs))
            elif name in _ACTIVATIONS and layers:
                layers[-1] = replace(layers[-1], activation=_ACTIVATIONS[name], slope=_slope(name, operator))
        if current != self._outputs.tolist():
            raise self._foreign("its output is not that of the last operator", "a network here is a chain of layers")
        return layers

    def _layer(self, where: str, operator: Table, how: _Multiplying, inputs: list[int], outputs: list[int]) -> FoldedLayer:
        options = operator.table(4)
        fused = options.number(how.activation_field, "<b") if options else 0
        if fused not in _FUSED:
            raise self._foreign(f"{where} has the fused activation {fused}", f"activations here: {', '.join(_FUSED.values())}")
        if len(inputs) < 2 or len(outputs) != 1:
            raise ProtocolError(f"{where} lacks its tensors", seen=f"inputs {inputs}, outputs {outputs}")
        kernel = self._values(where, inputs[1])
        if kernel.ndim != how.dimensions:
            raise ProtocolError(f"{where} has weights of another rank", seen=str(kernel.shape))
        bias = self._values(where, inputs[2]) if len(inputs) > 2 and inputs[2] >= 0 else None
        shape = tuple(self._tensor(where, outputs[0]).numbers(0, "<i4").tolist())
        return FoldedLayer(where, how.kind, how.ordered(kernel), bias, shape[1:], _FUSED[fused])

    def _values(self, where: str, index: int) -> np.ndarray:
        """What a tensor that the file holds stands for, float32: scale x (number - zero point), for each channel or for all."""
        tensor = self._tensor(where, index)
        shape = tuple(tensor.numbers(0, "<i4").tolist())
        kind = tensor.number(1, "<b")
        if kind not in _TYPES or tensor.table(6) is not None:
            raise self._foreign(f"{where} has sparse weights, or of type {kind}", "weights here are int8 or float32, all stored")
        data = self._buffer(where, tensor.number(2, "<I"))
        dtype = np.dtype(_TYPES[kind])
        if min(shape, default=0) < 0 or len(data) != math.prod(shape) * dtype.itemsize:
            raise ProtocolError(f"{where} lacks weights", seen=f"{len(data)} bytes for {dtype.name} {shape}")
        values = data.view(dtype).reshape(shape)
        return values if dtype.kind == "f" else _dequantised(where, values, tensor.table(4))

    def _tensor(self, where: str, index: int) -> Table:
        if not 0 <= index < len(self._tensors):
            raise ProtocolError(f"{where} names a tensor that is not there", seen=f"{index} of {len(self._tensors)}")
        return self._tensors[index]

    def _buffer(self, where: str, index: int) -> np.ndarray:
        if not 0 <= index < len(self._buffers):
            raise ProtocolError(f"{where} names a buffer that is not there", seen=f"{index} of {len(self._buffers)}")
        return self._buffers[index].numbers(0, "<u1")

    def _name(self, operator: Table) -> str:
        """The operator's name; its code where it has none here. Older files hold the code in one byte only."""
        index = operator.number(0, "<I")
        if index >= len(self._codes):
            raise ProtocolError("an operator names a code that is not there", seen=f"{index} of {len(self._codes)}")
        code = max(self._codes[index].number(0, "<b"), self._codes[index].number(3, "<i"))
        return _OPERATORS.get(code, str(code))

    def _foreign(self, seen: str, do: str) -> ConfigError:
        return ConfigError(f"{self._path} holds a network that cannot be imported", seen=seen, do=do)


def _slope(name: str, operator: Table) -> float:
    """`alpha` of LeakyReluOptions; 0 for other activations."""
    options = operator.table(4) if name == "LEAKY_RELU" else None
    return options.number(0, "<f") if options else 0.0


def _dequantised(where: str, values: np.ndarray, quantisation: Table | None) -> np.ndarray:
    if quantisation is None:
        raise ProtocolError(f"{where} has whole numbers as weights", seen="no scales")
    scales = quantisation.numbers(2, "<f4").astype(np.float64)
    zero_points = quantisation.numbers(3, "<i8").astype(np.float64)
    axis = quantisation.number(6, "<i")
    along = [1] * values.ndim
    if len(scales) != 1:
        if not 0 <= axis < values.ndim or len(scales) != values.shape[axis]:
            raise ProtocolError(f"{where} has scales that do not fit", seen=f"{len(scales)} along {axis} of {values.shape}")
        along[axis] = -1
    if len(zero_points) not in (0, 1, len(scales)):
        raise ProtocolError(f"{where} has zero points that do not fit", seen=f"{len(zero_points)}, {len(scales)} scales")
    shift = zero_points.reshape(along) if len(zero_points) == len(scales) else zero_points.sum()
    with np.errstate(over="ignore", invalid="ignore"):
        return ((values - shift) * scales.reshape(along)).astype(np.float32)
