"""bootstrap.sh is what a newcomer meets first; these tests run it without installing anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def bootstrap(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(ROOT / "bootstrap.sh"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_names_the_two_sessions() -> None:
    done = bootstrap("--help")
    assert done.returncode == 0
    assert "bench" in done.stdout
    assert "tests" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--benhc",)])
def test_wrong_use_exits_with_2_and_shows_the_help(arguments: tuple[str, ...]) -> None:
    done = bootstrap(*arguments)
    assert done.returncode == 2
    assert "./bootstrap.sh bench" in done.stdout + done.stderr


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    for tool in ("sh", "sed", "dirname", "id"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    done = bootstrap("bench", PATH=str(tmp_path), PYTHON="")
    assert done.returncode == 1
    assert "Python 3.11" in done.stderr


@pytest.mark.parametrize("separator", [["--"], []])
def test_a_session_runs_from_a_private_environment(tmp_path: Path, separator: list[str]) -> None:
    """The environment's own interpreter is called with the session and its arguments; a stand-in takes the place of nox."""
    shutil.copy(ROOT / "bootstrap.sh", tmp_path)
    fake = tmp_path / ".venv" / "bin" / "python"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\n[ "$1" = -c ] || printf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ["sh", str(tmp_path / "bootstrap.sh"), "bench", *separator, "-k", "nano33ble and mlp3"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["-m", "nox", "--session", "bench", "--", "-k", "nano33ble and mlp3"]
