"""What an image says, as records: a network's layers, and its levels (subnetworks) with one step for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from reds.errors import ConfigError
from reds.image import format as layout


@dataclass(frozen=True, eq=False)
class Layer:
    """What all levels share of one layer.

    Attributes:
        kind: "dense".
        activation: "none" or "relu".
        weights: (outputs, inputs) of the whole network, float32 or int8; a level uses the first rows and columns.
    """

    kind: str
    activation: str
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class Step:
    """One layer in one level.

    Attributes:
        inputs: active input elements.
        channels: (active outputs,), records of `format.CHANNEL`: float32 scale, bias; int8 bias, multiplier, shift.
        input_offset: byte of the arena where the step reads.
        output_offset: byte of the arena where it writes.
        output_zero_point: int8: the quantised value of a real zero.
        clamp_min: int8: the smallest output.
        clamp_max: int8: the largest output.
    """

    inputs: int
    channels: np.ndarray
    input_offset: int
    output_offset: int
    output_zero_point: int = 0
    clamp_min: int = 0
    clamp_max: int = 0

    @property
    def outputs(self) -> int:
        """Active output channels."""
        return len(self.channels)


@dataclass(frozen=True, eq=False)
class Level:
    """One subnetwork: its name ("25"), true multiply-adds of one inference, arena bytes, and steps."""

    name: str
    macs: int
    arena_bytes: int
    output_scale: float
    output_zero_point: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Image:
    """One network with all its subnetworks, as an image holds them; level 0 is the whole network.

    Attributes:
        precision: "float32" or "int8", the type of inputs, outputs and weights.
        input_scale: int8: the real value of one step of the inputs; float32: 1.
        input_zero_point: int8: the quantised value of a real zero; float32: 0.
    """

    precision: str
    input_elements: int
    output_elements: int
    input_scale: float
    input_zero_point: int
    layers: tuple[Layer, ...]
    levels: tuple[Level, ...]

    @cached_property
    def arena_bytes(self) -> int:
        """Arena bytes of the level that needs most."""
        return max(level.arena_bytes for level in self.levels)

    @property
    def element_type(self) -> np.dtype:
        """Type of inputs and outputs."""
        return layout.ELEMENT[self.precision]

    def level(self, name: str) -> int:
        """The number of the level `name`.

        Raises:
            ConfigError: no such level.
        """
        names = [level.name for level in self.levels]
        if name not in names:
            raise ConfigError(f"the image has no level {name!r}", seen=", ".join(names))
        return names.index(name)

    def quantise_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """Real inputs (..., input_elements), float32, in the element type of the image (float32: as they are)."""
        inputs = np.asarray(inputs, np.float32)
        if self.precision == layout.FLOAT32:
            return inputs
        return quantise(inputs, self.input_scale, self.input_zero_point)

    def dequantise_outputs(self, level: int, outputs: np.ndarray) -> np.ndarray:
        """Outputs (..., output_elements) of a level in real values, float32 (float32: as they are)."""
        if self.precision == layout.FLOAT32:
            return np.asarray(outputs, np.float32)
        record = self.levels[level]
        return dequantise(outputs, record.output_scale, record.output_zero_point)


def quantise(real: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """int8 of real values: round(real / scale) + zero point, half away from zero as in TensorFlow Lite, saturated."""
    steps = np.asarray(real, np.float32) / np.float32(scale)
    rounded = np.copysign(np.floor(np.abs(steps.astype(np.float64)) + 0.5), steps)
    return np.clip(rounded + zero_point, layout.INT8_MIN, layout.INT8_MAX).astype(np.int8)


def dequantise(quantised: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """Real values, float32, of int8 values."""
    return np.float32(scale) * (np.asarray(quantised).astype(np.int32) - zero_point).astype(np.float32)


@dataclass(frozen=True, eq=False)
class StepTable:
    """What a producer of images knows of a step before it lies in the arena; see `Step`."""

    channels: np.ndarray
    output_zero_point: int = 0
    clamp_min: int = 0
    clamp_max: int = 0


def chain(
    name: str,
    *,
    macs: int,
    precision: str,
    input_elements: int,
    tables: Sequence[StepTable],
    output_scale: float = 1.0,
    output_zero_point: int = 0,
) -> Level:
    """A level of dense steps, each of which reads what the one before wrote.

    The buffers lie at the two ends of the arena by turns, so that the arena is as large as the largest input and output together.
    """
    widths = [input_elements, *(len(table.channels) for table in tables)]
    sizes = [layout.activation_bytes(precision, width) for width in widths]
    arena_bytes = max(a + b for a, b in pairwise(sizes))
    offsets = [0 if i % 2 == 0 else arena_bytes - size for i, size in enumerate(sizes)]
    steps = tuple(
        Step(
            inputs=widths[i],
            channels=table.channels,
            input_offset=offsets[i],
            output_offset=offsets[i + 1],
            output_zero_point=table.output_zero_point,
            clamp_min=table.clamp_min,
            clamp_max=table.clamp_max,
        )
        for i, table in enumerate(tables)
    )
    return Level(name, macs, arena_bytes, output_scale, output_zero_point, steps)
