"""Cost tables, budgets and stores for tests and benchmarks of adaptation."""

from __future__ import annotations

import numpy as np

from reds.adaptation.budgets import UNLIMITED, Budgets, budgets_of
from reds.adaptation.costs import CostTable, Option
from reds.adaptation.generators import DAY_S, generate
from reds.adaptation.policies import Store, store_for

NAMES, PARTS = ("100", "75", "50", "25"), (4, 3, 2, 1)
# DS-CNN S on Fashion-MNIST and on CIFAR-10, DNN S on keyword spotting: test accuracies of results/tables
ACCURACIES = {
    "fashion_mnist": (0.9201, 0.9155, 0.9082, 0.8963),
    "cifar10": (0.8116, 0.8063, 0.7675, 0.7011),
    "keywords": (0.733, 0.731, 0.709, 0.625),
}
WHOLE_TICKS, WHOLE_RAM_BYTES = 2_000_000, 20_000
SWITCH_TICKS = 17
STORE_OF_A_DAY = 0.25  # of what the whole network takes in a day


def cost_table(accuracies: tuple[float, ...] = ACCURACIES["cifar10"], **facts: object) -> CostTable:
    """Four subnetworks whose costs are quarters of the whole network's."""
    options = tuple(
        Option(name, WHOLE_TICKS * part // 4, WHOLE_TICKS * part // 4, WHOLE_RAM_BYTES * part // 4, accuracy)
        for name, part, accuracy in zip(NAMES, PARTS, accuracies, strict=True)
    )
    return CostTable("net", "board", "f" * 64, "cycles", 64.0, "nJ", "model", SWITCH_TICKS, options)


def day(kind: str, table: CostTable, seed: int = 0) -> tuple[Budgets, Store | None]:
    """A day of budgets, one a second; with a harvest also a store, and the forecast of another day."""
    budgets = budgets_of(generate(kind, DAY_S, seed=seed), table)
    if not budgets.stored:
        return budgets, None
    capacity = int(table.options[0].energy * DAY_S * STORE_OF_A_DAY)
    return budgets, store_for(capacity, capacity // 2, budgets_of(generate(kind, DAY_S, seed=seed + 1000), table).harvest)


def unlimited(count: int) -> np.ndarray:
    """Budgets that limit nothing."""
    return np.full(count, UNLIMITED, np.int64)
