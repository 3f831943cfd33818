"""Does the device compute what it should?"""

import numpy as np

# Of the largest logit: float32 sums of different order differ by less.
FLOAT32_TOLERANCE = 1e-5


def test_parity(combination, board, deployment, matrix, record):
    """int8 outputs equal the reference's bit by bit; float32 outputs equal Keras' to rounding."""
    level = deployment.level(combination.subnet)
    chosen = deployment.network.test_sample(matrix.samples.parity)
    inputs = deployment.test_inputs(chosen)
    if combination.placement.precision == "int8":
        expected, tolerance = deployment.real_outputs(level, deployment.reference(level, inputs)), 0.0
    else:
        expected = deployment.network.logits[level, chosen]
        tolerance = FLOAT32_TOLERANCE * float(np.abs(expected).max())

    outputs = deployment.real_outputs(level, board.infer(level, inputs))
    error = np.abs(outputs - expected).max().item()
    record.value("parity_max_abs_error", error, unit="logit", inputs=chosen)

    assert error <= tolerance
