"""Runs of the suites over the smallest matrix, for tests that look at what they leave behind; and databases for runs."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from reds.cache import CACHE_VARIABLE, cache_folder
from tests.harness import postgresql
from tests.harness.postgresql import Server
from tests.harness.running import MATRIX, Done, run, run_pytest, write_plugin

# What the cache holds but for the locks of devices.
SHARED = ("data", "emulators", "firmware", "report", "stages", "unfinished")
TWO_HOSTS = '[devices.first]\nkind = "host"\n[devices.second]\nkind = "host"\n'


@pytest.fixture(scope="session")
def cache_with_own_locks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's cache, but for the locks: no other run, be it another test, keeps a device from these tests."""
    own = tmp_path_factory.mktemp("cache")
    for name in SHARED:
        (own / name).symlink_to(cache_folder(name))
    return own


@pytest.fixture(scope="module", autouse=True)
def _own_locks(cache_with_own_locks: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(cache_with_own_locks))
        yield


@pytest.fixture(scope="session")
def models() -> None:
    """The models of the matrix, made once and kept in the cache."""
    done = run("harness", "prepare", "--matrix", str(MATRIX))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def measure(models: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """Runs the suites over the small matrix, with a plugin if one is given."""

    def call(*arguments: str, plugin: str | None = None, environment: dict[str, str] | None = None) -> Done:
        folder = tmp_path_factory.mktemp("run")
        (folder / "devices.toml").write_text(TWO_HOSTS)
        environment = environment or {}
        if plugin is not None:
            environment = environment | write_plugin(folder, plugin)
            arguments = ("-p", "extra", *arguments)
        fixed = ("--matrix", MATRIX, "--devices-file", folder / "devices.toml", "--results", folder / "results")
        return Done(run_pytest(*fixed, *arguments, environment=environment), folder)

    return call


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server; the test is skipped where there is none."""
    reason = postgresql.why_not()
    if reason:
        pytest.skip(reason)
    with postgresql.running() as server:
        yield server


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of a database that is not there yet."""
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite")
    server = request.getfixturevalue("server")
    name = f"runs_{uuid.uuid4().hex}"
    engine = sql.create_engine(server.url().replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.url(name)
