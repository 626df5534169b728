"""A signed channel, as one takes it who trusts nobody but some keys."""

from __future__ import annotations

from datetime import datetime

from ..channels import Resolved, newest, read_channel, require_set
from ..destination.protocol import Origin
from ..destination.seal import check_fresh, check_signature
from ..memory import ChannelMemory
from ..signing import TrustedKeys


def follow(origin: Origin, name: str, trusted: TrustedKeys, memory: ChannelMemory, now: datetime) -> Resolved:
    """Return the release that the channel ``name`` gives: its newest that is not marked as yanked.

    Raises VersionError when there is no such channel, it was never set, or all it had is yanked;
    VerificationError when no ``trusted`` key signed it, that counts no more at ``now``, or ``memory``
    knows a newer one.
    """
    channel = require_set(read_channel(origin, name), name, origin)
    check_signature(channel, trusted, origin.name)
    check_fresh(channel, now, origin.name)
    memory.accept(origin.name, channel)
    # A yank record is not signed: whoever can write there could withdraw what he likes.
    return newest(channel, lambda pin: pin.yanked)
