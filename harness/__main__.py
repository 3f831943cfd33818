"""`python -m harness`: look after devices, models and results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from harness.commands import (
    baseline,
    compare,
    costs,
    devices,
    history,
    interleave,
    noise,
    paper,
    pareto,
    prepare,
    profile,
    push,
    report,
)
from reds.errors import BenchError
from reds.wording import INTERRUPTED


class Command(Protocol):
    """What a command module has; its docstring says what it does."""

    @property
    def NAME(self) -> str: ...  # noqa: N802 - a module's constant
    @property
    def SUMMARY(self) -> str: ...  # noqa: N802 - a module's constant
    @property
    def EXAMPLES(self) -> str: ...  # noqa: N802 - a module's constant

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Do it; the exit code. Raises BenchError."""
        ...


COMMANDS: tuple[Command, ...] = (
    devices,
    prepare,
    profile,
    report,
    compare,
    interleave,
    baseline,
    noise,
    history,
    pareto,
    costs,
    push,
    paper,
)
EXIT_CODES = "exit codes: 0 done, 1 failed, missing, or worse as asked (--fail-on), 2 wrong name, key or value, 130 interrupted"
EXAMPLES = """examples:
  python -m harness devices                     which devices can be measured, and what the others lack
  python -m harness prepare --matrix digits     make what the matrix needs, before pytest
  python -m harness profile ds_cnn_s --device nano33ble-emu       what each layer takes there
  python -m harness report latest               the table of the last run
  python -m harness compare A B --fail-on worse        what changed from run A to run B
  python -m harness interleave HEAD             what changes that are not committed do to this computer's latencies
  python -m harness paper --table 7             a published table, rebuilt
  python -m harness baseline latest --name digits --reason "first release"

"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        prog="python -m harness", description=__doc__, epilog=EXAMPLES + EXIT_CODES, formatter_class=raw
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.NAME, help=command.SUMMARY, description=command.__doc__, epilog=command.EXAMPLES, formatter_class=raw
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command. Where it takes any number of `words`, they may stand between its options."""
    top = parser()
    options, rest = top.parse_known_args(arguments)
    if rest and (not hasattr(options, "words") or any(word.startswith("-") for word in rest)):
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.words = [*options.words, *rest]
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parsed(arguments)
    try:
        return options.run(options)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:  # a full disk, a file that may not be read
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
