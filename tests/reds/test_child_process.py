"""Python in a process of its own: what it answers, what it raises, and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reds.child_process import ChildEndedError, ask, command_of
from reds.errors import BenchError, BudgetError, MissingError

REPLY = "import os, sys; from reds.child_process import reply; from reds.errors import BudgetError\n"
"""What the processes here begin with."""


def asked(program: str, request: object = None, time_limit_s: float | None = 60) -> object:
    return ask((sys.executable, "-c", program), request, time_limit_s=time_limit_s)


def test_a_request_is_answered_whatever_libraries_print() -> None:
    program = "def work(request):\n  os.write(1, b'a banner'); print('noise'); return [request['x'] + 1, None]\nreply(work)"
    assert asked(REPLY + program, {"x": 1.5}) == [2.5, None]


def test_a_module_answers_with_what_this_process_would_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "doubling.py").write_text(
        "from reds.child_process import reply\n\ndef answer():\n    reply(lambda number: 2 * number)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert ask(command_of("doubling"), 21) == 42


@pytest.mark.parametrize(
    ("raised", "kind", "parts"),
    [
        ("BudgetError('too little', seen='1 of 2', do='raise it')", BudgetError, ("too little", "1 of 2", "raise it")),
        ("BudgetError('too little')", BudgetError, ("too little", None, None)),
        ("__import__('reds.training')", MissingError, ("training and evaluation need TensorFlow", None, "pip install 'reds")),
    ],
)
def test_errors_arrive_as_they_were_raised(raised: str, kind: type[BenchError], parts: tuple[str | None, ...]) -> None:
    hide = "import importlib.util\nimportlib.util.find_spec = lambda _: None\n"
    with pytest.raises(BenchError) as caught:
        asked(f"{REPLY}{hide}def work(_):\n  raise {raised}\nreply(work)")
    error = caught.value
    assert type(error) is kind
    assert (error.what, error.seen) == parts[:2]
    assert (error.do or "").startswith(parts[2] or "")


@pytest.mark.parametrize(
    ("program", "how"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended with Segmentation fault"),
        ("import os; os.write(2, b'first\\nlast\\n'); os.abort()", "ended with Aborted: last"),
        ("raise SystemExit('no room')", "ended with exit status 1: no room"),
        ("import os; os._exit(0)", "ended without an answer that can be read"),
        ("print(7)", "ended without an answer that can be read"),
        ("print('{}')", "ended without an answer that can be read"),
        ("""print('{"error": {"kind": "strange", "what": "x", "seen": null, "do": null}}')""", "ended without an answer"),
    ],
)
def test_every_other_end_is_told(program: str, how: str) -> None:
    with pytest.raises(ChildEndedError, match=how):
        asked(program)


def test_a_process_that_hangs_is_ended() -> None:
    with pytest.raises(ChildEndedError, match=r"^did not end within 0\.2 s$"):
        asked("import time; time.sleep(600)", time_limit_s=0.2)
