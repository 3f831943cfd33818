"""Where the published data sets lie on this computer, for tests that read the real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from reds.datasets.layout import DATA_VARIABLE, Layout

CHECKOUT = Path(__file__).resolve().parents[2]
PACKED = CHECKOUT.parent / "shared" / "data" / "unpack.py"
UNPACKED = Path.home() / ".cache" / "reds-bench-published-data"


def published_data(layout: Layout) -> Path:
    """The folder of data sets that REDS_DATA_DIR names, or what is packed beside the checkout; else a skip."""
    named = os.environ.get(DATA_VARIABLE)
    if not named and PACKED.is_file():
        named = _unpacked()
    if not named or not (Path(named) / layout.folder).is_dir():
        pytest.skip(f"{DATA_VARIABLE} names no folder with {layout.folder}/")
    return Path(named)


def _unpacked() -> str:
    """The folder of what is packed beside the checkout, unpacked once."""
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with FileLock(UNPACKED / ".lock"):
        subprocess.run([sys.executable, PACKED, UNPACKED], check=True, stdout=subprocess.DEVNULL)
    return str(UNPACKED)
