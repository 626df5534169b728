"""Requests to one registry: authorized, redirected, retried, their failures told as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx

from ...errors import DestinationError, VerificationError
from ...transfer import Retrier
from .auth import Authorizer, challenges
from .failures import refusal, told
from .reference import Reference, is_loopback
from .settings import Settings

LARGEST_MANIFEST = 2**22
"""Bytes of a manifest at most; distribution-spec 1.1, "Pushing Manifests", asks registries for as much."""

_LARGEST_ERROR = 2**16
_HOPS = 5
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request about ``repository``.

    ``url`` is absolute, or a path on the registry. ``body`` is made anew for each attempt; its length
    must be in ``headers``. ``good``: statuses that are an answer; all others are failures.
    """

    method: str
    repository: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Iterable[bytes]] | None = None
    good: frozenset[int] = frozenset({200})


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that was read in whole; addresses in it are relative to ``url``."""

    url: httpx.URL
    status: int
    headers: Mapping[str, str]
    data: bytes

    def location(self) -> str | None:
        """Return where the answer sends us, None when it does not."""
        value = self.headers.get("location")
        return None if value is None else self.absolute(value)

    def absolute(self, address: str) -> str:
        """Make an address in the answer absolute. Raises DestinationError for what is none."""
        return str(_joined(self.url, address))


class Client:
    """The registry of ``reference``; usable from several threads."""

    def __init__(self, reference: Reference, settings: Settings) -> None:
        self.registry = reference.registry
        self.retry = Retrier(settings.retry)
        self._base = httpx.URL(reference.url)
        self._http = httpx.Client(
            timeout=httpx.Timeout(settings.timeout, connect=min(_CONNECT_SECONDS, settings.timeout), pool=None),
            # Digests are of bytes as they are stored.
            headers={"User-Agent": "tesseral-release", "Accept-Encoding": "identity"},
        )
        self._authorizer = Authorizer(reference, self._http)

    def ask(self, request: Request, largest: int = LARGEST_MANIFEST) -> Reply:
        """Send ``request``, again where that may help, and read the answer.

        Raises DestinationError, and VerificationError for an answer of more than ``largest`` bytes.
        """
        return self.retry(lambda: self.once(request, largest))

    def once(self, request: Request, largest: int = LARGEST_MANIFEST) -> Reply:
        """Send ``request`` one time. Raises as :meth:`ask`, TransientError where another try may help."""
        with self.open(request) as response, told(self.registry):
            return Reply(
                url=response.url,
                status=response.status_code,
                headers=response.headers,
                data=_read(response, largest, self._place(request)),
            )

    @contextmanager
    def open(self, request: Request) -> Iterator[httpx.Response]:
        """Send ``request`` one time, the answer's body still to be read with :func:`pieces`."""
        with ExitStack() as stack:
            with told(self.registry):
                response = self._redirected(request, self._authorized(request))
                stack.callback(response.close)
                if response.status_code not in request.good:
                    body = _head(response)
                    raise refusal(self._place(request), self.registry, response.status_code, response.headers, body)
            yield response

    def pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """Read the body. Raises TransientError when it ends early."""
        with told(self.registry):
            yield from response.iter_raw()

    def _authorized(self, request: Request) -> httpx.Response:
        url = _joined(self._base, request.url)
        if not self._is_ours(url):
            # An upload may go elsewhere; who we are stays between us and the registry.
            return self._send(request, url, None)
        known = self._authorizer.header(request.repository, request.method)
        response = self._send(request, url, known)
        if response.status_code != 401:
            return response
        asked = challenges(response.headers.get_list("www-authenticate"))
        with ExitStack() as stack:
            stack.callback(response.close)
            fresh = self._authorizer.answer(request.repository, request.method, asked, known)
            if fresh is None:
                stack.pop_all()
                return response
        return self._send(request, url, fresh)

    def _redirected(self, request: Request, response: httpx.Response) -> httpx.Response:
        """Follow where a registry keeps its blobs elsewhere: such an address carries its own permission."""
        for _ in range(_HOPS):
            if request.method not in ("GET", "HEAD") or not response.has_redirect_location:
                break
            response.close()
            url = _joined(response.url, response.headers["location"])
            known = self._authorizer.header(request.repository, request.method) if self._is_ours(url) else None
            response = self._send(request, url, known)
        return response

    def _send(self, request: Request, url: httpx.URL, authorization: str | None) -> httpx.Response:
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host) and self._is_local):
            raise DestinationError(
                f"{self.registry} sends us to {url.scheme}://{url.host}, which is not encrypted",
                "ask who runs the registry to correct its own address",
            )
        headers = dict(request.headers) | ({} if authorization is None else {"Authorization": authorization})
        content = None if request.body is None else request.body()
        return self._http.send(
            self._http.build_request(request.method, url, headers=headers, content=content), stream=True
        )

    def _is_ours(self, url: httpx.URL) -> bool:
        return (url.scheme, url.host, url.port) == (self._base.scheme, self._base.host, self._base.port)

    @property
    def _is_local(self) -> bool:
        return is_loopback(self._base.host)

    def _place(self, request: Request) -> str:
        return f"{self.registry}/{request.repository}"


def _joined(base: httpx.URL, address: str) -> httpx.URL:
    try:
        return base.join(address)
    except httpx.InvalidURL as error:
        raise DestinationError(f"{base.host} sends us to {address[:200]!r}", "ask who runs the registry") from error


def _read(response: httpx.Response, largest: int, place: str) -> bytes:
    data = bytearray()
    for piece in response.iter_raw():
        data += piece
        if len(data) > largest:
            raise VerificationError(f"{place} answers with more than {largest} bytes", "look at what is there")
    return bytes(data)


def _head(response: httpx.Response) -> bytes:
    """Read the start of an error's body, as far as it comes."""
    data = b""
    try:
        for piece in response.iter_raw():
            data += piece
            if len(data) > _LARGEST_ERROR:
                break
    except httpx.TransportError:
        pass  # The status says enough.
    return data[:_LARGEST_ERROR]
