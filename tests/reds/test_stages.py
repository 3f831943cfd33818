"""The stage cache: made once, never half-made, made anew when code or inputs change."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reds import kept_digests, sources
from reds.cache import CACHE_VARIABLE, cache_folder
from reds.sources import dependencies, source_digest
from reds.stages import Stage

STAGE = Stage("trial", "reds.cache", "trying")
INPUTS = {"number": 1, "names": ["a"]}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def results(cache: Path) -> list[str]:
    """Names of the folders in the stage's part of the cache."""
    return sorted(path.name for path in (cache / "stages" / "trial").iterdir() if path.is_dir())


def test_a_result_is_made_once_and_found_again(cache: Path) -> None:
    made = []

    def work(folder: Path) -> None:
        made.append(folder)
        (folder / "answer").write_text("42")

    assert STAGE.find(STAGE.key(INPUTS)) is None
    folder = STAGE.build(INPUTS, work)
    assert STAGE.build(dict(reversed(INPUTS.items())), work) == folder == STAGE.find(STAGE.key(INPUTS))
    assert (folder / "answer").read_text() == "42"
    assert json.loads((folder / "stage.json").read_text()) == {"stage": "trial", "inputs": INPUTS}
    assert len(made) == 1
    assert results(cache) == [STAGE.key(INPUTS)]


def test_other_inputs_other_names_and_other_code_have_other_keys() -> None:
    keys = {
        STAGE.key(INPUTS),
        STAGE.key({**INPUTS, "number": 2}),
        Stage("other", "reds.cache", "").key(INPUTS),
        Stage("trial", "reds.zoo", "").key(INPUTS),
    }
    assert len(keys) == 4


def test_work_that_fails_leaves_nothing(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("...")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        STAGE.build(INPUTS, fail)
    assert results(cache) == []
    STAGE.build(INPUTS, lambda folder: None)


PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from reds.stages import Stage

def work(folder: Path) -> None:
    (folder / "half").write_text("...")
    with open(sys.argv[1], "a") as log:
        log.write("made\\n")
    {body}

Stage("trial", "reds.cache", "trying").build({{"number": 1, "names": ["a"]}}, work)
"""


def run(log: Path, body: str) -> subprocess.Popen:
    """A process that builds the stage with this body of work."""
    return subprocess.Popen([sys.executable, "-c", PROGRAM.format(body=body), str(log)])


def test_a_killed_process_leaves_nothing_half_made(cache: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "log", "os.kill(os.getpid(), signal.SIGKILL)").wait() == -signal.SIGKILL
    assert STAGE.find(STAGE.key(INPUTS)) is None
    leftovers = results(cache)
    assert len(leftovers) == 1
    assert leftovers[0].endswith(".tmp")
    folder = STAGE.build(INPUTS, lambda folder: (folder / "whole").touch())
    assert sorted(path.name for path in folder.iterdir()) == ["stage.json", "whole"]
    assert results(cache) == [STAGE.key(INPUTS)]


def test_two_processes_make_a_result_once(tmp_path: Path) -> None:
    processes = [run(tmp_path / "log", "time.sleep(0.3)") for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "made\n"


def test_the_cache_lies_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder("a", "b") == tmp_path / "cache" / "a" / "b"
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("a") == tmp_path / "xdg" / "reds-bench" / "a"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "reds-bench"


def test_the_code_of_a_stage_is_what_it_imports_wherever_it_does() -> None:
    found = dependencies("reds.steps.pretrain")
    assert {
        "reds.steps.pretrain",
        "reds.training.pretraining",
        "reds.training.loop",
        "reds.batches",
        "reds.architecture",
    } <= found
    assert not {"reds.errors", "reds.pipeline", "reds.steps.finetune", "reds.search.solver"} & found
    assert "reds.search.labels" in dependencies("reds.steps.narrow")
    assert "reds.datasets.digits" not in dependencies("reds.datasets.fashion_mnist")


def test_the_package_around_a_module_counts_with_it() -> None:
    # reds/training/__init__.py sets what TensorFlow computes with; nobody imports it by name.
    assert all("reds.training" in dependencies(f"reds.steps.{step}") for step in ("pretrain", "convert", "finetune", "evaluate"))
    assert "reds.image" in dependencies("reds.image.format")
    assert "reds" not in dependencies("reds.steps.pretrain")


def test_comments_decide_nothing_and_code_does(tmp_path: Path) -> None:
    program = (
        "import sys, reds.sources as sources; from pathlib import Path\n"
        "sources.ROOT = Path(sys.argv[1]); print(sources.source_digest('reds.a'))"
    )

    def digest(a: str, b: str) -> str:
        (tmp_path / "reds").mkdir(exist_ok=True)
        (tmp_path / "reds" / "a.py").write_text(a)
        (tmp_path / "reds" / "b.py").write_text(b)
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
        return done.stdout

    first = digest("from reds.b import f\nx = f( 1)\n", "def f(x):\n    return x\n")
    assert digest('"""Doc."""\nfrom reds.b import f\n\nx = f(1)  # why\n', 'def f(x):\n    """Doc."""\n    return x\n') == first
    assert digest("from reds.b import f\nx = f(1)\n", "def f(x):\n    return x + 1\n") != first
    assert digest("from reds.b import f\nx = f(2)\n", "def f(x):\n    return x\n") != first


def test_a_digest_is_stable() -> None:
    assert source_digest("reds.cache") == source_digest("reds.cache")


def test_a_digest_is_kept_for_these_very_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    genuine = source_digest("reds.cache")
    digest = kept_digests.kept_digest.__wrapped__
    assert digest("reds.cache") == genuine
    (kept,) = (tmp_path / "sources").iterdir()

    kept.write_text("e" * 64)
    assert digest("reds.cache") == "e" * 64  # looked up
    kept.write_text("torn")
    assert digest("reds.cache") == genuine  # and made again
    assert kept.read_text() == genuine


def test_every_file_of_the_package_counts_for_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = set()
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    for name, text in (("a.py", "1"), ("a.py", "2"), ("deep/b.py", "2"), ("deep/a.py", "1")):
        path = tmp_path / "reds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        states.add(kept_digests._files.__wrapped__())
    assert len(states) == 4
