"""What publishing a release puts where in a registry. Reads the staged folder, connects to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import canonical, checksums, manifest
from ...checksums import Digest, digest_of_bytes
from ...errors import VerificationError
from ...manifest import Image, Manifest
from ...oci.image import INDEX, MANIFEST
from ...oci.write import blob_path
from ...staged import IMAGES, StagedRelease, expected_checksums
from .artifact import EMPTY, release_artifact
from .content import Content, content_of
from .manifests import Document
from .reference import Reference

RELEASE_NAME = "tesseral-release"
"""The repository of the release itself, beside those of its images."""


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A blob and its repository."""

    repository: str
    content: Content


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A manifest or an index and its repository."""

    repository: str
    document: Document


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``manifests`` are referred to by ``tops``: an index for each image, and at last the release."""

    blobs: tuple[Blob, ...]
    manifests: tuple[Placed, ...]
    tops: tuple[Placed, ...]


def plan(staged: StagedRelease, reference: Reference) -> Plan:
    """Return what publishing ``staged`` puts where: images byte for byte as they are in their layouts.

    Raises VerificationError for a layout that is not as the manifest says.
    """
    blobs: dict[tuple[str, str], Blob] = {}
    manifests: dict[tuple[str, str], Placed] = {}
    tops: list[Placed] = []
    for image in staged.manifest.images:
        repository = reference.repository(image.name)
        layout = _Layout(staged.directory / IMAGES / image.name)
        index, children, contents = layout.read(image)
        tops.append(Placed(repository=repository, document=index))
        for child in children:
            manifests[repository, child.digest.sha256] = Placed(repository=repository, document=child)
        for content in contents:
            # Platforms with the same files share a layer.
            blobs[repository, content.digest.sha256] = Blob(repository=repository, content=content)
    release = reference.repository(RELEASE_NAME)
    for content in _release_contents(staged.directory, staged.manifest):
        blobs[release, content.digest.sha256] = Blob(repository=release, content=content)
    tops.append(Placed(repository=release, document=release_artifact(staged.manifest).document()))
    return Plan(blobs=tuple(blobs.values()), manifests=tuple(manifests.values()), tops=tuple(tops))


def _release_contents(directory: Path, release: Manifest) -> Iterator[Content]:
    yield content_of(EMPTY)
    yield content_of(manifest.to_json(release))
    yield content_of(checksums.render(expected_checksums(release)))
    for artifact in release.artifacts:
        yield Content(digest=artifact.content, source=directory / artifact.name)


class _Layout:
    """An image layout; :mod:`release.oci.read` says how it is checked before."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, image: Image) -> tuple[Document, list[Document], list[Content]]:
        """Return the index, the manifests below it and what these point to."""
        try:
            index = self._document(image.content, INDEX)
            children = [self._document(_digest(one), MANIFEST) for one in canonical.loads(index.data)["manifests"]]
            contents = [
                Content(digest=_digest(one), source=self._path(one["digest"]))
                for child in children
                for one in _contents(canonical.loads(child.data))
            ]
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise VerificationError(f"{self._directory} holds no image of this release", "stage it again") from error
        return index, children, contents

    def _document(self, digest: Digest, media_type: str) -> Document:
        data = self._path(digest.sha256).read_bytes()
        if digest_of_bytes(data) != digest:
            raise VerificationError(f"{self._path(digest.sha256)} is not what its name says", "stage it again")
        return Document(media_type=media_type, data=data)

    def _path(self, digest: str) -> Path:
        return self._directory / blob_path(digest)


def _contents(document: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON
    yield document["config"]
    yield from document["layers"]


def _digest(descriptor: Any) -> Digest:  # noqa: ANN401 - JSON
    return Digest(sha256=descriptor["digest"], size=descriptor["size"])
