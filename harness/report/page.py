"""The page: a report's facts put into the templates, everything that it needs inlined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import summary
from harness.judging import Comparison, Verdict
from harness.judging.tables import most_telling_first
from harness.judging.tables import number as number_text
from harness.readings import RunReadings
from harness.records import OUTCOMES
from harness.report import inlining, table
from harness.report.collect import Change, Report, collect
from harness.report.figure import unique
from harness.report.networks import unique as each_once
from harness.report.style import CONFIG, PAPER
from harness.run_file import RunFile
from harness.summary import COUNTED_UNITS, Row
from reds.errors import MissingError

CHANGES_SHOWN = 50
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


def write_report(run: RunFile, against: RunFile | None, history: Sequence[RunReadings], target: Path) -> Report:
    """Write the report of a run as one HTML file; what it shows.

    Args:
        run: what is reported.
        against: an earlier run to compare with, or None.
        history: earlier runs for plots over time, oldest first; may be empty.
        target: the file; its folder is made, a file that is there is replaced.

    Raises:
        MissingError: a package is missing, or the file cannot be written.
    """
    report = collect(run, against, history)
    write_page(report, target)
    return report


def write_page(report: Report, target: Path) -> None:
    """Write a report; as `write_report`."""
    page = render(report)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise MissingError(f"the report could not be written to {target}", seen=error.strerror, do="give --html FILE") from error


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
    environment.filters |= {"number": number_text, "percent": _percent, "count": _count, "commit": _commit}
    environment.globals |= {"signs": SIGNS}
    return environment.get_template("report.html").render(_context(report))


def _context(report: Report) -> dict[str, Any]:
    run = report.run
    inlined = inlining.scripts()
    figures = report.figures
    names = unique(figures, set())
    return {
        "report": report,
        "run": run.run,
        "file": run,
        "paper": PAPER,
        "networks": each_once(f"{m.architecture}-{m.dataset}" for m in run.measurements),
        "devices": each_once([*(d.id for d in run.devices), *(m.device for m in run.measurements if m.device)]),
        "datasets": each_once(m.dataset for m in run.measurements),
        "precisions": each_once(m.precision for m in run.measurements if m.precision),
        "outcomes": _outcomes(report),
        "seconds": sum(o.seconds for o in run.outcomes),
        "change": report.change and _change(report.change),
        "glance": list(_glance(summary.rows(run.measurements))),
        "notes": summary.footnotes(summary.rows(run.measurements)),
        "counted_units": sorted({m.unit for m in run.measurements} & COUNTED_UNITS.keys()),
        "figure_names": {id(figure): name for figure, name in zip(figures, names, strict=True)},
        "id_of": id,
        "style": (inlining.TEMPLATES / "report.css").read_text(encoding="utf-8"),
        "scripts": inlined,
        "policy": inlining.policy(inlined),
        "charts": inlining.safe_json({name: figure.chart for figure, name in zip(figures, names, strict=True)}),
        "config": inlining.safe_json(CONFIG),
        "measurements": inlining.safe_json(_table(report)),
    }


def _table(report: Report) -> dict[str, Any]:
    if report.change is None:
        return table.data(report.run.measurements)
    known = {m.key for m in report.run.measurements}
    missing = [m for m in report.change.before.measurements if m.key not in known]
    return table.data(report.run.measurements, report.change.comparisons, missing)


def _outcomes(report: Report) -> dict[str, int]:
    counts = Counter(o.outcome for o in report.run.outcomes)
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
    telling = most_telling_first(change.comparisons)
    changed = [c for c in telling if c.verdict in CLEAR]
    unclear = [c for c in telling if c.verdict not in CLEAR and (c.verdict is not Verdict.SAME or c.differs) and c.in_both]
    return {
        "before": change.before,
        "counts": {verdict: change.counts[verdict] for verdict in SIGNS if change.counts[verdict]},
        "circumstances": change.counts.changed_circumstances,
        "summary": str(change.counts),
        "common": change.counts.common,
        "regressions": _named(c for c in changed if c.verdict in {Verdict.WORSE, Verdict.FAILED}),
        "changed": changed,
        "unclear": unclear,
        "shown": CHANGES_SHOWN,
        "fronts": change.fronts,
    }


def _named(comparisons: Iterator[Comparison]) -> list[str]:
    return [str(c.key) for c in comparisons]


def _percent(share: float | None, sign: str = "+") -> str:
    return "" if share is None else f"{100 * share:{sign}.2f} %"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _commit(sha: str | None) -> str:
    return "outside a repository" if sha is None else sha[:10]
