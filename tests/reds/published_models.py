"""Where the published checkpoints lie on this computer, for tests that read the real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks.kernel_networks import MODELS_VARIABLE

CHECKOUT = Path(__file__).resolve().parents[2]


def published_checkpoint(name: str) -> Path:
    """The folder of a checkpoint: in REDS_MODELS_DIR, or in a folder `shared/models` beside the checkout; else a skip."""
    chosen = os.environ.get(MODELS_VARIABLE)
    folder = Path(chosen) if chosen else CHECKOUT.parent / "shared" / "models"
    found = folder / "kws" / name
    if not (found / "checkpoint").is_file():
        pytest.skip(f"there is no {found}: {MODELS_VARIABLE} may name the folder of the published networks")
    return found
