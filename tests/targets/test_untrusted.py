"""A device may answer anything: what comes of it is an answer within the rules or an error of this project, and soon."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reds.errors import BenchError
from targets.target import CLOCK_KINDS, FirstInferenceTime, InferenceTime, LayerTime, RealInferenceTime, SwitchTime
from targets.wire.conversation import Conversation
from targets.wire.frames import Frame, FrameReader, encode
from targets.wire.messages import ANSWER_BIT, Verb
from targets.wire_target import WireTarget

MOST_REQUESTS = 2000
IMAGE = bytes(3000)
REPEATS = 5

# What a sound device says, with up to two fields exchanged: most answers get as far as the rule that they break.
HELLO_NUMBERS, HELLO_FORMAT = (3, 2048, 262144, 0, 3), "<HHIII"
HELLO_TEXTS = (b"a-board", b"0" * 64, b"instructions", b"gcc 12", b"1.0")
NETWORK, NETWORK_FORMAT = (64, 4, 2, 4096, 0, 4, 3, 64, 48, 32, 16), "<IIIIBBBIIII"
LAYERS, ANSWER_BYTES = NETWORK[6], struct.calcsize(NETWORK_FORMAT)

numbers = st.one_of(st.sampled_from([0, 1, 8, 12, 15, 511, 1023, 65535, 100_000]), st.integers(0, 2**32 - 1))
texts = st.one_of(
    st.binary(max_size=20).map(lambda data: data.replace(b"\0", b"")), st.sampled_from([b"cycles", b"\x1b[2J", b"bananas"])
)


def mostly(sound: tuple, odd: st.SearchStrategy) -> st.SearchStrategy[tuple]:
    exchanged = st.dictionaries(st.integers(0, len(sound) - 1), odd, max_size=2)
    return exchanged.map(lambda by_place: tuple(by_place.get(place, value) for place, value in enumerate(sound)))


def packed(form: str, values: tuple[int, ...]) -> bytes:
    """The fields one after the other, each cut to its width."""
    return b"".join(
        (value % 256 ** struct.calcsize(code)).to_bytes(struct.calcsize(code), "little")
        for code, value in zip(form[1:], values, strict=True)
    )


hellos = st.tuples(mostly(HELLO_NUMBERS, numbers), mostly(HELLO_TEXTS, texts)).map(
    lambda parts: packed(HELLO_FORMAT, parts[0]) + b"".join(text + b"\0" for text in parts[1])
)
networks = mostly(NETWORK, numbers).map(lambda values: packed(NETWORK_FORMAT, values))
ticks = st.sampled_from([1 + REPEATS, 1 + LAYERS, 0, 1, 2, 40]).map(lambda count: bytes(range(4 * count)))
answers = st.fixed_dictionaries(
    {
        Verb.HELLO: st.one_of(hellos, hellos, hellos, st.binary(max_size=100)),
        Verb.LOAD_END: st.one_of(networks, networks, networks, st.binary(max_size=60)),
        Verb.LOAD_BUILT_IN: st.one_of(networks, networks, networks, st.binary(max_size=60)),
        Verb.INFER: st.one_of(st.sampled_from([b"", bytes(8)]), st.binary(max_size=100)),
        Verb.TIME: st.one_of(ticks, st.binary(max_size=40)),
    }
)
statuses = st.one_of(st.just({}), st.just({}), st.dictionaries(st.sampled_from(list(Verb)), st.integers(0, 255), max_size=1))


@dataclass(frozen=True)
class NoEvidence:
    """Nothing is known of a device that is not there."""

    log: Path | None = None

    def seen(self) -> str:
        return ""


class Answerer:
    """A link to a device that gives each verb its one answer."""

    def __init__(self, payloads: Mapping[Verb, bytes], status: Mapping[Verb, int]) -> None:
        self._payloads, self._status = payloads, status
        self._requests, self._answers = FrameReader(), b""
        self._count = 0

    def write(self, data: bytes, timeout_s: float) -> None:
        for request in self._requests.feed(data):
            assert isinstance(request, Frame)
            self._count += 1
            assert self._count < MOST_REQUESTS, "this would go on for ever"
            verb = Verb(request.verb)
            payload = self._payloads.get(verb, b"")
            self._answers += encode(Frame(verb | ANSWER_BIT, self._status.get(verb, 0), request.sequence, payload))

    def read(self, timeout_s: float) -> bytes:
        answers, self._answers = self._answers, b""
        return answers

    def close(self) -> None:
        pass


def odd_device(payloads: Mapping[Verb, bytes], status: Mapping[Verb, int]) -> WireTarget:
    return WireTarget(Conversation("odd", Answerer(payloads, status), 10.0, NoEvidence()))


def stated_inputs(network: bytes) -> np.ndarray:
    """Inputs that fit what the device says of its network, where that is possible."""
    elements, precision = struct.unpack_from("<4xI8xB", network) if len(network) == ANSWER_BYTES else (1, 0)
    return np.zeros((20, min(elements, 1000)), np.int8 if precision == 1 else np.float32)


def sound(**exchanged: bytes) -> Mapping[Verb, bytes]:
    """What a sound device answers, with some answers exchanged."""
    hello = packed(HELLO_FORMAT, HELLO_NUMBERS) + b"".join(text + b"\0" for text in HELLO_TEXTS)
    network = packed(NETWORK_FORMAT, NETWORK)
    answers = {"HELLO": hello, "LOAD_END": network, "LOAD_BUILT_IN": network, "INFER": b"", "TIME": bytes(4 * (1 + REPEATS))}
    return {Verb[name]: answer for name, answer in (answers | exchanged).items()}


def exchanged(sound: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*sound[:place], value, *sound[place + 1 :])


@example(sound(), {})
@example(sound(LOAD_END=packed(NETWORK_FORMAT, exchanged(NETWORK, 3, 0))), {})  # no room for inputs
@example(sound(LOAD_END=packed(NETWORK_FORMAT, exchanged(NETWORK, 1, 0))), {})  # no inputs
@example(sound(LOAD_END=packed(NETWORK_FORMAT, exchanged(NETWORK, 2, 0))), {})  # no outputs
@example(sound(LOAD_END=packed(NETWORK_FORMAT, exchanged(NETWORK, 2, 100_000))), {})  # outputs longer than a frame
@example(sound(LOAD_END=packed(NETWORK_FORMAT, exchanged(NETWORK, 0, 15))), {})  # no room for any level
@example(sound(LOAD_END=packed(NETWORK_FORMAT, exchanged(NETWORK, 5, 3))), {})  # one level more than it says
@example(sound(HELLO=packed(HELLO_FORMAT, exchanged(HELLO_NUMBERS, 1, 12)) + b"a\0b\0instructions\0c\0d\0"), {})  # tiny frames
@example(sound(HELLO=packed(HELLO_FORMAT, exchanged(HELLO_NUMBERS, 1, 8)) + b"a\0b\0instructions\0c\0d\0"), {})
@example(sound(TIME=bytes(4)), {})  # no samples
@given(answers, statuses)
def test_whatever_a_device_answers(payloads: Mapping[Verb, bytes], status: Mapping[Verb, int]) -> None:
    target = odd_device(payloads, status)
    with suppress(BenchError):
        identity = target.identify()
        assert identity.clock.kind in CLOCK_KINDS
        assert all(text.isprintable() for text in (identity.board, identity.compiler, identity.runtime_version))
        for loaded in (target.load(IMAGE), target.load_built_in(len(IMAGE))):
            assert loaded.level_count >= 1
            assert min(loaded.level_arena_bytes) <= loaded.arena_bytes
    inputs = stated_inputs(payloads[Verb.LOAD_END])
    with suppress(BenchError):
        assert len(target.infer(inputs)) == len(inputs)
    first = inputs[0]
    for request in (InferenceTime(0, first, REPEATS), SwitchTime(0, 1, REPEATS), FirstInferenceTime(0, 1, first, REPEATS)):
        with suppress(BenchError):
            assert len(target.time(request).samples) == REPEATS
    with suppress(BenchError):
        assert target.time(LayerTime(0, first)).samples
    with suppress(BenchError):
        assert len(target.time(RealInferenceTime(0, first.astype(np.float32), REPEATS)).samples) == REPEATS


@given(st.binary(max_size=60))
def test_a_refusal_cannot_control_the_terminal(message: bytes) -> None:
    target = odd_device({**sound(), Verb.SELECT: message}, {Verb.SELECT: 5})
    with pytest.raises(BenchError, match="refused SELECT") as refusal:
        target.select(0)
    assert str(refusal.value).replace("\n", "").isprintable()
