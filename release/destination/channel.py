"""A channel: a moving name that only goes forward. Its file is canonical JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .. import canonical
from ..errors import ConflictError, VerificationError, VersionError
from ..version import Version, parse

REMEMBERED = 10
"""How many earlier targets a channel keeps."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """An exact release: a version and the digest of its ``release.json``."""

    version: Version
    manifest_digest: str


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Where the channel ``name`` points, and where it pointed before, newest first.

    The earlier ones are for readers: they skip versions that were yanked since.
    """

    name: str
    current: Pin
    previous: tuple[Pin, ...] = ()

    @property
    def pins(self) -> tuple[Pin, ...]:
        """All of them, newest first."""
        return (self.current, *self.previous)


def moved(channel: Channel | None, name: str, target: Pin) -> Channel:
    """Return the channel ``name`` pointing to ``target``; ``channel`` itself when it does already.

    Raises VersionError when that would go back in SemVer order, and ConflictError for the same
    version with another manifest.
    """
    if channel is None:
        return Channel(name=name, current=target)
    current = channel.current
    if current.version > target.version:
        raise VersionError(
            f"the channel {name!r} is at {current.version} and cannot go back to {target.version}",
            "publish a newer version, or publish without the channel",
        )
    if current.version < target.version:
        return Channel(name=name, current=target, previous=channel.pins[:REMEMBERED])
    if current.manifest_digest != target.manifest_digest:
        raise ConflictError(
            f"the channel {name!r} has {current.version} as {current.manifest_digest}, not {target.manifest_digest}",
            "raise the version",
        )
    return channel


def to_json(channel: Channel) -> bytes:
    """Write ``channel`` in its canonical form."""
    return canonical.dumps(
        {
            "schemaVersion": 1,
            "channel": channel.name,
            **_pin_document(channel.current),
            "previous": [_pin_document(pin) for pin in channel.previous],
        }
    )


def from_json(data: bytes, name: str) -> Channel:
    """Read the file of the channel ``name``. Raises VerificationError."""
    try:
        document: Any = canonical.loads(data)
        if document["schemaVersion"] > 1:
            raise VerificationError(f"the channel {name!r} has a newer form", "upgrade tesseral-release")
        channel = Channel(
            name=name, current=_pin(document), previous=tuple(_pin(item) for item in document["previous"])
        )
        whole = to_json(channel) == data and all(_DIGEST.fullmatch(pin.manifest_digest) for pin in channel.pins)
    except (KeyError, TypeError, ValueError, VersionError) as error:
        raise VerificationError(f"the channel {name!r} cannot be read", "set it again") from error
    if not whole or any(newer.version <= older.version for newer, older in pairwise(channel.pins)):
        raise VerificationError(f"the channel {name!r} is not as it was written", "set it again")
    return channel


def _pin_document(pin: Pin) -> dict[str, str]:
    return {"version": str(pin.version), "manifestDigest": pin.manifest_digest}


def _pin(document: Any) -> Pin:  # noqa: ANN401
    return Pin(version=parse(document["version"]), manifest_digest=document["manifestDigest"])
