"""Programs without an operating system for the emulated boards, which write numbers to the link."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from targets.emulators import qemu, rp2040js
from targets.firmware import Firmware
from targets.firmware_identity import PROJECT_FOLDER
from targets.inventory import Device

PLATFORM = PROJECT_FOLDER / "targets" / "platforms" / "reds-emulated"
FIRMWARE = PROJECT_FOLDER / "targets" / "firmware" / "src"
WAIT_S = 60.0


@dataclass(frozen=True)
class Board:
    """How to build for an emulated board."""

    name: str
    hal: str


BOARDS = {"nano33ble-emu": Board("mps2_an386", "hal_mps2.c"), "pico-emu": Board("rp2040_sram", "hal_rp2040.c")}


def build(kind: str, folder: Path, sources: Sequence[Path], options: Sequence[str] = ()) -> Firmware:
    """What a board of this kind runs, made of the sources, the board's hardware layer and its start-up code."""
    board = BOARDS[kind]
    flags = json.loads((PLATFORM / "boards" / f"{board.name}.json").read_text())["build"]
    elf, raw = folder / "program.elf", folder / "program.bin"
    files = [*sources, FIRMWARE / board.hal, PLATFORM / "runtime" / "startup.c"]
    linking = ["-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--no-warn-rwx-segments"]
    script = [f"-L{PLATFORM / 'ldscripts'}", "-T", flags["ldscript"]]
    command = ["arm-none-eabi-gcc", *flags["arch_flags"], "-O2", *options, *linking, *script, "-o", elf, *files]
    subprocess.run(command, check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, raw], check=True)
    return Firmware("", elf, raw, "", None, 0, 0, 0)


def numbers(device: Device, firmware: Firmware, log: Path, count: int) -> list[int]:
    """The first so many u64 that the program writes."""
    attach = {"nano33ble-emu": qemu.attach, "pico-emu": rp2040js.attach}[device.kind]
    expected = struct.Struct(f"<{count}Q")
    data = b""
    with attach(device, firmware, log) as connection:
        while len(data) < expected.size:
            data += connection.link.read(WAIT_S)
    return list(expected.unpack(data))
