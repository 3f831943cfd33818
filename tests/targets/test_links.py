"""Byte streams: pipes, sockets and serial ports, at rest, broken and stalled."""

from __future__ import annotations

import os
import pty
import socket
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from reds.errors import ConfigError, MissingError, TimedOutError, TransportError
from targets.wire.link import DescriptorLink, Link
from targets.wire.port import open_port

SOON_S = 0.05
LONG_S = 10.0


@pytest.fixture
def sockets() -> Iterator[tuple[DescriptorLink, socket.socket]]:
    ours, theirs = socket.socketpair()
    descriptor = ours.detach()
    with DescriptorLink(descriptor, descriptor) as link, theirs:
        yield link, theirs


def read(link: Link, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += link.read(LONG_S)
    return data


def test_bytes_pass_both_ways(sockets: tuple[DescriptorLink, socket.socket]) -> None:
    link, other = sockets
    link.write(b"there", LONG_S)
    assert other.recv(100) == b"there"
    other.sendall(b"and back")
    assert read(link, 8) == b"and back"


def test_silence_times_out(sockets: tuple[DescriptorLink, socket.socket]) -> None:
    with pytest.raises(TimedOutError):
        sockets[0].read(SOON_S)


def test_a_peer_that_has_gone_is_noticed(sockets: tuple[DescriptorLink, socket.socket]) -> None:
    link, other = sockets
    other.close()
    with pytest.raises(TransportError, match="closed"):
        link.read(LONG_S)
    with pytest.raises(TransportError, match="sending"):
        link.write(b"x" * 1_000_000, LONG_S)


def test_a_peer_that_takes_nothing_times_out(sockets: tuple[DescriptorLink, socket.socket]) -> None:
    with pytest.raises(TimedOutError, match="takes no more"):
        sockets[0].write(b"x" * 10_000_000, SOON_S)


def test_a_link_closes_its_descriptors_once() -> None:
    read_end, write_end = os.pipe()
    link = DescriptorLink(read_end, write_end)
    link.close()
    link.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read_end)


def test_a_port_over_tcp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200, LONG_S)
        with server.accept()[0] as other:
            link.write(b"there", LONG_S)
            assert other.recv(100) == b"there"
            other.sendall(b"x" * 100_000)
            assert read(link, 100_000) == b"x" * 100_000
            with pytest.raises(TimedOutError):
                link.read(SOON_S)
        with pytest.raises(TransportError, match="closed"):
            link.read(LONG_S)
        link.close()


def test_a_port_over_a_reset_connection_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200, LONG_S)
        with server.accept()[0] as other:
            link.write(b"never read", LONG_S)
            other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with pytest.raises(TransportError):
            link.read(LONG_S)
        link.close()
        link.close()


def test_a_port_that_is_a_terminal() -> None:
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


@pytest.mark.parametrize("url", ["/dev/there-is-no-such-port", "socket://127.0.0.1:1", "rfc2217://127.0.0.1:1", "nonsense://x"])
def test_a_port_that_is_not_there(url: str) -> None:
    with pytest.raises(MissingError, match=r"cannot be opened"):
        open_port(url, 115200, LONG_S)


@pytest.mark.parametrize("url", ["socket://", "socket://host", "socket://host:port", "socket://host:70000"])
def test_a_socket_without_a_place(url: str) -> None:
    with pytest.raises(ConfigError, match="socket://host:port"):
        open_port(url, 115200, LONG_S)


def test_a_file_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "not-a-port"
    file.write_text("")
    with pytest.raises(MissingError):
        open_port(str(file), 115200, LONG_S)
