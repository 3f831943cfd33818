"""Peak activation memory: what a subnetwork may hold at once, as pairs of widths that may stand side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reds.architecture import Architecture, Cost, Placed
from reds.search.tables import groups_of


@dataclass(frozen=True)
class Definition:
    """What counts as peak activation memory.

    Attributes:
        elements: held at once by a subnetwork of this cost.
        held: elements held by one layer, given the network, and active channels of the layer's input and output group.
    """

    elements: Callable[[Cost], int]
    held: Callable[[Architecture, Placed, np.ndarray, np.ndarray], np.ndarray]


def _output(architecture: Architecture, placed: Placed, outputs: np.ndarray) -> np.ndarray:
    return math.prod(placed.output_shape) // architecture.full_widths[groups_of(placed)[1]] * outputs


def _largest_map(architecture: Architecture, placed: Placed, _inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return _output(architecture, placed, outputs)


def _input_and_output(architecture: Architecture, placed: Placed, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    channel = math.prod(placed.input_shape) // architecture.full_widths[groups_of(placed)[0]]
    return bool(placed.macs(1, 1)) * (channel * inputs + _output(architecture, placed, outputs))


INPUT_OUTPUT, LARGEST_MAP = "input-output", "largest-map"

DEFINITIONS: Mapping[str, Definition] = {
    # Input plus output of the layer where that is most; layers that compute nothing run in place: what a device needs.
    INPUT_OUTPUT: Definition(lambda cost: cost.peak_activation_bytes(1), _input_and_output),
    # The largest output of a layer, the network's input left out: the published constraint on MobileNet.
    LARGEST_MAP: Definition(lambda cost: max(math.prod(layer.output_shape) for layer in cost.layers), _largest_map),
}


def masks(architecture: Architecture, widths: tuple[np.ndarray, ...], definition: str, elements: int) -> list[np.ndarray]:
    """Which neighbouring widths may stand side by side where at most `elements` may be held: bool (A, B) for each two groups."""
    allowed = [np.ones((len(a), len(b)), bool) for a, b in pairwise(widths)]
    for placed in architecture.placed:
        pair = min(groups_of(placed)[0], len(allowed) - 1)
        rows, columns = widths[pair][:, None], widths[pair + 1][None, :]
        inputs, outputs = (rows if group == pair else columns for group in groups_of(placed))
        allowed[pair] &= DEFINITIONS[definition].held(architecture, placed, inputs, outputs) <= elements
    return allowed
