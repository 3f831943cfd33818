"""Converts a random multilayer perceptron to int8 with TensorFlow Lite and runs it with its reference kernels.

A program of its own, because TensorFlow stays out of the process that runs the tests:

    python tflite_mlp.py SEED OUTPUT.npz WIDTH WIDTH...

The archive holds `inputs` and `outputs` (int8), `input_scale` and `input_zero_point`, and for each layer i `weights_i` (int8, outputs
x inputs), `weight_scales_i`, `bias_i` (int32), `scale_i` and `zero_point_i` of its output.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 1000


def convert(widths: list[int], seed: int) -> bytes:
    """An int8 `.tflite` of a network with random weights and biases; ReLU after every layer but the last."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    last = len(widths) - 2
    model = keras.Sequential(
        [keras.Input((widths[0],))]
        + [
            keras.layers.Dense(width, activation=None if i == last else "relu", bias_initializer="random_normal")
            for i, width in enumerate(widths[1:])
        ]
    )
    samples = np.random.default_rng(seed).normal(size=(200, 1, widths[0])).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def tables(interpreter: Any) -> dict[str, np.ndarray]:
    """Scales, weights and biases of every fully connected operation, in order."""
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    found: dict[str, np.ndarray] = {}
    operations = [operation for operation in interpreter._get_ops_details() if operation["op_name"] == "FULLY_CONNECTED"]
    for i, operation in enumerate(operations):
        _, weights, bias = operation["inputs"][:3]
        output = details[operation["outputs"][0]]["quantization_parameters"]
        found[f"weights_{i}"] = interpreter.get_tensor(weights)
        found[f"weight_scales_{i}"] = details[weights]["quantization_parameters"]["scales"]
        found[f"bias_{i}"] = interpreter.get_tensor(bias)
        found[f"scale_{i}"], found[f"zero_point_{i}"] = output["scales"][0], output["zero_points"][0]
    return found


def main() -> None:
    import tensorflow as tf

    seed, path, widths = int(sys.argv[1]), Path(sys.argv[2]), [int(argument) for argument in sys.argv[3:]]
    interpreter = tf.lite.Interpreter(
        model_content=convert(widths, seed),
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    inputs = np.random.default_rng(seed + 1).integers(-128, 128, (SAMPLES, widths[0])).astype(np.int8)
    outputs = []
    for sample in inputs:
        interpreter.set_tensor(source["index"], sample[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"])[0])
    scale, zero_point = source["quantization"]
    facts = {"inputs": inputs, "outputs": np.array(outputs), "input_scale": scale, "input_zero_point": zero_point}
    np.savez(path, allow_pickle=False, **facts, **tables(interpreter))


if __name__ == "__main__":
    main()
