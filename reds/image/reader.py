"""From the bytes of a `.reds` image, whole or cut off behind a section, to records, by every rule of docs/image-format.md.

The rules are those of targets/runtime/src/reds_open.c: what one refuses, the other does. The message names the record, the field,
what it holds and what it may hold.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reds.image import format as image_format
from reds.image import packing
from reds.image.layer_reader import read_layer
from reds.image.level_reader import Block, check_whole, read_level
from reds.image.records import Image, Layer, Level, StepTable
from reds.image.rules import Opened, Record, Space, equal, in_range, known, quantisation, read_record, refuse

_PRECISIONS = {code: name for name, code in image_format.PRECISIONS.items()}


def _check_file(data: bytes) -> None:
    """What concerns the file as a whole, before any field is believed."""
    if data[: len(image_format.MAGIC)] != image_format.MAGIC[: len(data)]:
        refuse("this is not a .reds image: it does not begin with REDS", data[:8].hex(" "))
    if len(data) < image_format.HEADER.itemsize:
        refuse(f"the image is truncated: a header takes {image_format.HEADER.itemsize} bytes", f"{len(data)} bytes")
    header = np.frombuffer(data, image_format.HEADER, 1)[0]
    if header["format_version"] != image_format.VERSION:
        reads = f"this program reads {image_format.VERSION}"
        refuse("the image is of another version of the format", header["format_version"], reads)
    if header["header_bytes"] != image_format.HEADER.itemsize:
        refuse(f"header: header_bytes must be {image_format.HEADER.itemsize}", header["header_bytes"])
    if header["image_bytes"] % image_format.ALIGNMENT or header["image_bytes"] < len(data):
        rule = f"header: image_bytes must be the length of the whole image, a multiple of {image_format.ALIGNMENT}"
        refuse(rule, f"{header['image_bytes']}, and {len(data)} bytes")
    if header["tables_bytes"] > len(data):
        refuse("the image is truncated: not all of its tables are there", f"{len(data)} of {header['tables_bytes']} bytes")
    _check_crc("tables", data[image_format.CRC_START : header["tables_bytes"]], int(header["crc32"]))


def _check_crc(what: str, section: bytes, stated: int) -> None:
    crc = zlib.crc32(section)
    if crc != stated:
        refuse(f"the image is corrupt: the checksum of its {what} does not fit", f"{stated:08x}, computed {crc:08x}")


def _read_header(data: bytes) -> Record:
    header = read_record("header", data, image_format.HEADER, 0)
    precision = known("header", header, "precision", _PRECISIONS)
    in_range("header", header, "layer_count", 1, image_format.MAX_LAYERS)
    in_range("header", header, "level_count", 1, image_format.MAX_LEVELS)
    in_range("header", header, "input_elements", 1, image_format.MAX_ELEMENTS)
    in_range("header", header, "output_elements", 1, image_format.MAX_ELEMENTS)
    records_bytes = header["layer_count"] * image_format.LAYER.itemsize + header["level_count"] * image_format.LEVEL.itemsize
    equal("header", header, "tables_bytes", image_format.HEADER.itemsize + records_bytes, "the end of the level records")
    quantisation("header", precision, header, "input")
    return header


def _read_level_records(data: bytes, header: Record) -> list[tuple[str, Record]]:
    """The records of the levels whose sections are there, smallest first, with what messages call them."""
    there, start = [], header["tables_bytes"]
    for index in reversed(range(header["level_count"])):
        where = f"level {index}"
        offset = header["tables_bytes"] - (header["level_count"] - index) * image_format.LEVEL.itemsize
        end = int(np.frombuffer(data, image_format.LEVEL, 1, offset)[0]["end_offset"])
        if end <= start or end % image_format.ALIGNMENT:
            refuse(f"{where}: end_offset must be greater than {start}, a multiple of {image_format.ALIGNMENT}", end)
        if index == 0 and end != header["image_bytes"]:
            refuse(f"{where}: end_offset must be the end of the image ({header['image_bytes']})", end)
        if end <= len(data):
            record = read_record(where, data, image_format.LEVEL, offset)
            _check_crc(f"section of {where}", data[start:end], record["crc32"])
            there.append((where, record))
        start = end
    if not there:
        refuse("the image is truncated: not even the smallest level is there", f"{len(data)} bytes")
    return there


def _with_weights(precision: str, layer: Layer, shared: bytes, tables: Sequence[StepTable], blocks: Sequence[Block]) -> Layer:
    """The layer with the weights of the largest level that is there; tables and blocks of the levels, smallest first."""
    if layer.kind in image_format.POOL_KINDS:
        return replace(layer, weights=np.zeros(0, image_format.ELEMENT[precision]))
    channels = tuple(table.input_channels for table in tables)
    outputs = tuple(table.output_channels for table in tables)
    if layer.kind == image_format.DEPTHWISE:
        whole = packing.unpack_depthwise(precision, shared, layer.kernel_size, layer.input_channels)
        return replace(layer, weights=whole[..., : channels[-1]])
    positions = math.prod(layer.kernel_size)
    if layer.layout.name == image_format.SHELLS:
        matrix = packing.Shells(precision, positions, channels, outputs).unpack(blocks)
    else:
        columns = positions * layer.input_channels
        matrix = packing.unpack(layer.layout, precision, shared, layer.output_channels, columns)
    used = matrix[: outputs[-1], : positions * channels[-1]]
    return replace(layer, weights=packing.from_matrix(used, layer.kernel_size, channels))


def read_image(data: bytes) -> Image:
    """Read an image or the beginning of one: the levels whose sections are there, numbered from the largest of them.

    Weights are copied into canonical order; channel tables are read-only views of `data`.

    Raises:
        ProtocolError: the bytes are no image, corrupt, of another version, do not hold the smallest level, or break the
            rule that the message names.
    """
    _check_file(data)
    header = _read_header(data)
    opened = Opened(data, header, _PRECISIONS[header["precision"]])
    records = _read_level_records(data, header)
    section = Space("the smallest level's section", header["tables_bytes"], records[0][1]["end_offset"])
    bare = [read_layer(i, opened, section) for i in range(header["layer_count"])]
    layers = [layer for layer, _ in bare]
    levels: list[Level] = []
    blocks: list[list[Block]] = []
    for where, record in records:
        level, added = read_level(where, record, opened, layers, levels)
        levels.append(level)
        blocks.append(added)
    if len(levels) == header["level_count"]:
        check_whole("level 0", layers, levels[-1])
    return Image(
        precision=opened.precision,
        input_elements=header["input_elements"],
        output_elements=header["output_elements"],
        input_scale=header["input_scale"],
        input_zero_point=header["input_zero_point"],
        layers=tuple(
            _with_weights(
                opened.precision,
                layer,
                shared,
                [level.steps[index].table for level in levels],
                [added[index] for added in blocks],
            )
            for index, (layer, shared) in enumerate(bare)
        ),
        levels=tuple(reversed(levels)),
    )
