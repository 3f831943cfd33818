"""Do the subnetworks keep what they were searched for?"""

from itertools import pairwise

import pytest

LARGEST_GAP = 0.01  # of the best possible importance


def test_search(network, record):
    """Each searched subnetwork keeps its budget, and its certificate is a small gap to the best possible."""
    solutions = network.bundle.provenance["widths"].get("solutions")
    if solutions is None:
        pytest.skip("the widths of this matrix follow from a rule without a search")
    for solution in solutions:
        name = solution["name"]
        record.value("search_gap", solution["gap"], unit="fraction", subnet=name)
        record.value("search_seconds", solution["seconds"], unit="seconds", deterministic=False, subnet=name)
        assert network.macs(name) <= solution["limit_macs"], name
        assert 0 <= solution["gap"] <= LARGEST_GAP, name


def test_nesting(network, record):
    """Each subnetwork lies within the one before and costs less."""
    subnets = list(network.bundle.subnets)
    for subnet in subnets:
        cost = network.cost(subnet.name)
        record.value("macs", cost.macs, unit="multiply-adds", subnet=subnet.name)
        record.value("parameters", cost.parameters, unit="parameters", subnet=subnet.name)
    for larger, smaller in pairwise(subnets):
        assert all(a >= b for a, b in zip(larger.widths, smaller.widths, strict=True)), smaller.name
        assert network.macs(smaller.name) < network.macs(larger.name), smaller.name
