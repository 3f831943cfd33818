"""Byte streams over descriptors, at rest, broken and stalled."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from reds.errors import TimedOutError, TransportError
from targets.wire.link import DescriptorLink, Link

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
