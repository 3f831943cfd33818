"""How much program memory the runtime takes on a Cortex-M4F: all of it linked alone, and the firmware around it.

python -m tests.benchmarks.code_size [--json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from reds.errors import FlashError
from targets.firmware import build
from targets.firmware_identity import PROJECT_FOLDER

ENVIRONMENT = "nano33ble-emu"
COMPILER = "arm-none-eabi-gcc"
BOARD = PROJECT_FOLDER / "targets" / "platforms" / "reds-emulated" / "boards" / "mps2_an386.json"
RUNTIME = PROJECT_FOLDER / "targets" / "runtime"
# As platformio.ini and the platform have it.
COMPILE = ["-O2", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections"]
LINK = ["-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
FUNCTIONS = (
    "reds_open",
    "reds_describe",
    "reds_describe_level",
    "reds_bind",
    "reds_select",
    "reds_input",
    "reds_output",
    "reds_write_real_input",
    "reds_read_probabilities",
    "reds_invoke",
    "reds_profile",
    "reds_status_text",
)


@dataclass(frozen=True)
class CodeSize:
    """Bytes of code with read-only data; no image is in them.

    Attributes:
        runtime_bytes: every function of reds.h with all that it calls: all layers, layouts and both precisions.
        firmware_bytes: the firmware, which holds the runtime.
        rest_bytes: the firmware without it: protocol, measurements, the board's own code.
        compiler: and its flags.
    """

    runtime_bytes: int
    firmware_bytes: int
    rest_bytes: int
    compiler: str


def measure() -> CodeSize:
    """Compile, link, look.

    Raises:
        FlashError: it does not compile.
        MissingError: there is no compiler.
    """
    firmware = build(ENVIRONMENT).flash_bytes
    architecture = json.loads(BOARD.read_text())["build"]["arch_flags"]
    roots = [f"-Wl,-u,{function}" for function in FUNCTIONS]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "runtime.elf"
        sources = [str(path) for path in sorted((RUNTIME / "src").glob("*.c"))]
        options = [*architecture, *COMPILE, f"-I{RUNTIME / 'include'}", *LINK, *roots, "-Wl,-e,reds_open"]
        _run([COMPILER, *options, "-o", str(program), *sources])
        runtime = _read_only_bytes(program)
    version = _run([COMPILER, "-dumpfullversion"]).strip()
    flags = " ".join([*architecture, *COMPILE])
    return CodeSize(runtime, firmware, firmware - runtime, f"{COMPILER} {version} {flags}")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FlashError(f"{command[0]} failed", seen=done.stderr.strip())
    return done.stdout


def _read_only_bytes(program: Path) -> int:
    """Sizes of the sections that lie in a device's program memory."""
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    with program.open("rb") as file:
        sections = [s for s in ELFFile(file).iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC]
        return sum(s["sh_size"] for s in sections if not s["sh_flags"] & SH_FLAGS.SHF_WRITE)


def sentences(size: CodeSize) -> list[str]:
    """The figures for people."""
    return [
        f"code with read-only data: runtime {size.runtime_bytes:,} B (all layers, layouts and both precisions)",
        f"firmware {size.firmware_bytes:,} B, {size.rest_bytes:,} B without it ({size.compiler})",
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    size = measure()
    print(json.dumps(asdict(size), indent=1) if as_json else "\n".join(sentences(size)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
