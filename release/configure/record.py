"""``configured.json``: what a configured console was made from, with which values, and what came out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .. import canonical
from ..checksums import Digest, digest_of_bytes
from ..errors import VerificationError

NAME = "configured.json"
"""Its name beside the files that it is about."""

_SCHEMA_VERSION = 1
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Kind(StrEnum):
    """In which form a bundle came."""

    ARCHIVE = "archive"
    FOLDER = "folder"
    IMAGE = "image"


@dataclass(frozen=True, kw_only=True)
class Base:
    """A bundle as it was released.

    ``digest`` is that of the archive, of the image's index, or of a folder's list of files in the form
    of ``SHA256SUMS``. ``version`` is known where the name of the bundle says it.
    """

    kind: Kind
    digest: str
    version: str | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """``values`` by variable; ``files`` by path, all but the record itself."""

    base: Base
    values: Mapping[str, str]
    files: Mapping[str, Digest]


def record_of(base: Base, values: Mapping[str, str], files: Mapping[str, bytes]) -> Record:
    """Return the record of ``files``, which were made from ``base`` with ``values``."""
    return Record(base=base, values=values, files={path: digest_of_bytes(data) for path, data in files.items()})


def to_json(record: Record) -> bytes:
    """Write ``record`` in its canonical form."""
    base = {"kind": record.base.kind, "digest": record.base.digest, "version": record.base.version}
    return canonical.dumps(
        {
            "schemaVersion": _SCHEMA_VERSION,
            "base": {key: value for key, value in base.items() if value is not None},
            "values": dict(record.values),
            "files": {path: {"digest": one.sha256, "size": one.size} for path, one in record.files.items()},
        }
    )


def from_json(data: bytes) -> Record:
    """Read a record. Raises VerificationError for what is none, or of a newer form."""
    try:
        document = canonical.loads(data)
        schema_version = document["schemaVersion"]
        if schema_version > _SCHEMA_VERSION:
            raise VerificationError(
                f"{NAME} has schema version {schema_version}, this program knows {_SCHEMA_VERSION}",
                "upgrade tesseral-release",
            )
        base = document["base"]
        record = Record(
            base=Base(kind=Kind(base["kind"]), digest=base["digest"], version=base.get("version")),
            values=dict(document["values"]),
            files={path: Digest(sha256=one["digest"], size=one["size"]) for path, one in document["files"].items()},
        )
        sound = to_json(record) == data and _is_typed(record)
    except (ValueError, TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise VerificationError(f"{NAME} is not as `configure` writes it", "configure the console again")
    return record


def _is_typed(record: Record) -> bool:
    """Tell whether values have the types they are declared with. May raise TypeError."""
    digests = (record.base.digest, *(one.sha256 for one in record.files.values()))
    return (
        all(_DIGEST.fullmatch(one) for one in digests)
        and all(type(one.size) is int and one.size >= 0 for one in record.files.values())
        and all(isinstance(value, str) for value in record.values.values())
        and isinstance(record.base.version, str | None)
    )
