"""Failures that speak of a device, and the runs in which it had one."""

from __future__ import annotations

import pytest

from harness import device_state
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
