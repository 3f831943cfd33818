"""Boards behind TCP ports, each a real firmware's process, that notice when two clients use one of them at a time."""

from __future__ import annotations

import math
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from targets.wire.frames import Frame, FrameReader
from targets.wire.messages import Verb
from tests.targets import bridge


@dataclass
class RigBoard:
    """One board.

    Attributes:
        name: its id in the inventory.
        url: where it is reached.
        clients: connections that it has served.
        most_at_once: how many of them were open at one time; what is checked is that this is never two.
        inferences: that it was asked for, so that a test knows that it was used.
        work_s: what an inference takes longer than it takes this computer.
        first_s, last_s: when the first client came and the last one went, of `time.perf_counter`.
    """

    name: str
    url: str
    clients: int = 0
    most_at_once: int = 0
    inferences: int = 0
    work_s: float = 0.0
    first_s: float = math.inf
    last_s: float = -math.inf
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, connection: socket.socket, command: Sequence[str], ending: threading.Event) -> None:
        """Give a client a device process of its own, however many there are: that they are several is for the test to see."""
        with self._lock:
            self.first_s = min(self.first_s, time.perf_counter())
            self.clients += 1
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        reader = FrameReader()

        def working(data: bytes) -> bytes:
            asked = sum(isinstance(frame, Frame) and frame.verb == Verb.INFER for frame in reader.feed(data))
            self.inferences += asked
            time.sleep(asked * self.work_s)
            return data

        try:
            with connection:
                bridge.pump(connection.fileno(), list(command), ending, working)
        finally:
            with self._lock:
                self._open -= 1
                self.last_s = time.perf_counter()


@contextmanager
def rig(command: Sequence[str], count: int, work_s: float = 0.0) -> Iterator[tuple[RigBoard, ...]]:
    """Some equal boards that run a program, until the end of the `with`."""
    ending = threading.Event()
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    boards = tuple(
        RigBoard(f"board-{number}", f"socket://127.0.0.1:{server.getsockname()[1]}", work_s=work_s)
        for number, server in enumerate(servers, start=1)
    )
    threads = [
        threading.Thread(target=_accept, args=pair)
        for pair in zip(boards, servers, [command] * count, [ending] * count, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield boards
    finally:
        ending.set()
        for thread in threads:
            thread.join()
        for server in servers:
            server.close()


def _accept(board: RigBoard, server: socket.socket, command: Sequence[str], ending: threading.Event) -> None:
    clients: list[threading.Thread] = []
    while not ending.is_set():
        if select.select([server], [], [], bridge.POLL_S)[0]:
            thread = threading.Thread(target=board.serve, args=(server.accept()[0], command, ending))
            thread.start()
            clients.append(thread)
    for thread in clients:
        thread.join()


def write_inventory(path: Path, boards: Sequence[RigBoard], kind: str, environment: str) -> None:
    """An inventory file that names the boards of a rig."""
    tables = (
        f'[devices.{board.name}]\nkind = "{kind}"\nenvironment = "{environment}"\nport = "{board.url}"\n' for board in boards
    )
    path.write_text("\n".join(tables))
