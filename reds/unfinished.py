"""What a training has done so far, kept after each epoch, so that a run that was killed goes on where it was.

The last epoch is kept too: only after the training is its result saved, and that may be interrupted as well. States are dropped
when nobody has come back to them for a week.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reds.cache import cache_folder
from reds.errors import ProtocolError

_HEADER, _LOSSES = "header", "losses"
KEPT_S = 7 * 24 * 3600


@dataclass(frozen=True)
class State:
    """A training after an epoch.

    Attributes:
        epoch: how many are done.
        losses: float64 (levels,), mean loss over the last one.
        generator: state of NumPy's bit generator.
        arrays: all that a step changes, weights and what the optimizer keeps of them.
    """

    epoch: int
    losses: np.ndarray
    generator: Mapping[str, Any]
    arrays: Sequence[np.ndarray]


@dataclass(frozen=True)
class Unfinished:
    """Where the state of one training is kept until it is finished."""

    path: Path

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Unfinished:
        """The place for a training that these JSON-ready facts determine, in the cache; old states of others are dropped."""
        folder = cache_folder("unfinished")
        for path in folder.iterdir():
            if path.stat().st_mtime < time.time() - KEPT_S:
                path.unlink(missing_ok=True)
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return cls(folder / f"{key}.npz")

    def load(self) -> State | None:
        """The state, None where there is none.

        Raises:
            ProtocolError: the file is damaged.
        """
        if not self.path.is_file():
            return None
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                header = json.loads(bytes(stored[_HEADER]))
                arrays = [stored[f"array{index}"] for index in range(header["arrays"])]
                return State(int(header["epoch"]), stored[_LOSSES], header["generator"], arrays)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            do = f"remove {self.path} to train from the beginning"
            raise ProtocolError("what an earlier run of this training left cannot be read", seen=str(error), do=do) from error

    def save(self, state: State) -> None:
        """Keep a state in place of the one before; a run that is killed meanwhile leaves the one before."""
        header = json.dumps({"epoch": state.epoch, "generator": state.generator, "arrays": len(state.arrays)}).encode()
        arrays = {f"array{index}": array for index, array in enumerate(state.arrays)}
        staging = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with staging.open("wb") as file:
                np.savez(file, allow_pickle=False, **{_HEADER: np.frombuffer(header, np.uint8), _LOSSES: state.losses}, **arrays)
            staging.replace(self.path)
        finally:
            staging.unlink(missing_ok=True)
