"""Fashion-MNIST and CIFAR-10 from files as they are published."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from data_files import write_cifar10, write_fashion_mnist, write_idx
from published_data import published_data

from reds.cache import CACHE_VARIABLE
from reds.datasets import cifar10, fashion_mnist
from reds.datasets.fashion_mnist import TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, read_idx
from reds.datasets.request import Request
from reds.datasets.split import Split, open_split
from reds.errors import BenchError, MissingError, ProtocolError
from reds.prepared import prepared_data

SHAPES = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
WRITERS = {"fashion_mnist": write_fashion_mnist, "cifar10": write_cifar10}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def prepared(name: str, data_dir: Path) -> Split:
    return open_split(prepared_data(name, Request(0, SHAPES[name], data_dir)))


def test_fashion_mnist_is_scaled_to_one_and_keeps_its_official_parts(tmp_path: Path) -> None:
    folder = write_fashion_mnist(tmp_path)
    split = prepared("fashion_mnist", tmp_path)
    assert split.counts()["test"] == (2,) * 10
    assert (len(split.y_train), len(split.y_validation), len(split.y_test)) == (54, 6, 20)
    pixels, labels = read_idx(folder / TRAIN_IMAGES.name, (28, 28)), read_idx(folder / TRAIN_LABELS.name, ())
    together = np.concatenate([split.x_train, split.x_validation])
    for row, label in zip(together, [*split.y_train, *split.y_validation], strict=True):
        number = int(np.flatnonzero((pixels == np.round(row * 255)).all(axis=1))[0])
        assert labels[number] == label
    assert split.origin.startswith("files found on disk that are not the published ones")
    assert "this project's own split" in split.origin


def test_cifar10_is_normalised_by_channel_with_the_channels_last(tmp_path: Path) -> None:
    folder = write_cifar10(tmp_path)
    split = prepared("cifar10", tmp_path)
    assert (len(split.y_train), len(split.y_validation), len(split.y_test)) == (90, 10, 20)
    planes = np.fromfile(folder / "test_batch.bin", np.uint8).reshape(20, 3073)[:, 1:].reshape(20, 3, 32, 32)
    image = np.asarray(split.x_test[7]).reshape(32, 32, 3)
    mean, deviation = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    for channel in range(3):
        expected = (planes[7, channel] / 255 - mean[channel]) / deviation[channel]
        assert image[..., channel] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", SHAPES)
def test_training_inputs_are_disturbed_and_the_others_are_not(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)
    split = prepared(name, tmp_path)
    indices = np.array([3, 1, 3])
    seen, again = (split.training_inputs(indices, np.random.default_rng(0)) for _ in range(2))
    assert seen.shape == (3, split.x_train.shape[1])
    assert seen.dtype == np.float32
    assert np.array_equal(seen, again)
    assert not np.array_equal(seen, split.x_train[indices])
    assert not np.array_equal(seen, split.training_inputs(indices, np.random.default_rng(1)))


def damage_truncated_gzip(folder: Path) -> None:
    path = folder / TRAIN_IMAGES.name
    path.write_bytes(path.read_bytes()[:-500])


def damage_bits(folder: Path) -> None:
    path = folder / TRAIN_IMAGES.name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)


def damage_no_gzip(folder: Path) -> None:
    (folder / TRAIN_LABELS.name).write_bytes(b"labels")


def damage_label(folder: Path) -> None:
    write_idx(folder / TEST_LABELS.name, np.full(20, 10))


def damage_count(folder: Path) -> None:
    write_idx(folder / TEST_LABELS.name, np.zeros(19))


def damage_shape(folder: Path) -> None:
    write_idx(folder / TRAIN_IMAGES.name, np.zeros((60, 27, 28)))


def damage_length(folder: Path) -> None:
    path = folder / TRAIN_LABELS.name
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))


def damage_empty(folder: Path) -> None:
    (folder / TRAIN_LABELS.name).write_bytes(gzip.compress(b""))


FASHION_DAMAGES = [
    (damage_truncated_gzip, "damaged"),
    (damage_bits, r"damaged|no IDX file"),
    (damage_no_gzip, "damaged"),
    (damage_label, "out of range"),
    (damage_count, "do not belong together"),
    (damage_shape, "no IDX file"),
    (damage_length, "no IDX file"),
    (damage_empty, "no IDX file"),
]


@pytest.mark.parametrize(("damage", "message"), FASHION_DAMAGES)
def test_damaged_fashion_mnist_is_refused_and_nothing_is_kept(damage, message: str, tmp_path: Path) -> None:
    damage(write_fashion_mnist(tmp_path))
    with pytest.raises(ProtocolError, match=message):
        prepared("fashion_mnist", tmp_path)
    assert not [path for path in (tmp_path / "cache" / "stages" / "data").iterdir() if path.is_dir()]


def test_damaged_cifar10_is_refused_and_a_repaired_one_is_read(tmp_path: Path) -> None:
    folder = write_cifar10(tmp_path)
    path = folder / "data_batch_2.bin"
    whole = path.read_bytes()
    for content, message in ((whole[:-1], "truncated"), (b"", "truncated"), (bytes([10]) + whole[1:], "out of range")):
        path.write_bytes(content)
        with pytest.raises(ProtocolError, match=message):
            prepared("cifar10", tmp_path)
    path.unlink()
    with pytest.raises(MissingError, match=r"data_batch_2\.bin is missing"):
        prepared("cifar10", tmp_path)
    path.write_bytes(whole)
    assert len(prepared("cifar10", tmp_path).y_train) == 90


@pytest.mark.parametrize("name", SHAPES)
def test_a_missing_file_and_a_missing_set_are_named(name: str, tmp_path: Path) -> None:
    said = r"(?s)--data-dir DIR or REDS_DATA_DIR=DIR, DIR being a folder that holds.*/ with .*https://"
    with pytest.raises(MissingError, match=said) as missing:
        prepared(name, tmp_path)
    assert max(map(len, str(missing.value).splitlines()[2:])) <= 100
    folder = WRITERS[name](tmp_path)
    victim = sorted(path for path in folder.iterdir() if "images" in path.name or "batch" in path.name)[0]
    victim.unlink()
    with pytest.raises(BenchError, match=victim.name):
        prepared(name, tmp_path)


@pytest.mark.slow
def test_the_published_sets_are_read_whole() -> None:
    data_dir = published_data(fashion_mnist.LAYOUT)
    split = prepared("fashion_mnist", data_dir)
    assert split.counts() == {"train": (5500,) * 10, "validation": (500,) * 10, "test": (1000,) * 10}
    assert split.origin.startswith("the published files, checksums verified")
    assert split.fingerprint == "8a884bb4165f0201e33222a707023e0d3c2e1fc7e685b1ccc9aebaac0dc4c0bd"


@pytest.mark.slow
def test_cifar10_has_its_mean_and_deviation() -> None:
    split = prepared("cifar10", published_data(cifar10.LAYOUT))
    assert split.counts() == {"train": (4500,) * 10, "validation": (500,) * 10, "test": (1000,) * 10}
    channels = np.asarray(split.x_train).reshape(-1, 3)
    assert channels.mean(axis=0, dtype=np.float64) == pytest.approx(0, abs=0.02)
    assert channels.std(axis=0, dtype=np.float64) == pytest.approx(1, abs=0.02)
