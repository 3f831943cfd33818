"""Weights in every layout, element by element as docs/image-format.md says where each one lies."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.image import Image, Layer, Layout, packing, write_image
from reds.image import format as image_format
from tests.reds.image_examples import KINDS, LAYOUTS, PRECISIONS, images
from tests.reds.image_fields import Field, field_value

UNPADDED = tuple(layout for layout in LAYOUTS if layout.name != "shells")
WEIGHTED = tuple(kind for kind in KINDS if kind not in image_format.POOL_KINDS)


def element_at(data: bytes, precision: str, offset: int, index: int) -> float:
    """Element number `index` of the weights at an offset."""
    element = image_format.ELEMENT[precision]
    return np.frombuffer(data, element, 1, offset + index * element.itemsize)[0]


def up(count: int, multiple: int) -> int:
    while count % multiple:
        count += 1
    return count


def columns_in_order(layer: Layer, channels: list[int]) -> list[tuple[int, int, int]]:
    """(kernel row, kernel column, channel) of every column: by shell, then kernel row, kernel column and channel."""
    found = []
    for shell in range(len(channels)):
        added = range(channels[shell - 1] if shell else 0, channels[shell])
        found += list(itertools.product(range(layer.kernel_size[0]), range(layer.kernel_size[1]), added))
    return found


def index_of(layout: Layout, block: int, shape: tuple[int, int], row: int, column: int) -> int:
    """Where the element (row, column) of a matrix of this shape lies."""
    rows, columns = shape
    if layout.name == "rows":
        return row * up(columns, block) + column
    if layout.name == "transposed":
        return column * up(rows, block) + row
    panel, row_in_panel = row // layout.panel_rows, row % layout.panel_rows
    blocks_before = column // block
    return (
        panel * layout.panel_rows * up(columns, block)
        + blocks_before * layout.panel_rows * block
        + row_in_panel * block
        + column % block
    )


def check_matrix(data: bytes, image: Image, number: int, channels: list[int]) -> None:
    layer, block = image.layers[number], 4 if image.precision == "int8" else 1
    offset = field_value(data, Field("layer", "weights_offset", number))
    size = field_value(data, Field("layer", "weights_bytes", number))
    order = columns_in_order(layer, channels)
    rows = len(layer.weights)
    places = {
        index_of(layer.layout, block, (rows, len(order)), row, column): layer.weights[row][where]
        for row in range(rows)
        for column, where in enumerate(order)
    }
    for index in range(size // image.element_type.itemsize):
        assert element_at(data, image.precision, offset, index) == places.pop(index, 0)
    assert not places


def check_shells(data: bytes, image: Image, number: int, channels: list[int]) -> None:
    layer, block = image.layers[number], 4 if image.precision == "int8" else 1
    order, positions = columns_in_order(layer, channels), math.prod(layer.kernel_size)
    widths = [positions * (c - before) for before, c in itertools.pairwise((0, *channels))]
    starts = [sum(widths[:shell]) for shell in range(len(widths))]
    outputs = [level.steps[number].table.output_channels for level in reversed(image.levels)]

    def check_row(offset: int, index: int, row: int, shell: int) -> int:
        """A row's columns of one shell from element `index` on; the index behind what fills them up."""
        for i in range(up(widths[shell], block)):
            expected = layer.weights[row][order[starts[shell] + i]] if i < widths[shell] else 0
            assert element_at(data, image.precision, offset, index + i) == expected
        return index + up(widths[shell], block)

    for level in range(len(channels)):
        shared = outputs[level - 1] if level else 0
        record = len(channels) - 1 - level
        offset, index = field_value(data, Field("step", "columns_offset", number, record)), 0
        assert (offset != 0) == (shared * widths[level] > 0)
        for row in range(shared):
            index = check_row(offset, index, row, level)
        offset, index = field_value(data, Field("step", "rows_offset", number, record)), 0
        assert (offset != 0) == (outputs[level] > shared)
        for row in range(shared, outputs[level]):
            for shell in range(level + 1):
                index = check_row(offset, index, row, shell)


def check_depthwise(data: bytes, image: Image, number: int) -> None:
    layer, block = image.layers[number], 4 if image.precision == "int8" else 1
    offset = field_value(data, Field("layer", "weights_offset", number))
    height, width, channels = layer.weights.shape
    assert field_value(data, Field("layer", "weights_bytes", number)) == (
        height * width * up(channels, block) * image.element_type.itemsize
    )
    for row, column, channel in itertools.product(range(height), range(width), range(up(channels, block))):
        expected = layer.weights[row, column, channel] if channel < channels else 0
        index = (row * width + column) * up(channels, block) + channel
        assert element_at(data, image.precision, offset, index) == expected


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_element_lies_where_the_document_says(precision: str, data: st.DataObject) -> None:
    image = data.draw(images(precision, largest=9, kinds=WEIGHTED))
    written = write_image(image)
    for number, layer in enumerate(image.layers):
        channels = [level.steps[number].table.input_channels for level in reversed(image.levels)]
        if layer.kind == image_format.DEPTHWISE:
            check_depthwise(written, image, number)
        elif layer.layout.name == "shells":
            check_shells(written, image, number, channels)
        else:
            check_matrix(written, image, number, channels)


@st.composite
def nested(draw: st.DrawFn, largest: int, levels: int) -> tuple[int, ...]:
    """Channels of levels, smallest first."""
    return tuple(sorted(draw(st.lists(st.integers(1, largest), min_size=levels, max_size=levels))))


@pytest.mark.parametrize("precision", PRECISIONS)
@given(rows=st.integers(1, 70), columns=st.integers(1, 70), layout=st.sampled_from(UNPADDED))
def test_what_is_packed_is_unpacked(precision: str, rows: int, columns: int, layout: Layout) -> None:
    matrix = np.arange(rows * columns).reshape(rows, columns).astype(image_format.ELEMENT[precision])
    packed = packing.pack(layout, precision, matrix)
    assert len(packed) == packing.packed_bytes(layout, precision, rows, columns)
    np.testing.assert_array_equal(packing.unpack(layout, precision, packed, rows, columns), matrix)


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data(), kernel_size=st.tuples(st.integers(1, 4), st.integers(1, 4)), levels=st.integers(1, 5))
def test_shells_and_columns_there_and_back(
    precision: str, data: st.DataObject, kernel_size: tuple[int, int], levels: int
) -> None:
    channels, outputs = data.draw(nested(9, levels)), data.draw(nested(9, levels))
    shape = (outputs[-1], *kernel_size, channels[-1])
    weights = np.arange(math.prod(shape)).reshape(shape).astype(image_format.ELEMENT[precision])
    matrix = packing.to_matrix(weights, channels)
    np.testing.assert_array_equal(packing.from_matrix(matrix, kernel_size, channels), weights)
    shells = packing.Shells(precision, math.prod(kernel_size), channels, outputs)
    blocks = [shells.pack(level, matrix) for level in range(levels)]
    assert [(len(columns), len(rows)) for columns, rows in blocks] == [shells.sizes(level) for level in range(levels)]
    np.testing.assert_array_equal(shells.unpack(blocks), matrix)


@pytest.mark.parametrize("precision", PRECISIONS)
@given(kernel_size=st.tuples(st.integers(1, 4), st.integers(1, 4)), channels=st.integers(1, 20))
def test_depthwise_weights_there_and_back(precision: str, kernel_size: tuple[int, int], channels: int) -> None:
    shape = (*kernel_size, channels)
    weights = np.arange(math.prod(shape)).reshape(shape).astype(image_format.ELEMENT[precision])
    packed = packing.pack_depthwise(precision, weights)
    assert len(packed) == packing.depthwise_bytes(precision, kernel_size, channels)
    np.testing.assert_array_equal(packing.unpack_depthwise(precision, packed, kernel_size, channels), weights)
