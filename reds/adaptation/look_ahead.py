"""What no policy can exceed: the utility of one that knows all budgets beforehand."""

from __future__ import annotations

import numpy as np

from reds.adaptation.budgets import Budgets
from reds.adaptation.costs import CostTable
from reds.adaptation.policies import Store
from reds.adaptation.simulation import fitting
from reds.errors import BudgetError, MissingError

WINDOWS = 288  # five minutes of a day


def look_ahead_bound(budgets: Budgets, table: CostTable, store: Store | None = None) -> float:
    """An upper bound of `Replay.utility`.

    Without a store it is reached by the most accurate subnetwork that fits each request. With a store it is a linear programme:
    requests of a window (there are at most 288) that the same subnetworks fit are answered by shares of these, and the store must
    hold out only from window to window. No sequence of choices does better.

    Raises:
        MissingError: there is a store, and SciPy is not installed.
        BudgetError: the programme has no solution within what the solver can represent.
    """
    fits = fitting(budgets, table)
    accuracy = np.array([option.accuracy for option in table.options])
    if store is None:
        return float(np.where(fits, accuracy[:, None], 0.0).max(axis=0).mean())
    energy = np.array([option.energy for option in table.options], np.float64)
    flowed = np.cumsum(budgets.harvest / energy[0]) + store.start / energy[0]
    return _bound(fits, accuracy, energy / energy[0], flowed, store.capacity / energy[0])


def _bound(fits: np.ndarray, accuracy: np.ndarray, energy: np.ndarray, flowed: np.ndarray, capacity: float) -> float:
    """The programme. Its variables: requests of each class that each level answers, then what is lost of each window's harvest.

    A class is the requests of a window that the same levels fit. At the end of each window, what the store held at first and what
    flowed in, less what was used or lost, is from 0 to the capacity.
    """
    optimise, sparse = _scipy()
    requests = fits.shape[1]
    window = np.arange(requests) * min(WINDOWS, requests) // requests
    windows = int(window[-1]) + 1
    pattern = (fits * (1 << np.arange(len(fits)))[:, None]).sum(axis=0)
    classes, members = np.unique(np.stack([window, pattern]), axis=1, return_counts=True)
    pairs = [
        (index, int(at), level) for index, (at, bits) in enumerate(classes.T) for level in range(len(fits)) if bits >> level & 1
    ]
    answered = np.array([accuracy[level] for _, _, level in pairs])
    spent = sparse.lil_matrix((windows, len(pairs) + windows))
    limits = sparse.lil_matrix((len(members), len(pairs) + windows))
    for column, (index, at, level) in enumerate(pairs):
        spent[at, column] = energy[level]
        limits[index, column] = 1
    for at in range(windows):
        spent[at, len(pairs) + at] = 1
    total = sparse.tril(np.ones((windows, windows))) @ spent.tocsr()
    by_window = flowed[np.append(np.flatnonzero(np.diff(window)), requests - 1)]
    found = optimise.linprog(
        np.append(-answered, np.zeros(windows)),
        A_ub=sparse.vstack([total, -total, limits.tocsr()]),
        b_ub=np.concatenate([by_window, capacity - by_window, members]),
        method="highs",
    )
    if found.status != 0:
        raise BudgetError("the look-ahead bound was not found", seen=str(found.message), do="check the store's numbers")
    return float(-found.fun / requests)


def _scipy():
    try:
        from scipy import optimize, sparse  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise MissingError(
            "SciPy is not installed, which finds the look-ahead bound", do="pip install 'reds-bench[bench]'"
        ) from error
    return optimize, sparse
