"""Writer and reader of `.reds` images."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import ConfigError, ProtocolError
from reds.image import Image, read_image, write_image
from reds.image import format as layout
from tests.reds.broken_rules import BROKEN_RULES, BrokenRule
from tests.reds.image_examples import PRECISIONS, images, make_image, small_image, with_level_name


def assert_equal(read: Image, written: Image) -> None:
    for field in ("precision", "input_elements", "output_elements", "input_scale", "input_zero_point", "arena_bytes"):
        assert getattr(read, field) == getattr(written, field)
    for layer, original in zip(read.layers, written.layers, strict=True):
        assert (layer.kind, layer.activation) == (original.kind, original.activation)
        np.testing.assert_array_equal(layer.weights, original.weights)
    for level, original in zip(read.levels, written.levels, strict=True):
        for field in ("name", "macs", "arena_bytes", "output_scale", "output_zero_point"):
            assert getattr(level, field) == getattr(original, field)
        for step, original_step in zip(level.steps, original.steps, strict=True):
            for field in ("inputs", "outputs", "input_offset", "output_offset", "output_zero_point", "clamp_min", "clamp_max"):
                assert getattr(step, field) == getattr(original_step, field)
            np.testing.assert_array_equal(step.channels, original_step.channels)


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(precision: str, data: st.DataObject) -> None:
    image = data.draw(images(precision))
    written = write_image(image)
    read = read_image(written)
    assert_equal(read, image)
    assert write_image(read) == written


@pytest.mark.parametrize("rule", BROKEN_RULES, ids=lambda rule: rule.name)
def test_every_broken_rule_is_refused_by_name(rule: BrokenRule) -> None:
    with pytest.raises(ProtocolError) as refused:
        read_image(rule.data())
    assert rule.message in refused.value.what
    assert refused.value.seen


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_truncation_is_refused(precision: str) -> None:
    data = write_image(small_image(precision))
    for length in range(len(data)):
        with pytest.raises(ProtocolError, match="truncated"):
            read_image(data[:length])


@pytest.mark.parametrize("precision", PRECISIONS)
@given(position=st.integers(0, 10**9), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_every_flipped_bit_is_noticed(precision: str, position: int, bit: int) -> None:
    data = bytearray(write_image(small_image(precision)))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(ProtocolError):
        read_image(bytes(data))


def test_weights_are_stored_once_for_all_levels() -> None:
    one = write_image(make_image(0, "int8", [[64, 40, 10]]))
    two = write_image(make_image(0, "int8", [[64, 40, 10], [64, 40, 10]]))
    tables = layout.LEVEL.itemsize + 2 * layout.STEP.itemsize + 50 * layout.CHANNEL["int8"].itemsize
    assert len(two) - len(one) == tables


def test_the_arena_holds_the_largest_input_and_output_together() -> None:
    image = make_image(0, "float32", [[10, 30, 20, 5], [10, 4, 20, 5]])
    assert [level.arena_bytes for level in image.levels] == [4 * 50, 4 * 25]
    assert image.arena_bytes == 200


@pytest.mark.parametrize("name", ["", "12345678", "a b", "é", "a\0b"])
def test_names_that_the_format_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="printable ASCII"):
        write_image(with_level_name(small_image("int8"), name))


def test_weights_of_another_type_are_refused() -> None:
    image = dataclasses.replace(small_image("float32"), precision="int8")
    with pytest.raises(ConfigError, match="int8"):
        write_image(image)


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
