"""Which files of a release are bills of materials, and of what."""

from __future__ import annotations

from collections.abc import Iterable

from ..manifest import Artifact, Image, Manifest
from .cyclonedx import MEDIA_TYPE, file_name, image_file_name


def is_sbom(artifact: Artifact) -> bool:
    """Tell whether ``artifact`` is the SBOM of another one, or of an image."""
    return artifact.media_type == MEDIA_TYPE


def sbom_of(manifest: Manifest, subject: Artifact | Image) -> Artifact | None:
    """Return the SBOM of an archive or an image, None when the release has none of it."""
    if isinstance(subject, Image):
        name = image_file_name(subject.name, str(manifest.version))
    else:
        name = file_name(subject.name)
    return next((one for one in manifest.artifacts if one.name == name and is_sbom(one)), None)


def sboms_of(manifest: Manifest, subjects: Iterable[Artifact | Image]) -> tuple[Artifact, ...]:
    """Return the SBOMs of all ``subjects``, as far as the release has them."""
    return tuple(sbom for one in subjects if (sbom := sbom_of(manifest, one)) is not None)
