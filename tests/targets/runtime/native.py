"""The C runtime, built for this computer and called in this process."""

from __future__ import annotations

import ctypes
import enum
import subprocess
from pathlib import Path

import numpy as np
import pytest

from reds.image import Image, read_image
from reds.image import format as layout
from tests.targets.runtime import programs

GUARD = 0xC3
GUARD_BYTES = 64
LEVELS = 32


class Status(enum.IntEnum):
    """reds_status; a test compares the words with the header's."""

    OK = 0
    TRUNCATED = 1
    NOT_AN_IMAGE = 2
    UNKNOWN_VERSION = 3
    CORRUPT = 4
    BAD_HEADER = 5
    BAD_LAYER = 6
    BAD_LEVEL = 7
    BAD_STEP = 8
    UNSUPPORTED = 9
    ARENA_TOO_SMALL = 10
    NO_SUCH_LEVEL = 11
    MISALIGNED = 12


class Network(ctypes.Structure):
    """reds_network."""

    _fields_ = (
        ("image", ctypes.c_void_p),
        ("levels", ctypes.c_void_p),
        ("level", ctypes.c_void_p),
        ("level_count", ctypes.c_uint32),
        ("arena", ctypes.c_void_p),
        ("arena_bytes", ctypes.c_size_t),
        ("needed_bytes", ctypes.c_uint32 * LEVELS),
    )


class Description(ctypes.Structure):
    """reds_description."""

    _fields_ = (
        ("precision", ctypes.c_int),
        ("layer_count", ctypes.c_uint32),
        ("level_count", ctypes.c_uint32),
        ("input_elements", ctypes.c_uint32),
        ("output_elements", ctypes.c_uint32),
        ("arena_bytes", ctypes.c_uint32),
        ("input_scale", ctypes.c_float),
        ("input_zero_point", ctypes.c_int32),
    )


class LevelDescription(ctypes.Structure):
    """reds_level."""

    _fields_ = (
        ("name", ctypes.c_char * 8),
        ("macs", ctypes.c_uint32),
        ("arena_bytes", ctypes.c_uint32),
        ("image_bytes", ctypes.c_uint32),
        ("output_scale", ctypes.c_float),
        ("output_zero_point", ctypes.c_int32),
    )


CLOCK = ctypes.CFUNCTYPE(ctypes.c_uint32)


def compiler() -> str:
    """The host's C compiler; the test is skipped where there is none."""
    try:
        return programs.tool("gcc", "cc")
    except programs.MissingToolError as missing:
        pytest.skip(str(missing))


def build_library(folder: Path, *options: str) -> ctypes.CDLL:
    """The runtime as a shared library."""
    library = folder / "libreds.so"
    command = [compiler(), "-shared", "-fPIC", "-O2", *programs.WARNINGS, *options, *programs.INCLUDES]
    subprocess.run([*command, *map(str, programs.runtime_sources()), "-o", str(library)], check=True, timeout=120)
    loaded = ctypes.CDLL(str(library))
    loaded.reds_input.restype = loaded.reds_output.restype = ctypes.c_void_p
    loaded.reds_status_text.restype = ctypes.c_char_p
    return loaded


def aligned(size: int, alignment: int = 8, *, off_by: int = 0) -> np.ndarray:
    """Zeroed bytes whose address is a multiple of `alignment`, plus `off_by`."""
    memory = np.zeros(size + 2 * alignment, np.uint8)
    start = (-memory.ctypes.data) % alignment + off_by
    return memory[start : start + size]


class OpenNetwork:
    """An image opened by the C runtime; keeps image, arena and network alive. Guard bytes lie on both sides of the arena."""

    def __init__(self, library: ctypes.CDLL, data: bytes) -> None:
        self.library = library
        self.image = aligned(len(data), 4)
        self.image[:] = np.frombuffer(data, np.uint8)
        self.original = data
        self.network = Network()
        self.status = Status(library.reds_open(ctypes.byref(self.network), self._address(self.image), ctypes.c_size_t(len(data))))
        self.memory = aligned(0)
        self.arena_bytes = 0

    @staticmethod
    def _address(memory: np.ndarray) -> ctypes.c_void_p:
        return ctypes.c_void_p(memory.ctypes.data)

    def describe(self) -> Description:
        description = Description()
        self.library.reds_describe(ctypes.byref(self.network), ctypes.byref(description))
        return description

    def describe_level(self, level: int) -> tuple[Status, LevelDescription]:
        description = LevelDescription()
        status = self.library.reds_describe_level(ctypes.byref(self.network), ctypes.c_uint32(level), ctypes.byref(description))
        return Status(status), description

    def bind(self, arena_bytes: int, *, off_by: int = 0) -> Status:
        """Bind to an arena that holds garbage; the arena before stays where that fails."""
        memory = aligned(arena_bytes + 2 * GUARD_BYTES, off_by=off_by)
        memory[:] = GUARD
        arena = ctypes.c_void_p(memory.ctypes.data + GUARD_BYTES)
        status = Status(self.library.reds_bind(ctypes.byref(self.network), arena, ctypes.c_size_t(arena_bytes)))
        if status == Status.OK:
            self.memory, self.arena_bytes = memory, arena_bytes
        return status

    def select(self, level: int) -> Status:
        return Status(self.library.reds_select(ctypes.byref(self.network), ctypes.c_uint32(level)))

    def put(self, inputs: np.ndarray) -> None:
        """Write one input where the next inference reads it."""
        ctypes.memmove(self.library.reds_input(ctypes.byref(self.network)), inputs.tobytes(), inputs.nbytes)

    def invoke(self) -> None:
        self.library.reds_invoke(ctypes.byref(self.network))

    def profile(self, clock: ctypes._FuncPointer, layers: int) -> list[int]:
        ticks = (ctypes.c_uint32 * layers)()
        self.library.reds_profile(ctypes.byref(self.network), clock, ticks)
        return list(ticks)

    def get(self, elements: int, dtype: np.dtype) -> np.ndarray:
        """The output of the last inference."""
        address = self.library.reds_output(ctypes.byref(self.network))
        return np.frombuffer(ctypes.string_at(address, elements * dtype.itemsize), dtype)

    def put_real(self, values: np.ndarray) -> None:
        """Write one input of real numbers, float32."""
        self.library.reds_write_real_input(ctypes.byref(self.network), values.ctypes.data_as(ctypes.c_void_p))

    def input(self, elements: int, dtype: np.dtype) -> np.ndarray:
        """What the next inference will read."""
        address = self.library.reds_input(ctypes.byref(self.network))
        return np.frombuffer(ctypes.string_at(address, elements * dtype.itemsize), dtype)

    def probabilities(self, elements: int) -> np.ndarray:
        """Softmax of the output of the last inference."""
        found = np.zeros(elements, np.float32)
        self.library.reds_read_probabilities(ctypes.byref(self.network), found.ctypes.data_as(ctypes.c_void_p))
        return found

    def infer(self, image: Image, inputs: np.ndarray) -> np.ndarray:
        """Outputs (n, output_elements) of inputs (n, input_elements) at the selected level."""
        outputs = []
        for row in inputs:
            self.put(row)
            self.invoke()
            outputs.append(self.get(image.output_elements, image.element_type))
        return np.stack(outputs)

    def untouched(self) -> bool:
        """Whether image and guard bytes are as they were."""
        guards = (self.memory[:GUARD_BYTES], self.memory[GUARD_BYTES + self.arena_bytes :])
        return self.image.tobytes() == self.original and all((guard == GUARD).all() for guard in guards)


def opened(library: ctypes.CDLL, data: bytes) -> tuple[OpenNetwork, Image]:
    """A valid image in C and in Python, bound to an arena in which every level fits."""
    network, image = OpenNetwork(library, data), read_image(data)
    assert network.status == Status.OK
    assert network.bind(network.describe().arena_bytes) == Status.OK
    return network, image


def structure_of(record: str) -> np.dtype:
    """The Python record of a C one."""
    return {
        "reds_header_record": layout.HEADER,
        "reds_layer_record": layout.LAYER,
        "reds_level_record": layout.LEVEL,
        "reds_step_record": layout.STEP,
        "reds_float32_channel_record": layout.CHANNEL["float32"],
        "reds_int8_channel_record": layout.CHANNEL["int8"],
    }[record]
