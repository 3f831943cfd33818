"""How often the gate is wrong: false alarms and slow-downs found, over simulated noise; and how long a comparison takes.

    python -m tests.benchmarks.judging [--json] [--cases N] [--seed N] [--runs DIR]

Each case is two runs of 20 samples. A false alarm is a verdict "worse" or "better" though nothing changed but the noise. The
thresholds are those of the shipped matrices. Emulated boards are measured 50 times for real. With --runs, each pair of real runs
of one program is judged as well, as if it had been another one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from harness.artifacts import make, missing_recipes
from harness.combinations import Model
from harness.judging import Judgement, Threshold, Thresholds, Verdict, compare, paired, sampled
from harness.judging.sampled import Samples
from harness.matrix import load_matrix, load_thresholds, shipped_matrices
from harness.networks import Deployment, Networks
from harness.records import Measurement, Run
from harness.run_file import RunFile, read
from targets.availability import check
from targets.connect import connect
from targets.inventory import Device, Inventory
from targets.target import InferenceTime

ROUNDS = 20
LEVELS = (0.01, 0.03, 0.05, 0.1)
SLOWER = 1.1
SLOWER_LEVEL = 0.03
RERUNS = 50
EMULATED = ("nano33ble-emu", "pico-emu")
RECORDS = 1000
CORRELATION = 0.95

Noise = Callable[[np.random.Generator, float], tuple[np.ndarray, np.ndarray]]


def independent(shape: Callable[[np.random.Generator], np.ndarray]) -> Noise:
    """Noise of samples that know nothing of each other, as a share of the value."""
    return lambda rng, level: (level * shape(rng), level * shape(rng))


def warming_up(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Each run becomes slower by one noise level from its start to its end."""
    ramp = np.linspace(0, level, ROUNDS)
    return ramp + rng.normal(0, level, ROUNDS), ramp + rng.normal(0, level, ROUNDS)


def drifting_on(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The device becomes slower by one noise level during A, and as much again during B."""
    ramp = np.linspace(0, 2 * level, 2 * ROUNDS) + rng.normal(0, level, 2 * ROUNDS)
    return ramp[:ROUNDS], ramp[ROUNDS:]


def wandering(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """A random walk through both runs, one noise level wide for each of them."""
    walk = np.cumsum(rng.normal(0, level / ROUNDS**0.5, 2 * ROUNDS)) + rng.normal(0, level, 2 * ROUNDS)
    return walk[:ROUNDS], walk[ROUNDS:]


def steep(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The device becomes slower by three noise levels during A, and as much again during B."""
    ramp = np.linspace(0, 6 * level, 2 * ROUNDS) + rng.normal(0, level, 2 * ROUNDS)
    return ramp[:ROUNDS], ramp[ROUNDS:]


def persistent(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Each run is in one of two modes, one noise level apart, from its start to its end; within it there is a tenth of that."""
    a, b = level * rng.integers(0, 2, 2)
    return a + rng.normal(0, level / 10, ROUNDS), b + rng.normal(0, level / 10, ROUNDS)


def autoregressive(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Each sample is 95 % of the one before and 5 % new (of a lasting width of one noise level), through both runs."""
    noise = np.empty(2 * ROUNDS)
    noise[0] = rng.normal(0, level)
    for position, fresh in enumerate(rng.normal(0, level * (1 - CORRELATION**2) ** 0.5, 2 * ROUNDS - 1), start=1):
        noise[position] = CORRELATION * noise[position - 1] + fresh
    return noise[:ROUNDS], noise[ROUNDS:]


def _in_turns(drift: np.ndarray, rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """A B, B A, ...: the drift of twice as many moments, dealt out to both."""
    pairs = (drift + rng.normal(0, level, 2 * ROUNDS)).reshape(ROUNDS, 2)
    pairs[1::2] = pairs[1::2, ::-1]
    return pairs[:, 0], pairs[:, 1]


def ramp_in_turns(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Turns, while the device becomes slower by three noise levels."""
    return _in_turns(np.linspace(0, 3 * level, 2 * ROUNDS), rng, level)


def wandering_in_turns(rng: np.random.Generator, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Turns, while the device wanders three noise levels."""
    return _in_turns(np.cumsum(rng.normal(0, 3 * level / ROUNDS**0.5, 2 * ROUNDS)), rng, level)


SHAPES: Mapping[str, Noise] = {
    "normal": independent(lambda rng: rng.normal(0, 1, ROUNDS)),
    "skewed (exponential)": independent(lambda rng: rng.exponential(1, ROUNDS) - 1),
    "bimodal (two equal modes)": independent(lambda rng: rng.choice([-1, 1], ROUNDS) + rng.normal(0, 0.1, ROUNDS)),
    "bimodal (one in five)": independent(lambda rng: 2.5 * (rng.random(ROUNDS) < 0.2) + rng.normal(0, 0.1, ROUNDS)),
}
SEPARATE: Mapping[str, Noise] = {
    **SHAPES,
    "drifting (each run warms up)": warming_up,
    "drifting (on from A to B)": drifting_on,
}
# What two separate runs cannot tell from a change.
HARD: Mapping[str, Noise] = {
    "random walk through both runs": wandering,
    "steep ramp through both runs": steep,
    "autoregressive (0.95)": autoregressive,
    "persistent modes": persistent,
}
INTERLEAVED: Mapping[str, Noise] = {
    **SHAPES,
    "drifting (ramp)": ramp_in_turns,
    "drifting (random walk)": wandering_in_turns,
}


@dataclass(frozen=True)
class Case:
    """What a value is judged by, and how large it is.

    Attributes:
        value_ns: as `host` takes it for the default matrix.
    """

    threshold: Threshold
    value_ns: float

    @property
    def can_be_found(self) -> bool:
        """Whether a slow-down of a tenth is more than the clock resolves, with room for noise."""
        return (SLOWER - 1) * self.value_ns > 1.5 * self.threshold.least


# What the suites measure by clocks that run, several samples each: in which file, and about how many nanoseconds on a computer.
SAMPLED_METRICS = {
    "latency": ("test_latency", 1000.0),
    "layer_latency": ("test_profile", 165.0),
    "switch": ("test_switching", 3.0),
    "latency_first": ("test_switching", 1000.0),
}


def shipped_cases() -> dict[Case, list[str]]:
    """What the shipped matrices judge the host's times by, and which of their metrics are alike in that and in size."""
    found: dict[Case, list[str]] = {}
    for path in shipped_matrices():
        thresholds = load_thresholds(path.stem)
        for metric, (suite, value_ns) in SAMPLED_METRICS.items():
            case = Case(thresholds.for_value(metric, "host", "nanoseconds", suite), value_ns)
            found.setdefault(case, []).append(f"{metric} of {path.stem}")
    return found


def judge_separate(a: np.ndarray, b: np.ndarray, threshold: Threshold) -> Judgement:
    """As `compare` judges two runs."""
    return sampled.judge(Samples(a), Samples(b), "lower", threshold)


def judge_interleaved(a: np.ndarray, b: np.ndarray, threshold: Threshold) -> Judgement:
    """As `interleave` judges its rounds."""
    return paired.judge(a.tolist(), b.tolist(), "lower", threshold)


DETERMINISTIC = Measurement(
    metric="latency",
    unit="instructions",
    better="lower",
    value=1.0,
    samples=(1.0,),
    deterministic=True,
    architecture="net",
    dataset="digits",
    precision="int8",
    device="emulator",
    subnet="100",
    macs=5060,
    seed=0,
    bundle="b",
    test="suites/test_latency.py::test_latency",
)
SAMPLED = replace(DETERMINISTIC, unit="nanoseconds", deterministic=False, device="host")


@dataclass(frozen=True)
class Simulation:
    """Pairs of simulated runs and how they are judged."""

    judge: Callable[[np.ndarray, np.ndarray, Threshold], Judgement]
    case: Case
    cases: int
    rng: np.random.Generator

    def verdicts(self, noise: Noise, level: float, factor: float) -> Counter[Verdict]:
        """Verdicts on pairs of runs, B slower than A by `factor`."""
        pairs = (noise(self.rng, level) for _ in range(self.cases))
        value, threshold = self.case.value_ns, self.case.threshold
        return Counter(self.judge(value * (1 + a), factor * value * (1 + b), threshold).verdict for a, b in pairs)

    def false_alarms(self, noise: Noise, level: float) -> float:
        """Share of pairs of equal runs that are called different."""
        counts = self.verdicts(noise, level, 1.0)
        return (counts[Verdict.WORSE] + counts[Verdict.BETTER]) / self.cases

    def found(self, noise: Noise) -> float:
        """Share of true slow-downs of 10 % that are called worse, where the noise is 3 %."""
        return self.verdicts(noise, SLOWER_LEVEL, SLOWER)[Verdict.WORSE] / self.cases

    def figures(self, noises: Mapping[str, Noise]) -> dict[str, dict[str, float]]:
        """For each kind of noise the false alarms at each level, and the slow-downs found, in percent."""
        figures = {}
        for name, noise in noises.items():
            shares = {f"{level:.0%}": self.false_alarms(noise, level) for level in LEVELS} | {"found": self.found(noise)}
            figures[name] = {key: round(100 * share, 2) for key, share in shares.items()}
        return figures


def a_run(measurements: Iterable[Measurement]) -> RunFile:
    """A run of these measurements."""
    header = Run("simulated", "2026-01-01T00:00:00+00:00", "digits", None, False, {}, {}, ("simulated",))
    return RunFile("simulated", header, tuple(measurements))


def measurements(rng: np.random.Generator, *, deterministic: bool, count: int) -> list[Measurement]:
    """Latencies of `count` networks, one sample each or 20 with 3 % noise."""
    template = DETERMINISTIC if deterministic else SAMPLED
    made = []
    for number, value in enumerate(rng.integers(10_000, 1_000_000, count).tolist()):
        samples = (value,) * 3 if deterministic else tuple((value * (1 + rng.normal(0, 0.03, ROUNDS))).tolist())
        made.append(replace(template, architecture=f"net{number}", value=float(np.median(samples)), samples=samples))
    return made


def measured_run(device: Device, deployment: Deployment) -> RunFile:
    """The latency of each subnetwork, measured on a device that is started for it."""
    taken = []
    with tempfile.TemporaryDirectory() as logs, connect(device, Path(logs)) as target:
        target.load(deployment.content)
        for subnet in deployment.network.bundle.subnets:
            timing = target.time(InferenceTime(deployment.level(subnet.name), deployment.test_inputs([0])[0], 3))
            facts = {"device": device.id, "subnet": subnet.name, "unit": timing.clock.kind, "image": deployment.sha256}
            measured = replace(DETERMINISTIC, **facts, deterministic=timing.clock.deterministic)
            taken.append(replace(measured, value=statistics.median(timing.samples), samples=tuple(timing.samples)))
    return a_run(taken)


def repeated_figures(device: Device, deployment: Deployment, reruns: int = RERUNS) -> dict[str, int]:
    """Alarms where a device measures the same again and again."""
    before = measured_run(device, deployment)
    found = [c for _ in range(reruns) for c in compare(before, measured_run(device, deployment), Thresholds())]
    return {"reruns": reruns, "values": len(found), "false_alarms": sum(c.verdict is not Verdict.SAME for c in found)}


def real_repeats() -> dict[str, dict[str, int]]:
    """Of mlp1 in int8 on every emulated board that is there; its model is made if it is missing."""
    inventory = Inventory.load(None).devices
    matrix, model = load_matrix("digits", inventory), Model("mlp1", "digits")
    missing = missing_recipes(matrix, [model])
    if missing:
        make(missing)
    networks, devices = Networks(matrix), [inventory[name] for name in EMULATED if check(inventory[name]).available]
    return {d.id: repeated_figures(d, networks.deployment(model, "int8", d.layouts)) for d in devices}


def deterministic_figures(rng: np.random.Generator) -> dict[str, int]:
    """How many single added instructions are found in made-up counts."""
    before = a_run(measurements(rng, deterministic=True, count=200))
    after = a_run(replace(m, value=m.value + 1, samples=tuple(s + 1 for s in m.samples)) for m in before.measurements)
    one_more = compare(before, after, Thresholds())
    return {"added_instructions": len(one_more), "found": sum(c.verdict is Verdict.WORSE for c in one_more)}


def seconds_to_compare(rng: np.random.Generator) -> dict[str, float]:
    """Two runs of 1,000 records, all of them sampled; slowest if all changed. The first time includes the import of SciPy."""
    taken = {}
    for name, factor in (("none changed", 1.0), ("all slower", 1.3), ("all slower, again", 1.3)):
        a, b = (measurements(np.random.default_rng(rng.integers(2**32)), deterministic=False, count=RECORDS) for _ in "ab")
        b = [replace(m, value=factor * n.value, samples=tuple(factor * s for s in n.samples)) for m, n in zip(b, a, strict=True)]
        started = time.perf_counter()
        compare(a_run(a), a_run(b), Thresholds())
        taken[name] = round(time.perf_counter() - started, 2)
    return taken


def real_figures(folder: Path) -> dict[str, dict[str, float]]:
    """For each sampled metric how many values all pairs of runs share, and how many percent of them seem to have changed."""
    runs = [read(path) for path in sorted(folder.glob("*.jsonl"))]
    counts: dict[str, Counter[Verdict]] = {}
    for a, b in combinations(runs, 2):
        other = replace(b, measurements=tuple(replace(m, firmware="another") for m in b.measurements))
        for c in compare(a, other, load_thresholds(b.run.matrix)):
            if not c.deterministic and c.key.metric in SAMPLED_METRICS:
                counts.setdefault(c.key.metric, Counter())[c.verdict] += 1
    shown = (Verdict.WORSE, Verdict.BETTER, Verdict.UNSTABLE)
    return {
        metric: {"values": verdicts.total(), **{str(v): round(100 * verdicts[v] / verdicts.total(), 2) for v in shown}}
        for metric, verdicts in counts.items()
    }


def main() -> int:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--cases", type=int, default=4000, help="pairs of runs for each number (default: 4000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, metavar="DIR", help="judge each pair of these runs of one program too")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    figures: dict[str, Any] = {
        "repeated": real_repeats(),
        "deterministic": deterministic_figures(rng),
        "seconds": seconds_to_compare(rng),
        "simulated": [simulated_figures(*shipped, options.cases, rng) for shipped in shipped_cases().items()],
        "real runs": real_figures(options.runs) if options.runs else {},
    }
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        show(figures)
    return 0


def simulated_figures(case: Case, metrics: list[str], cases: int, rng: np.random.Generator) -> dict[str, Any]:
    """The figures of values that are judged alike and of one size."""
    return {
        "threshold": asdict(case.threshold),
        "value_ns": case.value_ns,
        "metrics": metrics,
        "separate runs": Simulation(judge_separate, case, cases, rng).figures({**SEPARATE, **HARD}),
        "interleaved": Simulation(judge_interleaved, case, cases, rng).figures(INTERLEAVED),
    }


def show(figures: Mapping[str, Any]) -> None:
    """Print the figures for people."""
    for device, counts in figures["repeated"].items():
        runs = f"{counts['values']} values of {counts['reruns']} repeated runs"
        print(f"{device}: {counts['false_alarms']} false alarms in {runs}")
    counts = figures["deterministic"]
    print(f"{counts['found']} of {counts['added_instructions']} single added instructions found")
    for name, taken in figures["seconds"].items():
        print(f"two runs of {RECORDS} sampled values, {name}: {taken} s")
    for simulated in figures["simulated"]:
        numbers = ", ".join(f"{name} {value:g}" for name, value in simulated["threshold"].items())
        print(f"\n{simulated['value_ns']:g} ns, {numbers}: {', '.join(simulated['metrics'])}")
        for title in ("separate runs", "interleaved"):
            print(f"{title}, {ROUNDS} samples: % of false alarms at each noise; % found of slow-downs of 10 % at noise 3 %")
            for name, numbers in simulated[title].items():
                print(f"  {name:32}", *(f"{level:>4} {number:5.2f}" for level, number in numbers.items()), sep="  ")
    for metric, numbers in figures["real runs"].items():
        print(f"real runs, {metric}:", ", ".join(f"{name} {number:g}" for name, number in numbers.items()))


if __name__ == "__main__":
    sys.exit(main())
