"""The commands of `python -m reds`, one module each; each has `NAME`, `SUMMARY`, `add_arguments` and `run`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from reds.commands import adapt, convert, data, describe, evaluate, export, finetune, import_, make, search, trace, train
from reds.errors import BenchError
from reds.wording import INTERRUPTED

DESCRIPTION = """\
Make nested neural networks (REDS): one set of weights in which every smaller network is a prefix of the larger ones.

Step by step, each command reading one bundle folder and writing the next:

  python -m reds train mlp3 --dataset digits --seed 0 -o build/trained
  python -m reds convert build/trained -o build/sorted
  python -m reds search build/sorted --budgets 75,50,25 -o build/nested
  python -m reds finetune build/nested -o build/finished
  python -m reds evaluate build/finished
  python -m reds export build/finished --precision int8 -o build/net.reds

or all at once and through the cache, from a file with a list of recipes:

  python -m reds make recipes.json
"""

EXIT_CODES = "exit codes: 0 done, 1 failed, 2 wrong name, key or value, 130 interrupted"


class Command(Protocol):
    """What a command module has."""

    @property
    def NAME(self) -> str: ...  # noqa: N802 - a module's constant
    @property
    def SUMMARY(self) -> str: ...  # noqa: N802 - a module's constant

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments and, as the parser's epilog, examples."""
        ...

    def run(self, arguments: argparse.Namespace) -> None:
        """Do it; raises BenchError."""
        ...


COMMANDS: tuple[Command, ...] = (
    describe,
    data,
    train,
    import_,
    convert,
    search,
    finetune,
    evaluate,
    export,
    make,
    trace,
    adapt,
)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m reds", description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever read the output has enough of it
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        return 130
    return 0
