"""One user of a board at a time, across the processes of this computer.

A lease says who uses a board and until when. It ends when it is given back, when its owner dies, or when the owner has not
renewed it for long: a process that hangs, or one on another computer that shares this cache, keeps nobody out for ever. Who lost
a lease that way learns it at the next renewal, which every use begins and ends with: nothing measured since is recorded.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import filelock

from reds.cache import cache_folder
from reds.errors import BusyError
from reds.files import write_whole
from targets.inventory import Device
from targets.usb import SystemBus, names

TERM_S = 3600.0  # longer than any single use of a board: an answer may take that long
RENEWAL_SHARE = 0.25  # of the term that passes before a renewal is written; until then it is only checked
POLL_S = 0.1  # of who waits
LONGEST_LOCK_S = 30.0  # the lock is held for some file operations
MOST_PID = 2**22  # of Linux, which other systems do not reach

Renew = Callable[[], None]
"""Says that a board is in use still; BusyError if it is somebody else's now."""


@dataclass(frozen=True)
class Lease:
    """Who uses a board.

    Attributes:
        token: tells this lease from every other.
        device: the id by which the owner knows the board.
        names: what the board is called (`targets.usb.names`).
        user, pid, process_start, host: the owner; `process_start` tells it from a later process of the same number, where the
            system says.
        acquired_s, expires_s: seconds since the epoch.
    """

    token: str
    device: str
    names: tuple[str, ...]
    user: str
    pid: int
    process_start: str | None
    host: str
    acquired_s: float
    expires_s: float

    @property
    def owner(self) -> str:
        """For people."""
        since = datetime.fromtimestamp(self.acquired_s, UTC).isoformat(timespec="seconds")
        return f"{self.user}, process {self.pid} on {self.host} since {since}"

    @property
    def owner_is_dead(self) -> bool:
        """Whether the owner is known not to run any more; nothing is known of other computers."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # another user's
        start = process_start(self.pid)
        return start is not None and self.process_start is not None and start != self.process_start


class Leases:
    """The leases of one process.

    Args:
        wait_s: how long to wait for a board that somebody else uses.
        say: told when a lease is taken over or waited for.
        folder: where leases lie; the same for all who share boards.
        term_s: how long a lease lasts after its last renewal.
        now_s: the time, in seconds since the epoch.
    """

    def __init__(
        self,
        wait_s: float = 0.0,
        say: Callable[[str], None] = print,
        folder: Path | None = None,
        term_s: float = TERM_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._wait_s, self._say, self._term_s, self._now_s = wait_s, say, term_s, now_s
        self._folder = folder or cache_folder("leases")
        self._reserved: dict[str, Lease] = {}

    def reserve(self, device: Device) -> bool:
        """Take a board for the next `hold` of it if nobody uses it now; whether it is had."""
        if device.is_board and device.id not in self._reserved:
            lease, _ = self._taken(device)
            if lease is None:
                return False
            self._reserved[device.id] = lease
        return True

    def give_back(self, device: Device) -> None:
        """Give back what was reserved and never held."""
        lease = self._reserved.pop(device.id, None)
        if lease is not None:
            self._release(lease)

    @contextmanager
    def hold(self, device: Device) -> Iterator[Renew]:
        """Have a board to oneself until the end of the `with`; what is no board needs no lease.

        Raises:
            BusyError: somebody else uses it, and still does after the time to wait.
        """
        if not device.is_board:
            yield _nothing_to_renew
            return
        lease = self._reserved.pop(device.id, None) or self._acquire(device)
        try:
            yield lambda: self._renew(lease)
        finally:
            self._release(lease)

    def owner(self, device: Device) -> str | None:
        """Who uses a board now; None if nobody does."""
        if not device.is_board:
            return None
        lease = next((one for _, one in self._of(names(device, SystemBus())) if not self._over(one)), None)
        return None if lease is None else lease.owner

    def _acquire(self, device: Device) -> Lease:
        deadline, waiting = time.monotonic() + self._wait_s, False
        while True:
            mine, user = self._taken(device)
            if mine is not None:
                return mine
            if time.monotonic() >= deadline:
                waited = f" after {self._wait_s:g} s of waiting" if self._wait_s else ""
                raise BusyError(
                    f"{device.id} is in use{waited}",
                    seen=user,
                    do="wait for it with pytest --wait SECONDS, or end that process",
                )
            if not waiting:
                self._say(f"{device.id} is in use by {user}; waiting for up to {self._wait_s:g} s")
                waiting = True
            time.sleep(POLL_S)

    def _taken(self, device: Device) -> tuple[Lease | None, str]:
        """A lease of a board, or none and who has it."""
        mine = self._new(device, names(device, SystemBus()))
        with self._lock():
            others = self._of(mine.names)
            for _, lease in others:
                if not self._over(lease):
                    return None, lease.owner
            for path, lease in others:
                self._say(f"{device.id}: {self._end_of(lease)}; taken over")
                path.unlink(missing_ok=True)
            self._write(mine)
        return mine, ""

    def _new(self, device: Device, its_names: tuple[str, ...]) -> Lease:
        now_s = self._now_s()
        return Lease(
            token=secrets.token_hex(8),
            device=device.id,
            names=its_names,
            user=getpass.getuser(),
            pid=os.getpid(),
            process_start=process_start(os.getpid()),
            host=socket.gethostname(),
            acquired_s=now_s,
            expires_s=now_s + max(self._term_s, 2 * device.answer_timeout_s),
        )

    def _renew(self, lease: Lease) -> None:
        """Prolong the lease unless it is somebody else's by now."""
        current, now_s = _read(self._path(lease)), self._now_s()
        term_s = lease.expires_s - lease.acquired_s
        if current is not None and current.token == lease.token and now_s < current.expires_s - (1 - RENEWAL_SHARE) * term_s:
            return
        with self._lock():
            current = _read(self._path(lease))
            if current is None or current.token != lease.token:
                taker = next((one for _, one in self._of(lease.names)), None)
                now = "its file is gone" if taker is None else f"in use by {taker.owner}"
                raise BusyError(
                    f"{lease.device} is not this run's any more",
                    seen=f"the lease was not renewed for {term_s:g} s; {now}",
                    do="run the tests of that board again",
                )
            self._write(Lease(**{**asdict(lease), "expires_s": now_s + term_s, "names": lease.names}))

    def _release(self, lease: Lease) -> None:
        with self._lock():
            current = _read(self._path(lease))
            if current is not None and current.token == lease.token:
                self._path(lease).unlink(missing_ok=True)

    def _over(self, lease: Lease) -> bool:
        return lease.owner_is_dead or self._now_s() >= lease.expires_s

    def _end_of(self, lease: Lease) -> str:
        """Why a lease is over."""
        return f"its user has died ({lease.owner})" if lease.owner_is_dead else f"its user has let it lapse ({lease.owner})"

    def _of(self, its_names: tuple[str, ...]) -> list[tuple[Path, Lease]]:
        """Leases of the board of these names, with their files."""
        found = ((path, _read(path)) for path in sorted(self._folder.glob("*.json")))
        return [(path, lease) for path, lease in found if lease is not None and not set(lease.names).isdisjoint(its_names)]

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Nobody else reads or changes leases meanwhile."""
        path = self._folder / "leases.lock"
        try:
            with filelock.FileLock(path, timeout=LONGEST_LOCK_S):
                yield
        except filelock.Timeout as error:
            raise BusyError("another process has been changing the leases of boards for too long", seen=str(path)) from error

    def _path(self, lease: Lease) -> Path:
        name = lease.names[0]
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]  # names that differ in what file names do not take
        return self._folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name)[:80]}-{digest}.json"

    def _write(self, lease: Lease) -> None:
        write_whole(self._path(lease), json.dumps(asdict(lease), indent=1).encode())


def _nothing_to_renew() -> None:
    """For a device that is started by who uses it."""


def _read(path: Path) -> Lease | None:
    """A lease from its file; None if there is none."""
    try:
        return parsed(path.read_bytes())
    except OSError:
        return None


def parsed(content: bytes) -> Lease | None:
    """A lease from a file's content; None if it is none: files are renamed whole, so whatever else is there is nobody's."""
    try:
        facts = json.loads(content)
        values = {field.name: facts[field.name] for field in fields(Lease)}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = ("token", "device", "user", "host")
    numbers = ("acquired_s", "expires_s")
    fits = (
        all(isinstance(values[name], str) for name in texts)
        and all(isinstance(values[name], float) and math.isfinite(values[name]) for name in numbers)
        and isinstance(values["pid"], int)
        and 0 < values["pid"] <= MOST_PID
        and isinstance(values["process_start"], str | None)
        and isinstance(values["names"], list)
        and values["names"]
        and all(isinstance(name, str) for name in values["names"])
    )
    return Lease(**{**values, "names": tuple(values["names"])}) if fits else None


def process_start(pid: int) -> str | None:
    """When a process began, in the kernel's clock ticks; None where the kernel (other than Linux) does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]  # field 22 of proc(5); the name before it may hold anything
