"""A byte stream to a device, and the kind that the pipes of a process are."""

from __future__ import annotations

import os
import select
import time
from types import TracebackType
from typing import Protocol, Self

from reds.errors import TimedOutError, TransportError

READ_BYTES = 65536


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
    """A stream over two file descriptors, which it owns and closes: the pipes of a process."""

    def __init__(self, read_descriptor: int, write_descriptor: int) -> None:
        self._read, self._write = read_descriptor, write_descriptor
        self._open = True
        for descriptor in {read_descriptor, write_descriptor}:
            os.set_blocking(descriptor, False)

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
