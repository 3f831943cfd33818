"""Two host firmwares in turns, for real."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.commands.interleave import ROOT, _progress
from harness.interleaving import build_revision
from reds.errors import FlashError, MissingError
from targets.firmware import build
from tests.harness.running import MATRIX, copy_tree, run

HAS_REPOSITORY = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, check=False).returncode == 0
pytestmark = [
    pytest.mark.skipif(shutil.which("gcc") is None, reason="the host's device process is built with gcc"),
    pytest.mark.skipif(not HAS_REPOSITORY, reason="not a git checkout"),
]


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose only commit holds this tree with a firmware that is compiled without optimisation."""
    folder = tmp_path_factory.mktemp("slower")
    copy_tree(folder, ("targets", "reds", "platformio.ini", "pyproject.toml"))
    settings = folder / "platformio.ini"
    settings.write_text(settings.read_text().replace(" -O3 ", " -O0 "))
    git = ["git", "-C", str(folder), "-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    for arguments in (["init", "--quiet"], ["add", "--force", "."], ["commit", "--quiet", "--message", "slower"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.toolchain
def test_the_better_program_is_found(
    models: None, slower: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.commands.interleave.ROOT", slower)

    assert main(["interleave", "HEAD", "--matrix", str(MATRIX), "--precision", "int8", "--rounds", "10", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["a"]["firmware"] != document["b"]["firmware"]
    assert [value["subnet"] for value in document["values"]] == ["100", "50"]
    assert all(len(value["a"]) == len(value["b"]) == 10 for value in document["values"])
    assert {value["verdict"] for value in document["values"]} == {"better"}
    assert all(value["change"] < -0.3 for value in document["values"])


@pytest.mark.slow
@pytest.mark.toolchain
def test_a_program_is_no_worse_than_itself(models: None) -> None:
    done = run("harness", "interleave", "HEAD", "--matrix", MATRIX, "--rounds", "8", "--repeats", "5", "--precision", "int8")

    assert done.returncode == 0, done.stderr
    assert "latency[mlp1-digits-int8-host-100]" in done.stdout
    assert "round 8 of 8" in done.stderr


@pytest.mark.slow
@pytest.mark.toolchain
def test_a_revision_that_does_not_compile_says_so(slower: Path) -> None:
    broken = slower / "targets" / "firmware" / "src" / "application.c"
    content = broken.read_text()
    broken.write_text("this is not C\n")
    git = ["git", "-C", str(slower), "-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    subprocess.run([*git, "commit", "--quiet", "--all", "--message", "broken"], check=True, capture_output=True)
    broken.write_text(content)

    with pytest.raises(FlashError, match="building the firmware of HEAD failed"):
        build_revision(slower, "HEAD", build("native").environment)


def test_a_revision_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingError, match="there is no revision 'nowhere'"):
        build_revision(ROOT, "nowhere", "native")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "at least 1"),
        (["--architecture", "mlp2"], "did you mean mlp1"),
        (["--precision", "int4"], "did you mean int8"),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["interleave", "HEAD", "--matrix", str(MATRIX), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_revision_is_looked_for_before_models_are_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.commands.interleave.missing_recipes", lambda *_: pytest.fail("a model was about to be made"))

    assert main(["interleave", "nowhere", "--matrix", str(MATRIX)]) == 1
    assert "there is no revision 'nowhere'" in capsys.readouterr().err


def test_progress_in_a_log_is_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say = _progress(12)
    for number in range(1, 13):
        say(number)

    assert capsys.readouterr().err == "round 10 of 12\nround 12 of 12\n"


def test_it_fails_on_what_the_other_commands_fail_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["interleave", "HEAD", "--matrix", str(MATRIX), "--fail-on", "worse", "--rounds", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err
