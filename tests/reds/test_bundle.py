"""Bundles on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds.bundle import Bundle, untrained
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.subnets import Subnet, Subnets
from reds.zoo import mlp1


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


def test_saving_again_replaces_the_bundle_and_leaves_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b")
    replace(bundle, importance={}).save(tmp_path / "b")
    assert not Bundle.load(tmp_path / "b").importance
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_that_is_no_bundle_is_not_replaced(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1").write_text("years of work")
    with pytest.raises(ConfigError, match="is not a bundle"):
        bundle.save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1").exists()


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
