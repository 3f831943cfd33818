"""Nested subnetworks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.errors import ConfigError
from reds.subnets import Subnet, Subnets, budget_name, halving, whole_network
from reds.zoo import mlp, mlp3


@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.lists(st.floats(0.01, 0.99), max_size=4, unique=True))
def test_halved_subnetworks_nest_and_keep_a_channel(hidden: list[int], fractions: list[float]) -> None:
    network = mlp("net", 5, tuple(hidden), 3)
    names = {budget_name(fraction) for fraction in fractions}
    if len(names) < len(fractions):
        return
    subnets = halving(network, [1, *sorted(fractions, reverse=True)], [group.name for group in network.groups if not group.whole])
    assert subnets[0].widths == network.full_widths
    for larger, smaller in zip(subnets, list(subnets)[1:], strict=False):
        assert all(1 <= b <= a for a, b in zip(larger.widths, smaller.widths, strict=True))
    assert Subnets.from_list(subnets.to_list(), network) == subnets


def test_widths_that_do_not_nest_are_refused() -> None:
    with pytest.raises(ConfigError, match="not nested"):
        Subnets((Subnet("100", (64, 4, 10)), Subnet("50", (64, 5, 10))))


@pytest.mark.parametrize("names", [[], ["100", "100"]])
def test_subnetworks_need_distinct_names(names: list[str]) -> None:
    with pytest.raises(ConfigError, match="distinct names"):
        Subnets(tuple(Subnet(name, (64, 4, 10)) for name in names))


def test_levels_are_found_by_name() -> None:
    subnets = halving(mlp3(), [1, 0.125], ["hidden1"])
    assert [subnets.level(name) for name in ("100", "12.5")] == [0, 1]
    with pytest.raises(ConfigError, match=r"did you mean 12\.5"):
        subnets.level("12.0")


def test_only_groups_that_exist_and_may_be_cut_are_halved() -> None:
    with pytest.raises(ConfigError, match="did you mean hidden1"):
        halving(mlp3(), [1, 0.5], ["hiden1"])
    with pytest.raises(ConfigError, match="unknown group"):
        halving(mlp3(), [1, 0.5], ["classes"])


@pytest.mark.parametrize("data", [[{"name": "100"}], [{"name": "100", "widths": "abc"}], [3]])
def test_a_malformed_list_is_refused(data: list) -> None:
    with pytest.raises(ConfigError):
        Subnets.from_list(data, mlp3())


def test_the_whole_network_is_one_subnetwork() -> None:
    assert whole_network(mlp3()).to_list() == [{"name": "100", "widths": [64, 40, 50, 10]}]
