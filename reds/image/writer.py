"""From records to the bytes of a `.reds` image."""

from __future__ import annotations

import numpy as np

from reds.errors import ConfigError
from reds.image import format as image_format
from reds.image import packing
from reds.image.records import Image, Layer, Level, Step
from reds.image.sections import seal


class _Blob:
    """Bytes that grow: room for the tables first, then the sections, each block on a multiple of 4."""

    def __init__(self, reserved_bytes: int) -> None:
        self.bytes = bytearray(reserved_bytes)

    def append(self, block: bytes) -> int:
        """Offset of a copy of the block; 0 for one without bytes."""
        if not block:
            return 0
        offset = len(self.bytes)
        self.bytes += block + bytes(image_format.round_up(len(block)) - len(block))
        return offset


def _record(dtype: np.dtype, /, **values: object) -> np.ndarray:
    record = np.zeros((), dtype)
    for name, value in values.items():
        try:
            record[name] = value
        except OverflowError as error:
            raise ConfigError(f"the image format cannot hold this {name}", seen=str(value)) from error
    return record


def _weights_shape(layer: Layer) -> tuple[int, ...]:
    """Shape of the weights of the whole network."""
    if layer.kind in image_format.MATRIX_KINDS:
        return (layer.output_channels, *layer.kernel_size, layer.input_channels)
    return (*layer.kernel_size, layer.input_channels) if layer.kind == image_format.DEPTHWISE else (0,)


def _check_layer(index: int, precision: str, layer: Layer) -> None:
    packing.check_layout(layer.layout)
    if layer.kind in image_format.POOL_KINDS:
        return
    if layer.weights.dtype != image_format.ELEMENT[precision]:
        raise ConfigError(f"layer {index}: the weights of a {precision} image are {precision}", seen=str(layer.weights.dtype))
    if layer.weights.shape != _weights_shape(layer):
        raise ConfigError(
            f"layer {index}: an image is written from the weights of the whole network: {_weights_shape(layer)}",
            seen=str(layer.weights.shape),
            do="cut off the bytes of an image to get a smaller one",
        )


class _Layout:
    """One layer of an image in the layout of its weights."""

    def __init__(self, precision: str, index: int, layer: Layer, levels: tuple[Level, ...]) -> None:
        _check_layer(index, precision, layer)
        tables = [level.steps[index].table for level in reversed(levels)]
        self.precision, self.layer = precision, layer
        self.in_shells = layer.layout.name == image_format.SHELLS
        self.channels = tuple(table.input_channels for table in tables)
        self.outputs = tuple(table.output_channels for table in tables)
        if layer.kind in image_format.MATRIX_KINDS and (self.channels[-1], self.outputs[-1]) != (
            layer.input_channels,
            layer.output_channels,
        ):
            raise ConfigError(
                f"layer {index}: the first level must be the whole network",
                seen=f"{self.channels[-1]} inputs, {self.outputs[-1]} outputs",
            )

    def shared(self) -> bytes:
        """Weights that lie in the smallest level's section whatever the levels."""
        if self.layer.kind == image_format.DEPTHWISE:
            return packing.pack_depthwise(self.precision, self.layer.weights)
        if self.layer.kind in image_format.POOL_KINDS or self.in_shells:
            return b""
        return packing.pack(self.layer.layout, self.precision, self._matrix())

    def added(self, number: int) -> tuple[bytes, bytes]:
        """Columns and rows that a level adds, counted from the smallest."""
        if self.layer.kind not in image_format.MATRIX_KINDS or not self.in_shells:
            return b"", b""
        kernel_height, kernel_width = self.layer.kernel_size
        shells = packing.Shells(self.precision, kernel_height * kernel_width, self.channels, self.outputs)
        return shells.pack(number, self._matrix())

    def _matrix(self) -> np.ndarray:
        return packing.to_matrix(self.layer.weights, self.channels)


def _layer_record(blob: _Blob, laid: _Layout) -> np.ndarray:
    layer, weights = laid.layer, laid.shared()
    return _record(
        image_format.LAYER,
        kind=image_format.KINDS[layer.kind],
        activation=image_format.ACTIVATIONS[layer.activation],
        layout=image_format.LAYOUTS[layer.layout.name],
        panel_rows=layer.layout.panel_rows,
        input_height=layer.input_size[0],
        input_width=layer.input_size[1],
        output_height=layer.output_size[0],
        output_width=layer.output_size[1],
        kernel_height=layer.kernel_size[0],
        kernel_width=layer.kernel_size[1],
        stride_height=layer.strides[0],
        stride_width=layer.strides[1],
        pad_top=layer.before[0],
        pad_left=layer.before[1],
        input_channels=layer.input_channels,
        output_channels=layer.output_channels,
        weights_offset=blob.append(weights),
        weights_bytes=len(weights),
        negative_slope=layer.negative_slope,
    )


def _step_record(blob: _Blob, number: int, laid: _Layout, step: Step) -> np.ndarray:
    table, (columns, rows) = step.table, laid.added(number)
    channels = np.ascontiguousarray(table.channels, image_format.CHANNEL[laid.precision])
    return _record(
        image_format.STEP,
        input_channels=table.input_channels,
        output_channels=table.output_channels,
        channels_offset=blob.append(channels.tobytes()),
        input_zero_point=table.input_zero_point,
        output_zero_point=table.output_zero_point,
        clamp_min=table.clamp_min,
        clamp_max=table.clamp_max,
        input_offset=step.input_offset,
        output_offset=step.output_offset,
        table_offset=blob.append(np.ascontiguousarray(table.table, np.int8).tobytes()),
        columns_offset=blob.append(columns),
        rows_offset=blob.append(rows),
    )


def _name(name: str) -> bytes:
    encoded = name.encode("ascii", "replace")
    if not 1 <= len(name) <= image_format.NAME_CHARACTERS or any(not "!" <= character <= "~" for character in name):
        raise ConfigError(
            f"an image cannot hold a subnetwork named {name!r}",
            do=f"use 1 to {image_format.NAME_CHARACTERS} printable ASCII characters without spaces",
        )
    return encoded.ljust(image_format.NAME_CHARACTERS + 1, b"\0")


def _level_record(blob: _Blob, number: int, layers: list[_Layout], level: Level) -> np.ndarray:
    steps = [_step_record(blob, number, laid, step) for laid, step in zip(layers, level.steps, strict=True)]
    return _record(
        image_format.LEVEL,
        name=np.void(_name(level.name)),
        macs=level.macs,
        activation_bytes=level.activation_bytes,
        steps_offset=blob.append(b"".join(step.tobytes() for step in steps)),
        end_offset=len(blob.bytes),
        output_scale=level.output_scale,
        output_zero_point=level.output_zero_point,
    )


def write_image(image: Image) -> bytes:
    """The bytes of an image, from tables that are already quantised; level 0 must be the whole network.

    What is written is checked here no further than writing takes: `read_image` holds the rules.

    Raises:
        ConfigError: weights of another type or shape than the image states, or a name or number that the format cannot hold.
    """
    records_bytes = len(image.layers) * image_format.LAYER.itemsize + len(image.levels) * image_format.LEVEL.itemsize
    blob = _Blob(image_format.HEADER.itemsize + records_bytes)
    laid = [_Layout(image.precision, i, layer, image.levels) for i, layer in enumerate(image.layers)]
    layers = [_layer_record(blob, layer) for layer in laid]
    levels = [_level_record(blob, number, laid, level) for number, level in enumerate(reversed(image.levels))]
    header = _record(
        image_format.HEADER,
        magic=image_format.MAGIC,
        format_version=image_format.VERSION,
        header_bytes=image_format.HEADER.itemsize,
        image_bytes=len(blob.bytes),
        precision=image_format.PRECISIONS[image.precision],
        layer_count=len(layers),
        level_count=len(levels),
        input_elements=image.input_elements,
        output_elements=image.output_elements,
        tables_bytes=image_format.HEADER.itemsize + records_bytes,
        input_scale=image.input_scale,
        input_zero_point=image.input_zero_point,
    )
    tables = b"".join(record.tobytes() for record in (header, *layers, *reversed(levels)))
    blob.bytes[: len(tables)] = tables
    return seal(bytes(blob.bytes))
