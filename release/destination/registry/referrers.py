"""What points to a manifest with ``subject`` (distribution-spec 1.1, "Listing Referrers", "Referrers Tag Schema")."""

from __future__ import annotations

import random
import re
import time
from typing import Any

from ... import canonical
from ...errors import DestinationError, VerificationError
from ...oci.image import INDEX
from . import manifests
from .client import Client, Request
from .manifests import Document

_ATTEMPTS = 20


def attach(client: Client, repository: str, subject: str, document: Document, artifact_type: str) -> None:
    """Write ``document``, whose ``subject`` has that digest, so that it is listed among the referrers.

    A registry that does not keep the list itself has it under a tag. That tag has no compare-and-swap:
    the list is merged and read back until it holds the document; of two writers at the very same
    time one may still take the other's entry away. Raises DestinationError.
    """
    if manifests.put(client, repository, document.digest.sha256, document):
        return
    descriptor = {
        "mediaType": document.media_type,
        "digest": document.digest.sha256,
        "size": document.digest.size,
        "artifactType": artifact_type,
    }
    tag = fallback_tag(subject)
    for attempt in range(_ATTEMPTS):
        listed = _tagged(client, repository, tag)
        if any(one.get("digest") == descriptor["digest"] for one in listed):
            return
        if attempt:
            time.sleep(random.uniform(0, 0.1 * attempt))  # noqa: S311 - so that two writers part
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*listed, descriptor]}
        manifests.put(client, repository, tag, Document(media_type=INDEX, data=canonical.dumps(index)))
    raise DestinationError(f"the tag {tag} of {client.registry}/{repository} changes all the time", "run again")


def referrers(client: Client, repository: str, subject: str) -> list[dict[str, Any]]:
    """Return the descriptors of what refers to the manifest with the digest ``subject``."""
    request = Request(
        method="GET",
        repository=repository,
        url=f"/v2/{repository}/referrers/{subject}",
        headers={"Accept": INDEX},
        good=frozenset({200, 404}),
    )
    reply = client.ask(request)
    if reply.status == 404:
        return _tagged(client, repository, fallback_tag(subject))
    return _listed(reply.data, f"{client.registry}/{repository}")


def fallback_tag(digest: str) -> str:
    """Return the tag of the list for ``digest``: ``sha256-<hex>``."""
    algorithm, _, value = digest.partition(":")
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{algorithm[:32]}-{value[:64]}")


def _tagged(client: Client, repository: str, tag: str) -> list[dict[str, Any]]:
    document = manifests.get(client, repository, tag)
    return [] if document is None else _listed(document.data, f"{client.registry}/{repository}:{tag}")


def _listed(data: bytes, where: str) -> list[dict[str, Any]]:
    try:
        listed = canonical.loads(data)["manifests"]
        return [dict(descriptor) for descriptor in listed]
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationError(f"{where} is no list of referrers", "see what was written there") from error
