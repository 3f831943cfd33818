"""One process at a time on a device that is a program of this computer: measurements must not disturb each other.

Boards have leases (`harness.leases`), which also lapse. A lock is held by an open file (flock), not by what the file says, and
the operating system closes a process's files when it dies, however it dies. A lock therefore never outlives its holder, and needs
no expiry, no heartbeat and no breaking; what stands in the owner's file is for messages only.
"""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import filelock

from reds.cache import cache_folder
from reds.errors import BusyError
from targets.inventory import Device


class DeviceLock:
    """Holds a device from `with` to its end.

    Raises:
        BusyError: somebody else holds it; the error says who and since when.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        folder = cache_folder("locks")
        self._lock = filelock.FileLock(folder / f"{device.id}.lock", timeout=0)
        self._owner = folder / f"{device.id}.owner.json"

    def __enter__(self) -> Self:
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise BusyError(f"the device {self._device.id} is in use", seen=self._holder(), do="wait for it to end") from error
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        self._owner.write_text(json.dumps(owner))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._owner.unlink(missing_ok=True)
        self._lock.release()

    def _holder(self) -> str:
        try:
            owner = json.loads(self._owner.read_text())
        except (FileNotFoundError, ValueError):
            return "its holder has not said who it is"  # it has only just got the lock, or is about to free it
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
