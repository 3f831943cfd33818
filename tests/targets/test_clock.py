"""The emulated boards' clocks count work of a known length exactly, also past the wrap of their counters."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from targets.emulators import qemu, rp2040js
from targets.firmware import Firmware
from targets.firmware_identity import PROJECT_FOLDER
from targets.inventory import Device

pytestmark = pytest.mark.toolchain

PLATFORM = PROJECT_FOLDER / "targets" / "platforms" / "reds-emulated"
FIRMWARE = PROJECT_FOLDER / "targets" / "firmware" / "src"
NOPS = 64


@dataclass(frozen=True)
class Board:
    """How to build for an emulated board, and what its clock says of one turn of a loop of two instructions."""

    name: str
    hal: str
    ticks_per_turn: int
    long_turns: int  # enough for the counter to wrap


BOARDS = {
    "nano33ble-emu": Board("mps2_an386", "hal_mps2.c", 2, 100_000_000),
    "pico-emu": Board("rp2040_sram", "hal_rp2040.c", 3, 12_000_000),
}


def program(board: Board, folder: Path) -> Firmware:
    flags = json.loads((PLATFORM / "boards" / f"{board.name}.json").read_text())["build"]
    elf, raw = folder / "count.elf", folder / "count.bin"
    sources = [Path(__file__).with_name("count_work.c"), FIRMWARE / board.hal, PLATFORM / "runtime" / "startup.c"]
    linking = ["-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--no-warn-rwx-segments"]
    script = [f"-L{PLATFORM / 'ldscripts'}", "-T", flags["ldscript"]]
    options = [*flags["arch_flags"], "-O2", f"-DLONG_TURNS={board.long_turns}u", *linking, *script]
    subprocess.run(["arm-none-eabi-gcc", *options, "-o", elf, *sources], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, raw], check=True)
    return Firmware("", elf, raw, "", None, 0, 0, 0)


def counts(device: Device, firmware: Firmware, log: Path) -> list[int]:
    attach = {"nano33ble-emu": qemu.attach, "pico-emu": rp2040js.attach}[device.kind]
    expected = struct.Struct(f"<{NOPS + 3}Q")
    data = b""
    with attach(device, firmware, log) as connection:
        while len(data) < expected.size:
            data += connection.link.read(60.0)
    return list(expected.unpack(data))


@pytest.mark.parametrize("name", BOARDS)
def test_the_clock_counts_every_instruction(name: str, device: Callable[[str], Device], tmp_path: Path) -> None:
    board = BOARDS[name]
    *nops, short, long = counts(device(name), program(board, tmp_path), tmp_path / "log")
    assert [count - nops[0] for count in nops] == list(range(NOPS + 1))
    assert long - short == (board.long_turns - 1000) * board.ticks_per_turn
