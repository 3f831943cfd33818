"""Training clips as each epoch hears them: moved in time, with noise behind them, as features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reds.datasets.mfcc import CLIP_SAMPLES, Mfcc
from reds.datasets.rows import mapped
from reds.datasets.wav import SCALE

CLIPS, NOISE, NOISE_ENDS = "clips_train", "noise", "noise_ends"


@dataclass(frozen=True)
class SpeechAugmentation:
    """Moves a clip by up to `shift_samples` either way, zeros following, and adds a random second of a random noise recording.

    Attributes:
        clips: int16 (n, 16000), the training clips; those of silence hold zeros, so that only noise is heard in them.
        noise: int16, all noise recordings one after another, each at least a second long.
        noise_ends: int64 (recordings,), where each ends.
        mfcc: turns clips into features.
        shift_samples: uniform, whole.
        noisy_share: of the clips get noise.
        largest_volume: of the noise, uniform from 0.
    """

    clips: np.ndarray
    noise: np.ndarray
    noise_ends: np.ndarray
    mfcc: Mfcc
    shift_samples: int
    noisy_share: float
    largest_volume: float

    kind = "speech"

    def __call__(self, indices: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Inputs float32 (n, features) of the training clips with these indices (n,)."""
        return self.mfcc(self.heard(indices, generator))

    def heard(self, indices: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Disturbed clips float32 (n, 16000) in -1..1."""
        count = len(indices)
        shifts = generator.integers(-self.shift_samples, self.shift_samples, count, endpoint=True)
        recordings = generator.integers(0, len(self.noise_ends), count)
        starts = np.concatenate([[0], self.noise_ends[:-1]])
        begins = generator.integers(starts[recordings], self.noise_ends[recordings] - CLIP_SAMPLES, endpoint=True)
        noisy = generator.random(count) < self.noisy_share
        volumes = np.where(noisy, generator.uniform(0, self.largest_volume, count), 0).astype(np.float32)
        result = np.zeros((count, CLIP_SAMPLES), np.float32)
        for row, (index, shift, begin, volume) in enumerate(zip(indices, shifts, begins, volumes, strict=True)):
            kept = self.clips[index, max(-shift, 0) : CLIP_SAMPLES - max(shift, 0)]
            result[row, max(shift, 0) : CLIP_SAMPLES + min(shift, 0)] = kept
            if volume:
                result[row] += volume * self.noise[begin : begin + CLIP_SAMPLES]
        result /= SCALE
        return np.clip(result, -1, 1, out=result)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: everything but the arrays."""
        return {
            "kind": self.kind,
            "stride_samples": self.mfcc.stride_samples,
            "shift_samples": self.shift_samples,
            "noisy_share": self.noisy_share,
            "largest_volume": self.largest_volume,
        }

    def arrays(self) -> Mapping[str, np.ndarray]:
        """What it reads beside the training inputs."""
        return {CLIPS: self.clips, NOISE: self.noise, NOISE_ENDS: self.noise_ends}

    @classmethod
    def opened(cls, description: Mapping[str, Any], folder: Path, x_train: np.ndarray) -> SpeechAugmentation:
        """What `describe` described; KeyError, TypeError, ValueError or OSError where the files are damaged."""
        stride = int(description["stride_samples"])
        if not 1 <= stride <= CLIP_SAMPLES:
            raise ValueError(f"windows {stride} samples apart")
        mfcc, shift = Mfcc(stride), int(description["shift_samples"])
        clips, noise, ends = (mapped(folder / f"{name}.npy") for name in (CLIPS, NOISE, NOISE_ENDS))
        if clips.shape != (len(x_train), CLIP_SAMPLES) or x_train.shape[1] != mfcc.features:
            raise ValueError(f"clips of shape {clips.shape} for inputs of shape {x_train.shape}")
        lengths = np.diff(ends, prepend=0)
        if ends.ndim != 1 or not len(ends) or lengths.min() < CLIP_SAMPLES or ends[-1] != len(noise):
            raise ValueError("noise recordings that do not fill the noise")
        if not 0 <= shift <= CLIP_SAMPLES:
            raise ValueError(f"a shift of {shift} samples")
        volume, share = float(description["largest_volume"]), float(description["noisy_share"])
        return cls(clips, noise, np.asarray(ends), mfcc, shift, share, volume)
