"""One subnetwork as an int8 graph, with the numbers that the int8 image has (`reds.quantisation`).

A file has a scale for each output channel and subnetwork, into which the subnetwork's batch norm goes, while its kernels are
shared. It has no negative scales: such a channel's kernel and bias change their sign. Where subnetworks differ in that, or a
channel does not depend on its input, the smaller one has a kernel of its own. Dense layers are convolutions of one window:
XNNPACK takes no int8 FULLY_CONNECTED whose kernel comes from DENSIFY.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reds.image.operations import OUTPUT_AXIS, Operation
from reds.litert.arrangements import Arrangement, shaped
from reds.litert.constants import Constants
from reds.litert.graphs import GraphBuilder
from reds.litert.kernels import Kernel
from reds.litert.operators import (
    RECTIFIED,
    Result,
    add_flattening,
    add_leaky_relu,
    add_padding,
    add_pool,
    add_product,
    add_reshape,
    map_size,
)
from reds.litert.records import INT8, Graph, Scales
from reds.quantisation import Quantisation, QuantisedNetwork, QuantisedStep
from reds.quantisation.weights import by_channel, over_channels
from reds.reference.windows import active_weights

_SILENT = -(2**29)  # as a bias: no sum of products makes up for it, and ReLU makes zero of what is negative
_SILENT_FACTOR = 2.0**-8  # of channels that are silent: far from those with which kernels shift to the left, and may overflow


class Int8Graphs:
    """The graphs of one file.

    Args:
        network: the quantised network.
        stages: its layers.
        largest: number of the largest subnetwork that the file holds.
        arrangement: of the kernels.
    """

    def __init__(self, network: QuantisedNetwork, stages: Sequence[Operation], largest: int, arrangement: Arrangement) -> None:
        self._network, self._stages, self._arrangement = network, stages, arrangement
        self._signs = [_signs(step) for step in network.levels[largest]]

    def graph(self, level: int, constants: Constants) -> Graph:
        """The graph of a subnetwork, by its number; its constants are added to those that are there."""
        network, subnet = self._network, self._network.bundle.subnets[level]
        builder = GraphBuilder(subnet.name, constants)
        shape = (1, *network.bundle.architecture.input_shape)
        source = current = builder.tensor(shape, INT8, _of(network.source))
        for index, (stage, step) in enumerate(zip(self._stages, network.levels[level], strict=True)):
            channels = self._arrangement.channels(stage.output_group, subnet.widths)
            result = Result(INT8, channels, _of(step.linear))
            if stage.kernel is None:
                current = add_pool(builder, stage, current, result)
                continue
            fed = self._arrangement.channels(stage.input_group, subnet.widths)
            given = Result(INT8, fed, _of(step.source))
            current = add_padding(builder, stage, current, given)
            if stage.kind == "dense":
                current = add_reshape(builder, current, given, map_size(builder.shape(current)) or (1, 1))
            weights, quiet = self._weights(index, step, channels)
            size = map_size(builder.shape(current))
            kernel = self._arrangement.kernel(stage, subnet.widths, shaped(stage, weights, size))
            inputs = [current, *self._constants(builder, index, step, kernel, quiet=quiet)]
            current = add_product(builder, stage, inputs, result, stage.activation)
            if stage.activation == "leaky_relu":
                current = add_leaky_relu(builder, current, stage.negative_slope, Result(INT8, channels, _of(step.output)))
        last = network.levels[level][-1]
        flat = Result(INT8, builder.shape(current)[-1], _of(last.output))
        return builder.graph(source, add_flattening(builder, current, flat))

    def _weights(self, index: int, step: QuantisedStep, channels: int) -> tuple[np.ndarray, bool]:
        """The kernel of a layer in an image's shape, and whether channels beyond the width are zero without a bias for it.

        It is that of the largest subnetwork where that does: the signs are the same, and the channels can be silenced.
        """
        stage, layer = self._stages[index], self._network.layers[index]
        signs, width = _signs(step), len(step.scales)
        fills = self._arrangement.shared and channels > width
        silenced = fills and stage.activation in RECTIFIED
        largest = self._signs[index]
        same = signs.all() and np.array_equal(signs, largest[:width])
        if same and (silenced or not fills or stage.kind == "depthwise"):
            signs = _extended(largest, layer.output_channels, 1)
        else:
            signs = _extended(signs, layer.output_channels, 0)
        return (layer.weights * by_channel(stage.kind, signs)).astype(np.int8), not silenced

    def _constants(
        self, builder: GraphBuilder, index: int, step: QuantisedStep, kernel: Kernel, *, quiet: bool
    ) -> tuple[int, int]:
        """Indices of the kernel and of the bias."""
        stage, layer = self._stages[index], self._network.layers[index]
        signs, width = _signs(step), len(step.scales)
        axis = OUTPUT_AXIS[stage.kind] % len(kernel.shape)
        channels = kernel.shape[axis]
        neutral = float(np.float32(step.linear.scale) / np.float32(step.source.scale)) * _SILENT_FACTOR
        scales = np.where(signs == 0, neutral, np.abs(step.scales)).astype(np.float32)
        scales = _extended(scales, channels, neutral)

        active = over_channels(stage.kind, active_weights(layer, step.table.input_channels, width)).astype(np.int64)
        bias = (step.table.channels["bias"] + step.table.input_zero_point * active.sum(axis=1)) * signs
        added = _extended(bias, channels, 0 if quiet else _SILENT).astype(np.int32)
        sums = _symmetric(np.float32(step.source.scale) * scales, 0)
        return builder.ordered(kernel, _symmetric(scales, axis)), builder.constant(added, sums)


def _of(quantisation: Quantisation) -> Scales:
    return Scales((quantisation.scale,), (quantisation.zero_point,))


def _symmetric(scales: np.ndarray, axis: int) -> Scales:
    return Scales(tuple(scales.tolist()), (0,) * len(scales), axis)


def _signs(step: QuantisedStep) -> np.ndarray:
    """-1, 0 (the channel does not depend on its input) or 1 for each channel."""
    return np.sign(step.scales).astype(np.int64)


def _extended(values: np.ndarray, channels: int, value: float) -> np.ndarray:
    return np.concatenate([values, np.full(channels - len(values), value, values.dtype)])
