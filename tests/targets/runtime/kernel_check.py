"""Random layers through the kernels of a core, against their definition: builds and runs kernel_check.c.

python -m tests.targets.runtime.kernel_check --core cortex-m4 --count 500 int8 convolution rows
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.targets.runtime import programs

SOURCES = tuple(
    programs.HERE / name for name in ("kernel_check.c", "kernel_case_draw.c", "kernel_case_pack.c", "kernel_case_expect.c")
)


def build(folder: Path, core: programs.Core, options: Sequence[str] = ()) -> Path:
    """The program for a core."""
    return programs.build(folder / f"kernel_check-{core.name}", core, SOURCES, options)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", choices=programs.CORES, default="host")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000, help="random layers")
    parser.add_argument("--option", action="append", default=[], help="for the compiler, such as --option=-DREDS_HAS_DSP=0")
    parser.add_argument("filter", nargs="*", help="precision, kind, layout, case=N; see kernel_check.c")
    given = parser.parse_args()
    core = programs.CORES[given.core]
    with tempfile.TemporaryDirectory() as folder:
        try:
            program = build(Path(folder), core, given.option)
            command = programs.command_of(program, core, [str(given.seed), str(given.count), *given.filter])
        except programs.MissingToolError as missing:
            parser.error(str(missing))
        except subprocess.CalledProcessError:
            return 1  # the compiler has said why
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
