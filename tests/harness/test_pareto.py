"""Fronts: what is on them, what they cover, what became of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.__main__ import main
from harness.judging import Thresholds, judge_run
from harness.pareto import Place, Point, compare_fronts, front_of, fronts, hypervolume
from harness.records import Measurement
from harness.report import collect
from harness.run_file import RunFile
from reds.errors import ConfigError
from tests.harness.examples import a_measurement, an_outcome
from tests.harness.storing import file_of, run_of_day, write_run

PLACE = Place("host", "digits", "latency", "nanoseconds")
points = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12)), min_size=1, max_size=12).map(
    lambda pairs: [Point("mlp", "int8", str(i), accuracy / 12, cost) for i, (accuracy, cost) in enumerate(pairs)]
)


def subnet(name: str, accuracy: float, latency: float, unit: str = "instructions", **changes: object) -> list[Measurement]:
    """Accuracy and latency of a subnetwork."""
    return [
        a_measurement(
            metric="accuracy", unit="fraction", better="higher", value=accuracy, subnet=name, sample_count=60, **changes
        ),
        a_measurement(value=latency, unit=unit, subnet=name, **changes),
    ]


def run_with(*measured: list[Measurement], day: int = 0) -> RunFile:
    return file_of(run_of_day(day), [m for some in measured for m in some])


@given(points)
def test_the_front_is_what_nothing_dominates(some: list[Point]) -> None:
    front = front_of(PLACE, some)

    assert set(front.best) == {p for p in some if not any(other.dominates(p) for other in some)}
    assert set(front.points) == set(some)
    assert [p.cost for p in front.best] == sorted(p.cost for p in front.best)


@given(points)
def test_the_hypervolume_is_the_area_that_is_dominated(some: list[Point]) -> None:
    front = front_of(PLACE, some)
    reference = (13.0, 0.0)

    # The area in cells of 1 (cost) by 1/12 (accuracy): exact, as the points lie on this grid.
    cells = {(c, a) for p in some for c in range(int(p.cost), 13) for a in range(round(p.accuracy * 12))}
    assert hypervolume(front.best, reference) == pytest.approx(len(cells) / 12)


@given(points, points)
def test_more_points_never_cover_less(some: list[Point], more: list[Point]) -> None:
    before = hypervolume(front_of(PLACE, some).best, (13.0, 0.0))
    after = hypervolume(front_of(PLACE, [*some, *more]).best, (13.0, 0.0))

    assert after >= before - 1e-9


@given(points)
def test_points_beyond_the_reference_cover_nothing(some: list[Point]) -> None:
    best = front_of(PLACE, some).best
    assert hypervolume(best, (1.0, 0.0)) == 0
    assert hypervolume(best, (13.0, 1.0)) == 0


@given(points)
def test_nothing_changes_from_a_run_to_itself(some: list[Point]) -> None:
    run = run_with(*(subnet(p.subnet, p.accuracy, p.cost) for p in some))
    (change,) = compare_fronts(run, run)

    assert (change.became_dominated, change.fell_behind, change.missing) == ((), (), ())
    assert change.hypervolume_before == change.hypervolume_after
    assert change.change in (0, None)


def test_points_of_a_run_are_put_together_by_subnetwork_and_device() -> None:
    run = run_with(
        subnet("100", 0.9, 1000),
        subnet("50", 0.8, 600),
        subnet("25", 0.8, 700),
        subnet("100", 0.95, 2000, precision="float32"),
        subnet("100", 0.9, 40, device="host", unit="nanoseconds"),
        [a_measurement(metric="switch", from_subnet="50"), a_measurement(subnet="12")],
    )

    found = {front.place.device: front for front in fronts(run)}

    board = found["nano33ble-emu"]
    assert board.place == Place("nano33ble-emu", "digits", "latency", "instructions")
    assert [(p.precision, p.subnet, p.accuracy, p.cost) for p in board.best] == [
        ("int8", "50", 0.8, 600),
        ("int8", "100", 0.9, 1000),
        ("float32", "100", 0.95, 2000),
    ]
    assert [p.subnet for p in board.points] == ["50", "25", "100", "100"]
    assert len(found["host"].points) == 1


def test_any_cost_will_do() -> None:
    run = run_with(subnet("100", 0.9, 1000), [a_measurement(metric="image_bytes", unit="bytes", subnet=None, value=5000)])

    assert [front.best[0].cost for cost in ("macs", "image_bytes") for front in fronts(run, cost)] == [5060, 5000]
    with pytest.raises(ConfigError, match=r"unknown cost 'latenzy'\n.*did you mean latency"):
        fronts(run, "latenzy")


def test_a_run_without_accuracies_has_no_fronts() -> None:
    run = run_with([a_measurement()])

    assert fronts(run) == []
    with pytest.raises(ConfigError, match="no run has both an accuracy and a latency"):
        compare_fronts(run, run)


BEFORE = run_with(subnet("100", 0.95, 1000), subnet("50", 0.9, 500), subnet("25", 0.8, 300))


def test_a_point_that_another_overtook_became_dominated() -> None:
    after = run_with(subnet("100", 0.95, 1000), subnet("50", 0.94, 500), subnet("25", 0.8, 510), day=1)

    (change,) = compare_fronts(BEFORE, after)

    assert [(d.point.subnet, d.by.subnet) for d in change.became_dominated] == [("25", "50")]
    assert change.fell_behind == ()  # it is no longer on the front
    assert change.reference == (1100, 0)
    assert change.hypervolume_before == pytest.approx(0.8 * 200 + 0.9 * 500 + 0.95 * 100)
    assert change.hypervolume_after == pytest.approx(0.94 * 500 + 0.95 * 100)


def test_a_front_that_lost_ground_fell_behind() -> None:
    after = run_with(subnet("100", 0.95, 1010), subnet("50", 0.9, 500), day=1)

    (change,) = compare_fronts(BEFORE, after)

    assert change.became_dominated == ()
    assert [(d.point.cost, d.by.cost) for d in change.fell_behind] == [(1010, 1000)]
    assert [p.subnet for p in change.missing] == ["25"]
    assert change.change is not None
    assert change.change < 0


def test_places_of_one_run_only_have_one_front() -> None:
    after = run_with(subnet("100", 0.9, 40, device="host", unit="nanoseconds"), day=1)

    changes = compare_fronts(BEFORE, after)

    assert [(c.place.device, c.before is None, c.after is None, c.change) for c in changes] == [
        ("nano33ble-emu", False, True, None),
        ("host", True, False, None),
    ]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    after = run_with(subnet("100", 0.95, 1000), subnet("50", 0.94, 500), subnet("25", 0.8, 510), day=1)
    return [str(write_run(tmp_path, run.run, *run.measurements)) for run in (BEFORE, after)]


def test_the_command_shows_what_became_of_the_front(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pareto", *files]) == 0
    out = capsys.readouterr().out
    assert "nano33ble-emu, digits, accuracy against latency (instr)" in out
    assert "became dominated: mlp3-int8-25 (80.00 %, 510) by mlp3-int8-50 (94.00 %, 500)" in out
    assert "up to a cost of 1,100 and an accuracy of 0 %" in out

    assert main(["pareto", *files, "--json", "--fail-on", "dominated"]) == 1
    (front,) = json.loads(capsys.readouterr().out)["fronts"]
    assert front["became_dominated"][0]["point"]["subnet"] == "25"
    assert main(["pareto", files[0], files[0], "--fail-on", "dominated"]) == 0
    assert "lost nothing" in capsys.readouterr().out


def test_a_device_that_is_gone_is_named_and_counts_as_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = subnet("100", 0.9, 40, device="host", unit="nanoseconds")
    both = run_with(subnet("100", 0.95, 1000), subnet("50", 0.9, 500), host)
    one = run_with(host, day=1)
    files = [str(write_run(tmp_path, run.run, *run.measurements)) for run in (both, one)]

    assert main(["pareto", *files, "--fail-on", "dominated"]) == 1
    out, error = capsys.readouterr()
    assert "nano33ble-emu, digits, accuracy against latency (instr)" in out
    assert "gone: B has no point here" in out
    assert "missing: mlp3-int8-100 (95.00 %, 1,000)" in out
    assert error == "2 points of A's fronts are dominated or missing in B\n"

    assert main(["pareto", *reversed(files), "--fail-on", "dominated"]) == 0
    out, error = capsys.readouterr()
    assert "new: A has no point here, B a front of 2 points" in out
    assert error == ""


@pytest.mark.parametrize("more", [[], ["--fail-on", "dominated"], ["--json"]])
def test_runs_without_a_common_device_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    other = run_with(subnet("100", 0.9, 40, device="host", unit="nanoseconds"), day=1)
    files = [str(write_run(tmp_path, run.run, *run.measurements)) for run in (BEFORE, other)]

    assert main(["pareto", *files, *more]) == 2
    error = capsys.readouterr().err
    assert "the runs have no front in common" in error
    assert "latency (instr) in A only" in error
    assert "latency (ns) in B only" in error


def test_accuracies_over_other_inputs_are_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = run_with([replace(m, sample_count=m.sample_count and 360) for m in BEFORE.measurements], day=1)
    files = [str(write_run(tmp_path, run.run, *run.measurements)) for run in (BEFORE, other)]

    assert main(["pareto", *files]) == 0
    assert "accuracies are over 60 inputs in A and 360 in B" in capsys.readouterr().out


def test_the_command_shows_the_fronts_of_one_run(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pareto", files[1]]) == 0
    assert "\n2 of 3 points are the front\n" in capsys.readouterr().out
    assert main(["pareto", files[1], "--cost", "macs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fronts"][0]["place"]["cost"] == "macs"
    assert main(["pareto", files[1], "--fail-on", "dominated"]) == 2
    assert main(["pareto", files[1], "--cost", "watts"]) == 2


def test_what_the_later_run_was_not_asked_for_is_left_out_as_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def tested(device: str, unit: str) -> list[Measurement]:
        both = subnet("100", 0.95, 1000, device=device, unit=unit)
        return [replace(m, test=f"suites/test_{m.metric}.py::test[{device}]") for m in both]

    here, there = tested("nano33ble-emu", "instructions"), tested("pico-emu", "model cycles")
    whole = run_with(here, there)
    part = replace(run_with(here, day=1), outcomes=tuple(an_outcome(test=m.test) for m in here))
    files = [str(write_run(tmp_path, run.run, *run.measurements, *run.outcomes)) for run in (whole, part)]

    assert main(["pareto", *files, "--fail-on", "dominated"]) == 0
    out = capsys.readouterr().out
    assert "gone" not in out
    assert "missing" not in out
    assert "left out: 1 point of A, not asked for or not available in B" in out
    assert main(["pareto", *files, "--json"]) == 0
    places = [front["place"]["device"] for front in json.loads(capsys.readouterr().out)["fronts"]]
    change = collect(part, judge_run(whole, part, Thresholds())).change
    assert change is not None
    assert places == [front.place.device for front in change.fronts] == ["nano33ble-emu"]


@pytest.mark.parametrize("no_cost", ["parity_max_abs_error", "switch", "layer_latency", "search_seconds"])
def test_what_is_not_spent_is_no_cost(no_cost: str) -> None:
    others = [
        a_measurement(metric="parity_max_abs_error", unit="logit"),
        a_measurement(metric="switch", from_subnet="50"),
        a_measurement(metric="layer_latency", layer="dense"),
        a_measurement(metric="search_seconds", unit="seconds", device=None),
    ]

    with pytest.raises(ConfigError, match=f"unknown cost '{no_cost}'") as caught:
        fronts(run_with(subnet("100", 0.9, 1000), others), no_cost)
    assert "valid: latency, macs" in str(caught.value)


def test_large_areas_are_written_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_with(subnet("100", 0.95, 40_306_097.5), subnet("50", 0.9, 20_000_000.5))
    path = str(write_run(tmp_path, run.run, *run.measurements))

    assert main(["pareto", path, path]) == 0
    assert "e+" not in capsys.readouterr().out
