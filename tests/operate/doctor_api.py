"""An api that answers as Tesseral's does to who is not logged in: each path otherwise, and some by their vault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
ANSWERS = {
    "/api/internal/health": (200, TEXT, b"ok"),
    "/api/backend/v1/project": (401, JSON, b'{"code":16,"message":"no access token found in cookies","details":[]}'),
    "/api/config-api/v1/config/tesseral-doctor": (400, JSON, b'{"code":400,"message":"invalid publishable key id"}'),
    "/.well-known/jwks.json": (200, JSON, b'{"keys":[]}'),
}
OF_A_VAULT = {"/api/frontend/v1/me": (401, JSON, b'{"code":16,"message":"no access token","details":[]}')}
UNKNOWN = (404, TEXT, b"404 page not found\n")


@dataclass(kw_only=True)
class Api:
    """``host`` is host:port; ``vaults`` are those of projects. ``unhealthy``: it has lost its database."""

    host: str
    vaults: tuple[str, ...]
    unhealthy: bool = False
    cache_control: str = ""


@contextmanager
def start_api(*vaults: str) -> Iterator[Api]:
    """Run it for as long as the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            status, kind, body = ANSWERS.get(self.path, UNKNOWN)
            if self.path in OF_A_VAULT:
                known = self.headers.get("X-Tesseral-Host") in api.vaults
                status, kind, body = OF_A_VAULT[self.path] if known else (404, TEXT, b"\n")
            if api.unhealthy and self.path == "/api/internal/health":
                status, body = 503, b"unhealthy: the database doesn't answer\n"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if api.cache_control:
                self.send_header("Cache-Control", api.cache_control)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        api = Api(host=f"127.0.0.1:{server.server_port}", vaults=vaults)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield api
        server.shutdown()
