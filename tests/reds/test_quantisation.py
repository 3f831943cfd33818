"""Post-training quantisation."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import export, reference, zoo
from reds.architecture import Architecture
from reds.bundle import Bundle, untrained
from reds.errors import ConfigError
from reds.image import Image, Layer, StepTable, chain, read_image, write_image
from reds.quantisation import Quantisation, affine, channel_table, clamp, folded_bias, multiplier_and_shift, quantise_bundle
from reds.subnets import Subnet, Subnets, halving
from tests.reds.digits_networks import Digits, digits, trained

REAL = st.floats(-1e6, 1e6, width=32)


@given(st.floats(0, 127.9))
def test_multiplier_and_shift_stand_for_the_factor(real: float) -> None:
    multiplier, shift = multiplier_and_shift(real)
    assert multiplier == 0 or 2**30 <= multiplier < 2**31
    assert -31 <= shift <= 7
    stands_for = multiplier * 2.0 ** (shift - 31)
    assert abs(stands_for - real) <= max(real * 2**-31, 2**-32)


def test_a_factor_that_rounds_up_to_a_power_of_two() -> None:
    assert multiplier_and_shift(np.nextafter(1.0, 0.0)) == (2**30, 1)


@pytest.mark.parametrize("real", [-0.1, float("nan"), float("inf"), 128.0])
def test_factors_that_the_format_cannot_hold_are_refused(real: float) -> None:
    with pytest.raises(ConfigError, match="factor"):
        multiplier_and_shift(real)


def test_a_bias_that_the_format_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="bias"):
        channel_table(np.array([2.0**30 + 1]), np.array([0.5]))


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
        real = reference.activations(bundle, subnet, inputs)[-1]
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
        quantise_bundle(untrained(zoo.mlp1(), 0), calibration)
    assert seen in str(refused.value)


def lost_points(bundle: Bundle, data: Digits) -> list[float]:
    """Percentage points of test accuracy that int8 loses, subnetwork by subnetwork."""
    image = read_image(export.image(bundle, "int8", data.train_inputs[:512]))
    inputs = image.quantise_inputs(data.test_inputs)
    lost = []
    for number, subnet in enumerate(bundle.subnets):
        real = reference.activations(bundle, subnet, data.test_inputs)[-1]
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


def image_of_tables(tables: dict[str, np.ndarray]) -> Image:
    """An image of the tables that TensorFlow Lite made, in its own scales."""
    source = Quantisation(float(tables["input_scale"]), int(tables["input_zero_point"]))
    count = sum(name.startswith("bias_") for name in tables)
    layers, steps, current = [], [], source
    for i in range(count):
        weights, activation = tables[f"weights_{i}"], "none" if i == count - 1 else "relu"
        output = Quantisation(float(tables[f"scale_{i}"]), int(tables[f"zero_point_{i}"]))
        bias = folded_bias(tables[f"bias_{i}"], weights, current.zero_point)
        factors = current.scale * tables[f"weight_scales_{i}"].astype(np.float64) / output.scale
        low, high = clamp(activation, output)
        layers.append(Layer("dense", activation, weights))
        steps.append(StepTable(channel_table(bias, factors), output.zero_point, low, high))
        current = output
    elements = tables["inputs"].shape[1]
    level = chain(
        "100",
        macs=sum(layer.weights.size for layer in layers),
        precision="int8",
        input_elements=elements,
        tables=steps,
        output_scale=current.scale,
        output_zero_point=current.zero_point,
    )
    return Image("int8", elements, level.steps[-1].outputs, source.scale, source.zero_point, tuple(layers), (level,))


def tflite_tables(folder: Path, operation: str, seed: int, widths: tuple[int, ...]) -> dict[str, np.ndarray]:
    """What TensorFlow Lite made of a random network, and what its reference kernels compute with it."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs TensorFlow: pip install reds-bench[train]")
    archive = folder / "tables.npz"
    program = Path(__file__).with_name("tflite_mlp.py")
    command = [sys.executable, str(program), operation, str(seed), str(archive), *map(str, widths)]
    with (folder / "tensorflow.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT, timeout=300, cwd=folder)
    with np.load(archive, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "widths"), [(0, (20, 33, 17, 5)), (1, (64, 40, 50, 10)), (2, (7, 128, 3))])
def test_outputs_are_those_of_tensorflow_lites_integer_kernels(tmp_path: Path, seed: int, widths: tuple[int, ...]) -> None:
    """Byte by byte, against 1x1 convolutions: FULLY_CONNECTED has no integer reference kernel any more (see below)."""
    tables = tflite_tables(tmp_path, "CONV_2D", seed, widths)
    image = read_image(write_image(image_of_tables(tables)))
    np.testing.assert_array_equal(reference.infer(image, 0, tables["inputs"]), tables["outputs"])
    assert len(np.unique(tables["outputs"])) > 100


@pytest.mark.slow
def test_outputs_are_within_one_step_of_the_fully_connected_kernel(tmp_path: Path) -> None:
    """Since TensorFlow 2.20 its reference kernel requantises in floating point, with one rounding instead of two."""
    tables = tflite_tables(tmp_path, "FULLY_CONNECTED", 3, (64, 40))
    image = read_image(write_image(image_of_tables(tables)))
    difference = np.abs(reference.infer(image, 0, tables["inputs"]).astype(int) - tables["outputs"])
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.95
