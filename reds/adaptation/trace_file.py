"""Traces in files: CSV with a line of names, or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from reds.adaptation.trace import TIME, RowError, Trace, check_columns
from reds.errors import ConfigError, MissingError
from reds.files import write_whole

MOST_BYTES = 256 << 20
HEADER_LINES = 1


def read_trace(path: Path) -> Trace:
    """The trace in a file.

    Raises:
        MissingError: the file cannot be read, or it is Parquet and PyArrow is not installed.
        ConfigError: it is no trace; the message names the line.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} is too large for a trace", seen=f"{path.stat().st_size} bytes", do=f"at most {MOST_BYTES}")
        content = path.read_bytes()
    except OSError as error:
        raise MissingError(f"cannot read the trace {path}", seen=error.strerror, do="make one: python -m reds trace") from error
    read, place, first = FORMATS[check_name(path)]
    columns = read(path, content)
    if TIME not in columns:
        raise ConfigError(f"{path} has no column {TIME}", seen=", ".join(columns)[:200])
    try:
        return Trace(columns.pop(TIME), columns)
    except RowError as error:
        raise ConfigError(f"{path}, {place} {error.row + first}: {error.rule}", seen=error.seen, do=error.remedy) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.what}", seen=error.seen, do=error.do) from error


def write_trace(trace: Trace, path: Path) -> None:
    """Write a trace, whole or not at all; the name's ending says how."""
    columns = {TIME: trace.times_s, **trace.columns}
    write_whole(path, _parquet_bytes(columns) if check_name(path) == PARQUET else _csv_bytes(columns))


CSV, PARQUET = ".csv", ".parquet"


def check_name(path: Path) -> str:
    """The ending of a trace's name.

    Raises:
        ConfigError: it is none of `FORMATS`.
    """
    if path.suffix not in FORMATS:
        raise ConfigError(f"a trace is a file that ends in {' or '.join(FORMATS)}", seen=path.name)
    return path.suffix


def _csv_bytes(columns: Mapping[str, np.ndarray]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{value:.9g}" for value in row] for row in zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def _parquet_bytes(columns: Mapping[str, np.ndarray]) -> bytes:
    pyarrow, parquet = _pyarrow()
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(dict(columns)), buffer)
    return buffer.getvalue()


def _read_csv(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a CSV file", seen=str(error)) from error
    names = rows[0] if rows else []
    if TIME not in names or len(set(names)) != len(names):
        raise ConfigError(f"{path}, line 1 does not name the columns of a trace", seen=", ".join(names)[:200] or "nothing")
    check_columns([name for name in names if name != TIME])
    return dict(zip(names, _numbers(path, names, rows[HEADER_LINES:]).T, strict=True))


def _numbers(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Float64 (rows, columns)."""
    values = np.empty((len(rows), len(names)))
    for index, row in enumerate(rows):
        where = f"{path}, line {index + HEADER_LINES + 1}"
        if len(row) != len(names):
            raise ConfigError(f"{where} has {len(row)} columns, not {len(names)}")
        try:
            values[index] = [float(cell) for cell in row]
        except ValueError as error:
            name, cell = next((name, cell) for name, cell in zip(names, row, strict=True) if not _is_number(cell))
            do = "fill the gap" if not cell.strip() else "write numbers; units stand in the name of the column"
            raise ConfigError(f"{where}, column {name} is no number", seen=repr(cell[:40]), do=do) from error
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path, content: bytes) -> dict[str, np.ndarray]:
    pyarrow, parquet = _pyarrow()
    try:
        table = parquet.read_table(io.BytesIO(content))
        names = [str(name) for name in table.column_names]
        if len(set(names)) != len(names):
            raise ConfigError(f"{path} names a column twice", seen=", ".join(names)[:200])
        check_columns([name for name in names if name != TIME])
        return {name: table.column(name).to_numpy().astype(np.float64) for name in names}
    except (pyarrow.ArrowException, OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not a Parquet file of numbers", seen=str(error)[:200]) from error


def _pyarrow():
    try:
        import pyarrow  # noqa: PLC0415 - an optional package
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        do = "pip install 'reds-bench[parquet]', or write the trace as CSV"
        raise MissingError("PyArrow is not installed, which reads and writes Parquet", do=do) from error
    return pyarrow, pyarrow.parquet


Reader = Callable[[Path, bytes], dict[str, np.ndarray]]
FORMATS: Mapping[str, tuple[Reader, str, int]] = {CSV: (_read_csv, "line", 2), PARQUET: (_read_parquet, "row", 1)}
"""By the file's ending: what reads it, what its rows are called, and the number of the first."""
