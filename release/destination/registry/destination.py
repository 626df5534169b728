"""A container registry as a destination. The tag of the version in ``tesseral-release`` makes a release visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from ... import manifest
from ...checksums import digest_of_bytes
from ...errors import ConflictError, DestinationError, VerificationError
from ...manifest import Image, Manifest
from ...signing import Signer
from ...staged import StagedRelease
from ...transfer import Meter
from ...version import Version
from .. import claim, documents
from ..protocol import Outcome, Staging
from ..staging import AlreadyThere, Pending
from . import blobs, claiming, manifests, pushing, signatures, upload
from .artifact import Descriptor, release_artifact
from .claiming import Claim
from .difference import first_difference
from .origin import RegistryOrigin
from .plan import Placed, Plan, plan
from .reference import Reference, parse
from .settings import Settings


class RegistryDestination(RegistryOrigin):
    """Images in repositories below ``reference``, and beside them ``tesseral-release``."""

    browsable = False

    def __init__(self, reference: Reference, settings: Settings | None = None) -> None:
        super().__init__(reference, settings or Settings())

    @classmethod
    def named(cls, text: str) -> Self:
        """Return the destination that ``oci://registry[:port]/prefix`` names. Raises UsageError."""
        return cls(parse(text))

    def folder(self, version: Version) -> Path | None:
        """Return None: releases are not on this machine."""
        return None

    def check(self) -> None:
        """Begin an upload and give it up. Raises DestinationError."""
        upload.check(self._client, self._home)

    def holds(self, staged: StagedRelease) -> bool:
        """Compare ``staged`` with what is published; see :class:`..protocol.Destination`.

        A release whose images have lost a tag is not held: publishing it again restores the tag.
        """
        published, tagged = self._is_published(staged.manifest), self._is_tagged(staged.manifest)
        return published and tagged

    @contextmanager
    def staging(self, staged: StagedRelease, meter: Meter) -> Iterator[Staging]:
        """Claim the version, then bring everything there by digest; see :class:`..protocol.Destination`."""
        ours = staged.manifest
        published, tagged = self._is_published(ours), self._is_tagged(ours)
        if published and tagged:
            yield AlreadyThere()
            return
        work = plan(staged, self._reference)
        # One that is published lacks a tag: its version is taken, and by these very bytes.
        mine = (
            None if published else Claim(self._records, ours.version, _digest(ours), self.name, self._settings.settle)
        )
        if mine is not None:
            mine.take()
        pushing.push(self._client, work, self._settings, meter)
        if mine is not None:
            mine.confirm()
        yield Pending(lambda: self._commit(str(ours.version), work, mine))

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Write a small file if it still holds ``expected``; see :class:`..protocol.Destination`.

        Not atomic, as a registry has no conditional write: between the look and the write another's
        may be lost. It is read back, so that of two writers the first one mostly learns of it.
        """
        if self.document(key) != expected:
            return False
        prepared = self._records.prepare(key, data)
        # Once more, as close to the write as can be.
        if self.document(key) != expected:
            return False
        self._records.put(prepared)
        return self.document(key) == data

    def attest(self, manifest: Manifest, name: str, data: bytes) -> None:
        """Put an attestation under a tag, as a referrer of the release; see :class:`..protocol.Destination`."""
        key = documents.release_key(manifest.version, name)
        if self._records.read(key) is None:
            release = release_artifact(manifest).document()
            subject = Descriptor(media_type=release.media_type, digest=release.digest)
            self._records.put(self._records.prepare(key, data, subject))

    def check_images(self, manifest: Manifest) -> None:
        """Read the signatures of each image; see :class:`..protocol.Destination`."""
        for image in manifest.images:
            signatures.check(self._client, self._reference.repository(image.name), image.digest)

    def sign_images(self, manifest: Manifest, signer: Signer) -> tuple[str, ...]:
        """Sign each image in cosign's form, beside the signatures of others; see :class:`..protocol.Destination`."""
        return tuple(
            image.name
            for image in manifest.images
            if signatures.sign(self._client, self._reference.repository(image.name), image.digest, signer)
        )

    def tag(self, name: str, manifest: Manifest) -> None:
        """Let the tag ``name`` of each image point at the image of ``manifest``."""
        for image in manifest.images:
            repository = self._reference.repository(image.name)
            current = manifests.get(self._client, repository, name)
            if current is not None and current.digest.sha256 == image.digest:
                continue
            document = manifests.get(self._client, repository, image.digest)
            if document is None:
                raise VerificationError(
                    f"{self._client.registry}/{repository} does not hold {image.digest}", "publish it first"
                )
            pushing.set_tag(self._client, Placed(repository=repository, document=document), name)

    def abandon(self, version: Version) -> bool:
        """Remove the claim on ``version`` and the tags its publisher gave to images.

        Raises ConflictError when it is published, DestinationError when the registry keeps such a tag.
        """
        if self.manifest_of(version) is not None:
            raise ConflictError(f"{version} is published in {self.name}", "yank it instead")
        claimed = claiming.claimed(self._records, version)
        if claimed is None:
            return False
        # The claim goes last: until then the same command can be run again.
        for image in self._claimed_images(claimed):
            repository = self._reference.repository(image.name)
            found = manifests.get(self._client, repository, str(version))
            if found is None or found.digest.sha256 != image.digest:
                continue
            if not manifests.remove(self._client, repository, str(version)):
                raise DestinationError(
                    f"{self._client.registry} deletes nothing, and {repository} has the tag {version}",
                    "delete that tag in the registry and run again, or raise the version",
                )
        claiming.give_up(self._records, version)
        return True

    def _commit(self, tag: str, work: Plan, mine: Claim | None) -> Outcome:
        if mine is not None:
            mine.confirm()
        new = pushing.tag_all(self._client, work.tops, tag)
        return Outcome.PUBLISHED if new else Outcome.UNCHANGED

    def _is_published(self, ours: Manifest) -> bool:
        """Raises ConflictError when the version is published, or claimed, with other bytes."""
        published = self.manifest_of(ours.version)
        if published is None:
            data = claiming.claimed(self._records, ours.version)
            if data is not None:
                claim.check(data, ours.version, _digest(ours), self.name)
        elif published != manifest.to_json(ours):
            raise ConflictError(
                f"{ours.version} is published in {self.name} with another {first_difference(published, ours)}",
                "a published version is never changed: raise the version",
            )
        return published is not None

    def _is_tagged(self, ours: Manifest) -> bool:
        """Tell whether each image has the tag of the version. Raises ConflictError when one names another image."""
        # Each is looked at: any may be another's.
        tagged = [
            pushing.is_tagged(self._client, self._reference.repository(image.name), str(ours.version), image.digest)
            for image in ours.images
        ]
        return all(tagged)

    def _claimed_images(self, claimed: bytes) -> tuple[Image, ...]:
        """Return the images of an unfinished release. Its ``release.json`` is there before any tag is."""
        digest = claiming.claimed_manifest(claimed)
        data = None if digest is None else blobs.read(self._client, self._home, digest, documents.LARGEST)
        return () if data is None else manifest.from_json(data).images


def _digest(ours: Manifest) -> str:
    return digest_of_bytes(manifest.to_json(ours)).sha256
