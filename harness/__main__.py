"""`python -m harness`: look after devices, models and results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from harness.commands import baseline, compare, devices, history, interleave, pareto, prepare, push, report
from reds.errors import BenchError

COMMANDS = (devices, prepare, report, compare, interleave, baseline, history, pareto, push)
EXAMPLES = """examples:
  python -m harness devices                     which devices can be measured, and what the others lack
  python -m harness prepare --matrix digits     make what the matrix needs, before pytest
  python -m harness report latest               the table of the last run
  python -m harness compare A B --fail-on worse        what changed from run A to run B
  python -m harness interleave HEAD             what changes that are not committed do to this computer's latencies
  python -m harness baseline latest --name digits --reason "first release"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m harness", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
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
        return 130


if __name__ == "__main__":
    sys.exit(main())
