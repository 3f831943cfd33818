"""Logs of what runs beside a measurement, which must not keep it from running."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal


def open_log(path: Path, mode: Literal["wb", "ab"]) -> BinaryIO:
    """The log, anew or at its end; nowhere if it cannot be written, be it that the disk is full."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open(mode)
    except OSError:
        return Path(os.devnull).open(mode)
