"""Where the channels of a place stand: what each points at, and what its readers get."""

from __future__ import annotations

from dataclasses import dataclass

from .channels import channels_of, reason_of
from .destination.channel import Channel, Pin
from .destination.protocol import Origin


@dataclass(frozen=True, kw_only=True)
class Standing:
    """``reached`` is the newest release of ``channel`` that is not yanked, None when all are."""

    channel: Channel
    reached: Pin | None

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.channel.name


def standings(origin: Origin) -> tuple[Standing, ...]:
    """Return every channel that is set, by name. Raises VerificationError for one that cannot be read."""
    return tuple(
        Standing(
            channel=channel,
            reached=next((pin for pin in channel.pins if reason_of(origin, pin) is None), None),
        )
        for channel in channels_of(origin)
    )
