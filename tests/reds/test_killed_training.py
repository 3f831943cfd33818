"""A training whose process is killed goes on when it is started again, whatever it was doing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds.bundle import Bundle, untrained
from reds.cache import CACHE_VARIABLE
from reds.subnets import halving
from reds.unfinished import Unfinished
from reds.zoo import mlp1

pytestmark = pytest.mark.slow
pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

EPOCHS = 400
DEADLINE_S = 120


def finetuning(folder: Path, output: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "reds", "finetune", "nested", "--dataset", "digits", "--epochs", f"{EPOCHS}", "-o", output]
    environment = {**os.environ, CACHE_VARIABLE: str(folder / "cache")}
    with (folder / "said").open("w") as said:
        return subprocess.Popen(command, cwd=folder, env=environment, stderr=said)


def epochs_kept(folder: Path) -> int:
    """How many epochs a run has behind it, by what it keeps."""
    states = [Unfinished(path).load() for path in (folder / "cache" / "unfinished").glob("*.npz")]
    return max((state.epoch for state in states if state), default=0)


def killed_after(folder: Path, epochs: int) -> int:
    """Start the command, kill it when it has kept so many epochs, and say how many it had kept then."""
    process = finetuning(folder, "tuned")
    give_up = time.monotonic() + DEADLINE_S
    while epochs_kept(folder) < epochs:
        assert process.poll() is None, "the command ended by itself"
        assert time.monotonic() < give_up, "the training does not get on"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    return epochs_kept(folder)


def test_a_killed_command_goes_on_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    bundle = untrained(mlp1(), seed=0)
    replace(bundle, subnets=halving(mlp1(), (1, 0.5, 0.25), ["hidden1"])).save(tmp_path / "nested")
    first = killed_after(tmp_path, 5)
    second = killed_after(tmp_path, first + 5)
    assert first < second < EPOCHS, "the example must be killed on its way"
    assert not (tmp_path / "tuned").exists()
    assert finetuning(tmp_path, "tuned").wait() == 0
    assert f", going on after epoch {second}\n" in (tmp_path / "said").read_text()
    assert epochs_kept(tmp_path) == EPOCHS
    shutil.rmtree(tmp_path / "cache" / "unfinished")
    assert finetuning(tmp_path, "again").wait() == 0
    assert "going on" not in (tmp_path / "said").read_text()
    tuned, again = Bundle.load(tmp_path / "tuned"), Bundle.load(tmp_path / "again")
    assert all(np.array_equal(array, again.weights[name]) for name, array in tuned.weights.items())
