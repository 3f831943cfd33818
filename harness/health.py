"""What is asked of a device once, before its tests: a known inference, its memory, and whether its clock is plausible.

Takes tens of milliseconds. Who the device is and which firmware it runs was checked when it was connected.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from reds.bundle import untrained
from reds.errors import DeviceError, UnhealthyError
from reds.export import image
from reds.image import Image, read_image
from reds.image.format import FLOAT32, INT8
from reds.reference import infer
from reds.zoo import mlp
from targets.target import InferenceTime, Target, Timing

SEED = 0
INPUTS = 4
LARGEST_ERROR = 1e-4  # of float32 outputs around 1; int8 has none
FEW, MANY = 2, 200  # inferences that are timed
FASTEST, SLOWEST = 1.1, 0.02
"""What a clock may say of the time that passed here. Much more may pass on a slow line, which it does not count."""
LEAST_S = 0.002  # less is lost in what the link takes
DO = "reset the board, look at its supply and cable, and run again; python -m harness devices shows what it failed with"


@dataclass(frozen=True)
class Probe:
    """A small network with outputs that are known.

    Attributes:
        content: of the image.
        inputs: (n, input_elements) in the image's element type.
        outputs: what a device must answer, (n, output_elements).
    """

    content: bytes
    image: Image
    inputs: np.ndarray
    outputs: np.ndarray


@cache
def probe(precision: str) -> Probe:
    """The probe of a precision: a perceptron with random weights, the same on every computer."""
    network = mlp("probe", 16, (24, 16), 4)
    samples = np.random.default_rng(SEED).normal(size=(INPUTS * 8, 16)).astype(np.float32)
    content = image(untrained(network, SEED), precision, samples)
    read = read_image(content)
    inputs = read.quantise_inputs(samples[:INPUTS])
    return Probe(content, read, inputs, infer(read, 0, inputs))


def check_health(device_id: str, target: Target, clock: Callable[[], float] = time.monotonic) -> None:
    """Ask a device that has just been connected.

    Args:
        device_id: for messages.
        target: the device; it holds the probe's image afterwards.
        clock: this computer's, in seconds.

    Raises:
        UnhealthyError: an answer is wrong, memory is missing, or the clock is not plausible.
        TransportError, TimedOutError, ProtocolError: it cannot be talked to.
    """
    known = probe(INT8 if INT8 in target.identify().precisions else FLOAT32)
    try:
        loaded = target.load(known.content)
    except DeviceError as error:
        raise _unhealthy(device_id, "does not take a small image", str(error.seen or error.what)) from error
    if loaded.arena_bytes < max(loaded.level_arena_bytes):
        seen = f"{loaded.arena_bytes:,} bytes of arena, {max(loaded.level_arena_bytes):,} needed"
        raise _unhealthy(device_id, "has no memory for a small network", seen)
    _check_outputs(device_id, known, target.infer(known.inputs))
    _check_clock(device_id, known, target, clock)


def _check_outputs(device_id: str, known: Probe, outputs: np.ndarray) -> None:
    off = np.abs(outputs.astype(np.float64) - known.outputs.astype(np.float64))
    wrong = ~(off <= (0 if outputs.dtype == np.int8 else LARGEST_ERROR))  # what is not a number is wrong too
    if wrong.any():
        first = tuple(map(int, np.argwhere(wrong)[0]))
        seen = f"{int(wrong.sum())} of {wrong.size} outputs; {outputs[first]} instead of {known.outputs[first]}"
        raise _unhealthy(device_id, "computes a known network wrongly", seen)


def _check_clock(device_id: str, known: Probe, target: Target, clock: Callable[[], float]) -> None:
    """A count that is no time has to be positive and the same for the same work; a time has to fit what passes here meanwhile.

    Of two timings the difference counts, so that what the link takes falls out.
    """
    target.select(0)
    few, few_s = _timed(known, target, FEW, clock)
    if few.clock.deterministic:
        if min(few.samples) <= 0 or len(set(few.samples)) > 1:
            raise _unhealthy(device_id, "counts the same work differently", f"{few.clock.kind}: {few.samples}")
        return
    many, many_s = _timed(known, target, MANY, clock)
    if sum(many.samples) <= 0:
        seen = f"{MANY} inferences took {sum(many.samples)} {many.clock.kind}"
        raise _unhealthy(device_id, "has a clock that stands still", seen)
    if many.clock.hz is None:
        return
    counted = (sum(many.samples) + MANY * many.overhead - sum(few.samples) - FEW * few.overhead) / many.clock.hz
    passed = many_s - few_s
    if passed < LEAST_S:
        return
    if not SLOWEST * passed <= counted <= FASTEST * many_s:
        seen = f"it counted {counted * 1000:.2f} ms of {passed * 1000:.2f} ms"
        raise _unhealthy(device_id, "has a clock that goes wrong", seen)


def _timed(known: Probe, target: Target, repeats: int, clock: Callable[[], float]) -> tuple[Timing, float]:
    begun = clock()
    timing = target.time(InferenceTime(0, known.inputs[0], repeats))
    return timing, clock() - begun


def _unhealthy(device_id: str, what: str, seen: str) -> UnhealthyError:
    return UnhealthyError(f"{device_id} {what}", seen=seen, do=DO)
