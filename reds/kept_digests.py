"""Digests of code, kept in the cache: to find one means to parse the package, which takes longer than many a run."""

from __future__ import annotations

import hashlib
import sys
from functools import cache

from reds import sources
from reds.cache import cache_folder
from reds.files import write_whole

_DIGEST_CHARACTERS = 64


@cache
def kept_digest(module: str) -> str:
    """`sources.source_digest(module)`, looked up where this Python has found it for these very files."""
    kept = cache_folder("sources") / f"{_files()}-{module}"
    if kept.is_file() and len(known := kept.read_text()) == _DIGEST_CHARACTERS:
        return known
    digest = sources.source_digest(module)
    write_whole(kept, digest.encode())
    return digest


@cache
def _files() -> str:
    """SHA-256 (hexadecimal) of all that a digest can depend on: the package's files, and the Python that reads them."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(sources.ROOT.joinpath(str(sources.PACKAGE)).rglob("*.py")):
        digest.update(f"\n{path.relative_to(sources.ROOT)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
