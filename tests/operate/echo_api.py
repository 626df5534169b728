"""An api for proxies to stand before: an HTTP server that tells how each request reached it.

The answer is JSON: method, target (to the byte, as latin-1), headers (a list of pairs), size of the body. What a
path contains decides more: ``status-404``, ``kept`` (says how it may be cached), ``moved``, ``long-header``,
``parts`` (see :attr:`EchoApi.go_on`), ``large``; a WebSocket's handshake is accepted, and its bytes come back.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEPT = "public, max-age=60"
PARTS = (b"first\n", b"second\n")
LARGE = 50_000_000


@dataclass(frozen=True, kw_only=True)
class EchoApi:
    """``host`` is host:port; ``seen`` are the request lines so far. The second part of an answer in parts comes when
    ``go_on`` is set."""

    host: str
    seen: list[str]
    go_on: threading.Event = field(default_factory=threading.Event)


@contextmanager
def start_echo_api() -> Iterator[EchoApi]:
    """Run it for as long as the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        api = EchoApi(host=f"127.0.0.1:{server.server_port}", seen=[])
        _Handler.api = api
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield api
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: EchoApi

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        self.api.seen.append(self.requestline)
        # self.path is not what was asked for: Python takes slashes away.
        target = self.requestline.split(" ")[1]
        size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if (self.headers.get("Upgrade"), self.headers.get("Connection")) == ("websocket", "upgrade"):
            self._upgrade()
        elif "parts" in target:
            self._in_parts()
        else:
            self._echo(target, size)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer  # noqa: N815 - names of http.server

    def _echo(self, target: str, size: int) -> None:
        status = re.search(r"status-([0-9]{3})", target)
        document = {"method": self.command, "target": target, "headers": self.headers.items(), "size": size}
        body = b" " * LARGE if "large" in target else json.dumps(document).encode()
        self.send_response(302 if "moved" in target else int(status[1]) if status else 200)
        self.send_header("Content-Type", "text/html" if "page" in target else "application/json")
        self.send_header("Content-Length", str(len(body)))
        if "kept" in target:
            self.send_header("Cache-Control", KEPT)
        if "moved" in target:
            self.send_header("Location", target.replace("moved", "here"))
        if "long-header" in target:
            self.send_header("Set-Cookie", f"token={'x' * 20_000}")
        if status:  # as Go's http.Error does
            self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def _in_parts(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, part in enumerate(PARTS):
            if number:
                self.api.go_on.wait(20)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _upgrade(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "upgrade")
        self.end_headers()
        self.connection.sendall(self.connection.recv(100))
        self.close_connection = True
