"""An S3 bucket as a destination. ``release.json``, written last and once, makes a release visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ... import attestations, manifest, tree
from ...checksums import digest_of_bytes
from ...errors import ConflictError, DestinationError, VerificationError
from ...manifest import Manifest, from_json, to_json
from ...signing import Signer
from ...staged import StagedRelease
from ...transfer import Meter, in_parallel
from ...verify import verify
from ...version import Version
from .. import claim
from ..documents import claim_key, release_key
from ..protocol import Outcome, Staging
from ..staging import AlreadyThere, Pending
from ..store import StoreOrigin
from . import abandon, local, probe
from .address import Address, parse
from .local import LocalFile
from .settings import Settings
from .store import S3Store
from .upload import bring
from .writing import swap


class S3Destination(StoreOrigin):
    """Releases below ``s3://bucket/prefix``."""

    browsable = True

    def __init__(self, address: Address, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._bucket = S3Store(address, self._settings)
        super().__init__(self._bucket)

    @classmethod
    def named(cls, text: str, settings: Settings | None = None) -> S3Destination:
        """Return the destination that ``text`` names; nothing is connected to yet. Raises UsageError."""
        return cls(parse(text), settings)

    def folder(self, version: Version) -> Path | None:
        """Return None: the releases are not on this machine."""

    def check(self) -> None:
        """See that files can be written, and not overwritten. Raises DestinationError."""
        probe.check(self._bucket)

    def holds(self, staged: StagedRelease) -> bool:
        """Compare the manifests; see :class:`..protocol.Destination`. Raises ConflictError."""
        version, offered = staged.manifest.version, to_json(staged.manifest)
        published = self.manifest_of(version)
        if published is None:
            self._check_claim(staged, self._bucket.read(claim_key(version)))
            return False
        if published != offered:
            raise ConflictError(
                f"{version} is published in {self.name} with another {_difference(published, staged.manifest)}",
                "a published version is never changed: raise the version",
            )
        return True

    @contextmanager
    def staging(self, staged: StagedRelease, meter: Meter) -> Iterator[Staging]:
        """Claim the version and bring its files; see :class:`..protocol.Destination`."""
        if self.holds(staged):
            yield AlreadyThere()
            return
        files = self._files(staged)
        self._claim(staged)
        self._bring(staged.manifest.version, files, meter)
        yield Pending(lambda: self._commit(staged))

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Write a small file by compare-and-swap; see :class:`..protocol.Destination`."""
        return swap(self._bucket, key, expected, data)

    def attest(self, manifest: Manifest, name: str, data: bytes) -> None:
        """Put a file beside a release; see :class:`..protocol.Destination`."""
        self.swap(release_key(manifest.version, name), None, data)

    def check_images(self, manifest: Manifest) -> None:
        """Do nothing, as :meth:`sign_images` does."""

    def sign_images(self, manifest: Manifest, signer: Signer) -> tuple[str, ...]:
        """Do nothing: its images are layouts, and release.json, which SHA256SUMS lists, names them."""
        return ()

    def tag(self, name: str, manifest: Manifest) -> None:
        """Do nothing: a bucket has no tags."""

    def abandon(self, version: Version) -> bool:
        """Remove what an unfinished publish left; see :class:`..protocol.Destination`."""
        return abandon.abandon(self._bucket, version)

    def _files(self, staged: StagedRelease) -> dict[str, LocalFile]:
        """Digest what is to be brought: from here on, nothing but these bytes gets there."""
        others = (manifest.NAME, *attestations.NAMES)
        names = [name for name in tree.files(staged.directory, VerificationError) if name not in others]
        try:
            files = {name: local.read(staged.directory / name, self._settings) for name in names}
        except OSError as error:
            raise VerificationError(f"{error.filename} cannot be read: {error.strerror}", "stage it again") from error
        if to_json(verify(staged.directory)) != to_json(staged.manifest):
            raise VerificationError(f"{staged.directory} changed while it was published", "run again")
        return files

    def _claim(self, staged: StagedRelease) -> None:
        version = staged.manifest.version
        key, data = claim_key(version), claim.to_json(version, _digest(staged))
        if not swap(self._bucket, key, None, data):
            self._check_claim(staged, self._bucket.read(key))

    def _check_claim(self, staged: StagedRelease, data: bytes | None) -> None:
        if data is not None:
            claim.check(data, staged.manifest.version, _digest(staged), self.name)

    def _bring(self, version: Version, files: dict[str, LocalFile], meter: Meter) -> None:
        meter.expect(sum(file.size for file in files.values()))
        there = frozenset(self._bucket.below(release_key(version, "")))

        def one(name: str) -> None:
            bring(self._bucket, release_key(version, name), files[name], meter, there=name in there)

        in_parallel([partial(one, name) for name, file in files.items() if not file.parts], self._settings.jobs)
        # One after the other: their parts go in parallel.
        for name, file in files.items():
            if file.parts:
                one(name)

    def _commit(self, staged: StagedRelease) -> Outcome:
        version = staged.manifest.version
        current = self._bucket.read(claim_key(version))
        if current is None:
            raise DestinationError(f"{version} in {self.name} was abandoned while it was published", "run again")
        self._check_claim(staged, current)
        if swap(self._bucket, release_key(version, manifest.NAME), None, to_json(staged.manifest)):
            return Outcome.PUBLISHED
        self.holds(staged)
        return Outcome.UNCHANGED


def _digest(staged: StagedRelease) -> str:
    return digest_of_bytes(to_json(staged.manifest)).sha256


def _difference(published: bytes, offered: Manifest) -> str:
    """Name the first artifact that differs, and how."""
    try:
        there = {artifact.name: artifact.digest for artifact in from_json(published).artifacts}
    except VerificationError:
        there = {}
    here = {artifact.name: artifact.digest for artifact in offered.artifacts}
    for name in sorted(there.keys() | here.keys()):
        if there.get(name) != here.get(name):
            return f"{name}: {there.get(name, 'none')} there, {here.get(name, 'none')} here"
    return f"{manifest.NAME}: {digest_of_bytes(published)} there, {digest_of_bytes(to_json(offered))} here"
