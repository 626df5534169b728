"""The services of one machine with systemd, and how they get there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from ..archive import folder_name
from ..errors import UsageError
from ..manifest import Artifact
from ..site import Site
from ..site.values import shown
from .pinned import Pinned
from .template import filled, header

ROOT = "/opt/tesseral"
"""Folder of the unpacked releases on the machine, each in one called like its version."""

# Units take % as a specifier, * and ? as a pattern, \ and quotes as their own.
_PLAIN = re.compile(r"/[A-Za-z0-9._/@+,:=~-]*")


def render_systemd(release: Pinned, site: Site, *, target: str, pin: Path) -> dict[str, str]:
    """Return the files by name. ``target`` is that of the machine, ``pin`` the file that people type.

    Raises UsageError for a release without what is needed, and for settings that a unit cannot take.
    """
    values = _values(release, site, target, pin)
    values["sandbox"] = filled("systemd/sandbox.conf", {}).rstrip("\n")
    names = ("README.md", "tesseral-api.service", "tesseral-migrate.service", "tmpfiles.conf")
    return {name: header(site, release) + filled(f"systemd/{name}", values) for name in names}


def _values(release: Pinned, site: Site, target: str, pin: Path) -> dict[str, str]:
    environment = _environment(site)
    return {
        "address": site.api.address,
        "api": f"{_folder(release, release.archive('api', target))}/api",
        "config": shlex.quote(site.path.name),
        "console": shlex.quote(str(site.web.console)),
        "environment": _plain(site, environment),
        "kit": f" --in {ROOT}/{release.version}" if release.kit is not None else "",
        "kit_piece": release.kit_flag,
        "last": str(release.last_migration),
        "migrate_environment": _plain(site, environment.with_name("migrate.env")),
        "openauthctl": f"{_folder(release, release.archive('bootstrap', target))}/openauthctl",
        "pin": shlex.quote(pin.name),
        "target": target,
        "vault_ui": shlex.quote(str(site.web.vault_ui)),
        "vault_ui_folder": _folder(release, release.archive("vault-ui")),
        "vault_ui_parent": shlex.quote(str(site.web.vault_ui.parent)),
        "vault_url": f"https://{site.hosts.vault}{site.listen.port}",
        "version": release.version,
    }


def _folder(release: Pinned, archive: Artifact) -> str:
    return f"{ROOT}/{release.version}/{folder_name(archive.name)}"


def _environment(site: Site) -> Path:
    if site.api.environment is None:
        raise UsageError(
            f"{site.path}: [api] environment is missing, where the service reads the api's variables",
            'add it, such as environment = "/etc/tesseral/api.env"',
        )
    return site.api.environment


def _plain(site: Site, path: Path) -> str:
    if _PLAIN.fullmatch(str(path)) is None:
        raise UsageError(
            f"{site.path}: [api] environment: {shown(str(path))} has a character that systemd takes for something else",
            "use letters, digits and . _ - in it",
        )
    return str(path)
