"""The networks of the host benchmark as `.tflite` files, one for each subnetwork and precision, by TensorFlow's converter.

    python -m tests.benchmarks.host_peer_networks FOLDER [NETWORK ...]

A process of its own: TensorFlow must not share one with what is measured. int8 is the converter's own quantisation after
training, with int8 at both ends.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reds.architecture import Architecture
from tests.benchmarks.kernel_networks import KEYWORDS, bundle

CALIBRATION_INPUTS = 32
NOTHING = "nothing"


def random_inputs(architecture: Architecture) -> np.ndarray:
    """Inputs (n, input elements), float32, to calibrate with and to measure on."""
    shape = (CALIBRATION_INPUTS, int(np.prod(architecture.input_shape)))
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def path_of(folder: Path, network: str, subnet: str, precision: str) -> Path:
    """Where a converted subnetwork lies."""
    return folder / f"{network}-{subnet}-{precision}.tflite"


def converter_of(model: Any, input_shape: tuple[int, ...]) -> Any:
    """A converter for one input at a time: a batch of unknown size would keep operators from the delegate."""
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, *input_shape))
    return tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, model(inputs)))


def quantised(converter: Any, inputs: np.ndarray) -> bytes:
    """The int8 network."""
    import tensorflow as tf

    def samples() -> Iterator[list[np.ndarray]]:
        for sample in inputs:
            yield [sample[None]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def convert(name: str, folder: Path) -> None:
    """Every subnetwork in both precisions."""
    from reds.training.model import keras_model

    network = bundle(name)
    shape = network.architecture.input_shape
    inputs = random_inputs(network.architecture).reshape(-1, *shape)
    for subnet in network.subnets:
        model = keras_model(network, subnet)
        path_of(folder, name, subnet.name, "float32").write_bytes(converter_of(model, shape).convert())
        path_of(folder, name, subnet.name, "int8").write_bytes(quantised(converter_of(model, shape), inputs))


def convert_nothing(folder: Path) -> None:
    """A network of one ReLU of one number: what a call takes beside the work."""
    import keras

    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.ReLU()(inputs))
    path_of(folder, NOTHING, "100", "float32").write_bytes(converter_of(model, (1,)).convert())


def main() -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("network", nargs="*", default=KEYWORDS)
    arguments = parser.parse_args()
    convert_nothing(arguments.folder)
    for name in arguments.network:
        convert(name, arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
