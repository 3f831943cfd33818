"""What axes and legends of values over runs say."""

from __future__ import annotations

import json

import pytest

from harness.history import series
from harness.readings import of_run
from harness.report.histories import figures
from tests.harness.examples import a_measurement
from tests.harness.storing import file_of, run_of_day


@pytest.mark.parametrize(
    ("facts", "values", "shown", "title"),
    [
        ({"metric": "accuracy", "unit": "fraction", "better": "higher"}, (0.9, 0.8), [90, 80], "%"),
        ({"unit": "nanoseconds"}, (200, 250), [200, 250], "Nanoseconds"),
    ],
)
def test_shares_are_percent_and_numbers_are_written_out(
    facts: dict[str, str], values: tuple[float, ...], shown: list[float], title: str
) -> None:
    runs = [of_run(file_of(run_of_day(day), [a_measurement(value=value, **facts)])) for day, value in enumerate(values)]

    (figure,) = figures(series(runs))

    assert [row["value"] for row in figure.rows] == pytest.approx(shown)
    text = json.dumps(figure.chart)
    assert f'"title": "{title}"' in text
    assert '"format": ",~f"' in text
    assert "~s" not in text
    assert "better" not in text  # the legend names what occurs
    assert "toolchain" not in text
