"""How a file holds the kernels of its subnetworks: each by itself, all as masks of the whole, or each number once."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from reds.image.operations import OUTPUT_AXIS, Operation
from reds.layers import Widths
from reds.litert.blocks import blocks, filled_up, is_cut, pays
from reds.litert.kernels import Cuts, Kernel, in_shells, plain, slowest_last


class Arrangement(Protocol):
    """What the graphs of a file ask."""

    shared: ClassVar[bool]
    """Whether subnetworks share kernels. Channels beyond a width then compute, and have to be silenced; else they are zero."""

    def channels(self, group: int, widths: Widths) -> int:
        """Channels of a group that the tensors of a subnetwork of these widths hold."""
        ...

    def kernel(self, stage: Operation, widths: Widths, weights: np.ndarray) -> Kernel:
        """The kernel of a subnetwork, of the whole network's weights in the file's shape (`shaped`)."""
        ...


def shaped(stage: Operation, weights: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Weights of an image's shape (`Operation.weights`) in that of a `.tflite` file.

    Args:
        stage: the layer.
        weights: of an image's shape.
        size: dense: (height, width) of the window of the convolution that it becomes, () for FULLY_CONNECTED.
    """
    if stage.kind == "dense":
        return weights.reshape(len(weights), *size, weights.shape[-1])
    return weights if stage.kind == "convolution" else weights[None]


def _cut(stage: Operation, weights: np.ndarray, inputs: int, outputs: int) -> np.ndarray:
    """The first channels of weights in the file's shape."""
    return weights[..., :outputs] if OUTPUT_AXIS[stage.kind] == -1 else weights[:outputs, ..., :inputs]


@dataclass(frozen=True)
class Alone:
    """Every subnetwork has a kernel of its own, of its size."""

    shared: ClassVar[bool] = False

    def channels(self, group: int, widths: Widths) -> int:
        return widths[group]

    def kernel(self, stage: Operation, widths: Widths, weights: np.ndarray) -> Kernel:
        return plain(_cut(stage, weights, stage.inputs(widths), stage.outputs(widths)))


@dataclass(frozen=True)
class Masked:
    """Every subnetwork has a kernel of its own, of the whole network's size, zero where it has no channels."""

    whole: Widths
    shared: ClassVar[bool] = False

    def channels(self, group: int, widths: Widths) -> int:
        return self.whole[group]

    def kernel(self, stage: Operation, widths: Widths, weights: np.ndarray) -> Kernel:
        masked = np.zeros_like(weights)
        kept = _cut(stage, masked, stage.inputs(widths), stage.outputs(widths))
        kept[...] = _cut(stage, weights, stage.inputs(widths), stage.outputs(widths))
        return plain(masked)


class Shared:
    """All subnetworks use the bytes of the largest, where that is what they compute with.

    Args:
        stages: the layers.
        widths: of the subnetworks, largest first.
        item_bytes: of a number of the kernels.
        silences: activations after which channels beyond a width can be silenced; see `blocks`.
    """

    shared: ClassVar[bool] = True

    def __init__(self, stages: Sequence[Operation], widths: Sequence[Widths], item_bytes: int, silences: Collection[str]) -> None:
        self._widths, self._item_bytes = widths, item_bytes
        self._blocks = blocks(stages, widths, item_bytes, silences)

    def channels(self, group: int, widths: Widths) -> int:
        return filled_up(widths[group], self._blocks[group])

    def kernel(self, stage: Operation, widths: Widths, weights: np.ndarray) -> Kernel:
        inputs, outputs = (self.channels(group, widths) for group in (stage.input_group, stage.output_group))
        kept = _cut(stage, weights, inputs, outputs)
        cut = tuple(is_cut(self._widths, group) for group in (stage.input_group, stage.output_group))
        if stage.kind == "depthwise":
            return slowest_last(kept) if cut[1] else plain(kept)
        if not cut[0]:
            return plain(kept)
        if not cut[1]:
            return slowest_last(kept)
        rows, columns = self._cuts(stage.output_group, widths), self._cuts(stage.input_group, widths)
        listed = rows.block * columns.block * math.prod(kept.shape[1:-1]) * self._item_bytes
        return in_shells(kept, rows, columns) if pays(listed) else plain(kept)

    def _cuts(self, group: int, widths: Widths) -> Cuts:
        upto = [each for each in reversed(self._widths) if all(a <= b for a, b in zip(each, widths, strict=True))]
        return Cuts(tuple(self.channels(group, each) for each in upto), self._blocks[group])
