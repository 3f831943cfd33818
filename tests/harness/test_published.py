"""The published values that reports show beside measured ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import published
from harness.published import Shelf


def test_every_value_has_a_source_and_a_place() -> None:
    values = published.load()
    assert len(values) > 400
    assert all(v.source and v.network and v.unit and v.value >= 0 for v in values)
    shares = [v for v in values if v.metric in {"accuracy", "macs_share"}]
    assert all(0 < v.value <= 100 and v.unit == "percent" for v in shares)
    keys = [(v.network, v.dataset, v.subnet, v.metric, v.unit, v.device, v.variant, v.source) for v in values]
    assert len(set(keys)) == len(keys)


def test_true_costs_agree_with_their_shares_and_sizes() -> None:
    values = published.load()
    macs = {(v.network, v.subnet): v.value for v in values if v.metric == "macs" and v.dataset == "speech_commands"}
    shares = [v for v in values if v.metric == "macs_share"]
    assert len(shares) == 24
    for v in shares:
        assert 100 * macs[v.network, v.subnet] / macs[v.network, "100"] == pytest.approx(v.value, abs=0.051)


def test_the_units_that_a_plot_shows_are_those_of_the_published_widths() -> None:
    """Within what the eye can read."""
    values = published.load()
    scripts = "computed from the widths in the published scripts: "
    widths = {
        (v.network, v.subnet): [int(width) for width in v.source.removeprefix(scripts).split("-")]
        for v in values
        if v.metric == "macs" and v.source.startswith(scripts)
    }
    kept = [v for v in values if v.metric == "units_kept"]
    assert len(kept) == 30
    for v in kept:
        layer = int(v.variant[-1]) - 1
        whole, part = (widths[v.network, subnet][layer] for subnet in ("100", v.subnet))
        assert 100 * part / whole == pytest.approx(v.value, abs=2), v


def test_ten_subnets_stand_at_their_nominal_cost() -> None:
    shelf = Shelf(published.load(), "dnn_s", "speech_commands")
    ten = {v.subnet: shelf.cost(v) for v in shelf.of("accuracy") if v.variant == "BU, ten subnets"}
    assert ten["50"] == published.Cost(39600, nominal=True)
    assert ten["100"] == published.Cost(79200, nominal=False)
    four = {v.subnet: shelf.cost(v) for v in shelf.of("accuracy") if v.variant == "BU"}
    assert four["50"] == published.Cost(26730, nominal=False)


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("table,network\nT1,mlp1\n")
    with pytest.raises(Exception, match=r"a\.csv, line 2 is no published value"):
        published.load(tmp_path)
