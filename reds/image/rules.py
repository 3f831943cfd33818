"""How one field of an image is checked, and with which words it is refused: the record, the field, what it holds and may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from reds.errors import ProtocolError
from reds.image import format as image_format

Record = Mapping[str, Any]

_RESERVED = ("reserved", "reserved_a", "reserved_b")


def refuse(what: str, seen: object, do: str | None = None) -> NoReturn:
    """Raises ProtocolError."""
    raise ProtocolError(what, seen=str(seen), do=do)


def read_record(where: str, data: bytes, dtype: np.dtype, offset: int) -> Record:
    """One record as Python values; its reserved bytes must be zero."""
    array = np.frombuffer(data, dtype, 1, offset)[0]
    names = dtype.names or ()
    for name in _RESERVED:
        if name in names and np.any(array[name]):
            refuse(f"{where}: reserved bytes must be zero", np.atleast_1d(array[name]).tobytes().hex())
    return {name: array[name].item() for name in names if name not in _RESERVED}


def in_range(where: str, record: Record, field: str, low: int, high: int) -> None:
    """The field must hold a number from low to high."""
    if not low <= record[field] <= high:
        refuse(f"{where}: {field} must be {low}..{high}", record[field])


def equal(where: str, record: Record, field: str, value: float, why: str = "") -> None:
    """The field must hold this value."""
    if record[field] != value:
        refuse(f"{where}: {field} must be {value}{why and ', '}{why}", record[field])


def known(where: str, record: Record, field: str, names: Mapping[int, str]) -> str:
    """The name of the field's value, which must have one."""
    if record[field] not in names:
        valid = ", ".join(f"{code} {name}" for code, name in names.items())
        refuse(f"{where}: this program knows no such {field}", record[field], do=f"known: {valid}")
    return names[record[field]]


@dataclass(frozen=True)
class Opened:
    """An image whose header has been checked."""

    data: bytes
    header: Record
    precision: str


@dataclass(frozen=True)
class Space:
    """What offsets point into: bytes from `start` to `end`."""

    name: str
    start: int
    end: int


def fits(where: str, record: Record, field: str, length: int, space: Space) -> None:
    """As many bytes from the offset that the field holds on must lie within the space, on a record boundary."""
    if record[field] % image_format.ALIGNMENT:
        refuse(f"{where}: {field} must be a multiple of {image_format.ALIGNMENT}", record[field])
    if record[field] < space.start or record[field] + length > space.end:
        rule = f"{where}: {length} bytes at {field} do not fit in {space.name}"
        refuse(rule, f"{record[field]}, not within {space.start}..{space.end}")


def quantisation(where: str, precision: str, record: Record, prefix: str) -> None:
    """int8: a scale above zero and an int8 zero point; float32: 1 and 0."""
    scale, zero_point = f"{prefix}_scale", f"{prefix}_zero_point"
    if precision == image_format.FLOAT32:
        equal(where, record, scale, 1.0)
        equal(where, record, zero_point, 0)
        return
    if not (record[scale] > 0 and np.isfinite(record[scale])):
        refuse(f"{where}: {scale} must be positive and finite", record[scale])
    in_range(where, record, zero_point, image_format.INT8_MIN, image_format.INT8_MAX)
