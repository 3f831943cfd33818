"""Level, step and channel records: what they must say, and what they are. Levels are read smallest first, as sections lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.image import buffers, packing
from reds.image import format as image_format
from reds.image.records import Layer, Level, Step, StepTable
from reds.image.rules import Opened, Record, Space, equal, fits, in_range, quantisation, read_record, refuse

Block = tuple[bytes, bytes]


@dataclass(frozen=True)
class _Context:
    """What a step is read against.

    Attributes:
        data: the image.
        precision: of the image.
        section: what the level's offsets point into: its own section and all before it.
        arena: the level's activations.
    """

    data: bytes
    precision: str
    section: Space
    arena: Space

    def block(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def _read_name(where: str, field: bytes, smaller: Sequence[Level]) -> str:
    encoded = field.rstrip(b"\0")
    if not 1 <= len(encoded) <= image_format.NAME_CHARACTERS or any(not 0x21 <= byte <= 0x7E for byte in encoded):
        refuse(f"{where}: name must be 1 to {image_format.NAME_CHARACTERS} printable ASCII characters, then NULs", field)
    name = encoded.decode("ascii")
    if name in (level.name for level in smaller):
        refuse(f"{where}: name must be that of no other level", name)
    return name


def _check_channels(where: str, layer: Layer, smaller: StepTable | None, record: Record) -> None:
    for end in ("input", "output"):
        field = f"{end}_channels"
        in_range(where, record, field, 1, getattr(layer, field))
        if smaller is not None and record[field] < getattr(smaller, field):
            rule = f"{where}: {field} must be at least those of the next smaller level ({getattr(smaller, field)})"
            refuse(rule, record[field])
    if layer.kind not in image_format.MATRIX_KINDS:
        equal(where, record, "output_channels", record["input_channels"], f"as in every {layer.kind} layer")


def _check_range(where: str, precision: str, record: Record) -> None:
    if precision == image_format.FLOAT32:
        for field in ("input_zero_point", "output_zero_point", "clamp_min", "clamp_max"):
            equal(where, record, field, 0)
        return
    lowest, highest = image_format.INT8_MIN, image_format.INT8_MAX
    for field in ("input_zero_point", "output_zero_point", "clamp_max"):
        in_range(where, record, field, lowest, highest)
    in_range(where, record, "clamp_min", lowest, record["clamp_max"])


def _check_buffers(where: str, layer: Layer, record: Record, context: _Context) -> None:
    reads, writes = record["input_offset"], record["output_offset"]
    input_bytes = buffers.input_bytes(context.precision, layer, record["input_channels"])
    output_bytes = buffers.output_bytes(context.precision, layer, record["output_channels"])
    fits(where, record, "input_offset", input_bytes, context.arena)
    fits(where, record, "output_offset", output_bytes, context.arena)
    lag = buffers.lag(context.precision, layer, record["input_channels"], record["output_channels"])
    apart = reads + input_bytes <= writes or writes + output_bytes <= reads
    if not apart and writes + lag > reads:
        rule = f"{where}: the output must not overlap the input in the arena, or run at least {lag} bytes behind it"
        refuse(rule, f"input {reads}+{input_bytes}, output {writes}+{output_bytes}")


def _check_int8_channels(where: str, channels: np.ndarray) -> None:
    shift = channels["shift"]
    multiplier, bias = (np.abs(channels[field].astype(np.int64)) for field in ("multiplier", "bias"))
    lowest, highest = image_format.MIN_MULTIPLIER, 2 * image_format.MIN_MULTIPLIER - 1
    rules = {
        f"multiplier must be 0 or {lowest}..{highest} in magnitude": (multiplier != 0)
        & ((multiplier < lowest) | (multiplier > highest)),
        f"shift must be {image_format.MIN_SHIFT}..{image_format.MAX_SHIFT}": (shift < image_format.MIN_SHIFT)
        | (shift > image_format.MAX_SHIFT),
        f"bias must be at most {image_format.MAX_BIAS} in magnitude": bias > image_format.MAX_BIAS,
    }
    for rule, broken in rules.items():
        if broken.any():
            channel = int(np.argmax(broken))
            refuse(f"{where}, channel {channel}: {rule}", channels[channel])


def _read_channels(where: str, layer: Layer, record: Record, context: _Context) -> np.ndarray:
    channel = image_format.CHANNEL[context.precision]
    if layer.kind in image_format.POOL_KINDS:
        equal(where, record, "channels_offset", 0, "as in every pooling layer")
        return np.zeros(0, channel)
    fits(where, record, "channels_offset", record["output_channels"] * channel.itemsize, context.section)
    channels = np.frombuffer(context.data, channel, record["output_channels"], record["channels_offset"])
    if context.precision == image_format.INT8:
        _check_int8_channels(where, channels)
    return channels


def _read_table(where: str, layer: Layer, record: Record, context: _Context) -> np.ndarray:
    if layer.activation != image_format.LEAKY_RELU or context.precision != image_format.INT8:
        equal(where, record, "table_offset", 0, "without an int8 leaky ReLU")
        return np.zeros(0, np.int8)
    fits(where, record, "table_offset", image_format.TABLE_ENTRIES, context.section)
    return np.frombuffer(context.data, np.int8, image_format.TABLE_ENTRIES, record["table_offset"])


def _read_block(where: str, layer: Layer, smaller: Sequence[StepTable], record: Record, context: _Context) -> Block:
    """Columns and rows that the level adds in the layout shells."""
    columns_bytes = rows_bytes = 0
    if layer.layout.name == image_format.SHELLS:
        channels = (*(table.input_channels for table in smaller), record["input_channels"])
        outputs = (*(table.output_channels for table in smaller), record["output_channels"])
        shells = packing.Shells(context.precision, math.prod(layer.kernel_size), channels, outputs)
        columns_bytes, rows_bytes = shells.sizes(len(smaller))
    for field, length in (("columns_offset", columns_bytes), ("rows_offset", rows_bytes)):
        if length:
            fits(where, record, field, length, context.section)
        else:
            equal(where, record, field, 0, "where a level adds none")
    return context.block(record["columns_offset"], columns_bytes), context.block(record["rows_offset"], rows_bytes)


def _read_step(where: str, offset: int, layer: Layer, smaller: Sequence[StepTable], context: _Context) -> tuple[Step, Block]:
    record = read_record(where, context.data, image_format.STEP, offset)
    _check_channels(where, layer, smaller[-1] if smaller else None, record)
    _check_range(where, context.precision, record)
    _check_buffers(where, layer, record, context)
    table = StepTable(
        input_channels=record["input_channels"],
        output_channels=record["output_channels"],
        channels=_read_channels(where, layer, record, context),
        input_zero_point=record["input_zero_point"],
        output_zero_point=record["output_zero_point"],
        clamp_min=record["clamp_min"],
        clamp_max=record["clamp_max"],
        table=_read_table(where, layer, record, context),
    )
    block = _read_block(where, layer, smaller, record, context)
    return Step(table, record["input_offset"], record["output_offset"]), block


def _check_chain(where: str, layers: Sequence[Layer], steps: Sequence[Step], header: Record) -> None:
    """Every step reads what the one before wrote; the ends are those of the header."""
    first, last = steps[0].table.input_channels, steps[-1].table.output_channels
    elements = math.prod(layers[0].input_size) * first
    if elements != header["input_elements"]:
        refuse(f"{where}, step 0: it must read input_elements ({header['input_elements']}) elements", elements)
    for index in range(1, len(steps)):
        before, layer = layers[index - 1], layers[index]
        size = (1, math.prod(before.output_size)) if layer.kind == image_format.DENSE else before.output_size
        wrote = (*size, steps[index - 1].table.output_channels, steps[index - 1].output_offset)
        reads = (*layer.input_size, steps[index].table.input_channels, steps[index].input_offset)
        if wrote != reads:
            rule = f"{where}, step {index}: it must read what the step before wrote: height, width, channels, offset {wrote}"
            refuse(rule, reads)
    elements = math.prod(layers[-1].output_size) * last
    if elements != header["output_elements"]:
        refuse(f"{where}: its last step must write output_elements ({header['output_elements']}) elements", elements)


def check_whole(where: str, layers: Sequence[Layer], level: Level) -> None:
    """The level must use every channel of every layer."""
    for index, (layer, step) in enumerate(zip(layers, level.steps, strict=True)):
        whole, used = (layer.input_channels, layer.output_channels), (step.table.input_channels, step.table.output_channels)
        if used != whole:
            refuse(f"{where}, step {index}: the first level must be the whole network: channels {whole}", used)


def read_level(
    where: str, record: Record, image: Opened, layers: Sequence[Layer], smaller: Sequence[Level]
) -> tuple[Level, list[Block]]:
    """The level of a record, and of each layer the columns and rows that it adds in the layout shells.

    Args:
        where: what messages call the level.
        record: the level's record, whose section lies in the image.
        image: its header has been checked.
        layers: of the image.
        smaller: the levels that have been read, smallest first.

    Raises:
        ProtocolError: a rule is broken.
    """
    name = _read_name(where, record["name"], smaller)
    quantisation(where, image.precision, record, "output")
    if record["activation_bytes"] % image_format.ALIGNMENT:
        refuse(f"{where}: activation_bytes must be a multiple of {image_format.ALIGNMENT}", record["activation_bytes"])
    section = Space("the level's section and those before it", image.header["tables_bytes"], record["end_offset"])
    fits(where, record, "steps_offset", len(layers) * image_format.STEP.itemsize, section)
    arena = Space("the level's activations", 0, record["activation_bytes"])
    context = _Context(image.data, image.precision, section, arena)
    steps, blocks = [], []
    for index, layer in enumerate(layers):
        offset = record["steps_offset"] + index * image_format.STEP.itemsize
        tables = [level.steps[index].table for level in smaller]
        step, block = _read_step(f"{where}, step {index}", offset, layer, tables, context)
        steps.append(step)
        blocks.append(block)
    _check_chain(where, layers, steps, image.header)
    scale, zero_point = record["output_scale"], record["output_zero_point"]
    return Level(name, record["macs"], record["activation_bytes"], scale, zero_point, tuple(steps)), blocks
