"""How a channel's file is written anew: after which one, by whose key, and until when.

Whoever can write to a place can put an old file there and wait for it to be signed anew. So that is done
only for a target that a person names, or to what a key that counts has signed and this machine knows of
no later one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .clock import Clock, system_clock
from .destination.channel import Channel
from .destination.seal import LIFETIME, check_signature, next_sequence, sealed
from .errors import SigningError, VerificationError
from .memory import FORGETFUL, ChannelMemory
from .signing import Signer, TrustedKeys


@dataclass(frozen=True, kw_only=True)
class Writing:
    """With what channels are written.

    ``signer`` signs them, to count for ``lifetime``; None leaves them unsigned. ``known`` are the keys,
    besides the signer's, whose signature may be replaced unasked.
    """

    signer: Signer | None = None
    lifetime: timedelta = LIFETIME
    known: TrustedKeys = field(default_factory=TrustedKeys)
    memory: ChannelMemory = FORGETFUL
    clock: Clock = system_clock

    @property
    def ours(self) -> TrustedKeys:
        """The signer's key."""
        return TrustedKeys() if self.signer is None else TrustedKeys.of(self.signer.public_key)


PLAIN = Writing()
"""Without a signature."""


def check_revision(before: Channel | None, wanted: Channel, writing: Writing, place: str, *, named: bool) -> bool:
    """Tell whether ``before`` is signed by a key that counts. Raise what :func:`revised` would, but for the signer.

    That is SigningError where a signature would be lost; VerificationError for a file that was put there to
    go back and, unless its target is ``named`` by a person, for one that no such key signed.
    """
    if before is None or before.seal is None or (wanted is before and (writing.signer is None or not named)):
        return False
    if writing.signer is None:
        raise SigningError(
            f"the channel {before.name!r} in {place} is signed, and stays so", "name the key with --sign-with KEY"
        )
    try:
        check_signature(before, writing.ours | writing.known, place)
    except VerificationError:
        if named:
            return False
        raise
    writing.memory.accept(place, before)
    return True


def revised(before: Channel | None, wanted: Channel, writing: Writing, place: str, *, named: bool) -> Channel:
    """Return what is to be written in the ``place`` of ``before`` for it to say what ``wanted`` says.

    ``before`` itself when it says so already and counts long enough. ``named``: a person named the target;
    else it is not signed unless it was. Raises what :func:`check_revision` raises.
    """
    now = writing.clock()
    known = check_revision(before, wanted, writing, place, named=named)
    if wanted is before and not (named and _is_due(wanted, writing, now, place)):
        return wanted
    number = 0 if before is None else before.sequence
    if writing.signer is None or not (named or known):
        return replace(wanted, sequence=next_sequence(number, now), seal=None)
    # A number that nobody vouches for could leave none for later writes.
    number = number if known else min(number, int(now.timestamp()))
    numbered = replace(wanted, sequence=next_sequence(number, now))
    return sealed(numbered, writing.signer, now + writing.lifetime)


def _is_due(channel: Channel, writing: Writing, now: datetime, place: str) -> bool:
    """Tell whether the signer has to sign again what is unchanged."""
    if writing.signer is None:
        return False
    try:
        check_signature(channel, writing.ours, place)
    except VerificationError:
        return True
    return channel.seal is None or channel.seal.expires - now <= writing.lifetime / 2
