"""A board at a serial port: opened, asked who it is, and given the firmware of this checkout if it runs another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reds.errors import DeviceError, MissingError, ProtocolError, TimedOutError
from targets.connection import Connection
from targets.firmware import Firmware
from targets.firmware.builder import upload
from targets.inventory import Device
from targets.target import Identity
from targets.wire.conversation import Conversation
from targets.wire.messages import decode_hello
from targets.wire.port import open_port

LONGEST_RESTART_S = 20.0  # from the end of an upload until the board's USB port is there again
HELLO_TIMEOUT_S = 3.0  # for a board that may run anything
POLL_S = 0.2


@dataclass(frozen=True)
class BoardEvidence:
    """What is known of a board when its link fails: where it was."""

    port: str
    log: Path | None = None

    def seen(self) -> str:
        return f"the board was at {self.port}"


@contextmanager
def attach(device: Device, firmware: Firmware, log: Path) -> Iterator[Connection]:
    """Open the board's port; upload the firmware first if the board runs another and can be reached by an upload.

    Raises:
        MissingError: the port cannot be opened.
        FlashError: the upload failed.
        DeviceError: the board runs another firmware and is reached over a network.
    """
    assert device.port is not None
    identity = _identity(device)
    if identity is None or identity.firmware_sha256 != firmware.sha256:
        if is_network(device.port):
            seen = "no answer to HELLO" if identity is None else f"{identity.board} with firmware {identity.firmware_sha256}"
            do = f"upload {device.environment} where the board is plugged in"
            raise DeviceError(f"the board at {device.port} does not run firmware {firmware.sha256}", seen=seen, do=do)
        upload(device.environment, device.port, log)
        _wait_for(device.port)
    link = open_port(device.port, device.baud, device.answer_timeout_s)
    try:
        yield Connection(link, BoardEvidence(device.port))
    finally:
        link.close()


def is_network(port: str) -> bool:
    """Whether a port is a URL rather than a device of this computer."""
    return "://" in port


def _identity(device: Device) -> Identity | None:
    """What the board says of itself; None if it does not speak our protocol."""
    assert device.port is not None
    timeout_s = min(HELLO_TIMEOUT_S, device.answer_timeout_s)
    link = open_port(device.port, device.baud, timeout_s)
    conversation = Conversation(device.id, link, timeout_s, BoardEvidence(device.port))
    try:
        return decode_hello(conversation.greet()).identity
    except (TimedOutError, ProtocolError, DeviceError):
        return None  # another program, or an older firmware: the upload replaces it
    finally:
        conversation.close()


def _wait_for(port: str) -> None:
    deadline = time.monotonic() + LONGEST_RESTART_S
    while not Path(port).exists():
        if time.monotonic() > deadline:
            raise MissingError(
                f"the port {port} did not come back after the upload",
                seen=f"{LONGEST_RESTART_S:g} s of waiting",
                do="press the board's reset button; name the port by /dev/serial/by-id, which does not change",
            )
        time.sleep(POLL_S)
