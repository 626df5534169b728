"""A claim: who begins to publish a version writes down first with which manifest, create-only.

Without it, two publishers with different bytes could each write half of the files and block each
other for ever; with it, the first one has the version, and whoever has the same bytes may finish it.
"""

from __future__ import annotations

from typing import Any

from .. import canonical
from ..errors import ConflictError
from ..version import Version


def to_json(version: Version, manifest_digest: str) -> bytes:
    """Write the claim of ``version`` for the release whose ``release.json`` has ``manifest_digest``."""
    return canonical.dumps({"schemaVersion": 1, "version": str(version), "manifestDigest": manifest_digest})


def check(data: bytes, version: Version, manifest_digest: str, where: str) -> None:
    """Raise ConflictError unless the claim ``data``, found at ``where``, is for these very bytes."""
    if data == to_json(version, manifest_digest):
        return
    try:
        document: Any = canonical.loads(data)
        other = str(document["manifestDigest"])
    except (KeyError, TypeError, ValueError):
        other = "an unreadable manifest"
    raise ConflictError(
        f"{version} is claimed in {where} by an unfinished publish of other bytes: {other} there, "
        f"{manifest_digest} here",
        f"finish that one, or give it up with `tesseral-release abandon {version} --to {where}`, or raise the version",
    )
