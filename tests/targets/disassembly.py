"""What binutils says of a program's instructions: halfwords, mnemonics and operands; and the class that a mnemonic belongs to."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"\s*[0-9a-f]+:\t([0-9a-f]{4})(?: ([0-9a-f]{4}))?\s*\t(\S+)(?:\t([^;@<]*))?")
_CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
_INDEXED_BY_REGISTER = re.compile(r"\[\w+, (?!#)\w+")
_RANGE = re.compile(r"([a-z]+)(\d+)-\1(\d+)")

# Mnemonics without condition, flag suffix and width, by class.
CLASSES: dict[str, str] = {
    "multiply": r"mul|mla|mls|[su]mull|[su]mlal|umaal|smul[btw][bt]|smla[btw][bt]|smlal[bt][bt]|smm(ul|la|ls)r?"
    r"|sm(ua|la|us|ls|lal|lsl)dx?",
    "divide": r"[su]div",
    "load": r"ldrs?[bh]?t?|vldr|pld|ldrex[bh]?",
    "store": r"str[bh]?t?|vstr",
    "multiple": r"(ld|st)m(ia|db|fd|ea)?|push|pop|(ld|st)rd|v(ld|st)m(ia|db)|vpush|vpop",
    "branch": r"b|bl|bx|blx|cbn?z|tb[bh]|svc|udf",
    "float_add_multiply": r"v(add|sub|n?mul|abs|neg|cmpe?|cvtr?)",
    "float_fused": r"vf?n?m(la|ls|a|s)",
    "float_divide": r"vdiv|vsqrt",
    "float_move": r"vmov|vm[rs][rs]",
    "alu": r"ad[cd]w?|sbc|subw?|rsb|and|orr|orn|eor|bic|mov[wt]?|mvn|cm[pn]|tst|teq|neg|ls[lr]|asr|ror|rrx|it[te]*|nop|adr"
    r"|[su]xta?(b|h|b16)|[su]bfx|bf[ic]|clz|rbit|rev(16|sh)?|[su]sat(16)?|pkh(bt|tb)|q?(add|sub)(8|16)?|[suq](add|sub|asx|sax)(8|16)?|sel|m[rs][rs]|cps(id|ie)"
    r"|dmb|dsb|isb|wf[ie]|sev|bkpt|yield",
}


@dataclass(frozen=True)
class Instruction:
    """One instruction: its halfwords, its mnemonic without width (".w") and types (".f32"), and its operands."""

    halves: tuple[str, ...]
    mnemonic: str
    operands: str

    @property
    def expected(self) -> tuple[str, int]:
        """The class that the mnemonic says, and the registers that a multiple transfer moves.

        Raises:
            AssertionError: a mnemonic that no class knows.
        """
        kind = self._kind()
        if kind == "load" and self.mnemonic.startswith("ldr") and self.operands.startswith("pc"):
            kind = "branch"
        if kind == "store" and _INDEXED_BY_REGISTER.search(self.operands):
            kind = "store_indexed"
        return kind, self._registers() if kind == "multiple" else 0

    def _kind(self) -> str:
        for kind, pattern in CLASSES.items():
            if re.fullmatch(f"({pattern})s?({_CONDITIONS})?", self.mnemonic):
                return kind
        raise AssertionError(f"{self.mnemonic} {self.operands} belongs to no class")

    def _registers(self) -> int:
        if "{" not in self.operands:
            return 2  # LDRD, STRD
        inside = self.operands[self.operands.index("{") + 1 : self.operands.index("}")]
        words = 2 if inside.startswith("d") else 1
        ranges = _RANGE.findall(inside)
        return words * (len(inside.split(",")) + sum(int(last) - int(first) for _, first, last in ranges))


def instructions(elf: Path) -> Iterator[Instruction]:
    """Every instruction of a program's code; literals among them are left out."""
    listing = subprocess.run(["arm-none-eabi-objdump", "-d", str(elf)], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        found = _LINE.match(line)
        if found and not found[3].startswith("."):
            halves = tuple(half for half in (found[1], found[2]) if half)
            yield Instruction(halves, found[3].split(".")[0], (found[4] or "").strip())
