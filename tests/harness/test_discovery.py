"""Boards that are plugged in: found, asked who they are, and added to an inventory that is otherwise left as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import device_state, discovery
from harness.__main__ import main
from harness.discovery import merged
from harness.leases import Leases
from reds.cache import CACHE_VARIABLE
from reds.errors import ConfigError, TransportError
from targets.firmware_identity import PROJECT_FOLDER
from targets.inventory import Device, Inventory
from tests.targets.bridge import on_pty
from tests.targets.desk import BOOTSEL, CONNECT, CONVERTER, NANO, PICO, Desk

WRITTEN = """\
# My boards
[devices.mine]   # by the window
kind = "nano33ble"
serial_number = "N1"  # on its sticker
answer_timeout_s = 2.5


[devices.rack]
kind="pico"
port = 'socket://192.0.2.1:4000'"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    made = Desk(tmp_path / "sys")
    made.use(monkeypatch)
    return made


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our firmware as it would be on a Nano, as a process of this computer."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    firmware, runtime = PROJECT_FOLDER / "targets/firmware/src", PROJECT_FOLDER / "targets/runtime"
    sources = [*(path for path in firmware.glob("*.c") if not path.name.startswith("hal_")), firmware / "hal_host.c"]
    settings = ["-DREDS_POOL_BYTES=163840", "-DREDS_FRAME_BYTES=2048", '-DREDS_BOARD="nano33ble"']
    settings += [f'-DREDS_FIRMWARE_SHA256="{"a1" * 32}"']
    made = tmp_path_factory.mktemp("nano") / "nano"
    include = [f"-I{firmware}", f"-I{runtime / 'include'}"]
    subprocess.run(["gcc", "-O1", *settings, *include, *sources, *runtime.glob("src/*.c"), "-o", made, "-lm"], check=True)
    return made


@pytest.fixture
def port() -> Iterator[Callable[[str | Path], str]]:
    """A serial port behind which a program answers, until the test ends."""
    with ExitStack() as stack:
        yield lambda program: stack.enter_context(on_pty([str(program)]))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "HELLO_TIMEOUT_S", 0.3)


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert main(["devices", "--json", *arguments]) == 0
    return {row["id"]: row for row in json.loads(capsys.readouterr().out)}


def test_boards_are_found_asked_and_added(
    desk: Desk, program: Path, port: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    desk.plug("1-1", NANO, "00000000AABBCC01", port(program))
    desk.plug("1-2", NANO, "00000000AABBCC02", port("cat"))
    desk.plug("1-3", PICO, None, port("cat"))
    desk.plug("1-4", BOOTSEL)
    desk.plug("1-5", CONVERTER, "X", port("cat"))

    assert main(["devices", "--discover"]) == 0

    said = capsys.readouterr()
    assert f"firmware {'a1' * 6} (new: nano33ble-bbcc01)" in said.err
    assert "other program (new: nano33ble-bbcc02)" in said.err
    assert 'usb_path = "1-4" (cannot be added)' in said.err
    assert "added to devices.toml: nano33ble-bbcc01, nano33ble-bbcc02, pico-at-1-3" in said.err
    assert "0403" not in said.err
    devices = Inventory.load().devices
    assert (devices["nano33ble-bbcc01"].serial_number, devices["pico-at-1-3"].usb_path) == ("00000000AABBCC01", "1-3")
    rows = listed(capsys)
    found = rows["nano33ble-bbcc01"]
    assert (found["state"], found["firmware"], found["failures"], found["owner"]) == ("ready", "a1" * 32, 0, None)
    assert found["last_seen"] is not None
    assert rows["nano33ble-bbcc02"]["firmware"] is None
    assert "a1a1a1a1a1a1" in said.out


def test_what_is_known_is_not_added_again(desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    alias = tmp_path / "by-id"
    alias.symlink_to("/dev/null")
    Path("devices.toml").write_text(f'{WRITTEN}\n[devices.here]\nkind = "pico"\nport = "{alias}"\n')
    before = Path("devices.toml").read_bytes()
    desk.plug("1-1", NANO, "N1", "/dev/ttyACM8")
    desk.plug("1-2", PICO, "P1", "/dev/null")

    assert main(["devices", "--discover"]) == 0

    said = capsys.readouterr().err
    assert "known: mine" in said
    assert "known: here" in said
    assert "the port /dev/ttyACM8 cannot be opened" in said
    assert "added" not in said
    assert Path("devices.toml").read_bytes() == before


def test_two_boards_with_one_serial_number_are_added_by_their_places(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.plug("1-1", NANO, "0", "/dev/ttyACM8")
    desk.plug("1-2", NANO, "0", "/dev/ttyACM9")
    main(["devices", "--discover"])
    devices = Inventory.load().devices
    assert {devices[f"nano33ble-at-1-{n}"].usb_path for n in (1, 2)} == {"1-1", "1-2"}


def test_ids_that_would_be_equal_are_numbered(desk: Desk) -> None:
    desk.plug("1-1", CONNECT, "A-000001", "/dev/ttyACM8")
    desk.plug("1-2", CONNECT, "B-000001", "/dev/ttyACM9")
    main(["devices", "--discover"])
    assert {"nanorp2040connect-000001", "nanorp2040connect-000001-2"} <= Inventory.load().devices.keys()


def test_a_pico_that_has_gone_into_bootsel_is_known_by_where_it_was(
    desk: Desk, capsys: pytest.CaptureFixture[str], program: Path, port: Callable[..., str]
) -> None:
    desk.plug("1-7", PICO, "P00001", port(program))
    main(["devices", "--discover"])
    assert f"firmware {'a1' * 6} of another board: nano33ble, not pico" in capsys.readouterr().err
    desk.plug("1-7", BOOTSEL)

    main(["devices", "--discover"])

    assert "BOOTSEL (known: pico-p00001)" in capsys.readouterr().err
    row = listed(capsys)["pico-p00001"]
    assert (row["state"], row["at"]) == ("BOOTSEL", "USB 1-7")
    desk.unplug("1-7")
    assert listed(capsys)["pico-p00001"]["state"] == "absent"


def test_a_board_in_use_is_not_disturbed(
    desk: Desk, program: Path, port: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    desk.plug("1-1", NANO, "N00001", port(program))
    used = Device("x", "nano33ble", "nano33ble", None, 115200, 60.0, usb_path="1-1")
    with Leases().hold(used):
        main(["devices", "--discover"])
        said = capsys.readouterr()
        row = listed(capsys)["nano33ble-n00001"]
    assert "busy: " in said.err
    assert "in use by " in said.out
    assert row["state"] == "busy"
    assert row["owner"]


def test_a_board_that_failed_is_out_until_it_is_seen_again(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    Path("devices.toml").write_text(WRITTEN)
    desk.plug("1-1", NANO, "N1", "/dev/null")
    device_state.failed("mine", TransportError("the link broke"))

    assert main(["devices"]) == 0

    assert "mine: failed when it was last used: the link broke" in capsys.readouterr().out
    row = listed(capsys)["mine"]
    assert (row["state"], row["failures"], row["last_failure"], row["at"]) == ("out", 1, "the link broke", "/dev/null")


def test_a_board_of_another_kind_under_a_name_is_out(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    Path("devices.toml").write_text(WRITTEN)
    desk.plug("1-1", PICO, "N1", "/dev/null")
    row = listed(capsys)["mine"]
    assert row["state"] == "out"
    assert row["last_failure"] == "mine is a nano33ble in the inventory, but a pico is plugged in there"


def test_nothing_plugged_in_is_said(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--discover"]) == 0
    assert "no board on USB" in capsys.readouterr().err
    assert not Path("devices.toml").exists()
    assert main(["devices", "--discover", "--devices-file", "new.toml"]) == 0
    assert not Path("new.toml").exists()


def test_a_file_that_is_named_is_made_and_a_link_stays_one(desk: Desk, tmp_path: Path) -> None:
    desk.plug("1-1", NANO, "N00001", "/dev/ttyACM8")
    assert main(["devices", "--discover", "--devices-file", "new.toml"]) == 0
    assert "nano33ble-n00001" in Inventory.load(Path("new.toml")).devices
    (tmp_path / "real.toml").write_text(WRITTEN)
    Path("devices.toml").symlink_to(tmp_path / "real.toml")
    assert main(["devices", "--discover"]) == 0
    assert Path("devices.toml").is_symlink()
    assert "nano33ble-n00001" in Inventory.load(tmp_path / "real.toml").devices


def test_a_file_that_is_wrong_is_left_alone(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.plug("1-1", NANO, "N00001", "/dev/ttyACM8")
    Path("devices.toml").write_text("[devices")
    assert main(["devices", "--discover"]) == 2
    assert "not TOML" in capsys.readouterr().err
    assert Path("devices.toml").read_text() == "[devices"


def test_a_full_disk_leaves_the_file_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.plug("1-1", NANO, "N00001", "/dev/ttyACM8")
    Path("devices.toml").write_text(WRITTEN)

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["devices", "--discover"]) == 1
    assert "No space left" in capsys.readouterr().err
    assert Path("devices.toml").read_text() == WRITTEN
    assert [path.name for path in Path().glob(".devices*")] == []


def new(*names: str) -> list[Device]:
    return [Device(name, "nano33ble", "nano33ble", None, 115200, 60.0, serial_number=f'"{name}\\\n') for name in names]


comments = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x7f", min_codepoint=32), max_size=12)


@st.composite
def inventories(draw: st.DrawFn) -> str:
    """What people write: comments, blank lines, keys in any order and quoting, ids that need quotes, no newline at the end."""
    ids = draw(st.lists(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,6}", fullmatch=True), unique=True, max_size=4))
    lines = []
    for number, name in enumerate(ids):
        lines += [f"# {draw(comments)}"] * draw(st.integers(0, 2)) + [""] * draw(st.integers(0, 2))
        lines.append(f'[ devices . "{name}" ]  # {draw(comments)}')
        keys = ["kind = 'pico'", f'serial_number = """P{number}"""', "answer_timeout_s=3"]
        lines += draw(st.permutations(keys))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(lines) + draw(st.sampled_from(["", end, 3 * end, f"{end}# the end"]))


@settings(deadline=None)
@given(inventories())
def test_what_the_user_wrote_keeps_its_bytes(before: str) -> None:
    added = new("new_1", "new.2")
    text = merged(before, added, "here")
    assert text.startswith(before)
    known, after = tomllib.loads(before).get("devices", {}), tomllib.loads(text)["devices"]
    assert {name: table for name, table in after.items() if name in known} == known
    assert {name: after[name] for name in after if name not in known} == {
        device.id: {"kind": "nano33ble", "serial_number": device.serial_number} for device in added
    }


def test_adding_in_two_steps_is_adding_at_once() -> None:
    once = merged(WRITTEN, new("a", "b"), "here")
    assert tomllib.loads(merged(merged(WRITTEN, new("a"), "here"), new("b"), "here")) == tomllib.loads(once)
    table = '\n[devices.{0}]\nkind = "nano33ble"\nserial_number = "\\"{0}\\\\\\n"\n'
    assert once == f"{WRITTEN}\n{table.format('a')}{table.format('b')}"


@pytest.mark.parametrize("before", ["devices = {mine = {kind = 'host'}}\n", "[devices]\n'new.1' = {kind = 'host'}\n"])
def test_a_file_that_takes_no_tables_is_an_error(before: str) -> None:
    with pytest.raises(ConfigError, match=r"(?s)here takes no further tables.*\[devices.ID\], then new.1 can be added"):
        merged(before, new("new.1"), "here")
