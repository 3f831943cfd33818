"""Connecting: boards at a port, and devices that are not what they should be."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from bridge import on_pty, on_tcp
from device_examples import Example

from reds.errors import DeviceError, FlashError, MissingError, ProtocolError
from targets.connect import check_identity, connect
from targets.firmware import Firmware, build
from targets.firmware.builder import upload
from targets.inventory import Device, Inventory
from targets.serial_board import BoardEvidence
from targets.wire.conversation import Conversation
from targets.wire.frames import Frame, FrameReader, encode
from targets.wire.port import open_port
from targets.wire_target import WireTarget

pytestmark = pytest.mark.toolchain


def board(port: str, environment: str = "native") -> Device:
    """A board whose firmware is one that runs here."""
    return Device("nano-1", "nano33ble", environment, port, 115200, 10.0)


def patched(firmware: Firmware, folder: Path, old: bytes, new: bytes) -> Path:
    """The host's program with some bytes of it exchanged."""
    content = firmware.elf.read_bytes()
    assert old in content
    assert len(old) == len(new)
    program = folder / "patched"
    program.write_bytes(content.replace(old, new))
    program.chmod(0o700)
    return program


def test_a_board_at_a_terminal_is_used_like_any_device(host_firmware: Firmware, logs: Path, network: Example) -> None:
    with on_pty([str(host_firmware.elf)]) as port, connect(board(port), logs) as target:
        assert target.identify().board == "native"
        target.load(network.images["int8"])
        network.assert_right("int8", 0, target.infer(network.inputs["int8"]))


def test_a_board_behind_a_network_port_is_used_like_any_device(host_firmware: Firmware, logs: Path, network: Example) -> None:
    with on_tcp([str(host_firmware.elf)]) as port, connect(board(port), logs) as target:
        target.load(network.images["float32"])
        network.assert_right("float32", 0, target.infer(network.inputs["float32"]))


@pytest.mark.parametrize("port", ["/dev/there-is-no-such-port", "socket://127.0.0.1:1"])
def test_a_board_that_is_not_there_is_missing(port: str, host_firmware: Firmware, logs: Path) -> None:
    with pytest.raises(MissingError, match="cannot be opened"):
        connect(board(port), logs).__enter__()


def test_a_network_board_with_another_firmware_is_refused(host_firmware: Firmware, logs: Path, tmp_path: Path) -> None:
    other = patched(host_firmware, tmp_path, host_firmware.sha256.encode(), b"e" * 64)
    with (
        on_tcp([str(other)]) as port,
        pytest.raises(DeviceError, match=f"(?s){host_firmware.sha256}.*native with firmware e{{64}}"),
    ):
        connect(board(port), logs).__enter__()


def test_a_network_board_that_says_something_else_is_refused(host_firmware: Firmware, logs: Path) -> None:
    with on_tcp([shutil.which("cat") or "cat"]) as port, pytest.raises(DeviceError, match="no answer to HELLO"):
        connect(replace(board(port), answer_timeout_s=0.3), logs).__enter__()


def test_a_local_board_with_another_firmware_gets_ours(host_firmware: Firmware, logs: Path, tmp_path: Path) -> None:
    """The upload is tried, and fails here: `native` has no upload."""
    other = patched(host_firmware, tmp_path, host_firmware.sha256.encode(), b"e" * 64)
    with (
        on_pty([str(other)]) as port,
        pytest.raises(FlashError, match=rf"(?s)uploading native to {port} failed.*log: {logs}/nano-1.log"),
    ):
        connect(board(port), logs).__enter__()


def test_an_upload_keeps_its_log(host_firmware: Firmware, tmp_path: Path) -> None:
    log = tmp_path / "upload.log"
    with pytest.raises(FlashError, match="upload"):
        upload(host_firmware, "/dev/null", log)
    assert "upload" in log.read_text()


def test_an_upload_whose_log_cannot_be_written_says_the_same(host_firmware: Firmware, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FlashError, match=r"(?s)uploading native to /dev/null failed.*exit status"):
        upload(host_firmware, "/dev/null", tmp_path / "file" / "upload.log")


def test_an_upload_builds_the_image_in_again(host_firmware: Firmware, network: Example, tmp_path: Path, project: Path) -> None:
    """What PlatformIO leaves in its folder when it has tried is what would have been uploaded."""
    with_image = build(host_firmware.environment, project, network.images["int8"])
    build(host_firmware.environment, project)  # PlatformIO's folder holds another firmware now
    with pytest.raises(FlashError, match="upload"):
        upload(with_image, "/dev/null", tmp_path / "log", project)
    uploaded = (project / ".pio" / "build" / with_image.environment / "firmware.elf").read_bytes()
    assert with_image.sha256.encode() in uploaded
    assert network.images["int8"] in uploaded


def test_a_device_that_runs_another_firmware_is_refused(host_firmware: Firmware, logs: Path, tmp_path: Path) -> None:
    original = host_firmware.elf.read_bytes()
    patched(host_firmware, tmp_path, host_firmware.sha256.encode(), b"e" * 64).replace(host_firmware.elf)
    host = Inventory.load().device("host")
    try:
        with pytest.raises(DeviceError, match=f"(?s)answers as host is not.*firmware e{{64}}, not {host_firmware.sha256}"):
            connect(host, logs).__enter__()
    finally:
        host_firmware.elf.write_bytes(original)
    with connect(host, logs):
        pass  # and the lock is free


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [("board", "pico", "board pico, not native"), ("pool_bytes", 5, "memory pool 5, not")],
)
def test_every_contradiction_is_named(field: str, value: object, complaint: str, host_firmware: Firmware, logs: Path) -> None:
    host = Inventory.load().device("host")
    with connect(host, logs) as target:
        identity = target.identify()
    check_identity(host, host_firmware, identity)
    with pytest.raises(DeviceError, match=complaint):
        check_identity(host, host_firmware, replace(identity, **{field: value}))


def test_a_device_of_another_protocol_version_is_refused(host_firmware: Firmware, logs: Path) -> None:
    def later_version(data: bytes) -> bytes:
        (frame,) = FrameReader().feed(data)
        assert isinstance(frame, Frame)
        return encode(replace(frame, payload=b"\4\0" + frame.payload[2:]))

    with on_tcp([str(host_firmware.elf)], to_host=later_version) as port:
        link = open_port(port, 115200, 10.0)
        conversation = Conversation("nano-1", link, 10.0, BoardEvidence(port))
        with (
            closing(WireTarget(conversation)) as target,
            pytest.raises(ProtocolError, match=r"(?s)another version.*version 4, this"),
        ):
            target.identify()
