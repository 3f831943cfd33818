"""The firmware's identity, its build, and PlatformIO without a registry."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from device_examples import Example

from reds.errors import ConfigError, FlashError, MissingError
from targets.firmware import build
from targets.firmware.platformio_environment import prepare, provide_scons
from targets.firmware_identity import PROJECT_FOLDER, identity
from targets.inventory import Device

pytestmark = pytest.mark.toolchain

RAM_BYTES = {"nano33ble-emu": 256 * 1024, "pico-emu": 264 * 1024}  # of the boards
ENVIRONMENTS = {"host": "native", "nano33ble-emu": "nano33ble-emu", "pico-emu": "pico-emu"}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_build_is_kept_under_its_identity(name: str, device: Callable[[str], Device]) -> None:
    environment = device(name).environment
    firmware = build(environment)
    assert firmware.sha256 == identity(environment)
    assert firmware.sha256.encode() in firmware.elf.read_bytes()
    assert firmware.sha256.encode() in firmware.bin.read_bytes()
    built = firmware.elf.stat().st_mtime_ns
    assert build(environment) == firmware
    assert firmware.elf.stat().st_mtime_ns == built


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_firmware_compiles_without_warnings(name: str, project: Path, device: Callable[[str], Device]) -> None:
    change(project / "targets" / "firmware" / "src" / "hal.h", "What the firmware needs", "All that the firmware needs")
    log = build(device(name).environment, project).elf.with_name("build.log").read_text()
    assert "Compiling" in log
    assert "warning:" not in log


@pytest.mark.parametrize(("name", "ram_bytes"), RAM_BYTES.items())
def test_memory_is_accounted_for(name: str, ram_bytes: int, device: Callable[[str], Device]) -> None:
    firmware = build(device(name).environment)
    assert f"-DREDS_POOL_BYTES={firmware.pool_bytes} " in (PROJECT_FOLDER / "platformio.ini").read_text()
    assert 2 * 2048 <= firmware.ram_bytes < 8192  # two frames and little else
    assert firmware.flash_bytes == pytest.approx(firmware.bin.stat().st_size, abs=16)
    assert firmware.ram_bytes + firmware.pool_bytes < ram_bytes


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("targets/firmware/src/device.c", "no image is loaded", "no image is there"),
        ("targets/runtime/include/reds.h", "REDS_RUNTIME_VERSION", "REDS_RUNTIME_VERSION "),
        ("targets/platforms/reds-emulated/ldscripts/mps2_an386.ld", "256 KB", "256 KiB"),
        ("platformio.ini", "-O2", "-O3"),
        ("platformio.ini", "[env:nano33ble-emu]", "[env:nano33ble-emu]\nbuild_type = debug"),
    ],
)
def test_what_the_firmware_is_made_of_decides_its_identity(
    file: str, old: str, new: str, project: Path, device: Callable[[str], Device]
) -> None:
    environment = device("nano33ble-emu").environment
    before = identity(environment, project)
    assert before == identity(environment)  # wherever the project lies
    change(project / file, old, new)
    assert identity(environment, project) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("targets/connect.py", "Hold a device", "Have a device"),
        ("platformio.ini", "[env:pico]", "[env:pico]\nbuild_type = debug"),
        ("platformio.ini", "; The firmware", "; Firmware"),
    ],
)
def test_nothing_else_does(file: str, old: str, new: str, project: Path, device: Callable[[str], Device]) -> None:
    environment = device("nano33ble-emu").environment
    change(project / file, old, new)
    assert identity(environment, project) == identity(environment)


def test_the_cpu_decides_the_identity_of_a_program_for_this_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {environment: identity(environment) for environment in ENVIRONMENTS.values()}
    compiler = tmp_path / "gcc"
    compiler.write_text(f'#!/bin/sh\nexec "{shutil.which("gcc")}" -D__another_cpu__ "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    different = {environment for environment, sha256 in before.items() if identity(environment) != sha256}
    assert different == {"native"}


def test_a_compiler_that_does_not_know_the_cpu_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "gcc"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && echo 0.1 && exit\necho "bad value native" >&2\nexit 1\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(FlashError, match=r"(?s)gcc cannot build for this computer's CPU.*bad value native"):
        identity("native")


@pytest.mark.parametrize(("name", "ram_bytes"), RAM_BYTES.items())
def test_what_does_not_fit_the_boards_memory_does_not_link(
    name: str, ram_bytes: int, project: Path, device: Callable[[str], Device]
) -> None:
    pool_bytes = build(device(name).environment).pool_bytes
    change(project / "platformio.ini", f"-DREDS_POOL_BYTES={pool_bytes}", f"-DREDS_POOL_BYTES={ram_bytes}")
    with pytest.raises(FlashError, match=r"(?s)building the firmware .* failed.*region `RAM' overflowed.*build\.log"):
        build(device(name).environment, project)


def test_an_error_in_the_sources_is_quoted(project: Path, device: Callable[[str], Device]) -> None:
    change(project / "targets" / "firmware" / "src" / "crc32.c", "return ~crc;", "return ~src;")
    with pytest.raises(FlashError, match=r"(?s)crc32\.c.*.src. undeclared.*log: .*build\.log"):
        build(device("host").environment, project)


@pytest.mark.parametrize("board", ["nano33ble", "pico"])
def test_a_board_has_the_memory_and_the_frames_of_its_emulator(board: str) -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(PROJECT_FOLDER / "platformio.ini")
    assert settings[f"env:{board}"]["build_flags"] == settings[f"env:{board}-emu"]["build_flags"] == "${board.build_flags}"


BAKE = """
import sys

class Environment(dict):
    def subst(self, text): return sys.argv[1]
    def StringifyMacro(self, text): return text
    def Append(self, CPPDEFINES): print(dict(CPPDEFINES)["REDS_FIRMWARE_SHA256"])

script = sys.argv[1] + "/targets/firmware/bake_identity.py"
exec(compile(open(script).read(), script, "exec"), {"Import": lambda name: None, "env": Environment(PIOENV="nano33ble")})
"""


def test_baking_the_identity_in_needs_nothing_but_the_standard_library() -> None:
    """PlatformIO may live in a Python of its own. -S leaves site-packages out."""
    command = [sys.executable, "-I", "-S", "-c", BAKE, str(PROJECT_FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [identity("nano33ble")]


def test_the_version_of_a_boards_compiler_decides_the_identity_and_that_of_scons_does_not(project: Path) -> None:
    seen = []
    for name, version in (("toolchain", "1"), ("toolchain", "2"), ("tool-scons", "1"), ("tool-scons", "2")):
        package = project / ".pio-core" / "packages" / name
        package.mkdir(parents=True, exist_ok=True)
        (package / "package.json").write_text(json.dumps({"version": version}))
        seen.append(identity("nano33ble", project))
    assert seen[0] != seen[1]
    assert seen[1] == seen[2] == seen[3]


def test_an_unknown_environment_is_met_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean nano33ble-emu"):
        identity("nano33ble-emo")


def test_a_missing_compiler_comes_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match=r"(?s)arm-none-eabi-gcc.*apt-get install gcc-arm-none-eabi"):
        identity("pico-emu")


def test_scons_is_provided_once_and_never_replaced(tmp_path: Path) -> None:
    pytest.importorskip("platformio")
    folder = provide_scons(tmp_path)
    assert json.loads((folder / ".piopm").read_text())["spec"]["owner"] == "platformio"
    (folder / "scons.py").write_text("somebody else's")
    assert provide_scons(tmp_path) == folder
    assert (folder / "scons.py").read_text() == "somebody else's"


def test_a_scons_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("platformio")
    genuine = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "3.1.2" if name == "scons" else genuine(name))
    with pytest.raises(MissingError, match=r"(?s)wants tool-scons ~4.*SCons 3\.1\.2 is tool-scons 3\.30102\.0.*pip install"):
        provide_scons(tmp_path)
    assert not list(tmp_path.iterdir())


def test_platformio_is_kept_to_itself(tmp_path: Path) -> None:
    pytest.importorskip("platformio")
    environment = prepare(tmp_path / "core")
    assert environment["PLATFORMIO_CORE_DIR"] == str(tmp_path / "core")
    assert environment["PLATFORMIO_SETTING_ENABLE_TELEMETRY"] == "no"


def test_an_image_is_built_in_and_decides_the_identity(device: Callable[[str], Device], network: Example) -> None:
    environment = device("host").environment
    plain, *built_in = (build(environment, image=image) for image in (b"", network.images["int8"], network.images["float32"]))
    assert plain.image is None
    assert len({firmware.sha256 for firmware in (plain, *built_in)}) == 3
    for firmware, image in zip(built_in, (network.images["int8"], network.images["float32"]), strict=True):
        assert firmware.image is not None
        assert firmware.image.read_bytes() == image
        assert firmware.sha256 == identity(environment, image=image)
        assert plain.flash_bytes < firmware.flash_bytes == pytest.approx(plain.flash_bytes + len(image), abs=64)
        program = firmware.elf.read_bytes()
        assert image in program
        assert firmware.sha256.encode() in program
        assert build(environment, image=image) == firmware
        assert {path.name for path in firmware.elf.parent.iterdir()} >= {"firmware.json", firmware.image.name, "build.log"}
    assert not list(plain.elf.parent.parent.glob("*.reds"))  # each lies with its firmware only


def test_a_firmware_with_an_image_compiles_without_warnings(device: Callable[[str], Device], network: Example) -> None:
    for name in ENVIRONMENTS:
        log = build(device(name).environment, image=network.images["int8"]).elf.with_name("build.log").read_text()
        assert "Compiling" in log
        assert "warning:" not in log
