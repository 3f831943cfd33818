"""Images to test with: random networks within the rules of the format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from reds.image import Image, Layer, Level, StepTable, chain
from reds.image import format as layout
from reds.image.writer import seal

PRECISIONS = tuple(layout.PRECISIONS)


def float32_channels(generator: np.random.Generator, outputs: int) -> np.ndarray:
    channels = np.zeros(outputs, layout.CHANNEL["float32"])
    channels["scale"] = generator.uniform(0.5, 2.0, outputs)
    channels["bias"] = generator.normal(size=outputs)
    return channels


def int8_channels(generator: np.random.Generator, outputs: int) -> np.ndarray:
    """Mostly plausible factors, some at the limits of the format."""
    channels = np.zeros(outputs, layout.CHANNEL["int8"])
    wild = generator.random(outputs) < 0.1
    channels["bias"] = np.where(
        wild, generator.integers(-(2**30), 2**30, outputs, endpoint=True), generator.integers(-5000, 5000, outputs)
    )
    channels["multiplier"] = generator.integers(2**30, 2**31, outputs)
    channels["multiplier"][generator.random(outputs) < 0.05] = 0
    channels["shift"] = np.where(
        wild, generator.integers(-31, 7, outputs, endpoint=True), generator.integers(-10, -2, outputs, endpoint=True)
    )
    return channels


def step_table(generator: np.random.Generator, precision: str, outputs: int) -> StepTable:
    if precision == "float32":
        return StepTable(float32_channels(generator, outputs))
    low, high = sorted(generator.integers(-128, 128, 2).tolist())
    zero_point = int(generator.integers(-128, 128))
    return StepTable(int8_channels(generator, outputs), zero_point, low, high)


def weights(generator: np.random.Generator, precision: str, shape: tuple[int, int]) -> np.ndarray:
    if precision == "float32":
        return generator.normal(size=shape).astype(np.float32)
    return generator.integers(-127, 128, shape).astype(np.int8)


def make_level(generator: np.random.Generator, name: str, precision: str, widths: list[int]) -> Level:
    tables = [step_table(generator, precision, outputs) for outputs in widths[1:]]
    macs = sum(a * b for a, b in pairwise(widths))
    quantised = precision == "int8"
    return chain(
        name,
        macs=macs,
        precision=precision,
        input_elements=widths[0],
        tables=tables,
        output_scale=float(np.float32(generator.uniform(0.01, 1.0))) if quantised else 1.0,
        output_zero_point=int(generator.integers(-128, 128)) if quantised else 0,
    )


def make_image(seed: int, precision: str, widths: list[list[int]]) -> Image:
    """A random network; widths[level] holds the input, every layer's outputs, and the classes, largest level first."""
    generator = np.random.default_rng(seed)
    quantised = precision == "int8"
    layers = tuple(
        Layer("dense", ["none", "relu"][int(generator.integers(2))], weights(generator, precision, (outputs, inputs)))
        for inputs, outputs in pairwise(widths[0])
    )
    return Image(
        precision=precision,
        input_elements=widths[0][0],
        output_elements=widths[0][-1],
        input_scale=float(np.float32(generator.uniform(0.001, 1.0))) if quantised else 1.0,
        input_zero_point=int(generator.integers(-128, 128)) if quantised else 0,
        layers=layers,
        levels=tuple(make_level(generator, f"L{i}", precision, level) for i, level in enumerate(widths)),
    )


@st.composite
def images(draw: st.DrawFn, precision: str, largest: int = 40) -> Image:
    """Networks of one to four layers and one to four nested levels."""
    size = st.integers(1, largest)
    whole = draw(st.lists(size, min_size=2, max_size=5))
    widths = [whole]
    for _ in range(draw(st.integers(0, 3))):
        inner = [draw(st.integers(1, above)) for above in widths[-1][1:-1]]
        widths.append([whole[0], *inner, whole[-1]])
    return make_image(draw(st.integers(0, 2**32 - 1)), precision, widths)


def some_inputs(image: Image, count: int, seed: int = 0) -> np.ndarray:
    """Inputs (count, input_elements) in the element type of the image."""
    generator = np.random.default_rng(seed)
    shape = (count, image.input_elements)
    if image.precision == "float32":
        return generator.normal(size=shape).astype(np.float32)
    return generator.integers(-128, 128, shape).astype(np.int8)


def small_image(precision: str) -> Image:
    """Two layers and two levels, with widths that are no multiples of 4."""
    return make_image(7, precision, [[6, 9, 3], [6, 5, 3]])


def record_offset(data: bytes, record: str, index: int = 0) -> int:
    """Where the record of this kind and number lies; steps and channels are those of the last level and last step."""
    header = np.frombuffer(data, layout.HEADER, 1)[0]
    levels = np.frombuffer(data, layout.LEVEL, header["level_count"], header["levels_offset"])
    if record == "header":
        return 0
    if record == "layer":
        return int(header["layers_offset"]) + index * layout.LAYER.itemsize
    if record == "level":
        return int(header["levels_offset"]) + index * layout.LEVEL.itemsize
    steps_offset = int(levels[-1]["steps_offset"])
    if record == "step":
        return steps_offset + index * layout.STEP.itemsize
    steps = np.frombuffer(data, layout.STEP, header["layer_count"], steps_offset)
    precision = {code: name for name, code in layout.PRECISIONS.items()}[int(header["precision"])]
    return int(steps[-1]["channels_offset"]) + index * layout.CHANNEL[precision].itemsize


def record_type(record: str, precision: str) -> np.dtype:
    """The numpy type of a record."""
    kinds = {"header": layout.HEADER, "layer": layout.LAYER, "level": layout.LEVEL, "step": layout.STEP}
    return kinds.get(record, layout.CHANNEL[precision])


@dataclass(frozen=True)
class Field:
    """A field of one record of an image."""

    record: str
    name: str
    index: int = 0


def field_value(data: bytes, precision: str, field: Field) -> int:
    """What a field holds."""
    dtype = record_type(field.record, precision)
    return np.frombuffer(data, dtype, 1, record_offset(data, field.record, field.index))[0][field.name].item()


def with_field(data: bytes, precision: str, field: Field, value: object) -> bytes:
    """The image with one field changed and the checksum repaired."""
    dtype, offset = record_type(field.record, precision), record_offset(data, field.record, field.index)
    changed = np.frombuffer(data, dtype, 1, offset).copy()
    changed[0][field.name] = value
    return seal(data[:offset] + changed.tobytes() + data[offset + dtype.itemsize :])


def with_level_name(image: Image, name: str) -> Image:
    """The image with its first level renamed."""
    return replace(image, levels=(replace(image.levels[0], name=name), *image.levels[1:]))
