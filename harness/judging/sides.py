"""Who A and B are: the lines above a comparison, and the facts around the two runs that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from harness.judging.circumstances import DEVICE_FACTS, differences
from harness.records import ABSENT, DeviceFacts, Run, last_outcomes
from harness.run_file import RunFile
from harness.wording import minute

SHA_CHARACTERS = 12
NONE = "none"
BASELINES = ("results", "baselines")  # the folder of baselines under version control


def commit(run: Run) -> str:
    """The commit that a run measured."""
    if run.git_sha is None:
        return "no commit"
    return f"commit {run.git_sha[:SHA_CHARACTERS]}{' with changes' if run.git_dirty else ''}"


def identity(run: Run) -> str:
    """Which run it is: its id, when it started, and what it measured."""
    return f"{run.id}, {minute(run.started)}, {commit(run)}"


def name(run: RunFile) -> str:
    """What to call it: "baseline digits", its file as seen from the current folder, or what else it was read from."""
    path = Path(run.source)
    if run.run.baseline_reason and path.parent.parts[-2:] == BASELINES:
        return f"baseline {path.stem}"
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else run.source


def origin(run: RunFile) -> str:
    """Where it was read from, and why it is a baseline if it is one."""
    reason = run.run.baseline_reason
    if not reason:
        return name(run)
    accepted = f"{name(run)}; {'accepted' if name(run).startswith('baseline ') else 'baseline'}: {reason}"
    return "; ".join(filter(None, (accepted, part(run))))


def part(run: RunFile) -> str | None:
    """Which part of its matrix a run measured; None if all of it, and where it does not say (older files)."""
    ended = last_outcomes(run.outcomes).values()
    absent = dict.fromkeys(outcome.device for outcome in ended if outcome.cause == ABSENT and outcome.device)
    measured = dict.fromkeys(outcome.device for outcome in ended if outcome.device and outcome.device not in absent)
    parts = [
        chosen_tests(run.run),
        f"on {', '.join(measured)} alone" if "device" in (run.run.narrowed or ()) and measured else None,
        f"without {', '.join(absent)}" if absent else None,
    ]
    return f"a part of the matrix: {', '.join(filter(None, parts))}" if any(parts) else None


def chosen_tests(run: Run) -> str | None:
    """Which of the suites' tests alone a run was asked for; None if it was asked for whole folders, and where it does not say."""
    if run.whole is None:
        return None
    if not run.whole:
        return "tests that were chosen one by one"
    single = [place for place in run.whole if PurePosixPath(place.partition("::")[0]).suffix]
    return f"{', '.join(single)} alone" if len(single) == len(run.whole) else None


def facts_that_differ(a: RunFile, b: RunFile) -> list[str]:
    """What is another around two runs: matrix, computer, tools and devices, each as "name: fact before -> after"."""
    found = [f"matrix: {a.run.matrix} -> {b.run.matrix}"] if a.run.matrix != b.run.matrix else []
    found += [f"computer: {text}" for text in _changed(a.run.host, b.run.host)]
    found += [f"tools: {text}" for text in _changed(a.run.versions, b.run.versions)]
    return [*found, *_devices(a, b)]


def _changed(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[str]:
    """Facts that differ, also those that one run alone has; nothing if one of them has none at all (older files)."""
    if a and b:
        names = tuple(dict.fromkeys([*a, *b]))
        yield from differences({n: a.get(n, NONE) for n in names}, {n: b.get(n, NONE) for n in names}, names)


def _devices(a: RunFile, b: RunFile) -> Iterator[str]:
    before, after = ({device.id: device for device in run.devices} for run in (a, b))
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield f"{name}: only in A"
        elif name not in before:
            yield f"{name}: only in B"
        else:
            yield from (f"{name}: {text}" for text in _device(before[name], after[name]))


def _device(a: DeviceFacts, b: DeviceFacts) -> Iterator[str]:
    yield from differences(vars(a), vars(b), (*DEVICE_FACTS, "runtime_version", "pool_bytes"))
    if a.firmware != b.firmware:
        yield f"firmware {a.firmware[:SHA_CHARACTERS]} -> {b.firmware[:SHA_CHARACTERS]}"


def described(a: RunFile, b: RunFile) -> list[str]:
    """The lines above a comparison: A, B, and what differs around them."""
    lines = [f"{letter}: {identity(run.run)}; {origin(run)}" for letter, run in (("A", a), ("B", b))]
    differing = facts_that_differ(a, b)
    return [*lines, *(f"differs: {fact}" for fact in differing)]
