"""What maintainers decide about releases that are published: promote them to a channel, or yank them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from .catalogue import refresh
from .channels import check_move, move, pin_of, published, read_channel, resolve
from .destination import yank as yank_file
from .destination.channel import Channel
from .destination.documents import yank_key
from .destination.protocol import Destination
from .destination.yank import Yank
from .errors import ConflictError, VersionError
from .version import CHANNELS, Version


def promote(destinations: Sequence[Destination], version: Version, name: str) -> tuple[Channel, ...]:
    """Point the channel ``name`` to a release that each destination has: the same bytes, no build.

    All are checked before the first one changes. Raises what :func:`move` does.
    """
    targets = [pin_of(destination, version) for destination in destinations]
    for destination, target in zip(destinations, targets, strict=True):
        check_move(destination, name, target, promoted=True)
    channels = tuple(
        move(destination, name, target, promoted=True)
        for destination, target in zip(destinations, targets, strict=True)
    )
    for destination in destinations:
        refresh(destination)
    return channels


def yank(destinations: Sequence[Destination], version: Version, reason: str) -> None:
    """Record in each destination that nobody should use ``version``; nothing is deleted.

    Readers warn of it, and channels that point to it give the release before. Repeatable. Raises
    UsageError for a reason that is not one line, VerificationError where the version isn't published,
    ConflictError where it is yanked for another reason.
    """
    yank_file.check_reason(reason)
    data = yank_file.to_json(Yank(version=version, reason=reason))
    for destination in destinations:
        pin_of(destination, version)
        _check_same(destination, version, destination.document(yank_key(version)), data)
    for destination in destinations:
        if not destination.swap(yank_key(version), None, data):
            _check_same(destination, version, destination.document(yank_key(version)), data)
        for name in CHANNELS:
            _tag_what_readers_get(destination, name)
        refresh(destination)


def _check_same(destination: Destination, version: Version, found: bytes | None, wanted: bytes) -> None:
    if found is not None and found != wanted:
        reason = yank_file.from_json(found, version).reason
        raise ConflictError(f"{version} is yanked in {destination.name} already: {reason}", "a record is never changed")


def _tag_what_readers_get(destination: Destination, name: str) -> None:
    """Let image tags skip a yanked version too; where there is nothing before it, they stay."""
    if read_channel(destination, name) is not None:
        with suppress(VersionError):
            destination.tag(name, published(destination, resolve(destination, name).pin))
