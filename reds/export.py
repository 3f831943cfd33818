"""From a bundle to the `.reds` image that devices run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reds.bundle import Bundle
from reds.errors import ConfigError, unknown_name
from reds.image import Image, Layer, Level, StepTable, chain, read_image, write_image
from reds.image import format as layout
from reds.image.operations import operations
from reds.quantisation import quantise_bundle
from reds.subnets import Subnet


def _float32_level(bundle: Bundle, subnet: Subnet) -> Level:
    weights = bundle.architecture.slice_weights(bundle.weights, subnet.widths)
    tables = []
    for operation in operations(bundle.architecture):
        bias = weights[operation.bias.name]
        channels = np.ones(len(bias), layout.CHANNEL[layout.FLOAT32])
        channels["bias"] = bias
        tables.append(StepTable(channels))
    cost = bundle.architecture.cost(subnet.widths)
    inputs = operations(bundle.architecture)[0].inputs(subnet.widths)
    return chain(subnet.name, macs=cost.macs, precision=layout.FLOAT32, input_elements=inputs, tables=tables)


def _float32(bundle: Bundle, _: np.ndarray | None) -> Image:
    stages = operations(bundle.architecture)
    return Image(
        precision=layout.FLOAT32,
        input_elements=stages[0].inputs(bundle.architecture.full_widths),
        output_elements=bundle.architecture.classes,
        input_scale=1.0,
        input_zero_point=0,
        layers=tuple(Layer(stage.kind, stage.activation, stage.rows(bundle.weights)) for stage in stages),
        levels=tuple(_float32_level(bundle, subnet) for subnet in bundle.subnets),
    )


def _int8(bundle: Bundle, calibration: np.ndarray | None) -> Image:
    if calibration is None:
        raise ConfigError("an int8 image needs calibration inputs", do="give a hundred or more training inputs")
    return quantise_bundle(bundle, calibration)


_IMAGES: Mapping[str, Callable[[Bundle, np.ndarray | None], Image]] = {layout.FLOAT32: _float32, layout.INT8: _int8}


def image(bundle: Bundle, precision: str, calibration: np.ndarray | None = None) -> bytes:
    """The `.reds` image of a network with all its subnetworks, checked by the reader before it is returned.

    Args:
        bundle: the network.
        precision: "float32" or "int8".
        calibration: int8: training inputs (n, input elements), float32; see `reds.quantisation`. Not used in float32.

    Raises:
        ConfigError: an unknown precision, a network that the format cannot hold, or calibration inputs that do not fit.
    """
    if precision not in _IMAGES:
        raise unknown_name("precision", precision, _IMAGES)
    data = write_image(_IMAGES[precision](bundle, calibration))
    read_image(data)
    return data
