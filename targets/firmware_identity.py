"""The firmware's identity: a SHA-256 over everything that decides what its bytes are.

The same function is used before a build (is there anything to do?), during it (the hash is compiled in, for HELLO) and when a
device is connected (does it run what it should?). During a build it runs in PlatformIO's own Python, which need not have what
this project depends on: this module, and what it imports, take nothing but the standard library.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from reds.errors import FlashError, MissingError, unknown_name

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
SETTINGS_FILE = "platformio.ini"
CORE_FOLDER = ".pio-core"
SOURCE_FOLDERS = ("targets/firmware/src", "targets/runtime/include", "targets/runtime/src")
LOCAL_PLATFORM = "symlink://"
BUILD_TOOL = "tool-scons"
BUILT_IN_IMAGE_VARIABLE = "REDS_BENCH_BUILT_IN_IMAGE"
"""Environment variable of a build: path of the image that is compiled into the firmware."""

# The compiler of each environment that builds with installed tools; the others' comes with their PlatformIO platform.
COMPILERS = {"native": "gcc", "nano33ble-emu": "arm-none-eabi-gcc", "pico-emu": "arm-none-eabi-gcc"}

THIS_CPU = "-march=native"
"""Compiler option: for the CPU that the compiler runs on."""

COMPILER_REMEDIES = {
    "gcc": "apt-get install gcc libc6-dev",
    "arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi",
}


def identity(environment: str, project_folder: Path = PROJECT_FOLDER, image: bytes = b"") -> str:
    """SHA-256 (64 hex digits) of sources, platform, PlatformIO options and compiler version of one PlatformIO environment.

    A program for the CPU that it is built on (`-march=native`) has another identity on another CPU: none runs what was kept for
    another.

    Args:
        environment: the PlatformIO environment.
        project_folder: where platformio.ini lies.
        image: what is built into the firmware, if anything.

    Raises:
        ConfigError: platformio.ini has no such environment.
        MissingError: the environment's compiler is not installed.
        FlashError: the compiler does not say what it is.
    """
    settings = _settings(environment, project_folder)
    folders = [*SOURCE_FOLDERS, *_local_platform(settings)]
    digest = hashlib.sha256()
    compiler = [_compiler_version(environment, project_folder), _cpu(environment, settings)]
    digest.update(json.dumps([settings, *compiler], sort_keys=True).encode())
    for path in _files(folders, project_folder):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(project_folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    if image:
        digest.update(b"\0image\0" + image)
    return digest.hexdigest()


def _settings(environment: str, project_folder: Path) -> dict[str, dict[str, str]]:
    """The sections of platformio.ini that concern the environment, unexpanded."""
    parser = configparser.ConfigParser(interpolation=None, strict=True, inline_comment_prefixes=(" ;",))
    parser.read(project_folder / SETTINGS_FILE)
    prefix = "env:"
    environments = [section.removeprefix(prefix) for section in parser.sections() if section.startswith(prefix)]
    if environment not in environments:
        raise unknown_name("PlatformIO environment", environment, environments)
    concerned = [s for s in parser.sections() if not s.startswith(prefix) or s == prefix + environment]
    return {section: dict(parser[section]) for section in concerned}


def _local_platform(settings: dict[str, dict[str, str]]) -> list[str]:
    platforms = (options.get("platform", "") for options in settings.values())
    return [platform.removeprefix(LOCAL_PLATFORM) for platform in platforms if platform.startswith(LOCAL_PLATFORM)]


def _files(folders: list[str], project_folder: Path) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((project_folder / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path


def _compiler_version(environment: str, project_folder: Path) -> str:
    compiler = COMPILERS.get(environment)
    return _installed_version(compiler) if compiler else _packaged_versions(project_folder)


def _installed_version(compiler: str) -> str:
    if shutil.which(compiler) is None:
        raise MissingError(f"the compiler {compiler} is not installed", do=COMPILER_REMEDIES[compiler])
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FlashError(f"{compiler} --version failed", seen=done.stderr.strip() or f"exit status {done.returncode}")
    return done.stdout.splitlines()[0]


def _cpu(environment: str, settings: dict[str, dict[str, str]]) -> str:
    """What the compiler takes this computer's CPU for, where it builds for that: its macros, which name every instruction set."""
    if all(THIS_CPU not in options.get("build_flags", "").split() for options in settings.values()):
        return ""
    command = [COMPILERS[environment], THIS_CPU, "-dM", "-E", "-x", "c", os.devnull]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        seen = done.stderr.strip() or f"exit status {done.returncode}"
        raise FlashError(f"{command[0]} cannot build for this computer's CPU", seen=seen)
    return done.stdout


def _packaged_versions(project_folder: Path) -> str:
    """Versions of what PlatformIO has downloaded; the first build changes them, so its identity is taken after the download."""
    core = project_folder / CORE_FOLDER
    manifests = [*core.glob("packages/*/package.json"), *core.glob("platforms/*/platform.json")]
    versions = {path.parent.name: json.loads(path.read_text()).get("version") for path in manifests}
    versions.pop(BUILD_TOOL, None)  # it only calls the compiler; ours and the registry's make the same firmware
    return json.dumps(versions, sort_keys=True)
