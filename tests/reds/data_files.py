"""Small data sets in the layouts in which the real ones are published."""

from __future__ import annotations

import gzip
import struct
import wave
from pathlib import Path

import numpy as np

from reds.datasets.cifar10 import TEST, TRAINING
from reds.datasets.fashion_mnist import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from reds.datasets.speech_clips import CLASSES, UNKNOWN, WORDS

OTHER_WORDS = ("bed", "cat")


def write_idx(path: Path, array: np.ndarray) -> None:
    """A gzipped IDX file of bytes."""
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0))


def write_fashion_mnist(data_dir: Path, train: int = 60, test: int = 20) -> Path:
    """Random images, the classes in turn."""
    folder, generator = data_dir / "fashion-mnist", np.random.default_rng(0)
    folder.mkdir(parents=True)
    for images, labels, count in ((TRAIN_IMAGES, TRAIN_LABELS, train), (TEST_IMAGES, TEST_LABELS, test)):
        write_idx(folder / images.name, generator.integers(0, 256, (count, 28, 28)))
        write_idx(folder / labels.name, np.arange(count) % 10)
    return folder


def write_cifar10(data_dir: Path, each: int = 20) -> Path:
    """Random images, the classes in turn, so many in each of the six files."""
    folder, generator = data_dir / "cifar-10-batches-bin", np.random.default_rng(0)
    folder.mkdir(parents=True)
    for name in (*TRAINING, *TEST):
        rows = generator.integers(0, 256, (each, 3073), np.uint8)
        rows[:, 0] = np.arange(each) % 10
        (folder / name).write_bytes(rows.tobytes())
    return folder


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = 16_000, channels: int = 1) -> None:
    """A recording of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def write_speech_commands(data_dir: Path, speakers: int = 30) -> Path:
    """Every speaker says every word once, in random noise; two noise recordings; no lists."""
    folder, generator = data_dir / "speech_commands_v0.02", np.random.default_rng(0)
    for word in (*WORDS, *OTHER_WORDS):
        for speaker in range(speakers):
            samples = generator.integers(-2000, 2000, generator.integers(12_000, 18_000))
            write_wav(folder / word / f"{speaker:08x}_nohash_0.wav", samples)
    for number in range(2):
        write_wav(folder / "_background_noise_" / f"noise{number}.wav", generator.integers(-9000, 9000, 20_000 + number))
    return folder


def write_speech_test_set(data_dir: Path, each: int = 3) -> Path:
    """So many clips of random noise in each of the twelve classes."""
    folder, generator = data_dir / "speech_commands_test_set_v0.02", np.random.default_rng(0)
    for name in CLASSES:
        for number in range(each):
            prefix = "cat_" if name == UNKNOWN else ""
            write_wav(folder / name / f"{prefix}{number:08x}_nohash_0.wav", generator.integers(-2000, 2000, 16_000))
    return folder
