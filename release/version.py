"""Versions of a release: Semantic Versioning 2.0.0, git tags, snapshots, bumps and channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, get_args

from semver import Version

from .errors import VersionError

__all__ = [
    "CHANNELS",
    "Part",
    "Version",
    "bump",
    "check_channel",
    "check_channel_name",
    "check_promotion",
    "from_tag",
    "is_candidate",
    "is_final",
    "is_snapshot",
    "next_version",
    "parse",
    "snapshot",
]

Part = Literal["major", "minor", "patch", "rc"]

# An OCI tag is [A-Za-z0-9_][A-Za-z0-9._-]{0,127}: no "+", no more than 128 characters.
_LONGEST = 128
_ABBREVIATION = 7


def parse(text: str) -> Version:
    """Read a version such as ``1.4.0`` or ``1.4.0-rc.1``.

    Build metadata (``+x``) is refused: a version is an OCI tag as well, where ``+`` is not allowed.
    Raises VersionError.
    """
    try:
        version = Version.parse(text)
    except (TypeError, ValueError):
        version = None
    # semver before 3.1 lets other digits and a line end through.
    if version is None or str(version) != text:
        raise VersionError(
            f"{text!r} is not a SemVer version (like 1.4.0 or 1.4.0-rc.1)", "write it without a leading v"
        )
    if version.build is not None:
        raise VersionError(
            f"{text!r} has build metadata, which no OCI tag can carry", "leave out the part from the + on"
        )
    if len(text) > _LONGEST:
        raise VersionError(f"{text!r} is longer than an OCI tag may be ({_LONGEST})", "use a shorter one")
    return version


def from_tag(tag: str, prefix: str = "v") -> Version | None:
    """Return the version that git tag ``tag`` names, None when it names none."""
    if not tag.startswith(prefix):
        return None
    try:
        return parse(tag.removeprefix(prefix))
    except VersionError:
        return None


def is_final(version: Version) -> bool:
    """Tell whether ``version`` is a release proper: no prerelease part."""
    return version.prerelease is None


def is_candidate(version: Version) -> bool:
    """Tell whether ``version`` is a release candidate: ``X.Y.Z-rc.N``."""
    word, _, number = (version.prerelease or "").partition(".")
    return word == "rc" and number.isdigit()


def is_snapshot(version: Version) -> bool:
    """Tell whether ``version`` names an untagged commit; see :func:`snapshot`."""
    return (version.prerelease or "").split(".")[0] == "snapshot"


def snapshot(
    last: Version | None,
    *,
    committed_at: datetime,
    commit: str,
    dirty_tree: str | None = None,
    selection: str | None = None,
) -> Version:
    """Name a commit that has no tag, such as ``1.4.1-snapshot.20260101.abc1234``.

    ``last`` is the version of the newest tag before it, ``committed_at`` an aware time. ``dirty_tree``
    is the hex digest of a tree with changes that are not committed, ``selection`` that of the pieces
    and targets when not all are built; either keeps different bytes from sharing a name.
    Raises VersionError when a digest is not hexadecimal.
    """
    if committed_at.tzinfo is None:
        raise ValueError("committed_at has no time zone")
    base = last or Version(0)
    if is_final(base):
        base = base.bump_patch()
    words = ["snapshot", committed_at.astimezone(UTC).strftime("%Y%m%d"), _abbreviated(commit)]
    if dirty_tree is not None:
        words.append(f"dirty-{_hexadecimal(dirty_tree)[:_ABBREVIATION]}")
    if selection is not None:
        words.append(f"partial-{_hexadecimal(selection)[:_ABBREVIATION]}")
    return base.finalize_version().replace(prerelease=".".join(words))


def next_version(current: Version, part: Part) -> Version:
    """Return the version after ``current``.

    ``major``, ``minor`` and ``patch`` on a candidate finalise it where SemVer says so; ``rc`` gives
    the next candidate, on a final version the first one of the next patch. Raises VersionError for
    an unknown part, and where the result would not be newer.
    """
    if part not in get_args(Part):
        raise VersionError(f"{part!r} is no part of a version", f"use one of {', '.join(get_args(Part))}")
    if part != "rc":
        return current.next_version(part)
    if is_candidate(current):
        return current.bump_prerelease("rc")
    core = current.bump_patch() if is_final(current) else current.finalize_version()
    candidate = core.replace(prerelease="rc.1")
    if candidate <= current:
        raise VersionError(f"{candidate} is not newer than {current}", "name major, minor or patch as well")
    return candidate


def bump(current: Version, parts: Part | Sequence[Part]) -> Version:
    """Apply one part, or a part and ``rc``: ``("minor", "rc")`` makes 1.4.0-rc.1 of 1.3.2.

    Repeated on that candidate it makes 1.4.0-rc.2. Raises VersionError for other sequences.
    """
    steps = (parts,) if isinstance(parts, str) else tuple(parts)
    if len(steps) == 1:
        return next_version(current, steps[0])
    if len(steps) != 2 or steps[1] != "rc" or steps[0] == "rc":
        raise VersionError(
            f"a version cannot be raised by {'+'.join(steps) or 'nothing'}",
            "use major, minor or patch, rc, or one of the first three and rc",
        )
    target = next_version(current, steps[0])
    if is_candidate(current) and target == current.finalize_version():
        return next_version(current, "rc")
    return target.replace(prerelease="rc.1")


CHANNELS: Mapping[str, Callable[[Version], bool]] = {
    "candidate": lambda version: is_final(version) or is_candidate(version),
    "stable": is_final,
}
"""The moving names, each with the versions it may point at."""


def check_channel_name(channel: str) -> None:
    """Raise VersionError unless there is such a channel."""
    if channel not in CHANNELS:
        raise VersionError(f"there is no channel {channel!r}", f"the channels are {', '.join(sorted(CHANNELS))}")


def check_channel(version: Version, channel: str) -> None:
    """Raise VersionError unless ``version`` may be in ``channel``."""
    check_channel_name(channel)
    if not CHANNELS[channel](version):
        raise VersionError(
            f"{version} cannot be in the channel {channel!r}",
            "stable takes final versions only, candidate takes those and X.Y.Z-rc.N",
        )


def check_promotion(version: Version, channel: str) -> None:
    """Raise VersionError unless a person may promote ``version`` to ``channel``.

    That is wider than what a publish may do: a candidate that proved good goes to ``stable`` with its
    bytes and its name. Snapshots go nowhere.
    """
    check_channel_name(channel)
    if not (is_final(version) or is_candidate(version)):
        raise VersionError(
            f"{version} cannot be promoted to {channel!r}", "only final versions and X.Y.Z-rc.N can be promoted"
        )


def _hexadecimal(text: str) -> str:
    if len(text) < _ABBREVIATION or set(text) - set("0123456789abcdef"):
        raise VersionError(f"{text!r} is not a hexadecimal digest", "give the whole digest in lower case")
    return text


def _abbreviated(commit: str) -> str:
    """Shorten ``commit``, keeping a letter: SemVer orders all-digit words as numbers, and forbids 0123."""
    digest = _hexadecimal(commit)
    for length in range(_ABBREVIATION, len(digest) + 1):
        if not digest[:length].isdigit():
            return digest[:length]
    return f"g{digest[:_ABBREVIATION]}"
