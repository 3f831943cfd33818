"""How far the outputs of a runtime may be from the Python reference's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reds import reference
from reds.image import Image, Layer, Step


def magnitudes(image: Image) -> Image:
    """The network whose outputs bound what the sums of a float32 network can make of their terms."""

    def layer_magnitude(layer: Layer) -> Layer:
        return replace(layer, weights=np.abs(layer.weights), activation="none", negative_slope=0.0)

    def step_magnitude(step: Step) -> Step:
        channels = step.table.channels.copy()
        channels["scale"], channels["bias"] = np.abs(channels["scale"]), np.abs(channels["bias"])
        return replace(step, table=replace(step.table, channels=channels))

    levels = tuple(replace(level, steps=tuple(map(step_magnitude, level.steps))) for level in image.levels)
    return replace(image, layers=tuple(map(layer_magnitude, image.layers)), levels=levels)


def assert_agrees(image: Image, level: int, inputs: np.ndarray, outputs: np.ndarray) -> None:
    """int8: bit by bit; float32: 1e-5 of the largest output that the sums could make."""
    expected = reference.infer(image, level, inputs)
    if image.precision == "int8":
        np.testing.assert_array_equal(outputs, expected)
    else:
        assert (np.abs(outputs - expected) <= 1e-5 * reference.infer(magnitudes(image), level, np.abs(inputs))).all()
