"""Where the maps of a level lie in the arena: nothing is overwritten before it is read, and no byte is wasted."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import ConfigError
from reds.image import Image, Layer, Level, Step, place
from reds.image import format as image_format
from reds.image.buffers import lag, offsets
from tests.reds.image_examples import PRECISIONS, Example, Network, images, make_network_image, small_image


class Arena:
    """Which byte of which map each byte of the arena holds."""

    def __init__(self, level: Level) -> None:
        self.holds = np.full((level.activation_bytes, 2), -1)

    def write(self, at: int, of_map: int, first: int, count: int) -> None:
        assert at >= 0
        assert at + first + count <= len(self.holds)
        self.holds[at + first : at + first + count] = [(of_map, i) for i in range(first, first + count)]

    def check(self, at: int, of_map: int, first: int, count: int) -> None:
        """The bytes are still those of the map."""
        expected = [(of_map, i) for i in range(first, first + count)]
        assert self.holds[at + first : at + first + count].tolist() == [list(pair) for pair in expected]


def run_step(arena: Arena, number: int, itemsize: int, layer: Layer, step: Step) -> None:
    """Row by row, as a kernel may run: row y is written before the last of what it reads is read."""
    (rows, width), (output_rows, output_width) = layer.input_size, layer.output_size
    row_bytes = width * step.table.input_channels * itemsize
    output_row_bytes = output_width * step.table.output_channels * itemsize
    for y in range(output_rows):
        arena.write(step.output_offset, number + 1, y * output_row_bytes, output_row_bytes)
        first = max(0, y * layer.strides[0] - layer.before[0])
        end = min(rows, y * layer.strides[0] - layer.before[0] + layer.kernel_size[0])
        assert first < end
        arena.check(step.input_offset, number, first * row_bytes, (end - first) * row_bytes)


def run(image: Image, level: Level) -> None:
    arena, itemsize = Arena(level), image.element_type.itemsize
    arena.write(level.steps[0].input_offset, 0, 0, image.input_elements * itemsize)
    for number, (layer, step) in enumerate(zip(image.layers, level.steps, strict=True)):
        run_step(arena, number, itemsize, layer, step)
    arena.check(level.steps[-1].output_offset, len(level.steps), 0, image.output_elements * itemsize)


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_nothing_is_read_after_it_was_overwritten(precision: str, data: st.DataObject) -> None:
    image = data.draw(images(precision, largest=6))
    for level in image.levels:
        run(image, level)


def test_the_simulator_notices_an_output_that_runs_too_close() -> None:
    image = small_image("int8")
    level, number = image.levels[0], 1
    step = level.steps[number]
    layer = image.layers[number]
    least = lag("int8", layer, step.table.input_channels, step.table.output_channels)
    for closer, fails in ((0, False), (1, True)):
        arena = Arena(dataclasses.replace(level, activation_bytes=2000))
        moved = dataclasses.replace(step, input_offset=1000, output_offset=1000 - least + closer)
        arena.write(1000, number, 0, 6 * 5 * 7)
        if fails:
            with pytest.raises(AssertionError):
                run_step(arena, number, 1, layer, moved)
        else:
            run_step(arena, number, 1, layer, moved)


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_the_lag_is_the_least_that_the_rule_allows(precision: str, data: st.DataObject) -> None:
    image = data.draw(images(precision))
    itemsize = image.element_type.itemsize
    for layer, step in zip(image.layers, image.levels[0].steps, strict=True):
        inputs, outputs = step.table.input_channels, step.table.output_channels
        found = lag(precision, layer, inputs, outputs)
        height, width = layer.output_size
        if layer.kind == "dense":
            assert found == image_format.map_bytes(precision, outputs)
            continue
        output_row, input_row = width * outputs * itemsize, layer.input_size[1] * inputs * itemsize
        starts = (max(0, y * layer.strides[0] - layer.before[0]) for y in range(height))
        assert found == max((y + 1) * output_row - start * input_row for y, start in enumerate(starts))
        assert height * output_row - found <= layer.input_size[0] * input_row


def least_end(sizes: Sequence[int], lags: Sequence[int]) -> int:
    """The least end over all ways to send each step up or down."""
    ends = []
    for downs in itertools.product((False, True), repeat=len(lags)):
        found = [0] * len(sizes)
        for i in reversed(range(len(lags))):
            if downs[i]:
                found[i] = found[i + 1] + lags[i]
        for i in range(len(lags)):
            if not downs[i]:
                found[i + 1] = max(found[i + 1], found[i] + sizes[i])
        # A map between two steps up may have risen: what lies before it follows where a step goes down to it.
        for _ in range(len(sizes)):
            for i in range(len(lags)):
                if downs[i]:
                    found[i] = max(found[i], found[i + 1] + lags[i])
                else:
                    found[i + 1] = max(found[i + 1], found[i] + sizes[i])
        ends.append(max(offset + size for offset, size in zip(found, sizes, strict=True)))
    return min(ends)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_no_other_plan_ends_lower(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 30), min_size=2, max_size=8))
    lags = [data.draw(st.integers(1, size)) for size in sizes[1:]]
    found = offsets(sizes, lags)
    for i, least in enumerate(lags):
        assert found[i + 1] + least <= found[i] or found[i + 1] >= found[i] + sizes[i]
    assert min(found) >= 0
    assert max(offset + size for offset, size in zip(found, sizes, strict=True)) == least_end(sizes, lags)


def ds_cnn_s(precision: str) -> Image:
    block = (
        Example("depthwise", 0, "relu", (3, 3), (1, 1), (1, 1), (25, 5)),
        Example("convolution", 64, "relu", (1, 1), (1, 1), (0, 0), (25, 5)),
    )
    examples = (
        Example("convolution", 64, "relu", (10, 4), (2, 2), (4, 1), (25, 5)),
        *block * 4,
        Example("average_pool", 0, "none", (25, 5)),
        Example("dense", 12),
    )
    widths = ((64,) * 5 + (12,), (32,) * 5 + (12,))
    return make_network_image(0, precision, Network((49, 10, 1), examples, widths))


@pytest.mark.parametrize(("precision", "bytes_"), [("int8", [11840, 5920]), ("float32", [47360, 23680])])
def test_ds_cnn_s_works_in_place(precision: str, bytes_: list[int]) -> None:
    """Plain double buffering takes 16,000 and 64,000 bytes."""
    assert [level.activation_bytes for level in ds_cnn_s(precision).levels] == bytes_


def test_dense_layers_take_the_largest_input_and_output_together() -> None:
    network = Network((1, 1, 10), tuple(Example("dense", units) for units in (30, 20, 5)), ((30, 20, 5), (4, 20, 5)))
    image = make_network_image(0, "float32", network)
    assert [level.activation_bytes for level in image.levels] == [4 * 50, 4 * 25]


def test_steps_that_do_not_fit_one_another_are_refused() -> None:
    image = small_image("int8")
    tables = [step.table for step in image.levels[0].steps]
    with pytest.raises(ConfigError, match="one step for each layer"):
        place("100", macs=0, precision="int8", layers=image.layers, tables=tables[:-1])
    changed = [*tables[:2], dataclasses.replace(tables[2], input_channels=1, output_channels=1), *tables[3:]]
    with pytest.raises(ConfigError, match="step 2: it does not read what comes before it"):
        place("100", macs=0, precision="int8", layers=image.layers, tables=changed)


def test_two_steps_up_in_a_row_may_be_the_best_plan() -> None:
    sizes = [9, 2, 5, 1, 10]
    found = offsets(sizes, [1, 1, 1, 5])
    assert max(offset + size for offset, size in zip(found, sizes, strict=True)) == 10
