"""The release that a database is to be upgraded to: its manifest and its migrations, both checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import attestations
from .. import pin as pin_file
from ..destination.channel import Pin
from ..destination.files import FileStore
from ..destination.protocol import Origin
from ..errors import VerificationError
from ..fetch import Found
from ..manifest import Manifest
from ..signing import TrustedKeys
from ..temporary import brought
from ..transfer import SILENT, Meter
from ..verify import read_manifest
from .migrations import ASK, LARGEST_ARCHIVE, Migration, artifact_of, read
from .releases import Published


@dataclass(frozen=True, kw_only=True)
class Target:
    """A release, and its migrations in order."""

    manifest: Manifest
    migrations: tuple[Migration, ...]

    @property
    def published(self) -> Published:
        """Its version and what it needs."""
        return Published(version=self.manifest.version, requirements=self.manifest.requirements)

    def after(self, number: int | None) -> tuple[Migration, ...]:
        """Return the migrations that come after ``number``, all when that is None."""
        return tuple(one for one in self.migrations if number is None or one.number > number)


def from_origin(origin: Origin, found: Found, meter: Meter = SILENT) -> Target:
    """Bring the migrations of a release that was found.

    Raises VerificationError when they aren't what the manifest says, DestinationError.
    """
    artifact = artifact_of(found.manifest)
    with brought(origin, found.version, artifact, meter, largest=LARGEST_ARCHIVE, otherwise=ASK) as path:
        return Target(manifest=found.manifest, migrations=read(path.read_bytes(), found.manifest))


def from_folder(directory: Path, trusted: TrustedKeys | None, pin: Pin | None = None) -> Target:
    """Return the release in a folder that ``fetch`` made; only what is needed of it is read.

    Raises VerificationError when it isn't whole, not the pinned one, or no trusted key signed it.
    """
    manifest = read_manifest(directory)
    if pin is not None:
        pin_file.check(pin, manifest, str(directory))
    path = directory / artifact_of(manifest).name
    with FileStore(directory).told():
        if trusted is not None:
            attestations.check(attestations.read(directory), manifest, trusted, str(directory))
        if not path.is_file():
            raise VerificationError(f"{path} is missing", "fetch the release again, with --piece migrations")
        return Target(manifest=manifest, migrations=read(path.read_bytes(), manifest))
