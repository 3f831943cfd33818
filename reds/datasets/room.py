"""A disk that is full is something missing, not a traceback."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reds.cache import CACHE_VARIABLE
from reds.errors import MissingError
from reds.files import FULL


@contextmanager
def room_for(what: str, folder: Path) -> Iterator[None]:
    """Around writing to a folder of the cache: turns a full disk into MissingError."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise MissingError(
            f"there is no room for {what}",
            seen=f"{error.strerror or error}, in {folder.parent}",
            do=f"make room there, or let {CACHE_VARIABLE} name a folder on another disk",
        ) from error


def check_room(folder: Path, needed_bytes: int) -> None:
    """Raise what a full disk would, before hours of work, where a folder's disk has less room than is needed."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise OSError(errno.ENOSPC, f"{needed_bytes:,} bytes are needed, {free_bytes:,} are free")
