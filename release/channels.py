"""Moving and reading channels over any destination."""

from __future__ import annotations

from dataclasses import dataclass

from .checksums import digest_of_bytes
from .destination import channel as channel_file
from .destination import yank as yank_file
from .destination.channel import Channel, Pin, moved
from .destination.documents import channel_key, yank_key
from .destination.protocol import Destination, Origin
from .destination.yank import Yank
from .errors import DestinationError, VerificationError, VersionError
from .manifest import Manifest, from_json
from .version import Version, check_channel, check_promotion

_ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What a reader of a channel takes: a release, and the yanked ones that were passed over."""

    pin: Pin
    skipped: tuple[Yank, ...] = ()


def read_channel(origin: Origin, name: str) -> Channel | None:
    """Return where the channel points, None when it was never set. Raises VersionError for no channel's name."""
    data = origin.document(channel_key(name))
    return None if data is None else channel_file.from_json(data, name)


def yank_of(origin: Origin, version: Version) -> Yank | None:
    """Return the record that ``version`` is yanked, None when it is not."""
    data = origin.document(yank_key(version))
    return None if data is None else yank_file.from_json(data, version)


def resolve(origin: Origin, name: str) -> Resolved:
    """Return the release that readers of the channel ``name`` get: its newest that is not yanked.

    Raises VersionError when there is no such channel, it was never set, or all it had is yanked.
    """
    channel = read_channel(origin, name)
    if channel is None:
        raise VersionError(f"the channel {name!r} is not set in {origin.name}", "name a version")
    skipped: list[Yank] = []
    for pin in channel.pins:
        yank = yank_of(origin, pin.version)
        if yank is None:
            return Resolved(pin=pin, skipped=tuple(skipped))
        skipped.append(yank)
    raise VersionError(
        f"the channel {name!r} is at {channel.current.version}, which is yanked: {skipped[0].reason}",
        "name a version that you trust",
    )


def check_move(destination: Destination, name: str, target: Pin, *, promoted: bool = False) -> None:
    """Raise VersionError or ConflictError when :func:`move` would, apart from what isn't published yet."""
    (check_promotion if promoted else check_channel)(target.version, name)
    yank = yank_of(destination, target.version)
    if yank is not None:
        raise VersionError(
            f"{target.version} is yanked in {destination.name} ({yank.reason}) and goes into no channel",
            "publish a newer version",
        )
    moved(read_channel(destination, name), name, target)


def move(destination: Destination, name: str, target: Pin, *, promoted: bool = False) -> Channel:
    """Point the channel ``name`` to a published release, by compare-and-swap, and return it.

    ``promoted``: a person asked for just this. Raises VersionError when that goes back or the release
    is yanked or may not be in the channel, ConflictError when the channel has its version with another
    manifest, VerificationError when the release isn't published there.
    """
    key = channel_key(name)
    manifest = published(destination, target)
    for _ in range(_ATTEMPTS):
        check_move(destination, name, target, promoted=promoted)
        current = destination.document(key)
        channel = moved(None if current is None else channel_file.from_json(current, name), name, target)
        data = channel_file.to_json(channel)
        if current == data or destination.swap(key, current, data):
            # Also when nothing moved: an earlier run may have been killed between the two.
            destination.tag(name, manifest)
            return channel
    raise DestinationError(f"the channel {name!r} of {destination.name} changes all the time", "run again")


def pin_of(origin: Origin, version: Version) -> Pin:
    """Return the pin of a published version. Raises VerificationError when it is not there."""
    data = origin.manifest_of(version)
    if data is None:
        raise VerificationError(
            f"{origin.name} does not hold {version}", f"`tesseral-release list --from {origin.name}` tells what it has"
        )
    return Pin(version=version, manifest_digest=digest_of_bytes(data).sha256)


def published(origin: Origin, pin: Pin) -> Manifest:
    """Return the manifest of a published release. Raises VerificationError unless it is there with that digest."""
    data = origin.manifest_of(pin.version)
    if data is None or digest_of_bytes(data).sha256 != pin.manifest_digest:
        raise VerificationError(
            f"{origin.name} does not hold {pin.version} with the manifest {pin.manifest_digest}", "publish it first"
        )
    return from_json(data)
