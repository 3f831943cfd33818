"""Making TensorFlow's results depend on the seed alone."""

from __future__ import annotations

import keras
import tensorflow as tf


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and let TensorFlow use only operations that always sum in the same order."""
    tf.get_logger().setLevel("ERROR")  # it warns of compiling anew, which every further network needs
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
