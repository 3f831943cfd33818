"""What does an inference of each subnetwork cost, in the device's own clock?"""


def test_latency(combination, board, deployment, record, to_benchmark):
    """An inference takes time; where the clock counts work, always the same."""
    inputs = deployment.test_inputs([0])[0]

    timing = board.time_inference(deployment.level(combination.subnet), inputs)
    record.timing("latency", timing)
    to_benchmark(timing)

    assert len(timing.samples) == board.repeats
    assert min(timing.samples) > 0
    if timing.clock.deterministic:
        assert len(set(timing.samples)) == 1
