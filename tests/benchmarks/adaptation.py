"""What the policies achieve on a day of each family of traces, and what the simulation of it takes.

    python -m tests.benchmarks.adaptation [--seeds N] [--json]

One request a second, 86,400 of them; four subnetworks whose costs are quarters, with the accuracies that results/tables has for
three networks. Of the default policy's accuracy over all requests, "of bound" is the least share of the look-ahead bound, and
"of static" the least share of the best static network's. Seconds are of one day: one policy, and the bound.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from typing import Any

from reds.adaptation.generators import KINDS
from reds.adaptation.look_ahead import look_ahead_bound
from reds.adaptation.policies import DEFAULT, policy, statics
from reds.adaptation.simulation import simulate
from tests.reds.adaptation_examples import ACCURACIES, cost_table, day


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.adaptation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="traces of each family (default: 3)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args(argv)
    rows = [_row(kind, arguments.seeds) for kind in KINDS]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if arguments.json:
        print(json.dumps({"families": rows, "peak_mb": round(peak_mb)}, indent=1))
        return 0
    print(f"{'family':12}{'of bound':>10}{'of static':>11}{'missed':>9}{'policy, s':>11}{'bound, s':>10}")
    for row in rows:
        shares = f"{row['of_bound']:>10.2%}{row['of_static']:>11.2%}{row['missed']:>9.3%}"
        print(f"{row['family']:12}{shares}{row['policy_s']:>11.2f}{row['bound_s']:>10.2f}")
    print(f"peak of this process: {peak_mb:.0f} MB")
    return 0


def _row(kind: str, seeds: int) -> dict[str, Any]:
    found: list[dict[str, float]] = []
    for accuracies in ACCURACIES.values():
        table = cost_table(accuracies)
        for seed in range(seeds):
            budgets, store = day(kind, table, seed)
            begun = time.perf_counter()
            bound = look_ahead_bound(budgets, table, store)
            bounded = time.perf_counter()
            replay = simulate(policy(DEFAULT), budgets, table, store)
            ended = time.perf_counter()
            static = max(simulate(each, budgets, table, store).utility for each in statics(table))
            found.append(
                {
                    "of_bound": replay.utility / bound,
                    "of_static": replay.utility / static,
                    "missed": float(replay.missed.mean()),
                    "policy_s": ended - bounded,
                    "bound_s": bounded - begun,
                }
            )
    least = {name: min(each[name] for each in found) for name in ("of_bound", "of_static")}
    most = {name: max(each[name] for each in found) for name in ("missed", "policy_s", "bound_s")}
    return {"family": kind, **least, **most}


if __name__ == "__main__":
    raise SystemExit(main())
