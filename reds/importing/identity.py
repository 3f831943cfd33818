"""What a stored network is known by, wherever it lies."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reds.errors import MissingError

BLOCK_BYTES = 1 << 20


def content_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of the files of a stored network, each with its name where there are several.

    Args:
        path: a file, a checkpoint's folder, or a checkpoint's path without .index.

    Raises:
        MissingError: there is nothing at the path.
    """
    files = stored_files(path)
    digest = hashlib.sha256()
    for file in files:
        if len(files) > 1:
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            while block := content.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def stored_files(path: Path) -> list[Path]:
    """The files of a stored network, by name; raises MissingError as `content_digest` does."""
    prefix = path.with_name(path.name.removesuffix(".index"))
    if path.is_dir():
        files = [each for each in path.iterdir() if each.is_file()]
    elif prefix.with_name(f"{prefix.name}.index").is_file():
        start = (f"{prefix.name}.index", f"{prefix.name}.data-")
        files = [each for each in prefix.parent.iterdir() if each.name.startswith(start)]
    else:
        files = [path] if path.is_file() else []
    if not files:
        raise MissingError(
            f"there is no network at {path}", do="name a file, or a checkpoint's folder or its path without .index"
        )
    return sorted(files)
