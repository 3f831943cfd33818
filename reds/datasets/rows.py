"""Arrays on disk that are written row by row: the whole never lies in memory, and a full disk is an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

BLOCK_ROWS = 1024


def write_rows(path: Path, shape: tuple[int, ...], dtype: np.dtype | type, blocks: Iterable[np.ndarray]) -> None:
    """Write a `.npy` file of this shape, its rows taken from the blocks in turn.

    Plain writes, not a mapped file: on a full disk those raise OSError, a mapped page would end the process.
    """
    wanted, written = np.dtype(dtype), 0
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": npy.dtype_to_descr(wanted), "fortran_order": False, "shape": shape})
        for block in blocks:
            rows = np.ascontiguousarray(block, wanted).reshape(-1, *shape[1:])
            file.write(rows.tobytes())
            written += len(rows)
    assert written == shape[0], f"{written} rows, not {shape[0]}"


def mapped(path: Path) -> np.ndarray:
    """The array of a `.npy` file, mapped read-only; ValueError or OSError where it is none."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def blocks_of(array: np.ndarray, rows: int = BLOCK_ROWS) -> Iterator[np.ndarray]:
    """The array in blocks of so many rows."""
    for start in range(0, len(array), rows):
        yield array[start : start + rows]
