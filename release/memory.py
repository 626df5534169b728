"""What this machine has seen of signed channels, so that nobody can show it an older one.

The file is ``$XDG_STATE_HOME/tesseral-release/channels.json`` (XDG Base Directory Specification), JSON::

    {"origins": {"https://…": {"stable": {"digest": "sha256:…", "sequence": 1795530000, "version": "1.4.0"}}},
     "schemaVersion": 1}

``digest`` is that of what was signed. A person may remove a line of it, or all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from . import canonical
from .atomic import replacing
from .checksums import digest_of_bytes
from .destination.channel import Channel
from .destination.seal import signed_bytes
from .errors import VerificationError, VersionError
from .filelock import locked
from .version import Version, parse

_SCHEMA_VERSION = 1
_UNNOTICED = "so a channel that is rolled back would not be noticed"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is kept of a channel."""

    sequence: int
    version: Version
    digest: str


class ChannelMemory(Protocol):
    """Remembers signed channels."""

    def accept(self, place: str, channel: Channel) -> None:
        """Remember ``channel``, which was read in ``place`` and is signed by a key that counts.

        Raises VerificationError, and keeps what it knows, when that is older than what it knows.
        """

    def remember(self, place: str, channel: Channel) -> None:
        """Remember ``channel``, which was written to ``place`` just now, unless a later one is known."""


class Forgetful:
    """Remembers nothing, for a place that is looked at once."""

    def accept(self, place: str, channel: Channel) -> None:
        """Take it as it is."""

    def remember(self, place: str, channel: Channel) -> None:
        """Forget it."""


FORGETFUL = Forgetful()


class FileMemory:
    """Remembers in the file ``path``, None when there is no place for one; several processes may share it.

    Where it cannot be written, ``warn`` is told so, and nothing fails.
    """

    def __init__(self, path: Path | None, warn: Callable[[str], None]) -> None:
        self._path = path
        self._warn = warn

    def accept(self, place: str, channel: Channel) -> None:
        """See :class:`ChannelMemory`. Raises VerificationError for a damaged file, too."""
        self._learn(place, channel, refuse=True)

    def remember(self, place: str, channel: Channel) -> None:
        """See :class:`ChannelMemory`. It is written already, so that nothing fails here."""
        try:
            self._learn(place, channel, refuse=False)
        except VerificationError as error:
            self._warn(str(error))

    def _learn(self, place: str, channel: Channel, *, refuse: bool) -> None:
        if self._path is None:
            self._warn(f"there is no home to remember channels in, {_UNNOTICED}; set XDG_STATE_HOME")
            return
        keys, seen = (_origin(place), channel.name), seen_of(channel)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._path.with_name(f".{self._path.name}.lock")):
                known = _read(self._path)
                before = known.get(keys)
                if refuse:
                    check(keys, seen, before, self._path)
                if before is None or seen.sequence > before.sequence:
                    with replacing(self._path) as sink:
                        sink.write(to_json({**known, keys: seen}))
        except OSError as error:
            if refuse:
                # What can only be read still tells of an older one.
                with suppress(OSError):
                    check(keys, seen, _read(self._path).get(keys), self._path)
            self._warn(f"{self._path} cannot be written: {error.strerror}, {_UNNOTICED}")


def memory_path(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the place of the user's memory; None when the environment names no home."""
    base = environment.get("XDG_STATE_HOME", "")
    # "All paths set in these environment variables must be absolute": others are ignored.
    try:
        folder = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return folder / "tesseral-release" / "channels.json"


def seen_of(channel: Channel) -> Seen:
    """Return what is kept of a signed channel."""
    return Seen(
        sequence=channel.sequence,
        version=channel.current.version,
        digest=digest_of_bytes(signed_bytes(channel)).sha256,
    )


def check(keys: tuple[str, str], seen: Seen, before: Seen | None, path: Path) -> None:
    """Raise VerificationError when ``seen`` is older than ``before``, or contradicts it; ``path`` remembers that."""
    if before is None or seen == before:
        return
    place, name = keys
    problem = None
    if seen.sequence < before.sequence:
        problem = f"was rolled back: its sequence is {seen.sequence}, and was {before.sequence} before"
    elif seen.sequence == before.sequence:
        problem = f"has the sequence {seen.sequence} twice, each time with another content"
    elif seen.version < before.version:
        problem = f"was rolled back: it is at {seen.version}, and was at {before.version} before"
    if problem is not None:
        raise VerificationError(
            f"the channel {name!r} in {place} {problem}",
            f"if it stays so, ask the maintainers; only when they say that they began anew, remove it from {path}",
        )


def to_json(known: Mapping[tuple[str, str], Seen]) -> bytes:
    """Write a memory."""
    origins: dict[str, dict[str, object]] = {}
    for (origin, name), seen in known.items():
        origins.setdefault(origin, {})[name] = {
            "digest": seen.digest,
            "sequence": seen.sequence,
            "version": str(seen.version),
        }
    return canonical.dumps({"origins": origins, "schemaVersion": _SCHEMA_VERSION})


def from_json(data: bytes, path: Path) -> dict[tuple[str, str], Seen]:
    """Read the memory in ``path``. Raises VerificationError: one that cannot be read is no reason to go on."""
    try:
        document: Any = canonical.loads(data)
        if document["schemaVersion"] > _SCHEMA_VERSION:
            raise VerificationError(f"{path} has a newer form", "upgrade tesseral-release")
        return {
            (origin, name): Seen(sequence=int(one["sequence"]), version=parse(one["version"]), digest=one["digest"])
            for origin, channels in document["origins"].items()
            for name, one in channels.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, VersionError) as error:
        raise VerificationError(
            f"{path} is damaged, which remembers the channels that were seen",
            "restore it, or remove it if you know why: then nothing is known of earlier ones",
        ) from error


def _read(path: Path) -> dict[tuple[str, str], Seen]:
    try:
        return from_json(path.read_bytes(), path)
    except FileNotFoundError:
        return {}


def _origin(place: str) -> str:
    """Name a place for good: a relative path means another one in another folder."""
    if "://" not in place:
        place = os.path.abspath(place)  # noqa: PTH100 - where a link leads to may change
    return place.rstrip("/").encode(errors="backslashreplace").decode()
