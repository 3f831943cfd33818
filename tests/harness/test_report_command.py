"""`python -m harness report`: what it writes where, and what it says of it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness import run_file
from harness.__main__ import main
from harness.run_file import RunFile
from tests.harness.full_run import a_full_run, with_latency
from tests.harness.pages import Page


def write_run(path: Path, run: RunFile) -> Path:
    """A run as a file."""
    run_file.create(path, run.run)
    run_file.append(path, *run.measurements, *run.devices, *run.outcomes)
    return path


class TestCommand:
    @pytest.fixture
    def stored(self, tmp_path: Path) -> Path:
        return write_run(tmp_path / "runs" / "20260101T000000Z-abcdef.jsonl", a_full_run())

    def test_the_page_lies_beside_the_run(self, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", str(stored)]) == 0
        assert stored.with_suffix(".html").is_file()
        seen = capsys.readouterr()
        assert "mlp11" in seen.out
        page, what = seen.err.strip().removeprefix("page: ").split(" ", 1)
        assert page == str(stored.with_suffix(".html"))
        assert re.fullmatch(r"\(1\.\d MB, \d+ figures\)", what)

    def test_the_page_of_a_baseline_does_not_lie_among_the_baselines(self, stored: Path, tmp_path: Path) -> None:
        baseline = write_run(tmp_path / "results" / "baselines" / "digits.jsonl", a_full_run())
        assert main(["report", str(baseline), "--results", str(stored.parent)]) == 0
        assert [path.name for path in baseline.parent.iterdir()] == ["digits.jsonl"]
        assert stored.with_suffix(".html").is_file()

    @pytest.mark.parametrize("form", ["--json", "--csv"])
    def test_what_programs_read_comes_alone(self, stored: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", str(stored), form]) == 0
        assert not stored.with_suffix(".html").exists()
        assert "page:" not in "".join(capsys.readouterr())
        assert main(["report", str(stored), form, "--html", str(stored.parent / "own.html")]) == 0
        assert (stored.parent / "own.html").is_file()

    def test_against_and_history_and_figures(self, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        earlier = with_latency(a_full_run("20251231T000000Z-aaaaaa"), 0.5)
        earlier = replace(earlier, measurements=tuple(m for m in earlier.measurements if m.architecture == "mlp1"))
        before = write_run(stored.with_name("20251231T000000Z-aaaaaa.jsonl"), earlier)
        page = tmp_path / "new" / "page.html"

        options = ["--against", str(before), "--history", str(stored.parent), "--html", str(page)]
        assert main(["report", str(stored), *options]) == 0

        assert f" figures, in the new folder {page.parent})" in capsys.readouterr().err
        text = Page(page.read_text()).text
        assert "20251231T000000Z-aaaaaa" in text
        assert "Latency of mlp1, digits, int8, nano33ble-emu" in text

    def test_a_missing_package_is_named_after_the_table(
        self, stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in [name for name in sys.modules if name.startswith("harness.report")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "altair", None)
        assert main(["report", str(stored)]) != 0
        seen = capsys.readouterr()
        assert "mlp11" in seen.out
        assert "the page needs the package altair" in seen.err

    def test_a_page_that_cannot_be_written_is_an_error(self, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", str(stored), "--html", str(stored / "page.html")]) != 0
        assert "could not be written" in capsys.readouterr().err


def test_the_command_line_starts_without_the_plotting_library() -> None:
    program = "import sys, harness.__main__; print(sorted({'altair', 'jinja2', 'vl_convert', 'pandas'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
