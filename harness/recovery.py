"""A connection that is made anew when it breaks: what was under way is begun again, a bounded number of times and counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from reds.errors import BenchError, MissingError, ProtocolError, TimedOutError, TransportError
from targets.target import Target

# After one of these nobody knows what state the device and the line are in.
BREAKING = (TransportError, TimedOutError, ProtocolError)

RECOVERIES = 2  # of one operation
LONGEST_ABSENCE_S = 4.0  # of a device whose link has broken: a board that was reset takes 1 to 3 s until its port is back
POLL_S = 0.05

Result = TypeVar("Result")


class RecoveringConnection:
    """A connection to a device, opened when first needed.

    Args:
        connect: opens a connection; leaving its context ends it.
        prepare: brings a device that has just been connected to where operations begin.
    """

    def __init__(self, connect: Callable[[], AbstractContextManager[Target]], prepare: Callable[[Target], None]) -> None:
        self._connect, self._prepare = connect, prepare
        self._stack = ExitStack()
        self._target: Target | None = None
        self._repetitions = 0  # but for the requests that the present connection has sent again

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that has not broken."""
        return self._target is not None

    @property
    def repetitions(self) -> int:
        """How many requests were sent again and operations begun again."""
        return self._repetitions + (0 if self._target is None else self._target.retransmissions)

    def perform(self, operation: Callable[[Target], Result]) -> Result:
        """What an operation gives; it may be begun several times.

        Raises:
            TransportError, TimedOutError, ProtocolError: it broke the connection each time, or there was none to be had again;
                the first cause, with the last one in what was seen.
            BenchError: what `connect`, `prepare` and the operation raise.
        """
        try:
            return operation(self._connected())
        except BREAKING as error:
            first = last = error
        for _ in range(RECOVERIES):
            self._drop(first)
            self._repetitions += 1
            try:
                return operation(self._connected_again())
            except BREAKING as error:
                last = error
            except BenchError as error:
                if self.is_open:
                    raise
                last = error
                break
        self._drop(last)
        raise _as_first_cause(first, last) from first

    def close(self) -> None:
        """End the connection; may be called twice."""
        self._repetitions, self._target = self.repetitions, None
        self._stack.close()

    def _drop(self, cause: BenchError) -> None:
        try:
            self.close()
        except BenchError as error:
            cause.add_note(f"closing the connection failed too: {error}")

    def _connected(self) -> Target:
        if self._target is None:
            try:
                target = self._stack.enter_context(self._connect())
                self._prepare(target)
            except BenchError:
                self._stack.close()
                raise
            self._target = target
        return self._target

    def _connected_again(self) -> Target:
        """The port may be away for a moment: a board that was reset leaves the bus, and so does one whose cable is moved."""
        deadline = time.monotonic() + LONGEST_ABSENCE_S
        while True:
            try:
                return self._connected()
            except (MissingError, *BREAKING):
                if time.monotonic() >= deadline:
                    raise
            time.sleep(POLL_S)


def _as_first_cause(first: BenchError, last: BenchError) -> BenchError:
    again = f"begun again from a fresh connection: {last.what}"
    seen = f"{first.seen}; {again}" if first.seen else again
    return type(first)(first.what, seen=seen, do=first.do, log=first.log)
