"""A channel: a moving name that only goes forward. Its file is canonical JSON, signed or not (docs/formats.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from .. import canonical, rfc3339
from ..errors import ConflictError, UsageError, VerificationError, VersionError
from ..version import Version, parse
from .yank import check_reason

REMEMBERED = 10
"""How many earlier targets a channel keeps."""
LARGEST_SEQUENCE = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly (RFC 8259, section 6)."""

_AGAIN = "whoever publishes it has to remove it and set it again"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """An exact release: a version and the digest of its ``release.json``.

    ``yanked``: in a channel, why its readers pass this one over.
    """

    version: Version
    manifest_digest: str
    yanked: str | None = None


@dataclass(frozen=True, kw_only=True)
class Seal:
    """Until when a signed channel counts, and its signature (:mod:`.seal`), the text of a ``.sig`` file."""

    expires: datetime
    signature: str


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Where the channel ``name`` points, and where it pointed before, newest first.

    The earlier ones are for readers: they skip versions that were yanked since. ``sequence`` rises with
    each write; 0 before the first. ``seal`` is None where nobody signed.
    """

    name: str
    current: Pin
    previous: tuple[Pin, ...] = ()
    sequence: int = 0
    seal: Seal | None = None

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
        return replace(channel, current=target, previous=channel.pins[:REMEMBERED])
    if current.manifest_digest != target.manifest_digest:
        raise ConflictError(
            f"the channel {name!r} has {current.version} as {current.manifest_digest}, not {target.manifest_digest}",
            "raise the version",
        )
    return channel


def marked(channel: Channel, version: Version, reason: str) -> Channel:
    """Return ``channel`` with ``version`` marked as yanked; ``channel`` itself when it is, or isn't there.

    Raises ConflictError when it is for another reason.
    """
    pin = next((pin for pin in channel.pins if pin.version == version), None)
    if pin is None or pin.yanked == reason:
        return channel
    if pin.yanked is not None:
        raise ConflictError(
            f"{version} is yanked in the channel {channel.name!r} already: {pin.yanked}", "give that reason"
        )
    current, *previous = (replace(one, yanked=reason) if one is pin else one for one in channel.pins)
    return replace(channel, current=current, previous=tuple(previous))


def to_json(channel: Channel) -> bytes:
    """Write ``channel`` in its canonical form."""
    return canonical.dumps(_document(channel))


def from_json(data: bytes, name: str) -> Channel:
    """Read the file of the channel ``name``; its signature is not checked. Raises VerificationError."""
    try:
        document: Any = canonical.loads(data)
        if document["schemaVersion"] > 1:
            raise VerificationError(f"the channel {name!r} has a newer form", "upgrade tesseral-release")
        if document["channel"] != name:
            raise VerificationError(
                f"in the place of the channel {name!r} is the file of {document['channel']!r}", "ask who publishes it"
            )
        channel = Channel(
            name=name,
            current=_pin(document),
            previous=tuple(_pin(item) for item in document["previous"]),
            sequence=document["sequence"],
            seal=_seal(document),
        )
        whole = to_json(channel) == data and _is_sound(channel)
    except (AttributeError, KeyError, TypeError, ValueError, VersionError, UsageError) as error:
        raise VerificationError(f"the channel {name!r} cannot be read", _AGAIN) from error
    if not whole:
        raise VerificationError(f"the channel {name!r} is not as it was written", _AGAIN)
    return channel


def _document(channel: Channel) -> dict[str, object]:
    seal = channel.seal
    return {
        "schemaVersion": 1,
        "channel": channel.name,
        "sequence": channel.sequence,
        **_pin_document(channel.current),
        "previous": [_pin_document(pin) for pin in channel.previous],
        **({} if seal is None else {"expires": rfc3339.render(seal.expires), "signature": seal.signature}),
    }


def _pin_document(pin: Pin) -> dict[str, str]:
    document = {"version": str(pin.version), "manifestDigest": pin.manifest_digest}
    return document if pin.yanked is None else document | {"yanked": pin.yanked}


def _pin(document: Any) -> Pin:  # noqa: ANN401
    return Pin(
        version=parse(document["version"]),
        manifest_digest=document["manifestDigest"],
        yanked=document.get("yanked"),
    )


def _seal(document: Any) -> Seal | None:  # noqa: ANN401
    if "expires" not in document and "signature" not in document:
        return None
    return Seal(expires=rfc3339.parse(document["expires"]), signature=str(document["signature"]))


def _is_sound(channel: Channel) -> bool:
    """Tell whether all is as this program would write it. Raises UsageError for a reason that is not one line."""
    for pin in channel.pins:
        if pin.yanked is not None:
            check_reason(pin.yanked)
    return (
        type(channel.sequence) is int  # True is one, too
        and 0 < channel.sequence <= LARGEST_SEQUENCE
        and len(channel.previous) <= REMEMBERED
        and all(_DIGEST.fullmatch(pin.manifest_digest) for pin in channel.pins)
        and all(newer.version > older.version for newer, older in pairwise(channel.pins))
    )
