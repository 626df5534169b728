"""A pin in a file: the exact release that a deployment is meant to use, to keep under version control."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import canonical
from .atomic import replacing
from .checksums import digest_of_bytes
from .destination.channel import Pin
from .destination.files import FileStore
from .errors import UsageError, VerificationError, VersionError
from .manifest import Manifest
from .manifest import to_json as manifest_to_json
from .version import parse

NAME = "tesseral-release.pin.json"
"""File name of a pin unless a person says otherwise."""

_SCHEMA_VERSION = 1
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def to_json(pin: Pin) -> bytes:
    """Write ``pin`` in its canonical form."""
    return canonical.dumps(
        {"schemaVersion": _SCHEMA_VERSION, "version": str(pin.version), "manifestDigest": pin.manifest_digest}
    )


def from_json(data: bytes) -> Pin:
    """Read a pin. Raises VerificationError unless it is one to the last byte."""
    try:
        document: Any = canonical.loads(data)
        if document["schemaVersion"] > _SCHEMA_VERSION:
            raise VerificationError("the pin has a newer form", "upgrade tesseral-release")
        pin = Pin(version=parse(document["version"]), manifest_digest=document["manifestDigest"])
        whole = to_json(pin) == data and _DIGEST.fullmatch(pin.manifest_digest) is not None
    except (KeyError, TypeError, ValueError, VersionError) as error:
        raise VerificationError("it is no pin", "make it again with tesseral-release pin") from error
    if not whole:
        raise VerificationError("it is not as it was written", "make it again with tesseral-release pin")
    return pin


def read(path: Path) -> Pin:
    """Read the pin in the file ``path``.

    Raises UsageError when it is not there, VerificationError when it is no pin, and DestinationError.
    """
    data = _data(path)
    if data is None:
        raise UsageError(f"there is no pin {path}", "make it with tesseral-release pin")
    try:
        return from_json(data)
    except VerificationError as error:
        raise VerificationError(f"{path}: {error.problem}", error.next_step) from error


def write(path: Path, pin: Pin, *, update: bool = False) -> bool:
    """Write ``pin`` to the file ``path``; returns False when it says so already.

    Raises UsageError when something else is there, unless it is to be updated, and DestinationError.
    """
    data = to_json(pin)
    there = _data(path)
    if there == data:
        return False
    if there is not None and not update:
        raise UsageError(f"{path} {_described(there, pin)}, not {pin.version}", "--update replaces it")
    store = FileStore(path)
    with store.told(), replacing(path) as sink:
        sink.write(data)
    return True


def check(pin: Pin, manifest: Manifest, place: str) -> None:
    """Raise VerificationError unless ``manifest``, which is in ``place``, is the pinned one."""
    digest = digest_of_bytes(manifest_to_json(manifest)).sha256
    if digest != pin.manifest_digest or manifest.version != pin.version:
        raise VerificationError(
            f"{place} holds {manifest.version} with the manifest {digest}, "
            f"the pin says {pin.version} and {pin.manifest_digest}",
            "fetch the pinned release",
        )


def _described(data: bytes, wanted: Pin) -> str:
    try:
        version = from_json(data).version
    except VerificationError:
        return "is something else than a pin"
    return f"pins another {version}" if version == wanted.version else f"pins {version}"


def _data(path: Path) -> bytes | None:
    return FileStore(path.parent).read(path.name)
