"""The table of a run, compared with how it should look."""

import pytest

from harness import summary
from harness.records import Measurement
from tests.harness.examples import a_measurement

GOLDEN = """\
                                accuracy       image
model type device        subnet        %  MACs bytes latency unit  switch
─────────────────────────────────────────────────────────────────────────
mlp3  int8 nano33ble-emu    100     96.7 5,060 8,124  23,456 instr     17
mlp3  int8 nano33ble-emu     50     93.3 2,530 8,124  12,000 instr     19

mlp3  int8 host             100     97.2 5,060     -   1,206 ns         -

Counts of nano33ble-emu: retired instructions of the emulated core, not time: a board's milliseconds do not follow from them.
Times of host: medians of a clock that runs; what else the machine does shows in them.
Accuracy on nano33ble-emu: 60 test samples.
Accuracy on host: 360 test samples.
Switch: the most that selecting this subnetwork took, over all that were selected before; same unit."""


@pytest.fixture
def measurements() -> list[Measurement]:
    share = {"metric": "accuracy", "unit": "fraction", "better": "higher", "clock": None}
    small = {"subnet": "50", "macs": 2530}
    host = {"device": "host", "unit": "nanoseconds", "clock": "nanoseconds", "deterministic": False}
    return [
        a_measurement(metric="search_gap", precision=None, device=None, value=0.0, unit="fraction"),
        a_measurement(value=12000, **small),
        a_measurement(value=23456),
        a_measurement(**share, value=29 / 30, sample_count=60),
        a_measurement(**(share | small), value=28 / 30, sample_count=60),
        a_measurement(metric="image_bytes", value=8124, unit="bytes", subnet=None, macs=None),
        a_measurement(metric="switch", value=17, from_subnet="50"),
        a_measurement(metric="switch", value=18, from_subnet="100", **small),
        a_measurement(metric="switch", value=19, from_subnet="25", **small),
        a_measurement(**(host | {"value": 1206.5})),
        a_measurement(**(host | share | {"unit": "fraction", "value": 0.9722, "sample_count": 360})),
    ]


def test_the_table_looks_as_it_should(measurements: list[Measurement]) -> None:
    assert summary.render(summary.rows(measurements), width=160, colour=False) == GOLDEN


def test_a_switch_cost_that_misses_changes_says_so(measurements: list[Measurement]) -> None:
    third = a_measurement(subnet="25", macs=1250, value=4000)
    text = summary.render(summary.rows([*measurements, third]), width=160, colour=False)

    assert ">=17" in text  # 100 was selected from 50 only
    assert ">=19" not in text  # 50 was selected from both


@pytest.mark.parametrize("width", [70, 80, 100, 200])
def test_the_table_fits_the_terminal(measurements: list[Measurement], width: int) -> None:
    text = summary.render(summary.rows(measurements), width=width, colour=False)

    assert max(map(len, text.splitlines())) <= width
    for number in ("23,456", "12,000", "5,060", "8,124", "19"):
        assert number in text


def test_colour_is_used_where_it_is_asked_for(measurements: list[Measurement]) -> None:
    rows = summary.rows(measurements)

    assert "\x1b[" in summary.render(rows, width=160, colour=True)
    assert "\x1b[" not in summary.render(rows, width=160, colour=False)


def test_data_sets_are_named_where_there_are_several(measurements: list[Measurement]) -> None:
    text = summary.render(summary.rows([*measurements, a_measurement(dataset="letters")]), width=160, colour=False)

    assert "data set" in text
    assert "letters" in text


def test_a_count_is_never_called_time(measurements: list[Measurement]) -> None:
    emulated = [m for m in measurements if m.device == "nano33ble-emu"]
    text = summary.render(summary.rows(emulated), width=160, colour=False)

    table, _, notes = text.partition("Counts of nano33ble-emu:")
    assert "not time" in notes
    assert not {"ms", "us", "ns", "milliseconds"} & set(table.split())


def test_of_repeated_measurements_the_last_counts() -> None:
    size = {"metric": "image_bytes", "unit": "bytes", "subnet": None, "macs": None}
    switch = {"metric": "switch", "from_subnet": "50"}
    repeated = [a_measurement(**size, value=9), a_measurement(**switch, value=99), a_measurement(value=1)]

    (row,) = summary.rows([*repeated, a_measurement(**size, value=8), a_measurement(**switch, value=7), a_measurement(value=2)])

    assert (row.image_bytes, row.switch, row.latency) == (8, 7, 2)


def test_nothing_in_a_record_steers_the_terminal() -> None:
    hostile = [a_measurement(architecture="a\x1b[2Jb", device="c\x9b31md\r", subnet="e\nf")]

    text = summary.render(summary.rows(hostile), width=200, colour=False)

    assert all(c.isprintable() or c == "\n" for c in text)
    assert "a [2Jb" in text
