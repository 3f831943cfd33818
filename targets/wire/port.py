"""The port of a board: a serial line of this computer, or one that is reached over a network."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from urllib.parse import urlsplit

from reds.errors import ConfigError, MissingError, TimedOutError, TransportError
from targets.wire.link import READ_BYTES, DescriptorLink, Link

POLL_S = 0.002  # only for ports that cannot be waited on
_PLAIN_TCP = "socket://"
_REMEDY = "is the board plugged in, and may this user open the port?"


def open_port(url: str, baud: int, timeout_s: float) -> Link:
    """A link through a port.

    Args:
        url: what pyserial would open: /dev/ttyACM0, socket://host:port, rfc2217://host:port.
        baud: line speed of a serial line.
        timeout_s: the longest that opening it, or one write, may take.

    Raises:
        MissingError: the port cannot be opened.
        ConfigError: a socket:// URL without host or port.
    """
    if url.startswith(_PLAIN_TCP):
        # Not by pyserial: it leaks a connection that the peer has reset, and sleeps 0.3 s when it closes one.
        return _connect(url, timeout_s)
    return SerialLink(url, baud, timeout_s)


def _connect(url: str, timeout_s: float) -> DescriptorLink:
    try:
        place = urlsplit(url)
        host, port = place.hostname, place.port
    except ValueError:
        host = port = None
    if host is None or port is None:
        raise ConfigError(f"{url} is not socket://host:port")
    try:
        connection = socket.create_connection((host, port), timeout_s)
    except OSError as error:
        raise MissingError(f"the port {url} cannot be opened", seen=str(error), do=_REMEDY) from error
    return DescriptorLink.of_socket(connection)


class SerialLink:
    """A stream through pyserial.

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
            raise MissingError(f"the port {url} cannot be opened", seen=str(error), do=_REMEDY) from error
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
