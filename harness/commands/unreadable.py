"""What a command does about runs, or lines of runs, that cannot be read when there are others: it says which and goes on."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.wording import damage, one_line
from reds.errors import BenchError


def warn_of_damage(source: str, lines: Sequence[int]) -> None:
    """Name the damaged lines of a run on stderr, if it has any."""
    if lines:
        print(f"warning: {one_line(source)}: {damage(lines)}", file=sys.stderr)


class LeftOut:
    """Names every run that cannot be read, and why, on stderr; each once, however often it is met."""

    def __init__(self) -> None:
        self._named: set[str] = set()

    def __call__(self, error: BenchError) -> None:
        """Name one."""
        if error.what not in self._named:
            self._named.add(error.what)
            seen = f" ({error.seen})" if error.seen else ""
            print(f"warning: left out: {one_line(error.what + seen)}", file=sys.stderr)

    def __len__(self) -> int:
        return len(self._named)
