"""Small images that a network learns in seconds: a horizontal line, a vertical one, or a square."""

from __future__ import annotations

import numpy as np


def drawn_lines(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, 64) of 8x8 pixels with noise, the shape somewhere, and their classes 0, 1 or 2."""
    labels = generator.integers(0, 3, count)
    images = generator.normal(0, 0.3, (count, 8, 8))
    shapes = ((1, 6), (6, 1), (3, 3))
    for image, label, (row, column) in zip(images, labels, generator.integers(0, 3, (count, 2)), strict=True):
        height, width = shapes[label]
        image[row : row + height, column : column + width] += 3
    return images.reshape(count, -1), labels
