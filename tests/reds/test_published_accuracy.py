"""Published keyword-spotting networks on the official test clips: features, layout and batch norm are right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from published_data import published_data
from published_models import published_checkpoint

from reds.cache import CACHE_VARIABLE
from reds.commands import main
from reds.datasets.speech_test_set import LAYOUT

PUBLISHED_PERCENT = {"dnn_s": 84, "cnn_s": 92, "ds_cnn_s": 94}  # rounded to whole percents in the names of the checkpoints


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED_PERCENT)
def test_a_published_network_is_as_accurate_as_published(name: str, tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("tensorflow", reason="evaluation needs TensorFlow")
    checkpoint, data_dir = published_checkpoint(name), published_data(LAYOUT)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    assert main(["import", str(checkpoint), "--architecture", name, "-o", str(tmp_path / name)]) == 0
    percent = {}
    for dataset in ("speech_commands_test_set", "speech_commands_test_set_noisy_silence"):
        arguments = ["evaluate", str(tmp_path / name), "--dataset", dataset, "--data-dir", str(data_dir), "--json"]
        assert main(arguments) == 0
        [row] = json.loads(capsys.readouterr().out)
        assert row["test_examples"] == 4890
        percent[dataset] = 100 * row["accuracy"]
    assert percent["speech_commands_test_set"] == pytest.approx(PUBLISHED_PERCENT[name], abs=0.7)
    # Sorted and with subnetworks, the whole network is as accurate as it was.
    steps = (["convert", name, "--importance", "l1", "-o", "sorted"], ["search", "sorted", "-o", "nested"])
    monkeypatch.chdir(tmp_path)
    for step in steps:
        assert main(step) == 0
    capsys.readouterr()
    assert main(["evaluate", "nested", "--dataset", "speech_commands_test_set", "--data-dir", str(data_dir), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["subnet"] for row in rows] == ["100", "75", "50", "25"]
    assert 100 * rows[0]["accuracy"] == pytest.approx(percent["speech_commands_test_set"], abs=0.05)
    # They never heard the noise that stands for silence in the archive.
    assert percent["speech_commands_test_set_noisy_silence"] < percent["speech_commands_test_set"] - 2
