"""What must hold for ``release.json`` before anything in it is used."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .checksums import PLAIN_NAME
from .errors import VerificationError

# These have a meaning of their own in the folder of a release.
_RESERVED = frozenset({"release.json", "SHA256SUMS", "SHA256SUMS.sig", "provenance.intoto.jsonl", "images"})
_AGAIN = "fetch the release again"


def check_document(document: object, known: int) -> None:
    """Raise VerificationError unless ``document`` follows the JSON Schema (draft 2020-12).

    ``known`` is the schema version this program reads.
    """
    schema_version = document.get("schemaVersion") if isinstance(document, dict) else None
    if isinstance(schema_version, int) and schema_version > known:
        raise VerificationError(
            f"release.json has schema version {schema_version}, this program knows {known}",
            "upgrade tesseral-release",
        )
    error = best_match(_validator().iter_errors(document))
    if error is not None:
        place = error.json_path.removeprefix("$").lstrip(".") or "the document"
        raise VerificationError(f"release.json: {place}: {_shortened(error.message)}", _AGAIN)


def check_names(*, artifacts: Sequence[str], images: Sequence[str]) -> None:
    """Raise VerificationError unless names are plain file names, each used once and none reserved."""
    for kind, names in (("artifact", artifacts), ("image", images)):
        for name in names:
            if PLAIN_NAME.fullmatch(name) is None:
                raise VerificationError(f"release.json: {name!r} is not a plain file name", _AGAIN)
            if names.count(name) > 1:
                raise VerificationError(f"release.json: the {kind} {name} is listed twice", _AGAIN)
    reserved = sorted(_RESERVED.intersection(artifacts))
    if reserved:
        raise VerificationError(f"release.json: an artifact cannot be named {reserved[0]}", _AGAIN)


@functools.cache
def _validator() -> Draft202012Validator:
    package = resources.files(__package__)
    schema: Any = json.loads((package / "schemas" / "release-1.schema.json").read_text("utf-8"))
    return Draft202012Validator(schema)


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]}…"
