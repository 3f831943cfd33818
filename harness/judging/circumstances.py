"""What surrounds a measurement: a value from another compiler, board or computer is not comparable, it needs a new baseline.

So does what only holds for one trained network if the network is another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records import DeviceFacts, Measurement, Run
from harness.run_file import RunFile

# What a device is and what its firmware was built with; the firmware itself is what is judged.
DEVICE_FACTS = ("device_kind", "board", "compiler", "clock", "clock_hz")
# What this computer is: it times what runs on it.
HOST_FACTS = ("cpu", "machine", "cpu_count")
HOST_KIND = "host"
# Rounding errors of one network's weights, which say nothing of another's; its suite asserts what they may be at most.
OF_ONE_NETWORK = frozenset({"parity_max_abs_error"})


@dataclass(frozen=True)
class Surroundings:
    """Where a value was measured.

    Attributes:
        computer: facts of the computer that ran the tests.
        device_id: None for what needs no device but this computer.
        device: what that device said of itself, None if the run does not say (older files).
    """

    computer: Mapping[str, str]
    device_id: str | None
    device: DeviceFacts | None

    @classmethod
    def of(cls, run: Run, devices: Mapping[str, DeviceFacts], device_id: str | None) -> Surroundings:
        """Those of a value of this device in a run whose devices are given by id."""
        return cls(run.host, device_id, None if device_id is None else devices.get(device_id))


def changes(before: Surroundings, after: Surroundings, *, deterministic: bool) -> tuple[str, ...]:
    """What differs around two values of one device, each as a short text such as "compiler 12.2 -> 13.1".

    Args:
        before: of the one value.
        after: of the other.
        deterministic: whether the same inputs always give the same value. Only a running clock of this computer depends on what
            this computer is.
    """
    of_computer = () if deterministic else differences(before.computer, after.computer, HOST_FACTS)
    if before.device_id is None:
        return of_computer
    if before.device is None or after.device is None:
        return ()
    on_host = before.device.device_kind == after.device.device_kind == HOST_KIND
    return differences(vars(before.device), vars(after.device), DEVICE_FACTS) + (of_computer if on_host else ())


class Circumstances:
    """How the circumstances of two runs differ."""

    def __init__(self, a: RunFile, b: RunFile) -> None:
        self._a, self._b = a.run, b.run
        self._devices_of_a, self._devices_of_b = _by_id(a), _by_id(b)

    def changed(self, a: Measurement, b: Measurement) -> tuple[str, ...]:
        """What differs around a value that both runs hold; nothing where a run does not say (older files)."""
        unit = (f"unit {a.unit} -> {b.unit}",) if a.unit != b.unit else ()
        network = ("another trained network",) if a.metric in OF_ONE_NETWORK and a.bundle != b.bundle else ()
        before = Surroundings.of(self._a, self._devices_of_a, a.device)
        after = Surroundings.of(self._b, self._devices_of_b, b.device)
        return unit + network + changes(before, after, deterministic=b.deterministic)


def _by_id(run: RunFile) -> Mapping[str, DeviceFacts]:
    return {device.id: device for device in run.devices}


def differences(before: Mapping[str, object], after: Mapping[str, object], names: tuple[str, ...]) -> tuple[str, ...]:
    """What differs among the named facts that both know, each as a short text."""
    return tuple(f"{n} {before[n]} -> {after[n]}" for n in names if n in before and n in after and before[n] != after[n])
