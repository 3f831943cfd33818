"""The wire protocol as a `Target`: the one adapter for boards, emulated boards and the host's device process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reds.errors import ConfigError, DeviceError
from targets.target import Identity, Loaded, TimeRequest, Timing
from targets.wire import frames, messages
from targets.wire.conversation import Conversation
from targets.wire.messages import Hello, Network, Ticks, Verb

# One request may take this share of the answer time-out, as far as the work before it tells.
_TIME_SHARE = 0.25
_SHORTEST_S = 1e-6
_HIGHEST_LEVEL = 255


class WireTarget:
    """A device at the other end of a conversation, which it closes.

    Long work is cut into requests that each end well within the answer time-out: inferences and repeats start with one, and what
    that took says how many the next request may ask for.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._known: Hello | None = None
        self._network: Network | None = None

    @property
    def retransmissions(self) -> int:
        return self._conversation.retransmissions

    def identify(self) -> Identity:
        return self._hello().identity

    def load(self, image: bytes) -> Loaded:
        self._network = None
        self._ask(Verb.LOAD_BEGIN, messages.image_bytes(len(image)))
        started_s = time.monotonic()
        self._send(Verb.LOAD_DATA, image)
        spent_s = max(time.monotonic() - started_s, _SHORTEST_S)
        return replace(self._opened(Verb.LOAD_END, len(image), built_in=False), bytes_per_s=len(image) / spent_s)

    def load_built_in(self, image_bytes: int) -> Loaded:
        """Open the image that is built into the firmware; DeviceError if there is none or the device refuses it."""
        self._network = None
        return self._opened(Verb.LOAD_BUILT_IN, image_bytes, built_in=True)

    def _opened(self, verb: Verb, image_bytes: int, *, built_in: bool) -> Loaded:
        network = messages.decode_network(self._ask(verb), self._payload_bytes())
        self._network = network
        return Loaded(image_bytes, network.arena_bytes, network.level_arena_bytes, built_in)

    def select(self, level: int) -> None:
        self._ask(Verb.SELECT, bytes([_checked_level(level)]))

    def infer(self, inputs: np.ndarray) -> np.ndarray:
        network = self._loaded()
        inputs = _checked_inputs(inputs, network, network.element)
        outputs = np.empty((len(inputs), network.output_elements), network.element)

        def infer_some(done: int, count: int) -> None:
            self._send(Verb.INPUT, inputs[done : done + count].tobytes())
            answer = self._ask(Verb.INFER)
            outputs[done : done + count] = messages.decode_outputs(answer, count, network)

        element_bytes = network.element.itemsize
        staged = network.staging_bytes // (network.input_elements * element_bytes)
        answered = self._payload_bytes() // (network.output_elements * element_bytes)
        self._in_parts(len(inputs), min(staged, answered), infer_some)
        return outputs

    def time(self, request: TimeRequest) -> Timing:
        network = self._loaded()
        work = messages.time_work(request)
        for level in (work.from_level, work.level):
            _checked_level(level)
        if work.repeats < 1:
            raise ConfigError("a measurement needs at least one repeat", seen=str(work.repeats))
        if work.inputs is not None:
            self._send(Verb.INPUT, _checked_inputs(work.inputs[np.newaxis], network, work.element(network)).tobytes())
        parts: list[Ticks] = []

        def time_some(_done: int, count: int) -> None:
            answer = self._ask(Verb.TIME, work.payload(count))
            parts.append(messages.decode_ticks(answer, work.samples(count, network)))

        self._in_parts(work.repeats, self._payload_bytes() // messages.SAMPLE_BYTES - 1, time_some)
        overhead = min(part.overhead for part in parts)  # of a real clock it varies; the least is what reading it takes
        samples = tuple(sample - overhead for part in parts for sample in part.samples)
        return Timing(samples, self._hello().identity.clock, overhead)

    def close(self) -> None:
        self._conversation.close()

    def _ask(self, verb: Verb, payload: bytes = b"") -> bytes:
        """The answer to a request to a device that has been greeted."""
        self._hello()
        return self._conversation.ask(verb, payload)

    def _hello(self) -> Hello:
        """What the device said of itself the first time it was asked."""
        if self._known is None:
            self._known = messages.decode_hello(self._conversation.greet())
        return self._known

    def _loaded(self) -> Network:
        if self._network is None:
            raise DeviceError("no image is loaded", do="load one first")
        return self._network

    def _payload_bytes(self) -> int:
        return self._hello().frame_bytes - frames.OVERHEAD_BYTES

    def _send(self, verb: Verb, data: bytes) -> None:
        """Data of any length, in parts that fill a frame."""
        part_bytes = self._payload_bytes() - messages.OFFSET_BYTES
        for offset in range(0, len(data), part_bytes):
            self._ask(verb, messages.part(offset, data[offset : offset + part_bytes]))

    def _in_parts(self, total: int, most: int, work: Callable[[int, int], None]) -> None:
        """Call work(done, count) until `total` is done, at most `most` at a time and within a share of the time-out."""
        done, count = 0, 1
        while done < total:
            count = min(count, most, total - done)
            started_s = time.monotonic()
            work(done, count)
            spent_s = max(time.monotonic() - started_s, _SHORTEST_S)
            done += count
            count = max(1, int(count * _TIME_SHARE * self._conversation.answer_timeout_s / spent_s))


def _checked_level(level: int) -> int:
    if not 0 <= level <= _HIGHEST_LEVEL:
        raise ConfigError("a level is a number from 0 (the whole network)", seen=str(level))
    return level


def _checked_inputs(inputs: np.ndarray, network: Network, element: np.dtype) -> np.ndarray:
    """Contiguous inputs (n, input_elements) of an element type; ConfigError if they are anything else."""
    if inputs.ndim != 2 or inputs.shape[1] != network.input_elements or inputs.dtype != element:
        raise ConfigError(
            f"the loaded image takes inputs (n, {network.input_elements}) of {element.name}",
            seen=f"{inputs.shape} of {inputs.dtype}",
        )
    return np.ascontiguousarray(inputs)
