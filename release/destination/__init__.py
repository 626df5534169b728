"""Where releases are published: one protocol, and a module per kind of place."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import UsageError
from .channel import Channel
from .directory import DirectoryDestination
from .protocol import Destination, Outcome

__all__ = ["Channel", "Destination", "DirectoryDestination", "Outcome", "open_destination"]


def open_destination(text: str) -> Destination:
    """Return the destination that ``text`` names: a path of a directory. Raises UsageError for others."""
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", text)
    if scheme:
        raise UsageError(f"{text}: {scheme[0]}:// is not supported yet", "a directory is")
    if not text or "\0" in text:
        raise UsageError(f"{text!r} names no destination", "give the path of a directory")
    return DirectoryDestination(Path(text))
