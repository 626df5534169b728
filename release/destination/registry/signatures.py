"""The signatures of images, each beside its image, under the tag where cosign looks for them."""

from __future__ import annotations

from ...errors import DestinationError, VerificationError
from ...oci.image import MANIFEST
from ...signing import Signer, cosign
from ...transfer import SILENT
from . import blobs, manifests, upload
from .client import Client
from .content import content_of
from .manifests import Document

_ATTEMPTS = 5
_LARGEST_BLOB = 2**20


def check(client: Client, repository: str, digest: str) -> None:
    """Raise VerificationError when no signature can be added to those of the image ``digest``."""
    _read(client, repository, digest)


def sign(client: Client, repository: str, digest: str, signer: Signer) -> bool:
    """Add a signature to those of the image ``digest`` unless it is there; tell whether it was not.

    A registry has no conditional write: what another wrote in the same moment may be lost, but ours is read back, and
    added again then. Raises SigningError, DestinationError and what :func:`check` raises.
    """
    name = f"{client.registry}/{repository}"
    for attempt in range(_ATTEMPTS):
        found, there = _read(client, repository, digest)
        if there.has(signer.public_key, digest, name):
            return attempt > 0
        image = cosign.sign(signer, digest, name, there)
        for data in (image.config, image.payload):
            upload.push(client, repository, content_of(data), len(data), SILENT)
        # Once more, as close to the write as can be.
        if manifests.get(client, repository, image.tag) == found:
            media_type = MANIFEST if found is None else found.media_type
            manifests.put(client, repository, image.tag, Document(media_type=media_type, data=image.manifest))
    raise DestinationError(f"the tag {cosign.tag_of(digest)} of {name} changes all the time", "run again")


def _read(client: Client, repository: str, digest: str) -> tuple[Document | None, cosign.Signatures]:
    """Return what is under the tag for the signatures of an image, and what that says."""
    tag = cosign.tag_of(digest)
    place = f"{client.registry}/{repository}:{tag}"

    def blob(name: str) -> bytes:
        data = blobs.read(client, repository, name, _LARGEST_BLOB)
        if data is None:
            raise VerificationError(f"{place} has lost {name}", "delete that tag if nobody needs it")
        return data

    found = manifests.get(client, repository, tag)
    return found, cosign.NONE if found is None else cosign.parse(found.data, blob, place)
