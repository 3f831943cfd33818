"""What an image says, as records: a network's layers, and its levels (subnetworks) with one step for each layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from reds.errors import ConfigError
from reds.image import format as image_format
from reds.image.layouts import ROWS, Layout


@dataclass(frozen=True, eq=False)
class Layer:
    """What all levels share of one layer. Sizes are (height, width); a dense layer is a convolution with one window, its input.

    Attributes:
        kind: "dense", "convolution", "depthwise", "average_pool" or "max_pool".
        activation: "none", "relu", "relu6" or "leaky_relu".
        input_size: of the input map; dense: (1, positions of the flattened input for each channel).
        output_size: of the output map; dense: (1, 1).
        kernel_size: of a window; dense: input_size.
        strides: from one window to the next.
        before: rows above and columns to the left of padding.
        input_channels: of the whole network.
        output_channels: of the whole network.
        weights: float32 or int8. Dense and convolution: (outputs, kernel height, kernel width, inputs); depthwise:
            (kernel height, kernel width, channels); pooling: none, shape (0,). A level uses the first outputs and inputs. What
            a truncated image holds are the weights of its largest level.
        negative_slope: of leaky ReLU.
        layout: how an image orders the weights, of `reds.image.layouts`.
    """

    kind: str
    activation: str
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    before: tuple[int, int]
    input_channels: int
    output_channels: int
    weights: np.ndarray
    negative_slope: float = 0.0
    layout: Layout = ROWS


@dataclass(frozen=True, eq=False)
class StepTable:
    """One layer in one level, before it lies in the arena.

    Attributes:
        input_channels: active channels of the input.
        output_channels: active channels of the output.
        channels: (output_channels,), records of `format.CHANNEL`: float32 scale, bias; int8 bias, multiplier, shift. Pooling:
            none, shape (0,).
        input_zero_point: int8: the quantised value of a real zero of the input.
        output_zero_point: int8: of the output, before a leaky ReLU.
        clamp_min: int8: the smallest output.
        clamp_max: int8: the largest output.
        table: int8 leaky ReLU: int8 (256,), the output for each clamped value from -128 on; else shape (0,).
    """

    input_channels: int
    output_channels: int
    channels: np.ndarray
    input_zero_point: int = 0
    output_zero_point: int = 0
    clamp_min: int = 0
    clamp_max: int = 0
    table: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int8))


@dataclass(frozen=True, eq=False)
class Step:
    """One layer in one level: its table, and the bytes of the arena where it reads and writes."""

    table: StepTable
    input_offset: int
    output_offset: int


@dataclass(frozen=True, eq=False)
class Level:
    """One subnetwork: its name ("25"), true multiply-adds of one inference, bytes of its activations in the arena, and steps."""

    name: str
    macs: int
    activation_bytes: int
    output_scale: float
    output_zero_point: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Image:
    """One network with its subnetworks, as an image holds them; level 0 is the largest that is there.

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

    @property
    def element_type(self) -> np.dtype:
        """Type of inputs and outputs."""
        return image_format.ELEMENT[self.precision]

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
        if self.precision == image_format.FLOAT32:
            return inputs
        return quantise(inputs, self.input_scale, self.input_zero_point)

    def dequantise_outputs(self, level: int, outputs: np.ndarray) -> np.ndarray:
        """Outputs (..., output_elements) of a level in real values, float32 (float32: as they are)."""
        if self.precision == image_format.FLOAT32:
            return np.asarray(outputs, np.float32)
        record = self.levels[level]
        return dequantise(outputs, record.output_scale, record.output_zero_point)


def quantise(real: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """int8 of real values: round(real / scale) + zero point, half away from zero as in TensorFlow Lite, saturated."""
    steps = np.asarray(real, np.float32) / np.float32(scale)
    rounded = np.copysign(np.floor(np.abs(steps.astype(np.float64)) + 0.5), steps)
    return np.clip(rounded + zero_point, image_format.INT8_MIN, image_format.INT8_MAX).astype(np.int8)


def dequantise(quantised: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """Real values, float32, of int8 values."""
    return np.float32(scale) * (np.asarray(quantised).astype(np.int32) - zero_point).astype(np.float32)
