"""How often is each subnetwork right, on the device itself?"""

import numpy as np


def test_accuracy(combination, board, deployment, matrix, record):
    """The device classifies test samples as the reference does; the share it classifies rightly is recorded."""
    level = deployment.level(combination.subnet)
    labels = deployment.network.split.y_test
    on_host = board.device.kind == "host"
    chosen = deployment.network.test_sample(len(labels) if on_host else matrix.samples.accuracy)
    inputs = deployment.test_inputs(chosen)

    classes = board.infer(level, inputs).argmax(axis=1)
    record.accuracy(classes == labels[chosen], inputs=chosen)

    np.testing.assert_array_equal(classes, deployment.reference(level, inputs).argmax(axis=1))
