"""Publish one release to several destinations; knows none of their layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .checksums import digest_of_bytes
from .destination.channel import Channel, goes_forward
from .destination.protocol import Destination, Outcome
from .errors import VerificationError
from .manifest import to_json
from .staged import StagedRelease
from .verify import verify
from .version import check_channel


@dataclass(frozen=True, kw_only=True)
class Published:
    """What happened at one destination; ``channel`` is where the asked-for channel points now.

    ``location`` is the local folder of the release, None where it is not on this machine.
    """

    destination: str
    outcome: Outcome
    location: Path | None
    channel: Channel | None


def publish(
    staged: StagedRelease, destinations: Sequence[Destination], channel: str | None = None
) -> tuple[Published, ...]:
    """Publish ``staged`` to each destination, then move ``channel`` in each.

    Whatever can be refused is refused before the first byte is written: a version that cannot be in
    the channel or would move it back (VersionError), a destination that cannot be written
    (DestinationError), a staged folder that is not what its manifest says (VerificationError), a
    version that is published with other bytes (ConflictError). Safe to repeat after any failure.
    """
    version = staged.manifest.version
    data = to_json(staged.manifest)
    target = None
    if channel is not None:
        check_channel(version, channel)
        target = Channel(name=channel, version=version, manifest_digest=digest_of_bytes(data).sha256)
    for destination in destinations:
        destination.check()
    if to_json(verify(staged.directory)) != data:
        raise VerificationError(f"{staged.directory} holds another release than {version}", "stage it again")
    for destination in destinations:
        destination.holds(staged)
        if target is not None:
            goes_forward(destination.channel(target.name), target)
    outcomes = [destination.publish(staged) for destination in destinations]
    if target is not None:
        for destination in destinations:
            destination.move_channel(target.name, version, target.manifest_digest)
    return tuple(
        Published(destination=destination.name, outcome=outcome, location=destination.folder(version), channel=target)
        for destination, outcome in zip(destinations, outcomes, strict=True)
    )
