"""In what two releases under one version differ."""

from __future__ import annotations

from ...errors import VerificationError
from ...manifest import NAME, Manifest, from_json


def first_difference(published: bytes, ours: Manifest) -> str:
    """Name the first artifact or image that differs, with both digests; else ``release.json``."""
    try:
        there, here = _digests(from_json(published)), _digests(ours)
    except VerificationError:
        return f"{NAME}, which cannot be read"
    for name in sorted(there.keys() | here.keys()):
        if there.get(name) != here.get(name):
            return f"{name}: {there.get(name, 'none')} there, {here.get(name, 'none')} here"
    return NAME


def _digests(release: Manifest) -> dict[str, str]:
    artifacts = {artifact.name: artifact.digest for artifact in release.artifacts}
    # Artifacts sort first: "images/" is no name of a file.
    return artifacts | {f"images/{image.name}": image.digest for image in release.images}
