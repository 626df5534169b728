"""Templates and settings in, nginx configuration out.

A template has tokens such as ``@names@``. Those in ``servers/`` are filled in once for each server of that kind,
with its names and certificate; ``servers/vaults.conf`` once for each certificate, ``servers/redirect.conf`` not at
all where there is no port for plain HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from .. import __version__
from ..errors import VerificationError
from ..site import Certificate, Site
from ..site.values import shown
from . import nginx
from .kit import MAIN, Kit

MARK = "# Made by tesseral-release "
"""How every file begins that this makes."""

_SERVERS = "servers/"
_TOKEN = re.compile("@([a-z_]+)@")
_OF_A_SERVER = ("names", "certificate", "key")
_UPGRADE = "use the kit of this tesseral-release, or the tesseral-release that the kit is for"

Values = Mapping[str, str]


def render(kit: Kit, site: Site) -> dict[str, str]:
    """Return the files of the configuration by path; it depends on nothing but ``kit`` and ``site``.

    Raises UsageError for settings that nginx cannot take, and VerificationError for a kit that is not for this
    program: tokens or servers that it does not know, or that it misses.
    """
    shared = _shared(site)
    servers = _servers(site)
    _check(kit, {*shared, *_OF_A_SERVER}, servers)
    head = f"{MARK}{__version__} from {shown(site.path.name)}, kit {kit.version}: change that and make it again.\n"
    files = {}
    for path, template in kit.templates.items():
        blocks = servers.get(path, [{}])
        if blocks:
            files[path] = "\n".join([head, *(_filled(path, template, {**shared, **block}) for block in blocks)])
    return files


def _shared(site: Site) -> Values:
    return {
        "api": site.api.address,
        "console": nginx.path(site, "[web] console", site.web.console),
        "listen_http": nginx.listen_http(site),
        "listen_https": nginx.listen_https(site),
        "names_hash": nginx.names_hash(site.hosts.by_key.values()),
        "port": site.listen.port,
        "vault_ui": nginx.path(site, "[web] vault-ui", site.web.vault_ui),
    }


def _servers(site: Site) -> Mapping[str, Sequence[Values]]:
    """Return by template the values of each server that it is for."""
    vaults: dict[Certificate, list[str]] = {}
    for key in site.hosts.by_key:
        if key not in ("backend-api", "config-api", "console"):
            vaults.setdefault(site.certificate(key), []).append(key)
    alone = {f"{_SERVERS}{key}.conf": [_server(site, [key])] for key in ("backend-api", "config-api", "console")}
    return {
        **alone,
        f"{_SERVERS}vaults.conf": [_server(site, keys) for keys in vaults.values()],
        f"{_SERVERS}redirect.conf": [{"names": _names(site, site.hosts.by_key)}] if site.listen.http else [],
    }


def _server(site: Site, keys: Sequence[str]) -> Values:
    """Return the values of a server for hosts of one certificate."""
    files = site.certificate(keys[0])
    section = f"[tls.{keys[0]}]" if keys[0] in site.tls.hosts else "[tls]"
    return {
        "names": _names(site, keys),
        "certificate": nginx.path(site, f"{section} certificate", files.certificate),
        "key": nginx.path(site, f"{section} key", files.key),
    }


def _names(site: Site, keys: Iterable[str]) -> str:
    return " ".join(site.hosts.by_key[key] for key in keys)


def _check(kit: Kit, known: set[str], servers: Iterable[str]) -> None:
    """Check that kit and program know the same servers and tokens. Raises VerificationError."""
    needed = {MAIN, *servers}
    for path in sorted(needed - kit.templates.keys()):
        raise VerificationError(f"the kit {kit.version} has no {path}", _UPGRADE)
    for path in sorted(path for path in kit.templates if path.startswith(_SERVERS) and path not in needed):
        raise VerificationError(f"the kit {kit.version} has a server {path} that is not known here", _UPGRADE)
    used = {name for template in kit.templates.values() for name in _TOKEN.findall(template)}
    for name in sorted(known - used):
        raise VerificationError(f"the kit {kit.version} uses no @{name}@", _UPGRADE)


def _filled(path: str, template: str, values: Values) -> str:
    for name in _TOKEN.findall(template):
        if name not in values:
            raise VerificationError(f"{path} of the kit has @{name}@, which has no value there", _UPGRADE)
    return _TOKEN.sub(lambda token: values[token[1]], template)
