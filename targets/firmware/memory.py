"""What a linked program takes of a device's memory, read from its ELF file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from reds.errors import FlashError

POOL_SYMBOL = "reds_pool"


@dataclass(frozen=True)
class Memory:
    """Bytes of one program.

    Attributes:
        flash_bytes: code, constants and the initial values of variables.
        ram_bytes: variables, without the pool.
        pool_bytes: the memory pool for an image, its arena and its inputs.
    """

    flash_bytes: int
    ram_bytes: int
    pool_bytes: int

    def to_dict(self) -> dict[str, int]:
        """JSON-ready form."""
        return asdict(self)


def measure(elf: Path) -> Memory:
    """Sizes of the allocated sections of a program.

    Raises:
        FlashError: the program has no memory pool.
    """
    # Imported here: what only asks whether a device is available must do without pyelftools.
    from elftools.elf.constants import SH_FLAGS  # noqa: PLC0415
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415
    from elftools.elf.sections import SymbolTableSection  # noqa: PLC0415

    with elf.open("rb") as file:
        program = ELFFile(file)
        allocated = [s for s in program.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC]
        stored = sum(s["sh_size"] for s in allocated if s["sh_type"] != "SHT_NOBITS")
        variables = sum(s["sh_size"] for s in allocated if s["sh_flags"] & SH_FLAGS.SHF_WRITE)
        tables = [s for s in program.iter_sections() if isinstance(s, SymbolTableSection)]
        pools = [symbol["st_size"] for table in tables for symbol in table.get_symbol_by_name(POOL_SYMBOL) or ()]
    if not pools:
        raise FlashError("the firmware has no memory pool", seen=f"no symbol {POOL_SYMBOL} in {elf}")
    return Memory(stored, variables - pools[0], pools[0])
