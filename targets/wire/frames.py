"""Frames: COBS (Cheshire and Baker 1999) over a body that ends with its CRC-32, and a zero byte after each."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = struct.Struct("<BBH")
_CRC = struct.Struct("<I")
OVERHEAD_BYTES = _HEADER.size + _CRC.size

_LONGEST_RUN = 254  # non-zero bytes that one code byte can announce
_FULL_BLOCK = 0xFF  # the code of such a run; no zero follows it
_LONGEST_ENCODED_BYTES = 2 * 65536  # more than any frame: garbage without an end is cut here


@dataclass(frozen=True)
class Frame:
    """One request or answer."""

    verb: int
    status: int
    sequence: int
    payload: bytes = b""


@dataclass(frozen=True)
class Damaged:
    """Bytes up to a frame's end that are no frame."""

    reason: str
    length: int


def encode(frame: Frame) -> bytes:
    """The bytes of a frame on the line, its end included."""
    body = _HEADER.pack(frame.verb, frame.status, frame.sequence) + frame.payload
    return cobs_encode(body + _CRC.pack(zlib.crc32(body))) + b"\0"


def cobs_encode(data: bytes) -> bytes:
    """`data` without zero bytes: each run up to a zero as its length plus one and its bytes."""
    encoded = bytearray()
    for run in data.split(b"\0"):
        rest = memoryview(run)
        while len(rest) >= _LONGEST_RUN:
            encoded.append(_FULL_BLOCK)
            encoded += rest[:_LONGEST_RUN]
            rest = rest[_LONGEST_RUN:]
        encoded.append(len(rest) + 1)
        encoded += rest
    return bytes(encoded)


def cobs_decode(encoded: bytes) -> bytes | None:
    """What `cobs_encode` was given; None if the bytes are not COBS. `encoded` holds no zero byte."""
    data = bytearray()
    at = 0
    while at < len(encoded):
        code = encoded[at]
        end = at + code
        if end > len(encoded):
            return None
        data += encoded[at + 1 : end]
        at = end
        if code != _FULL_BLOCK and at < len(encoded):
            data.append(0)
    return bytes(data)


def _decode(encoded: bytes) -> Frame | Damaged:
    body = cobs_decode(encoded)
    if body is None:
        return Damaged("not COBS", len(encoded))
    if len(body) < OVERHEAD_BYTES:
        return Damaged("too short", len(encoded))
    content = body[: -_CRC.size]
    if zlib.crc32(content) != _CRC.unpack_from(body, len(content))[0]:
        return Damaged("the CRC does not fit", len(encoded))
    verb, status, sequence = _HEADER.unpack_from(content)
    return Frame(verb, status, sequence, content[_HEADER.size :])


class FrameReader:
    """Cuts a byte stream into frames; keeps what belongs to a frame that has not ended."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that has begun."""
        return len(self._rest)

    def feed(self, data: bytes) -> Iterator[Frame | Damaged]:
        """The frames that end within `data`; empty ones are left out."""
        *ended, self._rest = (self._rest + data).split(b"\0")
        yield from (_decode(encoded) for encoded in ended if encoded)
        if len(self._rest) > _LONGEST_ENCODED_BYTES:
            length, self._rest = len(self._rest), b""
            yield Damaged("no end", length)
