"""The networks that the kernel benchmarks run: random weights, or the published ones where their folder is named."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from reds.architecture import Architecture
from reds.bundle import Bundle, untrained
from reds.errors import ConfigError
from reds.layers import Widths
from reds.subnets import Subnet, Subnets, budget_name
from reds.zoo import architecture, mlp

MODELS_VARIABLE = "REDS_MODELS_DIR"
PERCEPTRON = "mlp_128_128_128_10"
KEYWORDS = ("dnn_s", "cnn_s", "ds_cnn_s")
NETWORKS = (PERCEPTRON, *KEYWORDS)
BUDGETS = (1.0, 0.75, 0.5, 0.25)
_STEPS = 10_000


def bundle(name: str) -> Bundle:
    """A network with subnetworks at the budgets. The widths do not depend on the weights, so neither do counts.

    Raises:
        ConfigError: REDS_MODELS_DIR names a folder without the network.
    """
    network = mlp(PERCEPTRON, 128, (128, 128, 128), 10) if name == PERCEPTRON else architecture(name)
    folder = os.environ.get(MODELS_VARIABLE)
    whole = published(Path(folder), name) if folder and name in KEYWORDS else untrained(network, seed=0)
    return replace(whole, subnets=uniform(network, BUDGETS))


def published(folder: Path, name: str) -> Bundle:
    """The published network, read by the command that users have, in a process of its own (it needs TensorFlow)."""
    checkpoint = next((path for path in (folder / "kws" / name, folder / name) if path.is_dir()), None)
    if checkpoint is None:
        raise ConfigError(f"{MODELS_VARIABLE} names a folder without {name}", seen=str(folder))
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / name
        command = [sys.executable, "-m", "reds", "import", str(checkpoint), "--architecture", name, "-o", str(output)]
        subprocess.run(command, check=True)
        return Bundle.load(output)


def uniform(network: Architecture, budgets: Sequence[float]) -> Subnets:
    """The same share of every group, the largest whose multiply-adds stay within each budget."""
    whole = network.cost(network.full_widths).macs

    def largest(budget: float) -> Widths:
        candidates = map(partial(_scaled, network), range(_STEPS, 0, -1))
        return next(widths for widths in candidates if network.cost(widths).macs <= budget * whole)

    return Subnets(tuple(Subnet(budget_name(budget), largest(budget)) for budget in budgets))


def _scaled(network: Architecture, step: int) -> Widths:
    return tuple(g.size if g.whole else max(1, g.size * step // _STEPS) for g in network.groups)
