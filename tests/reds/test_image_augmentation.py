"""Training images mirrored, turned and shifted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.datasets.image_augmentation import ImageAugmentation, rotated


def augmentation(images: np.ndarray, share: float = 0.0, radians: float = 0.0, margin: int = 0) -> ImageAugmentation:
    return ImageAugmentation(images.reshape(len(images), -1), images.shape[1:], share, radians, margin)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((200, 9, 7, 2), dtype=np.float32)


def test_half_of_the_images_are_mirrored(images: np.ndarray) -> None:
    seen = augmentation(images)(np.arange(200), np.random.default_rng(1)).reshape(images.shape)
    kept = (seen == images).all(axis=(1, 2, 3))
    assert np.array_equal(seen[~kept], images[~kept, :, ::-1])
    assert 70 < kept.sum() < 130
    assert seen.dtype == np.float32


@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 8), st.integers(1, 3), st.integers(0, 3))
def test_a_shifted_image_is_cut_from_one_whose_edges_are_mirrored(seed, height, width, channels, margin) -> None:
    margin = min(margin, height, width)
    generator = np.random.default_rng(seed)
    images = generator.random((5, height, width, channels), dtype=np.float32)
    indices = generator.integers(0, 5, 8)
    seen = augmentation(images, margin=margin)(indices, generator).reshape(8, height, width, channels)
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    for index, image in zip(indices, seen, strict=True):
        cuts = [
            padded[index, down : down + height, right : right + width]
            for down in range(2 * margin + 1)
            for right in range(2 * margin + 1)
        ]
        # A mirrored image is mirrored before it is shifted: the cut of a mirrored image is a mirrored cut.
        assert any(np.array_equal(image, cut) or np.array_equal(image, cut[:, ::-1]) for cut in cuts)


def test_the_wanted_share_is_turned_and_only_the_generator_decides(images: np.ndarray) -> None:
    turning = augmentation(images, share=0.3, radians=0.2)
    seen, again = (turning(np.arange(200), np.random.default_rng(1)).reshape(images.shape) for _ in range(2))
    assert np.array_equal(seen, again)
    still = [np.array_equal(a, b) or np.array_equal(a, b[:, ::-1]) for a, b in zip(seen, images, strict=True)]
    assert 35 < 200 - sum(still) < 85
    assert np.array_equal(images, np.random.default_rng(0).random((200, 9, 7, 2), dtype=np.float32))


@pytest.mark.parametrize("size", [(28, 28), (5, 8), (9, 4)])
def test_turning_agrees_with_scipy(size: tuple[int, int]) -> None:
    ndimage = pytest.importorskip("scipy.ndimage", reason="the comparison needs SciPy")
    generator = np.random.default_rng(0)
    images, angles = generator.random((6, *size, 2), dtype=np.float32), generator.uniform(-0.5, 0.5, 6)
    for image, angle, turned in zip(images, angles, rotated(images, angles), strict=True):
        expected = ndimage.rotate(image, np.degrees(angle), reshape=False, order=1, mode="grid-constant")
        assert turned == pytest.approx(expected, abs=1e-5)


def test_a_quarter_turn_moves_pixels_exactly_and_no_turn_none() -> None:
    images = np.random.default_rng(0).random((2, 6, 6, 1), dtype=np.float32)
    assert rotated(images, np.zeros(2)) == pytest.approx(images)
    assert rotated(images, np.full(2, np.pi / 2)) == pytest.approx(np.rot90(images, axes=(1, 2)), abs=1e-5)
