"""The documents of a release in a registry: OCI artifacts (image-spec 1.1, "Guidelines for Artifact Usage")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ... import canonical, checksums, manifest, rfc3339
from ...checksums import Digest, digest_of_bytes
from ...errors import VerificationError
from ...manifest import Manifest
from ...oci.image import MANIFEST
from ...staged import expected_checksums
from .manifests import Document

RELEASE = "application/vnd.tesseral.release.v1+json"
RELEASE_MANIFEST = "application/vnd.tesseral.release.manifest.v1+json"
EMPTY = b"{}"
"""The content of a config that says nothing (image-spec 1.1, "Guidance for an Empty Descriptor")."""

_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ANNOTATION = "org.opencontainers.image."
TITLE = f"{_ANNOTATION}title"


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """Points to some content (image-spec 1.1, descriptor.md); ``title`` is the name of its file."""

    media_type: str
    digest: Digest
    title: str | None = None

    def document(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "mediaType": self.media_type,
            "digest": self.digest.sha256,
            "size": self.digest.size,
            **({} if self.title is None else {"annotations": {TITLE: self.title}}),
        }


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """Files that belong together; ``subject`` is the manifest they are about."""

    artifact_type: str
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    subject: Descriptor | None = None

    def layer(self, title: str) -> Descriptor | None:
        """Return the layer that is the file ``title``, None when there is none."""
        return next((layer for layer in self.layers if layer.title == title), None)

    def document(self) -> Document:
        """Return its manifest (image-spec 1.1, manifest.md) in the canonical form."""
        config = Descriptor(media_type=_EMPTY_TYPE, digest=digest_of_bytes(EMPTY))
        document: dict[str, object] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": self.artifact_type,
            "config": config.document(),
            "layers": [layer.document() for layer in self.layers],
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        if self.subject is not None:
            document["subject"] = self.subject.document()
        return Document(media_type=MANIFEST, data=canonical.dumps(document))


def release_artifact(release: Manifest) -> Artifact:
    """Return the artifact ``tesseral-release``: ``release.json``, ``SHA256SUMS``, then every file."""
    own = manifest.to_json(release)
    sums = checksums.render(expected_checksums(release))
    files = [
        Descriptor(media_type=RELEASE_MANIFEST, digest=digest_of_bytes(own), title=manifest.NAME),
        Descriptor(media_type="text/plain", digest=digest_of_bytes(sums), title=checksums.NAME),
        *(
            Descriptor(
                media_type=artifact.media_type,
                digest=artifact.content,
                title=artifact.name,
            )
            for artifact in sorted(release.artifacts, key=lambda artifact: artifact.name)
        ),
    ]
    facts = {
        "version": str(release.version),
        "revision": release.source.commit,
        "created": rfc3339.render(release.source.committed_at),
    }
    annotations = {f"{_ANNOTATION}{name}": value for name, value in facts.items()}
    return Artifact(artifact_type=RELEASE, layers=tuple(files), annotations=annotations)


def read(document: Document, artifact_type: str, where: str) -> Artifact:
    """Read the manifest of an artifact. Raises VerificationError for what is no ``artifact_type``."""
    try:
        value: Any = canonical.loads(document.data)
        if value["artifactType"] != artifact_type:
            raise ValueError
        return Artifact(artifact_type=artifact_type, layers=tuple(_descriptors(value["layers"])))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise VerificationError(f"{where} is no {artifact_type}", "see what was written there") from error


def _descriptors(values: Iterable[Any]) -> Iterable[Descriptor]:
    for value in values:
        digest, size = value["digest"], value["size"]
        if _DIGEST.fullmatch(digest) is None or not isinstance(size, int) or size < 0:
            raise ValueError
        yield Descriptor(
            media_type=str(value["mediaType"]),
            digest=Digest(sha256=digest, size=size),
            title=(value.get("annotations") or {}).get(TITLE),
        )
