"""Publish one release to several destinations; knows none of their layouts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from . import attestations
from .catalogue import refresh
from .channels import check_move, move
from .checksums import digest_of_bytes
from .clock import Clock, system_clock
from .destination.channel import Channel, Pin
from .destination.documents import release_key
from .destination.protocol import Destination, Outcome
from .destination.seal import LIFETIME, until
from .errors import VerificationError
from .manifest import to_json
from .memory import FORGETFUL, ChannelMemory
from .revision import Writing
from .signing import Signer, TrustedKeys
from .staged import StagedRelease
from .transfer import SILENT, Meter
from .verify import verify
from .version import Version, check_channel


@dataclass(frozen=True, kw_only=True)
class Published:
    """What happened at one destination; ``channel`` is the asked-for channel as it is now.

    ``location`` is the local folder of the release, None where it is not on this machine.
    """

    destination: str
    version: Version
    outcome: Outcome
    location: Path | None
    channel: Channel | None


def publish(
    staged: StagedRelease,
    destinations: Sequence[Destination],
    channel: str | None = None,
    meter: Meter = SILENT,
    signer: Signer | None = None,
    *,
    lifetime: timedelta = LIFETIME,
    memory: ChannelMemory = FORGETFUL,
    clock: Clock = system_clock,
) -> tuple[Published, ...]:
    """Publish ``staged`` to each destination, then move ``channel`` in each.

    Whatever can be refused is refused before the first byte is written: a version that cannot be in
    the channel or would move it back (VersionError), a signed channel without a ``signer``
    (SigningError), a destination that cannot be written (DestinationError), a staged folder that is not
    what its manifest says (VerificationError), a version that is published with other bytes
    (ConflictError). Then the release is brought to all destinations and read back, and only when it is
    in all of them does it become visible in each. The attestations in the staged folder go beside it;
    ``signer`` signs its images in registries, and the channel, to count for ``lifetime``. Safe to
    repeat after any failure.
    """
    version = staged.manifest.version
    data = to_json(staged.manifest)
    target = Pin(version=version, manifest_digest=digest_of_bytes(data).sha256)
    writing = Writing(signer=signer, lifetime=lifetime, memory=memory, clock=clock)
    if channel is not None:
        check_channel(version, channel)
    for destination in destinations:
        destination.check()
    if to_json(verify(staged.directory)) != data:
        raise VerificationError(f"{staged.directory} holds another release than {version}", "stage it again")
    for destination in destinations:
        destination.holds(staged)
        if channel is not None:
            check_move(destination, channel, target, writing=writing)
    with ExitStack() as stack:
        stagings = [stack.enter_context(destination.staging(staged, meter)) for destination in destinations]
        for destination in destinations:
            _attest(destination, staged, signer)
        outcomes = [staging.commit() for staging in stagings]
    channels = [
        None if channel is None else move(destination, channel, target, writing=writing) for destination in destinations
    ]
    for destination in destinations:
        refresh(destination)
    return tuple(
        Published(
            destination=destination.name,
            version=version,
            outcome=outcome,
            location=destination.folder(version),
            channel=moved,
        )
        for destination, outcome, moved in zip(destinations, outcomes, channels, strict=True)
    )


def _attest(destination: Destination, staged: StagedRelease, signer: Signer | None) -> None:
    """Put what is said about the release beside it, before it is visible; the first one stays.

    Raises VerificationError when what is there is no signature of this release by ``signer``.
    """
    manifest = staged.manifest
    for name, data in attestations.read(staged.directory).items():
        destination.attest(manifest, name, data)
    if signer is None:
        return
    there = destination.document(release_key(manifest.version, attestations.SIGNATURE))
    if there is not None:
        ours = TrustedKeys.of(signer.public_key)
        try:
            attestations.check({attestations.SIGNATURE: there}, manifest, ours, destination.name)
        except VerificationError as error:
            raise VerificationError(error.problem, "`tesseral-release sign` signs it with another key") from error
    # After the look: what is refused leaves no signature behind.
    destination.sign_images(manifest, signer)


def lines(result: Published) -> list[str]:
    """Tell a person what happened at one destination."""
    channel = result.channel
    moved = [] if channel is None else [f"  channel {channel.name} is at {channel.current.version}{until(channel)}"]
    return [f"{result.outcome} in {result.destination}: version {result.version}", *moved]
