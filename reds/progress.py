"""Showing how far long work is: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

Progress = Callable[[str, int], None]
"""Called with what is being done ("mlp1-digits-0: pretrained") and by how many steps it went on."""

Amounts = Callable[[str, int, int], None]
"""Called with what is being done ("unpacking x.tar.gz"), how much of it is done, and how much there is, in one unit."""


def silent(_doing: str, _steps: int) -> None:
    """Shows nothing."""


def no_amounts(_doing: str, _done: int, _total: int) -> None:
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
    done, last, said = 0, "", 0

    def progress(doing: str, steps: int) -> None:
        nonlocal done, last, said
        tenth = 10 * done // max(total, 1)
        if doing != last or tenth > said:
            print(f"[{100 * done // max(total, 1):3d} %] {doing}", file=stream, flush=True)
            said = tenth
        done, last = done + steps, doing

    yield progress


@contextmanager
def showing_amounts(stream: TextIO = sys.stderr) -> Iterator[Amounts]:
    """Shows on the stream how far each piece of work is: one bar for each or, elsewhere than on a terminal, some lines."""
    with (_bars if stream.isatty() else _tenths)(stream) as amounts:
        yield amounts


@contextmanager
def _bars(stream: TextIO) -> Iterator[Amounts]:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(file=stream)) as bar:
        tasks: dict[str, Any] = {}

        def amounts(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = bar.add_task(doing, total=total)
            bar.update(tasks[doing], completed=done, total=total)

        yield amounts


@contextmanager
def _tenths(stream: TextIO) -> Iterator[Amounts]:
    yield tenths(lambda text: print(text, file=stream, flush=True))


def tenths(say: Callable[[str], None]) -> Amounts:
    """Amounts that are said in words at the beginning and whenever another tenth is done."""
    said: dict[str, int] = {}

    def amounts(doing: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if said.get(doing, -1) < tenth:
            said[doing] = tenth
            say(f"{doing}, {10 * tenth} %")

    return amounts
