"""Python in a process of its own, for libraries that may crash or hang: only that process ends.

Its request comes as JSON on its standard input. Its answer, or the error that it raised on purpose, goes as JSON to its standard
output. It is no sandbox.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reds.errors import BenchError

_KINDS: Mapping[str, type[BenchError]] = {kind.kind: kind for kind in BenchError.__subclasses__()}
_ANSWER, _ERROR = "answer", "error"


class ChildEndedError(Exception):
    """A process ended without an answer; the text says how, as the rest of a sentence ("ended with Aborted: no room")."""


def command_of(module: str) -> Sequence[str]:
    """The command whose process calls `answer()` of a module; nothing is imported from the folder it runs in."""
    return (sys.executable, "-P", "-c", f"from {module} import answer; answer()")


def ask(command: Sequence[str], request: object, *, time_limit_s: float | None = None) -> Any:
    """What a process answers to a JSON-ready request; it imports what this one would.

    Raises:
        BenchError: whatever the process raised on purpose.
        ChildEndedError: it ended otherwise, or was ended when its time was up.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    sent = json.dumps(request).encode()
    try:
        done = subprocess.run(command, input=sent, capture_output=True, env=environment, timeout=time_limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise ChildEndedError(f"did not end within {time_limit_s:g} s") from error
    if done.returncode:
        raise ChildEndedError(_end(done.returncode, done.stderr))
    try:
        said = json.loads(done.stdout)
        if _ERROR not in said:
            return said[_ANSWER]
        kind, parts = _KINDS[said[_ERROR].pop("kind")], said[_ERROR]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChildEndedError("ended without an answer that can be read") from error
    raise kind(parts["what"], seen=parts["seen"], do=parts["do"])


def reply(work: Callable[[Any], object]) -> None:
    """What the process does: from the request to what `work` makes of it (JSON-ready), or to the error that it raises."""
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries that print would spoil the answer
    try:
        said = {_ANSWER: work(json.load(sys.stdin))}
    except BenchError as error:
        said = {_ERROR: {"kind": error.kind, "what": error.what, "seen": error.seen, "do": error.do}}
    with os.fdopen(output, "w") as stream:
        json.dump(said, stream)


def _end(status: int, said: bytes) -> str:
    """How it ended, by signal or exit status, and the last line that it wrote on standard error."""
    how = f"exit status {status}" if status > 0 else signal.strsignal(-status) or f"signal {-status}"
    last_words = said.decode(errors="replace").strip().splitlines()[-1:]
    return ": ".join([f"ended with {how}", *last_words])
