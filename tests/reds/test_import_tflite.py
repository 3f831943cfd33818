"""Importing .tflite files: small ones written here, converted ones, and the published ones where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import reference
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.commands import main
from reds.errors import BenchError, ConfigError, ProtocolError
from reds.image.operations import operations
from reds.importing import format_of, import_network
from reds.layers import BatchNorm, Conv2D, Dense, DepthwiseConv2D, GlobalAveragePooling2D, Layer, LeakyReLU, ReLU
from reds.zoo import architecture
from tests.reds.foreign_files import SmallTflite, small
from tests.reds.published_models import published_checkpoint, published_tflite
from tests.reds.random_networks import random_bundle, random_inputs

litert = pytest.importorskip("ai_edge_litert", reason="needs LiteRT's schema: pip install ai-edge-litert")

PUBLISHED = [f"{kind}_{size}" for kind in ("dnn", "cnn", "ds_cnn") for size in "sml"]


@pytest.fixture
def made() -> SmallTflite:
    return SmallTflite()


def read(path: Path, content: bytes, network: Architecture | None = None) -> Bundle:
    path.write_bytes(content)
    return import_network(path, network or small())


def test_weights_are_dequantised_and_batch_norm_is_the_identity(made: SmallTflite, tmp_path: Path) -> None:
    bundle = read(tmp_path / "any.name", made.content())
    kernels = [f"{layer}/kernel" for layer in ("conv1", "depthwise1", "pointwise1", "classes")]
    shifts = ["conv1/bias", "depthwise1/bias", "norm2/beta", "classes/bias"]
    for name, expected in zip(kernels + shifts, made.kernels + made.biases, strict=True):
        np.testing.assert_array_equal(bundle.weights[name], expected, err_msg=name)
    for norm in ("norm1", "norm2"):
        assert (bundle.weights[f"{norm}/gamma"] == 1).all()
        assert (bundle.weights[f"{norm}/moving_mean"] == 0).all()
        assert (bundle.weights[f"{norm}/moving_variance"] + np.float32(1e-3) == 1).all()
    assert (bundle.weights["norm1/beta"] == 0).all()
    assert bundle.provenance["imported"] == {"file": "any.name", "format": "tflite"}


def test_folding_is_exact(made: SmallTflite, tmp_path: Path) -> None:
    """Scales of one and the biases themselves, though the architecture has batch norm."""
    bundle = read(tmp_path / "model", made.content())
    multiplying = [operation for operation in operations(bundle.architecture) if operation.kernel]
    for operation, bias in zip(multiplying, made.biases, strict=True):
        scale, shift = operation.scale_and_bias(bundle.weights)
        assert (scale.astype(np.float32) == 1).all()
        np.testing.assert_allclose(shift, bias, rtol=1e-6)


@pytest.mark.parametrize("kind", ["float32", "uint8 with one zero point"])
def test_other_types_of_weights_are_read(kind: str, made: SmallTflite, tmp_path: Path) -> None:
    from ai_edge_litert.schema_py_generated import TensorType

    tensor = made.weight_tensor(3)
    if kind == "float32":
        tensor.type, tensor.quantization = TensorType.FLOAT32, None
        values = expected = np.arange(15, dtype=np.float32).reshape(3, 5)
    else:
        values = np.arange(15, dtype=np.uint8).reshape(3, 5)
        tensor.type = TensorType.UINT8
        tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [7]
        expected = (values.astype(np.float32) - 7) / 2
    made.model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
    np.testing.assert_array_equal(read(tmp_path / "model", made.content()).weights["classes/kernel"], expected.T)


def test_a_bias_that_is_left_out_is_zero(made: SmallTflite, tmp_path: Path) -> None:
    for operator in made.model.operators:
        operator.inputs = [*operator.inputs[:2], -1] if len(operator.inputs) == 3 else operator.inputs
    bundle = read(tmp_path / "model", made.content())
    assert not any(bundle.weights[name].any() for name in ("conv1/bias", "norm2/beta", "classes/bias"))


def changed(*changes: tuple[int, Layer | None]) -> Architecture:
    """The small network with layers exchanged, or left out."""
    layers = list(small().layers)
    for index, layer in changes:
        layers[index] = layer  # pyright: ignore[reportArgumentType, reportCallIssue]
    return Architecture("other", (8, 6, 1), tuple(layer for layer in layers if layer is not None))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (changed((3, None)), "4 layers that multiply, not 3"),
        (changed((0, Conv2D("conv1", 6, (3, 2)))), r"kernel \(3, 2, 1, 4\).*conv1 is conv2d with kernel \(3, 2, 1, 6\)"),
        (changed((0, Conv2D("conv1", 4, (3, 2), padding="same"))), r"output \(6, 5, 4\).*conv1 is .*output \(8, 6, 4\)"),
        (
            changed((3, DepthwiseConv2D("depthwise1", (3, 3), (2, 2), "same"))),
            r"operator 1 \(DEPTHWISE_CONV_2D\) is .*output \(3, 3, 4\)",
        ),
        (changed((2, LeakyReLU("leaky"))), "activation relu; conv1 is .*activation leaky_relu"),
        (changed((2, None)), "activation relu; conv1 is .*activation none"),
        (changed((7, Dense("classes", 3, use_bias=False))), r"operator 5 \(FULLY_CONNECTED\) has a bias; classes has none"),
        (changed((3, Conv2D("full", 4, (3, 3), padding="same"))), "is depthwise_conv2d .*full is conv2d"),
    ],
)
def test_another_architecture_is_refused(network: Architecture, message: str, made: SmallTflite, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"(?s)is not a network like other.*{message}"):
        read(tmp_path / "model", made.content(), network)


def leaky(slope: float) -> Architecture:
    """The small network with leaky ReLU after its pointwise layer."""
    layers = small().layers
    return Architecture("leaky", (8, 6, 1), (*layers[:6], LeakyReLU("leaky2", slope), *layers[6:]))


@pytest.mark.parametrize("slope", [0.3, 0.1, 0.0])
def test_leaky_relu_has_the_slope_of_the_architecture(slope: float, made: SmallTflite, tmp_path: Path) -> None:
    made.add_leaky_relu(slope)
    bundle = read(tmp_path / "model", made.content(), leaky(slope))
    np.testing.assert_array_equal(bundle.weights["classes/kernel"], made.kernels[-1])
    with pytest.raises(ConfigError, match=rf"(?s)activation leaky_relu of slope {slope}; pointwise1 is .* of slope 0\.2\b"):
        read(tmp_path / "model", made.content(), leaky(0.2))


@pytest.mark.parametrize("slope", [np.nan, np.inf, 0.30001])
def test_another_slope_is_refused(slope: float, made: SmallTflite, tmp_path: Path) -> None:
    made.add_leaky_relu(slope)
    with pytest.raises(ConfigError, match=rf"leaky_relu of slope {slope}; pointwise1 is .* of slope 0\.3\b"):
        read(tmp_path / "model", made.content(), leaky(0.3))


def test_batch_norm_that_cannot_have_been_folded_is_refused(made: SmallTflite, tmp_path: Path) -> None:
    layers = (Conv2D("conv1", 4, (3, 2)), ReLU("relu1"), BatchNorm("late"), GlobalAveragePooling2D("pool"))
    with pytest.raises(ConfigError, match="cannot hold the batch norm 'late' of other folded"):
        read(tmp_path / "model", made.content(), Architecture("other", (8, 6, 1), layers))


Change = Callable[[SmallTflite], Any]


def operator(made: SmallTflite, index: int) -> Any:
    return made.model.operators[index]


def set_code(made: SmallTflite, index: int, code: int) -> None:
    from tests.reds.tflite_network import VERSIONS

    VERSIONS.setdefault(code, 1)
    made.model.codes.append(code)
    operator(made, index).opcodeIndex = len(made.model.codes) - 1


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            lambda made: setattr(made.weight_tensor(0), "quantization", None),
            ProtocolError,
            "has whole numbers as weights.*no scales",
        ),
        (
            lambda made: setattr(made.weight_tensor(0).quantization, "scale", [1.0, 2.0]),
            ProtocolError,
            "scales that do not fit.*2 along 0",
        ),
        (lambda made: setattr(made.weight_tensor(0).quantization, "quantizedDimension", 9), ProtocolError, "4 along 9"),
        (lambda made: setattr(made.weight_tensor(0).quantization, "zeroPoint", [0, 0]), ProtocolError, "2, 4 scales"),
        (
            lambda made: setattr(made.weight_tensor(1).quantization, "scale", [np.nan] * 4),
            ProtocolError,
            "36 of 36 in weights of operator 1",
        ),
        (lambda made: setattr(made.weight_tensor(0), "shape", [4, 3, 2, 2]), ProtocolError, r"24 bytes for int8 \(4, 3, 2, 2\)"),
        (lambda made: setattr(made.weight_tensor(0), "shape", [4, -3, -2, 1]), ProtocolError, "lacks weights"),
        (lambda made: setattr(made.weight_tensor(0), "shape", [4, 6]), ProtocolError, r"weights of another rank.*\(4, 6\)"),
        (lambda made: setattr(made.weight_tensor(0), "type", 1), ConfigError, "or of type 1"),
        (lambda made: setattr(made.weight_tensor(0), "buffer", 999), ProtocolError, "a buffer that is not there"),
        (lambda made: setattr(operator(made, 0), "inputs", [made.source, 999]), ProtocolError, "a tensor that is not there"),
        (lambda made: setattr(operator(made, 0), "inputs", [made.source]), ProtocolError, "lacks its tensors"),
        (lambda made: setattr(operator(made, 0), "opcodeIndex", 99), ProtocolError, "a code that is not there"),
        (lambda made: setattr(operator(made, 2), "inputs", operator(made, 0).inputs), ConfigError, "operator 2 .*does not take"),
        (lambda made: setattr(made, "output", made.source), ConfigError, "not that of the last operator"),
        (lambda made: setattr(operator(made, 0).builtinOptions, "fusedActivationFunction", 2), ConfigError, "fused activation 2"),
        (lambda made: set_code(made, 3, 14), ConfigError, "operator 3 has the code 14.*operators here: AVERAGE_POOL_2D"),
        (lambda made: set_code(made, 3, 25), ConfigError, "operator 2 .*activation softmax; pointwise1"),
    ],
)
def test_broken_files_are_refused(
    change: Change, kind: type[BenchError], message: str, made: SmallTflite, tmp_path: Path
) -> None:
    change(made)
    with pytest.raises(kind, match=f"(?s){tmp_path / 'model'}.*{message}"):
        read(tmp_path / "model", made.content())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_but_breaks_nothing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(SmallTflite().content())
    if data.draw(st.booleans(), label="truncate"):
        content = content[: data.draw(st.integers(8, len(content) - 1))]
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    content[4:8] = b"TFL3"
    try:
        bundle = read(tmp_path_factory.mktemp("damaged") / "model", bytes(content))
    except BenchError:
        return
    assert all(np.isfinite(array).all() for array in bundle.weights.values())


@pytest.mark.parametrize("length", [8, 100, 2000])
def test_a_truncated_file_is_refused(length: int, made: SmallTflite, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"is not a readable .tflite file"):
        read(tmp_path / "model", made.content()[:length])


def test_the_command_writes_nothing_of_a_broken_file(
    made: SmallTflite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").write_bytes(made.content())
    command = ["import", str(tmp_path / "model"), "-o", str(tmp_path / "bundle")]
    assert main([*command, "--architecture", "dnn_s"]) == 2
    refused = capsys.readouterr().err
    assert "is not a network like dnn_s" in refused
    assert "name the right architecture (--architecture)" in refused
    assert main(command) == 2
    assert "name its architecture with --architecture" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_are_those_of_the_zoo(name: str) -> None:
    network = architecture(name)
    bundle = import_network(published_tflite(name), network)
    assert format_of(published_tflite(name)) == "tflite"
    assert sum(array.size for array in bundle.weights.values()) == network.cost(network.full_widths).parameters


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PUBLISHED if not name.endswith("_l")])
def test_published_files_compute_what_their_checkpoints_do(name: str) -> None:
    """Which shows the order of the axes and where batch norm went: the two agree as far as int8 weights allow."""
    pytest.importorskip("tensorflow", reason="checkpoints need TensorFlow")
    network = architecture(name)
    inputs = 10 * random_inputs(network, 20)
    found, expected = (
        reference.logits(bundle, bundle.subnets[0], inputs)
        for bundle in (import_network(path(name), network) for path in (published_tflite, published_checkpoint))
    )
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.05 * np.sqrt(np.mean(expected**2))


def converted(bundle: Bundle, inputs: np.ndarray) -> bytes:
    """The whole network in int8, by TensorFlow's converter."""
    import keras
    import tensorflow as tf

    from reds.training.model import keras_model

    logits = keras_model(bundle, bundle.subnets[0])
    model = keras.Model(logits.inputs, keras.layers.Softmax()(logits.outputs[0]))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in inputs)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter.convert()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("network", [small(), architecture("dnn_s"), architecture("cnn_s"), architecture("ds_cnn_s_cifar10")])
def test_what_tensorflow_converts_is_read_back(network: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow", reason="the converter is TensorFlow's")
    import reds.training  # noqa: F401 - decides how TensorFlow computes, which must come before its own import

    original = random_bundle(network, 4)
    inputs = random_inputs(network, 30)
    content = converted(original, inputs.reshape(-1, *network.input_shape))
    bundle = read(tmp_path / "model", content, network)
    found, expected = (reference.logits(each, each.subnets[0], inputs) for each in (bundle, original))
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.03 * np.sqrt(np.mean(expected**2))
