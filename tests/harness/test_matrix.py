"""Matrix files: what is wrong with one is named, with the nearest valid names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.combinations import models
from harness.matrix import load_matrix, shipped_matrices
from reds.errors import ConfigError
from tests.harness.running import MATRIX, run_pytest

DEVICES = ("host", "nano33ble-emu", "pico-emu")


def test_the_default_matrix_covers_three_networks_on_three_devices() -> None:
    matrix = load_matrix("digits", DEVICES)

    assert matrix.architectures == ("mlp1", "mlp3", "mlp11")
    assert matrix.precisions == ("float32", "int8")
    assert matrix.devices == DEVICES
    assert matrix.recipes["mlp3", "digits"].subnet_names == ("100", "75", "50", "25")


def test_the_posters_matrix_halves_the_groups_that_the_poster_halves() -> None:
    recipes = load_matrix("poster", DEVICES).recipes

    assert recipes["mlp1", "digits"].subnet_names == ("100", "50", "25", "12.5")
    assert recipes["mlp11", "digits"].widths.to_dict()["groups"] == ["hidden1", "hidden3", "hidden5", "hidden7", "hidden9"]


@pytest.mark.parametrize("path", shipped_matrices(), ids=lambda path: path.stem)
def test_every_shipped_matrix_is_valid(path: Path) -> None:
    load_matrix(path.stem, DEVICES)


def test_networks_are_measured_on_the_data_that_they_fit() -> None:
    pairs = [("ds_cnn_s_fashion_mnist", "fashion_mnist"), ("ds_cnn_s_cifar10", "cifar10")]
    matrix = load_matrix("vision", DEVICES)
    assert list(matrix.recipes) == pairs
    assert [(model.architecture, model.dataset) for model in models(matrix)] == pairs
    assert len(load_matrix("kws", DEVICES).recipes) == 3


@pytest.mark.slow
def test_absent_data_end_the_run_with_what_to_do(tmp_path: Path) -> None:
    environment = {"REDS_DATA_DIR": str(tmp_path), "REDS_BENCH_CACHE": str(tmp_path / "cache")}
    done = run_pytest("--matrix", "vision", "--device", "host", "--results", tmp_path / "results", environment=environment)
    assert done.returncode != 0
    assert "there is no data set 'fashion_mnist'" in done.stdout + done.stderr
    assert "REDS_DATA_DIR=DIR, DIR being a folder that holds\n    fashion-mnist/ with" in done.stdout + done.stderr
    assert not (tmp_path / "results").exists()


def test_any_mobilenet_may_be_measured(tmp_path: Path) -> None:
    path = tmp_path / "mobilenet.toml"
    path.write_text(MATRIX.read_text().replace('"mlp1"', '"mobilenet_v1_0.35_128"').replace('"digits"', '"visual_wake_words"'))

    assert load_matrix(str(path), DEVICES).architectures == ("mobilenet_v1_0.35_128",)


def test_a_matrix_may_lie_anywhere() -> None:
    matrix = load_matrix(str(MATRIX), DEVICES)

    assert matrix.name == str(MATRIX)
    assert matrix.recipes["mlp1", "digits"].pretraining.epochs == 2


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced('"mlp1"', '"mlp2"'), r"unknown architecture in .*'mlp2'\s+do: did you mean mlp"),
        (
            replaced('"mlp1"', '"mlp1", "dnn_s"'),
            r"'dnn_s' fits nothing that it is listed with; the data set 'digits' does not fit",
        ),
        (replaced('"digits"', '"digits", "cifar10"'), "'cifar10' fits nothing that it is listed with"),
        (replaced('"digits"', '"digit"'), r"unknown data set in .*'digit'\s+do: did you mean digits"),
        (replaced('"int8"', '"int4"'), r"unknown precision in .*'int4'\s+do: did you mean int8"),
        (replaced('"host"', '"pico-emo"'), r"unknown device in .*'pico-emo'\s+do: did you mean pico-emu"),
        (replaced("seed = 0", "sead = 0"), r"unknown key in .*'sead'\s+do: did you mean seed"),
        (replaced("seed = 0", ""), "lacks the key 'seed'"),
        (replaced("seed = 0", "seed = -1"), r"seed in .* is not an integer, at least 0\s+seen: -1"),
        (replaced("seed = 0", "seed = true"), "seed in .* is not an integer"),
        (replaced('["host"]', "[]"), "devices in .* is not a list of names, at least one"),
        (replaced('["host"]', '["host", "host"]'), "devices in .* is not a list of distinct names"),
        (replaced('["host"]', '"host"'), "devices in .* is not a list of names"),
        (replaced('rule = "search"', 'rule = "serach"'), r"unknown width rule 'serach'\s+do: did you mean search"),
        (replaced("budgets", "budget"), r"unknown key of the width rule 'search' 'budget'\s+do: did you mean budgets"),
        (replaced("budgets = [1.0, 0.5]", "budgets = [0.5, 1.0]"), "budgets are shares of the whole network, falling"),
        (replaced("[widths]", "widths = 3\n[wodths]"), "unknown key"),
        (replaced("epochs = 2", "epoch = 2"), r"unknown key of a training plan 'epoch'\s+do: did you mean epochs"),
        (replaced("parity = 10", "parity = 0"), r"parity in \[samples\] of .* at least 1"),
        (replaced("parity = 10", "party = 10"), r"unknown key in \[samples\] of .*'party'\s+do: did you mean parity"),
        (replaced("exact = 2", "exact = 1"), r"exact in \[repeats\] of .* at least 2"),
        (replaced("seed = 0", "seed ="), r"cannot be read as TOML\s+seen: .*line 7"),
        (replaced("[samples]\n", "samples = 3\n[samplez]\n"), "unknown key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(change(MATRIX.read_text()))

    with pytest.raises(ConfigError, match=message):
        load_matrix(str(path), DEVICES)


def test_an_unknown_matrix_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown matrix 'digit'\s+do: did you mean digits"):
        load_matrix("digit", DEVICES)


def test_a_matrix_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*nowhere.toml"):
        load_matrix(str(tmp_path / "nowhere.toml"), DEVICES)
