"""The choice of test samples."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.samples import stratified

labels = st.lists(st.integers(0, 9), min_size=1, max_size=200).map(np.array)


@given(labels=labels, count=st.integers(1, 250), seed=st.integers(0, 5))
def test_every_class_gets_the_same_share_as_far_as_it_can(labels: np.ndarray, count: int, seed: int) -> None:
    chosen = stratified(labels, count, seed)

    assert len(chosen) == min(count, len(labels))
    assert np.all(np.diff(chosen) > 0)
    classes, available = np.unique(labels, return_counts=True)
    taken = np.array([np.sum(labels[chosen] == label) for label in classes])
    assert np.all(taken[taken < available] >= taken.max() - 1)


def test_the_choice_follows_from_the_seed() -> None:
    labels = np.repeat(np.arange(10), 36)

    assert np.array_equal(stratified(labels, 60, 3), stratified(labels, 60, 3))
    assert not np.array_equal(stratified(labels, 60, 3), stratified(labels, 60, 4))
