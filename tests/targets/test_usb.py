"""Boards on USB: what the ids say, and the port behind a serial number or a USB path, wherever it is now."""

from __future__ import annotations

import configparser
import grp
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bridge import on_pty
from desk import BOOTSEL, CONNECT, CONVERTER, NANO, PICO, Desk
from hypothesis import given
from hypothesis import strategies as st

from reds.errors import DeviceError, MissingError
from targets import availability, port_access
from targets.connect import connect
from targets.firmware import build
from targets.firmware_identity import PROJECT_FOLDER
from targets.inventory import KINDS, Device
from targets.port_access import obstacle
from targets.serial_board import identify
from targets.usb import Mode, SystemBus, UsbBoard, located, on_usb
from targets.usb.boards import PRODUCTS


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path / "sys")
    made.use(monkeypatch)
    return made


def device(kind: str = "nano33ble", environment: str = "native", **place: str) -> Device:
    port = place.pop("port", None)
    return Device("board-1", kind, environment, port, 115200, 10.0, **place)


def test_everything_with_a_port_and_what_is_in_bootsel_is_found(desk: Desk) -> None:
    desk.plug("1-10", PICO, "P1", "/dev/ttyACM1")
    desk.plug("1-2.4", NANO, "N1", "/dev/ttyACM0")
    desk.plug("1-3", BOOTSEL)
    desk.plug("2-1", CONVERTER, None, "/dev/ttyUSB0")
    desk.plug("2-2", (0x046D, 0xC31C))  # a keyboard

    boards = SystemBus().boards()

    assert [(b.kind, b.mode, b.serial_number, b.usb_path, b.port) for b in boards] == [
        ("nano33ble", Mode.PROGRAM, "N1", "1-2.4", "/dev/ttyACM0"),
        (None, Mode.BOOTSEL, None, "1-3", None),
        ("pico", Mode.PROGRAM, "P1", "1-10", "/dev/ttyACM1"),
        (None, Mode.PROGRAM, None, "2-1", "/dev/ttyUSB0"),
    ]
    assert [board.is_known for board in boards] == [True, True, True, False]
    assert str(boards[0]) == "2341:805a at USB 1-2.4, serial number N1, /dev/ttyACM0"
    assert str(boards[1]) == "2e8a:0003 at USB 1-3, no serial number, BOOTSEL"


def test_a_computer_without_that_folder_has_ports_only(desk: Desk) -> None:
    desk.plug("1-1", NANO, "N1", "/dev/ttyACM0")
    shutil.rmtree(desk.sysfs)
    assert [board.port for board in SystemBus().boards()] == ["/dev/ttyACM0"]


@pytest.mark.parametrize("spoil", [lambda f: (f / "idVendor").unlink(), lambda f: (f / "idProduct").write_text("?")])
def test_a_device_that_is_just_being_unplugged_is_left_out(desk: Desk, spoil: Callable[[Path], object]) -> None:
    desk.plug("1-1", BOOTSEL)
    spoil(desk.sysfs / "1-1")
    assert SystemBus().boards() == ()


def test_this_computers_own_ports_can_be_listed() -> None:
    assert all(board.usb_path for board in SystemBus().boards())


def test_every_kind_of_board_is_in_the_table_and_has_an_environment() -> None:
    boards = {name for name, kind in KINDS.items() if kind.is_board}
    assert {product.kind for product in PRODUCTS.values()} == {*boards, None}
    settings = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(" ;",))
    settings.read(PROJECT_FOLDER / "platformio.ini")
    for name in boards:
        assert settings[f"env:{KINDS[name].environment}"]["board"] == name


def test_a_board_that_comes_back_under_another_number_is_found(desk: Desk) -> None:
    board = device(serial_number="N1")
    desk.plug("1-1", NANO, "N1", "/dev/ttyACM0")
    desk.plug("1-2", NANO, "N2", "/dev/ttyACM1")
    assert located(board, SystemBus()).port == "/dev/ttyACM0"

    desk.plug("1-1", NANO, "N2", "/dev/ttyACM0")  # the two have changed places
    desk.plug("1-2", NANO, "N1", "/dev/ttyACM7")

    assert located(board, SystemBus()).port == "/dev/ttyACM7"


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_equal_boards_are_never_confused(places: list[int], numbers: list[int]) -> None:
    """However they are plugged in and numbered, each serial number leads to its own board, and each USB path to what is there."""
    boards = tuple(
        UsbBoard(*NANO, f"N{i}", f"1-{place + 1}", f"/dev/ttyACM{number}")
        for i, (place, number) in enumerate(zip(places, numbers, strict=True))
    )

    class Fixed:
        def boards(self) -> tuple[UsbBoard, ...]:
            return boards

    for board in boards:
        assert located(device(serial_number=board.serial_number or ""), Fixed()).port == board.port
        assert located(device(usb_path=board.usb_path), Fixed()).port == board.port


def test_boards_with_one_serial_number_have_to_be_named_by_their_place(desk: Desk) -> None:
    desk.plug("1-1", NANO, "0", "/dev/ttyACM0")
    desk.plug("1-2", NANO, "0", "/dev/ttyACM1")
    with pytest.raises(DeviceError, match=r"(?s)several boards have the serial number 0.*USB 1-1, 1-2.*usb_path = \"1-1\""):
        located(device(serial_number="0"), SystemBus())
    assert located(device(usb_path="1-2"), SystemBus()).port == "/dev/ttyACM1"
    assert availability.check(device(serial_number="0")).available  # so that the run fails instead of skipping


def test_a_board_of_another_kind_is_refused(desk: Desk) -> None:
    desk.plug("1-1", CONNECT, "C1", "/dev/ttyACM0")
    for place in ({"serial_number": "C1"}, {"usb_path": "1-1"}, {"port": "/dev/ttyACM0"}):
        with pytest.raises(DeviceError, match=r"(?s)board-1 is a pico in the inventory, but a nanorp2040connect.*2341:005e"):
            located(device("pico", **place), SystemBus())


def test_a_board_in_bootsel_is_known_by_its_usb_path(desk: Desk) -> None:
    desk.plug("1-2", BOOTSEL)
    pico = device("pico", usb_path="1-2")
    found = on_usb(pico, SystemBus())
    assert found is not None
    assert found.mode is Mode.BOOTSEL
    with pytest.raises(MissingError, match=r"(?s)no serial port.*BOOTSEL.*upload one, or press its reset"):
        located(pico, SystemBus())


def test_a_board_that_is_not_plugged_in_is_missing(desk: Desk) -> None:
    desk.plug("1-1", NANO, "N1", "/dev/ttyACM0")
    desk.plug("1-9", CONVERTER, "other", "/dev/ttyUSB0")
    with pytest.raises(MissingError, match=r"(?s)no board with serial number N2.*seen: 2341:805a at USB 1-1[^;]*\n.*plug it in"):
        located(device(serial_number="N2"), SystemBus())
    absent = availability.check(device(serial_number="N2"))
    assert (absent.reason, absent.remedy) == ("a board with serial number N2 on USB is missing", "plug it in")
    assert availability.check(device(serial_number="N1")).available


def test_a_port_that_the_inventory_names_is_kept(desk: Desk) -> None:
    for port in ("/dev/ttyACM9", "socket://127.0.0.1:1"):
        board = device(port=port)
        assert located(board, SystemBus()) == board


@pytest.mark.toolchain
def test_a_board_with_a_serial_number_is_used_like_any_device(desk: Desk, device: Callable[[str], Device], logs: Path) -> None:
    program = str(build(device("host").environment).elf)
    named = Device("board-1", "nano33ble", "native", None, 115200, 10.0, serial_number="N1")
    with on_pty([program]) as first, on_pty([program]) as second:
        for port in (first, second):
            desk.plug("1-1", NANO, "N1", port)
            with connect(named, logs) as target:
                assert target.identify().board == "native"


@pytest.mark.toolchain
def test_a_board_that_says_it_is_another_is_refused_and_not_written_to(
    desk: Desk, device: Callable[[str], Device], logs: Path
) -> None:
    program = str(build(device("host").environment).elf)
    build(device("nano33ble-emu").environment)
    wrong = Device("board-1", "nano33ble", "nano33ble-emu", None, 115200, 10.0, serial_number="N1")
    with on_pty([program]) as port:
        desk.plug("1-1", NANO, "N1", port)
        with pytest.raises(DeviceError, match=r"(?s)says that it is another.*board native at .*not nano33ble-emu.*-t upload"):
            connect(wrong, logs).__enter__()


def test_a_board_that_runs_something_else_does_not_say_who_it_is(desk: Desk) -> None:
    with on_pty(["cat"]) as port:
        desk.plug("1-1", NANO, "N1", port)
        assert identify(device(serial_number="N1"), 0.2) is None


def test_a_regular_file_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "ttyACM0"
    file.touch()
    found = availability.check(device(port=str(file)))
    assert found.reason == f"a serial port at {file} (there is a regular file) is missing"
    assert "devices.toml" in found.remedy
    with pytest.raises(MissingError, match="there is a regular file"):
        identify(device(port=str(file)))


@pytest.fixture
def forbidden_port(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A terminal that this user may not open, as far as the kernel says."""
    monkeypatch.setattr(port_access.os, "access", lambda *_: False)
    return Path("/dev/null")


@pytest.mark.parametrize(
    ("mode", "group", "remedy"),
    [
        (0o660, 20, "sudo usermod -aG dialout worker, then log in again"),
        (0o600, 20, "udev rule"),
        (0o660, 0, "udev rule"),
    ],
)
def test_who_may_open_a_port_is_said(
    forbidden_port: Path, monkeypatch: pytest.MonkeyPatch, mode: int, group: int, remedy: str
) -> None:
    facts = os.stat_result((0o020000 | mode, 0, 0, 1, 0, group, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda self, **_: facts)
    monkeypatch.setattr(port_access.getpass, "getuser", lambda: "worker")
    monkeypatch.setattr(
        port_access.grp, "getgrgid", lambda number: grp.struct_group(({0: "root", 20: "dialout"}[number], "", number, []))
    )
    found = obstacle(forbidden_port)
    assert found is not None
    assert found.what.startswith(f"the permission to open /dev/null (of user root and group {['dialout', 'root'][group == 0]}, c")
    assert remedy in found.remedy


def test_owners_without_a_name_are_numbers(forbidden_port: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = os.stat_result((0o020660, 0, 0, 1, 54321, 54322, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda self, **_: facts)
    found = obstacle(forbidden_port)
    assert found is not None
    assert "user 54321 and group 54322" in found.what
