"""From which change on a value counts as changed: defaults for every metric, and the rules of a matrix file."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import PurePosixPath
from typing import Any

from harness.records import LARGEST_NOISE, Measurement
from harness.run_file import RunFile
from reds.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class Threshold:
    """What must hold for a difference to matter.

    Attributes:
        tolerance: for deterministic values, the relative difference that is still the same; 0 asks for equality.
        change: for sampled values, the smallest relative change that matters.
        least: for sampled values, the smallest difference that matters, in the metric's unit: what the clock cannot resolve.
        noise: for sampled values, a relative noise floor known from elsewhere (repeated runs of the same state).
        significance: for sampled values and accuracy, the largest p that counts as a difference.
    """

    tolerance: float = 0.0
    change: float = 0.05
    least: float = 0.0
    noise: float = 0.0
    significance: float = 0.01

    def matters(self, base: float) -> float:
        """From which difference on a sampled value of this size counts as changed."""
        return max(self.change * base, self.least)

    def why_too_small(self, base: float, unit: str) -> str:
        """Why a difference that noise does not explain does not count."""
        if self.least > self.change * base:
            return f"below what the clock resolves, {self.least:g} {unit}"
        return f"below the threshold of {100 * self.change:g} %"


NUMBERS = tuple(field.name for field in fields(Threshold))
# More than these judges nothing any more: a doubled count, a tenfold time, a second or more of any clock, certainty.
LARGEST: Mapping[str, float] = {"tolerance": 1.0, "change": 10.0, "least": 1e9, "noise": LARGEST_NOISE, "significance": 1.0}
# Below this no difference of a run of usual length would ever count.
LEAST_SIGNIFICANCE = 1e-4
SELECTORS = ("metric", "device", "unit", "suite")


@dataclass(frozen=True)
class Rule:
    """Numbers for the values that it selects.

    Attributes:
        metric, device, unit: of the values; None selects all.
        suite: the test file that measures them, "test_latency" or "suites/test_latency.py"; None selects all.
        numbers: attributes of `Threshold`.
    """

    numbers: Mapping[str, float]
    metric: str | None = None
    device: str | None = None
    unit: str | None = None
    suite: str | None = None

    def selects(self, metric: str, device: str | None, unit: str, suite: str) -> bool:
        """Whether the rule holds for a value; `suite` is the path or name of the test file that measures it."""
        wanted = (self.metric, self.device, self.unit, self.suite and _stem(self.suite))
        seen = (metric, device, unit, _stem(suite))
        return all(w is None or w == s for w, s in zip(wanted, seen, strict=True))


def _stem(suite: str) -> str:
    return PurePosixPath(suite).stem


# Differences below a running clock's resolution, and work whose duration depends on what else this computer does.
DEFAULT_RULES = (
    Rule({"least": 10.0}, unit="nanoseconds"),
    Rule({"least": 3.0}, unit="microseconds"),
    Rule({"change": 0.5}, metric="search_seconds"),
)


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of a matrix: of the rules that select a value, each number is the last one's that gives it."""

    rules: tuple[Rule, ...] = DEFAULT_RULES

    def of(self, measurement: Measurement) -> Threshold:
        """What holds for a measured value."""
        suite = measurement.test.partition("::")[0]
        return self.for_value(measurement.metric, measurement.device, measurement.unit, suite)

    def for_value(self, metric: str, device: str | None, unit: str, suite: str) -> Threshold:
        """What holds for values of a metric on a device, measured in this unit by this test file."""
        threshold = Threshold()
        for rule in self.rules:
            if rule.selects(metric, device, unit, suite):
                threshold = replace(threshold, **rule.numbers)
        return threshold

    def idle(self, *runs: RunFile) -> Iterator[str]:
        """A line for each rule of the matrix that no value of these runs falls under, with the nearest names there are.

        A device that the command line left out is no mistake.
        """
        values = [m for run in runs for m in run.measurements]
        places = {(m.metric, m.device, m.unit, _stem(m.test.partition("::")[0])) for m in values}
        narrowed = any("device" in (run.run.narrowed or ()) for run in runs)
        for rule in self.rules[len(DEFAULT_RULES) :]:
            if not any(rule.selects(*place) for place in places) and not (narrowed and rule.device is not None):
                wanted = {name: str(getattr(rule, name)) for name in SELECTORS if getattr(rule, name) is not None}
                known = {name: {place[index] for place in places} for index, name in enumerate(SELECTORS)}
                yield f"thresholds: no value has {', '.join(_with_nearest(n, w, known[n]) for n, w in wanted.items())}"

    @classmethod
    def parse(cls, where: str, tables: object) -> Thresholds:
        """The defaults, then the rules of the tables [[thresholds]] of a TOML file.

        Raises:
            ConfigError: not a list of tables, an unknown key, or a value that is wrong.
        """
        if not isinstance(tables, Sequence) or isinstance(tables, str):
            raise ConfigError(f"thresholds in {where} are not a list of tables", seen=repr(tables), do="write [[thresholds]]")
        rules = tuple(_rule(f"[[thresholds]] {number} of {where}", table) for number, table in enumerate(tables, start=1))
        return cls(DEFAULT_RULES + rules)


def _rule(where: str, table: object) -> Rule:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} is not a table", seen=repr(table))
    for key in table:
        if key not in (*SELECTORS, *NUMBERS):
            raise unknown_name(f"key in {where}:", key, (*SELECTORS, *NUMBERS))
    selectors = {key: _text(where, key, table[key]) for key in SELECTORS if key in table}
    numbers = {key: _number(where, key, table[key]) for key in NUMBERS if key in table}
    if not numbers:
        raise ConfigError(f"{where} sets no number", do=f"give one of {', '.join(NUMBERS)}")
    return Rule(numbers, **selectors)


def _text(where: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key} in {where} is not a name", seen=repr(value))
    return value


def _number(where: str, key: str, value: Any) -> float:
    least = LEAST_SIGNIFICANCE if key == "significance" else 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= LARGEST[key]:
        raise ConfigError(f"{key} in {where} is not a number from {least:g} to {LARGEST[key]:g}", seen=repr(value))
    return float(value)


def _with_nearest(selector: str, wanted: str, known: Collection[str | None]) -> str:
    """ "metric latancy (did you mean latency?)"."""
    name = _stem(wanted) if selector == "suite" else wanted
    near = difflib.get_close_matches(name, [other for other in known if other is not None], n=1)
    meant = f" (did you mean {near[0]}?)" if near and name not in known else ""
    return f"{selector} {wanted}{meant}"
