"""Small bills of materials, and the published schema of CycloneDX to hold them against."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from release_samples import CREATED

from release.checksums import digest_of_bytes
from release.manifest import Artifact
from release.sbom import MEDIA_TYPE, Component, Hash, Kind, Sbom, file_name, image_file_name, to_json
from release.sbom.purl import purl
from release.staged import StagedRelease, stage

DIGEST = "sha256:" + "a" * 64


def library(name: str, version: str = "1.0.0", **more: Any) -> Component:
    return Component(
        **{"kind": Kind.LIBRARY, "name": name, "version": version, "purl": purl("npm", name, version)} | more
    )


def sbom(*parts: Component, **changes: Any) -> Sbom:
    """The bill of an archive that holds ``parts``."""
    subject = Component(
        kind=Kind.APPLICATION,
        name="tesseral-console",
        version="1.4.0",
        purl=purl("generic", "tesseral-console", "1.4.0", checksum=DIGEST),
        hashes=(Hash(algorithm="SHA-256", content="a" * 64),),
        parts=parts,
    )
    return replace(Sbom(subject=subject, made_at=CREATED, made_by="0.1.0"), **changes)


def read(bill: Sbom) -> Any:
    """The document, after a check against the schema."""
    data = to_json(bill)
    assert schema_error(data) is None
    return json.loads(data)


def listing(name: str, piece: str, target: str | None, data: bytes) -> Artifact:
    """How a manifest lists the bill ``data``."""
    digest = digest_of_bytes(data)
    return Artifact(
        name=name, piece=piece, target=target, size=digest.size, digest=digest.sha256, media_type=MEDIA_TYPE
    )


def with_sboms(release: StagedRelease) -> StagedRelease:
    """``release`` with a bill beside each archive and image."""
    data = to_json(sbom(library("react")))
    version = str(release.manifest.version)
    bills = [listing(file_name(one.name), one.piece, one.target, data) for one in release.manifest.artifacts]
    bills += [listing(image_file_name(one.name, version), one.name, None, data) for one in release.manifest.images]
    for one in bills:
        (release.directory / one.name).write_bytes(data)
    return stage(release.directory, replace(release.manifest, artifacts=(*release.manifest.artifacts, *bills)))


def schema_error(data: bytes) -> str | None:
    """What the schema of CycloneDX 1.7 has against a document."""
    error = _validator().validate_str(data.decode())
    return None if error is None else str(error)


@functools.cache
def _validator() -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.V1_7)
