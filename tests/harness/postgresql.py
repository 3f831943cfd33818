"""A PostgreSQL server of a test's own: its files in a temporary folder, on a free port of the loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER = "bench"
PASSWORD = "not-to-be-shown"
DEBIAN = Path("/usr/lib/postgresql")  # one folder for each version
TIMEOUT_S = 120


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    binaries: Path
    folder: Path

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        """Where runs are pushed to."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Stop at once, whoever is connected."""
        _run(self.binaries / "pg_ctl", "--pgdata", self.folder / "data", "--mode", "immediate", "stop")

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        _run(self.binaries / "pg_ctl", "--pgdata", self.folder / "data", "--log", self.folder / "log", "--wait", "start")


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, None if there is none."""
    if DEBIAN.is_dir():
        folders = sorted(DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name))
        if folders and (folders[-1] / "initdb").is_file():
            return folders[-1]
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def why_not() -> str | None:
    """What is missing to run a server here, None if nothing is."""
    if binaries() is None:
        return "PostgreSQL is missing; apt-get install postgresql"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL refuses to run as root, and there is no user postgres"
    return None


def _unprivileged() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


def _identity() -> dict[str, Any]:
    """Arguments of subprocess for a user that PostgreSQL runs as."""
    user = _unprivileged() if os.geteuid() == 0 else None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _run(*command: object) -> None:
    # The server inherits its output: a pipe would stay open as long as it runs.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=TIMEOUT_S,
            cwd="/",
            check=False,
            **_identity(),
        )
        output.seek(0)
        assert done.returncode == 0, f"{command}: {output.read().decode()[-2000:]}"


@contextmanager
def running() -> Iterator[Server]:
    """A server with an empty database, stopped and removed afterwards."""
    found = binaries()
    assert found is not None
    with tempfile.TemporaryDirectory(prefix="reds-postgresql-") as name:
        folder = Path(name)
        password = folder / "password"
        password.write_text(PASSWORD)
        identity = _identity()
        if identity:
            os.chown(folder, identity["user"], identity["group"])
            os.chown(password, identity["user"], identity["group"])
        initdb = (found / "initdb", "--pgdata", folder / "data", "--username", USER, "--pwfile", password)
        _run(*initdb, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
        server = Server(_free_port(), found, folder)
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": server.port,
            "unix_socket_directories": "''",
            "fsync": "off",
            "max_connections": 20,
            "shared_buffers": "16MB",
        }
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
