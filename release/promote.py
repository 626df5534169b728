"""What maintainers decide about what is published: promote a release to a channel, renew a channel, yank a release."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from .catalogue import refresh
from .channels import channels_of, check_move, move, pin_of, published, read_channel, require_set, resolve, rewrite
from .destination import yank as yank_file
from .destination.channel import Channel, marked
from .destination.documents import yank_key
from .destination.protocol import Destination
from .destination.yank import Yank
from .errors import ConflictError, VerificationError, VersionError
from .revision import PLAIN, Writing, check_revision, revised
from .version import Version


def promote(
    destinations: Sequence[Destination], version: Version, name: str, writing: Writing = PLAIN
) -> tuple[Channel, ...]:
    """Point the channel ``name`` to a release that each destination has: the same bytes, no build.

    All are checked before the first one changes. Raises what :func:`move` does.
    """
    targets = [pin_of(destination, version) for destination in destinations]
    for destination, target in zip(destinations, targets, strict=True):
        check_move(destination, name, target, promoted=True, writing=writing)
    channels = tuple(
        move(destination, name, target, promoted=True, writing=writing)
        for destination, target in zip(destinations, targets, strict=True)
    )
    for destination in destinations:
        refresh(destination)
    return channels


def renew(destinations: Sequence[Destination], name: str, writing: Writing) -> tuple[Channel, ...]:
    """Sign the channel ``name`` anew in each destination, as it is, to count until later; always writes.

    All are checked before the first one changes. Raises VersionError where it was never set,
    VerificationError where it is not signed by a key that counts or was rolled back, and SigningError.
    """
    for destination in destinations:
        before = _signed(read_channel(destination, name), name, destination)
        check_revision(before, replace(before), writing, destination.name, named=False)

    def change(destination: Destination, before: Channel | None) -> Channel:
        there = _signed(before, name, destination)
        return revised(there, replace(there), writing, destination.name, named=False)

    return tuple(rewrite(destination, name, partial(change, destination), writing) for destination in destinations)


def yank(destinations: Sequence[Destination], version: Version, reason: str, writing: Writing = PLAIN) -> None:
    """Record in each destination that nobody should use ``version``; nothing is deleted.

    Readers warn of it, and channels that have it give the release before. Repeatable. Raises
    UsageError for a reason that is not one line, VerificationError where the version isn't published or
    a signed channel cannot be taken for what it says, SigningError where one takes a key, ConflictError
    where it is yanked for another reason.
    """
    yank_file.check_reason(reason)
    data = yank_file.to_json(Yank(version=version, reason=reason))
    for destination in destinations:
        pin_of(destination, version)
        _check_same(destination, version, destination.document(yank_key(version)), data)
        for channel in channels_of(destination):
            check_revision(channel, marked(channel, version, reason), writing, destination.name, named=False)

    def change(destination: Destination, name: str, before: Channel | None) -> Channel:
        there = require_set(before, name, destination)
        return revised(there, marked(there, version, reason), writing, destination.name, named=False)

    for destination in destinations:
        # The record comes last: readers of a signed channel refuse one that the channel does not confirm.
        for channel in channels_of(destination):
            rewrite(destination, channel.name, partial(change, destination, channel.name), writing)
        if not destination.swap(yank_key(version), None, data):
            _check_same(destination, version, destination.document(yank_key(version)), data)
        for channel in channels_of(destination):
            _tag_what_readers_get(destination, channel.name)
        refresh(destination)


def _signed(channel: Channel | None, name: str, destination: Destination) -> Channel:
    """Return ``channel``. Raises VersionError when there is none, VerificationError when it is not signed."""
    there = require_set(channel, name, destination)
    if there.seal is None:
        raise VerificationError(
            f"the channel {name!r} in {destination.name} is not signed, so there is nothing to renew",
            f"sign it with `tesseral-release promote VERSION --to-channel {name} --sign-with KEY`",
        )
    return there


def _check_same(destination: Destination, version: Version, found: bytes | None, wanted: bytes) -> None:
    if found is not None and found != wanted:
        reason = yank_file.from_json(found, version).reason
        raise ConflictError(f"{version} is yanked in {destination.name} already: {reason}", "a record is never changed")


def _tag_what_readers_get(destination: Destination, name: str) -> None:
    """Let image tags skip a yanked version too; where there is nothing before it, they stay."""
    with suppress(VersionError):
        destination.tag(name, published(destination, resolve(destination, name).pin))
