"""A device whose program memory takes the images that its RAM does not hold: the firmware is built again with the image in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import numpy as np

from reds.errors import DeviceError, NoRoomError, TransportError
from targets.firmware import Firmware
from targets.target import Identity, Loaded, TimeRequest, Timing
from targets.wire_target import WireTarget

Build = Callable[[bytes], Firmware]
"""The firmware with this image built in (b"": with none)."""

Start = Callable[[Firmware], AbstractContextManager[WireTarget]]
"""Puts a firmware on the device and opens a conversation with it; leaving the context ends the conversation."""


class ProgrammableTarget:
    """A `Target` that restarts its device with another firmware when an image does not fit in RAM, and back again.

    RAM holds an image if there is room for the arena of its neediest level beside it. The firmware for an image is built before
    the device is restarted: if that fails, the device keeps the firmware it has. If it cannot be restarted, every use fails until
    the next `load`, which tries again. After a `load` that failed no image is loaded, whatever part of it the device has taken.

    Args:
        build: makes firmware.
        start: restarts the device.
    """

    def __init__(self, build: Build, start: Start) -> None:
        self._build, self._start = build, start
        self._stack = ExitStack()
        self._plain = build(b"")
        self._too_large: set[str] = set()
        self._running: Firmware | None = None
        self._target: WireTarget | None = None
        self._loaded = False
        self._retransmissions = 0  # of conversations that are over
        self._run(self._plain)

    @property
    def retransmissions(self) -> int:
        return self._retransmissions + (0 if self._target is None else self._target.retransmissions)

    def identify(self) -> Identity:
        return self._started().identify()

    def load(self, image: bytes) -> Loaded:
        """Load into RAM, or build into the firmware. Raises as a `WireTarget` does, as `build` and as `start`."""
        self._loaded = False
        loaded = self._load(image)
        self._loaded = True
        return loaded

    def select(self, level: int) -> None:
        self._with_image().select(level)

    def infer(self, inputs: np.ndarray) -> np.ndarray:
        return self._with_image().infer(inputs)

    def time(self, request: TimeRequest) -> Timing:
        return self._with_image().time(request)

    def close(self) -> None:
        self._stack.close()

    def _started(self) -> WireTarget:
        if self._target is None:
            raise TransportError("the device could not be restarted", do="load an image to try again")
        return self._target

    def _with_image(self) -> WireTarget:
        """The device may hold an image whose load has failed: one that fits in RAM without the arena of its neediest level."""
        target = self._started()
        if not self._loaded:
            raise DeviceError("no image is loaded", do="load one first")
        return target

    def _load(self, image: bytes) -> Loaded:
        sha256 = hashlib.sha256(image).hexdigest()
        loaded = None if sha256 in self._too_large else self._load_into_ram(image)
        if loaded is not None:
            return loaded
        self._too_large.add(sha256)
        self._run(self._build(image))
        return self._started().load_built_in(len(image))

    def _load_into_ram(self, image: bytes) -> Loaded | None:
        """None if the image, or the arena of one of its levels, does not fit."""
        self._run(self._plain)
        try:
            loaded = self._started().load(image)
        except NoRoomError:
            return None
        return loaded if max(loaded.level_arena_bytes) <= loaded.arena_bytes else None

    def _run(self, firmware: Firmware) -> None:
        """Have the firmware on the device."""
        if firmware == self._running:
            return
        self._retransmissions, self._running, self._target = self.retransmissions, None, None
        self._stack.close()
        self._target = self._stack.enter_context(self._start(firmware))
        self._running = firmware
