"""Releases in a store of files by name: what a directory, a bucket, a web server and a bundle share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from .. import manifest
from ..version import Version, from_tag
from . import index
from .documents import INDEX, RELEASES, YANKED, release_key


class Store(Protocol):
    """Files by name. Every method raises DestinationError, and tries again what may succeed the next time."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    def read(self, key: str) -> bytes | None:
        """Return a small file, None when it is not there. Raises VerificationError for one that is not small."""

    def exists(self, key: str) -> bool:
        """Tell whether there is a file ``key``."""

    def open(self, key: str, start: int) -> AbstractContextManager[Iterator[bytes]]:
        """Read a file from byte ``start``; see :meth:`.protocol.Origin.open`."""

    def names(self, prefix: str) -> tuple[str, ...] | None:
        """Return the names directly below ``prefix`` (which ends in ``/``), without it: ``1.4.0/`` and
        ``1.4.0.html``. None where nothing can be listed."""


class StoreOrigin:
    """The reading side of a store with the layout of docs/formats.md."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self._store.name

    def versions(self) -> tuple[Version, ...]:
        """Return the published versions; see :class:`.protocol.Origin`.

        Only a release with its ``release.json`` counts. Those in ``index.json`` are known to have one.
        """
        known = frozenset(index.versions(self._store.read(INDEX)))
        names = self._store.names(RELEASES)
        if names is None:
            return tuple(sorted(known))
        found = (from_tag(name.removesuffix("/"), prefix="") for name in names if name.endswith("/"))
        return tuple(
            sorted(
                version
                for version in found
                if version and (version in known or self._store.exists(release_key(version, manifest.NAME)))
            )
        )

    def yanked(self) -> frozenset[Version]:
        """Return the versions that have a yank record."""
        names = self._store.names(YANKED)
        if names is None:
            return frozenset(index.yanked(self._store.read(INDEX)))
        found = (from_tag(name.removesuffix(".json"), prefix="") for name in names if name.endswith(".json"))
        return frozenset(version for version in found if version)

    def manifest_of(self, version: Version) -> bytes | None:
        """Return the ``release.json`` of ``version``, None when that is not published."""
        return self._store.read(release_key(version, manifest.NAME))

    def document(self, key: str) -> bytes | None:
        """Return a small file, None when it is not there."""
        return self._store.read(key)

    def open(self, version: Version, path: str, start: int = 0) -> AbstractContextManager[Iterator[bytes]]:
        """Read a file of a published version; see :class:`.protocol.Origin`."""
        return self._store.open(release_key(version, path), start)
