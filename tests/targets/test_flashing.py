"""Boards that are given a firmware: each step, what happens when it fails, and the ways up the ladder."""

from __future__ import annotations

import os
import pty
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from bridge import on_pty
from desk import BOOTSEL, NANO, PICO, Desk

from reds.errors import (
    BootLoaderError,
    FlashError,
    NoGreetingError,
    NoReturnError,
    OtherFirmwareError,
    TouchError,
    TransferError,
)
from targets.firmware import Firmware
from targets.flashing import ladders, machine, transfers, uf2, volume
from targets.flashing.ladders import LADDERS
from targets.flashing.steps import ERRORS, Journal, Limits, Step
from targets.flashing.transfers import FILE, Place
from targets.inventory import KINDS, Device
from targets.serial_board import ready
from targets.usb.boards import Mode

pytestmark = pytest.mark.toolchain

NANO_BOOT_LOADER = (0x2341, 0x005A)
SHORT = Limits(1.0, 0.3, 0.3, 5.0, 0.3, 0.5, 1.0)
USB_PATH = "1-2"
BOOT_PORT = "boot loader's port"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path / "sys")
    made.use(monkeypatch)
    monkeypatch.setattr(volume, "SYSFS", made.sysfs)
    return made


def a_board(kind: str = "nano33ble", **place: str) -> Device:
    return Device("board-1", kind, "native", place.pop("port", None), 115200, 0.3, **place)


@dataclass
class Bench:
    """A board on the desk: a terminal whose program may be silent, react to 1200 baud, and be exchanged by a transfer.

    Attributes:
        reacts: whether its program goes to the boot loader when its port is opened at 1200 baud.
        comes_back: the program that a transfer leaves; None: the board stays away.
        fails: by name of a transfer, what it raises.
        transferred: the transfers, in order, and where to.
    """

    desk: Desk
    ids: tuple[int, int]
    boot_ids: tuple[int, int]
    programs: ExitStack
    reacts: bool = True
    comes_back: list[str] | None = None
    fails: dict[str, FlashError] = field(default_factory=dict)
    transferred: list[tuple[str, Place]] = field(default_factory=list)

    def runs(self, command: list[str]) -> str:
        """Plug in the board with a program; its port."""
        port = self.programs.enter_context(on_pty(command))
        self.desk.plug(USB_PATH, self.ids, "N1", port)
        return port

    def in_boot_loader(self) -> None:
        """Plug it in as it is in its boot loader."""
        port = None if self.boot_ids == BOOTSEL else BOOT_PORT
        self.desk.plug(USB_PATH, self.boot_ids, None if port is None else "N1", port)

    def transfer(self, name: str) -> transfers.Transfer:
        """A way of writing a program to it."""

        def write(_firmware: Firmware, place: Place, _log: Path, _limits: Limits) -> None:
            self.transferred.append((name, place))
            if name in self.fails:
                raise self.fails[name]
            self.desk.unplug(USB_PATH)
            if self.comes_back is not None:
                self.runs(self.comes_back)

        write.__name__ = name
        return write


@contextmanager
def touched_at_1200_baud(bench: Bench) -> Iterator[str]:
    """A board whose program says nothing, and goes to its boot loader when its port is opened at 1200 baud."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    ending = threading.Event()

    def watch() -> None:
        while not ending.wait(0.002):
            if termios.tcgetattr(master)[4] == termios.B1200 and bench.reacts:
                bench.in_boot_loader()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    port = os.ttyname(slave)
    bench.desk.plug(USB_PATH, bench.ids, "N1", port)
    try:
        yield port
    finally:
        ending.set()
        thread.join()
        os.close(master)
        os.close(slave)


@pytest.fixture(params=["nano33ble", "pico"])
def bench(
    request: pytest.FixtureRequest, desk: Desk, host_firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """With two ways of transfer, whatever the kind."""
    ids, boot_ids = {"nano33ble": (NANO, NANO_BOOT_LOADER), "pico": (PICO, BOOTSEL)}[request.param]
    with ExitStack() as programs:
        made = Bench(desk, ids, boot_ids, programs, comes_back=[str(host_firmware.elf)])
        ladder = replace(LADDERS[request.param], transfers=(made.transfer("first"), made.transfer("second")))
        monkeypatch.setattr(machine, "LADDERS", {request.param: ladder})
        monkeypatch.setattr(machine, "by_platformio", made.transfer("platformio"))
        yield made


def kind_of(bench: Bench) -> str:
    return "nano33ble" if bench.ids == NANO else "pico"


def flash(bench: Bench, firmware: Firmware, log: Path, **place: str) -> None:
    place = place or {"usb_path": USB_PATH}
    ready(a_board(kind_of(bench), **place), firmware, log, SHORT).close()


def test_a_board_with_this_firmware_is_left_alone(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.runs([str(host_firmware.elf)])
    flash(bench, host_firmware, tmp_path / "log")
    assert bench.transferred == []
    assert not (tmp_path / "log").exists()


def test_a_silent_board_is_touched_and_flashed_in_its_boot_loader(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with touched_at_1200_baud(bench) as port:
        flash(bench, host_firmware, log, serial_number="N1")
    place = Place(None if bench.boot_ids == BOOTSEL else BOOT_PORT, USB_PATH)
    assert bench.transferred == [("first", place)]
    steps = [line.split(" ", 1)[1].partition(": ")[0] for line in log.read_text().splitlines()[1:]]
    assert steps == [*map(str, Step)]
    assert f"{port} at 1200 baud: done in" in log.read_text()


def test_a_board_that_waits_in_its_boot_loader_is_flashed_at_once(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.in_boot_loader()
    flash(bench, host_firmware, tmp_path / "log")
    assert [name for name, _ in bench.transferred] == ["first"]


def test_a_second_way_is_tried_when_the_first_fails(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.fails = {"first": TransferError("no volume")}
    bench.in_boot_loader()
    flash(bench, host_firmware, tmp_path / "log")
    assert [name for name, _ in bench.transferred] == ["first", "second"]
    assert "flash-transfer after" in (tmp_path / "log").read_text()


def test_all_ways_that_failed_are_named(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.fails = {"first": TransferError("no volume"), "second": TransferError("no tool", seen="not installed", do="install it")}
    bench.in_boot_loader()
    with pytest.raises(TransferError, match=r"(?s)no tool.*not installed; before that: no volume.*install it; .*then run again"):
        flash(bench, host_firmware, tmp_path / "log")


def test_without_a_boot_loader_platformio_tries_its_own_way(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.reacts = False
    with touched_at_1200_baud(bench) as port:
        flash(bench, host_firmware, tmp_path / "log")
    assert bench.transferred == [("platformio", Place(port, USB_PATH))]


def test_a_boot_loader_that_does_not_appear_is_an_error_of_its_own(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.reacts, bench.fails = False, {"platformio": TransferError("PlatformIO found no board")}
    with touched_at_1200_baud(bench), pytest.raises(BootLoaderError) as raised:
        flash(bench, host_firmware, tmp_path / "log")
    assert raised.value.kind == "flash-boot-loader"
    assert "PlatformIO found no board" in str(raised.value)
    assert LADDERS[kind_of(bench)].by_hand in str(raised.value)


def test_a_port_that_cannot_be_touched_is_an_error_of_its_own(
    bench: Bench, host_firmware: Firmware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(port: str, *_: object) -> None:
        raise TransferError("busy", seen="Device or resource busy")

    bench.fails = {"platformio": TransferError("busy")}
    bench.runs(["cat"])
    monkeypatch.setattr(machine, "open_port", taken)
    with pytest.raises(TouchError, match=r"(?s)cannot be opened at 1200 baud.*resource busy.*another program using the port"):
        flash(bench, host_firmware, tmp_path / "log")


def test_a_board_that_stays_away_is_an_error_of_its_own(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.comes_back = None
    bench.in_boot_loader()
    with pytest.raises(NoReturnError, match=r"(?s)did not come back after the upload.*0\.5 s of waiting.*reset button"):
        flash(bench, host_firmware, tmp_path / "log")


def test_a_boot_loaders_port_is_not_taken_for_the_boards(
    desk: Desk, bench: Bench, host_firmware: Firmware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write was answered, and the board stays where it was."""
    ladder = replace(LADDERS[kind_of(bench)], transfers=(lambda *_: None,))
    monkeypatch.setattr(machine, "LADDERS", {kind_of(bench): ladder})
    bench.in_boot_loader()
    with pytest.raises(NoReturnError, match=f"still in its boot loader at USB {USB_PATH}"):
        flash(bench, host_firmware, tmp_path / "log")


def test_a_new_program_that_says_nothing_is_an_error_of_its_own(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    bench.comes_back = ["sh", "-c", "cat > /dev/null"]
    bench.in_boot_loader()
    with pytest.raises(NoGreetingError, match=r"(?s)does not answer after the upload.*log: "):
        flash(bench, host_firmware, tmp_path / "log")


def test_another_firmware_than_was_given_is_an_error_of_its_own(bench: Bench, host_firmware: Firmware, tmp_path: Path) -> None:
    other = replace(host_firmware, sha256="e" * 64)
    bench.in_boot_loader()
    with pytest.raises(OtherFirmwareError, match=f"(?s)runs another firmware.*{host_firmware.sha256}, not {'e' * 64}"):
        flash(bench, other, tmp_path / "log")


def test_a_board_that_is_silent_only_once_is_not_flashed(
    bench: Bench, host_firmware: Firmware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from targets import serial_board

    bench.runs([str(host_firmware.elf)])
    greet, silent = serial_board._identity, iter([True])
    monkeypatch.setattr(serial_board, "_identity", lambda *of: None if next(silent, False) else greet(*of))
    flash(bench, host_firmware, tmp_path / "log")
    assert bench.transferred == []


def test_every_step_and_every_kind_of_board_has_what_it_needs() -> None:
    kinds = [error.kind for error in ERRORS.values()]
    assert list(ERRORS) == list(Step)
    assert len(set(kinds)) == len(kinds)
    assert set(LADDERS) == {name for name, kind in KINDS.items() if kind.is_board}
    assert {ladder.boot_mode for ladder in LADDERS.values()} == {Mode.BOOT_LOADER, Mode.BOOTSEL}


def test_a_full_disk_costs_the_journal_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Journal(tmp_path / "file" / "log").step(Step.TOUCH, "something"):
        pass


class TestVolume:
    @pytest.fixture
    def mounted(self, desk: Desk, tmp_path: Path) -> tuple[Path, Path]:
        """Two RP2040s in BOOTSEL whose volumes are mounted; the file of mounts, and the volume of the first."""
        lines = ["proc /proc proc rw 0 0"]
        for usb_path, disk in ((USB_PATH, "sda"), ("1-3", "sdb")):
            desk.plug(usb_path, BOOTSEL)
            (desk.sysfs / usb_path / f"{usb_path}:1.0" / "host0" / "target0:0:0" / "0:0:0:0" / "block" / disk).mkdir(parents=True)
            folder = tmp_path / f"volume of {disk}"
            folder.mkdir()
            (folder / volume.INFO).write_text("UF2 Bootloader")
            lines.append(f"/dev/{disk}1 {str(folder).replace(' ', chr(92) + '040')} vfat rw 0 0")
        mounts = tmp_path / "mounts"
        mounts.write_text("\n".join(lines) + "\n")
        return mounts, tmp_path / "volume of sda"

    def test_of_two_boards_each_has_its_own(self, desk: Desk, mounted: tuple[Path, Path], tmp_path: Path) -> None:
        mounts, first = mounted
        assert volume.volume_at(USB_PATH, desk.sysfs, mounts) == first
        assert volume.volume_at("1-3", desk.sysfs, mounts) == tmp_path / "volume of sdb"
        assert volume.volume_at("1-4", desk.sysfs, mounts) is None
        assert volume.volume_at(USB_PATH, desk.sysfs, tmp_path / "no mounts") is None
        (first / volume.INFO).unlink()
        assert volume.volume_at(USB_PATH, desk.sysfs, mounts) is None

    def test_a_program_is_copied_to_it(
        self, desk: Desk, mounted: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host_firmware: Firmware
    ) -> None:
        monkeypatch.setattr(transfers, "volume_at", lambda path: volume.volume_at(path, desk.sysfs, mounted[0]))
        monkeypatch.setattr(transfers, "segments", lambda _: [(uf2.FLASH_BEGIN, b"program")])
        transfers.by_volume(host_firmware, Place(None, USB_PATH), tmp_path / "log", SHORT)
        assert (mounted[1] / FILE).read_bytes() == uf2.uf2([(uf2.FLASH_BEGIN, b"program")])

    def test_a_volume_that_is_not_mounted_or_full_is_said(
        self, mounted: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host_firmware: Firmware
    ) -> None:
        monkeypatch.setattr(transfers, "segments", lambda _: [(uf2.FLASH_BEGIN, b"program")])
        monkeypatch.setattr(transfers, "volume_at", lambda _: None)
        with pytest.raises(TransferError, match=r"(?s)is not mounted.*udisksctl mount"):
            transfers.by_volume(host_firmware, Place(None, USB_PATH), tmp_path / "log", SHORT)
        monkeypatch.setattr(transfers, "volume_at", lambda _: mounted[1])
        (mounted[1] / FILE).mkdir()
        with pytest.raises(TransferError, match=r"(?s)cannot be written.*plug the board in again"):
            transfers.by_volume(host_firmware, Place(None, USB_PATH), tmp_path / "log", SHORT)


def test_a_port_that_stays_is_used_after_a_moment(
    tmp_path: Path, host_firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a converter between the board and this computer."""
    monkeypatch.setattr(machine, "by_platformio", lambda *_: None)
    other = replace(host_firmware, sha256="e" * 64)
    with on_pty([str(host_firmware.elf)]) as port:
        began = time.monotonic()
        with pytest.raises(OtherFirmwareError):
            ready(a_board(port=port), other, tmp_path / "log", SHORT)
        assert time.monotonic() - began >= SHORT.farewell_s


def test_after_an_upload_the_port_of_the_old_program_is_not_taken_for_the_new_one(
    tmp_path: Path, host_firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old port vanishes late; then there is one that cannot be opened yet, and at last the board's."""
    port = tmp_path / "ttyACM0"
    with on_pty(["cat"]) as old, on_pty([str(host_firmware.elf)]) as new:
        port.symlink_to(old)

        def restart() -> None:
            time.sleep(0.05)
            port.unlink()
            time.sleep(0.1)
            port.touch()
            time.sleep(0.1)
            port.unlink()
            port.symlink_to(new)

        thread = threading.Thread(target=restart)
        monkeypatch.setattr(machine, "by_platformio", lambda *_: thread.start())
        limits = replace(SHORT, farewell_s=5.0, return_s=10.0, hello_s=10.0)
        with closing(ready(a_board(port=str(port)), host_firmware, tmp_path / "log", limits)) as link:
            assert Path(link.path).resolve() == Path(new)
        thread.join()


def test_the_ladders_are_those_of_the_boards() -> None:
    assert ladders.LADDERS["pico"].transfers == (transfers.by_volume, transfers.by_platformio)
