"""Prepared data sets in the cache: found again, made anew when the files change, never half-made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from data_files import write_fashion_mnist, write_speech_commands, write_speech_test_set
from networks import noisy

from reds.bundle import Bundle
from reds.cache import CACHE_VARIABLE
from reds.commands import main
from reds.datasets import room
from reds.datasets.layout import DATA_VARIABLE
from reds.datasets.request import Request
from reds.datasets.rows import write_rows
from reds.datasets.split import make_split, open_split
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.pipeline import locate
from reds.prepared import found_data, prepared_data, split_for
from reds.recipe import recipe_for
from reds.widths import SearchRule
from reds.zoo import architecture, mlp

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_fashion_mnist(tmp_path / "data")
    write_speech_test_set(tmp_path / "data")
    return tmp_path / "data"


def fashion(data_dir: Path, seed: int = 0, shape: tuple[int, ...] = (28, 28, 1)) -> Request:
    return Request(seed, shape, data_dir)


def test_a_set_is_prepared_once_for_all_seeds_and_networks_that_it_is_the_same_for(data_dir: Path) -> None:
    assert found_data("fashion_mnist", fashion(data_dir)) is None
    folder = prepared_data("fashion_mnist", fashion(data_dir))
    for request in (fashion(data_dir), fashion(data_dir, seed=3), fashion(data_dir, shape=(784,))):
        assert found_data("fashion_mnist", request) == folder == prepared_data("fashion_mnist", request)
    os.utime(data_dir / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz", (1, 1))
    assert found_data("fashion_mnist", fashion(data_dir)) is None
    again = prepared_data("fashion_mnist", fashion(data_dir))
    assert again != folder
    assert open_split(again).fingerprint == open_split(folder).fingerprint


def test_two_forms_and_two_silences_are_four_results(data_dir: Path) -> None:
    names = ("speech_commands_test_set", "speech_commands_test_set_noisy_silence")
    assert len({prepared_data(name, fashion(data_dir, shape=shape)) for name in names for shape in ((49, 10, 1), (250,))}) == 4


def test_recipes_find_their_data_by_the_variable(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_for("ds_cnn_s_fashion_mnist", "fashion_mnist", 0, SearchRule((1, 0.5)))
    assert locate(recipe) is None
    with pytest.raises(ConfigError, match="does not fit the network"):
        locate(recipe_for("ds_cnn_s", "fashion_mnist", 0, SearchRule((1, 0.5))))
    monkeypatch.setenv(DATA_VARIABLE, str(data_dir))
    prepared_data("fashion_mnist", Request(0, (28, 28, 1)))
    program = (
        "import sys; from reds.prepared import found_data; from reds.datasets.request import Request\n"
        "print(found_data('fashion_mnist', Request(0, (28, 28, 1))))\n"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'PIL', 'scipy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines() == [str(found_data("fashion_mnist", Request(0, (28, 28, 1)))), "[]"]


def test_a_network_of_other_inputs_or_classes_is_refused_before_anything_is_read(data_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"takes inputs of shape 40x32x1\n.*49x10 or 25x10"):
        split_for(architecture("cnn8"), "speech_commands", 0, data_dir)
    with pytest.raises(ConfigError, match="10 outputs, 12 classes"):
        split_for(mlp("keywords", 490, (8,), 10), "speech_commands", 0, data_dir)


@pytest.mark.parametrize("file_bytes", [100, 20_000])
@pytest.mark.parametrize(("name", "write"), [("fashion_mnist", write_fashion_mnist), ("speech_commands", write_speech_commands)])
def test_a_full_disk_is_an_error_and_a_later_run_recovers(name, write, file_bytes: int, tmp_path: Path, cache: Path) -> None:
    write(tmp_path / "full")
    command = [sys.executable, "-m", "tests.reds.filling_cache", name, str(tmp_path / "full"), str(file_bytes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert f"there is no room for the prepared data set '{name}'" in done.stdout
    assert CACHE_VARIABLE in done.stdout
    assert not [path for path in (cache / "stages" / "data").iterdir() if path.is_dir()]
    shape = {"fashion_mnist": (784,), "speech_commands": (490,)}[name]
    assert len(open_split(prepared_data(name, Request(0, shape, tmp_path / "full"))).y_train)


def test_too_little_room_is_noticed_before_the_work(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    with pytest.raises(MissingError, match=r"bytes are needed, 1,000 are free"):
        prepared_data("fashion_mnist", fashion(data_dir))


def test_rows_are_written_block_by_block(tmp_path: Path) -> None:
    rows = np.arange(12, dtype=np.int64).reshape(4, 3)
    write_rows(tmp_path / "a.npy", (4, 3), np.int16, [rows[:3], rows[3:]])
    read = np.load(tmp_path / "a.npy")
    assert read.dtype == np.int16
    assert np.array_equal(read, rows)
    write_rows(tmp_path / "none.npy", (0, 3), np.float32, [])
    assert np.load(tmp_path / "none.npy").shape == (0, 3)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_inputs_that_are_no_numbers_and_labels_without_a_class_are_refused(number: float) -> None:
    inputs, labels = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    bad = inputs.copy()
    bad[3, 1] = number
    with pytest.raises(ProtocolError, match=r"not finite numbers\n.*test part"):
        make_split("small", 0, "ab", train=(inputs, labels), test=(bad, labels))
    for label in (2, -1):
        with pytest.raises(ProtocolError, match=f"label {label} in its train part"):
            make_split("small", 0, "ab", train=(inputs, np.array([0, 1, 0, label])), test=(inputs, labels))


@pytest.mark.parametrize("name", ["fashion_mnist", "speech_commands"])
def test_damaged_descriptions_of_an_augmentation_are_refused(name: str, data_dir: Path) -> None:
    if name == "speech_commands":
        write_speech_commands(data_dir, speakers=12)
    shape = {"fashion_mnist": (784,), "speech_commands": (490,)}[name]
    folder = prepared_data(name, Request(0, shape, data_dir))
    path = folder / "split.json"
    whole = json.loads(path.read_text())
    changes = {
        "fashion_mnist": {"shape": [28, 27, 1], "margin": 29, "turned_share": "much", "kind": "os.system"},
        "speech_commands": {"stride_samples": 0, "shift_samples": 99_999, "noisy_share": None, "kind": "images"},
    }[name]
    for key, value in changes.items():
        path.write_text(json.dumps({**whole, "augmentation": {**whole["augmentation"], key: value}}))
        with pytest.raises(ProtocolError, match="not a prepared data set"):
            open_split(folder)
    for augmentation in ([], "images", {}):
        path.write_text(json.dumps({**whole, "augmentation": augmentation}))
        with pytest.raises(ProtocolError, match="not a prepared data set"):
            open_split(folder)


def test_an_augmentation_survives_writing_a_split_elsewhere(data_dir: Path, tmp_path: Path) -> None:
    write_speech_commands(data_dir, speakers=12)
    for name, shape in (("fashion_mnist", (784,)), ("speech_commands", (490,))):
        split = open_split(prepared_data(name, Request(0, shape, data_dir)))
        (tmp_path / name).mkdir()
        split.write(tmp_path / name)
        again = open_split(tmp_path / name)
        assert (again.fingerprint, again.origin) == (split.fingerprint, split.origin)
        first, second = (each.training_inputs(np.arange(9), np.random.default_rng(0)) for each in (split, again))
        assert np.array_equal(first, second)


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_says_what_is_in_a_set(data_dir: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "data", "fashion_mnist", "--data-dir", data_dir)
    assert code == 0
    assert "origin: files found on disk" in out
    assert "Ankle boot" in out
    code, out, _ = run(capsys, "data", "fashion_mnist", "--data-dir", data_dir, "--json")
    facts = json.loads(out)
    assert facts["classes"][0] == {"class": "all", "train": 54, "validation": 6, "test": 20}
    assert facts["fingerprint"] == open_split(Path(facts["folder"])).fingerprint
    assert (facts["form"], facts["features"], facts["augmentation"]) == ("28x28", 784, "images")
    code, out, _ = run(capsys, "data", "speech_commands_test_set", "--form", "25x10", "--data-dir", data_dir, "--json")
    assert json.loads(out)["features"] == 250


def test_the_command_lists_all_sets_and_whether_they_are_there(data_dir: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "data", "--data-dir", data_dir, "--json")
    assert code == 0
    found = {row["name"]: row["found"] for row in json.loads(out)}
    assert [name for name, there in found.items() if there == "yes"] == [
        "digits",
        "fashion_mnist",
        "speech_commands_test_set",
        "speech_commands_test_set_noisy_silence",
    ]


def test_wrong_names_and_missing_sets_have_their_exit_codes(data_dir: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(capsys, "data", "fashion")[0] == 2
    assert run(capsys, "data", "speech_commands", "--form", "40x32", "--data-dir", data_dir)[0] == 2
    code, _, err = run(capsys, "data", "cifar10", "--data-dir", data_dir)
    assert code == 1
    assert "cifar-10-binary.tar.gz" in err
    assert run(capsys, "train", "cnn8", "--dataset", "speech_commands", "--data-dir", data_dir, "-o", data_dir / "x")[0] == 2


def test_recipes_find_their_data_by_the_option(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "elsewhere"))
    made: list[Path | None] = []

    def read(folder: Path) -> None:
        made.append(folder)
        raise MissingError("the data were found, and that is enough")

    monkeypatch.setattr("reds.pipeline.open_split", read)
    (tmp_path / "r.json").write_text('[{"architecture": "ds_cnn_s_fashion_mnist", "dataset": "fashion_mnist", "seed": 0}]')
    code, _, err = run(capsys, "make", tmp_path / "r.json")
    assert (code, f"no folder {tmp_path / 'elsewhere' / 'fashion-mnist'}" in err) == (1, True)
    code, _, err = run(capsys, "make", tmp_path / "r.json", "--data-dir", data_dir)
    assert (code, "that is enough" in err) == (1, True)
    assert made == [found_data("fashion_mnist", fashion(data_dir))]


def imported(tmp_path: Path) -> Path:
    """A bundle that does not say what it was trained on."""
    noisy(architecture("dnn_s"), 0).save(tmp_path / "imported")
    return tmp_path / "imported"


def test_commands_that_train_refuse_a_set_without_training_examples(data_dir: Path, tmp_path: Path, capsys) -> None:
    bundle = imported(tmp_path)
    named = ("--dataset", "speech_commands_test_set", "--data-dir", data_dir, "-o", tmp_path / "out")
    nested = tmp_path / "nested"
    assert run(capsys, "search", bundle, "--halving", "--budgets", "50", "-o", nested)[0] == 0
    for command, given in (("convert", bundle), ("finetune", nested), ("export", bundle)):
        code, _, err = run(capsys, command, given, *named)
        assert (code, "no training examples" in err) == (2, True), command
    code, _, err = run(capsys, "convert", bundle, "-o", tmp_path / "out")
    assert code == 2
    assert "does not say what it was trained on" in err
    assert "--dataset" in err


def test_a_bundle_whose_data_changed_is_refused_unless_the_set_is_named(data_dir: Path, tmp_path: Path, capsys) -> None:
    facts = {"name": "speech_commands_test_set", "seed": 0, "fingerprint": "0" * 64}
    bundle = Bundle.load(imported(tmp_path)).with_provenance(data=facts, seed=0)
    bundle.save(tmp_path / "other")
    code, _, err = run(capsys, "evaluate", tmp_path / "other", "--data-dir", data_dir)
    assert code == 2
    assert "is not the one that" in err


@pytest.mark.slow
def test_an_imported_bundle_is_evaluated_on_a_named_set(data_dir: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("tensorflow", reason="evaluation needs TensorFlow")
    arguments = ("--dataset", "speech_commands_test_set", "--data-dir", data_dir, "--json", "-o", tmp_path / "evaluated")
    code, out, err = run(capsys, "evaluate", imported(tmp_path), *arguments)
    assert code == 0, err
    assert "silence clips zeroed" in err
    [row] = json.loads(out)
    assert (row["dataset"], row["test_examples"]) == ("speech_commands_test_set", 36)
    classes = row["classes"].values()
    assert [each["examples"] for each in classes] == [3] * 12
    assert np.mean([each["accuracy"] for each in classes]) == pytest.approx(row["accuracy"])
    facts = Bundle.load(tmp_path / "evaluated").provenance
    assert facts["evaluated_on"]["name"] == "speech_commands_test_set"
    assert "data" not in facts


@pytest.mark.slow
def test_an_imported_bundle_is_sorted_by_a_named_set_and_says_so(data_dir: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("tensorflow", reason="gradients need TensorFlow")
    write_speech_commands(data_dir, speakers=12)
    arguments = ("--dataset", "speech_commands", "--data-dir", data_dir, "--batches", 1, "-o", tmp_path / "sorted")
    code, _, err = run(capsys, "convert", imported(tmp_path), *arguments)
    assert code == 0, err
    facts = Bundle.load(tmp_path / "sorted").provenance
    assert facts["data"]["name"] == "speech_commands"
    assert "hash rule" in facts["data"]["origin"]
