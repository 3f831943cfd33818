"""Importing HDF5 files of Keras 2 models, and telling the formats apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.commands import main
from reds.errors import BenchError, ConfigError, MissingError, ProtocolError
from reds.importing import format_of, import_network
from reds.importing.hdf5 import read_hdf5
from reds.zoo import architecture
from tests.reds.foreign_files import save_archive, save_keras2, saved, small, small_bundle
from tests.reds.published_models import published_hdf5

h5py = pytest.importorskip("h5py", reason="needs h5py")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(save_keras2, tmp_path)


@pytest.mark.parametrize(
    "how",
    [{}, {"group": ""}, {"parts": 2}, {"parts": 3}],
    ids=["model", "weights alone", "names in two parts", "names in three parts"],
)
def test_a_file_is_read_layer_by_layer(how, tmp_path: Path) -> None:
    original = small_bundle()
    save_keras2(original, tmp_path / "any.name", **how)
    bundle = import_network(tmp_path / "any.name", small())
    assert bundle.provenance["imported"] == {"file": "any.name", "format": "hdf5"}
    for name, expected in original.weights.items():
        assert bundle.weights[name].dtype == np.float32
        np.testing.assert_array_equal(bundle.weights[name], expected, err_msg=name)


def replaced(path: Path, name: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value


KERNEL = "model_weights/classes/classes/kernel:0"


def test_numbers_of_another_size_become_float32(model: Path) -> None:
    replaced(model, KERNEL, np.full((5, 3), 0.1))
    assert (import_network(model, small()).weights["classes/kernel"] == np.float32(0.1)).all()


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (None, ProtocolError, "lacks 'classes/kernel:0'.*nothing there"),
        (h5py.ExternalLink("other.h5", "/kernel"), ProtocolError, "lacks 'classes/kernel:0'.*ExternalLink"),
        (h5py.SoftLink("/elsewhere"), ProtocolError, "SoftLink"),
        (np.full((5, 3), 7), ProtocolError, "no numbers of its own"),
        (np.full((5, 3), "text", "S4"), ProtocolError, "no numbers of its own"),
        (np.full((5, 3), np.nan, np.float32), ProtocolError, "not finite.*15 of 15 in kernel of classes"),
        (np.full((5, 3), 1e300), ProtocolError, "not finite"),
        (np.zeros((3, 5), np.float32), ConfigError, r"layer 5 with weights \(classes\) holds bias \(3,\), kernel \(3, 5\)"),
    ],
)
def test_what_is_no_array_of_the_network_is_refused(value: object, kind: type[BenchError], message: str, model: Path) -> None:
    replaced(model, KERNEL, value)
    with pytest.raises(kind, match=f"(?s){message}"):
        import_network(model, small())


def test_arrays_whose_numbers_are_elsewhere_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "numbers").write_bytes(bytes(60))
    layout = h5py.VirtualLayout((5, 3), np.float32)
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "kernel", (5, 3))
    with h5py.File(model, "r+") as file:
        del file[KERNEL]
        file.create_virtual_dataset(KERNEL, layout)
    with pytest.raises(ProtocolError, match="no numbers of its own"):
        import_network(model, small())
    with h5py.File(model, "r+") as file:
        del file[KERNEL]
        file.create_dataset(KERNEL, (5, 3), np.float32, external=[(str(tmp_path / "numbers"), 0, 60)])
    with pytest.raises(ProtocolError, match="no numbers of its own"):
        import_network(model, small())


def test_an_array_that_says_it_is_huge_is_never_read(model: Path) -> None:
    with h5py.File(model, "r+") as file:
        del file[KERNEL]
        file.create_dataset(KERNEL, (10**9, 10**6), np.float32, chunks=(1000, 1000))
    with pytest.raises(ConfigError, match=r"kernel \(1000000000, 1000000\)"):
        import_network(model, small())


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other", "w") as file:
        file["numbers"] = np.zeros(3)
    with pytest.raises(ProtocolError, match=r"(?s)not a Keras model.*no layer_names"):
        import_network(tmp_path / "other", small())
    with h5py.File(tmp_path / "other", "w") as file:
        file.attrs["layer_names"] = [b"there", b"not"]
        file.create_group("there").attrs["weight_names"] = 7.5
    with pytest.raises(ProtocolError, match=r"lacks '7\.5' in '/there'"):
        import_network(tmp_path / "other", small())


def test_another_architecture_is_refused(model: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)not a network like dnn_s.*6 layers with weights, not 4"):
        import_network(model, architecture("dnn_s"))


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.99])
def test_a_truncated_file_is_refused(share: float, model: Path) -> None:
    content = model.read_bytes()
    model.write_bytes(content[: max(8, int(len(content) * share))])
    with pytest.raises(ProtocolError, match="not a readable HDF5 file"):
        import_network(model, small())


def test_h5py_may_be_missing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reds.importing.hdf5.find_spec", lambda _: None)
    with pytest.raises(MissingError, match=r"(?s)needs h5py.*pip install 'reds-bench\[train\]'"):
        read_hdf5(model, small())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_values_of_attributes_and_arrays_break_nothing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes of the arrays and names; the library's own structures are the library's affair."""
    path = saved(save_keras2, tmp_path_factory.mktemp("damaged"))
    content = bytearray(path.read_bytes())
    names = [at for name in (b"classes/kernel:0", b"norm1/gamma:0", b"pointwise1") for at in _places(content, name)]
    at = data.draw(st.sampled_from(names)) + data.draw(st.integers(0, 8))
    content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        weights = read_hdf5(path, small())
    except BenchError:
        return
    assert all(np.isfinite(array).all() for array in weights.values())


def _places(content: bytearray, name: bytes) -> list[int]:
    found = [content.find(name)]
    while found[-1] >= 0:
        found.append(content.find(name, found[-1] + 1))
    return found[:-1]


def test_formats_are_told_apart_by_content(model: Path, tmp_path: Path) -> None:
    save_archive(small_bundle(), tmp_path / "model.h5")
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    (tmp_path / "net.index").write_bytes(b"anything")
    assert format_of(model) == "hdf5"
    assert format_of(tmp_path / "model.h5") == "keras"
    assert format_of(tmp_path / "model.tflite") == "tflite"
    assert format_of(tmp_path / "net") == "checkpoint"
    assert format_of(tmp_path) == "checkpoint"


@pytest.mark.parametrize("content", [b"", b"x", b"\x80\x04\x95 a pickle", b"TFL3 at another place"])
def test_a_file_of_no_known_format_is_refused(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(content)
    command = ["import", str(tmp_path / "file"), "--architecture", "dnn_s", "-o", str(tmp_path / "bundle")]
    assert main(command) == 1
    assert "is no network that can be read" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "absent"), *command[2:]]) == 1
    assert "there is no network" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("data", ["fashion_mnist", "cifar10"])
def test_published_files_are_those_of_the_zoo(data: str) -> None:
    network = architecture(f"ds_cnn_s_{data}")
    weights = import_network(published_hdf5(data), network).weights
    assert sum(array.size for array in weights.values()) == network.cost(network.full_widths).parameters
    for norm in (layer.name for layer in network.layers if layer.kind == "batch_norm"):
        assert (weights[f"{norm}/moving_variance"] > 0).all()
        assert np.abs(weights[f"{norm}/moving_mean"]).max() > 0
    other = "cifar10" if data == "fashion_mnist" else "fashion_mnist"
    with pytest.raises(ConfigError, match=r"layer 0 with weights \(conv2d\)"):
        import_network(published_hdf5(data), architecture(f"ds_cnn_s_{other}"))
