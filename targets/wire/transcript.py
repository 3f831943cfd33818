"""What went over a link, both ways, with the time: the last of it, kept in memory, to be looked at when something fails."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from targets.wire.frames import Damaged, Frame, FrameReader
from targets.wire.link import Link
from targets.wire.messages import ANSWER_BIT, Status, Verb, printable

MOST_BYTES = 65_536  # the longest frame of a board takes 2 KB
MOST_PIECES = 4096
BYTES_A_LINE = 32
PAYLOAD_BYTES_SHOWN = 24


@dataclass(frozen=True)
class Piece:
    """Bytes that were written or read at once.

    Attributes:
        at_s: when, of `time.time`.
        to_device: in which direction.
        left_out: how many bytes before these are not kept.
    """

    at_s: float
    to_device: bool
    data: bytes
    left_out: int = 0

    @property
    def start(self) -> str:
        """Time (UTC) and direction (">" to the device)."""
        return f"{datetime.fromtimestamp(self.at_s, UTC):%Y-%m-%dT%H:%M:%S.%f} {'>' if self.to_device else '<'}"


class Transcript:
    """The last that went over the links to one device, of all its connections in turn.

    Attributes:
        total_bytes: of all that went, be it kept or not.
    """

    def __init__(self) -> None:
        self.total_bytes = 0
        self._pieces: deque[Piece] = deque(maxlen=MOST_PIECES)
        self._kept_bytes = 0

    def add(self, to_device: bool, data: bytes) -> None:
        """Note what went just now."""
        self.total_bytes += len(data)
        kept = data[-MOST_BYTES:]
        if len(self._pieces) == MOST_PIECES:
            self._forget()
        self._pieces.append(Piece(time.time(), to_device, kept, len(data) - len(kept)))
        self._kept_bytes += len(kept)
        while self._kept_bytes > MOST_BYTES:
            self._forget()

    def lines(self) -> Iterator[str]:
        """All that is kept, as hexadecimal digits."""
        if self.total_bytes > self._kept_bytes:
            yield f"the last {self._kept_bytes:,} of {self.total_bytes:,} bytes"
        for piece in self._pieces:
            for at in range(0, len(piece.data), BYTES_A_LINE):
                yield f"{piece.start} {piece.data[at : at + BYTES_A_LINE].hex(' ')}"

    def frames(self, most: int) -> list[str]:
        """The last frames that ended in what is kept, in words."""
        readers = {True: FrameReader(), False: FrameReader()}
        found: deque[str] = deque(maxlen=most)
        for piece in self._pieces:
            found.extend(f"{piece.start} {_in_words(frame)}" for frame in readers[piece.to_device].feed(piece.data))
        for to_device, reader in readers.items():
            if reader.pending_bytes:
                found.append(f"{'>' if to_device else '<'} {reader.pending_bytes} bytes of a frame that has not ended")
        return list(found)

    def _forget(self) -> None:
        self._kept_bytes -= len(self._pieces.popleft().data)


class RecordedLink:
    """A link whose bytes go into a transcript as well."""

    def __init__(self, link: Link, transcript: Transcript) -> None:
        self._link, self._transcript = link, transcript

    def write(self, data: bytes, timeout_s: float) -> None:
        self._transcript.add(True, data)
        self._link.write(data, timeout_s)

    def read(self, timeout_s: float) -> bytes:
        data = self._link.read(timeout_s)
        self._transcript.add(False, data)
        return data

    def close(self) -> None:
        self._link.close()


def _in_words(frame: Frame | Damaged) -> str:
    if isinstance(frame, Damaged):
        return f"damaged, {frame.length} bytes: {frame.reason}"
    code = frame.verb & ~ANSWER_BIT
    verb = Verb(code).name if code in Verb.__members__.values() else f"verb {frame.verb}"
    words = [verb, f"sequence {frame.sequence}", f"{len(frame.payload)} bytes"]
    if frame.verb & ANSWER_BIT:
        known = frame.status in Status.__members__.values()
        words.insert(1, Status(frame.status).name if known else f"status {frame.status}")
        if frame.status:
            return " ".join([*words, repr(printable(frame.payload[:200]))])
    shown = frame.payload[:PAYLOAD_BYTES_SHOWN].hex(" ")
    return " ".join([*words, shown, *(["..."] if len(frame.payload) > PAYLOAD_BYTES_SHOWN else [])]).rstrip()
