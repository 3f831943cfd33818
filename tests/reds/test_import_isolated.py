"""HDF5 is read in a process of its own: what happens to that process, and what it says, arrives as an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reds
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.commands import main
from reds.errors import BenchError, MissingError, ProtocolError
from reds.importing import import_network, isolated
from reds.importing.hdf5 import read_hdf5
from reds.importing.keras_models import archived, read_archive
from reds.zoo import architecture
from tests.reds.foreign_files import SMALL_CONFIG, save_archive, save_keras2, saved, small, small_bundle, stored_layers
from tests.reds.random_networks import random_bundle

pytest.importorskip("h5py", reason="needs h5py")

Save = Callable[[Bundle, Path], None]
WAYS = pytest.mark.parametrize(
    ("save", "network"),
    [(save_keras2, small()), (save_archive, small()), (save_archive, None)],
    ids=["hdf5", "archive", "archive that says its architecture"],
)

# One byte each, which libhdf5 1.14.6 does not survive: the kind of a variable-length type, and a size in the heap of names.
CRASHES = (b"layer_names\0\0\0\0\0\x19\x01", b"layer_names\0\0\0\0\0\x19\x02")
HANGS = (b"\x0e\0\0\0\0\0\0\0classes/bias:0", b"\x7f\0\0\0\0\0\0\0classes/bias:0")


def before_reading(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """The process runs this first."""
    *command, reads = isolated.COMMAND
    monkeypatch.setattr(isolated, "COMMAND", (*command, f"{program}\n{reads}"))


@pytest.mark.parametrize(
    ("program", "seen"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "reading it ended with Segmentation fault"),
        ("import os; os.write(2, b'free(): invalid pointer\\n'); os.abort()", r"Aborted: free\(\): invalid pointer"),
        ("raise MemoryError('no room')", "exit status 1: MemoryError: no room"),
        ("import os; os._exit(0)", "reading it ended without an answer"),
        ("from reds.importing import isolated; isolated._save = lambda _: None", "there is no bundle"),
    ],
)
def test_a_process_that_does_not_end_as_it_should_means_a_damaged_file(
    program: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(save_keras2, tmp_path)
    before_reading(monkeypatch, program)
    with pytest.raises(ProtocolError, match=f"(?s)model is damaged.*{seen}"):
        import_network(path, small())


@WAYS
def test_a_process_that_hangs_means_a_damaged_file(
    save: Save, network: Architecture | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(save, tmp_path)
    before_reading(monkeypatch, "import time; time.sleep(600)")
    monkeypatch.setattr(isolated, "TIME_LIMIT_S", 0.5)
    with pytest.raises(ProtocolError, match=r"(?s)model is damaged.*did not end within 0\.5 s"):
        import_network(path, network)


@pytest.mark.parametrize("damage", [CRASHES, HANGS], ids=["crashes", "hangs"])
def test_files_that_the_library_does_not_survive_are_refused(
    damage: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(save_keras2, tmp_path, random_bundle(architecture("dnn_s"), 3))
    content = path.read_bytes()
    assert damage[0] in content
    path.write_bytes(content.replace(*damage))
    monkeypatch.setattr(isolated, "TIME_LIMIT_S", 5.0)
    assert main(["import", str(path), "--architecture", "dnn_s", "-o", str(tmp_path / "bundle")]) == 1
    assert f"error: {path} is" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_structures_damaged_anywhere_break_nothing(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = saved(save_keras2, tmp_path_factory.mktemp("damaged"))
    content = bytearray(path.read_bytes())
    places = [at for at, byte in enumerate(content) if byte]
    for at in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=8)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(isolated, "TIME_LIMIT_S", 5.0)
        try:
            bundle = import_network(path, small())
        except BenchError:
            return
    assert bundle.architecture == small()


def parts(function: Callable[[], object]) -> tuple[type[BenchError], str, str | None, str | None]:
    with pytest.raises(BenchError) as caught:
        function()
    return type(caught.value), caught.value.what, caught.value.seen, caught.value.do


def test_errors_arrive_as_they_were_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other, path = architecture("dnn_s"), saved(save_keras2, tmp_path)
    assert parts(lambda: import_network(path, other)) == parts(lambda: read_hdf5(path, other))
    path.write_bytes(path.read_bytes()[:9000])
    assert parts(lambda: import_network(path, small())) == parts(lambda: read_hdf5(path, small()))
    path = saved(save_archive, tmp_path)
    assert parts(lambda: import_network(path, other)) == parts(lambda: read_archive(path, other))
    path.write_bytes(path.read_bytes()[:9000])
    assert parts(lambda: import_network(path, None)) == parts(lambda: archived(path))
    before_reading(monkeypatch, "from reds.importing import hdf5; hdf5.find_spec = lambda _: None")
    assert parts(lambda: import_network(saved(save_keras2, tmp_path), small())) == (
        MissingError,
        "this file needs h5py",
        None,
        "pip install 'reds-bench[train]'",
    )


@pytest.mark.parametrize("save", [save_keras2, save_archive])
def test_a_relative_path_is_read_from_another_folder(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing that lies there is imported."""
    saved(save, tmp_path)
    (tmp_path / "h5py.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert import_network(Path("model"), small()).provenance["imported"]["file"] == "model"


@WAYS
def test_numbers_that_are_not_finite_are_named(save: Save, network: Architecture | None, tmp_path: Path) -> None:
    bundle = small_bundle()
    bundle.weights["norm2/gamma"][1] = np.nan
    save(bundle, tmp_path / "model")
    with pytest.raises(ProtocolError, match=r"(?s)model holds numbers that are not finite.*1 of 5 in gamma of norm2"):
        import_network(tmp_path / "model", network)


def test_a_model_in_memory_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("subprocess.Popen", refuse)
    original = small_bundle()
    layers = [
        SimpleNamespace(name=name, get_weights=lambda arrays=arrays: list(arrays.values()))
        for name, arrays in stored_layers(original)
    ]
    bundle = reds.from_keras(SimpleNamespace(get_config=lambda: SMALL_CONFIG, layers=layers))
    for name, expected in original.weights.items():
        np.testing.assert_array_equal(bundle.weights[name], expected, err_msg=name)
