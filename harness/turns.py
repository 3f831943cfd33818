"""Part of the plugin: a board is given back after its last test, and the runs in which a device failed are counted."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from harness import device_state
from harness.keys import BOARDS, PLAN, subject_of
from reds.errors import BenchError, DeviceError, FlashError, MissingError, ProtocolError, TimedOutError, TransportError

# What speaks of the device; the rest of what may go wrong in its tests speaks of the model, the user or another user.
FAILURES = (TransportError, TimedOutError, ProtocolError, FlashError, DeviceError, MissingError)
FAILED = pytest.StashKey[set[str]]()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Give a board back after its last test: others may wait for it."""
    device_id, following = _device(item), None if nextitem is None else _device(nextitem)
    boards = item.config.stash.get(BOARDS, None)
    if boards is None or device_id is None or device_id == following:
        return
    device = item.config.stash[PLAN].devices[device_id]
    if device.is_board:
        boards[device].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a run in which a device failed."""
    report = yield
    device_id = _device(item)
    if call.excinfo is not None and isinstance(call.excinfo.value, FAILURES) and device_id is not None:
        _count(item.config, device_id, call.excinfo.value)
    return report


def _count(config: pytest.Config, device_id: str, cause: BenchError) -> None:
    failed = config.stash.setdefault(FAILED, set())
    if device_id not in failed:
        failed.add(device_id)
        device_state.failed(device_id, cause)


def _device(item: pytest.Item) -> str | None:
    subject = subject_of(item)
    return None if subject is None else subject.facts["device"]
