"""Where loops lie in the blocks in which a core fetches its program: it must not change with what is linked before them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from targets.firmware import Firmware, build
from targets.firmware_identity import PROJECT_FOLDER
from targets.inventory import Device

pytestmark = pytest.mark.toolchain

BLOCK_BYTES = 16
BOARDS = ("nano33ble-emu", "pico-emu")
HOT = re.compile(r"^ \.text\.(?!unlikely)(\w\S*)\n? +0x0*([0-9a-f]+) +0x[0-9a-f]+ \S*runtime/src/(\S+)\.o$", re.MULTILINE)


def hot_functions(firmware: Firmware) -> dict[str, int]:
    """Addresses of the runtime's functions by file and name, but for those that the compiler makes small (REDS_COLD)."""
    found = HOT.findall(firmware.elf.with_suffix(".map").read_text())
    return {f"{file}: {name}": int(address, 16) for name, address, file in found if int(address, 16)}


@pytest.mark.parametrize("name", BOARDS)
def test_functions_that_take_the_time_begin_with_a_block(name: str, device: Callable[[str], Device]) -> None:
    functions = hot_functions(build(device(name).environment))
    assert len(functions) > 40
    assert {name: hex(address) for name, address in functions.items() if address % BLOCK_BYTES} == {}


def test_boards_are_built_as_their_emulators_are() -> None:
    settings = (PROJECT_FOLDER / "platformio.ini").read_text()
    for board in ("nano33ble", "pico", "nanorp2040connect", *BOARDS):
        section = settings.partition(f"[env:{board}]")[2].partition("\n[")[0]
        assert "build_flags = ${board.build_flags}\n" in section
    assert f"-falign-functions={BLOCK_BYTES} " in settings.partition("\n[board]")[2].partition("\n[")[0]
