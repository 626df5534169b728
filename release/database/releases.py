"""Which published releases a database can go through on its way to another one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..destination.protocol import Origin
from ..errors import VerificationError, VersionError
from ..manifest import Requirements, from_json
from ..version import Version, is_final, parse


@dataclass(frozen=True, kw_only=True)
class Published:
    """A release that is there to be taken, and what it needs."""

    version: Version
    requirements: Requirements


def published(origin: Origin) -> tuple[Published, ...]:
    """Return the releases of ``origin`` in SemVer order, without those that are yanked or can't be read.

    They are only told of, so nobody need have signed them. Raises DestinationError.
    """
    yanked = origin.yanked()
    versions = (version for version in origin.versions() if version not in yanked)
    return tuple(one for version in versions if (one := _read(origin, version)) is not None)


def ending_at(releases: Iterable[Published], number: int) -> tuple[Version, ...]:
    """Return the versions whose last migration is ``number``."""
    return tuple(one.version for one in releases if one.requirements.last_migration == number)


def oldest(requirements: Requirements) -> Version | None:
    """Return the oldest version that can be upgraded, None when all can. Raises VerificationError."""
    try:
        return None if requirements.upgrade_from is None else parse(requirements.upgrade_from)
    except VersionError as error:
        raise VerificationError(f"release.json: upgradeFrom: {error.problem}", "ask who publishes it") from error


def accepts(requirements: Requirements, installed: Version | None, number: int | None) -> bool:
    """Tell whether a release takes over from ``installed``, or one nobody knows, with the schema at ``number``."""
    lowest = oldest(requirements)
    return (installed is None or lowest is None or lowest <= installed) and covers(requirements, number)


def covers(requirements: Requirements, number: int | None) -> bool:
    """Tell whether the migrations of a release go on from ``number``: it must be one of theirs, or none."""
    first, last = requirements.first_migration, requirements.last_migration
    return number is None or (first is not None and last is not None and first <= number <= last)


def stops(
    target: Published, installed: Version | None, number: int | None, releases: Iterable[Published]
) -> tuple[Version, ...] | None:
    """Return the fewest releases to upgrade to before ``target``, None when none leads there.

    Each is the newest final release that takes over from the one before.
    """
    between = [one for one in releases if is_final(one.version) and one.version < target.version]
    found: list[Version] = []
    while not accepts(target.requirements, installed, number):
        # What takes over from an older version does so from a newer one: the newest leads as far as any.
        reached = [
            one
            for one in between
            if accepts(one.requirements, installed, number) and (installed is None or one.version > installed)
        ]
        if not reached:
            return None
        newest = max(reached, key=lambda one: one.version)
        installed, number = newest.version, newest.requirements.last_migration
        found.append(installed)
    return tuple(found)


def _read(origin: Origin, version: Version) -> Published | None:
    data = origin.manifest_of(version)
    try:
        manifest = None if data is None else from_json(data)
        if manifest is None or manifest.version != version:
            return None
        oldest(manifest.requirements)
    except VerificationError:
        return None
    return Published(version=version, requirements=manifest.requirements)
