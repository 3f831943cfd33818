"""Values that changed alike come together, and nothing else does."""

from __future__ import annotations

from harness.judging import Comparison, Thresholds, alike, compare
from harness.records import Measurement
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run


def comparisons(*pairs: tuple[Measurement, float]) -> list[Comparison]:
    """Each measurement, and its value in the run after."""
    before = tuple(m for m, _ in pairs)
    after = tuple(Measurement(**{**vars(m), "value": value, "image": "x"}) for m, value in pairs)
    return compare(RunFile("a", a_run(), before), RunFile("b", a_run(), after), Thresholds())


def test_one_instruction_more_everywhere_is_one_line() -> None:
    places = [
        {"device": d, "subnet": s, "precision": p} for d in ("nano", "pico") for s in ("100", "50") for p in ("int8", "float32")
    ]
    latencies = [a_measurement(value=1000 * (i + 1), **place) for i, place in enumerate(places)]
    first = [a_measurement(value=1010, metric="latency_first", from_subnet="25", **place) for place in places]

    (group,) = alike(comparisons(*((m, m.value + 1) for m in (*latencies, *first))))

    assert group.line == (
        "worse: latency, latency_first: nano, pico, 2 networks, 4 subnetworks (16 values): +1 instr each (+0.01 % to +0.10 %)"
    )


def test_what_changed_by_similar_shares_is_one_line_and_what_stands_out_another() -> None:
    measured = [a_measurement(subnet=str(n), value=1000 * n) for n in range(1, 5)]
    after = [1050, 2110, 3180, 8000]

    small, large = alike(comparisons(*zip(measured, after, strict=True)))

    assert small.line == "worse: latency: nano33ble-emu, 1 network, 3 subnetworks (3 values): +5.00 % to +6.00 %"
    assert large.line == "worse: latency[mlp3-digits-int8-nano33ble-emu-4] 4,000 -> 8,000 instr: +100.00 %"


def test_verdicts_metrics_and_units_stay_apart() -> None:
    pairs = [
        (a_measurement(subnet="1"), 1001),
        (a_measurement(subnet="2"), 999),
        (a_measurement(subnet="3", unit="model cycles"), 1001),
        (a_measurement(subnet="4", metric="arena_bytes"), 1001),
    ]

    assert [len(group.comparisons) for group in alike(comparisons(*pairs))] == [1, 1, 1, 1]


def test_what_fails_or_is_missing_for_one_reason_is_one_line() -> None:
    before = RunFile("a", a_run(), tuple(a_measurement(subnet=str(n)) for n in range(3)))

    (group,) = alike(compare(before, RunFile("b", a_run(), ()), Thresholds()))

    assert group.line == "missing: latency: nano33ble-emu, 1 network, 3 subnetworks (3 values)"
