"""Files as other programs write them: a small int8 `.tflite`, HDF5 of Keras 2, and an archive of Keras 3."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.layers import BatchNorm, Conv2D, Dense, DepthwiseConv2D, GlobalAveragePooling2D, ReLU
from reds.quantisation import Quantisation
from tests.reds.random_networks import random_bundle

OLD_NAMES = {"depthwise_conv2d": {"kernel": "depthwise_kernel"}}
"""What Keras 2 calls arrays otherwise, by kind of layer."""


def small() -> Architecture:
    """A network with every kind of layer that has weights."""
    layers = (
        Conv2D("conv1", 4, (3, 2)),
        BatchNorm("norm1"),
        ReLU("relu1"),
        DepthwiseConv2D("depthwise1", (3, 3), padding="same"),
        Conv2D("pointwise1", 5, (1, 1), use_bias=False),
        BatchNorm("norm2"),
        GlobalAveragePooling2D("pool"),
        Dense("classes", 3),
    )
    return Architecture("small", (8, 6, 1), layers)


def small_bundle() -> Bundle:
    """The small network with numbers drawn for it, the same at every call."""
    return random_bundle(small(), 3)


def saved(save: Callable[[Bundle, Path], None], folder: Path, bundle: Bundle | None = None) -> Path:
    """The file "model" in a folder, with a bundle, else the small network, as one of the programs writes it."""
    save(bundle or small_bundle(), folder / "model")
    return folder / "model"


def stored_layers(bundle: Bundle) -> list[tuple[str, dict[str, np.ndarray]]]:
    """The layers with weights: our name, and the arrays by what Keras 2 calls them."""
    found = []
    for placed in bundle.architecture.placed:
        old = OLD_NAMES.get(placed.layer.kind, {})
        names = {weight.name: weight.name.rsplit("/", 1)[1] for weight in placed.weights}
        arrays = {old.get(name, name): bundle.weights[weight] for weight, name in names.items()}
        found += [(placed.layer.name, arrays)] if arrays else []
    return found


def save_keras2(bundle: Bundle, path: Path, *, group: str = "model_weights", parts: int = 1) -> None:
    """As `model.save` of Keras 2 writes HDF5; `group` "": as `save_weights`. Long lists of names are cut into parts."""
    import h5py

    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        layers = [("input_1", {}), *stored_layers(bundle), ("softmax", {})]
        _write_names(root, "layer_names", [name for name, _ in layers], parts)
        for name, arrays in layers:
            layer = root.create_group(name)
            layer.attrs["weight_names"] = [f"{name}/{array}:0".encode() for array in arrays]
            for array, values in arrays.items():
                layer[f"{name}/{array}:0"] = values
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.11.0"


def _write_names(group: Any, attribute: str, names: Sequence[str], parts: int) -> None:
    encoded = [name.encode() for name in names]
    if parts == 1:
        group.attrs[attribute] = encoded
    for part in range(parts if parts > 1 else 0):
        group.attrs[f"{attribute}{part}"] = np.array_split(encoded, parts)[part]


def keras_layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    """A layer in a Keras 3 model's description of itself."""
    return {"module": "keras.layers", "class_name": class_name, "config": {"name": name, **config}}


def sequential(input_shape: Sequence[int], *layers: Mapping[str, Any]) -> dict[str, Any]:
    """What a sequential model says of itself."""
    return {"name": "mine", "layers": [keras_layer("InputLayer", "input_layer", batch_shape=[None, *input_shape]), *layers]}


SMALL_CONFIG = sequential(
    (8, 6, 1),
    keras_layer("Conv2D", "conv1", filters=4, kernel_size=[3, 2], strides=[1, 1], padding="valid", activation="linear"),
    keras_layer("BatchNormalization", "norm1", axis=-1, epsilon=0.001),
    keras_layer("ReLU", "relu1"),
    keras_layer("DepthwiseConv2D", "depthwise1", kernel_size=[3, 3], strides=[1, 1], padding="same"),
    keras_layer("Conv2D", "pointwise1", filters=5, kernel_size=[1, 1], strides=[1, 1], padding="valid", use_bias=False),
    keras_layer("BatchNormalization", "norm2", axis=[3], epsilon=0.001),
    keras_layer("GlobalAveragePooling2D", "pool"),
    keras_layer("Dense", "classes", units=3, activation="softmax"),
)
"""The small network."""

FOLDERS = ("conv2d", "batch_normalization", "depthwise_conv2d", "conv2d_1", "batch_normalization_1", "dense")
"""Where an archive keeps the small network's arrays, layer by layer."""


def save_archive(bundle: Bundle, path: Path, config: object = SMALL_CONFIG, class_name: str = "Sequential") -> None:
    """As Keras 3 writes an archive of the small network."""
    import h5py

    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for folder, (_, arrays) in zip(FOLDERS, stored_layers(bundle), strict=True):
            for index, values in enumerate(arrays.values()):
                file[f"layers/{folder}/vars/{index}"] = values
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps({"module": "keras", "class_name": class_name, "config": config}))
        archive.writestr("model.weights.h5", weights.getvalue())


class SmallTflite:
    """A `.tflite` of the small network, batch norm folded, int8 with a scale for each channel; made again after changes.

    Attributes:
        model: tensors and operators (see `tests.reds.tflite_network`).
        kernels: what the weights of each layer that multiplies stand for, in our shapes.
        biases: of each of them.
    """

    def __init__(self, seed: int = 0) -> None:
        from ai_edge_litert import schema_py_generated as schema

        from tests.reds.tflite_network import Model, Operator

        self.model = Model()
        self.generator = np.random.default_rng(seed)
        self.kernels: list[np.ndarray] = []
        self.biases: list[np.ndarray] = []
        relu = schema.ActivationFunctionType.RELU
        self.source = self._activation((1, 8, 6, 1))
        conv = schema.Conv2DOptionsT()
        conv.fusedActivationFunction = relu
        current = self._multiply(Operator.CONV_2D, self.source, (4, 3, 2, 1), (1, 6, 5, 4), conv)
        current = self._multiply(
            Operator.DEPTHWISE_CONV_2D, current, (1, 3, 3, 4), (1, 6, 5, 4), schema.DepthwiseConv2DOptionsT(), axis=3
        )
        current = self._multiply(Operator.CONV_2D, current, (5, 1, 1, 4), (1, 6, 5, 5), schema.Conv2DOptionsT())
        pool = schema.Pool2DOptionsT()
        current = self._pass(Operator.AVERAGE_POOL_2D, current, (1, 1, 1, 5), pool)
        current = self._pass(Operator.RESHAPE, current, (1, 5), schema.ReshapeOptionsT())
        current = self._multiply(Operator.FULLY_CONNECTED, current, (3, 5), (1, 3), schema.FullyConnectedOptionsT())
        self.output = self._pass(Operator.SOFTMAX, current, (1, 3), schema.SoftmaxOptionsT())

    def content(self) -> bytes:
        """The file."""
        return self.model.content(self.source, [self.output])

    def weight_tensor(self, layer: int) -> Any:
        """The tensor of a layer's weights."""
        multiplying = [operator for operator in self.model.operators if len(operator.inputs) == 3]
        return self.model.tensors[multiplying[layer].inputs[1]]

    def add_leaky_relu(self, slope: float) -> None:
        """Leaky ReLU after the pointwise layer; the file then leaves out the slope where it is 0, as its default."""
        from ai_edge_litert import schema_py_generated as schema

        options, operators = schema.LeakyReluOptionsT(), self.model.operators
        options.alpha = slope
        output = self._pass(schema.BuiltinOperator.LEAKY_RELU, operators[2].outputs[0], (1, 6, 5, 5), options)
        operators.insert(3, operators.pop())
        operators[4].inputs = [output]

    def _activation(self, shape: tuple[int, ...]) -> int:
        return self.model.activation(shape, Quantisation(0.1, 0))

    def _pass(self, code: int, source: int, shape: tuple[int, ...], options: Any) -> int:
        output = self._activation(shape)
        self._versioned(code)
        self.model.add(code, [source], output, options)
        return output

    def _multiply(
        self, code: int, source: int, shape: tuple[int, ...], output_shape: tuple[int, ...], options: Any, *, axis: int = 0
    ) -> int:
        values = self.generator.integers(-127, 128, shape).astype(np.int8)
        scales = self.generator.uniform(0.001, 0.02, shape[axis]).astype(np.float32)
        bias = self.generator.integers(-1000, 1001, shape[axis]).astype(np.int32)
        along = [1] * len(shape)
        along[axis] = -1
        real = (values * scales.astype(np.float64).reshape(along)).astype(np.float32)
        self.kernels.append(real.T if len(shape) == 2 else real.transpose(1, 2, 3, 0))
        bias_scales = (np.float32(0.1) * scales).astype(np.float32)
        self.biases.append((bias * bias_scales.astype(np.float64)).astype(np.float32))
        output = self._activation(output_shape)
        self._versioned(code)
        self.model.add(
            code, [source, self.model.constant(values, scales, axis), self.model.constant(bias, bias_scales)], output, options
        )
        return output

    @staticmethod
    def _versioned(code: int) -> None:
        from tests.reds.tflite_network import VERSIONS

        VERSIONS.setdefault(code, 1)
