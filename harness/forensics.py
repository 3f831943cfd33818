"""What a failure on a device leaves behind: a folder with what its link carried, what it runs, where, and how to see it again."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.boards import Connect
from harness.lines import to_facts
from harness.run_file import read_header
from reds.errors import BenchError
from targets.firmware.builder import kept
from targets.inventory import Device
from targets.target import Identity, Target
from targets.wire.transcript import Transcript

Reach = Callable[[Device, Transcript], AbstractContextManager[Target]]

MOST_FOLDERS = 20  # of one process in one run; what fails then is told in its test's report alone
MOST_FRAMES = 50
MOST_COPIED_BYTES = 4_000_000  # of one file


@dataclass(frozen=True)
class Failure:
    """A failure of a device.

    Attributes:
        device: which one.
        test: id of the test that met it.
        error: what was raised there.
        command: the command line that runs this test alone.
    """

    device: Device
    test: str
    error: BaseException
    command: str


@dataclass(frozen=True)
class _Kept:
    folder: Path
    total_bytes: int


class Forensics:
    """The folders of a run, beside its file: `<run>.failures/<device>-<number>/`.

    Args:
        run_file: the file of the run.
        log_folder: where the emulators' messages go.
    """

    def __init__(self, run_file: Path, log_folder: Path) -> None:
        self._run_file, self._log_folder = run_file, log_folder
        self._transcripts: dict[str, Transcript] = {}
        self._identities: dict[str, Identity] = {}
        self._last: dict[str, _Kept] = {}
        self._count = 0

    def transcript(self, device_id: str) -> Transcript:
        """What goes over the links to a device in this session."""
        return self._transcripts.setdefault(device_id, Transcript())

    def recording(self, reach: Reach) -> Connect:
        """A way to connect devices of which a transcript is kept, and what each said of itself."""

        @contextmanager
        def recorded(device: Device) -> Iterator[Target]:
            with reach(device, self.transcript(device.id)) as target:
                self._identities[device.id] = target.identify()
                yield target

        return recorded

    def keep(self, failure: Failure) -> str:
        """Keep a failure; where, or why not, in words. Nothing is raised: it must not hide the failure itself.

        A failure before which nothing has been said since the last one is that one, seen by another test: its folder is named.
        """
        transcript, last = self.transcript(failure.device.id), self._last.get(failure.device.id)
        if last is not None and last.total_bytes == transcript.total_bytes:
            return f"kept in {_shown(last.folder)}"
        if self._count >= MOST_FOLDERS:
            return f"not kept: {MOST_FOLDERS} failures of this run have been"
        self._count += 1
        try:
            folder = self._write(failure, transcript)
        except OSError as error:
            return f"could not be kept: {error}"
        self._last[failure.device.id] = _Kept(folder, transcript.total_bytes)
        return f"kept in {_shown(folder)}"

    def _write(self, failure: Failure, transcript: Transcript) -> Path:
        folder = self._new_folder(failure.device.id)
        try:
            _write_text(folder / "failure.txt", [failure.test, "", *map(str.rstrip, traceback.format_exception(failure.error))])
            _write_text(folder / "serial.log", transcript.lines())
            _write_text(folder / "frames.txt", transcript.frames(MOST_FRAMES))
            _write_text(folder / "reproduce.txt", [failure.command])
            facts = self._facts(failure.device)
            (folder / "environment.json").write_text(json.dumps(facts, indent=1) + "\n")
            _copy_end(self._log_folder / f"{failure.device.id}.log", folder / "messages.log")
            linker_map = facts["firmware"].get("map")
            if linker_map is not None:
                _copy_end(Path(linker_map), folder / "firmware.map")
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)  # a full disk: leave no half of it
            raise
        return folder

    def _new_folder(self, device_id: str) -> Path:
        """Other workers of xdist make folders for the same run."""
        parent = self._run_file.with_suffix(".failures")
        parent.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            folder = parent / f"{device_id}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
            else:
                return folder

    def _facts(self, device: Device) -> dict[str, Any]:
        """The run's header, the device as the inventory has it and as it said when it was connected last, and its program."""
        said = self._identities.get(device.id)
        return {
            "run": self._header(),
            "inventory": asdict(device),
            "device": None if said is None else asdict(said) | {"precisions": sorted(said.precisions)},
            "firmware": {} if said is None else _program(device.environment, said.firmware_sha256),
        }

    def _header(self) -> Mapping[str, Any] | None:
        try:
            return to_facts(read_header(self._run_file))
        except (OSError, BenchError):
            return None


def reproduce(test: str, options: Mapping[str, str | Path | None], device: Device) -> str:
    """The command that runs one test on one device, with those options that have a value."""
    given = [str(word) for option in options.items() if option[1] is not None for word in option]
    return shlex.join(["pytest", test, *given, "--device", device.id, "--require-device", device.id])


def _program(environment: str, sha256: str) -> dict[str, str]:
    """Where the build lies whose identity a device states, and the hashes of it; nothing if it is not kept here."""
    firmware = kept(environment, sha256)
    if firmware is None:
        return {"identity": sha256}
    facts = {"identity": sha256, "elf": str(firmware.elf), "elf_sha256": hashlib.sha256(firmware.elf.read_bytes()).hexdigest()}
    linker_map = firmware.elf.with_suffix(".map")
    return facts | ({"map": str(linker_map)} if linker_map.exists() else {})


def _write_text(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _copy_end(source: Path, target: Path) -> None:
    """The end of a file, if there is one."""
    try:
        with source.open("rb") as file:
            file.seek(max(0, source.stat().st_size - MOST_COPIED_BYTES))
            content = file.read(MOST_COPIED_BYTES)
    except FileNotFoundError:
        return
    target.write_bytes(content)


def _shown(folder: Path) -> str:
    return os.path.relpath(folder)
