"""The page: a report's facts put into the templates, everything that it needs inlined."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import summary, units
from harness.judging import Verdict, sides
from harness.judging.tables import most_telling_first, percent
from harness.judging.tables import number as number_text
from harness.records import OUTCOMES, last_outcomes
from harness.report import inlining, table
from harness.report.collect import Change, Report
from harness.report.figure import unique
from harness.report.networks import unique as each_once
from harness.report.style import CONFIG, PAPER
from harness.summary import Row
from harness.wording import counted, damage, minute, size
from reds.errors import MissingError

CHANGES_SHOWN = 50
DEVICES_NAMED = 3  # in the title; if there are more, their number
# What a reader must act on, or may be glad of; the rest is folded away.
CLEAR = frozenset({Verdict.FAILED, Verdict.WORSE, Verdict.MISSING, Verdict.BETTER})
# Verdicts are told by sign and word, never by colour alone.
SIGNS: Mapping[Verdict, str] = {
    Verdict.FAILED: "✕",
    Verdict.WORSE: "▼",
    Verdict.MISSING: "∅",
    Verdict.UNSTABLE: "≈",
    Verdict.BETTER: "▲",
    Verdict.NEW: "+",
    Verdict.SAME: "=",
}


def write_page(report: Report, target: Path) -> str:
    """Write a report as one HTML file.

    Args:
        report: what the page shows (`harness.report.collect`).
        target: the file; its folder is made, a file that is there is replaced.

    Returns:
        What was written where, for people.

    Raises:
        MissingError: a package is missing, or the file cannot be written.
    """
    page = render(report).encode()
    made = "" if target.parent.is_dir() else f", in the new folder {target.parent}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(page)
    except OSError as error:
        raise MissingError(f"the report could not be written to {target}", seen=error.strerror, do="name another file") from error
    return f"{target} ({size(len(page))}, {counted(len(report.figures), 'figure')}{made})"


def render(report: Report) -> str:
    """The whole page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  (comes with Altair)

    environment = Environment(
        loader=FileSystemLoader(inlining.TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number_text,
        "percent": percent,
        "count": _count,
        "minute": minute,
        "damage": damage,
        "short_unit": units.short,
        "commit": sides.commit,
    }
    environment.globals |= {"signs": SIGNS}
    return environment.get_template("report.html").render(_context(report))


def _context(report: Report) -> dict[str, Any]:
    run = report.run
    figures = report.figures
    inlined = [*([inlining.vega_script()] if figures else []), inlining.own_script()]
    names = unique(figures, set())
    devices = each_once([*(d.id for d in run.devices), *(m.device for m in run.measurements if m.device)])
    return {
        "report": report,
        "run": run.run,
        "file": run,
        "name": sides.name(run),
        "paper": PAPER,
        "networks": each_once(f"{m.architecture}-{m.dataset}" for m in run.measurements),
        "devices": devices,
        "devices_named": DEVICES_NAMED,
        "command": shlex.join(run.run.command),
        "title": _title(report.run.run.matrix, devices),
        "datasets": each_once(m.dataset for m in run.measurements),
        "precisions": each_once(m.precision for m in run.measurements if m.precision),
        "outcomes": _outcomes(report),
        "seconds": sum(o.seconds for o in run.outcomes),
        "change": report.change and _change(report.change),
        "glance": list(_glance(summary.rows(run.measurements))),
        "notes": summary.footnotes(summary.rows(run.measurements)),
        "counted_units": sorted({m.unit for m in run.measurements} & units.COUNTED.keys()),
        "figure_names": {id(figure): name for figure, name in zip(figures, names, strict=True)},
        "id_of": id,
        "style": (inlining.TEMPLATES / "report.css").read_text(encoding="utf-8"),
        "scripts": inlined,
        "policy": inlining.policy(inlined),
        "charts": inlining.safe_json({name: figure.chart for figure, name in zip(figures, names, strict=True)}),
        "config": inlining.safe_json(CONFIG),
        "measurements": inlining.safe_json(_table(report)),
    }


def _title(matrix: str, devices: Sequence[str]) -> str:
    """What was run where, in a few words."""
    named = ", ".join(devices) if len(devices) <= DEVICES_NAMED else counted(len(devices), "device")
    return f"{matrix} on {named}" if devices else matrix


def _table(report: Report) -> dict[str, Any]:
    if report.change is None:
        return table.data(report.run.measurements)
    judged = report.change.judged
    known = {m.key for m in report.run.measurements}
    missing = [m for m in judged.before_alike.measurements if m.key not in known]
    return table.data(report.run.measurements, judged.comparisons, missing)


def _outcomes(report: Report) -> dict[str, int]:
    counts = Counter(o.outcome for o in last_outcomes(report.run.outcomes).values())
    return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}


@dataclass(frozen=True)
class Glance:
    """A placement in one line: what its largest and its smallest subnetwork do."""

    largest: Row
    smallest: Row
    count: int


def _glance(rows: Sequence[Row]) -> Iterator[Glance]:
    placements: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        placements.setdefault((row.architecture, row.dataset, row.precision, row.device), []).append(row)
    order = each_once(place[:2] for place in placements)
    for place in sorted(placements, key=lambda place: (order.index(place[:2]), place[2])):
        own = placements[place]
        yield Glance(own[0], own[-1], len(own))


def _change(change: Change) -> dict[str, Any]:
    """What the front page says of a comparison: counts, and the values that changed, the most telling first."""
    judged = change.judged
    telling = most_telling_first(judged.comparisons)
    changed = [c for c in telling if c.verdict in CLEAR]
    unclear = [c for c in telling if c.verdict not in CLEAR and (c.verdict is not Verdict.SAME or c.differs) and c.in_both]
    return {
        "judged": judged,
        "before": judged.before,
        "facts": sides.facts_that_differ(judged.before, judged.run),
        "counts": {verdict: judged.counts[verdict] for verdict in SIGNS if judged.counts[verdict]},
        "circumstances": judged.counts.changed_circumstances,
        "name": sides.name(judged.before),
        "regressions": len(judged.regressions) + len(judged.failed_tests),
        "groups": judged.groups,
        "changed": changed,
        "unclear": unclear,
        "shown": CHANGES_SHOWN,
        "fronts": change.fronts,
    }


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
