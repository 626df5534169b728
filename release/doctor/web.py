"""Asks web servers: one request, one answer, redirections not followed."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field

from .. import __version__
from .attempt import Trouble
from .resolve import Resolver

_LARGEST = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said; names of ``headers`` are in lower case, one that came several times is joined with commas."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def kind(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, kw_only=True)
class Web:
    """``seconds`` is how long a server may be silent. Certificates are checked as everywhere (``SSL_CERT_FILE``)."""

    resolver: Resolver
    seconds: float
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def get(
        self, host: str, path: str, *, port: int, tls: bool = True, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask ``host`` for ``path``. Raises Trouble when no answer comes, or one too large."""
        standard = 443 if tls else 80
        name = f"[{host}]" if ":" in host else host
        try:
            with (
                self.connected(host, port) as plain,
                self.trust.wrap_socket(plain, server_hostname=host) if tls else nullcontext(plain) as sock,
            ):
                connection = http.client.HTTPConnection(host, port)
                connection.sock = sock
                connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
                connection.putheader("Host", name if port == standard else f"{name}:{port}")
                connection.putheader("User-Agent", f"tesseral-release/{__version__} doctor")
                connection.putheader("Connection", "close")
                for key, value in (headers or {}).items():
                    connection.putheader(key, value)
                connection.endheaders()
                response = connection.getresponse()
                body = response.read(_LARGEST + 1)
        except ssl.SSLCertVerificationError as error:
            raise Trouble(f"the certificate of {host} is not good: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise Trouble(f"{host} does not speak TLS with us: {error.reason or error}") from None
        except http.client.HTTPException as error:
            raise Trouble(f"{host} does not speak HTTP with us: {type(error).__name__}") from None
        except OSError as error:
            raise Trouble(f"{host} breaks the connection off: {error.strerror or error}") from None
        if len(body) > _LARGEST:
            raise Trouble(f"{host} sends more for {path} than {_LARGEST >> 20} MiB")
        merged: dict[str, str] = {}
        for key, value in response.getheaders():
            low = key.lower()
            merged[low] = f"{merged[low]}, {value}" if low in merged else value
        return Answer(status=response.status, headers=merged, body=body)

    def connected(self, host: str, port: int) -> socket.socket:
        """Connect to ``host``, or to where a person says instead. Raises Trouble."""
        address, to = self.resolver.target(host, port)
        where = f"{host}:{port}" + ("" if (address, to) == (host, port) else f" ({address}:{to})")
        try:
            return socket.create_connection((address, to), self.seconds)
        except TimeoutError:
            raise Trouble(f"{where} does not answer within {self.seconds:g} s") from None
        except OSError as error:
            raise Trouble(f"{where} cannot be reached: {error.strerror or error}") from None
