"""Training images as each epoch sees them: mirrored, turned and shifted, a whole batch at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MIRRORED_SHARE = 0.5


@dataclass(frozen=True)
class ImageAugmentation:
    """Mirrors half of the images left to right, turns some about their centre, then shifts each.

    Turning is bilinear, zero outside. Shifting cuts an image of the same size out of one with a margin on all sides that
    mirrors its edge.

    Attributes:
        images: float32 (n, height * width * channels), the undisturbed training inputs.
        shape: (height, width, channels).
        turned_share: of the images are turned.
        turn_radians: uniformly up to so much either way.
        margin: pixels; shifts are whole and uniform up to so many in each direction.
    """

    images: np.ndarray
    shape: tuple[int, int, int]
    turned_share: float
    turn_radians: float
    margin: int

    kind = "images"

    def __call__(self, indices: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Inputs float32 (n, features) of the training images with these indices (n,)."""
        height, width, channels = self.shape
        count = len(indices)
        mirrored = generator.random(count) < MIRRORED_SHARE
        turned = np.flatnonzero(generator.random(count) < self.turned_share)
        angles = generator.uniform(-self.turn_radians, self.turn_radians, len(turned))
        down, right = generator.integers(-self.margin, self.margin + 1, (2, count))

        images = np.array(self.images[indices]).reshape(count, height, width, channels)
        if len(turned):
            both = turned[mirrored[turned]]
            images[both] = images[both, :, ::-1]
            images[turned] = rotated(images[turned], angles)
            mirrored[both] = False
        rows = _mirrored_at_edges(down[:, None] + np.arange(height), height)
        columns = _mirrored_at_edges(right[:, None] + np.arange(width), width)
        columns = np.where(mirrored[:, None], width - 1 - columns, columns)
        places = (np.arange(count)[:, None] * height + rows)[:, :, None] * width + columns[:, None, :]
        return images.reshape(-1, channels).take(places.ravel(), axis=0).reshape(count, -1)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: everything but the arrays."""
        return {
            "kind": self.kind,
            "shape": list(self.shape),
            "turned_share": self.turned_share,
            "turn_radians": self.turn_radians,
            "margin": self.margin,
        }

    def arrays(self) -> Mapping[str, np.ndarray]:
        """What it reads beside the training inputs: nothing."""
        return {}

    @classmethod
    def opened(cls, description: Mapping[str, Any], _folder: Path, x_train: np.ndarray) -> ImageAugmentation:
        """What `describe` described; KeyError, TypeError or ValueError where the description is damaged."""
        height, width, channels = (int(length) for length in description["shape"])
        if min(height, width, channels) < 1 or height * width * channels != x_train.shape[1]:
            raise ValueError(f"images of shape {description['shape']} in rows of {x_train.shape[1]}")
        margin = int(description["margin"])
        if not 0 <= margin <= min(height, width):
            raise ValueError(f"a margin of {margin}")
        share, radians = float(description["turned_share"]), float(description["turn_radians"])
        return cls(x_train, (height, width, channels), share, radians, margin)


def rotated(images: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Images float32 (n, height, width, channels), each turned about its centre by its angle (n,) in radians, counter-clockwise
    as seen with rows downwards; bilinear, zero where nothing was."""
    count, height, width, channels = images.shape
    middle = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    y, x = np.arange(height, dtype=np.float32)[:, None] - middle[0], np.arange(width, dtype=np.float32) - middle[1]
    cosine, sine = (function(angles).astype(np.float32)[:, None, None] for function in (np.cos, np.sin))
    # Where each pixel of the result comes from.
    from_x, from_y = cosine * x - sine * y + middle[1], sine * x + cosine * y + middle[0]
    left, top = np.floor(from_x), np.floor(from_y)
    across, along = from_x - left, from_y - top
    left, top = left.astype(np.int32), top.astype(np.int32)
    # One row and column of zeros around each image stand for everything outside of it.
    framed = np.zeros((count, height + 2, width + 2, channels), np.float32)
    framed[:, 1:-1, 1:-1] = images
    pixels = framed.reshape(-1, channels)
    first = (np.arange(count) * ((height + 2) * (width + 2)))[:, None, None]

    def taken(row: np.ndarray, column: np.ndarray, weight: np.ndarray) -> np.ndarray:
        places = first + np.clip(row + 1, 0, height + 1) * (width + 2) + np.clip(column + 1, 0, width + 1)
        return pixels.take(places.ravel(), axis=0).reshape(count, height, width, channels) * weight[..., None]

    result = taken(top, left, (1 - along) * (1 - across))
    result += taken(top, left + 1, (1 - along) * across)
    result += taken(top + 1, left, along * (1 - across))
    result += taken(top + 1, left + 1, along * across)
    return result


def _mirrored_at_edges(places: np.ndarray, length: int) -> np.ndarray:
    """Places that lie outside 0..length-1, by at most `length`, mirrored back at the edge, the edge itself repeated."""
    places = np.where(places < 0, -1 - places, places)
    return np.where(places >= length, 2 * length - 1 - places, places)
