"""What reading and publishing ask of a place that holds releases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ..manifest import Manifest
from ..signing import Signer
from ..staged import StagedRelease
from ..transfer import Meter
from ..version import Version


class Outcome(StrEnum):
    """What publishing a release did."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"


class Origin(Protocol):
    """A place that releases are read from. Nothing it says is trusted: readers check digests.

    Every method tries again what may succeed the next time, and raises DestinationError when the
    place cannot be read.
    """

    @property
    def name(self) -> str:
        """What a person calls it: the text that opened it."""

    def versions(self) -> tuple[Version, ...]:
        """Return the published versions in SemVer order; what is published in part is not among them."""

    def yanked(self) -> frozenset[Version]:
        """Return the versions that have a yank record."""

    def manifest_of(self, version: Version) -> bytes | None:
        """Return the ``release.json`` of ``version``, None when that is not published."""

    def document(self, key: str) -> bytes | None:
        """Return a small file such as ``channels/stable.json`` (:mod:`.documents`), None when it is not there."""

    def open(self, version: Version, path: str, start: int = 0) -> AbstractContextManager[Iterator[bytes]]:
        """Read a file of a published version from byte ``start``, in pieces.

        ``path`` is the name of an artifact, or ``images/<name>/blobs/sha256/<hex>``. Raises
        DestinationError for one that is not there, and TransientError, also while reading, when the
        rest can be asked for again.
        """


class Staging(Protocol):
    """A release that is at its destination in whole, checked, and not visible yet."""

    def commit(self) -> Outcome:
        """Make it visible, by one step; repeatable. Raises ConflictError when another took its version meanwhile."""


class Destination(Origin, Protocol):
    """A place that holds releases, each written once, and channels that move forward.

    Every method raises DestinationError when the place cannot be read or written.
    """

    @property
    def browsable(self) -> bool:
        """Tell whether people look at it with a browser: it has ``index.json`` and pages then."""

    def folder(self, version: Version) -> Path | None:
        """Return the local folder of a published version, None where releases are not on this machine."""

    def check(self) -> None:
        """Raise DestinationError early when the place cannot be written."""

    def holds(self, staged: StagedRelease) -> bool:
        """Tell whether this very release is published.

        Raises ConflictError when its version is published, or claimed by an unfinished publish, with
        other bytes.
        """

    def staging(self, staged: StagedRelease, meter: Meter) -> AbstractContextManager[Staging]:
        """Bring every byte of ``staged`` there and read it back; nothing is visible yet.

        What an earlier run brought there is kept. Raises ConflictError as :meth:`holds` does, and
        VerificationError when what is there is not what the manifest says.
        """

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Write the small file ``key`` if it still holds ``expected`` (None: if it is not there).

        Returns False when it holds something else. Atomic where the place can compare and swap.
        """

    def attest(self, manifest: Manifest, name: str, data: bytes) -> None:
        """Put an attestation (:mod:`release.attestations`) beside a release that is staged or published.

        One that is there already stays.
        """

    def check_images(self, manifest: Manifest) -> None:
        """Raise VerificationError when :meth:`sign_images` would, for what is there in the place of signatures."""

    def sign_images(self, manifest: Manifest, signer: Signer) -> tuple[str, ...]:
        """Sign the images of a release that is staged or published, where they can be pulled by name.

        Signatures by other keys stay. Returns the names of those that had none by this key. Raises SigningError.
        """

    def tag(self, name: str, manifest: Manifest) -> None:
        """Let the image tags ``name`` (a channel) point at the images of ``manifest``, where there are tags."""

    def abandon(self, version: Version) -> bool:
        """Remove what an unfinished publish of ``version`` left, so that other bytes can take the version.

        Returns False when there is nothing. Raises ConflictError when ``version`` is published.
        """
