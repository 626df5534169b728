"""Where a host is asked: what DNS says, or what a person says instead (``--resolve``, as curl has it)."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from .attempt import Trouble

_FORM = re.compile(
    r"(?P<host>\*|(?:\*\.)?[a-z0-9.-]+):(?P<port>[0-9]{1,5}):(?P<address>\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(?P<to>[0-9]{1,5}))?"
)


@dataclass(frozen=True, kw_only=True)
class Override:
    """Connections to ``host`` (``*``: any, ``*.name``: any below) at ``port`` go to ``address`` at ``to``."""

    host: str
    port: int
    address: str
    to: int

    def covers(self, host: str, port: int) -> bool:
        """Tell whether it is about this host and port."""
        below = self.host.startswith("*.") and host.endswith(self.host[1:])
        return port == self.port and (self.host in ("*", host) or below)


def parse_override(text: str) -> Override:
    """Read ``HOST:PORT:ADDRESS[:PORT]``. Raises UsageError."""
    found = _FORM.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        address = str(ipaddress.ip_address(found["address"].strip("[]")))
        ports = int(found["port"]), int(found["to"] or found["port"])
        if not all(0 < port < 1 << 16 for port in ports):
            raise ValueError(text)
    except ValueError:
        raise UsageError(
            f"--resolve {text!r} is not HOST:PORT:ADDRESS or HOST:PORT:ADDRESS:PORT",
            "write it like vault.example.com:443:203.0.113.7, an IPv6 address in brackets",
        ) from None
    return Override(host=found["host"], port=ports[0], address=address, to=ports[1])


@dataclass(frozen=True)
class Resolver:
    """Finds the address of a host; the first override that covers it counts."""

    overrides: Sequence[Override] = ()

    def override(self, host: str, port: int) -> Override | None:
        """Return what a person said about this host, None for nothing."""
        return next((one for one in self.overrides if one.covers(host, port)), None)

    def target(self, host: str, port: int) -> tuple[str, int]:
        """Return where to connect to."""
        found = self.override(host, port)
        return (host, port) if found is None else (found.address, found.to)


def ask_dns(host: str) -> tuple[str, ...]:
    """Return the addresses of a name, as this machine finds them. Raises Trouble when it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise Trouble(f"{host} has no address in DNS") from None
        raise Trouble(f"DNS does not answer for {host}: {error.strerror}") from None
    except UnicodeError:
        raise Trouble(f"{host} is no name that DNS could have") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
