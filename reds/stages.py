"""A cache of results that are pure functions of their inputs: each is made once and found again under a key made of the inputs.

A result is a folder. It is written under a temporary name and renamed when it is complete, so that a killed run leaves nothing
half-made; a lock for each key lets one process make what others wait for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from reds.cache import cache_folder
from reds.kept_digests import kept_digest

DESCRIPTION = "stage.json"


@dataclass(frozen=True)
class Stage:
    """A step of the work.

    Attributes:
        name: what its results are called, also in the cache ("pretrained").
        module: the module whose code, with all of this package that it imports, decides the result.
        doing: what it is called while it runs ("pretraining").
    """

    name: str
    module: str
    doing: str

    def key(self, inputs: Mapping[str, Any]) -> str:
        """SHA-256 (hexadecimal) of the stage's name, its code and its JSON-ready inputs."""
        facts = {"stage": self.name, "sources": kept_digest(self.module), "inputs": inputs}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def folder(self, key: str) -> Path:
        """Where the result of this key lies once it is made."""
        return cache_folder("stages", self.name) / key

    def find(self, key: str) -> Path | None:
        """The result of this key, None where it has not been made."""
        folder = self.folder(key)
        return folder if folder.is_dir() else None

    def build(self, inputs: Mapping[str, Any], work: Callable[[Path], None]) -> Path:
        """The result for these inputs; `work` fills an empty folder with it unless it is there already.

        Raises:
            Whatever `work` raises; nothing is kept then.
        """
        key = self.key(inputs)
        folder = self.folder(key)
        with FileLock(folder.with_name(f"{key}.lock")):
            if not folder.is_dir():
                _fill(folder, work, {"stage": self.name, "inputs": inputs})
        return folder


def _fill(folder: Path, work: Callable[[Path], None], description: Mapping[str, Any]) -> None:
    """Make the folder complete, or not at all; what a killed run left of it is removed. The caller holds the lock."""
    for leftover in folder.parent.glob(f"{folder.name}.*.tmp"):
        shutil.rmtree(leftover)
    staging = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    staging.mkdir()
    try:
        work(staging)
        (staging / DESCRIPTION).write_text(json.dumps(description, indent=1, sort_keys=True) + "\n")
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
