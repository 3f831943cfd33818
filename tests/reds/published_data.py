"""Where the published data sets lie on this computer, for tests that read the real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reds.datasets.layout import DATA_VARIABLE, Layout


def published_data(layout: Layout) -> Path:
    """The folder of data sets that REDS_DATA_DIR names, if this one is in it; else a skip."""
    named = os.environ.get(DATA_VARIABLE)
    if not named or not (Path(named) / layout.folder).is_dir():
        pytest.skip(f"{DATA_VARIABLE} names no folder with {layout.folder}/")
    return Path(named)
