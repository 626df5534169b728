"""What must be built to compare a release, or a part of it: the words that the pipeline's command takes."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotRebuiltError
from ..manifest import Artifact, Image, Manifest
from ..sbom import sbom_of
from ..version import is_snapshot
from .source import Place
from .wanted import Wanted

# Bundles and migrations are the same for every target; for this one there is no image to be made.
_WITHOUT_IMAGES = "windows/amd64"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One build. ``path`` is the source's folder in its repository, empty for the whole.

    ``repository`` is what ``release.json`` calls it, empty for nothing; ``notes`` are None where the source
    has them.
    """

    place: Place
    path: str
    repository: str
    version: str
    notes: str | None
    pieces: tuple[str, ...]
    targets: tuple[str, ...]


def order_of(manifest: Manifest, wanted: Wanted, place: Place) -> Order:
    """Return the smallest build that yields ``wanted``. Raises NotRebuiltError for what has no commit."""
    version = manifest.version
    if is_snapshot(version) and ".dirty-" in str(version):
        raise NotRebuiltError(
            f"{version} was built from changes that were not committed, which nobody else has",
            "ask for a release of a commit",
        )
    of_images = {sbom.name: image for image in manifest.images if (sbom := sbom_of(manifest, image))}
    images = [*wanted.images, *(of_images[one.name] for one in wanted.artifacts if one.name in of_images)]
    pieces = {one.piece for one in wanted.artifacts} | {_piece_of(image, manifest) for image in images}
    targets = {one.target for one in wanted.artifacts if one.target}
    targets |= {platform for image in images for platform in image.platforms}
    return Order(
        place=place,
        path=manifest.source.path or "",
        repository=manifest.source.repository or "",
        version=str(version),
        notes=manifest.notes,
        pieces=tuple(sorted(pieces)),
        targets=tuple(sorted(targets)) or (_WITHOUT_IMAGES,),
    )


def _piece_of(image: Image, manifest: Manifest) -> str:
    """The piece that an image is of: artifacts of the piece begin with the image's name."""

    def is_of(artifact: Artifact) -> bool:
        return artifact.name.startswith(f"{image.name}_")

    return next((artifact.piece for artifact in manifest.artifacts if is_of(artifact)), image.name)
