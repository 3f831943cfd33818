"""Values of two runs in a terminal: in a table where it fits, in pairs of lines where not; never a folded value or verdict."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from harness.commands.value_table import print_values, render
from harness.judging import Verdict
from harness.judging.tables import Notes, ValueRow, percent
from harness.terminal import UNLIMITED

LONG = "layer_activation_bytes[mlp11-digits-float32-nano33ble-emu-100-hidden10]"


def a_row(value: str = "latency[mlp3-digits-int8-host-100]", why: str = "", verdict: Verdict = Verdict.WORSE) -> ValueRow:
    return ValueRow(value, "1,000", "1,100", "instr", "+10.00 %", "1.20 %", verdict, why)


def lines(*rows: ValueRow, columns: int) -> list[str]:
    return [line.plain for line in render(rows, Notes(rows), columns)]


def test_nothing_is_folded_where_no_terminal_is() -> None:
    why = "a reason " * 40

    head, _, row = lines(a_row(LONG, why), columns=UNLIMITED)

    assert head.split() == ["value", "A", "B", "unit", "change", "noise", "verdict", "why"]
    assert row.split() == [*f"{LONG} 1,000 1,100 instr +10.00 % 1.20 % worse".split(), *why.split()]


def test_only_reasons_are_folded() -> None:
    rows = [a_row(why="a reason that is long enough to take several lines of the column that it has")]

    _, _, first, *more = lines(*rows, columns=120)

    assert first.startswith("latency[mlp3-digits-int8-host-100]  1,000  1,100  instr  +10.00 %  1.20 %  worse    a reason")
    assert len(more) >= 1
    assert all(line.startswith(" " * 80) for line in more)
    assert max(map(cell_len, (first, *more))) <= 120


@pytest.mark.parametrize("columns", [80, 100])
def test_a_narrow_terminal_gets_two_lines_for_a_value(columns: int) -> None:
    shown = lines(a_row(LONG, "other firmware"), a_row(LONG, "drifting", Verdict.UNSTABLE), columns=columns)

    assert shown == [
        f"worse     {LONG}",
        "          1,000 -> 1,100 instr, +10.00 %, noise 1.20 %; other firmware",
        f"unstable  {LONG}",
        "          1,000 -> 1,100 instr, +10.00 %, noise 1.20 %; drifting",
    ]


def test_reasons_that_rows_share_are_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    shared = "needs a new baseline: compiler 12 -> 13"

    print_values([("device a", [a_row(why=shared), a_row(why="alone")]), ("device b", [a_row(why=shared)])])

    out = capsys.readouterr().out
    assert out.count(shared) == 1
    assert f"note 1: {shared}\n" in out
    assert out.count("note 1") == 3
    assert "worse    alone\n" in out
    assert "change: the median of all differences between samples" in out
    assert "instr: retired instructions of the emulated core, not time" in out
    assert "\x1b" not in out


def test_what_steers_a_terminal_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_values([("title\x1b[2J", [a_row("value\x1b]0;x\x07", "why\r\nnext")])])

    assert not {"\x1b", "\x07", "\r"} & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("share", "text"), [(None, ""), (0.0, "+0.00 %"), (0.1, "+10.00 %"), (1 / 40519, "+0.002 %"), (-2e-6, "-0.0002 %")]
)
def test_a_change_is_never_called_none(share: float | None, text: str) -> None:
    assert percent(share) == text
