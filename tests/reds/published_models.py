"""Where the published networks lie on this computer, for tests that read the real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks.kernel_networks import MODELS_VARIABLE

CHECKOUT = Path(__file__).resolve().parents[2]


def published_checkpoint(name: str) -> Path:
    """The folder of a keyword-spotting checkpoint, else a skip."""
    return _published(f"kws/{name}", "checkpoint")


def published_tflite(name: str) -> Path:
    """The int8 .tflite file of a keyword-spotting network, else a skip."""
    return _published(f"kws/{name}", f"{name}_quantized.tflite") / f"{name}_quantized.tflite"


def published_hdf5(data: str) -> Path:
    """The HDF5 file of a network for images, "fashion_mnist" or "cifar10", else a skip."""
    return _published("vision", f"{data}_ds_cnn_sizeS.keras") / f"{data}_ds_cnn_sizeS.keras"


def _published(folder: str, file: str) -> Path:
    """A folder with this file in it, in REDS_MODELS_DIR or in `shared/models` beside the checkout; else a skip."""
    chosen = os.environ.get(MODELS_VARIABLE)
    found = (Path(chosen) if chosen else CHECKOUT.parent / "shared" / "models") / folder
    if not (found / file).is_file():
        pytest.skip(f"there is no {found / file}: {MODELS_VARIABLE} may name the folder of the published networks")
    return found
