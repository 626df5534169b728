"""nginx with a folder of releases, over TLS of an own authority and over plain HTTP, for the tests of https."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from programs import free_host, serving

from pipeline.debian import require

CONFIG = """
daemon off;
# One process: a worker would outlive a master that is killed, and keep its port.
master_process off;
user root;
pid {folder}/pid;
error_log stderr;
events {{ }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    gzip_min_length 1;
    gzip_types *;
    server {{
        listen {plain};
        listen {secure} ssl;
        server_name localhost;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        root {root};
        # Everything again, each below a path of its own, with a habit of some server.
        location /whole/ {{ alias {root}/; max_ranges 0; }}
        location /packed/ {{ alias {root}/; add_header Content-Encoding gzip; }}
        location /private/ {{ alias {root}/; auth_basic "releases"; auth_basic_user_file {folder}/users; }}
        location /forbidden/ {{ return 403; }}
        location /bucket/ {{ alias {root}/; error_page 404 = @denied; }}
        location @denied {{
            default_type application/xml;
            return 403 "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
        location /insecure/ {{ rewrite ^/insecure/(.*)$ http://{plain}/$1 redirect; }}
        location /loop/ {{ rewrite ^/loop/(.*)$ /loop/$1 redirect; }}
        location /nowhere/ {{ return 302 "https://"; }}
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class WebServer:
    """``plain`` and ``secure`` are host:port; ``authority`` is the certificate that signed the server's."""

    plain: str
    secure: str
    authority: Path
    log: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.secure.partition(':')[2]}"


@contextmanager
def start_nginx(root: Path, folder: Path) -> Iterator[WebServer]:
    """Serve ``root``; ``folder`` is for nginx's own files. User and password of /private/ are ``operator:s3cret``."""
    asyncio.run(require(["nginx"], commands=["nginx"], say=print))
    folder.mkdir()
    _certify(folder)
    hashed = subprocess.run(
        ["openssl", "passwd", "-apr1", "s3cret"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (folder / "users").write_text(f"operator:{hashed}\n")
    server = WebServer(plain=free_host(), secure=free_host(), authority=folder / "ca.pem", log=folder / "access.log")
    config = CONFIG.format(folder=folder, root=root, plain=server.plain, secure=server.secure)
    (folder / "nginx.conf").write_text(config)
    with serving(["nginx", "-p", folder, "-c", folder / "nginx.conf"], server.plain, folder / "output"):
        yield server


def _certify(folder: Path) -> None:
    """Make an authority, and a certificate for ``localhost`` by it."""
    new: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    ca: list[str | Path] = ["-subj", "/CN=Authority of a test", "-keyout", folder / "ca.key", "-out", folder / "ca.pem"]
    subprocess.run([*new, *ca], check=True, capture_output=True)
    own = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]
    signed: list[str | Path] = ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"]
    files: list[str | Path] = ["-keyout", folder / "server.key", "-out", folder / "server.pem"]
    subprocess.run([*new, *own, *signed, *files], check=True, capture_output=True)
