"""Traces: what may be one, files of them, and the generated families."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.adaptation.generators import KINDS, Bounds, generate
from reds.adaptation.trace import COLUMNS, TIME, Trace
from reds.adaptation.trace_file import read_trace, write_trace
from reds.errors import ConfigError, MissingError

HEADER = "time_s,time_us,ram_bytes\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "trace.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_file_holds_what_was_written(tmp_path: Path, ending: str) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    trace = generate("bursty", 600, seed=3)
    path = tmp_path / f"trace{ending}"
    write_trace(trace, path)
    again = read_trace(path)
    np.testing.assert_allclose(again.times_s, trace.times_s, rtol=1e-8)
    assert list(again.columns) == list(trace.columns)
    for name, values in trace.columns.items():
        np.testing.assert_allclose(again.columns[name], values, rtol=1e-8)


def test_columns_may_stand_in_any_order_and_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "\ufefftime_us,time_s\n5,0\n6,1\n"))
    assert trace.times_s.tolist() == [0, 1]
    assert trace.columns["time_us"].tolist() == [5, 6]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + "0,5,100\n1,5,100\n5,5,100\n6,5,100\n7,5,100\n", r"line 4: there is a gap before it(?s:.*)fill it"),
        (HEADER + "0,5,100\n2,5,100\n1,5,100\n", r"line 4: time does not run forward(?s:.*)1 s after 2 s"),
        (HEADER + "0,5,100\n0,5,100\n", r"line 3: time does not run forward"),
        (HEADER + "0,5,100\n1,-5,100\n", r"line 3: column time_us is below zero"),
        (HEADER + "0,5,100\n1,,100\n", r"line 3, column time_us is no number(?s:.*)fill the gap"),
        (HEADER + "0,5,100\n1,5 us,100\n", r"line 3, column time_us is no number(?s:.*)units stand in the name"),
        (HEADER + "0,5,100\n1,nan,100\n", r"line 3: column time_us is no number"),
        (HEADER + "0,5,100\n1,5\n", r"line 3 has 2 columns, not 3"),
        (HEADER + "0,5,100\n", "at least two rows"),
        ("time_s,time\n0,5\n1,5\n", r"no column 'time'(?s:.*)with their units: time_us"),
        ("time_s,time_us,time_share\n0,5,1\n1,5,1\n", "says twice what time there is"),
        ("time_s\n0\n1\n", "has a budget"),
        ("time_us\n0\n1\n", "line 1 does not name the columns"),
        ("", "line 1 does not name the columns"),
        ("time_s,time_us,time_us\n0,5,1\n1,5,1\n", "line 1 does not name the columns"),
        ('time_s,time_us\n0,"5\n', "not a CSV file"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_trace(written(tmp_path, text))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="cannot read the trace"):
        read_trace(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match=r"ends in \.csv or \.parquet"):
        write_trace(generate("periodic", 600), tmp_path / "trace.txt")
    pytest.importorskip("pyarrow")
    (tmp_path / "trace.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ConfigError, match="not a Parquet file"):
        read_trace(tmp_path / "trace.parquet")


def test_a_wrong_row_of_a_parquet_file_is_counted_from_one(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({TIME: [0.0, 1.0], "time_us": [1.0, -1.0]}), tmp_path / "trace.parquet")
    with pytest.raises(ConfigError, match="row 2: column time_us is below zero"):
        read_trace(tmp_path / "trace.parquet")


@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=200), ending=st.sampled_from([".csv", ".parquet"]))
def test_any_bytes_are_a_trace_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str) -> None:
    path = tmp_path_factory.mktemp("any") / f"trace{ending}"
    path.write_bytes(content)
    with suppress(ConfigError, MissingError):
        assert len(read_trace(path)) >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_depends_on_its_seed_alone(kind: str) -> None:
    first, again, other = (generate(kind, 86_400, 12.0, seed).columns for seed in (1, 1, 2))
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seconds", "step_s"), [(86_400, 1.0), (30, 0.1), (4, 2.0), (400_000, 60.0)])
def test_budgets_of_a_family_lie_between_the_bounds(kind: str, seconds: float, step_s: float) -> None:
    bounds = Bounds(0.4, 1.5)
    trace = generate(kind, seconds, step_s, bounds=bounds)
    assert len(trace) == round(seconds / step_s)
    for name, values in trace.columns.items():
        assert COLUMNS[name].name.endswith("_share")
        assert values.min() >= (0 if name == "harvest_share" else bounds.least)
        if name != "harvest_share":
            assert values.max() <= bounds.most


def test_the_sun_shines_by_day() -> None:
    harvest = generate("solar", 86_400).columns["harvest_share"].reshape(24, -1).mean(axis=1)
    assert harvest[:5].max() == 0
    assert harvest[20:].max() == 0
    assert harvest[10:14].min() > 0.5
    assert 0.4 < harvest.mean() < 0.75


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("moon", 60), "unknown kind of trace 'moon'"),
        (("solar", 1), "from 2 to"),
        (("solar", 60, 0), "from 2 to"),
        (("solar", float("nan")), "from 2 to"),
        (("solar", 1e9), "from 2 to"),
        (("solar", 60, 1.0, -1), "seed"),
    ],
)
def test_what_cannot_be_made_is_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        generate(*arguments)


def test_bounds_rise() -> None:
    with pytest.raises(ConfigError, match="lower and an upper share"):
        Bounds(1.0, 0.5)


def test_the_last_row_lasts_as_long_as_the_one_before() -> None:
    trace = Trace(np.array([0.0, 1.0, 2.25]), {"time_us": np.ones(3)})
    assert trace.durations_s.tolist() == [1.0, 1.25, 1.25]
