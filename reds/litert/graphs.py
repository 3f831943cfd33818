"""A graph in the making: tensors and operators of one signature, one after the other along a chain."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reds.layers import Shape
from reds.litert.constants import Constants
from reds.litert.kernels import Kernel
from reds.litert.records import Graph, Operator, Options, Scales, Tensor

# The oldest version of each operator that takes float32, and int8.
VERSIONS: Mapping[str, int] = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONV_2D": 3,
    "DENSIFY": 1,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 5,
    "LEAKY_RELU": 2,
    "MAX_POOL_2D": 2,
    "MUL": 2,
    "PAD": 2,
    "RESHAPE": 1,
}


class GraphBuilder:
    """The tensors and operators of one signature."""

    def __init__(self, key: str, constants: Constants) -> None:
        self._key, self._constants = key, constants
        self._tensors: list[Tensor] = []
        self._operators: list[Operator] = []

    def shape(self, index: int) -> Shape:
        """Shape of a tensor."""
        return self._tensors[index].shape

    def tensor(self, shape: Shape, element: str, scales: Scales | None = None) -> int:
        """Index of a new tensor that an operator writes, or of the input."""
        return self._added(Tensor(shape, element, scales=scales))

    def constant(self, values: np.ndarray, scales: Scales | None = None) -> int:
        """Index of a tensor with these values; the same one for the same values."""
        return self._constant(Tensor(values.shape, values.dtype.name, self._constants.store(values), scales))

    def ordered(self, kernel: Kernel, scales: Scales | None = None) -> int:
        """Index of a tensor with a kernel's values, which are put into row-major order where they are stored in another."""
        if kernel.order is None:
            return self.constant(kernel.stored.reshape(kernel.shape), scales)
        element = kernel.stored.dtype.name
        stored = self._constant(Tensor(kernel.shape, element, self._constants.store(kernel.stored), scales, kernel.order))
        return self.add("DENSIFY", [stored], self.tensor(kernel.shape, element, scales), "DensifyOptions")

    def _constant(self, tensor: Tensor) -> int:
        return self._tensors.index(tensor) if tensor in self._tensors else self._added(tensor)

    def add(self, code: str, inputs: list[int], output: int, options_type: str, options: Options = ()) -> int:
        """Append an operator; the index of its output."""
        self._operators.append(Operator(code, VERSIONS[code], tuple(inputs), (output,), options_type, options))
        return output

    def graph(self, source: int, result: int) -> Graph:
        """The graph from the tensor `source` to the tensor `result`."""
        return Graph(self._key, tuple(self._tensors), tuple(self._operators), source, result)

    def _added(self, tensor: Tensor) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1
