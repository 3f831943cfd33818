"""What does it cost to change the subnetwork at run time?"""

from itertools import permutations
from statistics import median

import numpy as np


def test_switching(board, deployment, record):
    """From each subnetwork to each other: selecting costs less than the smallest inference, and outputs do not remember."""
    names = [subnet.name for subnet in deployment.network.bundle.subnets]
    inputs = deployment.test_inputs([0])
    alone = [board.infer(level, inputs) for level in range(len(names))]
    smallest = median(board.time_inference(len(names) - 1, inputs[0]).samples)

    for before, after in permutations(range(len(names)), 2):
        pair = {"from_subnet": names[before], "subnet": names[after]}
        switch = board.time_switch(before, after)
        first = board.time_first_inference(before, after, inputs[0])
        record.timing("switch", switch, **pair)
        record.timing("latency_first", first, **pair)

        assert median(switch.samples) < smallest, pair
        if switch.clock.deterministic:
            assert len(set(switch.samples)) == len(set(first.samples)) == 1, pair
        board.infer(before, inputs)
        np.testing.assert_array_equal(board.infer(after, inputs), alone[after], err_msg=str(pair))
