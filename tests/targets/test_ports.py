"""Ports of boards: every kind of URL goes through one adapter, which reaches the emulated boards as it would reach boards."""

from __future__ import annotations

import os
import pty
import socket
import tty
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import serial
from bridge import on_pty, on_rfc2217, on_tcp, rfc2217_server
from device_examples import Example
from serial.urlhandler import protocol_socket

from reds.errors import ConfigError, MissingError, TimedOutError, TransportError
from targets.connect import connect, talk
from targets.emulators import qemu, rp2040js
from targets.firmware import build
from targets.inventory import Device
from targets.target import FirstInferenceTime, InferenceTime, LayerTime, SwitchTime, Target
from targets.wire.link import Link
from targets.wire.port import SerialLink, is_network, open_port

SOON_S = 0.05
LONG_S = 10.0
EVERY_BYTE = bytes(range(256)) * 16  # Telnet's and the terminal's special ones among them


def read(link: Link, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += link.read(LONG_S)
    return data


def test_a_loop() -> None:
    with closing(open_port("loop://", 1_000_000, LONG_S)) as link:
        with pytest.raises(TimedOutError):
            link.read(SOON_S)
        for _ in range(3):
            link.write(EVERY_BYTE[:4000], LONG_S)
            assert read(link, 4000) == EVERY_BYTE[:4000]


def test_tcp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200, LONG_S)
        with server.accept()[0] as other:
            link.write(b"there", LONG_S)
            assert other.recv(100) == b"there"
            other.sendall(b"x" * 100_000)
            assert read(link, 100_000) == b"x" * 100_000
            with pytest.raises(TimedOutError):
                link.read(SOON_S)
        with pytest.raises(TransportError, match="broke"):
            link.read(LONG_S)
        link.close()


def test_a_reset_connection_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200, LONG_S)
        with server.accept()[0] as other:
            link.write(b"never read", LONG_S)
            other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with pytest.raises(TransportError):
            link.read(LONG_S)
        descriptor = link._descriptor
        assert descriptor is not None
        link.close()
        link.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_a_connection_that_is_reset_while_it_is_opened_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []  # as frames of pyserial hold it

    def reset(port: protocol_socket.Serial) -> None:
        opened.append(port._socket)  # pyright: ignore[reportAttributeAccessIssue]
        raise serial.SerialException("reset")

    monkeypatch.setattr(protocol_socket.Serial, "reset_input_buffer", reset)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(MissingError, match="cannot be opened"):
        open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200, LONG_S)
    assert [connection.fileno() for connection in opened] == [-1]


def test_a_peer_that_takes_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200, SOON_S)
        with closing(link), server.accept()[0], pytest.raises(TimedOutError, match="takes no more"):
            link.write(b"x" * 50_000_000, SOON_S)


def test_a_terminal() -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    link = open_port(os.ttyname(theirs), 115200, LONG_S)
    os.close(theirs)
    link.write(b"there\0\x03\x11", LONG_S)
    assert os.read(ours, 100) == b"there\0\x03\x11"
    os.write(ours, b"\x04and\0back")
    assert read(link, 9) == b"\x04and\0back"
    os.close(ours)
    with pytest.raises(TransportError):
        link.read(LONG_S)
    link.close()


def test_a_terminal_is_opened_once_at_a_time() -> None:
    with on_pty(["cat"]) as path:
        with closing(open_port(path, 115200, LONG_S)), pytest.raises(MissingError, match=r"(?s)cannot be opened.*lock"):
            open_port(path, 115200, LONG_S)
        open_port(path, 115200, LONG_S).close()


def test_rfc_2217() -> None:
    with on_pty(["cat"]) as path, rfc2217_server(path) as url:
        with closing(open_port(url, 9600, LONG_S)) as link:
            with pytest.raises(TimedOutError):
                link.read(SOON_S)
            for _ in range(3):
                link.write(EVERY_BYTE, LONG_S)
                assert read(link, len(EVERY_BYTE)) == EVERY_BYTE
        with closing(open_port(url, 115200, LONG_S)) as link:  # one client after the other
            link.write(b"again", LONG_S)
            assert read(link, 5) == b"again"


def test_an_rfc_2217_server_that_goes_is_noticed() -> None:
    with on_pty(["cat"]) as path:
        with rfc2217_server(path) as url:
            link = open_port(url, 115200, LONG_S)
        with closing(link), pytest.raises(TransportError, match="rfc2217://"):
            link.read(LONG_S)


@pytest.mark.parametrize("url", ["/dev/no-such-port", "socket://127.0.0.1:1", "rfc2217://127.0.0.1:1", "hwgrep://no such"])
def test_a_port_that_is_not_there(url: str) -> None:
    with pytest.raises(MissingError, match=r"cannot be opened"):
        open_port(url, 115200, LONG_S)


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
@pytest.mark.parametrize("place", ["", "host", "host:port", "host:70000", ":5000", "["])
def test_a_network_port_without_a_place(scheme: str, place: str) -> None:
    with pytest.raises(ConfigError, match=f"is not {scheme}://host:port"):
        open_port(f"{scheme}://{place}", 115200, LONG_S)


@pytest.mark.parametrize("rest", ["/path", "/logging=debug", "#part", "/?logging=debug#part"])
def test_nothing_of_a_url_is_dropped(rest: str) -> None:
    with pytest.raises(ConfigError, match="states more than socket://host:port"):
        open_port(f"socket://127.0.0.1:1{rest}", 115200, LONG_S)


def test_options_of_a_url_are_read() -> None:
    with pytest.raises(ConfigError, match=r"unknown option of .* 'timeout'"):
        open_port("socket://127.0.0.1:1?timeout=3", 115200, LONG_S)
    with pytest.raises(ConfigError, match="did you mean timeout"):
        open_port("rfc2217://127.0.0.1:1?logging=debug&timeot=3", 115200, LONG_S)


@pytest.mark.parametrize(
    "url", ["nonsense://x", "loop://?logging=nonsense", "alt:///dev/null?class=VERSION", "hwgrep://[", "hwgrep://x&n=y"]
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError, match="none that pyserial can open"):
        open_port(url, 115200, LONG_S)


def test_a_file_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "not-a-port"
    file.write_text("")
    with pytest.raises(MissingError):
        open_port(str(file), 115200, LONG_S)


@pytest.mark.parametrize(
    ("port", "network"),
    [
        ("/dev/ttyACM0", False),
        ("hwgrep://Nano", False),
        ("spy:///dev/ttyACM0", False),
        ("alt:///dev/ttyACM0?class=VTIMESerial", False),
        ("socket://127.0.0.1:1", True),
        ("RFC2217://127.0.0.1:1", True),
        ("socket://[", True),
    ],
)
def test_which_ports_are_reached_over_a_network(port: str, network: bool) -> None:
    assert is_network(port) == network


def test_the_port_that_a_url_stands_for() -> None:
    with on_pty(["cat"]) as path, closing(open_port(f"alt://{path}", 115200, LONG_S)) as link:
        assert link.path == path


EMULATED = {"nano33ble-emu": ("nano33ble", qemu.command), "pico-emu": ("pico", rp2040js.command)}
WAYS = {"pty": on_pty, "tcp": on_tcp, "rfc2217": on_rfc2217}


def findings(target: Target, network: Example) -> list[object]:
    """What a device computes and counts, in both precisions and at two levels."""
    found: list[object] = [target.identify()]
    for precision, inputs in network.inputs.items():
        found.append(target.load(network.images[precision]))
        for level in (0, 2):
            target.select(level)
            found.append(target.infer(inputs[:9]).tobytes())
            first = inputs[0]
            requests = (InferenceTime(level, first, 2), SwitchTime(0, level, 2), LayerTime(level, first))
            found += [target.time(request) for request in (*requests, FirstInferenceTime(1, level, first, 2))]
    return found


@pytest.mark.toolchain
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", EMULATED)
def test_an_emulated_board_behind_a_port_is_the_one_behind_a_pipe(
    name: str, way: str, device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    kind, command = EMULATED[name]
    emulated = device(name)
    firmware = build(emulated.environment)
    with connect(emulated, logs) as target:
        direct = findings(target, network)
    with WAYS[way](command(firmware)) as port:
        board = Device("board", kind, emulated.environment, port, 115200, emulated.answer_timeout_s)
        with talk(board, firmware, logs / "board.log") as target:
            assert isinstance(target._conversation._link, SerialLink)
        with connect(board, logs) as target:
            assert findings(target, network) == direct
