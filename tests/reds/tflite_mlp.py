"""Converts a random multilayer perceptron to int8 with TensorFlow Lite and runs it with its reference kernels.

A program of its own, because TensorFlow stays out of the process that runs the tests:

    python tflite_mlp.py OPERATION SEED OUTPUT.npz WIDTH WIDTH...

OPERATION is FULLY_CONNECTED, or CONV_2D for the same network written as 1x1 convolutions of a single pixel.

The archive holds `inputs` and `outputs` (int8), `input_scale` and `input_zero_point`, and for each layer i `weights_i` (int8,
outputs x inputs), `weight_scales_i`, `bias_i` (int32), `scale_i` and `zero_point_i` of its output.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 1000


def network(operation: str, widths: list[int]) -> Any:
    """A Keras model with random weights and biases; ReLU after every layer but the last."""
    import keras

    def layer(width: int, activation: str | None) -> Any:
        if operation == "CONV_2D":
            return keras.layers.Conv2D(width, 1, activation=activation, bias_initializer="random_normal")
        return keras.layers.Dense(width, activation=activation, bias_initializer="random_normal")

    hidden = [layer(width, "relu") for width in widths[1:-1]]
    return keras.Sequential([keras.Input(input_shape(operation, widths)), *hidden, layer(widths[-1], None)])


def input_shape(operation: str, widths: list[int]) -> tuple[int, ...]:
    """Shape of one input, without the batch."""
    return (1, 1, widths[0]) if operation == "CONV_2D" else (widths[0],)


def convert(operation: str, widths: list[int], seed: int) -> bytes:
    """The int8 `.tflite` of a network."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    model = network(operation, widths)
    samples = np.random.default_rng(seed).normal(size=(200, 1, *input_shape(operation, widths))).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def tables(interpreter: Any, name: str) -> dict[str, np.ndarray]:
    """Scales, weights and biases of every operation of this name, in order."""
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    found: dict[str, np.ndarray] = {}
    operations = [operation for operation in interpreter._get_ops_details() if operation["op_name"] == name]
    for i, operation in enumerate(operations):
        _, weights, bias = operation["inputs"][:3]
        output = details[operation["outputs"][0]]["quantization_parameters"]
        values = interpreter.get_tensor(weights)
        found[f"weights_{i}"] = values.reshape(values.shape[0], -1)
        found[f"weight_scales_{i}"] = details[weights]["quantization_parameters"]["scales"]
        found[f"bias_{i}"] = interpreter.get_tensor(bias)
        found[f"scale_{i}"], found[f"zero_point_{i}"] = output["scales"][0], output["zero_points"][0]
    return found


def main() -> None:
    import tensorflow as tf

    operation, seed, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    widths = [int(argument) for argument in sys.argv[4:]]
    interpreter = tf.lite.Interpreter(
        model_content=convert(operation, widths, seed),
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    inputs = np.random.default_rng(seed + 1).integers(-128, 128, (SAMPLES, widths[0])).astype(np.int8)
    outputs = []
    for sample in inputs:
        interpreter.set_tensor(source["index"], sample.reshape(source["shape"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"]).ravel())
    scale, zero_point = source["quantization"]
    facts = {"inputs": inputs, "outputs": np.array(outputs), "input_scale": scale, "input_zero_point": zero_point}
    np.savez(path, allow_pickle=False, **facts, **tables(interpreter, operation))


if __name__ == "__main__":
    main()
