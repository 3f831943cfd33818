"""Tables on the command line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.commands.tables import LONGEST_LINE, print_rows, print_wrapped


def test_columns_are_those_of_the_first_row_and_what_is_not_there_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"name": "a", "share": 0.25, "widths": [1, 2]}, {"name": "bcd", "other": 3}], as_json=False)
    assert capsys.readouterr().out == "name  share  widths\na     0.25   1-2\nbcd   -      -\n"


@given(widths=st.lists(st.integers(1, 9999), min_size=2, max_size=60))
def test_a_list_that_is_too_long_shows_its_ends(widths: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lines.append)
        print_rows([{"name": "x" * 40, "widths": widths, "macs": 1234567}], as_json=False)
    assert max(map(len, lines)) <= LONGEST_LINE
    shown = lines[1].split()[1].split("-")
    if "..." in shown:
        cut = shown.index("...")
        assert shown[:cut] == [str(width) for width in widths[:cut]]
        assert shown[cut + 1 :] == [str(width) for width in widths[len(widths) - len(shown) + cut + 1 :]]
        assert 0 < cut < len(shown) - 1
    else:
        assert shown == [str(width) for width in widths]


def test_json_holds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"widths": list(range(100))}]
    print_rows(rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows


def test_texts_are_wrapped_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_wrapped("word " * 30, "next")
    first, second, third = capsys.readouterr().out.splitlines()
    assert len(first) <= LONGEST_LINE
    assert second.startswith("  word")
    assert third == "next"
