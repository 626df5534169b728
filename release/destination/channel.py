"""A channel: a moving name that only goes forward. Its file is canonical JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .. import canonical
from ..errors import ConflictError, VerificationError, VersionError
from ..version import Version, parse

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Where the channel ``name`` points: a version and the digest of its ``release.json``."""

    name: str
    version: Version
    manifest_digest: str


def goes_forward(current: Channel | None, wanted: Channel) -> bool:
    """Tell whether the channel must be written: False when it points there already.

    Raises VersionError when that would go back in SemVer order, and ConflictError for the same
    version with another manifest.
    """
    if current is None or current.version < wanted.version:
        return True
    if current.version > wanted.version:
        raise VersionError(
            f"the channel {wanted.name!r} is at {current.version} and cannot go back to {wanted.version}",
            "publish a newer version, or publish without the channel",
        )
    if current.manifest_digest != wanted.manifest_digest:
        raise ConflictError(
            f"the channel {wanted.name!r} has {current.version} as {current.manifest_digest}, "
            f"not {wanted.manifest_digest}",
            "raise the version",
        )
    return False


def to_json(channel: Channel) -> bytes:
    """Write ``channel`` in its canonical form."""
    return canonical.dumps(
        {
            "schemaVersion": 1,
            "channel": channel.name,
            "version": str(channel.version),
            "manifestDigest": channel.manifest_digest,
        }
    )


def from_json(data: bytes, name: str) -> Channel:
    """Read the file of the channel ``name``. Raises VerificationError."""
    try:
        document: Any = canonical.loads(data)
        newer = document["schemaVersion"] > 1
        channel = Channel(
            name=name,
            version=parse(document["version"]),
            manifest_digest=document["manifestDigest"],
        )
        whole = to_json(channel) == data and _DIGEST.fullmatch(channel.manifest_digest)
    except (KeyError, TypeError, ValueError, VersionError) as error:
        raise VerificationError(f"the channel {name!r} cannot be read", "set it again") from error
    if newer:
        raise VerificationError(f"the channel {name!r} has a newer form", "upgrade tesseral-release")
    if not whole:
        raise VerificationError(f"the channel {name!r} is not as it was written", "set it again")
    return channel
