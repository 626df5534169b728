"""Manifests and indexes, by digest or by tag (distribution-spec 1.1), byte for byte as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...checksums import Digest, digest_of_bytes
from ...errors import DestinationError, TransientError, VerificationError
from ...oci.image import INDEX, MANIFEST
from .client import Client, Request
from .failures import codes, refusal

ACCEPT = ", ".join((INDEX, MANIFEST, "*/*;q=0.1"))
"""What we read: a registry may answer 404 to who does not name a manifest's type."""

_NEXT = re.compile(r'<([^>]*)>\s*;(?:[^,]*;)?\s*rel="?next"?')
_PASSING = frozenset(
    {"BLOB_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID", "MANIFEST_UNKNOWN"}
)
_PAGE = 1000
_LARGEST_PAGE = 2**24


@dataclass(frozen=True, kw_only=True)
class Document:
    """A manifest or an index."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> Digest:
        """What the bytes are."""
        return digest_of_bytes(self.data)


def get(client: Client, repository: str, reference: str) -> Document | None:
    """Return what ``reference`` (a tag or a digest) names, None when it is not there.

    Raises VerificationError when the bytes are not what a digest in the reference, or in the answer,
    says.
    """
    request = Request(
        method="GET",
        repository=repository,
        url=_path(repository, reference),
        headers={"Accept": ACCEPT},
        good=frozenset({200, 404}),
    )
    reply = client.ask(request)
    if reply.status == 404:
        return None
    document = Document(media_type=reply.headers.get("content-type", "").partition(";")[0], data=reply.data)
    wanted = reference if ":" in reference else reply.headers.get("docker-content-digest", document.digest.sha256)
    if document.digest.sha256 != wanted:
        raise VerificationError(
            f"{client.registry}/{repository} gives {document.digest} for {wanted}",
            "run again; if it stays, ask who runs the registry",
        )
    return document


def exists(client: Client, repository: str, tag: str) -> bool:
    """Tell whether a tag names a manifest."""
    request = Request(
        method="HEAD",
        repository=repository,
        url=_path(repository, tag),
        headers={"Accept": ACCEPT},
        good=frozenset({200, 404}),
    )
    return client.ask(request).status == 200


def put(client: Client, repository: str, reference: str, document: Document) -> bool:
    """Write ``document`` under a tag or its digest; tell whether the registry keeps track of its ``subject``.

    What it says is in ``OCI-Subject`` (distribution-spec 1.1, "Pushing Manifests with Subject").
    """
    data, digest = document.data, document.digest.sha256
    request = Request(
        method="PUT",
        repository=repository,
        url=_path(repository, reference),
        headers={"Content-Type": document.media_type, "Content-Length": str(len(data))},
        body=lambda: iter((data,)),
        good=frozenset({201, 400, 404}),
    )

    def attempt() -> bool:
        reply = client.once(request)
        place = f"{client.registry}/{repository}"
        if reply.status != 201:
            refused = refusal(place, client.registry, reply.status, reply.headers, reply.data)
            # The bytes were damaged on their way, or what they refer to is there, and not seen yet.
            if codes(reply.data) & _PASSING:
                raise TransientError(refused.problem, refused.next_step)
            raise refused
        taken = reply.headers.get("docker-content-digest", digest)
        if taken != digest:
            raise TransientError(f"{place} took {taken} for {digest}", "run again")
        return "oci-subject" in reply.headers

    return client.retry(attempt)


def remove(client: Client, repository: str, tag: str) -> bool:
    """Remove a tag, or the manifest it names; tell whether it is gone: many registries delete nothing."""
    document = get(client, repository, tag)
    if document is None:
        return True
    # "Deleting tags" is new in 1.1; before, a manifest could be deleted by its digest only.
    for reference in (tag, document.digest.sha256):
        request = Request(
            method="DELETE",
            repository=repository,
            url=_path(repository, reference),
            good=frozenset({200, 202, 204, 400, 404, 405}),
        )
        if client.ask(request).status < 300:
            break
    return get(client, repository, tag) is None


def tags(client: Client, repository: str) -> Iterator[str]:
    """Yield all tags ("Listing Tags"), page by page; none for a repository that is not there."""
    url: str | None = f"/v2/{repository}/tags/list?n={_PAGE}"
    visited: set[str] = set()
    while url is not None and url not in visited:
        visited.add(url)
        request = Request(method="GET", repository=repository, url=url, good=frozenset({200, 404}))
        reply = client.ask(request, _LARGEST_PAGE)
        if reply.status == 404:
            return
        try:
            page: Any = json.loads(reply.data)["tags"] or ()
        except (KeyError, TypeError, ValueError) as error:
            raise DestinationError(
                f"{client.registry}/{repository} does not list its tags", "check that it is a registry"
            ) from error
        yield from (str(tag) for tag in page)
        following = _NEXT.search(reply.headers.get("link", ""))
        url = None if following is None else reply.absolute(following[1])


def _path(repository: str, reference: str) -> str:
    return f"/v2/{repository}/manifests/{reference}"
