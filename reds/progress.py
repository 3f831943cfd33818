"""Showing how far long work is: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Progress = Callable[[str, int], None]
"""Called with what is being done ("mlp1-digits-0: pretrained") and by how many steps it went on."""


def silent(_doing: str, _steps: int) -> None:
    """Shows nothing."""


@contextmanager
def showing(total: int, stream: TextIO = sys.stderr) -> Iterator[Progress]:
    """A progress that shows itself on the stream, out of `total` steps."""
    with (_bar if stream.isatty() else _lines)(total, stream) as progress:
        yield progress


@contextmanager
def _bar(total: int, stream: TextIO) -> Iterator[Progress]:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda doing, steps: bar.update(task, description=doing, advance=steps)


@contextmanager
def _lines(total: int, stream: TextIO) -> Iterator[Progress]:
    done, last = 0, ""

    def progress(doing: str, steps: int) -> None:
        nonlocal done, last
        if doing != last:
            print(f"[{100 * done // max(total, 1):3d} %] {doing}", file=stream, flush=True)
        done, last = done + steps, doing

    yield progress
