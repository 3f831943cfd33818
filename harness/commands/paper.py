"""Rebuild a table of the published papers with real data, and show it beside the published one.

Networks are made through the cache by `python -m reds make`: what was made before is found, a killed run goes on where it was.
Published weights are read from the folder that --models or REDS_MODELS_DIR names; without one, networks are trained here
first. Data sets are found where --data-dir or REDS_DATA_DIR says, else downloaded.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import environment, markdown, published, run_file
from harness.commands.output import add_json, print_json, print_table
from harness.matrix import PAPER, SUITES
from harness.paper.map_tables import search_maps
from harness.paper.rebuilding import rebuild
from harness.paper.sections import Rebuilt
from harness.paper.specification import MODELS_VARIABLE, Slice, load_paper
from harness.wording import one_line
from reds.datasets.layout import DATA_VARIABLE
from reds.errors import ConfigError, unknown_name

NAME = "paper"
SUMMARY = "rebuild a table of the published papers"
EXAMPLES = """examples:
  python -m harness paper --table poster --quick
  python -m harness paper --table 7 --data-dir data --models models --seeds 1 --column bottom-up
  python -m harness paper --table 4 --network dnn_s --markdown
  python -m harness paper --table mobilenet
  nox -s paper -- --table 8 -o results/runs/table8.jsonl
"""
ROOT = SUITES.parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    paper = load_paper()
    parser.add_argument("--table", required=True, metavar="NAME", help=f"one of {', '.join((*paper.tables, *paper.maps))}")
    parser.add_argument("--network", action="append", default=[], metavar="NAME", help="only this network; may be repeated")
    parser.add_argument("--column", action="append", default=[], metavar="NAME", help="only this column; may be repeated")
    parser.add_argument("--seeds", type=int, metavar="N", help="how many runs, with the seeds from 0 on (default: the file's)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a slice: a few epochs on a part of the data, one run; a minute for digits, about ten for image networks",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help=f"folder of the data sets (default: {DATA_VARIABLE})")
    parser.add_argument("--models", type=Path, metavar="DIR", help=f"folder of published networks (default: {MODELS_VARIABLE})")
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.jsonl", help="records to write (default: in results/runs)")


def run(options: argparse.Namespace) -> int:
    """Rebuild the table, print it and write its records."""
    run_id = environment.new_run_id()
    output: Path = options.output or ROOT / "results" / "runs" / f"{run_id}.jsonl"
    if output.exists():
        raise ConfigError(f"{output} is there already", do="name another file, or remove it")
    header = environment.describe_run(output.stem if options.output else run_id, PAPER, _command(options), ROOT)
    rebuilt = _rebuild(options)
    run_file.create(output, header)
    run_file.append(output, *rebuilt.measurements)
    _print(rebuilt, options)
    return 0


def _rebuild(options: argparse.Namespace) -> Rebuilt:
    paper, values = load_paper(), published.load()
    if options.table not in (*paper.tables, *paper.maps):
        raise unknown_name("table", options.table, (*paper.tables, *paper.maps))
    if options.table in paper.maps:
        return search_maps(paper.maps[options.table], values)
    seeds = options.seeds if options.seeds is not None else 1 if options.quick else paper.seeds
    if seeds < 1:
        raise ConfigError("--seeds is at least 1", seen=str(seeds))
    chosen = Slice(tuple(range(seeds)), _models(options), paper.quick if options.quick else None)
    return rebuild(paper.tables[options.table].only(options.network, options.column), chosen, values, _environment(options))


def _models(options: argparse.Namespace) -> Path | None:
    named = options.models or os.environ.get(MODELS_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        do = f"name the one that holds kws/ and vision/ (--models or {MODELS_VARIABLE}), or leave it out"
        raise ConfigError(f"there is no folder {folder} of published networks", do=do)
    return folder


def _environment(options: argparse.Namespace) -> Mapping[str, str]:
    return {**os.environ, **({DATA_VARIABLE: str(options.data_dir.absolute())} if options.data_dir else {})}


def _command(options: argparse.Namespace) -> Sequence[str]:
    """The command line, in the same words wherever it was typed: a variable in place of a folder of this computer."""
    words = ["python", "-m", "harness", NAME, "--table", options.table]
    for flag, names in (("--network", options.network), ("--column", options.column)):
        words += [word for name in names for word in (flag, name)]
    words += ["--seeds", str(options.seeds)] if options.seeds is not None else []
    folders = (("--data-dir", options.data_dir, DATA_VARIABLE), ("--models", options.models, MODELS_VARIABLE))
    for flag, folder, variable in folders:
        if folder is not None:
            words += [flag, f"${variable}" if folder.is_absolute() else str(folder)]
    return [*words, *(["--quick"] if options.quick else [])]


def _print(rebuilt: Rebuilt, options: argparse.Namespace) -> None:
    if options.json:
        print_json(rebuilt.facts)
    elif options.markdown:
        print(f"## {markdown.escaped(rebuilt.title)}\n")
        print("\n".join(f"* {markdown.escaped(note)}" for note in rebuilt.notes))
        for section in rebuilt.sections:
            print(f"\n### {markdown.escaped(section.title)}\n\n{markdown.table(section.columns, section.rows, section.numbers)}")
    else:
        print(one_line(rebuilt.title))
        for note in rebuilt.notes:
            print(f"  {one_line(note)}")
        for section in rebuilt.sections:
            print(f"\n{one_line(section.title)}")
            print_table(section.columns, section.rows, section.numbers, section.signed)
