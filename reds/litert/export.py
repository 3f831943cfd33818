"""From a bundle to `.tflite` files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from reds.bundle import Bundle
from reds.errors import ConfigError, unknown_name
from reds.image.format import FLOAT32, INT8
from reds.image.operations import Operation, operations
from reds.litert.arrangements import Alone, Arrangement, Masked, Shared
from reds.litert.constants import Constants
from reds.litert.encoding import encode
from reds.litert.float32 import Float32Graphs
from reds.litert.int8 import Int8Graphs
from reds.litert.operators import FUSED, RECTIFIED
from reds.litert.records import ITEM_BYTES, Graph, Model
from reds.quantisation import quantise_network
from reds.subnets import Subnet

GraphOf = Callable[[Subnet, Constants], Graph]

SHARED, ALONE, MASKED = "shared", "alone", "masked"

_SILENCES: Mapping[str, Collection[str]] = {FLOAT32: tuple(FUSED), INT8: RECTIFIED}
"""Activations after which channels can be silenced: in float32 all, by a factor of zero; in int8, a product would round."""

_ARRANGEMENTS: Mapping[str, Callable[[Sequence[Operation], Sequence[Subnet], str], Arrangement]] = {
    SHARED: lambda stages, subnets, precision: Shared(
        stages, [each.widths for each in subnets], ITEM_BYTES[precision], _SILENCES[precision]
    ),
    ALONE: lambda _stages, _subnets, _precision: Alone(),
    MASKED: lambda _stages, subnets, _precision: Masked(subnets[0].widths),
}
"""By name: every byte once; every subnetwork by itself; every subnetwork as a mask of the largest."""


def _float32(
    bundle: Bundle, _: np.ndarray | None, stages: Sequence[Operation], subnets: Sequence[Subnet], arrangement: Arrangement
) -> GraphOf:
    return Float32Graphs(bundle, stages, subnets, arrangement).graph


def _int8(
    bundle: Bundle,
    calibration: np.ndarray | None,
    stages: Sequence[Operation],
    subnets: Sequence[Subnet],
    arrangement: Arrangement,
) -> GraphOf:
    if calibration is None:
        raise ConfigError("an int8 file needs calibration inputs", do="give a hundred or more training inputs")
    level = bundle.subnets.level
    graphs = Int8Graphs(quantise_network(bundle, calibration), stages, level(subnets[0].name), arrangement)
    return lambda subnet, constants: graphs.graph(level(subnet.name), constants)


_PRECISIONS: Mapping[str, Callable[[Bundle, np.ndarray | None, Sequence[Operation], Sequence[Subnet], Arrangement], GraphOf]] = {
    FLOAT32: _float32,
    INT8: _int8,
}


def _graphs(bundle: Bundle, precision: str, calibration: np.ndarray | None, kernels: str, subnets: Sequence[Subnet]) -> GraphOf:
    """What makes the graph of each of these subnetworks."""
    for what, name, known in (("precision", precision, _PRECISIONS), ("arrangement", kernels, _ARRANGEMENTS)):
        if name not in known:
            raise unknown_name(what, name, known)
    stages = operations(bundle.architecture)
    arrangement = _ARRANGEMENTS[kernels](stages, subnets, precision)
    return _PRECISIONS[precision](bundle, calibration, stages, subnets, arrangement)


def tflite(
    bundle: Bundle,
    precision: str = FLOAT32,
    calibration: np.ndarray | None = None,
    kernels: str = SHARED,
    subnets: Sequence[Subnet] | None = None,
) -> bytes:
    """A `.tflite` file with one signature for each subnetwork, named as it; its input and output are called so.

    Args:
        bundle: the network.
        precision: "float32" or "int8".
        calibration: int8: training inputs (n, input elements), float32; see `reds.quantisation`. Not used in float32.
        kernels: how subnetworks hold them: "shared", "alone" or "masked".
        subnets: those of the bundle that the file holds, largest first; None for all.

    Raises:
        ConfigError: an unknown precision or arrangement, a network that the format cannot hold, or calibration inputs that do
            not fit.
        MissingError: LiteRT is not installed.
    """
    subnets = tuple(bundle.subnets) if subnets is None else subnets
    graph = _graphs(bundle, precision, calibration, kernels, subnets)
    constants = Constants()
    graphs = tuple(graph(subnet, constants) for subnet in subnets)
    return encode(Model(graphs, constants.content()))


def tflite_each(
    bundle: Bundle,
    precision: str = FLOAT32,
    calibration: np.ndarray | None = None,
    kernels: str = ALONE,
    subnets: Sequence[Subnet] | None = None,
) -> dict[Subnet, bytes]:
    """A file with one signature for each subnetwork; arguments and errors as of `tflite`."""
    subnets = tuple(bundle.subnets) if subnets is None else subnets
    graph = _graphs(bundle, precision, calibration, kernels, subnets)
    files = {}
    for subnet in subnets:
        constants = Constants()
        files[subnet] = encode(Model((graph(subnet, constants),), constants.content()))
    return files
