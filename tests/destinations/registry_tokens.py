"""A token server for Docker's registry, as its "Token Authentication" and "OAuth2" documents describe one."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ISSUER, SERVICE = "test issuer", "test registry"
LEEWAY = 60
"""For so many seconds after its end Docker's registry takes a token still."""


@dataclass(kw_only=True)
class TokenServer:
    """``users``: name → password and permitted actions. ``asked``: method and user of each request."""

    folder: Path
    url: str = ""
    users: dict[str, tuple[str, frozenset[str]]]
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    lifetime: float = 300
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def registry_settings(self) -> dict[str, Any]:
        """What the registry must know: docker-registry's ``auth``."""
        certificate = str(self.folder / "cert.pem")
        return {"token": {"realm": self.url, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": certificate}}

    def token(self, user: str, scopes: list[str]) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": user,
            "nbf": now - 120,
            "iat": now,
            "exp": int(now + self.lifetime),
            "jti": str(time.monotonic_ns()),
            "access": [self._access(user, scope) for scope in scopes],
        }
        certificate = "".join((self.folder / "cert.pem").read_text().splitlines()[1:-1])
        header = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.folder / "key.pem")]
        signature = subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{_encoded(signature)}"

    def _access(self, user: str, scope: str) -> dict[str, Any]:
        kind, name, actions = scope.split(":")
        return {"type": kind, "name": name, "actions": sorted(self.users[user][1].intersection(actions.split(",")))}


@contextmanager
def token_server(folder: Path, **settings: Any) -> Iterator[TokenServer]:
    folder.mkdir()
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=tests"]
    subprocess.run(["openssl", "req", "-x509", "-days", "2", *key], cwd=folder, check=True, capture_output=True)
    server = TokenServer(folder=folder, **settings)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(server)) as http:
        server.url = f"http://127.0.0.1:{http.server_port}/token"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield server
        http.shutdown()


def _handler(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scheme, _, value = self.headers.get("Authorization", "").partition(" ")
            user, _, password = base64.b64decode(value).decode().partition(":")
            server.asked.append(("GET", user))
            known = scheme == "Basic" and user in server.users and server.users[user][0] == password
            self._answer(user if known else None, parse_qs(urlsplit(self.path).query), "token")

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            user = server.refresh_tokens.get(form["refresh_token"][0]) if form["client_id"] else None
            server.asked.append(("POST", user or ""))
            self._answer(user if form["grant_type"] == ["refresh_token"] else None, form, "access_token")

        def _answer(self, user: str | None, query: dict[str, list[str]], name: str) -> None:
            known = user is not None and query.get("service") == [SERVICE]
            answer = {name: server.token(user, query.get("scope", []))} if known and user else {"details": "unknown"}
            data = json.dumps(answer).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
