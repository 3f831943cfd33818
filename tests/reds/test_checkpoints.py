"""Importing TensorFlow's checkpoints: small ones saved here, and the published ones where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.commands import main
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.image.operations import OUTPUT_AXIS, operations
from reds.importing import format_of, import_network
from reds.layers import Conv2D, Dense
from reds.zoo import architecture
from tests.reds.foreign_files import small, small_bundle, stored_layers
from tests.reds.published_models import published_checkpoint
from tests.reds.random_networks import random_bundle

pytestmark = pytest.mark.slow
try:
    import reds.training  # noqa: F401 - decides how TensorFlow computes, which must come before its own import
except MissingError as missing:
    pytest.skip(str(missing), allow_module_level=True)

PUBLISHED = ("dnn_s", "cnn_s", "ds_cnn_s", "dnn_m", "cnn_m", "ds_cnn_m")


def save_checkpoint(bundle: Bundle, folder: Path) -> Path:
    """As Keras 2 saves a model: an object for each layer with weights, and what an optimizer keeps beside them."""
    import tensorflow as tf

    def module(arrays: Mapping[str, np.ndarray]) -> tf.Module:
        made = tf.Module()
        for name, array in arrays.items():
            setattr(made, name, tf.Variable(tf.constant(array)))
        return made

    tracked = {"optimizer": module({"iterations": np.array(7)})}
    for index, (_, arrays) in enumerate(stored_layers(bundle)):
        tracked[f"layer_with_weights-{index}"] = module(arrays)
    return Path(tf.train.Checkpoint(**tracked).save(folder / "ckpt"))


@dataclass(frozen=True)
class Saved:
    bundle: Bundle
    folder: Path
    prefix: Path


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    bundle = small_bundle()
    return Saved(bundle, tmp_path, save_checkpoint(bundle, tmp_path))


def read(path: Path, network: Architecture) -> dict[str, np.ndarray]:
    from reds.training.checkpoints import read_checkpoint

    return read_checkpoint(path, network)


def test_a_checkpoint_is_read_layer_by_layer(saved: Saved) -> None:
    for path in (saved.folder, saved.prefix, Path(f"{saved.prefix}.index")):
        assert format_of(path) == "checkpoint"
        weights = read(path, saved.bundle.architecture)
        assert weights.keys() == saved.bundle.weights.keys()
        for name, array in weights.items():
            assert array.dtype == np.float32
            assert np.array_equal(array, saved.bundle.weights[name]), name


def test_the_command_makes_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = random_bundle(architecture("dnn_s"), 3)
    save_checkpoint(made, tmp_path / "saved")
    command = ["import", str(tmp_path / "saved"), "--architecture", "dnn_s", "-o", str(tmp_path / "bundle")]
    assert main(command) == 0
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.architecture == made.architecture
    assert all(np.array_equal(bundle.weights[name], made.weights[name]) for name in made.weights)
    assert bundle.provenance["imported"] == {"file": "saved", "format": "checkpoint"}
    assert "keras" in bundle.provenance["tools"]
    capsys.readouterr()
    assert main([*command[:3], "dnn_m", *command[4:]]) == 2
    assert "not a network like dnn_m" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "absent"), *command[2:]]) == 1
    assert "there is no network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda layers: layers[:3] + layers[4:], "6 layers with weights, not 5"),
        (lambda layers: (*layers[:-1], Dense("hidden", 3), Dense("classes", 3)), "6 layers with weights, not 7"),
        (
            lambda layers: (*layers[:-1], Dense("classes", 4)),
            r"layer 5 with weights \(layer_.*-5\) holds bias \(3,\), kernel \(5, 3\); classes has bias \(4,\), kernel \(5, 4\)",
        ),
        (lambda layers: (*layers[:-1], Dense("classes", 3, use_bias=False)), r"classes has kernel \(5, 3\)"),
        (
            lambda layers: (*layers[:4], Conv2D("pointwise1", 5, (1, 1)), *layers[5:]),
            r"layer 3 with weights \(layer_with_weights-3\) holds kernel \(1, 1, 4, 5\)",
        ),
    ],
)
def test_another_architecture_is_refused(change, message: str, saved: Saved) -> None:
    other = Architecture("small", (8, 6, 1), change(small().layers))
    with pytest.raises(ConfigError, match=f"(?s)not a network like small.*{message}"):
        read(saved.folder, other)


def test_what_is_not_there_is_missing(saved: Saved, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (empty, tmp_path / "nothing", saved.prefix.with_name("ckpt-9")):
        with pytest.raises(MissingError, match="is no checkpoint"):
            read(path, small())


def test_what_is_not_a_whole_checkpoint_is_named(saved: Saved, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "net.tflite").write_bytes(b"")
    with pytest.raises(MissingError, match=r"(?s)holds no checkpoint.*net\.tflite.*name a file in it, like .*net\.tflite"):
        import_network(folder, small())
    data = next(saved.folder.glob("*.data-*"))
    with pytest.raises(ConfigError, match=f"(?s)one of the files of a checkpoint.*name the checkpoint: {saved.prefix}"):
        import_network(data, small())


def test_a_checkpoint_without_its_data_is_missing(saved: Saved) -> None:
    """As the largest published networks are: an index alone."""
    Path(f"{saved.prefix}.data-00000-of-00001").unlink()
    with pytest.raises(MissingError, match=r"(?s)lacks its data.*ckpt-1\.data-00000-of-00001"):
        read(saved.folder, small())


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_index_is_refused(share: float, saved: Saved) -> None:
    path = Path(f"{saved.prefix}.index")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ProtocolError, match="not a readable checkpoint"):
        read(saved.folder, small())


@pytest.mark.parametrize("weight", ["conv1/kernel", "norm1/beta", "classes/kernel"])
def test_truncated_data_are_refused(weight: str, saved: Saved) -> None:
    path = Path(f"{saved.prefix}.data-00000-of-00001")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(saved.bundle.weights[weight].tobytes()) + 4])
    with pytest.raises(ProtocolError, match=r"is damaged at layer_with_weights"):
        read(saved.folder, small())


def test_damaged_data_are_refused(saved: Saved) -> None:
    path = Path(f"{saved.prefix}.data-00000-of-00001")
    content = bytearray(path.read_bytes())
    at = content.index(saved.bundle.weights["classes/kernel"].tobytes())
    content[at + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ProtocolError, match=r"is damaged at layer_with_weights-5/kernel"):
        read(saved.folder, small())


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    bundle = small_bundle()
    bundle.weights["norm1/beta"][2] = np.inf
    with pytest.raises(ProtocolError, match=r"(?s)not finite.*1 of 4 in beta of layer_with_weights-1"):
        import_network(save_checkpoint(bundle, tmp_path), small())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_checkpoints_are_those_of_the_zoo(name: str) -> None:
    network = architecture(name)
    weights = read(published_checkpoint(name), network)
    assert sum(array.size for array in weights.values()) == network.cost(network.full_widths).parameters
    assert all(np.isfinite(array).all() for array in weights.values())
    for norm in (layer.name for layer in network.layers if layer.kind == "batch_norm"):
        assert (weights[f"{norm}/moving_variance"] > 0).all()
        assert np.abs(weights[f"{norm}/moving_mean"]).max() > 0


def quantised_weights(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The weights of each layer of a .tflite file that multiplies, in order: real values, and scales in a shape that fits."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    model = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    model.allocate_tensors()
    tensors = {detail["index"]: detail for detail in model.get_tensor_details()}
    for step in model._get_ops_details():
        if step["op_name"] in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
            index = step["inputs"][1]
            facts = tensors[index]["quantization_parameters"]
            values = model.get_tensor(index).astype(np.float64)
            along = [1] * values.ndim
            along[facts["quantized_dimension"]] = -1
            scales = np.asarray(facts["scales"], np.float64).reshape(along)
            yield values * scales, scales


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_are_those_of_the_published_tflite_file(name: str) -> None:
    """The same folder holds the network quantised, batch norm folded in: the weights are within half a step of it."""
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install ai-edge-litert")
    folder, network = published_checkpoint(name), architecture(name)
    weights = read(folder, network)
    multiplied = [operation for operation in operations(network) if operation.kernel is not None]
    for operation, (values, scales) in zip(multiplied, quantised_weights(folder / f"{name}_quantized.tflite"), strict=True):
        scale, _ = operation.scale_and_bias(weights)
        axis = OUTPUT_AXIS[operation.kind]
        real = np.moveaxis(np.moveaxis(operation.weights(weights), axis, -1) * scale, -1, axis)
        assert (np.abs(values - real.reshape(values.shape)) <= 0.502 * scales).all(), operation.name
