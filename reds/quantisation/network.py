"""A network with all its subnetworks in int8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.bundle import Bundle
from reds.errors import ConfigError
from reds.image import Image, Layer
from reds.image import format as image_format
from reds.image.buffers import place
from reds.image.layouts import CHOICES, Layouts
from reds.image.operations import Operation, operations
from reds.quantisation.affine import Quantisation, affine
from reds.quantisation.observation import Observed, observe
from reds.quantisation.steps import Map, QuantisedLayer, QuantisedStep, run
from reds.quantisation.weights import Linear, quantise_weights
from reds.reference import float32
from reds.subnets import Subnet


@dataclass(frozen=True, eq=False)
class QuantisedNetwork:
    """Int8 weights for all subnetworks, and the steps of each.

    Attributes:
        bundle: the network.
        source: quantisation of the inputs.
        layers: of the image, with int8 weights.
        levels: the steps of each subnetwork.
    """

    bundle: Bundle
    source: Quantisation
    layers: tuple[Layer, ...]
    levels: tuple[tuple[QuantisedStep, ...], ...]

    def image(self) -> Image:
        """The image of it."""
        last = self.layers[-1]
        levels = (
            place(
                subnet.name,
                macs=self.bundle.architecture.cost(subnet.widths).macs,
                precision=image_format.INT8,
                layers=self.layers,
                tables=[step.table for step in steps],
                output_scale=steps[-1].output.scale,
                output_zero_point=steps[-1].output.zero_point,
            )
            for subnet, steps in zip(self.bundle.subnets, self.levels, strict=True)
        )
        return Image(
            precision=image_format.INT8,
            input_elements=int(np.prod(self.bundle.architecture.input_shape)),
            output_elements=int(np.prod(last.output_size)) * last.output_channels,
            input_scale=self.source.scale,
            input_zero_point=self.source.zero_point,
            layers=self.layers,
            levels=tuple(levels),
        )


def _checked(bundle: Bundle, calibration: np.ndarray) -> np.ndarray:
    elements = int(np.prod(bundle.architecture.input_shape))
    if calibration.ndim != 2 or calibration.shape[1] != elements or not len(calibration) or not np.isfinite(calibration).all():
        seen = f"shape {calibration.shape}" + ("" if np.isfinite(calibration).all() else ", values that are not finite")
        raise ConfigError(f"calibration inputs must be finite numbers of shape (n, {elements}), n at least 1", seen=seen)
    return calibration.astype(np.float32)


def _linears(
    bundle: Bundle, subnet: Subnet, stages: Sequence[Operation], observed: Sequence[Observed], source: Quantisation
) -> list[Linear | None]:
    """What a subnetwork does with the sums of each layer; None for pooling."""
    weights = bundle.active_weights(subnet)
    found: list[Linear | None] = []
    input_scale = source.scale
    for stage, seen in zip(stages, observed, strict=True):
        if stage.kernel is None:
            found.append(None)
            continue
        found.append(Linear(*stage.scale_and_bias(weights), input_scale))
        ends = float32.activate(stage.activation, np.array([seen.low, seen.high]), stage.negative_slope)
        input_scale = affine(*map(float, ends)).scale
    return found


def quantise_network(bundle: Bundle, calibration: np.ndarray, layouts: Layouts = CHOICES["rows"]) -> QuantisedNetwork:
    """Quantise a network.

    Args:
        bundle: the network.
        calibration: (n, input elements), float32: real inputs, a hundred or more, from which scales and corrections come.
        layouts: orders of the weights in the image.

    Raises:
        ConfigError: calibration inputs of another shape, not finite or none, or a network that the format cannot hold.
    """
    calibration = _checked(bundle, calibration)
    architecture = bundle.architecture
    stages = operations(architecture)
    source = affine(float(calibration.min()), float(calibration.max()))
    observed = [observe(bundle, subnet, stages, calibration) for subnet in bundle.subnets]
    linears = [_linears(bundle, subnet, stages, seen, source) for subnet, seen in zip(bundle.subnets, observed, strict=True)]
    layers = [
        _quantised(stage, bundle, [linear for each in linears if (linear := each[index])], layouts)
        for index, stage in enumerate(stages)
    ]
    inputs = Map(source.quantise(calibration), source)
    levels = tuple(run(layers, each, seen, inputs) for each, seen in zip(linears, observed, strict=True))
    return QuantisedNetwork(bundle, source, tuple(each.layer for each in layers), levels)


def _quantised(stage: Operation, bundle: Bundle, linears: Sequence[Linear], layouts: Layouts) -> QuantisedLayer:
    weights, full_widths = stage.weights(bundle.weights), bundle.architecture.full_widths
    if stage.kernel is None:
        return QuantisedLayer(stage.layer(full_widths, weights.astype(np.int8), layouts), np.zeros(0, np.float32))
    values, scales = quantise_weights(stage.name, stage.kind, weights, linears)
    return QuantisedLayer(stage.layer(full_widths, values, layouts), scales)
