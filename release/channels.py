"""Moving and reading channels over any destination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .checksums import digest_of_bytes
from .destination import channel as channel_file
from .destination import yank as yank_file
from .destination.channel import Channel, Pin, moved
from .destination.documents import channel_key, yank_key
from .destination.protocol import Destination, Origin
from .destination.yank import Yank
from .errors import DestinationError, VerificationError, VersionError
from .manifest import Manifest, from_json
from .revision import PLAIN, Writing, check_revision, revised
from .signing import Signer
from .version import CHANNELS, Version, check_channel, check_channel_name, check_promotion

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


def channels_of(origin: Origin) -> tuple[Channel, ...]:
    """Return every channel that is set, by name. Raises VerificationError for one that cannot be read."""
    found = (read_channel(origin, name) for name in sorted(CHANNELS))
    return tuple(channel for channel in found if channel is not None)


def yank_of(origin: Origin, version: Version) -> Yank | None:
    """Return the record that ``version`` is yanked, None when it is not."""
    data = origin.document(yank_key(version))
    return None if data is None else yank_file.from_json(data, version)


def resolve(origin: Origin, name: str) -> Resolved:
    """Return the release that readers of the channel ``name`` get: its newest that is not yanked.

    Whether it is signed makes no difference here; see :func:`.fetch.follow.follow`. Raises VersionError
    when there is no such channel, it was never set, or all it had is yanked.
    """
    return newest(require_set(read_channel(origin, name), name, origin), lambda pin: reason_of(origin, pin))


def require_set(channel: Channel | None, name: str, origin: Origin) -> Channel:
    """Return ``channel``, which is what ``origin`` has of that name. Raises VersionError when it has none."""
    if channel is None:
        raise VersionError(f"the channel {name!r} is not set in {origin.name}", "name a version")
    return channel


def newest(channel: Channel, reason: Callable[[Pin], str | None]) -> Resolved:
    """Return the newest that has no ``reason`` not to be taken. Raises VersionError when all have one."""
    skipped: list[Yank] = []
    for pin in channel.pins:
        why = reason(pin)
        if why is None:
            return Resolved(pin=pin, skipped=tuple(skipped))
        skipped.append(Yank(version=pin.version, reason=why))
    raise VersionError(
        f"the channel {channel.name!r} is at {channel.current.version}, which is yanked: {skipped[0].reason}",
        "name a version that you trust",
    )


def reason_of(origin: Origin, pin: Pin) -> str | None:
    """Return why a release in a channel is yanked, by its mark there or by its record; None when it is not."""
    if pin.yanked is not None:
        return pin.yanked
    yank = yank_of(origin, pin.version)
    return None if yank is None else yank.reason


def check_move(
    destination: Destination, name: str, target: Pin, *, promoted: bool = False, writing: Writing = PLAIN
) -> None:
    """Raise what :func:`move` would, apart from what isn't published yet and what the signer says."""
    before = read_channel(destination, name)
    wanted = _wanted(destination, before, name, target, promoted=promoted)
    check_revision(before, wanted, writing, destination.name, named=True)


def check_signer(destination: Destination, name: str, version: Version, signer: Signer | None) -> None:
    """Raise SigningError when a move to ``version``, whose bytes are not known yet, will take a key."""
    before = read_channel(destination, name)
    if before is not None and before.current.version != version:
        check_revision(before, replace(before), Writing(signer=signer), destination.name, named=True)


def move(
    destination: Destination, name: str, target: Pin, *, promoted: bool = False, writing: Writing = PLAIN
) -> Channel:
    """Point the channel ``name`` to a published release, by compare-and-swap, and return it.

    ``promoted``: a person asked for just this. Raises VersionError when that goes back or the release
    is yanked or may not be in the channel, ConflictError when the channel has its version with another
    manifest, VerificationError when the release isn't published there or the channel was rolled back,
    and SigningError, also for a channel that is signed when ``writing`` has no signer.
    """
    check_channel_name(name)
    manifest = published(destination, target)

    def change(before: Channel | None) -> Channel:
        wanted = _wanted(destination, before, name, target, promoted=promoted)
        return revised(before, wanted, writing, destination.name, named=True)

    channel = rewrite(destination, name, change, writing)
    # Also when nothing moved: an earlier run may have been killed between the two.
    destination.tag(name, manifest)
    return channel


def rewrite(
    destination: Destination, name: str, change: Callable[[Channel | None], Channel], writing: Writing
) -> Channel:
    """Let the channel ``name`` be what ``change`` makes of it, by compare-and-swap, and return that.

    Nothing is written when ``change`` returns what it was given. Raises what ``change`` raises, and
    DestinationError when others write all the time.
    """
    key = channel_key(name)
    for _ in range(_ATTEMPTS):
        current = destination.document(key)
        before = None if current is None else channel_file.from_json(current, name)
        after = change(before)
        if after is before:
            return after
        if destination.swap(key, current, channel_file.to_json(after)):
            if after.seal is not None:
                writing.memory.remember(destination.name, after)
            return after
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


def _wanted(destination: Destination, before: Channel | None, name: str, target: Pin, *, promoted: bool) -> Channel:
    """Return what the channel is to say. Raises VersionError and ConflictError as :func:`move` does."""
    (check_promotion if promoted else check_channel)(target.version, name)
    wanted = moved(before, name, target)
    reason = reason_of(destination, wanted.current)
    if reason is not None:
        raise VersionError(
            f"{target.version} is yanked in {destination.name} ({reason}) and goes into no channel",
            "publish a newer version",
        )
    return wanted
