"""What a run was asked to measure: what it lacks of that is missing, the rest was left out on purpose or for lack of a device."""

from __future__ import annotations

from harness.records import Measurement, last_outcomes
from harness.run_file import RunFile

ROOT = "."  # stands for all tests
INSIDE = ("/", "::", "[")  # what follows the name of a folder, a file or a test in the ids of the tests in it


class Extent:
    """Tells which values of an earlier run a run was asked for.

    Args:
        run: the later one. Where it does not say how its tests ended (an older file), it was asked for everything.
    """

    def __init__(self, run: RunFile) -> None:
        self._ended = last_outcomes(run.outcomes)
        self._devices = {device.id for device in run.devices}
        self._names = frozenset(run.run.asked or ())
        self._whole = (run.run.whole or ()) if run.run.tests and not run.cut_short else ()

    def holds(self, value: Measurement) -> bool:
        """Whether the run was asked for a value of an earlier run, and could measure it."""
        ended = self._ended.get(value.test)
        if ended is None:
            return not self._ended or self.lost_test(value)
        # A skipped test of a device that is there is skipped by its own doing.
        return ended.outcome != "skipped" or value.device is None or value.device in self._devices

    def lost_test(self, value: Measurement) -> bool:
        """Whether the test that measured it is gone: the run was asked for all tests of its place, and it was not among them.

        A run that was cut short, or for which single tests were chosen, cannot tell.
        """
        place = (value.architecture, value.dataset, value.precision, value.device, value.subnet)
        asked = self._names.issuperset(name for name in place if name is not None)
        return asked and value.test not in self._ended and any(_lies_in(value.test, whole) for whole in self._whole)


def _lies_in(test: str, place: str) -> bool:
    return place in (ROOT, test) or test.startswith(tuple(f"{place}{mark}" for mark in INSIDE))
