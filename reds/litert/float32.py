"""One subnetwork as a float32 graph.

A subnetwork may have batch norm of its own, while its kernels are shared. Of what batch norm makes of a channel's sum, sum x
scale + bias, the largest network's scale goes into the kernels. What another subnetwork scales in addition (`ratio`) waits: it
passes through ReLU, leaky ReLU, depthwise layers and pooling, which treat each channel alike, until a layer mixes channels;
only then it is multiplied, once for several layers. Where it cannot wait, it is multiplied and the bias added at once.

Channels that fill up blocks compute something that nobody asked for. A bias far below zero keeps them silent before a ReLU;
elsewhere their factor is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reds.bundle import Bundle
from reds.image.operations import OUTPUT_AXIS, Operation
from reds.litert.arrangements import Arrangement, shaped
from reds.litert.constants import Constants
from reds.litert.graphs import GraphBuilder
from reds.litert.operators import (
    RECTIFIED,
    Result,
    add_elementwise,
    add_flattening,
    add_leaky_relu,
    add_padding,
    add_pool,
    add_product,
    is_point,
    map_size,
)
from reds.litert.records import FLOAT32, Graph
from reds.quantisation.weights import by_channel
from reds.subnets import Subnet

_SILENT = -1e30  # as a bias, whatever the sum: ReLU makes zero of it
_HOMOGENEOUS = ("none", "relu", "leaky_relu")  # activation(factor x) = factor activation(x) for positive factors
_SMALLEST_FACTOR, _LARGEST_FACTOR = 2.0**-10, 2.0**10  # a bias is divided by a factor that waits, which must not cost precision


class Float32Graphs:
    """The graphs of one file.

    Args:
        bundle: the network.
        stages: its layers.
        subnets: its subnetworks that the file holds, largest first.
        arrangement: of the kernels.
    """

    def __init__(self, bundle: Bundle, stages: Sequence[Operation], subnets: Sequence[Subnet], arrangement: Arrangement) -> None:
        self._bundle, self._stages, self._arrangement = bundle, stages, arrangement
        self._largest = bundle.active_weights(subnets[0])

    def graph(self, subnet: Subnet, constants: Constants) -> Graph:
        """The graph of a subnetwork; its constants are added to those that are there."""
        weights = self._bundle.active_weights(subnet)
        builder = GraphBuilder(subnet.name, constants)
        source = builder.tensor((1, *self._bundle.architecture.input_shape), FLOAT32)
        chain = _Chain(builder, source, self._arrangement, subnet)
        for stage in self._stages:
            if stage.kernel is None:
                chain.pool(stage)
            else:
                base, ratio, bias = self._scaled(stage, weights)
                chain.product(stage, base, ratio, bias)
        return builder.graph(source, chain.end())

    def _scaled(self, stage: Operation, weights: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The largest network's kernel in an image's shape, scaled; what a subnetwork scales in addition, and its bias."""
        scale, bias = stage.scale_and_bias(weights)
        shared = stage.scale_and_bias(self._largest)[0] if self._arrangement.shared else scale
        kernel = stage.weights(self._bundle.weights)
        outputs = kernel.shape[OUTPUT_AXIS[stage.kind]]
        base = np.ones(outputs)
        base[: len(shared)] = np.where(shared == 0, 1.0, shared)
        ratio = scale / base[: len(scale)]
        return (kernel * by_channel(stage.kind, base)).astype(np.float32), ratio, bias


class _Chain:
    """A graph in the making: what the layers so far put out, the factor of each channel that waits, if any, and whether
    channels that fill up blocks are zero."""

    def __init__(self, builder: GraphBuilder, source: int, arrangement: Arrangement, subnet: Subnet) -> None:
        self._builder, self._arrangement, self._widths = builder, arrangement, subnet.widths
        self._current, self._waiting, self._quiet = source, None, True

    def pool(self, stage: Operation) -> None:
        """Pooling; what waits goes on waiting."""
        self._current = add_pool(self._builder, stage, self._current, self._result(stage.output_group))

    def product(self, stage: Operation, kernel: np.ndarray, ratio: np.ndarray, bias: np.ndarray) -> None:
        """A layer that multiplies, its scale and bias, and its activation.

        Args:
            stage: the layer.
            kernel: of the whole network, in an image's shape, scaled as the largest subnetwork has it.
            ratio: (active outputs,), what the sums are multiplied by in addition.
            bias: (active outputs,), what is added then.
        """
        if stage.kind != "depthwise" or not _passes(stage, self._together(ratio)):
            self._multiply_waiting()
        factor = self._together(ratio)
        result = self._result(stage.output_group)
        fills = self._arrangement.shared and result.channels > len(ratio)
        rectified = fills and stage.activation in RECTIFIED
        waits = _passes(stage, factor)
        at_once = not waits and not (factor == 1).all()
        early = _is_moderate(np.abs(factor))  # the bias may be added before the factor is multiplied

        added = _extended(bias / factor if early else bias, result.channels, _SILENT if rectified else 0.0)
        fused = "none" if at_once else stage.activation
        self._multiply(stage, kernel, added if early else np.zeros(result.channels), result, fused)
        if at_once:
            self._apply("MUL", _extended(factor, result.channels, 0.0), stage.activation if early else "none")
        if not early:
            self._apply("ADD", added, stage.activation)
        if stage.activation == "leaky_relu":
            self._current = add_leaky_relu(self._builder, self._current, stage.negative_slope, result)
        self._quiet = not fills or rectified or at_once or (stage.kind == "depthwise" and self._quiet)
        waiting = _extended(factor if waits else np.ones(len(ratio)), result.channels, 1.0 if self._quiet else 0.0)
        self._waiting = None if (waiting == 1).all() else waiting

    def end(self) -> int:
        """The output: what waits multiplied, a map of one position as a vector."""
        self._multiply_waiting()
        shape = self._builder.shape(self._current)
        return add_flattening(self._builder, self._current, Result(FLOAT32, shape[-1]))

    def _multiply(self, stage: Operation, kernel: np.ndarray, bias: np.ndarray, result: Result, activation: str) -> None:
        """The product itself."""
        given = self._result(stage.input_group)
        self._current = add_padding(self._builder, stage, self._current, given)
        size = map_size(self._builder.shape(self._current))
        stored = self._arrangement.kernel(stage, self._widths, shaped(stage, kernel, () if is_point(size) else size))
        inputs = [self._current, self._builder.ordered(stored), self._vector(bias)]
        self._current = add_product(self._builder, stage, inputs, result, activation)

    def _result(self, group: int) -> Result:
        return Result(FLOAT32, self._arrangement.channels(group, self._widths))

    def _together(self, ratio: np.ndarray) -> np.ndarray:
        """A factor and what waits, of the active channels."""
        return ratio if self._waiting is None else ratio * self._waiting[: len(ratio)]

    def _multiply_waiting(self) -> None:
        if self._waiting is not None:
            self._apply("MUL", self._waiting, "none")
            self._waiting, self._quiet = None, True

    def _apply(self, code: str, vector: np.ndarray, activation: str) -> None:
        """Multiply or add a number for each channel."""
        result = Result(FLOAT32, len(vector))
        self._current = add_elementwise(self._builder, code, [self._current, self._vector(vector)], result, activation)

    def _vector(self, values: np.ndarray) -> int:
        return self._builder.constant(values.astype(np.float32))


def _passes(stage: Operation, factor: np.ndarray) -> bool:
    """Whether a factor for each channel may be multiplied after the activation as well as before."""
    return stage.activation in _HOMOGENEOUS and _is_moderate(factor)


def _is_moderate(factor: np.ndarray) -> bool:
    return bool((factor >= _SMALLEST_FACTOR).all() and (factor <= _LARGEST_FACTOR).all())


def _extended(vector: np.ndarray, channels: int, value: float) -> np.ndarray:
    return np.concatenate([vector, np.full(channels - len(vector), value)])
