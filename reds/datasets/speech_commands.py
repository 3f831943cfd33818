"""Speech Commands v0.02 (Warden, arXiv:1804.03209) in twelve classes: ten words, other words, and silence."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reds.datasets.dataset import DataSet, Preparation
from reds.datasets.layout import Bounds, Layout, Remote
from reds.datasets.mfcc import CLIP_SAMPLES
from reds.datasets.rows import blocks_of, mapped, write_rows
from reds.datasets.speech_augmentation import CLIPS, NOISE, NOISE_ENDS, SpeechAugmentation
from reds.datasets.speech_clips import (
    CLASSES,
    FORMS,
    SILENCE,
    UNKNOWN,
    WORDS,
    Example,
    clip_blocks,
    features_of,
    write_part,
)
from reds.datasets.speech_partitions import NOISE_FOLDER, TESTING, TRAINING, VALIDATION, partitions
from reds.datasets.split import described_split
from reds.datasets.wav import SCALE, read_samples
from reds.errors import MissingError, ProtocolError

# The seed and the shares of the published pipeline.
CHOICE_SEED = 59185
UNKNOWN_SHARE = SILENCE_SHARE = 0.1
SHIFT_SAMPLES = 1600  # 100 ms
NOISY_SHARE, LARGEST_VOLUME = 0.8, 0.1
LONGEST_NOISE_SAMPLES = 600 * CLIP_SAMPLES
LAYOUT = Layout(
    dataset="speech_commands",
    folder="speech_commands_v0.02",
    patterns=("*/*.wav", "*_list.txt"),
    expected=f"WORD/*.wav, {NOISE_FOLDER}/*.wav and, if you have them, validation_list.txt and testing_list.txt",
    # Size and SHA-256: the checksum lists of TensorFlow Datasets.
    remotes=(
        Remote(
            "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            2_428_923_189,
            "sha256",
            "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        ),
    ),
    bounds=Bounds(size_bytes=5_000_000_000, files=120_000),
)


def prepare(preparation: Preparation) -> None:
    """Features of all parts, and for training the clips and the noise that is laid under them.

    Raises:
        MissingError: a class or the noise recordings are not there.
        ProtocolError: a file is damaged or no recording of 16 kHz, one channel, 16 bits; or the lists of the parts do not fit.
    """
    source, folder = preparation.source, preparation.folder
    parts, split = partitions(source.folder)
    examples = chosen(parts)
    for part, name in (("validation", VALIDATION), ("test", TESTING)):
        write_part(preparation, part, examples[name])
    training, mfcc = examples[TRAINING], features_of(preparation.form)
    doing = f"training clips of {preparation.name}"
    write_rows(folder / f"{CLIPS}.npy", (len(training), CLIP_SAMPLES), np.int16, clip_blocks(preparation, doing, training))
    clips = mapped(folder / f"{CLIPS}.npy")
    features = (mfcc(block / SCALE) for block in blocks_of(clips))
    write_rows(folder / "x_train.npy", (len(training), mfcc.features), np.float32, features)
    write_rows(folder / "y_train.npy", (len(training),), np.int32, [np.array([example.label for example in training])])
    noise, ends = _noise(source.folder / NOISE_FOLDER)
    np.save(folder / f"{NOISE}.npy", noise)
    np.save(folder / f"{NOISE_ENDS}.npy", ends)
    noise = mapped(folder / f"{NOISE}.npy")
    augmentation = SpeechAugmentation(clips, noise, ends, mfcc, SHIFT_SAMPLES, NOISY_SHARE, LARGEST_VOLUME)
    described_split(
        folder, preparation.name, preparation.seed, CLASSES, augmentation=augmentation, origin=f"{source.origin}; {split}"
    )


def chosen(parts: Mapping[str, Mapping[str, list[Path]]]) -> dict[str, list[Example]]:
    """The examples of each part, shuffled, given the clips of each part by word.

    All clips of the ten words; for every ten of them one of silence and one of another word, both rounded up.
    """
    generator = random.Random(CHOICE_SEED)  # noqa: S311 - the published pipeline's stream
    examples = {}
    for part in (VALIDATION, TESTING, TRAINING):
        known = [Example(path, CLASSES.index(word)) for word in WORDS for path in parts[part].get(word, [])]
        others = [path for word, paths in sorted(parts[part].items()) if word not in WORDS for path in paths]
        generator.shuffle(others)
        silence = [Example(None, CLASSES.index(SILENCE))] * math.ceil(SILENCE_SHARE * len(known))
        unknown = [Example(path, CLASSES.index(UNKNOWN)) for path in others[: math.ceil(UNKNOWN_SHARE * len(known))]]
        examples[part] = [*known, *silence, *unknown]
    for part in examples.values():
        generator.shuffle(part)
    return examples


def _noise(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All noise recordings one after another, int16, and where each ends, int64."""
    paths = sorted(folder.glob("*.wav"))
    if not paths:
        raise MissingError(f"there are no noise recordings in {folder}", do="the archive holds six; training clips need them")
    recordings = [read_samples(path, LONGEST_NOISE_SAMPLES) for path in paths]
    for path, recording in zip(paths, recordings, strict=True):
        if len(recording) < CLIP_SAMPLES:
            raise ProtocolError(f"the noise recording {path} is shorter than a second", seen=f"{len(recording)} samples")
    return np.concatenate(recordings), np.cumsum([len(recording) for recording in recordings], dtype=np.int64)


SPEECH_COMMANDS = DataSet(
    name="speech_commands",
    summary="spoken words of a second in twelve classes, as MFCC features",
    classes=CLASSES,
    module="reds.datasets.speech_commands",
    forms=FORMS,
    prepare=prepare,
    layout=LAYOUT,
    seed=CHOICE_SEED,
)
