"""Test accuracy of the nested subnetworks of the poster's networks, beside the accuracy that the poster reports.

Each network is trained with its default recipe and the poster's widths; mean and standard deviation are over seeds, each of which
has its own 80/20 split of the digits (the project's own: there is no official one). What the cache holds is not trained again.

examples:
  python -m tests.benchmarks.accuracy
  python -m tests.benchmarks.accuracy --networks mlp1 --seeds 2 --json
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from harness.published import Published, load
from reds.errors import BenchError
from reds.pipeline import make, steps
from reds.progress import showing
from reds.recipe import Recipe, recipe_for
from reds.widths import HalvingRule
from reds.zoo import POSTER_GROUPS, architecture, halved_groups


def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(POSTER_GROUPS), help=f"default: {','.join(POSTER_GROUPS)}")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1 (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args(argv)
    try:
        rows = measure(arguments.networks.split(","), range(arguments.seeds))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(rows, indent=1) if arguments.json else table(rows))
    return 0


def measure(networks: Sequence[str], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """One row for each network and subnetwork, accuracies in percent."""
    recipes = {name: [poster_recipe(name, seed) for seed in seeds] for name in networks}
    reported = poster_figures()
    rows = []
    with showing(sum(steps(recipe) for each in recipes.values() for recipe in each)) as progress:
        for name, each in recipes.items():
            accuracies = [make(recipe, progress).accuracy() for recipe in each]
            for subnet in each[0].subnet_names:
                percent = [100 * accuracy[subnet] for accuracy in accuracies]
                rows.append(_row(name, subnet, percent, reported.get((name, subnet))))
    return rows


def poster_recipe(network: str, seed: int) -> Recipe:
    """The default recipe of a network on digits with the poster's widths."""
    return recipe_for(network, "digits", seed, HalvingRule(halved_groups(architecture(network))))


def poster_figures() -> dict[tuple[str, str], Published]:
    """The poster's REDS figures by network and subnetwork."""
    chosen = (value for value in load() if "poster, Table 1" in value.source and value.variant == "REDS")
    return {(value.network, value.subnet): value for value in chosen}


def _row(network: str, subnet: str, percent: Sequence[float], reported: Published | None) -> dict[str, Any]:
    return {
        "network": network,
        "subnet": subnet,
        "mean_percent": round(statistics.mean(percent), 2),
        "std_percent": round(statistics.stdev(percent), 2) if len(percent) > 1 else 0.0,
        "seeds": len(percent),
        "poster_percent": reported.value if reported else None,
        "poster_std_percent": reported.std if reported else None,
        "source": reported.source if reported else None,
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as text."""
    lines = [f"{'network':8} {'subnet %':>8} {'test accuracy %':>16} {'poster, REDS %':>16}  source"]
    for row in rows:
        own = f"{row['mean_percent']:.2f} ± {row['std_percent']:.2f}"
        poster = "" if row["poster_percent"] is None else f"{row['poster_percent']:.2f} ± {row['poster_std_percent']:.2f}"
        lines.append(f"{row['network']:8} {row['subnet']:>8} {own:>16} {poster:>16}  {row['source'] or ''}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
