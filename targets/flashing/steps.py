"""The steps of giving a board a firmware: what each is, how long it may take, and what a hand can do when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from reds.errors import (
    BenchError,
    BootLoaderError,
    FlashError,
    NoGreetingError,
    NoReturnError,
    OtherFirmwareError,
    TouchError,
    TransferError,
)

POLL_S = 0.05
Found = TypeVar("Found")


class Step(StrEnum):
    """In the order in which they are taken; building comes before, as nothing is asked of the board for it."""

    TOUCH = "touch"
    BOOT_LOADER = "boot loader"
    TRANSFER = "transfer"
    RETURN = "return"
    HELLO = "HELLO"
    MATCH = "match"


ERRORS: Mapping[Step, type[FlashError]] = {
    Step.TOUCH: TouchError,
    Step.BOOT_LOADER: BootLoaderError,
    Step.TRANSFER: TransferError,
    Step.RETURN: NoReturnError,
    Step.HELLO: NoGreetingError,
    Step.MATCH: OtherFirmwareError,
}


@dataclass(frozen=True)
class Limits:
    """The longest that a step may take, in seconds.

    Attributes:
        touch_s: opening the port at 1200 baud and closing it.
        boot_loader_s: from then until the boot loader is at the bus; Arduino's own uploads wait 5 s.
        volume_s: until the volume of a boot loader is mounted.
        transfer_s: writing the program; bossac takes 20 s for a megabyte.
        farewell_s: until the port of the program before is gone.
        return_s: until the new program's port can be opened.
        hello_s: until it answers.
    """

    touch_s: float = 3.0
    boot_loader_s: float = 8.0
    volume_s: float = 15.0
    transfer_s: float = 180.0
    farewell_s: float = 3.0
    return_s: float = 20.0
    hello_s: float = 3.0


@dataclass(frozen=True)
class Journal:
    """Writes each step with its time and outcome to the end of the board's log, so that an upload can be read afterwards.

    A log that cannot be written (a full disk) costs the log and nothing else.
    """

    log: Path

    @contextmanager
    def step(self, step: Step, what: str) -> Iterator[None]:
        """Around a step: its duration, and its error if it fails."""
        begun = time.monotonic()
        try:
            yield
        except BenchError as error:
            self.note(f"{step}: {what}: {error.kind} after {time.monotonic() - begun:.2f} s: {error.what}")
            raise
        self.note(f"{step}: {what}: done in {time.monotonic() - begun:.2f} s")

    def note(self, text: str) -> None:
        """A line of its own."""
        line = f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n"
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError:
            return


def waited_for(look: Callable[[], Found | None], limit_s: float) -> Found | None:
    """What `look` finds first; None if it finds nothing within the limit. It looks once at least."""
    deadline = time.monotonic() + limit_s
    while (found := look()) is None:
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_S)
    return found
