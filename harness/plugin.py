"""The pytest plugin: options, parametrisation, order, and the frame of a run. It only wires; the work is done elsewhere."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import artifacts, asked, environment, run_file, summary, terminal
from harness.combinations import AXES, Subject, SubjectIndex, finest_axis
from harness.keys import LEASES, PLAN, RUN_FILE, is_worker, subject_of, worker_input
from harness.plan import ALL, Plan, Selection, make_plan
from harness.recorder import REFUSED
from harness.sharing import leases_of
from harness.sql_url import redacted
from harness.wording import counted, damage
from reds.errors import BenchError
from reds.recipe import Recipe

pytest_plugins = [
    "harness.fixtures",
    "harness.needs",
    "harness.chosen",
    "harness.turns",
    "harness.outcomes",
    "harness.gate",
    "harness.publishing",
    "harness.benchmark_storage",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a run."""
    group = parser.getgroup("reds-bench", "REDS Bench")
    group.addoption(
        "--matrix", default="digits", metavar="NAME|PATH", help="what to measure: suites/NAME.toml, or a file (digits)"
    )
    group.addoption(
        "--devices-file", type=Path, metavar="PATH", help="inventory of devices (default: devices.toml if there is one)"
    )
    group.addoption("--device", action="append", default=[], metavar="ID", help="measure this device only; may be repeated")
    group.addoption(
        "--device-kind", action="append", default=[], metavar="KIND", help="measure all devices of this kind; may be repeated"
    )
    group.addoption(
        "--require-device", action="append", default=[], metavar=f"ID|{ALL}", help="fail instead of skipping if it is absent"
    )
    group.addoption("--spread", action="store_true", help="equal boards share the images instead of each measuring all of them")
    group.addoption(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait for a board that somebody else uses (0)"
    )
    group.addoption("--results", type=Path, metavar="DIR", help="where the run's file is written (default: results/runs)")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Read matrix and inventory; what is wrong with them is a usage error."""
    config = session.config
    option = config.option
    if not 0 <= option.wait < math.inf:
        raise pytest.UsageError(f"--wait is a number of seconds, not {option.wait}")
    config.stash[LEASES] = leases_of(config)
    selection = Selection(option.device, option.device_kind, option.require_device, option.spread)
    try:
        config.stash[PLAN] = make_plan(option.matrix, option.devices_file, selection)
    except BenchError as error:
        raise pytest.UsageError(str(error)) from error
    folder = option.results or config.rootpath / "results" / "runs"
    run_id = worker_input(config).get("run_id") or environment.new_run_id()
    config.stash[RUN_FILE] = Path(folder).absolute() / f"{run_id}.jsonl"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Let a worker write to the same file as the others."""
    config: pytest.Config = node.config  # pyright: ignore[reportAttributeAccessIssue]
    node.workerinput["run_id"] = config.stash[RUN_FILE].stem  # pyright: ignore[reportAttributeAccessIssue]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for each value of the finest axis it asks for."""
    axis = finest_axis(metafunc.fixturenames)
    if axis is not None and "subject" in metafunc.fixturenames:  # else the name is another fixture's
        plan = metafunc.config.stash[PLAN]
        subjects = filter(plan.covers, AXES[axis](plan.matrix))
        metafunc.parametrize(axis, [_parameter(plan, subject) for subject in subjects], indirect=True)


def _parameter(plan: Plan, subject: Subject) -> object:
    reason = plan.skip_reason(subject)
    marks = () if reason is None else pytest.mark.skip(reason=reason)
    return pytest.param(subject, id=str(subject), marks=marks)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Measure one device after the other and give each every model once; what needs no device comes first."""
    matrix = config.stash[PLAN].matrix

    def position(item: pytest.Item) -> tuple[int, ...]:
        subject = subject_of(item)
        if subject is None:
            return ()
        facts = subject.facts
        axes = (
            (matrix.devices, facts["device"]),
            (matrix.architectures, facts["architecture"]),
            (matrix.datasets, facts["dataset"]),
            (matrix.precisions, facts["precision"]),
        )
        return tuple(-1 if value is None else names.index(value) for names, value in axes)

    items.sort(key=position)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Before the first test, without xdist."""
    if not session.config.option.collectonly and not is_worker(session.config):
        measuring = [item.nodeid for item in session.items if subject_of(item) is not None]
        _begin(session.config, measuring, tests=len(session.items))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Keep the tests of a device together, unless the user chose a distribution that knows nothing of groups."""
    if config.getoption("dist") not in ("load", "loadgroup"):
        return None
    from harness.scheduling import DeviceScheduling  # noqa: PLC0415 - xdist may not be installed

    return DeviceScheduling(config, log, config.stash[PLAN].matrix)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: object, ids: Iterable[str]) -> None:
    """Before the first test, with xdist."""
    # The first worker that has collected knows the tests of all; no test starts before this returns.
    config: pytest.Config = node.config  # pyright: ignore[reportAttributeAccessIssue]
    if not config.stash[RUN_FILE].exists():
        ids = list(ids)
        _begin(config, ids, tests=len(ids))


def _begin(config: pytest.Config, node_ids: Iterable[str], tests: int) -> None:
    """Make what the tests need and start the run's file; does nothing if none of the tests measures anything."""
    plan = config.stash[PLAN]
    index = SubjectIndex(plan.matrix)
    subjects = [subject for node_id in node_ids if (subject := index.find(node_id)) is not None]
    if not subjects:
        return
    path = config.stash[RUN_FILE]
    wanted = dict.fromkeys(subject.model for subject in subjects if plan.absence(subject) is None)
    try:
        _make(config, artifacts.missing_recipes(plan.matrix, wanted))
        header = environment.describe_run(path.stem, plan.matrix.name, _command(config), config.rootpath)
        run_file.create(path, replace(header, **asked.of_run(config, plan.matrix, tests)))
    except BenchError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.TESTS_FAILED)
    except OSError as error:  # the cache's folder cannot be written
        where = "choose another folder with the variable REDS_BENCH_CACHE"
        pytest.exit(f"the models cannot be stored: {error}\n  do: {where}", returncode=pytest.ExitCode.TESTS_FAILED)


def _make(config: pytest.Config, recipes: list[Recipe]) -> None:
    """Make models, their progress visible on the terminal."""
    if not recipes:
        return
    count = f"{len(recipes)} models that are" if len(recipes) > 1 else "one model that is"
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        print(f"\nmaking {count} not in the cache", flush=True)
        artifacts.make(recipes)


def _command(config: pytest.Config) -> list[str]:
    """The command line as it may be stored: without passwords of databases."""
    return ["pytest", *(redacted(str(word)) for word in config.invocation_params.args)]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the run's table and where its file lies."""
    path = config.stash.get(RUN_FILE, None)
    if path is None or not path.exists():
        return
    run = run_file.read(path)
    terminalreporter.section("REDS Bench")
    rows = summary.rows(run.measurements)
    if not rows:
        terminalreporter.write_line("nothing was measured on a device")
    else:
        colour = terminalreporter.hasmarkup
        terminalreporter.write_line(summary.render(rows, width=terminal.columns(), colour=colour))
    for line in (*summary.repetitions(run.measurements), *_refusals(terminalreporter)):
        terminalreporter.write_line(line, yellow=True)
    if run.damaged_lines:
        terminalreporter.write_line(damage(run.damaged_lines), yellow=True)
    terminalreporter.write_line(f"{counted(len(run.measurements), 'measurement')} in {os.path.relpath(path)}")


def _refusals(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    """The times that were not recorded, and why."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()) if getattr(report, "when", None) == "call" else ():
                if name == REFUSED:
                    yield f"refused: {text}"
