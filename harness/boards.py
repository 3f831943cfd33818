"""Connections to devices: one per device and session, opened when first needed, given up for good once it stays broken."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from harness.leases import Renew
from harness.matrix import Repeats
from harness.recovery import RecoveringConnection, Result
from reds.errors import BenchError, BusyError, ConfigError
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

INPUTS_AT_ONCE = 500  # what a break of the connection takes back, of however many

Connect = Callable[[Device], AbstractContextManager[Target]]
Hold = Callable[[Device], AbstractContextManager[Renew]]
OnConnect = Callable[[Device, Identity], None]


@dataclass(frozen=True)
class _Held:
    """The image that a device has, and what it said of it."""

    sha256: str
    image: bytes
    loaded: Loaded


class Board:
    """A device of this session: connected at first use, keeping the model it was given last.

    What a broken connection interrupts is begun again from a fresh one, with the model loaded again. Where that does not help,
    every further use raises the first cause at once: no test waits for a dead device, and each failure says what happened first.

    Args:
        device: which one.
        connect: opens the connection; leaving its context ends it.
        repeats: how often to time something.
        on_connect: called with what the device says of itself whenever it is connected.
        hold: keeps the device from all others from the first use until `close`; what it gives is called around every use.
    """

    def __init__(self, device: Device, connect: Connect, repeats: Repeats, on_connect: OnConnect, hold: Hold) -> None:
        self.device = device
        self._hold = hold
        self._lease = ExitStack()
        self._renew: Renew | None = None
        self._connection = RecoveringConnection(lambda: connect(device), self._prepare)
        self._repeats = repeats
        self._on_connect = on_connect
        self._held: _Held | None = None
        self._cause: BenchError | None = None
        self._counted = 0

    @property
    def identity(self) -> Identity:
        """What the device says of itself."""
        return self._perform(lambda target: target.identify())

    def attempts(self) -> int:
        """1, and one more for each request and operation that had to be repeated since this was asked last."""
        before, self._counted = self._counted, self._connection.repetitions
        return 1 + self._counted - before

    @property
    def repeats(self) -> int:
        """How often each timing is repeated on this device."""
        return self._repeats.exact if self.identity.clock.deterministic else self._repeats.running

    def load(self, image: bytes, sha256: str) -> Loaded:
        """Give the device this image, unless it has it already."""
        if self._held is None or self._held.sha256 != sha256:
            self._held = None
            self._held = _Held(sha256, image, self._perform(lambda target: target.load(image)))
        return self._held.loaded

    @property
    def loaded(self) -> Loaded:
        """What the device said of the image it has; ConfigError before it has one."""
        if self._held is None:
            raise ConfigError(f"{self.device.id} has no image", do="load one first")
        return self._held.loaded

    def infer(self, level: int, inputs: np.ndarray) -> np.ndarray:
        """Outputs (n, output_elements) of inputs (n, input_elements) at `level`, in the image's element type."""

        def infer(some: np.ndarray, target: Target) -> np.ndarray:
            target.select(level)
            return target.infer(some)

        starts = range(0, max(len(inputs), 1), INPUTS_AT_ONCE)
        return np.concatenate([self._perform(partial(infer, inputs[at : at + INPUTS_AT_ONCE])) for at in starts])

    def time_inference(self, level: int, inputs: np.ndarray) -> Timing:
        """Time inferences of one level on one input, shape (input_elements,)."""
        return self.time(InferenceTime(level, inputs, self.repeats))

    def time_switch(self, from_level: int, level: int) -> Timing:
        """Time the selection of `level` while `from_level` is selected."""
        return self.time(SwitchTime(from_level, level, self.repeats))

    def time_first_inference(self, from_level: int, level: int, inputs: np.ndarray) -> Timing:
        """Time the first inference of `level` after a switch from `from_level`, on one input, shape (input_elements,)."""
        return self.time(FirstInferenceTime(from_level, level, inputs, self.repeats))

    def time_layers(self, level: int, inputs: np.ndarray) -> tuple[Timing, ...]:
        """Time each layer of inferences of one level on one input, shape (input_elements,): a timing for each, in order."""
        rounds = [self.time(LayerTime(level, inputs)) for _ in range(self.repeats)]
        layers = zip(*(timing.samples for timing in rounds), strict=True)
        overhead = min(timing.overhead for timing in rounds)
        return tuple(Timing(samples, rounds[0].clock, overhead) for samples in layers)

    def time(self, request: TimeRequest) -> Timing:
        """Time what the request says, as often as it says."""
        return self._perform(lambda target: target.time(request))

    def close(self) -> None:
        """End the connection; the next use opens it again. May be called twice."""
        self._held = self._renew = None
        with self._lease:
            self._connection.close()

    def _perform(self, operation: Callable[[Target], Result]) -> Result:
        if self._cause is not None:
            first = f"{self.device.id} is out of this run since an earlier failure: {self._cause.what}"
            raise type(self._cause)(first, do=self._cause.do, log=self._cause.log)
        try:
            renew = self._leased()
            result = self._connection.perform(operation)
            renew()  # what was measured while the device was somebody else's is nobody's
        except BusyError as error:
            self._give_up(error)
            raise
        except BenchError as error:
            if not self._connection.is_open:
                self._give_up(error)
            raise
        return result

    def _leased(self) -> Renew:
        if self._renew is None:
            self._renew = self._lease.enter_context(self._hold(self.device))
        else:
            self._renew()
        return self._renew

    def _give_up(self, cause: BenchError) -> None:
        self._cause = cause
        try:
            self.close()
        except BenchError as error:
            cause.add_note(f"closing the connection failed too: {error}")

    def _prepare(self, target: Target) -> None:
        """Whenever the device was connected."""
        if self._held is not None:
            self._held = replace(self._held, loaded=target.load(self._held.image))
        self._on_connect(self.device, target.identify())


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
