"""Connections to devices: one per device and session, opened when first needed, given up for good once broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from harness.leases import Renew
from harness.matrix import Repeats
from reds.errors import BenchError, BusyError, ConfigError, ProtocolError, TimedOutError, TransportError
from targets.inventory import Device
from targets.target import (
    FirstInferenceTime,
    Identity,
    InferenceTime,
    LayerTime,
    Loaded,
    SwitchTime,
    Target,
    TimeRequest,
    Timing,
)

# After one of these nobody knows what state the device and the line are in, or the device is somebody else's.
BREAKING = (TransportError, TimedOutError, ProtocolError, BusyError)

Connect = Callable[[Device], AbstractContextManager[Target]]
Hold = Callable[[Device], AbstractContextManager[Renew]]
OnConnect = Callable[[Device, Identity], None]


@dataclass(frozen=True)
class _Opened:
    target: Target
    identity: Identity


class Board:
    """A device of this session: connected at first use, keeping the model it was given last.

    Once the connection is broken every further use raises the first cause at once: no test waits for a dead device,
    and each failure says what happened first.

    Args:
        device: which one.
        connect: opens the connection; leaving its context ends it.
        repeats: how often to time something.
        on_connect: called with what the device says of itself whenever it is connected.
        hold: keeps the device from all others while it is connected; what it gives is called before and after every use.
    """

    def __init__(self, device: Device, connect: Connect, repeats: Repeats, on_connect: OnConnect, hold: Hold) -> None:
        self.device = device
        self._hold = hold
        self._renew: Renew | None = None
        self._connect = connect
        self._repeats = repeats
        self._on_connect = on_connect
        self._stack = ExitStack()
        self._opened: _Opened | None = None
        self._loaded: tuple[str, Loaded] | None = None
        self._cause: BenchError | None = None

    @property
    def identity(self) -> Identity:
        """What the device says of itself."""
        return self._open().identity

    @property
    def repeats(self) -> int:
        """How often each timing is repeated on this device."""
        return self._repeats.exact if self.identity.clock.deterministic else self._repeats.running

    def load(self, image: bytes, sha256: str) -> Loaded:
        """Give the device this image, unless it has it already."""
        if self._loaded is not None and self._loaded[0] == sha256:
            return self._loaded[1]
        target = self._open().target
        self._loaded = None
        with self._watched():
            self._loaded = (sha256, target.load(image))
            self._opened = _Opened(target, target.identify())  # a large image is part of another firmware
        return self._loaded[1]

    @property
    def loaded(self) -> Loaded:
        """What the device said of the image it has; ConfigError before it has one."""
        if self._loaded is None:
            raise ConfigError(f"{self.device.id} has no image", do="load one first")
        return self._loaded[1]

    def infer(self, level: int, inputs: np.ndarray) -> np.ndarray:
        """Outputs (n, output_elements) of inputs (n, input_elements) at `level`, in the image's element type."""
        target = self._open().target
        with self._watched():
            target.select(level)
            return target.infer(inputs)

    def time_inference(self, level: int, inputs: np.ndarray) -> Timing:
        """Time inferences of one level on one input, shape (input_elements,)."""
        return self._time(InferenceTime(level, inputs, self.repeats))

    def time_switch(self, from_level: int, level: int) -> Timing:
        """Time the selection of `level` while `from_level` is selected."""
        return self._time(SwitchTime(from_level, level, self.repeats))

    def time_first_inference(self, from_level: int, level: int, inputs: np.ndarray) -> Timing:
        """Time the first inference of `level` after a switch from `from_level`, on one input, shape (input_elements,)."""
        return self._time(FirstInferenceTime(from_level, level, inputs, self.repeats))

    def time_layers(self, level: int, inputs: np.ndarray) -> tuple[Timing, ...]:
        """Time each layer of inferences of one level on one input, shape (input_elements,): a timing for each, in order."""
        rounds = [self._time(LayerTime(level, inputs)) for _ in range(self.repeats)]
        layers = zip(*(timing.samples for timing in rounds), strict=True)
        overhead = min(timing.overhead for timing in rounds)
        return tuple(Timing(samples, rounds[0].clock, overhead) for samples in layers)

    def close(self) -> None:
        """End the connection; the next use opens it again. May be called twice."""
        self._opened = self._loaded = None
        self._stack.close()

    def _time(self, request: TimeRequest) -> Timing:
        target = self._open().target
        with self._watched():
            return target.time(request)

    def _open(self) -> _Opened:
        if self._cause is not None:
            first = f"{self.device.id} is out of this run since an earlier failure: {self._cause.what}"
            raise type(self._cause)(first, do=self._cause.do, log=self._cause.log)
        if self._opened is None:
            try:
                self._renew = self._stack.enter_context(self._hold(self.device))
                target = self._stack.enter_context(self._connect(self.device))
                self._opened = _Opened(target, target.identify())
            except BenchError as error:
                self._give_up(error)
                raise
            self._on_connect(self.device, self._opened.identity)
        return self._opened

    @contextmanager
    def _watched(self) -> Iterator[None]:
        assert self._renew is not None
        try:
            self._renew()
            yield
            self._renew()  # what was measured while the device was somebody else's is nobody's
        except BREAKING as error:
            self._give_up(error)
            raise

    def _give_up(self, cause: BenchError) -> None:
        self._cause = cause
        try:
            self.close()
        except BenchError as error:
            cause.add_note(f"closing the connection failed too: {error}")


class Boards:
    """The devices of this session by id; arguments as for `Board`."""

    def __init__(self, connect: Connect, repeats: Repeats, on_connect: OnConnect, hold: Hold) -> None:
        self._connect, self._repeats, self._on_connect, self._hold = connect, repeats, on_connect, hold
        self._boards: dict[str, Board] = {}

    def __getitem__(self, device: Device) -> Board:
        if device.id not in self._boards:
            self._boards[device.id] = Board(device, self._connect, self._repeats, self._on_connect, self._hold)
        return self._boards[device.id]

    def close(self) -> None:
        """End all connections; one that cannot be ended does not keep the others."""
        with ExitStack() as stack:
            for board in self._boards.values():
                stack.callback(board.close)
