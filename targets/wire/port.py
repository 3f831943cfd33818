"""The port of a board: a serial line of this computer, or one that is reached over a network. All of it goes through pyserial."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import socket
import termios
import time
import warnings
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from reds.errors import ConfigError, MissingError, TimedOutError, TransportError, unknown_name
from targets.wire.link import READ_BYTES

# The options that pyserial takes after a "?", by scheme. Its other schemes open ports of this computer.
_NETWORK: Mapping[str, frozenset[str]] = {
    "socket": frozenset({"logging"}),
    "rfc2217": frozenset({"logging", "ign_set_control", "poll_modem", "timeout"}),
}
POLL_S = 0.002  # only for ports that cannot be waited on
_PLAIN_TCP = "socket"
_WITHOUT_WRITE_TIMEOUT = ("rfc2217",)  # pyserial refuses one; it ends a write itself when TCP takes nothing for 5 s
_REMEDY = "is the board plugged in, and may this user open the port?"
# pyserial's handlers raise these for what they cannot read in a URL, or cannot do.
_UNUSABLE = (ValueError, TypeError, LookupError, NotImplementedError, re.error)


def scheme(port: str) -> str:
    """The scheme of a URL, in lower case; empty for the path of a port."""
    name, separator, _ = port.partition("://")
    return name.lower() if separator else ""


def is_network(port: str) -> bool:
    """Whether a port is reached over a network; an upload cannot go there."""
    return scheme(port) in _NETWORK


def open_port(url: str, baud: int, write_timeout_s: float) -> SerialLink:
    """A link through a port.

    Args:
        url: what pyserial would open: /dev/ttyACM0, socket://host:port, rfc2217://host:port, hwgrep://name.
        baud: line speed of a serial line.
        write_timeout_s: the longest that one write may take.

    Raises:
        MissingError: the port cannot be opened.
        ConfigError: the URL is none of pyserial's, or states what would be ignored.
    """
    if is_network(url):
        _check_place(url)
    return SerialLink(url, baud, write_timeout_s)


def _check_place(url: str) -> None:
    """ConfigError unless host and port are there, and nothing that pyserial would ignore."""
    form = f"{scheme(url)}://host:port"
    try:
        parts = urlsplit(url)
        if not parts.hostname or parts.port is None:
            raise ValueError("host or port is missing")
    except ValueError as error:
        raise ConfigError(f"{url} is not {form}", seen=str(error)) from error
    if parts.path.strip("/") or parts.fragment or parts.username is not None:
        raise ConfigError(f"{url} states more than {form}", do=f"write {form} and nothing else but options: ?logging=debug")
    for option in parse_qs(parts.query, keep_blank_values=True):
        if option not in _NETWORK[scheme(url)]:
            raise unknown_name(f"option of {url}", option, _NETWORK[scheme(url)])


class SerialLink:
    """A stream through pyserial.

    Raises:
        MissingError: the port cannot be opened.
        ConfigError: pyserial cannot read the URL.
    """

    def __init__(self, url: str, baud: int, write_timeout_s: float) -> None:
        import serial  # noqa: PLC0415 - only boards need pyserial

        self._url = url
        self._failures = (serial.SerialException, OSError, termios.error)
        self._write_timed_out = serial.SerialTimeoutException
        # Reads return at once with what is there; waiting is ours. Changing a port's time-out while it is open would
        # reconfigure it, over the network for rfc2217://.
        write_timeout = None if scheme(url) in _WITHOUT_WRITE_TIMEOUT else write_timeout_s
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # rfc2217:// names its thread in an old way
                # `exclusive` keeps everybody else off a port of this computer.
                self._port = serial.serial_for_url(
                    url, baud, timeout=0, write_timeout=write_timeout, exclusive=True, do_not_open=True
                )
                try:
                    self._port.open()
                except BaseException:
                    self.close()
                    raise
        except self._failures as error:
            raise MissingError(f"the port {url} cannot be opened", seen=str(error), do=_REMEDY) from error
        except _UNUSABLE as error:
            raise ConfigError(f"the port {url} is none that pyserial can open", seen=str(error)) from error
        self._descriptor = self._waitable()
        if scheme(url) == _PLAIN_TCP and self._descriptor is not None:
            _send_at_once(self._descriptor)

    @property
    def path(self) -> str:
        """The port that was opened; for hwgrep:// and the like the one it stands for."""
        assert self._port.port is not None
        return self._port.port

    def write(self, data: bytes, timeout_s: float) -> None:
        """As `Link.write`; the time-out is the one that the port was opened with."""
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
                if data := self._arrived():
                    return data
                if time.monotonic() >= deadline:
                    raise TimedOutError("the device did not answer", seen=f"nothing from {self._url} for {timeout_s:.3g} s")
        except self._failures as error:
            raise TransportError(f"the link {self._url} broke", seen=str(error)) from error

    def close(self) -> None:
        # pyserial drops the socket of a connection that the peer has reset instead of closing it.
        connection = getattr(self._port, "_socket", None)
        with contextlib.suppress(*self._failures):  # a port that has gone cannot be closed better
            self._port.close()
        if connection is not None:
            connection.close()

    def _waitable(self) -> int | None:
        """The port's file descriptor, if it has one."""
        try:
            return self._port.fileno()
        except (AttributeError, OSError, io.UnsupportedOperation):
            return None

    def _wait(self, timeout_s: float) -> None:
        """Until there may be something to read."""
        if self._descriptor is not None:
            select.select([self._descriptor], [], [], timeout_s)
        elif not self._port.in_waiting:
            time.sleep(min(POLL_S, timeout_s))

    def _arrived(self) -> bytes:
        """What is there, which may be nothing."""
        data = bytearray(self._port.read(READ_BYTES))
        if self._descriptor is None:
            while more := self._port.in_waiting:  # such a port may hand out a byte at a time
                data += self._port.read(more)
        return bytes(data)


def _send_at_once(descriptor: int) -> None:
    """Let TCP not hold back the end of a request until what came before is acknowledged."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
