"""The circumstances of a run: the repository, this computer, the versions of what shapes results."""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.records import Run
from reds.provenance import package_versions

# Packages whose version can change a number; read from their metadata, so that nothing heavy is imported.
PACKAGES = (
    "reds-bench",
    "numpy",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "scikit-learn",
    "platformio",
    "pyserial",
    "pytest",
    "pytest-benchmark",
    "pytest-xdist",
)
PROGRAMS = ("gcc", "arm-none-eabi-gcc", "qemu-system-arm", "node")  # compilers and emulators
TOOL_TIMEOUT_S = 10


def new_run_id() -> str:
    """UTC stamp and a short random part: sorts by time, and two runs of one second differ."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def describe_run(run_id: str, matrix: str, command: Sequence[str], root: Path) -> Run:
    """The header of a run that starts now in the working tree `root`."""
    sha, dirty = git_state(root)
    return Run(
        id=run_id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        matrix=matrix,
        git_sha=sha,
        git_dirty=dirty,
        host=host_facts(),
        versions={**package_versions(PACKAGES), **tool_versions(PROGRAMS)},
        command=tuple(command),
    )


def git_state(root: Path) -> tuple[str | None, bool]:
    """Commit of the working tree and whether tracked files differ from it; (None, False) outside a repository."""
    try:
        sha = _git(root, "rev-parse", "HEAD")
        return sha.strip(), bool(_git(root, "status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError):
        return None, False


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=TOOL_TIMEOUT_S
    )
    return done.stdout


def host_facts() -> Mapping[str, str]:
    """Facts on this computer that explain its numbers."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": _cpu_name(),
        "cpu_count": str(os.cpu_count()),
        "python": platform.python_version(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(names, platform.processor() or "unknown")


def tool_versions(programs: Iterable[str]) -> dict[str, str]:
    """What those programs that are installed say of their version, in their first line."""
    found = {}
    for program in programs:
        try:
            done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=TOOL_TIMEOUT_S)
        except (OSError, subprocess.SubprocessError):
            continue
        found[program] = done.stdout.partition("\n")[0].strip()
    return found
