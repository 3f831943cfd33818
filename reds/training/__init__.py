"""Everything that needs TensorFlow: models, training, gradients, evaluation. Nothing outside imports it at its own import.

Raises:
    MissingError: TensorFlow is not installed.
"""

import os
from importlib.util import find_spec

from reds.errors import MissingError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only; read when TensorFlow is imported
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # it sums in an order of the processor's, and convolves with some strides wrongly
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

if find_spec("tensorflow") is None:
    raise MissingError("training and evaluation need TensorFlow", do="pip install 'reds-bench[train]'")
