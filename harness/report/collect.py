"""Everything that a report shows, gathered from a run: figures by network, fronts, what changed, how tests ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from altair.utils import schemapi

from harness import history, pareto, published
from harness.judging import JudgedRun
from harness.pareto import Front, FrontChange
from harness.published import Published, Shelf
from harness.readings import RunReadings
from harness.records import FAILURES, last_outcomes
from harness.report import fronts as front_figures
from harness.report import histories, layers, searches, switching, tradeoffs
from harness.report.figure import Figure, Group, slug
from harness.report.networks import Network, networks, unique
from harness.report.style import Colours, colour_of_device
from harness.run_file import RunFile
from reds.errors import ConfigError

NO_REASON = "no reason given"


@dataclass(frozen=True)
class Section:
    """A part of the page: what was measured of one network, or across all."""

    anchor: str
    title: str
    subtitle: str
    groups: Sequence[Group]


@dataclass(frozen=True)
class Change:
    """The run beside an earlier one.

    Attributes:
        judged: value by value.
        fronts: what became of accuracy against latency, by device.
    """

    judged: JudgedRun
    fronts: Sequence[FrontChange]


@dataclass(frozen=True)
class Reason:
    """Tests that ended alike, for the same reason."""

    outcome: str
    reason: str
    tests: Sequence[str]


@dataclass(frozen=True)
class Report:
    """A run, ready to be shown.

    Attributes:
        change: None without a run to compare with.
        fronts: of accuracy against latency.
        sections: one for each network, then those across networks.
        unpassed: failed tests first, then errors, then skipped ones.
    """

    run: RunFile
    change: Change | None
    fronts: Sequence[Front]
    sections: Sequence[Section]
    unpassed: Sequence[Reason]

    @property
    def figures(self) -> list[Figure]:
        """All figures, in the order of the page."""
        return [figure for section in self.sections for group in section.groups for figure in group.figures]


def collect(
    run: RunFile,
    judged: JudgedRun | None = None,
    past: Sequence[RunReadings] = (),
    published_values: Sequence[Published] | None = None,
) -> Report:
    """Gather what a report of `run` shows.

    Args:
        run: what is reported.
        judged: the run judged by an earlier one; the report says what changed since.
        past: earlier runs for plots over time, oldest first (`harness.sources.values`); not needed for anything else.
        published_values: to show beside the measured ones; those of results/paper if None.
    """
    values = published.load() if published_values is None else published_values
    measured = networks(run.measurements)
    shelves = [Shelf(values, network.architecture, network.dataset) for network in measured]
    devices = unique([*(d.id for d in run.devices), *(m.device for m in run.measurements if m.device)])
    colours = Colours([tradeoffs.MEASURED], {device: colour_of_device(device) for device in devices})
    found = _fronts(run)
    change = None if judged is None else _change(judged)
    with schemapi.debug_mode(False):  # does without a check of every chart against the schema, which the tests make
        sections = [_network(network, shelf, colours) for network, shelf in zip(measured, shelves, strict=True)]
        sections += _across(found, change, measured, shelves, past)
    return Report(
        run,
        change,
        found,
        [section for section in sections if section.groups],
        list(_unpassed(run)),
    )


def _fronts(run: RunFile) -> list[Front]:
    try:
        return pareto.fronts(run)
    except ConfigError:  # accuracies without latencies
        return []


def _change(judged: JudgedRun) -> Change:
    try:
        changes = pareto.compare_fronts(judged.before_alike, judged.run)
    except ConfigError:  # neither run has a front
        changes = []
    return Change(judged, changes)


NAMES = "Subnetworks are named by the budget that they were searched for; the axis is their true cost."
UNITS = "Each unit on axes of its own, a line for each device. What is proportional to the work is a line through the corner."
SWITCHES = "From each subnetwork (rows) to each other (columns), in the device's own unit."
FRONTS = "Accuracy against latency, by device: what lies below and to the right of another loses to it."
PAST = "Earlier runs, oldest first; vertical lines mark where a level changed, with the commits between."


def _network(network: Network, shelf: Shelf, colours: Colours) -> Section:
    groups = (
        Group("Cost and accuracy", NAMES, list(tradeoffs.figures(network, shelf, colours))),
        Group("Latency", UNITS, list(tradeoffs.latencies(network, shelf, colours)), small=True),
        Group("Switching", SWITCHES, list(switching.figures(network)), small=True),
        Group("Where time goes", "Layer by layer, a bar for each subnetwork.", list(layers.profiles(network)), small=True),
        Group("Where memory goes", "Activations that each layer reads and writes.", list(layers.memory(network))),
    )
    return _section(slug("network", network.name), network.architecture, f"on {network.dataset}", *groups)


def _across(
    found: Sequence[Front],
    change: Change | None,
    measured: Sequence[Network],
    shelves: Sequence[Shelf],
    past: Sequence[RunReadings],
) -> Iterator[Section]:
    """The sections that look at all networks together."""
    changes = {c.place: c for c in change.fronts} if change else {}
    architectures = Colours(network.architecture for network in measured)
    searched = Colours(network.name for network in measured)
    fronts = list(front_figures.figures(found, changes, architectures))
    yield _section("pareto", "Best subnetworks", "", Group("", FRONTS, fronts))
    yield _section(
        "search", "Search", "", Group("", searches.note(measured), list(searches.figures(measured, shelves, searched)))
    )
    yield _section("history", "History", "", Group("", PAST, list(histories.figures(history.series(past))), small=True))


def _section(anchor: str, title: str, subtitle: str, *groups: Group) -> Section:
    return Section(anchor, title, subtitle, [group for group in groups if group.figures])


def _unpassed(run: RunFile) -> Iterator[Reason]:
    """Failures one by one, skipped tests by their reason."""
    ended = [o for o in last_outcomes(run.outcomes).values() if o.outcome != "passed"]
    reasons: dict[str, list[str]] = {}
    for o in ended:
        if o.outcome == "skipped":
            reasons.setdefault(o.reason or NO_REASON, []).append(o.test)
    for kind in FAILURES:
        yield from (Reason(kind, o.reason or NO_REASON, (o.test,)) for o in ended if o.outcome == kind)
    for reason, tests in sorted(reasons.items(), key=lambda item: -len(item[1])):
        yield Reason("skipped", reason, tests)
