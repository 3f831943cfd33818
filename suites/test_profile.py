"""Where in the network do time and memory go?"""


def test_profile(combination, board, deployment, record):
    """Every layer takes time, and all together no more than the inference that they make up, where the clock counts work."""
    level = deployment.level(combination.subnet)
    inputs = deployment.test_inputs([0])[0]

    timings = board.time_layers(level, inputs)
    for layer, timing in zip(deployment.layers, timings, strict=True):
        record.timing("layer_latency", timing, layer=layer)
    for layer, activation_bytes in zip(deployment.layers, deployment.layer_activation_bytes(level), strict=True):
        record.value("layer_activation_bytes", activation_bytes, unit="bytes", layer=layer)

    if timings[0].clock.deterministic:
        assert all(len(set(timing.samples)) == 1 and timing.samples[0] > 0 for timing in timings)
        whole = board.time_inference(level, inputs)
        assert sum(timing.samples[0] for timing in timings) <= whole.samples[0]
