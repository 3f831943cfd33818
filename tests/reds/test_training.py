"""Training with shared weights, against Keras and NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import flattened, forward, noisy

from reds.bundle import Bundle
from reds.cache import CACHE_VARIABLE
from reds.datasets.split import Split, make_split
from reds.errors import MissingError
from reds.plans import TrainingPlan
from reds.subnets import Subnets, halving
from reds.zoo import mlp, mlp11

pytestmark = pytest.mark.slow
try:
    import reds.training  # noqa: F401 - decides how TensorFlow computes, which must come before its own import
except MissingError as missing:
    pytest.skip(str(missing), allow_module_level=True)

NETWORK = mlp("net", 6, (12, 8), 3)
SUBNETS = halving(NETWORK, [1, 0.5, 0.25], ["hidden1", "hidden2"])
PLAN = TrainingPlan(epochs=12, batch_size=16, learning_rate=1e-2, weight_decay=1e-3, noise=0.05, distillation=0.5)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def split() -> Split:
    """Three clusters of points."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(3, 6))

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = generator.integers(0, 3, count)
        return centres[labels] + generator.normal(0, 0.4, (count, 6)), labels

    return make_split("clusters", 0, ["a", "b", "c"], train=part(160), test=part(90))


def accuracy(weights: Mapping[str, np.ndarray], split: Split, subnets: Subnets = SUBNETS) -> list[float]:
    """Share of right answers of each subnetwork, computed with NumPy."""
    logits = [forward(NETWORK, NETWORK.slice_weights(weights, subnet.widths), split.x_test) for subnet in subnets]
    return [float((each.argmax(axis=1) == split.y_test).mean()) for each in logits]


@pytest.mark.parametrize("network", [NETWORK, mlp11()], ids=lambda network: network.name)
def test_every_subnetwork_in_graph_mode_equals_its_sliced_keras_network(network) -> None:
    import tensorflow as tf

    from reds.training.evaluation import subnet_logits
    from reds.training.shared import Level, SharedNetwork

    bundle = noisy(network, 1)
    subnets = halving(network, [1, 0.5, 0.25, 0.125], [group.name for group in network.groups if not group.whole])
    inputs = np.random.default_rng(2).random((20, *network.input_shape), np.float32)
    alone = subnet_logits(replace(bundle, subnets=subnets), inputs)
    shared = SharedNetwork(network, bundle.weights)
    for subnet, expected in zip(subnets, alone, strict=True):
        logits = tf.function(lambda x, widths=subnet.widths: shared.logits(x, Level(widths)), jit_compile=True)(
            tf.constant(inputs)
        )
        assert logits.numpy() == pytest.approx(expected, abs=1e-5)
        sliced = network.slice_weights(bundle.weights, subnet.widths)
        assert expected == pytest.approx(forward(network, sliced, inputs), abs=1e-5)


def test_positions_are_sliced_block_by_block_in_the_graph() -> None:
    import tensorflow as tf

    from reds.training.shared import Level, SharedNetwork

    network = flattened((2, 3, 4), classes=5)
    kernel = np.arange(120, dtype=np.float32).reshape(24, 5)
    shared = SharedNetwork(network, {"classes/kernel": kernel, "classes/bias": np.zeros(5, np.float32)})
    active = shared.active(network.weights["classes/kernel"], Level((2, 5)))
    rows = [position * 4 + channel for position in range(6) for channel in range(2)]
    assert np.array_equal(tf.convert_to_tensor(active).numpy(), kernel[rows])


def test_pretraining_learns_and_repeats_itself_bit_by_bit(split: Split) -> None:
    from reds.training.pretraining import pretrain

    epochs: list[float] = []
    plan = PLAN.changed({"epochs": 25})
    trained, loss = pretrain(NETWORK, split, plan, 7, epochs.append)
    weights = trained.weights
    again = pretrain(NETWORK, split, plan, 7, lambda _: None)[0].weights
    other = pretrain(NETWORK, split, plan, 8, lambda _: None)[0].weights
    assert epochs == list(range(26))
    assert loss is not None
    assert loss < 0.5
    assert accuracy(weights, split)[0] > 0.85
    assert all(np.array_equal(weights[name], again[name]) for name in weights)
    assert not np.array_equal(weights["hidden1/kernel"], other["hidden1/kernel"])


def test_no_epochs_change_nothing(split: Split) -> None:
    from reds.training.joint import train_subnets
    from reds.training.pretraining import initial_bundle, pretrain

    plan = PLAN.changed({"epochs": 0})
    bundle, loss = pretrain(NETWORK, split, plan, 0, lambda _: None)
    assert loss is None
    tuned, losses = train_subnets(replace(bundle, subnets=SUBNETS), split=split, plan=plan, seed=0, epochs_done=lambda _: None)
    assert losses == ()
    first = initial_bundle(NETWORK, 0).weights
    assert all(np.array_equal(first[name], tuned.weights[name]) for name in first)


def test_fine_tuning_shares_weights_and_improves_the_small_subnetworks(split: Split) -> None:
    from reds.training.joint import train_subnets
    from reds.training.pretraining import pretrain

    bundle, _ = pretrain(NETWORK, split, PLAN.changed({"epochs": 25}), 0, lambda _: None)
    nested, plan = replace(bundle, subnets=SUBNETS), PLAN.changed({"epochs": 40})
    tuned, losses = train_subnets(nested, split=split, plan=plan, seed=0, epochs_done=lambda _: None)
    before, after = accuracy(bundle.weights, split), accuracy(tuned.weights, split)
    assert len(losses) == 3
    assert after[2] > before[2] + 0.05
    assert min(after) > 0.8
    assert tuned.subnets == SUBNETS
    assert not tuned.private


def run(network, objective, plan: TrainingPlan, split: Split) -> None:
    """Train anew."""
    from reds.training.loop import train
    from reds.unfinished import Unfinished

    unfinished = Unfinished.of({"test": plan.to_dict(), "levels": len(objective.levels)})
    generator = np.random.default_rng(0)
    train(network, objective, plan=plan, split=split, generator=generator, epochs_done=lambda _: None, unfinished=unfinished)
    assert unfinished.load() is not None


def test_a_weight_outside_a_subnetwork_is_left_alone_by_its_loss(split: Split) -> None:
    """Training the smallest alone moves its prefix; what lies outside only decays as AdamW says."""
    from reds.training.loop import Objective
    from reds.training.shared import Level, SharedNetwork

    bundle = noisy(NETWORK, 0)
    small = SUBNETS[2].widths
    network = SharedNetwork(NETWORK, bundle.weights)
    plan = PLAN.changed({"epochs": 2, "weight_decay": 0.0, "distillation": 0.0})
    run(network, Objective((Level(small),), (1.0,)), plan, split)
    after = network.weights()
    for name, array in NETWORK.slice_weights(after, small).items():
        inside = tuple(slice(0, extent) for extent in array.shape)
        outside = np.ones(after[name].shape, bool)
        outside[inside] = False
        assert not np.array_equal(after[name][inside], bundle.weights[name][inside])
        assert np.array_equal(after[name][outside], bundle.weights[name][outside])


def test_a_step_is_that_of_adam_on_the_weighted_sum_of_the_losses(split: Split) -> None:
    """One step of one batch without noise: AdamW moves each weight by the learning rate against the sign of its gradient."""
    from reds.training.joint import loss_shares
    from reds.training.loop import Objective
    from reds.training.shared import Level, SharedNetwork

    bundle = noisy(NETWORK, 0)
    shares = loss_shares(NETWORK, SUBNETS, PLAN)
    plan = TrainingPlan(epochs=1, batch_size=len(split.x_train), learning_rate=1e-3, weight_decay=0.0)
    network = SharedNetwork(NETWORK, bundle.weights)
    run(network, Objective(tuple(Level(subnet.widths) for subnet in SUBNETS), shares), plan, split)

    def loss(weights: Mapping[str, np.ndarray]) -> float:
        total = 0.0
        for subnet, share in zip(SUBNETS, shares, strict=True):
            logits = forward(NETWORK, NETWORK.slice_weights(weights, subnet.widths), split.x_train)
            logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
            total -= share * logits[np.arange(len(logits)), split.y_train].mean()
        return total

    moved = network.weights()
    for name, index in (("hidden1/kernel", (0, 0)), ("hidden2/kernel", (7, 5)), ("classes/bias", (1,)), ("hidden1/bias", (2,))):
        step = np.zeros(bundle.weights[name].shape)
        step[index] = 1e-4
        doubles = {key: array.astype(np.float64) for key, array in bundle.weights.items()}
        slope = (loss({**doubles, name: doubles[name] + step}) - loss({**doubles, name: doubles[name] - step})) / 2e-4
        assert abs(slope) > 1e-5, "the example must have a gradient here"
        change = float(moved[name][index]) - float(bundle.weights[name][index])
        assert change == pytest.approx(-1e-3 * np.sign(slope), rel=0.02)


def test_loss_shares_follow_the_roots_of_the_parameters() -> None:
    from reds.training.joint import loss_shares

    parameters = [NETWORK.cost(subnet.widths).parameters for subnet in SUBNETS]
    shares = loss_shares(NETWORK, SUBNETS, PLAN)
    assert sum(shares) == pytest.approx(1)
    assert shares[0] / shares[1] == pytest.approx((parameters[0] / parameters[1]) ** 0.5)
    assert loss_shares(NETWORK, SUBNETS, PLAN.changed({"loss_weights": "halving"})) == pytest.approx((4 / 7, 2 / 7, 1 / 7))


def test_the_learning_rate_falls_to_zero(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from reds.training.pretraining import pretrain

    made = []
    original = keras.optimizers.AdamW

    def recording(*args, **kwargs):
        made.append(original(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(keras.optimizers, "AdamW", recording)
    pretrain(NETWORK, split, PLAN.changed({"epochs": 3}), 0, lambda _: None)
    assert int(made[0].iterations) == 3 * (160 // 16)
    assert float(made[0].learning_rate) == pytest.approx(0, abs=1e-9)


def test_the_learning_rate_changes_at_the_steps_that_the_plan_names(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from reds.training.pretraining import pretrain

    made = []
    original = keras.optimizers.AdamW
    monkeypatch.setattr(keras.optimizers, "AdamW", lambda *args, **kwargs: made.append(original(*args, **kwargs)) or made[-1])
    plan = PLAN.changed({"epochs": 2, "learning_rate": 0.5, "later_rates": [[3, 0.25], [7, 0.125]]})
    pretrain(NETWORK, split, plan, 0, lambda _: None)
    schedule = made[0]._learning_rate
    rates = [float(schedule(step)) for step in range(9)]
    assert rates == [0.5] * 3 + [0.25] * 4 + [0.125] * 2


def test_summed_gradients_are_the_slopes_of_the_mean_loss(split: Split) -> None:
    from reds.training.gradients import summed_gradients

    bundle = noisy(NETWORK, 3)
    gradients = summed_gradients(NETWORK, bundle.weights, split, batches=2, batch_size=160, seed=0)

    def loss(change: float) -> float:
        weights = {name: array.astype(np.float64) for name, array in bundle.weights.items()}
        weights["hidden2/kernel"][1, 2] += change
        logits = forward(NETWORK, weights, split.x_train)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return -float(logits[np.arange(len(logits)), split.y_train].mean())

    slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
    assert gradients["hidden2/kernel"][1, 2] == pytest.approx(2 * slope, rel=1e-3, abs=1e-6)
    assert gradients.keys() == bundle.weights.keys()


def test_converting_preserves_the_function_and_records_importance(split: Split) -> None:
    from reds.steps.convert import converted

    bundle = noisy(NETWORK, 4)
    done = converted(bundle, split, seed=0, batches=3)
    assert isinstance(done, Bundle)
    before, after = (forward(NETWORK, each.weights, split.x_test) for each in (bundle, done))
    assert after == pytest.approx(before, abs=1e-5)
    assert set(done.importance) == {"hidden1/kernel", "hidden2/kernel", "classes/kernel"}
    scores = done.importance["hidden1/kernel"].sum(axis=0)
    assert (np.diff(scores) <= 1e-6).all()
    assert done.provenance["importance"]["batches"] == 3
