"""What both speech sets share: classes, forms, and clips that become features block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reds.datasets.dataset import Preparation
from reds.datasets.mfcc import CLIP_SAMPLES, COEFFICIENTS, Mfcc
from reds.datasets.request import Form
from reds.datasets.rows import write_rows
from reds.datasets.wav import SCALE, read_clip

SILENCE, UNKNOWN = "_silence_", "_unknown_"
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
CLASSES = (SILENCE, UNKNOWN, *WORDS)
STRIDES_SAMPLES = (320, 640)
BLOCK_CLIPS = 256


def _form(stride_samples: int) -> Form:
    frames = Mfcc(stride_samples).frames
    return Form(f"{frames}x{COEFFICIENTS}", (frames, COEFFICIENTS, 1))


FORMS = tuple(_form(stride) for stride in STRIDES_SAMPLES)


def features_of(form: Form) -> Mfcc:
    """What makes features of this form."""
    return next(Mfcc(stride) for stride in STRIDES_SAMPLES if _form(stride) == form)


@dataclass(frozen=True)
class Example:
    """A clip of a set: its file, None for a second without a sound, and its label."""

    path: Path | None
    label: int


def clip_blocks(preparation: Preparation, doing: str, examples: Sequence[Example]) -> Iterator[np.ndarray]:
    """Clips int16 (n, 16000) in blocks; raises ProtocolError for a file that is no such recording."""
    for start in range(0, len(examples), BLOCK_CLIPS):
        block = examples[start : start + BLOCK_CLIPS]
        clips = np.zeros((len(block), CLIP_SAMPLES), np.int16)
        for row, example in zip(clips, block, strict=True):
            if example.path is not None:
                row[:] = read_clip(example.path)
        yield clips
        preparation.amounts(doing, start + len(block), len(examples))


def write_part(preparation: Preparation, part: str, examples: Sequence[Example]) -> None:
    """Write inputs and labels of one part, undisturbed."""
    mfcc, folder = features_of(preparation.form), preparation.folder
    blocks = (mfcc(clips / SCALE) for clips in clip_blocks(preparation, f"{part} clips of {preparation.name}", examples))
    write_rows(folder / f"x_{part}.npy", (len(examples), mfcc.features), np.float32, blocks)
    write_rows(folder / f"y_{part}.npy", (len(examples),), np.int32, [np.array([example.label for example in examples])])
