"""What a step of joint training costs beside a plain step of the whole network: same batch, same run, in turns.

    python -m tests.benchmarks.joint_step [--network NAME] [--batch N] [--rounds N] [--json]

Both are compiled steps of this project's own training; a third is Keras's own `train_on_batch` of the same network, compiled. The
subnetworks are those of the default budgets on importance |w| of random weights. Times are minima over the rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

import reds.training  # noqa: F401 - decides how TensorFlow computes, which must come before its own import
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import BenchError
from reds.permutation import importance_orders, permute
from reds.plans import TrainingPlan
from reds.subnets import Subnets
from reds.widths import SearchRule
from reds.zoo import architecture


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.joint_step", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="ds_cnn_s_fashion_mnist", help="default: ds_cnn_s_fashion_mnist")
    parser.add_argument("--batch", type=int, default=128, help="examples per step (default: 128)")
    parser.add_argument("--rounds", type=int, default=15, help="default: 15")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args(argv)
    try:
        times_ms = measure(architecture(arguments.network), arguments.batch, arguments.rounds)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    rows = [{"step": name, "ms": round(ms, 1), "ratio": round(ms / times_ms["plain"], 2)} for name, ms in times_ms.items()]
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        print(f"{arguments.network}, batch {arguments.batch}, minima of {arguments.rounds} rounds in turns")
        for row in rows:
            print(f"{row['step']:34} {row['ms']:>8.1f} ms {row['ratio']:>6.2f} x")
    return 0


def measure(network: Architecture, batch: int, rounds: int) -> dict[str, float]:
    """Milliseconds of a step of each kind, the least of all rounds."""
    from reds.training.pretraining import initial_bundle

    bundle = nested(initial_bundle(network, 0))
    alone = replace(bundle, subnets=Subnets(bundle.subnets.items[:1]))
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(batch, int(np.prod(network.input_shape)))).astype(np.float32)
    labels = generator.integers(0, network.classes, batch).astype(np.int32)
    plan = TrainingPlan(1, batch, 1e-3, 1e-4, distillation=0.5)
    kinds = {
        "plain": compiled_step(alone, plan, inputs, labels),
        f"joint, {len(bundle.subnets)} subnetworks": compiled_step(bundle, plan, inputs, labels),
        "joint, shared batch norm": compiled_step(bundle, replace(plan, batch_norm="shared"), inputs, labels),
        "plain, Keras's train_on_batch": keras_step(alone, inputs, labels),
    }
    for step in kinds.values():  # the first calls compile
        step()
        step()
    times_s: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, step in kinds.items():
            started = time.perf_counter()
            step()
            times_s[name].append(time.perf_counter() - started)
    return {name: 1e3 * min(times) for name, times in times_s.items()}


def nested(bundle: Bundle) -> Bundle:
    """The network with the subnetworks of the default budgets, by |w|."""
    importance = {name: np.abs(array) for name, array in bundle.weights.items() if array.ndim > 1}
    sorted_importance = permute(bundle.architecture, importance, importance_orders(bundle.architecture, importance))
    return replace(bundle, subnets=SearchRule().choose(bundle.architecture, sorted_importance).subnets)


def compiled_step(bundle: Bundle, plan: TrainingPlan, inputs: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    """One step of this project's training."""
    import tensorflow as tf

    from reds.training.joint import levels_of, loss_shares
    from reds.training.loop import CompiledTraining, Objective
    from reds.training.shared import SharedNetwork

    network = SharedNetwork(bundle.architecture, bundle.weights, plan.compute_type)
    objective = Objective(levels_of(bundle, plan), loss_shares(bundle.architecture, bundle.subnets, plan))
    training = CompiledTraining(network, objective, plan, steps=1000)
    x, y = tf.constant(inputs[None]), tf.constant(labels[None])
    return lambda: training.steps(x, y).numpy()


def keras_step(bundle: Bundle, inputs: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    """One step of Keras's own training of the whole network."""
    import keras

    from reds.training.model import keras_model

    model = keras_model(bundle, bundle.subnets[0])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.AdamW(1e-3), loss=loss, jit_compile=False)  # pyright: ignore[reportArgumentType]
    shaped = inputs.reshape(-1, *bundle.architecture.input_shape)
    return lambda: model.train_on_batch(shaped, labels)


if __name__ == "__main__":
    sys.exit(main())
