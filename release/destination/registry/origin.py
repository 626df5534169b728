"""Reading releases from a registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial

from ... import manifest
from ...errors import DestinationError, VerificationError
from ...transfer import in_parallel
from ...version import Version, from_tag
from .. import documents
from . import artifact, blobs, manifests
from .artifact import RELEASE, Artifact
from .claiming import claimed
from .client import Client
from .plan import RELEASE_NAME
from .records import Records, yanked_by
from .reference import Reference
from .settings import Settings

_IN_LAYOUT = re.compile(r"images/([A-Za-z0-9._-]+)/blobs/sha256/([0-9a-f]{64})")


class RegistryOrigin:
    """The releases below ``reference``; see :class:`..protocol.Origin`. Only tagged ones are there."""

    def __init__(self, reference: Reference, settings: Settings) -> None:
        self._reference = reference
        self._settings = settings
        self._client = Client(reference, settings)
        self._home = reference.repository(RELEASE_NAME)
        self._records = Records(self._client, self._home)

    @property
    def name(self) -> str:
        """The text that opened it."""
        return self._reference.text

    def versions(self) -> tuple[Version, ...]:
        """Return the versions that ``tesseral-release`` has tags for, in SemVer order."""
        found = (from_tag(tag, prefix="") for tag in manifests.tags(self._client, self._home))
        listed = sorted(version for version in found if version is not None)
        # Docker's registry lists a tag a moment before it can be read.
        looks = [partial(manifests.exists, self._client, self._home, str(version)) for version in listed]
        there = in_parallel(looks, self._settings.jobs)
        return tuple(version for version, is_there in zip(listed, there, strict=True) if is_there)

    def yanked(self) -> frozenset[Version]:
        """Return the versions that have a yank record."""
        found = (yanked_by(tag) for tag in manifests.tags(self._client, self._home))
        return frozenset(version for version in found if version is not None)

    def manifest_of(self, version: Version) -> bytes | None:
        """Return the ``release.json`` of ``version``, None when that is not published."""
        release = self._release(version)
        if release is None:
            return None
        layer = release.layer(manifest.NAME)
        data = None if layer is None else blobs.read(self._client, self._home, layer.digest.sha256, documents.LARGEST)
        if data is None:
            raise VerificationError(f"{self._where(version)} has lost its {manifest.NAME}", "ask who publishes it")
        return data

    def document(self, key: str) -> bytes | None:
        """Return a small file, None when it is not there; a registry has no index and no pages."""
        version = from_tag(key.removesuffix(".json"), prefix=documents.CLAIMS)
        return self._records.read(key) if version is None else claimed(self._records, version)

    def open(self, version: Version, path: str, start: int = 0) -> AbstractContextManager[Iterator[bytes]]:
        """Read a file of a published version; see :meth:`..protocol.Origin.open`."""
        in_layout = _IN_LAYOUT.fullmatch(path)
        if in_layout is not None:
            repository = self._reference.repository(in_layout[1])
            places = blobs.paths(repository, f"sha256:{in_layout[2]}")
        else:
            repository = self._home
            release = self._release(version)
            layer = None if release is None else release.layer(path)
            if layer is None:
                raise DestinationError(f"{self._where(version)} does not hold {path}", "name a published version")
            places = blobs.paths(repository, layer.digest.sha256)[:1]
        return blobs.opened(self._client, repository, places, start)

    def _release(self, version: Version) -> Artifact | None:
        document = manifests.get(self._client, self._home, str(version))
        return None if document is None else artifact.read(document, RELEASE, self._where(version))

    def _where(self, version: Version) -> str:
        return f"{self._client.registry}/{self._home}:{version}"
