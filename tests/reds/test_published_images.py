"""Published networks on a slice of the official test images: features, layout and batch norm are right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from data_files import write_idx
from published_data import published_data
from published_models import published_hdf5

from reds.cache import CACHE_VARIABLE
from reds.commands import main
from reds.datasets import cifar10, fashion_mnist
from reds.datasets.layout import Layout

TRAINING, TEST = 20, 1000
"""How many images of each official file are kept, the first ones; nothing is trained here."""

PERCENT = {"fashion_mnist": 90.6, "cifar10": 79.4}
"""Published accuracy on all 10,000 test images; that of a thousand of them deviates by about one point."""


def sliced_fashion_mnist(source: Path, target: Path) -> None:
    names = (fashion_mnist.TRAIN_IMAGES, fashion_mnist.TRAIN_LABELS, fashion_mnist.TEST_IMAGES, fashion_mnist.TEST_LABELS)
    for remote, count in zip(names, (TRAINING, TRAINING, TEST, TEST), strict=True):
        shape = (28, 28) if "images" in remote.name else ()
        write_idx(target / remote.name, fashion_mnist.read_idx(source / remote.name, shape)[:count].reshape(-1, *shape))


def sliced_cifar10(source: Path, target: Path) -> None:
    for name in (*cifar10.TRAINING, *cifar10.TEST):
        with (source / name).open("rb") as file:
            (target / name).write_bytes(file.read((TEST if name in cifar10.TEST else TRAINING) * cifar10.ROW_BYTES))


SETS: Mapping[str, tuple[Layout, Callable[[Path, Path], None]]] = {
    "fashion_mnist": (fashion_mnist.LAYOUT, sliced_fashion_mnist),
    "cifar10": (cifar10.LAYOUT, sliced_cifar10),
}


@pytest.mark.parametrize("name", SETS)
def test_a_published_network_is_as_accurate_as_published(name: str, tmp_path: Path, monkeypatch, capsys) -> None:
    layout, sliced = SETS[name]
    pytest.importorskip("tensorflow", reason="evaluation needs TensorFlow")
    checkpoint, source = published_hdf5(name), published_data(layout) / layout.folder
    (tmp_path / "data" / layout.folder).mkdir(parents=True)
    sliced(source, tmp_path / "data" / layout.folder)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def evaluated(bundle: str) -> list[dict]:
        capsys.readouterr()
        assert main(["evaluate", bundle, "--dataset", name, "--data-dir", "data", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert main(["import", str(checkpoint), "--architecture", f"ds_cnn_s_{name}", "-o", "whole"]) == 0
    [whole] = evaluated("whole")
    assert whole["test_examples"] == TEST
    assert 100 * whole["accuracy"] == pytest.approx(PERCENT[name], abs=1)
    # Sorted and with subnetworks, the whole network is as accurate as it was.
    assert main(["convert", "whole", "--importance", "l1", "-o", "sorted"]) == 0
    assert main(["search", "sorted", "-o", "nested"]) == 0
    nested = evaluated("nested")
    assert [row["subnet"] for row in nested] == ["100", "75", "50", "25"]
    assert nested[0]["accuracy"] == pytest.approx(whole["accuracy"], abs=1.5 / TEST)
