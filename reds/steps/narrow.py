"""Sorted network -> network with nested subnetworks."""

from __future__ import annotations

from dataclasses import replace

from reds.bundle import Bundle
from reds.widths import WidthRule


def narrowed(bundle: Bundle, rule: WidthRule) -> Bundle:
    """The network with the subnetworks that the rule chooses; what older ones had for themselves goes with them.

    Raises:
        ConfigError: the rule needs scores, and the network has none.
        BudgetError: a budget cannot be met.
    """
    choice = rule.choose(bundle.architecture, bundle.importance)
    return replace(bundle, subnets=choice.subnets, private={}).with_provenance(widths=dict(choice.facts))
