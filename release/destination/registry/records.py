"""The small files beside the releases: each an artifact with one layer, under a tag of ``tesseral-release``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...attestations import PROVENANCE, SIGNATURE
from ...checksums import digest_of_bytes
from ...errors import DestinationError, VerificationError, VersionError
from ...transfer import SILENT
from ...version import Version, from_tag
from .. import documents
from . import artifact, blobs, manifests, referrers, upload
from .artifact import EMPTY, Artifact, Descriptor
from .client import Client
from .content import content_of
from .manifests import Document

# distribution-spec 1.1, "Pulling manifests": the form of a tag.
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_YANKED = "yanked-"


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """Files ``<folder><name><ending>`` are tags ``<prefix><name>``."""

    folder: str
    prefix: str
    artifact_type: str
    ending: str = ".json"
    media_type: str = "application/json"


_KINDS = (
    _Kind(folder=documents.CHANNELS, prefix="", artifact_type="application/vnd.tesseral.channel.v1+json"),
    _Kind(folder=documents.CLAIMS, prefix="claim-", artifact_type="application/vnd.tesseral.claim.v1+json"),
    _Kind(folder=documents.YANKED, prefix=_YANKED, artifact_type="application/vnd.tesseral.yank.v1+json"),
    _Kind(
        folder=documents.RELEASES,
        prefix="signature-",
        artifact_type="application/vnd.tesseral.signature.v1+ssh",
        ending=f"/{SIGNATURE}",
        media_type="text/plain",
    ),
    _Kind(
        folder=documents.RELEASES,
        prefix="provenance-",
        artifact_type="application/vnd.in-toto+json",
        ending=f"/{PROVENANCE}",
        media_type="application/vnd.dsse.envelope.v1+json",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A record whose bytes are in the registry; one request makes it the one that is read."""

    tag: str
    document: Document
    subject: Descriptor | None


class Records:
    """The records in the repository ``repository``."""

    def __init__(self, client: Client, repository: str) -> None:
        self._client = client
        self._repository = repository

    def read(self, key: str) -> bytes | None:
        """Return the file ``key`` (:mod:`..documents`), None when it is not there."""
        kind = _kind(key)
        if kind is None:
            return None
        tag = _tag(kind, key)
        document = manifests.get(self._client, self._repository, tag)
        if document is None:
            return None
        where = f"{self._client.registry}/{self._repository}:{tag}"
        layers = artifact.read(document, kind.artifact_type, where).layers
        if len(layers) != 1:
            raise VerificationError(f"{where} has {len(layers)} files, not one", "see what was written there")
        data = blobs.read(self._client, self._repository, layers[0].digest.sha256, documents.LARGEST)
        if data is None:
            raise VerificationError(f"{where} has lost its file", "write it again")
        return data

    def prepare(self, key: str, data: bytes, subject: Descriptor | None = None) -> Prepared:
        """Bring the bytes of ``key`` to the registry, where nobody sees them yet.

        ``subject`` is the manifest they are about: by itself the release, where it is published, for all that is said
        about one.
        """
        kind = _kind(key)
        if kind is None:
            raise DestinationError(f"{self._client.registry} has no place for {key}", "publish it elsewhere")
        for content in (content_of(EMPTY), content_of(data)):
            # Records are small: none goes in chunks.
            upload.push(self._client, self._repository, content, documents.LARGEST, SILENT)
        title = key.rpartition("/")[2]
        layer = Descriptor(media_type=kind.media_type, digest=digest_of_bytes(data), title=title)
        subject = subject or self._subject(kind, key)
        document = Artifact(artifact_type=kind.artifact_type, layers=(layer,), subject=subject).document()
        if subject is not None:
            referrers.attach(self._client, self._repository, subject.digest.sha256, document, kind.artifact_type)
        return Prepared(tag=_tag(kind, key), document=document, subject=subject)

    def put(self, prepared: Prepared) -> None:
        """Make a record the one that is read; whatever was there is replaced, and refers to nothing any more."""
        subject, document = prepared.subject, prepared.document
        before = None if subject is None else manifests.get(self._client, self._repository, prepared.tag)
        manifests.put(self._client, self._repository, prepared.tag, document)
        if subject is not None and before is not None and before.digest != document.digest:
            referrers.detach(self._client, self._repository, subject.digest.sha256, before.digest.sha256)

    def remove(self, key: str) -> bool:
        """Remove the file ``key``; tell whether it is gone, which few registries can do."""
        kind = _kind(key)
        return kind is not None and manifests.remove(self._client, self._repository, _tag(kind, key))

    def _subject(self, kind: _Kind, key: str) -> Descriptor | None:
        if kind.folder not in (documents.YANKED, documents.RELEASES):
            return None
        version = key.removeprefix(kind.folder).removesuffix(kind.ending)
        release = manifests.get(self._client, self._repository, version)
        return None if release is None else Descriptor(media_type=release.media_type, digest=release.digest)


def yanked_by(tag: str) -> Version | None:
    """Return the version that a tag tells is yanked, None for other tags."""
    return from_tag(tag, prefix=_YANKED)


def _kind(key: str) -> _Kind | None:
    return next((kind for kind in _KINDS if key.startswith(kind.folder) and key.endswith(kind.ending)), None)


def _tag(kind: _Kind, key: str) -> str:
    tag = kind.prefix + key.removeprefix(kind.folder).removesuffix(kind.ending)
    if _TAG.fullmatch(tag) is None:
        raise VersionError(f"{tag!r} cannot be a tag in a registry", "use a shorter version")
    return tag
