"""The choice of examples that stand for a split."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reds.calibration import EXAMPLES, calibration_inputs
from reds.datasets.samples import stratified
from reds.datasets.split import Split, make_split

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


def a_split(seed: int) -> Split:
    """400 training examples whose input is their number, in four classes of different sizes."""
    numbers = np.arange(400)
    examples = (numbers[:, None], np.minimum(numbers // 50, 3))
    return make_split("numbers", seed, "abcd", train=examples, test=(numbers[:4, None], numbers[:4]))


def test_calibration_takes_every_class_from_the_training_part() -> None:
    split = a_split(3)
    inputs = calibration_inputs(split, 40)
    assert inputs.dtype == np.float32
    assert np.unique(split.y_train[inputs[:, 0].astype(int)], return_counts=True)[1].tolist() == [10, 10, 10, 10]
    assert len(calibration_inputs(split)) == EXAMPLES
    assert np.array_equal(calibration_inputs(split, 1000), split.x_train)


def test_calibration_follows_from_the_seed_of_the_split() -> None:
    assert np.array_equal(calibration_inputs(a_split(3)), calibration_inputs(a_split(3)))
    assert not np.array_equal(calibration_inputs(a_split(3)), calibration_inputs(a_split(4)))
