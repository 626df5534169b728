"""What the text after ``--to`` and ``--from`` means."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import UsageError
from .directory import DirectoryDestination
from .protocol import Destination, Origin

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")


def open_destination(text: str) -> Destination:
    """Return the destination that ``text`` names: ``s3://bucket/prefix``, ``oci://registry/prefix`` or a directory.

    Nothing is connected to yet. Raises UsageError for others.
    """
    # Imported where they are needed: each takes a while, and most commands need neither.
    match _scheme(text):
        case "s3":
            from .s3 import S3Destination  # noqa: PLC0415

            return S3Destination.named(text)
        case "oci":
            from .registry import RegistryDestination  # noqa: PLC0415

            return RegistryDestination.named(text)
        case "http" | "https":
            raise UsageError(f"{text} can be read from, not published to", "publish to s3://, oci:// or a directory")
        case "":
            return DirectoryDestination(_path(text))
    raise UsageError(f"{text} is no kind of destination", "use s3://, oci:// or the path of a directory")


def open_origin(text: str) -> Origin:
    """Return the place to read from that ``text`` names: a destination, ``https://…``, or a bundle's file.

    Nothing is connected to yet. Raises UsageError for others.
    """
    if _scheme(text) in ("http", "https"):
        from .https import HttpsOrigin  # noqa: PLC0415

        return HttpsOrigin.named(text)
    if _scheme(text) == "" and _path(text).is_file():
        from .bundle import BundleOrigin  # noqa: PLC0415

        return BundleOrigin(_path(text))
    return open_destination(text)


def _scheme(text: str) -> str:
    found = _SCHEME.match(text)
    return found[0].lower() if found else ""


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise UsageError(f"{text!r} names no destination", "give the path of a directory")
    return Path(text)
