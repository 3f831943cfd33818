"""From the bytes of a `.reds` image to records, after checking every rule of docs/image-format.md.

The rules are those of targets/runtime/src/reds_open.c, in the same order: what one refuses, the other does. The message names the
record, the field, what it holds and what it may hold.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from reds.errors import ProtocolError
from reds.image import format as layout
from reds.image.records import Image, Layer, Level, Step

_KINDS = {code: name for name, code in layout.KINDS.items()}
_ACTIVATIONS = {code: name for name, code in layout.ACTIVATIONS.items()}
_PRECISIONS = {code: name for name, code in layout.PRECISIONS.items()}
_RESERVED = ("reserved", "reserved_a", "reserved_b")

Record = Mapping[str, Any]


def _refuse(what: str, seen: object, do: str | None = None) -> NoReturn:
    raise ProtocolError(what, seen=str(seen), do=do)


def _in_range(where: str, record: Record, field: str, low: int, high: int) -> None:
    if not low <= record[field] <= high:
        _refuse(f"{where}: {field} must be {low}..{high}", record[field])


def _equal(where: str, record: Record, field: str, value: float) -> None:
    if record[field] != value:
        _refuse(f"{where}: {field} must be {value}", record[field])


def _known(where: str, record: Record, field: str, known: Mapping[int, str]) -> str:
    if record[field] not in known:
        valid = ", ".join(f"{code} {name}" for code, name in known.items())
        _refuse(f"{where}: this program knows no such {field}", record[field], do=f"known: {valid}")
    return known[record[field]]


@dataclass(frozen=True)
class _Space:
    """What offsets point into."""

    name: str
    length: int


def _fits(where: str, record: Record, field: str, length: int, space: _Space) -> None:
    if record[field] % layout.ALIGNMENT:
        _refuse(f"{where}: {field} must be a multiple of {layout.ALIGNMENT}", record[field])
    if record[field] + length > space.length:
        _refuse(f"{where}: {length} bytes at {field} do not fit in {space.name}", f"{record[field]} of {space.length} bytes")


def _quantisation(where: str, precision: str, record: Record, prefix: str) -> None:
    scale, zero_point = f"{prefix}_scale", f"{prefix}_zero_point"
    if precision == layout.FLOAT32:
        _equal(where, record, scale, 1.0)
        _equal(where, record, zero_point, 0)
        return
    if not (record[scale] > 0 and np.isfinite(record[scale])):
        _refuse(f"{where}: {scale} must be positive and finite", record[scale])
    _in_range(where, record, zero_point, layout.INT8_MIN, layout.INT8_MAX)


def _read_record(where: str, data: bytes, dtype: np.dtype, offset: int) -> Record:
    """One record as Python values; its reserved bytes must be zero."""
    array = np.frombuffer(data, dtype, 1, offset)[0]
    names = dtype.names or ()
    for name in _RESERVED:
        if name in names and np.any(array[name]):
            _refuse(f"{where}: reserved bytes must be zero", np.atleast_1d(array[name]).tobytes().hex())
    return {name: array[name].item() for name in names if name not in _RESERVED}


def _check_file(data: bytes) -> None:
    """What concerns the file as a whole, before any field is believed."""
    if data[: len(layout.MAGIC)] != layout.MAGIC[: len(data)]:
        _refuse("this is not a .reds image: it does not begin with REDS", data[:8].hex(" "))
    if len(data) < layout.HEADER.itemsize:
        _refuse(f"the image is truncated: a header takes {layout.HEADER.itemsize} bytes", f"{len(data)} bytes")
    header = np.frombuffer(data, layout.HEADER, 1)[0]
    if header["format_version"] != layout.VERSION:
        _refuse("the image is of another version of the format", header["format_version"], f"this program reads {layout.VERSION}")
    if header["header_bytes"] != layout.HEADER.itemsize:
        _refuse(f"header: header_bytes must be {layout.HEADER.itemsize}", header["header_bytes"])
    if header["image_bytes"] > len(data):
        _refuse("the image is truncated", f"{len(data)} of {header['image_bytes']} bytes")
    if header["image_bytes"] != len(data) or len(data) % layout.ALIGNMENT:
        rule = f"header: image_bytes must be the length of the image, a multiple of {layout.ALIGNMENT}"
        _refuse(rule, f"{header['image_bytes']}, and {len(data)} bytes")
    crc = zlib.crc32(data[layout.CRC_START :])
    if header["crc32"] != crc:
        _refuse("the image is corrupt: its checksum does not fit", f"{header['crc32']:08x}, computed {crc:08x}")


def _check_header(data: bytes) -> Record:
    header = _read_record("header", data, layout.HEADER, 0)
    precision, space = _known("header", header, "precision", _PRECISIONS), _Space("the image", len(data))
    _in_range("header", header, "layer_count", 1, layout.MAX_LAYERS)
    _in_range("header", header, "level_count", 1, layout.MAX_LEVELS)
    _in_range("header", header, "input_elements", 1, layout.MAX_ELEMENTS)
    _in_range("header", header, "output_elements", 1, layout.MAX_ELEMENTS)
    _fits("header", header, "layers_offset", header["layer_count"] * layout.LAYER.itemsize, space)
    _fits("header", header, "levels_offset", header["level_count"] * layout.LEVEL.itemsize, space)
    _quantisation("header", precision, header, "input")
    return header


def _check_int8_channels(where: str, channels: np.ndarray) -> None:
    multiplier, shift, bias = channels["multiplier"], channels["shift"], channels["bias"].astype(np.int64)
    rules = {
        f"multiplier must be 0 or at least {layout.MIN_MULTIPLIER}": (multiplier != 0) & (multiplier < layout.MIN_MULTIPLIER),
        f"shift must be {layout.MIN_SHIFT}..{layout.MAX_SHIFT}": (shift < layout.MIN_SHIFT) | (shift > layout.MAX_SHIFT),
        f"bias must be at most {layout.MAX_BIAS} in magnitude": np.abs(bias) > layout.MAX_BIAS,
    }
    for rule, broken in rules.items():
        if broken.any():
            channel = int(np.argmax(broken))
            _refuse(f"{where}, channel {channel}: {rule}", channels[channel])


def _check_int8_step(where: str, record: Record, channels: np.ndarray) -> None:
    _in_range(where, record, "output_zero_point", layout.INT8_MIN, layout.INT8_MAX)
    _in_range(where, record, "clamp_max", layout.INT8_MIN, layout.INT8_MAX)
    _in_range(where, record, "clamp_min", layout.INT8_MIN, record["clamp_max"])
    _check_int8_channels(where, channels)


def _check_float32_step(where: str, record: Record, _: np.ndarray) -> None:
    for field in ("output_zero_point", "clamp_min", "clamp_max"):
        _equal(where, record, field, 0)


_STEP_RULES: Mapping[str, Callable[[str, Record, np.ndarray], None]] = {
    layout.FLOAT32: _check_float32_step,
    layout.INT8: _check_int8_step,
}


def _read_name(where: str, field: bytes) -> str:
    name = field.rstrip(b"\0")
    if not 1 <= len(name) <= layout.NAME_CHARACTERS or any(not 0x21 <= byte <= 0x7E for byte in name):
        _refuse(f"{where}: name must be 1 to {layout.NAME_CHARACTERS} printable ASCII characters, then NULs", field)
    return name.decode("ascii")


def _check_chain(where: str, steps: tuple[Step, ...], header: Record) -> None:
    inputs, input_offset = header["input_elements"], steps[0].input_offset
    for index, step in enumerate(steps):
        if (step.inputs, step.input_offset) != (inputs, input_offset):
            rule = f"{where}, step {index}: it must read what comes before it: {inputs} elements at {input_offset}"
            _refuse(rule, f"{step.inputs} at {step.input_offset}")
        inputs, input_offset = step.outputs, step.output_offset
    if inputs != header["output_elements"]:
        _refuse(f"{where}: its last step must have output_elements ({header['output_elements']}) outputs", inputs)


def _check_whole(where: str, steps: tuple[Step, ...], layers: tuple[Layer, ...]) -> None:
    for index, (step, layer) in enumerate(zip(steps, layers, strict=True)):
        outputs, inputs = layer.weights.shape
        if (step.inputs, step.outputs) != (inputs, outputs):
            rule = f"{where}, step {index}: the first level must be the whole network: {inputs} inputs, {outputs} outputs"
            _refuse(rule, f"{step.inputs} inputs, {step.outputs} outputs")


class _Reader:
    """An image whose header holds the rules."""

    def __init__(self, data: bytes, header: Record) -> None:
        self.data = data
        self.header = header
        self.precision = _PRECISIONS[header["precision"]]
        self.space = _Space("the image", len(data))

    def layer(self, index: int) -> Layer:
        where = f"layer {index}"
        record = _read_record(where, self.data, layout.LAYER, self.header["layers_offset"] + index * layout.LAYER.itemsize)
        kind = _known(where, record, "kind", _KINDS)
        _known(where, record, "layout", {layout.ROW_MAJOR: "row-major prefix"})
        _in_range(where, record, "inputs", 1, layout.MAX_ELEMENTS)
        _in_range(where, record, "outputs", 1, layout.MAX_ELEMENTS)
        activation = _known(where, record, "activation", _ACTIVATIONS)
        element, stride = layout.ELEMENT[self.precision], layout.row_stride(self.precision, record["inputs"])
        _equal(where, record, "row_stride", stride)
        _equal(where, record, "weights_bytes", record["outputs"] * stride * element.itemsize)
        _fits(where, record, "weights_offset", record["weights_bytes"], self.space)
        rows = np.frombuffer(self.data, element, record["outputs"] * stride, record["weights_offset"])
        return Layer(kind, activation, rows.reshape(record["outputs"], stride)[:, : record["inputs"]])

    def levels(self, layers: tuple[Layer, ...]) -> Iterator[Level]:
        names: set[str] = set()
        for index in range(self.header["level_count"]):
            level = self.level(index, layers, names)
            if index == 0:
                _check_whole("level 0", level.steps, layers)
            names.add(level.name)
            yield level

    def level(self, index: int, layers: tuple[Layer, ...], names: Set[str]) -> Level:
        where = f"level {index}"
        record = _read_record(where, self.data, layout.LEVEL, self.header["levels_offset"] + index * layout.LEVEL.itemsize)
        name = _read_name(where, record["name"])
        if name in names:
            _refuse(f"{where}: name must be that of no other level", name)
        if record["arena_bytes"] % layout.ALIGNMENT:
            _refuse(f"{where}: arena_bytes must be a multiple of {layout.ALIGNMENT}", record["arena_bytes"])
        _fits(where, record, "steps_offset", len(layers) * layout.STEP.itemsize, self.space)
        _quantisation(where, self.precision, record, "output")
        arena = _Space("the level's arena", record["arena_bytes"])
        steps = tuple(
            self.step(f"{where}, step {i}", record["steps_offset"] + i * layout.STEP.itemsize, layer, arena)
            for i, layer in enumerate(layers)
        )
        _check_chain(where, steps, self.header)
        return Level(name, record["macs"], record["arena_bytes"], record["output_scale"], record["output_zero_point"], steps)

    def step(self, where: str, offset: int, layer: Layer, arena: _Space) -> Step:
        record = _read_record(where, self.data, layout.STEP, offset)
        outputs, inputs = layer.weights.shape
        _in_range(where, record, "inputs", 1, inputs)
        _in_range(where, record, "outputs", 1, outputs)
        channel = layout.CHANNEL[self.precision]
        _fits(where, record, "channels_offset", record["outputs"] * channel.itemsize, self.space)
        input_bytes = layout.activation_bytes(self.precision, record["inputs"])
        output_bytes = layout.activation_bytes(self.precision, record["outputs"])
        _fits(where, record, "input_offset", input_bytes, arena)
        _fits(where, record, "output_offset", output_bytes, arena)
        reads, writes = record["input_offset"], record["output_offset"]
        if reads < writes + output_bytes and writes < reads + input_bytes:
            _refuse(f"{where}: input and output must not overlap in the arena", f"{reads}+{input_bytes}, {writes}+{output_bytes}")
        channels = np.frombuffer(self.data, channel, record["outputs"], record["channels_offset"])
        _STEP_RULES[self.precision](where, record, channels)
        return Step(
            inputs=record["inputs"],
            channels=channels,
            input_offset=reads,
            output_offset=writes,
            output_zero_point=record["output_zero_point"],
            clamp_min=record["clamp_min"],
            clamp_max=record["clamp_max"],
        )


def read_image(data: bytes) -> Image:
    """Read an image in place: weights and channel tables are read-only views of `data`.

    Raises:
        ProtocolError: the bytes are no image, truncated, corrupt, of another version, or break the rule that the message names.
    """
    _check_file(data)
    header = _check_header(data)
    reader = _Reader(data, header)
    layers = tuple(reader.layer(i) for i in range(header["layer_count"]))
    image = Image(
        precision=reader.precision,
        input_elements=header["input_elements"],
        output_elements=header["output_elements"],
        input_scale=header["input_scale"],
        input_zero_point=header["input_zero_point"],
        layers=layers,
        levels=tuple(reader.levels(layers)),
    )
    if header["arena_bytes"] != image.arena_bytes:
        _refuse(f"header: arena_bytes must be the largest of the levels' ({image.arena_bytes})", header["arena_bytes"])
    return image
