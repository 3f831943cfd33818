"""Most benchmarks in turn: `python -m tests.benchmarks`, or `nox -s figures`. Each prints its figures and judges none of them.

Alone, as `python -m tests.benchmarks.NAME`, run those that need published networks (`published`), train for long (`plans`) or try
a campaign of faults (`faults`), the sessions with one board (`link`), and `code_size`, which `kernels` prints too.
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    "kernels",
    "layouts",
    "host_peer",
    "litert",
    "suite",
    "search",
    "joint_step",
    "adaptation",
    "accuracy",
    "int8_loss",
    "judging",
    "store",
    "report",
    "boards_shared",
)


def main() -> int:
    """Run each benchmark in a process of its own; 1 if one could not be measured."""
    codes = []
    for name in BENCHMARKS:
        print(f"\n== {name} ==", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
