"""Records and the lines that they become: what is written is read again, what others wrote is checked."""

import json
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import records
from harness.lines import facts_of, from_facts, to_facts, to_line
from harness.records import DeviceFacts, Measurement, Outcome, Record, Run
from reds.errors import ConfigError, ProtocolError
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

names = st.text(min_size=1, max_size=20)
maybe = st.none() | names
numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))

moments = st.datetimes(timezones=st.timezones(no_cache=True) | st.just(UTC)).map(datetime.isoformat)

runs = st.builds(
    Run,
    id=names,
    started=moments,
    matrix=names,
    git_sha=maybe,
    git_dirty=st.booleans(),
    host=st.dictionaries(names, names),
    versions=st.dictionaries(names, names),
    command=st.lists(names).map(tuple),
    asked=st.none() | st.lists(names).map(tuple),
    whole=st.none() | st.lists(names).map(tuple),
    tests=st.none() | st.integers(0),
    baseline_reason=maybe,
    baseline_date=st.none() | moments,
)
correct = st.text("01", min_size=1, max_size=40)
inputs = st.none() | correct.map(lambda text: {"correct": text, "sample_count": len(text)})


@st.composite
def measured(draw: st.DrawFn) -> Measurement:
    return Measurement(
        metric=draw(names),
        unit=draw(names),
        better=draw(st.sampled_from(records.BETTER)),
        value=draw(numbers),
        samples=draw(st.lists(numbers, min_size=1, max_size=5).map(tuple)),
        deterministic=draw(st.booleans()),
        architecture=draw(names),
        dataset=draw(names),
        precision=draw(maybe),
        device=draw(maybe),
        subnet=draw(maybe),
        macs=draw(st.none() | st.integers(0)),
        seed=draw(st.integers(0)),
        bundle=draw(names),
        test=draw(names),
        from_subnet=draw(maybe),
        attempts=draw(st.integers(1, 9)),
        clock=draw(maybe),
        firmware=draw(maybe),
        image=draw(maybe),
        sample_indices=draw(st.none() | st.lists(st.integers(0)).map(tuple)),
        layer=draw(maybe),
        **(draw(inputs) or {}),
    )


devices = st.builds(
    DeviceFacts,
    id=names,
    device_kind=names,
    board=names,
    clock=names,
    clock_hz=st.none() | st.integers(1),
    compiler=names,
    runtime_version=names,
    firmware=names,
    pool_bytes=st.integers(0),
)
outcomes = st.builds(
    Outcome,
    test=names,
    outcome=st.sampled_from(records.OUTCOMES),
    seconds=numbers,
    reason=maybe,
    architecture=maybe,
    dataset=maybe,
    precision=maybe,
    device=maybe,
    subnet=maybe,
)


@settings(deadline=None)
@given(record=st.one_of(runs, measured(), devices, outcomes))
def test_what_is_written_is_read_again(record: Record) -> None:
    line = to_line(record)

    facts = facts_of(line)

    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    assert facts is not None
    assert from_facts(facts, "here") == record


EXAMPLES = [a_run(), a_measurement(), some_device_facts(), an_outcome(outcome="failed", reason="why")]
FIELDS = [(record, field.name) for record in EXAMPLES for field in fields(record) if field.default is MISSING]
MAY_BE_NONE = {(record.kind, field.name) for record in EXAMPLES for field in fields(record) if "None" in str(field.type)}


@pytest.mark.parametrize(("record", "name"), FIELDS, ids=[f"{record.kind}-{name}" for record, name in FIELDS])
def test_a_field_that_is_missing_is_named_unless_it_may_be_none(record: Record, name: str) -> None:
    facts = {key: value for key, value in to_facts(record).items() if key != name}

    if (record.kind, name) in MAY_BE_NONE:
        assert getattr(from_facts(facts, "line 7"), name) is None
    else:
        with pytest.raises(ProtocolError, match=f"line 7: the {record.kind} record has no field '{name}'"):
            from_facts(facts, "line 7")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("value", "fast", "float"),
        ("value", True, "float"),
        ("samples", 3, "tuple"),
        ("samples", [1, "2"], "tuple"),
        ("device", 7, "str"),
        ("device", None, "str"),
        ("macs", 1.5, "int"),
        ("deterministic", 1, "bool"),
        ("sample_indices", [1.5], "tuple"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(name: str, value: object, expected: str) -> None:
    with pytest.raises(ProtocolError, match=f"line 7: field '{name}' of the measurement record is {expected}"):
        from_facts({**to_facts(a_measurement()), name: value}, "line 7")


def test_an_unknown_field_gets_the_nearest_known_one() -> None:
    with pytest.raises(ProtocolError, match=r"line 7: a measurement record has no field 'vale'[^$]*did you mean value"):
        from_facts({**to_facts(a_measurement()), "vale": 3}, "line 7")


@pytest.mark.parametrize("kind", ["measurment", None, 3, ["run"]])
def test_an_unknown_kind_of_record_is_refused(kind: object) -> None:
    with pytest.raises(ProtocolError, match=r"line 7 is no record that this program knows[^$]*known: run, measurement, device"):
        from_facts({"kind": kind}, "line 7")


def test_a_value_that_no_measurement_can_have_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"line 7 is not a measurement record[^$]*`better` is lower or higher"):
        from_facts({**to_facts(a_measurement()), "better": "sideways"}, "line 7")


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": float("nan")},
        {"samples": (1.0, float("inf"))},
        {"better": "sideways"},
        {"correct": "0110", "sample_count": 3},
        {"correct": "0110"},
        {"correct": "01x0", "sample_count": 4},
    ],
)
def test_a_measurement_is_a_finite_number_with_a_direction_and_whole_inputs(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        a_measurement(**wrong)


@pytest.mark.parametrize(
    "text", ["yesterday", "", "2026-13-01T00:00:00+00:00", "2026-01-01", "2026-01-01T12:00:00", "1767225600"]
)
@pytest.mark.parametrize("name", ["started", "baseline_date"])
def test_a_time_of_a_run_is_iso_8601_with_its_zone(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"`{name}` is no time"):
        replace(a_run(), **{name: text})
    with pytest.raises(ProtocolError, match=rf"line 1 is not a run record[^$]*`{name}` is no time"):
        from_facts({**to_facts(a_run()), name: text}, "line 1")


def test_runs_are_ordered_by_the_instant_whatever_the_zone() -> None:
    starts = ["2026-01-01T00:30:00+02:00", "2025-12-31T23:00:00Z", "2026-01-01T00:00:00+00:00"]

    assert sorted(starts, key=lambda started: replace(a_run(), started=started).order) == starts


def test_an_outcome_is_one_of_four() -> None:
    with pytest.raises(ConfigError, match="an outcome is passed, failed, skipped, error"):
        an_outcome(outcome="xfailed")


def test_values_of_layers_and_inputs_are_told_apart() -> None:
    keys = {
        a_measurement(**changes).key
        for changes in ({}, {"layer": "hidden1"}, {"layer": "output"}, {"from_subnet": "50"}, {"sample_count": 9})
    }

    assert len(keys) == 5
    assert str(a_measurement(metric="layer_latency", layer="hidden1").key) == (
        "layer_latency[mlp3-digits-int8-nano33ble-emu-100-hidden1]"
    )
    assert str(a_measurement(subnet=None).key) == "latency[mlp3-digits-int8-nano33ble-emu]"


def test_what_is_none_takes_no_room() -> None:
    facts = json.loads(to_line(a_measurement()))

    assert None not in facts.values()
    assert list(facts)[:2] == ["kind", "metric"]


def test_a_measurement_without_a_sample_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one sample"):
        a_measurement(samples=())
