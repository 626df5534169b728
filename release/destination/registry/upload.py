"""Pushing a blob (distribution-spec 1.1, "Pushing Blobs"): whole, or in chunks that go on where they stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import httpx

from ...errors import DestinationError, TransientError
from ...transfer import Meter
from . import blobs
from .client import Client, Reply, Request
from .content import Content
from .failures import codes, plain, refusal

_RANGE = re.compile(r"(?:bytes=)?0-([0-9]+)")
_DAMAGED = frozenset({"DIGEST_INVALID", "SIZE_INVALID"})


def push(client: Client, repository: str, content: Content, chunk: int, meter: Meter) -> None:
    """Bring ``content`` to ``repository`` unless it is there; the registry checks its digest.

    More than ``chunk`` bytes go in chunks. Raises DestinationError, and VerificationError when the
    bytes at hand are not what their digest says.
    """
    upload = _Upload(client, repository, content, chunk, meter)
    # One step a time, so that each may fail a few times: a large blob has many. A blob that is damaged
    # on its way again and again is started anew until the retrier's budget is spent.
    while not upload.done:
        client.retry(upload.step)


def check(client: Client, repository: str) -> None:
    """Begin an upload and cancel it. Raises DestinationError when nothing can be pushed to ``repository``."""
    url = f"/v2/{repository}/blobs/uploads/"
    headers = {"Content-Length": "0"}
    begun = client.ask(
        Request(method="POST", repository=repository, url=url, headers=headers, good=frozenset({202}))
    ).location()
    if begun is not None:
        # Cancelling is a courtesy ("Cancelling a blob upload"): what is left there goes away by itself.
        with suppress(DestinationError):
            client.once(Request(method="DELETE", repository=repository, url=begun, good=frozenset({204, 404, 405})))


class _Upload:
    """One blob on its way: ``_location`` is where the registry takes it, ``_offset`` how much it has."""

    def __init__(self, client: Client, repository: str, content: Content, chunk: int, meter: Meter) -> None:
        self.done = False
        self._client = client
        self._repository = repository
        self._content = content
        self._size = content.digest.size
        self._chunk = chunk
        self._meter = meter
        self._location: str | None = None
        self._offset = 0
        self._counted = 0
        self._unsure = False

    def step(self) -> None:
        """Send the next part. After a TransientError the next step finds out first what arrived."""
        if self._location is not None and self._unsure:
            self._ask()
        if self._location is None:
            self._start()
        if self._location is None:
            return
        self._unsure = True
        if self._size <= self._chunk or self._offset == self._size:
            self._finish(self._location)
        else:
            self._append(self._location)
        self._unsure = False

    def _start(self) -> None:
        """Open an upload, unless the blob is there: an answer that got lost may have said so."""
        if blobs.holds(self._client, self._repository, self._content.digest):
            self._count(self._size)
            self.done = True
            return
        self._arrived(0)
        url = f"/v2/{self._repository}/blobs/uploads/"
        reply = self._send("POST", url, start=0, size=0, good={202})
        self._location = self._place(reply)
        # distribution-spec 1.1, "Pushing a blob in chunks": no chunk but the last may be smaller.
        least = reply.headers.get("oci-chunk-min-length", "")
        self._chunk = max(self._chunk, int(least) if least.isdecimal() else 0)

    def _ask(self) -> None:
        """Ask how much arrived; where that is not to be had, start anew."""
        place = str(self._location)
        self._location = None
        if self._size <= self._chunk:
            return
        reply = self._send("GET", place, start=0, size=0, good={204, *range(400, 500)} - {401, 403, 408, 429})
        offset = _offset(reply)
        if reply.status == 204 and offset is not None and offset <= self._size:
            self._location = self._place(reply, place)
            self._arrived(offset)

    def _append(self, place: str) -> None:
        size = min(self._chunk, self._size - self._offset)
        reply = self._send("PATCH", place, start=self._offset, size=size, good={202, 404, 416})
        if reply.status != 202:
            # Forgotten, or not where we think: ask.
            raise TransientError(f"{self._where} lost an upload ({reply.status})", "run again")
        self._location = self._place(reply, place)
        offset = _offset(reply)
        self._arrived(self._offset + size if offset is None else offset)

    def _finish(self, place: str) -> None:
        whole = self._offset == 0
        url = str(httpx.URL(place).copy_merge_params({"digest": self._content.digest.sha256}))
        reply = self._send("PUT", url, start=0, size=self._size if whole else 0, good={201, 204, 400, 404, 416})
        damaged = bool(codes(reply.data) & _DAMAGED)
        if damaged and not self._content.is_whole():
            raise self._content.changed()
        if damaged or reply.status in (404, 416):
            self._location = None
            what = "received other bytes than were sent" if damaged else f"lost an upload ({reply.status})"
            raise TransientError(f"{self._where} {what}", "run again")
        if reply.status == 400:
            raise refusal(self._where, self._client.registry, reply.status, reply.headers, reply.data)
        self._arrived(self._size)
        self.done = True

    def _send(self, method: str, url: str, *, start: int, size: int, good: set[int]) -> Reply:
        headers = {"Content-Length": str(size)} if method != "GET" else {}
        if size:
            headers["Content-Type"] = "application/octet-stream"
        if method == "PATCH":
            headers["Content-Range"] = f"{start}-{start + size - 1}"
        request = Request(
            method=method,
            repository=self._repository,
            url=url,
            headers=headers,
            body=(lambda: self._metered(start, size)) if size else None,
            good=frozenset(good),
        )
        return self._client.once(request)

    def _metered(self, start: int, size: int) -> Iterator[bytes]:
        # Not all of it for the first time: a registry may ask who we are once more.
        self._count(start)
        for piece in self._content.pieces(start, size):
            yield piece
            self._count(self._counted + len(piece))

    def _arrived(self, offset: int) -> None:
        self._offset = offset
        self._count(offset)

    def _count(self, reached: int) -> None:
        self._meter.advance(reached - self._counted)
        self._counted = reached

    def _place(self, reply: Reply, before: str | None = None) -> str:
        location = reply.location() or before
        if location is None:
            raise DestinationError(f"{self._where} does not say where to upload to", "ask who runs the registry")
        return location

    @property
    def _where(self) -> str:
        return plain(f"{self._client.registry}/{self._repository}")


def _offset(reply: Reply) -> int | None:
    """Return how many bytes the registry has. ``0-0`` stands for none: we send no chunk of one byte."""
    found = _RANGE.fullmatch(reply.headers.get("range", ""))
    if found is None:
        return None
    last = int(found[1])
    return last + 1 if last else 0
