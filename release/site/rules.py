"""All that can be wrong with the settings, as sentences. Reads what TOML gave, and no file."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import values
from .model import Listen

Document = Mapping[str, Any]
"""What a TOML file holds."""


@dataclass(frozen=True)
class Key:
    """What the value of a key has to be; see :mod:`release.site.values`."""

    check: Callable[[Any], str | None]
    required: bool = True


_CERTIFICATE = {"certificate": Key(values.absolute_path), "key": Key(values.absolute_path)}
_HOSTS = {name: Key(values.host) for name in ("backend-api", "config-api", "console", "vault")}
SECTIONS: Mapping[str, Mapping[str, Key]] = {
    "hosts": {**_HOSTS, "vaults": Key(values.hosts, required=False)},
    "tls": _CERTIFICATE,
    "api": {"address": Key(values.address), "environment": Key(values.path, required=False)},
    "web": {"vault-ui": Key(values.path), "console": Key(values.path)},
    "listen": {
        "https": Key(values.port, required=False),
        "http": Key(values.port_or_none, required=False),
        "addresses": Key(values.addresses, required=False),
    },
    "release": {"pin": Key(values.path, required=False)},
}
_PORTS = {"https": Listen.https, "http": Listen.http}


def faults(document: Document) -> list[str]:
    """Return everything that is wrong, each with its section and key; nothing for settings that are good."""
    return [
        *_unknown("", document, SECTIONS),
        *(fault for name in SECTIONS if name != "tls" for fault in _section_faults(name, document)),
        *_tls_faults(document),
        *_name_faults(document),
        *_port_faults(document),
    ]


def _section_faults(name: str, document: Document) -> Iterator[str]:
    required = any(key.required for key in SECTIONS[name].values())
    if name in document:
        yield from _table_faults(f"[{name}]", document[name], SECTIONS[name])
    elif required:
        yield f"[{name}] is missing"


def _table_faults(place: str, table: Any, keys: Mapping[str, Key], other: Collection[str] = ()) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(table, dict):
        yield f"{place} is {values.shown(table)}, which is no section"
        return
    yield from _unknown(f"{place} ", table, (*keys, *other))
    for name, key in keys.items():
        if name in table:
            problem = key.check(table[name])
            if problem is not None:
                yield f"{place} {name}: {problem}"
        elif key.required:
            yield f"{place} {name} is missing"


def _unknown(place: str, table: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for name in (name for name in table if name not in known):
        near = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        yield f"{place}{values.shown(name)} is not known: {hint}"


def _tls_faults(document: Document) -> Iterator[str]:
    """One certificate for all, or one for each host that has no other."""
    tls = document.get("tls", {})
    hosts = _host_keys(document)
    if not isinstance(tls, dict):
        yield from _table_faults("[tls]", tls, {})
        return
    own = {name: table for name, table in tls.items() if name not in _CERTIFICATE and name in hosts}
    for_all = _CERTIFICATE if _CERTIFICATE.keys() & tls.keys() else {}
    yield from _table_faults("[tls]", tls, for_all, other=(*_CERTIFICATE, *hosts))
    for name, table in own.items():
        yield from _table_faults(f"[tls.{_quoted(name)}]", table, _CERTIFICATE)
    missing = [name for name in hosts if name not in own]
    if missing and not for_all:
        yield f"[tls] has no certificate for {', '.join(map(_quoted, missing))}: name one for all, or one for each"


def _name_faults(document: Document) -> Iterator[str]:
    """The names together; of those that are none, something else was said."""
    hosts = _hosts(document)
    good = {name: hosts[name] for name in _HOSTS if name in hosts and values.host(hosts[name]) is None}
    vaults = hosts.get("vaults", [])
    others = vaults if values.hosts(vaults) is None else []
    for name, times in Counter([*good.values(), *others]).items():
        if times > 1:
            keys = [*(key for key in good if good[key] == name), *(["vaults"] if name in others else [])]
            yield f"[hosts] {', '.join(keys)}: {values.shown(name)} is there {times} times: give each a name of its own"
    if {"console", "vault"} <= good.keys() and not good["vault"].endswith(f".{good['console']}"):
        below = f"vault.{good['console']}"
        yield f"[hosts] vault: {values.shown(good['vault'])} is not below the console's domain, as {below} would be"


def _port_faults(document: Document) -> Iterator[str]:
    listen = document.get("listen", {})
    ports = {**_PORTS, **listen} if isinstance(listen, dict) else _PORTS
    if ports["http"] == ports["https"]:
        yield f"[listen] http: {values.shown(ports['http'])} is the port of https too: give another, or 0 for none"


def _hosts(document: Document) -> Mapping[str, Any]:
    hosts = document.get("hosts")
    return hosts if isinstance(hosts, dict) else {}


def _host_keys(document: Document) -> list[str]:
    vaults = _hosts(document).get("vaults")
    return [*_HOSTS, *(name for name in (vaults if isinstance(vaults, list) else []) if isinstance(name, str))]


def _quoted(name: str) -> str:
    """Return a name as it stands in the heading of a section."""
    return name if name in _HOSTS else values.shown(name)
