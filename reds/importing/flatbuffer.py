"""Tables of a flatbuffer, every access within the bytes that are there (https://flatbuffers.dev/internals).

The `flatbuffers` package checks no bounds, and a schema's generated classes would be ten thousand lines for the fields read here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from reds.errors import ProtocolError

_OFFSET_BYTES = 4


@dataclass(frozen=True)
class Table:
    """A table; its fields are named by their number in the schema.

    Attributes:
        content: the whole file.
        position: where the table begins.

    Every access raises ProtocolError for what would lie outside the file.
    """

    content: bytes
    position: int

    @classmethod
    def root(cls, content: bytes) -> Table:
        """The table that the file begins with."""
        return cls(content, _number(content, "<I", 0))

    def number(self, field: int, code: str, default: int = 0) -> int:
        """A scalar of the `struct` format `code` ("<i"); the default where the file leaves it out."""
        at = self._at(field)
        return default if at is None else _number(self.content, code, at)

    def table(self, field: int) -> Table | None:
        """A table; None where there is none."""
        at = self._at(field)
        return None if at is None else Table(self.content, self._followed(at))

    def tables(self, field: int) -> list[Table]:
        """A vector of tables."""
        at = self._at(field)
        if at is None:
            return []
        start, count = self._vector(at, _OFFSET_BYTES)
        return [Table(self.content, self._followed(start + _OFFSET_BYTES * index)) for index in range(count)]

    def numbers(self, field: int, dtype: str) -> np.ndarray:
        """A vector of scalars ("<i4"), as an array that cannot be written."""
        start, count = self.extent(field, np.dtype(dtype).itemsize)
        return np.frombuffer(self.content, dtype, count, start)

    def extent(self, field: int, item_bytes: int) -> tuple[int, int]:
        """Where the items of a vector begin, and how many they are; (0, 0) where there is none."""
        at = self._at(field)
        return (0, 0) if at is None else self._vector(at, item_bytes)

    def _at(self, field: int) -> int | None:
        """Where a field begins: the table says where its list of fields lies, which may be shorter than the schema."""
        fields = self.position - _number(self.content, "<i", self.position)
        entry = 4 + 2 * field
        if entry + 2 > _number(self.content, "<H", fields):
            return None
        offset = _number(self.content, "<H", fields + entry)
        return self.position + offset if offset else None

    def _followed(self, at: int) -> int:
        return at + _number(self.content, "<I", at)

    def _vector(self, at: int, item_bytes: int) -> tuple[int, int]:
        """Where the items of a vector begin, and how many they are."""
        vector = self._followed(at)
        count = _number(self.content, "<I", vector)
        start = vector + _OFFSET_BYTES
        if start + count * item_bytes > len(self.content):
            raise ProtocolError("the flatbuffer is damaged", seen=f"{count} items of {item_bytes} bytes at {start}")
        return start, count


def _number(content: bytes, code: str, at: int) -> int:
    if not 0 <= at <= len(content) - struct.calcsize(code):
        raise ProtocolError("the flatbuffer is damaged", seen=f"an offset to byte {at} of {len(content)}")
    return struct.unpack_from(code, content, at)[0]
