"""From a device of the inventory to a `Target` that has said it is what it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

from reds.errors import DeviceError
from targets import host, serial_board
from targets.connection import Connection
from targets.emulators import qemu, rp2040js
from targets.firmware import Firmware, build
from targets.inventory import Device
from targets.locks import DeviceLock
from targets.program_memory import ProgrammableTarget
from targets.target import Identity, Target
from targets.wire.conversation import Conversation
from targets.wire.transcript import RecordedLink, Transcript
from targets.wire_target import WireTarget

Attach = Callable[[Device, Firmware, Path], AbstractContextManager[Connection]]

_ATTACH: Mapping[str, Attach] = {
    "host": host.attach,
    "nano33ble-emu": qemu.attach,
    "pico-emu": rp2040js.attach,
    "nano33ble": serial_board.attach,
    "pico": serial_board.attach,
    "nanorp2040connect": serial_board.attach,
}


@contextmanager
def connect(device: Device, log_folder: Path, transcript: Transcript | None = None) -> Iterator[Target]:
    """Hold a device, with the firmware of this checkout on it, until the end of the `with`.

    Of a program that is started here (the host's, an emulator) there is one at a time; a board is used by who holds its lease,
    which is the caller's matter.

    Builds the firmware if it has changed, starts what has to be started, and stops it again however the block ends. An image that
    RAM does not hold is built into the firmware, where the device has program memory for it. Messages of emulators go to
    `<log_folder>/<device id>.log`, those of the last one where it was started again; what goes over the link to the transcript.

    Raises:
        BusyError: another process runs the device's program.
        MissingError: a tool, an emulator or the port is not there.
        FlashError: building or uploading the firmware failed.
        DeviceError: the device is not what the inventory says.
        TransportError, TimedOutError, ProtocolError: it cannot be talked to.
    """
    log = log_folder / f"{device.id}.log"

    def make(image: bytes) -> Firmware:
        return build(device.environment, image=image)

    def start(firmware: Firmware) -> AbstractContextManager[WireTarget]:
        return talk(device, firmware, log, transcript)

    with nullcontext() if device.is_board else DeviceLock(device):
        if device.has_program_memory:
            with closing(ProgrammableTarget(make, start)) as target:
                yield target
        else:
            with start(make(b"")) as target:
                yield target


@contextmanager
def talk(device: Device, firmware: Firmware, log: Path, transcript: Transcript | None = None) -> Iterator[WireTarget]:
    """As `connect`, with a firmware that is built already, for a caller who holds the device's lock."""
    with _ATTACH[device.kind](device, firmware, log) as connection:
        link = connection.link if transcript is None else RecordedLink(connection.link, transcript)
        conversation = Conversation(device.id, link, device.answer_timeout_s, connection.evidence)
        with closing(WireTarget(conversation)) as target:
            check_identity(device, firmware, target.identify())
            yield target


def check_identity(device: Device, firmware: Firmware, identity: Identity) -> None:
    """DeviceError if the device is another than the inventory's, or runs another firmware."""
    expected = {"board": device.environment, "firmware": firmware.sha256, "memory pool": firmware.pool_bytes}
    seen = {"board": identity.board, "firmware": identity.firmware_sha256, "memory pool": identity.pool_bytes}
    different = [f"{what} {seen[what]}, not {value}" for what, value in expected.items() if seen[what] != value]
    if different:
        raise DeviceError(
            f"the device that answers as {device.id} is not the one of the inventory",
            seen="; ".join(different),
            do="check its kind, environment and port in devices.toml",
        )
