"""An HTTP server on this computer that gives one file, whole, from a place on, or with the faults that real servers have."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Served:
    """What the server does, and what it was asked.

    Attributes:
        content: of the file.
        ranges: whether it honours a Range header.
        breaks_after: bytes after which it drops the connection, once; None for never.
        status: what it answers instead of the file.
    """

    content: bytes
    ranges: bool = True
    breaks_after: int | None = None
    status: int | None = None
    url: str = ""
    asked: list[str | None] = field(default_factory=list)


@contextmanager
def serving(content: bytes) -> Iterator[Served]:
    """The server, while it runs; its file is named `file.bin`."""
    served = Served(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.asked.append(asked)
            if served.status is not None:
                self.send_error(served.status)
                return
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.ranges else 0
            if begin and begin >= len(served.content):
                self.send_error(416)
                return
            rest = served.content[begin:]
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(rest)))
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(served.content) - 1}/{len(served.content)}")
            self.end_headers()
            cut, served.breaks_after = served.breaks_after, None
            self.wfile.write(rest if cut is None else rest[:cut])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/file.bin"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
