"""From the URL of a database to SQLAlchemy's engine, and from the errors of SQLAlchemy and its drivers to this project's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy import exc
from sqlalchemy.pool import NullPool

from harness.sql_url import HIDDEN, hidden
from reds.errors import BusyError, ConfigError, MissingError, ProtocolError, TransportError

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
CONNECT_TIMEOUT_S = 10
CHECKS = {
    "sqlite": "see whether its folder is there and may be written to, and whether its disk is full",
    "postgresql": "start it, or check host, port, user and password",
}
FILES_REMAIN = "nothing is lost: the files of the runs are where they were"
PRIMARY_CODE = 0xFF  # of SQLite's extended result codes


def parse(url: str, *, create: bool) -> sql.URL:
    """The URL with the driver that is used.

    Args:
        url: as a user gave it.
        create: whether a database that is not there will be made.

    Raises:
        ConfigError: not the URL of a database that is supported.
        MissingError: SQLite's file is not there.
    """
    valid = "valid: sqlite:///PATH and postgresql://USER@HOST:PORT/DATABASE"
    try:
        parsed = sql.make_url(url)
        backend = parsed.get_backend_name()
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigError(f"{hidden(url)} is not the URL of a database", do=valid) from error
    if backend not in DRIVERS:
        raise ConfigError(f"databases of kind {backend!r} are not supported", do=valid)
    if parsed.drivername == backend:
        parsed = parsed.set(drivername=DRIVERS[backend])
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ConfigError(f"{hidden(url)} names no file", do=valid)
        if not create and not Path(parsed.database).is_file():
            raise MissingError(f"there is no database {parsed.database}", do="python -m harness push --to makes one")
    return parsed


def engine(name: str, url: sql.URL) -> sql.Engine:
    """What makes connections; MissingError if its driver is not installed."""
    arguments = {"connect_timeout": CONNECT_TIMEOUT_S} if url.get_backend_name() == "postgresql" else {}
    try:
        return sql.create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    except (exc.NoSuchModuleError, ImportError) as error:
        do = 'pip install "reds-bench[bench,postgresql]"'
        raise MissingError(f"the driver of {name} is missing", seen=_scrubbed(error, url), do=do) from error


@contextmanager
def translated(name: str, url: sql.URL) -> Iterator[None]:
    """The errors of SQLAlchemy and its drivers as this project's."""
    try:
        yield
    except exc.IntegrityError as error:
        raise BusyError(f"another process pushed the same run to {name}", seen=_scrubbed(error, url), do="push again") from error
    except (exc.OperationalError, exc.InterfaceError) as error:
        if _is_locked(error):
            raise BusyError(
                f"another process writes to {name}", seen=_scrubbed(error, url), do=f"try again; {FILES_REMAIN}"
            ) from error
        do = f"{CHECKS[url.get_backend_name()]}; {FILES_REMAIN}"
        raise TransportError(f"the database {name} cannot be used", seen=_scrubbed(error, url), do=do) from error
    except (exc.SQLAlchemyError, UnicodeEncodeError, OverflowError) as error:
        raise ProtocolError(f"the database {name} refused a request", seen=_scrubbed(error, url), do=FILES_REMAIN) from error


def _is_locked(error: exc.DBAPIError) -> bool:
    """Whether SQLite waited for another process until it gave up."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return code & PRIMARY_CODE in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _scrubbed(error: Exception, url: sql.URL) -> str:
    """What the driver said, in one line and without the password."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    secrets = [url.password, *(value for key, value in url.query.items() if "password" in key)]
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, HIDDEN)
    return text
