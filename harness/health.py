"""Is a device fit to be measured on? Each is checked once, when it is first connected: what it computes, and its clock."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np

from harness.boards import Connect
from harness.known_network import KnownNetwork, known_network
from reds.errors import DeviceError, HealthError, MissingError, ProtocolError, TimedOutError, TransportError
from targets.inventory import Device
from targets.target import Clock, InferenceTime, Loaded, SwitchTime, Target, TimeRequest

# A clock is held against this computer's over so much work that the way to the device hardly matters.
ENOUGH_S = 0.003
GROWTH = 4  # of the repeats, until they are enough, and after each try that fails
MOST_REPEATS = 60_000
TRIES = 5  # this computer may have been busy elsewhere while the device worked: once near enough is near enough
FASTEST = 1.05  # the device cannot have worked for longer than was waited for it; quartzes differ by less
LATENESS_S = 0.001
SLOWEST = 0.5

_UNPLUG = "unplug the board and plug it in again; if it stays so, upload its firmware anew, or take another board"

# What a board may do in its check. That its firmware cannot be built or uploaded is not skipped: it may be the program's fault.
UNFIT = (DeviceError, TransportError, TimedOutError, ProtocolError, MissingError)


class Examination:
    """The checks of a session's devices.

    Attributes:
        passed: ids of those that have passed.
    """

    def __init__(self) -> None:
        self.passed: set[str] = set()

    def before(self, connect: Connect) -> Connect:
        """A way to connect devices on which each is checked the first time; HealthError if it fails."""

        @contextmanager
        def checked(device: Device) -> Iterator[Target]:
            with connect(device) as target:
                if device.id not in self.passed:
                    check(device, target)
                    self.passed.add(device.id)
                yield target

        return checked


def unfit(device: Device, examination: Examination, required: Collection[str]) -> str | None:
    """Why the tests of a device that has just failed are skipped; None if they are to fail.

    A board that has not passed its check is out of the run, unless it is required. Where the check of an emulator or of this
    computer fails, there is no board to blame: the program is wrong.
    """
    if device.id in examination.passed or not device.is_board or device.id in required:
        return None
    return f"{device.id} is out of this run: it has not passed the check before its tests"


def check(device: Device, target: Target) -> None:
    """Check a device that has said who it is. It has another image afterwards.

    Raises:
        HealthError: its memory, its outputs or its clock are not plausible.
        TransportError, TimedOutError, ProtocolError, DeviceError: as the target's.
    """
    known = known_network(device.layouts)
    _check_memory(device, target.load(known.image), len(known.outputs))
    for level in range(len(known.outputs)):
        _check_outputs(device, target, known, level)
    clock = target.identify().clock
    if clock.hz is None:
        _check_counts(device, target, known, clock)
    else:
        _check_time(device, target, known, clock.hz)


def _check_memory(device: Device, loaded: Loaded, levels: int) -> None:
    """What the device was given has its place in it (how much memory it has, its `HELLO` has said: `targets/connect.py`)."""
    if loaded.level_count != levels or max(loaded.level_arena_bytes) > loaded.arena_bytes:
        seen = f"{loaded.arena_bytes:,} bytes for levels of {', '.join(f'{need:,}' for need in loaded.level_arena_bytes)}"
        raise HealthError(f"{device.id} has no memory for a small network of {levels} levels", seen=seen, do=_UNPLUG)


def _check_outputs(device: Device, target: Target, known: KnownNetwork, level: int) -> None:
    target.select(level)
    outputs, expected = target.infer(known.inputs), known.outputs[level]
    wrong = int(np.count_nonzero(outputs != expected))
    if wrong:
        at = tuple(np.argwhere(outputs != expected)[0])
        seen = f"{wrong} of {expected.size} outputs of level {level} are wrong, the first {outputs[at]}, not {expected[at]}"
        raise HealthError(f"{device.id} computes a known network wrongly", seen=seen, do=_UNPLUG)


def _check_counts(device: Device, target: Target, known: KnownNetwork, clock: Clock) -> None:
    """A count of work is no time; it can only be asked to be the same for the same work, and more for more."""
    whole, half = (target.time(InferenceTime(level, known.inputs[0], 2)).samples for level in (0, 1))
    if not (whole[0] == whole[1] > half[0] == half[1] > 0):
        seen = f"two inferences of the whole network {whole}, two of a half of it {half}"
        raise HealthError(f"{device.id} does not count its work in {clock.kind}", seen=seen)


def _check_time(device: Device, target: Target, known: KnownNetwork, hz: int) -> None:
    """The device's clock and this computer's have to agree on how long some inferences take.

    As many switches take the way there and back and the answer's length, but hardly any work: what they took is left out.
    """
    repeats, tries = 1, TRIES
    while True:
        inferences = _timed(target, InferenceTime(0, known.inputs[0], repeats), hz)
        switches = _timed(target, SwitchTime(1, 0, repeats), hz)
        for here_s, device_s in (inferences, switches):
            if device_s > FASTEST * here_s + LATENESS_S:
                raise _implausible(device, device_s, here_s, hz)
        here_s, device_s = (a - b for a, b in zip(inferences, switches, strict=True))
        if here_s >= ENOUGH_S or repeats == MOST_REPEATS:
            if device_s >= SLOWEST * max(here_s, ENOUGH_S):
                return
            tries -= 1
            if tries == 0:
                raise _implausible(device, device_s, here_s, hz)
        repeats = min(MOST_REPEATS, GROWTH * repeats)


def _timed(target: Target, request: TimeRequest, hz: int) -> tuple[float, float]:
    """How long some work took, in seconds, by this computer's clock and by the device's."""
    started_s = time.perf_counter()
    timing = target.time(request)
    return time.perf_counter() - started_s, sum(timing.samples) / hz


def _implausible(device: Device, device_s: float, here_s: float, hz: int) -> HealthError:
    return HealthError(
        f"the clock of {device.id} is not plausible",
        seen=f"{1000 * device_s:.3g} ms by its clock of {hz:,} Hz, {1000 * here_s:.3g} ms by this computer's",
        do=_UNPLUG,
    )
