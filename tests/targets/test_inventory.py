"""devices.toml: what it may say, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from reds.errors import ConfigError, MissingError
from targets import availability, connect
from targets.emulators import rp2040js
from targets.inventory import FILE, KINDS, Device, Inventory

BOARD = """
[devices.nano-1]
kind = "nano33ble"
port = "/dev/serial/by-id/usb-Arduino_Nano_33_BLE_01"
answer_timeout_s = 2.5
"""


TWO = "[devices.x]\nkind='pico'\n{}\n[devices.y]\nkind='pico'\n{}"


def load(folder: Path, text: str) -> Inventory:
    path = folder / FILE
    path.write_text(text)
    return Inventory.load(path)


def test_without_a_file_there_are_the_devices_that_need_no_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inventory = Inventory.load()
    assert list(inventory.devices) == ["host", "nano33ble-emu", "pico-emu"]
    assert inventory.device("host").environment == "native"


def test_a_file_adds_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path, BOARD)
    monkeypatch.chdir(tmp_path)
    inventory = Inventory.load()
    assert list(inventory.devices) == ["host", "nano33ble-emu", "pico-emu", "nano-1"]
    expected = Device("nano-1", "nano33ble", "nano33ble", "/dev/serial/by-id/usb-Arduino_Nano_33_BLE_01", 115200, 2.5)
    assert inventory.device("nano-1") == expected


def test_a_file_may_change_what_is_there_without_it(tmp_path: Path) -> None:
    inventory = load(tmp_path, '[devices.pico-emu]\nkind = "pico-emu"\nanswer_timeout_s = 900\n')
    assert inventory.device("pico-emu").answer_timeout_s == 900
    assert len(inventory.devices) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[devices", "not TOML"),
        ("[device.x]\nkind='host'", "did you mean devices"),
        ("devices = 3", "not a table"),
        ("[devices]\nhost = 3", "not a table"),
        ("[devices.x]\nport='/dev/ttyACM0'", "has no kind"),
        ("[devices.x]\nkind='nano33'", "did you mean nano33ble"),
        ("[devices.x]\nkind='nano33ble'", "needs one of port, serial_number, usb_path"),
        ("[devices.x]\nkind='pico'\nport='/dev/ttyACM0'\nserial_number='1'", "(?s)needs one of.*seen: port, serial_number"),
        ("[devices.x]\nkind='pico'\nserial_number='1'\nusb_path='1-2'", "needs one of port"),
        ("[devices.x]\nkind='pico'\nserial_number=17", "serial_number of device 'x' is not a text"),
        ("[devices.x]\nkind='pico'\nusb_path='ttyACM0'", "no path of hubs' ports"),
        ("[devices.x]\nkind='pico-emu'\nserial_number='1'", "takes no port, serial number or USB path"),
        ("[devices.x]\nkind='pico'\nserial_numbr='1'", "did you mean serial_number"),
        ("[devices.x]\nkind='host'\n[devices.x]\nkind='host'", "(?s)not TOML.*every device a name of its own"),
        ("[devices.x]\nkind='host'\nkind='host'", "(?s)not TOML.*every key once"),
        (TWO.format("serial_number='1'", "serial_number='1'"), "'x' and 'y' are one board\n  seen: serial number 1"),
        (TWO.format("usb_path='1-2'", "usb_path='1-2'"), "are one board"),
        (TWO.format("port='/dev/ttyACM0'", "port='/dev/../dev/ttyACM0'"), "are one board"),
        (TWO.format("port='socket://h:1'", "port='socket://h:1'"), "are one board"),
        ("[devices.x]\nkind='host'\nport='/dev/ttyACM0'", "takes no port"),
        ("[devices.x]\nkind='host'\nbaudrate=9600", "did you mean baud"),
        ("[devices.x]\nkind='host'\nid='y'", "unknown key"),
        ("[devices.x]\nkind='host'\nanswer_timeout_s=0", "not a positive number"),
        ("[devices.x]\nkind='host'\nanswer_timeout_s=-1", "not a positive number"),
        ("[devices.x]\nkind='host'\nanswer_timeout_s=inf", "not a positive number up to 3600"),
        ("[devices.x]\nkind='host'\nanswer_timeout_s=nan", "not a positive number"),
        ("[devices.x]\nkind='host'\nanswer_timeout_s=3601", "not a positive number up to 3600"),
        ("[devices.x]\nkind='host'\nanswer_timeout_s=true", "not a positive number"),
        ("[devices.x]\nkind='host'\nbaud=true", "not a positive whole number"),
        ("[devices.x]\nkind='host'\nbaud='fast'", "not a positive whole number"),
        ("[devices.x]\nkind='host'\nbaud=9600.5", "not a positive whole number"),
        ("[devices.x]\nkind='host'\nbaud=0", "not a positive whole number"),
        ("[devices.x]\nkind='host'\nbaud=4294967296", "not a positive whole number"),
        ("[devices.'../x']\nkind='host'", "no id for a device"),
        ("[devices.'x y']\nkind='host'", "no id for a device"),
        ("[devices.'-x']\nkind='host'", "no id for a device"),
        ("[devices.'.x']\nkind='host'", "no id for a device"),
        ("[devices.'']\nkind='host'", "no id for a device"),
        ("[devices.'x\\n']\nkind='host'", "no id for a device"),
        ('[devices."x\\n"]\nkind="host"', "no id for a device"),
        ("[devices.x]\nkind=3", "not a text"),
        ("[devices.x]\nkind='pico'\nport=''", "not a text"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(tmp_path, text)


def test_boards_that_look_alike_are_told_apart(tmp_path: Path) -> None:
    inventory = load(tmp_path, TWO.format("serial_number='1'", "usb_path='1-2'"))
    assert [inventory.device(name).place for name in ("x", "y", "host")] == ["serial number 1", "USB path 1-2", ""]
    assert inventory.device("x").is_board
    assert not inventory.device("host").is_board


def test_an_unknown_device_is_met_with_the_nearest_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown device 'nano33ble-emo'\n.*did you mean nano33ble-emu"):
        Inventory.load().device("nano33ble-emo")


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no file"):
        Inventory.load(tmp_path / "other.toml")


def test_every_kind_can_be_checked_and_connected() -> None:
    assert KINDS.keys() == availability._NEEDS.keys() == connect._ATTACH.keys()


ARM = "arm-none-eabi-gcc"
ARM_PACKAGES = "gcc-arm-none-eabi libnewlib-arm-none-eabi"


@pytest.fixture
def no_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize(
    ("name", "reason", "remedy"),
    [
        ("host", "gcc is missing", "apt-get install gcc"),
        ("nano33ble-emu", f"{ARM}, qemu-system-arm are missing", f"apt-get install {ARM_PACKAGES} qemu-system-arm"),
        ("pico-emu", f"{ARM}, node are missing", f"apt-get install {ARM_PACKAGES} nodejs npm"),
    ],
)
def test_what_is_missing_comes_with_the_command_that_installs_it(name: str, reason: str, remedy: str) -> None:
    found = availability.check(Inventory.load().device(name))
    assert not found.available
    assert found.reason == reason
    assert found.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("port", "available"),
    [
        ("/dev/there-is-no-such-port", False),
        (__file__, False),
        ("/dev", False),
        ("/dev/null", True),
        ("socket://127.0.0.1:1", True),
        ("hwgrep://Nano", True),
    ],
)
def test_a_board_is_available_if_its_port_is_there(port: str, available: bool) -> None:
    board = Device("nano-1", "nano33ble", "nano33ble", port, 115200, 60.0)
    assert availability.check(board).available == available


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_tools: None) -> Path:
    """A PATH with a compiler and a Node.js that is new enough, and rp2040js as its lock file says."""
    put_program(tmp_path, "arm-none-eabi-gcc", "")
    put_program(tmp_path, "node", "echo v18.1.0")
    folder = tmp_path / "rp2040js"
    (folder / "node_modules").mkdir(parents=True)
    for name in ("package-lock.json", "node_modules/.package-lock.json"):
        (folder / name).write_text((rp2040js.FOLDER / "package-lock.json").read_text())
    monkeypatch.setattr(rp2040js.installed, "__defaults__", (folder,))
    return folder


def put_program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def lacking(name: str) -> tuple[str, str]:
    found = availability.check(Inventory.load().device(name))
    return found.reason, found.remedy


def test_rp2040js_as_its_lock_file_says_is_enough(node: Path) -> None:
    assert lacking("pico-emu") == ("", "")


def test_another_lock_file_needs_another_installation(node: Path) -> None:
    lock = node / "package-lock.json"
    lock.write_text(lock.read_text().replace("sha512-", "sha512-other"))
    assert lacking("pico-emu") == ("npm is missing", "apt-get install npm")
    put_program(node.parent, "npm", "")
    reason, remedy = lacking("pico-emu")
    assert (reason, remedy.split()[:2]) == ("rp2040js is missing", ["npm", "ci"])


def test_half_an_installation_is_none(node: Path) -> None:
    (node / "node_modules" / ".package-lock.json").unlink()
    assert lacking("pico-emu")[0] == "npm is missing"


@pytest.mark.parametrize("said", ["echo v16.20.2", "echo v8.0.0", "exit 1"])
def test_an_old_node_is_not_enough(node: Path, said: str) -> None:
    put_program(node.parent, "node", said)
    assert lacking("pico-emu")[0] == "Node.js 18 or newer is missing"
