"""Recordings from WAV files: 16 kHz, one channel, 16 bits."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from reds.datasets.mfcc import CLIP_SAMPLES, RATE_HZ
from reds.errors import ProtocolError

SCALE = np.float32(32768)
"""What one is in 16-bit samples."""
_SAMPLE_BYTES = 2


def read_samples(path: Path, most: int) -> np.ndarray:
    """The first samples of a recording, int16 (at most `most`,).

    Raises:
        ProtocolError: the file is damaged, or another kind of recording.
        OSError: it cannot be read.
    """
    try:
        with wave.open(str(path), "rb") as file:
            kind = (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            declared = min(file.getnframes(), most)
            content = file.readframes(declared) if kind[1:] == (1, 8 * _SAMPLE_BYTES) else b""
    except (wave.Error, EOFError, RuntimeError) as error:
        raise ProtocolError(f"{path} is no WAV file", seen=str(error) or "it ends early") from error
    if kind != (RATE_HZ, 1, 8 * _SAMPLE_BYTES):
        raise ProtocolError(
            f"{path} is another kind of recording",
            seen=f"{kind[0]} Hz, {kind[1]} channels, {kind[2]} bits",
            do=f"{RATE_HZ} Hz, one channel, 16 bits are needed",
        )
    if len(content) != _SAMPLE_BYTES * declared:
        raise ProtocolError(f"{path} is truncated", seen=f"{len(content)} of {_SAMPLE_BYTES * declared} bytes")
    return np.frombuffer(content, "<i2").astype(np.int16)


def read_clip(path: Path) -> np.ndarray:
    """One second, int16 (16000,): what is longer is cut, what is shorter ends in zeros; raises as `read_samples`."""
    clip = np.zeros(CLIP_SAMPLES, np.int16)
    samples = read_samples(path, CLIP_SAMPLES)
    clip[: len(samples)] = samples
    return clip
