"""Builds the firmware with PlatformIO and keeps each build under its identity, so that nothing is built twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from reds.cache import cache_folder
from reds.errors import BuildError, BusyError, FlashError, TransferError
from targets.firmware.memory import measure
from targets.firmware.platformio_environment import platformio_command, prepare
from targets.firmware_identity import BUILT_IN_IMAGE_VARIABLE, CORE_FOLDER, PROJECT_FOLDER, identity
from targets.log_file import open_log

LONGEST_BUILD_S = 1800  # the first build of a registry platform downloads a compiler
LONGEST_UPLOAD_S = 180
LOG_LINES = 12
_ERROR = re.compile(r"\berror\b|overflowed|undefined reference|multiple definition|not found|No such file", re.IGNORECASE)
RECORD = "firmware.json"


@dataclass(frozen=True)
class Firmware:
    """A built firmware.

    Attributes:
        environment: the PlatformIO environment.
        elf: the linked program.
        bin: the raw image; for the host the program itself.
        sha256: its identity (64 hex digits), which it says in HELLO.
        image: the `.reds` image that is built in; None if there is none.
        flash_bytes: code, constants and initial values.
        ram_bytes: static RAM without the pool.
        pool_bytes: memory for an image, its arena and its inputs.
    """

    environment: str
    elf: Path
    bin: Path
    sha256: str
    image: Path | None
    flash_bytes: int
    ram_bytes: int
    pool_bytes: int


def build(environment: str, project_folder: Path = PROJECT_FOLDER, image: bytes = b"") -> Firmware:
    """The firmware of a PlatformIO environment; built only if its identity has no build yet.

    Args:
        environment: the PlatformIO environment.
        project_folder: where platformio.ini lies.
        image: a `.reds` image to build in, for a device whose RAM does not hold it.

    Raises:
        ConfigError: platformio.ini has no such environment.
        MissingError: PlatformIO or the compiler is not installed.
        BuildError: the build failed; the error names its log.
    """
    firmware = kept(environment, identity(environment, project_folder, image))
    if firmware is not None:
        return firmware
    with _one_builder(project_folder):
        firmware = kept(environment, identity(environment, project_folder, image))
        return firmware or _build(environment, project_folder, image)


def _folder(environment: str, sha256: str) -> Path:
    return cache_folder("firmware", environment) / sha256


def kept(environment: str, sha256: str) -> Firmware | None:
    """A build of before, by its identity; None if it is not in the cache."""
    folder = _folder(environment, sha256)
    try:
        record = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        return None
    image = folder / record["image"] if record["image"] else None
    return Firmware(environment, folder / record["elf"], folder / record["bin"], sha256, image, **record["memory"])


@contextmanager
def _one_builder(project_folder: Path) -> Iterator[None]:
    """PlatformIO's folders belong to one build at a time."""
    path = project_folder / ".pio" / "build.lock"
    path.parent.mkdir(exist_ok=True)
    try:
        with filelock.FileLock(path, timeout=LONGEST_BUILD_S):
            yield
    except filelock.Timeout as error:
        raise BusyError("another process has been building firmware for too long", seen=str(path)) from error


def _build(environment: str, project_folder: Path, image: bytes) -> Firmware:
    log = cache_folder("firmware", environment) / "build.log"
    command = [*platformio_command(), "run", "--project-dir", str(project_folder), "--environment", environment]
    with _image_file(environment, image) as image_path:
        variables = _variables(project_folder, image_path)
        log.unlink(missing_ok=True)
        _run_platformio(command, BuildError(f"building the firmware {environment} failed"), log, variables)

        sha256 = identity(environment, project_folder, image)  # after the build: it may have downloaded the compiler
        built = project_folder / ".pio" / "build" / environment
        elf = built / "firmware.elf"
        if sha256.encode() not in elf.read_bytes():
            raise BuildError(
                f"the firmware {environment} is not built from the sources that are there now", do="build again", log=log
            )
        raw = built / "firmware.bin"
        return _keep(environment, sha256, (elf, raw if raw.exists() else elf), image_path, log)


@contextmanager
def _image_file(environment: str, image: bytes) -> Iterator[Path | None]:
    """Where the compiler finds the image that it builds in: named by its content, so that another image is another build."""
    if not image:
        yield None
        return
    path = cache_folder("firmware", environment) / f"{hashlib.sha256(image).hexdigest()}.reds"
    path.write_bytes(image)
    try:
        yield path
    finally:
        path.unlink()


def _variables(project_folder: Path, image: Path | None) -> dict[str, str]:
    """Environment variables of a build."""
    variables = dict(prepare(project_folder / CORE_FOLDER))
    if image is not None:
        variables[BUILT_IN_IMAGE_VARIABLE] = str(image)
    return variables


def _run_platformio(
    command: list[str], failure: FlashError, log: Path, environment: Mapping[str, str], limit_s: float = LONGEST_BUILD_S
) -> None:
    """Run PlatformIO, all output to the end of the log.

    Raises:
        FlashError: of the kind and with the words of `failure`: it failed or took too long; what the log tells is quoted.
    """
    with open_log(log, "ab") as output:
        begin = output.tell()
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise type(failure)(failure.what, seen=f"no end after {limit_s:g} s", log=log) from error
    if done.returncode != 0:
        seen = "\n    ".join(_telling(log, begin)) or f"exit status {done.returncode}"
        raise type(failure)(failure.what, seen=seen, log=log)


def _telling(log: Path, begin: int) -> list[str]:
    """The lines of a log from some byte on that speak of errors, or the last ones if none does; none if it was not kept."""
    try:
        lines = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    except OSError:
        return []
    return [line for line in lines if _ERROR.search(line)][:LOG_LINES] or lines[-LOG_LINES:]


def _keep(environment: str, sha256: str, program: tuple[Path, Path], image: Path | None, log: Path) -> Firmware:
    """Move a build (its ELF and raw file) into the cache; a killed process leaves no half of it."""
    elf, raw = program
    folder = _folder(environment, sha256)
    staging = folder.with_name(f".{sha256}.{os.getpid()}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    linker_map = elf.with_suffix(".map")
    for path in {elf, raw, log, *([image] if image else []), *([linker_map] if linker_map.exists() else [])}:
        shutil.copy2(path, staging / path.name)
    record = {"elf": elf.name, "bin": raw.name, "image": image.name if image else None, "memory": measure(elf).to_dict()}
    (staging / RECORD).write_text(json.dumps(record))
    shutil.rmtree(folder, ignore_errors=True)
    staging.rename(folder)
    firmware = kept(environment, sha256)
    assert firmware is not None
    return firmware


def upload(
    firmware: Firmware,
    port: str | None,
    log: Path,
    project_folder: Path = PROJECT_FOLDER,
    *,
    limit_s: float = LONGEST_UPLOAD_S,
) -> None:
    """Put the firmware on the board at a serial port; without a port PlatformIO looks for the board itself.

    PlatformIO's folder may hold another build by now, so the firmware is built again first, in a step of its own: beside
    the upload it may be left half done when that fails.

    Raises:
        BuildError, TransferError: the build or the upload failed; the error names the log.
    """
    environment = firmware.environment
    command = [*platformio_command(), "run", "--project-dir", str(project_folder), "--environment", environment]
    variables = _variables(project_folder, firmware.image)
    with _one_builder(project_folder):
        _run_platformio(command, BuildError(f"building the firmware {environment} again failed"), log, variables)
        target = ["--target", "upload", *([] if port is None else ["--upload-port", port])]
        failure = TransferError(f"uploading {environment} to {port or 'the board'} failed")
        _run_platformio([*command, *target], failure, log, variables, limit_s)
