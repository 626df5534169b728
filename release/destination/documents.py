"""The names of the small files beside the releases, the same in every destination."""

from __future__ import annotations

from ..attestations import NAMES as ATTESTATIONS
from ..version import Version, check_channel_name

RELEASES = "releases/"
CHANNELS = "channels/"
YANKED = "yanked/"
CLAIMS = "claims/"
INDEX = "index.json"
INDEX_PAGE = "index.html"

LARGEST = 2**26
"""Bytes of a small file at most: what is larger is refused, not read."""


def release_key(version: Version, path: str) -> str:
    """Return the name of a file of a release."""
    return f"{RELEASES}{version}/{path}"


def channel_key(name: str) -> str:
    """Return the name of a channel's file. Raises VersionError when there is no such channel."""
    check_channel_name(name)
    return f"{CHANNELS}{name}.json"


def yank_key(version: Version) -> str:
    """Return the name of the record that ``version`` is yanked."""
    return f"{YANKED}{version}.json"


def claim_key(version: Version) -> str:
    """Return the name of the record that a publish of ``version`` has begun, and with which manifest."""
    return f"{CLAIMS}{version}.json"


def page_key(version: Version) -> str:
    """Return the name of the page about ``version``."""
    return f"{RELEASES}{version}.html"


def media_type(key: str) -> str:
    """Return the media type of a file by its name."""
    endings = {
        ".json": "application/json",
        ".html": "text/html; charset=utf-8",
        ".tar.gz": "application/gzip",
        ".zip": "application/zip",
        "SHA256SUMS": "text/plain; charset=utf-8",
    }
    return next((kind for ending, kind in endings.items() if key.endswith(ending)), "application/octet-stream")


def changes(key: str) -> bool:
    """Tell whether a file may change after it was written: those of a release never do, signatures of it may."""
    return not key.startswith(RELEASES) or key.endswith((".html", *ATTESTATIONS))
