"""The records of a `.reds` image, version 2, as they lie in the file: the one home of the layout in Python.

docs/image-format.md says what each field means; targets/runtime/src/reds_image.h holds the same records for C, and a test
compares the two. All fields are little-endian; every record starts on a multiple of `ALIGNMENT` bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

MAGIC = b"REDS"
VERSION = 2
ALIGNMENT = 4
CRC_START = 16  # the header's checksum covers the tables from here to their end

MAX_LAYERS = 64
MAX_LEVELS = 32
MAX_ELEMENTS = 2**24 - 1  # of a map
MAX_SIDE = 65535  # of a map or a window
MAX_CHANNELS = 65535
MAX_STRIDE = 255
MAX_PANEL_ROWS = 64
NAME_CHARACTERS = 7
TABLE_ENTRIES = 256  # of an int8 leaky ReLU

INT8_MIN, INT8_MAX = -128, 127
MAX_INT8_COLUMNS = 32767  # that one output sums over
MIN_MULTIPLIER = 2**30  # in magnitude, unless it is 0
MIN_SHIFT, MAX_SHIFT = -31, 7
MAX_BIAS = 2**29  # in magnitude

FLOAT32, INT8 = "float32", "int8"
PRECISIONS: Mapping[str, int] = {FLOAT32: 0, INT8: 1}
MAX_COLUMNS: Mapping[str, int] = {FLOAT32: MAX_ELEMENTS, INT8: MAX_INT8_COLUMNS}

DENSE, CONVOLUTION, DEPTHWISE = "dense", "convolution", "depthwise"
AVERAGE_POOL, MAX_POOL = "average_pool", "max_pool"
KINDS: Mapping[str, int] = {DENSE: 1, CONVOLUTION: 2, DEPTHWISE: 3, AVERAGE_POOL: 4, MAX_POOL: 5}
MATRIX_KINDS = frozenset({DENSE, CONVOLUTION})
POOL_KINDS = frozenset({AVERAGE_POOL, MAX_POOL})

LEAKY_RELU = "leaky_relu"
ACTIVATIONS: Mapping[str, int] = {"none": 0, "relu": 1, "relu6": 2, LEAKY_RELU: 3}

ROWS, TRANSPOSED, PANELS, SHELLS = "rows", "transposed", "panels", "shells"
LAYOUTS: Mapping[str, int] = {ROWS: 0, TRANSPOSED: 1, PANELS: 2, SHELLS: 3}

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
        ("tables_bytes", "<u4"),
        ("input_scale", "<f4"),
        ("input_zero_point", "<i4"),
        ("reserved_b", "u1", 24),
    ]
)

LAYER = np.dtype(
    [
        ("kind", "u1"),
        ("activation", "u1"),
        ("layout", "u1"),
        ("panel_rows", "u1"),
        ("input_height", "<u2"),
        ("input_width", "<u2"),
        ("output_height", "<u2"),
        ("output_width", "<u2"),
        ("kernel_height", "<u2"),
        ("kernel_width", "<u2"),
        ("stride_height", "u1"),
        ("stride_width", "u1"),
        ("pad_top", "u1"),
        ("pad_left", "u1"),
        ("input_channels", "<u4"),
        ("output_channels", "<u4"),
        ("weights_offset", "<u4"),
        ("weights_bytes", "<u4"),
        ("negative_slope", "<f4"),
        ("reserved", "u1", 24),
    ]
)

LEVEL = np.dtype(
    [
        ("name", "V8"),
        ("macs", "<u4"),
        ("activation_bytes", "<u4"),
        ("steps_offset", "<u4"),
        ("end_offset", "<u4"),
        ("crc32", "<u4"),
        ("output_scale", "<f4"),
        ("output_zero_point", "<i4"),
        ("reserved", "u1", 12),
    ]
)

STEP = np.dtype(
    [
        ("input_channels", "<u4"),
        ("output_channels", "<u4"),
        ("channels_offset", "<u4"),
        ("input_zero_point", "<i4"),
        ("output_zero_point", "<i4"),
        ("clamp_min", "<i4"),
        ("clamp_max", "<i4"),
        ("input_offset", "<u4"),
        ("output_offset", "<u4"),
        ("table_offset", "<u4"),
        ("columns_offset", "<u4"),
        ("rows_offset", "<u4"),
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


def block(precision: str) -> int:
    """Elements of weights that stay together, one word of them: 4 in int8, 1 in float32."""
    return ALIGNMENT // ELEMENT[precision].itemsize


def map_bytes(precision: str, elements: int) -> int:
    """Bytes of the arena that a map of activations takes."""
    return round_up(elements * ELEMENT[precision].itemsize)
