"""C programs on top of the runtime, built for this computer or for an emulated core, and run there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
RUNTIME = HERE.parents[2] / "targets" / "runtime"
INCLUDES = (f"-I{RUNTIME / 'include'}", f"-I{RUNTIME / 'src'}")
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
SANITIZERS = ("-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
EMULATED_LINK = ("--specs=rdimon.specs", "-Wl,--section-start=.vectors=0", "-Wl,--no-warn-rwx-segments", "-lm")
BUILD_TIMEOUT_S = 300


class MissingToolError(Exception):
    """A compiler or an emulator is not on PATH."""


@dataclass(frozen=True)
class Core:
    """A kind of core: how to compile for it. `emulated` programs run on QEMU's Cortex-M4F, which runs ARMv6-M code too.

    The hosts named after a core run that core's kernels with the instructions written in C, under the sanitizers.
    """

    name: str
    options: tuple[str, ...]
    emulated: bool


CORES = {
    core.name: core
    for core in (
        Core("host", ("-O1", *SANITIZERS), False),
        Core("host-dsp", ("-O1", "-DREDS_HAS_DSP=1", *SANITIZERS), False),
        Core("host-fpv4", ("-O1", "-DREDS_HAS_FPV4=1", *SANITIZERS), False),
        Core("host-m0plus", ("-O1", "-DREDS_HAS_M0PLUS_ASSEMBLY=1", *SANITIZERS), False),
        Core("host-avx2", ("-O2", "-mavx2", "-mfma", *SANITIZERS), False),
        Core("host-native", ("-O1", "-march=native", *SANITIZERS), False),
        Core("cortex-m4f", ("-mthumb", "-O2", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=softfp"), True),
        Core("cortex-m4", ("-mthumb", "-O2", "-mcpu=cortex-m4"), True),
        Core("cortex-m0plus", ("-mthumb", "-O2", "-mcpu=cortex-m0plus", "-DTRAP_UNALIGNED"), True),
    )
}


def processor_has_avx2() -> bool:
    """Whether this computer can run what is built with -mavx2 -mfma; False where it does not say."""
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and {"avx2", "fma"} <= set(cpu.read_text().split())


def runtime_sources() -> list[Path]:
    return sorted((RUNTIME / "src").glob("*.c"))


def tool(*names: str) -> str:
    """The first of the tools that is on PATH.

    Raises:
        MissingToolError: none is.
    """
    for name in names:
        if shutil.which(name) is not None:
            return name
    raise MissingToolError(f"needs {' or '.join(names)} on PATH")


def build(output: Path, core: Core, sources: Iterable[Path], options: Sequence[str] = ()) -> Path:
    """The program `output` of `sources` and the runtime.

    Raises:
        MissingToolError: no compiler.
        subprocess.CalledProcessError: it does not compile.
    """
    files = [*map(str, sources), *map(str, runtime_sources())]
    if core.emulated:
        compiler, files, link = tool("arm-none-eabi-gcc"), [*files, str(HERE / "cortex_m_vectors.c")], EMULATED_LINK
    else:
        compiler, link = tool("gcc", "cc"), ("-lm",)
    command = [compiler, *core.options, *WARNINGS, *options, *INCLUDES, *files, *link, "-o", str(output)]
    subprocess.run(command, check=True, timeout=BUILD_TIMEOUT_S)
    return output


def command_of(program: Path, core: Core, arguments: Sequence[str]) -> list[str]:
    """How to run a built program.

    Raises:
        MissingToolError: no emulator.
    """
    if not core.emulated:
        return [str(program), *arguments]
    semihosting = ",".join(["enable=on", "target=native", *(f"arg={word}" for word in (program.name, *arguments))])
    machine = [tool("qemu-system-arm"), "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"]
    return [*machine, "-semihosting-config", semihosting, "-kernel", str(program)]
