"""Keras 3 archives without Keras: what they say is read as data, and broken or hostile ones are refused."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import BenchError, ConfigError, ProtocolError
from reds.importing import import_network, keras_models
from reds.importing.keras_models import archived
from tests.reds.foreign_files import SMALL_CONFIG, keras_layer, save_archive, saved, sequential, small, small_bundle

h5py = pytest.importorskip("h5py", reason="needs h5py")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(save_archive, tmp_path)


def test_an_archive_says_its_architecture(model: Path) -> None:
    original, bundle = small_bundle(), import_network(model, None)
    assert bundle.architecture.name == "mine"
    assert bundle.architecture.layers == original.architecture.layers
    for name, expected in original.weights.items():
        np.testing.assert_array_equal(bundle.weights[name], expected, err_msg=name)


def test_an_archive_takes_the_names_of_the_architecture_it_is_said_to_be(model: Path) -> None:
    bundle = import_network(model, small())
    assert bundle.architecture == small()
    assert bundle.provenance["imported"] == {"file": "model", "format": "keras"}


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
@pytest.mark.parametrize("change", [lambda _: None, lambda value: value[: len(value) // 2], lambda value: b"{" * len(value)])
def test_broken_members_are_refused(name: str, change: Callable[[bytes], bytes | None], model: Path) -> None:
    content = members(model)
    changed = change(content.pop(name))
    write(model, content if changed is None else {**content, name: changed})
    with pytest.raises(ProtocolError, match=r"is not a readable (Keras archive|HDF5 file)"):
        archived(model)


@pytest.mark.parametrize("length", [4, 200, 20000])
def test_a_truncated_archive_is_refused(length: int, model: Path) -> None:
    model.write_bytes(model.read_bytes()[:length])
    with pytest.raises(ProtocolError, match=r"is not a readable Keras archive"):
        archived(model)


def test_a_member_that_is_too_large_is_never_unpacked(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_models, "_MOST_BYTES", {"config.json": 1 << 20, "model.weights.h5": 1000})
    with pytest.raises(ProtocolError, match=r"model\.weights\.h5 of .* is too large"):
        archived(model)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"class_name": "Lambda", "config": {"function": "code"}}, "no sequential or functional Keras model.*'Lambda'"),
        ([1, 2], "no sequential or functional Keras model.*'list'"),
        ({"class_name": "Sequential", "config": {}}, "does not list its layers"),
        ({"class_name": "Sequential", "config": {"layers": "Dense"}}, "does not list its layers"),
        ({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}]}}, "'Dense', name None"),
        (
            {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"name": "../x"}}]}},
            "name '../x'",
        ),
        ({"class_name": "Functional", "config": {"layers": [], "input_layers": []}}, "output of its last layer"),
        (
            {
                "class_name": "Functional",
                "config": {"input_layers": [], "layers": [keras_layer("InputLayer", "a"), keras_layer("Dense", "b")]},
            },
            "'b' .*called on nothing, not once on 'a'",
        ),
    ],
)
def test_what_is_no_chain_of_layers_is_refused(document: object, message: str, model: Path) -> None:
    write(model, {**members(model), "config.json": json.dumps(document).encode()})
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        archived(model)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras_layer("Dense", "d", units="many"), "units 'many'.*give a positive whole number"),
        (keras_layer("Dense", "d", units=True), "units True"),
        (keras_layer("Dense", "d"), "units None"),
        (keras_layer("Dense", "d", units=3, use_bias="yes"), "use_bias 'yes'.*true or false"),
        (keras_layer("Activation", "a", activation=["relu"]), r"activation \['relu'\]"),
        (keras_layer("Activation", "a", activation={"class_name": "Evil", "config": {}}), "activation 'Evil'"),
        (
            keras_layer("Conv2D", "c", filters=2, kernel_size=[2, 2, 2], strides=1, padding="same"),
            r"kernel_size \(2, 2, 2\).*two positive",
        ),
        (keras_layer("Conv2D", "c", filters=2, kernel_size=2, strides=0, padding="same"), "strides 0"),
        (keras_layer("Conv2D", "c", filters=2, kernel_size=2, strides=1, padding="causal"), "padding 'causal'"),
        (keras_layer("MaxPooling2D", "m", pool_size=2, strides=1, padding=1), "padding 1"),
        (keras_layer("BatchNormalization", "n", epsilon="small"), "epsilon 'small'.*give a number"),
        (keras_layer("BatchNormalization", "n", epsilon=-1.0), "positive epsilon"),
        (keras_layer("BatchNormalization", "n", axis={}, epsilon=0.1), "axis {}"),
        (keras_layer("ZeroPadding2D", "z", padding=[[1, -1], [0, 0]]), r"padding \[\[1, -1\]"),
        (keras_layer("Reshape", "r", target_shape="flat"), "target_shape 'flat'"),
        (keras_layer("Reshape", "r", target_shape=[0, -1]), r"as \(0, 0\)"),
        (keras_layer("Reshape", "r", target_shape=[7, -1]), r"\(2, 2, 1\) as \(7, 0\)"),
        (keras_layer("LeakyReLU", "l", negative_slope=None), "negative_slope None"),
        (keras_layer("LeakyReLU", "l", negative_slope=-2.0), "finite slope"),
        (
            keras_layer("Activation", "d", activation={"value": ["4wE=", None, None]}),
            "activation that is a lambda.*activations here: linear",
        ),
        (
            keras_layer("Activation", "d", activation={"module": "builtins", "class_name": "function", "config": "swish9"}),
            "activation 'swish9', a function that is not of Keras",
        ),
        (
            keras_layer("Activation", "d", activation={"module": None, "class_name": "Mish9", "config": {}}),
            "activation 'Mish9', a class that is not of Keras",
        ),
        (
            {"module": None, "class_name": "Dense", "config": {"name": "e"}},
            r"'e' \(Dense, a class that is not of Keras\).*no layer",
        ),
        ({"module": "evil", "class_name": "Dense", "config": {"name": "e"}}, r"'e' \(evil\.Dense\).*no layer of this class"),
        (keras_layer("Lambda", "code", function={"class_name": "__lambda__", "config": {"code": "4wEA"}}), r"\(Lambda\)"),
        (keras_layer("TFSMLayer", "t", filepath="/etc"), r"\(TFSMLayer\)"),
    ],
)
def test_settings_that_are_no_settings_are_refused(layer: dict[str, Any], message: str, model: Path) -> None:
    config = sequential((2, 2, 1), layer, keras_layer("Flatten", "f"), keras_layer("Dense", "end", units=2))
    write(model, {**members(model), "config.json": json.dumps({"class_name": "Sequential", "config": config}).encode()})
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        archived(model)


@pytest.mark.parametrize("depth", [500, 100_000])
def test_an_archive_that_nests_too_deeply_is_refused(depth: int, model: Path) -> None:
    layers = b'[{"class_name": "Reshape", "config": {"name": "r", "target_shape": ' + b"[" * depth + b"]" * depth + b"}}]"
    write(model, {**members(model), "config.json": b'{"class_name": "Sequential", "config": {"layers": ' + layers + b"}}"})
    with pytest.raises(BenchError):
        archived(model)


def test_zero_padding_at_the_end_is_refused(model: Path) -> None:
    config = sequential((4,), keras_layer("Dense", "end", units=2), keras_layer("ZeroPadding2D", "z", padding=[[0, 0], [1, 1]]))
    write(model, {**members(model), "config.json": json.dumps({"class_name": "Sequential", "config": config}).encode()})
    with pytest.raises(ConfigError, match="ends with zero padding"):
        archived(model)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda file: file.pop("layers/dense"), ProtocolError, "lacks 'layers/dense/vars'"),
        (lambda file: file["layers/dense/vars"].pop("1"), ConfigError, r"'classes' does not hold plain weights.*1 arrays, not 2"),
        (lambda file: file.__setitem__("layers/dense/vars/2", np.zeros(1)), ConfigError, "3 arrays, not 2"),
        (lambda file: file.move("layers/dense/vars/1", "layers/dense/vars/x"), ProtocolError, "lacks '1'"),
        (
            lambda file: file["layers/dense/vars/0"].__setitem__(slice(None), np.inf),
            ProtocolError,
            "15 of 15 in kernel of classes",
        ),
        (
            lambda file: file.move("layers/conv2d/vars/0", "layers/dense/vars/2"),
            ProtocolError,
            "lacks '0' in '/layers/conv2d/vars'",
        ),
    ],
)
def test_broken_weights_are_refused(change: Callable[[Any], object], kind: type[BenchError], message: str, model: Path) -> None:
    content = members(model)
    weights = io.BytesIO(content["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        change(_Changed(file))
    write(model, {**content, "model.weights.h5": weights.getvalue()})
    with pytest.raises(kind, match=f"(?s){message}"):
        archived(model)


class _Changed:
    """A group whose members can be removed in an expression."""

    def __init__(self, group: Any) -> None:
        self.group = group
        self.move = getattr(group, "move", None)

    def pop(self, name: str) -> None:
        del self.group[name]

    def __getitem__(self, name: str) -> Any:
        found = self.group[name]
        return _Changed(found) if isinstance(found, h5py.Group) else found

    def __setitem__(self, name: str, value: Any) -> None:
        self.group[name] = value


KEYS = st.sampled_from(["name", "class_name", "config"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.sampled_from(["", "relu", "same", "Dense"])
JSON = st.recursive(LEAVES, lambda of: st.lists(of, max_size=3) | st.dictionaries(KEYS, of, max_size=3), max_leaves=4)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_other_value_of_a_setting_is_refused_or_read_but_breaks_nothing(data: st.DataObject) -> None:
    config = copy.deepcopy(SMALL_CONFIG)
    layer = data.draw(st.sampled_from(config["layers"]))
    where = data.draw(st.sampled_from([layer, layer["config"]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(JSON)
    try:
        keras_models._Network.of(config)
    except BenchError:
        return
