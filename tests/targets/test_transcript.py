"""What is kept of the bytes on a link, and how it is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.errors import TimedOutError
from targets.wire.frames import Frame, encode
from targets.wire.messages import Status, Verb
from targets.wire.transcript import MOST_BYTES, MOST_PIECES, RecordedLink, Transcript

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} "


@given(st.lists(st.integers(0, 3000), max_size=200))
def test_what_is_kept_is_the_end_and_bounded(lengths: list[int]) -> None:
    transcript, everything = Transcript(), b""
    for number, length in enumerate(lengths):
        data = bytes([number % 256]) * length
        transcript.add(bool(number % 2), data)
        everything += data
    shown = [line.split(" ", 2)[2] for line in transcript.lines() if not line.startswith("the last")]
    kept = bytes.fromhex("".join(shown))
    assert transcript.total_bytes == len(everything)
    assert everything.endswith(kept)
    assert len(kept) <= MOST_BYTES
    assert len(kept) == len(everything) or len(kept) > MOST_BYTES - 3000


def test_many_small_pieces_and_one_large_one_are_bounded_too() -> None:
    transcript = Transcript()
    for _ in range(2 * MOST_PIECES):
        transcript.add(True, b"x")
    assert len(list(transcript.lines())) == MOST_PIECES + 1
    transcript.add(False, b"y" * (2 * MOST_BYTES))
    assert next(transcript.lines()) == f"the last {MOST_BYTES:,} of {2 * MOST_PIECES + 2 * MOST_BYTES:,} bytes"


class Answering:
    """A link that gives the same bytes for ever."""

    def write(self, data: bytes, timeout_s: float) -> None:
        if data == b"full":
            raise TimedOutError("takes no more")

    def read(self, timeout_s: float) -> bytes:
        return b"answer"

    closed = False

    def close(self) -> None:
        self.closed = True


def test_both_directions_are_noted_with_the_time_and_what_was_not_taken_too() -> None:
    inner, transcript = Answering(), Transcript()
    link = RecordedLink(inner, transcript)
    link.write(b"ask", 1.0)
    assert link.read(1.0) == b"answer"
    with pytest.raises(TimedOutError):
        link.write(b"full", 1.0)
    link.close()
    assert inner.closed
    lines = list(transcript.lines())
    assert [line.split(" ", 1)[1] for line in lines] == ["> 61 73 6b", "< 61 6e 73 77 65 72", "> 66 75 6c 6c"]
    assert all(re.match(TIME, line) for line in lines)


def test_frames_are_told_in_words() -> None:
    transcript = Transcript()
    answer = Verb.TIME | 0x80
    transcript.add(True, b"\0" + encode(Frame(Verb.TIME, Status.DONE, 7, bytes(40))))
    whole = encode(Frame(answer, Status.NO_IMAGE, 7, b"no image\x1b[2J"))
    transcript.add(False, whole[:5])
    transcript.add(False, whole[5:] + b"garbage\0")
    transcript.add(False, encode(Frame(0xFE, 77, 1)) + b"begun")
    words = [line.partition(" ")[2] for line in transcript.frames(10)]
    assert words == [
        "> TIME sequence 7 40 bytes " + "00 " * 24 + "...",
        "< TIME NO_IMAGE sequence 7 12 bytes 'no image[2J'",
        "< damaged, 7 bytes: not COBS",
        "< verb 254 status 77 sequence 1 0 bytes ''",
        "5 bytes of a frame that has not ended",
    ]
    assert len(transcript.frames(2)) == 2
