"""Traces made from a seed: budgets that vary as known causes make them vary.

All are shares of what the whole network needs, so that one trace serves every device. Budgets lie between the bounds `least` and
`most`; harvests are what a store averages out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reds.adaptation.trace import Trace
from reds.errors import ConfigError, unknown_name
from reds.seeds import check_seed

HOUR_S, DAY_S = 3600.0, 86_400.0
MOST_ROWS = 10_000_000


@dataclass(frozen=True)
class Bounds:
    """Between what shares of the whole network's need the budgets lie."""

    least: float = 0.3
    most: float = 1.2

    def __post_init__(self) -> None:
        if not 0 <= self.least < self.most < math.inf:
            raise ConfigError("budgets lie between a lower and an upper share", seen=f"{self.least:g} and {self.most:g}")

    def at(self, position: np.ndarray) -> np.ndarray:
        """The share at a position from 0, the least, to 1, the most."""
        return self.least + (self.most - self.least) * np.clip(position, 0, 1)


@dataclass(frozen=True)
class Kind:
    """A family of traces.

    Attributes:
        summary: what varies and why.
        source: where the model comes from.
        columns: from times, float64 (rows,) in seconds, a random generator and the bounds.
    """

    summary: str
    source: str
    columns: Callable[[np.ndarray, np.random.Generator, Bounds], Mapping[str, np.ndarray]]


def generate(kind: str, seconds: float, step_s: float = 1.0, seed: int = 0, bounds: Bounds | None = None) -> Trace:
    """A trace of a family in `KINDS`.

    Args:
        kind: its name.
        seconds: how long it is.
        step_s: time from one request to the next.
        seed: from 0 to 2**31 - 1.
        bounds: of the budgets.

    Raises:
        ConfigError: an unknown family, a seed out of range, or a length that is not from 2 to 10,000,000 rows.
    """
    if kind not in KINDS:
        raise unknown_name("kind of trace", kind, KINDS)
    if not (0 < step_s < math.inf and 2 <= seconds / step_s <= MOST_ROWS):
        raise ConfigError(f"a trace has from 2 to {MOST_ROWS} rows", seen=f"{seconds:g} s in steps of {step_s:g} s")
    times = np.arange(round(seconds / step_s)) * step_s
    return Trace(times, KINDS[kind].columns(times, np.random.default_rng(check_seed(seed)), bounds or Bounds()))


LATITUDE, DECLINATION = math.radians(47.0), math.radians(10.0)  # central Europe in the middle of April
HAURWITZ = 0.057  # extinction in the clear-sky model
CLOUD_HOLD_S = 900.0
CLOUD_LEAST, SUN_SHARE = 0.25, 0.6


def _solar(times: np.ndarray, rng: np.random.Generator, bounds: Bounds) -> Mapping[str, np.ndarray]:
    """Harvest whose mean over a day without clouds is halfway between the bounds; the trace begins at midnight."""
    cloudy, stay = _two_states(times, rng, CLOUD_HOLD_S * SUN_SHARE, CLOUD_HOLD_S * (1 - SUN_SHARE))
    depth = rng.uniform(CLOUD_LEAST, 1.0, stay[-1] + 1)[stay]
    mean = _clear_sky(np.arange(0.0, DAY_S, 60.0)).mean()
    return {"harvest_share": _clear_sky(times) * np.where(cloudy, depth, 1.0) / mean * float(bounds.at(np.array(0.5)))}


def _clear_sky(times: np.ndarray) -> np.ndarray:
    """What reaches the ground, as a share of the sun above the atmosphere at the zenith."""
    hour_angle = 2 * np.pi * (times / DAY_S - 0.5)
    cosine = np.sin(LATITUDE) * np.sin(DECLINATION) + np.cos(LATITUDE) * np.cos(DECLINATION) * np.cos(hour_angle)
    lit = np.maximum(cosine, 1e-3)
    return np.where(cosine > 0, lit * np.exp(-HAURWITZ / lit), 0.0)


SHEPHERD = (1.0, 0.02, 0.15, 12.0)  # E0, K, A, B with the capacity as 1: a lithium cell's curve, in shares of its rated voltage
CUT_OFF_AT = 0.98  # of the capacity


def _battery(times: np.ndarray, rng: np.random.Generator, bounds: Bounds) -> Mapping[str, np.ndarray]:
    """The further the voltage is above its cut-off, the more energy is allowed; the cell lasts as long as the trace."""
    rated, polarisation, zone, rate = SHEPHERD
    load = np.cumsum(rng.gamma(4.0, 1.0, len(times)))
    drawn = load / load[-1] * CUT_OFF_AT

    def voltage(part: np.ndarray) -> np.ndarray:
        return rated - polarisation / (1 - part) + zone * np.exp(-rate * part)

    ends = voltage(np.array([0.0, CUT_OFF_AT]))
    return {"energy_share": bounds.at((voltage(drawn) - ends[1]) / (ends[0] - ends[1]))}


IDLE_S, BURST_S = 60.0, 30.0


def _bursty(times: np.ndarray, rng: np.random.Generator, bounds: Bounds) -> Mapping[str, np.ndarray]:
    """Another task takes a part of the processor and of the RAM, another part in each of its bursts."""
    busy, burst = _two_states(times, rng, IDLE_S, BURST_S)
    time, ram = (np.where(busy, rng.uniform(0.0, 0.8, burst[-1] + 1)[burst], 1.0) for _ in range(2))
    return {"time_share": bounds.at(time), "ram_share": bounds.at(ram)}


PERIOD_S = 600.0
PHASES = (1.0, 0.55, 0.15)


def _periodic(times: np.ndarray, rng: np.random.Generator, bounds: Bounds) -> Mapping[str, np.ndarray]:
    """Modes of operation, each with its deadline, follow one another; how long each lasts varies by a tenth."""
    count = int(times[-1] / (PERIOD_S * 0.8)) * len(PHASES) + len(PHASES) + 1
    ends = np.cumsum(PERIOD_S / len(PHASES) * rng.uniform(0.9, 1.1, count))
    mode = np.searchsorted(ends, times, side="right") % len(PHASES)
    return {"time_share": bounds.at(np.array(PHASES)[mode])}


SPEED_MEAN, SPEED_DEVIATION = 14.0, 8.0  # metres per second
SPEED_SLOW, SPEED_MOST = 7.0, 36.0  # at and below the one there is most time, at the other least
SPEED_HOLD_S = 120.0


def _vehicle(times: np.ndarray, rng: np.random.Generator, bounds: Bounds) -> Mapping[str, np.ndarray]:
    """A decision is due within a fixed distance: the time for it falls as one over the speed, which reverts to its mean."""
    step = times[1] - times[0]
    keep = math.exp(-step / SPEED_HOLD_S)
    pushes = rng.normal(0.0, SPEED_DEVIATION * math.sqrt(1 - keep * keep), len(times))
    speed = np.clip(SPEED_MEAN + _autoregressive(pushes, keep), SPEED_SLOW, SPEED_MOST)
    return {"time_share": bounds.at((1 / speed - 1 / SPEED_MOST) / (1 / SPEED_SLOW - 1 / SPEED_MOST))}


WALK_PER_ROOT_S = 0.02


def _random_walk(times: np.ndarray, rng: np.random.Generator, bounds: Bounds) -> Mapping[str, np.ndarray]:
    """A walk that turns back at the bounds."""
    steps = rng.normal(0.0, WALK_PER_ROOT_S * math.sqrt(times[1] - times[0]), len(times))
    walk = (0.5 + np.cumsum(steps)) % 2.0
    return {"time_share": bounds.at(np.where(walk > 1, 2 - walk, walk))}


def _two_states(times: np.ndarray, rng: np.random.Generator, first_s: float, second_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether the second of two states is on, bool (rows,), and the number of the stay; times are exponentially distributed."""
    pairs = int(times[-1] / (first_s + second_s) * 2) + 64
    ends = np.cumsum(np.stack([rng.exponential(first_s, pairs), rng.exponential(second_s, pairs)], axis=1).reshape(-1))
    stay = np.searchsorted(ends, times, side="right")
    return stay % 2 == 1, stay


def _autoregressive(pushes: np.ndarray, keep: float) -> np.ndarray:
    """x[t] = keep x[t - 1] + pushes[t]."""
    values, value = np.empty_like(pushes), 0.0
    for index, push in enumerate(pushes.tolist()):
        value = keep * value + push
        values[index] = value
    return values


KINDS: Mapping[str, Kind] = {
    "solar": Kind(
        "energy from a solar cell over days with clouds, for a device with a store",
        "clear sky: B. Haurwitz, Insolation in relation to cloudiness and cloud density, Journal of Meteorology 2 (1945); "
        "clouds: two states with exponentially distributed times",
        _solar,
    ),
    "battery": Kind(
        "energy for an inference, falling with the voltage of a battery that is used up",
        "C. M. Shepherd, Design of primary and secondary cells II, Journal of the Electrochemical Society 112 (1965)",
        _battery,
    ),
    "bursty": Kind(
        "time and RAM that a co-running task leaves",
        "on and off for exponentially distributed times: E. N. Gilbert, Capacity of a burst-noise channel, "
        "Bell System Technical Journal 39 (1960)",
        _bursty,
    ),
    "periodic": Kind("deadlines of modes of operation that follow one another", "square wave, made for this project", _periodic),
    "vehicle": Kind(
        "a deadline that falls as one over the speed of a vehicle",
        "speed: G. E. Uhlenbeck and L. S. Ornstein, On the theory of the Brownian motion, Physical Review 36 (1930)",
        _vehicle,
    ),
    "random-walk": Kind("time for an inference that wanders between bounds", "reflected Gaussian walk", _random_walk),
}
"""The families by name."""
