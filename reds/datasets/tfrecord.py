"""Record files as TensorFlow writes them, and the `tf.train.Example` messages in them, read without TensorFlow.

A record is its length (64 bits), the length's checksum, the data, and the data's checksum, all little-endian. An Example is a
protocol buffer: a map from names to lists of bytes, floats or integers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from reds.datasets.crc32c import crc32c, masked
from reds.errors import ProtocolError

HEADER = struct.Struct("<QI")
FOOTER = struct.Struct("<I")
LARGEST_RECORD_BYTES = 1 << 26
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_BYTES_LIST, _INT64_LIST = 1, 3


@dataclass(frozen=True)
class Place:
    """Where the data of a record lie: `length_bytes` from `offset_bytes` in a file."""

    path: Path
    offset_bytes: int
    length_bytes: int

    def read(self) -> bytes:
        """The data; checked when the record was found."""
        with self.path.open("rb") as file:
            file.seek(self.offset_bytes)
            return file.read(self.length_bytes)


def records(path: Path) -> Iterator[tuple[Place, bytes]]:
    """The records of a file: where each lies, and its data.

    Raises:
        ProtocolError: a length or a checksum is wrong, or the file ends within a record.
    """
    with path.open("rb") as file:
        while True:
            offset = file.tell()
            header = file.read(HEADER.size)
            if not header:
                return
            if len(header) < HEADER.size:
                raise _damaged(path, offset, "it ends within a record")
            length, checksum = HEADER.unpack(header)
            if masked(crc32c(header[:8])) != checksum or length > LARGEST_RECORD_BYTES:
                raise _damaged(
                    path, offset, "the checksum of the length is wrong" if length <= LARGEST_RECORD_BYTES else "too long"
                )
            yield Place(path, offset + HEADER.size, length), _data(file, path, offset, length)


def _data(file: BinaryIO, path: Path, offset: int, length: int) -> bytes:
    data, footer = file.read(length), file.read(FOOTER.size)
    if len(data) < length or len(footer) < FOOTER.size:
        raise _damaged(path, offset, "it ends within a record")
    if masked(crc32c(data)) != FOOTER.unpack(footer)[0]:
        raise _damaged(path, offset, "the checksum of the data is wrong")
    return data


def _damaged(path: Path, offset: int, seen: str) -> ProtocolError:
    return ProtocolError(f"{path} is damaged", seen=f"{seen}, at byte {offset:,}")


@dataclass(frozen=True)
class Example:
    """The lists of an Example that hold bytes or integers, by name."""

    texts: dict[str, list[bytes]]
    integers: dict[str, list[int]]


def parse_example(data: bytes) -> Example:
    """The message in a record.

    Raises:
        ProtocolError: it is none.
    """
    example = Example({}, {})
    try:
        for features in _messages(data, 1):
            for entry in _messages(features, 1):
                name = b"".join(_messages(entry, 1)).decode()
                for feature in _messages(entry, 2):
                    for texts in _messages(feature, _BYTES_LIST):
                        example.texts.setdefault(name, []).extend(_messages(texts, 1))
                    for integers in _messages(feature, _INT64_LIST):
                        example.integers.setdefault(name, []).extend(_integers(integers))
    except (ValueError, IndexError) as error:
        raise ProtocolError("a record holds no tf.train.Example", seen=str(error)) from error
    return example


def _messages(data: bytes, number: int) -> list[bytes]:
    """The fields of this number that have a length."""
    return [value for field, value in _fields(data) if field == number and isinstance(value, bytes)]


def _integers(data: bytes) -> list[int]:
    """The int64 values of an Int64List, packed or not."""
    values: list[int] = []
    for field, value in _fields(data):
        if field != 1:
            continue
        if isinstance(value, int):
            values.append(value)
            continue
        position = 0
        while position < len(value):
            integer, position = _varint(value, position)
            values.append(integer)
    return [value - (1 << 64) if value >= 1 << 63 else value for value in values]


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field: bytes of what has a length, integers of what is one."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
        elif kind in {_LENGTH, _FIXED64, _FIXED32}:
            length, position = _varint(data, position) if kind == _LENGTH else ({_FIXED64: 8, _FIXED32: 4}[kind], position)
            if length > len(data) - position:
                raise ValueError(f"a field of {length} bytes where {len(data) - position} are left")
            value, position = data[position : position + length], position + length
        else:
            raise ValueError(f"a field of unknown kind {kind}")
        yield key >> 3, value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """An unsigned integer of up to 64 bits, seven in each byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]  # IndexError: it ends within the integer
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, position
    raise ValueError("an integer of more than 64 bits")
