"""A process that is, or emulates, a device: its messages go to a log, and it ends with whoever started it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from reds.errors import MissingError
from targets.log_file import open_log
from targets.wire.link import DescriptorLink

LOG_TAIL_LINES = 6
LOG_TAIL_BYTES = 65_536
GRACE_S = 2.0  # from the end of standard input to SIGKILL
DYING_S = 0.2  # from the end of a link to the end of its process


class DeviceProcess:
    """A running process; leaving the `with` stops it.

    Its standard input is a pipe whose other end only this process holds, so that it ends when this process dies, even by
    SIGKILL. The programs that are started here end when their input does.

    Args:
        command: program and arguments.
        log: takes its standard error output; replaced.

    Raises:
        MissingError: the program cannot be started.
    """

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log
        try:
            with open_log(log, "wb") as messages:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, bufsize=0
                )
        except OSError as error:
            raise MissingError(f"{command[0]} cannot be started", seen=str(error)) from error

    @property
    def log(self) -> Path:
        return self._log

    def link(self) -> DescriptorLink:
        """The process's standard output and input as a link, which may be closed before the process is stopped."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return DescriptorLink(os.dup(self._process.stdout.fileno()), os.dup(self._process.stdin.fileno()))

    def seen(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(DYING_S)
        lines = _tail(self._log)
        code = self._process.returncode
        status = "the process runs" if code is None else f"the process has ended with status {code}"
        return "\n    ".join([status, *lines])

    def stop(self) -> None:
        """End the process and wait until it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()


def _tail(log: Path) -> list[str]:
    """The last lines of a log, or why there are none."""
    try:
        with log.open("rb") as messages:
            messages.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            return messages.read().decode(errors="replace").strip().splitlines()[-LOG_TAIL_LINES:]
    except OSError as error:
        return [f"its messages were not kept: {error}"]
