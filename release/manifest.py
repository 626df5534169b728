"""``release.json``: what a release is made of. The form is in ``schemas/release-1.schema.json``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any

from . import canonical, rfc3339
from .checksums import Digest
from .errors import VerificationError, VersionError
from .manifest_rules import check_document, check_names
from .version import Version, parse

NAME = "release.json"
"""File name of the manifest in a release."""

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Source:
    """The commit a release was built from: where it is, its time, and the digest of its tree."""

    repository: str | None = None
    path: str | None = None
    commit: str
    committed_at: datetime
    tree_digest: str


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What built it: the version of the pipeline and the digest of its ``toolchain.lock``."""

    version: str
    toolchain_lock_digest: str


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One file: size in bytes, digest; ``tar_digest`` is of the tar inside a tar.gz."""

    name: str
    piece: str
    target: str | None = None
    size: int
    digest: str
    tar_digest: str | None = None
    media_type: str

    @property
    def content(self) -> Digest:
        """What its bytes are."""
        return Digest(sha256=self.digest, size=self.size)


@dataclass(frozen=True, kw_only=True)
class Image:
    """One multi-platform image: digest and size of its index."""

    name: str
    digest: str
    size: int
    platforms: tuple[str, ...]

    @property
    def content(self) -> Digest:
        """What the bytes of its index are."""
        return Digest(sha256=self.digest, size=self.size)


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What an operator must have: the database's version, and the range of its migrations.

    ``upgrade_from`` is the oldest version that can be upgraded.
    """

    postgresql: str = ">=16.4"
    first_migration: int | None = None
    last_migration: int | None = None
    irreversible_migrations: tuple[int, ...] = ()
    upgrade_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A release. ``console_placeholders``: name of a variable → what stands for its value in the bundle."""

    version: Version
    source: Source
    pipeline: Pipeline
    artifacts: tuple[Artifact, ...]
    images: tuple[Image, ...] = ()
    requirements: Requirements = Requirements()
    console_placeholders: Mapping[str, str] = field(default_factory=dict)
    notes: str | None = None


def to_json(manifest: Manifest) -> bytes:
    """Write ``manifest`` in its canonical form; artifacts and images are sorted by name."""
    document = _plain(manifest)
    for group in ("artifacts", "images"):
        document[group].sort(key=lambda item: item["name"])
    return canonical.dumps({"schemaVersion": SCHEMA_VERSION, **document})


def from_json(data: bytes) -> Manifest:
    """Read a manifest.

    Raises VerificationError unless ``data`` follows the schema, keeps the rules that a schema cannot
    say, and is in the canonical form to the last byte.
    """
    try:
        document = canonical.loads(data)
    except ValueError as error:
        raise VerificationError(f"{NAME} is not JSON: {error}", "fetch the release again") from error
    check_document(document, SCHEMA_VERSION)
    manifest = _manifest(document)
    check_names(
        artifacts=[artifact.name for artifact in manifest.artifacts],
        images=[image.name for image in manifest.images],
    )
    try:
        canonical_form = to_json(manifest)
    except ValueError as error:  # an escape that stands for no character
        raise VerificationError(f"{NAME} is not UTF-8: {error}", "fetch the release again") from error
    if canonical_form != data:
        raise VerificationError(f"{NAME} is not in the canonical form", "fetch the release again")
    return manifest


def _manifest(document: Mapping[str, Any]) -> Manifest:
    """Build the manifest from a document that follows the schema. Raises VerificationError."""
    rest = {key: value for key, value in _fields(document).items() if key != "schema_version"}
    source = _fields(document["source"])
    try:
        return Manifest(
            **rest
            | {
                "version": parse(document["version"]),
                "source": Source(**source | {"committed_at": rfc3339.parse(source["committed_at"])}),
                "pipeline": Pipeline(**_fields(document["pipeline"])),
                "artifacts": tuple(Artifact(**_fields(item)) for item in document["artifacts"]),
                "images": tuple(Image(**_fields(item)) for item in document["images"]),
                "requirements": Requirements(**_fields(document["requirements"])),
            }
        )
    except (ValueError, VersionError) as error:
        raise VerificationError(f"{NAME}: {error}") from error


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Turn camelCase keys into the names of fields, and lists into tuples."""
    return {
        re.sub("[A-Z]", lambda upper: f"_{upper[0].lower()}", key): tuple(value) if isinstance(value, list) else value
        for key, value in document.items()
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON on the way out
    """Turn the values of a manifest into those of JSON; fields that are None are left out."""
    if is_dataclass(value):
        items = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {_camel(name): _plain(item) for name, item in items if item is not None}
    if isinstance(value, datetime):
        return rfc3339.render(value)
    if isinstance(value, Version):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), name)
