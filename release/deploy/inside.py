"""What the proxies see from inside of their pod: the same hosts, with files and the api at places of the pod's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import UsageError
from ..site import Api, Certificate, Listen, Site, Tls, Web
from .names import secret_name

API = "tesseral-api:3001"
"""The api's Service."""

_TLS = Path("/etc/tesseral/tls")
_WEB = Web(vault_ui=Path("/srv/tesseral/vault-ui"), console=Path("/srv/tesseral/console"))


def inside(site: Site) -> Site:
    """Return the settings for a pod, where a certificate lies in a folder called like its Secret.

    Raises UsageError for addresses to listen on that no pod has.
    """
    default = None if site.tls.default is None else _mounted(_secret())
    hosts = {key: _mounted(_secret(key)) for key in site.tls.hosts}
    return replace(site, api=Api(address=API), web=_WEB, tls=Tls(default=default, hosts=hosts), listen=_listen(site))


def secrets_of(site: Site) -> Mapping[str, Certificate]:
    """Return the certificates by the name of their Secret. Raises UsageError when one is too long."""
    default = {} if site.tls.default is None else {_secret(): site.tls.default}
    return default | {_secret(key): files for key, files in site.tls.hosts.items()}


def _secret(key: str | None = None) -> str:
    # A key of ours has no dot, a name in vaults has one, and no label of a host is *.
    name = "tesseral-tls" if key is None else f"tesseral-tls-{key.replace('*.', 'wildcard.', 1)}"
    return secret_name(name)


def _mounted(name: str) -> Certificate:
    return Certificate(certificate=_TLS / name / "tls.crt", key=_TLS / name / "tls.key")


def _listen(site: Site) -> Listen:
    wrong = [one for one in site.listen.addresses if one not in Listen.addresses]
    if wrong:
        raise UsageError(
            f"{site.path}: [listen] addresses: {wrong[0]} is none of a pod, which gets its own",
            f"leave it out, or name {' or '.join(Listen.addresses)}",
        )
    return site.listen
