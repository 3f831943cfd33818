"""Post-training quantisation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import export, reference, zoo
from reds.architecture import Architecture
from reds.bundle import Bundle, untrained
from reds.errors import ConfigError
from reds.image import read_image
from reds.layers import BatchNorm, Conv2D, Dense, Flatten, LeakyReLU, ReLU
from reds.quantisation import Quantisation, affine, quantise_network
from reds.quantisation.tables import channel_table, clamp, leaky_relu_table, multiplier_and_shift
from reds.subnets import Subnet, Subnets, halving, whole_network
from tests.reds.digits_networks import Digits, digits, trained
from tests.reds.random_networks import random_bundle, random_inputs

REAL = st.floats(-1e6, 1e6, width=32)


@given(st.floats(-127.9, 127.9))
def test_multiplier_and_shift_stand_for_the_factor(real: float) -> None:
    multiplier, shift = multiplier_and_shift(real)
    assert multiplier == 0 or 2**30 <= abs(multiplier) < 2**31
    assert -31 <= shift <= 7
    stands_for = multiplier * 2.0 ** (shift - 31)
    assert abs(stands_for - real) <= max(abs(real) * 2**-31, 2**-32)


def test_a_factor_that_rounds_up_to_a_power_of_two() -> None:
    assert multiplier_and_shift(np.nextafter(1.0, 0.0)) == (2**30, 1)


@pytest.mark.parametrize("real", [float("nan"), float("-inf"), 128.0, -128.0])
def test_factors_that_the_format_cannot_hold_are_refused(real: float) -> None:
    with pytest.raises(ConfigError, match="factor"):
        multiplier_and_shift(real)


def test_a_bias_that_the_format_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="bias"):
        channel_table(np.array([2.0**29 + 1]), np.array([0.5]))


@given(REAL, REAL)
def test_zero_is_exact_and_the_range_is_covered(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    found = affine(low, high)
    assert found.dequantise(found.quantise(np.zeros(1, np.float32)))[0] == 0
    ends = np.array([low, high], np.float32)
    assert (np.abs(found.dequantise(found.quantise(ends)) - ends) <= 0.51 * found.scale + 1e-6 * np.abs(ends)).all()


WEIGHT_SCALES = st.sampled_from([0.0, 1e-30, 1e-6, 1.0, 1e4])


@given(
    widths=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    scales=st.lists(WEIGHT_SCALES, min_size=8, max_size=8),
    input_scale=st.sampled_from([0.0, 1e-6, 1.0, 1e6]),
    seed=st.integers(0, 100),
)
@settings(max_examples=200, deadline=None)
def test_every_network_makes_a_valid_image(widths: list[int], scales: list[float], input_scale: float, seed: int) -> None:
    """Dead layers, channels of zeros, biases that dwarf their weights, inputs of nothing but zeros."""
    generator = np.random.default_rng(seed)
    network = zoo.mlp("any", widths[0], tuple(widths[1:-1]), widths[-1])
    bundle = untrained(network, seed)
    weights = {
        name: (generator.normal(size=weight.shape) * scale).astype(np.float32)
        for (name, weight), scale in zip(bundle.weights.items(), scales, strict=False)
    }
    smaller = tuple(group.size if group.whole else 1 for group in network.groups)
    subnets = Subnets((Subnet("100", network.full_widths), Subnet("1", smaller)))
    inputs = (generator.normal(size=(10, widths[0])) * input_scale).astype(np.float32)
    image = read_image(export.image(Bundle(network, weights, subnets), "int8", inputs))
    for level in range(2):
        reference.infer(image, level, image.quantise_inputs(inputs))


def nested(network: Architecture) -> Subnets:
    return halving(network, (1, 0.75, 0.5, 0.25), zoo.POSTER_GROUPS[network.name])


def test_outputs_are_near_and_right_on_average() -> None:
    network = zoo.mlp11()
    bundle = replace(untrained(network, 3), subnets=nested(network))
    inputs = np.random.default_rng(0).random((400, 64), dtype=np.float32)
    image = read_image(export.image(bundle, "int8", inputs))
    for number, subnet in enumerate(bundle.subnets):
        real = reference.logits(bundle, subnet, inputs)
        found = image.dequantise_outputs(number, reference.infer(image, number, image.quantise_inputs(inputs)))
        assert np.abs(found - real).max() <= 0.05 * np.ptp(real)
        assert np.abs((found - real).mean(axis=0)).max() <= 0.5 * image.levels[number].output_scale


@pytest.mark.parametrize(
    ("calibration", "seen"),
    [
        (np.zeros((0, 64), np.float32), "0, 64"),
        (np.zeros((3, 63), np.float32), "3, 63"),
        (np.full((3, 64), np.nan, np.float32), "not finite"),
        (np.zeros(64, np.float32), "64,"),
    ],
)
def test_calibration_inputs_that_do_not_fit_are_refused(calibration: np.ndarray, seen: str) -> None:
    with pytest.raises(ConfigError, match="calibration") as refused:
        quantise_network(untrained(zoo.mlp1(), 0), calibration)
    assert seen in str(refused.value)


@pytest.mark.parametrize(
    ("activation", "limits"),
    [("none", (-128, 127)), ("relu", (-28, 127)), ("relu6", (-28, 32)), ("leaky_relu", (-128, 127))],
)
def test_activations_that_only_cut_off_are_in_the_clamp(activation: str, limits: tuple[int, int]) -> None:
    assert clamp(activation, Quantisation(0.1, -28)) == limits


def test_a_table_of_leaky_relu() -> None:
    source, output = Quantisation(0.1, -28), Quantisation(0.05, 7)
    table = leaky_relu_table(0.25, source, output)
    assert table[-28 + 128] == 7
    assert table[-27 + 128] == 9
    assert table[-32 + 128] == 5  # -0.4 becomes -0.1
    assert (np.diff(table.astype(int)) >= 0).all()
    assert (table[0], table[-1]) == (-43, 127)


def test_a_sum_that_an_int32_may_not_hold_is_refused() -> None:
    network = Architecture("wide", (32, 32, 32), (Flatten("flatten"), Dense("classes", 1)))
    with pytest.raises(ConfigError, match="'classes' sums too many products") as refused:
        quantise_network(untrained(network, 0), np.ones((1, 32768), np.float32))
    assert "32768" in str(refused.value)
    assert export.image(untrained(network, 0), "float32")


def flat_norm(gamma: float, beta: float) -> dict[str, np.ndarray]:
    """Batch norm of one channel that does nothing but scale and shift."""
    values = {"gamma": gamma, "beta": beta, "moving_mean": 0.0, "moving_variance": 1.0}
    return {f"norm/{name}": np.array([value, value], np.float32) for name, value in values.items()}


@pytest.mark.parametrize("gamma", [0.0, 1e-12, 1e-6, -1e-4, -1.0])
def test_a_norm_that_scales_to_next_to_nothing_leaves_the_others_alone(gamma: float) -> None:
    """One subnetwork's gammas do not touch the shared weights, and its own outputs are right: the bias."""
    layers = (Conv2D("conv", 2, (2, 2)), BatchNorm("norm"), ReLU("relu"), Flatten("flatten"), Dense("classes", 3))
    network = Architecture("tiny", (4, 4, 2), layers)
    subnets = Subnets((Subnet("100", network.full_widths), Subnet("odd", network.full_widths)))
    bundle = replace(random_bundle(network, 0, subnets), private={"100": flat_norm(1, 0.5), "odd": flat_norm(gamma, 0.5)})
    inputs = random_inputs(network, 50)
    image = read_image(export.image(bundle, "int8", inputs))
    for level, subnet in enumerate(subnets):
        real = reference.logits(bundle, subnet, inputs)
        found = image.dequantise_outputs(level, reference.infer(image, level, image.quantise_inputs(inputs)))
        assert np.abs(found - real).max() <= 0.05 * np.abs(real).max()


def test_leaky_relu_has_scales_before_and_after() -> None:
    network = Architecture("leaky", (8,), (Dense("hidden", 16), LeakyReLU("leaky", 0.1), Dense("classes", 4)))
    quantised = quantise_network(random_bundle(network, 0, whole_network(network)), random_inputs(network, 100))
    hidden, classes = quantised.levels[0]
    assert hidden.linear.scale > hidden.output.scale
    assert hidden.table.output_zero_point == hidden.linear.zero_point
    assert classes.table.input_zero_point == hidden.output.zero_point
    assert classes.linear == classes.output


def lost_points(bundle: Bundle, data: Digits) -> list[float]:
    """Percentage points of test accuracy that int8 loses, subnetwork by subnetwork."""
    image = read_image(export.image(bundle, "int8", data.train_inputs[:512]))
    inputs = image.quantise_inputs(data.test_inputs)
    lost = []
    for number, subnet in enumerate(bundle.subnets):
        real = reference.logits(bundle, subnet, data.test_inputs)
        found = reference.infer(image, number, inputs)
        right = [(logits.argmax(axis=1) == data.test_classes).mean() for logits in (real, found)]
        assert right[0] > 0.85, "the network is not trained: it says nothing of quantisation"
        lost.append(100 * (right[0] - right[1]))
    return lost


@pytest.mark.slow
@pytest.mark.parametrize(("name", "epochs"), [("mlp1", 40), ("mlp3", 40), ("mlp11", 100)])
def test_trained_networks_keep_their_accuracy(name: str, epochs: int) -> None:
    data = digits()
    network = zoo.architecture(name)
    lost = lost_points(trained(untrained(network, 0), nested(network), data, epochs), data)
    # One sample is 0.28 points, and training differs in the last bits between computers: one subnetwork may have bad luck.
    assert np.mean(lost) <= 0.5, lost
    assert max(lost) <= 1.0, lost
