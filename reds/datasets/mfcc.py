"""Mel-frequency cepstral coefficients of clips of one second, equal to TensorFlow's `AudioSpectrogram` and `Mfcc` to 1e-5.

Windows of 40 ms under a periodic Hann window, magnitudes of a discrete Fourier transform of 1024 points, 40 triangular bands
evenly spaced in mel between 20 and 4000 Hz, the logarithm, and ten coefficients of a cosine transform. Nothing is padded,
lifted or normalised.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

RATE_HZ = 16_000
CLIP_SAMPLES = RATE_HZ
WINDOW_SAMPLES = 640
POINTS = 1024
HZ_PER_BIN = RATE_HZ / POINTS
LOWEST_HZ, HIGHEST_HZ = 20.0, 4000.0
BANDS = 40
COEFFICIENTS = 10
FLOOR = 1e-12
# The bins that lie in the bands; the first is rounded as the operation does.
FIRST_BIN, LAST_BIN = int(1.5 + LOWEST_HZ / HZ_PER_BIN), int(HIGHEST_HZ / HZ_PER_BIN)
CLIPS_AT_ONCE = 16  # so that what lies between the steps stays in the processor's cache


@dataclass(frozen=True)
class Mfcc:
    """Features of clips.

    Attributes:
        stride_samples: from one window to the next: 320 (20 ms) gives 49 windows, 640 gives 25.
    """

    stride_samples: int

    @property
    def frames(self) -> int:
        """Windows in a clip."""
        return 1 + (CLIP_SAMPLES - WINDOW_SAMPLES) // self.stride_samples

    @property
    def features(self) -> int:
        """Elements of one clip's result."""
        return self.frames * COEFFICIENTS

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Coefficients float32 (n, frames * 10), window by window, of clips float32 (n, 16000) in -1..1."""
        result = np.empty((len(clips), self.features), np.float32)
        for start in range(0, len(clips), CLIPS_AT_ONCE):
            part = slice(start, start + CLIPS_AT_ONCE)
            result[part] = self._coefficients(clips[part])
        return result

    def _coefficients(self, clips: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(clips, WINDOW_SAMPLES, axis=1)[:, :: self.stride_samples]
        # In float64: quiet bands lie seven orders below loud ones, and the logarithm shows them.
        spectrum = np.fft.rfft(windows * self._hann, POINTS)[..., FIRST_BIN : LAST_BIN + 1]
        bands = np.abs(spectrum) @ self._bands
        return (np.log(np.maximum(bands, FLOOR, out=bands), out=bands) @ self._cosines).reshape(len(clips), -1)

    @cached_property
    def _hann(self) -> np.ndarray:
        return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)

    @cached_property
    def _bands(self) -> np.ndarray:
        """How much each bin adds to each band, (bins, bands): triangles in mel, each from centre to centre of its neighbours."""
        edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
        bins = _mel(HZ_PER_BIN * np.arange(FIRST_BIN, LAST_BIN + 1))[:, None]
        rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
        return np.maximum(0, np.minimum(rising, falling))

    @cached_property
    def _cosines(self) -> np.ndarray:
        """Discrete cosine transform of type II, (bands, coefficients)."""
        angles = np.pi / BANDS * np.outer(np.arange(BANDS) + 0.5, np.arange(COEFFICIENTS))
        return np.sqrt(2 / BANDS) * np.cos(angles)


def _mel(hz: np.ndarray | float) -> np.ndarray:
    return 1127 * np.log1p(np.asarray(hz) / 700)
