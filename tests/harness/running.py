"""Runs pytest and the commands as a user does: in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import run_file
from harness.run_file import RunFile

ROOT = Path(__file__).resolve().parents[2]
MATRIX = Path(__file__).with_name("host.toml")
LONGEST_S = 300


@dataclass(frozen=True)
class Done:
    """A run of the suites that ended."""

    process: subprocess.CompletedProcess[str]
    folder: Path

    @property
    def output(self) -> str:
        """What it printed."""
        return self.process.stdout + self.process.stderr

    @property
    def run(self) -> RunFile:
        """What it recorded."""
        (path,) = (self.folder / "results").glob("*.jsonl")
        return run_file.read(path)


def run_pytest(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`pytest suites` with these arguments."""
    return run("pytest", "suites", "-p", "no:cacheprovider", *arguments, environment=environment)


def run(module: str, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m <module>` with these arguments, in the repository's root."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def collected(output: str) -> list[str]:
    """Node ids in the output of `--collect-only -q`."""
    return [line for line in output.splitlines() if "::" in line]


def write_plugin(folder: Path, source: str) -> dict[str, str]:
    """A pytest plugin `extra` made of this source, and the environment in which `-p extra` finds it."""
    (folder / "extra.py").write_text(source)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))}
