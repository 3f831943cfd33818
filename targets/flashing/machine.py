"""The state machine: from a board that runs anything, or waits in its boot loader, to one that runs what it should."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reds.errors import BenchError, FlashError, MissingError
from targets.firmware import Firmware
from targets.flashing.ladders import LADDERS, Ladder
from targets.flashing.steps import ERRORS, Journal, Limits, Step, waited_for
from targets.flashing.transfers import Place, by_platformio
from targets.inventory import Device
from targets.target import Identity
from targets.usb.boards import Bus, Mode, UsbBoard
from targets.wire.port import SerialLink, open_port

TOUCH_BAUD = 1200  # opening a port at this speed asks the cores of these boards for their boot loader

Open = Callable[[], SerialLink]
"""A link to the board, wherever its port is now. Raises MissingError while there is none."""

Greet = Callable[[SerialLink, float], Identity | None]
"""What a board says of itself within so many seconds; None if it does not speak our protocol."""


@dataclass(frozen=True)
class Flasher:
    """Gives one board a firmware.

    Attributes:
        device: which board.
        bus: where it is plugged in.
        open: opens its port.
        greet: asks it who it is.
        log: where each step is written down.
        limits: of the steps.
    """

    device: Device
    bus: Bus
    open: Open
    greet: Greet
    log: Path
    limits: Limits = Limits()  # noqa: RUF009 - frozen

    def flash(self, firmware: Firmware, board: UsbBoard | None, port: str | None) -> SerialLink:
        """The link to the board, with this firmware on it.

        Args:
            firmware: what it shall run.
            board: what is at the bus; None for a port that is not on this computer's USB, as of a converter.
            port: where it is now, None in BOOTSEL.

        Raises:
            FlashError: of the kind of the step that failed; of several ways up that of the last, which names the others.
        """
        journal = Journal(self.log)
        place = Place(port, None if board is None else board.usb_path)
        journal.note(f"flashing {self.device.id} at {place} with firmware {firmware.sha256}")
        if board is None:
            self._transfer(journal, firmware, place)
        else:
            self._up_the_ladder(journal, firmware, board, place)
        return self._returned(journal, firmware, place)

    @property
    def _ladder(self) -> Ladder:
        return LADDERS[self.device.kind]

    def _up_the_ladder(self, journal: Journal, firmware: Firmware, board: UsbBoard, place: Place) -> None:
        """Into the boot loader and through it; where it cannot be had, what PlatformIO makes of the running program."""
        try:
            waiting = board if board.mode is self._ladder.boot_mode else self._boot_loader(journal, board, place)
        except FlashError as error:
            if place.port is None:
                raise
            journal.note(f"going on without: {error.what}")
            self._transfer(journal, firmware, place, because=error)
            return
        self._write(journal, firmware, Place(waiting.port, waiting.usb_path))

    def _boot_loader(self, journal: Journal, board: UsbBoard, place: Place) -> UsbBoard:
        """The board when its boot loader is at the bus, at the place where the board was."""
        assert place.port is not None
        with journal.step(Step.TOUCH, f"{place.port} at {TOUCH_BAUD} baud"):
            self._touch(place.port)
        with journal.step(Step.BOOT_LOADER, f"waiting for it at USB {board.usb_path}"):
            wanted = self._ladder.boot_mode
            found = waited_for(lambda: self._at(board.usb_path, wanted), self.limits.boot_loader_s)
            if found is None:
                now = "; ".join(str(other) for other in self.bus.boards() if other.usb_path == board.usb_path)
                seen = f"{now or 'nothing'} at USB {board.usb_path} after {self.limits.boot_loader_s:g} s"
                raise self._error(Step.BOOT_LOADER, f"the {wanted} of {self.device.id} did not appear", seen)
            return found

    def _at(self, usb_path: str | None, mode: Mode) -> UsbBoard | None:
        return next((board for board in self.bus.boards() if board.usb_path == usb_path and board.mode is mode), None)

    def _touch(self, port: str) -> None:
        """Open the port at 1200 baud and close it; the port of a board that reacts at once is gone before it is closed."""
        try:
            with closing(open_port(port, TOUCH_BAUD, self.limits.touch_s)):
                pass
        except BenchError as error:
            raise self._error(Step.TOUCH, f"{port} cannot be opened at {TOUCH_BAUD} baud", error.seen or error.what) from error

    def _write(self, journal: Journal, firmware: Firmware, place: Place) -> None:
        """By the first way that works."""
        failures: list[FlashError] = []
        for transfer in self._ladder.transfers:
            try:
                with journal.step(Step.TRANSFER, f"to {place}, {transfer.__name__}"):
                    transfer(firmware, place, self.log, self.limits)
                return
            except FlashError as error:
                failures.append(error)
        *before, last = failures
        seen = "; ".join(filter(None, (last.seen, *(f"before that: {error.what}" for error in before))))
        raise ERRORS[Step.TRANSFER](last.what, seen=seen, do=self._by_hand(last.do), log=self.log) from last

    def _transfer(self, journal: Journal, firmware: Firmware, place: Place, because: FlashError | None = None) -> None:
        """PlatformIO's own way, which touches the running program itself."""
        with journal.step(Step.TRANSFER, f"to {place}, PlatformIO alone"):
            try:
                by_platformio(firmware, place, self.log, self.limits)
            except FlashError as error:
                if because is None:
                    raise
                seen = f"{because.seen}; PlatformIO's own way failed too: {error.what}"
                raise type(because)(because.what, seen=seen, do=because.do, log=self.log) from error

    def _returned(self, journal: Journal, firmware: Firmware, place: Place) -> SerialLink:
        """The link to the board when the new program has answered."""
        with journal.step(Step.RETURN, f"waiting for {self.device.place}"):
            link = self._back(place)
        try:
            with journal.step(Step.HELLO, f"at {link.path}"):
                identity = self.greet(link, self.limits.hello_s)
                if identity is None:
                    raise self._error(Step.HELLO, f"{self.device.id} does not answer after the upload", f"nothing at {link.path}")
            with journal.step(Step.MATCH, identity.firmware_sha256):
                if identity.firmware_sha256 != firmware.sha256:
                    seen = f"firmware {identity.firmware_sha256}, not {firmware.sha256}"
                    raise self._error(Step.MATCH, f"{self.device.id} runs another firmware than it was given", seen)
        except BaseException:
            link.close()
            raise
        return link

    def _back(self, place: Place) -> SerialLink:
        """The port of the program before may be there for a moment, and must not be taken for that of the new one.

        A port that stays (of a converter, not of the board itself) is used after that moment.
        """
        if place.port is not None:
            port = Path(place.port)
            waited_for(lambda: True if not port.exists() else None, self.limits.farewell_s)
        last = "nothing"

        def opened() -> SerialLink | None:
            nonlocal last
            if self._at(place.usb_path, self._ladder.boot_mode) is not None:  # the boot loader's port is not the program's
                last = f"the board is still in its boot loader at USB {place.usb_path}"
                return None
            try:
                return self.open()
            except MissingError as error:
                last = error.seen or error.what
                return None

        link = waited_for(opened, self.limits.return_s)
        if link is None:
            what = f"{self.device.id} ({self.device.place}) did not come back after the upload"
            raise self._error(Step.RETURN, what, f"{self.limits.return_s:g} s of waiting; {last}")
        return link

    def _error(self, step: Step, what: str, seen: str | None) -> FlashError:
        by_hand = {
            Step.TOUCH: self._by_hand("is another program using the port?"),
            Step.BOOT_LOADER: self._by_hand(None),
            Step.RETURN: "press the board's reset button; name the board by its serial number, which does not change",
            Step.HELLO: "press the board's reset button and try again; its log has every step",
            Step.MATCH: "name the board by its serial number: another one may have come up at its port",
        }
        return ERRORS[step](what, seen=seen, do=by_hand[step], log=self.log)

    def _by_hand(self, first: str | None) -> str:
        return "; ".join(filter(None, (first, f"{self._ladder.by_hand}; then run again")))
