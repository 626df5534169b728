"""What keeps a channel from being rolled back or held back: a signature, its end, and a number that rises."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .. import canonical, rfc3339
from ..errors import VerificationError
from ..signing import CHANNEL, PublicKey, Signer, TrustedKey, TrustedKeys, sign, sshsig
from .channel import LARGEST_SEQUENCE, Channel, Seal, to_json

LIFETIME = timedelta(days=90)
"""How long a signature counts unless a person says otherwise."""


def next_sequence(before: int, now: datetime) -> int:
    """Return the number of a write after the one with the number ``before``.

    It is the time in seconds since 1970, or the next number where that is not more: so it is above every
    write that was ever made, whichever old file was found. Raises VerificationError when there is none left.
    """
    sequence = max(before + 1, int(now.timestamp()))
    if sequence > LARGEST_SEQUENCE:
        raise VerificationError(
            f"the sequence {before} of a channel leaves no number for the next write",
            "see who wrote that, remove the channel's file, and set the channel again",
        )
    return sequence


def sealed(channel: Channel, signer: Signer, expires: datetime) -> Channel:
    """Return ``channel`` signed, to count until ``expires``. Raises SigningError."""
    blank = Seal(expires=expires.replace(microsecond=0), signature="")
    message = signed_bytes(replace(channel, seal=blank))
    return replace(channel, seal=replace(blank, signature=sign(signer, message, CHANNEL).decode()))


def signed_bytes(channel: Channel) -> bytes:
    """Return what the signature of a channel is over: its file without the member ``signature``."""
    document: dict[str, Any] = canonical.loads(to_json(channel))
    del document["signature"]
    return canonical.dumps(document)


def check_signature(channel: Channel, trusted: TrustedKeys, place: str) -> TrustedKey:
    """Return which of the ``trusted`` keys signed ``channel``, which is in ``place``. Raises VerificationError."""
    what = f"the channel {channel.name!r} in {place}"
    if channel.seal is None:
        raise VerificationError(f"{what} is not signed", "ask the maintainers, or take it with --insecure-unsigned")
    return trusted.verify(channel.seal.signature.encode(), signed_bytes(channel), CHANNEL, place=what)


def check_fresh(channel: Channel, now: datetime, place: str) -> None:
    """Raise VerificationError when the signature of ``channel``, which is in ``place``, counts no more at ``now``."""
    if channel.seal is not None and channel.seal.expires <= now:
        raise VerificationError(
            f"the channel {channel.name!r} in {place} expired at {rfc3339.render(channel.seal.expires)}: "
            "it may be held back",
            "ask the maintainers to renew it, or name a version or a pin",
        )


def signing_key(channel: Channel, place: str) -> PublicKey | None:
    """Return the key that signed ``channel``, whosever it is, None where nobody did. Raises VerificationError."""
    if channel.seal is None:
        return None
    signature = sshsig.parse(channel.seal.signature.encode(), f"the channel {channel.name!r} in {place}")
    check_signature(channel, TrustedKeys.of(signature.key), place)
    return signature.key


def until(channel: Channel) -> str:
    """Tell a person how long ``channel`` counts; nothing where nobody signed it."""
    return "" if channel.seal is None else f", signed until {rfc3339.render(channel.seal.expires)}"
