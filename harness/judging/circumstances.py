"""What surrounds a measurement: a value from another compiler, board or computer is not comparable, it needs a new baseline."""

from __future__ import annotations

from collections.abc import Mapping

from harness.records import DeviceFacts, Measurement
from harness.run_file import RunFile

# What a device is and what its firmware was built with; the firmware itself is what is judged.
DEVICE_FACTS = ("device_kind", "board", "compiler", "clock", "clock_hz")
# What this computer is: it times what runs on it.
HOST_FACTS = ("cpu", "machine", "cpu_count")
HOST_KIND = "host"


class Circumstances:
    """How the circumstances of two runs differ; each difference as a short text such as "compiler 12.2 -> 13.1"."""

    def __init__(self, a: RunFile, b: RunFile) -> None:
        self._a, self._b = _by_id(a), _by_id(b)
        self._host = differences(a.run.host, b.run.host, HOST_FACTS)

    def changed(self, a: Measurement, b: Measurement) -> tuple[str, ...]:
        """What differs around a value that both runs hold; nothing where a run does not say (older files)."""
        unit = (f"unit {a.unit} -> {b.unit}",) if a.unit != b.unit else ()
        if a.device is None:
            return unit + (() if b.deterministic else self._host)
        before, after = self._a.get(a.device), self._b.get(a.device)
        if before is None or after is None:
            return unit
        on_host = before.device_kind == after.device_kind == HOST_KIND and not b.deterministic
        return unit + differences(vars(before), vars(after), DEVICE_FACTS) + (self._host if on_host else ())


def _by_id(run: RunFile) -> Mapping[str, DeviceFacts]:
    return {device.id: device for device in run.devices}


def differences(before: Mapping[str, object], after: Mapping[str, object], names: tuple[str, ...]) -> tuple[str, ...]:
    """What differs among the named facts that both know, each as a short text."""
    return tuple(f"{n} {before[n]} -> {after[n]}" for n in names if n in before and n in after and before[n] != after[n])
