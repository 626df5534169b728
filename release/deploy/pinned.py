"""What a deployment takes from the pinned release: its files and images, by name."""

from __future__ import annotations

from dataclasses import dataclass

from ..destination.channel import Pin
from ..errors import UsageError
from ..manifest import Artifact, Image, Manifest
from ..proxy import PIECE as KIT
from ..sbom import is_sbom


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """A release whose ``manifest`` is the one that ``pin`` names."""

    pin: Pin
    manifest: Manifest

    @property
    def version(self) -> str:
        """The version, as it is written."""
        return str(self.pin.version)

    @property
    def last_migration(self) -> int:
        """The number that the schema has with this release. Raises UsageError when it has no migrations."""
        number = self.manifest.requirements.last_migration
        if number is None:
            raise UsageError(f"release {self.version} has no migrations", "pin a whole release")
        return number

    @property
    def kit(self) -> Artifact | None:
        """The archive of its proxy kit, which older releases have not."""
        return next((one for one in self._archives(KIT)), None)

    @property
    def kit_flag(self) -> str:
        """What `fetch` is told to bring the kit too."""
        return "" if self.kit is None else f" --piece {KIT}"

    def archive(self, piece: str, target: str | None = None) -> Artifact:
        """Return the archive of a piece, such as ``api``. Raises UsageError when there is none."""
        of_piece = self._archives(piece)
        found = [one for one in of_piece if one.target == target]
        if found:
            return found[0]
        targets = ", ".join(sorted(one.target for one in of_piece if one.target is not None))
        wanted = f"{piece} for {target}" if target and targets else piece
        raise UsageError(
            f"release {self.version} has no {wanted}", f"it is for {targets}" if targets else "pin a whole release"
        )

    def image(self, name: str) -> Image:
        """Return an image. Raises UsageError when there is none."""
        for image in self.manifest.images:
            if image.name == name:
                return image
        names = ", ".join(sorted(image.name for image in self.manifest.images))
        raise UsageError(
            f"release {self.version} has no image {name}", f"it has {names}" if names else "pin a release with images"
        )

    def _archives(self, piece: str) -> list[Artifact]:
        return [one for one in self.manifest.artifacts if one.piece == piece and not is_sbom(one)]
