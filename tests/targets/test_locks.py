"""One process at a time on a device."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reds.errors import BusyError
from targets.inventory import Inventory
from targets.locks import DeviceLock

HOST = Inventory.load(None).device("host")

HOLD = """
import time
from targets.inventory import Inventory
from targets.locks import DeviceLock
with DeviceLock(Inventory.load().device("host")):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_held_device_names_its_holder() -> None:
    with DeviceLock(HOST), pytest.raises(BusyError, match=rf"(?s)host is in use.*process {os.getpid()} on .* since 20\d\d-"):
        DeviceLock(HOST).__enter__()
    with DeviceLock(HOST):
        pass


def test_the_lock_of_a_killed_process_is_free() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"process {holder.pid} on"):
            DeviceLock(HOST).__enter__()
        holder.kill()
    with DeviceLock(HOST):
        pass


def test_an_error_inside_frees_the_lock() -> None:
    with pytest.raises(KeyboardInterrupt), DeviceLock(HOST):
        raise KeyboardInterrupt
    with DeviceLock(HOST):
        pass
