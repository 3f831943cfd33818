"""Requests and answers over a link: each request is answered, refused by the device, or the link is given up."""

from __future__ import annotations

import random
import time
from collections import deque
from pathlib import Path
from typing import NoReturn, Protocol

from reds.errors import BenchError, DeviceError, NoRoomError, ProtocolError, TimedOutError, TransportError
from targets.wire.frames import Damaged, Frame, FrameReader, encode
from targets.wire.link import Link
from targets.wire.messages import ANSWER_BIT, Status, Verb, printable

_SEQUENCE_NUMBERS = 1 << 16


class Evidence(Protocol):
    """What is known of a device beside what its link says."""

    @property
    def log(self) -> Path | None:
        """Where the device's own messages are kept."""
        ...

    def seen(self) -> str:
        """What became of the device and its last messages; empty if nothing is known."""
        ...


class Conversation:
    """One request at a time. After the link has failed once, every further request fails at once with the first cause.

    Args:
        name: the device's id, for messages.
        link: the byte stream; closed by `close`.
        answer_timeout_s: the longest that sending a request, or waiting for its answer, may take.
        evidence: quoted when the link fails.
    """

    def __init__(self, name: str, link: Link, answer_timeout_s: float, evidence: Evidence) -> None:
        self.answer_timeout_s = answer_timeout_s
        self._name, self._link, self._evidence = name, link, evidence
        self._reader = FrameReader()
        self._arrived: deque[Frame | Damaged] = deque()
        self._sequence = random.randrange(_SEQUENCE_NUMBERS)  # noqa: S311 - so that an old answer is not taken for a new one
        self._failure: BenchError | None = None

    def greet(self) -> bytes:
        """The answer to HELLO. What the line carried before is skipped: the rest of an older conversation, boot messages.

        Raises:
            TransportError, TimedOutError, ProtocolError: the link failed.
            DeviceError: the device refused.
        """
        return self._exchange(Verb.HELLO, b"", self._sought)

    def ask(self, verb: Verb, payload: bytes = b"") -> bytes:
        """The answer to a request; the next frame that arrives has to be it. Raises as `greet` does."""
        return self._exchange(verb, payload, self._next)

    def close(self) -> None:
        """Close the link; may be called twice."""
        self._failure = self._failure or TransportError(f"the link to {self._name} is closed")
        self._link.close()

    def _exchange(self, verb: Verb, payload: bytes, receive: _Receive) -> bytes:
        if self._failure is not None:
            raise TransportError(f"the link to {self._name} is not in use any more", seen=str(self._failure)) from self._failure
        self._sequence = (self._sequence + 1) % _SEQUENCE_NUMBERS
        try:
            # The leading zero ends whatever garbage the line has carried.
            self._link.write(b"\0" + encode(Frame(verb, Status.DONE, self._sequence, payload)), self.answer_timeout_s)
            answer = receive(verb, time.monotonic() + self.answer_timeout_s)
        except (TransportError, TimedOutError, ProtocolError) as error:
            self._give_up(verb, error)
        except BaseException:
            # The answer is still to come: nothing that follows could be told from it.
            self._failure = TransportError(f"{verb.name} to {self._name} was interrupted")
            raise
        if answer.status != Status.DONE:
            refusal = NoRoomError if answer.status == Status.NO_ROOM else DeviceError
            raise refusal(f"{self._name} refused {verb.name}", seen=_reason(answer))
        return answer.payload

    def _give_up(self, verb: Verb, error: BenchError) -> NoReturn:
        evidence = self._evidence.seen()
        seen = "; ".join(part for part in (error.seen, evidence) if part)
        self._failure = type(error)(f"{verb.name} to {self._name}: {error.what}", seen=seen, do=error.do, log=self._evidence.log)
        raise self._failure from error

    def _sought(self, verb: Verb, deadline: float) -> Frame:
        while True:
            match self._arrival(deadline):
                case Frame(verb=answered, sequence=self._sequence) as frame if answered == verb | ANSWER_BIT:
                    return frame

    def _next(self, verb: Verb, deadline: float) -> Frame:
        match self._arrival(deadline):
            case Damaged(reason, length):
                raise ProtocolError("a damaged answer arrived", seen=f"{length} bytes: {reason}")
            case Frame(status=Status.DAMAGED_FRAME):
                raise ProtocolError("the request arrived damaged at the device")
            case Frame(verb=answered, sequence=sequence) as frame:
                if (answered, sequence) != (verb | ANSWER_BIT, self._sequence):
                    seen = f"verb {answered:#x} number {sequence}, not {verb | ANSWER_BIT:#x} number {self._sequence}"
                    raise ProtocolError("another request's answer arrived", seen=seen)
                return frame

    def _arrival(self, deadline: float) -> Frame | Damaged:
        while not self._arrived:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                rest = self._reader.pending_bytes
                seen = f"{rest} bytes of an unfinished answer" if rest else "nothing"
                raise TimedOutError(f"no answer within {self.answer_timeout_s:g} s", seen=seen)
            try:
                self._arrived.extend(self._reader.feed(self._link.read(left_s)))
            except TimedOutError:
                continue  # the deadline says what had arrived by then
        return self._arrived.popleft()


class _Receive(Protocol):
    def __call__(self, verb: Verb, deadline: float) -> Frame: ...


def _reason(answer: Frame) -> str:
    text = printable(answer.payload)
    known = answer.status in Status.__members__.values()
    return text or (Status(answer.status).name if known else f"status {answer.status}")
