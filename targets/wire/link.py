"""Byte streams to a device: file descriptors (pipes, sockets) and whatever pyserial opens."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from types import TracebackType
from typing import Protocol, Self

from reds.errors import MissingError, TimedOutError, TransportError

READ_BYTES = 65536
POLL_S = 0.002  # only for ports that cannot be waited on


class Link(Protocol):
    """A byte stream to a device."""

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send all of `data`. TransportError if the stream broke, TimedOutError if the device does not take it."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, at least one byte. TransportError if the stream broke, TimedOutError if nothing came."""
        ...

    def close(self) -> None:
        """End the stream; may be called twice."""
        ...


class DescriptorLink:
    """A stream over two file descriptors, which it owns and closes: the pipes of a process, or a socket twice."""

    def __init__(self, read_descriptor: int, write_descriptor: int) -> None:
        self._read, self._write = read_descriptor, write_descriptor
        self._open = True
        for descriptor in {read_descriptor, write_descriptor}:
            os.set_blocking(descriptor, False)

    @classmethod
    def of_socket(cls, connection: socket.socket) -> Self:
        """A link over a connected socket, which it takes over."""
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        descriptor = connection.detach()
        return cls(descriptor, descriptor)

    def write(self, data: bytes, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        rest = memoryview(data)
        while rest:
            if not select.select([], [self._write], [], max(0.0, deadline - time.monotonic()))[1]:
                raise TimedOutError(
                    "the device takes no more bytes", seen=f"{len(rest)} of {len(data)} left after {timeout_s:g} s"
                )
            try:
                rest = rest[os.write(self._write, rest) :]
            except BlockingIOError:
                continue  # room for less than a pipe writes at once: wait on
            except OSError as error:
                raise TransportError("the link to the device broke while sending", seen=str(error)) from error

    def read(self, timeout_s: float) -> bytes:
        if not select.select([self._read], [], [], timeout_s)[0]:
            raise TimedOutError("the device did not answer", seen=f"nothing for {timeout_s:.3g} s")
        try:
            data = os.read(self._read, READ_BYTES)
        except OSError as error:
            raise TransportError("the link to the device broke", seen=str(error)) from error
        if not data:
            raise TransportError("the device closed the link")
        return data

    def close(self) -> None:
        if self._open:
            self._open = False
            for descriptor in {self._read, self._write}:
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class SerialLink:
    """A stream through any URL of pyserial: /dev/ttyACM0, socket://host:port, rfc2217://host:port.

    Raises:
        MissingError: the port cannot be opened.
    """

    def __init__(self, url: str, baud: int, write_timeout_s: float) -> None:
        import serial  # noqa: PLC0415 - only boards need pyserial

        self._failures = (serial.SerialException, OSError)
        self._write_timed_out = serial.SerialTimeoutException
        try:
            # Reads return at once with all that is there; waiting is ours. Changing a port's time-out while it is open
            # would reconfigure it, over the network for rfc2217://.
            self._port = serial.serial_for_url(url, baudrate=baud, timeout=0, write_timeout=write_timeout_s)
        except (*self._failures, ValueError) as error:
            raise MissingError(f"the port {url} cannot be opened", seen=str(error), do="is the board plugged in?") from error
        self._url = url

    def write(self, data: bytes, timeout_s: float) -> None:
        try:
            self._port.write(data)
        except self._write_timed_out as error:
            raise TimedOutError(f"the device at {self._url} takes no more bytes", seen=str(error)) from error
        except self._failures as error:
            raise TransportError(f"the link {self._url} broke while sending", seen=str(error)) from error

    def read(self, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        try:
            while True:
                self._wait(max(0.0, deadline - time.monotonic()))
                if data := self._port.read(READ_BYTES):
                    return data
                if time.monotonic() >= deadline:
                    raise TimedOutError("the device did not answer", seen=f"nothing from {self._url} for {timeout_s:.3g} s")
        except self._failures as error:
            raise TransportError(f"the link {self._url} broke", seen=str(error)) from error

    def _wait(self, timeout_s: float) -> None:
        """Until there may be something to read."""
        if hasattr(self._port, "fileno"):
            select.select([self._port.fileno()], [], [], timeout_s)
        else:
            time.sleep(min(POLL_S, timeout_s))

    def close(self) -> None:
        with contextlib.suppress(*self._failures):  # a port that has gone cannot be closed better
            self._port.close()
