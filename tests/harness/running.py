"""Runs pytest and the commands as a user does: in a process of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
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


def run_pytest(
    *arguments: str | Path, environment: Mapping[str, str] | None = None, tree: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """`pytest suites` with these arguments."""
    return run("pytest", "suites", "-p", "no:cacheprovider", *arguments, environment=environment, tree=tree)


def run(
    module: str, *arguments: str | Path, environment: Mapping[str, str] | None = None, tree: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """`python -m <module>` with these arguments, in the root of the repository or of a copy of it."""
    # A run that a test starts is nobody's worker, even where the test itself runs in one of xdist.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_XDIST", "PYTEST_CURRENT"))}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=tree,
        env={**inherited, "COLUMNS": "200", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def copy_tree(folder: Path, names: Iterable[str]) -> None:
    """Copy these files and folders of the repository, but for what is made while others work in them."""
    left_out = shutil.ignore_patterns("node_modules", "__pycache__")
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=left_out)
        else:
            shutil.copy2(ROOT / name, folder / name)


def collected(output: str) -> list[str]:
    """Node ids in the output of `--collect-only -q`."""
    return [line for line in output.splitlines() if "::" in line]


def write_plugin(folder: Path, source: str) -> dict[str, str]:
    """A pytest plugin `extra` made of this source, and the environment in which `-p extra` finds it."""
    (folder / "extra.py").write_text(source)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))}
