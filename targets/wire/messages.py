"""What frames carry: verbs, status codes, and the records of their payloads."""

from __future__ import annotations

import enum
import functools
import struct
from dataclasses import dataclass

import numpy as np

from reds.errors import ProtocolError
from reds.image.format import FLOAT32, INT8
from targets.target import (
    CLOCK_KINDS,
    TIMES,
    Clock,
    FirstInferenceTime,
    Identity,
    InferenceTime,
    LayerTime,
    RealInferenceTime,
    SwitchTime,
    TimeRequest,
)

PROTOCOL_VERSION = 3
ANSWER_BIT = 0x80

_CAPABILITIES = {1: FLOAT32, 2: INT8}
_PRECISIONS = {0: np.dtype("<f4"), 1: np.dtype("i1")}
_INFERENCE, _SWITCH, _FIRST_INFERENCE, _LAYERS, _REAL_INFERENCE = range(5)  # what TIME may be asked for
_HELLO = struct.Struct("<HHIII")
_NETWORK = struct.Struct("<IIIIBBB")
_TIME = struct.Struct("<BBBxH")
_OFFSET = struct.Struct("<I")
OFFSET_BYTES = _OFFSET.size
SAMPLE_BYTES = 4
LEAST_FRAME_BYTES = 1024


class Verb(enum.IntEnum):
    """What a request asks for."""

    HELLO = 1
    LOAD_BEGIN = 2
    LOAD_DATA = 3
    LOAD_END = 4
    SELECT = 5
    INPUT = 6
    INFER = 7
    TIME = 8
    LOAD_BUILT_IN = 9
    PING = 10
    DAMAGED_FRAME = 0x7F


class Status(enum.IntEnum):
    """How a request went."""

    DONE = 0
    DAMAGED_FRAME = 1
    UNKNOWN_VERB = 2
    WRONG_LENGTH = 3
    NO_ROOM = 4
    IMAGE_REFUSED = 5
    NO_IMAGE = 6
    NO_SUCH_LEVEL = 7
    OUT_OF_ORDER = 8
    CLOCK_OVERFLOW = 9
    NOT_GREETED = 10


@dataclass(frozen=True)
class Hello:
    """The answer to HELLO: who the device is, and the longest frame body it takes."""

    identity: Identity
    frame_bytes: int


@dataclass(frozen=True)
class Network:
    """The answer to LOAD_END and LOAD_BUILT_IN: what the device knows of the image it accepted."""

    arena_bytes: int
    input_elements: int
    output_elements: int
    staging_bytes: int
    level_arena_bytes: tuple[int, ...]
    layer_count: int
    element: np.dtype


@dataclass(frozen=True)
class Ticks:
    """The answer to TIME: raw samples, in the order they were taken, and what reading the clock takes itself."""

    overhead: int
    samples: tuple[int, ...]


def image_bytes(count: int) -> bytes:
    """The payload of LOAD_BEGIN."""
    return _OFFSET.pack(count)


def part(offset: int, data: bytes) -> bytes:
    """The payload of LOAD_DATA and INPUT."""
    return _OFFSET.pack(offset) + data


@dataclass(frozen=True)
class TimeWork:
    """What a request to time something asks of the device; `inputs` is None where it infers nothing."""

    what: int
    from_level: int
    level: int
    repeats: int
    inputs: np.ndarray | None

    def element(self, network: Network) -> np.dtype:
        """The type of the input: float32 where the work begins with real numbers, else that of the image."""
        return _PRECISIONS[0] if self.what == _REAL_INFERENCE else network.element

    def payload(self, repeats: int) -> bytes:
        """The payload of TIME for some of the repeats."""
        return _TIME.pack(self.what, self.from_level, self.level, repeats)

    def samples(self, repeats: int, network: Network) -> int:
        """How many samples some of the repeats give."""
        return network.layer_count if self.what == _LAYERS else repeats


@functools.singledispatch
def time_work(request: TimeRequest) -> TimeWork:
    """A request as the protocol puts it."""
    raise TypeError(f"not a request to time anything: {request!r}")


@time_work.register
def _(request: InferenceTime) -> TimeWork:
    return TimeWork(_INFERENCE, request.level, request.level, request.repeats, request.inputs)


@time_work.register
def _(request: SwitchTime) -> TimeWork:
    return TimeWork(_SWITCH, request.from_level, request.level, request.repeats, None)


@time_work.register
def _(request: FirstInferenceTime) -> TimeWork:
    return TimeWork(_FIRST_INFERENCE, request.from_level, request.level, request.repeats, request.inputs)


@time_work.register
def _(request: LayerTime) -> TimeWork:
    return TimeWork(_LAYERS, request.level, request.level, 1, request.inputs)


@time_work.register
def _(request: RealInferenceTime) -> TimeWork:
    return TimeWork(_REAL_INFERENCE, request.level, request.level, request.repeats, request.inputs)


def printable(text: bytes) -> str:
    """What a device wrote, without what would control a terminal."""
    return "".join(letter for letter in text.decode("ascii", "backslashreplace") if letter.isprintable())


def decode_hello(payload: bytes) -> Hello:
    """Raises ProtocolError if the payload is not an answer to HELLO in this protocol version."""
    version = int.from_bytes(payload[:2], "little")
    if version != PROTOCOL_VERSION:
        raise ProtocolError(
            "the device speaks another version of the wire protocol",
            seen=f"version {version}, this is version {PROTOCOL_VERSION}",
            do="build and upload the firmware of this checkout",
        )
    if len(payload) < _HELLO.size:
        raise ProtocolError("the answer to HELLO is too short", seen=f"{len(payload)} bytes")
    _, frame_bytes, pool_bytes, hz, capabilities = _HELLO.unpack_from(payload)
    if frame_bytes < LEAST_FRAME_BYTES:
        raise ProtocolError(f"the device takes frames of less than {LEAST_FRAME_BYTES} bytes", seen=f"{frame_bytes} bytes")
    *strings, after = payload[_HELLO.size :].split(b"\0")
    if len(strings) != 5 or after:
        raise ProtocolError("the answer to HELLO does not hold five strings", seen=repr(payload[_HELLO.size :][:200]))
    board, sha256, kind, compiler, runtime_version = map(printable, strings)
    precisions = frozenset(name for bit, name in _CAPABILITIES.items() if capabilities & bit)
    clock = _clock(kind, hz)
    return Hello(Identity(version, board, sha256, clock, compiler, runtime_version, precisions, pool_bytes), frame_bytes)


def _clock(kind: str, hz: int) -> Clock:
    if kind not in CLOCK_KINDS:
        raise ProtocolError("the device has an unknown kind of clock", seen=repr(kind[:40]), do=", ".join(sorted(CLOCK_KINDS)))
    if (kind in TIMES) != (hz > 0):
        raise ProtocolError("the device's clock is a time without a rate, or has a rate without being one", seen=f"{hz} {kind}")
    return Clock(kind, hz or None)


def decode_network(payload: bytes, payload_bytes: int) -> Network:
    """Raises ProtocolError if the payload is not an answer to LOAD_END of a device whose frames carry `payload_bytes`."""
    if len(payload) < _NETWORK.size:
        raise ProtocolError("the answer to LOAD_END is too short", seen=f"{len(payload)} bytes, not {_NETWORK.size}")
    arena_bytes, inputs, outputs, staging_bytes, precision, levels, layers = _NETWORK.unpack_from(payload)
    expected = _NETWORK.size + levels * SAMPLE_BYTES
    if len(payload) != expected:
        raise ProtocolError("the answer to LOAD_END has the wrong length", seen=f"{len(payload)} bytes, not {expected}")
    if precision not in _PRECISIONS:
        raise ProtocolError("the answer to LOAD_END names an unknown precision", seen=str(precision))
    element = _PRECISIONS[precision]
    seen = f"{inputs} inputs, {outputs} outputs, {levels} levels, {layers} layers, {staging_bytes} bytes for inputs"
    if not min(inputs, outputs, levels, layers):
        raise ProtocolError("the answer to LOAD_END describes no network", seen=seen)
    if staging_bytes < inputs * element.itemsize:
        raise ProtocolError("the device accepted an image but has no room for an input", seen=seen)
    if outputs * element.itemsize > payload_bytes:
        raise ProtocolError("the device accepted an image whose output does not fit in a frame", seen=seen)
    level_arena_bytes = tuple(np.frombuffer(payload, "<u4", levels, _NETWORK.size).tolist())
    if min(level_arena_bytes) > arena_bytes:
        seen = f"an arena of {arena_bytes} bytes for levels of {', '.join(map(str, level_arena_bytes))}"
        raise ProtocolError("the device accepted an image without room for any of its levels", seen=seen)
    return Network(arena_bytes, inputs, outputs, staging_bytes, level_arena_bytes, layers, element)


def decode_outputs(payload: bytes, count: int, network: Network) -> np.ndarray:
    """Outputs (count, output_elements); raises ProtocolError if the payload of INFER has another length."""
    expected = count * network.output_elements * network.element.itemsize
    if len(payload) != expected:
        raise ProtocolError("the answer to INFER has the wrong length", seen=f"{len(payload)} bytes, not {expected}")
    return np.frombuffer(payload, network.element).reshape(count, network.output_elements)


def decode_ticks(payload: bytes, count: int) -> Ticks:
    """Raises ProtocolError if the payload is not an answer to TIME with `count` samples."""
    expected = (1 + count) * SAMPLE_BYTES
    if len(payload) != expected:
        raise ProtocolError("the answer to TIME has the wrong length", seen=f"{len(payload)} bytes, not {expected}")
    overhead, *samples = np.frombuffer(payload, "<u4").tolist()
    return Ticks(overhead, tuple(samples))
