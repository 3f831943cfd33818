"""Programs as UF2, which the boot ROM of an RP2040 takes from whoever copies them to its volume.

The format: https://github.com/microsoft/uf2 (blocks of 512 bytes, each with its own address). The RP2040 takes blocks of 256
bytes whose address is a multiple of that (RP2040 data sheet, section 2.8.4.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from reds.errors import TransferError

BLOCK_BYTES, PAYLOAD_BYTES, DATA_BYTES = 512, 256, 476
MAGIC_0, MAGIC_1, MAGIC_END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
HAS_FAMILY = 0x2000
RP2040 = 0xE48BFF56
FLASH_BEGIN, FLASH_END = 0x10000000, 0x11000000
_HEADER = struct.Struct("<8I")

Segment = tuple[int, bytes]
"""Where a piece of a program lies, and its bytes."""


def uf2(segments: Iterable[Segment]) -> bytes:
    """A program as UF2; bytes of a block that no segment has are 0.

    Raises:
        TransferError: nothing, or something that does not lie in the flash.
    """
    pages: dict[int, bytearray] = {}
    for address, data in segments:
        if not FLASH_BEGIN <= address <= address + len(data) <= FLASH_END:
            raise TransferError("the program does not lie in the RP2040's flash", seen=f"{len(data)} bytes at {address:#x}")
        for offset, byte in enumerate(data, start=address):
            page = offset - offset % PAYLOAD_BYTES
            pages.setdefault(page, bytearray(PAYLOAD_BYTES))[offset - page] = byte
    if not pages:
        raise TransferError("the program is empty")
    blocks = []
    for number, (address, payload) in enumerate(sorted(pages.items())):
        header = _HEADER.pack(MAGIC_0, MAGIC_1, HAS_FAMILY, address, PAYLOAD_BYTES, number, len(pages), RP2040)
        blocks.append(header + bytes(payload).ljust(DATA_BYTES, b"\0") + struct.pack("<I", MAGIC_END))
    return b"".join(blocks)


def segments(elf: Path) -> list[Segment]:
    """What a linked program puts into flash: each segment at the address where it is stored.

    Raises:
        TransferError: the file is no ELF.
    """
    from elftools.common.exceptions import ELFError  # noqa: PLC0415 - only boards need pyelftools
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415

    try:
        with elf.open("rb") as file:
            parts = [part for part in ELFFile(file).iter_segments() if part["p_type"] == "PT_LOAD" and part["p_filesz"]]
            return [(part["p_paddr"], part.data()) for part in parts]
    except (OSError, ELFError) as error:
        raise TransferError(f"{elf} is no program", seen=str(error)) from error
