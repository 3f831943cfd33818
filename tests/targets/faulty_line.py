"""A line to a device process that does harm at a chosen place of what passes, as cables, hubs and supplies do.

The device outlives the link: a link that is closed and opened again leads to the same device, in whatever state it was left.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

POLL_S = 0.02
READ_BYTES = 65536
LONGEST_LOSS_S = 1.0  # of a number of bytes; fewer are lost if fewer pass in this time


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        kind: what happens to the bytes of one direction ("flip" of one, "drop", "duplicate", "delay"), of both ("mute"), to the
            device ("reset": it starts anew; "kill": it and its port are away for a time), or to the link ("close" of a TCP
            connection; "rename": the device starts anew as another terminal).
        to_device: in which direction the bytes go that it begins with.
        at_byte: with which byte of all that go that way.
        count: how many bytes it concerns.
        seconds: how long it takes: the delay, the silence, the absence; ten times as long as until the device dies.
        mask: what a flipped byte is flipped with.
    """

    kind: str
    to_device: bool
    at_byte: int
    count: int
    seconds: float
    mask: int


class Port(Protocol):
    """Where the harness finds the device."""

    url: str

    def open(self) -> None:
        """Be there."""
        ...

    def close(self) -> None:
        """Be gone, with whoever uses it."""
        ...

    def hang_up(self) -> None:
        """End the connection that there is, and be there for the next one."""
        ...

    def line(self) -> int | None:
        """The descriptor of the connection that there is."""
        ...


class TcpPort:
    """A TCP port of one connection at a time."""

    def __init__(self) -> None:
        self._number = 0
        self.open()
        self.url = f"socket://127.0.0.1:{self._number}"

    def open(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self._number))
        self._number = self._server.getsockname()[1]
        self._connection: socket.socket | None = None

    def close(self) -> None:
        self.hang_up()
        self._server.close()

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def line(self) -> int | None:
        if select.select([self._server], [], [], 0)[0]:  # who comes anew has left before
            self.hang_up()
            self._connection = self._server.accept()[0]
        return None if self._connection is None else self._connection.fileno()


class TerminalPort:
    """A terminal under a name that stays, as those in /dev/serial/by-id do: each time it opens it is another one."""

    def __init__(self, name: Path) -> None:
        self.url = str(name)
        self._name = name
        self.open()

    def open(self) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self._name.symlink_to(os.ttyname(self._theirs))

    def close(self) -> None:
        self._name.unlink()
        os.close(self._ours)
        os.close(self._theirs)

    def hang_up(self) -> None:
        self.close()
        self.open()

    def line(self) -> int | None:
        return self._ours


class FaultyLine:
    """Carries bytes between a port and a device process until `stop`, and lets one fault happen.

    Attributes:
        passed: how many bytes have gone to the host and to the device.
        over_at: when the fault was over, None before.
    """

    def __init__(self, command: list[str], port: Port, fault: Fault | None) -> None:
        self.passed = [0, 0]
        self.over_at: float | None = None
        self._command, self._port, self._fault = command, port, fault
        self._waiting = [bytearray(), bytearray()]
        self._held_until = [0.0, 0.0]
        self._lost = [0, 0]  # bytes that are still to be dropped
        self._mute_until = 0.0
        self._ending = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def stop(self) -> None:
        """End the device and the line."""
        self._ending.set()
        self._thread.join()
        self._kill()
        self._port.close()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._device_in, self._device_out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._device_in, False)

    def _kill(self) -> None:
        self._process.kill()
        with self._process:
            pass
        self._waiting = [bytearray(), bytearray()]

    def _carry(self) -> None:
        while not self._ending.is_set():
            line = self._port.line()
            ends = {self._device_out: False} | ({} if line is None else {line: True})
            outs = {self._device_in: True} | ({} if line is None else {line: False})
            wanted = [out for out, to_device in outs.items() if self._may_go(to_device)]
            readable, writable, _ = select.select(list(ends), wanted, [], POLL_S)
            for out in writable:
                self._send(out, self._waiting[outs[out]])
            for end in readable:
                data = self._received(end)
                if data:
                    self._take(ends[end], data)
                elif end == line:
                    self._port.hang_up()
                if self.over_at is not None or not data:
                    break  # the descriptors may be others now

    def _may_go(self, to_device: bool) -> bool:
        return bool(self._waiting[to_device]) and time.monotonic() >= self._held_until[to_device]

    @staticmethod
    def _send(out: int, waiting: bytearray) -> None:
        with contextlib.suppress(OSError):  # who has gone is noticed by reading
            del waiting[: os.write(out, waiting[:4096])]

    @staticmethod
    def _received(end: int) -> bytes:
        try:
            return os.read(end, READ_BYTES)
        except OSError:
            return b""

    def _take(self, to_device: bool, data: bytes) -> None:
        start = self.passed[to_device]
        self.passed[to_device] += len(data)
        fault, now = self._fault, time.monotonic()
        if now < self._mute_until:
            return
        if self._lost[to_device] and self.over_at is not None and now < self.over_at:
            lost = min(self._lost[to_device], len(data))
            self._lost[to_device] -= lost
            data = data[lost:]
            self.over_at = self.over_at if self._lost[to_device] else now
        if fault is None or self.over_at is not None or fault.to_device != to_device or fault.at_byte >= start + len(data):
            self._pass_on(to_device, data)
            return
        place = max(0, fault.at_byte - start)
        self._pass_on(to_device, data[:place])
        self._harm(fault, data[place:])

    def _pass_on(self, to_device: bool, data: bytes) -> None:
        if to_device or self._port.line() is not None:
            self._waiting[to_device] += data

    def _harm(self, fault: Fault, data: bytes) -> None:
        way, lasts_s = self._waiting[fault.to_device], 0.0
        match fault.kind:
            case "flip":
                way += bytes([data[0] ^ fault.mask]) + data[1:]
            case "drop":
                way += data[fault.count :]
                self._lost[fault.to_device] = max(0, fault.count - len(data))
                lasts_s = LONGEST_LOSS_S if self._lost[fault.to_device] else 0.0
            case "duplicate":
                way += data[: fault.count] + data
            case "delay":
                self._held_until[fault.to_device] = time.monotonic() + fault.seconds
                way += data
                lasts_s = fault.seconds
            case "mute":
                self._mute_until = time.monotonic() + fault.seconds
                lasts_s = fault.seconds
            case "close":
                self._flush(fault.to_device)
                self._port.hang_up()
                self._waiting[False].clear()
            case "reset":
                self._die(fault, data)
                self._start()
            case "kill" | "rename":
                self._die(fault, data)
                self._port.close()
                self._ending.wait(fault.seconds)
                self._port.open()
                self._start()
        self.over_at = time.monotonic() + lasts_s

    def _die(self, fault: Fault, data: bytes) -> None:
        """The device ends, a moment after it got what was on the way to it."""
        self._waiting[fault.to_device] += data
        self._flush(fault.to_device)
        time.sleep(fault.seconds / 10)
        self._kill()

    def _flush(self, to_device: bool) -> None:
        """What has gone before the fault arrives, as far as there is room."""
        out = self._device_in if to_device else self._port.line()
        if out is not None:
            self._send(out, self._waiting[to_device])


@contextmanager
def faulty_line(command: list[str], port: Port, fault: Fault | None) -> Iterator[FaultyLine]:
    """A line that is stopped at the end of the `with`."""
    line = FaultyLine(command, port, fault)
    try:
        yield line
    finally:
        line.stop()
