"""`python -m reds export --format tflite` and `describe` of what it writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from reds.bundle import Bundle
from reds.commands import main
from reds.commands.export import separate_paths
from reds.errors import ConfigError, ParityError
from reds.litert.export import tflite
from reds.litert.parity import check_parity
from reds.zoo import architecture
from tests.reds.foreign_files import SmallTflite
from tests.reds.random_networks import random_bundle, random_inputs

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'reds-bench[litert]'")


@pytest.fixture(scope="module")
def made() -> Bundle:
    return random_bundle(architecture("cnn8"), 0)


@pytest.fixture
def saved(made: Bundle, tmp_path: Path) -> Path:
    made.save(tmp_path / "bundle")
    np.save(tmp_path / "samples.npy", random_inputs(made.architecture, 40))
    return tmp_path / "bundle"


def run(capsys: pytest.CaptureFixture, arguments: Sequence[object]) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_one_file_is_written_and_described(saved: Path, made: Bundle, tmp_path: Path, capsys) -> None:
    path = tmp_path / "net.tflite"
    code, _, err = run(capsys, ["export", saved, "--format", "tflite", "-o", path])
    assert code == 0
    assert path.read_bytes() == tflite(made)
    assert f"{path.stat().st_size:,} bytes, float32" in err
    assert [line.split()[1] for line in err.splitlines() if "signature" in line] == ["100:", "75:", "50:", "25:"]
    code, out, _ = run(capsys, ["describe", path])
    assert code == 0
    assert "input float32 1x40x32x1, output float32 1x8" in out
    assert "operators of 25: " in out
    assert any(line.startswith("100-75-50-25 ") for line in out.splitlines())
    assert max(map(len, out.splitlines()[1:])) <= 100
    code, out, _ = run(capsys, ["describe", path, "--json"])
    answer = json.loads(out)
    assert answer["bytes"] == path.stat().st_size
    assert [each["name"] for each in answer["signatures"]] == ["100", "75", "50", "25"]
    assert answer["signatures"][0]["operators"][0]["code"] in {"CONV_2D", "DENSIFY"}
    assert all(part["stop"] <= answer["bytes"] for part in answer["constants"])


@pytest.mark.parametrize("masks", [[], ["--masks"]])
def test_a_file_for_each_is_written(saved: Path, tmp_path: Path, masks: list[str], capsys) -> None:
    options = ["--separate", *masks, "--levels", "50,100", "--precision", "int8", "--samples", tmp_path / "samples.npy"]
    code, _, _ = run(capsys, ["export", saved, "--format", "tflite", *options, "-o", tmp_path / "out" / "net.tflite"])
    assert code == 0
    paths = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in paths] == ["net-100.tflite", "net-50.tflite"]
    sizes = [path.stat().st_size for path in paths]
    assert (sizes[0] == sizes[1]) == bool(masks)
    code, out, _ = run(capsys, ["describe", paths[1], "--json"])
    assert [each["name"] for each in json.loads(out)["signatures"]] == ["50"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--masks"], "--masks is for --format tflite"),
        (["--separate"], "--separate is for --format tflite"),
        (["--format", "tflite", "--layout", "host"], "--layout is for --format reds"),
        (["--format", "tflite", "--precision", "int8"], "needs real inputs"),
        (["--format", "tflite", "--levels", "33"], "unknown subnetwork"),
    ],
)
def test_wrong_options_are_refused(saved: Path, options: list[str], message: str, capsys) -> None:
    output = saved.with_name("x")
    code, _, err = run(capsys, ["export", saved, *options, "-o", output])
    assert (code, message in err) == (2, True), err
    assert not output.exists()


def test_other_tflite_files_are_refused(tmp_path: Path, capsys) -> None:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(SmallTflite().content())
    code, _, err = run(capsys, ["describe", path])
    assert (code, "has no signatures" in err, "python -m reds import" in err, str(path) in err) == (2, True, True, True)
    path.write_bytes(b"\x10\x00\x00\x00TFL3" + b"\xff" * 16)
    code, _, err = run(capsys, ["describe", path])
    assert (code, "damaged" in err) == (1, True)


def test_names_that_are_no_file_names_are_refused() -> None:
    assert separate_paths(Path("a/net.tflite"), ["12.5"]) == [Path("a/net-12.5.tflite")]
    for name in ("", "../x", "a b"):
        with pytest.raises(ConfigError, match="part of a file name"):
            separate_paths(Path("net.tflite"), [name])


def test_a_file_of_another_network_is_noticed(made: Bundle) -> None:
    other = random_bundle(made.architecture, 1)
    with pytest.raises(ParityError, match="subnetwork '100'"):
        check_parity(made, "float32", tflite(other), list(made.subnets), random_inputs(made.architecture, 2))
