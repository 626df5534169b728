"""A release in a local folder, ready to be published.

The folder holds the artifacts, ``images/<name>/`` (OCI layouts), ``release.json``, ``SHA256SUMS``,
and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import checksums
from .atomic import replacing
from .checksums import digest_of_bytes
from .manifest import NAME, Manifest, from_json, to_json

IMAGES = "images"
"""Folder of the image layouts in a release."""


@dataclass(frozen=True, kw_only=True)
class StagedRelease:
    """A folder and the manifest in it."""

    directory: Path
    manifest: Manifest


def stage(directory: Path, manifest: Manifest) -> StagedRelease:
    """Write ``release.json`` and ``SHA256SUMS`` beside the artifacts and layouts in ``directory``.

    Raises VerificationError when the manifest breaks a rule of its form, and OSError.
    """
    data = to_json(manifest)
    checked = from_json(data)
    with replacing(directory / NAME) as sink:
        sink.write(data)
    checksums.write(directory / checksums.NAME, expected_checksums(checked))
    return StagedRelease(directory=directory, manifest=checked)


def expected_checksums(manifest: Manifest) -> dict[str, str]:
    """Return what ``SHA256SUMS`` lists: the artifacts and ``release.json`` itself."""
    own = {NAME: digest_of_bytes(to_json(manifest)).sha256}
    return own | {artifact.name: artifact.digest for artifact in manifest.artifacts}
