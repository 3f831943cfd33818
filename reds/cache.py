"""Where results that can be made again are kept."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "REDS_BENCH_CACHE"


def cache_folder(*parts: str) -> Path:
    """The folder `parts` of the cache, made if absent.

    The cache lies at `$REDS_BENCH_CACHE`, or `$XDG_CACHE_HOME/reds-bench`, or `~/.cache/reds-bench`.
    """
    folder = _root().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _root() -> Path:
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser().absolute()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base).expanduser().absolute() / "reds-bench"
    return Path.home() / ".cache" / "reds-bench"
