"""A node for tests: an HTTP server that is relay and packager in one, remembers what it was asked and answers as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from school.core.db import Database
from school.media import streams


@dataclass
class Node:
    """`asked`: (method, path with query, authorization, body). It answers while `open` is set, and lives in `db`."""

    url: str = ""
    asked: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def live(self, db: Database) -> None:
        """Announce ourselves as `main`, with 60 of 100 seats free, every second."""
        while True:
            streams.announce(db, streams.Node("main", self.url, self.url, 100, 40))
            if self.over.wait(1):
                return


@contextmanager
def running(db: Database) -> Iterator[Node]:
    """Answers a POST as a relay would, and says of segments and hall playlists that they may be kept."""
    node = Node()
    node.open.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            node.asked.append((self.command, self.path, self.headers.get("Authorization", ""), body))
            node.open.wait(10)
            self.send_response(201 if self.command == "POST" else 200)
            if self.command == "POST":
                self.send_header("Location", f"{node.url}{self.path}/s-1")
                self.send_header("ETag", '"e1"')
                self.send_header("Set-Cookie", "no=1")
            segment, hall = self.path.endswith(".m4s"), self.path.endswith("hall.m3u8")
            self.send_header(
                "Cache-Control", "public, max-age=60" if segment else "public, max-age=1" if hall else "no-store"
            )
            self.send_header("Content-Type", "video/iso.segment" if segment else "application/sdp")
            content = b"answer to " + self.path.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PATCH = do_OPTIONS = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    streams.announce(db, streams.Node("main", node.url, node.url, 100, 40))
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True),
        threading.Thread(target=node.live, args=(db,), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield node
    finally:
        node.over.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
