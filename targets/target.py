"""What every device can do, whatever it is and however it is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

COUNTS = frozenset({"instructions", "model cycles"})  # of an emulator: the same work always takes the same count
TIMES = frozenset({"cycles", "microseconds", "nanoseconds"})  # of a real clock
CLOCK_KINDS = COUNTS | TIMES


@dataclass(frozen=True)
class Clock:
    """The clock a device measures with.

    Attributes:
        kind: what a unit honestly is: one of `CLOCK_KINDS`.
        hz: units per second of the device's own time, None where the unit is not time.
    """

    kind: str
    hz: int | None

    @property
    def deterministic(self) -> bool:
        """Whether the same work always takes the same count (an emulator's count does, a real clock does not)."""
        return self.kind in COUNTS


@dataclass(frozen=True)
class Identity:
    """What a device says of itself (the answer to HELLO)."""

    protocol_version: int
    board: str
    firmware_sha256: str
    clock: Clock
    compiler: str
    runtime_version: str
    precisions: frozenset[str]
    pool_bytes: int


@dataclass(frozen=True)
class Loaded:
    """What a device says of the image it accepted.

    Attributes:
        image_bytes: length of the image.
        arena_bytes: of the arena that the device gave the network: what the level that needs most needs, or what there is.
        level_arena_bytes: what each level needs of the arena, level 0 first; a level that needs more than there is cannot be
            selected, and the first one that fits is.
        built_in: whether the image lies in the device's program memory, because its RAM does not hold it.
        bytes_per_s: how fast it was sent, answers included; None if it was not sent.
    """

    image_bytes: int
    arena_bytes: int
    level_arena_bytes: tuple[int, ...]
    built_in: bool = False
    bytes_per_s: float | None = field(default=None, compare=False)

    @property
    def level_count(self) -> int:
        """Levels of the image."""
        return len(self.level_arena_bytes)


@dataclass(frozen=True)
class InferenceTime:
    """Time inferences of one level on one input (shape (input_elements,), in the image's element type)."""

    level: int
    inputs: np.ndarray
    repeats: int


@dataclass(frozen=True)
class SwitchTime:
    """Time the selection of `level` while `from_level` is selected."""

    from_level: int
    level: int
    repeats: int


@dataclass(frozen=True)
class FirstInferenceTime:
    """Time the first inference of `level` after a switch from `from_level`."""

    from_level: int
    level: int
    inputs: np.ndarray
    repeats: int


@dataclass(frozen=True)
class LayerTime:
    """Time each layer of one inference of `level`."""

    level: int
    inputs: np.ndarray


@dataclass(frozen=True)
class RealInferenceTime:
    """Time inferences of one level from a real input, float32 (input_elements,), to probabilities, with both ends."""

    level: int
    inputs: np.ndarray
    repeats: int


TimeRequest = InferenceTime | SwitchTime | FirstInferenceTime | LayerTime | RealInferenceTime


@dataclass(frozen=True)
class Timing:
    """What a measurement gave, in the unit of the device's clock.

    Attributes:
        samples: one for each repeat (or layer): what the clock counted, less `overhead`. Work that takes less than the clock
            resolves may come out at 0, or just below it on a clock that varies; nothing is rounded up.
        clock: the clock.
        overhead: what reading the clock takes itself, as the device measured it; sample + overhead is what the clock counted.
    """

    samples: tuple[int, ...]
    clock: Clock
    overhead: int


class Target(Protocol):
    """A device under measurement. Every method may raise TransportError, TimedOutError, ProtocolError or DeviceError."""

    @property
    def retransmissions(self) -> int:
        """How many requests were sent again so far because they or their answers were lost or damaged."""
        ...

    def identify(self) -> Identity:
        """Ask the device who it is."""
        ...

    def load(self, image: bytes) -> Loaded:
        """Send a `.reds` image; level 0 is selected. DeviceError if the device refuses it."""
        ...

    def select(self, level: int) -> None:
        """Switch to a subnetwork."""
        ...

    def infer(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs (n, output_elements) of inputs (n, input_elements) at the selected level, in the image's element type."""
        ...

    def time(self, request: TimeRequest) -> Timing:
        """Measure in the device's own clock."""
        ...

    def close(self) -> None:
        """End the conversation; stop what was started for it. May be called twice."""
        ...
