"""Constants of a file, each byte once: what equals the beginning of something stored already is a part of it."""

from __future__ import annotations

import numpy as np

from reds.litert.records import Span

ALIGNMENT = 16
"""Bytes: what kernels may load at once, and what the schema asks of constants."""

_KEY_BYTES = 4


class Constants:
    """The bytes of all constants in the making.

    Prefixes are found by comparing bytes, so that the layers need not say what they share: store the largest network first.
    """

    def __init__(self) -> None:
        self._content = bytearray()
        self._starting: dict[bytes, list[Span]] = {}

    def store(self, values: np.ndarray) -> Span:
        """Where the values lie, row-major: in what is stored already where that begins with them, else at the end."""
        data = values.astype(values.dtype.newbyteorder("<")).tobytes()
        alike = self._starting.setdefault(data[:_KEY_BYTES], [])
        for span in alike:
            if span.size >= len(data) and self._content[span.start : span.start + len(data)] == data:
                return Span(span.start, len(data))
        self._content += bytes(-len(self._content) % ALIGNMENT)
        span = Span(len(self._content), len(data))
        self._content += data
        alike.append(span)
        return span

    def content(self) -> bytes:
        """All of it."""
        return bytes(self._content)
