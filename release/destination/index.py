"""``index.json``: the releases of a browsable destination, for readers that can list nothing. Derived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import canonical
from ..errors import VersionError
from ..version import Version, parse

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Row:
    """One release: ``committed_at`` is RFC 3339; ``yanked`` is the reason, None when it is not yanked."""

    version: Version
    manifest_digest: str
    committed_at: str
    yanked: str | None = None


def to_json(rows: Iterable[Row]) -> bytes:
    """Write the index in its canonical form, in SemVer order."""
    releases = [
        {
            "version": str(row.version),
            "manifestDigest": row.manifest_digest,
            "committedAt": row.committed_at,
            **({} if row.yanked is None else {"yanked": row.yanked}),
        }
        for row in sorted(rows, key=lambda row: row.version)
    ]
    return canonical.dumps({"schemaVersion": SCHEMA_VERSION, "releases": releases})


def from_json(data: bytes | None) -> tuple[Row, ...]:
    """Read an index. One that is missing or damaged is empty: it is derived, and made anew."""
    try:
        document: Any = canonical.loads(data or b"{}")
        if document["schemaVersion"] != SCHEMA_VERSION:
            return ()
        return tuple(
            Row(
                version=parse(row["version"]),
                manifest_digest=str(row["manifestDigest"]),
                committed_at=str(row["committedAt"]),
                yanked=None if "yanked" not in row else str(row["yanked"]),
            )
            for row in document["releases"]
        )
    except (KeyError, TypeError, ValueError, VersionError):
        return ()


def versions(data: bytes | None) -> tuple[Version, ...]:
    """Return the versions that an index lists."""
    return tuple(row.version for row in from_json(data))


def yanked(data: bytes | None) -> tuple[Version, ...]:
    """Return the versions that an index lists as yanked."""
    return tuple(row.version for row in from_json(data) if row.yanked is not None)
