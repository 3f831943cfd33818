"""Sorted network -> network with nested subnetworks."""

from __future__ import annotations

from dataclasses import replace

from reds.bundle import Bundle
from reds.errors import ConfigError
from reds.widths import WidthRule


def narrowed(bundle: Bundle, rule: WidthRule) -> Bundle:
    """The network with the subnetworks that the rule chooses.

    Raises:
        ConfigError: the network has not been scored.
        BudgetError: a budget cannot be met.
    """
    if not bundle.importance:
        raise ConfigError("the bundle has no importance to choose widths by", do="score it first: python -m reds convert --help")
    choice = rule.choose(bundle.architecture, bundle.importance)
    return replace(bundle, subnets=choice.subnets).with_provenance(widths=dict(choice.facts))
