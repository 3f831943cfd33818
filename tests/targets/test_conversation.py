"""Requests that are lost, damaged, late or long at work, on a line whose clock is the test's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reds.errors import DeviceError, ProtocolError, ResetError, TimedOutError
from targets.wire import conversation
from targets.wire.conversation import RETRANSMISSIONS, Conversation
from targets.wire.frames import Frame, FrameReader, encode
from targets.wire.messages import ANSWER_BIT, Status, Verb

TIMEOUT_S = 60.0
DAMAGED = encode(Frame(Verb.DAMAGED_FRAME | ANSWER_BIT, Status.DAMAGED_FRAME, 0))
GARBAGE = b"\x05no frame\0"


def answer(request: Frame, payload: bytes = b"", status: int = Status.DONE) -> bytes:
    return encode(Frame(request.verb | ANSWER_BIT, status, request.sequence, payload))


@dataclass(frozen=True)
class NoEvidence:
    log: Path | None = None

    def seen(self) -> str:
        return ""


@dataclass
class Line:
    """A line to a device that answers each frame as `device` says: what it sends, and how long after it has the request."""

    device: Callable[[Frame], tuple[float, bytes]]
    now: float = 1000.0
    asked: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = FrameReader()
        self._busy_until, self._arriving = 0.0, []

    def write(self, data: bytes, timeout_s: float) -> None:
        for request in self._reader.feed(data):
            assert isinstance(request, Frame)
            self.asked.append(request)
            work_s, sent = self.device(request)
            self._busy_until = max(self.now, self._busy_until) + work_s  # one after the other
            self._arriving.append((self._busy_until, sent))

    def read(self, timeout_s: float) -> bytes:
        until = self.now + timeout_s
        while self._arriving and self._arriving[0][0] <= until:
            at, sent = self._arriving.pop(0)
            self.now = max(self.now, at)
            if sent:
                return sent
        self.now = until
        raise TimedOutError("nothing")

    def close(self) -> None:
        pass


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Line], Conversation]]:
    def to(line: Line) -> Conversation:
        monkeypatch.setattr(conversation.time, "monotonic", lambda: line.now)
        return Conversation("odd", line, TIMEOUT_S, NoEvidence())

    yield to
    monkeypatch.undo()


class Losing:
    """A device that gets, or gives, nothing of some of the frames, by their number."""

    def __init__(self, *lost: int, instead: bytes = b"") -> None:
        self._lost, self._instead, self._count = lost, instead, 0

    def __call__(self, request: Frame) -> tuple[float, bytes]:
        self._count += 1
        return 0.001, self._instead if self._count in self._lost else answer(request, b"done")


Talk = Callable[[Line], Conversation]


def verbs(line: Line) -> list[Verb]:
    return [Verb(request.verb) for request in line.asked]


def test_a_lost_request_is_sent_again_with_its_number_once_a_ping_is_answered(talk: Talk) -> None:
    line = Line(Losing(1))
    asked = talk(line)
    started = line.now
    assert asked.ask(Verb.SELECT, b"\2") == b"done"
    assert verbs(line) == [Verb.SELECT, Verb.PING, Verb.SELECT]
    assert line.asked[0] == line.asked[2]
    assert asked.retransmissions == 1
    assert line.now - started < 0.6


def test_a_ping_may_be_lost_too(talk: Talk) -> None:
    line = Line(Losing(1, 2, 3))
    started = line.now
    talk(line).ask(Verb.INFER)
    assert verbs(line) == [Verb.INFER, Verb.PING, Verb.PING, Verb.PING, Verb.INFER]
    assert line.now - started == pytest.approx(0.5 + 1 + 2, abs=0.1)


@pytest.mark.parametrize("instead", [DAMAGED, GARBAGE], ids=["request", "answer"])
def test_what_is_damaged_is_sent_again_at_once(instead: bytes, talk: Talk) -> None:
    line = Line(Losing(1, instead=instead))
    asked = talk(line)
    asked.ask(Verb.SELECT)
    assert verbs(line) == [Verb.SELECT, Verb.SELECT]
    assert line.now - 1000 < 0.01


def test_an_answer_behind_garbage_is_taken(talk: Talk) -> None:
    line = Line(lambda request: (0.0, GARBAGE * 30 + DAMAGED + answer(request, b"done")))
    asked = talk(line)
    assert asked.ask(Verb.SELECT) == b"done"
    assert asked.retransmissions == 0


def test_garbage_that_goes_on_for_a_time_is_waited_out(talk: Talk) -> None:
    line = Line(lambda request: (0.0, GARBAGE if line.now < 1000.1 else answer(request)))
    asked = talk(line)
    asked.ask(Verb.SELECT)
    assert asked.retransmissions < RETRANSMISSIONS


def test_damage_without_end_is_an_error_soon(talk: Talk) -> None:
    line = Line(lambda request: (0.0, GARBAGE))
    with pytest.raises(ProtocolError, match=r"(?s)SELECT to odd: no answer arrived though it was sent 7 times.*not COBS"):
        talk(line).ask(Verb.SELECT)
    assert len(line.asked) == 1 + RETRANSMISSIONS
    assert line.now - 1000 < 2


def test_long_work_is_waited_for(talk: Talk) -> None:
    line = Line(lambda request: (TIMEOUT_S - 1 if request.verb == Verb.TIME else 0.0, answer(request, b"done")))
    asked = talk(line)
    assert asked.ask(Verb.TIME) == b"done"
    assert verbs(line).count(Verb.TIME) == 1
    assert 20 < verbs(line).count(Verb.PING) < 40
    assert asked.ask(Verb.SELECT) == b"done"  # the answers to the PINGs are skipped
    assert asked.retransmissions == 0


def test_work_that_takes_too_long_is_given_up(talk: Talk) -> None:
    line = Line(lambda request: (TIMEOUT_S + 1, answer(request)))
    with pytest.raises(TimedOutError, match=r"(?s)TIME to odd: no answer within 60 s.*nothing"):
        talk(line).ask(Verb.TIME)
    assert line.now - 1000 == pytest.approx(TIMEOUT_S)


def test_answers_to_others_end_at_the_time_out(talk: Talk) -> None:
    line = Line(lambda request: (0.0, b"".join(answer(Frame(Verb.SELECT, 0, number)) for number in range(3))))
    with pytest.raises(TimedOutError):
        talk(line).ask(Verb.INFER)


def test_a_late_second_answer_is_skipped(talk: Talk) -> None:
    line = Line(lambda request: (0.0, 2 * answer(request, bytes([request.verb]))))
    asked = talk(line)
    for verb in (Verb.HELLO, Verb.SELECT, Verb.INFER):
        assert asked.ask(verb) == bytes([verb])
    assert asked.retransmissions == 0


@pytest.mark.parametrize("lost", [(), (1,)], ids=["by the request", "by the ping"])
def test_a_reset_is_seen(lost: tuple[int, ...], talk: Talk) -> None:
    count = iter(range(1, 100))
    line = Line(lambda request: (0.0, b"" if next(count) in lost else answer(request, b"not greeted", Status.NOT_GREETED)))
    with pytest.raises(ResetError, match=r"(?s)SELECT to odd: the device has started anew.*not greeted"):
        talk(line).ask(Verb.SELECT)
    assert line.now - 1000 < 1


def test_a_device_that_has_just_started_is_greeted_again(talk: Talk) -> None:
    def device(request: Frame) -> tuple[float, bytes]:
        if len(line.asked) == 1:
            return 0.0, b""
        return 0.0, answer(request, status=Status.NOT_GREETED if request.verb == Verb.PING else Status.DONE)

    line = Line(device)
    talk(line).greet()
    assert verbs(line) == [Verb.HELLO, Verb.PING, Verb.HELLO]


def test_a_refusal_is_no_loss(talk: Talk) -> None:
    line = Line(lambda request: (0.0, answer(request, b"because", Status.NO_SUCH_LEVEL)))
    asked = talk(line)
    for _ in range(2):
        with pytest.raises(DeviceError, match=r"(?s)odd refused SELECT.*because"):
            asked.ask(Verb.SELECT)
    assert len(line.asked) == 2
