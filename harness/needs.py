"""Part of the plugin: tests are chosen by what their device is, and skipped where it has not got what they need."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.keys import PLAN, subject_of
from targets.firmware.pool import pool_bytes
from targets.inventory import KINDS, Device

NEEDS_FPU, NEEDS_RAM = "needs_fpu", "needs_ram"
MARKERS = (
    f"{NEEDS_FPU}: the test is for devices that compute with float32 in hardware; skipped on others",
    f"{NEEDS_RAM}(bytes): the test takes this much of a device's memory for image, arena and inputs; skipped where there is less",
)


def unmet_need(device: Device, marks: Iterable[pytest.Mark]) -> str | None:
    """What the marks of a test ask for that a device does not have; None if it has it all.

    Raises:
        pytest.UsageError: a mark is not written as it should be.
    """
    for mark in marks:
        if mark.name == NEEDS_FPU and not KINDS[device.kind].has_fpu:
            return f"{device.id} has no FPU"
        if mark.name == NEEDS_RAM:
            needed, available = _bytes_of(mark), pool_bytes(device.environment)
            if needed > available:
                return f"{device.id} has {available:,} bytes for image, arena and inputs; the test needs {needed:,}"
    return None


def _bytes_of(mark: pytest.Mark) -> int:
    given = (*mark.args, *mark.kwargs.values())
    if len(given) != 1 or isinstance(given[0], bool) or not isinstance(given[0], int) or given[0] < 0:
        wrong = mark.args or mark.kwargs
        raise pytest.UsageError(f"{NEEDS_RAM} takes a number of bytes, not {wrong}: @pytest.mark.needs_ram(65536)")
    return given[0]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k` find the tests of a device by its kind as well, whatever its id is."""
    subject = subject_of(item)
    if subject is not None and subject.facts["device"] is not None:
        item.extra_keyword_matches.add(item.config.stash[PLAN].devices[subject.facts["device"]].kind)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what a device cannot do."""
    devices = config.stash[PLAN].devices
    for item in items:
        subject = subject_of(item)
        device_id = None if subject is None else subject.facts["device"]
        reason = None if device_id is None else unmet_need(devices[device_id], item.iter_markers())
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
