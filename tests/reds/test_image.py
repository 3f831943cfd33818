"""Writer and reader of `.reds` images."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import ConfigError, ProtocolError
from reds.image import Image, Layer, Layout, Level, StepTable, read_image, truncate, write_image
from reds.image import format as image_format
from reds.image.layouts import ROWS, SHELLS, TRANSPOSED
from tests.reds.breaking import BrokenRule
from tests.reds.broken_rules import BROKEN_RULES
from tests.reds.image_examples import PRECISIONS, images, make_image, small_image, with_level_name


def assert_fields(read: object, written: object, *left_out: str) -> None:
    """Two records hold the same, field by field, but for those left out."""
    assert type(read) is type(written)
    for field in dataclasses.fields(written):  # pyright: ignore[reportArgumentType]
        if field.name not in left_out:
            np.testing.assert_array_equal(getattr(read, field.name), getattr(written, field.name), err_msg=field.name)


def assert_equal_levels(read: tuple[Level, ...], written: tuple[Level, ...]) -> None:
    for level, original in zip(read, written, strict=True):
        assert_fields(level, original, "steps")
        for step, original_step in zip(level.steps, original.steps, strict=True):
            assert_fields(step, original_step, "table")
            assert_fields(step.table, original_step.table)


def used(layer: Layer, table: StepTable) -> np.ndarray:
    """The weights of a layer that a level uses."""
    if layer.kind == image_format.DEPTHWISE:
        return layer.weights[..., : table.input_channels]
    return layer.weights[: table.output_channels, ..., : table.input_channels] if layer.weights.size else layer.weights


def assert_reads(data: bytes, image: Image, first: int = 0) -> None:
    """The bytes hold the image's levels from number `first` on."""
    read = read_image(data)
    assert_fields(read, image, "layers", "levels")
    assert_equal_levels(read.levels, image.levels[first:])
    for layer, original, step in zip(read.layers, image.layers, image.levels[first].steps, strict=True):
        assert_fields(layer, original, "weights")
        assert layer.weights.dtype == original.weights.dtype
        np.testing.assert_array_equal(layer.weights, used(original, step.table))


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read(precision: str, data: st.DataObject) -> None:
    image = data.draw(images(precision))
    written = write_image(image)
    assert_reads(written, image)
    assert write_image(read_image(written)) == written


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_truncated_image_is_a_prefix_that_holds_the_smaller_levels(precision: str, data: st.DataObject) -> None:
    image = data.draw(images(precision))
    written = write_image(image)
    for number, level in enumerate(image.levels):
        cut = truncate(written, level.name)
        assert written.startswith(cut)
        assert_reads(cut, image, number)
        smallest = image.levels[-1].name
        assert truncate(cut, smallest) == truncate(written, smallest)
    assert truncate(written, image.levels[0].name) == written


@pytest.mark.parametrize("rule", BROKEN_RULES, ids=lambda rule: rule.name)
def test_every_broken_rule_is_refused_by_name(rule: BrokenRule) -> None:
    with pytest.raises(ProtocolError) as refused:
        read_image(rule.data())
    assert rule.message in refused.value.what
    assert refused.value.seen


def test_broken_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in BROKEN_RULES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_image_of_the_broken_rules_is_valid_itself(precision: str) -> None:
    image = small_image(precision)
    assert_reads(write_image(image), image)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_any_number_of_bytes_opens_the_levels_that_they_hold(precision: str) -> None:
    image = small_image(precision)
    data = write_image(image)
    ends = [len(truncate(data, level.name)) for level in image.levels]
    for length in range(ends[-1]):
        with pytest.raises(ProtocolError, match="truncated"):
            read_image(data[:length])
    near = {end + by for end in ends for by in (-1, 0, 1, 2)}
    for length in sorted(near.intersection(range(ends[-1], len(data) + 1))):
        there = [level.name for level, end in zip(image.levels, ends, strict=True) if end <= length]
        assert [level.name for level in read_image(data[:length]).levels] == there


@pytest.mark.parametrize("precision", PRECISIONS)
@given(position=st.integers(0, 10**9), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_every_flipped_bit_is_noticed(precision: str, position: int, bit: int) -> None:
    data = bytearray(write_image(small_image(precision)))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(ProtocolError):
        read_image(bytes(data))


@pytest.mark.parametrize("layout", [ROWS, TRANSPOSED, Layout("panels", 4)], ids=lambda layout: layout.name)
def test_weights_are_stored_once_for_all_levels(layout: Layout) -> None:
    one = write_image(make_image(0, "int8", [[64, 40, 10]], layout))
    two = write_image(make_image(0, "int8", [[64, 40, 10], [64, 40, 10]], layout))
    tables = image_format.LEVEL.itemsize + 2 * image_format.STEP.itemsize + 50 * image_format.CHANNEL["int8"].itemsize
    assert len(two) - len(one) == tables


def test_shells_leave_the_weights_that_a_level_adds_to_its_section() -> None:
    widths = [[64, 40, 8], [64, 20, 8], [64, 8, 8]]
    data = write_image(make_image(0, "int8", widths, SHELLS))
    ends = [len(truncate(data, f"L{i}")) for i in range(3)]
    for (larger, smaller), (end, start) in zip(itertools.pairwise(widths), itertools.pairwise(ends), strict=True):
        added = larger[1] - smaller[1]
        tables = 2 * image_format.STEP.itemsize + (larger[1] + 8) * image_format.CHANNEL["int8"].itemsize
        assert end - start == tables + added * (64 + 8)


@pytest.mark.parametrize("name", ["", "12345678", "a b", "é", "a\0b"])
def test_names_that_the_format_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="printable ASCII"):
        write_image(with_level_name(small_image("int8"), name))


def test_weights_of_another_type_are_refused() -> None:
    image = dataclasses.replace(small_image("float32"), precision="int8")
    with pytest.raises(ConfigError, match="int8"):
        write_image(image)


def test_a_truncated_image_cannot_be_written() -> None:
    cut = read_image(truncate(write_image(small_image("int8")), "L1"))
    with pytest.raises(ConfigError, match="weights of the whole network"):
        write_image(cut)


def test_a_first_level_that_is_not_the_whole_network_is_refused() -> None:
    image = make_image(0, "int8", [[6, 9, 3], [6, 5, 3]])
    with pytest.raises(ConfigError, match="whole network"):
        write_image(dataclasses.replace(image, levels=image.levels[1:]))


@pytest.mark.parametrize("layout", [Layout("panels"), Layout("panels", 65), Layout("rows", 4), Layout("diagonal")])
def test_layouts_that_the_format_does_not_know_are_refused(layout: Layout) -> None:
    with pytest.raises(ConfigError, match="layout"):
        write_image(make_image(0, "int8", [[6, 9, 3]], layout))


def test_numbers_that_a_field_cannot_hold_are_refused() -> None:
    image = small_image("int8")
    layer = dataclasses.replace(image.layers[0], before=(256, 0))
    with pytest.raises(ConfigError, match="pad_top"):
        write_image(dataclasses.replace(image, layers=(layer, *image.layers[1:])))


def test_a_level_to_cut_to_must_be_there() -> None:
    with pytest.raises(ConfigError, match="'50'"):
        truncate(write_image(small_image("int8")), "50")


def test_levels_are_found_by_name() -> None:
    image = small_image("int8")
    assert image.level("L1") == 1
    with pytest.raises(ConfigError, match="'50'"):
        image.level("50")


def test_inputs_are_quantised_half_away_from_zero_and_saturate() -> None:
    image = dataclasses.replace(small_image("int8"), input_scale=0.5, input_zero_point=10)
    real = np.array([[0.0, 0.25, -0.25, 0.74, 1000.0, -1000.0]], np.float32)
    np.testing.assert_array_equal(image.quantise_inputs(real), np.array([[10, 11, 9, 11, 127, -128]], np.int8))


def test_float32_inputs_and_outputs_pass_as_they_are() -> None:
    image = small_image("float32")
    values = np.array([[1.5, -2.0, 0.0, 1.0, 2.0, 3.0]], np.float32)
    np.testing.assert_array_equal(image.quantise_inputs(values), values)
    np.testing.assert_array_equal(image.dequantise_outputs(0, values), values)
