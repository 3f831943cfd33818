"""Prepared data sets and mini-batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds.batches import epoch_batches, steps_per_epoch
from reds.datasets.digits import load
from reds.datasets.registry import check_dataset
from reds.datasets.split import Split, make_split, open_split, stated_fingerprint
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.plans import TrainingPlan


def small(seed: int = 0):
    generator = np.random.default_rng(seed)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        return generator.random((count, 4)), generator.integers(0, 3, count)

    return make_split("small", seed, ["a", "b", "c"], train=part(10), test=part(5))


def test_a_split_comes_back_memory_mapped(tmp_path: Path) -> None:
    split = small()
    split.write(tmp_path)
    back = open_split(tmp_path)
    assert (back.name, back.seed, back.classes, back.fingerprint) == ("small", 0, ("a", "b", "c"), split.fingerprint)
    assert stated_fingerprint(tmp_path) == split.fingerprint
    for name, dtype in (("x_train", np.float32), ("y_train", np.int32), ("x_test", np.float32), ("y_test", np.int32)):
        array = getattr(back, name)
        assert isinstance(array, np.memmap)
        assert array.dtype == dtype
        assert not array.flags.writeable
        assert np.array_equal(array, getattr(split, name))


def test_the_fingerprint_follows_the_data() -> None:
    assert small(0).fingerprint == small(0).fingerprint != small(1).fingerprint


def test_what_is_no_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        open_split(tmp_path)
    for text in ("{", "[]", "{}"):
        (tmp_path / "split.json").write_text(text)
        with pytest.raises(ProtocolError):
            open_split(tmp_path)
    small().write(tmp_path)
    (tmp_path / "y_test.npy").unlink()
    with pytest.raises(ProtocolError, match="y_test"):
        open_split(tmp_path)


def test_an_unknown_data_set_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean digits"):
        check_dataset("digit")


def test_digits_are_split_four_to_one_and_by_class() -> None:
    pytest.importorskip("sklearn", reason="the loader needs scikit-learn")
    split, other = load(0), load(1)
    assert split.x_train.shape == (1437, 64)
    assert split.x_test.shape == (360, 64)
    assert 0 == split.x_train.min() <= split.x_train.max() == 1
    counts = np.bincount(split.y_test, minlength=10)
    assert counts.min() >= 34
    assert counts.max() <= 38
    assert load(0).fingerprint == split.fingerprint != other.fingerprint


PLAN = TrainingPlan(epochs=1, batch_size=4, learning_rate=0.1, weight_decay=0)


def training_split(inputs: np.ndarray, labels: np.ndarray) -> Split:
    return make_split("numbers", 0, [str(number) for number in range(22)], train=(inputs, labels), test=(inputs[:1], labels[:1]))


def test_an_epoch_shows_each_example_at_most_once_with_its_label() -> None:
    split = training_split(np.arange(10, dtype=np.float32)[:, None], np.arange(10))
    ((x, y),) = epoch_batches(split, PLAN, np.random.default_rng(0))
    assert x.shape == (2, 4, 1)
    assert y.shape == (2, 4)
    assert np.array_equal(x[..., 0], y)
    assert len(set(y.ravel().tolist())) == 8
    assert steps_per_epoch(split, PLAN) == 2


def test_a_batch_is_at_most_all_examples() -> None:
    ((x, _),) = epoch_batches(training_split(np.zeros((3, 2)), np.zeros(3)), PLAN, np.random.default_rng(0))
    assert x.shape == (1, 3, 2)


def test_a_large_epoch_comes_in_pieces_of_whole_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reds.batches.CHUNK_BYTES", 4 * 8 * 1 + 1)
    split = training_split(np.arange(22, dtype=np.float32)[:, None], np.arange(22))
    pieces = list(epoch_batches(split, PLAN, np.random.default_rng(0)))
    assert [x.shape for x, _ in pieces] == [(2, 4, 1), (2, 4, 1), (1, 4, 1)]
    assert all(np.array_equal(x[..., 0], y) for x, y in pieces)
    assert len({int(label) for _, y in pieces for label in y.ravel()}) == 20


def test_the_augmentation_of_a_data_set_makes_the_training_inputs() -> None:
    split = training_split(np.zeros((8, 2), np.float32), np.arange(8) % 2)
    doubled = replace(split, augmentation=lambda indices, generator: np.stack([indices, generator.random(len(indices))], axis=1))
    ((x, y),) = epoch_batches(doubled, PLAN, np.random.default_rng(0))
    assert np.array_equal(x[..., 0] % 2, y)
    assert len(set(x[..., 1].ravel().tolist())) == 8
    assert x.dtype == np.float32


def test_noise_has_the_strength_that_the_plan_says_and_follows_the_generator() -> None:
    split = training_split(np.zeros((400, 50), np.float32), np.zeros(400))
    noisy = PLAN.changed({"noise": 0.1, "batch_size": 400})
    first, again, other = (next(epoch_batches(split, noisy, np.random.default_rng(seed)))[0] for seed in (0, 0, 1))
    assert first.dtype == np.float32
    assert first.std() == pytest.approx(0.1, rel=0.05)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
