"""Looks at the certificates that the settings name: are the files there, and may they be read?"""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from .model import Site


def check_certificates(site: Site) -> None:
    """Check that every certificate and key is a file that can be read; what is in it, nobody looks at.

    Raises UsageError, with a line for each file in its detail when there are several.
    """
    found = [f"{site.path}: {place}: {fault}" for place, fault in _faults(site)]
    if len(found) == 1:
        raise UsageError(found[0], "put it there, or name another")
    if found:
        problem = f"{site.path} names {len(found)} files of certificates that cannot be read"
        raise UsageError(problem, "put them there, or name others", detail="\n".join(found))


def _faults(site: Site) -> list[tuple[str, str]]:
    named = {"[tls]": site.tls.default} | {f"[tls.{name}]": one for name, one in site.tls.hosts.items()}
    files = [
        (f"{place} {key}", path)
        for place, one in named.items()
        if one is not None
        for key, path in (("certificate", one.certificate), ("key", one.key))
    ]
    return [(place, fault) for place, path in files if (fault := _fault(path)) is not None]


def _fault(path: Path) -> str | None:
    try:
        path.open("rb").close()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return None
