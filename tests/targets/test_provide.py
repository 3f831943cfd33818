"""Providing tools: what is run, and what is said where nothing can be run. A stand-in takes apt-get's place on PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from targets import provide
from targets.availability import check
from targets.inventory import Inventory

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="apt-get is run directly only by root")


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put_program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@AS_ROOT
def test_a_missing_compiler_is_installed_and_then_found(bare_path: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    # "Installing" puts a program named gcc where apt-get itself lies.
    put_program(
        bare_path,
        "apt-get",
        f'echo "$@ $DEBIAN_FRONTEND" >> {calls}\n[ "$1" = update ] || {{ : > {bare_path}/gcc; /bin/chmod 755 {bare_path}/gcc; }}',
    )
    host = Inventory.load(None).device("host")
    assert not check(host).available

    assert provide.provide(host).available

    update, install = calls.read_text().splitlines()
    assert update.split()[0] == "update"
    assert install.split()[:3] == ["install", "gcc", "libc6-dev"]
    assert "--yes" in install
    assert install.split()[-1] == update.split()[-1] == "noninteractive"


@AS_ROOT
def test_a_remedy_that_does_not_help_is_tried_once(bare_path: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    put_program(bare_path, "apt-get", f'echo "$1" >> {calls}')

    left = provide.provide(Inventory.load(None).device("nano33ble-emu"))

    assert not left.available
    assert calls.read_text().split() == ["update", "install"]


@AS_ROOT
def test_a_remedy_that_fails_shows_why(bare_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put_program(bare_path, "apt-get", 'echo "no route to the mirror"; exit 100')

    left = provide.provide(Inventory.load(None).device("host"))

    assert not left.available
    assert "no route to the mirror" in capfd.readouterr().err


def test_without_a_package_manager_every_device_says_what_to_install(bare_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert provide.main() == 0

    said = capsys.readouterr().out
    assert "host: gcc is missing; install it: apt-get install gcc libc6-dev" in said
    assert "nano33ble-emu: arm-none-eabi-gcc, qemu-system-arm are missing" in said
