"""The records of a `.reds` image, version 1, as they lie in the file: the one home of the layout in Python.

docs/image-format.md says what each field means; targets/runtime/src/reds_image.h holds the same records for C, and a test
compares the two. All fields are little-endian; every record starts on a multiple of `ALIGNMENT` bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

MAGIC = b"REDS"
VERSION = 1
ALIGNMENT = 4
CRC_START = 16

MAX_LAYERS = 64
MAX_LEVELS = 32
MAX_ELEMENTS = 65535
NAME_CHARACTERS = 7

INT8_MIN, INT8_MAX = -128, 127
MIN_MULTIPLIER = 2**30  # unless it is 0
MIN_SHIFT, MAX_SHIFT = -31, 7
MAX_BIAS = 2**30  # in magnitude

FLOAT32, INT8 = "float32", "int8"
PRECISIONS: Mapping[str, int] = {FLOAT32: 0, INT8: 1}
KINDS: Mapping[str, int] = {"dense": 1}
ACTIVATIONS: Mapping[str, int] = {"none": 0, "relu": 1}
ROW_MAJOR = 0

HEADER = np.dtype(
    [
        ("magic", "S4"),
        ("format_version", "<u2"),
        ("header_bytes", "<u2"),
        ("image_bytes", "<u4"),
        ("crc32", "<u4"),
        ("precision", "u1"),
        ("layer_count", "u1"),
        ("level_count", "u1"),
        ("reserved_a", "u1"),
        ("input_elements", "<u4"),
        ("output_elements", "<u4"),
        ("arena_bytes", "<u4"),
        ("layers_offset", "<u4"),
        ("levels_offset", "<u4"),
        ("input_scale", "<f4"),
        ("input_zero_point", "<i4"),
        ("reserved_b", "u1", 16),
    ]
)

LAYER = np.dtype(
    [
        ("kind", "u1"),
        ("activation", "u1"),
        ("layout", "u1"),
        ("reserved_a", "u1"),
        ("inputs", "<u4"),
        ("outputs", "<u4"),
        ("weights_offset", "<u4"),
        ("weights_bytes", "<u4"),
        ("row_stride", "<u4"),
        ("reserved_b", "u1", 40),
    ]
)

LEVEL = np.dtype(
    [
        ("name", "V8"),
        ("macs", "<u4"),
        ("arena_bytes", "<u4"),
        ("steps_offset", "<u4"),
        ("output_scale", "<f4"),
        ("output_zero_point", "<i4"),
        ("reserved", "u1", 20),
    ]
)

STEP = np.dtype(
    [
        ("inputs", "<u4"),
        ("outputs", "<u4"),
        ("channels_offset", "<u4"),
        ("output_zero_point", "<i4"),
        ("clamp_min", "<i4"),
        ("clamp_max", "<i4"),
        ("input_offset", "<u4"),
        ("output_offset", "<u4"),
        ("reserved", "u1", 16),
    ]
)

CHANNEL: Mapping[str, np.dtype] = {
    FLOAT32: np.dtype([("scale", "<f4"), ("bias", "<f4")]),
    INT8: np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("shift", "<i4")]),
}

ELEMENT: Mapping[str, np.dtype] = {FLOAT32: np.dtype("<f4"), INT8: np.dtype("i1")}


def round_up(count: int, multiple: int = ALIGNMENT) -> int:
    """The smallest multiple of `multiple` that is at least `count`."""
    return -(-count // multiple) * multiple


def row_stride(precision: str, inputs: int) -> int:
    """Elements from one output's weights to the next's."""
    return round_up(inputs, ALIGNMENT // ELEMENT[precision].itemsize)


def activation_bytes(precision: str, elements: int) -> int:
    """Bytes of an activation buffer in the arena."""
    return round_up(elements * ELEMENT[precision].itemsize)
