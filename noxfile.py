"""Sessions: `bench`, `tests`, `lint`, `kernels`, `paper`, `figures`; each in an environment of its own, reused by later runs."""

import os

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "virtualenv"

# One process per core would fight over two of them: training is small, and host latencies want a quiet machine.
THREADS = {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "2"}


def install(session: nox.Session, *extras: str) -> None:
    """Install this project, editable, with extras."""
    session.install("--quiet", "--editable", f".[{','.join(extras)}]")


def provide_tools(session: nox.Session) -> None:
    """Install the compilers and emulators that are missing, or say how; what stays missing is skipped by the suites."""
    session.run("python", "-m", "targets.provide")


@nox.session
def bench(session: nox.Session) -> None:
    """Make and measure the default matrix on this computer and on two emulated boards; arguments go to pytest."""
    install(session, "train", "devices", "bench")
    provide_tools(session)
    session.run("pytest", "suites", *session.posargs, env=THREADS)


@nox.session
def tests(session: nox.Session) -> None:
    """The project's own tests with coverage; arguments go to pytest."""
    install(session, "train", "search", "devices", "bench", "litert", "postgresql", "parquet", "test")
    provide_tools(session)
    session.run("coverage", "erase")
    arguments = session.posargs or ["tests", "--numprocesses=2", "--dist=loadfile", "--cov", "--cov-report=", "--durations=25"]
    try:
        session.run("pytest", *arguments, env=THREADS)
    finally:
        if not session.posargs:
            session.run("coverage", "report", "--fail-under=90")


@nox.session
def kernels(session: nox.Session) -> None:
    """What inferences cost on emulated boards beside another runtime's figures; arguments go to tests/benchmarks/kernels.py.

    Where REDS_MODELS_DIR names a folder with the published networks, those are measured instead of random weights.
    """
    extras = ("train",) if os.environ.get("REDS_MODELS_DIR") else ()
    install(session, *extras, "devices", "bench", "test")
    provide_tools(session)
    session.run("python", "-m", "tests.benchmarks.kernels", *session.posargs, env=THREADS)


@nox.session
def paper(session: nox.Session) -> None:
    """Rebuild a published table beside the published one, for example `nox -s paper -- --table 7`; arguments as harness paper."""
    install(session, "train", "bench", "search")
    session.run("python", "-m", "harness", "paper", *session.posargs, env=THREADS)


@nox.session
def figures(session: nox.Session) -> None:
    """The benchmarks behind the figures that the documentation states: accuracy, kernels, determinism, model change."""
    install(session, "train", "search", "devices", "bench", "litert", "postgresql", "parquet", "test")
    provide_tools(session)
    session.run("python", "-m", "tests.benchmarks", *session.posargs, env=THREADS)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and types."""
    install(session, "train", "search", "devices", "bench", "litert", "postgresql", "parquet", "test", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("pyright")
