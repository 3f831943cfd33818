"""How a session gets boards: what it says while it waits, and what is noted when one answers."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from harness import device_state
from harness.boards import OnConnect
from harness.leases import Leases
from harness.recorder import write_device_facts
from targets.inventory import Device
from targets.target import Identity
from targets.usb import SystemBus, on_usb


def leases_of(config: pytest.Config) -> Leases:
    """How this session gets boards; what becomes of waiting and taking over is shown on the terminal."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            print(f"\n{text}", file=sys.stderr, flush=True)

    return Leases(config.option.wait, say)


def on_connect(path: Path) -> OnConnect:
    """What is done when a device has said who it is: its facts go to the file of the run, once, and to what is kept of it."""
    written: set[str] = set()

    def note(device: Device, identity: Identity) -> None:
        if device.id not in written:
            write_device_facts(path, device, identity)
            written.add(device.id)
        board = on_usb(device, SystemBus()) if device.is_board else None
        device_state.seen(device.id, identity, None if board is None else board.usb_path)

    return note
