"""Where releases are published and read from: one protocol, and a module per kind of place."""

from __future__ import annotations

from .channel import Channel, Pin
from .directory import DirectoryDestination
from .opening import open_destination, open_origin
from .protocol import Destination, Origin, Outcome

__all__ = [
    "Channel",
    "Destination",
    "DirectoryDestination",
    "Origin",
    "Outcome",
    "Pin",
    "open_destination",
    "open_origin",
]
