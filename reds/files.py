"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reds.errors import MissingError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where a disk is full, or a quota or the largest size of a file is reached."""


def write_whole(path: Path, content: bytes) -> None:
    """Write under a temporary name and rename: what goes wrong leaves an older file as it was, and nothing half-made.

    Raises:
        MissingError: it cannot be written there.
    """
    staging = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            staging.write_bytes(content)
            staging.replace(path)
        finally:
            staging.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around writing to a place that the user chose: what the system refuses becomes MissingError."""
    try:
        yield
    except OSError as error:
        do = "make room on that disk" if error.errno in FULL else "name a place that you may write to"
        raise MissingError(f"{path} cannot be written", seen=error.strerror or str(error), do=do) from error
