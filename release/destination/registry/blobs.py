"""Reading blobs: bytes by digest (distribution-spec 1.1, "Pulling blobs")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from ...checksums import Digest, digest_of_bytes
from ...errors import DestinationError, TransientError, VerificationError
from .client import Client, Request
from .manifests import ACCEPT

_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/.*")
_FOUND = frozenset({200, 404})


def holds(client: Client, repository: str, digest: Digest) -> bool:
    """Tell whether the blob is there. Raises VerificationError when what is there has another size or digest."""
    request = Request(method="HEAD", repository=repository, url=_path(repository, digest.sha256), good=_FOUND)
    reply = client.ask(request)
    if reply.status == 404:
        return False
    # Both headers may be left out; what they say must be true.
    size = reply.headers.get("content-length", str(digest.size))
    name = reply.headers.get("docker-content-digest", digest.sha256)
    if (size, name) != (str(digest.size), digest.sha256):
        raise VerificationError(
            f"{client.registry}/{repository} has {digest.sha256} as {name} with {size} bytes, not {digest.size}",
            "ask who runs the registry",
        )
    return True


def read(client: Client, repository: str, digest: str, largest: int) -> bytes | None:
    """Return a small blob, None when it is not there.

    Raises VerificationError for other bytes than ``digest`` says, and for more than ``largest``.
    """
    request = Request(method="GET", repository=repository, url=_path(repository, digest), good=_FOUND)
    reply = client.ask(request, largest)
    if reply.status == 404:
        return None
    found = digest_of_bytes(reply.data).sha256
    if found != digest:
        raise VerificationError(
            f"{client.registry}/{repository} gives {len(reply.data)} bytes with the digest {found} for {digest}",
            "run again; if it stays, ask who runs the registry",
        )
    return reply.data


@contextmanager
def opened(client: Client, repository: str, paths: tuple[str, ...], start: int) -> Iterator[Iterator[bytes]]:
    """Read the first of ``paths`` that is there from byte ``start``.

    Raises DestinationError when none is, and TransientError, also while reading, when the rest can be
    asked for again.
    """
    with ExitStack() as stack:
        for path in paths:
            response = client.retry(lambda path=path: _get(client, repository, path, start, stack))  # type: ignore[misc]
            if response is not None:
                break
        else:
            raise DestinationError(f"{client.registry}/{repository} does not hold {paths[0]}", "fetch another version")
        yield iter(()) if response.status_code == 416 else _from(client, response, start)


def paths(repository: str, digest: str) -> tuple[str, ...]:
    """Return where an object of an image layout can be: an index or a manifest is no blob in a registry."""
    return _path(repository, digest), f"/v2/{repository}/manifests/{digest}"


def _get(client: Client, repository: str, path: str, start: int, stack: ExitStack) -> httpx.Response | None:
    headers = {"Accept": ACCEPT} | ({"Range": f"bytes={start}-"} if start else {})
    good = _FOUND | {206} | ({416} if start else frozenset())
    request = Request(method="GET", repository=repository, url=path, headers=headers, good=good)
    with ExitStack() as attempt:
        response = attempt.enter_context(client.open(request))
        if response.status_code == 404:
            return None
        # All there is was read before: there is no range to give.
        if response.status_code == 416 and response.headers.get("content-range", "") != f"bytes */{start}":
            raise DestinationError(f"{client.registry}{path} has no byte {start}", "fetch it from the start")
        stack.enter_context(attempt.pop_all())
        return response


def _from(client: Client, response: httpx.Response, start: int) -> Iterator[bytes]:
    """Read on from ``start``; a server need not know ranges and may send everything."""
    skip = start
    if response.status_code == 206:
        given = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if given is None or int(given[1]) != start:
            raise TransientError(f"{client.registry} gives another range than from {start} on", "run again")
        skip = 0
    for piece in client.pieces(response):
        rest = piece[skip:]
        skip -= len(piece) - len(rest)
        if rest:
            yield rest


def _path(repository: str, digest: str) -> str:
    return f"/v2/{repository}/blobs/{digest}"
