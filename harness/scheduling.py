"""Which worker of pytest-xdist runs which test: one runs all tests of a device, which talks to one process at a time."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadGroupScheduling

from harness.combinations import SubjectIndex
from harness.matrix import Matrix


class DeviceScheduling(LoadGroupScheduling):
    """Tests of one device form a unit of work; the others are distributed as `--dist loadgroup` does."""

    def __init__(self, config: Any, log: Any, matrix: Matrix) -> None:
        super().__init__(config, log)
        self._index = SubjectIndex(matrix)

    def _split_scope(self, nodeid: str) -> str:
        """The unit that a test belongs to (xdist calls this once per test)."""
        subject = self._index.find(nodeid)
        device = None if subject is None else subject.facts["device"]
        return device or super()._split_scope(nodeid)
