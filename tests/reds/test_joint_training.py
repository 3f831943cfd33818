"""Joint training of convolutional networks: common layers, batch norm of each subnetwork, and runs that are killed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_lines import drawn_lines

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.cache import CACHE_VARIABLE
from reds.datasets.split import Split, make_split
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.layers import BatchNorm, Conv2D, Dense, DepthwiseConv2D, Flatten, GlobalAveragePooling2D, LeakyReLU, ReLU
from reds.plans import TrainingPlan
from reds.subnets import halving
from reds.unfinished import State, Unfinished
from reds.zoo import architecture

pytestmark = pytest.mark.slow
try:
    import reds.training  # noqa: F401 - decides how TensorFlow computes, which must come before its own import
except MissingError as missing:
    pytest.skip(str(missing), allow_module_level=True)

LAYERS = (
    Conv2D("conv1", 8, (3, 3), (2, 2), "same"),
    BatchNorm("norm1"),
    LeakyReLU("activation1"),
    DepthwiseConv2D("depthwise", (3, 3), (1, 1), "same"),
    BatchNorm("norm2"),
    ReLU("activation2"),
    Conv2D("pointwise", 6, (1, 1)),
    BatchNorm("norm3"),
    ReLU("activation3"),
)
POOLED = Architecture("pooled", (8, 8, 1), (*LAYERS, GlobalAveragePooling2D("pool"), Dense("classes", 3)))
FLAT = Architecture("flat", (8, 8, 1), (*LAYERS, Flatten("flatten"), Dense("hidden", 8), BatchNorm("norm4"), Dense("classes", 3)))
PLAN = TrainingPlan(epochs=12, batch_size=20, learning_rate=1e-2, weight_decay=1e-3, distillation=0.3)


def nested(network: Architecture, bundle: Bundle) -> Bundle:
    groups = [group.name for group in network.groups if not group.whole]
    return replace(bundle, subnets=halving(network, (1, 0.5, 0.25), groups))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def split() -> Split:
    """A horizontal line, a vertical one, or a square, somewhere, with noise."""
    generator = np.random.default_rng(0)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        return drawn_lines(generator, count)

    return make_split("lines", 0, ["a", "b", "c"], train=part(400), test=part(100))


def training(bundle: Bundle, split: Split, plan: TrainingPlan = PLAN, epochs_done=lambda _: None) -> Bundle:
    from reds.training.joint import train_subnets

    return train_subnets(bundle, split=split, plan=plan, seed=1, epochs_done=epochs_done)[0]


def initial(network: Architecture) -> Bundle:
    from reds.training.pretraining import initial_bundle

    return nested(network, initial_bundle(network, 0))


def right(bundle: Bundle, split: Split) -> list[float]:
    from reds.training.evaluation import subnet_logits

    return [float((each.argmax(axis=1) == split.y_test).mean()) for each in subnet_logits(bundle, split.x_test)]


@pytest.mark.parametrize(("name", "layers"), [("pooled", 6), ("ds_cnn_s", 6), ("cnn_s", 3), ("dnn_s", 2), ("cnn8", 3)])
def test_layers_in_common_end_where_cut_channels_are_mixed(name: str, layers: int) -> None:
    from reds.training.shared import common_layers

    network = POOLED if name == "pooled" else architecture(name)
    subnets = halving(network, (1, 0.5), [group.name for group in network.groups if not group.whole])
    assert common_layers(network, [subnet.widths for subnet in subnets]) == layers
    assert common_layers(network, [network.full_widths]) == len(network.layers)


@pytest.mark.parametrize("network", [POOLED, FLAT], ids=lambda network: network.name)
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_all_together_compute_what_each_alone_does(network: Architecture, mode: str, split: Split) -> None:
    import tensorflow as tf

    from reds.training.joint import own_levels
    from reds.training.layers import BATCH_FORWARDS, FORWARDS
    from reds.training.shared import SharedNetwork

    bundle = initial(network)
    shared, forwards = SharedNetwork(network, bundle.weights), {"inference": FORWARDS, "training": BATCH_FORWARDS}[mode]
    levels, generator = own_levels(bundle), np.random.default_rng(0)
    for level in levels:
        for own in level.own.values():
            own.assign(generator.normal(1, 0.5, own.numpy().shape))
    assert any(level.own for level in levels)
    inputs = tf.constant(split.x_train[:30])
    together = shared.joint_logits(inputs, levels, forwards)
    for logits, level in zip(together, levels, strict=True):
        alone = shared.logits(inputs, level, forwards)
        assert logits.numpy() == pytest.approx(alone.numpy(), abs=1e-4)


@pytest.mark.parametrize("network", [POOLED, FLAT], ids=lambda network: network.name)
def test_every_subnetwork_learns_with_batch_norm_of_its_own(
    network: Architecture, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = training(initial(network), split)
    assert min(right(bundle, split)) > 0.9
    own = {name.split("/")[0] for name in bundle.private["25"]}
    assert own == {placed.layer.name for placed in network.placed[6:] if placed.layer.kind == "batch_norm"}
    assert not np.allclose(bundle.private["25"]["norm3/gamma"], bundle.weights["norm3/gamma"][:2])
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "other"))
    again = training(initial(network), split)
    assert again.content_hash() == bundle.content_hash()


def test_shared_batch_norm_keeps_its_statistics(split: Split) -> None:
    first = initial(POOLED)
    bundle = training(first, split, PLAN.changed({"batch_norm": "shared"}))
    assert not bundle.private
    for name, array in bundle.weights.items():
        assert np.array_equal(array, first.weights[name]) == name.endswith(("moving_mean", "moving_variance"))
    assert right(bundle, split)[0] > 0.9


def test_recalibrated_statistics_are_those_of_the_training_examples(split: Split) -> None:
    from reds.training.recalibration import recalibrated
    from reds.training.shared import Level, SharedNetwork

    network = Architecture("flat", (64,), (Dense("hidden", 5), BatchNorm("norm"), Dense("classes", 3)))
    generator = np.random.default_rng(3)
    weights = {n: generator.normal(1, 0.3, w.shape(network.full_widths)).astype(np.float32) for n, w in network.weights.items()}
    found = recalibrated(SharedNetwork(network, weights), Level((64, 3, 3)), split, np.random.default_rng(0))
    values = split.x_train @ weights["hidden/kernel"][:, :3] + weights["hidden/bias"][:3]
    assert found["norm/moving_mean"] == pytest.approx(values.mean(axis=0), rel=1e-4)
    assert found["norm/moving_variance"] == pytest.approx(values.var(axis=0), rel=1e-3)
    assert set(found) == {"norm/moving_mean", "norm/moving_variance"}


def test_batch_norm_takes_over_the_statistics_of_the_data_without_changing_the_function(split: Split) -> None:
    import tensorflow as tf

    from reds.training.evaluation import subnet_logits
    from reds.training.layers import BATCH_FORWARDS
    from reds.training.recalibration import with_statistics_of
    from reds.training.shared import Level, SharedNetwork

    network, generator = FLAT, np.random.default_rng(5)
    weights = {
        name: (array + generator.uniform(0.2, 0.6, array.shape)).astype(np.float32) if array.ndim == 1 else array
        for name, array in initial(network).weights.items()
    }
    before = Bundle(network, weights, initial(network).subnets)
    after = with_statistics_of(split, before, seed=0)
    assert not np.allclose(after.weights["norm3/moving_mean"], weights["norm3/moving_mean"], atol=0.1)
    whole = subnet_logits(before, split.x_test)[0]
    assert subnet_logits(after, split.x_test)[0] == pytest.approx(whole, abs=1e-3)
    inputs = split.x_train[:400]
    of_batch = SharedNetwork(network, after.weights).logits(tf.constant(inputs), Level(network.full_widths), BATCH_FORWARDS)
    assert of_batch.numpy() == pytest.approx(subnet_logits(after, inputs)[0], abs=1e-2)


def test_the_statistics_of_a_subnetwork_are_those_of_its_own_activations(split: Split) -> None:
    """Each batch norm's inputs, as the exported subnetwork computes them, have the mean and variance that it keeps."""
    import keras

    from reds.training.model import keras_model

    bundle = training(initial(FLAT), split, PLAN.changed({"epochs": 6}))
    for subnet in bundle.subnets:
        model = keras_model(bundle, subnet)
        for name in ("norm3", "norm4"):
            into = keras.Model(model.inputs[0], model.get_layer(name).input)
            values = into(split.x_train.reshape(-1, 8, 8, 1)).numpy()
            axes = tuple(range(values.ndim - 1))
            own = {array: bundle.active_weights(subnet)[f"{name}/{array}"] for array in ("moving_mean", "moving_variance")}
            # Not exactly: those before it normalised by the batch at hand when they were measured.
            assert own["moving_mean"] == pytest.approx(values.mean(axes), abs=0.02 + 0.02 * float(np.abs(values).mean()))
            assert own["moving_variance"] == pytest.approx(values.var(axes), rel=0.05, abs=0.01)


class _KilledError(Exception):
    """Stands for the end of the process."""


def test_a_killed_run_goes_on_after_its_last_epoch_and_ends_as_if_it_had_not_been_killed(
    split: Split, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from reds.training import loop

    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "other"))
    uninterrupted = training(initial(POOLED), split)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    trained: list[int] = []
    original = loop.epoch_batches
    monkeypatch.setattr(loop, "epoch_batches", lambda *arguments: trained.append(1) or original(*arguments))

    def killing(epoch: int) -> None:
        if epoch == 5:
            raise _KilledError

    with pytest.raises(_KilledError):
        training(initial(POOLED), split, epochs_done=killing)
    assert len(list((tmp_path / "cache" / "unfinished").glob("*.npz"))) == 1
    reported: list[float] = []
    resumed = training(initial(POOLED), split, epochs_done=reported.append)
    assert len(trained) == 12
    assert reported == list(range(5, 13))
    assert resumed.content_hash() == uninterrupted.content_hash()
    assert training(initial(POOLED), split).content_hash() == uninterrupted.content_hash()
    assert len(trained) == 12, "what was finished is there until its result is surely saved"


def test_a_run_killed_after_its_last_epoch_trains_nothing_again(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    from reds.training import joint, loop

    def killing(*_arguments: object) -> None:
        raise _KilledError

    with monkeypatch.context() as patched:
        patched.setattr(joint, "recalibrated", killing)
        with pytest.raises(_KilledError):
            training(initial(POOLED), split)
    monkeypatch.setattr(loop, "epoch_batches", killing)
    resumed = training(initial(POOLED), split)
    assert min(right(resumed, split)) > 0.9


def test_states_that_nobody_came_back_to_are_dropped() -> None:
    old, new = Unfinished.of({"old": 1}), Unfinished.of({"new": 1})
    for each in (old, new):
        each.save(State(1, np.zeros(1), {}, []))
    os.utime(old.path, (0, 0))
    Unfinished.of({"third": 1})
    assert not old.path.exists()
    assert new.path.exists()


def test_batch_norm_of_their_own_is_not_left_behind(split: Split) -> None:
    bundle = training(initial(POOLED), split, PLAN.changed({"epochs": 1}))
    with pytest.raises(ConfigError, match="batch norm of their own"):
        training(bundle, split, PLAN.changed({"batch_norm": "shared"}))


def test_another_plan_does_not_take_over_what_was_left(split: Split) -> None:
    def killing(_epoch: int) -> None:
        raise _KilledError

    with pytest.raises(_KilledError):
        training(initial(POOLED), split, epochs_done=killing)
    reported: list[float] = []
    training(initial(POOLED), split, PLAN.changed({"learning_rate": 2e-2, "epochs": 1}), reported.append)
    assert reported == [0, 1]


def test_what_cannot_be_read_is_named_and_may_be_removed(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path / "state.npz")
    assert unfinished.load() is None
    unfinished.path.write_bytes(b"PK\3\4 torn")
    with pytest.raises(ProtocolError, match=r"remove .*state\.npz"):
        unfinished.load()


def test_a_loss_that_is_no_number_ends_the_training_with_a_clear_error(split: Split) -> None:
    with pytest.raises(ConfigError, match="lower the learning rate"):
        training(initial(POOLED), split, PLAN.changed({"learning_rate": 1e30, "batch_norm": "shared"}))


def test_a_data_set_without_training_examples_is_refused(split: Split) -> None:
    empty = replace(split, x_train=split.x_train[:0], y_train=split.y_train[:0])
    with pytest.raises(ConfigError, match="no training examples"):
        training(initial(POOLED), empty)


def test_bfloat16_trains_float32_weights(split: Split) -> None:
    bundle = training(initial(POOLED), split, PLAN.changed({"compute_type": "bfloat16"}))
    assert {array.dtype for array in bundle.weights.values()} == {np.dtype(np.float32)}
    assert min(right(bundle, split)) > 0.85


@pytest.mark.parametrize(
    "network", [POOLED, Architecture("dense", (64,), (Dense("hidden", 6), ReLU("relu"), Dense("classes", 3)))]
)
def test_an_epoch_in_uneven_pieces_is_the_same_epoch(
    network: Architecture, split: Split, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = PLAN.changed({"epochs": 2})
    at_once = training(initial(network), split, plan)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "other"))  # else it would find that this is done
    monkeypatch.setattr("reds.batches.CHUNK_BYTES", 3 * 4 * 20 * 64)  # 20 steps as 3, 3, ..., 2
    reported: list[float] = []
    in_pieces = training(initial(network), split, plan, reported.append)
    parts = [step / 20 for step in (3, 6, 9, 12, 15, 18, 20)]
    assert reported == [0, *parts, *(1 + part for part in parts)]
    for name, array in at_once.weights.items():
        assert in_pieces.weights[name] == pytest.approx(array, abs=1e-5)
