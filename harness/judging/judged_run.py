"""A whole run judged by an earlier one: what the gate, the report, the summary and `compare` all go by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from harness.judging.comparison import Comparison, compare, first_line
from harness.judging.extent import Extent
from harness.judging.grouping import Alike, alike
from harness.judging.tables import most_telling_first
from harness.judging.tally import Tally, tally
from harness.judging.thresholds import Thresholds
from harness.judging.verdict import Verdict
from harness.records import FAILURES, Measurement, Outcome, last_outcomes
from harness.run_file import RunFile
from harness.wording import counted, one_line

TEST_IS_GONE = "its test is no longer there"
DID_NOT_RUN = "its test did not run"
ALL_NEW = "nothing was judged"
NAMES_SHOWN = 6
REGRESSIONS = frozenset({Verdict.WORSE, Verdict.MISSING, Verdict.FAILED})


@dataclass(frozen=True)
class JudgedRun:
    """A run beside an earlier one.

    Attributes:
        before, run: the earlier run and the one that is judged.
        comparisons: the values that the run measured, or was asked for (`Extent`).
        left_out: values of the earlier run that the run was not asked for, or could not measure for lack of a device. They are
            not missing.
        failed_tests: what passed before and failed now without being the test of any of these values.
        idle_rules: what is to be said of thresholds that no value falls under.
    """

    before: RunFile
    run: RunFile
    comparisons: tuple[Comparison, ...]
    left_out: tuple[Comparison, ...]
    failed_tests: tuple[Outcome, ...]
    idle_rules: tuple[str, ...] = ()

    @property
    def with_all(self) -> JudgedRun:
        """The same, had the run been asked for all of the earlier one: what was left out is missing."""
        return replace(self, comparisons=(*self.comparisons, *self.left_out), left_out=())

    @cached_property
    def counts(self) -> Tally:
        """The comparisons by verdict."""
        return tally(self.comparisons)

    @cached_property
    def regressions(self) -> list[Comparison]:
        """Values that got worse, whose test failed, or that a test no longer gives; the most telling first."""
        return [c for c in most_telling_first(self.comparisons) if c.verdict in REGRESSIONS]

    @property
    def comparable(self) -> bool:
        """Whether there is anything to judge: a value that both runs hold, or a test that failed only now."""
        return bool(self.counts.common or self.counts[Verdict.FAILED] or self.failed_tests)

    @property
    def passed(self) -> bool:
        """Whether a value could be judged, all of them were measured, and there is no regression.

        What asks for a new baseline is no regression, but where all values do the run says nothing and does not pass.
        """
        return self.counts.judged > 0 and not (self.regressions or self.failed_tests or self.run.cut_short)

    @property
    def headline(self) -> str:
        """The outcome in a few words."""
        if not self.comparable:
            return "nothing in common"
        found = len(self.regressions) + len(self.failed_tests)
        nothing = "no regression" if self.counts.judged else ALL_NEW
        regressions = counted(found, "regression") if found else nothing
        return ", ".join(filter(None, (regressions, self._needing_baseline, self.run.cut_short)))

    @property
    def _needing_baseline(self) -> str:
        count = self.counts.needing_baseline
        return f"{counted(count, 'value')} need{'s' * (count == 1)} a new baseline" if count else ""

    @property
    def regression_lines(self) -> list[str]:
        """The regressions as text: a line for those that are alike, a single one with the test that measured it."""
        return [_line(group) for group in self.groups]

    @property
    def failure_lines(self) -> list[str]:
        """The failed tests as text."""
        return [
            f"{one_line(first_line(outcome))}\n    {one_line(outcome.test)}, which passed before" for outcome in self.failed_tests
        ]

    @property
    def lines(self) -> list[str]:
        """The totals as text: why the run says too little, what was left out, the verdicts, and last the deterministic values."""
        values = counted(len(self.left_out), "value")
        left_out = f"left out: {values} of the earlier run, not asked for or not available in this one"
        said = self.run.cut_short, ALL_NEW if self.comparable and not self.counts.judged else None
        return [*filter(None, said), *([left_out] if self.left_out else []), *self.idle_rules, *self.counts.lines]

    @property
    def nothing_in_common(self) -> str:
        """What each of two runs measured that have no value in common."""
        return "; ".join(f"{letter}: {_measured(run)}" for letter, run in (("A", self.before), ("B", self.run)))

    @cached_property
    def groups(self) -> list[Alike]:
        """The regressions, those that are alike together."""
        return alike(self.regressions)

    @cached_property
    def before_alike(self) -> RunFile:
        """The earlier run as if it had been asked for no more than the later one."""
        left_out = {c.key for c in self.left_out}
        return replace(self.before, measurements=tuple(m for m in self.before.measurements if m.key not in left_out))


def _measured(run: RunFile) -> str:
    """Devices and networks of a run's values, few enough to be read."""
    networks = dict.fromkeys(f"{m.architecture}-{m.dataset}" for m in run.measurements)
    devices = dict.fromkeys(m.device for m in run.measurements if m.device is not None)
    parts = (_some(devices) or "no device", _some(networks) or "no network")
    return f"{counted(len(run.measurements), 'value')} of {' with '.join(parts)}"


def _some(names: Iterable[str]) -> str:
    (*shown,) = names
    more = len(shown) - NAMES_SHOWN
    return ", ".join([*shown[:NAMES_SHOWN], *([f"{more} more"] if more > 0 else [])])


def _line(group: Alike) -> str:
    (first, *more) = group.comparisons
    return one_line(group.line) + ("" if more else f"\n    {one_line(first.test)}")


def before_alike(before: RunFile, run: RunFile) -> RunFile:
    """The earlier run without the values that the later one was not asked for, or could not measure for lack of a device."""
    extent, keys = Extent(before, run), {m.key for m in run.measurements}
    return replace(before, measurements=tuple(m for m in before.measurements if m.key in keys or extent.holds(m)))


def judge_run(before: RunFile, run: RunFile, thresholds: Thresholds) -> JudgedRun:
    """Judge every value of a run by those of an earlier one.

    Args:
        before, run: the two runs.
        thresholds: from which change on a value counts as changed.
    """
    extent, ended = Extent(before, run), last_outcomes(run.outcomes)
    kept, left_out = [], []
    earlier = {m.key: m for m in before.measurements}
    for c in compare(before, run, thresholds):
        if c.b is not None:
            kept.append(c)
        elif extent.holds(earlier[c.key]):
            kept.append(replace(c, reason=c.reason or _why_missing(extent, earlier[c.key])))
        else:
            left_out.append(replace(c, reason=c.reason or DID_NOT_RUN))
    shown = {c.test for c in kept if c.verdict is Verdict.FAILED}
    passed_before = {test for test, outcome in last_outcomes(before.outcomes).items() if outcome.outcome == "passed"}
    failed = (o for o in ended.values() if o.outcome in FAILURES and o.test in passed_before - shown)
    return JudgedRun(before, run, tuple(kept), tuple(left_out), tuple(failed), tuple(thresholds.idle(before, run)))


def _why_missing(extent: Extent, value: Measurement) -> str:
    """Why a run lacks a value that it was asked for, where its test does not say."""
    if not extent.lost_test(value):
        return ""
    names = extent.lost_names(value)
    return f"no longer in the matrix: {', '.join(names)}" if names else TEST_IS_GONE
