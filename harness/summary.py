"""The table of a run: one row for each subnetwork of each placement, built from the measurements alone."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import units
from harness.records import Key, Measurement
from harness.wording import counted, one_line

HEADS = {"architecture": "model", "dataset": "data set", "precision": "type", "device": "device"}


@dataclass(frozen=True)
class Row:
    """One subnetwork of one placement; None stands for what the run did not measure.

    Attributes:
        accuracy_percent: share of the inferred test samples that were classified rightly; of `accuracy_samples` samples.
        macs: true multiply-adds of one inference.
        image_bytes: size of the `.reds` image, which holds all subnetworks.
        latency, switch: in `unit`, the unit of the device's own clock; `switch` is the most over all levels before.
        switch_complete: whether the change from every other subnetwork was measured.
    """

    architecture: str
    dataset: str
    precision: str
    device: str
    subnet: str
    accuracy_percent: float | None
    accuracy_samples: int | None
    macs: int | None
    image_bytes: int | None
    latency: float | None
    unit: str | None
    switch: float | None
    switch_complete: bool


def rows(measurements: Iterable[Measurement]) -> list[Row]:
    """The rows of the table, in the order in which the subnetworks were first measured."""
    placements: dict[tuple[str, str, str, str], list[Measurement]] = defaultdict(list)
    for m in measurements:
        if m.precision is not None and m.device is not None:
            placements[m.architecture, m.dataset, m.precision, m.device].append(m)
    return [row for place, measured in placements.items() for row in _placement_rows(place, measured)]


def _placement_rows(place: tuple[str, str, str, str], repeated: Sequence[Measurement]) -> Iterator[Row]:
    measured = _last_of_each(repeated)
    image_bytes = next((int(m.value) for m in measured if m.metric == "image_bytes"), None)
    subnets: dict[str, list[Measurement]] = defaultdict(list)
    for m in measured:
        if m.subnet is not None:
            subnets[m.subnet].append(m)
    for subnet, own in sorted(subnets.items(), key=lambda item: -_macs(item[1])):
        accuracy = _last(own, "accuracy")
        latency = _last(own, "latency")
        switches = [m for m in own if m.metric == "switch"]
        timed = latency or next(iter(switches), None)
        yield Row(
            *place,
            subnet,
            accuracy_percent=None if accuracy is None else 100 * accuracy.value,
            accuracy_samples=None if accuracy is None else accuracy.sample_count,
            macs=_macs(own) or None,
            image_bytes=image_bytes,
            latency=None if latency is None else latency.value,
            unit=None if timed is None else timed.unit,
            switch=max((m.value for m in switches), default=None),
            switch_complete=len({m.from_subnet for m in switches}) >= len(subnets) - 1,
        )


def _last_of_each(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Of a value that was measured again the last measurement, in the order of these."""
    last: dict[Key, Measurement] = {}
    for m in measurements:
        last.pop(m.key, None)
        last[m.key] = m
    return list(last.values())


def _macs(measurements: Sequence[Measurement]) -> int:
    """Multiply-adds of the subnetwork that was measured, 0 if no measurement tells."""
    return next((m.macs for m in measurements if m.macs is not None), 0)


def _last(measurements: Sequence[Measurement], metric: str) -> Measurement | None:
    return next((m for m in reversed(measurements) if m.metric == metric), None)


def repetitions(measurements: Iterable[Measurement]) -> list[str]:
    """A line for each device on which something had to be repeated."""
    flaky: dict[str, list[int]] = defaultdict(list)
    for m in measurements:
        if m.device is not None and m.attempts > 1:
            flaky[m.device].append(m.attempts - 1)
    return [
        f"{device}: {counted(sum(times), 'repetition')} in {counted(len(times), 'measurement')}"
        " (requests sent again, connections made anew)"
        for device, times in flaky.items()
    ]


def to_dicts(table_rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as JSON-ready objects."""
    return [asdict(row) for row in table_rows]


def render(table_rows: Sequence[Row], width: int, colour: bool) -> str:
    """The table and its footnotes as text.

    Args:
        table_rows: what to show.
        width: columns of the terminal; texts are folded to fit.
        colour: whether to use the terminal's colours.
    """
    datasets = {row.dataset for row in table_rows}
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False
    )
    console.print(_table(table_rows, with_dataset=len(datasets) > 1))
    console.print()
    for note in (*footnotes(table_rows), *switch_notes(table_rows)):
        console.print(one_line(note), markup=False, style="dim")
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def _table(table_rows: Sequence[Row], *, with_dataset: bool) -> Table:
    """Where the terminal is narrow the texts are folded, never the numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0, header_style="bold")
    texts = ("architecture", "dataset", "precision", "device") if with_dataset else ("architecture", "precision", "device")
    for name in texts:
        table.add_column(HEADS[name], overflow="fold", vertical="bottom")
    for number in ("subnet", "accuracy\n%", "MACs", "image\nbytes", "latency"):
        table.add_column(number, justify="right", no_wrap=True, vertical="bottom")
    table.add_column("unit", overflow="fold", vertical="bottom")
    table.add_column("switch", justify="right", no_wrap=True, vertical="bottom")
    for previous, row in zip([None, *table_rows], table_rows, strict=False):
        if previous is not None and _placement(previous) != _placement(row):
            table.add_section()
        table.add_row(*(Text(one_line(cell)) for cell in (*(str(getattr(row, name)) for name in texts), *_cells(row))))
    return table


def _placement(row: Row) -> tuple[str, str, str, str]:
    return row.architecture, row.dataset, row.precision, row.device


def _cells(row: Row) -> Iterator[str]:
    yield row.subnet
    yield "-" if row.accuracy_percent is None else f"{row.accuracy_percent:.1f}"
    yield _count(row.macs)
    yield _count(row.image_bytes)
    yield _count(row.latency)
    yield "-" if row.unit is None else units.short(row.unit)
    yield _count(row.switch) if row.switch is None or row.switch_complete else f">={_count(row.switch)}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def footnotes(table_rows: Iterable[Row]) -> list[str]:
    """What a reader must know to take latencies and accuracies for what they are, in sentences."""
    counting: Mapping[str, set[str]] = defaultdict(set)
    running: set[str] = set()
    samples: Mapping[int, set[str]] = defaultdict(set)
    for row in table_rows:
        if row.unit is not None and row.unit in units.COUNTED:
            counting[row.unit].add(row.device)
        elif row.latency is not None:
            running.add(row.device)
        if row.accuracy_samples is not None:
            samples[row.accuracy_samples].add(row.device)
    notes = [f"Counts of {_listed(devices)}: {units.COUNTED[unit]}." for unit, devices in sorted(counting.items())]
    if running:
        notes.append(f"Times of {_listed(running)}: medians of a clock that runs; what else the machine does shows in them.")
    notes += [f"Accuracy on {_listed(devices)}: {counted(n, 'test sample')}." for n, devices in sorted(samples.items())]
    return notes


def switch_notes(table_rows: Iterable[Row]) -> list[str]:
    """What the column "switch" says, if it says anything."""
    if all(row.switch is None for row in table_rows):
        return []
    return ["Switch: the most that selecting this subnetwork took, over all that were selected before; same unit."]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
