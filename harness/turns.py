"""Part of the plugin: which board a session turns to next, when it gives one back, and the runs in which a device failed."""

from __future__ import annotations

from collections.abc import Generator
from itertools import groupby, pairwise

import pytest

from harness.failures import FAILURES, count_failure, keep_failure
from harness.keys import BOARDS, FORENSICS, LEASES, PLAN, is_worker, subject_of
from reds.errors import BusyError


@pytest.hookimpl
def pytest_runtestloop(session: pytest.Session) -> object | None:
    """Turn to boards that are free before those that others use, where boards are waited for.

    The tests of each device stay together and in order. Elsewhere, and in the workers of xdist, pytest's own loop runs.
    """
    config = session.config
    option = config.option
    if not option.wait or option.collectonly or session.testsfailed or is_worker(config) or getattr(option, "dist", "no") != "no":
        return None
    groups = [list(items) for _, items in groupby(session.items, _device)]
    try:
        group = _next(config, groups)
        while group:
            following: list[pytest.Item] = []
            for item, successor in pairwise([*group, None]):
                assert item is not None
                if successor is None:
                    following = _next(config, groups)
                _run(session, item, successor or next(iter(following), None))
            group = following
    finally:
        for device in config.stash[PLAN].devices.values():
            config.stash[LEASES].give_back(device)
    return True


def _next(config: pytest.Config, groups: list[list[pytest.Item]]) -> list[pytest.Item]:
    """Take the tests of a device that can be had at once, or else of the first one; empty if there are no more."""
    plan, leases = config.stash[PLAN], config.stash[LEASES]
    for number, group in enumerate(groups):
        device_id = _device(group[0])
        if device_id is None or leases.reserve(plan.devices[device_id]):
            return groups.pop(number)
    return groups.pop(0) if groups else []


def _run(session: pytest.Session, item: pytest.Item, successor: pytest.Item | None) -> None:
    """Run one test, and end the session if that is called for, as pytest's own loop does."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=successor)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Give a board back after its last test: others may wait for it."""
    device_id, following = _device(item), None if nextitem is None else _device(nextitem)
    if device_id is None or device_id == following:
        return
    device, boards = item.config.stash[PLAN].devices[device_id], item.config.stash.get(BOARDS, None)
    if device.is_board:
        if boards is not None:
            boards[device].close()
        item.config.stash[LEASES].give_back(device)  # all its tests may have been skipped


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a run in which a device failed, and keep what is known of every failure on one."""
    report = yield
    device_id = _device(item)
    error = None if call.excinfo is None else call.excinfo.value
    kept = report.failed and not isinstance(error, BusyError) and FORENSICS in item.config.stash
    if error is not None and device_id is not None and kept:
        report.sections.append((f"failure on {device_id}", keep_failure(item, device_id, error)))
    if isinstance(error, FAILURES) and device_id is not None:
        count_failure(item.config, device_id, error)
    return report


def _device(item: pytest.Item) -> str | None:
    subject = subject_of(item)
    return None if subject is None else subject.facts["device"]
