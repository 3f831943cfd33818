"""Failures that speak of a device, and the runs in which it had one."""

from __future__ import annotations

import pytest

from harness import device_state
from harness.forensics import Failure, reproduce
from harness.keys import FORENSICS, PLAN
from reds.errors import BenchError, DeviceError, FlashError, MissingError, ProtocolError, TimedOutError, TransportError

# The rest of what may go wrong in the tests of a device speaks of the model, the user or another user.
FAILURES = (TransportError, TimedOutError, ProtocolError, FlashError, DeviceError, MissingError)
FAILED = pytest.StashKey[set[str]]()


def count_failure(config: pytest.Config, device_id: str, cause: BenchError) -> None:
    """Note that a device has failed in this run, once."""
    failed = config.stash.setdefault(FAILED, set())
    if device_id not in failed:
        failed.add(device_id)
        device_state.failed(device_id, cause)


def keep_failure(item: pytest.Item, device_id: str, error: BaseException) -> str:
    """Keep what is known of a failure that the test of a device has met; where, in words."""
    option, device = item.config.option, item.config.stash[PLAN].devices[device_id]
    files = {"--matrix": option.matrix, "--devices-file": option.devices_file}
    failure = Failure(device, item.nodeid, error, reproduce(item.nodeid, files, device))
    return item.config.stash[FORENSICS].keep(failure)
