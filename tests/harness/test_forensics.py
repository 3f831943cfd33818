"""What a failure on a device leaves behind."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import forensics, run_file
from harness.forensics import MOST_FOLDERS, Failure, Forensics, reproduce
from reds.errors import TimedOutError
from targets.connect import connect
from targets.firmware import build
from targets.inventory import Device, Inventory
from targets.target import Target
from targets.wire.frames import Frame, FrameReader
from targets.wire.messages import ANSWER_BIT, Verb
from targets.wire.transcript import Transcript
from tests.harness.examples import a_run
from tests.harness.test_health import board, run_on

HOST = Inventory.load(Path("/dev/null")).device("host")


@pytest.fixture
def kept(tmp_path: Path) -> Forensics:
    path = tmp_path / "run.jsonl"
    run_file.create(path, a_run())
    return Forensics(path, tmp_path / "run.logs")


def failure(device: Device = HOST) -> Failure:
    try:
        raise TimedOutError("no answer", seen="nothing")
    except TimedOutError as error:
        return Failure(device, "suites/test_x.py::test_x[a-b]", error, "pytest this")


@contextmanager
def used(kept: Forensics, folder: Path) -> Iterator[Target]:
    def reach(device: Device, transcript: Transcript) -> object:
        return connect(device, folder, transcript)

    with kept.recording(reach)(HOST) as target:  # pyright: ignore[reportArgumentType]
        yield target


def test_a_folder_holds_the_link_the_program_the_circumstances_and_the_command(
    kept: Forensics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_ENVIRONMENT", "hunter2")
    with used(kept, tmp_path / "run.logs") as target:
        target.identify()
        said = kept.keep(failure())

    folder = tmp_path / "run.failures" / "host-1"
    assert said == f"kept in {os.path.relpath(folder)}"
    files = {path.name: path.read_text() for path in folder.iterdir()}
    assert files.keys() == {"failure.txt", "serial.log", "frames.txt", "reproduce.txt", "environment.json", "messages.log"}
    assert files["failure.txt"].startswith("suites/test_x.py::test_x[a-b]\n")
    assert "no answer\n  seen: nothing" in files["failure.txt"]
    assert {line.split(" ")[1] for line in files["serial.log"].splitlines()} == {"<", ">"}
    assert "> HELLO sequence" in files["frames.txt"]
    assert "< HELLO DONE sequence" in files["frames.txt"]
    assert files["reproduce.txt"] == "pytest this\n"
    facts = json.loads(files["environment.json"])
    firmware = build("native")
    assert facts["run"]["versions"] == dict(a_run().versions)
    assert facts["device"]["firmware_sha256"] == facts["firmware"]["identity"] == firmware.sha256
    assert facts["inventory"]["kind"] == "host"
    assert len(facts["firmware"]["elf_sha256"]) == 64
    assert not any("hunter2" in content for content in files.values())


def test_the_map_is_there_where_the_build_has_one(kept: Forensics, tmp_path: Path) -> None:
    device = Inventory.load(Path("/dev/null")).device("nano33ble-emu")
    with kept.recording(lambda of, transcript: connect(of, tmp_path, transcript))(device) as target:
        target.identify()
    kept.keep(failure(device))
    assert "reds_pool" in (tmp_path / "run.failures" / "nano33ble-emu-1" / "firmware.map").read_text()


def test_a_failure_that_another_test_sees_again_is_not_kept_twice(kept: Forensics, tmp_path: Path) -> None:
    first = kept.keep(failure())
    assert kept.keep(failure()) == first
    kept.transcript("host").add(False, b"something new")
    assert kept.keep(failure()) != first
    assert sorted(path.name for path in (tmp_path / "run.failures").iterdir()) == ["host-1", "host-2"]


def test_no_more_than_some_folders_are_kept_of_a_run(kept: Forensics, tmp_path: Path) -> None:
    for _ in range(MOST_FOLDERS):
        kept.transcript("host").add(True, b"x")
        assert "kept in" in kept.keep(failure())
    kept.transcript("host").add(True, b"x")
    assert kept.keep(failure()) == f"not kept: {MOST_FOLDERS} failures of this run have been"
    assert len(list((tmp_path / "run.failures").iterdir())) == MOST_FOLDERS


def test_a_full_disk_is_told_and_leaves_no_half_of_it(kept: Forensics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, lines: object) -> None:
        if path.name == "frames.txt":
            Path("/dev/full").write_bytes(b"x")  # the kernel's own error
        path.write_text("")

    monkeypatch.setattr(forensics, "_write_text", full)
    assert kept.keep(failure()) == "could not be kept: [Errno 28] No space left on device"
    assert not list((tmp_path / "run.failures").iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.failures").write_text("a file")
    assert "could not be kept: " in Forensics(tmp_path / "run.jsonl", tmp_path).keep(failure())


def test_what_is_copied_is_bounded(kept: Forensics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forensics, "MOST_COPIED_BYTES", 5)
    (tmp_path / "run.logs").mkdir()
    (tmp_path / "run.logs" / "host.log").write_text("the last words")
    kept.keep(failure())
    assert (tmp_path / "run.failures" / "host-1" / "messages.log").read_text() == "words"


def test_messages_that_cannot_be_logged_do_not_keep_a_device_from_measuring(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "host.log").symlink_to("/dev/full")
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "full", tmp_path / "file"):
        with connect(HOST, folder) as target:
            assert target.identify().board == "native"


def test_the_command_can_be_pasted_into_a_shell() -> None:
    command = reproduce("suites/test_x.py::test_x[a b]", {"--matrix": "digits", "--devices-file": None}, HOST)
    words = ["pytest", "suites/test_x.py::test_x[a b]", "--matrix", "digits", "--device", "host", "--require-device", "host"]
    assert shlex.split(command) == words


class Dying:
    """Damages all answers to TIME but the first ones."""

    def __init__(self, sound: int) -> None:
        self._sound, self._reader = sound, FrameReader()

    def __call__(self, data: bytes) -> bytes:
        for frame in self._reader.feed(data):
            self._sound -= isinstance(frame, Frame) and frame.verb == Verb.TIME | ANSWER_BIT
        return data if self._sound >= 0 else bytes(byte ^ 1 if byte > 1 else byte for byte in data)


@pytest.mark.usefixtures("models")
def test_the_report_of_a_failed_test_names_the_folder(tmp_path: Path) -> None:
    with board("nano33ble-emu", Dying(6)) as device:
        done = run_on(device, tmp_path)
    (folder,) = (tmp_path / "results").glob("*.failures/*")
    assert done.process.returncode == 1, done.output
    assert "failure on nano" in done.output
    assert f"kept in {os.path.relpath(folder)}" in done.output
    assert "damaged" in (folder / "frames.txt").read_text()
    assert "--require-device nano" in (folder / "reproduce.txt").read_text()
    assert done.run.measurements or "protocol" in done.output.lower()
