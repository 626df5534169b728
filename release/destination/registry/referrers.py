"""What points to a manifest with ``subject`` (distribution-spec 1.1, "Listing Referrers", "Referrers Tag Schema")."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ... import canonical
from ...errors import DestinationError, VerificationError
from ...oci.image import INDEX
from . import manifests
from .client import Client, Request
from .manifests import Document

_ATTEMPTS = 20

_Listed = list[dict[str, Any]]


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
    there = descriptor["digest"]
    _relist(
        client,
        repository,
        subject,
        lambda listed: listed if any(one.get("digest") == there for one in listed) else [*listed, descriptor],
    )


def detach(client: Client, repository: str, subject: str, digest: str) -> None:
    """Take the manifest ``digest``, which no tag names any more, out of the list of what refers to ``subject``.

    Where the registry keeps the list itself, the manifest must be deleted for that; one that deletes nothing goes on
    listing it, and that is no error. Raises DestinationError as :func:`attach` does.
    """
    listed_here = _relist(
        client, repository, subject, lambda listed: [one for one in listed if one.get("digest") != digest]
    )
    if not listed_here:
        with suppress(DestinationError):
            manifests.remove(client, repository, digest)


def referrers(client: Client, repository: str, subject: str) -> _Listed:
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


def _relist(client: Client, repository: str, subject: str, change: Callable[[_Listed], _Listed]) -> bool:
    """Change the list under the tag of ``subject`` until it stays so; tell whether it was another before."""
    tag = fallback_tag(subject)
    for attempt in range(_ATTEMPTS):
        listed = _tagged(client, repository, tag)
        wanted = change(listed)
        if wanted == listed:
            return attempt > 0
        if attempt:
            time.sleep(random.uniform(0, 0.1 * attempt))  # noqa: S311 - so that two writers part
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": wanted}
        manifests.put(client, repository, tag, Document(media_type=INDEX, data=canonical.dumps(index)))
    raise DestinationError(f"the tag {tag} of {client.registry}/{repository} changes all the time", "run again")


def _tagged(client: Client, repository: str, tag: str) -> _Listed:
    document = manifests.get(client, repository, tag)
    return [] if document is None else _listed(document.data, f"{client.registry}/{repository}:{tag}")


def _listed(data: bytes, where: str) -> _Listed:
    try:
        listed = canonical.loads(data)["manifests"]
        return [dict(descriptor) for descriptor in listed]
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationError(f"{where} is no list of referrers", "see what was written there") from error
