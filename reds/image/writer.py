"""From records to the bytes of a `.reds` image."""

from __future__ import annotations

import zlib

import numpy as np

from reds.errors import ConfigError
from reds.image import format as layout
from reds.image.records import Image, Layer, Level, Step


class _Blob:
    """Bytes that grow: header, layer and level records first, then what they point at, each on a multiple of 4."""

    def __init__(self, reserved_bytes: int) -> None:
        self.bytes = bytearray(reserved_bytes)

    def append(self, block: bytes) -> int:
        """Offset of a copy of the block."""
        offset = len(self.bytes)
        self.bytes += block + bytes(layout.round_up(len(block)) - len(block))
        return offset


def _record(dtype: np.dtype, /, **values: object) -> np.ndarray:
    record = np.zeros((), dtype)
    for name, value in values.items():
        record[name] = value
    return record


def _padded_rows(precision: str, weights: np.ndarray) -> np.ndarray:
    outputs, inputs = weights.shape
    rows = np.zeros((outputs, layout.row_stride(precision, inputs)), layout.ELEMENT[precision])
    rows[:, :inputs] = weights
    return rows


def _layer_record(blob: _Blob, precision: str, layer: Layer) -> np.ndarray:
    if layer.weights.dtype != layout.ELEMENT[precision]:
        raise ConfigError(f"the weights of a {precision} image are {precision}", seen=str(layer.weights.dtype))
    outputs, inputs = layer.weights.shape
    rows = _padded_rows(precision, layer.weights)
    return _record(
        layout.LAYER,
        kind=layout.KINDS[layer.kind],
        activation=layout.ACTIVATIONS[layer.activation],
        layout=layout.ROW_MAJOR,
        inputs=inputs,
        outputs=outputs,
        weights_offset=blob.append(rows.tobytes()),
        weights_bytes=rows.nbytes,
        row_stride=rows.shape[1],
    )


def _step_record(blob: _Blob, precision: str, step: Step) -> np.ndarray:
    channels = np.ascontiguousarray(step.channels, layout.CHANNEL[precision])
    return _record(
        layout.STEP,
        inputs=step.inputs,
        outputs=step.outputs,
        channels_offset=blob.append(channels.tobytes()),
        output_zero_point=step.output_zero_point,
        clamp_min=step.clamp_min,
        clamp_max=step.clamp_max,
        input_offset=step.input_offset,
        output_offset=step.output_offset,
    )


def _name(name: str) -> bytes:
    encoded = name.encode("ascii", "replace")
    if not 1 <= len(name) <= layout.NAME_CHARACTERS or any(not "!" <= character <= "~" for character in name):
        raise ConfigError(
            f"an image cannot hold a subnetwork named {name!r}",
            do=f"use 1 to {layout.NAME_CHARACTERS} printable ASCII characters without spaces",
        )
    return encoded.ljust(layout.NAME_CHARACTERS + 1, b"\0")


def _level_record(blob: _Blob, precision: str, level: Level) -> np.ndarray:
    steps = [_step_record(blob, precision, step) for step in level.steps]
    return _record(
        layout.LEVEL,
        name=np.void(_name(level.name)),
        macs=level.macs,
        arena_bytes=level.arena_bytes,
        steps_offset=blob.append(b"".join(step.tobytes() for step in steps)),
        output_scale=level.output_scale,
        output_zero_point=level.output_zero_point,
    )


def seal(data: bytes) -> bytes:
    """The same image with the checksum that fits its bytes."""
    crc_offset = layout.HEADER.fields["crc32"][1]  # pyright: ignore[reportOptionalSubscript]
    crc = zlib.crc32(data[layout.CRC_START :]).to_bytes(4, "little")
    return data[:crc_offset] + crc + data[layout.CRC_START :]


def write_image(image: Image) -> bytes:
    """The bytes of an image, from tables that are already quantised.

    What is written is not checked here beyond types and names: `read_image` holds the rules.

    Raises:
        ConfigError: weights of another type than the precision, or a level name that the format cannot hold.
    """
    layers_offset = layout.HEADER.itemsize
    levels_offset = layers_offset + len(image.layers) * layout.LAYER.itemsize
    blob = _Blob(levels_offset + len(image.levels) * layout.LEVEL.itemsize)
    layers = [_layer_record(blob, image.precision, layer) for layer in image.layers]
    levels = [_level_record(blob, image.precision, level) for level in image.levels]
    header = _record(
        layout.HEADER,
        magic=layout.MAGIC,
        format_version=layout.VERSION,
        header_bytes=layout.HEADER.itemsize,
        image_bytes=len(blob.bytes),
        precision=layout.PRECISIONS[image.precision],
        layer_count=len(layers),
        level_count=len(levels),
        input_elements=image.input_elements,
        output_elements=image.output_elements,
        arena_bytes=image.arena_bytes,
        layers_offset=layers_offset,
        levels_offset=levels_offset,
        input_scale=image.input_scale,
        input_zero_point=image.input_zero_point,
    )
    tables = b"".join(record.tobytes() for record in (header, *layers, *levels))
    blob.bytes[: len(tables)] = tables
    return seal(bytes(blob.bytes))
