"""The user's own Keras models: every supported layer computes the same here, every other is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reds
from reds import reference
from reds.bundle import Bundle
from reds.commands import main
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.importing import import_network
from reds.zoo import architecture

pytestmark = pytest.mark.slow
try:
    import reds.training  # decides how TensorFlow computes, which must come before its own import
except MissingError as missing:
    pytest.skip(str(missing), allow_module_level=True)
keras = pytest.importorskip("keras")
L = keras.layers

TOLERANCE = 1e-5
"""Of the largest output."""


def shaken(model: Any, seed: int = 0) -> Any:
    """The model with random numbers in every array; variances are positive."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            values = generator.normal(0, 0.3, variable.shape)
            variable.assign(np.abs(values) + 0.3 if variable.name == "moving_variance" else values)
    return model


def keras_outputs(model: Any, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)))


def assert_same(model: Any, bundle: Bundle, *, softmax: bool = False, seed: int = 0) -> None:
    """The bundle's logits are the model's outputs, or become them by softmax."""
    inputs = np.random.default_rng(seed).normal(size=(3, *model.input_shape[1:])).astype(np.float32)
    expected = keras_outputs(model, inputs)
    found = reference.logits(bundle, bundle.subnets[0], inputs.reshape(len(inputs), -1))
    if softmax:
        found = np.exp(found - found.max(axis=-1, keepdims=True))
        found /= found.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * max(1, np.abs(expected).max()))


def sequential(shape: Sequence[int | None], *layers: Any) -> Any:
    return keras.Sequential([keras.Input(shape), *layers])


CHAINS: dict[str, tuple[Callable[[], Any], list[str], bool]] = {
    "perceptron": (
        lambda: sequential((6,), L.Dense(5, activation="relu"), L.Dropout(0.5), L.Dense(3, activation="softmax")),
        ["dense", "relu", "dense"],
        True,
    ),
    "convolutions": (
        lambda: sequential(
            (9, 8, 2),
            L.Conv2D(4, (3, 2), strides=(2, 1), padding="same", use_bias=False, kernel_regularizer="l2"),
            L.BatchNormalization(),
            L.ReLU(6),
            L.DepthwiseConv2D(3, activation="leaky_relu"),
            L.MaxPooling2D(2, padding="same"),
            L.SeparableConv2D(5, 2, padding="same", activation="relu6"),
            L.GlobalAveragePooling2D(),
            L.Dense(3),
        ),
        [
            *("conv2d", "batch_norm", "relu6", "depthwise_conv2d", "leaky_relu", "max_pooling2d"),
            *("depthwise_conv2d", "conv2d", "relu6", "global_average_pooling2d", "dense"),
        ],
        False,
    ),
    "strided with padding before": (
        lambda: sequential(
            (9, 8, 2),
            L.ZeroPadding2D(((0, 1), (2, 0))),
            L.Conv2D(4, 3, strides=2, activation="linear"),
            L.ZeroPadding2D(1),
            L.SpatialDropout2D(0.1),
            L.DepthwiseConv2D(3, use_bias=False),
            L.Flatten(),
            L.Dense(3),
            L.Activation("softmax"),
        ),
        ["conv2d", "depthwise_conv2d", "flatten", "dense"],
        True,
    ),
    "batch norm without gamma or beta": (
        lambda: sequential(
            (6,),
            L.Dense(5),
            L.BatchNormalization(scale=False),
            L.Dense(4),
            L.BatchNormalization(center=False, epsilon=0.1),
            L.Dense(2),
        ),
        ["dense", "batch_norm", "dense", "batch_norm", "dense"],
        False,
    ),
    "reshaped input": (
        lambda: sequential(
            (60,), L.Reshape((6, -1, 2)), L.Conv2D(3, 2), L.AveragePooling2D(2, strides=1), L.Reshape((36,)), L.Dense(2)
        ),
        ["conv2d", "average_pooling2d", "flatten", "dense"],
        False,
    ),
    "flattened image": (
        lambda: sequential((4, 5), L.Flatten(), L.Dense(3, activation="relu"), L.Dense(2)),
        ["dense", "relu", "dense"],
        False,
    ),
    "kept dimensions": (
        lambda: sequential(
            (5, 4, 3), L.Conv2D(6, 1), L.GlobalAveragePooling2D(keepdims=True), L.Conv2D(2, 1), L.Flatten(), L.Softmax()
        ),
        ["conv2d", "average_pooling2d", "conv2d", "flatten"],
        True,
    ),
    "activations as layers": (
        lambda: sequential(
            (6,),
            L.Dense(5, activation=L.LeakyReLU(0.1)),
            L.Dense(5, activation=keras.activations.relu6),
            L.LeakyReLU(),
            L.Activation("relu"),
            L.ReLU(negative_slope=0.25),
            L.Dense(3),
        ),
        ["dense", "leaky_relu", "dense", "relu6", "leaky_relu", "relu", "leaky_relu", "dense"],
        False,
    ),
    "names that are taken": (
        lambda: sequential(
            (4, 4, 1),
            L.SeparableConv2D(2, 2, name="input"),
            L.Conv2D(2, 2, name="input_depthwise", activation="relu"),
            L.Flatten(),
            L.Dense(2, name="inputs"),
        ),
        ["depthwise_conv2d", "conv2d", "conv2d", "relu", "flatten", "dense"],
        False,
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_computes_the_same(name: str, tmp_path: Path) -> None:
    make, kinds, softmax = CHAINS[name]
    model = shaken(make())
    bundle = reds.from_keras(model)
    assert [layer.kind for layer in bundle.architecture.layers] == kinds
    assert_same(model, bundle, softmax=softmax)
    bundle.save(tmp_path / "bundle")
    assert Bundle.load(tmp_path / "bundle").architecture == bundle.architecture


@pytest.mark.parametrize("name", CHAINS)
def test_an_archive_is_read_without_keras(name: str, tmp_path: Path) -> None:
    make, _, softmax = CHAINS[name]
    model = shaken(make())
    model.save(tmp_path / "model.keras")
    bundle = import_network(tmp_path / "model.keras", None)
    assert_same(model, bundle, softmax=softmax)
    assert bundle.architecture == reds.from_keras(model).architecture


def functional(dropout_training: bool | None = None) -> Any:
    inputs = keras.Input((6, 5, 1))
    outputs = L.BatchNormalization()(L.Conv2D(3, 2, activation="relu")(inputs), training=False)
    outputs = L.Dropout(0.3)(outputs, training=dropout_training)
    return keras.Model(inputs, L.Dense(2)(L.Flatten()(outputs)))


def test_a_functional_chain_computes_the_same(tmp_path: Path) -> None:
    model = shaken(functional())
    assert_same(model, reds.from_keras(model))
    model.save(tmp_path / "model.keras")
    assert_same(model, import_network(tmp_path / "model.keras", None))


def test_a_model_that_has_learned_its_input_from_data_is_read() -> None:
    model = keras.Sequential([L.Dense(4, activation="relu"), L.Dense(2)])
    with pytest.raises(ConfigError, match=r"(?s)input is not known.*keras\.Input"):
        reds.from_keras(model)
    model(np.zeros((1, 3), np.float32))
    assert_same(model, reds.from_keras(model))


def test_the_command_takes_an_archive_with_and_without_an_architecture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = [L.Dense(units, activation="relu") for units in (40, 50)]
    model = shaken(sequential((64,), *hidden, L.Dense(10, activation="softmax")))
    model.save(tmp_path / "mine.keras")
    command = ["import", str(tmp_path / "mine.keras"), "-o", str(tmp_path / "bundle")]
    assert main(command) == 0
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.architecture.name == model.name
    assert bundle.provenance["imported"] == {"file": "mine.keras", "format": "keras"}
    assert main([*command, "--architecture", "mlp3"]) == 0
    named = Bundle.load(tmp_path / "bundle")
    assert named.architecture == architecture("mlp3")
    for own, published in zip(bundle.weights.values(), named.weights.values(), strict=True):
        np.testing.assert_array_equal(own, published)
    capsys.readouterr()
    assert main([*command, "--architecture", "mlp1"]) == 2
    assert "is not a network like mlp1" in capsys.readouterr().err


def branched() -> Any:
    inputs = keras.Input((4,))
    hidden = L.Dense(4, name="hidden")(inputs)
    return keras.Model(inputs, L.Dense(2)(L.Add(name="sum")([hidden, inputs])))


def side_branch() -> Any:
    inputs = keras.Input((4,))
    hidden = L.Dense(4, name="hidden")(inputs)
    return keras.Model(inputs, [L.Dense(2, name="one")(hidden), L.Dense(2, name="two")(hidden)])


def shared() -> Any:
    inputs, twice = keras.Input((4,)), L.Dense(4, name="twice")
    return keras.Model(inputs, L.Dense(2)(twice(twice(inputs))))


def two_outputs() -> Any:
    inputs = keras.Input((4,))
    hidden = L.Dense(4)(inputs)
    return keras.Model(inputs, [hidden, L.Dense(2)(hidden)])


def two_inputs() -> Any:
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    return keras.Model([one, two], L.Dense(2)(L.Concatenate()([one, two])))


def functional_inside() -> Any:
    inputs = keras.Input((4,))
    inner = keras.Model(inputs, L.Dense(3)(inputs))
    return sequential((4,), inner, L.Dense(2))


class Own(keras.layers.Dense):
    pass


def own(x: Any) -> Any:
    return x


def image(*layers: Any) -> Any:
    return sequential((6, 6, 2), *layers, L.Flatten(), L.Dense(2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (branched, r"'sum' \(Add\).*one input, one output"),
        (side_branch, r"'two' \(Dense\).*on 'hidden', not once on 'one'"),
        (shared, r"'twice' \(Dense\).*on 'input_layer.*', on 'twice', not once"),
        (two_outputs, "does not give the output of its last layer alone"),
        (two_inputs, r"'two' \(InputLayer\)|'one' \(InputLayer\)"),
        (lambda: functional(dropout_training=True), r"\(Dropout\).*on something else"),
        (lambda: image(L.Conv2D(4, 2, groups=2, name="c")), r"'c' \(Conv2D\).*groups 2.*use groups 1"),
        (lambda: image(L.Conv2D(4, 2, dilation_rate=2)), r"dilation_rate \(2, 2\).*use dilation_rate \(1, 1\)"),
        (lambda: image(L.DepthwiseConv2D(2, depth_multiplier=2)), "depth_multiplier 2"),
        (lambda: image(L.SeparableConv2D(4, 2, depth_multiplier=3)), "depth_multiplier 3"),
        (lambda: image(L.AveragePooling2D(2, data_format="channels_first")), "data_format 'channels_first'"),
        (lambda: image(L.Conv2D(2, 2, activation="gelu")), r"activation 'gelu'.*activations here: linear, relu"),
        (lambda: image(L.Activation("sigmoid", name="s")), r"'s' \(Activation\).*activation 'sigmoid'"),
        (lambda: image(L.Conv2D(2, 2, activation=lambda x: x)), "activation that is a lambda"),
        (lambda: image(L.Conv2D(2, 2, activation=own)), "activation 'own', a function that is not of Keras"),
        (lambda: image(L.Conv2D(2, 2, activation=L.PReLU())), "activation 'PReLU'"),
        (lambda: image(L.ReLU(3)), "max_value 3"),
        (lambda: image(L.ReLU(threshold=1)), "threshold 1"),
        (lambda: image(L.BatchNormalization(axis=1)), "axis 1 of an input with 4 axes"),
        (lambda: image(L.Dense(4, name="d")), "dense layer 'd' needs a flat input"),
        (lambda: image(L.Softmax()), r"\(Flatten\).*softmax 'softmax.*use softmax only at the end|softmax"),
        (lambda: image(L.Conv2D(3, 1), L.Softmax(1)), "axis 1"),
        (lambda: image(L.Conv2D(3, 1), L.Reshape((3, 36))), r"\(6, 6, 3\) as \(3, 36\).*reshape the input only"),
        (lambda: image(L.ZeroPadding2D(1), L.Conv2D(3, 2, padding="same")), "zero padding before it, and padding 'same'"),
        (lambda: image(L.ZeroPadding2D(1), L.ZeroPadding2D(1), L.Conv2D(3, 2)), "use one ZeroPadding2D"),
        (lambda: image(L.ZeroPadding2D(1), L.MaxPooling2D(2)), "put ZeroPadding2D right before a convolution"),
        (lambda: image(L.Rescaling(1 / 255, name="r")), r"'r' \(Rescaling\).*prepare the data"),
        (lambda: image(L.UpSampling2D()), r"\(UpSampling2D\).*layers here: Dense, Conv2D"),
        (lambda: image(keras.Sequential([L.Conv2D(2, 1)])), r"Sequential\).*put the inner model"),
        (functional_inside, r"Functional\).*put the inner model"),
        (lambda: sequential((5, 4), L.LSTM(3), L.Dense(2)), r"\(LSTM\)"),
        (lambda: sequential((5, 4), L.Conv1D(3, 2), L.Flatten(), L.Dense(2)), r"\(Conv1D\)"),
        (lambda: sequential((5,), Own(3), L.Dense(2)), r"Own\).*layers here"),
        (lambda: sequential((None, 6, 2), L.Conv2D(2, 2), L.GlobalAveragePooling2D()), "input is not known"),
        (lambda: sequential((6, 6, 2), L.Conv2D(2, 2)), r"does not end with one number for each class.*\(5, 5, 2\)"),
        (lambda: sequential((6, 6, 2), L.Conv2D(2, 2), L.Flatten()), r"does not end with one number.*\(50,\)"),
        (lambda: sequential((6, 6, 2), L.Flatten()), "has no layer with units"),
        (
            lambda: sequential((4,), L.Dense(2), L.Dense(2, activation="softmax"), L.Dense(2)),
            "softmax 'dense.*use softmax only at the end",
        ),
    ],
)
def test_what_cannot_be_nested_or_expressed_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        reds.from_keras(make())


class Subclassed(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


@pytest.mark.parametrize("model", [Subclassed(), object(), "model.keras"])
def test_what_is_no_chain_of_layers_is_refused(model: Any) -> None:
    with pytest.raises(ConfigError, match=r"takes a Keras model|does not list its layers"):
        reds.from_keras(model)


@pytest.mark.filterwarnings("ignore")
def test_quantised_layers_are_refused() -> None:
    model = shaken(sequential((4,), L.Dense(8, name="d"), L.Dense(2)))
    model.quantize("int8")
    with pytest.raises(ConfigError, match=r"(?s)'d' does not hold plain weights|not a network like"):
        reds.from_keras(model)


def test_numbers_that_are_not_finite_are_refused() -> None:
    model = sequential((4,), L.Dense(2, name="d"))
    model.layers[0].kernel.assign(np.full((4, 2), np.nan))
    with pytest.raises(ProtocolError, match=r"(?s)not finite.*8 of 8 in kernel of d"):
        reds.from_keras(model)


Described = tuple[str, dict[str, Any]]
"""The class of a Keras layer, and its settings."""


@st.composite
def _described(draw: st.DrawFn) -> list[Described]:
    """One layer, or two that belong together."""
    padding, kernel, stride = draw(st.sampled_from(["valid", "same"])), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    activation = {"activation": draw(st.sampled_from(["linear", "relu", "relu6", "leaky_relu"]))}
    windows = {"kernel_size": kernel, "strides": stride, "use_bias": draw(st.booleans()), **activation}
    filters, center, scale = {"filters": draw(st.integers(1, 5))}, draw(st.booleans()), draw(st.booleans())
    sides = {"padding": ((draw(st.integers(0, 2)), 1), (0, draw(st.integers(0, 2))))}
    pooling = {"pool_size": 2, "strides": stride, "padding": padding}
    choices: list[list[Described]] = [
        [("Conv2D", {**windows, **filters, "padding": padding})],
        [("ZeroPadding2D", sides), ("Conv2D", {**windows, **filters})],
        [("ZeroPadding2D", sides), ("DepthwiseConv2D", windows)],
        [("DepthwiseConv2D", {**windows, "padding": padding})],
        [("SeparableConv2D", {**windows, **filters, "padding": padding})],
        [("AveragePooling2D", pooling)],
        [("MaxPooling2D", pooling)],
        [("BatchNormalization", {"center": center, "scale": scale})],
        [("Activation", activation)],
        [("Dropout", {"rate": 0.2})],
    ]
    return draw(st.sampled_from(choices))


@given(
    shape=st.tuples(st.integers(16, 18), st.integers(16, 18), st.integers(1, 3)),
    body=st.lists(_described(), min_size=1, max_size=4),
    head=st.sampled_from(["Flatten", "GlobalAveragePooling2D"]),
    classes=st.integers(1, 4),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=20, deadline=None)
def test_random_chains_compute_the_same(shape, body: list[list[Described]], head: str, classes: int, seed: int) -> None:
    """Four halvings leave one position of sixteen, so that every window has its place."""
    layers = [(class_name, settings) for described in body for class_name, settings in described]
    made = (getattr(L, class_name)(**settings) for class_name, settings in (*layers, (head, {}), ("Dense", {"units": classes})))
    model = shaken(sequential(shape, *made), seed)
    assert_same(model, reds.from_keras(model), seed=seed)
