"""The recipes for continuous integration name sessions, commands and options that exist."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from harness.sources import open_run
from tests.harness.running import ROOT, run

WORKFLOW = ROOT / ".github" / "workflows" / "bench.yml"
RECIPES = [ROOT / "docs" / "ci.md", WORKFLOW]
START = re.compile(r"(?:nox -s|\./bootstrap\.sh|python -m harness)\s")


def commands(path: Path) -> list[list[str]]:
    """The words of every command of the project in a file, whether it stands on one line or is folded over several."""
    text = re.sub(r"#.*", "", path.read_text()) if path.suffix == ".yml" else path.read_text()
    found = []
    for match in START.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        indent = match.start() - line_start
        rest = text[match.start() :].split("\n")
        folded = _while_as_deep(rest[1:], indent) if text[line_start : match.start()].isspace() else []
        words = " ".join([rest[0].partition("`")[0], *folded])
        found.append(shlex.split(words))
    return found


def _while_as_deep(lines: list[str], indent: int) -> list[str]:
    taken = []
    for line in lines:
        if line.strip() == "" or len(line) - len(line.lstrip()) != indent:
            break
        taken.append(line.strip())
    return taken


def sessions() -> set[str]:
    """The names of the sessions in noxfile.py."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {f.name for f in functions if any(ast.unparse(d).startswith("nox.session") for d in f.decorator_list)}


@cache
def help_of(*command: str) -> str:
    done = run(*command, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def options(words: list[str]) -> list[str]:
    return [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_session_and_pytest_option_exists(path: Path) -> None:
    bench = [words for words in commands(path) if words[0] != "python"]
    assert len(bench) >= 2

    for words in bench:
        session = words[2] if words[0] == "nox" else words[1]
        assert session in sessions(), words
        for option in options(words[words.index("--") + 1 :] if "--" in words else []):
            assert re.search(rf"(^|\s|, ){re.escape(option)}\b", help_of("pytest", "suites")), (option, words)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_command_of_the_harness_exists(path: Path) -> None:
    for words in (words for words in commands(path) if words[0] == "python"):
        for option in options(words[4:]):
            assert re.search(rf"{re.escape(option)}\b", help_of("harness", words[3])), (option, words)


def test_the_jobs_call_what_they_should() -> None:
    calls = commands(WORKFLOW)

    assert len(calls) == 2
    for words in calls:
        assert words[:3] == ["./bootstrap.sh", "bench", "--"]
        assert {"--matrix", "--require-device", "--summary", "--report", "--junit-xml"} <= set(words)
    assert {"--compare", "results/baselines/digits.jsonl"} <= set(calls[0])


def test_the_baseline_that_the_workflow_compares_with_is_there() -> None:
    for name in ("results/baselines/digits.jsonl", "digits", "baseline digits"):
        found = open_run(str(ROOT / name) if "/" in name else name, ROOT / "results" / "runs", ROOT)

        assert found.run.matrix == "digits"
        assert found.run.baseline_reason
        assert not found.run.git_dirty
        assert found.damaged_lines == ()
        assert {device.id for device in found.devices} == {"nano33ble-emu", "pico-emu"}
        assert {outcome.outcome for outcome in found.outcomes} <= {"passed", "skipped"}
        assert {m.metric for m in found.measurements} >= {"latency", "switch", "accuracy", "flash_bytes"}


def test_the_workflow_is_yaml_with_two_jobs() -> None:
    yaml = pytest.importorskip("yaml")

    workflow = yaml.safe_load(WORKFLOW.read_text())

    assert set(workflow["jobs"]) == {"emulated", "boards"}
    assert workflow["jobs"]["boards"]["runs-on"] == ["self-hosted", "linux", "reds-bench-boards"]
    for job in workflow["jobs"].values():
        artefact = next(step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
        assert artefact["if"] == "always()"
        assert artefact["with"]["path"].split() == ["report.html", "junit.xml", "results/runs"]
