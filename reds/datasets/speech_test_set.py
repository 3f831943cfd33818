"""The official test archive of Speech Commands v0.02: 4,890 clips, about 400 of each class, all for testing.

Its clips of silence carry noise. The published pipeline trains and tests on silence that is all zeros; so there are two sets of
the same clips, one with zeroed silence, as published accuracy is measured, and one with the archive's own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from reds.datasets.dataset import DataSet, Preparation
from reds.datasets.layout import Bounds, Layout, Remote
from reds.datasets.rows import write_rows
from reds.datasets.speech_clips import CLASSES, FORMS, SILENCE, Example, write_part
from reds.datasets.split import described_split
from reds.errors import MissingError

ZEROED = "silence clips zeroed, as the published pipeline does"
NOISY = "silence clips with the noise that the archive has in them"


LAYOUT = Layout(
    dataset="speech_commands_test_set",
    folder="speech_commands_test_set_v0.02",
    patterns=("*/*.wav",),
    expected=f"LABEL/*.wav for {', '.join(CLASSES)}",
    # Size and SHA-256: the checksum lists of TensorFlow Datasets.
    remotes=(
        Remote(
            "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz",
            112_563_277,
            "sha256",
            "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        ),
    ),
    bounds=Bounds(size_bytes=400_000_000, files=6_000),
)


def prepare(preparation: Preparation, silence: str) -> None:
    """Features of all clips, in order of class and name; there is nothing to train on.

    Raises:
        MissingError: a class is not there.
        ProtocolError: a file is damaged or no recording of 16 kHz, one channel, 16 bits.
    """
    source, folder = preparation.source, preparation.folder
    examples = []
    for label, name in enumerate(CLASSES):
        paths = sorted((source.folder / name).glob("*.wav"))
        if not paths:
            raise MissingError(f"a class is missing in {source.folder}", seen=f"no clips in {name}/")
        zeroed = name == SILENCE and silence == ZEROED
        examples += [Example(None if zeroed else path, label) for path in paths]
    write_part(preparation, "test", examples)
    for part in ("train", "validation"):
        write_rows(folder / f"x_{part}.npy", (0, preparation.form.features), np.float32, [])
        write_rows(folder / f"y_{part}.npy", (0,), np.int32, [])
    origin = f"{source.origin}; every clip is for testing; {silence}"
    described_split(folder, preparation.name, preparation.seed, CLASSES, augmentation=None, origin=origin)


def _set(name: str, silence: str) -> DataSet:
    return DataSet(
        name=name,
        summary=f"the official test clips of Speech Commands, {silence}",
        classes=CLASSES,
        module="reds.datasets.speech_test_set",
        forms=FORMS,
        prepare=partial(prepare, silence=silence),
        layout=replace(LAYOUT, dataset=name),
        seed=0,
    )


SPEECH_TEST_SET = _set("speech_commands_test_set", ZEROED)
SPEECH_TEST_SET_NOISY = _set("speech_commands_test_set_noisy_silence", NOISY)
