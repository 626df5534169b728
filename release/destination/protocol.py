"""What publishing asks of a destination."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ..staged import StagedRelease
from ..version import Version
from .channel import Channel


class Outcome(StrEnum):
    """What publishing a release did."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"


class Destination(Protocol):
    """A place that holds releases, each written once, and channels that move forward.

    Every method raises DestinationError when the place cannot be read or written.
    """

    @property
    def name(self) -> str:
        """What a person calls it."""

    def check(self) -> None:
        """Raise DestinationError early when the place cannot be written."""

    def folder(self, version: Version) -> Path | None:
        """Return the local folder of a published version, None where releases are not on this machine."""

    def manifest_of(self, version: Version) -> bytes | None:
        """Return the ``release.json`` of ``version``, None when that is not published."""

    def holds(self, staged: StagedRelease) -> bool:
        """Tell whether this very release is published.

        Raises ConflictError when its version is published with other bytes.
        """

    def publish(self, staged: StagedRelease) -> Outcome:
        """Make ``staged`` visible as a whole, after its copy is checked; repeatable.

        Raises ConflictError as :meth:`holds` does, and VerificationError when the copy is not what
        the manifest says. Nothing is visible then.
        """

    def channel(self, name: str) -> Channel | None:
        """Return where a channel points, None when it was never set."""

    def move_channel(self, name: str, version: Version, manifest_digest: str) -> None:
        """Point a channel to a published release, by compare-and-swap.

        Raises VersionError when that goes back, and VerificationError when the release isn't there.
        """
