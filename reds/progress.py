"""Showing how far long work is: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

Progress = Callable[[str, float], None]
"""Called with what is being done ("mlp1-digits-0: pretrained") and by how many steps it went on, or by what part of one."""

Amounts = Callable[[str, int, int], None]
"""Called with what is being done ("unpacking x.tar.gz"), how much of it is done, and how much there is, in one unit."""

ROUNDING = 1e-6  # of a step, which a sum of its parts may lack


def silent(_doing: str, _steps: float) -> None:
    """Shows nothing."""


def no_amounts(_doing: str, _done: int, _total: int) -> None:
    """Shows nothing."""


class EpochsShown:
    """The epochs of a training (see `reds.plans.EpochsDone`) as steps of a progress; one that goes on says so.

    Args:
        doing: what it is called.
        progress: what is told, at once and with every call.
    """

    def __init__(self, doing: str, progress: Progress) -> None:
        self._doing, self._progress, self._done = doing, progress, 0.0
        self._begun = False
        progress(doing, 0)

    def __call__(self, done: float) -> None:
        self._progress(self._doing, done - self._done)
        if not self._begun and done:
            self._doing += f", going on after epoch {done:g}"
            self._progress(self._doing, 0)
        self._begun, self._done = True, done

    def finish(self, epochs: int) -> None:
        """All is done that was announced as so many epochs, whether it was made or found."""
        self._progress(self._doing, epochs - self._done)


@contextmanager
def showing_on_terminal(total: int, stream: TextIO = sys.stderr) -> Iterator[Progress]:
    """As `showing` on a terminal; elsewhere nothing is shown."""
    if not stream.isatty():
        yield silent
        return
    with _bar(total, stream) as progress:
        yield progress


@contextmanager
def showing(total: int, stream: TextIO = sys.stderr) -> Iterator[Progress]:
    """A progress that shows itself on the stream, out of `total` steps."""
    with (_bar if stream.isatty() else _lines)(total, stream) as progress:
        yield progress


@contextmanager
def _bar(total: int, stream: TextIO) -> Iterator[Progress]:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415

    def whole() -> Column:
        return Column(no_wrap=True)  # on a narrow terminal the words take several lines, the numbers stay legible

    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=False)),
        BarColumn(20, table_column=whole()),
        MofNCompleteColumn(table_column=whole()),
        TextColumn("{task.percentage:.1f} %", table_column=whole()),  # an epoch may be less than one percent
        TimeElapsedColumn(table_column=whole()),
        TextColumn("left:", table_column=whole()),
        TimeRemainingColumn(table_column=whole()),
    )
    with Bar(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda doing, steps: bar.update(task, description=doing, advance=steps)


@contextmanager
def _lines(total: int, stream: TextIO) -> Iterator[Progress]:
    done, last, said = 0.0, "", 0

    def progress(doing: str, steps: float) -> None:
        nonlocal done, last, said
        whole = int(done + ROUNDING)
        tenth = 10 * whole // max(total, 1)
        if doing != last or tenth > said:
            print(f"[{100 * whole // max(total, 1):3d} %] {doing}", file=stream, flush=True)
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
