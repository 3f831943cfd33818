"""Requests and answers over a link: each request is answered, refused by the device, or the link is given up."""

from __future__ import annotations

import random
import time
from collections import deque
from pathlib import Path
from typing import NoReturn, Protocol

from reds.errors import BenchError, DeviceError, NoRoomError, ProtocolError, ResetError, TimedOutError, TransportError
from targets.wire.frames import Damaged, Frame, FrameReader, encode
from targets.wire.link import Link
from targets.wire.messages import ANSWER_BIT, Status, Verb, printable

RETRANSMISSIONS = 6  # of one request
SETTLING_S = (
    0.005  # from damage to the second retransmission, for the rest of the garbage; about twice as long for each further one
)
FIRST_PAUSE_S = 0.5  # of silence before the device is asked whether it is there; doubles with each time
LONGEST_PAUSE_S = 2.0
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
    """One request at a time, sent again where it or its answer was lost or damaged: every verb may be asked twice.

    The device answers in order. In long silence it is therefore sent a PING: if that is answered first, the request or its answer
    was lost; if nothing is answered, the device is at work, until the time-out says that it is not.

    After the link has failed once, every further request fails at once with the first cause.

    Args:
        name: the device's id, for messages.
        link: the byte stream; closed by `close`.
        answer_timeout_s: the longest that sending a request, or waiting for its answer, may take.
        evidence: quoted when the link fails.

    Attributes:
        retransmissions: how many requests were sent again.
    """

    def __init__(self, name: str, link: Link, answer_timeout_s: float, evidence: Evidence) -> None:
        self.answer_timeout_s = answer_timeout_s
        self.retransmissions = 0
        self._name, self._link, self._evidence = name, link, evidence
        self._reader = FrameReader()
        self._arrived: deque[Frame | Damaged] = deque()
        self._sequence = random.randrange(_SEQUENCE_NUMBERS)  # noqa: S311 - so that an old answer is not taken for a new one
        self._failure: BenchError | None = None

    def greet(self) -> bytes:
        """The answer to HELLO, before which a device that has started refuses everything else.

        Raises:
            TransportError, TimedOutError, ProtocolError: the link failed.
            DeviceError: the device refused.
        """
        return self.ask(Verb.HELLO)

    def ask(self, verb: Verb, payload: bytes = b"") -> bytes:
        """The answer to a request. Raises as `greet` does, and ResetError if the device has started anew since it was greeted."""
        if self._failure is not None:
            raise TransportError(f"the link to {self._name} is not in use any more", seen=str(self._failure)) from self._failure
        request = Frame(verb, Status.DONE, self._next_sequence(), payload)
        try:
            answer = self._answer(request, time.monotonic() + self.answer_timeout_s)
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

    def close(self) -> None:
        """Close the link; may be called twice."""
        self._failure = self._failure or TransportError(f"the link to {self._name} is closed")
        self._link.close()

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) % _SEQUENCE_NUMBERS
        return self._sequence

    def _give_up(self, verb: Verb, error: BenchError) -> NoReturn:
        evidence = self._evidence.seen()
        seen = "; ".join(part for part in (error.seen, evidence) if part)
        self._failure = type(error)(f"{verb.name} to {self._name}: {error.what}", seen=seen, do=error.do, log=self._evidence.log)
        raise self._failure from error

    def _answer(self, request: Frame, deadline: float) -> Frame:
        """Send the request until it is answered."""
        loss = ""
        for sent_before in range(RETRANSMISSIONS + 1):
            self.retransmissions += sent_before > 0
            self._send(request, deadline)
            settling_s = (2**sent_before - 1) * SETTLING_S
            answer, loss = self._answer_or_loss(request, settling_s, deadline)
            if answer is not None:
                return answer
        raise ProtocolError(f"no answer arrived though it was sent {RETRANSMISSIONS + 1} times", seen=loss)

    def _answer_or_loss(self, request: Frame, settling_s: float, deadline: float) -> tuple[Frame | None, str]:
        """The answer to a request that has just been sent, or how it is known that there will be none."""
        answered = request.verb | ANSWER_BIT, request.sequence
        pings: set[tuple[int, int]] = set()  # the answers to those that were sent after the request
        damage = ""
        pause_s, until = FIRST_PAUSE_S, time.monotonic() + FIRST_PAUSE_S
        while True:
            match self._arrival(min(deadline, until)):
                case Frame(verb=verb, sequence=sequence) as answer if (verb, sequence) == answered:
                    _check_greeted(answer)
                    return answer, ""
                case Frame(verb=verb, sequence=sequence) as answer if (verb, sequence) in pings:
                    if request.verb != Verb.HELLO:
                        _check_greeted(answer)
                    return None, "the device is there, but the request or its answer was lost"
                case (Frame() | Damaged()) as found if seen := _damage(found):
                    # What has arrived with it is looked at before it counts: the answer may be behind garbage.
                    until = until if damage else time.monotonic() + settling_s
                    damage = seen
                case Frame():
                    pass  # late: of a request that was sent twice, or before this conversation
                case None if damage:
                    return None, damage
                case None:
                    self._check_time(deadline)
                    pings.add(self._ping(deadline))
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                    until = time.monotonic() + pause_s

    def _ping(self, deadline: float) -> tuple[int, int]:
        """Send a PING; verb and sequence number of its answer."""
        ping = Frame(Verb.PING, Status.DONE, self._next_sequence())
        self._send(ping, deadline)
        return ping.verb | ANSWER_BIT, ping.sequence

    def _send(self, request: Frame, deadline: float) -> None:
        # The leading zero ends whatever garbage the line has carried.
        self._link.write(b"\0" + encode(request), max(0.0, deadline - time.monotonic()))

    def _check_time(self, deadline: float) -> None:
        if time.monotonic() >= deadline:
            rest = self._reader.pending_bytes
            seen = f"{rest} bytes of an unfinished answer" if rest else "nothing"
            raise TimedOutError(f"no answer within {self.answer_timeout_s:g} s", seen=seen)

    def _arrival(self, until: float) -> Frame | Damaged | None:
        """What arrives next; None if nothing has by then."""
        while not self._arrived:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return None
            try:
                self._arrived.extend(self._reader.feed(self._link.read(left_s)))
            except TimedOutError:
                return None
        return self._arrived.popleft()


def _damage(found: Frame | Damaged) -> str:
    """What was damaged; empty if nothing was."""
    match found:
        case Damaged(reason, length):
            return f"a damaged answer arrived, {length} bytes: {reason}"
        case Frame(verb=verb) if verb == Verb.DAMAGED_FRAME | ANSWER_BIT:
            return "the request arrived damaged at the device"
    return ""


def _check_greeted(answer: Frame) -> None:
    if answer.status == Status.NOT_GREETED:
        do = "look at its supply and cable"
        raise ResetError("the device has started anew in mid-conversation", seen=_reason(answer), do=do)


def _reason(answer: Frame) -> str:
    text = printable(answer.payload)
    known = answer.status in Status.__members__.values()
    return text or (Status(answer.status).name if known else f"status {answer.status}")
