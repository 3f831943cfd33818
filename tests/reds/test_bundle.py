"""Bundles on disk."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds.bundle import Bundle, untrained
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.subnets import Subnet, Subnets
from reds.zoo import architecture
from reds.zoo.perceptrons import mlp1


@pytest.fixture
def bundle() -> Bundle:
    made = untrained(mlp1(), seed=3)
    scores = {"hidden1/kernel": np.abs(made.weights["hidden1/kernel"])}
    return replace(made, importance=scores).with_provenance(seed=3, note={"a": [1, 2]})


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_bundle_comes_back_as_it_was(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b")
    back = Bundle.load(tmp_path / "b")
    assert (back.architecture, back.subnets, back.provenance) == (bundle.architecture, bundle.subnets, bundle.provenance)
    assert same(dict(back.weights), dict(bundle.weights))
    assert same(dict(back.importance), dict(bundle.importance))


def private_vectors(bundle: Bundle, names: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Vectors of every subnetwork's own."""
    generator = np.random.default_rng(7)
    weights = bundle.architecture.weights
    return {
        s.name: {n: generator.normal(size=weights[n].shape(s.widths)).astype(np.float32) for n in names} for s in bundle.subnets
    }


@pytest.fixture
def with_private() -> Bundle:
    """A network whose subnetworks have biases of their own; their names are not plain."""
    network = mlp1()
    widths = (network.full_widths, (64, 20, 10), (64, 7, 10))
    subnets = Subnets(tuple(Subnet(f"{index}/3 a", each) for index, each in enumerate(widths)))
    made = replace(untrained(network, seed=3), subnets=subnets)
    return replace(made, private=private_vectors(made, ("hidden1/bias", "classes/bias")))


def test_private_vectors_come_back(with_private: Bundle, tmp_path: Path) -> None:
    with_private.save(tmp_path / "b")
    back = Bundle.load(tmp_path / "b")
    assert list(back.private) == list(with_private.private)
    for name, vectors in with_private.private.items():
        assert same(dict(back.private[name]), dict(vectors))
    replace(with_private, private={}).save(tmp_path / "b")
    assert not Bundle.load(tmp_path / "b").private


def test_private_vectors_take_the_place_of_prefixes(with_private: Bundle) -> None:
    only = {"1/3 a": {"hidden1/bias": with_private.private["1/3 a"]["hidden1/bias"]}}
    bundle = replace(with_private, private=only)
    for subnet in bundle.subnets:
        active = bundle.active_weights(subnet)
        shared = bundle.architecture.slice_weights(bundle.weights, subnet.widths)
        assert active.keys() == shared.keys()
        for name, array in active.items():
            mine = only.get(subnet.name, {}).get(name)
            assert np.array_equal(array, shared[name] if mine is None else mine)


@pytest.mark.parametrize(
    ("private", "message"),
    [
        ({"50": {}}, "unknown subnetwork"),
        ({"1/3 a": {"hidden1/bais": np.zeros(20, np.float32)}}, "did you mean hidden1/bias"),
        ({"1/3 a": {"hidden1/bias": np.zeros(40, np.float32)}}, r"(?s)private weight of subnetwork '1/3 a'.*\(20,\).*\(40,\)"),
        ({"1/3 a": {"hidden1/bias": np.zeros(20)}}, "not float32"),
        ({"1/3 a": {"hidden1/bias": np.full(20, np.nan, np.float32)}}, "hidden1/bias"),
        ({"1/3 a": {"hidden1/kernel": np.zeros((64, 20), np.float32)}}, "shared by all subnetworks"),
    ],
)
def test_private_arrays_that_do_not_fit_are_refused(private: dict, message: str, with_private: Bundle) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(with_private, private=private)


@pytest.mark.parametrize("key", ["3/hidden1/bias", "x/hidden1/bias", "-1/hidden1/bias", "hidden1"])
def test_a_file_of_private_arrays_of_no_subnetwork_is_refused(key: str, with_private: Bundle, tmp_path: Path) -> None:
    with_private.save(tmp_path / "b")
    np.savez(tmp_path / "b" / "private.npz", allow_pickle=False, **{key: np.zeros(20, np.float32)})
    with pytest.raises(ProtocolError, match="of no subnetwork"):
        Bundle.load(tmp_path / "b")


def test_a_damaged_file_of_private_arrays_is_refused(with_private: Bundle, tmp_path: Path) -> None:
    with_private.save(tmp_path / "b")
    (tmp_path / "b" / "private.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ProtocolError):
        Bundle.load(tmp_path / "b")


def test_an_untrained_batch_norm_changes_nothing() -> None:
    weights = untrained(architecture("ds_cnn_s"), seed=0).weights
    norm = {name.rsplit("/", 1)[1]: set(array.tolist()) for name, array in weights.items() if name.startswith("norm1/")}
    assert norm == {"gamma": {1.0}, "beta": {0.0}, "moving_mean": {0.0}, "moving_variance": {1.0}}


def test_saving_again_replaces_the_bundle_and_leaves_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b")
    replace(bundle, importance={}).save(tmp_path / "b")
    assert not Bundle.load(tmp_path / "b").importance
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_disk_that_fills_up_leaves_the_older_bundle_and_nothing_else(bundle: Bundle, tmp_path: Path, monkeypatch) -> None:
    bundle.save(tmp_path / "b")

    def full(*_arguments: object, **_arrays: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    for name in ("b", "new"):
        with pytest.raises(MissingError, match=f"(?s){name} cannot be written.*No space.*make room"):
            bundle.with_provenance(seed=4).save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert Bundle.load(tmp_path / "b").provenance == bundle.provenance


@pytest.mark.parametrize("failing", ["b", ".old"])
def test_an_older_bundle_comes_back_where_the_new_one_cannot_be_put(
    failing: str, bundle: Bundle, tmp_path: Path, monkeypatch
) -> None:
    bundle.save(tmp_path / "b")
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if str(target).endswith(failing) and path.suffix != ".old":
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(MissingError, match="Input/output"):
        bundle.with_provenance(seed=4).save(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert Bundle.load(tmp_path / "b").provenance == bundle.provenance


def test_a_folder_that_is_no_bundle_is_not_replaced(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1").write_text("years of work")
    with pytest.raises(ConfigError, match="is not a bundle"):
        bundle.save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1").exists()


def test_what_is_no_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="there is no bundle"):
        Bundle.load(tmp_path / "nowhere")
    (tmp_path / "net.reds").write_bytes(b"")
    with pytest.raises(MissingError, match=r"(?s)is a file; a bundle is a folder.*python -m reds describe"):
        Bundle.load(tmp_path / "net.reds")


def test_missing_files_are_named(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"bundle\.json"):
        Bundle.load(tmp_path)
    bundle.save(tmp_path / "b")
    (tmp_path / "b" / "weights.npz").unlink()
    with pytest.raises(MissingError, match=r"weights\.npz"):
        Bundle.load(tmp_path / "b")


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"schema_version": 99}'])
def test_other_documents_are_refused(text: str, bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b")
    (tmp_path / "b" / "bundle.json").write_text(text)
    with pytest.raises(ProtocolError):
        Bundle.load(tmp_path / "b")


@pytest.mark.parametrize("part", ["architecture", "subnets"])
def test_a_document_that_lacks_a_part_is_refused(part: str, bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b")
    document = json.loads((tmp_path / "b" / "bundle.json").read_text())
    del document[part]
    (tmp_path / "b" / "bundle.json").write_text(json.dumps(document))
    with pytest.raises(ConfigError):
        Bundle.load(tmp_path / "b")


def test_damaged_weights_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b")
    (tmp_path / "b" / "weights.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ProtocolError):
        Bundle.load(tmp_path / "b")


def test_pickled_arrays_are_never_read(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b")
    with (tmp_path / "b" / "weights.npz").open("wb") as file:
        np.savez(file, **{"hidden1/kernel": np.array([{"a": 1}], dtype=object)})  # pyright: ignore[reportArgumentType]
    with pytest.raises(ProtocolError):
        Bundle.load(tmp_path / "b")


@pytest.mark.parametrize(
    "array",
    [np.zeros((64, 40)), np.zeros((40, 64), np.float32), np.full((64, 40), np.nan, np.float32)],
    ids=["float64", "transposed", "nan"],
)
def test_weights_that_do_not_fit_are_refused(array: np.ndarray, bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="hidden1/kernel"):
        replace(bundle, weights={**bundle.weights, "hidden1/kernel": array})
    with pytest.raises(ConfigError, match="hidden1/kernel"):
        replace(bundle, importance={"hidden1/kernel": array})


def test_the_first_subnetwork_must_be_the_whole_network(bundle: Bundle) -> None:
    part = tuple(
        width if group.whole else 1 for group, width in zip(bundle.architecture.groups, bundle.subnets[0].widths, strict=True)
    )
    with pytest.raises(ConfigError, match="not the whole network"):
        replace(bundle, subnets=Subnets((Subnet("part", part),)))


def test_missing_weights_and_unknown_importance_are_refused(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="lack 'hidden1/kernel'"):
        replace(bundle, weights={})
    with pytest.raises(ConfigError, match="did you mean hidden1/kernel"):
        replace(bundle, importance={"hidden/kernel": np.zeros(1, np.float32)})
