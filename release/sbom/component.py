"""What a bill of materials lists, in no particular format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..errors import SourceError


class Kind(StrEnum):
    """The kinds of components that releases have, in the words of CycloneDX."""

    APPLICATION = "application"
    CONTAINER = "container"
    FILE = "file"
    LIBRARY = "library"


@dataclass(frozen=True, kw_only=True, order=True)
class Hash:
    """The hash of one file, such as a published package: ``algorithm`` as in ``SHA-256``, ``content`` in hex."""

    algorithm: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing, and ``parts``, the things that were built into it.

    ``purl`` tells it from all others. ``licence`` is what its makers declare: an SPDX expression or their
    own words. ``properties`` are pairs of a name and a value for what has no field.

    Raises SourceError for text that can't be shown, such as control characters.
    """

    kind: Kind
    name: str
    version: str = ""
    purl: str
    hashes: tuple[Hash, ...] = ()
    licence: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    parts: tuple[Component, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.name, self.version, self.licence, *(value for _, value in self.properties)):
            if not text.isprintable():
                raise SourceError(f"{text!r} can't stand in an SBOM", "correct it in the lock file it comes from")


@dataclass(frozen=True, kw_only=True)
class Sbom:
    """The bill of materials of one artifact: ``subject`` with all its parts.

    ``made_at`` is the time of the commit, ``made_by`` the version of this program.
    """

    subject: Component
    made_at: datetime
    made_by: str
