"""One installation of Tesseral, as its operator describes it. What is in a :class:`Site` was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Public names, in lower case. ``vault`` is the first project's and lies below ``console``.

    ``vaults`` are those of other projects; one may start with ``*.``, for every name below.
    """

    backend_api: str
    config_api: str
    console: str
    vault: str
    vaults: tuple[str, ...] = ()

    @property
    def by_key(self) -> Mapping[str, str]:
        """Every name by what ``[tls.…]`` calls it: its key, or for those in ``vaults`` the name itself."""
        own = {
            "backend-api": self.backend_api,
            "config-api": self.config_api,
            "console": self.console,
            "vault": self.vault,
        }
        return own | {name: name for name in self.vaults}


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Files in PEM, by absolute path: a certificate with its chain, and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Tls:
    """``default`` is for every host that ``hosts`` has none for, by the keys of :attr:`Hosts.by_key`."""

    default: Certificate | None
    hosts: Mapping[str, Certificate] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where the proxies reach the api, ``host:port``; and the file of its variables, where doctor may read it."""

    address: str
    environment: Path | None = None

    @property
    def host(self) -> str:
        """The name or IP address, an IPv6 one without its brackets."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port."""
        return int(self.address.rpartition(":")[2])


@dataclass(frozen=True, kw_only=True)
class Web:
    """The folders of the two bundles, unpacked and configured."""

    vault_ui: Path
    console: Path


@dataclass(frozen=True, kw_only=True)
class Listen:
    """Ports of the proxies; ``http`` only redirects, and 0 is none. ``addresses``: IP addresses, IPv6 in brackets."""

    https: int = 443
    http: int = 80
    addresses: tuple[str, ...] = ("0.0.0.0", "[::]")  # noqa: S104 - the proxies are what the public asks

    @property
    def port(self) -> str:
        """What follows a name in an https address: nothing for the usual port."""
        return "" if self.https == 443 else f":{self.https}"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything in one settings file, ``path``. All other paths are absolute when that is.

    ``pin`` is the file of the release that is meant to run.
    """

    path: Path
    hosts: Hosts
    tls: Tls
    api: Api
    web: Web
    listen: Listen = Listen()
    pin: Path | None = None

    def certificate(self, key: str) -> Certificate:
        """Return the certificate of a host, by its key in :attr:`Hosts.by_key`."""
        found = self.tls.hosts.get(key, self.tls.default)
        if found is None:
            raise KeyError(key)
        return found
