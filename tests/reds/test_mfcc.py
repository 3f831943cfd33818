"""Features of clips."""

from __future__ import annotations

import numpy as np
import pytest

from reds.datasets.mfcc import CLIPS_AT_ONCE, FLOOR, HZ_PER_BIN, Mfcc

STRIDES = [320, 640]


def sounds(count: int) -> np.ndarray:
    """Tones, noise, and near-silence, float32 (count, 16000)."""
    generator = np.random.default_rng(0)
    time_s = np.arange(16_000) / 16_000
    tones = np.sin(2 * np.pi * generator.uniform(50, 6000, (count, 1)) * time_s) * generator.uniform(0, 1, (count, 1))
    noise = generator.normal(0, 1, (count, 16_000)) * 10.0 ** generator.uniform(-5, -1, (count, 1))
    return np.clip(tones * (np.arange(count) % 3 != 0)[:, None] + noise, -1, 1).astype(np.float32)


def defined(clip: np.ndarray, stride: int) -> np.ndarray:
    """The definition, one sum at a time, float64 (frames, 10)."""

    def mel(hz: float) -> float:
        return 1127 * np.log(1 + hz / 700)

    centres = [mel(20) + (mel(4000) - mel(20)) * step / 41 for step in range(42)]
    rows = []
    for start in range(0, 16_000 - 640 + 1, stride):
        window = clip[start : start + 640] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(640) / 640))
        magnitudes = np.abs(np.fft.fft(window, 1024))
        bands = np.zeros(40)
        for number in range(int(1.5 + 20 / HZ_PER_BIN), int(4000 / HZ_PER_BIN) + 1):
            place = mel(number * HZ_PER_BIN)
            below = max(step for step in range(41) if centres[step] <= place)
            share = (place - centres[below]) / (centres[below + 1] - centres[below])
            if below < 40:
                bands[below] += share * magnitudes[number]
            if below > 0:
                bands[below - 1] += (1 - share) * magnitudes[number]
        logs = np.log(np.maximum(bands, FLOOR))
        rows.append([np.sqrt(2 / 40) * sum(logs * np.cos(np.pi / 40 * k * (np.arange(40) + 0.5))) for k in range(10)])
    return np.array(rows)


@pytest.mark.parametrize("stride", STRIDES)
def test_features_are_what_their_definition_says(stride: int) -> None:
    clips = sounds(3)
    expected = np.stack([defined(clip.astype(np.float64), stride) for clip in clips])
    assert Mfcc(stride)(clips).reshape(expected.shape) == pytest.approx(expected, abs=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("stride", STRIDES)
def test_features_equal_those_of_tensorflow(stride: int) -> None:
    tf = pytest.importorskip("tensorflow", reason="the comparison needs TensorFlow")
    clips = np.concatenate([sounds(60), np.zeros((1, 16_000), np.float32)])
    spectrum = tf.raw_ops.AudioSpectrogram(input=clips.T, window_size=640, stride=stride, magnitude_squared=True)
    expected = tf.raw_ops.Mfcc(
        spectrogram=spectrum,
        sample_rate=16_000,
        lower_frequency_limit=20,
        upper_frequency_limit=4000,
        filterbank_channel_count=40,
        dct_coefficient_count=10,
    ).numpy()
    # Coefficients reach hundreds; float32 itself steps by 3e-5 there.
    assert Mfcc(stride)(clips).reshape(expected.shape) == pytest.approx(expected, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(("stride", "frames"), [(320, 49), (640, 25)])
def test_a_clip_has_as_many_windows_as_fit(stride: int, frames: int) -> None:
    features = Mfcc(stride)
    assert (features.frames, features.features) == (frames, 10 * frames)
    assert features(sounds(2)).shape == (2, 10 * frames)
    assert features(np.zeros((0, 16_000), np.float32)).shape == (0, 10 * frames)


def test_a_clip_has_the_same_features_alone_and_among_others() -> None:
    clips = sounds(CLIPS_AT_ONCE + 3)
    together = Mfcc(640)(clips)
    assert together.dtype == np.float32
    assert together == pytest.approx(np.concatenate([Mfcc(640)(clip[None]) for clip in clips]), abs=1e-5)


def test_silence_is_the_floor() -> None:
    features = Mfcc(320)(np.zeros((1, 16_000), np.float32)).reshape(49, 10)
    assert features[:, 0] == pytest.approx(np.sqrt(2 / 40) * 40 * np.log(FLOOR))
    assert features[:, 1:] == pytest.approx(0, abs=1e-4)
