"""What a run was asked to measure: what it lacks of that is missing, the rest was left out on purpose or for lack of a device."""

from __future__ import annotations

from pathlib import PurePath

from harness.records import ABSENT, AXES, Measurement, last_outcomes
from harness.run_file import RunFile

ROOT = "."  # stands for all tests
INSIDE = ("/", "::", "[")  # what follows the name of a folder, a file or a test in the ids of the tests in it


class Extent:
    """Tells which values of an earlier run a run was asked for.

    Args:
        before: the earlier run. Of its matrix a later run is asked for all, whatever names the file has lost since.
        run: the later one. Where it does not say how its tests ended (an older file), it was asked for everything.
    """

    def __init__(self, before: RunFile, run: RunFile) -> None:
        self._ended = last_outcomes(run.outcomes)
        self._names = frozenset(run.run.asked or ())
        self._whole = (run.run.whole or ()) if run.run.tests and not run.cut_short else ()
        same_matrix = PurePath(before.run.matrix).stem == PurePath(run.run.matrix).stem
        narrowed = run.run.narrowed if same_matrix else None
        self._from_the_matrix = frozenset() if narrowed is None else frozenset(AXES) - frozenset(narrowed)

    def holds(self, value: Measurement) -> bool:
        """Whether the run was asked for a value of an earlier run, and could measure it."""
        ended = self._ended.get(value.test)
        if ended is None:
            return not self._ended or self.lost_test(value)
        return ended.cause != ABSENT  # any other reason to skip a test is the run's own doing

    def lost_test(self, value: Measurement) -> bool:
        """Whether the test that measured it is gone: the run was asked for all tests of its place, and it was not among them.

        A run that was cut short, or for which single tests were chosen, cannot tell.
        """
        place = {axis: getattr(value, axis) for axis in AXES}
        asked = all(axis in self._from_the_matrix or name in self._names for axis, name in place.items() if name is not None)
        return asked and value.test not in self._ended and any(_lies_in(value.test, whole) for whole in self._whole)

    def lost_names(self, value: Measurement) -> list[str]:
        """Those of its architecture, data set, precision, device and subnetwork that the matrix no longer has."""
        names = ((axis, getattr(value, axis)) for axis in AXES if axis in self._from_the_matrix)
        return [f"{axis} {name}" for axis, name in names if name is not None and name not in self._names]


def _lies_in(test: str, place: str) -> bool:
    return place in (ROOT, test) or test.startswith(tuple(f"{place}{mark}" for mark in INSIDE))
