"""Puts a device process behind a TCP port, a terminal or an RFC 2217 server, as a board would be, and can do harm on the way."""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import serial
from serial.rfc2217 import PortManager

POLL_S = 0.02
READ_BYTES = 65536
Harm = Callable[[bytes], bytes]


def unharmed(data: bytes) -> bytes:
    """Let everything pass."""
    return data


def pump(line: int, command: list[str], ending: threading.Event, to_device: Harm = unharmed, to_host: Harm = unharmed) -> None:
    """Start a device process and carry bytes between it and a line until one of them ends or `ending` is set."""
    carry(line, start(command), ending, to_device, to_host)


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a device process with pipes to it."""
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def carry(
    line: int, process: subprocess.Popen[bytes], ending: threading.Event, to_device: Harm = unharmed, to_host: Harm = unharmed
) -> None:
    """Carry bytes between a device process and a line until one of them ends or `ending` is set; then end the process."""
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        device_in, device_out = process.stdin.fileno(), process.stdout.fileno()
        ways = {line: (device_in, to_device), device_out: (line, to_host)}
        while not ending.is_set():
            for source in select.select(list(ways), [], [], POLL_S)[0]:
                target, harm = ways[source]
                try:
                    data = os.read(source, READ_BYTES)
                    if not data:
                        return
                    os.write(target, harm(data))
                except OSError:
                    return


@contextmanager
def on_tcp(command: list[str], to_device: Harm = unharmed, to_host: Harm = unharmed) -> Iterator[str]:
    """The URL of a TCP port; each connection, one at a time, gets a new device process."""
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            if select.select([server], [], [], POLL_S)[0]:
                with server.accept()[0] as connection:
                    pump(connection.fileno(), command, ending, to_device, to_host)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ending.set()
            thread.join()


@contextmanager
def on_pty(command: list[str]) -> Iterator[str]:
    """The path of a pseudo-terminal behind which a device process answers."""
    ending = threading.Event()
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    # Started before anything opens the terminal: a fork holds what is open, and locked, until the new program begins.
    thread = threading.Thread(target=carry, args=(ours, start(command), ending))
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        ending.set()
        thread.join()
        os.close(ours)
        os.close(theirs)


class Terminal(serial.Serial):
    """A pseudo-terminal as a serial port: it has no modem lines to set or to read."""

    @property
    def cts(self) -> bool:
        return True

    @property
    def dsr(self) -> bool:
        return True

    @property
    def ri(self) -> bool:
        return False

    @property
    def cd(self) -> bool:
        return True

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass


class Client:
    """The way back to the client, as `PortManager` wants it."""

    def __init__(self, connection: socket.socket) -> None:
        self.write = connection.sendall


def converse(connection: socket.socket, port: serial.Serial, ending: threading.Event) -> None:
    """Serve one client of a serial port by RFC 2217 until it goes or `ending` is set."""
    manager = PortManager(port, Client(connection))  # pyright: ignore[reportArgumentType] - typed as if it were a client
    while not ending.is_set():
        for source in select.select([connection, port], [], [], POLL_S)[0]:
            try:
                if source is connection:
                    data = connection.recv(READ_BYTES)
                    if not data:
                        return
                    port.write(b"".join(manager.filter(data)))
                else:
                    connection.sendall(b"".join(manager.escape(port.read(READ_BYTES))))
            except OSError:
                return


@contextmanager
def rfc2217_server(path: str) -> Iterator[str]:
    """The URL of an RFC 2217 server for a pseudo-terminal, as ser2net is one for a board's port."""
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            if select.select([server], [], [], POLL_S)[0]:
                with server.accept()[0] as connection, Terminal(path, timeout=0) as port:
                    converse(connection, port, ending)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"rfc2217://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ending.set()
            thread.join()


@contextmanager
def on_rfc2217(command: list[str]) -> Iterator[str]:
    """The URL of an RFC 2217 server behind whose serial port a device process answers."""
    with on_pty(command) as path, rfc2217_server(path) as url:
        yield url
