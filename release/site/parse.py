"""Reads the settings: TOML in, a :class:`Site` out, or everything that is wrong with it at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .model import Api, Certificate, Hosts, Listen, Site, Tls, Web
from .rules import faults

_LARGEST = 1 << 20


def read(path: Path) -> Site:
    """Read the settings at ``path``; the paths of the result are absolute.

    Raises UsageError for a file that cannot be read or that :func:`parse` refuses.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name the settings with --config") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path} is larger than settings are", "name the settings with --config")
    return parse(data, path)


def parse(data: bytes, path: Path) -> Site:
    """Read settings that stand in the file ``path``, which relative paths count from. No file is looked at.

    Raises UsageError: its problem is the only fault, or its detail lists all of them, a line each.
    """
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # a nesting without end is what tomllib has no error for
        raise UsageError(f"{path} is no TOML: {error}", "correct it") from error
    found = [f"{path}: {fault}" for fault in faults(document)]
    if len(found) == 1:
        raise UsageError(found[0], "correct it")
    if found:
        raise UsageError(f"{path} has {len(found)} faults", "correct the lines above", detail="\n".join(found))
    return _site(document, path)


def _site(document: Mapping[str, Any], path: Path) -> Site:
    """Return what ``document`` says, which has no fault."""
    folder = path.absolute().parent
    hosts, tls, api, web = (document[name] for name in ("hosts", "tls", "api", "web"))
    environment, pin = api.get("environment"), document.get("release", {}).get("pin")
    listen = document.get("listen", {})
    return Site(
        path=path,
        hosts=Hosts(
            backend_api=hosts["backend-api"],
            config_api=hosts["config-api"],
            console=hosts["console"],
            vault=hosts["vault"],
            vaults=tuple(hosts.get("vaults", ())),
        ),
        tls=Tls(
            default=_certificate(tls) if "certificate" in tls else None,
            hosts={name: _certificate(table) for name, table in tls.items() if isinstance(table, dict)},
        ),
        api=Api(address=api["address"], environment=None if environment is None else folder / environment),
        web=Web(vault_ui=folder / web["vault-ui"], console=folder / web["console"]),
        listen=Listen(
            https=listen.get("https", Listen.https),
            http=listen.get("http", Listen.http),
            addresses=tuple(listen.get("addresses", Listen.addresses)),
        ),
        pin=None if pin is None else folder / pin,
    )


def _certificate(table: Mapping[str, Any]) -> Certificate:
    return Certificate(certificate=Path(table["certificate"]), key=Path(table["key"]))
