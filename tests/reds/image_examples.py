"""Images to test with: random networks of every kind of layer, layout and level within the rules of the format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from reds.image import Image, Layer, Layout, Level, StepTable, place
from reds.image import format as image_format
from reds.image.layouts import ROWS, SHELLS, TRANSPOSED

PRECISIONS = tuple(image_format.PRECISIONS)
KINDS = tuple(image_format.KINDS)
ACTIVATIONS = tuple(image_format.ACTIVATIONS)
LAYOUTS = (ROWS, TRANSPOSED, SHELLS, *(Layout("panels", rows) for rows in (1, 2, 3, 4, 6, 8, 16, 64)))


@dataclass(frozen=True)
class Example:
    """One layer of a network to make; `units` opens a channel group (dense, convolution), `size` is that of the output map."""

    kind: str
    units: int = 0
    activation: str = "none"
    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (1, 1)
    layout: Layout = ROWS

    @property
    def is_matrix(self) -> bool:
        return self.kind in image_format.MATRIX_KINDS


@dataclass(frozen=True)
class Network:
    """The shapes of an image: its input map (height, width, channels), its layers, and of each level, largest first, the width of
    every group that some layer opens; the last group is whole in all of them."""

    input_map: tuple[int, int, int]
    examples: tuple[Example, ...]
    widths: tuple[tuple[int, ...], ...]

    def channels(self, level: int) -> list[int]:
        """Channels of the input, and of every layer's output, in a level."""
        found, groups = [self.input_map[2]], iter(self.widths[level])
        for example in self.examples:
            found.append(next(groups) if example.is_matrix else found[-1])
        return found


def weights(generator: np.random.Generator, precision: str, shape: tuple[int, ...]) -> np.ndarray:
    if precision == "float32":
        return generator.normal(size=shape).astype(np.float32)
    return generator.integers(-127, 128, shape).astype(np.int8)


def float32_channels(generator: np.random.Generator, outputs: int) -> np.ndarray:
    channels = np.zeros(outputs, image_format.CHANNEL["float32"])
    channels["scale"] = generator.uniform(0.5, 2.0, outputs) * generator.choice([1, 1, 1, -1], outputs)
    channels["bias"] = generator.normal(size=outputs)
    return channels


def int8_channels(generator: np.random.Generator, outputs: int) -> np.ndarray:
    """Mostly plausible factors, some negative, some at the limits of the format."""
    channels = np.zeros(outputs, image_format.CHANNEL["int8"])
    wild = generator.random(outputs) < 0.1
    limit = image_format.MAX_BIAS
    channels["bias"] = np.where(
        wild, generator.integers(-limit, limit, outputs, endpoint=True), generator.integers(-5000, 5000, outputs)
    )
    channels["multiplier"] = generator.integers(2**30, 2**31, outputs) * generator.choice([1, 1, 1, -1], outputs)
    channels["multiplier"][generator.random(outputs) < 0.05] = 0
    channels["shift"] = np.where(
        wild, generator.integers(-31, 7, outputs, endpoint=True), generator.integers(-10, -2, outputs, endpoint=True)
    )
    return channels


def step_table(generator: np.random.Generator, precision: str, layer: Layer, inputs: int, outputs: int) -> StepTable:
    described = 0 if layer.kind in image_format.POOL_KINDS else outputs
    if precision == "float32":
        return StepTable(inputs, outputs, float32_channels(generator, described))
    low, high = sorted(generator.integers(-128, 128, 2).tolist()) if generator.random() < 0.5 else (-128, 127)
    entries = image_format.TABLE_ENTRIES if layer.activation == image_format.LEAKY_RELU else 0
    return StepTable(
        input_channels=inputs,
        output_channels=outputs,
        channels=int8_channels(generator, described),
        input_zero_point=int(generator.integers(-128, 128)),
        output_zero_point=int(generator.integers(-128, 128)),
        clamp_min=low,
        clamp_max=high,
        table=generator.integers(-128, 128, entries).astype(np.int8),
    )


def make_layers(generator: np.random.Generator, precision: str, network: Network) -> tuple[Layer, ...]:
    layers, size, channels = [], network.input_map[:2], network.channels(0)
    for example, inputs, outputs in zip(network.examples, channels, channels[1:], strict=False):
        kernel = example.kernel
        if example.kind == image_format.DENSE:
            size = kernel = (1, math.prod(size))
        shapes = {image_format.DEPTHWISE: (*kernel, inputs), **dict.fromkeys(image_format.POOL_KINDS, (0,))}
        layers.append(
            Layer(
                kind=example.kind,
                activation=example.activation,
                input_size=size,
                output_size=example.size,
                kernel_size=kernel,
                strides=example.strides,
                before=example.before,
                input_channels=inputs,
                output_channels=outputs,
                weights=weights(generator, precision, shapes.get(example.kind, (outputs, *kernel, inputs))),
                negative_slope=0.25 if example.activation == image_format.LEAKY_RELU else 0.0,
                layout=example.layout,
            )
        )
        size = example.size
    return tuple(layers)


def layer_macs(layer: Layer, table: StepTable) -> int:
    """Multiply-adds of one layer in one level."""
    if layer.kind in image_format.POOL_KINDS:
        return 0
    inputs = 1 if layer.kind == image_format.DEPTHWISE else table.input_channels
    return math.prod(layer.kernel_size) * inputs * math.prod(layer.output_size) * table.output_channels


def make_level(
    generator: np.random.Generator, name: str, precision: str, layers: Sequence[Layer], channels: Sequence[int]
) -> Level:
    tables = [
        step_table(generator, precision, layer, inputs, outputs)
        for layer, inputs, outputs in zip(layers, channels, channels[1:], strict=False)
    ]
    quantised = precision == "int8"
    return place(
        name,
        macs=sum(layer_macs(layer, table) for layer, table in zip(layers, tables, strict=True)),
        precision=precision,
        layers=layers,
        tables=tables,
        output_scale=float(np.float32(generator.uniform(0.01, 1.0))) if quantised else 1.0,
        output_zero_point=int(generator.integers(-128, 128)) if quantised else 0,
    )


def make_network_image(seed: int, precision: str, network: Network) -> Image:
    """An image of a network, with random weights and tables; its levels are called L0, L1, ..."""
    generator = np.random.default_rng(seed)
    quantised = precision == "int8"
    layers = make_layers(generator, precision, network)
    return Image(
        precision=precision,
        input_elements=math.prod(network.input_map),
        output_elements=math.prod(network.examples[-1].size) * network.channels(0)[-1],
        input_scale=float(np.float32(generator.uniform(0.001, 1.0))) if quantised else 1.0,
        input_zero_point=int(generator.integers(-128, 128)) if quantised else 0,
        layers=layers,
        levels=tuple(make_level(generator, f"L{i}", precision, layers, network.channels(i)) for i in range(len(network.widths))),
    )


def make_image(seed: int, precision: str, widths: Sequence[Sequence[int]], layout: Layout = ROWS) -> Image:
    """A random network of dense layers; widths[level] holds the input, every layer's outputs, and the classes, largest first."""
    activations = np.random.default_rng(seed).choice(["none", "relu"], len(widths[0]) - 1)
    examples = tuple(
        Example("dense", units, str(activation), layout=layout)
        for units, activation in zip(widths[0][1:], activations, strict=True)
    )
    network = Network((1, 1, widths[0][0]), examples, tuple(tuple(level[1:]) for level in widths))
    return make_network_image(seed, precision, network)


@st.composite
def examples_on(draw: st.DrawFn, size: tuple[int, int], largest: int, kinds: Sequence[str], layouts: Sequence[Layout]) -> Example:
    """A layer that fits a map of this size: any kernel, stride and padding, as few windows as there may be."""
    kind = draw(st.sampled_from(kinds))
    is_matrix = kind in image_format.MATRIX_KINDS
    activation = "none" if kind in image_format.POOL_KINDS else draw(st.sampled_from(ACTIVATIONS))
    units = draw(st.integers(1, largest)) if is_matrix else 0
    layout = draw(st.sampled_from(layouts)) if is_matrix else ROWS
    if kind == image_format.DENSE:
        return Example(kind, units, activation, layout=layout)
    sides = []
    for length in size:
        kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        before = draw(st.integers(0, kernel - 1))
        sides.append((kernel, stride, before, draw(st.integers(1, (length - 1 + before) // stride + 1))))
    kernels, strides, befores, sizes = zip(*sides, strict=True)
    return Example(kind, units, activation, kernels, strides, befores, sizes, layout)


@st.composite
def networks(draw: st.DrawFn, largest: int = 20, kinds: Sequence[str] = KINDS, layouts: Sequence[Layout] = LAYOUTS) -> Network:
    """One to five layers of these kinds on maps of up to 8x8 positions and `largest` channels, and one to four nested levels."""
    side = st.integers(1, 8)
    size = input_size = (draw(side), draw(side))
    examples = []
    for _ in range(draw(st.integers(1, 5))):
        examples.append(draw(examples_on(size, largest, kinds, layouts)))
        size = examples[-1].size
    whole = tuple(example.units for example in examples if example.is_matrix)
    widths = [whole]
    for _ in range(draw(st.integers(0, 3))):
        widths.append((*(draw(st.integers(1, width)) for width in widths[-1][:-1]), *whole[-1:]))
    return Network((*input_size, draw(st.integers(1, largest))), tuple(examples), tuple(widths))


@st.composite
def images(
    draw: st.DrawFn, precision: str, largest: int = 20, kinds: Sequence[str] = KINDS, layouts: Sequence[Layout] = LAYOUTS
) -> Image:
    """Valid images of random networks."""
    return make_network_image(draw(st.integers(0, 2**32 - 1)), precision, draw(networks(largest, kinds, layouts)))


def some_inputs(image: Image, count: int, seed: int = 0) -> np.ndarray:
    """Inputs (count, input_elements) in the element type of the image."""
    generator = np.random.default_rng(seed)
    shape = (count, image.input_elements)
    if image.precision == "float32":
        return generator.normal(size=shape).astype(np.float32)
    return generator.integers(-128, 128, shape).astype(np.int8)


SMALL_NETWORK = Network(
    input_map=(6, 5, 2),
    examples=(
        Example("convolution", 7, "leaky_relu", (3, 2), (1, 1), (1, 0), (6, 5), Layout("panels", 2)),
        Example("depthwise", 0, "relu6", (3, 3), (1, 1), (1, 1), (6, 5)),
        Example("max_pool", 0, "none", (2, 2), (2, 2), (0, 0), (3, 3)),
        Example("convolution", 9, "relu", (1, 1), (1, 1), (0, 0), (3, 3), SHELLS),
        Example("average_pool", 0, "none", (3, 2), (2, 1), (1, 0), (2, 3)),
        Example("dense", 6, "none", layout=TRANSPOSED),
        Example("dense", 3, "none"),
    ),
    widths=((7, 9, 6, 3), (5, 9, 5, 3), (2, 4, 5, 3)),
)
"""Every kind of layer and layout, and three levels, with widths that are no multiples of 4."""


def small_image(precision: str) -> Image:
    """An image of `SMALL_NETWORK`."""
    return make_network_image(7, precision, SMALL_NETWORK)


def with_level_name(image: Image, name: str) -> Image:
    """The image with its first level renamed."""
    return replace(image, levels=(replace(image.levels[0], name=name), *image.levels[1:]))
