"""From a bundle to the `.reds` image that devices run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from reds.bundle import Bundle
from reds.errors import ConfigError, unknown_name
from reds.image import Image, Layer, Level, StepTable, read_image, truncate, write_image
from reds.image import format as image_format
from reds.image.buffers import place
from reds.image.layouts import CHOICES, SHELLS, Layouts
from reds.image.operations import Operation, operations
from reds.quantisation import quantise_network
from reds.reference.windows import active_weights
from reds.subnets import Subnet


def _float32_table(stage: Operation, subnet: Subnet, weights: Mapping[str, np.ndarray]) -> StepTable:
    scale, bias = stage.scale_and_bias(weights) if stage.kernel else (np.zeros(0), np.zeros(0))
    channels = np.zeros(len(scale), image_format.CHANNEL[image_format.FLOAT32])
    channels["scale"], channels["bias"] = scale, bias
    return StepTable(stage.inputs(subnet.widths), stage.outputs(subnet.widths), channels)


def _float32_level(bundle: Bundle, subnet: Subnet, stages: Sequence[Operation], layers: Sequence[Layer]) -> Level:
    weights = bundle.active_weights(subnet)
    return place(
        subnet.name,
        macs=bundle.architecture.cost(subnet.widths).macs,
        precision=image_format.FLOAT32,
        layers=layers,
        tables=[_float32_table(stage, subnet, weights) for stage in stages],
    )


def _float32(bundle: Bundle, _: np.ndarray | None, layouts: Layouts) -> Image:
    stages = operations(bundle.architecture)
    full_widths = bundle.architecture.full_widths
    layers = tuple(stage.layer(full_widths, stage.weights(bundle.weights), layouts) for stage in stages)
    return Image(
        precision=image_format.FLOAT32,
        input_elements=int(np.prod(bundle.architecture.input_shape)),
        output_elements=int(np.prod(layers[-1].output_size)) * layers[-1].output_channels,
        input_scale=1.0,
        input_zero_point=0,
        layers=layers,
        levels=tuple(_float32_level(bundle, subnet, stages, layers) for subnet in bundle.subnets),
    )


def _int8(bundle: Bundle, calibration: np.ndarray | None, layouts: Layouts) -> Image:
    if calibration is None:
        raise ConfigError("an int8 image needs calibration inputs", do="give a hundred or more training inputs")
    return quantise_network(bundle, calibration, layouts).image()


_IMAGES: Mapping[str, Callable[[Bundle, np.ndarray | None, Layouts], Image]] = {
    image_format.FLOAT32: _float32,
    image_format.INT8: _int8,
}


def image(
    bundle: Bundle,
    precision: str,
    calibration: np.ndarray | None = None,
    layouts: Layouts = CHOICES["rows"],
    levels: Sequence[str] | None = None,
) -> bytes:
    """The `.reds` image of a network, checked by the reader before it is returned.

    Args:
        bundle: the network.
        precision: "float32" or "int8".
        calibration: int8: training inputs (n, input elements), float32; see `reds.quantisation`. Not used in float32.
        layouts: orders of the weights.
        levels: names of the subnetworks that the image holds, None for all. They compute what they do in the whole image. Its
            layers are those of the largest; with the layout shells and the smallest subnetworks, it is the whole image's prefix.

    Raises:
        ConfigError: an unknown precision or subnetwork, a network that the format cannot hold, or calibration inputs that do not
            fit.
    """
    if precision not in _IMAGES:
        raise unknown_name("precision", precision, _IMAGES)
    kept = kept_levels(bundle, levels)
    whole = _IMAGES[precision](bundle, calibration, layouts)
    smallest = [level.name for level in whole.levels][-len(kept) :] == list(kept)
    if smallest and layouts.has(SHELLS, precision):
        data = truncate(write_image(whole), kept[0])
    else:
        data = write_image(_only(whole, kept))
    read_image(data)
    return data


def kept_levels(bundle: Bundle, levels: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the subnetworks that an export keeps, largest first; all where none are named.

    Raises:
        ConfigError: an empty list, or an unknown name.
    """
    if levels is None:
        return tuple(subnet.name for subnet in bundle.subnets)
    if not levels:
        raise ConfigError("an image needs at least one subnetwork")
    numbers = {bundle.subnets.level(name) for name in levels}
    return tuple(bundle.subnets[number].name for number in sorted(numbers))


def _only(whole: Image, names: Sequence[str]) -> Image:
    """The image of some of its levels, largest first, with the weights that the largest of them uses."""
    levels = tuple(whole.levels[whole.level(name)] for name in names)
    if len(levels) == len(whole.levels):
        return whole
    layers = tuple(_cut(layer, step.table) for layer, step in zip(whole.layers, levels[0].steps, strict=True))
    return replace(whole, layers=layers, levels=levels)


def _cut(layer: Layer, table: StepTable) -> Layer:
    inputs, outputs = table.input_channels, table.output_channels
    return replace(layer, input_channels=inputs, output_channels=outputs, weights=active_weights(layer, inputs, outputs))
