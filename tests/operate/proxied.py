"""The proxies as an operator has them: real nginx with a configuration that ``configure proxy`` makes, over TLS."""

from __future__ import annotations

import asyncio
import http.client
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import free_host, serving
from settings_samples import GOOD, settings, site_of

from pipeline.debian import require
from release.proxy import installed, render, write_folder
from release.site import Site

VAULTS = ["*.vaults.example.com", "login.customer.example"]
CONFIG = """
daemon off;
# One process: a worker would outlive a master that is killed, and keep its ports.
master_process off;
user root;
pid {folder}/pid;
error_log stderr info;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include tesseral/tesseral.conf;
    server {{ listen {ready}; return 204; }}
}}
"""
SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; the names of ``headers`` are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """The value of a header that has to be there once."""
        (value,) = self.all(name)
        return value


@dataclass(frozen=True, kw_only=True)
class Proxies:
    """Running proxies; ``authority`` is the certificate that signed theirs."""

    site: Site
    authority: Path
    folder: Path

    @contextmanager
    def connected(self, name: str) -> Iterator[ssl.SSLSocket]:
        """A connection to the host ``name``, whose certificate has to be for it."""
        context = ssl.create_default_context(cafile=str(self.authority))
        context.set_alpn_protocols(["http/1.1"])
        with (
            socket.create_connection(("127.0.0.1", self.site.listen.https), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            yield secure

    def ask(
        self,
        name: str,
        target: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        host: str | None = None,
    ) -> Answer:
        """Ask the host ``name`` for ``target``, which is sent as it is; ``host`` is what the header says instead."""
        with self.connected(name) as secure:
            return exchange(secure, name if host is None else host, target, method, headers or {}, body)

    def ask_with_http_2(self, name: str, target: str, *more: str) -> str:
        """Ask with curl, over HTTP/2, and return the body."""
        asyncio.run(require(["curl"], commands=["curl"], say=print))
        port = self.site.listen.https
        where = ["--cacert", str(self.authority), "--resolve", f"{name}:{port}:127.0.0.1", "--noproxy", "*"]
        url = f"https://{name}:{port}{target}"
        # Its own file of settings stays out of it.
        command = ["curl", "-q", "--silent", "--show-error", "--http2", "--path-as-is", *where, *more, url]
        form = ["--write-out", "%{stderr}%{http_version}"]
        done = subprocess.run([*command, *form], check=True, capture_output=True, text=True)
        assert done.stderr == "2"
        return done.stdout

    def ask_plain(self, name: str, target: str = "/") -> Answer:
        """The same over plain HTTP."""
        with socket.create_connection(("127.0.0.1", self.site.listen.http), SECONDS) as plain:
            return exchange(plain, name, target, "GET", {}, b"")


def exchange(
    sock: socket.socket, host: str, target: str, method: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Send one request and read its answer. Raises what :mod:`http.client` raises."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"Content-Length: {len(body)}"] if body else []
    lines += [f"{key}: {value}" for key, value in headers.items()]
    sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    # Who refuses a large body may close before all of it is read.
    refused = False
    try:
        sock.sendall(body)
    except OSError:
        refused = True
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    assert response.status >= 400 or not refused
    pairs = [(key.lower(), value) for key, value in response.getheaders()]
    return Answer(status=response.status, headers=pairs, body=response.read())


_given: set[str] = set()


def new_host() -> str:
    """An address of this machine that nobody listens on, and that no test was given: they listen a moment later."""
    while (host := free_host()) in _given:
        pass
    _given.add(host)
    return host


def port_of(host: str) -> int:
    return int(host.rpartition(":")[2])


def local_site(folder: Path, api: str, **sections: Any) -> Site:
    """Settings for proxies on free ports of this machine; bundles lie below ``folder``, certificates too."""
    tls = {"certificate": str(folder / "server.pem"), "key": str(folder / "server.key")}
    customer = {"certificate": str(folder / "customer.pem"), "key": str(folder / "customer.key")}
    listen = {"https": port_of(new_host()), "http": port_of(new_host()), "addresses": ["127.0.0.1"]}
    document = settings(
        **{
            "hosts": {"vaults": VAULTS},
            "tls": {**tls, "login.customer.example": customer},
            "api": {"address": api},
            "web": {"vault-ui": str(folder / "vault-ui"), "console": str(folder / "console")},
            "listen": listen,
            **sections,
        }
    )
    return site_of(document, folder / "tesseral.toml")


def certify(folder: Path) -> None:
    """Make an authority, a certificate for all hosts but one custom domain, and one for that."""
    names = [*GOOD["hosts"].values(), "*.vaults.example.com"]
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    ca = ["-subj", "/CN=Authority of a test", "-keyout", "ca.key", "-out", "ca.pem"]
    subprocess.run([*new, *ca], cwd=folder, check=True, capture_output=True)
    for file, these in (("server", names), ("customer", ["login.customer.example"])):
        own = ["-subj", f"/CN={file}", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in these)]
        signed = ["-addext", "basicConstraints=CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key"]
        files = ["-keyout", f"{file}.key", "-out", f"{file}.pem"]
        subprocess.run([*new, *own, *signed, *files], cwd=folder, check=True, capture_output=True)


def nginx_folder(site: Site, folder: Path, ready: str) -> Path:
    """Lay out nginx's own folder: its configuration, which includes that of the proxies."""
    folder.mkdir(parents=True)
    write_folder(folder / "tesseral", render(installed(), site))
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, ready=ready))
    return folder


def nginx_test(folder: Path) -> str:
    """What ``nginx -t`` says; nothing when it is content."""
    command: list[str | Path] = ["nginx", "-t", "-q", "-p", folder, "-c", folder / "nginx.conf"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return done.stderr


@contextmanager
def start_proxies(site: Site, folder: Path) -> Iterator[Proxies]:
    """Run the proxies of ``site``, whose certificates :func:`certify` made; ``folder`` is for nginx and new."""
    need_nginx()
    ready = new_host()
    nginx_folder(site, folder, ready)
    with serving(["nginx", "-p", folder, "-c", folder / "nginx.conf"], ready, folder / "output"):
        yield Proxies(site=site, authority=site.certificate("vault").certificate.with_name("ca.pem"), folder=folder)


def need_nginx() -> None:
    """Install nginx where it is missing."""
    asyncio.run(require(["nginx"], commands=["nginx"], say=print))


def lay_out_bundles(folder: Path) -> None:
    """Two bundles with a file of each kind, and what must not be served beside them."""
    for name in ("vault-ui", "console"):
        root = folder / f"{name}-1.4.0"
        (root / "images/deep").mkdir(parents=True)
        (root / ".git").mkdir()
        (root / "index.html").write_text(f"<!doctype html>\n<title>{name}</title>\n")
        (root / "index.js").write_text(f"// {name}\n" + "console.log('compress me');\n" * 500)
        (root / "index.js.map").write_text('{"version": 3, "sources": ["a.ts"], "mappings": ""}')
        (root / "index.css").write_text("body { margin: 0 }\n" * 200)
        (root / "configured.json").write_text("{}\n")
        (root / "images/logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>" + " " * 2000)
        (root / "images/photo.png").write_bytes(b"\x89PNG" + bytes(3000))
        (root / "images/deep/Gr\u00f6\u00dfe 1.txt").write_text("Größe")
        (root / ".env").write_text("SECRET=1")
        (root / ".git/config").write_text("SECRET=2")
        (root / "leak.txt").symlink_to("/etc/passwd")
        (root / "leaks").symlink_to("/etc")
        # The root is a link, as operators have it.
        (folder / name).symlink_to(root.name)
    shutil.copy(folder / "console/images/photo.png", folder / "console/films.mp4")
