"""Programs as UF2, block by block."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.errors import TransferError
from targets.firmware import Firmware
from targets.flashing import uf2

pytestmark = pytest.mark.toolchain


@given(st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=600)), min_size=1, max_size=5))
def test_the_blocks_hold_the_program(parts: list[tuple[int, bytes]]) -> None:
    expected: dict[int, int] = {}
    for offset, data in parts:
        expected |= {uf2.FLASH_BEGIN + offset + index: byte for index, byte in enumerate(data)}
    content = uf2.uf2([(uf2.FLASH_BEGIN + offset, data) for offset, data in parts])
    assert len(content) % uf2.BLOCK_BYTES == 0
    found, count = {}, len(content) // uf2.BLOCK_BYTES
    for number in range(count):
        block = content[number * uf2.BLOCK_BYTES :][: uf2.BLOCK_BYTES]
        *magic, flags, address, size, index, total, family = struct.unpack("<8I", block[:32])
        assert (magic, block[-4:]) == ([uf2.MAGIC_0, uf2.MAGIC_1], struct.pack("<I", uf2.MAGIC_END))
        assert (flags, size, index, total, family) == (uf2.HAS_FAMILY, 256, number, count, uf2.RP2040)
        assert address % 256 == 0
        found |= {address + at: byte for at, byte in enumerate(block[32 : 32 + 256])}
    assert all(found[address] == byte for address, byte in expected.items())
    assert not any(byte for address, byte in found.items() if address not in expected)


@pytest.mark.parametrize("parts", [[], [(0x20000000, b"RAM")], [(uf2.FLASH_END - 1, b"ab")]])
def test_what_does_not_lie_in_flash_is_refused(parts: list[tuple[int, bytes]]) -> None:
    with pytest.raises(TransferError, match=r"empty|does not lie in the RP2040's flash"):
        uf2.uf2(parts)


def test_a_program_is_read_where_it_is_stored(host_firmware: Firmware, tmp_path: Path) -> None:
    assert sum(len(data) for _, data in uf2.segments(host_firmware.elf)) > 10_000
    (tmp_path / "text").write_text("no program")
    with pytest.raises(TransferError, match="is no program"):
        uf2.segments(tmp_path / "text")
